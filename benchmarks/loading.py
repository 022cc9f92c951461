"""Images per second on their way to a network: against torchvision's and fastai's loaders, all on the processor."""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import Row, alternate
from benchmarks.photographs import make_photographs
from course_utils.training import set_seed
from course_utils.vision import ImageData, transforms_for
from course_utils.vision.transforms import IMAGENET_MEAN, IMAGENET_STD

SIZE, SQUARE, BATCH_SIZE, WORKERS = 160, 208, 64, 2

Loader = Iterable[tuple[Any, Any]]


def course_loader(folder: Path) -> Loader:
    return ImageData.from_folders(folder, transforms_for(None, SIZE), BATCH_SIZE).to("cpu").train_dl


def torchvision_loader(folder: Path) -> Loader:
    """ImageFolder and DataLoader. Its workers stay between epochs, which saves it starting them anew."""
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import InterpolationMode, v2

    augment = v2.Compose(
        [
            v2.Resize(SQUARE),
            v2.RandomCrop(SQUARE),
            v2.RandomHorizontalFlip(),
            v2.RandomAffine(degrees=10, scale=(1, 1.1), interpolation=InterpolationMode.BILINEAR),
            v2.Resize(SIZE),
            v2.ColorJitter(brightness=0.05, contrast=0.05),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
    dataset = ImageFolder(folder / "train", augment)
    return torch.utils.data.DataLoader(dataset, BATCH_SIZE, shuffle=True, num_workers=WORKERS, persistent_workers=True)


def fastai_loader(folder: Path) -> Loader:
    """ImageDataLoaders with its recommended pair: a crop of each picture in the workers, the rest in batches."""
    from fastai.vision.all import ImageDataLoaders, Normalize, Resize, aug_transforms  # type: ignore[import-not-found,unused-ignore]

    side_on = aug_transforms(
        size=SIZE, max_rotate=10.0, max_zoom=1.1, max_lighting=0.05, max_warp=0.0, p_affine=1.0, p_lighting=1.0
    )
    loaders = ImageDataLoaders.from_folder(
        folder,
        item_tfms=Resize(SQUARE),
        batch_tfms=[*side_on, Normalize.from_stats(IMAGENET_MEAN, IMAGENET_STD, cuda=False)],
        bs=BATCH_SIZE,
        num_workers=WORKERS,
        device=torch.device("cpu"),
    )
    train: Loader = loaders.train
    return train


def images_per_second(loader: Loader) -> float:
    """Take every mini-batch of one epoch."""
    start, seen = time.perf_counter(), 0
    for x, _ in loader:
        assert x.shape[1:] == (3, SIZE, SIZE)
        seen += len(x)
    return seen / (time.perf_counter() - start)


def compare(name: str, peer: Callable[[Path], Loader], folder: Path, goals: tuple[float, float], runs: int) -> list[Row]:
    """The first epoch of fresh loaders, then the epochs after it."""
    images = len(list(folder.glob("train/*/*")))
    ours, other, ratio = alternate(
        lambda: images_per_second(course_loader(folder)), lambda: images_per_second(peer(folder)), runs
    )
    first = Row(
        f"first epoch of {images:,} images / {name}", f"{ours:.0f} images/s", f"{other:.0f} images/s", ratio, goals[0], True
    )

    def later(loader: Loader) -> Iterator[float]:
        images_per_second(loader)
        while True:
            yield images_per_second(loader)

    mine, theirs = later(course_loader(folder)), later(peer(folder))
    ours, other, ratio = alternate(lambda: next(mine), lambda: next(theirs), runs)
    return [
        first,
        Row(f"later epochs of the same / {name}", f"{ours:.0f} images/s", f"{other:.0f} images/s", ratio, goals[1], True),
    ]


def rows(quick: bool) -> list[Row]:
    """Photographs of about 405 x 364 pixels through `train_dl`, augmented from the side, at 160 x 160."""
    set_seed(0)
    runs = 1 if quick else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_photographs(folder, 256 if quick else 2_000)
        table = compare(f"torchvision, {WORKERS} workers", torchvision_loader, folder, (1.2, 3.0), runs)
        if find_spec("fastai"):
            return table + compare(f"fastai, {WORKERS} workers", fastai_loader, folder, (2.0, 6.0), runs)
    missing = "not installed (make bench does it)"
    return [
        *table,
        Row("first epoch / fastai", "", missing, None, 2.0, True),
        Row("later epochs / fastai", "", missing, None, 6.0, True),
    ]
