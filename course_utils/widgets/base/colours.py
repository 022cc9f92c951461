"""Colours of numbers around zero: which are positive and which negative, and how far from zero they are."""

import numpy as np
from numpy.typing import NDArray

from course_utils import figures

Colour = tuple[int, int, int]


def rgb(code: str) -> Colour:
    """Red, green and blue from 0 to 255, of a colour as figures name it.

    >>> rgb("#0072B2")
    (0, 114, 178)
    """
    red, green, blue = bytes.fromhex(code.removeprefix("#"))
    return red, green, blue


WHITE = (255, 255, 255)
BLUE, ORANGE = rgb(figures.BLUE), rgb(figures.VERMILION)  # two that everybody can tell apart
GREEN, RED = (0, 136, 62), (214, 45, 38)
PALETTES = {"blue-orange": (BLUE, ORANGE), "lecture": (GREEN, RED)}  # of positive numbers, of negative ones
MARKED = 0.02  # a negative number with less of the colour than this looks white, and is not marked


def colours(values: NDArray[np.float64], limit: float, palette: str = "blue-orange") -> NDArray[np.uint8]:
    """A colour for each number, from white at zero: an array of one more axis, red, green and blue from 0 to 255.

    `limit` (above 0) is the size of the number with the full colour. `palette` is "blue-orange", or "lecture" for the lecture's
    green and red (0:51:28). The widgets' JavaScript does the same sum (`colour` in grid.js), so that a picture looks like what
    it is a picture of.

    >>> colours(np.array([-2.0, 0.0, 2.0]), limit=2.0).tolist()
    [[213, 94, 0], [255, 255, 255], [0, 114, 178]]
    """
    positive, negative = PALETTES[palette]
    strength = np.clip(np.abs(values) / limit, 0.0, 1.0)[..., None]
    full = np.where(values[..., None] < 0, negative, positive)
    return np.rint(np.array(WHITE) + strength * (full - np.array(WHITE))).astype(np.uint8)


def colour_limit(values: NDArray[np.float64]) -> float:
    """The size of the largest number, and 1 where all are zero: what to give `colours` as its limit.

    >>> colour_limit(np.array([-3.0, 2.0])), colour_limit(np.zeros(4))
    (3.0, 1.0)
    """
    return float(np.abs(values).max(initial=0.0)) or 1.0


def ink(shade: Colour) -> Colour:
    """Black or white, whichever is easier to read on a colour: at least 4.5 to 1 on any (WCAG 2.2, 1.4.3).

    >>> ink(WHITE), ink(BLUE), ink(ORANGE)
    ((0, 0, 0), (255, 255, 255), (0, 0, 0))
    """
    parts = [part / 3294.6 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in shade]
    return (0, 0, 0) if np.dot((0.2126, 0.7152, 0.0722), parts) > 0.179 else WHITE


def mixed(over: Colour, under: Colour, share: float) -> Colour:
    """A colour that covers a share of another.

    >>> mixed(WHITE, (0, 0, 0), 0.6)
    (153, 153, 153)
    """
    red, green, blue = (round(share * above + (1 - share) * below) for above, below in zip(over, under, strict=True))
    return red, green, blue
