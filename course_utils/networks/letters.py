"""Letters drawn with NumPy, and a small network made by hand that knows an A when it sees one."""

from collections import OrderedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.networks.kernels import KERNELS
from course_utils.networks.strokes import Stroke, distances

# Strokes as polylines of (row, column) points, in a square of side 1.
STROKES: dict[str, list[Stroke]] = {
    "A": [[(0.87, 0.16), (0.12, 0.5), (0.87, 0.84)], [(0.62, 0.3), (0.62, 0.7)]],
    "B": [
        [(0.13, 0.25), (0.87, 0.25), (0.87, 0.6), (0.78, 0.73), (0.6, 0.73), (0.5, 0.6), (0.5, 0.25)],
        [(0.5, 0.58), (0.4, 0.68), (0.23, 0.68), (0.13, 0.56), (0.13, 0.25)],
    ],
    "H": [[(0.13, 0.24), (0.87, 0.24)], [(0.13, 0.76), (0.87, 0.76)], [(0.5, 0.24), (0.5, 0.76)]],
    "T": [[(0.15, 0.16), (0.15, 0.84)], [(0.15, 0.5), (0.87, 0.5)]],
    "X": [[(0.13, 0.2), (0.87, 0.8)], [(0.13, 0.8), (0.87, 0.2)]],
}


def letter(name: str = "A", size: int = 28) -> NDArray[np.float64]:
    """One of the letters A, B, H, T and X as numbers from 0 (paper) to 1 (ink), of shape (size, size).

    Raises CourseError for another letter and a size under 12.

    >>> letter("A").shape, float(letter("A").min()), float(letter("A").max())
    ((28, 28), 0.0, 1.0)
    """
    if not isinstance(name, str) or name not in STROKES:
        raise CourseError(f"no letter {name!r} is drawn here; there are: {', '.join(STROKES)}")
    if isinstance(size, bool) or not isinstance(size, int) or not 12 <= size <= 1_000:
        raise CourseError(f"size is {size!r}; a letter is drawn on a square of 12 to 1,000 pixels a side")
    centres = (np.arange(size) + 0.5) / size
    ink = np.clip(0.5 + (0.055 - distances(centres, STROKES[name])) * size, 0, 1)
    return np.round(ink, 2)


def letter_a(size: int = 28) -> NDArray[np.float64]:
    """The letter A, with which the lecture's walk through a network begins (0:44:39)."""
    return letter("A", size)


def letter_network(size: int = 28) -> nn.Sequential:
    """The lecture's network for one letter (0:44:48-0:48:38): convolution, ReLU and max pool twice, a template, a probability.

    Its weights are made, not trained. The first layer has a right edge and a top edge, the second adds up and compares the two
    maps along four directions. The template is what an A gives at that place less what the other drawn letters give on
    average; its scale makes an A 95% certain and the average of the others 5%. In float64, for an input of (1, size, size).

    >>> network = letter_network()
    >>> [bool(network(torch.tensor(letter(name))[None, None]) > 0.5) for name in "ABHTX"]
    [True, False, False, False, False]
    """
    conv1, conv2 = nn.Conv2d(1, 2, 3), nn.Conv2d(2, 4, 3)
    first = torch.tensor([KERNELS["right edge"], KERNELS["top edge"]])
    falling = torch.tensor([[1.0, 0, -1], [0, 1, 0], [-1, 0, 1]])
    upright = torch.tensor([[-1.0, 2, -1], [-1, 2, -1], [-1, 2, -1]]) / 2
    pairs = [(falling, falling), (falling.flip(1), falling.flip(1)), (upright, -upright), (-upright.T, upright.T)]
    with torch.no_grad():
        conv1.weight.copy_(first[:, None])
        conv2.weight.copy_(torch.stack([torch.stack(pair) for pair in pairs]) / 4)
        conv1.bias.zero_()  # type: ignore[union-attr]  # Conv2d has a bias unless told otherwise
        conv2.bias.zero_()  # type: ignore[union-attr]
    features = nn.Sequential(
        OrderedDict(
            conv1=conv1,
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=conv2,
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
        )
    ).double()
    with torch.no_grad():
        seen: dict[str, Tensor] = {name: features(torch.tensor(letter(name, size))[None, None])[0] for name in STROKES}
        others = torch.stack([values for name, values in seen.items() if name != "A"]).mean(0)
        difference = seen["A"] - others
        template = nn.Linear(len(difference), 1).double()
        scale = 6 / difference.dot(difference)
        template.weight.copy_(scale * difference[None])
        template.bias.copy_(-3 - scale * difference.dot(others)[None])
    return nn.Sequential(
        OrderedDict([*features.named_children(), ("template", template), ("probability", nn.Sigmoid())])
    ).eval()
