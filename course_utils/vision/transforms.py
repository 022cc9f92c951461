"""From decoded squares to what a network sees: varied at random (flipped, turned, zoomed, lit), scaled down and normalised."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.training.arguments import real, shown
from course_utils.vision.networks.architectures import IMAGENET_MEAN, IMAGENET_STD, Architecture, statistics
from course_utils.vision.pictures import Picture, pixels_of
from course_utils.vision.variations import Variations, varied

LARGEST_SIZE = 4096  # pixels along a side of what a network sees
MARGIN = 1.3  # decoded pictures are kept this much larger than the network's, so that turning and zooming find detail
PART = 16  # pictures that are varied at a time


def side(size: object, what: str = "size") -> int:
    """The pixels along one side of a square, from a whole number, or from two that are the same.

    >>> side(224), side((224, 224)), side(224.0)
    (224, 224, 224)

    Raises CourseError for everything else, text and oblong sizes among them.
    """
    wanted = f"{what} is {size!r}; give the pixels along one side of the network's square input, such as 224"
    if isinstance(size, tuple | list | np.ndarray | Tensor) and np.shape(size) == (2,):
        first, second = (side(one, what) for one in size)
        if first != second:
            raise CourseError(f"{wanted}: oblong pictures are cropped to a square")
        return first
    if isinstance(size, Tensor | np.ndarray) and size.ndim == 0:
        size = size.item()
    if not _is_number(size) or size != int(size) or size < 1:
        raise CourseError(wanted)
    return int(size)


def _is_number(value: object) -> TypeGuard[float]:
    """Whether it is a finite number; True and False do not count."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool) and math.isfinite(value)


def _of_three_channels(name: str, values: object) -> tuple[float, float, float]:
    """Three numbers, from a list, an array or a tensor of them."""
    listed = values.tolist() if isinstance(values, Tensor | np.ndarray) else values
    numbers = [real(one) for one in listed] if isinstance(listed, Sequence) and not isinstance(listed, str) else []
    if len(numbers) != 3 or not all(number is not None and math.isfinite(number) for number in numbers):
        raise CourseError(f"{name} is {values!r}; give three numbers, of red, green and blue")
    red, green, blue = (number for number in numbers if number is not None)
    return red, green, blue


def _is_pixels(picture: object, side: int) -> bool:
    """Whether it is an array of bytes (height, width, 3) with that shorter side."""
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.ndim != 3:
        return False
    return picture.shape[2] == 3 and min(picture.shape[:2]) == side


@dataclass(frozen=True)
class Augmentation:
    """How much pictures are varied while training (lecture 1:24:10-1:25:05).

    Each gets one of the first `symmetries` of `variations.SYMMETRIES` (1, 2 or 8), a turn of up to `degrees` either way, a
    brightness moved by up to `light` (on a scale from 0 to 1) and a contrast multiplied by 1 - `light` to 1 + `light`. With a
    `share` below 1 only as large a part of the pictures is turned, and a part as large, whichever these are, zoomed.
    """

    symmetries: int = 1
    degrees: float = 10.0
    light: float = 0.05
    share: float = 1.0

    def __post_init__(self) -> None:
        symmetries, degrees, light, share = map(real, (self.symmetries, self.degrees, self.light, self.share))
        if symmetries not in (1, 2, 8):
            raise CourseError(
                f"symmetries is {self.symmetries!r}; it is 1 (none), 2 (left and right swapped) or 8 (all of the square's)"
            )
        if degrees is None or not math.isfinite(degrees):
            raise CourseError(f"degrees is {self.degrees!r}; give a number, such as {Augmentation.degrees}")
        if light is None or not 0 <= light <= 1:
            raise CourseError(f"light is {self.light!r}; give a number from 0 to 1, such as {Augmentation.light}")
        if share is None or not 0 <= share <= 1:
            raise CourseError(f"share is {self.share!r}; give a number from 0 (none is turned or zoomed) to 1 (all are)")
        for name, value in (("symmetries", int(symmetries)), ("degrees", degrees), ("light", light), ("share", share)):
            object.__setattr__(self, name, value)  # as a frozen dataclass lets itself be tidied

    def some(self, amounts: Tensor) -> Tensor:
        """Amounts (n,) by which pictures are moved, 0 for those outside the `share`."""
        return amounts if self.share == 1 else amounts * (torch.rand(len(amounts)) < self.share)


side_on = Augmentation(symmetries=2)
"""For pictures taken by a person standing on the ground: left and right may swap, up and down may not."""

top_down = Augmentation(symmetries=8)
"""For pictures taken from above, or through a microscope: any of the eight symmetries of a square."""


@dataclass(frozen=True)
class Transforms:
    """What becomes of decoded pictures before a network sees them; see `transforms_for`.

    Pictures are cropped to squares of `square` x `square` bytes (`squares`), which a call scales to `size` x `size` and
    normalises, on the device (cpu or cuda) where they are. All random numbers come from PyTorch's global CPU generator, so
    that `set_seed` repeats them on any device.
    """

    size: int
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    augment: Augmentation | None = side_on
    max_zoom: float = 1.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", side(self.size))
        if self.size > LARGEST_SIZE:
            raise CourseError(f"size is {self.size:,}; pictures for a network have up to {LARGEST_SIZE:,} pixels a side")
        for name, values in (("mean", self.mean), ("std", self.std)):
            object.__setattr__(self, name, _of_three_channels(name, values))
        if min(self.std) <= 0:
            raise CourseError(f"std is {self.std!r}; pictures are divided by it, so give three numbers above 0")
        if max(self.mean) > 1 or min(self.mean) < -1:
            raise CourseError(
                f"mean is {self.mean!r}; it is taken from colours that run from 0 to 1. If these were measured on 0 to 255, "
                "divide mean and std by 255."
            )
        zoom = real(self.max_zoom)
        if zoom is None or not 1 <= zoom < math.inf:
            raise CourseError(
                f"max_zoom is {self.max_zoom!r}; give 1 (no zoom) or more: 1.1 shows as little as 1/1.1 of each side"
            )
        object.__setattr__(self, "max_zoom", zoom)
        if not (self.augment is None or isinstance(self.augment, Augmentation)):
            raise CourseError(f"augment is {self.augment!r}; give side_on, top_down, an Augmentation or None")

    @property
    def square(self) -> int:
        """The side of the squares that are taken in: 1.3 times `size`."""
        return round(MARGIN * self.size)

    def squares(self, pictures: Sequence[NDArray[np.uint8]], augment: bool = False) -> Tensor:
        """Cut a square out of each picture (height, width, 3) whose shorter side is `square`: bytes (B, 3, square, square).

        The square is the middle one, or with `augment` a random one along the longer side.
        """
        side, positions = (
            self.square,
            torch.rand(len(pictures)).tolist() if augment and self.augment else [None] * len(pictures),
        )
        batch = torch.empty(len(pictures), side, side, 3, dtype=torch.uint8)
        for square, picture, position in zip(batch.numpy(), pictures, positions, strict=True):
            if not _is_pixels(picture, side):
                raise CourseError(
                    f"pictures holds {shown(picture)}; give bytes (height, width, 3) whose shorter side is {side}, as "
                    f"read_image gives them with short_side={side}, or one picture of any kind to transforms.one"
                )
            height, width, _ = picture.shape
            spare = max(height, width) - side
            start = spare // 2 if position is None else int(position * (spare + 1))
            square[...] = picture[start : start + side] if height > width else picture[:, start : start + side]
        return batch.permute(0, 3, 1, 2)

    def __call__(self, squares: Tensor, augment: bool = False) -> Tensor:
        """Turn bytes (B, 3, square, square) into normalised numbers (B, 3, size, size), varied at random with `augment`.

        Raises CourseError for anything else: pictures of other kinds are what `one` takes.
        """
        shape = tuple(squares.shape) if isinstance(squares, Tensor) and squares.dtype == torch.uint8 else ()
        if len(shape) != 4 or shape[1] != 3 or shape[2] != shape[3]:
            given = f"{squares.dtype} of shape {tuple(squares.shape)}" if isinstance(squares, Tensor) else shown(squares)
            raise CourseError(
                f"squares is {given}; give the bytes (B, 3, square, square) that transforms.squares returns, or one picture of "
                "any kind to transforms.one"
            )
        if not (augment and self.augment):
            return self._normalise(self._scale(squares))
        variations = self.variations(len(squares))
        # A few at a time: what passes from step to step then stays in the processor's cache.
        parts = zip(squares.split(PART), variations.matrices.split(PART), variations.light.split(PART), strict=True)
        return torch.cat([self._normalise(varied(part, self.size, *variation)) for part, *variation in parts])

    def variations(self, n: int) -> Variations:
        """Draw at random how n pictures are varied.

        Raises CourseError where `augment` is None: nothing is varied then.
        """
        if self.augment is None:
            raise CourseError("augment is None, so that pictures are not varied; give side_on, top_down or an Augmentation")
        return Variations(
            symmetries=torch.randint(self.augment.symmetries, (n,)),
            angles=self.augment.some(math.radians(self.augment.degrees) * (2 * torch.rand(n) - 1)),
            zooms=1 + self.augment.some((self.max_zoom - 1) * torch.rand(n)),
            places=2 * torch.rand(n, 2) - 1,
            light=self.augment.light * (2 * torch.rand(n, 2) - 1),
        )

    def one(self, image: Picture, augment: bool = False) -> Tensor:
        """Do the same to one picture, by hand (lecture 0:39:32): a file, Pillow image or array becomes (3, size, size).

        For what may be given, and what is refused, see `pictures.pixels_of`.

        >>> transforms_for(None, 64).one(np.zeros((400, 500, 3), np.uint8))[None].shape  # [None]: a mini-batch of one
        torch.Size([1, 3, 64, 64])
        """
        return self(self.squares([pixels_of(image, self.square)], augment), augment)[0]

    def denormalise(self, x: Tensor) -> Tensor:
        """Undo the normalisation of (..., 3, height, width), a tensor or an array: colours from 0 to 1, to be shown."""
        if not isinstance(x, Tensor | np.ndarray):
            raise CourseError(f"x is {shown(x)}; give normalised pictures, floats (..., 3, height, width)")
        x = torch.as_tensor(x)
        if x.dim() < 3 or x.shape[-3] != 3 or not x.is_floating_point():
            raise CourseError(
                f"x is {x.dtype} of shape {tuple(x.shape)}; give normalised pictures, floats (..., 3, height, width)"
            )
        return (x * self._per_channel(self.std, x) + self._per_channel(self.mean, x)).clamp(0, 1)

    def _scale(self, squares: Tensor) -> Tensor:
        if squares.device.type == "cpu":  # PyTorch scales bytes here, several times as fast as floats
            x = F.interpolate(squares, (self.size, self.size), mode="bilinear", antialias=True).float()
        else:
            x = F.interpolate(squares.float(), (self.size, self.size), mode="bilinear", antialias=True).round_()
        return x.div_(255)

    def _normalise(self, x: Tensor) -> Tensor:
        return x.sub_(self._per_channel(self.mean, x)).div_(self._per_channel(self.std, x))

    @staticmethod
    def _per_channel(values: Sequence[float], like: Tensor) -> Tensor:
        return torch.tensor(values, dtype=like.dtype, device=like.device).view(3, 1, 1)


def transforms_for(
    arch: Architecture | None, size: int, augment: Augmentation | None = side_on, max_zoom: float = 1.1
) -> Transforms:
    """Give the transforms for the backbone `arch` at `size` x `size` pixels, normalised as it was when it was trained.

    While training, pictures are varied as `augment` says (`side_on`, `top_down` or an Augmentation of your own) and zoomed by 1
    to `max_zoom`; with None they never are. Without a backbone (`arch` None) the statistics are those of ImageNet.

    >>> transforms_for(None, 224, augment=top_down).square
    291
    """
    if arch is None:
        return Transforms(size, augment=augment, max_zoom=max_zoom)
    mean, std = statistics(arch)
    return Transforms(size, mean, std, augment, max_zoom)
