"""Putting the layers of a trace on a sheet from left to right, channels one below the other, kernels beside what they make."""

import math
from collections.abc import Mapping, Sequence

from course_utils.excel.blocks import BLOCKS, prediction_block
from course_utils.excel.errors import ExportError
from course_utils.excel.grid import MAX_COLUMNS, MAX_ROWS
from course_utils.excel.plan import Block, Plan
from course_utils.excel.sheet import Sheet
from course_utils.excel.texts import base_name, plain
from course_utils.tracing.steps import Step, Trace
from course_utils.tracing.words import TITLES, by, describe

GAP = 2  # columns between blocks
NARROWEST = 7  # columns that a heading needs


def plan_sheet(
    trace: Trace,
    title: str,
    class_names: Sequence[str | int] | None = None,
    labels: Mapping[str, str] | None = None,
    actual: int | None = None,
) -> Plan:
    """Place every step; `class_names` go beside the last layer, `labels` replace a layer's heading, `actual` is the true class.

    A last step that is a softmax gets the table with prediction, one-hot actuals, cross-entropy and chart.
    """
    sheet = Sheet(trace, title, class_names)
    for step in trace.steps:
        _place(sheet, step, labels or {})
    if trace.steps[-1].kind in ("softmax", "log_softmax"):
        prediction_block(sheet, actual)
    plan = sheet.plan
    if plan.last_row >= MAX_ROWS or plan.last_col >= MAX_COLUMNS:
        raise ExportError(
            f"the sheet would need {plan.last_row + 1:,} rows and {plan.last_col + 1:,} columns, and a sheet has {MAX_ROWS:,} "
            f"and {MAX_COLUMNS:,}; shrink the input or the number of channels"
        )
    return plan


def _place(sheet: Sheet, step: Step, labels: Mapping[str, str]) -> None:
    """One step: its weights, then its numbers, then the heading above both."""
    sources = [sheet.grids[source] for source in step.sources]
    if step.kind == "flatten":  # the same numbers in the same cells
        sheet.grids.append(sources[0])
        return
    sheet.base = base_name(step, sheet.taken)
    first_col, cells = sheet.col, sheet.plan.cells
    sheet.grids.append(BLOCKS[step.kind](sheet, step, *sources))
    pixels = sum(sheet.plan.wide_columns.get(col, 28) for col in range(first_col, sheet.col))
    sheet.col += max(0, math.ceil((NARROWEST * 28 - pixels) / 28))
    kind = TITLES.get(step.kind, step.kind)
    name = step.path if step.path.lower() == kind.lower() else f"{step.path} · {kind}"
    heading = plain(labels.get(step.path, name), 60)
    shape = by(step.value.shape)
    sheet.plan.blocks.append(Block(heading, shape, describe(step), first_col, sheet.col - 1, sheet.plan.cells - cells))
    sheet.col += GAP
