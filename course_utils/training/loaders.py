"""Mini-batches: what gives them, and those of tensors that are in memory already."""

from collections.abc import Iterable, Iterator, Sized
from itertools import islice
from typing import Any, Protocol

import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.names import counted


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


class Checked:
    """The mini-batches of anybody's loader, each looked at: tensors, and as many of them as its `len()` says.

    Raises a CourseError where that is not so: with fewer examples than there are a loss or a metric would be that of the first
    alone, and the rates of a fit would go by the wrong number of steps.

    >>> len(list(Checked(TensorLoader(torch.zeros(5), None, batch_size=2))))
    3
    >>> list(Checked([([0.0, 1.0], None)]))
    Traceback (most recent call last):
    ...
    course_utils.errors.CourseError: a mini-batch of the loader is (list, NoneType); it is (x, y), x a tensor or several, y ...
    """

    def __init__(self, batches: Iterable[tuple[Any, Any]]) -> None:
        self.iterable = batches

    def __len__(self) -> int:
        length: int = len(self.iterable)  # type: ignore[arg-type]
        return length

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        given, sized = 0, self.iterable if isinstance(self.iterable, Sized) else getattr(self.iterable, "iterable", None)
        expected = len(sized) if isinstance(sized, Sized) else None  # of a progress bar's what it counts
        for given, batch in enumerate(self.iterable, start=1):
            if given - 1 == expected:
                break
            _check_batch(batch)
            yield batch
        if expected is not None and given != expected:
            raise CourseError(
                f"the len() of the loader says {counted(expected, 'mini-batch')}, but it gave "
                f"{'more' if given > expected else given}; let __len__ say how many there are"
            )


def _check_batch(batch: Any) -> None:
    pair = batch if isinstance(batch, tuple | list) and len(batch) == 2 else (None, batch)
    x, y = pair
    parts = x if isinstance(x, tuple | list) else (x,)
    if not parts or not all(isinstance(part, Tensor) for part in parts) or not (y is None or isinstance(y, Tensor)):
        shown = f"({type(x).__name__}, {type(y).__name__})" if pair is batch else f"one {type(batch).__name__}"
        raise CourseError(
            f"a mini-batch of the loader is {shown}; it is (x, y), x a tensor or several, y a tensor, or None in a test set: "
            "torch.as_tensor makes one of an array or a list of numbers"
        )
    if y is not None and any(part.shape[:1] != y.shape[:1] for part in parts):
        shapes = ", ".join(str(tuple(part.shape)) for part in parts)
        raise CourseError(
            f"a mini-batch of the loader has inputs {shapes} and targets {tuple(y.shape)}; give as many of one as of the other"
        )
