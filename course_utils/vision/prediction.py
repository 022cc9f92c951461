"""What a model says of one picture."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

from course_utils.training.metrics import Threshold, thresholds_like
from course_utils.training.tasks import Task


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
        above = (probabilities > thresholds_like(probabilities[None], threshold)).nonzero().flatten().tolist()
        lowest = min((probabilities[i].item() for i in above), default=None)
        return cls(tuple(classes[i] for i in above), lowest, probabilities, list(classes))
