"""A schedule of learning rates as a sheet: the rate of each step is a formula of cycles, and of the full rates."""

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

STEP, DONE, CYCLE, POSITION, SHARE, FIRST = range(1, 7)  # columns; from FIRST on one for each layer group
WARM_UP, START, END = 0.3, 1 / 25, 1e-5  # of one cycle
SAID = {
    "restarts": "(1 + cos(π × position)) / 2",
    "constant": "always 1",
    "one cycle": "half a cosine up in the first 30 %, half a cosine down in the rest",
}


def schedule_workbook(
    path: str | os.PathLike[str], rates: Array, kind: str, lengths: tuple[int, ...], steps_per_epoch: int
) -> Path:
    """Write a fit: the full rate of each layer group, (groups,), the epochs of each cycle, and the rate of each step.

    `kind` is "constant", "restarts" or "one cycle". The rates are cells to edit, and so are the lengths of the cycles,
    as long as these add up to as many epochs.

    >>> import tempfile
    >>> import numpy as np
    >>> file = Path(tempfile.mkdtemp()) / "fit.xlsx"
    >>> schedule_workbook(file, np.array([0.01]), "restarts", (1, 2), 20).name
    'fit.xlsx'
    """
    with replacing(workbook_path(path)) as part, new_book(part) as book:
        page = Page(book, "Schedule", "How the learning rate moves", "Change a full rate, or how long a cycle is.")
        page.sheet.fit_to_pages(1, 0)
        page.widths({STEP: 130, **dict.fromkeys(range(DONE, FIRST + len(rates)), 120)})
        top = _write(page, rates.tolist(), kind, lengths, steps_per_epoch)
        _chart(page, top, steps_per_epoch, sum(lengths), len(rates))
    return Path(path)


def _write(page: Page, rates: list[float], kind: str, lengths: tuple[int, ...], steps_per_epoch: int) -> int:
    """Fill the sheet and give the row of the first step."""
    page.put(3, STEP, "full rate", "right")
    full = []
    for group, rate in enumerate(rates):
        name = "rate" if len(rates) == 1 else f"group {group + 1}"
        page.put(2, DONE + group, name, "heading")
        full.append(page.put(3, DONE + group, rate, "edit_rate"))
    if len(rates) > 1:
        page.put(3, DONE + len(rates), "the last group is the one nearest to the output", "note")
    for col, heading in enumerate(("cycle", "begins after", "epochs"), start=STEP):
        page.put(5, col, heading, "heading")
    begun = 0
    for number, length in enumerate(lengths):
        row = 6 + number
        page.put(row, STEP, number + 1, "count")
        page.put(row, DONE, Formula(f"{cell(row - 1, DONE)}+{cell(row - 1, CYCLE)}" if number else "0", begun), "count")
        page.put(row, CYCLE, length, "edit_count")
        begun += length
    begins, long = (Rect(6, col, len(lengths), 1).address(fixed=True) for col in (DONE, CYCLE))

    top = 6 + len(lengths) + 3
    heads = ("step", "epochs done", "cycle", "position in it", "share of the full rate")
    said = ("", f"{steps_per_epoch} steps in an epoch", "", "0 at its start, up to 1", SAID[kind])
    page.sheet.set_row(top - 2, 36)
    page.sheet.set_row(top - 1, 58)
    for col, (heading, words) in enumerate(zip(heads, said, strict=True), start=STEP):
        page.put(top - 2, col, heading, "heading")
        page.put(top - 1, col, words, "formula")
    for group in range(len(rates)):
        page.put(top - 2, FIRST + group, "rate" if len(rates) == 1 else f"rate of group {group + 1}", "heading")
        page.put(top - 1, FIRST + group, "share × full rate", "formula")

    starts = [sum(lengths[:number]) for number in range(len(lengths))]
    for step in range(steps_per_epoch * begun):
        row, done = top + step, step / steps_per_epoch
        cycle = max(number for number, start in enumerate(starts) if start <= done)
        position = (done - starts[cycle]) / lengths[cycle]
        share = _share(kind, position)
        page.put(row, STEP, step, "count")
        page.put(row, DONE, Formula(f"{cell(row, STEP)}/{steps_per_epoch}", done), "short")
        page.put(row, CYCLE, Formula(f"MATCH({cell(row, DONE)},{begins},1)", cycle + 1), "count")
        within = f"({cell(row, DONE)}-INDEX({begins},{cell(row, CYCLE)}))/INDEX({long},{cell(row, CYCLE)})"
        page.put(row, POSITION, Formula(f"MIN(1,{within})", position), "number")
        page.put(row, SHARE, Formula(_formula(kind, cell(row, POSITION)), share), "number")
        for group, rate in enumerate(rates):
            page.put(row, FIRST + group, Formula(f"{cell(row, SHARE)}*{full[group]}", rate * share), "rate")
    return top


def _share(kind: str, position: float) -> float:
    if kind == "constant":
        return 1.0
    if kind == "restarts":
        return (1 + math.cos(math.pi * position)) / 2
    if position < WARM_UP:
        return START + (1 - START) * (1 - math.cos(math.pi * position / WARM_UP)) / 2
    return 1 + (END - 1) * (1 - math.cos(math.pi * (position - WARM_UP) / (1 - WARM_UP))) / 2


def _formula(kind: str, position: str) -> str:
    if kind == "constant":
        return "1"
    if kind == "restarts":
        return f"(1+COS(PI()*{position}))/2"
    up = f"1/25+24/25*(1-COS(PI()*{position}/{WARM_UP}))/2"
    down = f"1+(0.00001-1)*(1-COS(PI()*({position}-{WARM_UP})/(1-{WARM_UP})))/2"
    return f"IF({position}<{WARM_UP},{up},{down})"


def _chart(page: Page, top: int, steps_per_epoch: int, epochs: int, groups: int) -> None:
    last = top + steps_per_epoch * epochs - 1
    chart = page.book.add_chart({"type": "scatter", "subtype": "straight"})
    for group in range(groups):
        name = "rate" if groups == 1 else f"group {group + 1}"
        places = {"categories": ["Schedule", top, DONE, last, DONE]}
        places["values"] = ["Schedule", top, FIRST + group, last, FIRST + group]
        chart.add_series({"name": name, **places, "line": {"width": 2}})
    chart.set_x_axis({"name": "epochs", "min": 0, "max": epochs})
    chart.set_y_axis({"name": "learning rate", "min": 0, "major_gridlines": {"visible": True, "line": {"color": "#DDDDDD"}}})
    chart.set_legend({"position": "top"})
    chart.set_size({"width": 760, "height": 400})
    page.sheet.insert_chart(3, FIRST + groups + 1, chart)
