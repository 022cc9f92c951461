"""Reading a CSV file as people and programs really write it: in a usual encoding, compressed or not, and in bounded memory."""

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.names import counted, some_of
from course_utils.packed import DAMAGED, members, opened
from course_utils.vision.disk import cannot_be_read

DELIMITERS = ",;\t|"  # between the columns; the first that the header has
TEXT_LIMIT = 100_000_000  # bytes, unpacked: the names of all of ImageNet take half of that
CELL_LIMIT = 10_000_000
COLUMN_LIMIT = 20_000
LINE_LIMIT = 4_000_000  # letters

OTHER_KINDS = {  # how files begin that are not text
    b"\x28\xb5\x2f\xfd": "compressed by Zstandard; unpack it first",
    b"PAR1": "a Parquet file; read it with polars.read_parquet and give the frame to ImageData.from_frame",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save it as CSV",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"%PDF": "a PDF",
}


def read_table(file: Path) -> tuple[list[str], list[list[str]]]:
    """Read the header and the rows of a CSV file, every cell as the text that it is, without the space around it.

    Columns are separated by the first of `DELIMITERS` that the header has. Blank lines are left out. Text is UTF-8, or UTF-16
    with a byte order mark, with any ends of lines; `.gz`, `.bz2`, `.xz` and a `.zip` of one table are unpacked. A small file
    can unpack to far more than fits in memory: what is larger than `TEXT_LIMIT` is refused, whatever it was packed in.

    Raises CourseError, which names the file and the line.
    """
    try:
        with opened(file, partial(_only_table, file)) as content:
            raw = content.read(TEXT_LIMIT + 1)
    except DAMAGED as error:
        raise CourseError(f"{file} cannot be read: {error}") from error
    except OSError as error:
        raise cannot_be_read(file, error) from error
    if kind := next((kind for mark, kind in OTHER_KINDS.items() if raw.startswith(mark)), None):
        raise CourseError(f"{file} cannot be read as a table, because it is not text in UTF-8: it is {kind}")
    if len(raw) > TEXT_LIMIT:
        raise CourseError(
            f"{file} holds more than {TEXT_LIMIT / 1e6:,.0f} MB of text, the limit for a table of labels. Is it the right "
            "file? If it is, read its columns of names and labels with polars and give them to ImageData.from_frame."
        )
    lines = _lines(file, raw)
    first = next((line for line in lines if line.strip()), "")
    delimiter = next((mark for mark in DELIMITERS if mark in first), ",")
    rows = _rows(file, _lines(file, raw), delimiter)
    if len(rows) < 2 or len(rows[0]) < 2:
        found = f"has the columns {rows[0]} and {counted(len(rows) - 1, 'row')} below" if rows else "is empty"
        raise CourseError(
            f"{file} {found}; expected a line of headings such as id,label and below it a row for each picture, with cells "
            "separated by commas"
        )
    return rows[0], rows[1:]


def _rows(file: Path, lines: Iterator[str], delimiter: str) -> list[list[str]]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    rows: list[list[str]] = []
    cell_count = width = 0
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if not rows:
                width = len(cells)
                while width > 1 and not cells[width - 1]:  # commas at the end of the header
                    width -= 1
            if len(cells) < width or any(cells[width:]):
                raise CourseError(
                    f"line {reader.line_num:,} of {file} has {counted(len(cells), 'cell')} ({some_of(cells)}), its header "
                    f"{width} ({some_of(rows[0])}). Put a cell that holds {delimiter!r} in quotation marks."
                )
            cell_count += width
            if width > COLUMN_LIMIT or cell_count > CELL_LIMIT:
                what = f"{width:,} columns" if width > COLUMN_LIMIT else f"more than {CELL_LIMIT:,} cells"
                raise CourseError(
                    f"{file} has {what}, too many for a table of labels (up to {COLUMN_LIMIT:,} columns and {CELL_LIMIT:,} "
                    "cells). Keep the columns of names and labels."
                )
            rows.append(cells[:width])
    except csv.Error as error:
        raise CourseError(f"{file} cannot be read as a table, line {reader.line_num:,}: {error}") from error
    return rows


def _only_table(file: Path, archive: zipfile.ZipFile) -> str:
    names = members(archive)
    if "xl/workbook.xml" in names:
        raise CourseError(
            f"{file} is an Excel workbook; save it as CSV, or read it with pandas.read_excel and give the frame to "
            "ImageData.from_frame"
        )
    tables = [name for name in names if name.lower().endswith((".csv", ".tsv", ".txt"))]
    if len(tables) != 1:
        raise CourseError(f"{file} holds {some_of(names) or 'nothing'}; expected an archive of one table, a .csv")
    return tables[0]


def _lines(file: Path, raw: bytes) -> Iterator[str]:
    """The lines of a text, ends included; a line that is too long for a table's is refused."""
    utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = io.TextIOWrapper(io.BytesIO(raw), "utf-16" if utf16 else "utf-8-sig", newline="")
    number = 0
    try:
        while line := text.readline(LINE_LIMIT):
            number += 1
            if "\0" in line:
                raise CourseError(
                    f"line {number:,} of {file} contains null bytes, so it is not text in UTF-8, but may be UTF-16 without a "
                    "byte order mark, or UTF-32. Save it as CSV UTF-8."
                )
            if len(line) == LINE_LIMIT:
                raise CourseError(
                    f"line {number:,} of {file} has {LINE_LIMIT:,} characters or more; no table of labels has lines that "
                    "long. Is it the right file?"
                )
            yield line
    except UnicodeError as error:
        raise CourseError(
            f"{file} cannot be read as a table, because it is not text in UTF-8 (after line {number:,}: {error}). Save it as "
            "CSV UTF-8."
        ) from error
