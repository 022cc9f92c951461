"""What lies between a satellite and the ground: haze, clouds and their shadows."""

import math

import numpy as np

from course_utils.data.samples.drawing.noise import Array
from course_utils.data.samples.drawing.terrain import SIZE, Land, blurred, rough, slope, smoothstep


def veil(land: Land, rng: np.random.Generator) -> None:
    """Draw haze over the land: what is below keeps a third to a half of its contrast."""
    air = np.array([0.50, 0.55, 0.54], dtype=np.float32) + rng.normal(0, 0.012, 3).astype(np.float32)
    thick = np.clip(rng.uniform(0.52, 0.68) + np.float32(0.10) * rough(rng, 96), 0.4, 0.8)
    land.pixels += thick * (air[:, None, None] - land.pixels)


def clouds(rng: np.random.Generator) -> Array:
    """Give how dense clouds are over each pixel, 0..1: from a few small ones to half of the sky."""
    grain = float(rng.choice([32, 64, 96]))
    billows = rough(rng, grain, 5)
    cover = rng.uniform(0.10, 0.38)
    edge = float(np.quantile(billows, 1 - cover))
    return smoothstep(billows, edge - 0.12, edge + rng.uniform(0.3, 0.5))


def cloud_over(land: Land, rng: np.random.Generator, dense: Array, sun: float) -> None:
    """Draw clouds over the land, lit from the sun's side, and the shadows that they cast."""
    height = rng.uniform(10, 26)
    shift = (round(-height * math.sin(sun)), round(-height * math.cos(sun)))
    padded = np.pad(dense, 32, mode="edge")
    top, left = 32 - shift[0], 32 - shift[1]
    shadow = blurred(padded[top : top + SIZE, left : left + SIZE], 2.0)
    land.pixels *= 1 - np.float32(0.6) * shadow
    puffs = blurred(dense, 1.5)
    white = np.float32(0.93) + np.float32(1.1) * slope(puffs, sun) + np.float32(0.05) * rough(rng, 12)
    tint = np.array([0.99, 0.99, 1.0], dtype=np.float32)[:, None, None]
    land.pixels += dense * (np.minimum(white, 1.05) * tint - land.pixels)


def overcast(rng: np.random.Generator, sun: float) -> Array:
    """Give a sky that is closed, 3 x height x width, smooth or heaped: nothing of the ground can be seen."""
    heaps = rough(rng, float(rng.choice([48, 64, 96])), 4, stretch=float(rng.choice([1, 1, 2])))
    smooth = rng.uniform(0.15, 1)
    grey = rng.uniform(0.62, 0.86)
    light = np.float32(grey) + np.float32(0.10 * smooth + 0.03) * heaps + np.float32(0.6 * smooth) * slope(heaps, sun)
    tint = np.array([0.985, 1.0, 1.0], dtype=np.float32) + rng.normal(0, 0.008, 3).astype(np.float32)
    return tint[:, None, None] * light
