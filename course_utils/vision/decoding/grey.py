"""Grey of more than 8 bits: which value is black and which is white."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras, scanners and scientific tools fill
BITS_PER_SAMPLE, PHOTOMETRIC, MAX_SAMPLE, SAMPLE_FORMAT = 258, 262, 281, 339  # tags of TIFF
WHITE_IS_ZERO, UNSIGNED = 0, 1
NO_NUMBERS = (
    "a grey picture holds values that are not numbers (NaN, or infinite). They are shown black, infinity white. If they mark "
    "what is missing, put a number in their place before you save it."
)
ITS_OWN_RANGE = (
    "a grey picture holds numbers that are on no known scale (below 0, above 65,535, or fractions above 1). Its lowest is "
    "shown black and its highest white, so that one number may be another grey in the next picture; save all with 8 bits, "
    "scaled to 65,535, or as fractions from 0 to 1, to decide it yourself."
)  # both without the numbers themselves: a warning of the same words is shown once, not for each picture


def is_deep(image: Image.Image) -> bool:
    """Whether an image is one channel of whole numbers of 16 or 32 bits, or of fractions."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


@dataclass(frozen=True)
class Greys:
    """How the values of one picture become bytes: `black` becomes 0 and `white` 255, with straight steps between."""

    black: float
    white: float
    unsigned: bool = False

    def bytes(self, image: Image.Image) -> NDArray[np.uint8]:
        """The bytes (height, width) of a part of the picture, or of all; what is not a number is black."""
        values = self.values(image).astype(np.float64)
        scaled = (values - self.black) * (255 / (self.white - self.black))
        scaled = np.nan_to_num(scaled, nan=0.0, posinf=255.0, neginf=0.0).clip(0, 255).round()
        clear = image.info.get("transparency")  # one value of a PNG, which shows the white page behind it
        if isinstance(clear, int):
            scaled[values == clear] = 255
        return scaled.astype(np.uint8)

    def values(self, image: Image.Image) -> NDArray:
        """The numbers that the file holds; Pillow gives those of 32 bits as if they had a sign."""
        values = np.asarray(image)
        return values.view(np.uint32) if self.unsigned else values


def greys_of(image: Image.Image, parts: Iterable[Image.Image]) -> Greys:
    """Find black and white of a deep grey image, whose pixels come in `parts`.

    A file seldom says how deep its values are: 12 bits of a camera are stored in 16 of the file, or 8 in 32. The rule is
    the same for every picture, and looks at this one alone, so that a picture is always the same to a network:

    - whole numbers from 0 to 65,535: white is the highest value of the bits that the file states (TIFF), else of the fewest of
      8, 10, 12, 14 and 16 bits that hold its highest value. A warning says where that is fewer than the file's own.
    - fractions from 0 to 1: white is 1. Fractions up to 65,535 that reach 16 or more are taken like whole numbers.
    - all else (negative or larger numbers, fractions a little above 1): its own lowest value is black, its highest white. A
      warning says so, and another where values are NaN or infinite.
    """
    tags = getattr(image, "tag_v2", {})
    bits = int(np.max(tags.get(BITS_PER_SAMPLE, 16 if image.mode != "I" else 32)))
    greys = Greys(
        0, 1, unsigned=image.mode == "I" and bits == 32 and bool(tags) and _first(tags, SAMPLE_FORMAT, UNSIGNED) == UNSIGNED
    )
    low, high, whole, numbers = np.inf, -np.inf, True, True
    for part in parts:
        finite = np.isfinite(values := greys.values(part))
        numbers = numbers and bool(finite.all())
        if (values := values[finite]).size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
            whole = whole and (image.mode != "F" or bool((values == values.round()).all()))
    if not numbers:
        warnings.warn(NO_NUMBERS, stacklevel=2)
    if low > high:
        return greys
    black, white = low, high if high > low else low + 1
    if (low >= 0 and not whole and high <= 1) or (low >= 0 and high <= 1 and image.mode == "F"):
        black, white = 0, 1
    elif low >= 0 and high <= 65_535 and (whole or high >= 16):
        black, white = 0, _white(high, bits, tags, fractions=image.mode == "F")
    else:
        warnings.warn(ITS_OWN_RANGE, stacklevel=2)
    if _first(tags, PHOTOMETRIC, 1) == WHITE_IS_ZERO and image.mode != "F":
        black, white = white, black
    return Greys(black, white, greys.unsigned)


def _white(high: float, bits: int, tags: object, fractions: bool) -> float:
    stated = _first(tags, MAX_SAMPLE, 0)
    if 255 <= stated <= 65_535 and high <= stated:
        return float(stated)
    if 8 < bits < 16 and high < 2**bits:
        return float(2**bits - 1)
    depth = next(depth for depth in DEPTHS if high < 2**depth)
    if high > 0 and depth < 16 and not (fractions and depth == 8):
        warnings.warn(
            f"a grey picture of {'fractions' if fractions else f'{bits} bits'} is taken for one of {depth} bits: its values "
            f"stay below {2**depth:,}, so {2**depth - 1:,} is shown white. Among pictures of different depths, or very dark "
            "ones, that may brighten some more than others; save them with 8 bits, or scaled to 65,535, to decide it yourself.",
            stacklevel=2,
        )
    return float(2**depth - 1)


def _first(tags: object, tag: int, default: int) -> int:
    """The first value of a TIFF tag, some of which have one for each channel."""
    value = tags.get(tag, default) if hasattr(tags, "get") else default
    return int(value[0]) if isinstance(value, tuple) else int(value)
