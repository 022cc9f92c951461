"""An embedding: a table with a row for each code, in which codes are looked up."""

from course_utils.excel.grid import Grid, Rect
from course_utils.excel.placed import Placed
from course_utils.excel.plan import CONTENT_ROW
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step


def embedding_block(sheet: Sheet, step: Step, source: Placed) -> Grid:
    """The table, its rows numbered as the codes are, and beside it the rows of the codes that are read."""
    weight = step.weights["weight"]
    codes, size = weight.value.shape
    if weight.keys not in sheet.drawn:
        sheet.label(CONTENT_ROW - 1, sheet.col, "code", "column")
        sheet.label_rows(sheet.rows.get(step.path, range(codes)))
        sheet.draw_weight(step, "weight", [Rect(CONTENT_ROW, sheet.col, codes, size)])
        sheet.col += size + 1
    (table,) = sheet.drawn[weight.keys]
    grid = sheet.grid(step.value.shape)

    def formula(number: int) -> str:
        position, column = divmod(number, size)
        return f"INDEX({table.address(fixed=True)},{source.address(position)}+1,{column + 1})"

    sheet.draw_each(step, grid, formula)
    return grid
