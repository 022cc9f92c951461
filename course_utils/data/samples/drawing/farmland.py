"""What farming does to a forest: fields, plots, burnt clearings, and bare ground."""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from course_utils.data.samples.drawing.colours import Colour, lighter, mix
from course_utils.data.samples.drawing.noise import Array
from course_utils.data.samples.drawing.terrain import (
    FINE,
    OVER,
    SIZE,
    Land,
    Point,
    Stencil,
    blob,
    blurred,
    ragged,
    rough,
    slope,
    smoothstep,
)

CROPS: tuple[Colour, ...] = (
    (0.36, 0.45, 0.27),
    (0.44, 0.50, 0.32),
    (0.50, 0.52, 0.35),
    (0.28, 0.39, 0.24),
    (0.58, 0.48, 0.37),
    (0.49, 0.39, 0.31),
    (0.60, 0.55, 0.40),
)
PLOTS: tuple[Colour, ...] = ((0.40, 0.50, 0.27), (0.33, 0.45, 0.26), (0.56, 0.43, 0.37), (0.48, 0.47, 0.32), (0.62, 0.50, 0.42))


def paint_fields(land: Land, rng: np.random.Generator, axis: Point, angle: float, share: float) -> None:
    """Paint a share of the tile as fields in rows along an axis: blocks, or the strips of a fishbone across a road."""
    fishbone = rng.random() < 0.5
    wide, deep = ((9, 20), (26, 80)) if fishbone else ((18, 46), (16, 48))
    cells = _grid(rng, wide, deep, skewed=not fishbone)
    corners = cells[:, [[0, 2], [1, 2], [1, 3], [0, 3]]] + rng.normal(0, 0.7, (len(cells), 4, 2))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    outlines = np.asarray(axis) + corners @ turn
    centres = outlines.mean(axis=1)
    near = ((centres > -OVER) & (centres < SIZE + OVER)).all(axis=1)
    column, row = np.clip(centres[near], 0, SIZE - 1).astype(int).T
    likes = rough(rng, 64, 2)[row, column] - np.abs(cells[near, 2:].mean(axis=1)) / 80 + rng.normal(0, 0.15, len(row))
    chosen = outlines[near][np.argsort(-likes, kind="stable")[: round(share * len(row))]]
    tones = [CROPS[i] for i in rng.choice(len(CROPS), 3, replace=False)]
    picture = Image.new("RGB", (SIZE * FINE, SIZE * FINE))
    pen, stencil = ImageDraw.Draw(picture), Stencil()
    for corners_of_one in chosen.tolist():
        outline = [(x, y) for x, y in corners_of_one]
        tone = lighter(tones[rng.integers(3)], float(rng.normal(0, 0.025)))
        red, green, blue = (round(255 * part) for part in tone)
        stencil.polygon(outline)
        pen.polygon([(x * FINE, y * FINE) for x, y in outline], fill=(red, green, blue))
    mask = ragged(stencil.mask(), rng, radius=1.0, roughness=0.2, grain=8)
    paint = np.asarray(picture.reduce(FINE), dtype=np.float32).transpose(2, 0, 1) / np.float32(255)
    paint = np.where(paint.max(axis=0) < 0.2, np.asarray(tones[0], dtype=np.float32)[:, None, None], paint)  # frayed outwards
    shading = 1 + np.float32(0.09) * rough(rng, 12) + np.float32(0.06) * rough(rng, 3, 1)
    _cast_shade(land, mask)
    land.cover(mask, paint * shading, "agriculture")


def _grid(rng: np.random.Generator, wide: Point, deep: Point, skewed: bool) -> NDArray[np.float64]:
    """Lay out fields (n, 4) over more than the tile: each one's extent along an axis, from and to, and across it.

    They stand in columns of random width, with fields of random depth on both sides of the axis, or anyhow if `skewed`.
    """
    cells = []
    u = -1.1 * SIZE
    while u < 1.1 * SIZE:
        next_u = u + rng.uniform(*wide)
        start = rng.uniform(0, deep[1]) if skewed else 0.0
        for sign in (-1, 1):
            v = start
            while abs(v) < 1.1 * SIZE:
                next_v = v + sign * rng.uniform(*deep)
                hedges = 1.5 * rng.integers(0, 2, 2)
                cells.append((u, next_u - hedges[0], v, next_v - sign * hedges[1]))
                v = next_v
        u = next_u
    return np.array(cells)


def _cast_shade(land: Land, mask: Array) -> None:
    """Darken what lies beside a clearing: the wall of trees around it."""
    land.pixels *= 1 - np.float32(0.35) * smoothstep(blurred(mask, 2.0), 0.0, 0.5)


def paint_plots(land: Land, rng: np.random.Generator, near: Point) -> None:
    """Paint the small uneven plots of smallholders around a place."""
    for tone in rng.permutation(len(PLOTS))[:3].tolist():
        stencil = Stencil()
        for _ in range(int(rng.integers(2, 5))):
            x, y = np.clip(np.asarray(near) + rng.normal(0, 42, 2), 12, SIZE - 12).tolist()
            stencil.polygon(blob(rng, (x, y), rng.uniform(6, 13), 0.4, corners=int(rng.integers(6, 11))))
        mask = ragged(stencil.mask(), rng, radius=2, roughness=0.6, grain=8)
        _cast_shade(land, mask)
        shading = 1 + np.float32(0.14) * rough(rng, 6)
        land.cover(mask, np.asarray(PLOTS[tone], dtype=np.float32)[:, None, None] * shading, "cultivation")


def paint_burn(land: Land, rng: np.random.Generator, near: Point, wind: float) -> None:
    """Paint clearings that were burnt not long ago, charred and ashen, some still smoking."""
    stencil = Stencil()
    x, y = np.clip(np.asarray(near), 40, SIZE - 40).tolist()
    for _ in range(int(rng.integers(2, 4))):
        stencil.polygon(blob(rng, (x, y), rng.uniform(13, 24), 0.4, corners=9))
        x, y = np.clip(np.array([x, y]) + rng.normal(0, 30, 2), 24, SIZE - 24).tolist()
    mask = ragged(stencil.mask(), rng, radius=3, roughness=0.6, grain=12)
    rim = smoothstep(blurred(mask, 3), 0.05, 0.5)
    land.cover(np.float32(0.75) * rim, (0.46, 0.35, 0.27))
    coal, ash = np.array([0.11, 0.09, 0.10]), np.array([0.45, 0.38, 0.38])
    embers = smoothstep(rough(rng, 8), -0.35, 0.7)
    land.cover(mask, (coal[:, None, None] + embers * (ash - coal)[:, None, None]).astype(np.float32), "slash_burn")
    if rng.random() < 0.5:
        _smoke(land, rng, (x, y), wind)


def _smoke(land: Land, rng: np.random.Generator, source: Point, wind: float) -> None:
    row, column = np.indices((SIZE, SIZE), dtype=np.float32)
    x, y = column - np.float32(source[0]), row - np.float32(source[1])
    along = x * np.float32(math.cos(wind)) + y * np.float32(math.sin(wind))
    aside = y * np.float32(math.cos(wind)) - x * np.float32(math.sin(wind)) + 5 * rough(rng, 24)
    width = np.float32(2) + np.float32(0.16) * np.maximum(along, 0)
    plume = np.exp(-((aside / width) ** 2)) * smoothstep(along, -2, 6) * np.exp(-np.maximum(along, 0) / np.float32(90))
    land.pixels += (np.float32(0.75) * plume * (1 + np.float32(0.3) * rough(rng, 16))) * (np.float32(0.78) - land.pixels)


def paint_bare_ground(land: Land, rng: np.random.Generator, centre: Point, reach: float, sun: float) -> None:
    """Paint ground without trees that nobody farms, washed out and rutted, `reach` pixels around a place."""
    row, column = np.indices((SIZE, SIZE), dtype=np.float32)
    away = np.hypot(column - np.float32(centre[0]), row - np.float32(centre[1])) / np.float32(reach)
    mask = smoothstep(1 - away + np.float32(0.8) * rough(rng, 64, 4), -0.08, 0.08)
    soil = mix((0.62, 0.46, 0.35), (0.54, 0.48, 0.39), float(rng.random()))
    ruts = rough(rng, 32, 5)
    green = np.float32(0.55) * smoothstep(rough(rng, 48, 4), 0.0, 0.6)
    paint = np.asarray(soil, dtype=np.float32)[:, None, None] * (
        1 + np.float32(0.14) * ruts + np.float32(0.5) * slope(ruts, sun)
    )
    paint += green * (np.asarray((0.38, 0.40, 0.27), dtype=np.float32)[:, None, None] - paint)
    land.cover(mask, paint, "bare_ground")
