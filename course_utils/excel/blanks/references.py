"""Which cells a formula reads: the addresses and the names in its text."""

import re
from collections.abc import Iterator, Mapping

from course_utils.excel.grid import Rect, place_of
from course_utils.excel.moved import parse_area

SHEET = r"(?:(?P<sheet>'(?:[^']|'')+'|[A-Za-z_][\w.]*)!)?"
CELL = r"\$?[A-Z]{1,3}\$?\d{1,7}"
TOKEN = re.compile(
    rf'"(?:[^"]|"")*"|{SHEET}(?P<first>{CELL})(?![\w(.])(?::(?P<last>{CELL})(?![\w(.]))?'
    r"|(?P<word>[A-Za-z_\\][\w.\\]*)(?P<call>\()?|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?"
)
FRESH = {"RAND", "RANDBETWEEN", "RANDARRAY", "NOW", "TODAY"}  # another value at each recalculation
ANYWHERE = {"INDIRECT", "OFFSET"}  # read cells that their text does not name

Area = tuple[str, Rect]


def areas_in(formula: str, sheet: str, names: Mapping[str, str]) -> Iterator[Area]:
    """The areas that a formula on `sheet` reads; `names` are the workbook's names of cells, in capitals.

    >>> [(sheet, area.address()) for sheet, area in areas_in("MAX(0,$B9)+Net!A1:B2*LOG10(rate)", "Page", {"RATE": "Net!$C$1"})]
    [('Page', 'B9'), ('Net', 'A1:B2'), ('Net', 'C1')]
    >>> list(areas_in('"B9"&1E5', "Page", {}))
    []
    """
    for found in TOKEN.finditer(formula):
        if found["first"]:
            there = (found["sheet"] or sheet).removeprefix("'").removesuffix("'").replace("''", "'")
            (top, left), (bottom, right) = place_of(found["first"]), place_of(found["last"] or found["first"])
            (top, bottom), (left, right) = sorted((top, bottom)), sorted((left, right))
            yield there, Rect(top, left, bottom - top + 1, right - left + 1)
        elif found["word"] and not found["call"]:
            named = parse_area(names.get(found["word"].upper(), ""))
            if named is not None:
                yield named


def functions_in(formula: str) -> set[str]:
    """The functions that a formula calls, in capitals.

    >>> sorted(functions_in('SUM(B1:B3)+max(0,"RAND()")'))
    ['MAX', 'SUM']
    """
    return {found["word"].upper() for found in TOKEN.finditer(formula) if found["call"]}
