"""Softmax and its logarithm."""

import numpy as np

from course_utils.excel.grid import Grid, Rect, cell
from course_utils.excel.plan import CONTENT_ROW, Area, Formula, Item
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step


def softmax_block(sheet: Sheet, step: Step, source: Grid) -> Grid:
    """The exponentials, their sum, and the shares or their logarithms.

    The largest x is subtracted first, which changes no share: EXP of more than 709 is too large for a cell, and where every
    x is below -745 the sum would be 0. A picture of 0-255 that nobody normalised is enough for that, typed in or exported.
    """
    size = step.value.size
    logits = sheet.steps[step.sources[0]].value
    largest, total = (cell(CONTENT_ROW + size + row, sheet.col + (size > 1), fixed=True) for row in (0, 1))
    shifted = [f"{cell(*source.flat(n))}-{largest}" for n in range(size)]
    sheet.label_column(step, size)
    sheet.label(CONTENT_ROW - 1, sheet.col, "exp(x-max)", "column")
    column = Rect(CONTENT_ROW, sheet.col, size, 1)
    exps = np.exp(logits - logits.max())
    sheet.plan.areas.append(Area(column, exps.reshape(-1, 1), "wide", lambda y, x: f"EXP({shifted[y]})"))
    everything = ",".join(rect.address() for rect in source.rects())
    sheet.label(CONTENT_ROW + size, sheet.col - 1, "max of x", "row")
    sheet.plan.items.append(Item(CONTENT_ROW + size, sheet.col, Formula(f"MAX({everything})", float(logits.max())), "sum"))
    sheet.label(CONTENT_ROW + size + 1, sheet.col - 1, "sum", "row")
    total_of_exps = Formula(f"SUM({column.address()})", float(exps.sum()))
    sheet.plan.items.append(Item(CONTENT_ROW + size + 1, sheet.col, total_of_exps, "sum"))
    sheet.wide(1)
    grid = sheet.vector(size, "probability" if step.kind == "softmax" else "log prob.")

    def formula(y: int, x: int) -> str:
        if step.kind == "softmax":
            return f"{cell(CONTENT_ROW + y, column.col)}/{total}"
        return f"{shifted[y]}-LN({total})"

    sheet.draw(step, grid, 0, formula)
    if step.kind == "softmax":
        total_share = Formula(f"SUM({grid.rects()[0].address()})", 1.0)
        sheet.plan.items.append(Item(CONTENT_ROW + size + 1, grid.col, total_share, "sum"))
    sheet.name_cells(f"{sheet.base}_out", "output", step.path, step.value, grid.rects())
    sheet.exponentials[id(step)] = shifted, total
    return grid
