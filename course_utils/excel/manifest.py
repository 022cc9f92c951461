"""What a workbook knows about itself: a hidden sheet with the place of every weight, so that it can be read back."""

from collections.abc import Iterator
from typing import Any

from course_utils.excel.plan import Plan
from course_utils.tracing.steps import Given, Trace

MODEL_SHEET, REFERENCE_SHEET, MANIFEST_SHEET = "Network", "PyTorch", "course_utils"
VERSION = 1
MARK = "course_utils.excel"
PIECE = 30_000  # characters; a cell holds 32,767


def manifest_of(plan: Plan, trace: Trace) -> dict[str, Any]:
    """Where the input and each weight stand (row, column, height, width, steps of each rectangle), their shapes and dtypes."""
    tensors, given = [], iter(trace.inputs)
    for named in plan.named:
        if named.role == "output":
            continue
        rects = [[r.row, r.col, r.height, r.width, r.row_step, r.col_step] for r in named.rects]
        weight = named.weight
        one = next(given) if weight is None else Given("", weight.value.shape, weight.dtype)
        keys = [] if weight is None else list(weight.keys)
        entry: dict[str, Any] = {"name": named.name, "keys": keys, "shape": list(one.shape), "dtype": one.dtype, "rects": rects}
        tensors.append(entry if weight or trace.form == "one" else {**entry, "input": one.name})
    form = {} if trace.form == "one" else {"inputs": trace.form}
    return {"mark": MARK, "version": VERSION, "tensors": tensors, **form, "counters": trace.counters}


def pieces(text: str) -> Iterator[str]:
    """Text cut into pieces that fit a cell."""
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))
