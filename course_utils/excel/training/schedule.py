"""The share of the full learning rate that each step takes, constant or half a cosine that restarts: numbers, and a sheet."""

import math
from typing import Any

from xlsxwriter import Workbook

from course_utils.excel.errors import ExportError
from course_utils.excel.grid import cell
from course_utils.excel.options import item, shown
from course_utils.excel.page import Page
from course_utils.excel.plan import Formula

STEP, DONE, LENGTH, SHARE, TOP = 1, 2, 3, 4, 5  # columns, and the row of the first step
KINDS = ("constant", "restarts")
SHEET = "Schedule"


def positions(steps: int, length: int, mult: int) -> list[tuple[int, int]]:
    """How many steps of its cycle are done before each step, and how long that cycle is.

    >>> positions(7, 1, 2)
    [(0, 1), (0, 2), (1, 2), (0, 4), (1, 4), (2, 4), (3, 4)]
    """
    found, done = list[tuple[int, int]](), 0
    for _ in range(steps):
        found.append((done, length))
        done += 1
        if done >= length:
            done, length = 0, length * mult
    return found


def shares(kind: str, steps: int, length: int, mult: int) -> list[float]:
    """The share of the full rate for each step.

    >>> [round(share, 3) for share in shares("restarts", 4, 2, 1)]
    [1.0, 0.5, 1.0, 0.5]
    """
    if kind == "constant":
        return [1.0] * steps
    return [(1 + math.cos(math.pi * done / long)) / 2 for done, long in positions(steps, length, mult)]


def write_schedule(book: Workbook, kind: str, steps: int, length: int, mult: int, settings: tuple[str, str, str]) -> None:
    """Write the sheet; `settings` are the addresses of the kind, the first cycle's steps and how much longer the next is."""
    note = "rate of a step = full rate × share. The kind of schedule and its cycles are cells of the first sheet."
    page = Page(book, SHEET, "What share of its full learning rate a step takes", note)
    page.sheet.fit_to_pages(1, 0)
    page.sheet.freeze_panes(TOP, 0)
    page.widths(dict.fromkeys(range(STEP, SHARE), 165))
    page.widths({SHARE: 190})
    kind_at, length_at, mult_at = settings
    heads = {
        STEP: ("step", "how many were taken before it"),
        DONE: ("done in its cycle", "one more, or 0 where a new cycle begins"),
        LENGTH: ("steps of its cycle", "each cycle is so many times as long as the one before"),
        SHARE: ("share of the rate", "constant: 1\nrestarts: (1 + cos(π × done / steps of its cycle)) / 2"),
    }
    page.sheet.set_row(TOP - 1, 72)
    for col, (name, said) in heads.items():
        page.put(TOP - 2, col, name, "heading")
        page.put(TOP - 1, col, said, "formula")
    for number, ((done, long), share) in enumerate(
        zip(positions(steps, length, mult), shares(kind, steps, length, mult), strict=True)
    ):
        row = TOP + number
        before, before_long = cell(row - 1, DONE), cell(row - 1, LENGTH)
        page.put(row, STEP, number, "count")
        page.put(row, DONE, Formula(f"IF({before}+1>={before_long},0,{before}+1)" if number else "0", done), "count")
        longer = f"IF({cell(row, DONE)}=0,{before_long}*{mult_at},{before_long})"
        page.put(row, LENGTH, Formula(longer if number else length_at, long), "count")
        cosine = f"(1+COS(PI()*{cell(row, DONE)}/{cell(row, LENGTH)}))/2"
        page.put(row, SHARE, Formula(f'IF({kind_at}="restarts",{cosine},1)', share), "number")


def share_at(step: int) -> str:
    """The address of a step's share, from another sheet."""
    return f"{SHEET}!{cell(TOP + step, SHARE, fixed=True)}"


def whole(name: str, value: Any, least: int = 1) -> int:
    """A whole number of `least` or more; ExportError otherwise."""
    number = item(value)
    counts = isinstance(number, int) or (isinstance(number, float) and number.is_integer())  # inf and nan are not
    if isinstance(number, bool) or not counts or number < least:
        raise ExportError(f"{name} is {shown(value)}; give a whole number of {least} or more")
    return int(number)
