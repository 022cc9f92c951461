"""The windows of a mean, a sum or an extreme, where all of them have one shape and lie evenly on the layer before."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.intp]
Sides = tuple[int, int, int]  # channels, rows, columns


@dataclass(frozen=True)
class Windows:
    """How the windows lie: each over `inputs` channels, of which the first is that of the output, or 0 where all are read."""

    inputs: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]


def even_windows(groups: Whole, source: Sides, out: Sides) -> Windows | None:
    """The windows of groups of numbers of a `source`, a row for each number of `out`; None where they lie in another way.

    Numbers below 0 stand for padding, which must lie around the source.

    >>> even_windows(np.array([[0, 1], [2, 3], [4, 5], [6, 7]]), (2, 1, 4), (2, 1, 2))
    Windows(inputs=1, kernel=(1, 2), stride=(1, 2), padding=(0, 0), dilation=(1, 1))
    >>> even_windows(np.array([[0, 4], [1, 5], [2, 6], [3, 7]]), (2, 1, 4), (1, 1, 4))
    Windows(inputs=2, kernel=(1, 1), stride=(1, 1), padding=(0, 0), dilation=(1, 1))
    """
    whole = groups[(groups >= 0).all(axis=1)]
    if not len(whole) or len(groups) != np.prod(out):
        return None
    first = np.stack(np.unravel_index(whole[0], source), axis=1)
    steps = [_even(np.unique(first[:, axis])) for axis in range(3)]
    if None in steps:
        return None
    (inputs, between), (rows, down), (cols, along) = (step for step in steps if step is not None)
    offsets = np.stack(np.unravel_index(np.arange(inputs * rows * cols), (inputs, rows, cols)), axis=1)
    offsets *= (between, down, along)
    order = np.lexsort(first.T[::-1])
    if between != 1 or len(offsets) != len(first) or (first[order] - first[order[0]] != offsets).any():
        return None
    groups = groups[:, order]
    real, outputs = groups >= 0, np.stack(np.unravel_index(np.arange(len(groups)), out), axis=1)
    places = np.stack(np.unravel_index(np.where(real, groups, 0), source), axis=2)
    origins = _origins(places, real, offsets)
    if origins is None:
        return None
    by_channel = inputs == 1 and (origins[:, 0] == outputs[:, 0]).all()
    if not by_channel and origins[:, 0].any():
        return None
    (y_step, y_first), (x_step, x_first) = (_line(outputs[:, axis], origins[:, axis]) for axis in (1, 2))
    lines = outputs[:, 1:] * (y_step, x_step) + (y_first, x_first)
    beyond = origins[:, None] + offsets
    outside = ((beyond < 0) | (beyond >= source)).any(axis=2)
    if (origins[:, 1:] != lines).any() or (outside == real).any() or (not by_channel and out[0] > 1):
        return None
    return Windows(inputs, (rows, cols), (y_step, x_step), (-y_first, -x_first), (down, along))


def _even(places: Whole) -> tuple[int, int] | None:
    """How many there are, and how far apart; None where they are not evenly spaced."""
    steps = np.unique(np.diff(places))
    return None if len(steps) > 1 else (len(places), int(steps[0]) if len(steps) else 1)


def _origins(places: Whole, real: NDArray[np.bool_], offsets: Whole) -> Whole | None:
    """Where each window begins, padding included; None where its numbers do not agree on that."""
    begins = np.where(real[:, :, None], places - offsets, np.iinfo(np.intp).min)
    origins: Whole = begins.max(axis=1)
    agree = (begins == origins[:, None]) | ~real[:, :, None]
    return origins if agree.all() and real.any(axis=1).all() else None


def _line(outputs: Whole, origins: Whole) -> tuple[int, int]:
    """How many rows, or columns, further the window of the next output begins, and where the first one does."""
    first = int(origins[outputs == 0][0])
    later = origins[outputs == 1]
    return (int(later[0]) - first, first) if len(later) else (1, first)
