"""What a Learner learns from: examples one at a time (`*_ds`), and in mini-batches (`*_dl`)."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from course_utils.errors import CourseError
from course_utils.training.distributed import processes

Split = Literal["train", "valid", "test"]
Task = Literal["single-label", "multi-label", "regression"]


class Loader(Protocol):
    """Mini-batches `(x, y)`, with `len()` telling how many; `y` is None for a test set."""

    def __iter__(self) -> Iterator[tuple[Any, Any]]: ...

    def __len__(self) -> int: ...


class TensorLoader:
    """Mini-batches of tensors that are already in memory; the last one may be smaller.

    With `shuffle` every pass takes a new random order from PyTorch's global generator, so that `set_seed` repeats it.

    >>> loader = TensorLoader(torch.arange(5), torch.arange(5) * 10, batch_size=2)
    >>> [(x.tolist(), y.tolist()) for x, y in loader]
    [([0, 1], [0, 10]), ([2, 3], [20, 30]), ([4], [40])]
    """

    def __init__(self, x: Tensor, y: Tensor | None, batch_size: int, shuffle: bool = False, drop_last: bool = False) -> None:
        self.x, self.y, self.batch_size, self.shuffle, self.drop_last = x, y, batch_size, shuffle, drop_last

    def __len__(self) -> int:
        return number_of_batches(len(self.x), self.batch_size, self.drop_last)

    def __iter__(self) -> Iterator[tuple[Tensor, Any]]:
        if self.shuffle:
            order = torch.randperm(len(self.x)).to(self.x.device)
            batches: Iterable[Any] = order.split(self.batch_size)
        else:
            batches = (slice(start, start + self.batch_size) for start in range(0, len(self.x), self.batch_size))
        for _, rows in zip(range(len(self)), batches, strict=False):
            yield self.x[rows], None if self.y is None else self.y[rows]


def number_of_batches(examples: int, batch_size: int, drop_last: bool = False) -> int:
    """How many mini-batches a pass over `examples` has, the smaller last one counted unless `drop_last`."""
    return examples // batch_size if drop_last else -(-examples // batch_size)


def activation(task: Task, outputs: Tensor) -> Tensor:
    """What raw outputs (N, ...) say: probabilities by softmax or sigmoid; for a regression, themselves."""
    if task == "single-label":
        return outputs.softmax(dim=1)
    return outputs.sigmoid() if task == "multi-label" else outputs


class Data:
    """A training set, a validation set and perhaps a test set.

    `task` says what the targets are: one class each (`single-label`: whole numbers, softmax and cross-entropy), any number
    of classes each (`multi-label`: zeros and ones, sigmoid and binary cross-entropy) or numbers (`regression`: mean squared
    error).

    Images and tables have subclasses of their own. A subclass sets `task`, `batch_size`, `classes`, `path` and the three
    datasets, and implements `loader`, `items` and `targets`.
    """

    augments: ClassVar[bool] = False  # whether loader(..., augment=True) differs from loader(...)

    task: Task
    batch_size: int
    classes: list[str] | None = None
    path: Path = Path()  # the folder of the data, after which a Learner names the place of its weights
    train_ds: Any
    valid_ds: Any
    test_ds: Any = None

    def __init__(self) -> None:
        self.device = processes().device

    def to(self, device: torch.device | str) -> "Data":
        """Make mini-batches on `device` from now on."""
        self.device = torch.device(device)
        return self

    @property
    def train_dl(self) -> Loader:
        """Shuffled, augmented mini-batches of the training set."""
        return self.loader("train", augment=True, shuffle=True)

    @property
    def valid_dl(self) -> Loader:
        """Mini-batches of the validation set, in order."""
        return self.loader("valid")

    @property
    def test_dl(self) -> Loader:
        """Mini-batches of the test set, in order; their targets are None."""
        return self.loader("test")

    def loader(self, split: Split, augment: bool = False, shuffle: bool = False) -> Loader:
        """Mini-batches of one split; without `shuffle` in the order of `items(split)`."""
        raise NotImplementedError

    def items(self, split: Split) -> Sequence[str]:
        """What each example is called: file names, row labels."""
        raise NotImplementedError

    def targets(self, split: Split) -> Tensor | None:
        """All targets of one split in the order of `items`; None for a test set."""
        raise NotImplementedError

    def activation(self, outputs: Tensor) -> Tensor:
        """What a model's raw outputs (N, ...) say: probabilities by softmax or sigmoid; for a regression, themselves."""
        return activation(self.task, outputs)

    def export(self, learner: Any, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write a predictor for inputs of this kind; see `Learner.export`. Pictures and tables have one."""
        raise CourseError(
            f"there is no predictor for {type(self).__name__}: one takes pictures or rows of a table, and this data holds "
            "neither. Keep the weights with learner.save(name)."
        )

    @staticmethod
    def from_tensors(
        train: tuple[Tensor, Tensor],
        valid: tuple[Tensor, Tensor],
        test: Tensor | None = None,
        batch_size: int = 64,
        task: Task | None = None,
        classes: Sequence[str] | None = None,
        path: str | Path = ".",
    ) -> "TensorData":
        """Data from tensors `(x, y)`, the examples along their first dimension.

        Without `task`, whole-number targets (N,) are classes and floating-point targets are a regression; several labels at
        once (N, classes) need `task="multi-label"`, since nothing in the numbers tells them from a regression.

        >>> x, y = torch.randn(100, 4), torch.randint(3, (100,))
        >>> data = Data.from_tensors(train=(x, y), valid=(x[:20], y[:20]), batch_size=32)
        >>> data.task, len(data.train_dl), data.valid_ds[0][0].shape
        ('single-label', 4, torch.Size([4]))
        """
        return TensorData(train, valid, test, batch_size, task, classes, path)


class TensorData(Data):
    """See `Data.from_tensors`."""

    def __init__(
        self,
        train: tuple[Tensor, Tensor],
        valid: tuple[Tensor, Tensor],
        test: Tensor | None = None,
        batch_size: int = 64,
        task: Task | None = None,
        classes: Sequence[str] | None = None,
        path: str | Path = ".",
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise CourseError(f"batch_size is {batch_size}; a mini-batch holds one example or more")
        for name, (x, y) in {"train": train, "valid": valid}.items():
            if len(x) != len(y) or len(x) == 0:
                raise CourseError(
                    f"{name} has {len(x)} inputs and {len(y)} targets; give as many of one as of the other, at least one"
                )
        self._splits: dict[str, tuple[Tensor, Tensor | None]] = {"train": train, "valid": valid}
        if test is not None:
            self._splits["test"] = (test, None)
        self.batch_size, self.path = batch_size, Path(path)
        self.task = task or ("regression" if train[1].is_floating_point() else "single-label")
        self.classes = None if classes is None else list(classes)
        self.train_ds, self.valid_ds = TensorDataset(*train), TensorDataset(*valid)
        self.test_ds = None if test is None else TensorDataset(test)

    def loader(self, split: Split, augment: bool = False, shuffle: bool = False) -> TensorLoader:
        """Mini-batches of one split; tensors know no augmentation."""
        x, y = self._split(split)
        return TensorLoader(x, y, self.batch_size, shuffle)

    def items(self, split: Split) -> list[str]:
        """The row numbers."""
        return [str(row) for row in range(len(self._split(split)[0]))]

    def targets(self, split: Split) -> Tensor | None:
        """All targets of one split, None for the test set."""
        return self._split(split)[1]

    def _split(self, split: str) -> tuple[Tensor, Tensor | None]:
        if split not in self._splits:
            raise CourseError(f"this data has no {split!r} set; it has {', '.join(self._splits)}")
        return self._splits[split]
