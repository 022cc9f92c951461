"""A fully connected layer: a weight for every input of every output."""

from course_utils.excel import formulas
from course_utils.excel.grid import Grid, Rect, bounds
from course_utils.excel.plan import CONTENT_ROW
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step


def linear_block(sheet: Sheet, step: Step, source: Grid) -> Grid:
    """One weight for each number that is read, drawn in the shape of what is read, and a column of outputs."""
    if step.value.ndim > 1:
        return _each_position(sheet, step, source)
    outputs = len(step.value)
    pieces = source.rects()  # each output has one weight for each cell of these
    templates = sheet.drawn.get(step.weights["weight"].keys)
    if templates and not _fits(templates[: len(pieces)], pieces):  # drawn as rows, beside a sequence
        values = sheet.steps[step.sources[0]].value.reshape(1, -1)
        pieces = sheet.once_more([source.flat(n) for n in range(values.size)], values, "in a row").rects()
    if not templates:
        templates = _draw_weights(sheet, step, pieces)
    rows = _per_output(templates, outputs)
    sheet.label_column(step, outputs)
    _draw_bias(sheet, step)
    grid = sheet.vector(outputs, "output")
    sheet.draw(step, grid, 0, lambda y, x: formulas.linear(pieces, rows[y], sheet.bias(step, y, fixed=False)))
    sheet.finish(step, grid)
    return grid


def _each_position(sheet: Sheet, step: Step, source: Grid) -> Grid:
    """The same weights for each position of a sequence: a row of weights for each output, each times the row of a position."""
    outputs, inputs = step.weights["weight"].value.shape
    templates = sheet.drawn.get(step.weights["weight"].keys)
    if not templates:
        templates = [Rect(CONTENT_ROW, sheet.col, outputs, inputs)]
        sheet.label(CONTENT_ROW - 1, sheet.col, "a row for each output" if outputs > 1 else "weights")
        sheet.draw_weight(step, "weight", templates)
        sheet.col += inputs + 1
    rows = _per_output(templates, outputs)
    if len(rows[0]) > 1 or rows[0][0].height > 1:  # drawn as columns, beside a vector: here once more, as rows
        cells = [place for rect in templates for place in rect.cells()]
        rows = _per_output(sheet.once_more(cells, step.weights["weight"].value, "the weights in rows").rects(), outputs)
    _draw_bias(sheet, step)
    grid = sheet.grid(step.value.shape)

    def formula(number: int) -> str:
        position, output = divmod(number, outputs)
        return formulas.linear([source.line(position)], rows[output], sheet.bias(step, output), "inputs")

    sheet.draw_each(step, grid, formula)
    return grid


def _fits(weights: list[Rect], pieces: list[Rect]) -> bool:
    return [(rect.height, rect.width) for rect in weights] == [(rect.height, rect.width) for rect in pieces]


def _per_output(templates: list[Rect], outputs: int) -> list[list[Rect]]:
    """The rectangles with the weights of each output; one rectangle for all has a row for each."""
    if len(templates) == 1 and templates[0].height == outputs:
        first = templates[0]
        return [[Rect(first.row + output, first.col, 1, first.width)] for output in range(outputs)]
    each = len(templates) // outputs
    return [templates[output * each : (output + 1) * each] for output in range(outputs)]


def _draw_weights(sheet: Sheet, step: Step, pieces: list[Rect]) -> list[Rect]:
    height, width = sum(piece.height + 1 for piece in pieces) - 1, pieces[0].width
    # beside a picture the weights are pictures too, as many one below the other as it is high
    below = max(1, (sheet.plan.last_row + 1 - CONTENT_ROW + 2) // (height + 2)) if width > 1 or len(pieces) > 1 else 1
    across = width + 1 if width > 1 or len(pieces) > 1 else 1
    rects = []
    for o in range(len(step.value)):
        column, row = divmod(o, below)
        top, left = CONTENT_ROW + row * (height + 2), sheet.col + column * across
        sheet.label(top - 1, left, sheet.class_name(step, o))
        for piece in pieces:
            rects.append(Rect(top, left, piece.height, piece.width))
            top += piece.height + 1
    sheet.draw_weight(step, "weight", rects)
    sheet.col = bounds(rects).last_col + 2
    return rects


def _draw_bias(sheet: Sheet, step: Step) -> None:
    """A column with the bias of each output."""
    if "bias" in step.weights and step.weights["bias"].keys not in sheet.drawn:
        sheet.label(CONTENT_ROW - 1, sheet.col, "bias", "column")
        sheet.draw_weight(step, "bias", [Rect(CONTENT_ROW, sheet.col, step.weights["bias"].value.size, 1)], "wide_weight")
        sheet.wide(1)
