"""The datasets by name: what they hold, how to recognise one, where the real one lives and whether it can be drawn."""

import difflib
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.errors import CourseError


@dataclass(frozen=True)
class Url:
    """A file on a plain server, and the SHA-256 that says that it is the right one."""

    url: str
    sha256: str


@dataclass(frozen=True)
class Dataset:
    """One dataset of the lessons.

    `layout` says what proves that a folder holds it: for each entry, one of its patterns (a path, or one with `*`) must be
    there. `size` counts what a person would count; `download_bytes` and `unpacked_bytes` are the room that the default parts
    need, in round figures.
    """

    name: str
    title: str
    description: str
    size: str
    terms: str
    layout: tuple[tuple[str, ...], ...]
    download_bytes: int
    unpacked_bytes: int
    also_known_as: tuple[str, ...] = ()  # other names of its folder
    competition: str | None = None  # its name on Kaggle
    files: tuple[str, ...] = ()  # the parts of the competition that the lessons need; none named: all of it
    urls: tuple[Url, ...] = ()
    arrange: Callable[[Path], None] | None = field(default=None, repr=False)  # from the unpacked layout to the lessons'
    note: str = ""  # what to know after a download
    maker: str | None = None  # the module in course_utils.data.samples that draws its stand-in

    @property
    def folders(self) -> tuple[str, ...]:
        """The names under which its folder may be in the data folder; the first is the one that a download makes."""
        return (self.name, *self.also_known_as)

    @property
    def page(self) -> str:
        """The address that a person reads."""
        return f"https://www.kaggle.com/competitions/{self.competition}" if self.competition else self.urls[0].url

    def missing_from(self, folder: Path) -> list[str]:
        """Name what `folder` lacks to be this dataset; nothing where it is."""
        return [" or ".join(patterns) for patterns in self.layout if not any(_holds(folder, p) for p in patterns)]


def _holds(folder: Path, pattern: str) -> bool:
    return any(True for _ in folder.glob(pattern)) if "*" in pattern else os.path.exists(folder / pattern)


def split_cats_and_dogs(folder: Path, valid_per_class: int = 1000, seed: int = 0) -> None:
    """Move Kaggle's flat `train/cat.0.jpg` ... to `train/cats`, `train/dogs`, `valid/cats` and `valid/dogs` in `folder`.

    Kaggle's set has no validation part; the lecture's had 1,000 pictures of each class. Which ones they are depends on the file
    names and `seed` alone: those whose SHA-256 of "seed:name" is smallest. So every machine and Python gives the same split.

    Raises a `CourseError`, before anything is moved, for a file that is not named `cat.<number>.jpg` or `dog.<number>.jpg` and
    for a class of `valid_per_class` pictures or fewer.
    """
    if not os.path.isdir(folder / "train"):
        return  # whoever asked names what is missing
    names = sorted(path.name for path in (folder / "train").iterdir())
    by_class = {kind: [name for name in names if _is_picture_of(kind, name)] for kind in ("cat", "dog")}
    others = set(names).difference(*by_class.values())
    if others:
        raise CourseError(
            f"{folder / 'train'} holds {min(others)}; expected only files like cat.0.jpg and dog.0.jpg, as Kaggle gives them"
        )
    for kind, of_class in by_class.items():
        if len(of_class) <= valid_per_class:
            raise CourseError(
                f"{folder / 'train'} holds {len(of_class):,} pictures {kind}.*.jpg; "
                f"more than {valid_per_class:,} are needed to set that many aside for validation"
            )
    for kind, of_class in by_class.items():
        of_class.sort(key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
        for part, chosen in (("valid", of_class[:valid_per_class]), ("train", of_class[valid_per_class:])):
            place = folder / part / f"{kind}s"
            place.mkdir(parents=True)
            for name in chosen:
                (folder / "train" / name).rename(place / name)


def _is_picture_of(kind: str, name: str) -> bool:
    parts = name.split(".")
    return len(parts) == 3 and parts[0] == kind and parts[1].isdigit() and parts[2] == "jpg"


_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_KAGGLE_TERMS = "The competition's rules on Kaggle, accepted before the download; not to be passed on."

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            name="dogscats",
            title="Dogs vs. Cats",
            description="Photographs of pets, each a cat or a dog (lesson 1).",
            size="25,000 labelled photographs (23,000 train, 2,000 valid) and 12,500 without labels",
            terms=_KAGGLE_TERMS + " Photographs from Petfinder, collected by Microsoft Research (Asirra).",
            layout=(
                ("train/cats/*.jpg",),
                ("train/dogs/*.jpg",),
                ("valid/cats/*.jpg",),
                ("valid/dogs/*.jpg",),
                ("test1/*.jpg",),
            ),
            download_bytes=854_000_000,
            unpacked_bytes=870_000_000,
            also_known_as=("dogs-vs-cats",),
            competition="dogs-vs-cats",
            files=("train.zip", "test1.zip"),
            arrange=split_cats_and_dogs,
            maker="pets",
        ),
        Dataset(
            name="dogbreeds",
            title="Dog Breed Identification",
            description="Photographs of dogs of 120 breeds, labels in a CSV (lesson 2).",
            size="10,222 labelled photographs and 10,357 without labels",
            terms=_KAGGLE_TERMS + " Photographs from ImageNet, for research and teaching only.",
            layout=(("labels.csv", "labels.csv.gz"), ("train/*.jpg",)),
            download_bytes=725_000_000,
            unpacked_bytes=750_000_000,
            also_known_as=("dog-breed-identification",),
            competition="dog-breed-identification",
            maker="breeds",
        ),
        Dataset(
            name="planet",
            title="Planet: Understanding the Amazon from Space",
            description="Satellite pictures, each with several of 17 tags (lesson 3).",
            size="40,479 labelled pictures of 256 x 256 and 40,669 without labels",
            terms=_KAGGLE_TERMS,
            layout=(("train_v2.csv", "train_v2.csv.gz"), ("train-jpg/*.jpg",)),
            download_bytes=1_260_000_000,
            unpacked_bytes=1_320_000_000,
            also_known_as=("planet-understanding-the-amazon-from-space",),
            competition="planet-understanding-the-amazon-from-space",
            files=("train-jpg.tar.7z", "test-jpg.tar.7z", "train_v2.csv.zip"),  # not the 19 GB of TIFF
            note="20,522 more test pictures are in test-jpg-additional.tar.7z; a submission needs them too.",
            maker="satellite",
        ),
        Dataset(
            name="rossmann",
            title="Rossmann Store Sales",
            description="Daily sales of 1,115 drugstores, and tables about stores and days (lesson 4).",
            size="1,017,209 rows to learn from and 41,088 to predict",
            terms=_KAGGLE_TERMS,
            # what the competition gives; the four tables in the note may be missing, and reading them says which are
            layout=(("train.csv", "train.csv.gz"), ("test.csv", "test.csv.gz"), ("store.csv", "store.csv.gz")),
            download_bytes=40_000_000,
            unpacked_bytes=40_000_000,
            also_known_as=("rossmann-store-sales",),
            competition="rossmann-store-sales",
            files=("train.csv", "test.csv", "store.csv", "sample_submission.csv"),
            note="Lesson 4 also joins store_states, state_names, googletrend and weather, which competitors shared on its "
            "forum (together: http://files.fast.ai/part2/lesson14/rossmann.tgz); put their CSVs beside the others.",
            maker="stores",
        ),
        Dataset(
            name="digits",
            title="MNIST",
            description="Handwritten digits, 28 x 28 grey values in IDX files (lesson 5).",
            size="60,000 digits to learn from and 10,000 to test on",
            terms="Y. LeCun, C. Cortes and C. Burges; CC BY-SA 3.0.",
            layout=(
                ("t10k-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte"),
                ("t10k-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte"),
            ),
            download_bytes=11_600_000,
            unpacked_bytes=11_600_000,
            also_known_as=("mnist", "MNIST/raw"),  # the second as torchvision puts it
            urls=(
                Url(_MNIST + "train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
                Url(_MNIST + "train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
                Url(_MNIST + "t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
                Url(_MNIST + "t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
            ),
            maker="digits",
        ),
    )
}


def find(name: str) -> Dataset:
    """Give the dataset called `name`; a `CourseError` that lists the names where there is none.

    >>> find("dogscats").title
    'Dogs vs. Cats'
    >>> find("dogcats")
    Traceback (most recent call last):
    ...
    course_utils.errors.CourseError: no dataset 'dogcats'; did you mean 'dogscats'? There are: dogscats, dogbreeds, ...
    """
    if isinstance(name, str) and name in DATASETS:
        return DATASETS[name]
    close = difflib.get_close_matches(str(name), DATASETS, n=1)
    hint = f"; did you mean {close[0]!r}? There are: " if close else "; there are: "
    raise CourseError(f"no dataset {name!r}{hint}{', '.join(DATASETS)}")
