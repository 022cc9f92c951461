"""Labels given beside pictures in memory: class numbers, names, lists of tags, or zeros and ones."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.masked import refuse_masked
from course_utils.names import counted, some_of
from course_utils.training.arguments import shown
from course_utils.training.tasks import LabelTask, Task
from course_utils.vision.disk import composed
from course_utils.vision.labels import encode


def targets_of(
    labels: dict[str, Any], classes: Iterable[Any] | None, task: LabelTask | None
) -> tuple[dict[str, Tensor], list[str]]:
    """Targets of both sets and the names of the classes, from numbers, names, lists of tags, or zeros and ones (N, classes)."""
    if classes is not None and (isinstance(classes, str | bytes | dict | set | frozenset) or not hasattr(classes, "__iter__")):
        raise CourseError(f"classes is {shown(classes)}; give a list of their names, in the order of the labels' numbers")
    names = (
        None
        if classes is None
        else [_class_name(name) for name in (classes.to_pylist() if hasattr(classes, "to_pylist") else classes)]
    )
    if names is not None and not all(names):
        raise CourseError(f"classes has no name in place {names.index('')} of {len(names)}; give one for each class")
    if names is not None and len(set(names)) < len(names):
        raise CourseError(f"classes has a name twice: {some_of(names, 20)}")
    if names is None:
        names = _headings(labels)
    rows = {split: _rows(split, y) for split, y in labels.items()}
    every = [label for found in rows.values() for label in found]
    if all(isinstance(label, np.ndarray) for label in every):
        tags, names = _zeros_and_ones(rows, names)
    elif any(isinstance(label, np.ndarray) for label in every):
        raise CourseError(
            "the labels of train and valid are of different kinds; give both as numbers, names, or zeros and ones"
        )
    else:
        tags, names = _named(rows, names)
    several = any(len(found) != 1 for row in tags.values() for found in row)
    found_task: Task = task or ("multi-label" if several else "single-label")
    if found_task == "single-label" and several:
        raise CourseError("task is 'single-label', but there are pictures with several labels or none")
    if found_task == "single-label" and len(names) < 2:
        raise CourseError(f"there is one class, {names[0]!r}; add pictures of another to tell it from")
    return {split: encode(found, names, found_task) for split, found in tags.items()}, names


def _headings(labels: dict[str, Any]) -> list[str] | None:
    """The classes that head the columns of frames of zeros and ones, the same in both sets; None for other labels."""
    headings = [[_class_name(name) for name in y.columns] for y in labels.values() if hasattr(y, "columns")]
    if not headings or len(headings[0]) < 2:
        return None
    if any(other != headings[0] for other in headings):
        raise CourseError(
            f"the labels have the columns {some_of(headings[0], 10)} in train and {some_of(headings[1], 10)} in valid; give "
            "the same ones in the same order"
        )
    return headings[0]


def _class_name(name: Any) -> str:
    if hasattr(name, "item"):  # one number of an array or a tensor
        name = name.item()
    if name is None or name != name:
        return ""
    return composed(str(int(name) if isinstance(name, float) and name.is_integer() else name))


def _rows(split: str, y: Any) -> list[Any]:
    """The labels of each picture: a number, a name, a list of names, or an array of zeros and ones."""
    if isinstance(y, Tensor):
        y = y.detach().cpu().numpy()
    if hasattr(y, "to_pylist"):  # Arrow's
        y = y.to_pylist()
    elif hasattr(y, "to_numpy"):
        y = y.to_numpy()
    refuse_masked(f"the labels of {split}", y)
    if isinstance(y, str | bytes | dict) or not hasattr(y, "__len__"):
        raise CourseError(
            f"the labels of {split} are of type {type(y).__name__}; give an array or a list, one for each picture"
        )
    if isinstance(y, np.ndarray) and y.ndim == 2 and y.shape[1] == 1 and y.dtype.kind in "iub":
        y = y[:, 0]
    if isinstance(y, np.ndarray) and y.ndim == 2 and y.dtype != object:
        if not np.isin(y, (0, 1)).all():
            raise CourseError(f"the labels of {split} have the shape {y.shape}; such tags are 0 or 1 for each class")
        return list(y)
    if isinstance(y, np.ndarray) and y.ndim != 1:
        raise CourseError(
            f"the labels of {split} have the shape {y.shape}; give (N,) of classes or (N, classes) of zeros and ones"
        )
    found = []
    for i, label in enumerate(y):
        if isinstance(label, Tensor | np.generic):
            label = label.item()
        if isinstance(label, np.ndarray) and label.dtype.kind == "U":
            label = label.tolist()
        if isinstance(label, bytes):  # as HDF5 and NumPy keep texts
            label = label.decode("utf-8", "backslashreplace")
        if isinstance(label, float) and label.is_integer():
            label = int(label)
        if isinstance(label, list | tuple | set | frozenset) and all(isinstance(tag, str) and tag.strip() for tag in label):
            label = [composed(tag) for tag in (sorted(label) if isinstance(label, set | frozenset) else label)]
        elif not isinstance(label, str | int) or not str(label).strip():
            array = (
                "; where they are zeros and ones for each class, give np.array(y)" if isinstance(label, list | tuple) else ""
            )
            raise CourseError(f"label {i} of {split} is {label!r}; give a class's number or name, or a list of names{array}")
        found.append(composed(label) if isinstance(label, str) else label)
    return found


def _zeros_and_ones(rows: dict[str, list[Any]], names: list[str] | None) -> tuple[dict[str, list[list[str]]], list[str]]:
    widths = {len(row) for found in rows.values() for row in found}
    expected = widths if names is None else {len(names)}
    if len(widths | expected) > 1:
        raise CourseError(
            f"the labels have {some_of([str(width) for width in sorted(widths | expected)])} classes; give as many in each"
        )
    found_names = names or [str(i) for i in range(widths.pop())]
    return {
        split: [[found_names[i] for i in np.flatnonzero(row)] for row in found] for split, found in rows.items()
    }, found_names


def _named(rows: dict[str, list[Any]], names: list[str] | None) -> tuple[dict[str, list[list[str]]], list[str]]:
    every = [label for found in rows.values() for row in found for label in (row if isinstance(row, list) else [row])]
    numbers = [label for label in every if not isinstance(label, str)]
    if numbers and len(numbers) < len(every):
        raise CourseError(f"the labels are numbers ({numbers[0]}) and names; give one or the other for all pictures")
    if numbers and names is not None:
        for text in (str, lambda number: str(int(number))):  # the second for True and False
            if all(text(number) in names for number in numbers):  # labels and classes are the same numbers
                return {split: [[text(row)] for row in found] for split, found in rows.items()}, names
        if not 0 <= min(numbers) <= max(numbers) < len(names):
            raise CourseError(
                f"the labels run from {min(numbers)} to {max(numbers)}; those of {counted(len(names), 'class')} are 0 to "
                f"{len(names) - 1}"
            )
        labels_names = dict(enumerate(names))
        tags = {split: [[labels_names[int(row)]] for row in found] for split, found in rows.items()}
        return tags, names
    found_names = names or [str(label) for label in sorted({int(n) for n in numbers} if numbers else set(every))]
    if unknown := sorted({str(label) for label in every} - set(found_names)) if not numbers else []:
        raise CourseError(f"there are labels that classes does not name: {some_of(unknown)}; it has {some_of(found_names)}")
    if not found_names:
        raise CourseError("no picture has a label")
    return {
        split: [
            list(dict.fromkeys(row)) if isinstance(row, list) else [str(int(row)) if not isinstance(row, str) else row]
            for row in found
        ]
        for split, found in rows.items()
    }, found_names
