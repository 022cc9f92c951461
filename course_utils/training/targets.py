"""Targets of tensors, and names of classes: whether they can be right, and of the type that the task needs."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from torch import Tensor

from course_utils.errors import CourseError
from course_utils.training.arguments import shown
from course_utils.training.tasks import Task


def checked_targets(name: str, y: Tensor, task: Task, classes: Sequence[str] | None) -> Tensor:
    """Targets of the type that the task needs, after a look at whether they can be right."""
    if y.is_floating_point() and not (finite := y.isfinite()).all():
        rows = (~finite).flatten(1).any(1) if y.ndim > 1 else ~finite
        raise CourseError(
            f"targets of {name} are missing or infinite in {int(rows.sum()):,} of {len(y):,} rows, first row "
            f"{int(rows.nonzero()[0])}; leave these rows out"
        )
    if task == "regression":
        return y if y.is_floating_point() else y.float()
    if task == "multi-label":
        return _zeros_and_ones(name, y, classes)
    if y.is_floating_point():
        if y.ndim > 1:  # a probability for each class
            if classes is not None and y.shape[1] != len(classes):
                raise CourseError(
                    f"targets of {name} have the shape {tuple(y.shape)}, a probability for each of {y.shape[1]} classes, and "
                    f"classes names {len(classes)}; give a name for each column"
                )
            return y
        if (y != y.round()).any():
            wrong = y[y != y.round()][0].item()
            raise CourseError(
                f"targets of {name} hold {wrong:g}, which is not a class; with one label each they are whole numbers"
            )
    if classes is not None and y.numel() and (high := int(y.max())) >= len(classes):
        raise CourseError(
            f"targets of {name} go up to {high}, and classes names {len(classes)}, whose numbers are 0 to {len(classes) - 1}; "
            f"give a name for each class, {high + 1} or more"
        )
    return y.long()  # whether the numbers are right, the number of the model's outputs tells


def class_names(classes: Any, task: Task) -> list[str]:
    """The names of classes, in order; raises a CourseError for what are not names, or not one for each class."""
    if task == "regression":
        raise CourseError(f"classes is {shown(classes)}, but a regression has no classes; leave it out, or give another task")
    if isinstance(classes, str | bytes) or not isinstance(classes, Iterable):
        more = f"; for a class of each letter, list({shown(classes)})" if isinstance(classes, str) else ""
        raise CourseError(f"classes is {shown(classes)}; give a list of names, such as ['cat', 'dog']{more}")
    names = list(classes)
    if others := [name for name in names if not isinstance(name, str)]:
        raise CourseError(
            f"classes holds {shown(others[0])}, a {type(others[0]).__name__}; names are text: classes=[str(c) for c in classes]"
        )
    if repeated := [name for name, times in Counter(names).items() if times > 1]:
        raise CourseError(f"classes names {repeated[0]!r} twice; each class has a name of its own, in the order of its number")
    if not names:
        raise CourseError("classes is empty; give the name of each class, or leave it out")
    return [str(name) for name in names]


def _zeros_and_ones(name: str, y: Tensor, classes: Sequence[str] | None) -> Tensor:
    columns = f"one for each of the {len(classes)} classes" if classes is not None else "one for each class"
    if y.ndim < 2 or (classes is not None and y.shape[1] != len(classes)):
        raise CourseError(
            f"targets of {name} have the shape {tuple(y.shape)}; with several labels each they are rows of zeros and ones, "
            f"{columns}"
        )
    y = y.float() if not y.is_floating_point() else y
    if y.min() < 0 or y.max() > 1:
        raise CourseError(
            f"targets of {name} go from {y.min():g} to {y.max():g}; with several labels each they are zeros and ones, {columns}"
        )
    return y
