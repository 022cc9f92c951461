"""Numbers that a layer only puts in another place, and weights that a model uses by itself."""

from course_utils.excel.grid import Grid
from course_utils.excel.placed import Placed
from course_utils.excel.plan import Area
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step


def move_block(sheet: Sheet, step: Step, source: Placed) -> Grid:
    """Each number copied from the cell where it is, where a layer needs them side by side."""
    grid = sheet.grid(step.value.shape)
    sheet.draw_each(step, grid, source.address)
    return grid


def parameter_block(sheet: Sheet, step: Step) -> Grid:
    """A weight in cells to edit, or constants in cells that are not."""
    grid = sheet.grid(step.value.shape)
    if step.weights:
        sheet.draw_weight(step, "value", grid.rects(), "wide_weight" if step.value.ndim == 1 else "weight")
        return grid
    for rect, values in sheet.parts(grid, step.value):
        sheet.plan.areas.append(Area(rect, values, "wide" if step.value.ndim == 1 else "value"))
    return grid
