"""A fully connected layer: a weight for every input of every output."""

from course_utils.excel import formulas
from course_utils.excel.grid import Grid, Rect, bounds
from course_utils.excel.plan import CONTENT_ROW
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step


def linear_block(sheet: Sheet, step: Step, source: Grid) -> Grid:
    """One weight for each number that is read, drawn in the shape of what is read, and a column of outputs."""
    weight = step.weights["weight"]
    outputs = weight.value.shape[0]
    pieces = source.rects()  # each output has one weight for each cell of these
    if weight.keys not in sheet.drawn:
        height, width = sum(piece.height + 1 for piece in pieces) - 1, pieces[0].width
        # beside a picture the weights are pictures too, as many one below the other as it is high
        below = max(1, (sheet.plan.last_row + 1 - CONTENT_ROW + 2) // (height + 2)) if width > 1 or len(pieces) > 1 else 1
        across = width + 1 if width > 1 or len(pieces) > 1 else 1
        rects = []
        for o in range(outputs):
            column, row = divmod(o, below)
            top, left = CONTENT_ROW + row * (height + 2), sheet.col + column * across
            sheet.label(top - 1, left, sheet.class_name(step, o))
            for piece in pieces:
                rects.append(Rect(top, left, piece.height, piece.width))
                top += piece.height + 1
        sheet.draw_weight(step, "weight", rects)
        sheet.col = bounds(rects).last_col + 2
    templates = sheet.drawn[weight.keys]
    sheet.label_column(step, outputs)
    if "bias" in step.weights and step.weights["bias"].keys not in sheet.drawn:
        sheet.label(CONTENT_ROW - 1, sheet.col, "bias", "column")
        sheet.draw_weight(step, "bias", [Rect(CONTENT_ROW, sheet.col, outputs, 1)], "wide_weight")
        sheet.wide(1)
    grid = sheet.vector(outputs, "output")

    def formula(y: int, x: int) -> str:
        own = templates[y * len(pieces) : (y + 1) * len(pieces)]
        return formulas.linear(pieces, own, sheet.bias(step, y, fixed=False))

    sheet.draw(step, grid, 0, formula)
    sheet.finish(step, grid)
    return grid
