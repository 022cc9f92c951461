"""Axes in a still picture: two ranges with their rules and labels, and curves over them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from course_utils.widgets.base.colours import Colour
from course_utils.widgets.base.numbers import plain_number
from course_utils.widgets.base.picture import FAINT, TEXT, Picture


@dataclass(frozen=True)
class Axes:
    """A rectangle of a picture, its corner at (left, top), over which numbers run `across` and `up`, (from, to) each.

    >>> axes = Axes(40, 10, 200, 100, across=(0, 1), up=(0, 5))
    >>> axes.x(0.5), axes.y(5), axes.y(9)
    (140.0, 10.0, 10.0)
    """

    left: float
    top: float
    width: float
    height: float
    across: tuple[float, float]
    up: tuple[float, float]

    def x(self, value: float) -> float:
        """Where a number is, or the edge that it lies beyond."""
        return self.left + self.width * _share(value, self.across)

    def y(self, value: float) -> float:
        """Where a number is, or the edge that it lies beyond."""
        return self.top + self.height * (1 - _share(value, self.up))

    def draw(
        self,
        picture: Picture,
        across: Sequence[float],
        up: Sequence[float],
        label: str,
        write: tuple[Callable[[float], str], Callable[[float], str]] = (plain_number, plain_number),
    ) -> None:
        """Draw a rule at each number of `up`, the numbers of both, and what the range across is called.

        `write` makes the text of a number, of those across and of those up.
        """
        bottom, right = self.top + self.height, self.left + self.width
        for value in up:
            picture.line([(self.left, self.y(value)), (right, self.y(value))], FAINT, 0.5)
            picture.text(self.left - 6, self.y(value), write[1](value), anchor="rm")
        for value in across:
            picture.text(self.x(value), bottom + 6, write[0](value), anchor="ma")
        picture.text(self.left + self.width / 2, bottom + 24, label, anchor="ma")

    def curve(
        self, picture: Picture, xs: Sequence[float], ys: Sequence[float], colour: Colour = TEXT, thickness: float = 2
    ) -> None:
        """Draw a line through points; where it leaves the range upwards or downwards it has a gap."""
        low, high = self.up
        run: list[tuple[float, float]] = []
        for x, y in zip(xs, ys, strict=True):
            if low <= y <= high:
                run.append((self.x(x), self.y(y)))
                continue
            if len(run) > 1:
                picture.line(run, colour, thickness)
            run = []
        if len(run) > 1:
            picture.line(run, colour, thickness)


def round_ticks(low: float, high: float, count: int) -> list[float]:
    """Round numbers in a range, about so many: multiples of 1, 2 or 5 and a power of ten, as `roundTicks` in plot.js gives.

    >>> round_ticks(0, 2.65, 5), round_ticks(-0.3, 0.3, 4)
    ([0.0, 0.5, 1.0, 1.5, 2.0, 2.5], [-0.2, 0.0, 0.2])
    """
    rough = (high - low) / count
    ten = 10.0 ** math.floor(math.log10(rough))
    step = next(times * ten for times in (1, 2, 5, 10) if times * ten >= rough * 0.8)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{at * step:.12g}") for at in range(first, last + 1)]


def _share(value: float, over: tuple[float, float]) -> float:
    low, high = over
    return min(1.0, max(0.0, (value - low) / (high - low)))
