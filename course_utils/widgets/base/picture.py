"""Drawing the still picture that a widget leaves behind where nothing is alive."""

import io
import zlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

from course_utils.widgets.base.colours import MARKED, Colour, colour_limit, colours, ink, mixed
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.numbers import plain_number

SCALE = 2  # pixels of the file per unit: sharp on a dense screen and on paper
HEAVY = 150_000  # bytes of a PNG file, above which it is made smaller
TEXT = (34, 34, 34)
FAINT = (190, 190, 190)
MARK = (20, 90, 220)


class Picture:
    """A white sheet to draw grids of numbers and text on; all measures are in units of 1/96 inch, as on a web page.

    >>> picture = Picture(120, 60)
    >>> picture.text(4, 4, "Input")
    >>> picture.grid(4, 24, np.eye(3), cell=8)
    >>> picture.png()[:4]
    b'\\x89PNG'
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * SCALE, height * SCALE), "white")
        self._draw = ImageDraw.Draw(self._image)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: int = 13,
        bold: bool = False,
        anchor: str = "la",
        colour: Colour = TEXT,
        edge: Colour | None = None,
    ) -> None:
        """Write one or more lines; `anchor` is Pillow's, "la" for the top left corner and "mm" for the middle.

        With an `edge` the letters are outlined, so that they can be read across what lies below them.
        """
        font, around = _font(size * SCALE, bold), 0 if edge is None else 2 * SCALE
        self._draw.text((x * SCALE, y * SCALE), text, colour, font, anchor, stroke_width=around, stroke_fill=edge)

    def grid(
        self,
        x: float,
        y: float,
        values: NDArray[np.float64],
        cell: int,
        palette: str = "blue-orange",
        limit: float | None = None,
        numbers: bool = False,
    ) -> None:
        """Draw numbers of shape (rows, columns) as coloured squares, with the numbers, or a minus sign in the negative ones."""
        most = limit or colour_limit(values)
        shades = colours(values, most, palette)
        longest = max(len(plain_number(float(value))) for value in values.flat) if numbers else 1
        size = int(min(0.34 * cell, (cell - 3) / (0.62 * longest)) * SCALE)
        for (row, column), value in np.ndenumerate(values):
            left, top = x + column * cell, y + row * cell
            box = (left * SCALE, top * SCALE, (left + cell) * SCALE, (top + cell) * SCALE)
            red, green, blue = (int(part) for part in shades[row, column])
            shade, centre = (red, green, blue), ((left + cell / 2) * SCALE, (top + cell / 2) * SCALE)
            self._draw.rectangle(box, fill=shade, outline=FAINT if cell >= 6 else None)
            if numbers:
                text = plain_number(float(value))
                self._draw.text(centre, text, fill=ink(shade), font=_font(size, bold=False), anchor="mm")
            elif value < -MARKED * most and (cell > 5 or row % 2 == 0):
                wide, high = max(1.0, cell / 4), max(0.5, cell / 18)
                mark = mixed(ink(shade), shade, 0.6)
                self.rectangle(left + cell / 2 - wide, top + cell / 2 - high, 2 * wide, 2 * high, mark)
        self.frame(x, y, values.shape[1] * cell, values.shape[0] * cell, FAINT, 1)

    def frame(self, x: float, y: float, width: float, height: float, colour: Colour = MARK, thickness: int = 2) -> None:
        """Draw the outline of a rectangle, its middle on the edge."""
        half = (thickness - 1) / 2
        box = ((x - half) * SCALE, (y - half) * SCALE, (x + width + half) * SCALE, (y + height + half) * SCALE)
        self._draw.rectangle(box, outline=colour, width=thickness * SCALE)

    def rectangle(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Fill a rectangle; nothing where that is less than a pixel."""
        left, top, right, bottom = (round(edge * SCALE) for edge in (x, y, x + width, y + height))
        if right > left and bottom > top:
            self._draw.rectangle((left, top, right - 1, bottom - 1), fill=colour)

    def line(self, points: Sequence[tuple[float, float]], colour: Colour = TEXT, thickness: float = 1.5) -> None:
        """Draw a line through points (x, y)."""
        self._draw.line([(x * SCALE, y * SCALE) for x, y in points], fill=colour, width=round(thickness * SCALE), joint="curve")

    def dot(self, x: float, y: float, radius: float, colour: Colour | None) -> None:
        """Draw a disc with an edge that shows on any ground; without a colour it is hollow."""
        box = [edge * SCALE for edge in (x - radius, y - radius, x + radius, y + radius)]
        self._draw.ellipse(box, fill=colour, outline=TEXT, width=SCALE if colour else 2 * SCALE)

    def paste(self, x: float, y: float, side: float, image: Image.Image) -> None:
        """Put an image in the middle of a square, as large as fits; in one pixel a unit, for photographs make PNGs large."""
        fitted = ImageOps.contain(image.convert("RGB"), (round(side), round(side)), Image.Resampling.LANCZOS)
        fitted = fitted.resize((fitted.width * SCALE, fitted.height * SCALE), Image.Resampling.NEAREST)
        pixels = round(side * SCALE)
        at = round(x * SCALE) + (pixels - fitted.width) // 2, round(y * SCALE) + (pixels - fitted.height) // 2
        self._image.paste(fitted, at)

    def png(self) -> bytes:
        """The picture as the bytes of a PNG file, at half its pixels where photographs would make it heavy for a notebook."""
        whole = _png(self._image)
        return whole if len(whole) <= HEAVY else _png(self._image.reduce(2))

    def webp(self, widest: int = 10_000) -> bytes:
        """The picture, at most so many pixels wide, as the bytes of a WebP file: small where there are photographs in it."""
        buffer = io.BytesIO()
        image = self._image.copy()
        image.thumbnail((widest, 10_000), Image.Resampling.LANCZOS)
        image.save(buffer, "webp", quality=60, method=4)
        return buffer.getvalue()


def pixel_sum(png: bytes) -> int:
    """The Adler-32 checksum of a picture's pixels, row by row, each as red, green, blue and alpha; `page.js` has the same.

    >>> buffer = io.BytesIO()
    >>> Image.new("RGB", (1, 1), (1, 2, 3)).save(buffer, "png")
    >>> pixel_sum(buffer.getvalue()) == zlib.adler32(bytes([1, 2, 3, 255]))
    True
    """
    with Image.open(io.BytesIO(png)) as image:
        return zlib.adler32(image.convert("RGBA").tobytes())


def text_width(text: str, size: int = 13, bold: bool = False) -> int:
    """How wide one line of text will be, in units."""
    return int(_font(size * SCALE, bold).getlength(text) / SCALE) + 1


def wrap(text: str, width: int, size: int = 13) -> list[str]:
    """Cut a text into lines of at most `width` units, between words.

    >>> wrap("one two three", width=65)
    ['one two', 'three']
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


@lru_cache
def _font(pixels: int, bold: bool) -> ImageFont.FreeTypeFont:
    """A font that matplotlib brings along: the same on every machine, with × and − in it. Matplotlib itself is not loaded."""
    package = find_spec("matplotlib")
    if package is None or package.origin is None:
        raise WidgetError("matplotlib, whose font the pictures are written with, is missing; pip install matplotlib")
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(package.origin).parent / "mpl-data" / "fonts" / "ttf" / name, pixels)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    few = image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)  # looks the same at half the size
    few.save(buffer, "png", optimize=True)
    return buffer.getvalue()
