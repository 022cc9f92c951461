"""Labelled pictures: from folders named after the classes, or from a table of names and labels."""

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.figures import new_figure, plain
from course_utils.files import as_path
from course_utils.names import counted, shortened
from course_utils.training.arguments import only_known, shown, whole
from course_utils.training.data import Data
from course_utils.training.progress import Bar
from course_utils.training.tasks import LabelTask, Split, Task
from course_utils.vision.disk import on_disk
from course_utils.vision.images import ImageError
from course_utils.vision.labels import LabelColumn
from course_utils.vision.loading import ImageDataset, ImageLoader
from course_utils.vision.resizing import place_of_copies
from course_utils.vision.sources import arrays, folders, tables
from course_utils.vision.sources.labelled import Labelled
from course_utils.vision.sources.tables import Missing, ValidIdx
from course_utils.vision.stores import Files, InMemory, Picture, Store
from course_utils.vision.transforms import Transforms, side

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Damaged = Literal["raise", "skip"]
TITLE_WIDTH = 30  # letters above a picture, before the next line begins
LARGEST_BATCH = 200  # pictures in one figure, which takes some seconds to draw


class ImageData(Data):
    """Pictures for training, validation and perhaps testing.

    `from_folders`, `from_csv`, `from_frame`, `from_files` and `from_arrays` make one.

    `classes` are sorted. Each picture is decoded once, when first needed, and kept at 1.3 times the network's size (see
    `PixelCache`). `damaged` and `missing` list the pictures that were left out on request, `unlisted` files that are not
    used: pictures that the table does not name, and in folders what is not a picture.
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
        damaged: Damaged = "raise",
        pictures: Mapping[str, Picture] | None = None,
    ) -> None:
        """Take file `names` relative to `path`, or those of `pictures` in memory, and the targets of train and valid."""
        super().__init__()
        batch_size = whole("batch_size", batch_size, of=", the pictures in a mini-batch")
        if not isinstance(transforms, Transforms):
            raise CourseError(f"transforms is {shown(transforms)}; give what transforms_for(arch, size) returns")
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
        self.store: Store = Files(self.path, self._names) if pictures is None else InMemory(pictures)
        self.cache = self.store.cache(transforms.square)
        if damaged == "skip":
            self._leave_out_damaged()
        for split, rows in self._rows.items():
            if not rows:
                are = "is" if len(self.damaged) == 1 else "are"
                raise CourseError(f"the {split} set of {self.path} has no picture left; {len(self.damaged)} {are} damaged")
        self.train_ds, self.valid_ds = ImageDataset(self, "train", augment=True), ImageDataset(self, "valid")
        self.test_ds = ImageDataset(self, "test") if "test" in self._rows else None

    @classmethod
    def from_folders(
        cls,
        path: str | os.PathLike[str],
        transforms: Transforms,
        batch_size: int = 64,
        train: str = "train",
        valid: str | None = "valid",
        test: str | None = None,
        damaged: Damaged = "raise",
        valid_fraction: float | None = None,
        seed: int = 42,
    ) -> "ImageData":
        """Pictures in folders named after their classes: `path/train/cats/cat.1.jpg` (lecture 0:15:15).

        Pictures in folders below a class's are of that class, too; links to folders are followed. `test` is a folder of
        pictures without labels. Files are taken in plain order of their names (cat.10.jpg before cat.2.jpg). Those that are no
        pictures are counted and named in one line (`data.unlisted`); hidden files and what systems leave behind (Thumbs.db,
        __MACOSX) are left out without one. A picture that cannot be read raises ImageError when its turn comes; with
        `damaged="skip"` all are decoded at once and such pictures are left out (`data.damaged`).

        Without a folder `valid`, `valid_fraction=0.2` takes a random fifth of each class to validate, the same for the same
        `seed`; `train="."` means the folders of classes in `path` itself.
        """
        path = on_disk(as_path("path", path, "a folder"))
        found = folders.from_folders(path, train, valid, test, valid_fraction, seed)
        return cls._of(path, found, transforms, batch_size, damaged)

    @classmethod
    def from_csv(
        cls,
        path: str | os.PathLike[str],
        folder: str,
        csv: str | os.PathLike[str],
        transforms: Transforms,
        batch_size: int = 64,
        valid_idx: ValidIdx = None,
        suffix: str = "",
        test: str | None = None,
        damaged: Damaged = "raise",
        missing: Missing = "raise",
        task: LabelTask | None = None,
        file_column: str | None = None,
        label_column: LabelColumn | None = None,
    ) -> "ImageData":
        """Pictures in one folder, labelled by a table: names in its first column, labels in the other (lecture 0:34:15).

        The pictures are `path/folder/<name><suffix>`, or those that the column `file_column` names below `path/folder`, suffix
        and all. `csv` is looked for in `path` first. `valid_idx` are the rows of the table that validate (numbers, or a truth
        for each row), by default a random fifth (`validation_split`). `missing="skip"` leaves out rows whose picture is not
        there (`data.missing`); their classes stay. For `test` and `damaged` see `from_folders`.

        `label_column` names the column of the labels, or is a list of headings where each class has a column of zeros and ones.
        Without it the table has one column beside the names, or one whose heading ends in label, class, tags and the like, or
        nothing but zeros and ones; a line tells which was taken, and any other table is refused.

        Labels are divided by spaces. Where any picture has more than one, the task is multi-label and targets are zeros and
        ones (N, classes), else single-label and targets are class numbers (N,) (lecture 1:23:08). `task="multi-label"` makes it
        so with one label each, too: a network trained on pictures of one kind each can then say that a picture shows both, or
        none (1:54:40). With `task="single-label"` a label may hold spaces.
        """
        path = on_disk(as_path("path", path, "a folder"))
        options = tables.Options(folder, suffix, file_column, label_column, task, valid_idx, test, missing)
        found = tables.from_csv(path, csv, options)
        return cls._of(path, found, transforms, batch_size, damaged)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        transforms: Transforms,
        path: str | os.PathLike[str] = ".",
        folder: str = "",
        batch_size: int = 64,
        valid_idx: ValidIdx = None,
        suffix: str = "",
        test: str | None = None,
        damaged: Damaged = "raise",
        missing: Missing = "raise",
        task: LabelTask | None = None,
        file_column: str | None = None,
        label_column: LabelColumn | None = None,
    ) -> "ImageData":
        """Pictures that a pandas or Polars frame or an Arrow table names and labels; all else is as in `from_csv`.

        Names are those in its first column, or in `file_column`, below `path/folder` or absolute. A cell of labels may also be
        a list of tags.
        """
        path = on_disk(as_path("path", path, "a folder"))
        options = tables.Options(folder, suffix, file_column, label_column, task, valid_idx, test, missing)
        found = tables.from_frame(frame, path, options)
        return cls._of(path, found, transforms, batch_size, damaged)

    @classmethod
    def from_files(
        cls,
        files: Iterable[str | os.PathLike[str]],
        labels: Iterable[Any] | Mapping[Any, Any] | Callable[[Path], Any],
        transforms: Transforms,
        path: str | os.PathLike[str] | None = None,
        batch_size: int = 64,
        valid_idx: ValidIdx = None,
        test: str | None = None,
        damaged: Damaged = "raise",
        missing: Missing = "raise",
        task: LabelTask | None = None,
    ) -> "ImageData":
        """Pictures in a list of files, with a label for each, a dictionary of files, or a function of the file's path.

        A label is one text, spaces included; a list of tags for each makes the task multi-label. Files are below `path`, by
        default the folder that all of them are in, or absolute. For the rest see `from_csv`.
        """
        if not isinstance(files, str | bytes | os.PathLike | set | frozenset) and hasattr(files, "__iter__"):
            files = list(files)
        path = on_disk(tables.common_folder(files) if path is None else as_path("path", path, "a folder"))
        options = tables.Options(task=task, valid_idx=valid_idx, test=test, missing=missing)
        found = tables.from_files(files, labels, path, options)
        return cls._of(path, found, transforms, batch_size, damaged)

    @classmethod
    def from_arrays(
        cls,
        train: tuple[Any, Any],
        valid: tuple[Any, Any],
        transforms: Transforms,
        batch_size: int = 64,
        test: Any = None,
        classes: Iterable[Any] | None = None,
        task: LabelTask | None = None,
        damaged: Damaged = "raise",
        path: str | os.PathLike[str] | None = None,
    ) -> "ImageData":
        """Pictures in memory, as pairs (x, y) of pictures and labels; `test` is x alone.

        x is an array or a tensor (N, height, width, 3), (N, 3, height, width) or (N, height, width) of grey; or a list of such
        pictures, or of Pillow images, of any sizes. Values are bytes from 0 to 255, or floats from 0 to 1 or from 0 to 255, in
        all sets on one scale; give x / 16 where 16 is white. y are class numbers, names, lists of tags, or zeros and ones (N,
        classes); `classes` names them. Numbers are places in `classes`, from 0, unless all of them stand in it themselves: of
        `classes=[1, 0]` label 0 is the class 0, the second. Items are called `train/0`, `train/1` and so on.

        A Learner's files go to a folder of their own in the work folder: without a `path` to `arrays-` and six digits that
        stand for the pictures of train and valid with their labels, however these are split, so that data of other pictures
        neither overwrite nor find its weights. With a `path`, they go where those of data in that folder would.

        >>> from course_utils.vision import transforms_for
        >>> x, y = torch.randint(256, (20, 28, 28), dtype=torch.uint8), ["seven", "three"] * 10
        >>> data = ImageData.from_arrays((x, y), (x[:4], y[:4]), transforms_for(None, 28))
        >>> data.classes, data.train_ds[0][0].shape, data.file_names("valid")
        (['seven', 'three'], torch.Size([3, 28, 28]), ['valid/0', 'valid/1', 'valid/2', 'valid/3'])
        """
        place, found = arrays.from_arrays(train, valid, test, classes, task, path)
        return cls._of(place, found, transforms, batch_size, damaged)

    @classmethod
    def _of(cls, path: Path, found: Labelled, transforms: Transforms, batch_size: int, damaged: Damaged) -> "ImageData":
        data = cls(path, found.names, found.targets, found.classes, transforms, batch_size, damaged, found.pictures)
        data.missing, data.unlisted = found.missing, found.unlisted
        found.targets = {split: data._targets[split] for split in ("train", "valid")}  # without damaged ones
        found.say(stacklevel=3)
        return data

    def loader(self, split: Split, augment: bool = False, shuffle: bool = False) -> ImageLoader:
        """Mini-batches of one split; with `augment` each pass varies the pictures anew."""
        self.rows(split)  # raises where there is no such split
        return ImageLoader(self, split, augment, shuffle)

    def rows(self, split: Split) -> list[int]:
        """Where the pictures of one split are in `cache`."""
        if not isinstance(split, str) or split not in self._rows:
            hint = "; name its folder with test=" if split == "test" else ""
            raise CourseError(f"this data has no {split!r} set, only {', '.join(self._rows)}{hint}")
        return self._rows[split]

    def items(self, split: Split) -> list[str]:
        """File names relative to `path`, with forward slashes."""
        return [self._names[row] for row in self.rows(split)]

    file_names = items

    def paths(self, split: Split) -> list[Path]:
        """The files of one split; raises CourseError for pictures in memory, which have none."""
        return [self.store.file(name) for name in self.items(split)]

    def picture(self, item: str) -> Any:
        """What `read_image` and `Transforms.one` take for one item: the path of its file, or a picture in memory."""
        return self.store.picture(item)

    def fingerprint(self, item: str) -> str:
        """What is another when a picture was changed: its file's name, size and time of change, or a hash of its pixels.

        Raises ImageError where there is no such file.
        """
        return self.store.fingerprint(item)

    def targets(self, split: Split) -> Tensor | None:
        """Class numbers (N,), or zeros and ones (N, classes) when multi-label; None for the test set."""
        self.rows(split)
        return self._targets.get(split)

    def meaning(self) -> dict[str, Any]:
        """What pictures and outputs stand for: task, classes, and the mean and deviation that pictures are scaled by."""
        return {**super().meaning(), "mean": list(self.transforms.mean), "std": list(self.transforms.std)}

    def resize(self, size: int, folder: str | os.PathLike[str]) -> "ImageData":
        """Write copies with shorter side `size` below `folder/size` and give the same data on these (lecture 1:38:48).

        Large pictures then decode faster in every later session. `folder` is relative to the data's place in the work folder
        (see `course_utils.work`). Copies that are already there and as old as their originals are kept, also those below
        `path`, which somebody may have made for all; smaller pictures stay as they are. Give `transforms.square`, 1.3 times the
        network's size, or more: smaller copies are enlarged again and lack detail.
        """
        size, folder = side(size), as_path("folder", folder, "a folder")
        if isinstance(self.store, InMemory):
            raise CourseError(
                "these pictures came from arrays, which are resized in memory, so that copies would speed up nothing. For "
                "another size call ImageData.from_arrays with transforms_for(arch, size) again."
            )
        names = {split: [self._names[row] for row in rows] for split, rows in self._rows.items()}
        target = place_of_copies([name for split in names.values() for name in split], self.path, folder, size)
        copy = ImageData(target, names, self._targets, self.classes, self.transforms, self.batch_size)
        copy.damaged, copy.missing, copy.unlisted = list(self.damaged), list(self.missing), list(self.unlisted)
        copy.device = self.device
        return copy

    def show_batch(self, rows: int = 3, columns: int = 4, split: Split = "train") -> "Figure":
        """Show pictures of one split as the network sees them, under the names of their classes; draws no random number.

        Where there are fewer than `rows` x `columns`, there are fewer rows. Raises CourseError for more than a figure holds.
        """
        columns = whole("columns", columns)
        rows = min(whole("rows", rows), math.ceil(len(self.rows(split)) / columns))
        training, number = split == "train", rows * columns
        if number > LARGEST_BATCH:
            raise CourseError(
                f"rows x columns is {number:,} pictures; a figure holds up to {LARGEST_BATCH}: give fewer rows or columns"
            )
        with torch.random.fork_rng(devices=[]):
            loader = self.loader(split, augment=training, shuffle=training)
            batches = list(islice(loader, math.ceil(number / self.batch_size)))
        x = self.transforms.denormalise(torch.cat([x for x, _ in batches])).cpu()
        titles = [self._title(y) for _, batch in batches if batch is not None for y in batch] or [
            plain(name, width=TITLE_WIDTH) for name in self.items(split)
        ]
        lines = max(title.count("\n") + 1 for title in titles[:number])
        figure = new_figure(2.4 * columns, (2.4 + 0.2 * lines) * rows)
        axes = figure.subplots(rows, columns, squeeze=False)
        for axis in axes.flat:
            axis.axis("off")
            axis.set_anchor("S")  # the room that is left goes to the titles
        for axis, picture, title in zip(axes.flat, x, titles, strict=False):
            axis.imshow(picture.permute(1, 2, 0).numpy())
            axis.set_title(title, fontsize=9)
        return figure

    def export(self, learner: Any, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write a predictor for pictures; see `Learner.export`."""
        from course_utils.vision.predictor import export

        only_known("export", options, "threshold")
        return export(learner, path, **options)

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(rows):,} {split}" for split, rows in self._rows.items())
        size, classes = self.transforms.size, counted(len(self.classes), "class")
        return f"ImageData({str(self.path)!r}: {counts}; {classes}, {self.task}, {size} x {size} pixels)"

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
