"""The sheet on which one chooses a row and reads the prediction, and the lists of categories that it looks codes up in."""

from collections.abc import Sequence
from dataclasses import dataclass

from xlsxwriter import Workbook

from course_utils.excel.book import Exact
from course_utils.excel.grid import cell, span
from course_utils.excel.page import Page
from course_utils.excel.plan import Formula
from course_utils.excel.tabular.columns import CategoryColumn, Content, NumberColumn, Row
from course_utils.excel.tabular.limits import decimals_of
from course_utils.excel.texts import plain

SHEET, LISTS = "Predict", "Categories"
NAME, YOURS, LOW, HIGH, FILL, MEAN, STD, GOES_IN, FLAG, SAYS = range(1, 11)  # columns
LEGEND, RESULT = 2, 4  # rows
CODE, FIRST_LIST, ZERO = 1, 2, 4  # of the sheet of lists: column of codes, first column of names, the row of code 0
LARGEST = 3.4e38  # of 32 bits, beyond which a network takes no number
CANNOT = "cannot be read"
USUAL, MISSING = "as learnt in training", "unusual: missing, which counts as code 0"
UNKNOWN = "unusual: not among those learnt, so it counts as unknown, code 0"
BEYOND = "unusual: beyond what training saw"


@dataclass(frozen=True)
class Result:
    """One number that is predicted: its name, and the formulas of what the network gives and what it means."""

    name: str
    output: Formula
    value: Formula


def places(row: Row, results: int) -> list[str]:
    """The cells that go into the network, in its order: codes, scaled numbers, flags."""
    first, second = _tops(row, results)
    codes = [cell(first + n, GOES_IN, fixed=True) for n in range(len(row.categories))]
    scaled = [cell(second + n, GOES_IN, fixed=True) for n in range(len(row.numbers))]
    flags = [cell(second + n, FLAG, fixed=True) for n, column in enumerate(row.numbers) if column.flagged]
    return codes + scaled + flags


def _tops(row: Row, results: int) -> tuple[int, int]:
    """The first row of the categories and of the numbers."""
    first = RESULT + results + 5
    return first, first + len(row.categories) + 4 if row.categories else first


def write_predict(book: Workbook, title: str, row: Row, results: Sequence[Result], meaning: str) -> None:
    """Write both sheets: what is predicted at the top, then every column that goes into it."""
    note = (
        "Change a blue cell: pick from its list, or type a number. All that is black follows by formulas, through the network "
        "on the sheet Network."
    )
    page = Page(book, SHEET, title, note)
    page.widths({NAME: 190, YOURS: 150, **dict.fromkeys(range(LOW, SAYS), 122), SAYS: 390})
    for col, text, style in (
        (YOURS, "yours to change", "edit_text"),
        (LOW, "a formula", "plain"),
        (HIGH, "unusual", "unusual"),
        (FILL, CANNOT, "wrong"),
    ):
        page.put(LEGEND, col, text, style)
    first, second = _tops(row, len(results))
    last = second + len(row.numbers) - 1 if row.numbers else first + len(row.categories) - 1
    says = span(first, SAYS, last, SAYS, fixed=True)
    problems = RESULT + len(results)
    for col, text in ((NAME, "prediction"), (YOURS, ""), (LOW, "at first"), (HIGH, "network gives")):
        page.put(RESULT - 1, col, text, "heading_left" if col == NAME else "heading")
    for n, result in enumerate(results):
        value = result.value.value
        assert isinstance(value, float)
        large = max(abs(float(each.value.value)) for each in results) >= 100
        page.sheet.set_row(RESULT + n, 30 if len(results) == 1 else 21)
        page.put(RESULT + n, NAME, result.name, "name")
        shown = f'IF({cell(problems, YOURS, fixed=True)}>0,"cannot say",{result.value.text})'
        style = ("result_whole" if large else "result") if len(results) == 1 else "sum"
        page.put(RESULT + n, YOURS, Formula(shown, value), style)
        page.put(RESULT + n, LOW, value, "count" if large else "number")
        page.put(RESULT + n, HIGH, result.output, "number")
        if n == 0:
            page.put(RESULT, FILL, meaning, "note")
    page.put(problems, NAME, "cells that cannot be read", "name")
    page.put(problems, YOURS, Formula(f'SUMPRODUCT(--(LEFT({says},{len(CANNOT)})="{CANNOT}"))', 0), "count")
    page.put(problems, LOW, "each says so in red, in its own row", "note")
    if len(results) < 4:
        page.sheet.freeze_panes(problems + 1, 2)
    if row.categories:
        _write_categories(page, row.categories, first)
    if row.numbers:
        _write_numbers(page, row.numbers, second)
    for text, colours in (
        (CANNOT, {"bg_color": "#FFC7CE", "font_color": "#9C0006"}),
        ("unusual", {"bg_color": "#FFEB9C", "font_color": "#7F6000"}),
    ):
        starts = f'=LEFT({cell(first, SAYS)},{len(text)})="{text}"'
        page.sheet.conditional_format(
            first, SAYS, last, SAYS, {"type": "formula", "criteria": starts, "format": book.add_format(colours)}
        )
    if row.categories:
        _write_lists(book, row.categories)


def _head(page: Page, row: int, names: Sequence[str], words: Sequence[str]) -> None:
    """The headings of a table, and below each how its numbers come about; a column without a name has nothing there."""
    page.sheet.set_row(row, 21)
    page.sheet.set_row(row + 1, 40)
    for below, (texts, style) in enumerate(((names, "heading"), (words, "formula"))):
        for col, text in enumerate(texts, start=NAME):
            if not names[col - NAME]:
                continue
            page.put(row + below, col, text, f"{style}_left" if col in (NAME, SAYS) else style)


def _write_categories(page: Page, columns: Sequence[CategoryColumn], top: int) -> None:
    _head(
        page,
        top - 2,
        ("category", "your choice", "first", "last", "how many", "", "", "code", "", "what it counts as"),
        (
            "a column of the table",
            "pick from its list",
            "as learnt in training",
            f"see the sheet {LISTS}",
            "",
            "",
            "",
            "its place in its list, from 1; 0 where it is not there",
            "",
            "The network looks up this row of the category's embedding.",
        ),
    )
    for n, column in enumerate(columns):
        row, known = top + n, column.known
        page.put(row, NAME, plain(column.name), "name")
        _put_given(page, row, column.given, "edit_text" if column.holds == "text" else "edit_plain")
        yours = cell(row, YOURS)
        if known:
            _put_known(page, row, LOW, known[0])
            _put_known(page, row, HIGH, known[-1])
            names = f"{LISTS}!{span(ZERO + 1, FIRST_LIST + n, ZERO + len(known), FIRST_LIST + n, fixed=True)}"
            _offer(page, row, names)
        page.put(row, FILL, len(known), "count")
        formula = _code(column, yours, names) if known else "0"
        code = page.put(row, GOES_IN, Formula(formula, column.code), "count")
        unknown = f'"{UNKNOWN}"'
        if column.holds != "text":
            wrong = f"{CANNOT}: {'a number' if column.holds == 'numbers' else 'true or false'} was expected, as in the list"
            unknown = f'IF(ISTEXT({yours}),"{wrong}",{unknown})'
        in_words = f'IF({yours}="","{MISSING}",IF({code}=0,{unknown},"{USUAL}"))'
        says = MISSING if column.given is None else USUAL if column.code else UNKNOWN
        page.put(row, SAYS, Formula(in_words, says), "says")


def _code(column: CategoryColumn, yours: str, names: str) -> str:
    """The place in the list. MATCH takes A for a, and * for any text, which the network does not: text is compared by EXACT."""
    if column.holds == "text":
        codes = f"{LISTS}!{span(ZERO + 1, CODE, ZERO + len(column.known), CODE, fixed=True)}"
        return f'IF({yours}="",0,SUMPRODUCT(EXACT({yours},{names})*{codes}))'
    if column.holds == "truths":  # some spreadsheets take 1 for TRUE, as the network does, and some do not
        return f'IF({yours}="",0,IFERROR(MATCH(IF({yours}=1,TRUE,IF({yours}=0,FALSE,{yours})),{names},0),0))'
    return f'IF({yours}="",0,IFERROR(MATCH({yours},{names},0),0))'


def _offer(page: Page, row: int, names: str) -> None:
    page.sheet.data_validation(
        row,
        YOURS,
        row,
        YOURS,
        {
            "validate": "list",
            "source": f"={names}",
            "error_type": "warning",
            "error_title": "Not in the list",
            "error_message": "The network never saw this category in training: it counts as unknown, code 0.",
        },
    )


def _write_numbers(page: Page, columns: Sequence[NumberColumn], top: int) -> None:
    limited = any(column.limits for column in columns)
    _head(
        page,
        top - 2,
        (
            *("number", "your number", "lowest" if limited else "", "highest" if limited else "", "median", "mean"),
            *("std. deviation", "scaled", "missing", "what it counts as"),
        ),
        (
            "a column of the table",
            "type it, or leave it empty",
            "in training" if limited else "",
            "in training" if limited else "",
            "stands in for an empty cell",
            "of training",
            "of training",
            "(number − mean) / std. deviation",
            "1 where it is empty, else 0",
            "The network gets the scaled number, and beside it whether it was missing.",
        ),
    )
    for n, column in enumerate(columns):
        row = top + n
        page.put(row, NAME, plain(column.name), "name")
        _put_given(page, row, column.given, "edit_plain")
        page.sheet.data_validation(
            row,
            YOURS,
            row,
            YOURS,
            {
                "validate": "decimal",
                "criteria": "between",
                "minimum": -LARGEST,
                "maximum": LARGEST,
                "error_title": "No number",
                "error_message": "Type a number, or leave the cell empty: the median stands in for what is missing.",
            },
        )
        yours = cell(row, YOURS)
        if column.limits:
            for col, limit in zip((LOW, HIGH), column.limits, strict=True):
                page.put(row, col, float(limit), _plain_style(limit))
        fill = page.put(row, FILL, column.fill, _plain_style(column.fill))
        mean = page.put(row, MEAN, column.mean, "plain_4")
        std = page.put(row, STD, column.std, "plain_4")
        scaled = f'(IF({yours}="",{fill},{yours})-{mean})/{std}'
        page.put(row, GOES_IN, Formula(scaled, column.scaled), "number")
        if column.flagged:
            page.put(row, FLAG, Formula(f'IF({yours}="",1,0)', int(column.given is None)), "count")
        page.put(row, SAYS, _number_in_words(column, row), "says")


def _plain_style(number: float) -> str:
    """A number as it is where that is short."""
    return "plain" if float(f"{number:.7g}") == number else "plain_4"


def _number_in_words(column: NumberColumn, row: int) -> Formula:
    yours = cell(row, YOURS)
    missing = "unusual: missing, the median stands in" + ("" if column.flagged else "; in training none was missing")
    wrong = f"{CANNOT}: type a number, or nothing"
    if column.flagged:
        missing = "missing: the median stands in, and the flag says so"
    within = f'"{USUAL}"'
    outside = False
    if column.limits:
        low, high = (cell(row, col) for col in (LOW, HIGH))
        digits = decimals_of(column.std)  # to which the limits are right
        lowest, highest, number = (f"ROUND({each},{digits})" for each in (low, high, yours))
        within = f'IF(OR({number}<{lowest},{number}>{highest}),"{BEYOND}","{USUAL}")'
        first, last = (round(limit, digits) for limit in column.limits)
        outside = column.given is not None and not first <= round(column.given, digits) <= last
    value = missing if column.given is None else BEYOND if outside else USUAL
    return Formula(f'IF({yours}="","{missing}",IF(ISNUMBER({yours}),{within},"{wrong}"))', value)


def _put_given(page: Page, row: int, given: Content, style: str) -> None:
    if given is None:
        page.blank(row, YOURS, style)
    else:
        page.put(row, YOURS, given, style)


def _put_known(page: Page, row: int, col: int, content: Content) -> None:
    if content is not None:
        page.put(row, col, plain(content, 60) if isinstance(content, str) else content, "plain")


def _write_lists(book: Workbook, columns: Sequence[CategoryColumn]) -> None:
    """The categories that were learnt, each in the row of its code."""
    note = f"Each in the row of its code. The lists on the sheet {SHEET} offer these; whatever else one types there has code 0."
    page = Page(book, LISTS, "The categories that the training rows had", note)
    page.widths({CODE: 70, **dict.fromkeys(range(FIRST_LIST, FIRST_LIST + len(columns)), 130)})
    page.sheet.freeze_panes(ZERO, FIRST_LIST)
    page.sheet.fit_to_pages(1, 0)
    page.sheet.repeat_rows(ZERO - 1)
    page.put(ZERO - 1, CODE, "code", "heading")
    for n, column in enumerate(columns):
        page.put(ZERO - 1, FIRST_LIST + n, plain(column.name), "heading")
    page.put(ZERO, CODE, 0, "count")
    for n in range(len(columns)):
        page.put(ZERO, FIRST_LIST + n, "unknown, or missing", "formula")
    for code in range(1, 1 + max(len(column.known) for column in columns)):
        page.put(ZERO + code, CODE, code, "count")
        for n, column in enumerate(columns):
            if code <= len(column.known):
                known = column.known[code - 1]
                page.put(ZERO + code, FIRST_LIST + n, Exact(known) if isinstance(known, float) else known, "plain")
