"""Smooth noise for fur, spots and the grain of paper: drawn once, cut to measure."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float32]


@lru_cache
def noise(grain: tuple[float, float], size: int = 1024) -> Array:
    """Give a square of smooth noise in [-1, 1] whose blobs measure `grain` (height, width) pixels; always the same."""
    rng = np.random.default_rng([size, round(8 * grain[0]), round(8 * grain[1])])
    coarse = rng.random((int(size / grain[0]) + 2, int(size / grain[1]) + 2), dtype=np.float32)
    fine = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
    return np.clip(2 * np.asarray(fine) - 1, -1, 1)


def noise_like(shape: tuple[int, int], grain: tuple[float, float], corner: tuple[int, int]) -> Array:
    """Cut a piece of noise of this shape whose corner is chosen by the caller."""
    field = noise(grain)
    top, left = corner[0] % (len(field) - shape[0] + 1), corner[1] % (len(field) - shape[1] + 1)
    return field[top : top + shape[0], left : left + shape[1]]
