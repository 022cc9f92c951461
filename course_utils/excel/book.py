"""An empty .xlsx file to fill: the same bytes for the same content, fast, and nothing left where it fails."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import CellFormulaTuple, Worksheet

from course_utils.leftovers import part_name

CREATED = datetime(2017, 11, 6, tzinfo=UTC)  # fixed, so that the same model gives the same bytes


class Exact(float):
    """A number that is written with all 17 digits where it needs them; XlsxWriter's own 16 can lose the last bit."""

    def __format__(self, spec: str) -> str:
        return float.__repr__(self)


class FastSheet(Worksheet):
    """A worksheet that takes formulas as they are.

    XlsxWriter searches each formula for some thirty newer functions to rename. None of them is ever used here, and at half a
    million formulas the search takes three quarters of the time, and the public `write_formula` always searches. The bytes
    written are the same, which a test holds; pyproject.toml bounds the versions of XlsxWriter whose insides these are.
    """

    def _write_formula(self, row: int, col: int, formula: str, cell_format: Format | None = None, value: Any = 0) -> int:
        if self._check_dimensions(row, col):
            return -1
        if self.constant_memory and row > self.previous_row:
            self._write_single_row(row)
        self.table[row][col] = CellFormulaTuple(formula.removeprefix("="), cell_format, value)
        return 0

    def _xml_rich_inline_string(self, string: str, attributes: list[tuple[str, Any]]) -> None:
        """Text between <r> and </r> would be written into the file's own markup; here it is a class's name."""
        self._xml_inline_string(string, False, attributes)


class Packed:
    """The file that a workbook is packed into, as far as `zipfile` uses one.

    A zip file that could not be written to its end, as on a disk that is full, is written to once more when Python drops it,
    which complains a second time, on the screen. So nothing is written any more once it was given up.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=0)
        self.tell, self.seek, self.read, self.flush = self._file.tell, self._file.seek, self._file.read, self._file.flush
        self._given_up = False

    def write(self, data: bytes) -> int:
        """Write all of it."""
        left = memoryview(b"" if self._given_up else data)
        while left:
            left = left[self._file.write(left) :]
        return len(data)

    def give_up(self) -> None:
        """Close the file, and write nothing more; to the zip file it looks as if there were still one, at its end."""
        end = self._file.seek(0, 2)
        self._given_up = True
        self.tell, self.seek, self.flush = (lambda: end), (lambda *_: end), (lambda: None)
        self._file.close()


@contextmanager
def new_book(path: Path, constant_memory: bool = False) -> Iterator[Workbook]:
    """An empty workbook, written to `path` when the block ends; its bytes depend on nothing but what is put into it.

    With `constant_memory` the rows wait in a folder beside `path`, and not in that for temporary files, which may be full where
    there is room here.
    """
    rows = path.with_name(part_name("workbook", ""))
    font = {"font_name": "Arial", "font_size": 10}  # column widths count in digits of it, and every system has one like it
    place = {"constant_memory": True, "tmpdir": str(rows)} if constant_memory else {"in_memory": True}
    if constant_memory:
        rows.mkdir()
    packed = Packed(path)
    book = Workbook(packed, {**place, "default_format_properties": font})
    try:
        book.set_properties({"author": "course_utils", "created": CREATED})
        book.set_calc_mode("auto")
        yield book
        book.close()
    finally:
        packed.give_up()
        for sheet in book.worksheets():  # left open where it failed, and a full disk has the room back once they are closed
            for file in (sheet.row_data_fh, sheet.fh):
                with suppress(OSError, AttributeError):
                    file.close()
        shutil.rmtree(rows, ignore_errors=True)
