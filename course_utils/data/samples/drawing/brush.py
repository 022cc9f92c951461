"""A pen for scenery: Pillow's, with colours in 0..1, gradients and hills."""

import numpy as np
from PIL import Image, ImageDraw

from course_utils.data.samples.drawing.colours import Colour, lighter

CLOTH: tuple[Colour, ...] = (
    (0.70, 0.34, 0.30),
    (0.30, 0.46, 0.54),
    (0.46, 0.55, 0.40),
    (0.80, 0.66, 0.42),
    (0.56, 0.44, 0.58),
    (0.86, 0.82, 0.76),
    (0.40, 0.38, 0.44),
)


class Brush:
    """Pillow's pen with colours in 0..1, gradients, and a random generator at hand."""

    def __init__(self, image: Image.Image, rng: np.random.Generator) -> None:
        self.image = image
        self.width, self.height = image.size
        self.pen = ImageDraw.Draw(image)
        self.rng = rng

    def pick(self, colours: tuple[Colour, ...]) -> Colour:
        """Choose one of some colours, a little lighter or darker."""
        return lighter(colours[self.rng.integers(len(colours))], float(self.rng.uniform(-0.05, 0.05)))

    def gradient(self, top: int, bottom: int, first: Colour, last: Colour) -> None:
        """Fill the rows from top to bottom, from one colour to another."""
        if bottom <= top:
            return
        strip = np.linspace(first, last, bottom - top)[:, None] * 255
        self.image.paste(
            Image.fromarray(np.clip(strip, 0, 255).astype(np.uint8)).resize(
                (self.width, bottom - top), Image.Resampling.NEAREST
            ),
            (0, top),
        )

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour, corner: float = 0) -> None:
        """Fill a rectangle, with round corners if asked."""
        if right > left and bottom > top:
            self.pen.rounded_rectangle((left, top, right, bottom), corner, fill=bytes_of(colour))

    def blob(self, x: float, y: float, wide: float, high: float, colour: Colour) -> None:
        """Fill an ellipse about (x, y), `wide` and `high` being its half axes."""
        self.pen.ellipse((x - wide, y - high, x + wide, y + high), fill=bytes_of(colour))

    def polygon(self, points: list[tuple[float, float]], colour: Colour) -> None:
        """Fill a polygon."""
        self.pen.polygon(points, fill=bytes_of(colour))

    def hill(self, level: float, swell: float, colour: Colour) -> None:
        """Fill everything below a wavy line."""
        x = np.linspace(0, self.width, 24)
        phase = self.rng.uniform(0, 6.3, 2)
        y = level - swell * (0.6 * np.sin(x / self.width * 4.2 + phase[0]) + 0.4 * np.sin(x / self.width * 9 + phase[1]))
        self.polygon([(0, self.height), *zip(x.tolist(), y.tolist(), strict=True), (self.width, self.height)], colour)


def bytes_of(colour: Colour) -> tuple[int, int, int]:
    """Give a colour as Pillow wants it."""
    red, green, blue = colour
    return min(max(round(255 * red), 0), 255), min(max(round(255 * green), 0), 255), min(max(round(255 * blue), 0), 255)
