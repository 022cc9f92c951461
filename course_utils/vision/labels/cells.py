"""The cells of a table of labels, and which of them say yes or no."""

from collections.abc import Sequence

TRUTHS = {"0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}

Cell = str | Sequence[str]  # of a table of labels: a text, or in a frame a list of tags too


def lowest(rows: Sequence[Sequence[Cell]], columns: Sequence[int]) -> float:
    """The number that stands for "not shown": -1 where it is in these columns and 0 is not, else 0."""
    cells = {row[column] for row in rows for column in columns if isinstance(row[column], str)}
    numbers = {number_in(cell) for cell in cells}
    return -1 if -1 in numbers and 0 not in numbers else 0


def number_in(cell: Cell) -> float | None:
    """The number that a cell is, None for other text."""
    try:
        return float(cell) if isinstance(cell, str) else None
    except ValueError:
        return None


def truth_of(cell: Cell, low: float = 0) -> bool | None:
    """Whether a cell says that a class is there; None where it says neither.

    >>> [truth_of(cell) for cell in ("1.0", "0", "True", "2", "")]
    [True, False, True, None, None]
    """
    if not isinstance(cell, str):
        return None
    if (truth := TRUTHS.get(cell.lower())) is not None and (low == 0 or truth):
        return truth
    number = number_in(cell)
    return number == 1 if number in (low, 1) else None
