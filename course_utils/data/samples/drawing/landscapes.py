"""Landscapes: what the drawn animals have behind them outdoors; `level` is the row of the horizon."""

import numpy as np

from course_utils.data.samples.drawing.brush import Brush
from course_utils.data.samples.drawing.colours import Colour, lighter, mix


def clouds(brush: Brush, level: int, tone: Colour) -> None:
    """A few clouds."""
    for _ in range(int(brush.rng.integers(1, 4))):
        x, y, s = (
            brush.rng.uniform(0, 1) * brush.width,
            brush.rng.uniform(0.08, 0.6) * level,
            brush.rng.uniform(0.04, 0.09) * brush.height,
        )
        for dx, dy, r in ((-1.5, 0.2, 0.7), (-0.5, -0.2, 1.0), (0.7, 0, 0.85), (1.7, 0.25, 0.6)):
            brush.blob(x + dx * s, y + dy * s, r * s * 1.25, r * s * 0.75, tone)


def tree(brush: Brush, x: float, foot: float, size: float, leaves: Colour) -> None:
    """A tree with a round crown, as high as `size`."""
    brush.polygon(
        [
            (x - size * 0.07, foot),
            (x + size * 0.07, foot),
            (x + size * 0.04, foot - size * 0.6),
            (x - size * 0.04, foot - size * 0.6),
        ],
        (0.40, 0.30, 0.24),
    )
    for dx, dy, r, by in (
        (-0.25, -0.6, 0.28, -0.05),
        (0.25, -0.62, 0.28, -0.03),
        (0, -0.85, 0.32, 0.0),
        (0.05, -0.6, 0.3, 0.02),
        (-0.1, -0.9, 0.18, 0.06),
    ):
        brush.blob(x + dx * size, foot + dy * size, r * size, r * size, lighter(leaves, by))


def fir(brush: Brush, x: float, foot: float, size: float, leaves: Colour, snow: bool) -> None:
    """A fir of three tiers."""
    for i in range(3):
        top, wide = foot - size * (0.5 + 0.25 * i), size * (0.3 - 0.07 * i)
        base = top + size * 0.42
        brush.polygon([(x, top), (x + wide, base), (x - wide, base)], lighter(leaves, 0.03 * i))
        if snow:
            brush.polygon(
                [(x, top), (x + wide * 0.45, top + size * 0.19), (x, top + size * 0.14), (x - wide * 0.45, top + size * 0.19)],
                (0.94, 0.96, 0.99),
            )


def blades(brush: Brush, level: int, colour: Colour, count: int = 90) -> None:
    """Tufts of grass, larger towards the viewer."""
    rng, w, h = brush.rng, brush.width, brush.height
    near = rng.random(count) ** 0.8
    for x, y, lean, tone in zip(
        rng.random(count) * w, level + near * (h - level), rng.normal(0, 0.4, count), rng.normal(0, 0.045, count), strict=True
    ):
        tall = h * (0.012 + 0.04 * (y - level) / max(h - level, 1))
        brush.polygon([(x - tall * 0.16, y), (x + tall * 0.16, y), (x + lean * tall, y - tall)], lighter(colour, float(tone)))


def flowers(brush: Brush, level: int, count: int = 22) -> None:
    """Flowers of one kind, larger towards the viewer."""
    tones: tuple[Colour, ...] = ((0.96, 0.94, 0.88), (0.95, 0.80, 0.35), (0.88, 0.50, 0.56), (0.66, 0.58, 0.84))
    tone = tones[brush.rng.integers(4)]
    for x, y in zip(
        brush.rng.random(count) * brush.width, level + brush.rng.random(count) * (brush.height - level), strict=True
    ):
        s = brush.height * (0.004 + 0.009 * (y - level) / max(brush.height - level, 1))
        brush.blob(x, y, s * 1.4, s, tone)
        brush.blob(x, y, s * 0.5, s * 0.4, (0.90, 0.66, 0.25))


def land(brush: Brush, level: int, sky: tuple[Colour, Colour], far: Colour, near: tuple[Colour, Colour]) -> None:
    """A sky, two lines of hills, and the ground in front."""
    brush.gradient(0, brush.height, *sky)
    brush.hill(level - brush.height * 0.06, brush.height * 0.05, mix(far, sky[1], 0.45))
    brush.hill(level - brush.height * 0.015, brush.height * 0.025, mix(far, sky[1], 0.15))
    brush.gradient(level, brush.height, *near)


def meadow(brush: Brush, level: int) -> None:
    """Grass and flowers under a blue sky."""
    land(brush, level, ((0.48, 0.70, 0.88), (0.86, 0.92, 0.94)), (0.46, 0.62, 0.44), ((0.56, 0.70, 0.38), (0.40, 0.58, 0.28)))
    clouds(brush, level, (0.96, 0.97, 0.98))
    blades(brush, level, (0.44, 0.60, 0.28))
    flowers(brush, level)


def park(brush: Brush, level: int) -> None:
    """Lawn, trees and sometimes a path."""
    land(brush, level, ((0.66, 0.82, 0.88), (0.92, 0.93, 0.84)), (0.48, 0.62, 0.46), ((0.52, 0.66, 0.40), (0.42, 0.56, 0.32)))
    for x in brush.rng.random(4):
        tree(
            brush, x * brush.width, level + brush.height * 0.03, brush.height * brush.rng.uniform(0.3, 0.55), (0.40, 0.58, 0.34)
        )
    if brush.rng.random() < 0.5:
        w, h = brush.width, brush.height
        brush.polygon([(w * 0.4, level), (w * 0.5, level), (w * 0.95, h), (w * 0.3, h)], (0.80, 0.72, 0.58))
    blades(brush, level, (0.42, 0.57, 0.32), 60)


def beach(brush: Brush, level: int) -> None:
    """Sand, sea and sky."""
    w, h = brush.width, brush.height
    brush.gradient(0, level, (0.50, 0.74, 0.90), (0.90, 0.94, 0.93))
    clouds(brush, int(level * 0.8), (0.97, 0.97, 0.97))
    sea = int(level * 0.72)
    brush.gradient(sea, level + int(h * 0.05), (0.26, 0.54, 0.66), (0.52, 0.76, 0.78))
    for y in np.linspace(sea + h * 0.02, level, 4):
        x = brush.rng.random() * w
        brush.box(x - w * 0.3, y, x + w * 0.2, y + h * 0.006, (0.80, 0.90, 0.90), 2)
    brush.hill(level, h * 0.012, (0.96, 0.96, 0.93))
    brush.hill(level + h * 0.015, h * 0.012, (0.90, 0.80, 0.62))
    brush.gradient(level + int(h * 0.05), h, (0.90, 0.81, 0.63), (0.84, 0.72, 0.52))
    for x, y in brush.rng.random((14, 2)):
        brush.blob(x * w, level + h * 0.07 + y * (h - level), h * 0.008, h * 0.004, (0.74, 0.62, 0.46))


def snow(brush: Brush, level: int) -> None:
    """A white field, firs, flakes in the air."""
    w, h = brush.width, brush.height
    land(brush, level, ((0.66, 0.76, 0.86), (0.90, 0.92, 0.95)), (0.78, 0.84, 0.92), ((0.90, 0.93, 0.97), (0.80, 0.86, 0.94)))
    for x in brush.rng.random(5):
        fir(brush, x * w, level + h * 0.01, h * brush.rng.uniform(0.25, 0.5), (0.30, 0.44, 0.42), snow=True)
    for x, y in brush.rng.random((8, 2)):
        brush.blob(x * w, level + y * (h - level), w * 0.12, h * 0.012, (0.86, 0.90, 0.96))
    for x, y, s in brush.rng.random((50, 3)):
        brush.blob(x * w, y * h, h * (0.003 + 0.006 * s), h * (0.003 + 0.006 * s), (0.98, 0.99, 1.0))


def autumn(brush: Brush, level: int) -> None:
    """Trees in red and gold, leaves on the ground."""
    w, h = brush.width, brush.height
    land(brush, level, ((0.84, 0.82, 0.76), (0.96, 0.90, 0.76)), (0.66, 0.56, 0.40), ((0.66, 0.58, 0.36), (0.56, 0.46, 0.28)))
    leaves: tuple[Colour, ...] = ((0.82, 0.50, 0.20), (0.76, 0.34, 0.20), (0.88, 0.68, 0.26))
    for x in brush.rng.random(4):
        tree(brush, x * w, level + h * 0.03, h * brush.rng.uniform(0.3, 0.55), brush.pick(leaves))
    for x, y in brush.rng.random((60, 2)):
        s = h * (0.006 + 0.012 * y)
        brush.blob(x * w, level + y * (h - level), s * 1.3, s * 0.6, brush.pick(leaves))


def garden(brush: Brush, level: int) -> None:
    """A lawn in front of a fence."""
    w, h = brush.width, brush.height
    brush.gradient(0, level, (0.62, 0.80, 0.90), (0.90, 0.92, 0.86))
    for x in np.linspace(0, 1, 7):
        brush.blob(
            (x + brush.rng.uniform(-0.05, 0.05)) * w,
            level - h * 0.2,
            w * 0.13,
            h * brush.rng.uniform(0.1, 0.2),
            lighter((0.40, 0.56, 0.36), brush.rng.uniform(-0.04, 0.04)),
        )
    wood = brush.pick(((0.72, 0.56, 0.42), (0.90, 0.88, 0.84), (0.56, 0.60, 0.60)))
    step = w / brush.rng.uniform(9, 13)
    brush.box(0, level - h * 0.2, w, level - h * 0.175, lighter(wood, -0.08))
    brush.box(0, level - h * 0.08, w, level - h * 0.055, lighter(wood, -0.08))
    for i in range(14):
        x = (i - 0.3) * step
        brush.polygon(
            [
                (x, level),
                (x, level - h * 0.24),
                (x + step * 0.38, level - h * 0.28),
                (x + step * 0.76, level - h * 0.24),
                (x + step * 0.76, level),
            ],
            wood,
        )
    brush.gradient(level, h, (0.50, 0.64, 0.36), (0.42, 0.58, 0.30))
    blades(brush, level, (0.42, 0.58, 0.30))
    flowers(brush, level, 14)


def dusk(brush: Brush, level: int) -> None:
    """A dark field after sunset."""
    w, h = brush.width, brush.height
    land(brush, level, ((0.34, 0.36, 0.56), (0.96, 0.66, 0.48)), (0.36, 0.34, 0.46), ((0.46, 0.42, 0.40), (0.34, 0.34, 0.32)))
    x = brush.rng.random()
    brush.blob(x * w, level * 0.72, h * 0.07, h * 0.07, (1.0, 0.84, 0.60))
    brush.hill(level, h * 0.02, (0.40, 0.38, 0.42))
    for x in brush.rng.random(4):
        fir(brush, x * w, level + h * 0.02, h * brush.rng.uniform(0.15, 0.4), (0.26, 0.27, 0.36), snow=False)
    brush.gradient(level + int(h * 0.02), h, (0.48, 0.44, 0.40), (0.36, 0.36, 0.32))
    blades(brush, level, (0.40, 0.39, 0.33), 70)
