"""The forest from above, the open country beside it, and trees in flower, felled, or thrown by the wind."""

import math

import numpy as np

from course_utils.data.samples.drawing.colours import Colour, mix
from course_utils.data.samples.drawing.noise import Array
from course_utils.data.samples.drawing.terrain import SIZE, Land, Point, Stencil, crowns, rough, slope, smoothstep, walk

LEAVES: tuple[Colour, ...] = (
    (0.155, 0.245, 0.215),
    (0.17, 0.265, 0.195),
    (0.20, 0.275, 0.175),
    (0.135, 0.215, 0.215),
    (0.24, 0.26, 0.14),
)
FLOWERS: tuple[Colour, ...] = ((0.93, 0.84, 0.36), (0.92, 0.72, 0.78), (0.94, 0.92, 0.84))


def forest(rng: np.random.Generator, sun: float) -> tuple[Array, Array, Array]:
    """Give a forest, 3 x height x width, and its trees as `crowns` gives them: heights, and a number for each."""
    leaves = mix(LEAVES[rng.integers(5)], LEAVES[rng.integers(4)], float(rng.uniform(0, 0.7)))
    height, kind = crowns(rng, float(rng.choice([4.0, 5.0, 6.0])))
    relief = rough(rng, 64)
    light = (
        np.float32(1)
        + np.float32(0.75) * slope(height, sun)
        + np.float32(0.35) * (height - np.float32(0.75))
        + np.float32(0.18) * (kind - np.float32(0.5))
        + np.float32(rng.uniform(2, 9)) * slope(relief, sun)
        + np.float32(0.07) * relief
    )
    hue = np.float32(0.05) * (kind * 13 % 1 - np.float32(0.5)) + np.float32(0.02) * relief
    pixels = np.asarray(leaves, dtype=np.float32)[:, None, None] * light
    pixels[0] *= 1 + 2 * hue
    pixels[2] *= 1 - 2 * hue
    return pixels, height, kind


def open_country(rng: np.random.Generator, sun: float, height: Array, kind: Array, trees: Array) -> Array:
    """Give grassland, 3 x height x width, with a tree here and there taken from a forest."""
    grass = mix((0.40, 0.44, 0.29), (0.50, 0.47, 0.34), float(rng.random()))
    relief = rough(rng, 64, 4)
    pixels = np.asarray(grass, dtype=np.float32)[:, None, None] * (
        1 + np.float32(0.10) * relief + np.float32(2) * slope(relief, sun) + np.float32(0.06) * rough(rng, 4, 1)
    )
    single = smoothstep(height, 0.2, 0.5) * (kind < np.float32(0.06) + np.float32(0.10) * relief)
    return pixels + single * (trees - pixels)


def paint_blooming(land: Land, rng: np.random.Generator, height: Array, kind: Array) -> None:
    """Paint some of the trees in flower, in one colour."""
    share = rng.uniform(0.012, 0.035)
    flower = FLOWERS[rng.integers(3)]
    land.cover(np.float32(0.92) * smoothstep(height, 0.25, 0.6) * (kind > 1 - share), flower, "blooming")


def paint_logging(land: Land, rng: np.random.Generator, start: Point) -> None:
    """Paint winding tracks and the gaps of single trees that were taken out along them."""
    tracks, gaps = Stencil(), Stencil()
    heading = math.atan2(SIZE / 2 - start[1], SIZE / 2 - start[0])
    trunk = walk(rng, start, heading, 330, 0.16)
    paths = [trunk]
    for _ in range(int(rng.integers(2, 4))):
        x, y = trunk[rng.integers(10, 80)].tolist()
        paths.append(walk(rng, (x, y), heading + rng.choice([-1, 1]) * rng.uniform(0.6, 1.4), rng.uniform(60, 140), 0.18))
    for path in paths:
        tracks.line(path, rng.uniform(1.4, 2.2))
        for x, y in path[rng.integers(0, len(path), len(path) // 2)].tolist():
            reach = rng.normal(0, 16, 2)
            turn, half = rng.uniform(0, 6.3), rng.uniform(1.5, 4)
            at = np.array([x, y]) + reach
            arm = half * np.array([math.cos(turn), math.sin(turn)])
            gaps.line(np.stack([at - arm, at + arm]), rng.uniform(1.2, 2.6))
        for x, y in path[rng.integers(0, len(path), 2)].tolist():
            gaps.disc((x, y), rng.uniform(2, 4.5))  # where logs are stacked
    land.cover(np.float32(0.8) * gaps.mask(), (0.52, 0.42, 0.36), "selective_logging")
    land.cover(np.float32(0.95) * tracks.mask(), (0.72, 0.58, 0.50), "selective_logging")


def paint_blow_down(land: Land, rng: np.random.Generator, centre: Point) -> None:
    """Paint a fan of trees that a downburst threw: pale trunks that point away from where the wind struck."""
    aside = rng.choice([-1, 1]) * rng.uniform(0.3, 0.8)  # past the middle of the tile
    heading = math.atan2(SIZE / 2 - centre[1], SIZE / 2 - centre[0]) + aside
    row, column = np.indices((SIZE, SIZE), dtype=np.float32)
    x, y = column - np.float32(centre[0]), row - np.float32(centre[1])
    turn = np.arctan2(y, x) - np.float32(heading)
    turn = np.abs((turn + np.float32(math.pi)) % np.float32(2 * math.pi) - np.float32(math.pi))
    reach, half = rng.uniform(110, 160), rng.uniform(0.5, 0.8)
    uneven = np.float32(0.4) * rough(rng, 48)
    fan = smoothstep(1 - turn / np.float32(half) + uneven, 0, 0.6) * smoothstep(
        1 - np.hypot(x, y) / np.float32(reach) + uneven, 0, 0.6
    )
    land.cover(np.float32(0.7) * fan, (0.39, 0.38, 0.28), "blow_down")
    trunks = Stencil()
    for _ in range(420):
        far, bearing = reach * math.sqrt(rng.random()), heading + rng.uniform(-half, half)
        at = np.asarray(centre) + far * np.array([math.cos(bearing), math.sin(bearing)])
        lie = bearing + rng.normal(0, 0.15)
        arm = rng.uniform(1.5, 4) * np.array([math.cos(lie), math.sin(lie)])
        trunks.line(np.stack([at - arm, at + arm]), 0.9)
    land.cover(np.float32(0.85) * trunks.mask() * fan, (0.66, 0.62, 0.52), "blow_down")
