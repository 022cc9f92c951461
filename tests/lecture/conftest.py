"""A session of the lecture: an IPython shell in this process, with the extension loaded."""

import sys

import pytest

from course_utils.lecture import modules


class Session:
    """Cells run one after the other as in a notebook; an error in one ends the test."""

    def __init__(self, shell):
        self.shell = shell

    def __call__(self, cell):
        """Run a cell; gives the value of its last line."""
        result = self.shell.run_cell(cell)
        result.raise_error()
        return result.result

    def __getitem__(self, name):
        return self.shell.user_ns[name]

    def figures(self, cell):
        """Run a cell; gives the figures that it leaves."""
        import matplotlib.pyplot as plt

        plt.close("all")
        self(cell)
        left = [plt.figure(number) for number in plt.get_fignums()]
        plt.close("all")
        return left


@pytest.fixture
def session(monkeypatch, tmp_path):
    """A shell whose current folder is the test's own."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell(config=config)
    run = Session(shell)
    run("%load_ext course_utils.lecture")
    yield run
    run("%unload_ext course_utils.lecture")
    shell.reset(new_session=False)
    assert not [name for name, module in sys.modules.items() if isinstance(module, modules.StandIn)]
