"""Labelled pictures: from folders named after the classes, or from a table of names and labels."""

import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.figures import plain
from course_utils.names import shortened
from course_utils.training.data import Data, Split, Task, number_of_batches
from course_utils.training.progress import Bar
from course_utils.training.splits import validation_split
from course_utils.vision.cache import PixelCache
from course_utils.vision.images import ImageError
from course_utils.vision.labels import encode, only_in_validation, read_labels
from course_utils.vision.resizing import place_of_copies
from course_utils.vision.sources import (
    checked_rows,
    class_folders,
    file_names,
    files_beside,
    is_picture,
    pictures_in,
    some_of,
    what_is_in,
)
from course_utils.vision.threads import one_thread
from course_utils.vision.transforms import Transforms, side
from course_utils.work import folder_for

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE_WIDTH = 30  # letters above a picture, before the next line begins


class ImageDataset:
    """The pictures of one split one at a time: `dataset[i]` is `(x, y)`, x (3, size, size) on the CPU, y None in a test set."""

    def __init__(self, data: "ImageData", split: Split, augment: bool = False) -> None:
        self.data, self.split, self.augment = data, split, augment

    def __len__(self) -> int:
        return len(self.data.rows(self.split))

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor | None]:
        row, targets, transforms = self.data.rows(self.split)[i], self.data.targets(self.split), self.data.transforms
        square = transforms.squares([self.data.cache[row]], self.augment)
        return transforms(square, self.augment)[0], None if targets is None else targets[i]


class ImageLoader:
    """Mini-batches `(x, y)` of one split: x (B, 3, size, size), y (B,), (B, classes) or None, on the device of `data`.

    The last mini-batch may be smaller; a shuffled pass leaves out one of a single picture, which batch norm cannot train on.
    Random numbers are drawn here and in one order, whatever the threads that decode do: a seed repeats every mini-batch.
    """

    def __init__(self, data: "ImageData", split: Split, augment: bool = False, shuffle: bool = False) -> None:
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


class ImageData(Data):
    """Pictures for training, validation and perhaps testing; made by `from_folders` and `from_csv`.

    `classes` are sorted. Each picture is decoded once, when first needed, and kept at 1.3 times the network's size (see
    `PixelCache`). `damaged` and `missing` list the pictures that were left out on request, `unlisted` those that the table
    does not name.
    """

    augments: ClassVar[bool] = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        names: Mapping[str, Sequence[str]],
        targets: Mapping[str, Tensor],
        classes: Sequence[str],
        transforms: Transforms,
        batch_size: int = 64,
        damaged: Literal["raise", "skip"] = "raise",
    ) -> None:
        """Take file `names` relative to `path` and the targets of the train and valid splits."""
        super().__init__()
        if batch_size < 1:
            raise CourseError(f"batch_size is {batch_size}; a mini-batch holds one picture or more")
        if not isinstance(transforms, Transforms):
            raise CourseError(f"transforms is {transforms!r}; give what transforms_for(arch, size) returns")
        if damaged not in ("raise", "skip"):
            raise CourseError(f"damaged is {damaged!r}; it is 'raise' (stop at a damaged picture) or 'skip' (leave them out)")
        self.path, self.transforms, self.batch_size = Path(path), transforms, batch_size
        self.classes: list[str] = list(classes)
        self.task: Task = "multi-label" if targets["train"].is_floating_point() else "single-label"
        self.damaged: list[str] = []
        self.missing: list[str] = []
        self.unlisted: list[str] = []
        self._targets = dict(targets)
        self._names: list[str] = [name for split in names for name in names[split]]  # of all splits, as in the cache
        self._rows: dict[str, list[int]] = {}
        for split in names:
            start = sum(map(len, self._rows.values()))
            self._rows[split] = list(range(start, start + len(names[split])))
        root = os.fspath(self.path)
        self.cache = PixelCache([os.path.join(root, name) for name in self._names], transforms.square, folder=folder_for(path))
        if damaged == "skip":
            self._leave_out_damaged()
        for split, rows in self._rows.items():
            if not rows:
                raise CourseError(f"the {split} set of {self.path} has no picture left; {len(self.damaged)} are damaged")
        self.train_ds, self.valid_ds = ImageDataset(self, "train", augment=True), ImageDataset(self, "valid")
        self.test_ds = ImageDataset(self, "test") if "test" in self._rows else None

    @classmethod
    def from_folders(
        cls,
        path: str | os.PathLike[str],
        transforms: Transforms,
        batch_size: int = 64,
        train: str = "train",
        valid: str = "valid",
        test: str | None = None,
        damaged: Literal["raise", "skip"] = "raise",
    ) -> "ImageData":
        """Pictures in folders named after their classes: `path/train/cats/cat.1.jpg` (lecture 0:15:15).

        `test` is a folder of pictures without labels. Files are taken in plain order of their names (cat.10.jpg before
        cat.2.jpg). A picture that cannot be read raises ImageError when its turn comes; with `damaged="skip"` all are decoded
        at once and such pictures are left out (`data.damaged`).
        """
        path, folders = Path(path), {"train": train, "valid": valid}
        class_names = {split: class_folders(path, folder) for split, folder in folders.items()}
        classes = class_names["train"]
        if unknown := sorted(set(class_names["valid"]) - set(classes)):
            raise CourseError(
                f"{path / valid} has classes that {path / train} has not: {some_of(unknown)}. A network can only be tested "
                f"on classes that it was trained on: {some_of(classes)}. Move or remove these folders."
            )
        if len(classes) < 2:
            raise CourseError(f"{path / train} has one class, {classes[0]!r}; add the folder of another to tell it from")
        names, targets = {}, {}
        for split, folder in folders.items():
            found = {name: pictures_in(path, f"{folder}/{name}") for name in class_names[split]}
            names[split] = [picture for pictures in found.values() for picture in pictures]
            targets[split] = torch.tensor([classes.index(name) for name, pictures in found.items() for _ in pictures])
        if test is not None:
            names["test"] = pictures_in(path, test)
        return cls(path, names, targets, classes, transforms, batch_size, damaged)

    @classmethod
    def from_csv(
        cls,
        path: str | os.PathLike[str],
        folder: str,
        csv: str | os.PathLike[str],
        transforms: Transforms,
        batch_size: int = 64,
        valid_idx: Sequence[int] | np.ndarray | None = None,
        suffix: str = "",
        test: str | None = None,
        damaged: Literal["raise", "skip"] = "raise",
        missing: Literal["raise", "skip"] = "raise",
        task: Task | None = None,
        file_column: str | None = None,
    ) -> "ImageData":
        """Pictures in one folder, labelled by a table: names in its first column, labels in its second (lecture 0:34:15).

        The pictures are `path/folder/<name><suffix>`, or those that the column `file_column` names below `path/folder`, suffix
        and all. `csv` is looked for in `path` first. `valid_idx` are the rows of the table that validate, by default a random
        fifth (`validation_split`). `missing="skip"` leaves out rows whose picture is not there (`data.missing`); their classes
        stay. For `test` and `damaged` see `from_folders`.

        Labels are divided by spaces. Where any picture has more than one, the task is multi-label and targets are zeros and
        ones (N, classes), else single-label and targets are class numbers (N,) (lecture 1:23:08). `task="multi-label"` makes it
        so with one label each, too: a network trained on pictures of one kind each can then say that a picture shows both, or
        none (1:54:40). With `task="single-label"` a label may hold spaces.
        """
        path = Path(path)
        table = read_labels(path / csv if (path / csv).is_file() else Path(csv), path, task, file_column)
        if not (path / folder).is_dir():
            raise CourseError(f"there is no folder {path / folder}; {what_is_in(path)}")
        *names, heading = file_names([*table.names, table.heading[0]], folder, "" if file_column else suffix)
        files = files_beside(names, path)
        if heading in files or table.heading[1] in table.classes:
            raise CourseError(f"{csv} begins with {','.join(table.heading)!r}, a picture; put a line such as id,label above it")
        absent = [name for name in names if name not in files]
        if absent and missing != "skip":
            raise CourseError(
                f"{len(absent):,} of the {len(names):,} pictures that {csv} names are not in {path}: {some_of(absent)}. Check "
                f"folder ({folder!r}) and suffix ({suffix!r}): {what_is_in(path / folder)}. missing='skip' leaves them out."
            )
        valid_rows = checked_rows(validation_split(len(names)) if valid_idx is None else valid_idx, len(names))
        there = [row for row, name in enumerate(names) if name in files]
        rows = {"train": [row for row in there if row not in valid_rows], "valid": [row for row in there if row in valid_rows]}
        for split in rows:
            if not rows[split]:
                raise CourseError(
                    f"no picture is left for the {split} set: of the {len(names):,} rows of {csv} {len(valid_rows):,} are to "
                    f"validate, and {len(absent):,} pictures are missing"
                )
        split_names = {split: [names[row] for row in rows[split]] for split in rows}
        if test is not None:
            split_names["test"] = pictures_in(path, test)
        targets = encode(table.labels, table.classes, table.task)
        split_targets = {split: targets[rows[split]] for split in rows}
        data = cls(path, split_names, split_targets, table.classes, transforms, batch_size, damaged)
        data.missing, data.unlisted = absent, sorted(name for name in files.difference(names) if is_picture(name))
        if absent:
            print(f"{len(absent):,} of the {len(names):,} pictures that {csv} names are missing and left out (data.missing).")
        if data.unlisted:
            print(f"{len(data.unlisted):,} pictures are not used, because {csv} does not name them (data.unlisted).")
        if untaught := only_in_validation(data._targets["train"], data._targets["valid"], table.classes):
            warnings.warn(
                f"{len(untaught)} of the {len(table.classes)} classes are in the validation set only, so that no network can "
                f"learn them: {some_of(untaught)}. Choose other valid_idx; validation_split(n, stratify=labels) sees to it.",
                stacklevel=2,
            )
        return data

    def loader(self, split: Split, augment: bool = False, shuffle: bool = False) -> ImageLoader:
        """Mini-batches of one split; with `augment` each pass varies the pictures anew."""
        self.rows(split)  # raises where there is no such split
        return ImageLoader(self, split, augment, shuffle)

    def rows(self, split: Split) -> list[int]:
        """Where the pictures of one split are in `cache`."""
        if split not in self._rows:
            hint = "; name its folder with test=" if split == "test" else ""
            raise CourseError(f"this data has no {split!r} set, only {', '.join(self._rows)}{hint}")
        return self._rows[split]

    def items(self, split: Split) -> list[str]:
        """File names relative to `path`, with forward slashes."""
        return [self._names[row] for row in self.rows(split)]

    file_names = items

    def paths(self, split: Split) -> list[Path]:
        """The files of one split."""
        return [self.path / name for name in self.items(split)]

    def targets(self, split: Split) -> Tensor | None:
        """Class numbers (N,), or zeros and ones (N, classes) when multi-label; None for the test set."""
        self.rows(split)
        return self._targets.get(split)

    def resize(self, size: int, folder: str | os.PathLike[str]) -> "ImageData":
        """Write copies with shorter side `size` below `folder/size` and give the same data on these (lecture 1:38:48).

        Large pictures then decode faster in every later session. `folder` is relative to the data's place in the work folder
        (see `course_utils.work`). Copies that are already there and as old as their originals are kept, also those below
        `path`, which somebody may have made for all; smaller pictures stay as they are. Give `transforms.square`, 1.3 times the
        network's size, or more: smaller copies are enlarged again and lack detail.
        """
        size = side(size)
        names = {split: [self._names[row] for row in rows] for split, rows in self._rows.items()}
        target = place_of_copies([name for split in names.values() for name in split], self.path, folder, size)
        copy = ImageData(target, names, self._targets, self.classes, self.transforms, self.batch_size)
        copy.damaged, copy.missing, copy.unlisted = list(self.damaged), list(self.missing), list(self.unlisted)
        copy.device = self.device
        return copy

    def show_batch(self, rows: int = 3, columns: int = 4, split: Split = "train") -> "Figure":
        """Show pictures of one split as the network sees them, under the names of their classes; draws no random number."""
        import matplotlib.pyplot as plt

        training, shown = split == "train", rows * columns
        with torch.random.fork_rng(devices=[]):
            loader = self.loader(split, augment=training, shuffle=training)
            batches = list(islice(loader, math.ceil(shown / self.batch_size)))
        x = self.transforms.denormalise(torch.cat([x for x, _ in batches])).cpu()
        titles = [self._title(y) for _, batch in batches if batch is not None for y in batch] or [
            plain(name, width=TITLE_WIDTH) for name in self.items(split)
        ]
        lines = max(title.count("\n") + 1 for title in titles[:shown])
        figure, axes = plt.subplots(rows, columns, figsize=(2.4 * columns, (2.4 + 0.2 * lines) * rows), squeeze=False)
        for axis in axes.flat:
            axis.axis("off")
            axis.set_anchor("S")  # the room that is left goes to the titles
        for axis, picture, title in zip(axes.flat, x, titles, strict=False):
            axis.imshow(picture.permute(1, 2, 0).numpy())
            axis.set_title(title, fontsize=9)
        figure.tight_layout()
        plt.close(figure)  # a notebook shows what is returned; left open it would be shown twice
        return figure

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(rows):,} {split}" for split, rows in self._rows.items())
        size = self.transforms.size
        return f"ImageData({str(self.path)!r}: {counts}; {len(self.classes)} classes, {self.task}, {size} x {size} pixels)"

    def _title(self, target: Tensor) -> str:
        if self.task == "single-label":
            return plain(self.classes[int(target)], width=TITLE_WIDTH)
        tags = (shortened(name) for name, present in zip(self.classes, target.tolist(), strict=True) if present)
        return plain(" ".join(tags), longest=None, width=TITLE_WIDTH)

    def _leave_out_damaged(self) -> None:
        results = self.cache.results(range(len(self.cache)))
        bar = Bar(results, total=len(self.cache), description="reading pictures")
        bad = {row for row, result in enumerate(bar) if isinstance(result, ImageError)}
        self.damaged = [self._names[row] for row in sorted(bad)]
        for split, rows in self._rows.items():
            kept = [i for i, row in enumerate(rows) if row not in bad]
            self._rows[split] = [rows[i] for i in kept]
            if split in self._targets:
                self._targets[split] = self._targets[split][kept]
