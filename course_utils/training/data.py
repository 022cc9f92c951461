"""What a Learner learns from: examples one at a time (`*_ds`), and in mini-batches (`*_dl`)."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, get_args

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from course_utils.errors import CourseError
from course_utils.files import as_path
from course_utils.names import counted
from course_utils.training.arguments import one_of, shown, whole
from course_utils.training.distributed import processes
from course_utils.training.meaning import compare_names

Split = Literal["train", "valid", "test"]
Task = Literal["single-label", "multi-label", "regression"]
LabelTask = Literal["single-label", "multi-label"]  # of what has classes


Numbers = Tensor | np.ndarray


def checked_split(split: str) -> str:
    """One of the names of splits; raises a CourseError that says which there are."""
    return one_of("split", split, get_args(Split))


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


class WithoutSingle:
    """Mini-batches for a model with batch norm: a last one of a single example, from which it cannot learn, is left out.

    >>> [len(x) for x, _ in WithoutSingle(TensorLoader(torch.zeros(5), None, batch_size=2), examples=5, batch_size=2)]
    [2, 2]
    """

    def __init__(self, batches: Loader, examples: int, batch_size: int) -> None:
        self.iterable = batches  # so that processes that share them find the loader
        if batch_size == 1 or examples == 1:
            what = f"batch_size is {batch_size}" if batch_size == 1 else "the training set has one example"
            raise CourseError(
                f"{what}, but this model has batch norm, which learns from the differences within a mini-batch: it takes two "
                "examples or more. Make the data with batch_size=2 or more, or keep the batch norms still: bn_freeze(True)."
            )
        self._number = min(len(batches), examples // batch_size) if examples % batch_size == 1 else len(batches)

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return islice(self.iterable, self._number)


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
    ) -> "TensorData":
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


def checked_data(data: Any) -> Data:
    """The data that was given; raises a CourseError for anything else, such as a DataLoader."""
    if not isinstance(data, Data):
        raise CourseError(f"data is {shown(data)}; give a Data, such as Data.from_tensors(train=(x, y), valid=(x, y))")
    return data


def refuse_other_outputs(new: Data, old: Data) -> None:
    """Raise a CourseError if the outputs of a model for the old data would mean something else for the new."""
    if new.task != old.task:
        raise CourseError(
            f"the new data is {new.task}, but this learner's loss and metrics are for {old.task}; make a new learner, or the "
            "data with the same task"
        )
    if new.classes == old.classes:
        return
    if new.classes is None or old.classes is None:
        found = f"{'none' if new.classes is None else len(new.classes)} instead of {len(old.classes or []) or 'none'}"
    else:
        (found,) = compare_names("they", new.classes, old.classes, ("in the new data", "in the model"))
    raise CourseError(
        f"the new data has other classes than this learner's model: {found}. Make the data with the same labels, or "
        "a new learner."
    )


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
        self.batch_size, self.path = (
            whole("batch_size", batch_size, of=", the examples in a mini-batch"),
            as_path("path", path, "a folder"),
        )
        pairs = {name: _pair(name, given) for name, given in {"train": train, "valid": valid}.items()}
        floating = pairs["train"][1].is_floating_point()
        self.task = task or ("regression" if floating else "single-label")
        self.classes = None if classes is None else _class_names(classes, self.task)
        pairs = {name: (x, _targets(name, y, self.task, self.classes)) for name, (x, y) in pairs.items()}
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
        array = np.asarray(given)
        if array.dtype.kind not in "biuf":
            hint = ""
            if array.dtype.kind in "US" or (array.dtype.kind == "O" and all(isinstance(v, str) for v in array.flat)):
                hint = "; names become class numbers by `classes, y = numpy.unique(names, return_inverse=True)`"
            raise CourseError(f"{name} holds {array.dtype}; give numbers, a tensor or an array of them{hint}")
        shareable = array.flags.writeable and array.dtype.isnative and all(step >= 0 for step in array.strides)
        given = torch.from_numpy(array if shareable else array.astype(array.dtype.newbyteorder("=")).copy())
    if given.ndim == 0 or given.is_complex():
        raise CourseError(
            f"{name} is {shown(given)} of {given.dtype}; give real numbers, the examples along the first dimension"
        )
    tensor: Tensor = given
    return tensor


def _targets(name: str, y: Tensor, task: Task, classes: Sequence[str] | None) -> Tensor:
    """Targets of the type that the task needs, after a look at whether they can be right."""
    if y.is_floating_point() and not (finite := y.isfinite()).all():
        rows = (~finite).flatten(1).any(1) if y.ndim > 1 else ~finite
        raise CourseError(
            f"targets of {name} are missing or infinite in {int(rows.sum()):,} of {len(y):,} rows, first row "
            f"{int(rows.nonzero()[0])}; leave these rows out"
        )
    if task == "regression":
        return y if y.is_floating_point() else y.float()
    if task == "multi-label":
        return _zeros_and_ones(name, y, classes)
    if y.is_floating_point():
        if y.ndim > 1:  # a probability for each class
            if classes is not None and y.shape[1] != len(classes):
                raise CourseError(
                    f"targets of {name} have the shape {tuple(y.shape)}, a probability for each of {y.shape[1]} classes, and "
                    f"classes names {len(classes)}; give a name for each column"
                )
            return y
        if (y != y.round()).any():
            wrong = y[y != y.round()][0].item()
            raise CourseError(
                f"targets of {name} hold {wrong:g}, which is not a class; with one label each they are whole numbers"
            )
    if classes is not None and y.numel() and (high := int(y.max())) >= len(classes):
        raise CourseError(
            f"targets of {name} go up to {high}, and classes names {len(classes)}, whose numbers are 0 to {len(classes) - 1}; "
            f"give a name for each class, {high + 1} or more"
        )
    return y.long()  # whether the numbers are right, the number of the model's outputs tells


def _class_names(classes: Any, task: Task) -> list[str]:
    """The names of classes, in order; raises a CourseError for what are not names, or not one for each class."""
    if task == "regression":
        raise CourseError(f"classes is {shown(classes)}, but a regression has no classes; leave it out, or give another task")
    if isinstance(classes, str | bytes) or not isinstance(classes, Iterable):
        more = f"; for a class of each letter, list({shown(classes)})" if isinstance(classes, str) else ""
        raise CourseError(f"classes is {shown(classes)}; give a list of names, such as ['cat', 'dog']{more}")
    names = list(classes)
    if others := [name for name in names if not isinstance(name, str)]:
        raise CourseError(
            f"classes holds {shown(others[0])}, a {type(others[0]).__name__}; names are text: classes=[str(c) for c in classes]"
        )
    if repeated := [name for name, times in Counter(names).items() if times > 1]:
        raise CourseError(f"classes names {repeated[0]!r} twice; each class has a name of its own, in the order of its number")
    if not names:
        raise CourseError("classes is empty; give the name of each class, or leave it out")
    return [str(name) for name in names]


def _zeros_and_ones(name: str, y: Tensor, classes: Sequence[str] | None) -> Tensor:
    columns = f"one for each of the {len(classes)} classes" if classes is not None else "one for each class"
    if y.ndim < 2 or (classes is not None and y.shape[1] != len(classes)):
        raise CourseError(
            f"targets of {name} have the shape {tuple(y.shape)}; with several labels each they are rows of zeros and ones, "
            f"{columns}"
        )
    y = y.float() if not y.is_floating_point() else y
    if y.min() < 0 or y.max() > 1:
        raise CourseError(
            f"targets of {name} go from {y.min():g} to {y.max():g}; with several labels each they are zeros and ones, {columns}"
        )
    return y
