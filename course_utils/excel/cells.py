"""Reading chosen cells of an .xlsx file: no further than asked, and up to stated limits, because the file may be anyone's.

An .xlsx file is a zip of XML parts. A library that loads the whole workbook can be kept busy for hours by a few kilobytes: by a
digit in the last cell of a sheet, a part that unpacks to gigabytes, a sheet that nobody asked for. Here a part is unpacked and
parsed piece by piece (by expat, as everywhere in Python) until the last cell asked for has passed. The size that some programs
note in a sheet's <dimension> is not looked at: others leave it out, or leave it as it was.
"""

import os
import posixpath
import re
import stat
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from xml.parsers import expat

from course_utils.errors import CourseError
from course_utils.excel.errors import WorkbookError
from course_utils.excel.grid import MAX_COLUMNS
from course_utils.files import reading

MOST_TAGS = 2_500_000  # in one part of the file: about three for each cell, so that some 800,000 cells can be passed
MOST_BYTES = 400_000_000  # of one part, unpacked
MOST_TEXT = 10_000_000  # characters in all cells asked for
LONGEST_TAG = 8_000_000  # bytes
DEEPEST = 64  # tags inside one another
PIECE = 1 << 16  # bytes that are unpacked at a time

Wanted = Mapping[int, Mapping[int, int]]  # row -> column, both from 0 -> which place of the result its value is for
Value = float | str | bool | None


class _EnoughError(Exception):
    """Raised inside the parser once everything asked for has been seen."""


@contextmanager
def open_sheets(path: str | os.PathLike[str]) -> Iterator["Sheets"]:
    """Open an .xlsx file for reading some of its cells.

    Raises WorkbookError where there is no such file, where it is something else, and where it is damaged or beyond the limits.
    """
    try:
        path = Path(path)
    except TypeError as error:
        raise WorkbookError(
            f"expected the path of a workbook and got {type(path).__name__}; give one, such as 'network.xlsx'"
        ) from error
    _refuse_other_than_file(path)
    try:
        with reading(path), path.open("rb") as file:
            start = file.read(8)
        if start.startswith(b"\xd0\xcf\x11\xe0"):  # the container of old Office files, and of encrypted new ones
            raise WorkbookError(
                f"{path} is protected by a password or of the old .xls kind; save it as .xlsx without a password"
            )
        with reading(path), zipfile.ZipFile(path) as archive:
            yield Sheets(path, archive)
    except CourseError:
        raise
    except Exception as error:  # zipfile, zlib and expat raise many kinds
        raise WorkbookError(
            f"{path} is not an .xlsx workbook that can be read ({error}); save it as .xlsx, or export the model again"
        ) from error


def _refuse_other_than_file(path: Path) -> None:
    """Raise WorkbookError where nothing of that name is there, or no file is: opening a pipe would wait without end."""
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise WorkbookError(f"no file {os.fspath(path)!r}; check the path") from error
    except OSError:
        return  # opening it says why
    if stat.S_ISDIR(mode):
        raise WorkbookError(f"{path} is a folder; name a workbook in it")
    if not stat.S_ISREG(mode):
        raise WorkbookError(f"{path} is a pipe or a device, not a file; name a workbook")


class Sheets:
    """The sheets of an open workbook: `names`, and `cells` of one."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive
        self._parts = {info.filename.lower(): info for info in archive.infolist()}  # part names do not differ in capitals
        workbook = next((to for kind, to in self._related("").values() if kind == "officeDocument"), "xl/workbook.xml")
        if workbook.lower() not in self._parts:
            raise WorkbookError(f"{path} is not an .xlsx workbook: it has no part {workbook}; save it as .xlsx and try again")
        related = self._related(workbook)
        self._sheets: dict[str, str] = {}
        for sheet in self._tags(workbook, "sheet"):
            number = next((value for key, value in sheet.items() if key.rpartition(" ")[2] == "id"), "")
            if number in related:
                self._sheets[sheet.get("name", "")] = related[number][1]
        self._workbook = workbook
        self._strings = next((to for kind, to in related.values() if kind == "sharedStrings"), "")

    @property
    def names(self) -> list[str]:
        """What the sheets are called, hidden ones too."""
        return list(self._sheets)

    def named_areas(self) -> dict[str, str]:
        """What the names of the workbook stand for, such as Network!$B$9:$D$11, or #REF! where those cells were deleted."""
        found: dict[str, str] = {}
        pieces: list[str] = []
        name: str | None = None
        budget = _Budget(self._path, MOST_TEXT)

        def start(tag: str, attributes: dict[str, str], depth: int) -> None:
            nonlocal name
            name = attributes.get("name") if tag.rpartition(" ")[2] == "definedName" else None
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

        self._parse(self._workbook, start, end, text)
        return found

    def cells(self, sheet: str, wanted: Wanted, count: int) -> list[Value]:
        """The values of the cells of `wanted` in their `count` places: numbers, text, truth values, and None where empty.

        Of a formula it is the value stored beside it. Rows after the last one wanted are not read.
        """
        found: list[Value] = [None] * count
        shared: dict[int, list[int]] = {}  # number of a shared string -> the places that it is for
        last = max(wanted, default=-1)
        budget = _Budget(self._path, MOST_TEXT)
        row, column, numbered = -1, -1, True
        here: Mapping[int, int] = {}
        place, kind, inside = -1, "", False  # of the cell that the parser is in; whether its value is being read
        pieces: list[str] = []
        a_row = a_cell = a_value = a_text = ""  # the tags, in the sheet's own namespace

        def start(tag: str, attributes: dict[str, str], depth: int) -> None:
            nonlocal row, column, numbered, here, place, kind, inside, a_row, a_cell, a_value, a_text
            if depth == 1:
                main = tag.removesuffix("worksheet")
                a_row, a_cell, a_value, a_text = (main + name for name in ("row", "c", "v", "t"))
            elif tag == a_cell:
                column += 1
                if "r" in attributes and (here or not numbered):
                    letters, digits = _address(attributes["r"])
                    column = letters
                    if not numbered:
                        row = digits
                        here = wanted.get(row, {})
                if column >= MAX_COLUMNS:
                    raise ValueError(f"more than {MAX_COLUMNS:,} columns")
                place, kind = here.get(column, -1), attributes.get("t", "n")
                pieces.clear()
            elif tag == a_row:
                numbered = "r" in attributes
                row, column, place = int(attributes["r"]) - 1 if numbered else row + 1, -1, -1
                if row > last:
                    raise _EnoughError
                here = wanted.get(row, {})
            elif place >= 0:
                inside = tag == (a_text if kind == "inlineStr" else a_value)

        def end(tag: str) -> None:
            nonlocal inside, place
            inside = False
            if place >= 0 and tag == a_cell:
                text = "".join(pieces)
                if kind == "s" and text:
                    shared.setdefault(int(text), []).append(place)
                elif text or kind in ("str", "inlineStr"):
                    found[place] = _value(text, kind)
                place = -1

        def text(piece: str) -> None:
            if inside:
                budget.spend(len(piece))
                pieces.append(piece)

        self._parse(self._sheets[sheet], start, end, text)
        for number, string in self._shared(shared, budget).items():
            for where in shared[number]:
                found[where] = string
        return found

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
                    raise _EnoughError
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

        self._parse(self._strings, start, end, text)
        if len(found) < len(wanted):
            raise WorkbookError(f"{self._path}: a text that a cell names is missing; save the workbook again as .xlsx")
        return found

    def _related(self, part: str) -> dict[str, tuple[str, str]]:
        """What a part refers to, by number: its kind, and the part that it is."""
        folder, name = posixpath.split(part)
        listing = posixpath.join(folder, "_rels", f"{name}.rels")
        if listing.lower() not in self._parts:
            return {}
        return {
            tag.get("Id", ""): (
                tag.get("Type", "").rpartition("/")[2],
                posixpath.normpath(posixpath.join("/", folder, tag.get("Target", ""))).lstrip("/"),
            )
            for tag in self._tags(listing, "Relationship")
        }

    def _tags(self, part: str, name: str) -> list[dict[str, str]]:
        """The attributes of every tag of that name."""
        found: list[dict[str, str]] = []

        def start(tag: str, attributes: dict[str, str], depth: int) -> None:
            if tag.rpartition(" ")[2] == name:
                found.append(attributes)
                if len(found) > 100_000:
                    raise WorkbookError(f"{self._path} has more than 100,000 of <{name}>; it is not read")

        self._parse(part, start, lambda tag: None, lambda piece: None)
        return found

    def _parse(
        self,
        part: str,
        start: Callable[[str, dict[str, str], int], None],
        end: Callable[[str], None],
        text: Callable[[str], None],
    ) -> None:
        """Send a part of the file through expat until its end, or until _EnoughError, within the limits."""
        info = self._parts.get(part.lower())
        if info is None:
            raise WorkbookError(
                f"{self._path} is damaged: its part {part or 'of shared texts'} is missing; save it again as .xlsx"
            )
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise WorkbookError(f"{self._path} is packed in another way than an .xlsx workbook; save it again as .xlsx")
        depth = tags = 0

        def opened(tag: str, attributes: dict[str, str]) -> None:
            nonlocal depth, tags
            depth += 1
            tags += 1
            if depth > DEEPEST or tags > MOST_TAGS:
                what = f"{MOST_TAGS:,} tags" if tags > MOST_TAGS else f"{DEEPEST} tags inside one another"
                raise WorkbookError(
                    f"{self._path} is not read: its part {part} has more than {what}, and no workbook needs them"
                )
            start(tag, attributes, depth)

        def closed(tag: str) -> None:
            nonlocal depth
            depth -= 1
            end(tag)

        def doctype(*_: object) -> None:  # which could define entities that grow without end
            raise WorkbookError(f"{self._path} is not read: its part {part} declares a document type, which no workbook does")

        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = doctype
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = opened, closed, text
        parser.buffer_text = True
        fed = 0
        with self._archive.open(info) as file:
            try:
                while piece := file.read(PIECE):
                    fed += len(piece)
                    if fed > MOST_BYTES:
                        raise WorkbookError(
                            f"{self._path} is not read: its part {part} unpacks to more than {MOST_BYTES:,} bytes before the "
                            "last cell asked for"
                        )
                    parser.Parse(piece, False)
                    if fed - parser.CurrentByteIndex > LONGEST_TAG:
                        raise WorkbookError(f"{self._path} is not read: its part {part} has a tag of {LONGEST_TAG:,} bytes")
                parser.Parse(b"", True)
            except _EnoughError:
                pass


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
        try:
            return float(text)
        except ValueError:
            return text
    if kind == "b":
        return text.strip() == "1"
    return _unescaped(text)


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
        raise ValueError(f"{letters[:20]!r} is no column")
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number - 1
