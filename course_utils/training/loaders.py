"""Mini-batches: what gives them, and those of tensors that are in memory already."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Protocol

import torch
from torch import Tensor

from course_utils.errors import CourseError


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
