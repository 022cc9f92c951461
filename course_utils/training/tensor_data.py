"""Data from tensors and arrays that are in memory."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from course_utils.errors import CourseError
from course_utils.files import as_path
from course_utils.masked import refuse_masked
from course_utils.names import counted
from course_utils.training.arguments import shown, whole
from course_utils.training.data import Data, Numbers
from course_utils.training.loaders import TensorLoader
from course_utils.training.targets import checked_targets, class_names
from course_utils.training.tasks import Split, Task


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
        pairs = {name: _pair(name, given) for name, given in {"train": train, "valid": valid}.items()}
        floating = pairs["train"][1].is_floating_point()
        self.task = task or ("regression" if floating else "single-label")
        self.classes = None if classes is None else class_names(classes, self.task)
        pairs = {name: (x, checked_targets(name, y, self.task, self.classes)) for name, (x, y) in pairs.items()}
        self._splits: dict[str, tuple[Tensor, Tensor | None]] = dict(pairs)
        if test is not None:
            self._splits["test"] = (_tensor("test", test), None)
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
        return f"TensorData({counts}; {classes}{self.task}, inputs {tuple(self._split('train')[0].shape[1:])})"

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

    def sample(self, split: Split, rows: slice) -> list[Tensor]:
        """Targets and inputs of some rows."""
        x, y = self._split(split)
        return [x[rows]] if y is None else [y[rows], x[rows]]

    def _split(self, split: str) -> tuple[Tensor, Tensor | None]:
        if not isinstance(split, str) or split not in self._splits:
            raise CourseError(f"this data has no {shown(split)} set; it has {', '.join(self._splits)}")
        return self._splits[split]


def _pair(name: str, given: Any) -> tuple[Tensor, Tensor]:
    """Inputs and targets of one split as tensors of equal length."""
    if not (isinstance(given, tuple | list) and len(given) == 2):
        raise CourseError(f"{name} is {shown(given)}; give a pair (x, y) of inputs and targets")
    x, y = (_tensor(f"{what} of {name}", part) for what, part in zip(("x", "y"), given, strict=True))
    if len(x) != len(y) or len(x) == 0:
        raise CourseError(f"{name} has {len(x)} inputs and {len(y)} targets; give as many of one as of the other, at least one")
    return x, y


def _tensor(name: str, given: Any) -> Tensor:
    """A tensor with examples along its first dimension; arrays are copied where PyTorch cannot share their memory."""
    if not isinstance(given, Tensor):
        refuse_masked(name, given)
        try:
            array = np.asarray(given)
        except ValueError as error:  # lists of several lengths
            raise CourseError(f"{name} is {shown(given)}, which makes no array; give rows of equal length") from error
        if array.dtype.kind == "f" and array.dtype.itemsize > 8:  # longer ones than PyTorch has
            array = array.astype(np.float64)
        if array.dtype.kind not in "biuf":
            hint = ""
            if array.dtype.kind in "US" or (array.dtype.kind == "O" and all(isinstance(v, str) for v in array.flat)):
                hint = "; names become class numbers by `classes, y = numpy.unique(names, return_inverse=True)`"
            raise CourseError(f"{name} holds {array.dtype}; give numbers, a tensor or an array of them{hint}")
        shareable = array.flags.writeable and array.dtype.isnative and all(step >= 0 for step in array.strides)
        given = torch.from_numpy(array if shareable else array.astype(array.dtype.newbyteorder("=")).copy())
    if given.ndim == 0 or given.is_complex() or given.is_quantized:
        raise CourseError(
            f"{name} is {shown(given)} of {given.dtype}; give real numbers, the examples along the first dimension"
        )
    if given.is_meta or given.is_nested or given.layout != torch.strided:
        kind = "on the device 'meta', without numbers" if given.is_meta else "nested" if given.is_nested else "sparse"
        raise CourseError(f"{name} is a tensor that is {kind}; give one that holds every number, as x.to_dense() does")
    tensor: Tensor = given
    return tensor
