"""Strokes of a pen: how far each pixel is from the nearest."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Stroke = Sequence[tuple[float, float]]  # the (row, column) of its corners


def distances(centres: NDArray[np.float64], strokes: Sequence[Stroke]) -> NDArray[np.float64]:
    """How far each pixel of a square is from the nearest of some strokes, (side, side), given where its rows and columns are.

    >>> distances(np.arange(3.0), [[(0, 0), (0, 2)]]).tolist()
    [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]
    """
    row, column = np.meshgrid(centres, centres, indexing="ij")
    nearest = np.full(row.shape, np.inf)
    for stroke in strokes:
        for (row0, column0), (row1, column1) in pairwise(stroke):
            down, right = row1 - row0, column1 - column0
            along = ((row - row0) * down + (column - column0) * right) / (down**2 + right**2)
            along = np.clip(along, 0, 1)
            nearest = np.minimum(nearest, np.hypot(row - row0 - along * down, column - column0 - along * right))
    return nearest
