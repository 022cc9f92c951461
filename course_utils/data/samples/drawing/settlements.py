"""Roads, the houses along them, and the mine at their end."""

import math

import numpy as np
from PIL import Image, ImageDraw

from course_utils.data.samples.drawing.colours import Colour, lighter
from course_utils.data.samples.drawing.noise import Array
from course_utils.data.samples.drawing.terrain import FINE, SIZE, Land, Point, Stencil, blob, ragged, rough, smoothstep

DIRT: tuple[Colour, ...] = ((0.74, 0.60, 0.47), (0.70, 0.62, 0.52), (0.68, 0.50, 0.38))
ROOFS: tuple[Colour, ...] = ((0.90, 0.89, 0.86), (0.80, 0.78, 0.75), (0.72, 0.52, 0.42), (0.95, 0.94, 0.92), (0.62, 0.63, 0.66))


def road(rng: np.random.Generator, through: Point, angle: float) -> Array:
    """Give the points (n, 2) of a road that is straight but for a bend or two."""
    way = np.array([-400, -rng.uniform(30, 110), 0, rng.uniform(30, 110), 400])
    bends = np.array([0.0, 0.0, 0.0, 0.0, 0.0])
    bends[0], bends[-1] = rng.normal(0, 60, 2)
    along, across = np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])
    return np.asarray(through) + way[:, None] * along + bends[:, None] * across


def paint_roads(land: Land, rng: np.random.Generator, points: Array, angle: float) -> None:
    """Paint a road and up to three that leave it."""
    width = rng.uniform(1.6, 3.2)
    stencil = Stencil()
    stencil.line(points, width)
    middle = points[len(points) // 2]
    for _ in range(int(rng.integers(0, 4))):
        start = middle + rng.uniform(-100, 100) * np.array([math.cos(angle), math.sin(angle)])
        aside = angle + rng.choice([-1, 1]) * math.pi / 2 + rng.normal(0, 0.1)
        end = start + rng.uniform(60, 260) * np.array([math.cos(aside), math.sin(aside)])
        stencil.line(np.stack([start, end]), 0.65 * width)
    mask = stencil.mask()
    land.cover(np.minimum(1, 1.1 * mask), lighter(DIRT[rng.integers(3)], float(rng.normal(0, 0.03))), "road")


def paint_houses(land: Land, rng: np.random.Generator, place: Point, angle: float, town: bool) -> None:
    """Paint a hamlet, a village or, on request, a town: bright roofs in rows on trodden ground."""
    count = int(rng.integers(500, 800)) if town else int(rng.choice([rng.integers(14, 30), rng.integers(40, 120)]))
    spread = 52.0 if town else 5 + 2.4 * math.sqrt(count)
    lots = np.stack(
        [rng.normal(0, spread * (1 if town else 1.8), count), rng.normal(0, spread * (1 if town else 0.7), count)], axis=1
    )
    lots[:, 1] = np.round(lots[:, 1] / 7) * 7 + np.where(rng.random(count) < 0.5, 2.2, -2.2)  # rows along the streets
    lots[:, 0] = np.round(lots[:, 0] / 4.5) * 4.5 + rng.normal(0, 0.4, count)
    lots = np.unique(lots.round(1), axis=0)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    picture = Image.new("RGB", (SIZE * FINE, SIZE * FINE))
    pen, roofs, yards = ImageDraw.Draw(picture), Stencil(), Stencil()
    for lot in lots:
        half = rng.uniform(1.1, 2.0, 2)
        corners = lot + half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
        outline = [(x, y) for x, y in (np.asarray(place) + corners @ turn).tolist()]
        x, y = (np.asarray(place) + lot @ turn).tolist()
        yards.disc((x, y), 4.2)
        roofs.polygon(outline)
        red, green, blue = (round(255 * part) for part in lighter(ROOFS[rng.integers(5)], float(rng.uniform(-0.05, 0.03))))
        pen.polygon([(px * FINE, py * FINE) for px, py in outline], fill=(red, green, blue))
    if town:
        yards.polygon(blob(rng, place, 2 * spread, 0.2, corners=16))
    yard = np.float32(0.7) * ragged(yards.mask(), rng, radius=2, roughness=0.4, grain=8)
    shading = 1 + np.float32(0.15) * rough(rng, 6)
    land.cover(yard, np.asarray((0.56, 0.50, 0.40), dtype=np.float32)[:, None, None] * shading, "habitation")
    mask = roofs.mask()
    paint = np.asarray(picture.reduce(FINE), dtype=np.float32).transpose(2, 0, 1) / (255 * np.maximum(mask, np.float32(0.05)))
    land.cover(mask, np.minimum(paint, 1), "habitation")


def paint_conventional_mine(land: Land, rng: np.random.Generator, centre: Point, angle: float) -> None:
    """Paint an open pit in terraces, a pond at its bottom, waste beside it."""
    x0, y0 = np.clip(np.asarray(centre), 70, SIZE - 70)
    row, column = np.indices((SIZE, SIZE), dtype=np.float32)
    x, y = column - np.float32(x0), row - np.float32(y0)
    u = x * np.float32(math.cos(angle)) + y * np.float32(math.sin(angle))
    v = y * np.float32(math.cos(angle)) - x * np.float32(math.sin(angle))
    radius, slim = rng.uniform(36, 58), rng.uniform(0.62, 0.95)
    away = np.hypot(u, v / np.float32(slim)) / np.float32(radius) + np.float32(0.22) * rough(rng, 48, 4)
    soil: Colour = ((0.70, 0.48, 0.33), (0.66, 0.58, 0.48), (0.58, 0.53, 0.50))[rng.integers(3)]
    steps = away * np.float32(rng.integers(4, 7))
    terrace = steps - np.floor(steps)  # 0 at the foot of a step, 1 at its rim
    shade = np.float32(0.75) + np.float32(0.35) * smoothstep(terrace, 0.15, 0.5) + np.float32(0.2) * (away - np.float32(0.5))
    waste = smoothstep(
        np.float32(1) - np.hypot(u - np.float32(1.3 * radius), v) / np.float32(0.7 * radius) + np.float32(0.4) * rough(rng, 24),
        0,
        0.1,
    )
    paint = np.asarray(soil, dtype=np.float32)[:, None, None]
    land.cover(waste, paint * (np.float32(1.12) + np.float32(0.12) * rough(rng, 8)), "conventional_mine")
    land.cover(smoothstep(1 - away, 0, 0.05), paint * shade, "conventional_mine")
    pond: Colour = ((0.22, 0.44, 0.44), (0.12, 0.22, 0.24), (0.40, 0.52, 0.40))[rng.integers(3)]
    mask = smoothstep(np.float32(rng.uniform(0.16, 0.3)) - away, 0, 0.04)
    land.cover(mask, pond)
    land.shown["conventional_mine"] = np.maximum(land.shown["conventional_mine"], mask)
