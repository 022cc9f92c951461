"""What every test shares: no screens, no networks' caches, no data or work folder but its own."""

import gc
import os
import shutil
import signal
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ["HF_HUB_OFFLINE"] = "1"  # read when the library is imported; no test waits for a network
if os.environ.setdefault("COURSE_DEVICE", "cpu") == "cpu":  # what a GPU computes differs in its last bits: `make test-gpu`
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # libraries that look for one by themselves find none
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests compute little: threads cost more than they help
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as for what a script starts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests press Ctrl-C, here and in processes that they start

INSTALL = {
    "libreoffice": ("soffice", "apt-get install libreoffice-calc"),
    "browser": ("chromium", "apt-get install chromium"),
    "spark": ("java", "apt-get install default-jre-headless"),
}

LONGEST_FIRST = ("browser/", "excel/test_recalculation", "tabular/", "vision/networks/", "excel/", "data/", "training/")
"""Files and folders below tests that take long: with several processes, one that started last would leave the others idle."""

IN_JUPYTERLAB = {f"tests/browser/test_{name}.py" for name in ("reopened", "try_your_own", "widgets")}
"""Files whose tests share a JupyterLab: one of several processes starts it, and runs them all."""


@pytest.fixture(autouse=True)
def own_data_folder(request, monkeypatch, tmp_path_factory):
    """Keep tests away from the data of whoever runs them, but for those on real data."""
    if "real_data" not in request.keywords and "COURSE_DATA" in os.environ:
        monkeypatch.setenv("COURSE_DATA", str(tmp_path_factory.mktemp("data")))


@pytest.fixture(autouse=True)
def own_work_folder(monkeypatch, tmp_path_factory):
    """Keep what tests make out of the home folder of whoever runs them."""
    monkeypatch.setenv("COURSE_WORK", str(tmp_path_factory.mktemp("work")))


@pytest.fixture
def ordinary_user(tmp_path_factory):
    """A block in which this process is an ordinary user's, who owns nothing; where it is one already it stays as it is.

    The folders above those of the tests are opened to everybody; a test's own folder is for the test to open.
    """
    above = tmp_path_factory.getbasetemp()
    while hasattr(os, "geteuid") and above != above.parent and above != Path(tempfile.gettempdir()):
        if above.stat().st_uid == os.geteuid():
            above.chmod(above.stat().st_mode | 0o711)
        above = above.parent

    @contextmanager
    def become(user=65534):
        if not hasattr(os, "setresuid") or os.geteuid() != 0:
            yield
            return
        os.setresuid(user, user, 0)
        try:
            yield
        finally:
            os.setresuid(0, 0, 0)

    return become


@pytest.fixture
def real_data():
    """The folder of real data that COURSE_DATA names."""
    return Path(os.environ["COURSE_DATA"])


def pytest_collection_modifyitems(config, items):
    """Put long files first; skip what this machine cannot run, saying what to install, but where COURSE_MUST_RUN names it."""
    items.sort(key=rank)
    must_run = os.environ.get("COURSE_MUST_RUN", "").split(",")
    folder = os.environ.get("COURSE_DATA", "")
    for item in items:
        for mark, (program, line) in INSTALL.items():
            if mark in item.keywords and shutil.which(program) is None and mark not in must_run:
                item.add_marker(pytest.mark.skip(reason=f"{program} is not installed: {line}"))
        if "gpu" in item.keywords and not _has_gpu():
            item.add_marker(pytest.mark.skip(reason="needs an NVIDIA GPU, where `make test-gpu` runs it"))
        if "real_data" in item.keywords and not (folder and Path(folder).is_dir()):
            item.add_marker(pytest.mark.skip(reason="needs real data: set COURSE_DATA to its folder, or `make test-real`"))


@cache
def _has_gpu():
    """Whether this process may compute on an NVIDIA GPU."""
    import torch

    return torch.cuda.is_available()


def pytest_collection_finish():
    """Leave what collecting brought (modules, thousands of tests) out of each garbage collection to come."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish():
    """What was left out is collected at the end, which some libraries check."""
    gc.unfreeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Where files are shared out between processes, share out those in `IN_JUPYTERLAB` as if they were one."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            file = super()._split_scope(nodeid)
            return "in JupyterLab" if file in IN_JUPYTERLAB else file

    return Scheduling(config, log)


def rank(item):
    """Where in `LONGEST_FIRST` the file of a test is; of two in the same place the order stays."""
    file = item.path.as_posix()
    here = Path(__file__).parent.as_posix()
    return next((i for i, start in enumerate(LONGEST_FIRST) if file.startswith(f"{here}/{start}")), len(LONGEST_FIRST))
