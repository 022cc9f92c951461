"""Means, sums, largest and smallest numbers of several cells."""

from course_utils.excel.errors import ExportError
from course_utils.excel.grid import Grid
from course_utils.excel.placed import Placed, rectangles
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step

FUNCTIONS = {"mean": "AVERAGE", "sum": "SUM", "largest": "MAX", "smallest": "MIN"}
MOST_ARGUMENTS = 255  # of a function, in every version of Excel


def reduction_block(sheet: Sheet, step: Step, source: Placed) -> Grid:
    """Each number by a function of all cells of its group."""
    grid, function = sheet.grid(step.value.shape), FUNCTIONS[step.kind]
    rows, cols = source.places()
    groups = step.settings["groups"]

    def formula(number: int) -> str:
        group = groups[number]
        real = group[group >= 0]
        cells = [place for place in zip(rows[real].tolist(), cols[real].tolist(), strict=True) if place[0] >= 0]
        counted = int((group >= -1).sum())  # zeros of a padding too
        ranges = [rect.address() for rect in rectangles(cells)]
        if len(ranges) >= MOST_ARGUMENTS:
            raise ExportError(
                f"{step.path}: it reads numbers in {len(ranges)} separate places, and {function} takes "
                f"at most {MOST_ARGUMENTS}; shrink the input"
            )
        if counted == len(cells):
            return f"{function}({','.join(ranges)})"
        if step.kind == "mean":
            return f"SUM({','.join(ranges)})/{counted}" if ranges else "0"
        return f"{function}({','.join([*ranges, '0'])})"

    sheet.draw_each(step, grid, formula)
    return grid
