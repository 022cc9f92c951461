"""Unpacking zip, tar and 7z archives that come from elsewhere, whatever they hold.

An archive is a list of names and contents that somebody else chose. A name can lead out of the folder (`../../.bashrc`), a link
can stand where a folder is expected, and a few kilobytes can unpack to terabytes. So nothing here is left to the archive: every
name is checked, every file is made by `_Target`, which counts the bytes as it writes them, links are never made, and all of it
happens in a temporary folder that is moved into place when the archive has been read to its end.
"""

import bz2
import errno
import gzip
import lzma
import operator
import os
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from course_utils.data.errors import (
    ArchiveError,
    ArchiveTooLargeError,
    DamagedArchiveError,
    EncryptedArchiveError,
    NoSpaceError,
    UnknownArchiveError,
    UnsafeArchiveError,
)
from course_utils.data.staging import building
from course_utils.errors import CourseError
from course_utils.files import as_path, is_special, writing
from course_utils.names import shortened

SUFFIXES = (".zip", ".7z", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
MAX_BYTES = 50 * 10**9  # more than any dataset of the lessons
MAX_MEMBERS = 1_000_000  # files and folders

_CHUNK = 1 << 20
_MAX_TAR_HEADER = 1 << 24  # no honest file name or comment is longer
_WINDOWS_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}


def unpack(
    archive: str | os.PathLike[str], folder: str | os.PathLike[str], max_bytes: int = MAX_BYTES, progress: bool = False
) -> Path:
    """Unpack a zip, tar (also .gz, .bz2, .xz), 7z or .tar.7z archive into `folder`, all of it or nothing.

    Its kind is told from its content, not from its name. `folder` may hold other things already; none of them is replaced.
    An archive whose only content is a tar, like Planet's `train-jpg.tar.7z`, is unpacked to the end.

    Raises an `ArchiveError` that says what is wrong: `DamagedArchiveError` (half finished, or bytes changed),
    `EncryptedArchiveError`, `UnknownArchiveError`, `UnsafeArchiveError` (paths that lead outside, links, devices),
    `ArchiveTooLargeError` (more than `max_bytes` bytes are written, whatever its header says); or a `NoSpaceError`.

    >>> import tempfile
    >>> here = Path(tempfile.mkdtemp())
    >>> with zipfile.ZipFile(here / "train.zip", "w") as zip:
    ...     zip.writestr("train/cat.0.jpg", b"meow")
    >>> (unpack(here / "train.zip", here / "dogscats") / "train" / "cat.0.jpg").read_bytes()
    b'meow'
    """
    archive, folder = as_path("archive", archive), as_path("folder", folder, "a folder")
    max_bytes = _number_of_bytes(max_bytes)
    if not os.path.isfile(archive):
        if os.path.isdir(archive) or is_special(archive):
            what = "a folder" if os.path.isdir(archive) else "a pipe or a device"
            raise ArchiveError(f"{archive} is {what}; give the file of an archive")
        raise ArchiveError(f"no archive {archive}: there is nothing of that name, or it may not be looked at")
    with building(folder) as part:
        _extract(archive, part, max_bytes, progress)
        content = list(part.iterdir())
        if len(content) == 1 and content[0].suffix == ".tar" and content[0].is_file():
            inner = content[0].rename(part.with_suffix(".tar"))
            try:
                _extract(inner, part, max_bytes, progress, called=archive)
            finally:
                inner.unlink()
    return folder


def _number_of_bytes(given: Any) -> int:
    number = int(given) if isinstance(given, float) and given.is_integer() else given
    try:
        if isinstance(number, bool) or operator.index(number) < 0:
            raise TypeError
    except TypeError:
        raise ArchiveError(
            f"max_bytes is {given!r}; give the bytes that may be written, a whole number such as 10**9"
        ) from None
    return operator.index(number)


def _extract(archive: Path, folder: Path, max_bytes: int, progress: bool, called: Path | None = None) -> None:
    """Unpack one archive; messages call it `called`, the archive that it was in."""
    try:
        with _progress_bar(archive, progress) as bar:
            target = _Target(called or archive, folder, max_bytes, bar)
            with archive.open("rb") as file:
                start = file.read(512)
            if start.startswith((b"PK\3\4", b"PK\5\6")):
                _extract_zip(archive, target)
            elif start.startswith(b"7z\xbc\xaf\x27\x1c"):
                _extract_7z(archive, target)
            else:
                _extract_tar(archive, start, target)
    except CourseError:
        raise
    except MemoryError as error:
        raise ArchiveError(
            f"{archive} was not unpacked: it asks for more memory than there is; close other programs, then try again"
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpaceError(
                f"the disk was full before {archive.name} was unpacked in {folder.parent}; "
                "nothing of it was kept: make room and try again"
            ) from error
        if error.errno is not None:
            with writing(folder.parent):
                raise
        raise _damaged(archive, error) from error
    except NotImplementedError as error:  # zipfile's word for a compression method that it does not have
        raise ArchiveError(
            f"{archive} is compressed in a way that Python cannot undo ({error}); unpack it by other means"
        ) from error
    except Exception as error:  # parsers meet changed bytes with whatever comes first: IndexError, struct.error, zlib.error
        raise _damaged(archive, error) from error


def _damaged(archive: Path, why: object) -> DamagedArchiveError:
    return DamagedArchiveError(
        f"{archive} ({archive.stat().st_size:,} bytes) is half finished or damaged ({why}); delete it and download it again"
    )


class _Target:
    """Makes the files and folders of one archive in one folder, and counts every byte that it writes."""

    def __init__(self, archive: Path, folder: Path, max_bytes: int, bar: Any) -> None:
        self.archive, self.folder, self.max_bytes, self.bar = archive, folder, max_bytes, bar
        self.written = self.members = 0

    def expect(self, n_bytes: int) -> None:
        """Stop before the first byte where the archive itself says that it is too large."""
        if n_bytes > self.max_bytes:
            raise self.too_large(f"says that it unpacks to {n_bytes:,} bytes")
        free = shutil.disk_usage(self.folder).free
        if n_bytes > free:
            raise NoSpaceError(
                f"{self.archive.name} unpacks to {n_bytes:,} bytes and {self.folder.parent} has {free:,} free: "
                "make room and try again"
            )
        self.bar.reset(total=n_bytes)

    def make_folder(self, name: str) -> None:
        """Make the folder `name`, and those above it."""
        self._count_member()
        self._make_folders(self.path_of(name), name)

    def make_file(self, name: str) -> Path:
        """Make the empty file `name`, and the folders above it."""
        self._count_member()
        path = self.path_of(name)
        if path == self.folder:
            raise self.unsafe(name, "is no file name")
        self._make_folders(path.parent, name)
        try:
            path.open("xb").close()
        except FileExistsError:
            raise self.unsafe(name, "is in it twice") from None
        except OSError as error:
            raise self._too_long(error, name) from error
        return path

    def write_file(self, name: str, content: IO[bytes]) -> None:
        """Make the file `name` and copy `content` into it."""
        with self.make_file(name).open("wb") as file:
            while chunk := content.read(_CHUNK):
                self.count(len(chunk))
                file.write(chunk)

    def count(self, n_bytes: int) -> None:
        """Note that `n_bytes` more are about to be written; stop when they are too many."""
        self.written += n_bytes
        if self.written > self.max_bytes:
            raise self.too_large("unpacks to more than that")
        self.bar.update(n_bytes)

    def unsafe(self, name: str, why: str) -> UnsafeArchiveError:
        return UnsafeArchiveError(
            f"{self.archive} was not unpacked, because {name!r} in it {why}. "
            "No archive of the lessons' datasets holds anything like that: delete it, and download it from the catalog's source"
        )

    def too_large(self, how: str) -> ArchiveTooLargeError:
        return ArchiveTooLargeError(
            f"{self.archive} was not unpacked: at most {self.max_bytes:,} bytes are allowed and it {how}. "
            "If you trust it, give unpack() a larger max_bytes"
        )

    def path_of(self, name: str) -> Path:
        """Give where `name` belongs: inside the folder, or nowhere."""
        slashed = name.replace("\\", "/")  # as Windows reads it; a backslash in an honest name is unheard of
        parts = [part for part in slashed.split("/") if part not in ("", ".")]
        if slashed.startswith("/"):
            raise self.unsafe(name, "is an absolute path")
        if any(not part.strip(" .") for part in parts):  # Windows drops dots and spaces at the end: '.. ' is '..' there
            raise self.unsafe(name, "leads out of its folder")
        if ":" in slashed or "\0" in slashed or any(part.split(".")[0].strip().upper() in _WINDOWS_DEVICES for part in parts):
            raise self.unsafe(name, "is a drive, a device or a stream on Windows")
        return self.folder.joinpath(*parts)

    def _count_member(self) -> None:
        self.members += 1
        if self.members > MAX_MEMBERS:
            raise ArchiveTooLargeError(f"{self.archive} was not unpacked: it holds more than {MAX_MEMBERS:,} files and folders")

    def _make_folders(self, path: Path, name: str) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise self.unsafe(name, "needs a folder where it also has a file") from None
        except OSError as error:
            raise self._too_long(error, name) from error

    def _too_long(self, error: OSError, name: str) -> Exception:
        """What to say of a name that is too long for this drive; other errors as they are."""
        return self.unsafe(shortened(name, 100), "is too long for this drive") if error.errno == errno.ENAMETOOLONG else error


def _extract_zip(archive: Path, target: _Target) -> None:
    with zipfile.ZipFile(archive) as zip:
        members = zip.infolist()
        for member in members:
            kind = stat.S_IFMT(member.external_attr >> 16)  # 0 where it was made on Windows
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise target.unsafe(member.filename, "is a link or a device")
            if member.flag_bits & 1:
                raise EncryptedArchiveError(f"{archive} asks for a password ({member.filename}); get one that does not")
        target.expect(sum(member.file_size for member in members))
        for member in members:
            if member.is_dir():
                target.make_folder(member.filename)
            else:
                with zip.open(member) as content:
                    target.write_file(member.filename, content)


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


def _extract_tar(archive: Path, start: bytes, target: _Target) -> None:
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
        while file.read(_CHUNK):  # to the end: a checksum of what was unpacked stands there
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
        page = " It is a web page: perhaps the site wanted a sign-in." if b"<html" in first_block.lower() else ""
        raise UnknownArchiveError(
            f"{archive} is no zip, tar or 7z archive: its content starts with {first_block[:16]!r}.{page} Download it again"
        ) from None


class _SevenZipFile:
    """What py7zr writes one member of a 7z archive into; it never reads it back."""

    def __init__(self, path: Path, target: _Target) -> None:
        self.path, self.target = path, target

    def write(self, chunk: bytes) -> int:
        self.target.count(len(chunk))
        with self.path.open("ab") as file:  # opened for each large chunk, as older versions of py7zr never call close()
            return file.write(chunk)

    def read(self, size: int | None = None) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def size(self) -> int:
        return self.path.stat().st_size


class _SevenZipFiles:
    """Gives py7zr a `_SevenZipFile` for each member, in place of files that it would make itself."""

    def __init__(self, target: _Target) -> None:
        self.target = target

    def create(self, filename: str) -> _SevenZipFile:
        name = Path(filename).relative_to(self.target.folder).as_posix()
        return _SevenZipFile(self.target.make_file(name), self.target)


def _extract_7z(archive: Path, target: _Target) -> None:
    import py7zr

    try:
        # an open file, not a path: given a path py7zr unpacks in several threads
        with archive.open("rb") as file, py7zr.SevenZipFile(file) as seven_zip:
            if seven_zip.needs_password():
                raise py7zr.PasswordRequired
            members = list(seven_zip.files) if hasattr(seven_zip, "files") else []
            names: set[str] = set()
            for member in members:
                if member.is_symlink or member.is_junction or member.is_socket or not (member.is_file or member.is_directory):
                    raise target.unsafe(member.filename, "is a link or a device")
                target.path_of(member.filename)
                if member.filename in names:
                    raise target.unsafe(member.filename, "is in it twice")
                names.add(member.filename)
            target.expect(sum(member.uncompressed for member in members))
            for member in members:
                if member.is_directory:
                    target.make_folder(member.filename)
            if members:
                seven_zip.extractall(path=target.folder, factory=_SevenZipFiles(target))
    except py7zr.PasswordRequired as error:
        raise EncryptedArchiveError(f"{archive} asks for a password; get one that does not") from error
    except py7zr.UnsupportedCompressionMethodError as error:
        raise ArchiveError(
            f"{archive} is compressed in a way that py7zr cannot undo ({error}); unpack it with 7-Zip"
        ) from error


@contextmanager
def _progress_bar(archive: Path, progress: bool) -> Iterator[Any]:
    from tqdm.auto import tqdm

    with tqdm(desc=f"unpacking {archive.name}", unit="B", unit_scale=True, disable=not progress) as bar:
        yield bar
