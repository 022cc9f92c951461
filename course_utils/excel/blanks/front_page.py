"""The two sheets that a blank workbook gains: what to do and how far it is, and the hidden one that compares."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from course_utils.excel.blanks.book_parts import Stylesheet
from course_utils.excel.blanks.key import CELL, CHECK, FRONT_SHEET, KEY_SHEET, PART, VALUE, Given, Key
from course_utils.excel.grid import Rect, cell
from course_utils.excel.sheet_text import MAIN, written

FILL, FRAME = "EDE3F8", "7B4FB0"  # of cells to fill in: lilac, which stands for nothing else in any workbook
RIGHT, NOT_YET, CHANGED = "right", "not yet", "input changed"
INKS = {RIGHT: ("1E7B34", "E2F2E5"), NOT_YET: ("A0520B", "FCEFDC"), CHANGED: ("B00020", "FBE3E6")}
TOP = 8  # the row of the first part
NAME, TASK, CELLS, COUNT, VERDICT, MARKS = range(1, 7)
WIDTHS = (2, 24, 58, 21, 19, 28, 9)  # characters


@dataclass(frozen=True)
class Looks:
    """The numbers of the styles that the two sheets use."""

    title: int
    text: int
    big: int
    warning: int
    heading: int
    entry: int
    wrapped: int
    centre: int
    link: int
    sample: int
    note: int
    verdict: int  # beside a region on its own sheet
    conditions: dict[str, int]
    marks: dict[str, int]

    @classmethod
    def add(cls, styles: Stylesheet) -> "Looks":
        """Add them to a workbook."""
        middle, left = ' horizontal="center"', ' horizontal="left" indent="1"'
        line = "A6A6A6"
        return cls(
            title=styles.add(22, bold=True),
            text=styles.add(12),
            big=styles.add(16, bold=True),
            warning=styles.add(12, bold=True, ink=INKS[CHANGED][0]),
            heading=styles.add(12, bold=True, fill="DCE6F1", frame=line, align=left),
            entry=styles.add(12, frame=line, align=left),
            wrapped=styles.add(12, frame=line, align=f'{left} wrapText="1"'),
            centre=styles.add(12, frame=line, align=middle),
            link=styles.add(12, bold=True, ink="1F4E9E", frame=line, align=left),
            sample=styles.add(12, ink="222222", fill=FILL, frame=FRAME, align=middle),
            note=styles.add(11, ink="555555", align=' wrapText="1"'),
            verdict=styles.add(10, bold=True, ink=INKS[NOT_YET][0], align=' horizontal="left"'),
            conditions={text: styles.condition(ink, ground) for text, (ink, ground) in INKS.items()},
            marks={text: styles.condition(ink) for text, (ink, _) in INKS.items()},
        )


def verdict_address(number: int) -> str:
    """The cell of the front page that says whether part `number` is right.

    >>> verdict_address(0)
    "'Fill in'!$F$9"
    """
    return f"'{FRONT_SHEET}'!{cell(TOP + number, VERDICT, fixed=True)}"


def conditions(area: str, corner: str, looks: dict[str, int], first: int) -> str:
    """Conditional formats that colour verdicts."""
    rules = "".join(
        f'<cfRule type="expression" dxfId="{looks[text]}" priority="{first + n}"><formula>{corner}="{text}"</formula></cfRule>'
        for n, text in enumerate(INKS)
    )
    return f'<conditionalFormatting sqref="{area}">{rules}</conditionalFormatting>'


def quoted(sheet: str) -> str:
    """A sheet's name in a formula.

    >>> quoted("Bob's net")
    "'Bob''s net'"
    """
    return "'" + sheet.replace("'", "''") + "'"


def front_page(key: Key, shown: Sequence[str], looks: Looks) -> str:
    """The first sheet: what to do, a line for each part with its verdict, and the total. `shown` are the parts' cells."""
    parts, last = key.parts, TOP + len(key.parts) - 1
    sheet = _Sheet()
    how = "Fill in the lilac cells with formulas. Below, and beside each part, you see at once whether its numbers are right."
    sheet.text(0, NAME, key.title, looks.title, height=36)
    sheet.text(1, NAME, how, looks.text, height=24)
    sheet.text(2, NAME, "a cell to fill in", looks.sample, height=24)
    sheet.text(
        2,
        TASK,
        "   All other cells are given: read them in your formulas, and leave them alone.",
        looks.text,
    )
    verdicts, marks = (Rect(TOP, col, len(parts), 1).address(fixed=True) for col in (VERDICT, MARKS))
    total = f'COUNTIF({verdicts},"{RIGHT}")&" of {len(parts)} parts right"'
    told = f"0 of {len(parts)} parts right"
    if any(part.marks != 1 for part in parts):
        of = f"{sum(part.marks for part in parts):g}"
        total += f'&", "&SUMPRODUCT(({verdicts}="{RIGHT}")*{marks})&" of {of} marks"'
        told += f", 0 of {of} marks"
    sheet.formula(4, NAME, total, told, looks.big, height=30)
    changed, warning = _given_changed(key)
    sheet.formula(5, NAME, warning, "", looks.warning, height=24)
    for col, heading in enumerate(("part", "what to do", "cells", "numbers right", "right?", "marks"), start=NAME):
        sheet.text(TOP - 1, col, heading, looks.heading, height=26)
    row_of_list = 2  # as formulas count
    for number, part in enumerate(parts):
        row, count = TOP + number, len(part.cells)
        lines = max(1, math.ceil(len(part.task) / 56))
        sheet.text(row, NAME, part.name, looks.link, height=10 + 16 * lines)
        sheet.links.append((cell(row, NAME), f"{quoted(part.sheet)}!{cell(*part.cells[0])}"))
        sheet.text(row, TASK, part.task, looks.wrapped)
        sheet.text(row, CELLS, shown[number], looks.entry)
        checks = Rect(row_of_list - 1, CHECK, count, 1).address(fixed=True)
        right = f"SUM({quoted(KEY_SHEET)}!{checks})"
        sheet.formula(row, COUNT, f'{right}&" of {count}"', f"0 of {count}", looks.centre)
        verdict = f'IF({changed},"{CHANGED}",IF({right}={count},"{RIGHT}","{NOT_YET}"))'
        sheet.formula(row, VERDICT, verdict, NOT_YET, looks.centre)
        sheet.number(row, MARKS, part.marks, looks.centre)
        row_of_list += count
    notes = [
        "The right numbers are known for the given ones only: where one of those was changed, put it back to continue.",
        "An empty cell, a text and an error are not yet right.",
        _typed(key),
        "When you are done, save this file and hand it in: the command  course grade FILE.xlsx  tells its marks.",
    ]
    for number, note in enumerate(filter(None, notes)):
        sheet.text(last + 2 + number, NAME, note, looks.note, height=20, across=MARKS)
    area = Rect(TOP, VERDICT, len(parts), 1).address()
    return sheet.xml(
        columns=WIDTHS,
        after=conditions(area, cell(TOP, VERDICT), looks.conditions, 1),
        selected=True,
    )


def _typed(key: Key) -> str:
    typed = [part.typed_numbers for part in key.parts]
    if all(typed):
        return "Numbers may be typed; whoever grades sees that they are not formulas."
    some = " in some parts" if any(typed) else ""
    return (
        f"A number that you type instead of a formula looks right here, and gets no marks{some}: grading looks for the formula."
    )


def _given_changed(key: Key) -> tuple[str, str]:
    """Whether a given cell was changed, and a warning that names the first one, as formulas."""
    if not key.givens:
        return "FALSE", '""'
    first = 1 + sum(len(part.cells) for part in key.parts)
    checks, places, values = (
        f"{quoted(KEY_SHEET)}!{Rect(first, col, len(key.givens), 1).address(fixed=True)}" for col in (CHECK, CELL, VALUE)
    )
    changed = f"SUM({checks})<{len(key.givens)}"
    at = f"MATCH(0,{checks},0)"
    return changed, f'IF({changed},"Changed: "&INDEX({places},{at})&". Put "&INDEX({values},{at})&" back there.","")'


def key_sheet(key: Key, text: int) -> str:
    """The hidden sheet: the key as text, and beside it a line for each cell that compares it with its value."""
    sheet = _Sheet()
    for row, piece in enumerate(key.lines()):
        sheet.text(row, 0, piece, text)
    for col, heading in ((PART, "part"), (CELL, "cell"), (VALUE, "value"), (CHECK, "is it there?")):
        sheet.text(0, col, heading, text)
    tolerance = repr(key.tolerance).upper()
    row = 1
    for number, part in enumerate(key.parts, start=1):
        for place, value in zip(part.cells, part.values, strict=True):
            there, want = f"{quoted(part.sheet)}!{cell(*place, fixed=True)}", cell(row, VALUE)
            near = f"IF(ABS({there}-{want})<={tolerance}*MAX(1,ABS({want})),1,0)"
            _line(sheet, row, (str(number), f"{part.sheet}!{cell(*place)}", value), f"IF(ISNUMBER({there}),{near},0)", 0, text)
            row += 1
    for given in key.givens:
        _given_line(sheet, row, given, text)
        row += 1
    return sheet.xml(columns=(12, 2, 8, 18, 22, 12))


def _line(sheet: "_Sheet", row: int, said: tuple[str, str, float | str], check: str, stored: int, text: int) -> None:
    for col, value in zip((PART, CELL, VALUE), said, strict=True):
        if isinstance(value, str):
            sheet.text(row, col, value, text)
        else:
            sheet.number(row, col, value, text)
    sheet.formula(row, CHECK, check, stored, text)


def _given_line(sheet: "_Sheet", row: int, given: Given, text: int) -> None:
    there, want = f"{quoted(given.sheet)}!{cell(*given.cell, fixed=True)}", cell(row, VALUE)
    kind = "ISTEXT" if isinstance(given.value, str) else "ISNUMBER"
    said = ("given", f"{given.sheet}!{cell(*given.cell)}", given.value)
    _line(sheet, row, said, f"IF({kind}({there}),IF({there}={want},1,0),0)", 1, text)


class _Sheet:
    """The text of a sheet, cell by cell."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[int, str]] = {}
        self.heights: dict[int, float] = {}
        self.links: list[tuple[str, str]] = []
        self.merged: list[str] = []

    def text(self, row: int, col: int, text: str, style: int, height: float = 0, across: int = 0) -> None:
        self._put(row, col, written(row, col, style, text), height)
        if across:
            self.merged.append(f"{cell(row, col)}:{cell(row, across)}")

    def number(self, row: int, col: int, value: float, style: int) -> None:
        self._put(row, col, written(row, col, style, float(value)))

    def formula(self, row: int, col: int, formula: str, value: str | float, style: int, height: float = 0) -> None:
        self._put(row, col, written(row, col, style, value, formula), height)

    def _put(self, row: int, col: int, xml: str, height: float = 0) -> None:
        self.rows.setdefault(row, {})[col] = xml
        if height:
            self.heights[row] = height

    def xml(self, columns: Sequence[float], after: str = "", selected: bool = False) -> str:
        cols = "".join(
            f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>' for n, width in enumerate(columns, start=1)
        )
        rows = "".join(self._row(row) for row in sorted(self.rows))
        merged = "".join(f'<mergeCell ref="{area}"/>' for area in self.merged)
        chosen = ' tabSelected="1"' if selected else ""
        links = "".join(f'<hyperlink ref="{at}" location={quoteattr(to)} display={quoteattr(to)}/>' for at, to in self.links)
        return (
            f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="{MAIN}"><sheetPr><pageSetUpPr '
            f'fitToPage="1"/></sheetPr><sheetViews><sheetView showGridLines="0"{chosen} '
            f'workbookViewId="0"/></sheetViews><sheetFormatPr defaultRowHeight="18"/><cols>{cols}</cols><sheetData>{rows}'
            f'</sheetData><sheetProtection sheet="1" formatColumns="0" formatRows="0"/>'
            f"{merged and f'<mergeCells>{merged}</mergeCells>'}{after}"
            f"{f'<hyperlinks>{links}</hyperlinks>' if links else ''}"
            f'<pageMargins left="0.4" right="0.4" top="0.5" bottom="0.5" header="0.3" footer="0.3"/><pageSetup paperSize="9" '
            f'orientation="landscape" fitToHeight="0"/></worksheet>'
        )

    def _row(self, row: int) -> str:
        cells = "".join(xml for _, xml in sorted(self.rows[row].items()))
        height = f' ht="{self.heights[row]}" customHeight="1"' if row in self.heights else ""
        return f'<row r="{row + 1}"{height}>{cells}</row>'
