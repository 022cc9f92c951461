"""One run of a model, written down: its layers in the order they ran, with their weights and values."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]
Parts = tuple[str, dict[str, Any], dict[str, Tensor | None]]  # what a layer says of itself: kind, settings, weights by role


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


@dataclass
class Trace:
    """All steps of one run, the first being the input; and what a state dict holds beside the weights (counters)."""

    steps: list[Step]
    input_shape: tuple[int, ...]
    input_dtype: str
    counters: dict[str, int]

    def readers(self, number: int) -> list[Step]:
        """The steps that read the output of step `number`."""
        return [step for step in self.steps if number in step.sources]
