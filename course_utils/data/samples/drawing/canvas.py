"""Painting on a sculpture: flat patches (eyes, the inside of an ear) and lines (whiskers, lips)."""

from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from course_utils.data.samples.drawing.colours import Colour
from course_utils.data.samples.drawing.noise import Array
from course_utils.data.samples.drawing.sculpture import Vector


class Canvas:
    """A picture in the making, 3 x height x width in 0..1, with the depths of what stands in it."""

    def __init__(self, pixels: Array, depth: Array) -> None:
        self.pixels = pixels
        self.depth = depth

    def patch(
        self,
        centre: Vector,
        across: Vector,
        along: Vector,
        colour: Colour,
        outline: str = "ellipse",
        opacity: float = 1.0,
        soft: float = 0.0,
        tolerance: float | None = None,
    ) -> None:
        """Paint a flat shape that is spanned by two half axes, where nothing stands in front of it.

        `outline` is one of OUTLINES; `along` is its up. `soft` fades it towards its edge, from 0 (sharp) to 1. What stands
        less than `tolerance` pixels in front, such as the swell of an eyelid, does not hide it.
        """
        (a, c), (b, d) = across[:2].tolist(), along[:2].tolist()
        determinant = a * d - b * c
        if abs(determinant) < max(0.05 * np.hypot(a, c) * np.hypot(b, d), 0.01):  # seen from its edge
            return
        height, width = self.depth.shape
        wide, high = abs(a) + abs(b) + 1, abs(c) + abs(d) + 1
        x0, x1 = max(int(centre[0] - wide), 0), min(int(centre[0] + wide) + 2, width)
        y0, y1 = max(int(-centre[1] - high), 0), min(int(-centre[1] + high) + 2, height)
        if x0 >= x1 or y0 >= y1:
            return
        x = np.arange(x0, x1, dtype=np.float32)[None] + np.float32(0.5 - centre[0])
        y = -np.arange(y0, y1, dtype=np.float32)[:, None] - np.float32(0.5 + centre[1])
        s, t = (x * d - y * b) * np.float32(1 / determinant), (y * a - x * c) * np.float32(1 / determinant)
        level = OUTLINES[outline](s, t)
        longest = float(max(np.hypot(a, c), np.hypot(b, d)))
        if soft:
            alpha = np.clip(level / np.float32(soft), 0, 1)
        else:
            alpha = np.clip(0.5 + level * np.float32(0.4 + 0.7 * abs(determinant) / longest), 0, 1)
        ahead = 0.35 * longest + 1.5 if tolerance is None else tolerance
        slope_x, slope_y = (across[2] * d - along[2] * c) / determinant, (along[2] * a - across[2] * b) / determinant
        plane = (float(centre[2]) + ahead + slope_x * x) + slope_y * y
        window = np.s_[y0:y1, x0:x1]
        alpha *= (self.depth[window] < plane) * np.float32(opacity)
        self.blend(window, alpha, colour)

    def strokes(self, lines: list[Vector], width: float, colour: Colour, opacity: float = 1.0) -> None:
        """Paint lines of this width in pixels; each is an array of points, (n, 2) or (n, 3)."""
        points = np.concatenate(lines)[:, :2]
        height, columns = self.depth.shape
        x0, x1 = max(int(points[:, 0].min() - width) - 1, 0), min(int(points[:, 0].max() + width) + 2, columns)
        y0, y1 = max(int(-points[:, 1].max() - width) - 1, 0), min(int(-points[:, 1].min() + width) + 2, height)
        if x0 >= x1 or y0 >= y1:
            return
        fine = 3
        mask = Image.new("L", ((x1 - x0) * fine, (y1 - y0) * fine))
        pen = ImageDraw.Draw(mask)
        for line in lines:
            at = [((x - x0) * fine, (-y - y0) * fine) for x, y in line[:, :2].tolist()]
            pen.line(at, fill=255, width=max(1, round(width * fine)), joint="curve")
        alpha = np.asarray(mask.reduce(fine), dtype=np.float32) * np.float32(opacity / 255)
        self.blend(np.s_[y0:y1, x0:x1], alpha, colour)

    def blend(self, window: tuple[slice, slice], alpha: Array, colour: Colour) -> None:
        """Mix one colour into a window of the picture."""
        pixels = self.pixels[:, *window]
        pixels += alpha * (np.array(colour, dtype=np.float32)[:, None, None] - pixels)


OUTLINES = {  # positive inside, 0 on the edge, for s and t in -1..1
    "ellipse": lambda s, t: 1 - np.sqrt(s * s + t * t),
    "almond": lambda s, t: 1 - s * s * np.float32(0.75) - np.sqrt(t * t + s * s * np.float32(0.0625)),
    "ear": lambda s, t: np.minimum(1 + t, (1 - t) * np.float32(0.5) - np.abs(s)) - np.float32(0.05),  # a triangle on its base
}


def curve(*points: Vector, steps: int = 8) -> Vector:
    """Give points on the Bezier curve of three or four control points."""
    t = np.linspace(0, 1, steps + 1)[:, None]
    corners = list(points)
    while len(corners) > 1:  # de Casteljau
        corners = [(1 - t) * a + t * b for a, b in pairwise(corners)]
    return corners[0]
