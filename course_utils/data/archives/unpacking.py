"""Unpacking zip, tar and 7z archives that come from elsewhere, whatever they hold.

An archive is a list of names and contents that somebody else chose. A name can lead out of the folder (`../../.bashrc`), a link
can stand where a folder is expected, and a few kilobytes can unpack to terabytes. So nothing here is left to the archive: every
name is checked, every file is made by `Target`, which counts the bytes as it writes them, links are never made, and all of it
happens in a temporary folder that is moved into place when the archive has been read to its end.
"""

import errno
import operator
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from course_utils.data.archives.seven_zip import extract_7z
from course_utils.data.archives.tar_files import extract_tar
from course_utils.data.archives.target import Target
from course_utils.data.archives.zip_files import extract_zip
from course_utils.data.errors import ArchiveError, DamagedArchiveError, NoSpaceError
from course_utils.data.staging import building
from course_utils.errors import CourseError
from course_utils.files import as_path, is_special, writing

SUFFIXES = (".zip", ".7z", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
MAX_BYTES = 50 * 10**9  # more than any dataset of the lessons


def unpack(
    archive: str | os.PathLike[str], folder: str | os.PathLike[str], max_bytes: int = MAX_BYTES, progress: bool = False
) -> Path:
    """Unpack a zip, tar (also .gz, .bz2, .xz), 7z or .tar.7z archive into `folder`, all of it or nothing.

    Its kind is told from its content, not from its name. `folder` may hold other things already; none of them is replaced.
    An archive whose only content is a tar, like Planet's `train-jpg.tar.7z`, is unpacked to the end.

    Raises an `ArchiveError` that says what is wrong: `DamagedArchiveError` (half finished, or bytes changed),
    `EncryptedArchiveError`, `UnknownArchiveError`, `UnsafeArchiveError` (paths that lead outside, links, devices),
    `ArchiveTooLargeError` (more than `max_bytes` bytes are written, whatever its header says); or a `NoSpaceError`.

    >>> import tempfile, zipfile
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
        raise ArchiveError(f"no archive {archive}: there is nothing with that name, or you do not have access to it")
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
            f"max_bytes is {given!r}; give the number of bytes that may be written, a whole number such as 10**9"
        ) from None
    return operator.index(number)


def _extract(archive: Path, folder: Path, max_bytes: int, progress: bool, called: Path | None = None) -> None:
    """Unpack one archive; messages call it `called`, the archive that it was in."""
    try:
        with _progress_bar(archive, progress) as bar:
            target = Target(called or archive, folder, max_bytes, bar)
            with archive.open("rb") as file:
                start = file.read(512)
            if start.startswith((b"PK\3\4", b"PK\5\6")):
                extract_zip(archive, target)
            elif start.startswith(b"7z\xbc\xaf\x27\x1c"):
                extract_7z(archive, target)
            else:
                extract_tar(archive, start, target)
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


@contextmanager
def _progress_bar(archive: Path, progress: bool) -> Iterator[Any]:
    from tqdm.auto import tqdm

    with tqdm(desc=f"unpacking {archive.name}", unit="B", unit_scale=True, disable=not progress) as bar:
        yield bar
