"""A session of the lecture: an IPython shell in this process, with the extension loaded."""

import sys

import numpy as np
import pytest
from PIL import Image

from course_utils.lecture import architectures, messages, modules


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
        for figure in left:
            figure.canvas.draw()  # as a notebook does below the cell
        plt.close("all")
        return left


@pytest.fixture
def session(monkeypatch, tmp_path):
    """A shell whose current folder is the test's own."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(architectures, "answers", lambda url: False)  # no test waits for a network
    monkeypatch.setattr(architectures, "_decided", {})
    monkeypatch.setattr(messages, "_said", set())
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


def draw(path, colour, seed, size=(50, 40), mode="RGB"):
    """A noisy picture in which one colour (0 red, 1 green, 2 blue) tells what it shows; several are mixed."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 110, (size[1], size[0], 3))
    for channel in np.atleast_1d(colour):
        pixels[..., channel] += rng.integers(90, 145)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).convert(mode).save(path)
