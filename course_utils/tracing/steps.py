"""One run of a model, written down: its layers in the order they ran, with their weights and values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]
# What a layer says of itself: its kind, its settings, and its weights by role.
Parts = tuple[str, dict[str, Any], Mapping[str, "Tensor | Rows | None"]]


def batch_axis(shape: Sequence[int]) -> int | None:
    """Which axis of a tensor is that of its batch of 1: the first, or the second of three where the first is longer.

    >>> batch_axis((1, 4)), batch_axis((5, 1, 4)), batch_axis((5, 4)), batch_axis((1,))
    (0, 1, None, None)
    """
    if len(shape) > 1 and shape[0] == 1:
        return 0
    return 1 if len(shape) == 3 and shape[1] == 1 else None


@dataclass(frozen=True)
class Rows:
    """Some rows of a weight that holds those of several layers, as attention keeps queries, keys and values in one."""

    weight: Tensor
    first: int
    count: int


@dataclass(frozen=True)
class Weight:
    """A parameter or buffer: its values, its dtype in the model, and its state dict keys (several where it is shared)."""

    keys: tuple[str, ...]
    dtype: str
    value: Array


@dataclass
class Step:
    """One layer as it ran: `sources` are the numbers of the steps it read, `value` is its output without the batch axis."""

    kind: str
    path: str
    sources: tuple[int, ...]
    value: Array
    settings: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, Weight] = field(default_factory=dict)


@dataclass(frozen=True)
class Given:
    """One input as it was given: the name of the argument of forward that it is for, its shape and its dtype."""

    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass
class Trace:
    """All steps of one run, the inputs first; and what a state dict holds beside the weights (counters).

    `form` says how the inputs were given: "one" by itself, or several in a "tuple" or a "dict".
    """

    steps: list[Step]
    inputs: tuple[Given, ...]
    form: str
    counters: dict[str, int]

    def readers(self, number: int) -> list[Step]:
        """The steps that read the output of step `number`."""
        return [step for step in self.steps if number in step.sources]
