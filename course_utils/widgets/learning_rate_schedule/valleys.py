"""A loss with one weight, a narrow valley and a wide one, and gradient descent on it: where does a schedule end?

The numbers are sums, products and quotients alone, and the rates of a step are rounded to twelve digits: so a walk is the same
to the last bit here, in numbers.js and on every machine, however wild it is.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils.widgets.base.random import following, started

Array = NDArray[np.float64]

NARROW, NARROW_WIDTH = 3.0, 0.4  # where the narrow valley is, and half its width
WIDE, WIDE_WIDTH = 7.0, 1.4
RIM, BETWEEN = 2.0, 4.2  # where the narrow valley begins, and where the wide one does
EDGES = (0.0, 10.0)  # of the picture, which the weight does not leave
START = 1.0
SHIFT = 0.4  # how far the loss on the validation data lies beside that on the training data
NOISE = 1.0  # how far the slope that a mini-batch shows is off, at most
SCALE = 100.0  # a learning rate of 0.01 is a step of one slope here


def loss(weight: ArrayLike) -> Array:
    """The loss on the training data; that on the validation data is `loss(weight - SHIFT)`.

    >>> loss([NARROW, WIDE]).round(2).tolist(), loss([NARROW - SHIFT, WIDE - SHIFT]).round(2).tolist()
    ([0.22, 0.32], [0.77, 0.36])
    """
    w = np.asarray(weight, dtype=np.float64)
    narrow, wide = (w - NARROW) / NARROW_WIDTH, (w - WIDE) / WIDE_WIDTH
    return 0.02 * (w - 5) * (w - 5) + 1.25 - 1 / (1 + narrow * narrow) - 1 / (1 + wide * wide)


def slope(weight: ArrayLike) -> Array:
    """The derivative of the loss on the training data."""
    w = np.asarray(weight, dtype=np.float64)
    narrow, wide = (w - NARROW) / NARROW_WIDTH, (w - WIDE) / WIDE_WIDTH
    below, beside = 1 + narrow * narrow, 1 + wide * wide
    return 0.04 * (w - 5) + 2 * narrow / (NARROW_WIDTH * below * below) + 2 * wide / (WIDE_WIDTH * beside * beside)


def walk(rates: list[float], seeds: list[int]) -> Array:
    """The weight before the first step and after each, (steps + 1, seeds); a seed is one order of mini-batches.

    >>> walk([0.0, 0.01], seeds=[0, 1]).shape
    (3, 2)
    """
    state = started(seeds)
    weight = np.full(len(seeds), START)
    path = [weight]
    for rate in rates:
        state = following(state)
        off = NOISE * (state.astype(np.float64) / 2**31 - 1)
        weight = np.clip(weight - float(f"{SCALE * rate:.12g}") * (slope(weight) + off), *EDGES)
        path.append(weight)
    return np.stack(path)


def place(weight: float) -> str:
    """Where a weight is, in words."""
    return "on the slope" if weight < RIM else "in the narrow valley" if weight < BETWEEN else "in the wide valley"
