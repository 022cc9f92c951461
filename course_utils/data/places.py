"""Where data is on this machine: the data folder, the real datasets in it, and where stand-ins are drawn."""

import os
from collections.abc import Iterator
from pathlib import Path

import course_utils
from course_utils.data.catalog import Dataset
from course_utils.files import can_write, current_folder, named_folder
from course_utils.hosts import KAGGLE, host
from course_utils.work import spare_folder

__all__ = ["attached", "can_write", "data_folder", "find_real", "sample_folders", "shown", "why_data_folder", "why_not_real"]

KAGGLE_INPUT = Path("/kaggle/input")  # where a Kaggle notebook finds what Add Input gave it
_DEPTH, _MOST = 3, 200  # as in datasets/<owner>/<name>; folders that are looked at


def data_folder() -> Path:
    """Give the folder that holds the data: the one that `COURSE_DATA` names, else the project's `data`.

    Without `COURSE_DATA` it is the first of: a `data` folder with `notebooks` or a `pyproject.toml` beside it, looking from the
    current folder upwards; `data` in the checkout that this package runs from; `data` in the current folder. It need not exist.
    Raises a `CourseError` where `COURSE_DATA` names a file, or what cannot be a folder.
    """
    return named_folder("COURSE_DATA", "the data") or _default_folder()


def why_data_folder() -> str:
    """Say in a few words why `data_folder()` is this one."""
    return "COURSE_DATA names it" if named_folder("COURSE_DATA", "the data") else _default()[1]


def _default_folder() -> Path:
    return _default()[0]


def _default() -> tuple[Path, str]:
    here = current_folder()
    for folder in (here, *here.parents):
        if os.path.isdir(folder / "data") and (
            os.path.isdir(folder / "notebooks") or os.path.isfile(folder / "pyproject.toml")
        ):
            return folder / "data", "it is the project's, and COURSE_DATA names no other"
    checkout = Path(course_utils.__file__).resolve().parents[1]
    if (checkout / "pyproject.toml").is_file():
        return checkout / "data", "it is that of the project that this package runs from, and COURSE_DATA names no other"
    return here / "data", "it is in the current folder, no project is above it, and COURSE_DATA names no other"


def find_real(dataset: Dataset) -> Path | None:
    """Give the folder with the real `dataset`, in the data folder or among the inputs of a Kaggle notebook, or None."""
    for folder in (*(data_folder() / name for name in dataset.folders), *_kaggle_inputs(dataset)):
        if os.path.isdir(folder) and not dataset.missing_from(folder):
            return folder
    return None


def attached(dataset: Dataset) -> Path | None:
    """Give the folder of the dataset's competition among a Kaggle notebook's inputs, its archives maybe packed; or None."""
    named = (KAGGLE_INPUT / above / str(dataset.competition) for above in ("", "competitions"))
    return next((folder for folder in named if host() is KAGGLE and os.path.isdir(folder)), None)


def _kaggle_inputs(dataset: Dataset) -> Iterator[Path]:
    """The folders of a Kaggle notebook's inputs: first that of the competition, then all, those above others first."""
    if host() is not KAGGLE:
        return
    if folder := attached(dataset):
        yield folder
    level = [KAGGLE_INPUT]
    looked_at = 0
    for _ in range(_DEPTH):
        level = [Path(entry.path) for above in level for entry in _folders_in(above)]
        yield from level
        looked_at += len(level)
        if looked_at > _MOST:  # the classes of somebody's pictures
            return


def _folders_in(folder: Path) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(folder) as entries:
            return sorted((entry for entry in entries if entry.is_dir()), key=lambda entry: entry.name)
    except OSError:  # not there, or closed
        return []


def why_not_real(dataset: Dataset) -> str:
    """Say in a few words why there is no real `dataset`: no folder, a link to nowhere, or what its folder lacks."""
    for name in dataset.folders:
        folder = data_folder() / name
        if os.path.isdir(folder):
            if not os.access(folder, os.R_OK | os.X_OK):
                return f"{shown(folder)} cannot be looked into; ask its owner for access"
            return f"{shown(folder)} lacks {', '.join(dataset.missing_from(folder))}"
        if os.path.islink(folder):
            return f"{shown(folder)} is a link to {folder.readlink()}, which is not there (a drive that is not connected?)"
    if packed := attached(dataset):
        return f"{packed} has it packed"
    return f"none in {shown(data_folder())}{f' or {KAGGLE_INPUT}' if host() is KAGGLE else ''}"


def shown(folder: Path) -> str:
    """Give a path as a person in the current folder would write it, so that a saved notebook names no machine's folders.

    >>> shown(current_folder()), shown(current_folder() / "data")
    ('this folder', 'data')
    """
    here = current_folder()
    for near in (here, here.parent):
        if folder.is_relative_to(near):
            return "this folder" if folder == here else os.path.relpath(folder)
    return str(folder)


def sample_folders(name: str) -> Iterator[Path]:
    """Give where the stand-in of `name` may be, the best place first.

    `samples` in the data folder; where that cannot be written to, as on a server's shared drive, `samples` in the default data
    folder, and last in the user's cache folder, or a temporary one. A stand-in is thus never among real data.
    """
    yield data_folder() / "samples" / name
    if _default_folder() != data_folder():
        yield _default_folder() / "samples" / name
    import pooch  # knows where each system keeps caches

    cache = Path(pooch.os_cache("course-utils"))
    if cache.is_absolute() and os.environ.get("HOME") != "":  # else there is no home folder
        yield cache / "samples" / name
    if spare := spare_folder(make=False):
        yield spare / "samples" / name
