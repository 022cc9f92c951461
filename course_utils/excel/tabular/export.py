"""A network for tables as a workbook: lists and cells to choose in, all the way to the prediction by formula."""

import copy
import math
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from course_utils.excel.errors import ExportError
from course_utils.excel.export import MAX_CELLS, add_softmax, check_size
from course_utils.excel.grid import cell
from course_utils.excel.layout import plan_sheet
from course_utils.excel.manifest import MODEL_SHEET, manifest_of
from course_utils.excel.options import checked_options, class_names_of
from course_utils.excel.plan import Formula, Plan
from course_utils.excel.tabular.columns import Row, read_row
from course_utils.excel.tabular.learnt import parts_of
from course_utils.excel.tabular.limits import checked_limits, training_limits
from course_utils.excel.tabular.meaning import meaning_of
from course_utils.excel.tabular.sheet import SHEET, Result, places, write_predict
from course_utils.excel.target import workbook_path
from course_utils.excel.texts import plain
from course_utils.excel.writer import write_workbook
from course_utils.tracing.errors import TraceError
from course_utils.tracing.steps import Trace
from course_utils.tracing.trace import trace_model
from course_utils.tracing.wrapped import inside


def export_tabular(
    learner: Any,
    row: Any,
    path: str | os.PathLike[str],
    title: str | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
    max_cells: int = MAX_CELLS,
) -> Path:
    """Write a network for tables as a workbook in which one chooses a row and reads the prediction; it begins with `row`.

    The first sheet has a list for each category, a cell for each number on its own scale, and the prediction on the target's
    own scale. Codes, missing values and scales are formulas there, as the learner's preprocessing has them; embeddings, layers
    and outputs stand on the sheet Network, as `export_model` writes them. An unknown category counts as code 0 and an empty
    number as the median; what the learner refuses is refused, in words.

    Args:
        learner: a learner for tables (`course_utils.tabular.tabular_learner`), or a predictor for rows of a table.
        row: one row of a table, as `frame.head(1)`, `frame.iloc[0]` or a dictionary by the names of its columns.
        path: the workbook to write, NAME.xlsx.
        title: what the first sheet is called.
        limits: the lowest and highest number of columns, to be shown beside them; by default those of the training rows, for
            which these are read once. A predictor has none.
        max_cells: how many numbers the sheet Network may have.

    Raises:
        ExportError: for something that is not a learner for tables or not a row, and for all that `export_model` refuses.
        TableError: for a row that the learner cannot take, as one without a column.

    >>> import tempfile
    >>> from course_utils.lessons.sales import first_row, sales_predictor
    >>> row = {**first_row(), "Store": 7}
    >>> export_tabular(sales_predictor(), row, Path(tempfile.mkdtemp(), "sales.xlsx"), title="What will it sell?").name
    'sales.xlsx'
    """
    target = workbook_path(path)
    options = checked_options(title, None, None, False, max_cells)
    model, source = parts_of(learner)
    known = source.preprocessor
    given = read_row(row, known, training_limits(learner) if limits is None else checked_limits(limits, known))
    trace = _traced(model, given)
    outputs = trace.steps[-1].value.size
    meaning = meaning_of(source.activation, outputs)
    if meaning.softmax:
        add_softmax(trace, True)
    classes = getattr(source, "classes", None) if outputs > 1 else None
    names = class_names_of(classes, trace.steps[-1].value.shape)
    labels, rows = _names(trace, given)
    plan = plan_sheet(trace, "The network, every number a formula", names if classes else None, labels, rows=rows)
    check_size(plan, options.max_cells)
    _feed(plan, places(given, outputs))
    asked = getattr(source, "target", None)
    called = [str(name) for name in names] if outputs > 1 else [plain(asked or "prediction", 60)]
    results = []
    for name, place, output in zip(called, _output_cells(plan, outputs), trace.steps[-1].value.reshape(-1), strict=True):
        address = f"{MODEL_SHEET}!{cell(*place, fixed=True)}"
        value = float(meaning.of(torch.tensor([output], dtype=torch.float64)))
        if not math.isfinite(value):
            raise ExportError(
                f"the prediction of this row is too large for a number: {meaning.words}, and the network gives {output:g}; "
                "begin with a row more like those that it was trained on"
            )
        results.append(Result(name, Formula(address, float(output)), Formula(meaning.formula(address), value)))
    heading = plain(options.title or f"{asked or 'The prediction'} of one row: choose it, and read what the network says")
    front = partial(write_predict, title=heading, row=given, results=results, meaning=meaning.words)
    return write_workbook(plan, target, manifest_of(plan, trace), front)


def _traced(model: nn.Module, row: Row) -> Trace:
    """One run of the model on the codes and values of the row, in float64; a part that has no columns is left out."""
    model = copy.deepcopy(model).cpu()
    codes, values = torch.from_numpy(row.codes), torch.from_numpy(row.values)
    x: Any = (codes, values)
    bare: Any = inside(model)[0]
    forward = type(bare).forward
    if not len(values):
        x = codes
        _narrow(bare, lambda self, codes: forward(self, codes, _NONE))
    elif not len(codes):
        x = values
        _narrow(bare, lambda self, values: forward(self, _NONE, values))
    try:
        trace = trace_model(model, x)
    except TraceError as error:
        raise ExportError(str(error)) from error.__cause__
    given = [words for words, part in ((_CODES, codes), (_VALUES, values)) if len(part)]
    for step, words in zip(trace.steps, given, strict=False):
        step.settings["words"] = words
    return trace


_NONE = torch.empty(1, 0, dtype=torch.float64)
_CODES = f"Which of its categories each column has, from the sheet {SHEET}."
_VALUES = f"The scaled numbers, and whether one was missing, from the sheet {SHEET}."


def _narrow(model: nn.Module, forward: Any) -> None:
    """Give this one model another forward."""
    model.__class__ = type(type(model).__name__, (type(model),), {"forward": forward})


def _names(trace: Trace, row: Row) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Headings of embeddings and names of rows, by the paths of steps: columns at the inputs, categories in the tables."""
    given = [[column.name for column in row.categories]] if row.categories else []
    flags = [f"{column.name} missing" for column in row.numbers if column.flagged]
    given += [[*(column.name for column in row.numbers), *flags]] if row.numbers else []
    rows = {step.path: [plain(name, 40) for name in names] for step, names in zip(trace.steps, given, strict=False)}
    labels = {}
    for step in trace.steps:
        found = re.fullmatch(r"(?:.*\.)?embeddings\.(\d+)", step.path) if step.kind == "embedding" else None
        if not found or int(found[1]) >= len(row.categories):
            continue
        column = row.categories[int(found[1])]
        if len(step.weights["weight"].value) == len(column.known) + 1:
            labels[step.path] = f"embedding of {column.name}"
            rows[step.path] = ["0 unknown", *(_numbered(code, name) for code, name in enumerate(column.known, start=1))]
    return labels, rows


def _numbered(code: int, name: Any) -> str:
    """A category with its code before it."""
    text = f"{name:g}" if isinstance(name, float) else str(name)
    return plain(f"{code} {text}" if text != str(code) else text, 40)


def _feed(plan: Plan, cells: list[str]) -> None:
    """Let the inputs of the network be what the first sheet makes of the row."""
    inputs = [rect for named in plan.named if named.role == "input" for rect in named.rects]
    left = iter(cells)
    for number, area in enumerate(plan.areas):
        if area.rect in inputs:
            texts = np.array([f"{SHEET}!{next(left)}" for _ in range(area.values.size)], object).reshape(area.values.shape)
            style = "wide_count" if "whole" in area.style else "wide"
            plan.areas[number] = replace(area, style=style, formula=partial(_text_at, texts))


def _text_at(texts: NDArray[np.object_], y: int, x: int) -> str:
    return str(texts[y, x])


def _output_cells(plan: Plan, outputs: int) -> list[tuple[int, int]]:
    """Where the last layer's numbers are; a loss that follows it does not count."""
    last = next(named for named in reversed(plan.named) if named.role == "output" and named.title != "cross-entropy")
    found = [place for rect in last.rects for place in rect.cells()]
    assert len(found) == outputs
    return found
