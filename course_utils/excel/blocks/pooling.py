"""Pooling: the largest or the average number of each window."""

import math

from course_utils.excel import formulas
from course_utils.excel.errors import ExportError
from course_utils.excel.grid import Grid
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step
from course_utils.tracing.words import by

MOST_ARGUMENTS = 255  # of a function, in every version of Excel


def pool_block(sheet: Sheet, step: Step, source: Grid) -> Grid:
    """Each number of one window, its largest or its average."""
    s, size = step.settings, (step.value.shape[1], step.value.shape[2])
    if step.kind == "max_pool" and s["dilation"] != (1, 1) and math.prod(s["kernel"]) > MOST_ARGUMENTS:
        raise ExportError(f"{step.path}: a dilated window of {by(s['kernel'])} numbers, and MAX takes at most {MOST_ARGUMENTS}")
    grid = sheet.grid(step.value.shape)

    def formula(channel: int, y: int, x: int) -> str:
        if step.kind == "max_pool":
            return formulas.max_pool(source, channel, y, x, s["kernel"], s["stride"], s["padding"], s["dilation"])
        if step.kind == "avg_pool":
            count_pad, divisor = s["count_include_pad"], s["divisor"]
            return formulas.avg_pool(source, channel, y, x, s["kernel"], s["stride"], s["padding"], count_pad, divisor)
        name = "AVERAGE" if step.kind == "adaptive_avg_pool" else "MAX"
        return f"{name}({formulas.adaptive_window(source, channel, y, x, size)})"

    sheet.draw_all(step, grid, formula)
    return grid
