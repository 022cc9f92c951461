"""Colours as red, green and blue in 0..1, and the light that falls on them."""

from dataclasses import dataclass

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """Where the light comes from (x, y, z, towards it) and its colour; and the colour of the shade."""

    towards: tuple[float, float, float]
    sun: Colour
    shade: Colour


def lighter(colour: Colour, by: float) -> Colour:
    """Add the same to all three; darken if it is negative."""
    return colour[0] + by, colour[1] + by, colour[2] + by


def dimmed(colour: Colour, by: float) -> Colour:
    """Multiply all three."""
    return colour[0] * by, colour[1] * by, colour[2] * by


def mix(a: Colour, b: Colour, share: float) -> Colour:
    """Mix a share of `b` into `a`.

    >>> mix((0, 0, 0), (1, 0.5, 0), 0.5)
    (0.5, 0.25, 0.0)
    """
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), a[2] + share * (b[2] - a[2])
