"""Matrix products: which numbers of the two tensors are multiplied and added up for each number that is made."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_utils.tracing.steps import Parts


def places(x: Tensor) -> Tensor:
    """Of each number its place in the flattened tensor, in the shape of `x`."""
    return torch.arange(x.numel()).reshape(x.shape)


def factors(left: Tensor, right: Tensor) -> dict[str, NDArray[np.intp]]:
    """Of the `places` in two tensors those that are multiplied, a row for each number of their product, as PyTorch makes it.

    A vector is a row on the left and a column on the right; what lies before the last two axes is repeated where it is 1.

    >>> made = factors(places(torch.zeros(1, 2)), places(torch.zeros(2, 3)))
    >>> made["left"].tolist(), made["right"].tolist()
    ([[0, 1], [0, 1], [0, 1]], [[0, 3], [1, 4], [2, 5]])
    """
    rows = left[None] if left.ndim == 1 else left
    columns = (right[:, None] if right.ndim == 1 else right).transpose(-2, -1)
    both = torch.broadcast_tensors(rows[..., :, None, :], columns[..., None, :, :])
    return {side: each.reshape(-1, each.shape[-1]).numpy() for side, each in zip(("left", "right"), both, strict=True)}


def _product(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Parts:
    left, right = (*args, *kwargs.values())
    return "matmul", dict(factors(places(left), places(right))), {}


METHODS = dict.fromkeys(("matmul", "bmm", "mm"), _product)
FUNCTIONS: dict[Any, Callable[[tuple[Any, ...], dict[str, Any]], Parts]] = {
    operator.matmul: _product,
    **{getattr(torch, name): parts for name, parts in METHODS.items()},
}
