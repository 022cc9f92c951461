"""What a Learner learns from: examples one at a time (`*_ds`), and in mini-batches (`*_dl`).

`Data` says what there must be; `TensorData`, the simplest, is made of tensors that are in memory.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, get_args

import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from course_utils.errors import CourseError
from course_utils.files import as_path
from course_utils.names import counted
from course_utils.training.arguments import shown, whole
from course_utils.training.devices import as_device
from course_utils.training.distributed import processes
from course_utils.training.loaders import Loader, TensorLoader
from course_utils.training.targets import checked_targets, class_names
from course_utils.training.tasks import Split, Task, activation, of_split
from course_utils.training.tensors import Numbers, as_tensor, pair_of_tensors


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
        """Make mini-batches on `device` from now on; raises CourseError for one that is not there."""
        self.device = as_device(device)
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

    def sample(self, split: Split, rows: slice) -> Sequence[Tensor]:
        """Some examples of a split, as far as they are in memory: targets, and inputs; a checkpoint knows the data by them."""
        return ()

    def meaning(self) -> dict[str, Any]:
        """What the numbers that go into a model and come out of it stand for, as text, numbers, lists and dictionaries (JSON).

        It is saved with weights, and compared when they are loaded: where it differs, the same weights say something else. A
        subclass adds what its inputs were prepared with, in the order in which a model takes them.

        >>> x, y = torch.zeros(2, 1), torch.tensor([0, 1])
        >>> Data.from_tensors((x, y), (x, y), classes=["cat", "dog"]).meaning()
        {'task': 'single-label', 'classes': ['cat', 'dog']}
        """
        return {"task": self.task, "classes": None if self.classes is None else [str(name) for name in self.classes]}

    def activation(self, outputs: Tensor) -> Tensor:
        """What a model's raw outputs (N, ...) say: probabilities by softmax or sigmoid; for a regression, themselves."""
        return activation(self.task, self.checked_outputs(outputs))

    def checked_outputs(self, outputs: Tensor) -> Tensor:
        """The raw outputs of a model; raises a CourseError where they are not one for each class."""
        if self.task == "regression":
            return outputs
        classes = len(self.classes) if self.classes is not None else None
        if outputs.ndim < 2 or (classes is not None and outputs.shape[1] != classes):
            raise CourseError(
                f"the model gives outputs of shape {tuple(outputs.shape)}, and the data has "
                f"{'several' if classes is None else classes} classes: each example needs an output for each class, "
                f"(N, {'classes' if classes is None else classes}). Change the last layer of the model, or the "
                "classes of the data."
            )
        return outputs

    def export(self, learner: Any, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write a predictor for inputs of this kind; see `Learner.export`. Pictures and tables have one."""
        raise CourseError(
            f"there is no predictor for {type(self).__name__}: one takes pictures or rows of a table, and this data holds "
            "neither. Keep the weights with learner.save(name)."
        )

    @staticmethod
    def from_tensors(
        train: tuple[Numbers, Numbers],
        valid: tuple[Numbers, Numbers],
        test: Numbers | None = None,
        batch_size: int = 64,
        task: Task | None = None,
        classes: Sequence[str] | None = None,
        path: str | Path = ".",
    ) -> "Data":
        """Data from tensors or NumPy arrays `(x, y)`, the examples along their first dimension.

        Without `task`, whole-number targets (N,) are classes, counted from 0, and floating-point targets are a regression;
        several labels at once (N, classes) need `task="multi-label"`, since nothing in the numbers tells them from a
        regression. Targets become what the task needs: class numbers 64-bit integers, zeros and ones 32-bit floats. Inputs keep
        their type; a Learner computes floating-point inputs in the precision of its model.

        Raises a CourseError for targets that do not fit the inputs or the task, or are missing (NaN).

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
        train: tuple[Numbers, Numbers],
        valid: tuple[Numbers, Numbers],
        test: Numbers | None = None,
        batch_size: int = 64,
        task: Task | None = None,
        classes: Sequence[str] | None = None,
        path: str | Path = ".",
    ) -> None:
        super().__init__()
        if task is not None and task not in get_args(Task):
            raise CourseError(f"task is {shown(task)}; it is one of {', '.join(map(repr, get_args(Task)))}, or None")
        self.batch_size = whole("batch_size", batch_size, of=", the examples in a mini-batch")
        self.path = as_path("path", path, "a folder")
        pairs = {name: pair_of_tensors(name, given) for name, given in {"train": train, "valid": valid}.items()}
        floating = pairs["train"][1].is_floating_point()
        self.task = task or ("regression" if floating else "single-label")
        self.classes = None if classes is None else class_names(classes, self.task)
        pairs = {name: (x, checked_targets(name, y, self.task, self.classes)) for name, (x, y) in pairs.items()}
        self._splits: dict[str, tuple[Tensor, Tensor | None]] = dict(pairs)
        if test is not None:
            self._splits["test"] = (as_tensor("test", test), None)
        for name, (x, _) in self._splits.items():
            if x.shape[1:] != pairs["train"][0].shape[1:]:
                expected = tuple(pairs["train"][0].shape[1:])
                raise CourseError(
                    f"an input of {name} has the shape {tuple(x.shape[1:])}, and one of train {expected}; give equal"
                )
        self.train_ds, self.valid_ds = TensorDataset(*pairs["train"]), TensorDataset(*pairs["valid"])
        self.test_ds = None if test is None else TensorDataset(self._splits["test"][0])

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(x):,} {split}" for split, (x, _) in self._splits.items())
        classes = "" if self.classes is None else f"{counted(len(self.classes), 'class')}, "
        return f"TensorData({counts}; {classes}{self.task}, inputs {tuple(self._splits['train'][0].shape[1:])})"

    def loader(self, split: Split, augment: bool = False, shuffle: bool = False) -> TensorLoader:
        """Mini-batches of one split; tensors know no augmentation."""
        x, y = of_split(self._splits, split)
        return TensorLoader(x, y, self.batch_size, shuffle)

    def items(self, split: Split) -> list[str]:
        """The row numbers."""
        return [str(row) for row in range(len(of_split(self._splits, split)[0]))]

    def targets(self, split: Split) -> Tensor | None:
        """All targets of one split, None for the test set."""
        return of_split(self._splits, split)[1]

    def sample(self, split: Split, rows: slice) -> list[Tensor]:
        """Targets and inputs of some rows."""
        x, y = of_split(self._splits, split)
        return [x[rows]] if y is None else [y[rows], x[rows]]


def checked_data(data: Any) -> Data:
    """The data that was given; raises a CourseError for anything else, such as a DataLoader."""
    if not isinstance(data, Data):
        raise CourseError(f"data is {shown(data)}; give a Data, such as Data.from_tensors(train=(x, y), valid=(x, y))")
    return data
