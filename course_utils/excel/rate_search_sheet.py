"""A search for a learning rate as a sheet: the losses of mini-batches, smoothed by formulas, and what rate they suggest."""

import math
import os
from pathlib import Path

from course_utils.excel.book import new_book
from course_utils.excel.grid import Rect, cell
from course_utils.excel.page import Page
from course_utils.excel.plan import Formula
from course_utils.excel.target import workbook_path
from course_utils.files import replacing
from course_utils.tracing.steps import Array

TOP = 9  # the row of the first step
STEP, RATE, LOSS, AVERAGE, SMOOTHED, FALL = range(1, 7)
FEWEST = 10  # with fewer steps nothing can be said
UNSAID = "cannot be said"


def rate_search_workbook(path: str | os.PathLike[str], rates: Array, losses: Array, smoothing: float) -> Path:
    """Write the rate and the loss of each step, (steps,) both; the losses and the smoothing, from 0 to below 1, are to edit.

    >>> import tempfile
    >>> import numpy as np
    >>> file = Path(tempfile.mkdtemp()) / "search.xlsx"
    >>> rate_search_workbook(file, np.array([0.1, 0.2]), np.array([2.0, 1.0]), 0.9).name
    'search.xlsx'
    """
    with replacing(workbook_path(path)) as part, new_book(part) as book:
        said = "Change the smoothing, or a loss, and see which rate is suggested then."
        page = Page(book, "Search", "A learning rate is looked for", said)
        page.sheet.fit_to_pages(1, 0)
        page.widths({STEP: 150, **dict.fromkeys(range(RATE, FALL + 1), 130)})
        _write(page, rates.tolist(), losses.tolist(), smoothing)
        _chart(page, len(rates))
    return Path(path)


def _write(page: Page, rates: list[float], losses: list[float], smoothing: float) -> None:
    count, last = len(rates), TOP + len(rates) - 1
    page.put(3, STEP, "smoothing", "right")
    keep = page.put(3, RATE, smoothing, "edit")
    page.put(3, LOSS, "how much of the average before stays in the next: 0.9 in the course", "note")
    headings = {
        STEP: ("step", ""),
        RATE: ("learning rate", ""),
        LOSS: ("loss", "of one mini-batch"),
        AVERAGE: ("average", "smoothing × the one before + (1 − smoothing) × loss"),
        SMOOTHED: ("smoothed", "average / (1 − smoothing ^ step)"),
        FALL: ("change", "from the step before to the step after, up to the lowest"),
    }
    page.sheet.set_row(TOP - 1, 46)
    for col, (heading, said) in headings.items():
        page.put(TOP - 2, col, heading, "heading")
        page.put(TOP - 1, col, said, "formula")

    average, power, smoothed = 0.0, 1.0, list[float]()
    for number, loss in enumerate(losses):
        average, power = smoothing * average + (1 - smoothing) * loss, power * smoothing
        smoothed.append(average / (1 - power))
        row = TOP + number
        page.put(row, STEP, number + 1, "count")
        page.put(row, RATE, rates[number], "rate")
        page.put(row, LOSS, loss, "edit")
        before = f"{keep}*{cell(row - 1, AVERAGE)}+" if number else ""
        page.put(row, AVERAGE, Formula(f"{before}(1-{keep})*{cell(row, LOSS)}", average), "number")
        page.put(row, SMOOTHED, Formula(f"{cell(row, AVERAGE)}/(1-{keep}^{cell(row, STEP)})", smoothed[-1]), "number")
    rate, curve, falls = (Rect(TOP, col, count, 1).address(fixed=True) for col in (RATE, SMOOTHED, FALL))
    lowest = smoothed.index(min(smoothed))
    there = count >= FEWEST and lowest >= 2
    at = f"MATCH(MIN({curve}),{curve},0)"
    tenth = max(1, count // 10)  # of the steps: left out, since the mean of few losses jumps
    first = min(tenth, lowest - 1)
    changes = [smoothed[n + 1] - smoothed[n - 1] for n in range(first, lowest)] if there else [0.0]
    for row in range(TOP + 1, last):
        change = smoothed[row - TOP + 1] - smoothed[row - TOP - 1]
        counted = f"AND({cell(row, STEP)}<{at},{cell(row, STEP)}>MIN({tenth},{at}-2))"
        made = f'IF({counted},{cell(row + 1, SMOOTHED)}-{cell(row - 1, SMOOTHED)},"")'
        page.put(row, FALL, Formula(made, change if first <= row - TOP < lowest else ""), "number")
    steepest = rates[changes.index(min(changes)) + first] if there else 0.0

    def unless(formula: str) -> str:
        return f'IF(OR({count}<{FEWEST},{at}<3),"{UNSAID}",{formula})'

    best, fastest = f"INDEX({rate},{at})", f"INDEX({rate},MATCH(MIN({falls}),{falls},0))"
    answers = (
        ("lowest at", best, rates[lowest], "here the trouble begins"),
        ("steepest at", fastest, steepest, "where the smoothed loss falls fastest, after a tenth of the steps"),
        (
            "suggested",
            f"SQRT({cell(5, RATE)}*{cell(4, RATE)}/10)",
            math.sqrt(steepest * rates[lowest] / 10),
            "halfway between the steepest and a tenth of the lowest: the rule of the lessons",
        ),
    )
    for row, (name, formula, value, note) in enumerate(answers, start=4):
        page.put(row, STEP, name, "right")
        page.put(row, RATE, Formula(unless(formula), value if there else UNSAID), "rate")
        page.put(row, LOSS, note, "note")


def _chart(page: Page, count: int) -> None:
    chart = page.book.add_chart({"type": "scatter"})
    last = TOP + count - 1
    rates = ["Search", TOP, RATE, last, RATE]
    dots = {"marker": {"type": "circle", "size": 4, "fill": {"color": "#7FB8D8"}, "border": {"none": True}}}
    chart.add_series({"name": "loss", "categories": rates, "values": ["Search", TOP, LOSS, last, LOSS], **dots})
    line = {"marker": {"type": "none"}, "line": {"color": "#222222", "width": 2}}
    chart.add_series({"name": "smoothed", "categories": rates, "values": ["Search", TOP, SMOOTHED, last, SMOOTHED], **line})
    chart.set_x_axis({"name": "learning rate", "log_base": 10, "crossing": "min", "num_format": "0E+00"})
    chart.set_y_axis({"name": "loss", "major_gridlines": {"visible": True, "line": {"color": "#DDDDDD"}}})
    chart.set_legend({"position": "top"})
    chart.set_size({"width": 760, "height": 420})
    page.sheet.insert_chart(3, FALL + 2, chart)
