"""Tar archives, packed or not, read more strictly than tarfile does."""

import bz2
import gzip
import lzma
import tarfile
from pathlib import Path
from typing import IO, Any

from course_utils.data.archives.target import Target
from course_utils.data.errors import DamagedArchiveError, UnknownArchiveError

_CHUNK = 1 << 20
_MAX_TAR_HEADER = 1 << 24  # no honest file name or comment is longer


def _is_proper_end(error: tarfile.HeaderError) -> bool:
    return type(error).__name__ == "EOFHeaderError"  # a block of zeros; typeshed does not know this class


class _StrictTarInfo(tarfile.TarInfo):
    """A member of a tar whose header must be right: tarfile itself takes a broken or missing one for the end of the archive."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> "_StrictTarInfo":
        try:
            return super().fromtarfile(tarfile_)
        except tarfile.HeaderError as error:
            if _is_proper_end(error):
                raise
            raise EOFError(f"a tar header is wrong or missing: {error}") from error


class _HeaderLimit:
    """A file that is never asked for more than a reasonable tar header at once: a tar can declare a file name of 10 GB."""

    def __init__(self, file: IO[bytes]) -> None:
        self.seek, self.tell, self._file = file.seek, file.tell, file

    def read(self, n_bytes: int) -> bytes:
        if n_bytes > _MAX_TAR_HEADER:
            raise EOFError(f"a tar header of {n_bytes:,} bytes")
        return self._file.read(n_bytes)


def extract_tar(archive: Path, start: bytes, target: Target) -> None:
    """Unpack a tar archive, of which `start` are the first bytes, into `target`."""
    opener: Any = open
    for magic, decompressing in ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open)):
        if start.startswith(magic):
            opener = decompressing
    with opener(archive, "rb") as file:
        _check_is_tar(archive, file.read(512))
        file.seek(0)
        if opener is open:
            target.bar.reset(total=archive.stat().st_size)
        with tarfile.open(fileobj=_HeaderLimit(file), mode="r:", tarinfo=_StrictTarInfo) as tar:  # type: ignore[call-overload]
            for member in tar:
                if member.isdir():
                    target.make_folder(member.name)
                elif member.isfile():
                    content = tar.extractfile(member)
                    assert content is not None  # what isfile() has
                    target.write_file(member.name, content)
                else:
                    raise target.unsafe(member.name, "is a link or a device")
        while file.read(_CHUNK):  # to the end: a checksum of what was unpacked is there
            pass


def _check_is_tar(archive: Path, first_block: bytes) -> None:
    try:
        tarfile.TarInfo.frombuf(first_block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        if _is_proper_end(error):
            return  # empty, but a tar
        if not first_block:
            raise DamagedArchiveError(
                f"{archive} is empty: its download was not finished; delete it and download it again"
            ) from None
        page = " It is a web page: perhaps the site wants you to sign in." if b"<html" in first_block.lower() else ""
        raise UnknownArchiveError(
            f"{archive} is not a zip, tar or 7z archive: its content starts with {first_block[:16]!r}.{page} Download it again"
        ) from None
