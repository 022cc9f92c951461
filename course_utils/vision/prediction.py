"""What a model says of one picture."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.training.arguments import shown
from course_utils.training.metrics import Threshold, thresholds_like
from course_utils.training.tasks import Task
from course_utils.training.tensors import as_tensor


def checked_thresholds(threshold: Threshold, classes: int) -> Tensor:
    """The thresholds of all classes (classes,) from one or one for each; raises CourseError for what is not a probability.

    >>> checked_thresholds(0.25, 2)
    tensor([0.2500, 0.2500], dtype=torch.float64)
    """
    found = thresholds_like(torch.zeros(1, classes, dtype=torch.float64), threshold)
    if isinstance(threshold, bool) or not ((found >= 0) & (found <= 1)).all():
        raise CourseError(f"threshold is {shown(threshold)}; a threshold is a probability, from 0 to 1")
    return found.expand(classes)


def normalised(x: Any, size: int) -> Tensor:
    """A mini-batch of normalised pictures (B, 3, size, size) as a tensor; raises CourseError for anything else.

    >>> normalised([[[[0.5]], [[0.0]], [[-0.5]]]], size=1).shape
    torch.Size([1, 3, 1, 1])
    """
    x = as_tensor("x", x)
    if not x.is_floating_point() or x.shape != (len(x), 3, size, size):
        raise CourseError(
            f"x is {x.dtype} of shape {tuple(x.shape)}; give normalised pictures, floats (B, 3, {size}, {size}), as "
            "transforms(squares) returns them"
        )
    return x


@dataclass(frozen=True, eq=False)
class ImagePrediction:
    """A label, how probable it is, and the probabilities of all classes.

    Attributes:
        label: the most probable class; where a picture may have several, the tuple of all whose probability is above the
            threshold, in the order of `classes`.
        probability: that of the label; the lowest of several, None for no label.
        probabilities: (classes,).
        classes: their names, in the order of `probabilities`.
    """

    label: str | tuple[str, ...]
    probability: float | None
    probabilities: Tensor = field(repr=False)
    classes: list[str] = field(repr=False)

    @classmethod
    def of(cls, probabilities: Tensor, classes: Sequence[str], task: Task, threshold: Threshold = 0.2) -> "ImagePrediction":
        """Find the label in the probabilities (classes,) of one picture.

        >>> import torch
        >>> ImagePrediction.of(torch.tensor([0.25, 0.75]), ["cat", "dog"], "single-label")
        ImagePrediction(label='dog', probability=0.75)
        >>> ImagePrediction.of(torch.tensor([0.875, 0.0, 0.25]), ["clear", "mine", "road"], "multi-label")
        ImagePrediction(label=('clear', 'road'), probability=0.25)
        """
        if task != "multi-label":
            best = int(probabilities.argmax())
            return cls(classes[best], probabilities[best].item(), probabilities, list(classes))
        above = (probabilities > checked_thresholds(threshold, len(classes)).to(probabilities)).nonzero().flatten().tolist()
        lowest = min((probabilities[i].item() for i in above), default=None)
        return cls(tuple(classes[i] for i in above), lowest, probabilities, list(classes))
