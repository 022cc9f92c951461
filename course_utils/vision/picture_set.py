"""Pictures and what they show, in splits: what a learner learns from, wherever they came from."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from torch import Tensor

from course_utils.errors import CourseError
from course_utils.files import as_path
from course_utils.names import counted
from course_utils.training.arguments import only_known, shown, whole
from course_utils.training.data import Data
from course_utils.training.progress import Bar
from course_utils.training.tasks import Split, Task, of_split
from course_utils.vision.decoding.errors import ImageError
from course_utils.vision.figures.batch import show_batch
from course_utils.vision.loading import ImageDataset, ImageLoader
from course_utils.vision.predictor import export
from course_utils.vision.resizing import place_of_copies
from course_utils.vision.stores import Files, InMemory, Picture, Store
from course_utils.vision.transforms import Transforms, side

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Damaged = Literal["raise", "skip"]


class PictureSet(Data):
    """Pictures for training, validation and perhaps testing; `ImageData` says how one is made, and what its attributes are."""

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

    def loader(self, split: Split, augment: bool = False, shuffle: bool = False) -> ImageLoader:
        """Mini-batches of one split; with `augment` each pass varies the pictures afresh."""
        self.rows(split)  # raises where there is no such split
        return ImageLoader(self, split, augment, shuffle)

    def rows(self, split: Split) -> list[int]:
        """Where the pictures of one split are in `cache`."""
        return of_split(self._rows, split, hint="; name its folder with test=" if split == "test" else "")

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
        """What changes when a picture is changed: its file's name, size and time of change, or a hash of its pixels.

        Raises ImageError where there is no such file.
        """
        return self.store.fingerprint(item)

    def targets(self, split: Split) -> Tensor | None:
        """Class numbers (N,), or zeros and ones (N, classes) when multi-label; None for the test set."""
        self.rows(split)
        return self._targets.get(split)

    def sample(self, split: Split, rows: slice) -> list[Tensor]:
        """The targets of some pictures; the pictures themselves are told by their names."""
        targets = self.targets(split)
        return [] if targets is None else [targets[rows]]

    def meaning(self) -> dict[str, Any]:
        """What pictures and outputs stand for: task, classes, and the mean and deviation that pictures are scaled by."""
        return {**super().meaning(), "mean": list(self.transforms.mean), "std": list(self.transforms.std)}

    def resize(self, size: int, folder: str | os.PathLike[str]) -> Self:
        """Write copies with shorter side `size` below `folder/size` and give the same data on these (lecture 1:38:48).

        Large pictures then decode faster in every later session. `folder` is a name in the data's place in the work folder (see
        `course_utils.work`), or the full path of a folder elsewhere. Copies that are already there and as old as their
        originals are kept, also those below `path`, which somebody may have made for all; smaller pictures stay as they are.
        Give `transforms.square`, 1.3 times the network's size, or more: smaller copies are enlarged again and lack detail.
        """
        size, folder = side(size), as_path("folder", folder, "a folder")
        if isinstance(self.store, InMemory):
            raise CourseError(
                "these pictures came from arrays, which are resized in memory, so copies would not speed anything up. For "
                "another size call ImageData.from_arrays with transforms_for(arch, size) again."
            )
        names = {split: [self._names[row] for row in rows] for split, rows in self._rows.items()}
        target = place_of_copies([name for split in names.values() for name in split], self.path, folder, size)
        copy = type(self)(target, names, self._targets, self.classes, self.transforms, self.batch_size)
        copy.damaged, copy.missing, copy.unlisted = list(self.damaged), list(self.missing), list(self.unlisted)
        copy.device = self.device
        return copy

    def show_batch(self, rows: int = 3, columns: int = 4, split: Split = "train") -> "Figure":
        """Show pictures of one split as the network sees them, under the names of their classes; draws no random number.

        Where there are fewer than `rows` x `columns`, there are fewer rows. Raises CourseError for more than a figure holds.
        """
        return show_batch(self, rows, columns, split)

    def export(self, learner: Any, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write a predictor for pictures; see `Learner.export`."""
        only_known("export", options, "threshold")
        return export(learner, path, **options)

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(rows):,} {split}" for split, rows in self._rows.items())
        size, classes = self.transforms.size, counted(len(self.classes), "class")
        return f"ImageData({str(self.path)!r}: {counts}; {classes}, {self.task}, {size} x {size} pixels)"

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
