"""Where data lies on this machine: the data folder, the real datasets in it, and where stand-ins are drawn."""

import os
from collections.abc import Iterator
from pathlib import Path

import course_utils
from course_utils.data.catalog import Dataset
from course_utils.files import can_write, current_folder, named_folder
from course_utils.work import spare_folder

__all__ = ["can_write", "data_folder", "find_real", "sample_folders", "shown", "why_not_real"]


def data_folder() -> Path:
    """Give the folder that holds the data: the one that `COURSE_DATA` names, else the project's `data`.

    Without `COURSE_DATA` it is the first of: a `data` folder with `notebooks` or a `pyproject.toml` beside it, looking from the
    current folder upwards; `data` in the checkout that this package runs from; `data` in the current folder. It need not exist.
    Raises a `CourseError` where `COURSE_DATA` names a file, or what cannot be a folder.
    """
    return named_folder("COURSE_DATA", "the data") or _default_folder()


def _default_folder() -> Path:
    here = current_folder()
    for folder in (here, *here.parents):
        if os.path.isdir(folder / "data") and (
            os.path.isdir(folder / "notebooks") or os.path.isfile(folder / "pyproject.toml")
        ):
            return folder / "data"
    checkout = Path(course_utils.__file__).resolve().parents[1]
    if (checkout / "pyproject.toml").is_file():
        return checkout / "data"
    return here / "data"


def find_real(dataset: Dataset) -> Path | None:
    """Give the folder in the data folder that holds the real `dataset`, or None."""
    for name in dataset.folders:
        folder = data_folder() / name
        if os.path.isdir(folder) and not dataset.missing_from(folder):
            return folder
    return None


def why_not_real(dataset: Dataset) -> str:
    """Say in a few words why there is no real `dataset`: no folder, a link to nowhere, or what its folder lacks."""
    for name in dataset.folders:
        folder = data_folder() / name
        if os.path.isdir(folder):
            if not os.access(folder, os.R_OK | os.X_OK):
                return f"{shown(folder)} may not be looked into; ask its owner for access"
            return f"{shown(folder)} lacks {', '.join(dataset.missing_from(folder))}"
        if os.path.islink(folder):
            return f"{shown(folder)} is a link to {folder.readlink()}, which is not there (a drive that is not connected?)"
    return f"none in {shown(data_folder())}"


def shown(folder: Path) -> str:
    """Give a path as a person in the current folder would write it, so that a saved notebook names no machine's folders."""
    here = current_folder()
    for near in (here, here.parent):
        if folder.is_relative_to(near):
            return os.path.relpath(folder)
    return str(folder)


def sample_folders(name: str) -> Iterator[Path]:
    """Give where the stand-in of `name` may lie, the best place first.

    `samples` in the data folder; where that cannot be written to, as on a server's shared drive, `samples` in the default data
    folder, and last in the user's cache folder, or a temporary one. A stand-in thus never lies among real data.
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
