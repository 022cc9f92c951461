"""Labelled pictures: from folders named after the classes, a table of names and labels, a list of files, or arrays."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from course_utils.files import as_path
from course_utils.training.tasks import LabelTask
from course_utils.vision.disk import on_disk
from course_utils.vision.labels import LabelColumn
from course_utils.vision.picture_set import Damaged, PictureSet
from course_utils.vision.sources import arrays, folders, frames, lists, tables
from course_utils.vision.sources.labelled import Labelled
from course_utils.vision.sources.options import Missing, Options
from course_utils.vision.sources.valid_rows import ValidIdx
from course_utils.vision.transforms import Transforms


class ImageData(PictureSet):
    """Pictures for training, validation and perhaps testing.

    `from_folders`, `from_csv`, `from_frame`, `from_files` and `from_arrays` make one.

    `classes` are sorted. Each picture is decoded once, when first needed, and kept at 1.3 times the network's size (see
    `PixelCache`). `damaged` and `missing` list the pictures that were left out on request, `unlisted` files that are not
    used: pictures that the table does not name, and in folders what is not a picture.
    """

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
        pictures without labels. Files are taken in plain order of their names (cat.10.jpg before cat.2.jpg). Those that are not
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
        and all. `csv` is looked for in `path` first. `valid_idx` are the rows of the table that validate (numbers, or True or
        False for each row), by default a random fifth (`validation_split`). `missing="skip"` leaves out rows whose picture is
        not there (`data.missing`); their classes stay. For `test` and `damaged` see `from_folders`.

        `label_column` names the column of the labels, or is a list of headings where each class has a column of zeros and ones.
        Without it the table has one column beside the names, or one whose heading ends in label, class, tags and the like, or
        nothing but zeros and ones; a line tells which was taken, and any other table is refused.

        Labels are separated by spaces. Where any picture has more than one, the task is multi-label and targets are zeros and
        ones (N, classes), else single-label and targets are class numbers (N,) (lecture 1:23:08). `task="multi-label"` makes it
        so with one label each, too: a network trained on pictures of one kind each can then say that a picture shows both, or
        none (1:54:40). With `task="single-label"` a label may hold spaces.
        """
        path = on_disk(as_path("path", path, "a folder"))
        options = Options(folder, suffix, file_column, label_column, task, valid_idx, test, missing)
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
        options = Options(folder, suffix, file_column, label_column, task, valid_idx, test, missing)
        found = frames.from_frame(frame, path, options)
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
        path = on_disk(lists.common_folder(files) if path is None else as_path("path", path, "a folder"))
        options = Options(task=task, valid_idx=valid_idx, test=test, missing=missing)
        found = lists.from_files(files, labels, path, options)
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
        classes); `classes` names them. Numbers are places in `classes`, from 0, unless all of them are in it themselves: of
        `classes=[1, 0]` label 0 is the class 0, the second. Items are called `train/0`, `train/1` and so on.

        A Learner's files go to a folder of their own in the work folder: without a `path` to `arrays-` and six digits that
        stand for the pictures of train and valid with their labels, however these are split, so that data of other pictures
        neither overwrite nor find its weights. With a `path`, they go where those of data in that folder would.

        >>> import torch
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
