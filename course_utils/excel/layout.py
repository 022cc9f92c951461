"""Putting the layers of a trace on a sheet from left to right, channels one below the other, kernels beside what they make."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from course_utils.excel.blocks import BLOCKS, ONE_BY_ONE, prediction_block
from course_utils.excel.errors import ExportError
from course_utils.excel.follow.find import layers_to_follow
from course_utils.excel.grid import MAX_COLUMNS, MAX_ROWS, Grid
from course_utils.excel.placed import Placed, as_grid, gathered
from course_utils.excel.plan import Block, Plan
from course_utils.excel.sheet import Sheet
from course_utils.excel.texts import base_name, plain
from course_utils.tracing import joins, moves
from course_utils.tracing.steps import Step, Trace
from course_utils.tracing.words import by, describe, title_of

TABLES = (moves.METHODS, moves.FUNCTIONS, joins.METHODS, joins.FUNCTIONS)
OPERATIONS = {getattr(function, "__name__", function) for table in TABLES for function in table}  # their names in a graph
GAP = 2  # columns between blocks
NARROWEST = 7  # columns that a heading needs


def plan_sheet(
    trace: Trace,
    title: str,
    class_names: Sequence[str | int] | None = None,
    labels: Mapping[str, str] | None = None,
    actual: int | None = None,
    rows: Mapping[str, Sequence[str]] | None = None,
) -> Plan:
    """Place every step; `class_names` go beside the last layer, `labels` replace a layer's heading, `actual` is the true class.

    `rows` names the numbers of an input that is a vector, and the rows of an embedding's table, by the path of the step.
    A last step that is a softmax gets the table with prediction, one-hot actuals, cross-entropy and chart.
    """
    sheet = Sheet(trace, title, class_names, rows)
    for step in trace.steps:
        _place(sheet, step, labels or {})
    if trace.steps[-1].kind in ("softmax", "log_softmax"):
        prediction_block(sheet, actual)
    plan = sheet.plan
    plan.followed = layers_to_follow(sheet)
    if plan.last_row >= MAX_ROWS or plan.last_col >= MAX_COLUMNS:
        raise ExportError(
            f"the sheet would need {plan.last_row + 1:,} rows and {plan.last_col + 1:,} columns, and a sheet has {MAX_ROWS:,} "
            f"and {MAX_COLUMNS:,}; shrink the input or the number of channels"
        )
    return plan


def _place(sheet: Sheet, step: Step, labels: Mapping[str, str]) -> None:
    """One step; what only moves numbers has no block until a layer needs them side by side, or nothing follows."""
    if step.kind not in ("flatten", "move"):
        sources = [
            sheet.grids[source] if step.kind in ONE_BY_ONE else _side_by_side(sheet, source, labels) for source in step.sources
        ]
        sheet.grids.append(_draw(sheet, step, sources, labels))
        return
    placed = [sheet.grids[source] for source in step.sources]
    sheet.grids.append(placed[0] if step.kind == "flatten" else gathered(placed, step.settings["index"]))
    if step is sheet.steps[-1]:
        _side_by_side(sheet, len(sheet.grids) - 1, labels)


def _side_by_side(sheet: Sheet, number: int, labels: Mapping[str, str]) -> Grid:
    """The grid of a step's numbers, in its shape; where they are scattered they are drawn once more."""
    step, placed = sheet.steps[number], sheet.grids[number]
    grid = as_grid(placed, step.value.shape)
    if grid is None:
        drawn = step if step.kind == "move" else replace(step, kind="move", settings={"title": "reshaped"}, weights={})
        grid = _draw(sheet, drawn, [placed], labels)
    sheet.grids[number] = grid
    return grid


def _draw(sheet: Sheet, step: Step, sources: Sequence[Placed], labels: Mapping[str, str]) -> Grid:
    """The block of one step: its weights, then its numbers, then the heading above both."""
    sheet.base = base_name(step, sheet.taken)
    first_col, cells = sheet.col, sheet.plan.cells
    grid = BLOCKS[step.kind](sheet, step, *sources)
    pixels = sum(sheet.plan.wide_columns.get(col, 28) for col in range(first_col, sheet.col))
    sheet.col += max(0, math.ceil((NARROWEST * 28 - pixels) / 28))
    kind = title_of(step)
    path = step.path.removesuffix(f".{kind}")  # of a part of a layer that is called what it is
    module, _, last = path.rpartition(".")
    if re.sub(r"_\d+$", "", last) in OPERATIONS:  # the graph calls it after its operation: add, add_1
        path = module
    name = f"{path} · {kind}" if path and path.lower() != kind.lower() else path or kind
    heading = plain(labels.get(step.path, name), 60)
    shape = by(step.value.shape)
    sheet.plan.blocks.append(Block(heading, shape, describe(step), first_col, sheet.col - 1, sheet.plan.cells - cells))
    sheet.col += GAP
    return grid
