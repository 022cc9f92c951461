"""Prediction, true class, cross-entropy and a bar chart, beside the probabilities."""

import math

import numpy as np

from course_utils.excel.grid import Rect, cell
from course_utils.excel.plan import CHART_HEIGHT, CHART_WIDTH, CONTENT_ROW, Area, Block, Formula, Item, Prediction
from course_utils.excel.sheet import Sheet
from course_utils.excel.texts import base_name
from course_utils.tracing.steps import Step
from course_utils.tracing.words import by


def prediction_block(sheet: Sheet, actual: int | None) -> None:
    """Predicted class, one-hot actuals, cross-entropy and a bar chart, from the probabilities of the last step."""
    step, grid = sheet.steps[-1], sheet.grid_of(-1)
    size, values = step.value.size, step.value
    logits = sheet.steps[step.sources[0]].value
    logs = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
    shifted, sum_of_exps = sheet.exponentials[id(step)]
    chosen = int(values.argmax()) if actual is None else actual
    first_col, cells = sheet.col, sheet.plan.cells
    output = grid.rects()[0]
    sheet.label_column(step, size)
    labels = Rect(CONTENT_ROW, sheet.col - 1, size, 1)
    one_hot_col, loss_col, words_col = sheet.col, sheet.col + 1, sheet.col + 3
    rows = {"predicted": CONTENT_ROW, "actual": CONTENT_ROW + 1, "loss": CONTENT_ROW + 2}
    actual_cell = cell(rows["actual"], words_col + 1, fixed=True)
    sheet.label(CONTENT_ROW - 1, one_hot_col, "actual", "column")
    sheet.label(CONTENT_ROW - 1, loss_col, "-ln(prob.)", "column")
    one_hot, losses = np.zeros((size, 1)), np.zeros((size, 1))
    one_hot[chosen] = 1.0
    losses[chosen] = -logs[chosen]

    def loss(y: int, x: int) -> str:
        """-ln(probability), from the logits: a probability too small for a cell would be 0, and have no logarithm."""
        hot = cell(CONTENT_ROW + y, one_hot_col)
        if step.kind == "log_softmax":
            return f"IF({hot}=1,-{cell(CONTENT_ROW + y, output.col)},0)"
        return f"IF({hot}=1,LN({sum_of_exps})-({shifted[y]}),0)"

    one_hot_rect, loss_rect = Rect(CONTENT_ROW, one_hot_col, size, 1), Rect(CONTENT_ROW, loss_col, size, 1)
    same = f"={actual_cell},1,0)"
    sheet.plan.areas.append(
        Area(one_hot_rect, one_hot, "wide_count", lambda y, x: f"IF({cell(CONTENT_ROW + y, labels.col)}{same}")
    )
    sheet.plan.areas.append(Area(loss_rect, losses, "wide", loss))
    sheet.wide(2)
    sheet.col += 1
    sheet.plan.wide_columns[words_col] = sheet.plan.wide_columns[words_col + 1] = 110
    winner = f"INDEX({labels.address()},MATCH(MAX({output.address()}),{output.address()},0))"
    add = sheet.plan.items.append
    for key, words in (("predicted", "predicted class"), ("actual", "actual class"), ("loss", "cross-entropy")):
        sheet.label(rows[key], words_col, words, "row")
    names = [sheet.class_value(n) for n in range(size)]
    add(Item(rows["predicted"], words_col + 1, Formula(winner, names[int(values.argmax())]), "result"))
    add(Item(rows["actual"], words_col + 1, names[chosen], "choice"))
    total = Rect(rows["loss"], words_col + 1, 1, 1)
    sheet.plan.areas.append(
        Area(total, np.array([[-logs[chosen]]]), "result_number", lambda y, x: f"SUM({loss_rect.address()})")
    )
    name = base_name(Step("cross_entropy", "cross_entropy", (), step.value), sheet.taken)
    sheet.name_cells(name, "output", "cross-entropy", -logs[chosen : chosen + 1], [total])
    sheet.plan.named[-1].coloured = False
    seen = sheet.grid_of(0)
    charts = [(CONTENT_ROW + 4, words_col)]
    below = seen.channel(seen.channels - 1).last_row + 2
    if seen.width * 28 > CHART_WIDTH and below + CHART_HEIGHT // 28 <= sheet.plan.last_row:
        charts.append((below, seen.col))  # there is room below the input: seen while a pixel is edited
    sheet.plan.prediction = Prediction(labels, output, (rows["actual"], words_col + 1), charts, step.kind == "log_softmax")
    sheet.col = words_col + 2 + math.ceil((CHART_WIDTH - 220) / 28)
    words = "The class with the largest probability. Choose the actual class: cross-entropy is -ln of its probability."
    block = Block("prediction", by((size,)), words, first_col, sheet.col - 1, sheet.plan.cells - cells)
    sheet.plan.blocks.append(block)
