"""Softmax of each row of a sequence or of each head, and its logarithm."""

import numpy as np

from course_utils.excel.grid import Grid, cell
from course_utils.excel.placed import sides
from course_utils.excel.plan import CONTENT_ROW, Area
from course_utils.excel.products import ranges
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step


def row_softmax_block(sheet: Sheet, step: Step, source: Grid) -> Grid:
    """The largest number of each row, the sum of exp(x - max), and the shares; what is hidden from a row takes no part.

    The largest is subtracted first, which changes no share: EXP of more than 709 is too large for a cell.
    """
    channels, height, columns = sides(step.value.shape)
    values = sheet.steps[step.sources[0]].value.reshape(-1, columns)
    hides = step.settings.get("hidden")
    hidden = np.zeros(values.shape, bool) if hides is None else np.array(hides).reshape(values.shape)
    pitch = height + 2 if step.value.ndim > 2 else 1
    largest = np.where(hidden, -np.inf, values).max(1)
    totals = np.where(hidden, 0, np.exp(values - largest[:, None])).sum(1)
    cells = [[source.flat(line * columns + n) for n in range(columns) if not hidden[line, n]] for line in range(len(values))]

    def max_of(line: int) -> str:
        return f"MAX({','.join(ranges(cells[line]))})"

    def sum_of(line: int) -> str:
        return "+".join(f"SUMPRODUCT(EXP({part}-{cell(*maxima.flat(line))}))" for part in ranges(cells[line]))

    maxima = Grid(CONTENT_ROW, sheet.col, channels, height, 1, pitch)
    sums = Grid(CONTENT_ROW, sheet.col + 1, channels, height, 1, pitch)
    for grid, label, numbers, formula in ((maxima, "max", largest, max_of), (sums, "sum", totals, sum_of)):
        sheet.label(CONTENT_ROW - 1, grid.col, label, "column")
        first = 0
        for rect, part in sheet.parts(grid, numbers):
            own = lambda y, x, first=first, formula=formula: formula(first + y)  # noqa: E731
            sheet.plan.areas.append(Area(rect, part, "wide", own))
            first += part.size
        sheet.wide(1)
    sheet.col += 1
    shares = sheet.grid(step.value.shape)

    def share(number: int) -> str:
        line, column = divmod(number, columns)
        if hidden[line, column]:
            return "0"
        shifted = f"{cell(*source.flat(number))}-{cell(*maxima.flat(line))}"
        total = cell(*sums.flat(line))
        return f"EXP({shifted})/{total}" if step.kind == "row_softmax" else f"{shifted}-LN({total})"

    sheet.draw_each(step, shares, share)
    return shares
