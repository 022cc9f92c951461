"""A table of names and labels: reading it as people and programs really write it, and turning labels into targets."""

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.training.data import Task
from course_utils.vision.sources import some_of, what_is_in

DELIMITERS = ",;\t|"  # between the columns; the first that the header has


@dataclass(frozen=True)
class LabelTable:
    """What a table says of each picture, row by row; `classes` are all labels, sorted, `heading` is the first line."""

    names: list[str]
    labels: list[list[str]]
    task: Task
    classes: list[str]
    heading: tuple[str, str]


def read_labels(file: Path, path: Path, task: Task | None = None, file_column: str | None = None) -> LabelTable:
    """Read the names in the first column of a table, or in `file_column`, and the labels in the next.

    Without a `task`, labels are divided by spaces, and more than one anywhere makes it multi-label; in a single-label task the
    whole cell is the label, spaces included. `path` is where else the table was looked for, for the message.

    Raises CourseError, which names the file and the line, where a name or a label is not there or is not plain.
    """
    if task not in (None, "single-label", "multi-label"):
        raise CourseError(f"task is {task!r}; it is 'single-label', 'multi-label' or None (what the labels make it)")
    if not file.is_file():
        raise CourseError(f"there is no table {file}, nor in {path}; {what_is_in(path)}")
    header, rows = read_table(file)
    name_column, label_column = _columns(file, header, file_column)
    names, cells = [row[name_column] for row in rows], [row[label_column] for row in rows]
    if blank := [row for row, name in enumerate(names, 1) if not name]:
        raise CourseError(f"{file} has no {header[name_column]!r} in {len(blank):,} rows, the first of them row {blank[0]:,}")
    if twice := sorted(name for name, times in Counter(names).items() if times > 1):
        raise CourseError(
            f"{file} names pictures more than once: {some_of(twice)}. Put all labels of one in one row, divided by spaces."
        )
    if task == "single-label":
        labels = [[cell] if cell else [] for cell in cells]
    else:
        labels = [list(dict.fromkeys(cell.split())) for cell in cells]  # a tag that is there twice counts once
        if odd := next((cell for cell in cells if "," in cell or ";" in cell or "|" in cell), None):
            hint = "" if task else ", or say task='single-label' if each cell is one label"
            raise CourseError(f"{file} has the labels {odd!r}. Divide the labels of a picture by spaces alone{hint}.")
    found = task or ("multi-label" if max(map(len, labels)) > 1 else "single-label")
    blank_labels = [name for name, row in zip(names, labels, strict=True) if not row]
    if found == "single-label" and blank_labels:
        raise CourseError(
            f"{file} has no label for {len(blank_labels):,} pictures: {some_of(blank_labels)}. Label them or remove their "
            "rows, or say task='multi-label' if a picture may show none of the classes."
        )
    classes = sorted({label for row in labels for label in row})
    if not classes:
        raise CourseError(f"{file} has no label in its column {header[label_column]!r}; write those of each picture there")
    if len(classes) == 1 and found == "single-label":
        raise CourseError(f"{file} has one class, {classes[0]!r}; add pictures of another to tell it from")
    return LabelTable(names, labels, cast(Task, found), classes, (header[name_column], header[label_column]))


def read_table(file: Path) -> tuple[list[str], list[list[str]]]:
    """Read the header and the rows of a CSV file, every cell as the text that it is, without the space around it.

    Columns are divided by the first of `DELIMITERS` that the header has. Blank lines are left out; `.gz` is unpacked; a byte
    order mark and any ends of lines are understood.
    """
    try:
        with gzip.open(file, "rb") if file.suffix == ".gz" else open(file, "rb") as content:
            text = content.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CourseError(f"{file} cannot be read as a table, because it is not text in UTF-8: {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise CourseError(f"{file} cannot be read: {error}") from error
    first = text.lstrip().partition("\n")[0]
    delimiter = next((mark for mark in DELIMITERS if mark in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    rows: list[list[str]] = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            width = len(rows[0]) if rows else len(cells)
            if len(cells) < width or any(cells[width:]):
                raise CourseError(
                    f"line {reader.line_num:,} of {file} has {len(cells)} cells ({some_of(cells)}), its header {width} "
                    f"({some_of(rows[0])}). Put a cell that holds {delimiter!r} in quotation marks."
                )
            rows.append(cells[:width])
    except csv.Error as error:
        raise CourseError(f"{file} cannot be read as a table, line {reader.line_num:,}: {error}") from error
    if len(rows) < 2 or len(rows[0]) < 2:
        found = f"has the columns {rows[0]} and {len(rows) - 1} rows below" if rows else "is empty"
        raise CourseError(
            f"{file} {found}; expected a line of headings such as id,label and below it a row for each picture, with cells "
            "divided by commas"
        )
    return rows[0], rows[1:]


def _columns(file: Path, header: list[str], file_column: str | None) -> tuple[int, int]:
    """Where names and labels are."""
    if file_column is None:
        if not header[0]:
            raise CourseError(
                f"the first column of {file} has no heading, so it looks like row numbers, where the names of the pictures are "
                f"expected. Name their column, as file_column={header[1]!r}, or write the table without row numbers."
            )
        return 0, 1
    if file_column not in header:
        raise CourseError(f"file_column is {file_column!r}; {file} has the columns {', '.join(header)}")
    column = header.index(file_column)
    return column, next((i for i in range(1, len(header)) if i != column), 0)


def encode(labels: Sequence[Sequence[str]], classes: Sequence[str], task: Task) -> Tensor:
    """Class numbers (N,) if the task is single-label, else zeros and ones (N, classes), "one-hot" (lecture 1:29:55).

    >>> encode([["cat"], ["dog"]], ["cat", "dog"], "single-label")
    tensor([0, 1])
    >>> encode([["cat"], ["cat", "dog"]], ["cat", "dog"], "multi-label")
    tensor([[1., 0.],
            [1., 1.]])
    """
    number = {name: i for i, name in enumerate(classes)}
    columns = torch.tensor([number[name] for row in labels for name in row], dtype=torch.int64)
    if task == "single-label":
        return columns
    targets = torch.zeros(len(labels), len(classes))
    targets[np.repeat(np.arange(len(labels)), [len(row) for row in labels]), columns] = 1
    return targets


def only_in_validation(train: Tensor, valid: Tensor, classes: Sequence[str]) -> list[str]:
    """The classes that the targets show in validation alone, so that no network can learn them.

    >>> only_in_validation(torch.tensor([0, 0]), torch.tensor([0, 1]), ["cat", "dog"])
    ['dog']
    """
    if train.dim() == 1:
        train, valid = (torch.nn.functional.one_hot(targets, len(classes)) for targets in (train, valid))
    unknown = valid.any(dim=0) & ~train.any(dim=0)
    return [name for name, alone in zip(classes, unknown.tolist(), strict=True) if alone]
