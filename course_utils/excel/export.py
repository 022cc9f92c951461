"""Any small PyTorch network, with any input, as a workbook in which every activation is one live formula."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from course_utils.excel.errors import ExportError
from course_utils.excel.layout import plan_sheet
from course_utils.excel.manifest import manifest_of
from course_utils.excel.options import checked_options, class_names_of, number_of
from course_utils.excel.plan import Plan
from course_utils.excel.target import workbook_path
from course_utils.excel.writer import write_workbook
from course_utils.tracing.errors import TraceError
from course_utils.tracing.fuse import fuse_relu
from course_utils.tracing.recurrent import ROWS
from course_utils.tracing.steps import Array, Step, Trace
from course_utils.tracing.trace import trace_model

MAX_CELLS = 300_000


def export_model(
    model: nn.Module,
    x: Any,
    path: str | os.PathLike[str],
    class_names: Sequence[str | int] | None = None,
    title: str | None = None,
    labels: Mapping[str, str] | None = None,
    actual: str | int | None = None,
    probabilities: bool | None = None,
    fuse_relu_with_layer: bool = False,
    max_cells: int = MAX_CELLS,
) -> Path:
    """Write `model` at work on one input `x` as a workbook of live formulas, the value that PyTorch gives beside each.

    `x` has shape (channels, height, width) with 1-4 channels, or (features,); a batch axis of 1 in front is fine. It is a
    tensor, an array, a list or a Pillow image. A picture of bytes (a Pillow image, or uint8 in an array or tensor, channels
    first or last) becomes 0-1, as a network reads it, and a line says so; all other numbers go in as they are. Weights and
    input are cells to edit; `read_weights` and `read_input` bring them back. `labels` replaces the heading of a layer, by its
    path in the model. A model that ends in two or more outputs gets softmax, prediction and cross-entropy as a last block
    unless `probabilities` is False; `class_names` stand beside its outputs and `actual`, one of them, is the true class (by
    default what is predicted). `fuse_relu_with_layer` writes MAX(0, ...) around the layer before a ReLU, as the lecture
    does (0:54:03).

    Raises ExportError for a path that does not end in .xlsx, a layer that cannot be shown, an input or class names that do
    not fit, and a sheet of more than `max_cells` numbers; FileError where the system does not let the file be written. A file
    at `path` then stays as it was.

    >>> import tempfile, torch
    >>> model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(32, 2))
    >>> file = export_model(model, torch.rand(1, 6, 6), Path(tempfile.mkdtemp()) / "small.xlsx", class_names=["cat", "dog"])
    >>> file.name
    'small.xlsx'
    """
    target = workbook_path(path)
    options = checked_options(title, labels, probabilities, fuse_relu_with_layer, max_cells)
    try:
        trace = trace_model(model, x)
    except TraceError as error:
        raise ExportError(str(error)) from error.__cause__
    if options.fused:
        trace = fuse_relu(trace)
    names = class_names_of(class_names, trace.steps[-1].value.shape)
    add_softmax(trace, options.probabilities)
    chosen = number_of(actual, names, trace.steps[-1])
    title = f"{type(model).__name__}, every number a formula" if options.title is None else options.title
    plan = plan_sheet(trace, title, None if class_names is None else names, _check_labels(trace, options.labels), chosen)
    check_size(plan, options.max_cells)
    written = write_workbook(plan, target, manifest_of(plan, trace))
    if any(step.settings.get("scaled") for step in trace.steps):
        print("x is a picture of bytes, so its 0-255 went in as 0-1; give floats where other numbers should go in")
    return written


def check_size(plan: Plan, max_cells: float) -> None:
    """Raise ExportError where the sheet would have more than `max_cells` numbers; it names the largest blocks."""
    if plan.cells > max_cells:
        largest = sorted(plan.blocks, key=lambda block: -block.cells)[:3]
        parts = ", ".join(f"{block.name} {block.cells:,}" for block in largest)
        raise ExportError(
            f"the sheet would have {plan.cells:,} numbers and the limit is {max_cells:,}. Most of them: {parts}. Shrink "
            "the input, the channels or the outputs of those layers, or raise max_cells (above 300,000 a spreadsheet is slow)"
        )


def add_softmax(trace: Trace, probabilities: bool | None) -> None:
    """A softmax as the last step, where outputs stand for classes: as `probabilities` says, or where there are several."""
    last = trace.steps[-1]
    before = trace.steps[last.sources[0]] if last.kind == "flatten" else last
    if before.kind in ("softmax", "log_softmax") and before is trace.steps[-2] and before.value.shape == last.value.shape:
        last = before  # softmax(x).squeeze(0): the same numbers, which have their probabilities already
        trace.steps.pop()
    several = last.value.ndim == 1 and last.value.size > 1 and last.kind != "input"
    if probabilities is None and last.kind == "move" and trace.steps[last.sources[0]].kind in ROWS:
        return  # the state of a recurrent layer alone stands for no classes
    if last.kind in ("softmax", "log_softmax") or not (several if probabilities is None else probabilities):
        return
    if not several:
        raise ExportError(
            f"probabilities=True needs a vector of two or more outputs, and the model gives shape {last.value.shape}"
        )
    trace.steps.append(Step("softmax", "softmax", (len(trace.steps) - 1,), softmax(last.value)))


def softmax(logits: Array) -> Array:
    """exp(x) over the sum of all exp(x).

    >>> softmax(np.array([0.0, 0.0])).tolist()
    [0.5, 0.5]
    """
    exponentials: Array = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()


def _check_labels(trace: Trace, labels: Mapping[str, str]) -> Mapping[str, str]:
    paths = [step.path for step in trace.steps if step.kind not in ("flatten", "move")]  # which compute nothing
    unknown = [path for path in labels if path not in paths]
    if unknown:
        raise ExportError(f"labels: the sheet has no layer {unknown[0]!r}; it has {', '.join(paths)}")
    return labels
