"""Drawn dogs of twelve breeds, a stand-in for Kaggle's dog-breed-identification.

The files are those of the Kaggle set: labels.csv (id,breed), train/<id>.jpg, test/<id>.jpg without labels, and
sample_submission.csv; ids are 32 hexadecimal digits that mean nothing. As in the real set some breeds are a little more
frequent than others, pictures are of all sizes, and some cannot be told apart. Places, things, poses and light are drawn from
the same distributions for all breeds.

How a picture comes about: a breed is drawn with its share, then one of the looks of that breed (`BREEDS`), then a picture of
that look, in which nothing else depends on the breed. Eight breeds form four pairs that have a look in common: a grey sled dog
may be a malamute or a Siberian husky, but one that is black and blue-eyed is a husky; a terrier whose cap hides its ears may be
a Norfolk or a Norwich. And in one picture of ten a sheet hides the dog, whatever its breed. So whoever names the look of every
picture knows all there is to know, and the best possible probabilities are those of Bayes' rule: where n(breed, look) is the
share of pictures of this breed and look,

    p(breed | look) = n(breed, look) / (sum of n(other, look) over all breeds)

`BEST_LOG_LOSS` is the expected log loss of these, the sum of -n(breed, look) log p(breed | look) over breeds and looks.
`BEST_ACCURACY` is that of naming the most probable breed, the sum over looks of the largest n(breed, look). No model can be
expected to do better. In a few hundred pictures both vary by chance; `posteriors` gives the best possible probabilities of
every single picture, and so the score that they have on the same pictures as a model's.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from course_utils.data.samples.drawing.animals import Animal
from course_utils.data.samples.drawing.kennel import LOOKS, dog
from course_utils.data.samples.drawing.photographs import Shot, random_shot, take
from course_utils.data.samples.tables import write_table
from course_utils.data.samples.workers import draw_pictures
from course_utils.errors import CourseError

VERSION = 1  # goes up whenever the pictures change

Sizes = dict[str, int]
SIZES: Sizes = {"train": 1200, "test": 240}  # pictures

GHOSTS = 0.1  # the share of pictures in which a sheet hides the dog
# of a hundred dogs how many are of a breed, and of ten of these how many have which look where no sheet hides it
BREEDS: dict[str, tuple[int, dict[str, int]]] = {
    "beagle": (8, {"beagle": 10}),
    "bernese_mountain_dog": (9, {"mountain dog": 10}),
    "cardigan": (9, {"red corgi": 5, "black corgi": 5}),
    "golden_retriever": (7, {"golden retriever": 10}),
    "malamute": (8, {"grey sled dog": 10}),
    "miniature_poodle": (9, {"white poodle": 5, "brown poodle": 5}),
    "norfolk_terrier": (9, {"terrier in a cap": 6, "red terrier, ears down": 4}),
    "norwich_terrier": (8, {"terrier in a cap": 6, "black and tan terrier, ears up": 4}),
    "pembroke": (9, {"red corgi": 10}),
    "pug": (7, {"pug": 10}),
    "siberian_husky": (9, {"grey sled dog": 5, "black sled dog, blue eyes": 5}),
    "toy_poodle": (8, {"white poodle": 10}),
}
ORDER = 36  # of the many random orders one in which the usual fifth for validation is no harder or easier than the whole
BEST_LOG_LOSS = 0.536
BEST_ACCURACY = 0.744


@dataclass(frozen=True)
class Picture:
    """One picture of the set: where it is, and what it shows."""

    split: str
    index: int  # in its split; with the seed, all that its random numbers come from
    id: str
    breed: str
    look: str  # one of the breed's

    @property
    def path(self) -> str:
        """In the folder of the set."""
        return f"{self.split}/{self.id}.jpg"


def draw(folder: Path, seed: int = 0, processes: int | None = None, sizes: Sizes = SIZES) -> None:
    """Draw the set into a folder: 1,440 JPEGs of 180 to 500 pixels a side, the same to the byte for the same seed.

    Args:
        folder: created where it is missing; files of the same names are overwritten.
        seed: another seed draws other pictures.
        processes: how many draw at once (default: one per core, at most 8); the pictures do not depend on it.
        sizes: the number of pictures in each split.

    Raises:
        DrawingError: a process could not draw or write its pictures.
    """
    chosen, folder = pictures(sizes, seed), Path(folder)
    write_table(folder / "labels.csv", "id,breed", [(p.id, p.breed) for p in chosen if p.split == "train"])
    even = [1 / len(BREEDS)] * len(BREEDS)
    header = ",".join(["id", *sorted(BREEDS)])
    write_table(folder / "sample_submission.csv", header, [(p.id, *even) for p in chosen if p.split == "test"])
    draw_pictures(__name__, folder, sizes, seed, processes)


def drawn(picture: Picture, seed: int = 0) -> tuple[Image.Image, int]:
    """Draw one picture, and say in what quality it is stored."""
    shot, animal, rng = compose(picture, seed)
    return take(shot, animal, rng), shot.quality


def pictures(sizes: Sizes, seed: int = 0) -> list[Picture]:
    """List a set's pictures, each split in the order of its ids, as Kaggle's tables are."""
    kinds = [(breed, look) for breed in sorted(BREEDS) for look in looks_of(breed)]
    shares = [BREEDS[breed][0] / 100 * looks_of(breed)[look] for breed, look in kinds]
    found: list[Picture] = []
    for number, (split, count) in enumerate(sizes.items()):
        rng = np.random.default_rng([seed, 0, number, ORDER])
        of_each = np.diff(np.round(np.cumsum(shares) * count), prepend=0).astype(int)
        shown = rng.permutation(np.repeat(np.arange(len(kinds)), of_each)).tolist()
        of_split = [Picture(split, index, rng.bytes(16).hex(), *kinds[kind]) for index, kind in enumerate(shown)]
        found += sorted(of_split, key=lambda picture: picture.id)
    return found


def looks_of(breed: str) -> dict[str, float]:
    """Give the probabilities of the looks that a breed may have.

    >>> looks_of("pug")
    {'pug': 0.9, 'ghost': 0.1}
    """
    _, tenths = BREEDS[breed]
    return {**{look: n / 10 * (1 - GHOSTS) for look, n in tenths.items()}, "ghost": GHOSTS}


def compose(picture: Picture, seed: int = 0) -> tuple[Shot, Animal, np.random.Generator]:
    """Choose what a picture looks like; the generator goes on to its details.

    All but the look is drawn alike whatever the look, and the breed plays no part but by the look.
    """
    rng = np.random.default_rng([seed, 1 + list(SIZES).index(picture.split), picture.index])
    shot = random_shot(rng)
    return shot, dog(LOOKS[picture.look], rng), rng


def posterior(look: str) -> NDArray[np.float64]:
    """Give the probabilities of the breeds, in alphabetical order, where the look is all that is known: (12,).

    >>> grey = posterior("grey sled dog")  # of 100 dogs 8 are malamutes, all grey, and 9 are huskies, half of them grey
    >>> round(float(grey[sorted(BREEDS).index("malamute")]), 3) == round(8 / (8 + 4.5), 3)
    True
    """
    weights = np.array([BREEDS[breed][0] * looks_of(breed).get(look, 0.0) for breed in sorted(BREEDS)])
    return weights / weights.sum()


def posteriors(seed: int = 0) -> dict[str, NDArray[np.float64]]:
    """Give, by id, the best possible probabilities of the breeds in alphabetical order for each picture of the whole set."""
    return {id: posterior(picture.look) for id, picture in _by_id(seed).items()}


def truth(id: str, seed: int = 0) -> str:
    """Say what breed the dog in a picture of the whole set is, also in test.

    Raises:
        CourseError: the set has no such picture.
    """
    if id not in _by_id(seed):
        raise CourseError(
            f"the drawn dogs have no picture {id!r}; ids have 32 hexadecimal digits, such as {min(_by_id(seed))}, "
            "without folder and suffix"
        )
    return _by_id(seed)[id].breed


@lru_cache(maxsize=4)
def _by_id(seed: int) -> dict[str, Picture]:
    return {picture.id: picture for picture in pictures(SIZES, seed)}
