"""A convolution: kernels, biases, and a window times a kernel for each number."""

import math

from course_utils.excel import formulas
from course_utils.excel.grid import Grid, Rect, bounds
from course_utils.excel.placed import sides
from course_utils.excel.plan import CONTENT_ROW
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step


def convolution_block(sheet: Sheet, step: Step, source: Grid) -> Grid:
    """The kernels of each output channel, one for each input channel, and beside them what they make."""
    weight = step.weights["weight"]
    outputs, inputs = weight.value.shape[:2]
    height, width = (1, *weight.value.shape[2:])[-2:]  # a kernel along a sequence has one row
    dilation = step.settings["dilation"]
    tall, wide = (height - 1) * dilation[0] + 1, (width - 1) * dilation[1] + 1  # with the holes of a dilated kernel
    shape = sides(step.value.shape)
    out_height = shape[1]
    per_column = max((out_height + 1) // (tall + 1), math.ceil(math.sqrt(inputs)), 1)
    pitch = max(out_height, min(inputs, per_column) * (tall + 1) - 1) + 2
    if weight.keys not in sheet.drawn:
        rects = []
        for o in range(outputs):
            for i in range(inputs):
                column, row = divmod(i, per_column)
                top, left = CONTENT_ROW + o * pitch + row * (tall + 1), sheet.col + column * (wide + 1)
                rects.append(Rect(top, left, height, width, *dilation))
            sheet.label(CONTENT_ROW - 1 + o * pitch, sheet.col, f"kernel {o + 1}" if outputs > 1 else "kernel")
        sheet.draw_weight(step, "weight", rects)
        sheet.col = bounds(rects).last_col + 2
    sheet.draw_channel_bias(step, outputs, pitch)
    kernels = sheet.drawn[weight.keys]
    grid = sheet.grid(shape, pitch)
    group_outputs = outputs // step.settings["groups"]
    stride, padding = step.settings["stride"], step.settings["padding"]
    for o in range(outputs):
        group = o // group_outputs
        channels = range(group * inputs, (group + 1) * inputs)
        own, bias = kernels[o * inputs : (o + 1) * inputs], sheet.bias(step, o)

        def formula(y: int, x: int, own: list[Rect] = own, channels: range = channels, bias: str = bias) -> str:
            return formulas.convolution(source, own, channels, bias, y, x, stride, padding)

        sheet.draw(step, grid, o, formula)
    sheet.finish(step, grid)
    return grid
