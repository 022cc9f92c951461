"""A transposed convolution: kernels, biases, and for each number the products of all that reach it."""

import math

from course_utils.excel.grid import Grid, Rect, bounds, cell
from course_utils.excel.placed import sides
from course_utils.excel.plan import CONTENT_ROW
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step


def conv_transpose_block(sheet: Sheet, step: Step, source: Grid) -> Grid:
    """The kernels of each output channel, one for each input channel that reaches it, and beside them what they make."""
    weight, groups = step.weights["weight"], step.settings["groups"]
    inputs, per_group = weight.value.shape[:2]
    height, width = (1, *weight.value.shape[2:])[-2:]
    outputs, together = per_group * groups, inputs // groups
    out_height = sides(step.value.shape)[1]
    per_column = max((out_height + 1) // (height + 1), math.ceil(math.sqrt(together)), 1)
    pitch = max(out_height, min(together, per_column) * (height + 1) - 1) + 2
    if weight.keys not in sheet.drawn:
        rects = []
        for i in range(inputs):  # the order of the weight, which PyTorch keeps by input channels
            for o in range(per_group):
                column, row = divmod(i % together, per_column)
                top = CONTENT_ROW + (i // together * per_group + o) * pitch + row * (height + 1)
                rects.append(Rect(top, sheet.col + column * (width + 1), height, width))
        for o in range(outputs):
            sheet.label(CONTENT_ROW - 1 + o * pitch, sheet.col, f"kernel {o + 1}" if outputs > 1 else "kernel")
        sheet.draw_weight(step, "weight", rects)
        sheet.col = bounds(rects).last_col + 2
    sheet.draw_channel_bias(step, outputs, pitch)
    kernels = sheet.drawn[weight.keys]
    grid = sheet.grid((outputs, *sides(step.value.shape)[1:]), pitch)
    rows = [_reaching(y, height, source.height, *(step.settings[name][0] for name in NAMES)) for y in range(grid.height)]
    cols = [_reaching(x, width, source.width, *(step.settings[name][1] for name in NAMES)) for x in range(grid.width)]

    def formula(number: int) -> str:
        output, rest = divmod(number, grid.height * grid.width)
        y, x = divmod(rest, grid.width)
        group, own = divmod(output, per_group)
        terms = [
            f"{cell(*source.at(i, from_y, from_x))}*{cell(kernel.row + down, kernel.col + across, fixed=True)}"
            for i in range(group * together, (group + 1) * together)
            for kernel in [kernels[i * per_group + own]]
            for from_y, down in rows[y]
            for from_x, across in cols[x]
        ]
        bias = sheet.bias(step, output)
        return "+".join([*terms, bias] if bias else terms) or "0"

    sheet.draw_each(step, grid, formula)
    return grid


NAMES = ("stride", "padding", "dilation")


def _reaching(place: int, kernel: int, length: int, stride: int, padding: int, dilation: int) -> list[tuple[int, int]]:
    """Along one side: which numbers reach a place, and by which number of the kernel.

    >>> _reaching(2, 3, 4, 2, 0, 1), _reaching(1, 3, 4, 2, 0, 1)
    ([(0, 2), (1, 0)], [(0, 1)])
    """
    found = []
    for tap in range(kernel):
        start, rest = divmod(place + padding - tap * dilation, stride)
        if not rest and 0 <= start < length:
            found.append((start, tap))
    return sorted(found)
