"""What pictures and labels there are on disk, and saying what is there instead of what was expected."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.vision.images import IMAGE_SUFFIXES


def class_folders(path: Path, folder: str) -> list[str]:
    """The names of the folders in `path/folder`, sorted, hidden ones left out; there must be some."""
    if not (path / folder).is_dir():
        raise CourseError(f"there is no folder {path / folder}; {_what_is_in(path)}")
    classes = sorted(entry.name for entry in os.scandir(path / folder) if entry.is_dir() and not entry.name.startswith("."))
    if not classes:
        raise CourseError(f"{path / folder} has no folders named after classes; {_what_is_in(path / folder)}")
    return classes


def pictures_in(path: Path, folder: str) -> list[str]:
    """The pictures in `path/folder`, named relative to `path` and sorted, hidden ones left out; there must be some."""
    if not (path / folder).is_dir():
        raise CourseError(f"there is no folder {path / folder}; {_what_is_in(path)}")
    names = [entry.name for entry in os.scandir(path / folder) if not entry.name.startswith(".") and not entry.is_dir()]
    pictures = sorted(name for name in names if Path(name).suffix.lower() in IMAGE_SUFFIXES)
    if not pictures:
        raise CourseError(
            f"{path / folder} has no pictures; {_what_is_in(path / folder)}. Put some there "
            f"({', '.join(sorted(IMAGE_SUFFIXES))}) or remove the folder."
        )
    return [(Path(folder) / name).as_posix() for name in pictures]


def _what_is_in(folder: Path) -> str:
    if not folder.exists():
        parent = next(parent for parent in folder.absolute().parents if parent.exists())
        return f"{folder} does not exist; {_what_is_in(parent)}"
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


def read_labels(csv: Path, path: Path) -> tuple[list[str], list[list[str]]]:
    """The names in the first column of a table and the labels of each in the second; `path` is where else it was looked for."""
    if not csv.is_file():
        raise CourseError(f"there is no table {csv}, nor in {path}; {_what_is_in(path)}")
    import pandas as pd

    try:
        table = pd.read_csv(csv, dtype=str, keep_default_na=False)
    except (ValueError, UnicodeDecodeError) as error:
        raise CourseError(f"{csv} cannot be read as a table of comma-separated values: {error}") from error
    if len(table.columns) < 2 or table.empty:
        raise CourseError(
            f"{csv} has {len(table)} rows of the columns {list(table.columns)}; expected a name and a label in the first two"
        )
    ids, labels = table.iloc[:, 0], [row.split() for row in table.iloc[:, 1]]
    if ids.duplicated().any():
        twice = sorted(set(ids[ids.duplicated()]))
        raise CourseError(
            f"{csv} names pictures more than once: {some_of(twice)}. Put all labels of one in one row, divided by spaces."
        )
    if max(map(len, labels)) < 2 and [] in labels:
        blank = [name for name, row in zip(ids, labels, strict=True) if not row]
        raise CourseError(f"{csv} has no label for {len(blank):,} pictures: {some_of(blank)}. Label them or remove their rows.")
    return ids.tolist(), labels


def encode(labels: Sequence[Sequence[str]], classes: Sequence[str]) -> Tensor:
    """Class numbers (N,) if every row has one label, else zeros and ones (N, classes) (lecture 1:29:55).

    >>> encode([["cat"], ["dog"]], ["cat", "dog"])
    tensor([0, 1])
    >>> encode([["cat"], ["cat", "dog"]], ["cat", "dog"])
    tensor([[1., 0.],
            [1., 1.]])
    """
    number = {name: i for i, name in enumerate(classes)}
    if all(len(row) == 1 for row in labels):
        return torch.tensor([number[row[0]] for row in labels])
    targets = torch.zeros(len(labels), len(classes))
    for i, row in enumerate(labels):
        targets[i, [number[name] for name in row]] = 1
    return targets


def checked_rows(valid_idx: Sequence[int] | np.ndarray, rows: int) -> set[int]:
    """`valid_idx` as a set of row numbers, each from 0 to `rows` - 1."""
    numbers = np.asarray(valid_idx)
    if numbers.ndim != 1 or not np.issubdtype(numbers.dtype, np.integer) or (numbers < 0).any() or (numbers >= rows).any():
        raise CourseError(f"valid_idx is {valid_idx!r}; give the numbers, from 0 to {rows - 1}, of the rows that validate")
    return set(numbers.tolist())


def random_valid_idx(rows: int, fraction: float = 0.2, seed: int = 42) -> np.ndarray:
    """Choose a random `fraction` of `rows` for validation, sorted; at least one, and the same for the same seed.

    >>> len(random_valid_idx(1000))
    200
    """
    return np.sort(np.random.default_rng(seed).permutation(rows)[: max(1, round(fraction * rows))])
