"""What a Learner learns from: examples one at a time (`*_ds`), and in mini-batches (`*_dl`)."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.training.arguments import shown
from course_utils.training.devices import as_device
from course_utils.training.distributed import processes
from course_utils.training.loaders import Loader
from course_utils.training.meaning import compare_names, differences
from course_utils.training.tasks import Split, Task, activation

Numbers = Tensor | np.ndarray


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
        from course_utils.training.tensor_data import TensorData

        return TensorData(train, valid, test, batch_size, task, classes, path)


def checked_data(data: Any) -> Data:
    """The data that was given; raises a CourseError for anything else, such as a DataLoader."""
    if not isinstance(data, Data):
        raise CourseError(f"data is {shown(data)}; give a Data, such as Data.from_tensors(train=(x, y), valid=(x, y))")
    return data


def refuse_other_meaning(new: Data, old: Data) -> None:
    """Raise a CourseError if what goes into a model of the old data, or comes out, would mean something else for the new."""
    if new.task != old.task:
        raise CourseError(
            f"the new data is {new.task}, but this learner's loss and metrics are for {old.task}; make a new learner, or the "
            "data with the same task"
        )
    if new.classes == old.classes:
        if other := differences(old.meaning(), new.meaning()):
            raise CourseError(
                f"the new data is not what this learner's model has learnt from: {'; '.join(other)} (there is the "
                "learner's data, here the new). Make the data as the learner's was made, or a new learner."
            )
        return
    if new.classes is None or old.classes is None:
        found = f"{'none' if new.classes is None else len(new.classes)} instead of {len(old.classes or []) or 'none'}"
    else:
        (found,) = compare_names("they", new.classes, old.classes, ("in the new data", "in the model"))
    raise CourseError(
        f"the new data has other classes than this learner's model: {found}. Make the data with the same labels, or "
        "a new learner."
    )
