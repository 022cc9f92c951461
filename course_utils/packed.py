"""Files that may be packed, read in one place: the labels of pictures, tables of numbers and sample submissions come so."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

DAMAGED = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError)
"""What unpacking raises, beside OSError, for a file that is cut short, damaged, encrypted or packed in a way of its own."""


class Readable(Protocol):
    """Bytes that are read as far as asked."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes, or all."""
        ...


def only_member(archive: zipfile.ZipFile) -> str:
    """The name of the one file in an archive; a BadZipFile, which is one of `DAMAGED`, where there are others."""
    names = members(archive)
    if len(names) != 1:
        raise zipfile.BadZipFile(f"it is a zip archive of {len(names)} files, where one was expected")
    return names[0]


def members(archive: zipfile.ZipFile) -> list[str]:
    """The names of the files in an archive, without folders and what macOS adds."""
    return [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]


@contextmanager
def opened(path: Path, member: Callable[[zipfile.ZipFile], str] = only_member) -> Iterator[Readable]:
    """The bytes of a file, unpacked (gzip, bzip2, xz, or one member of a zip archive) as its first bytes or its name ask.

    A few bytes may unpack to gigabytes: read no further than the file may go. Raises OSError, or one of `DAMAGED`, here or
    while one reads.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "labels.csv"  # packed, though its name does not say so
    >>> _ = path.write_bytes(gzip.compress(b"id,label"))
    >>> with opened(path) as file:
    ...     file.read(100)
    b'id,label'
    """
    with open(path, "rb") as plain:
        start = plain.read(6)
        plain.seek(0)
        suffix = path.suffix.lower()
        if start.startswith(b"\x1f\x8b") or suffix == ".gz":
            with gzip.open(plain) as gzipped:
                yield gzipped
        elif start.startswith(b"BZh") or suffix == ".bz2":
            with bz2.open(plain) as bzipped:
                yield bzipped
        elif start.startswith(b"\xfd7zXZ") or suffix == ".xz":
            with lzma.open(plain) as xz:
                yield xz
        elif start.startswith(b"PK\x03\x04") or suffix == ".zip":
            with zipfile.ZipFile(plain) as archive, archive.open(member(archive)) as inside:
                yield inside
        else:
            yield plain
