"""Layers that make each number of the cell in the same place."""

from course_utils.excel.activations import ACTIVATIONS
from course_utils.excel.formulas import prelu
from course_utils.excel.grid import Grid, Rect, cell
from course_utils.excel.plan import CONTENT_ROW
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step


def cellwise_block(sheet: Sheet, step: Step, source: Grid, other: Grid | None = None) -> Grid:
    """Each number of one cell (ReLU, sigmoid and the like), or of two (a sum)."""
    if step.kind == "prelu" and step.weights["weight"].keys not in sheet.drawn:
        sheet.label(CONTENT_ROW - 1, sheet.col, "weight", "column")
        sheet.draw_weight(step, "weight", [Rect(CONTENT_ROW, sheet.col, step.weights["weight"].value.size, 1)], "wide_weight")
        sheet.wide(1)
        sheet.col += 1
    as_before = step.value.ndim == 3
    grid = (
        sheet.grid(step.value.shape, source.pitch if source.pitch > 1 else 0)
        if as_before
        else sheet.vector(step.value.size, "output")
    )

    def formula(channel: int, y: int, x: int) -> str:
        first, *second = (
            cell(*(tensor.at(channel, y, x) if as_before else tensor.flat(y))) for tensor in (source, other) if tensor
        )
        if step.kind == "prelu":  # one weight for all channels, or one for each
            each = step.weights["weight"].value.size > 1
            return prelu(first, sheet.weight_cell(step, "weight", (channel if as_before else y) if each else 0))
        return f"{first}+{second[0]}" if second else ACTIVATIONS[step.kind](first, step.settings)

    sheet.draw_all(step, grid, formula)
    return grid
