"""Where numbers stand on a sheet: rectangles of cells, tensors drawn as channels one below the other, and their addresses."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xlsxwriter.utility import xl_cell_to_rowcol, xl_range, xl_range_abs, xl_rowcol_to_cell

MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384  # of an .xlsx sheet


def cell(row: int, col: int, fixed: bool = False) -> str:
    """The address of a cell, with dollar signs where a copied formula should keep it.

    >>> cell(4, 1), cell(4, 1, fixed=True)
    ('B5', '$B$5')
    """
    return xl_rowcol_to_cell(row, col, row_abs=fixed, col_abs=fixed)


def place_of(address: str) -> tuple[int, int]:
    """The row and column of a cell, from 0, by its address.

    >>> place_of("B5"), place_of("$B$5")
    ((4, 1), (4, 1))
    """
    row, col = xl_cell_to_rowcol(address)
    return row, col


def span(row: int, col: int, last_row: int, last_col: int, fixed: bool = False) -> str:
    """The address of a range of cells; of one cell where both corners are the same.

    >>> span(4, 1, 6, 3), span(4, 1, 4, 1)
    ('B5:D7', 'B5')
    """
    return (xl_range_abs if fixed else xl_range)(row, col, last_row, last_col)


@dataclass(frozen=True)
class Rect:
    """`height` x `width` cells from (row, col); steps above 1 leave cells between them out (a dilated kernel)."""

    row: int
    col: int
    height: int
    width: int
    row_step: int = 1
    col_step: int = 1

    @property
    def last_row(self) -> int:
        """The row of its last cells."""
        return self.row + (self.height - 1) * self.row_step

    @property
    def last_col(self) -> int:
        """The column of its last cells."""
        return self.col + (self.width - 1) * self.col_step

    def address(self, fixed: bool = False) -> str:
        """Its address, cells that are left out included.

        >>> Rect(0, 0, 2, 3, col_step=2).address()
        'A1:E2'
        """
        return span(self.row, self.col, self.last_row, self.last_col, fixed)

    def __contains__(self, place: tuple[int, int]) -> bool:
        """Whether a cell is inside, between its first and its last ones.

        >>> (1, 1) in Rect(0, 0, 2, 2), (2, 1) in Rect(0, 0, 2, 2)
        (True, False)
        """
        return self.row <= place[0] <= self.last_row and self.col <= place[1] <= self.last_col

    def cells(self) -> Iterator[tuple[int, int]]:
        """Its cells, row by row."""
        for y in range(self.height):
            for x in range(self.width):
                yield self.row + y * self.row_step, self.col + x * self.col_step


def bounds(rects: list[Rect]) -> Rect:
    """The smallest rectangle around all of them.

    >>> bounds([Rect(0, 0, 2, 2), Rect(4, 1, 2, 2)]).address()
    'A1:C6'
    """
    row, col = min(r.row for r in rects), min(r.col for r in rects)
    return Rect(row, col, max(r.last_row for r in rects) - row + 1, max(r.last_col for r in rects) - col + 1)


@dataclass(frozen=True)
class Grid:
    """A tensor on the sheet: channels start `pitch` rows apart.

    A vector is a column of channels of one cell, and a sequence (positions, features) has a channel of one row per position.
    """

    row: int
    col: int
    channels: int
    height: int
    width: int
    pitch: int

    def at(self, channel: int, y: int = 0, x: int = 0) -> tuple[int, int]:
        """The cell of one value."""
        return self.row + channel * self.pitch + y, self.col + x

    def flat(self, number: int) -> tuple[int, int]:
        """The cell of the value with this number once the tensor is flattened.

        >>> Grid(row=7, col=1, channels=2, height=2, width=3, pitch=4).flat(6)
        (11, 1)
        """
        channel, rest = divmod(number, self.height * self.width)
        return self.at(channel, *divmod(rest, self.width))

    def address(self, number: int, fixed: bool = False) -> str:
        """The address of the value with this number once the tensor is flattened."""
        return cell(*self.flat(number), fixed)

    def places(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The rows and the columns of all values, in the order of the flattened tensor."""
        rows = self.row + self.pitch * np.arange(self.channels)[:, None, None] + np.arange(self.height)[:, None]
        cols = self.col + np.arange(self.width)
        rows, cols = np.broadcast_arrays(rows, cols)
        return rows.reshape(-1), cols.reshape(-1)

    def line(self, number: int) -> Rect:
        """The cells of the row with this number, counted over all channels: one position of a sequence.

        >>> Grid(row=7, col=1, channels=6, height=1, width=8, pitch=1).line(2).address()
        'B10:I10'
        """
        channel, y = divmod(number, self.height)
        return Rect(self.row + channel * self.pitch + y, self.col, 1, self.width)

    def channel(self, number: int) -> Rect:
        """The cells of one channel."""
        return Rect(self.row + number * self.pitch, self.col, self.height, self.width)

    def rects(self) -> list[Rect]:
        """Rectangles without gaps that hold the whole tensor in order: one where channels touch, else one per channel."""
        if self.pitch == self.height:
            return [Rect(self.row, self.col, self.channels * self.height, self.width)]
        return [self.channel(number) for number in range(self.channels)]

    def run(self, first: int, count: int) -> list[Rect]:
        """Rectangles that hold `count` numbers in a row, from number `first` of the flattened tensor on: whole rows of it.

        >>> [rect.address() for rect in Grid(row=7, col=1, channels=3, height=2, width=3, pitch=4).run(6, 12)]
        ['B12:D13', 'B16:D17']
        >>> [rect.address() for rect in Grid(row=7, col=1, channels=6, height=1, width=1, pitch=1).run(3, 3)]
        ['B11:B13']
        """
        found: list[Rect] = []
        for line in range(first // self.width, (first + count) // self.width):
            row = self.row + line // self.height * self.pitch + line % self.height
            if found and found[-1].last_row + 1 == row:
                found[-1] = Rect(found[-1].row, self.col, found[-1].height + 1, self.width)
            else:
                found.append(Rect(row, self.col, 1, self.width))
        return found
