"""What is to be predicted, and of which part of the examples: the tasks, the splits, and what raw outputs say."""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar, get_args

from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.training.arguments import one_of, shown

Kept = TypeVar("Kept")

Split = Literal["train", "valid", "test"]
Task = Literal["single-label", "multi-label", "regression"]
LabelTask = Literal["single-label", "multi-label"]  # of what has classes


def checked_split(split: str) -> str:
    """One of the names of splits; raises a CourseError that says which there are."""
    return one_of("split", split, get_args(Split))


def of_split(kept: Mapping[Any, Kept], split: str, hint: str = "") -> Kept:
    """What data keeps of one split; raises a CourseError that says which there are where it has none of that name.

    >>> of_split({"train": 400, "valid": 100}, "test")
    Traceback (most recent call last):
    ...
    course_utils.errors.CourseError: this data has no 'test' set; it has train, valid
    """
    if not isinstance(split, str) or split not in kept:
        raise CourseError(f"this data has no {shown(split)} set; it has {', '.join(kept)}{hint}")
    return kept[split]


NOT_RAW = {"single-label": ("Softmax", "Sigmoid"), "multi-label": ("Sigmoid", "Softmax", "LogSoftmax")}  # LogSoftmax is one


def activated_twice(task: Task, model: nn.Module) -> str:
    """A line where the last layer of a model makes probabilities, of which `activation` would make others; else nothing.

    >>> activated_twice("multi-label", nn.Sequential(nn.Linear(4, 3), nn.Sigmoid()))
    'The model ends with Sigmoid, ...
    """
    *_, last = model.modules()
    name = type(last).__name__
    if not isinstance(model, nn.Sequential) or name not in NOT_RAW.get(task, ()):
        return ""
    own = "softmax" if task == "single-label" else "sigmoid"
    return (
        f"The model ends with {name}, and a learner makes probabilities of what a model gives by a {own} itself: leave that "
        "layer out, or predictions are not probabilities."
    )


def activation(task: Task, outputs: Tensor) -> Tensor:
    """What raw outputs (N, ...) say: probabilities by softmax or sigmoid; for a regression, themselves."""
    if task == "single-label":
        return outputs.softmax(dim=1)
    return outputs.sigmoid() if task == "multi-label" else outputs
