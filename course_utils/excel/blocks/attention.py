"""Attention: queries, keys and values of each head, scores, shares and their mixture, one head below the other."""

from course_utils.excel import formulas
from course_utils.excel.grid import Grid, Rect, cell
from course_utils.excel.placed import Placed
from course_utils.excel.plan import CONTENT_ROW
from course_utils.excel.products import dot
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step


def to_heads_block(sheet: Sheet, step: Step, source: Placed) -> Grid:
    """The weights of each head, a row for each feature of it, and beside them what they make of each position."""
    heads, positions, size = step.value.shape
    inputs = step.weights["weight"].value.shape[1]
    pitch = max(positions, size) + 2
    for role, width in (("weight", inputs), ("bias", 1)):
        if role in step.weights and step.weights[role].keys not in sheet.drawn:
            for head in range(heads):
                text = f"weights of head {head + 1}" if heads > 1 else "weights"
                sheet.label(CONTENT_ROW - 1 + head * pitch, sheet.col, text if role == "weight" else "bias")
            sheet.draw_weight(step, role, [Rect(CONTENT_ROW + head * pitch, sheet.col, size, width) for head in range(heads)])
            sheet.col += width + 1
    rows, biases = sheet.weight_places(step, "weight"), sheet.weight_places(step, "bias")
    grid = sheet.grid(step.value.shape, pitch)

    def formula(number: int) -> str:
        head, rest = divmod(number, positions * size)
        position, feature = divmod(rest, size)
        unit = head * size + feature
        seen = [source.flat(position * inputs + n) for n in range(inputs)]
        terms = [dot(seen, rows[unit * inputs : (unit + 1) * inputs], fixed=True)]
        return "+".join([*terms, *(cell(*place, fixed=True) for place in biases[unit : unit + 1])])

    sheet.draw_each(step, grid, formula)
    return grid


def scores_block(sheet: Sheet, step: Step, queries: Placed, keys: Placed) -> Grid:
    """Each query times each key, over the root of their length."""
    rows, columns = step.value.shape[-2:]
    size = sheet.steps[step.sources[0]].value.shape[-1]
    scale, added = step.settings["scale"], step.settings["added"]
    over = f"/SQRT({size})" if scale is None else f"*{formulas.number(scale)}"
    grid = sheet.grid(step.value.shape)

    def formula(number: int) -> str:
        head, rest = divmod(number, rows * columns)
        row, column = divmod(rest, columns)
        query = [queries.flat((head * rows + row) * size + n) for n in range(size)]
        key = [keys.flat((head * columns + column) * size + n) for n in range(size)]
        made = dot(query, key)
        made = f"({made})" if "+" in made and "(" not in made.split("+")[-1] else made
        extra = added[head][row][column] if added else 0
        return f"{made}{over}" + (f"+({formulas.number(extra)})" if extra else "")

    sheet.draw_each(step, grid, formula)
    return grid


def matmul_block(sheet: Sheet, step: Step, first: Placed, second: Placed) -> Grid:
    """Each row of one matrix times each column of another."""
    left, right = (sheet.steps[source].value for source in step.sources)
    rows, columns = step.value.shape[-2:]
    count = left.shape[-1]
    grid = sheet.grid(step.value.shape)

    def formula(number: int) -> str:
        head, rest = divmod(number, rows * columns)
        row, column = divmod(rest, columns)
        own, other = (head if each.ndim == 3 else 0 for each in (left, right))
        across = [first.flat((own * rows + row) * count + n) for n in range(count)]
        down = [second.flat((other * count + n) * columns + column) for n in range(count)]
        return dot(across, down)

    sheet.draw_each(step, grid, formula)
    return grid
