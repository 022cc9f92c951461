"""Land from above in the making: noise and outlines as masks, and the trees that grow where nothing else is."""

import math
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from course_utils.data.samples.drawing.colours import Colour
from course_utils.data.samples.drawing.noise import Array, noise_like

SIZE = 256  # pixels a side
FINE = 3  # outlines are drawn this much larger, then reduced: that smooths their edges
OVER = 20  # pixels around the tile over which things are laid out, so that they run on past its edge
FOREST = 640  # pixels a side of the forest that tiles are cut from

Point = tuple[float, float]  # x to the right and y down, in pixels


class Land:
    """A tile in the making: `pixels`, 3 x height x width in 0..1, and `shown`, for each tag how much of each pixel shows it."""

    def __init__(self, pixels: Array) -> None:
        self.pixels = pixels
        self.shown: dict[str, Array] = {}

    def cover(self, mask: Array, colour: Colour | Array, tag: str | None = None) -> None:
        """Paint a colour, or a picture, where a mask in 0..1 says, and note that this is what `tag` means."""
        paint = np.asarray(colour, dtype=np.float32)
        self.pixels += mask * ((paint[:, None, None] if paint.ndim == 1 else paint) - self.pixels)
        for other in self.shown:
            self.shown[other] = self.shown[other] * (1 - mask)
        if tag is not None:
            self.shown[tag] = np.maximum(self.shown.get(tag, np.float32(0)), mask)


class Stencil:
    """Outlines that become a mask: white on black, with Pillow's pen."""

    def __init__(self) -> None:
        self.image = Image.new("L", (SIZE * FINE, SIZE * FINE))
        self.pen = ImageDraw.Draw(self.image)

    def polygon(self, corners: list[Point], fill: int = 255) -> None:
        """Fill a polygon."""
        self.pen.polygon([(x * FINE, y * FINE) for x, y in corners], fill=fill)

    def disc(self, centre: Point, radius: float, fill: int = 255) -> None:
        """Fill a circle."""
        x, y = centre
        self.pen.ellipse([(x - radius) * FINE, (y - radius) * FINE, (x + radius) * FINE, (y + radius) * FINE], fill=fill)

    def line(self, points: Array, width: float) -> None:
        """Draw a line through points (n, 2)."""
        self.pen.line([(x * FINE, y * FINE) for x, y in points.tolist()], 255, max(1, round(width * FINE)), joint="curve")

    def mask(self) -> Array:
        """Give what was drawn as a mask in 0..1."""
        return np.asarray(self.image.reduce(FINE), dtype=np.float32) / np.float32(255)


def smoothstep(values: Array, low: float, high: float) -> Array:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return t * t * (3 - 2 * t)


def blurred(mask: Array, radius: float) -> Array:
    """Blur a mask in 0..1."""
    image = Image.fromarray((mask * 255).astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / np.float32(255)


def rough(rng: np.random.Generator, grain: float, octaves: int = 3, stretch: float = 1.0) -> Array:
    """Give noise in about -1..1 whose largest blobs measure `grain` pixels, each octave half as large and two thirds as strong.

    With `stretch` the blobs are that many times as wide as high. A field of noise is kept for each grain that is asked for, so
    there should be few: those of the tiles are halves of 64 and 96.
    """
    total = np.zeros((SIZE, SIZE), dtype=np.float32)
    strength = 1.0
    for _ in range(octaves):
        corner = rng.integers(0, 4096, 2).tolist()
        total += np.float32(strength) * noise_like((SIZE, SIZE), (grain, grain * stretch), (corner[0], corner[1]))
        grain, strength = grain / 2, strength * 0.66
    return total / np.float32(1.4)


def ragged(mask: Array, rng: np.random.Generator, radius: float = 3.0, roughness: float = 0.3, grain: float = 12.0) -> Array:
    """Fray the outline of a mask over about `radius` pixels."""
    soft = blurred(mask, radius)
    return smoothstep(soft + np.float32(4 * roughness) * soft * (1 - soft) * rough(rng, grain), 0.4, 0.6)


def blob(rng: np.random.Generator, centre: Point, radius: float, uneven: float = 0.3, corners: int = 9) -> list[Point]:
    """Give the corners of an uneven round outline."""
    turns = np.linspace(0, 2 * math.pi, corners, endpoint=False) + rng.uniform(0, 1)
    reach = radius * (1 + rng.uniform(-uneven, uneven, corners))
    return [
        (centre[0] + r * math.cos(t), centre[1] + r * math.sin(t)) for t, r in zip(turns.tolist(), reach.tolist(), strict=True)
    ]


def walk(rng: np.random.Generator, start: Point, heading: float, length: float, wander: float) -> Array:
    """Give the points (n, 2), 3 pixels apart, of a path whose heading in radians changes by about `wander` a step."""
    steps = int(length / 3)
    turns = rng.normal(0, wander, steps)
    for i in range(1, steps):
        turns[i] += 0.95 * turns[i - 1]  # and so it comes back to where it was heading
    headings = heading + turns
    return np.asarray(start) + np.cumsum(3 * np.stack([np.cos(headings), np.sin(headings)], axis=1), axis=0)


@lru_cache
def _crowns(crown: float) -> tuple[Array, Array]:
    rng = np.random.default_rng([FOREST, round(8 * crown)])
    cells = int(FOREST / crown) + 3
    at = (np.indices((cells, cells)) - 1 + rng.uniform(0.1, 0.9, (2, cells, cells))).astype(np.float32) * np.float32(crown)
    tall = rng.uniform(0.5, 1.15, (cells, cells)).astype(np.float32) * np.float32(crown * crown)
    kind = rng.random((cells, cells), dtype=np.float32)
    row, column = np.indices((FOREST, FOREST), dtype=np.float32)
    cell_row, cell_column = (row / crown).astype(int) + 1, (column / crown).astype(int) + 1
    height = np.full((FOREST, FOREST), -np.inf, dtype=np.float32)
    kinds = np.zeros_like(height)
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            near = cell_row + i, cell_column + j
            dome = tall[near] - (row - at[0][near]) ** 2 - (column - at[1][near]) ** 2
            kinds = np.where(dome > height, kind[near], kinds)
            height = np.maximum(height, dome)
    return np.asarray(np.sqrt(np.maximum(height, 0)) / crown, dtype=np.float32), kinds


def crowns(rng: np.random.Generator, crown: float) -> tuple[Array, Array]:
    """Give the heights of treetops about `crown` pixels apart, 0..1, and a number in 0..1 for the tree that each pixel shows.

    Every tree is a dome on a jittered grid, and the highest dome is seen: the cells of Worley's noise (A Cellular Texture Basis
    Function, 1996). A tile is a piece of one large forest, turned or mirrored.
    """
    top, left, turns, mirrored = rng.integers(0, [FOREST - SIZE, FOREST - SIZE, 4, 2]).tolist()
    height, kind = (field[top : top + SIZE, left : left + SIZE] for field in _crowns(crown))
    if mirrored:
        height, kind = height[::-1], kind[::-1]
    return np.rot90(height, turns), np.rot90(kind, turns)


def slope(height: Array, sun: float) -> Array:
    """Give how much the ground rises away from the sun, per pixel; `sun` is its direction in radians, 0 the right."""
    down, across = np.gradient(height)
    return np.asarray(-math.cos(sun) * across - math.sin(sun) * down, dtype=np.float32)
