"""Layers that make each number of the cell in the same place."""

from course_utils.excel.activations import ACTIVATIONS
from course_utils.excel.formulas import number as constant_text
from course_utils.excel.formulas import prelu
from course_utils.excel.grid import Grid, Rect
from course_utils.excel.placed import Placed
from course_utils.excel.plan import CONTENT_ROW
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step

SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}


def cellwise_block(sheet: Sheet, step: Step, source: Placed) -> Grid:
    """Each number of one cell: ReLU, sigmoid and the like."""
    if step.kind == "prelu" and step.weights["weight"].keys not in sheet.drawn:
        sheet.label(CONTENT_ROW - 1, sheet.col, "weight", "column")
        sheet.draw_weight(step, "weight", [Rect(CONTENT_ROW, sheet.col, step.weights["weight"].value.size, 1)], "wide_weight")
        sheet.wide(1)
        sheet.col += 1
    grid = _like(sheet, step, source)

    def formula(number: int) -> str:
        value = source.address(number)
        if step.kind == "prelu":  # one weight for all channels, or one for each
            weights = step.weights["weight"].value.size
            return prelu(value, sheet.weight_cell(step, "weight", number * weights // step.value.size))
        return ACTIVATIONS[step.kind](value, step.settings)

    sheet.draw_each(step, grid, formula)
    return grid


def join_block(sheet: Sheet, step: Step, *sources: Placed) -> Grid:
    """Each number of two cells, or of a cell and a constant: sums, differences, products and quotients."""
    grid = _like(sheet, step, *sources)
    constants = step.settings.get("constants", (None, None))
    index = step.settings.get("index", [None] * len(sources))

    def formula(number: int) -> str:
        cells = iter(
            source.address(number if places is None else int(places[number]), fixed=places is not None)
            for source, places in zip(sources, index, strict=True)
        )
        left, right = (next(cells) if constant is None else constant_text(constant) for constant in constants)
        right = f"({right})" if right.startswith("-") else right
        return f"{left}{SIGNS[step.kind]}{right}"

    sheet.draw_each(step, grid, formula)
    return grid


def _like(sheet: Sheet, step: Step, *sources: Placed) -> Grid:
    """Room for the numbers of a step, its channels beside those of what it reads."""
    if step.value.ndim == 1:
        return sheet.vector(step.value.size, "output")
    pitch = max(source.pitch if isinstance(source, Grid) else 0 for source in sources)
    return sheet.grid(step.value.shape, pitch if pitch > 1 else 0)
