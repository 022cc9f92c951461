"""Numbers put into cells of an .xlsx file that somebody else made or changed; all the rest of it stays as it is, byte for byte.

A library that loads a workbook and writes it again loses what it does not know: charts, drop-downs, colours. Here the cells
are replaced in the text of their sheet. The values that stood beside formulas are not true any more and are taken out: the
spreadsheet program that opens the file next computes them.
"""

import os
import re
import zipfile
from collections.abc import Container, Mapping, Set
from pathlib import Path

from course_utils.excel.cells import open_sheets
from course_utils.excel.errors import WorkbookError
from course_utils.excel.grid import cell
from course_utils.excel.package import MOST_BYTES, readable
from course_utils.excel.sheet_text import SheetText, with_content, without_value
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
    with replacing(source if to is None else to) as target, reading(source), readable(source), zipfile.ZipFile(source) as old:
        if sum(info.file_size for info in old.infolist()) > MOST_BYTES:
            raise WorkbookError(f"{source} unpacks to more than {MOST_BYTES:,} bytes; it is not written to")
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
            for info in old.infolist():
                name, data = info.filename.lower(), old.read(info)
                if name.endswith("calcchain.xml"):
                    continue
                if name in parts:
                    sheet, text = parts[name], SheetText(parts[name], data)
                    wanted = numbers.get(sheet, {})
                    missing = [place for place in wanted if place not in text.cells]
                    if missing:
                        at = cell(*missing[0])
                        raise WorkbookError(f"{source}, sheet {sheet}: there is no cell {at} any more; export the model again")
                    if (shared := shared_with_others(text, wanted)) is not None:
                        raise WorkbookError(
                            f"{source}, sheet {sheet}: the formula in {cell(*shared)} was filled into other cells, which would "
                            "lose it; write numbers there, or a formula into each cell by itself"
                        )
                    replaced += sum(text.cells[place].formula is not None for place in wanted)
                    data = filled(text, wanted, kept.get(sheet, frozenset()))
                elif name == workbook:
                    data = _computed_on_load(data)
                elif name.endswith((".rels", "[content_types].xml")):
                    data = CHAIN.sub(b"", data)
                new.writestr(info, data, zipfile.ZIP_DEFLATED)
    return replaced


def shared_with_others(sheet: SheetText, places: Container[Place]) -> Place | None:
    """The first of these cells whose formula is shared with cells that are not among them."""
    sharing: dict[str, list[Place]] = {}  # by the number of a formula: the cell that it stands in, and the others
    for place, there in sheet.cells.items():
        if there.shared is not None:
            sharing.setdefault(there.shared, []).append(place)
    for first, *others in sharing.values():
        if first in places and any(other not in places for other in others):
            return first
    return None


def filled(sheet: SheetText, numbers: Mapping[Place, float], kept: Set[Place]) -> bytes:
    """The text of a sheet with these numbers in its cells, and no values beside formulas but in the cells `kept`.

    >>> data = b'<sheetData><row><c r="A1" s="3"><v>1</v></c><c r="B1"><f>A1*2</f><v>2</v></c></row></sheetData>'
    >>> filled(SheetText("Network", data), {(0, 0): 2.5}, set())
    b'<sheetData><row><c r="A1" s="3"><v>2.5</v></c><c r="B1"><f>A1*2</f></c></row></sheetData>'
    """
    pieces, done = [], 0
    for place, there in sheet.cells.items():
        if place in numbers:
            made = with_content(sheet.data[there.start : there.end], b"<v>%s</v>" % repr(float(numbers[place])).encode())
        elif there.formula is not None and place not in kept:
            made = without_value(sheet.data, there)
        else:
            continue
        pieces += [sheet.data[done : there.start], made]
        done = there.end
    return b"".join([*pieces, sheet.data[done:]])


def _computed_on_load(data: bytes) -> bytes:
    """The text of the workbook's own part, in which it says that all formulas are to be computed when it is opened."""
    if b"fullCalcOnLoad" in data:
        return re.sub(rb"""fullCalcOnLoad\s*=\s*("[^"]*"|'[^']*')""", b'fullCalcOnLoad="1"', data)
    return re.sub(rb"<((?:[\w.-]+:)?calcPr)\b", rb'<\1 fullCalcOnLoad="1"', data, count=1)
