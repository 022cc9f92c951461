"""Cross-entropy of a batch, every number of it a formula: logits to edit, probabilities, and what each picture costs."""

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
from course_utils.tracing.steps import Array

TOP, NAMES = 7, 1  # the row of the first picture, and the column that numbers the pictures
FIRST = 2  # the column of the first class in the first block


def cross_entropy_workbook(
    path: str | os.PathLike[str], logits: Array, targets: Array, classes: Sequence[str], kind: str, base: float
) -> Path:
    """Write a batch: its logits (pictures, classes), its targets of 0 and 1 alike, and the cross-entropy of either kind.

    With "softmax" a picture costs −log of the probability of its true class, with "sigmoid" the mean of what each class costs.
    `base` is that of the logarithm. Logits, targets and the base are cells to edit.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "batch.xlsx"
    >>> cross_entropy_workbook(file, np.zeros((2, 2)), np.eye(2), ["cat", "dog"], "softmax", 2.0).name
    'batch.xlsx'
    """
    titles = {
        "softmax": ("Cross-entropy: what the true class was given", "each picture has one true class"),
        "sigmoid": ("Binary cross-entropy: each class is a question of its own", "a picture has any number of true classes"),
    }
    title, said = titles[kind]
    with replacing(workbook_path(path)) as part, new_book(part) as book:
        page = Page(book, "Cross-entropy", title, f"Change a blue number; {said}.")
        _write(page, logits, targets, classes, kind, base)
    return Path(path)


def _write(page: Page, logits: Array, targets: Array, classes: Sequence[str], kind: str, base: float) -> None:
    pictures, count = logits.shape
    truth, power, share, cost = (FIRST + block * (count + 1) for block in range(1, 5))
    page.widths({NAMES: 110, **dict.fromkeys(range(FIRST, cost), 84), **{col - 1: 24 for col in (truth, power, share, cost)}})
    page.widths({cost: 130, cost + 1: 130})
    page.put(3, NAMES, "base", "right")
    at = page.put(3, FIRST, Formula("EXP(1)", math.e) if base == math.e else base, "edit")
    page.put(3, FIRST + 1, "of the logarithm: EXP(1) as in PyTorch, or 2, or 10", "note")

    words = {"softmax": "power / their sum", "sigmoid": "power / (1 + power)"}
    blocks = (("logit z", FIRST), ("target", truth), ("power: e to the z", power), (f"{kind}: {words[kind]}", share))
    for heading, col in blocks:
        page.across(TOP - 2, col, col + count - 1, heading, "heading") if count > 1 else page.put(
            TOP - 2, col, heading, "heading"
        )
        for number, name in enumerate(classes):
            page.put(TOP - 1, col + number, name, "heading")
    for col, heading in ((cost, "loss"), (cost + 1, "right?")):
        page.put(TOP - 2, col, heading, "heading")
    page.put(TOP - 1, cost, "−log(softmax of the true one)" if kind == "softmax" else "mean of −log(what is true)", "formula")
    page.put(
        TOP - 1,
        cost + 1,
        "the true one is the largest" if kind == "softmax" else "how many are on their side of 0.5",
        "formula",
    )
    page.sheet.set_row(TOP - 1, 34)

    powers = np.exp(logits)
    shares = powers / powers.sum(axis=1, keepdims=True) if kind == "softmax" else powers / (1 + powers)
    true = targets == 1
    if kind == "softmax":
        losses = -np.log(shares[true])
        right = ((logits >= logits[true][:, None]).sum(axis=1) == 1).astype(float)
    else:
        losses = np.logaddexp(0, np.where(true, -logits, logits)).mean(axis=1)
        right = ((logits > 0) == true).sum(axis=1).astype(float)
    losses /= math.log(base)
    for row in range(pictures):
        y = TOP + row
        z, actual, powered, given = (Rect(y, col, 1, count).address() for col in (FIRST, truth, power, share))
        pairs = [(cell(y, truth + number), cell(y, FIRST + number)) for number in range(count)]
        page.put(y, NAMES, f"picture {row + 1}", "name")
        for number in range(count):
            one = cell(y, power + number)
            whole = f"SUM({powered})" if kind == "softmax" else f"(1+{one})"
            page.put(y, FIRST + number, float(logits[row, number]), "edit")
            page.put(y, truth + number, int(targets[row, number]), "edit_count")
            page.put(y, power + number, Formula(f"EXP({pairs[number][1]})", float(powers[row, number])), "number")
            page.put(y, share + number, Formula(f"{one}/{whole}", float(shares[row, number])), "number")
        if kind == "softmax":
            loss = f"-LN(SUMPRODUCT({actual},{given}))/LN({at})"
            answers = f"IF(SUMPRODUCT(--({z}>=SUMPRODUCT({actual},{z})))=1,1,0)"
        else:  # 1 − sigmoid(z) is sigmoid(−z): nothing is lost where sigmoid is nearly 1
            loss = f"({'+'.join(f'LN(1+EXP(IF({a}=1,-1,1)*{b}))' for a, b in pairs)})/{count}/LN({at})"
            answers = "+".join(f"IF(({b}>0)=({a}=1),1,0)" for a, b in pairs)
        page.put(y, cost, Formula(loss, float(losses[row])), "number")
        page.put(y, cost + 1, Formula(answers, float(right[row])), "count")
    below, asked = TOP + pictures, pictures * (1 if kind == "softmax" else count)
    each, ticks = (Rect(TOP, col, pictures, 1).address() for col in (cost, cost + 1))
    page.put(below, NAMES, "the batch", "name")
    page.put(below, cost, Formula(f"AVERAGE({each})", float(losses.mean())), "result")
    page.put(below, cost + 1, Formula(f"SUM({ticks})/{asked}", float(right.sum()) / asked), "percent")
    page.put(
        below + 1, NAMES, "The loss is the mean. Multiply all logits of a row by 2: the share of right answers stays.", "note"
    )
