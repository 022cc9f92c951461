"""Writing files so that a half-written one is never left where a whole one is expected, and saying in words what the system refuses."""

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from course_utils.errors import CourseError


class FileError(CourseError):
    """The system did not let a file be read or written; the message says why, and what to do."""


REASONS = {
    errno.ENOSPC: ("the disk is full", "make room, or choose another folder"),
    errno.EDQUOT: ("your share of the disk is used up", "delete what you no longer need, or choose another folder"),
    errno.EROFS: ("the folder is read-only", "choose a folder of your own"),
    errno.EACCES: ("you may not write there, or another program has the file open", "close it there, or choose a folder of your own"),
    errno.EPERM: ("the system does not allow it", "choose a folder of your own"),
    errno.ENOENT: ("the folder is not there and cannot be made", "check the path"),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", "check the path"),
    errno.EISDIR: ("there is a folder of that name", "choose another name"),
    errno.ENAMETOOLONG: ("the name is too long", "choose a shorter one"),
    errno.EEXIST: ("something of that name is in the way", "choose another name"),
    errno.EMFILE: ("this program has too many files open", "restart it"),
    errno.EIO: ("the drive reports an error", "check the drive, or choose another folder"),
}


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what the system, or a library that writes for us, says of `path` into a FileError in words.

    Libraries hide the system's answer in errors of their own (safetensors, XlsxWriter, Arrow, Polars, DuckDB, PyTorch); it is
    looked for in what an error is, in what it came from, and in its text. Other errors pass as they are.

    >>> with writing("/net/share/notes.txt"):
    ...     raise OSError(errno.ENOSPC, "No space left on device")
    Traceback (most recent call last):
    ...
    course_utils.files.FileError: cannot write /net/share/notes.txt: the disk is full; make room, or choose another folder
    """
    try:
        yield
    except CourseError:
        raise
    except Exception as error:
        number = system_error(error)
        if number is None:
            raise
        reason, advice = REASONS.get(number, (os.strerror(number).lower() if number else str(error), "choose another folder"))
        raise FileError(f"cannot write {os.fspath(path)}: {reason}; {advice}") from error


def system_error(error: BaseException | None) -> int | None:
    """The number of the system's error behind `error` (0 where it is one without a number), or None where it is no such thing.

    >>> system_error(OSError(errno.EACCES, "Permission denied")) == errno.EACCES
    True
    >>> system_error(RuntimeError("I/O error: No space left on device (os error 28)"))
    28
    >>> system_error(ValueError("a wrong value")) is None
    True
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError):
            inner = next((a for a in error.args if isinstance(a, OSError)), None)
            return error.errno or _number_in(str(error)) or (system_error(inner) if inner else 0)
        inner = next((a for a in error.args if isinstance(a, OSError)), None)  # XlsxWriter's FileCreateError
        if inner is not None:
            return system_error(inner)
        if number := _number_in(str(error)):
            return number
        error = error.__cause__ or error.__context__
    return None


def _number_in(text: str) -> int | None:
    if found := re.search(r"(?:os error|errno) (\d+)", text, re.IGNORECASE):
        return int(found[1])
    return next((number for number in REASONS if os.strerror(number).lower() in text.lower()), None)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path`, to write a file there; move that onto `path` if the block succeeds, else remove it.

    The folder is created where it is missing, the temporary file keeps the suffix of `path`, and the move replaces an existing
    file in one step: a reader sees the old file or the new one, never a part. Its permissions follow the umask.

    Raises FileError where the system does not let it be written.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "notes.txt") as part:
    ...     _ = part.write_text("whole")
    >>> [p.name for p in folder.iterdir()], (folder / "notes.txt").read_text()
    (['notes.txt'], 'whole')
    """
    path = Path(path)
    part = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{path.suffix}")
    with writing(path):
        try:
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
            yield part
            part.replace(path)
        except BaseException:
            with suppress(OSError):  # the error that led here is the one to tell
                part.unlink(missing_ok=True)
            raise
