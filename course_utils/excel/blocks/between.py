"""Upsampling by lines or curves: each number is a mixture of the nearest ones, with fixed shares."""

import numpy as np

from course_utils.excel import formulas
from course_utils.excel.grid import Grid, cell
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Array, Step


def between_block(sheet: Sheet, step: Step, source: Grid) -> Grid:
    """Along each row a mixture of numbers, and of these mixtures one along the column."""
    rows, cols = step.settings["rows"], step.settings["cols"]
    grid = sheet.grid(step.value.shape)

    def formula(channel: int, y: int, x: int) -> str:
        down, across = (rows[y], cols[x]) if step.value.ndim == 3 else (np.ones(1), cols[x])
        lines = []
        for row, share in _shares(down):
            line = _mixture([(cell(*source.at(channel, row, col)), part) for col, part in _shares(across)])
            lines.append((f"({line})" if "+" in line and share != 1 else line, share))
        return _mixture(lines)

    sheet.draw_all(step, grid, formula)
    return grid


def _shares(shares: Array) -> list[tuple[int, float]]:
    return [(int(place), float(shares[place])) for place in np.flatnonzero(shares)]


def _mixture(parts: list[tuple[str, float]]) -> str:
    """A sum with a share before each part.

    >>> _mixture([("B5", 0.75), ("C5", 0.25)]), _mixture([("B5", 1.0)])
    ('0.75*B5+0.25*C5', 'B5')
    """
    return "+".join(part if share == 1 else f"{formulas.number(share)}*{part}" for part, share in parts)
