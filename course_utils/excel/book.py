"""An empty .xlsx file to fill: the same bytes for the same content, fast, and nothing left where it fails."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import BytesIO
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


@contextmanager
def new_book(path: Path, constant_memory: bool = False) -> Iterator[Workbook]:
    """An empty workbook, written to `path` when the block ends; its bytes depend on nothing but what is put into it.

    XlsxWriter packs it in memory: a zip file on a disk that is full complains a second time, on the screen, when Python drops
    it. With `constant_memory` the rows wait in a folder beside `path`, and not in that for temporary files, which may be full
    where there is room here.
    """
    packed, rows = BytesIO(), path.with_name(part_name("workbook", ""))
    font = {"font_name": "Arial", "font_size": 10}  # column widths count in digits of it, and every system has one like it
    place = {"constant_memory": True, "tmpdir": str(rows)} if constant_memory else {"in_memory": True}
    if constant_memory:
        rows.mkdir()
    book = Workbook(packed, {**place, "default_format_properties": font})
    try:
        book.set_properties({"author": "course_utils", "created": CREATED})
        book.set_calc_mode("auto")
        yield book
        book.close()
        path.write_bytes(packed.getbuffer())
    finally:
        for sheet in book.worksheets():  # left open where it failed, and a full disk has the room back once they are closed
            for file in (sheet.row_data_fh, sheet.fh):
                with suppress(OSError, AttributeError):
                    file.close()
        shutil.rmtree(rows, ignore_errors=True)
