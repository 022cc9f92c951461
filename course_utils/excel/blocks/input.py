"""The numbers that go into a network."""

from course_utils.excel.grid import Grid
from course_utils.excel.plan import Area
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step


def input_block(sheet: Sheet, step: Step) -> Grid:
    """The numbers of an image, channel below channel, or of a vector in a column."""
    grid = sheet.grid(step.value.shape)
    for channel in range(grid.channels) if grid.pitch > 1 else [0]:
        rect = grid.channel(channel) if grid.pitch > 1 else grid.rects()[0]
        values = step.value[channel] if step.value.ndim == 3 else step.value.reshape(-1, 1)
        style = "input" if step.value.ndim == 3 else "wide_input"
        sheet.plan.areas.append(Area(rect, values.reshape(rect.height, rect.width), style))
    sheet.channel_labels(grid)
    sheet.name_cells("input", "input", "input", step.value, grid.rects())
    return grid
