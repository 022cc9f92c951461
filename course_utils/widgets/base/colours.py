"""The lecture's colours: white to red for an input, green, white and red around zero for an activation (0:45:25, 0:51:28)."""

import numpy as np
from numpy.typing import NDArray

WHITE = (255, 255, 255)
RED = (214, 45, 38)
GREEN = (0, 136, 62)


def colours(values: NDArray[np.float64], limit: float, signed: bool) -> NDArray[np.uint8]:
    """A colour for each number: an array of one more axis, red, green and blue from 0 to 255.

    `limit` (above 0) is the value with the full colour. Signed, green is positive and red negative; unsigned, red is positive.
    The widgets' JavaScript does the same sum (`colour` in grid.js), so that a picture looks like what it is a picture of.

    >>> colours(np.array([-2.0, 0.0, 2.0]), limit=2.0, signed=True).tolist()
    [[214, 45, 38], [255, 255, 255], [0, 136, 62]]
    """
    strength = np.clip(np.abs(values) / limit, 0.0, 1.0)[..., None]
    full = np.where(values[..., None] >= 0, GREEN if signed else RED, RED)
    return np.rint(np.array(WHITE) + strength * (full - np.array(WHITE))).astype(np.uint8)


def colour_limit(values: NDArray[np.float64]) -> float:
    """The size of the largest number, and 1 where all are zero: what to give `colours` as its limit.

    >>> colour_limit(np.array([-3.0, 2.0])), colour_limit(np.zeros(4))
    (3.0, 1.0)
    """
    return float(np.abs(values).max(initial=0.0)) or 1.0
