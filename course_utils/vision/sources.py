"""What pictures there are on disk, and saying what is there instead of what was expected."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from course_utils.errors import CourseError
from course_utils.vision.images import IMAGE_SUFFIXES


def class_folders(path: Path, folder: str) -> list[str]:
    """The names of the folders in `path/folder`, sorted, hidden ones left out; there must be some."""
    if not (path / folder).is_dir():
        raise CourseError(f"there is no folder {path / folder}; {what_is_in(path)}")
    classes = sorted(entry.name for entry in os.scandir(path / folder) if entry.is_dir() and not entry.name.startswith("."))
    if not classes:
        raise CourseError(f"{path / folder} has no folders named after classes; {what_is_in(path / folder)}")
    return classes


def pictures_in(path: Path, folder: str) -> list[str]:
    """The pictures in `path/folder`, named relative to `path` and sorted, hidden ones left out; there must be some."""
    if not (path / folder).is_dir():
        raise CourseError(f"there is no folder {path / folder}; {what_is_in(path)}")
    pictures = sorted(entry.name for entry in os.scandir(path / folder) if is_picture(entry.name) and not entry.is_dir())
    if not pictures:
        raise CourseError(
            f"{path / folder} has no pictures; {what_is_in(path / folder)}. Put some there "
            f"({', '.join(sorted(IMAGE_SUFFIXES))}) or remove the folder."
        )
    return [(Path(folder) / name).as_posix() for name in pictures]


def file_names(names: Sequence[str], folder: str, suffix: str = "") -> list[str]:
    """The files that a table means, relative to the folder above `folder` and with forward slashes.

    Raises CourseError for a name that leads out of `folder`: a table may come from anybody.

    >>> file_names(["train_0", "train_1"], "train-jpg", ".jpg")
    ['train-jpg/train_0.jpg', 'train-jpg/train_1.jpg']
    """
    for name in names:
        if name[0] in "/\\" or ".." in name or ":" in name:
            parts = PureWindowsPath(name)  # which knows both kinds of slashes, and drives
            if parts.anchor or ".." in parts.parts:
                raise CourseError(f"the table names {name!r}, which leads out of the folder {folder!r}; remove that row")
    place = PurePosixPath(Path(folder).as_posix())
    start = "" if place == PurePosixPath() else f"{place}/"
    files = [f"{start}{name}{suffix}".replace("\\", "/") for name in names]  # tables made on Windows have backslashes
    return [PurePosixPath(file).as_posix() if "./" in file or "//" in file else file for file in files]


def files_beside(names: Sequence[str], path: Path) -> set[str]:
    """Every file in the folders that `names` lie in, relative to `path`; listing a folder beats asking for each file."""
    found: set[str] = set()
    for folder in {name.rpartition("/")[0] for name in names}:
        with contextlib.suppress(OSError, ValueError), os.scandir(path / folder) as entries:  # ValueError: no name of a folder
            found.update(f"{folder}/{entry.name}" if folder else entry.name for entry in entries if entry.is_file())
    return found


def is_picture(name: str) -> bool:
    """Whether a file's name is that of a picture, and not hidden."""
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES and not os.path.basename(name).startswith(".")


def what_is_in(folder: Path) -> str:
    """What a folder holds, or the nearest folder above it that there is, for a message."""
    if not folder.exists():
        parent = next(parent for parent in folder.absolute().parents if parent.exists())
        return f"{folder} does not exist; {what_is_in(parent)}"
    if not folder.is_dir():
        return f"{folder} is a file"
    names = sorted(f"{entry.name}/" if entry.is_dir() else entry.name for entry in os.scandir(folder))
    return f"in {folder} there is {some_of(names)}" if names else f"{folder} is empty"


def some_of(names: Sequence[str], limit: int = 5) -> str:
    """The first few names for a message, and how many there are besides.

    >>> some_of(["a", "b", "c"], limit=2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def checked_rows(valid_idx: Sequence[int] | np.ndarray, rows: int) -> set[int]:
    """`valid_idx` as a set of row numbers, each from 0 to `rows` - 1."""
    numbers = np.asarray(valid_idx)
    if numbers.ndim != 1 or not np.issubdtype(numbers.dtype, np.integer) or (numbers < 0).any() or (numbers >= rows).any():
        raise CourseError(f"valid_idx is {valid_idx!r}; give the numbers, from 0 to {rows - 1}, of the rows that validate")
    return set(numbers.tolist())
