"""Reading chosen cells of an .xlsx file, up to the last one asked for.

The size that some programs note in a sheet's <dimension> is not looked at: others leave it out, or leave it as it was.
"""

import os
import re
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from course_utils.excel.errors import WorkbookError
from course_utils.excel.grid import MAX_COLUMNS
from course_utils.excel.package import EnoughError, Package, open_package, readable

MOST_TEXT = 10_000_000  # characters in all cells asked for
MOST_ARRAYS = 1_000  # formulas that give several cells at once

Wanted = Mapping[int, Mapping[int, int]]  # row -> column, both from 0 -> which place of the result its value is for
Value = float | str | bool | None
DATES = frozenset(str(number) for number in (*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
"""The number formats for dates and times that every spreadsheet knows without being told."""
NUMBER = re.compile(
    r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII
)  # as a file writes it: no 1_000, no ١٢, no nan


@contextmanager
def open_sheets(path: str | os.PathLike[str]) -> Iterator["Sheets"]:
    """Open an .xlsx file for reading some of its cells.

    Raises WorkbookError where there is no such file, where it is something else, and where it is damaged or beyond the limits.
    """
    with open_package(path) as package:
        yield Sheets(package)


class Sheets:
    """The sheets of an open workbook: `names`, and `cells` of one."""

    def __init__(self, package: Package) -> None:
        self._package = package
        workbook = next((to for kind, to in package.related("").values() if kind == "officeDocument"), "xl/workbook.xml")
        if workbook not in package:
            raise WorkbookError(
                f"{package.path} is not an .xlsx workbook: it has no part {workbook}; save it as .xlsx and try again"
            )
        related = package.related(workbook)
        self._sheets: dict[str, str] = {}
        for sheet in package.tags(workbook, "sheet"):
            number = next((value for key, value in sheet.items() if key.rpartition(" ")[2] == "id"), "")
            if number in related:
                self._sheets[sheet.get("name", "")] = related[number][1]
        self._workbook = workbook
        self._strings = next((to for kind, to in related.values() if kind == "sharedStrings"), "")
        self._styles = next((to for kind, to in related.values() if kind == "styles"), "")

    @property
    def workbook(self) -> str:
        """The part that lists the sheets."""
        return self._workbook

    @property
    def names(self) -> list[str]:
        """What the sheets are called, hidden ones too."""
        return list(self._sheets)

    @property
    def parts(self) -> dict[str, str]:
        """The part of the file that each sheet is."""
        return dict(self._sheets)

    def named_areas(self, wanted: Container[str] | None) -> dict[str, str]:
        """What these names, or all, stand for, such as Network!$B$9:$D$11, or #REF! where those cells were deleted.

        A sheet that was copied has names of its own for its cells, which are the same: those of the whole workbook count.
        """
        found: dict[str, str] = {}
        pieces: list[str] = []
        name: str | None = None
        budget = _Budget(self._package.path, MOST_TEXT)

        def start(tag: str, attributes: dict[str, str], depth: int) -> None:
            nonlocal name
            of_all = tag.rpartition(" ")[2] == "definedName" and "localSheetId" not in attributes
            name = attributes.get("name") if of_all else None
            name = name if wanted is None or name in wanted else None
            pieces.clear()

        def end(tag: str) -> None:
            nonlocal name
            if name is not None:
                found[name] = "".join(pieces)
            name = None

        def text(piece: str) -> None:
            if name is not None:
                budget.spend(len(piece))
                pieces.append(piece)

        self._package.parse(self._workbook, start, end, text)
        return found

    def cells(self, sheet: str, wanted: Wanted, count: int, formulas: "Formulas | None" = None) -> list[Value]:
        """The values of the cells of `wanted` in their `count` places: numbers, text, truth values, and None where empty.

        Of a formula it is the value stored beside it, and `formulas` collects its text. A number typed in that shows as a date
        comes as text that says so: where decimals have a comma, a spreadsheet makes the 1st of May of 1.5. Rows after the last
        one wanted are not read.
        """
        found: list[Value] = [None] * count
        shared: dict[int, list[int]] = {}  # number of a shared string -> the places that it is for
        last = max(wanted, default=-1)
        budget = _Budget(self._package.path, MOST_TEXT)
        row, column, numbered = -1, -1, True
        here: Mapping[int, int] = {}
        place, kind, inside = -1, "", False  # of the cell that the parser is in; whether its value is being read
        style, computed = "", False
        pieces: list[str] = []
        a_row = a_cell = a_value = a_text = a_formula = ""  # the tags, in the sheet's own namespace

        def start(tag: str, attributes: dict[str, str], depth: int) -> None:
            nonlocal row, column, numbered, here, place, kind, inside, style, computed
            nonlocal a_row, a_cell, a_value, a_text, a_formula
            if depth == 1:
                main = tag.removesuffix("worksheet")
                a_row, a_cell, a_value, a_text, a_formula = (main + name for name in ("row", "c", "v", "t", "f"))
            elif tag == a_cell:
                column += 1
                if "r" in attributes and (here or not numbered or formulas is not None):
                    letters, digits = _address(attributes["r"])
                    column = letters
                    if not numbered:
                        row = digits
                        here = wanted.get(row, {})
                if column >= MAX_COLUMNS:
                    raise ValueError(f"more than {MAX_COLUMNS:,} columns")
                place, kind = here.get(column, -1), attributes.get("t", "n")
                style, computed = attributes.get("s", ""), False
                pieces.clear()
            elif tag == a_row:
                numbered = "r" in attributes
                row, column, place = int(attributes["r"]) - 1 if numbered else row + 1, -1, -1
                if row > last:
                    raise EnoughError
                here = wanted.get(row, {})
            elif tag == a_formula:
                computed = True
                if formulas is not None:
                    formulas.open(place, row, column, attributes)
            elif place >= 0:
                inside = tag == (a_text if kind == "inlineStr" else a_value)

        def end(tag: str) -> None:
            nonlocal inside, place
            inside = False
            if formulas is not None and tag == a_formula:
                formulas.close()
            if place >= 0 and tag == a_cell:
                text = "".join(pieces)
                if kind == "s" and text:
                    shared.setdefault(int(text), []).append(place)
                elif text or kind in ("str", "inlineStr"):
                    value = found[place] = _value(text, kind)
                    if style and isinstance(value, float) and not computed and style in self._date_styles:
                        found[place] = f"{text}, which is shown as a date"
                place = -1

        def text(piece: str) -> None:
            if inside:
                budget.spend(len(piece))
                pieces.append(piece)
            elif formulas is not None and formulas.inside:
                budget.spend(len(piece))
                formulas.pieces.append(piece)

        self._package.parse(self._sheets[sheet], start, end, text)
        if formulas is not None:
            formulas.finish(wanted)
        for number, string in self._shared(shared, budget).items():
            for where in shared[number]:
                found[where] = string
        return found

    @cached_property
    def _date_styles(self) -> frozenset[str]:
        """The numbers of the styles in which a cell shows its number as a date or a time."""
        codes, styles, inside = dict[str, str](), list[str](), False

        def start(tag: str, attributes: dict[str, str], depth: int) -> None:
            nonlocal inside
            name = tag.rpartition(" ")[2]
            if depth == 2:
                inside = name == "cellXfs"
            elif name == "numFmt":
                codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
            elif inside and name == "xf":
                styles.append(attributes.get("numFmtId", ""))

        with suppress(WorkbookError), readable(self._package.path):  # a workbook without styles has its numbers all the same
            self._package.parse(self._styles, start, lambda tag: None, lambda piece: None)
        dates = {number for number in set(styles) if number in DATES or shows_date(codes.get(number, ""))}
        return frozenset(str(place) for place, number in enumerate(styles) if number in dates)

    def _shared(self, wanted: Mapping[int, Any], budget: "_Budget") -> dict[int, str]:
        """The shared strings of these numbers."""
        found: dict[int, str] = {}
        if not wanted:
            return found
        last, number, pieces, inside, main = max(wanted), -1, list[str](), False, ""

        def start(tag: str, attributes: dict[str, str], depth: int) -> None:
            nonlocal number, inside, main
            if depth == 1:
                main = tag.removesuffix("sst")
            elif tag == main + "si":
                number += 1
                pieces.clear()
                if number > last:
                    raise EnoughError
            inside = number in wanted and tag == main + "t"

        def end(tag: str) -> None:
            nonlocal inside
            inside = False
            if number in wanted and tag == main + "si":
                found[number] = _unescaped("".join(pieces))

        def text(piece: str) -> None:
            if inside:
                budget.spend(len(piece))
                pieces.append(piece)

        self._package.parse(self._strings, start, end, text)
        if len(found) < len(wanted):
            raise WorkbookError(f"{self._package.path}: a text that a cell names is missing; save the workbook again as .xlsx")
        return found


class Formulas:
    """The formulas of cells by their places, as far as they stand there.

    A formula that was filled down is written once and shared by the cells below; one that gives several cells at once belongs
    to all of them, though only the first says so.
    """

    def __init__(self) -> None:
        self.texts: dict[int, str] = {}
        self.inside = False
        self.pieces: list[str] = []
        self._place, self._kind, self._number = -1, "", ""
        self._area = ((0, 0), (0, 0))
        self._shared: dict[str, str] = {}
        self._sharing: dict[int, str] = {}
        self._arrays: list[tuple[tuple[tuple[int, int], tuple[int, int]], str]] = []

    def open(self, place: int, row: int, column: int, attributes: dict[str, str]) -> None:
        """The tag of a formula begins."""
        self.inside = True
        self.pieces.clear()
        self._place, self._kind, self._number = place, attributes.get("t", "normal"), attributes.get("si", "")
        first, _, last = attributes.get("ref", "").partition(":")
        if self._kind == "array" and first:
            (left, top), (right, bottom) = _address(first), _address(last or first)
            self._area = (top, left), (bottom, right)

    def close(self) -> None:
        """The tag of a formula ends."""
        self.inside = False
        text = "".join(self.pieces)
        if self._kind == "shared" and text:
            self._shared[self._number] = text
        if self._kind == "array" and self._area[0] != self._area[1]:
            self._arrays.append((self._area, text))
            if len(self._arrays) > MOST_ARRAYS:
                raise WorkbookError(f"the sheet has more than {MOST_ARRAYS:,} formulas of several cells; it is not read")
        if self._place >= 0:
            self.texts[self._place] = text
            if self._kind == "shared" and not text:
                self._sharing[self._place] = self._number

    def finish(self, wanted: Wanted) -> None:
        """Give the cells that only share a formula its text."""
        for place, number in self._sharing.items():
            self.texts[place] = self._shared.get(number, "")
        for ((top, left), (bottom, right)), text in self._arrays:
            for row, columns in wanted.items():
                for column, place in columns.items() if top <= row <= bottom else ():
                    if left <= column <= right:
                        self.texts.setdefault(place, text)


class _Budget:
    """How many characters may still be kept."""

    def __init__(self, path: Path, left: int) -> None:
        self._path, self._left = path, left

    def spend(self, characters: int) -> None:
        self._left -= characters
        if self._left < 0:
            raise WorkbookError(f"{self._path} is not read: the cells asked for hold more than {MOST_TEXT:,} characters")


def _value(text: str, kind: str) -> Value:
    if kind == "n":
        return number_in(text)
    if kind == "b":
        return text.strip() == "1"
    return _unescaped(text)


def number_in(text: str) -> float | str:
    """The number that the text of a cell is, or the text where a spreadsheet would not take it for one.

    >>> number_in("-1.5E3"), number_in("1_000"), number_in("nan")
    (-1500.0, '1_000', 'nan')
    """
    return float(text) if NUMBER.fullmatch(text) else text


def shows_date(code: str) -> bool:
    """Whether a number format of a spreadsheet shows a date or a time.

    >>> [shows_date(code) for code in ("dd/mm/yyyy", "[h]:mm", "General", '0.00" days"', "#,##0.00 [$USD-409]", "0.00E+00")]
    [True, True, False, False, False, False]
    """
    letters = re.sub(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', "", code, flags=re.IGNORECASE)
    return bool(re.search("[dmyhs]", letters, re.IGNORECASE))


def _unescaped(text: str) -> str:
    """Text as it was: a workbook writes a control character, and what looks like one, as _xHHHH_."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _address(reference: str) -> tuple[int, int]:
    letters = reference.rstrip("0123456789")
    return _column(letters), int(reference[len(letters) :] or 0) - 1


@cache
def _column(letters: str) -> int:
    """The number of a column, from 0.

    >>> _column("A"), _column("XFD")
    (0, 16383)
    """
    if not re.fullmatch("[A-Z]{1,3}", letters):
        raise ValueError(f"{letters[:20]!r} is not a column")
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number - 1
