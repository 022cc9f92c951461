"""Rivers that meander, lakes, and the mines that follow them."""

import math

import numpy as np

from course_utils.data.samples.drawing.colours import Colour, lighter, mix
from course_utils.data.samples.drawing.noise import Array
from course_utils.data.samples.drawing.terrain import SIZE, Land, Point, Stencil, blob, blurred, ragged, rough, smoothstep

WATERS: tuple[Colour, ...] = (  # muddy, muddy, green and black water
    (0.57, 0.47, 0.35),
    (0.50, 0.41, 0.31),
    (0.24, 0.30, 0.26),
    (0.09, 0.11, 0.14),
)
SAND: Colour = (0.82, 0.75, 0.62)


def course(rng: np.random.Generator, centre: Point, width: float) -> Array:
    """Give the course of a river of this width through the tile as points (n, 2), 3 pixels apart.

    The heading of a meandering river is a sine of the way along it (Langbein and Leopold, River Meanders: Theory of Minimum
    Variance, 1966).
    """
    way = np.arange(-420, 420, 3.0)
    swing, length, turn = rng.uniform(0.3, 1.3), rng.uniform(90, 200) + 6 * width, rng.uniform(0, 2 * math.pi)
    bends = swing * np.sin(2 * math.pi * way / length + rng.uniform(0, 6.3)) + rng.uniform(0, 0.3) * np.sin(way / (20 + width))
    points = np.cumsum(3 * np.stack([np.cos(turn + bends), np.sin(turn + bends)], axis=1), axis=0)
    return points - points[len(points) // 2] + np.asarray(centre)


def paint_river(land: Land, rng: np.random.Generator, points: Array, width: float) -> None:
    """Paint a river along a course, some with sand banks in their bends and some with a lake."""
    water = WATERS[rng.integers(4)]
    stencil = Stencil()
    stencil.line(points, width)
    if rng.random() < 0.25:
        lake = points[len(points) // 2 + rng.integers(-20, 20)] + rng.uniform(-60, 60, 2)
        stencil.polygon(blob(rng, (lake[0], lake[1]), rng.uniform(10, 26), 0.35, corners=16))
    mask = ragged(stencil.mask(), rng, radius=1 + width / 25, roughness=0.14)
    bank = blurred(mask, 2.5 + width / 30)
    land.cover(np.float32(0.5) * smoothstep(bank, 0.02, 0.6), mix(lighter(water, 0.06), (0.36, 0.40, 0.26), 0.6))
    if width > 7 and rng.random() < 0.6:
        sand = np.asarray(SAND, dtype=np.float32)[:, None, None]
        land.cover(_sand_banks(rng, points, width), sand * (1 + np.float32(0.08) * rough(rng, 6)))
        mask = mask * (1 - _islands(rng, points, width))
    ripples = np.float32(0.025) * rough(rng, 48, 4)
    land.cover(mask, np.asarray(water, dtype=np.float32)[:, None, None] + ripples, "water")


def _sand_banks(rng: np.random.Generator, points: Array, width: float) -> Array:
    """Sand lies on the inner side of bends."""
    stencil = Stencil()
    steps = np.diff(points, axis=0)
    headings = np.unwrap(np.arctan2(steps[:, 1], steps[:, 0]))
    reach = max(3, int(width / 4))
    bends = headings[2 * reach :] - headings[: -2 * reach]
    for i in np.flatnonzero(np.abs(bends) > 0.5).tolist():
        side = headings[i + reach] + math.copysign(math.pi / 2, bends[i])
        x, y = points[i + reach] + 0.5 * width * np.array([math.cos(side), math.sin(side)])
        stencil.disc((x, y), width * min(0.28, 0.16 * abs(bends[i])))
    return ragged(stencil.mask(), rng, roughness=0.5)


def _islands(rng: np.random.Generator, points: Array, width: float) -> Array:
    stencil = Stencil()
    for x, y in points[rng.integers(0, len(points), 4 if width > 20 else 0)].tolist():
        stencil.polygon(blob(rng, (x + rng.normal(0, width / 6), y + rng.normal(0, width / 6)), width * rng.uniform(0.08, 0.2)))
    return ragged(stencil.mask(), rng, roughness=0.2)


def paint_artisinal_mine(land: Land, rng: np.random.Generator, points: Array, width: float) -> None:
    """Paint what digging for gold leaves along a river: bare sand in scallops, and small pools in all colours."""
    inside = np.flatnonzero(((points > 30) & (points < SIZE - 30)).all(axis=1))
    first = int(rng.choice(inside)) if len(inside) else len(points) // 2
    stretch = points[first : first + int(rng.integers(16, 36))]
    side = rng.choice([-1, 1]) * (0.5 * width + rng.uniform(3, 9))
    scars, pools = Stencil(), Stencil()
    across = np.stack([-np.gradient(stretch[:, 1]), np.gradient(stretch[:, 0])], axis=1) / 3
    for _ in range(int(rng.integers(28, 56))):
        i = rng.integers(len(stretch))
        x, y = (stretch[i] + across[i] * side + rng.normal(0, 9, 2)).tolist()
        scars.polygon(blob(rng, (x, y), rng.uniform(3, 8), 0.45))
        if rng.random() < 0.6:
            pools.polygon(blob(rng, (x, y), rng.uniform(1.6, 3.6), 0.4), int(rng.integers(160, 255)))
    mask = ragged(scars.mask(), rng, radius=1.6, roughness=0.35, grain=8)
    sand = np.asarray(mix(SAND, (0.80, 0.62, 0.46), rng.uniform(0, 0.8)), dtype=np.float32)[:, None, None]
    land.cover(mask, sand * (1 + np.float32(0.16) * rough(rng, 12)), "artisinal_mine")
    pool: Colour = ((0.36, 0.52, 0.46), (0.50, 0.60, 0.50), (0.62, 0.44, 0.28))[rng.integers(3)]
    pool_mask = pools.mask() * mask
    land.cover(pool_mask, pool)
    land.shown["artisinal_mine"] = np.maximum(land.shown["artisinal_mine"], pool_mask)
