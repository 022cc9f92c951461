"""The one way to draw a still picture: panels in rows, each with a heading, and the words for what they show below."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.widgets.base.colours import BLUE, ORANGE, colour_limit
from course_utils.widgets.base.picture import FAINT, MARK, Picture, text_width, wrap

GAP = 22
NARROWEST = 480  # so that the words below have room
WRITTEN = 22  # the side of a cell from which on its number is written into it

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """A part of a still picture: its size in units, what draws it with its corner at (left, top), and what it is called."""

    width: float
    height: float
    draw: Callable[[Picture, float, float], None]
    heading: str = ""
    subheading: str = ""

    @property
    def wide(self) -> float:
        """The width with what is written above it."""
        return max(self.width, text_width(self.heading, bold=True), text_width(self.subheading))


def still(rows: Sequence[Sequence[Panel]], words: str) -> Picture:
    """Draw rows of panels from left to right, one row below the other, and the words below all of them.

    >>> square = Panel(20, 20, lambda picture, left, top: picture.frame(left, top, 20, 20), heading="Square")
    >>> still([[square, square]], "Two squares.").width
    480
    """
    width = max(NARROWEST, *(sum(panel.wide + GAP for panel in row) + GAP for row in rows))
    lines = wrap(words, round(width) - 2 * GAP)
    tops, height = [], 0.0
    for row in rows:
        heads = 24 * any(panel.heading for panel in row) + 20 * any(panel.subheading for panel in row)
        tops.append((height + 10, height + 10 + heads))
        height += 10 + heads + max(panel.height for panel in row) + 6
    picture = Picture(math.ceil(width), math.ceil(height + 10 + 18 * len(lines) + 8))
    for row, (top, below) in zip(rows, tops, strict=True):
        left: float = GAP
        for panel in row:
            picture.text(left, top, panel.heading, bold=True)
            picture.text(left, top + 19, panel.subheading)
            panel.draw(picture, left, below)
            left += panel.wide + GAP
    picture.text(GAP, height + 10, "\n".join(lines))
    return picture


def maps_panel(
    maps: Array,
    cell: int,
    heading: str,
    subheading: str = "",
    palette: str = "blue-orange",
    limit: float | Array | None = None,
    frame: tuple[int, int, int, int] | None = None,
    tallest: float = math.inf,
    names: Sequence[str] = (),
) -> Panel:
    """Grids of numbers, (maps, rows, columns), one below the other up to a height of `tallest` and then side by side.

    `limit` is the number with the full colour, or one for each map; `frame` the row, column, height and width of what is marked
    in each map, and `names` stand beside the rows. nan is drawn as a zero: what fills up the last row of a long vector.
    """
    count, rows, columns = maps.shape
    high, wide = rows * cell + 8, columns * cell + 8
    below = max(1, int(min(count, tallest / high)))
    across = math.ceil(count / below)
    shades = np.broadcast_to(colour_limit(maps[~np.isnan(maps)]) if limit is None else limit, count)

    def draw(picture: Picture, left: float, top: float) -> None:
        for number, values in enumerate(maps):
            x, y = left + number // below * wide, top + number % below * high
            picture.grid(x, y, np.nan_to_num(values), cell, palette, float(shades[number]), numbers=cell >= WRITTEN)
            if frame and frame[0] + frame[2] <= rows and frame[1] + frame[3] <= columns:
                picture.frame(x + frame[1] * cell, y + frame[0] * cell, frame[3] * cell, frame[2] * cell)
        for row, name in enumerate(names):
            picture.text(left + columns * cell + 5, top + (row + 0.5) * cell, name, anchor="lm")

    beside = max((text_width(f" {name}") for name in names), default=0)
    return Panel(across * wide - 8 + beside, below * high - 8, draw, heading, subheading)


def legend_panel(palette: str, full: str) -> Panel:
    """What the colours of maps mean; `full` says which number has the deepest colour."""
    names, side = {-1.0: "negative", 0.0: "zero", 1.0: "positive"}, 14
    places = [0]
    for name in names.values():
        places.append(places[-1] + side + 6 + text_width(name) + 16)

    def draw(picture: Picture, left: float, top: float) -> None:
        for place, (value, name) in zip(places, names.items(), strict=False):
            picture.grid(left + place, top, np.array([[value]]), side, palette, limit=1)
            picture.text(left + place + side + 6, top + side / 2, name, anchor="lm")
        picture.text(left + places[-1], top + side / 2, full, anchor="lm")

    return Panel(places[-1] + text_width(full), side, draw)


def curve_panel(values: Array, at: float, value: float, heading: str, label: str, size: tuple[int, int] = (350, 230)) -> Panel:
    """A curve through values from 0 to 1 at even steps from 0 to 1, a line at `at`, and a mark on it where it is `value`."""
    width, height = size

    def draw(picture: Picture, left: float, top: float) -> None:
        left, top = left + 30, top + 6
        for share in (0, 0.2, 0.4, 0.6, 0.8, 1):
            y = top + (1 - share) * height
            picture.line([(left, y), (left + width, y)], FAINT, 0.5)
            picture.text(left - 6, y, f"{share:g}", anchor="rm")
            picture.text(left + share * width, top + height + 6, f"{share:g}", anchor="ma")
        picture.text(left + width / 2, top + height + 24, label, anchor="ma")
        picture.line([(left + at * width, top), (left + at * width, top + height)], MARK)
        steps = np.linspace(0, 1, len(values))
        picture.line([(left + x * width, top + (1 - y) * height) for x, y in zip(steps, values, strict=True)], thickness=2)
        picture.rectangle(left + at * width - 4, top + (1 - value) * height - 4, 8, 8, MARK)

    return Panel(width + 38, height + 50, draw, heading)


def two_bars_panel(
    names: Sequence[str], left_bars: Sequence[int], right_bars: Sequence[int], headings: tuple[str, str], bold: str = ""
) -> Panel:
    """For each name a blue bar to the left and an orange one to the right, as long as their counts; `bold` is one name."""
    most, half, line = max(*left_bars, *right_bars, 1), 110, 18
    column = min(150, max(text_width(name) for name in names))
    middle = column + 44 + half

    def draw(picture: Picture, left: float, top: float) -> None:
        centre = left + middle
        picture.text(centre - 6, top - 24, headings[0], bold=True, anchor="ra")
        picture.text(centre + 6, top - 24, headings[1], bold=True)
        for number, name in enumerate(names):
            y = top + 2 + number * line
            picture.text(left, y + 7, fitting(name, column, name == bold), bold=name == bold, anchor="lm")
            for count, colour, side, anchor in ((left_bars[number], BLUE, -1, "rm"), (right_bars[number], ORANGE, 1, "lm")):
                length = half * count / most
                picture.rectangle(centre - length if side < 0 else centre, y + 1, length, 13, colour)
                picture.text(centre + side * (length + 5), y + 7, f"{count:,}", anchor=anchor)
        picture.line([(centre, top), (centre, top + 2 + line * len(names))], FAINT, 1)

    return Panel(middle + half + 50, 6 + line * len(names), draw)


def fitting(text: str, width: float, bold: bool = False, size: int = 13) -> str:
    """The text, cut short where it is wider than `width` units.

    >>> fitting("cloudy", 100), fitting("cloudy", 32)
    ('cloudy', 'clo…')
    """
    while len(text) > 2 and text_width(text, size, bold) > width:
        text = text.removesuffix("…")[:-1] + "…"
    return text
