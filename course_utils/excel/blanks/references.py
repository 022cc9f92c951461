"""Which cells a formula reads: the addresses and the names in its text."""

import re
from collections.abc import Iterator, Mapping

from xlsxwriter.utility import xl_col_to_name

from course_utils.excel.grid import MAX_COLUMNS, MAX_ROWS, Rect, place_of
from course_utils.excel.moved import parse_area

SHEET = r"(?:(?P<sheet>'(?:[^']|'')+'|[^\W\d][\w.]*)!)?"
CELL, COLUMN, ROW = r"\$?[A-Z]{1,3}\$?\d{1,7}", r"\$?[A-Z]{1,3}", r"\$?\d{1,7}"
TOKEN = re.compile(
    rf'"(?:[^"]|"")*"|{SHEET}(?:(?P<first>{CELL})(?![\w(.])(?::(?P<last>{CELL})(?![\w(.]))?'
    rf"|(?P<lines>{COLUMN}:{COLUMN}|{ROW}:{ROW})(?![\w(.]))"
    r"|(?P<word>[^\W\d][\w.\\]*|\\[\w.\\]*)(?P<call>\()?|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?"
)
FRESH = {"RAND", "RANDBETWEEN", "RANDARRAY", "NOW", "TODAY"}  # another value at each recalculation
ANYWHERE = {"INDIRECT", "OFFSET"}  # read cells that their text does not name

Area = tuple[str, Rect]


def areas_in(formula: str, sheet: str, names: Mapping[str, str]) -> Iterator[Area]:
    """The areas that a formula on `sheet` reads; `names` are the workbook's names of cells, in capitals.

    >>> [(sheet, area.address()) for sheet, area in areas_in("MAX(0,$B9)+Net!A1:B2*LOG10(rate)", "Page", {"RATE": "Net!$C$1"})]
    [('Page', 'B9'), ('Net', 'A1:B2'), ('Net', 'C1')]
    >>> [(sheet, area.address()) for sheet, area in areas_in("SUM(Übung!$B:C)/SUM(2:2)", "Page", {})]
    [('Übung', 'B1:C1048576'), ('Page', 'A2:XFD2')]
    >>> list(areas_in('"B9"&1E5', "Page", {}))
    []
    """
    for found in TOKEN.finditer(formula):
        if found["first"] or found["lines"]:
            there = (found["sheet"] or sheet).removeprefix("'").removesuffix("'").replace("''", "'")
            first, last = _ends(found["lines"]) if found["lines"] else (found["first"], found["last"] or found["first"])
            (top, left), (bottom, right) = place_of(first), place_of(last)
            (top, bottom), (left, right) = sorted((top, bottom)), sorted((left, right))
            yield there, Rect(top, left, bottom - top + 1, right - left + 1)
        elif found["word"] and not found["call"]:
            named = parse_area(names.get(found["word"].upper(), ""))
            if named is not None:
                yield named


def _ends(lines: str) -> tuple[str, str]:
    """The first and the last cell of whole columns or rows."""
    first, last = lines.replace("$", "").split(":")
    if first.isdecimal():
        return f"A{first}", f"{xl_col_to_name(MAX_COLUMNS - 1)}{last}"
    return f"{first}1", f"{last}{MAX_ROWS}"


def functions_in(formula: str) -> set[str]:
    """The functions that a formula calls, in capitals.

    >>> sorted(functions_in('SUM(B1:B3)+max(0,"RAND()")'))
    ['MAX', 'SUM']
    """
    return {found["word"].upper() for found in TOKEN.finditer(formula) if found["call"]}
