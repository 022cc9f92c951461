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
from course_utils.excel.plan import Plan
from course_utils.excel.target import workbook_path
from course_utils.excel.trace import Array, Step, Trace, fuse_relu, trace_model
from course_utils.excel.words import plain

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

    `x` has shape (channels, height, width) with 1-4 channels, or (features,); a batch axis of 1 in front is fine. It is
    a tensor, an array, a list, or a Pillow image, whose 0-255 become 0-1. Weights and
    input are cells to edit; `read_weights` and `read_input` bring them back. `labels` replaces the heading of a layer, by
    its path in the model. A model that ends in two or more outputs gets softmax, prediction and cross-entropy as a last block
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
    trace = trace_model(model, x)
    if fuse_relu_with_layer:
        trace = fuse_relu(trace)
    chosen = _class_number(trace, class_names, actual)
    _add_softmax(trace, probabilities)
    if title is None:
        title = f"{type(model).__name__}, every number a formula"
    plan = plan_sheet(trace, title, class_names, _check_labels(trace, labels), chosen)
    check_size(plan, max_cells)
    from course_utils.excel.writer import write_workbook  # XlsxWriter loads when a workbook is written

    return write_workbook(plan, target, manifest_of(plan, trace))


def check_size(plan: Plan, max_cells: int) -> None:
    """Raise ExportError where the sheet would have more than `max_cells` numbers; it names the largest blocks."""
    if plan.cells > max_cells:
        largest = sorted(plan.blocks, key=lambda block: -block.cells)[:3]
        parts = ", ".join(f"{block.name} {block.cells:,}" for block in largest)
        raise ExportError(
            f"the sheet would have {plan.cells:,} numbers and the limit is {max_cells:,}. Most of them: {parts}. Shrink "
            "the input, the channels or the outputs of those layers, or raise max_cells (above 300,000 a spreadsheet is slow)"
        )


def _add_softmax(trace: Trace, probabilities: bool | None) -> None:
    last = trace.steps[-1]
    several = last.value.ndim == 1 and last.value.size > 1 and last.kind != "input"
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


def _class_number(trace: Trace, class_names: Sequence[str | int] | None, actual: str | int | None) -> int | None:
    outputs = trace.steps[-1].value
    names: list[str | int] = list(range(outputs.size)) if class_names is None else list(class_names)
    if class_names is not None:
        if outputs.ndim != 1 or len(names) != outputs.size:
            raise ExportError(f"{len(names)} class names were given, and the model gives an output of shape {outputs.shape}")
        folded = [plain(name, 60).casefold() for name in names]
        double = sorted({name for name in folded if folded.count(name) > 1})
        if double or "" in folded:
            raise ExportError(
                f"class names must differ, in more than capitals, and not be empty; given: {[str(name) for name in names]}"
            )
    if actual is None:
        return None
    if actual not in names:
        raise ExportError(f"actual={actual!r} is not one of the classes: {names}")
    return names.index(actual)


def _check_labels(trace: Trace, labels: Mapping[str, str] | None) -> Mapping[str, str]:
    paths = [step.path for step in trace.steps]
    unknown = [path for path in labels or {} if path not in paths]
    if unknown:
        raise ExportError(f"labels: the model has no layer {unknown[0]!r}; it has {', '.join(paths)}")
    return labels or {}
