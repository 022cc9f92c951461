"""Lesson 3 at 64 pixels: chips on their way to a network after `data.resize`, and what that adds to a network's own epoch."""

import contextlib
import io
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.loading import Loader
from benchmarks.measure import Row, alternate, seconds
from benchmarks.photographs import make_photographs
from course_utils.training import set_seed
from course_utils.vision import ImageData, image_learner, top_down, transforms_for
from course_utils.vision.transforms import IMAGENET_MEAN, IMAGENET_STD

CHIP, SIZE, BATCH_SIZE, WORKERS, RATE = 256, 64, 64, 2, 1e-3


def image_folder_loader(folder: Path) -> Loader:
    """ImageFolder and DataLoader: open with Pillow, vary, resize, ToTensor. Its workers stay between epochs."""
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    augment = transforms.Compose(
        [
            transforms.Resize(round(1.3 * SIZE)),
            transforms.RandomHorizontalFlip(),
            transforms.RandomVerticalFlip(),
            transforms.RandomAffine(degrees=10, scale=(1, 1.05), interpolation=transforms.InterpolationMode.BILINEAR),
            transforms.Resize(SIZE),
            transforms.ColorJitter(brightness=0.05, contrast=0.05),
            transforms.ToTensor(),
            transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
    dataset = ImageFolder(folder / "train", augment)
    return torch.utils.data.DataLoader(dataset, BATCH_SIZE, shuffle=True, num_workers=WORKERS, persistent_workers=True)


def images_per_second(loader: Loader) -> float:
    """Take every mini-batch of one epoch."""
    start, seen = time.perf_counter(), 0
    for x, _ in loader:
        assert x.shape[1:] == (3, SIZE, SIZE)
        seen += len(x)
    return seen / (time.perf_counter() - start)


def later(loader: Loader) -> Iterator[float]:
    """Images per second of the epochs after the first."""
    images_per_second(loader)
    while True:
        yield images_per_second(loader)


def loading(data: ImageData, folder: Path, runs: int) -> list[Row]:
    """Ours reads the copies, decodes them in the first epoch and keeps them; the peer reads the chips, then the copies too."""
    table = []
    for what, place in {"the chips": folder, "the same copies": data.path}.items():
        mine, theirs = later(data.train_dl), later(image_folder_loader(place))
        ours, peer, ratio = alternate(lambda: next(mine), lambda: next(theirs), runs)  # noqa: B023  called here and now
        name = f"Planet at {SIZE} px after resize / ImageFolder on {what}, {WORKERS} workers"
        table.append(Row(name, f"{ours:.0f} images/s", f"{peer:.0f} images/s", ratio, 4.0, True))
    return table


def epoch(data: ImageData, folder: Path, runs: int) -> Row:
    """An epoch of the whole model by `fit`, against the same steps and the same validation on mini-batches that lie ready."""
    learner = image_learner(data, "resnet34", pretrained=False, progress=False, path=folder)
    model, loss = learner.model, torch.nn.functional.cross_entropy
    ready, to_validate = list(data.train_dl), list(data.valid_dl)

    def steps() -> None:
        optimizer = torch.optim.SGD(model.parameters(), lr=RATE, momentum=0.9)
        model.train()
        for x, y in ready:
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for x, y in to_validate:
                loss(model(x), y)

    learner.fit(RATE, 1)
    ours, peer, ratio = alternate(lambda: seconds(lambda: learner.fit(RATE, 1)), lambda: seconds(steps), runs)
    whole, alone = (f"{spent / len(ready) * 1e3:.0f} ms a step" for spent in (ours, peer))
    return Row(f"epoch of resnet34 at {SIZE} px with its pictures / steps alone", whole, alone, ratio, 1.05)


def rows(quick: bool) -> list[Row]:
    """Pictures of 256 x 256 pixels in copies of 83, any of the eight symmetries of the square."""
    set_seed(0)
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stderr(io.StringIO()):
        folder = Path(name)
        make_photographs(folder, 192 if quick else 1_000, (CHIP, CHIP), (CHIP, CHIP))
        transforms = transforms_for(None, SIZE, augment=top_down, max_zoom=1.05)
        data = ImageData.from_folders(folder, transforms, BATCH_SIZE).resize(transforms.square, "copies")
        data.to("cpu")
        return [*loading(data, folder, 1 if quick else 5), epoch(data, folder, 1 if quick else 3)]
