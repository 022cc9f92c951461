"""Attention: queries, keys and values of each head, scores, shares and their mixture, one head below the other."""

import numpy as np

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
    scale, added = step.settings["scale"], step.settings["added"]
    over = f"/SQRT({step.settings['left'].shape[1]})" if scale is None else f"*{formulas.number(scale)}"
    extras = np.zeros(step.value.size) if added is None else np.array(added).reshape(-1)
    grid = sheet.grid(step.value.shape)

    def formula(number: int) -> str:
        made = _product(step, queries, keys, number)
        made = f"({made})" if "+" in made and "(" not in made.split("+")[-1] else made
        return f"{made}{over}" + (f"+({formulas.number(extras[number])})" if extras[number] else "")

    sheet.draw_each(step, grid, formula)
    return grid


def matmul_block(sheet: Sheet, step: Step, first: Placed, second: Placed) -> Grid:
    """Each row of one matrix times each column of another; a vector is one row or one column."""
    grid = sheet.vector(step.value.size, "output") if step.value.ndim == 1 else sheet.grid(step.value.shape)
    sheet.draw_each(step, grid, lambda number: _product(step, first, second, number))
    return grid


def _product(step: Step, first: Placed, second: Placed, number: int) -> str:
    """The numbers of both tensors that make one number, each times its own, added up."""
    left, right = (step.settings[side][number].tolist() for side in ("left", "right"))
    return dot([first.flat(place) for place in left], [second.flat(place) for place in right])
