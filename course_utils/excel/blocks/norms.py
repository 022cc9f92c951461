"""Layer norm, group norm and instance norm: mean and variance are formulas of the numbers that come in."""

from course_utils.excel import formulas
from course_utils.excel.errors import ExportError
from course_utils.excel.grid import Grid, Rect, cell
from course_utils.excel.plan import CONTENT_ROW, Area
from course_utils.excel.sheet import Sheet
from course_utils.tracing.norms import statistics
from course_utils.tracing.steps import Array, Step

MOST_ARGUMENTS = 255  # of a function, in every version of Excel


def norm_block(sheet: Sheet, step: Step, source: Grid) -> Grid:
    """A table with mean and variance of each part, the weights, and the numbers that they make."""
    means, variances = statistics(step, sheet.steps[step.sources[0]].value)
    runs, count = len(means), step.value.size // len(means)
    ranges = [source.run(run * count, count) for run in range(runs)]
    if len(ranges[0]) > MOST_ARGUMENTS:
        raise ExportError(
            f"{step.path}: a mean over {len(ranges[0])} channels, and AVERAGE takes at most {MOST_ARGUMENTS}; use more groups"
        )
    if runs > 1:
        sheet.label_rows(range(1, runs + 1))
    table = sheet.col
    for label, function, numbers in (("mean", "AVERAGE", means), ("variance", "VARP", variances)):
        _column(sheet, label, function, ranges, numbers)
    sheet.col += 1
    _draw_weights(sheet, step)
    grid = sheet.vector(step.value.size, "output") if step.value.ndim == 1 else sheet.grid(step.value.shape)

    def formula(number: int) -> str:
        run = number // count
        mean, variance = (cell(CONTENT_ROW + run, table + n, fixed=True) for n in (0, 1))
        weight, bias = (_weight_cell(sheet, step, role, number) for role in ("weight", "bias"))
        return formulas.normalised(source.address(number), mean, variance, weight, bias, step.settings["eps"])

    sheet.draw_each(step, grid, formula)
    return grid


def _column(sheet: Sheet, label: str, function: str, ranges: list[list[Rect]], numbers: Array) -> None:
    """One number for each part, by a function of all its cells."""

    def formula(y: int, x: int) -> str:
        return f"{function}({','.join(rect.address() for rect in ranges[y])})"

    sheet.label(CONTENT_ROW - 1, sheet.col, label, "column")
    sheet.plan.areas.append(Area(Rect(CONTENT_ROW, sheet.col, len(ranges), 1), numbers.reshape(-1, 1), "wide", formula))
    sheet.wide(1)


def _draw_weights(sheet: Sheet, step: Step) -> None:
    """A row of a table for each channel; those of a layer norm as the numbers that they belong to: a row, or pictures."""
    across = step.kind == "layer_norm" and step.value.ndim > 1
    row, width = CONTENT_ROW, 0
    for role in ("weight", "bias"):
        if role not in step.weights or step.weights[role].keys in sheet.drawn:
            continue
        value = step.weights[role].value
        sheet.label(row - 1, sheet.col, role, "label" if across and value.ndim == 1 else "column")
        if across and value.ndim == 1:
            sheet.draw_weight(step, role, [Rect(row, sheet.col, 1, value.size)])
            row, width = row + 2, value.size + 1
        elif value.ndim == 1:
            sheet.draw_weight(step, role, [Rect(CONTENT_ROW, sheet.col, value.size, 1)], "wide_weight")
            sheet.wide(1)
        else:
            height, width_of_one = value.shape[-2:]
            rects = [
                Rect(CONTENT_ROW + n * (height + 2), sheet.col, height, width_of_one)
                for n in range(value.size // height // width_of_one)
            ]
            sheet.draw_weight(step, role, rects)
            sheet.col += width_of_one + 1
    sheet.col += width


def _weight_cell(sheet: Sheet, step: Step, role: str, number: int) -> str:
    """The cell of the weight of the number that stands there in the flattened tensor; nothing where there is none."""
    if role not in step.weights:
        return ""
    size = step.weights[role].value.size
    place = number % size if step.kind == "layer_norm" else number // (step.value.size // size)
    for rect in sheet.drawn[step.weights[role].keys]:
        if place < rect.height * rect.width:
            row, col = divmod(place, rect.width)
            return cell(rect.row + row, rect.col + col, fixed=True)
        place -= rect.height * rect.width
    raise AssertionError("a weight has a cell for each of its numbers")
