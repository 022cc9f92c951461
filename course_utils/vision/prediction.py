"""What a model says of one picture."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.training.data import Task
from course_utils.training.metrics import Threshold, thresholds_like


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


def as_image(
    image: Image.Image | NDArray[np.uint8] | str | os.PathLike[str],
) -> Image.Image | str | os.PathLike[str]:
    """Make a Pillow image of an array (height, width, 3) of bytes; images and names of files stay what they are."""
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
            raise CourseError(
                f"the picture is an array of shape {image.shape}, {image.dtype}; give (height, width, 3) of uint8: red, green "
                "and blue from 0 to 255"
            )
        return Image.fromarray(image)
    if not isinstance(image, Image.Image | str | os.PathLike):
        raise CourseError(
            f"the picture is of type {type(image).__name__}; give the path of a file, a Pillow image, or an array (height, "
            "width, 3) of uint8"
        )
    return image
