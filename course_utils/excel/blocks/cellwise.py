"""Layers that make each number of the cell in the same place."""

from course_utils.excel import formulas
from course_utils.excel.grid import Grid, cell
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step


def cellwise_block(sheet: Sheet, step: Step, source: Grid, other: Grid | None = None) -> Grid:
    """Each number of one cell (ReLU, sigmoid and the like), or of two (a sum)."""
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
        if step.kind == "relu":
            return formulas.relu(first)
        if step.kind == "leaky_relu":
            return formulas.leaky_relu(first, step.settings["slope"])
        if step.kind == "sigmoid":
            return formulas.sigmoid(first)
        return f"TANH({first})" if step.kind == "tanh" else f"{first}+{second[0]}"

    sheet.draw_all(step, grid, formula)
    return grid
