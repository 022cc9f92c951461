"""Numbers that stand on the sheet already, some here and some there, read as one tensor."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.excel.grid import Grid, Rect, cell

Index = NDArray[np.intp]


@dataclass(frozen=True)
class Scattered:
    """A tensor whose numbers stand in cells of other ones: `rows` and `cols` of each, in order; -1 for a zero that has none.

    >>> swapped = Scattered(np.array([4, 3, -1]), np.array([1, 1, -1]))
    >>> [swapped.address(n) for n in range(3)]
    ['B5', 'B4', '0']
    """

    rows: Index
    cols: Index

    def flat(self, number: int) -> tuple[int, int]:
        """The cell of the value with this number."""
        return int(self.rows[number]), int(self.cols[number])

    def address(self, number: int, fixed: bool = False) -> str:
        """The address of the value with this number, or 0."""
        row, col = self.flat(number)
        return "0" if row < 0 else cell(row, col, fixed)

    def places(self) -> tuple[Index, Index]:
        """The rows and the columns of all values."""
        return self.rows, self.cols


Placed = Grid | Scattered


def gathered(sources: list[Placed], index: Index) -> Scattered:
    """Of the numbers of several tensors, counted on from 1, those of an index; 0 stands for a zero.

    >>> gathered([Grid(0, 0, 2, 1, 1, 1), Grid(0, 5, 2, 1, 1, 1)], np.array([4, 1])).places()
    (array([1, 0]), array([5, 0]))
    """
    places = [source.places() for source in sources]
    rows = np.concatenate([[-1], *(rows for rows, _ in places)])
    cols = np.concatenate([[-1], *(cols for _, cols in places)])
    return Scattered(rows[index], cols[index])


def as_grid(placed: Placed, shape: tuple[int, ...]) -> Grid | None:
    """These cells as a grid of this shape, if they stand as one; a vector is a column of cells, or has the form that it had.

    >>> as_grid(Grid(0, 0, 1, 2, 3, 4), (2, 3))
    Grid(row=0, col=0, channels=2, height=1, width=3, pitch=1)
    """
    if isinstance(placed, Grid) and (len(shape) == 1 or (placed.channels, placed.height, placed.width) == sides(shape)):
        return placed
    channels, height, width = sides(shape)
    rows, cols = (each.reshape(channels, height, width) for each in placed.places())
    row, col = int(rows[0, 0, 0]), int(cols[0, 0, 0])
    pitch = int(rows[1, 0, 0]) - row if channels > 1 else height
    if row < 0 or pitch < height:
        return None
    down = row + pitch * np.arange(channels)[:, None, None] + np.arange(height)[:, None]
    fits = (rows == down).all() and (cols == col + np.arange(width)).all()
    return Grid(row, col, channels, height, width, pitch) if fits else None


def sides(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Channels, height and width of what stands on a sheet: a vector is a column, and a sequence has a row for each position.

    >>> sides((5,)), sides((6, 8)), sides((2, 3, 4))
    ((5, 1, 1), (6, 1, 8), (2, 3, 4))
    """
    if len(shape) == 1:
        return shape[0], 1, 1
    return (shape[0], 1, shape[1]) if len(shape) == 2 else (shape[0], shape[1], shape[2])


def rectangles(cells: Sequence[tuple[int, int]]) -> list[Rect]:
    """Rectangles that hold these cells, each once: one where they fill it, else stretches of rows put together.

    >>> [rect.address() for rect in rectangles([(0, 0), (0, 1), (1, 0), (1, 1), (5, 3)])]
    ['A1:B2', 'D6']
    """
    found: list[Rect] = []
    for row, col in sorted(cells):
        last = found[-1] if found else None
        if last and last.row == row and last.col + last.width == col:
            found[-1] = Rect(row, last.col, 1, last.width + 1)
        else:
            found.append(Rect(row, col, 1, 1))
    joined: list[Rect] = []
    for rect in sorted(found, key=lambda each: (each.col, each.width, each.row)):
        last = joined[-1] if joined else None
        if last and (last.col, last.width, last.row + last.height) == (rect.col, rect.width, rect.row):
            joined[-1] = Rect(last.row, last.col, last.height + 1, last.width)
        else:
            joined.append(rect)
    return joined
