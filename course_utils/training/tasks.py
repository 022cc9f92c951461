"""What is to be predicted, and of which part of the examples: the tasks, the splits, and what raw outputs say."""

from typing import Literal, get_args

from torch import Tensor

from course_utils.training.arguments import one_of

Split = Literal["train", "valid", "test"]
Task = Literal["single-label", "multi-label", "regression"]
LabelTask = Literal["single-label", "multi-label"]  # of what has classes


def checked_split(split: str) -> str:
    """One of the names of splits; raises a CourseError that says which there are."""
    return one_of("split", split, get_args(Split))


def activation(task: Task, outputs: Tensor) -> Tensor:
    """What raw outputs (N, ...) say: probabilities by softmax or sigmoid; for a regression, themselves."""
    if task == "single-label":
        return outputs.softmax(dim=1)
    return outputs.sigmoid() if task == "multi-label" else outputs
