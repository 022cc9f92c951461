"""A batch norm, with the numbers that it learnt."""

from course_utils.excel import formulas
from course_utils.excel.grid import Grid, Rect
from course_utils.excel.placed import Placed
from course_utils.excel.plan import CONTENT_ROW
from course_utils.excel.sheet import TABLE, Sheet
from course_utils.tracing.steps import Step


def batch_norm_block(sheet: Sheet, step: Step, source: Placed) -> Grid:
    """Mean, variance, weight and bias of each channel or feature, and the numbers that they make."""
    roles = [role for role in ("running_mean", "running_var", "weight", "bias") if role in step.weights]
    eps = step.settings["eps"]
    features = len(step.value)
    if step.value.ndim < 3:  # a vector, or a row for each channel: one row of numbers per feature
        for role in roles:
            if step.weights[role].keys not in sheet.drawn:
                sheet.label(CONTENT_ROW - 1, sheet.col, role.removeprefix("running_"), "column")
                sheet.draw_weight(step, role, [Rect(CONTENT_ROW, sheet.col, features, 1)], "wide_weight")
                sheet.wide(1)
        grid = sheet.vector(features, "output") if step.value.ndim == 1 else sheet.grid(step.value.shape)
    else:  # an image: the numbers of a channel beside its top
        pitch = max(step.value.shape[1], len(roles)) + 2
        new = [role for role in roles if step.weights[role].keys not in sheet.drawn]
        for o in range(step.value.shape[0]) if new else ():
            for row, role in enumerate(new):
                sheet.label(CONTENT_ROW + o * pitch + row, sheet.col, role.removeprefix("running_"), "row")
        for row, role in enumerate(new):
            rects = [Rect(CONTENT_ROW + o * pitch + row, sheet.col + 1, 1, 1) for o in range(step.value.shape[0])]
            sheet.draw_weight(step, role, rects)
        if new:
            sheet.plan.wide_columns[sheet.col] = TABLE
            sheet.col += 3
        grid = sheet.grid(step.value.shape, pitch)

    def formula(number: int) -> str:
        feature = number * features // step.value.size
        mean, variance, weight, bias = (
            sheet.weight_cell(step, role, feature) if role in step.weights else ""
            for role in ("running_mean", "running_var", "weight", "bias")
        )
        return formulas.normalised(source.address(number), mean, variance, weight, bias, eps)

    sheet.draw_each(step, grid, formula)
    return grid
