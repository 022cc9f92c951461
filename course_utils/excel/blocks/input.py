"""The numbers that go into a network."""

from course_utils.excel.grid import Grid
from course_utils.excel.plan import Area
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step


def input_block(sheet: Sheet, step: Step) -> Grid:
    """The numbers of an image, channel below channel, of a vector in a column, or of a sequence in a row for each position."""
    if step.value.ndim == 1 and step.path in sheet.rows:
        sheet.label_rows(sheet.rows[step.path])
    grid = sheet.grid(step.value.shape)
    whole = (step.value % 1 == 0).all()  # codes and counts: 2 and not 2.0000
    column = "wide_whole_input" if whole else "wide_input"
    for rect, values in sheet.parts(grid, step.value):
        sheet.plan.areas.append(Area(rect, values, column if step.value.ndim == 1 else "input"))
    sheet.channel_labels(grid)
    sheet.name_cells("input" if step.path == "input" else f"{sheet.base}_in", "input", step.path, step.value, grid.rects())
    return grid
