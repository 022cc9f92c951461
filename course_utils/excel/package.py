"""The parts of an .xlsx file, read no further than asked and up to stated limits, because the file may be anyone's.

An .xlsx file is a zip of XML parts. A library that loads the whole workbook can be kept busy for hours by a few kilobytes: by a
digit in the last cell of a sheet, a part that unpacks to gigabytes, a sheet that nobody asked for. Here a part is unpacked and
parsed piece by piece (by expat, as everywhere in Python), and no longer than whoever reads it wants.
"""

import os
import posixpath
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.parsers import expat

from course_utils.errors import CourseError
from course_utils.excel.errors import WorkbookError
from course_utils.files import as_path, reading, refuse_special

MOST_TAGS = 6_000_000  # in one part of the file: about three for each cell, so that some 2,000,000 cells can be passed
MOST_BYTES = 400_000_000  # of one part, unpacked
LONGEST_TAG = 8_000_000  # bytes
DEEPEST = 64  # tags inside one another
PIECE = 1 << 16  # bytes that are unpacked at a time


class EnoughError(Exception):
    """Raised by whoever reads a part, once everything wanted from it has been seen."""


@contextmanager
def open_package(path: str | os.PathLike[str]) -> Iterator["Package"]:
    """Open an .xlsx file for reading some of its parts.

    Raises WorkbookError where there is no such file, where it is something else, and where it is damaged or beyond the limits.
    """
    try:
        path = as_path("path", path, "a workbook")
    except CourseError as error:
        raise WorkbookError(f"expected the path of a workbook: {error}") from error.__cause__
    refuse_special(path)
    if os.path.isdir(path):
        raise WorkbookError(f"{path} is a folder; name a workbook in it")
    try:
        with reading(path), path.open("rb") as file:
            start = file.read(8)
        if start.startswith(b"\xd0\xcf\x11\xe0"):  # the container of old Office files, and of encrypted new ones
            raise WorkbookError(
                f"{path} is protected by a password or of the old .xls kind; save it as .xlsx without a password"
            )
        with reading(path), readable(path), zipfile.ZipFile(path) as archive:
            yield Package(path, archive)
    except CourseError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise WorkbookError(f"no file {os.fspath(path)!r}; check the path") from error
        raise


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Inside, whatever a damaged workbook leads to is a WorkbookError that names it; what the system says goes on as it is."""
    try:
        yield
    except (CourseError, OSError):
        raise
    except Exception as error:  # zipfile, zlib and expat raise many kinds, and a damaged sheet any
        raise WorkbookError(
            f"{path} is not an .xlsx workbook that can be read ({error}); save it as .xlsx, or export the model again"
        ) from error


class Package:
    """The parts of an open workbook, by name."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path, self._archive = path, archive
        self._parts = {info.filename.lower(): info for info in archive.infolist()}  # part names do not differ in capitals

    def __contains__(self, part: str) -> bool:
        return part.lower() in self._parts

    def read_all(self) -> dict[str, bytes]:
        """Every part of the file, unpacked and whole: what is copied on unread would be found damaged by whoever opens it."""
        total = sum(info.file_size for info in self._parts.values())
        if total > MOST_BYTES:
            raise WorkbookError(f"{self.path} unpacks to {total:,} bytes, and at most {MOST_BYTES:,} are read")
        parts = {info.filename: self._archive.read(info) for info in self._archive.infolist()}
        for part, data in parts.items():
            if part.lower().endswith((".xml", ".rels")):
                self._refuse_damaged(part, data)
        return parts

    def _refuse_damaged(self, part: str, data: bytes) -> None:
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse_doctype(part)
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            raise WorkbookError(
                f"{self.path} is damaged: its part {part} cannot be read ({error}); save it again as .xlsx, or export it again"
            ) from error

    def _refuse_doctype(self, part: str) -> Callable[..., None]:
        def refuse(*_: object) -> None:  # which could define entities that grow without end
            raise WorkbookError(f"{self.path} is not read: its part {part} declares a document type, which no workbook does")

        return refuse

    def related(self, part: str) -> dict[str, tuple[str, str]]:
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
            for tag in self.tags(listing, "Relationship")
        }

    def tags(self, part: str, name: str) -> list[dict[str, str]]:
        """The attributes of every tag of that name."""
        found: list[dict[str, str]] = []

        def start(tag: str, attributes: dict[str, str], depth: int) -> None:
            if tag.rpartition(" ")[2] == name:
                found.append(attributes)
                if len(found) > 100_000:
                    raise WorkbookError(f"{self.path} has more than 100,000 of <{name}>; it is not read")

        self.parse(part, start, lambda tag: None, lambda piece: None)
        return found

    def parse(
        self,
        part: str,
        start: Callable[[str, dict[str, str], int], None],
        end: Callable[[str], None],
        text: Callable[[str], None],
    ) -> None:
        """Send a part of the file through expat until its end, or until EnoughError, within the limits."""
        info = self._parts.get(part.lower())
        if info is None:
            raise WorkbookError(
                f"{self.path} is damaged: its part {part or 'of shared texts'} is missing; save it again as .xlsx"
            )
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise WorkbookError(f"{self.path} is packed in another way than an .xlsx workbook; save it again as .xlsx")
        depth = tags = 0

        def opened(tag: str, attributes: dict[str, str]) -> None:
            nonlocal depth, tags
            depth += 1
            tags += 1
            if depth > DEEPEST or tags > MOST_TAGS:
                what = f"{MOST_TAGS:,} tags" if tags > MOST_TAGS else f"{DEEPEST} tags inside one another"
                raise WorkbookError(
                    f"{self.path} is not read: its part {part} has more than {what}, and no workbook needs them"
                )
            start(tag, attributes, depth)

        def closed(tag: str) -> None:
            nonlocal depth
            depth -= 1
            end(tag)

        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._refuse_doctype(part)
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = opened, closed, text
        parser.buffer_text = True
        fed = 0
        with self._archive.open(info) as file:
            try:
                while piece := file.read(PIECE):
                    fed += len(piece)
                    if fed > MOST_BYTES:
                        raise WorkbookError(
                            f"{self.path} is not read: its part {part} unpacks to more than {MOST_BYTES:,} bytes before the "
                            "last cell asked for"
                        )
                    parser.Parse(piece, False)
                    if fed - parser.CurrentByteIndex > LONGEST_TAG:
                        raise WorkbookError(f"{self.path} is not read: its part {part} has a tag of {LONGEST_TAG:,} bytes")
                parser.Parse(b"", True)
            except EnoughError:
                pass
