"""Writing files so that no half-written one is left where a whole one is expected; what the system refuses is said in words."""

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.leftovers import part_name, tidy
from course_utils.names import shortened
from course_utils.system_errors import OTHER, READING, WRITING, other_file, system_error, was_interrupted

__all__ = [
    "SPECIAL",
    "FileError",
    "as_path",
    "can_write",
    "current_folder",
    "is_special",
    "named_folder",
    "reading",
    "refuse_special",
    "replacing",
    "system_error",
    "writing",
]

SPECIAL = "it is a pipe or a device"


class FileError(CourseError):
    """The system did not let a file be read or written; the message says why, and what to do."""


def as_path(name: str, value: object, of: str = "a file") -> Path:
    """The path that was given as `name`, ~ as the home folder; a CourseError where it is no path, or empty.

    >>> as_path("path", "notes.txt").name
    'notes.txt'
    >>> as_path("path", None)
    Traceback (most recent call last):
    ...
    course_utils.errors.CourseError: path is None; give the path of a file, as text or a pathlib.Path
    """
    if isinstance(value, str) and re.match("[a-z][a-z0-9+]+://", value, re.IGNORECASE):
        raise CourseError(
            f"{name} is {shortened(repr(value), 80)}, an address; download what is there, and give the path of {of}"
        )
    if value == "":
        raise CourseError(f"{name} is ''; give the path of {of} ('.' is the folder that you are in)")
    if isinstance(value, str) or (isinstance(value, os.PathLike) and isinstance(os.fspath(value), str)):
        path = Path(value)
        if len(path.parts) < 2 or not path.parts[0].startswith("~"):
            return path
        if (whole := os.path.expanduser(path)).startswith("~"):
            raise CourseError(
                f"{name} is {os.fspath(path)!r}, and there is no home folder {path.parts[0]}; give the whole path"
            )
        return Path(whole)
    raise CourseError(f"{name} is {shortened(repr(value))}; give the path of {of}, as text or a pathlib.Path")


def is_special(path: str | os.PathLike[str]) -> bool:
    """Whether it is a pipe, a socket or a device, on which one would wait forever; False if it does not exist."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):  # told by whoever opens it
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def refuse_special(path: str | os.PathLike[str]) -> None:
    """Raise a FileError for a pipe, a socket or a device; see `is_special`."""
    if is_special(path):
        raise FileError(f"cannot read {path}: {SPECIAL}; copy what comes out of it into a file first")


@contextmanager
def writing(path: str | os.PathLike[str], own: Sequence[Path] = ()) -> Iterator[None]:
    """Turn what the system, or a library that writes for us, says of `path` into a FileError in words.

    Libraries hide the system's answer in errors of their own (safetensors, XlsxWriter, Arrow, Polars, DuckDB, PyTorch); it is
    looked for in what an error is, in what it came from, and in its text. Where the system names another file, one that was
    read for this one, that file is named; those in `own` count as `path`. Other errors pass as they are.

    >>> with writing("/net/share/notes.txt"):
    ...     raise OSError(errno.ENOSPC, "No space left on device")
    Traceback (most recent call last):
    ...
    course_utils.files.FileError: cannot write /net/share/notes.txt: the disk is full; make room, or choose another folder
    """
    _refuse_impossible(path, "write")
    try:
        yield
    except CourseError:
        raise
    except Exception as error:
        if was_interrupted(error):
            raise KeyboardInterrupt from error
        number = system_error(error)
        if number is None:
            raise
        if (other := other_file(error, [Path(path), *own])) is not None:
            raise FileError(f"cannot write {path}: {_why(other, number, error, READING, ' cannot be read:')}") from error
        raise FileError(f"cannot write {_why(path, number, error, WRITING)}") from error


@contextmanager
def reading(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what the system says of `path`, a file or folder that is looked at or read, into a FileError in words.

    >>> with reading("/net/share/notes.txt"):
    ...     _ = Path("/net/share/notes.txt").read_text()
    Traceback (most recent call last):
    ...
    course_utils.files.FileError: cannot read /net/share/notes.txt: it is not there; check the path
    """
    _refuse_impossible(path, "read")
    try:
        yield
    except CourseError:
        raise
    except Exception as error:
        number = system_error(error)
        if number is None:
            raise
        raise FileError(f"cannot read {_why(path, number, error, READING)}") from error


def _why(path: object, number: int, error: Exception, reasons: dict[int, tuple[str, str]], between: str = ":") -> str:
    said = str(error) if isinstance(error, OSError) else "the system took no more of it"  # where it gives no number
    said = os.strerror(number).lower() if number else said
    reason, advice = reasons.get(number) or OTHER.get(number) or (said, "choose another folder")
    return f"{path}{between} {reason}; {advice}"


def _refuse_impossible(path: str | os.PathLike[str], verb: str) -> None:
    try:
        possible = b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:  # half of a character
        possible = False
    if not possible:
        raise FileError(f"cannot {verb} {os.fspath(path)!r}: no file can have this name; check the path")


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path`, to write a file there; move that onto `path` if the block succeeds, else remove it.

    The folder is created where it is missing, the temporary file keeps the suffix of `path`, and the move replaces an existing
    file in one step: a reader sees the old file or the new one, never a part. Its permissions follow the umask. What a process
    that was killed left beside it is removed.

    Raises FileError where the system does not let it be written.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "notes.txt") as part:
    ...     _ = part.write_text("whole")
    >>> [p.name for p in folder.iterdir()], (folder / "notes.txt").read_text()
    (['notes.txt'], 'whole')
    """
    path = Path(path)
    _refuse_impossible(path, "write")
    part = path.with_name(part_name(path.stem, path.suffix)) if path.name else path
    with writing(path, own=[part]):
        try:
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
            tidy(path.parent)
            mode = _mode_of_new(part)
            yield part
            if part.stat().st_mode & 0o777 != mode:  # safetensors gives a file to its user alone
                part.chmod(mode)
            part.replace(path)
        except BaseException:
            with suppress(OSError):  # the error that led here is the one to tell
                part.unlink(missing_ok=True)
            raise


def _mode_of_new(file: Path) -> int:
    """The permissions that a new file gets; the umask itself cannot be asked for without changing it under other threads."""
    file.touch(exist_ok=False)
    mode = file.stat().st_mode & 0o777
    file.unlink()
    return mode


def can_write(folder: str | os.PathLike[str]) -> bool:
    """Tell whether `folder` (or, where it does not exist yet, the one that it would be made in) may be written to."""
    folder = Path(os.path.abspath(folder))
    try:
        while not os.path.lexists(folder):
            folder = folder.parent
        if os.name == "posix" and not folder.stat().st_mode & 0o222:
            return False  # meant to be read only, though root could write
        return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
    except OSError:  # a folder above that may not be looked into, a link to nowhere
        return False


def current_folder() -> Path:
    """Give the current folder; a FileError where it was removed in the meantime."""
    try:
        return Path.cwd()
    except OSError as error:
        raise FileError("the current folder is not there any more; go to another, or restart the kernel") from error


def named_folder(variable: str, holds: str) -> Path | None:
    """Give the folder that an environment variable names, None where it names none; it need not exist.

    Raises a CourseError where it names a file, another user's home folder that is not there, or what no folder can be called.
    """
    named = os.environ.get(variable, "")
    if not named.strip():
        return None
    folder = os.path.expanduser(named)
    if folder.startswith("~"):
        raise CourseError(f"{variable} is {named!r}, and there is no such home folder; let it name the whole path of a folder")
    try:
        os.fsencode(folder)
        there = os.stat(folder)
    except (FileNotFoundError, PermissionError):  # to be made; or to be told by whoever reads or writes there
        there = None
    except (OSError, ValueError) as error:
        reason = f"{error.strerror}".lower() if isinstance(error, OSError) and error.strerror else "no folder can be called so"
        raise CourseError(f"{variable} is {named!r}: {reason}; let it name a folder for {holds}") from error
    if there is not None and not os.path.isdir(folder):
        raise CourseError(f"{variable} is {named!r}, which is a file; let it name the folder for {holds}")
    return Path(folder) if os.path.isabs(folder) else current_folder() / folder
