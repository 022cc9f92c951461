"""Activation functions over a column of inputs, each number a formula, with their curves (lecture 1:11:59-1:14:07, 1:17:28)."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from course_utils.excel.book import new_book
from course_utils.excel.grid import cell
from course_utils.excel.page import Page
from course_utils.excel.plan import Formula
from course_utils.excel.target import workbook_path
from course_utils.files import replacing

TOP = 7  # the row of the first input
X = 1  # the column of the inputs
INPUTS = np.arange(-5, 5.25, 0.25)


def activation_workbook(path: str | os.PathLike[str], x: float, leak: float) -> Path:
    """Write ReLU, leaky ReLU with the slope `leak`, sigmoid, tanh, exp and log of one input `x` and of many, as formulas.

    >>> import tempfile
    >>> activation_workbook(Path(tempfile.mkdtemp()) / "curves.xlsx", x=1.0, leak=0.1).name
    'curves.xlsx'
    """
    with replacing(workbook_path(path)) as part, new_book(part) as book:
        note = "Change a blue number: the input that you want to look at, or the slope of leaky ReLU."
        page = Page(book, "Activations", "Activation functions: one number in, one number out", note)
        _write(page, x, leak)
    return Path(path)


def _write(page: Page, x: float, leak: float) -> None:
    page.put(3, X, "slope of leaky ReLU", "right")
    slope = page.put(3, X + 1, leak, "edit")
    functions: dict[str, tuple[str, Callable[[str], str], Callable[[float], float]]] = {
        "ReLU": ("MAX(0, x)", lambda a: f"MAX(0,{a})", lambda v: max(0.0, v)),
        "leaky ReLU": ("MAX(slope × x, x)", lambda a: f"MAX({slope}*{a},{a})", lambda v: max(leak * v, v)),
        "sigmoid": ("1 / (1 + EXP(-x))", lambda a: f"1/(1+EXP(-{a}))", lambda v: 1 / (1 + np.exp(-v))),
        "tanh": ("TANH(x)", lambda a: f"TANH({a})", np.tanh),
        "exp": ("EXP(x)", lambda a: f"EXP({a})", np.exp),
        "log of exp": ("LN(EXP(x))", lambda a: f"LN(EXP({a}))", lambda v: v),
    }
    page.widths({X: 170, **dict.fromkeys(range(X + 1, X + 1 + len(functions)), 120)})
    page.put(TOP - 2, X, "input x", "heading")
    for column, (name, (words, _, _)) in enumerate(functions.items(), start=X + 1):
        page.put(TOP - 2, column, name, "heading")
        page.put(TOP - 1, column, words, "formula")
    for row, value in enumerate([x, *INPUTS.tolist()], start=TOP):
        page.put(row, X, float(value), "edit")
        for column, (_, formula, compute) in enumerate(functions.values(), start=X + 1):
            page.put(row, column, Formula(formula(cell(row, X)), float(compute(value))), "result" if row == TOP else "number")
    chart = page.book.add_chart({"type": "scatter", "subtype": "straight"})
    last = TOP + len(INPUTS)
    for column, name in enumerate(list(functions)[:4], start=X + 1):
        places = {"categories": ["Activations", TOP + 1, X, last, X], "values": ["Activations", TOP + 1, column, last, column]}
        chart.add_series({"name": name, **places})
    chart.set_y_axis({"min": -1.5, "max": 5, "major_gridlines": {"visible": True, "line": {"color": "#DDDDDD"}}})
    chart.set_x_axis({"min": -5, "max": 5})
    chart.set_legend({"position": "top"})
    chart.set_size({"width": 620, "height": 420})
    page.sheet.insert_chart(3, X + 2 + len(functions), chart)
