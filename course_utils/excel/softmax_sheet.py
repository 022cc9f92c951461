"""The lecture's softmax sheet (1:14:12-1:20:18): fresh random numbers at each recalculation, and what softmax makes of them."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from course_utils.excel.book import new_book
from course_utils.excel.grid import Rect, cell
from course_utils.excel.page import Page
from course_utils.excel.plan import Formula
from course_utils.excel.target import workbook_path
from course_utils.files import replacing

CLASSES = ("cat", "dog", "plane", "fish", "building")
TOP = 10
NAME, LOGIT, POWER, SOFTMAX, SIGMOID, ACTUAL, LOSS = range(1, 8)


def softmax_workbook(path: str | os.PathLike[str], logits: Sequence[float] | None = None) -> Path:
    """Five logits, their exponentials, softmax and, beside it, sigmoid; one-hot actuals and cross-entropy.

    The logits are fresh random numbers at each recalculation, or those given.
    """
    note = "Press F9 (in a browser: change any cell) for fresh random numbers, or type your own over the blue ones."
    if logits is not None:
        note = "Change a blue number and watch the rest."
    with replacing(workbook_path(path)) as part, new_book(part) as book:
        page = Page(
            book,
            "Softmax",
            "Softmax picks one, sigmoid need not",
            note,
        )
        page.widths({NAME: 190, **dict.fromkeys(range(2, 8), 130)})
        _write(page, logits)
    return Path(path)


def _write(page: Page, given: Sequence[float] | None) -> None:
    page.put(3, 1, "base of the power", "right")
    base = page.put(3, 2, Formula("EXP(1)", math.e), "edit")
    page.put(3, 3, "e = 2.718...; another base has the effect of another temperature", "note")
    page.put(4, 1, "temperature", "right")
    temperature = page.put(4, 2, 1.0, "edit")
    page.put(4, 3, "above 1 the probabilities come closer together, below 1 the largest takes all", "note")
    page.put(5, 1, "actual class", "right")
    actual = page.put(5, 2, "dog", "edit")
    page.put(5, 3, "choose another one from the list", "note")
    rows, last = len(CLASSES), TOP + len(CLASSES) - 1
    page.sheet.data_validation(5, 2, 5, 2, {"validate": "list", "source": "=" + Rect(TOP, NAME, rows, 1).address(fixed=True)})

    headings = ("class", "logit x", "power", "softmax", "sigmoid", "one-hot actual", "-ln(softmax)")
    words = (
        "",
        "RAND() × 10 - 5" if given is None else "what a network says",
        "base ^ (x / temperature)",
        "power / sum of powers",
        "1 / (1 + exp(-x))",
        "1 for the actual",
        "where actual is 1",
    )
    page.sheet.set_row(TOP - 1, 34)
    for col, (heading, said) in enumerate(zip(headings, words, strict=True), start=NAME):
        page.put(TOP - 2, col, heading, "heading")
        page.put(TOP - 1, col, said, "formula")
    logits = np.random.default_rng(1).random(rows) * 10 - 5 if given is None else np.array(given, dtype=float)
    powers = np.exp(logits)
    chosen = CLASSES.index("dog")
    total = cell(last + 1, POWER, fixed=True)
    for n, name in enumerate(CLASSES):
        row = TOP + n
        x, power, soft, hot = (cell(row, col) for col in (LOGIT, POWER, SOFTMAX, ACTUAL))
        probability = powers[n] / powers.sum()
        page.put(row, NAME, name, "name")
        page.put(row, LOGIT, Formula("RAND()*10-5", logits[n]) if given is None else float(logits[n]), "edit")
        page.put(row, POWER, Formula(f"{base}^({x}/{temperature})", powers[n]), "number")
        page.put(row, SOFTMAX, Formula(f"{power}/{total}", probability), "number")
        page.put(row, SIGMOID, Formula(f"1/(1+EXP(-{x}))", 1 / (1 + np.exp(-logits[n]))), "number")
        page.put(row, ACTUAL, Formula(f"IF({cell(row, NAME)}={actual},1,0)", float(n == chosen)), "count")
        loss = -math.log(probability) if n == chosen else 0.0
        page.put(row, LOSS, Formula(f"IF({hot}=1,-LN({soft}),0)", loss), "number")
    page.put(last + 1, NAME, "sum", "right")
    sums = {POWER: powers.sum(), SOFTMAX: 1.0, SIGMOID: (1 / (1 + np.exp(-logits))).sum(), ACTUAL: 1.0}
    for col, value in sums.items():
        address = Rect(TOP, col, rows, 1).address()
        page.put(last + 1, col, Formula(f"SUM({address})", float(value)), "sum")
    probabilities, names = (Rect(TOP, col, rows, 1).address() for col in (SOFTMAX, NAME))
    largest = f"INDEX({names},MATCH(MAX({probabilities}),{probabilities},0))"
    if given is not None:  # where the probabilities may be left to be filled in
        largest = f'IF(COUNT({probabilities})={rows},{largest},"")'
    winner = Formula(largest, CLASSES[int(logits.argmax())])
    page.put(last + 3, 1, "predicted class", "right")
    page.put(last + 3, 2, winner, "result")
    page.put(last + 4, 1, "cross-entropy", "right")
    page.put(
        last + 4, 2, Formula(f"SUM({Rect(TOP, LOSS, rows, 1).address()})", -math.log(powers[chosen] / powers.sum())), "result"
    )
    note = "The softmax column always adds up to 1; the sigmoids add up to anything from 0 to 5."
    page.put(last + 3, 3, note, "note")
    page.put(last + 4, 3, "Small when the actual class has a large probability: 0 is perfect, ln(5) = 1.61 is a guess.", "note")
    _chart(page, last)


def _chart(page: Page, last: int) -> None:
    chart = page.book.add_chart({"type": "column"})
    for col, name, color in ((SOFTMAX, "softmax", "#4472C4"), (SIGMOID, "sigmoid", "#BFBFBF")):
        places = {"categories": ["Softmax", TOP, NAME, last, NAME], "values": ["Softmax", TOP, col, last, col]}
        chart.add_series({"name": name, **places, "fill": {"color": color}, "gap": 60})
    chart.set_y_axis({"min": 0, "max": 1, "major_gridlines": {"visible": True, "line": {"color": "#DDDDDD"}}})
    chart.set_legend({"position": "top"})
    chart.set_size({"width": 970, "height": 300})
    page.sheet.insert_chart(last + 6, 1, chart)
