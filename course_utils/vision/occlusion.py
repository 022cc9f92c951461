"""Where a network looks: what it says of a picture while a grey square covers one part after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.training.arguments import shown, whole
from course_utils.vision.learner import ImageLearner
from course_utils.vision.pictures import Picture
from course_utils.vision.predictor import ImagePredictor

PARTS = 9  # places along a side, where none are asked for and there is room for them
SHARE = 5  # the square covers one part in this many of a side
MOST_PARTS = 64
BATCH = 16  # pictures at a time


@dataclass(frozen=True, eq=False)
class OcclusionMap:
    """What a network says of a picture, and of the same with a grey square at each of some places; see `occlusion_map`.

    Attributes:
        colours: what the network sees, (3, size, size), from 0 to 1.
        probabilities: of the whole picture, (classes,).
        covered: the same with a part covered, (places, places, classes), from the top left one on.
        starts: the pixels at which the squares begin, down and across, (places,).
        side: of the square, in pixels.
        classes: their names.
    """

    colours: Tensor = field(repr=False)
    probabilities: Tensor = field(repr=False)
    covered: Tensor = field(repr=False)
    starts: list[int]
    side: int
    classes: list[str]

    def drop(self, name: str) -> Tensor:
        """How much less probable a class becomes with each part covered, (places, places); below 0 where it becomes more so."""
        if name not in self.classes:
            some = ", ".join(self.classes[:10])
            raise CourseError(f"no class is called {shown(name)}; there are: {some}")
        number = self.classes.index(name)
        return self.probabilities[number] - self.covered[:, :, number]

    def heat(self, name: str) -> Tensor:
        """The mean drop of all squares that cover each pixel, (size, size), as `spread` gives it."""
        return spread(self.drop(name), self.starts, self.side, self.colours.shape[-1])


def spread(drops: Tensor, starts: Sequence[int], side: int, size: int) -> Tensor:
    """Of each pixel the mean of the numbers (places, places) of all squares that cover it, (size, size); 0 where none does.

    >>> spread(torch.tensor([[1.0, 0.0], [0.0, 0.0]]), starts=[0, 1], side=2, size=3)
    tensor([[1.0000, 0.5000, 0.0000],
            [0.5000, 0.2500, 0.0000],
            [0.0000, 0.0000, 0.0000]])
    """
    places = torch.arange(size)
    inside = torch.stack([(places >= start) & (places < start + side) for start in starts]).to(drops.dtype)
    per_pixel = inside.sum(0).clamp(min=1)
    return inside.T @ drops @ inside / torch.outer(per_pixel, per_pixel)


def occlusion_map(
    learner: ImageLearner | ImagePredictor,
    picture: Picture,
    places: int | None = None,
    side: int | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> OcclusionMap:
    """Slide a grey square over a picture and note what the network says each time (Zeiler and Fergus, 2014).

    Where the probability of a class drops, the network needed what was covered. The square has the colour that normalised
    pictures have at 0, the mean of all, and the network's weights are left as they are.

    Args:
        learner: an image learner, or what `load_predictor` reads.
        picture: a file, its bytes, a Pillow image or an array, as `predict_image` takes it.
        places: along each side, by default 9 or as many as there is room for; the network runs places² times.
        side: of the square, in pixels of what the network sees; by default a fifth of the picture's.
        progress: called with how many pictures are done, and of how many.

    Raises:
        CourseError: the picture cannot be read, or an argument does not fit.

    >>> from course_utils.vision import transforms_for
    >>> network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 2))
    >>> predictor = ImagePredictor(network, ["cat", "dog"], "single-label", transforms_for(None, 32), device="cpu")
    >>> found = occlusion_map(predictor, torch.zeros(40, 60, 3), places=5)
    >>> found.drop("cat").shape, found.heat("cat").shape
    (torch.Size([5, 5]), torch.Size([32, 32]))
    """
    if not isinstance(learner, ImageLearner | ImagePredictor):
        raise CourseError(f"learner is {shown(learner)}; give an image_learner, or what load_predictor returns for one")
    transforms = learner.transforms if isinstance(learner, ImagePredictor) else learner.data.transforms
    side = max(1, round(transforms.size / SHARE)) if side is None else whole("side", side)
    if side > transforms.size:
        raise CourseError(f"side is {side}; the network sees {transforms.size} pixels a side, so give at most that")
    most = min(MOST_PARTS, transforms.size - side + 1)
    places = min(PARTS, most) if places is None else whole("places", places, least=2)
    if places > most:
        raise CourseError(f"places is {places}; a square of {side} in {transforms.size} pixels has at most {most} along a side")
    x = transforms.one(picture)
    probabilities = learner.probabilities_of(x[None])[0]
    starts = torch.linspace(0, transforms.size - side, places).round().int().tolist()
    corners = [(top, left) for top in starts for left in starts]
    rows = []
    for first in range(0, len(corners), BATCH):
        part = corners[first : first + BATCH]
        batch = x.repeat(len(part), 1, 1, 1)
        for covered, (top, left) in zip(batch, part, strict=True):
            covered[:, top : top + side, left : left + side] = 0
        rows.append(learner.probabilities_of(batch))
        if progress is not None:
            progress(first + len(part), len(corners))
    covered = torch.cat(rows).view(places, places, -1)
    classes = list(learner.classes if isinstance(learner, ImagePredictor) else learner.data.classes or [])
    return OcclusionMap(transforms.denormalise(x), probabilities, covered, starts, side, classes)
