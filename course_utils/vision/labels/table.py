"""A table of names and labels: what it says of each picture."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from course_utils.errors import CourseError
from course_utils.names import counted, some_of
from course_utils.training.tasks import LabelTask, Task
from course_utils.vision.disk import composed, is_file, what_is_in
from course_utils.vision.labels.cells import TRUTHS, Cell, lowest, number_in, truth_of
from course_utils.vision.labels.columns import (
    LabelColumn,
    find_column_of_files,
    find_label_columns,
    find_name_column,
    said_of_files,
)
from course_utils.vision.labels.csv_files import read_table


@dataclass(frozen=True)
class LabelTable:
    """What a table says of each picture, row by row; `classes` are all labels, sorted, `heading` is the first line.

    `column_of_files` is the heading of another column than the first that holds names of pictures, for a message, and `notices`
    say in one line each what was not plain in the table: columns left over, cells that were split.
    """

    names: list[str]
    labels: list[list[str]]
    task: Task
    classes: list[str]
    heading: tuple[str, str]
    column_of_files: str | None = None
    notices: list[str] = field(default_factory=list)


def read_labels(
    file: Path,
    path: Path,
    task: LabelTask | None = None,
    file_column: str | None = None,
    label_column: LabelColumn | None = None,
) -> LabelTable:
    """Read the names in the first column of a table, or in `file_column`, and the labels as `label_table` finds them.

    `path` is where else the table was looked for, for the message. Raises CourseError, which names the file and the line, where
    a name or a label is not there or is not plain.
    """
    check_task(task)
    if not is_file(file):
        raise CourseError(f"there is no table {file}, nor in {path}; {what_is_in(path)}")
    header, rows = read_table(file)
    return label_table(str(file), header, rows, task, file_column, label_column)


def check_task(task: str | None) -> None:
    """Raise CourseError for a task that no labels have."""
    if task not in (None, "single-label", "multi-label"):
        raise CourseError(f"task is {task!r}; it is 'single-label', 'multi-label' or None (what the labels make it)")


def label_table(
    file: str,
    header: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    task: LabelTask | None = None,
    file_column: str | None = None,
    label_column: LabelColumn | None = None,
) -> LabelTable:
    """Find names and labels in the columns of a table; `file` is what messages call it.

    Names are in the first column or in `file_column`. Labels are in `label_column`; several columns are one for each class,
    with zeros and ones (or false and true) in them. Without it they are in the one column that is left; where several are, in
    the one that a heading such as label, class or tags names, or in all if there are only zeros and ones in them.

    Without a `task`, labels are separated by spaces, and more than one anywhere makes it multi-label; in a single-label task
    the whole cell is the label, spaces included.
    """
    notices: list[str] = []
    header = [composed(heading) for heading in header]
    name_column = find_name_column(file, header, file_column)
    label_columns, one_each = find_label_columns(file, header, rows, name_column, file_column, label_column, notices)
    names = [str(row[name_column]) for row in rows]
    if blank := [row for row, name in enumerate(names, 1) if not name]:
        raise CourseError(
            f"{file} has no {header[name_column]!r} in {counted(len(blank), 'row')}, the first of them row {blank[0]:,}"
        )
    other = None if file_column else find_column_of_files(header, rows, name_column)
    if twice := sorted(name for name, times in Counter(names).items() if times > 1):
        raise CourseError(
            f"{file} names pictures more than once: {some_of(twice)}. "
            + (said_of_files(other) or "Put all labels of a picture in one row, separated by spaces.")
        )
    if one_each:
        found_table = _one_column_per_class(file, header, rows, names, (name_column, label_columns), task, notices)
        return replace(found_table, column_of_files=other)
    [label_column_found] = label_columns
    cells, heading = [row[label_column_found] for row in rows], header[label_column_found]
    _check_tags(file, names, cells)
    labels = [_labels(file, cell, task) for cell in cells]
    found = task or ("multi-label" if max(map(len, labels)) > 1 else "single-label")
    several = [i for i, row in enumerate(labels) if len(row) > 1]
    if task is None and several and isinstance(cells[several[0]], str):
        notices.append(
            f"{len(several):,} of {counted(len(labels), 'picture')} {'has' if len(several) == 1 else 'have'} more than one "
            f"label, because cells are split at spaces ({cells[several[0]]!r}); task='single-label' keeps a cell together."
        )
    blank_labels = [name for name, row in zip(names, labels, strict=True) if not row]
    if found == "single-label" and blank_labels:
        raise CourseError(
            f"{file} has no label for {counted(len(blank_labels), 'picture')}: {some_of(blank_labels)}. Label them or leave "
            "them out, or say task='multi-label' if a picture may show none of the classes."
        )
    if task is None and several and blank_labels:
        notices.append(f"{counted(len(blank_labels), 'picture')} without a label: none of the classes is in them.")
    classes = sorted({label for row in labels for label in row})
    if not classes:
        raise CourseError(f"{file} has no label in its column {heading!r}; write each picture's label there")
    if fractions := _fractions(classes):
        notices.append(
            f"labels are numbers with fractions ({some_of(fractions, 3)}); each distinct one is a class of its own, one of "
            f"{len(classes):,}, since networks here predict classes of pictures, not amounts."
        )
    if len(classes) == 1 and found == "single-label":
        raise CourseError(f"{file} has one class, {classes[0]!r}; add pictures of another to tell it from")
    return LabelTable(names, labels, cast(Task, found), classes, (header[name_column], heading), other, notices)


def _fractions(classes: Sequence[str]) -> list[str]:
    """Those of the classes that are numbers with fractions, where all are numbers."""
    numbers = [number_in(name) for name in classes]
    if any(number is None for number in numbers):
        return []
    return [name for name, number in zip(classes, numbers, strict=True) if number is not None and number % 1 > 0]


def _check_tags(file: str, names: Sequence[str], cells: Sequence[Cell]) -> None:
    """Lists may hold no empty tags; lists of zeros and ones are a column for each class, whose names they do not say."""
    empty = [name for name, cell in zip(names, cells, strict=True) if not isinstance(cell, str) and not all(cell)]
    if empty:
        raise CourseError(
            f"{file} has an empty label in the lists of {counted(len(empty), 'picture')}: {some_of(empty)}; remove it, "
            "or write which class it is"
        )
    lengths = {len(cell) if not isinstance(cell, str) else 0 for cell in cells}
    if len(lengths) == 1 and min(lengths) > 1 and all(tag.lower() in TRUTHS for cell in cells for tag in cell):
        raise CourseError(
            f"{file} has lists of zeros and ones for labels, the first of them {some_of(cells[0])}; they do not say what the "
            "classes are called. Give a list of the names that each picture shows, or a frame with a column for each class."
        )


def _labels(file: str, cell: Cell, task: LabelTask | None) -> list[str]:
    """The labels in one cell; a tag that is there twice counts once."""
    if not isinstance(cell, str):
        labels = list(dict.fromkeys(composed(label) for label in cell))
        if task == "single-label" and len(labels) > 1:
            raise CourseError(f"{file} has the labels {some_of(labels)} for one picture; with task='single-label' each has one")
        return labels
    cell = composed(cell)
    if task == "single-label":
        return [cell] if cell else []
    if "," in cell or ";" in cell or "|" in cell:
        hint = "" if task else ", or say task='single-label' if each cell is one label"
        mark = next(mark for mark in ",;|" if mark in cell)
        raise CourseError(
            f"{file} has the labels {cell!r}. Separate the labels of a picture by spaces alone, or give "
            f"ImageData.from_frame lists of them, as frame[column].str.split({mark!r}) makes{hint}."
        )
    return list(dict.fromkeys(cell.split()))


def _one_column_per_class(
    file: str,
    header: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    names: list[str],
    columns: tuple[int, Sequence[int]],
    task: LabelTask | None,
    notices: list[str],
) -> LabelTable:
    name_column, class_columns = columns
    classes = sorted(header[column] for column in class_columns)
    by_class = sorted(class_columns, key=lambda column: header[column])
    low = lowest(rows, class_columns)
    labels = []
    for number, row in enumerate(rows, 1):
        truths = [truth_of(row[column], low) for column in by_class]
        if None in truths:
            column = by_class[truths.index(None)]
            raise CourseError(
                f"row {number:,} of {file} has {row[column]!r} in the column {header[column]!r}; with a column for each class "
                "each cell is 1 or 0, for shown or not"
            )
        labels.append([name for name, truth in zip(classes, truths, strict=True) if truth])
    odd = [name for name, row in zip(names, labels, strict=True) if len(row) != 1]
    if task == "single-label" and odd:
        raise CourseError(
            f"{file} has one column for each class, and {counted(len(odd), 'picture')} with none of them or several: "
            f"{some_of(odd)}. Say task='multi-label' if that is intended."
        )
    found: Task = task or ("multi-label" if odd else "single-label")
    how = f"{counted(len(odd), 'picture')} with none or several" if odd else "one each"
    notices.append(
        f"labels are in {counted(len(classes), 'column')}, one for each class ({some_of(classes)}); {how}, so {found}."
    )
    return LabelTable(names, labels, found, classes, (header[name_column], ""), notices=notices)
