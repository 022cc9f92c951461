"""Drawn cats and dogs, a stand-in for Kaggle's dogs-vs-cats photographs.

The folders and file names are those of the Kaggle set: train/cats/cat.123.jpg, train/dogs/dog.123.jpg, the same in valid, and
unlabelled pictures test1/123.jpg. Places, things, poses, coats and light are drawn from the same distributions for both:
only the animal tells.

Like Kaggle's set it holds a few mislabelled pictures, dogs filed under cats and cats under dogs: 20 of the 2,000 for training,
5 of the 500 for validation. Nothing in such a picture shows its wrong label, so whoever names every animal correctly is right
in 495 of 500: the best accuracy that a model can be expected to reach on valid is 0.99.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils.data.samples.drawing.animals import Animal, Species, random_animal
from course_utils.data.samples.drawing.photographs import Shot, random_shot, take
from course_utils.data.samples.workers import draw_pictures
from course_utils.errors import CourseError

VERSION = 1  # goes up whenever the pictures change
SPECIES: tuple[Species, Species] = ("cat", "dog")

Sizes = dict[str, tuple[int, int]]
SIZES: Sizes = {"train": (2000, 20), "valid": (500, 5), "test1": (500, 0)}  # pictures, and how many of them are mislabelled
BEST_ACCURACY = 1 - SIZES["valid"][1] / SIZES["valid"][0]


@dataclass(frozen=True)
class Picture:
    """One picture of the set: where it is, and what it shows."""

    split: str
    index: int  # in its split; with the seed, all that its random numbers come from
    path: str  # in the folder of the set, such as "train/cats/cat.123.jpg"
    species: Species  # what it shows, whatever its path says

    @property
    def label(self) -> Species | None:
        """What the path says that it shows; None in test1."""
        return next((species for species in SPECIES if f"/{species}s/" in self.path), None)


def draw(folder: Path, seed: int = 0, processes: int | None = None, sizes: Sizes = SIZES) -> None:
    """Draw the set into a folder: 3,000 JPEGs of 180 to 500 pixels a side, the same to the byte for the same seed.

    Args:
        folder: created where it is missing; files of the same names are overwritten.
        seed: another seed draws other pictures.
        processes: how many draw at once (default: one per core, at most 8); the pictures do not depend on it.
        sizes: of each split the number of pictures, and how many of them are mislabelled.

    Raises:
        DrawingError: a process could not draw or write its pictures.
    """
    draw_pictures(__name__, folder, sizes, seed, processes)


def truth(split: str, name: str, seed: int = 0) -> Species:
    """Say what a picture of the drawn set really shows, whatever its file name says, also in test1.

    Raises:
        CourseError: the set has no such picture.

    >>> truth("test1", "1.jpg") in ("cat", "dog")
    True
    """
    shown = _species_by_name(seed).get((split, Path(name).name))
    if shown is None:
        raise CourseError(
            f"the drawn cats and dogs have no picture {name!r} in {split!r}; "
            f"splits are {', '.join(SIZES)}, names are like cat.123.jpg in train and valid and 123.jpg in test1"
        )
    return shown


def mislabelled(seed: int = 0) -> list[str]:
    """List the pictures that are mislabelled on purpose, as paths in the folder of the set.

    >>> len(mislabelled())
    25
    """
    return [picture.path for picture in pictures(SIZES, seed) if picture.label not in (None, picture.species)]


def pictures(sizes: Sizes, seed: int = 0) -> list[Picture]:
    """List a set's pictures; in each labelled split half are filed as cats and half as dogs.

    As in a random split of Kaggle's training set, a number is used once per species over train and valid.
    """
    rng = np.random.default_rng([seed, 0])
    halves = {split: count // 2 for split, (count, _) in sizes.items() if split != "test1"}
    found: list[Picture] = []
    numbers = {species: rng.permutation(sum(halves.values())).tolist() for species in SPECIES}
    for split, (count, wrong) in sizes.items():
        if split == "test1":
            shown = rng.permutation(count) % 2
            found += [Picture(split, i, f"{split}/{i + 1}.jpg", SPECIES[shown[i]]) for i in range(count)]
            continue
        swapped = set(rng.choice(2 * halves[split], wrong, replace=False).tolist())
        for i in range(2 * halves[split]):
            filed = i // halves[split]
            path = f"{split}/{SPECIES[filed]}s/{SPECIES[filed]}.{numbers[SPECIES[filed]].pop()}.jpg"
            found.append(Picture(split, i, path, SPECIES[1 - filed if i in swapped else filed]))
    return found


@lru_cache(maxsize=4)
def _species_by_name(seed: int) -> dict[tuple[str, str], Species]:
    return {(picture.split, Path(picture.path).name): picture.species for picture in pictures(SIZES, seed)}


def compose(picture: Picture, seed: int = 0) -> tuple[Shot, Animal, np.random.Generator]:
    """Choose what a picture looks like; the generator goes on to its details.

    Everything around the animal is chosen first, and does not depend on what the animal is.
    """
    rng = np.random.default_rng([seed, 1 + list(SIZES).index(picture.split), picture.index])
    shot = random_shot(rng)
    return shot, random_animal(rng, picture.species), rng


def drawn(picture: Picture, seed: int = 0) -> tuple[Image.Image, int]:
    """Draw one picture, and say in what quality it is stored."""
    shot, animal, rng = compose(picture, seed)
    return take(shot, animal, rng), shot.quality
