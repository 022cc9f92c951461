"""The pictures of one split, one at a time and in mini-batches, as a network sees them."""

from collections.abc import Iterator
from contextlib import closing, nullcontext
from itertools import islice
from typing import Protocol

import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.threads import one_thread
from course_utils.training.arguments import shown
from course_utils.training.loaders import number_of_batches
from course_utils.training.tasks import Split, Task
from course_utils.vision.cache import PixelCache
from course_utils.vision.transforms import Transforms


class PictureSplits(Protocol):
    """What a dataset, a loader and a figure read of a `vision.picture_set.PictureSet`."""

    task: Task
    classes: list[str]
    transforms: Transforms
    cache: PixelCache
    batch_size: int
    device: torch.device

    def rows(self, split: Split) -> list[int]:
        """Where the pictures of one split are in `cache`."""

    def items(self, split: Split) -> list[str]:
        """Their names."""

    def targets(self, split: Split) -> Tensor | None:
        """Their class numbers (N,), or zeros and ones (N, classes); None where they have none."""

    def loader(self, split: Split, augment: bool = False, shuffle: bool = False) -> "ImageLoader":
        """Their mini-batches."""


class ImageDataset:
    """The pictures of one split one at a time: `dataset[i]` is `(x, y)`, x (3, size, size) on the CPU, y None in a test set."""

    def __init__(self, data: PictureSplits, split: Split, augment: bool = False) -> None:
        self.data, self.split, self.augment = data, split, augment

    def __len__(self) -> int:
        return len(self.data.rows(self.split))

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor | None]:
        if not hasattr(i, "__index__"):
            raise CourseError(f"[{shown(i)}] is not the number of a picture; for several say [dataset[i] for i in range(4)]")
        row, targets, transforms = self.data.rows(self.split)[i], self.data.targets(self.split), self.data.transforms
        square = transforms.squares([self.data.cache[row]], self.augment)
        return transforms(square, self.augment)[0], None if targets is None else targets[i]


class ImageLoader:
    """Mini-batches `(x, y)` of one split: x (B, 3, size, size), y (B,), (B, classes) or None, on the device of `data`.

    The last mini-batch may be smaller; a shuffled pass leaves out one of a single picture, which batch norm cannot train on.
    Random numbers are drawn here and in one order, whatever the threads that decode do: a seed repeats every mini-batch.
    """

    def __init__(self, data: PictureSplits, split: Split, augment: bool = False, shuffle: bool = False) -> None:
        self.data, self.split, self.augment, self.shuffle = data, split, augment, shuffle
        self.shard = (0, 1)  # of each mini-batch row 0 and every row after; other processes may have others

    def __len__(self) -> int:
        examples = len(self.data.rows(self.split))
        left = examples % self.data.batch_size
        too_few = left < self.shard[1] or (left == 1 and examples > 1)
        return number_of_batches(examples, self.data.batch_size, drop_last=self.shuffle and too_few)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        data, targets = self.data, self.data.targets(self.split)
        rows = torch.tensor(data.rows(self.split))
        order = torch.randperm(len(rows)) if self.shuffle else torch.arange(len(rows))
        rank, world = self.shard
        batches = [batch[rank::world] for batch in order.split(data.batch_size)[: len(self)] if len(batch) > rank]
        wanted = [row for batch in batches for row in rows[batch].tolist()]
        decoding = not all(row in data.cache for row in wanted)
        with closing(data.cache.pictures(wanted)) as pictures:
            for batch in batches:
                squares = data.transforms.squares(list(islice(pictures, len(batch))), self.augment)
                if data.device.type == "cuda":  # elsewhere the processor does it: Apple's GPU lacks some of the operations
                    squares = squares.to(data.device)
                with one_thread() if decoding else nullcontext():
                    x = data.transforms(squares, self.augment)
                yield x.to(data.device), None if targets is None else targets[batch].to(data.device)
