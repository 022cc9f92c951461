"""Numbers put into cells of an .xlsx file that somebody else made or changed; all the rest of it stays as it is, byte for byte.

A library that loads a workbook and writes it again loses what it does not know: charts, drop-downs, colours. Here the cells
are replaced in the text of their sheet. The values that stood beside formulas are not true any more and are taken out: the
spreadsheet program that opens the file next computes them.
"""

import os
import re
import zipfile
from collections.abc import Container, Iterable, Mapping, Set
from pathlib import Path
from xml.parsers import expat

from course_utils.excel.cells import open_sheets
from course_utils.excel.errors import WorkbookError
from course_utils.excel.grid import cell, place_of
from course_utils.excel.package import MOST_BYTES
from course_utils.files import reading, replacing

Place = tuple[int, int]  # row and column, from 0
CHAIN = re.compile(rb"<(?:Relationship|Override)\b[^>]*calcChain[^>]*/>")  # the order in which Excel computed last


def write_numbers(
    path: str | os.PathLike[str],
    numbers: Mapping[str, Mapping[Place, float]],
    kept: Mapping[str, Set[Place]],
    to: str | os.PathLike[str] | None = None,
) -> int:
    """Put numbers into cells, by the name of their sheet; `kept` are cells whose formulas keep the values beside them.

    The workbook is written to `to`, by default in its own place. Gives how many formulas the numbers replaced.

    Raises WorkbookError where a cell is not there to be filled, or has the formula that others share, as Excel saves what was
    filled down.
    """
    source, replaced = Path(path), 0
    with open_sheets(source) as sheets:
        parts = {part.lower(): name for name, part in sheets.parts.items()}
        workbook = sheets.workbook.lower()
    with replacing(source if to is None else to) as target, reading(source), zipfile.ZipFile(source) as old:
        if sum(info.file_size for info in old.infolist()) > MOST_BYTES:
            raise WorkbookError(f"{source} unpacks to more than {MOST_BYTES:,} bytes; it is not written to")
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
            for info in old.infolist():
                name, data = info.filename.lower(), old.read(info)
                if name.endswith("calcchain.xml"):
                    continue
                if name in parts:
                    sheet, text = parts[name], SheetText(data)
                    wanted = numbers.get(sheet, {})
                    missing = [place for place in wanted if place not in text.cells]
                    if missing:
                        at = cell(*missing[0])
                        raise WorkbookError(f"{source}, sheet {sheet}: there is no cell {at} any more; export the model again")
                    if (shared := text.shared_with_others(wanted)) is not None:
                        raise WorkbookError(
                            f"{source}, sheet {sheet}: the formula in {cell(*shared)} was filled into other cells, which would "
                            "lose it; write numbers there, or a formula into each cell by itself"
                        )
                    replaced += text.formulas(wanted)
                    data = text.filled(wanted, kept.get(sheet, frozenset()))
                elif name == workbook:
                    data = _computed_on_load(data)
                elif name.endswith((".rels", "[content_types].xml")):
                    data = CHAIN.sub(b"", data)
                new.writestr(info, data, zipfile.ZIP_DEFLATED)
    return replaced


class SheetText:
    """The text of a sheet, and where its cells stand in it: first byte, the byte behind, and the same of a formula.

    >>> text = SheetText(b'<sheetData><row><c r="A1" s="3"><v>1</v></c><c r="B1"><f>A1*2</f><v>2</v></c></row></sheetData>')
    >>> text.filled({(0, 0): 2.5}, set())
    b'<sheetData><row><c r="A1" s="3"><v>2.5</v></c><c r="B1"><f>A1*2</f></c></row></sheetData>'
    """

    def __init__(self, data: bytes) -> None:
        self.cells: dict[Place, tuple[int, int, tuple[int, int] | None]] = {}
        self._data = data
        self._sharing: dict[str, list[Place]] = {}  # by the number of a formula: the cell that it stands in, and the others
        self._formula: tuple[int, int] | None = None
        self._row, self._column, self._start, self._formula_start = -1, -1, 0, 0
        self._inside = False
        self._parser = parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self._opened, self._closed
        parser.Parse(data, True)

    def formulas(self, places: Iterable[Place]) -> int:
        """How many of these cells hold a formula."""
        return sum(self.cells[place][2] is not None for place in places)

    def shared_with_others(self, places: Container[Place]) -> Place | None:
        """The first of these cells whose formula others read that are none of these."""
        for first, *others in self._sharing.values():
            if first in places and any(other not in places for other in others):
                return first
        return None

    def filled(self, numbers: Mapping[Place, float], kept: Set[Place]) -> bytes:
        """The text with these numbers in its cells, and no values beside formulas but in the cells `kept`."""
        pieces, done = [], 0
        for place, (start, end, formula) in self.cells.items():
            if place in numbers:
                made = _cell(self._data[start:end], b"<v>%s</v>" % repr(float(numbers[place])).encode())
            elif formula and place not in kept:
                made = _cell(self._data[start:end], self._data[formula[0] : formula[1]])
            else:
                continue
            pieces += [self._data[done:start], made]
            done = end
        return b"".join([*pieces, self._data[done:]])

    def _opened(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "row":
            self._row = int(attributes["r"]) - 1 if "r" in attributes else self._row + 1
            self._column = -1
        elif name == "c":
            self._column += 1
            if "r" in attributes:
                self._row, self._column = place_of(attributes["r"])
            self._start, self._formula, self._inside = self._parser.CurrentByteIndex, None, True
        elif name == "f" and self._inside:
            self._formula_start = self._parser.CurrentByteIndex
            if attributes.get("t") == "shared":
                self._sharing.setdefault(attributes.get("si", ""), []).append((self._row, self._column))

    def _closed(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        if not self._inside or name not in ("c", "f"):
            return
        start = self._formula_start if name == "f" else self._start
        end = self._data.index(b">", start) + 1
        if self._data[end - 2 : end] != b"/>":  # behind a tag without content, expat is past it already
            end = self._data.index(b">", self._parser.CurrentByteIndex) + 1
        if name == "f":
            self._formula = self._formula_start, end
        else:
            self.cells[self._row, self._column] = self._start, end, self._formula
            self._inside = False


def _cell(text: bytes, content: bytes) -> bytes:
    """A cell with the tag and the look of `text`, and other content."""
    tag = text[: text.index(b">") + 1].removesuffix(b"/>").removesuffix(b">")
    tag = re.sub(rb"""\s+t\s*=\s*("[^"]*"|'[^']*')""", b"", tag).rstrip()
    found = re.match(rb"<(?:([\w.-]+):)?c\b", tag)
    prefix = found[1] + b":" if found and found[1] else b""
    if prefix and not content.startswith(b"<" + prefix):
        content = content.replace(b"</", b"</" + prefix).replace(b"<v", b"<" + prefix + b"v")
    return b"%s>%s</%sc>" % (tag, content, prefix)


def _computed_on_load(data: bytes) -> bytes:
    """The text of the workbook's own part, in which it says that all formulas are to be computed when it is opened."""
    if b"fullCalcOnLoad" in data:
        return re.sub(rb"""fullCalcOnLoad\s*=\s*("[^"]*"|'[^']*')""", b'fullCalcOnLoad="1"', data)
    return re.sub(rb"<((?:[\w.-]+:)?calcPr)\b", rb'<\1 fullCalcOnLoad="1"', data, count=1)
