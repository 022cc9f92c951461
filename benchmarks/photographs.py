"""JPEGs that cost as much to decode as photographs do: random, with as much detail, from a fixed seed."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

Range = tuple[float, float]
WIDTHS, HEIGHTS = (324.0, 486.0), (291.0, 437.0)  # a fifth about the mean of the photographs of cats and dogs of the Kaggle set
QUALITY = 84  # gives about 0.15 bytes per pixel, as they have
DISTINCT = 200


def make_photographs(folder: Path, count: int, widths: Range = WIDTHS, heights: Range = HEIGHTS) -> None:
    """Write `folder/train` and `folder/valid` with two classes each: `count` pictures to train on, 64 to validate.

    200 are drawn; the others are further names (hard links) of these, which are read and decoded like any other.
    """
    random = np.random.default_rng(0)
    originals = folder / "originals"
    originals.mkdir(parents=True)
    for number in range(min(count, DISTINCT)):
        _photograph(random, widths, heights).save(originals / f"{number}.jpg", quality=QUALITY)
    for split, pictures in {"train": count, "valid": 64}.items():
        for name in ("one", "two"):
            (folder / split / name).mkdir(parents=True)
        for number in range(pictures):
            place = folder / split / ("one", "two")[number % 2] / f"{number:05d}.jpg"
            os.link(originals / f"{number % min(count, DISTINCT)}.jpg", place)


def _photograph(random: np.random.Generator, widths: Range, heights: Range) -> Image.Image:
    """Noise in which a detail of half the size has about half the contrast, as in photographs."""
    width, height = (round(random.uniform(*sides)) for sides in (widths, heights))
    pixels = np.full((height, width, 3), 128.0)
    for scale in (1, 2, 4, 8, 16, 32, 64, 128):
        coarse = random.standard_normal((height // scale + 2, width // scale + 2)).astype(np.float32)
        grey = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
        tint = random.uniform(0.7, 1.3, size=3)  # so that colour varies, though less than brightness
        pixels += 2.2 * scale**0.75 * grey[:, :, None] * tint
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
