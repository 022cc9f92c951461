"""Building a folder beside its place, and moving it there when it is whole."""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

from course_utils.errors import CourseError
from course_utils.files import FileError, writing
from course_utils.leftovers import part_name, tidy

_PATIENCE = 600  # seconds to wait for another process; a stopped one must not stop all others for ever


@contextmanager
def scratch(beside: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a new, empty folder on the same drive as `beside` and next to it; remove it in the end, whatever happens.

    Where `beside` is a folder already, the new one is made in it: something may be mounted there, and the system does not
    always tell before a move fails. What a process that was killed left there is removed. Raises a FileError where the system
    does not let `beside` be written.
    """
    beside = Path(beside)
    inside = os.path.isdir(beside)
    part = (beside if inside else beside.parent) / part_name(beside.name, ".part")
    try:
        with writing(beside, own=[part]):
            part.parent.mkdir(parents=True, exist_ok=True)
            tidy(part.parent)
            part.mkdir()
            yield part
    except FileError as error:
        if str(part) not in str(error):
            raise
        raise FileError(str(error).replace(str(part), str(beside))) from error  # where it would have been in the end
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def building(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a new, empty folder beside `folder`; move what is in it to `folder` if the block succeeds, else remove it.

    Where `folder` does not exist yet it appears in one step, whole. Where it does, each file or folder at the top is moved into
    it, unless one of them is there already: then a `CourseError` names it and nothing is moved.

    >>> import tempfile
    >>> data = Path(tempfile.mkdtemp()) / "data"
    >>> with building(data) as part:
    ...     _ = (part / "labels.csv").write_text("id,breed")
    >>> with building(data) as part:
    ...     _ = (part / "labels.csv").write_text("something else")
    Traceback (most recent call last):
    ...
    course_utils.errors.CourseError: ...data already holds labels.csv; nothing was changed: move it away, then try again
    """
    with writing(folder):
        folder = Path(os.path.realpath(folder))  # a link is followed, so that the move stays on one drive
    with scratch(beside=folder) as part:
        yield part
        _move(part, folder)


def _move(part: Path, folder: Path) -> None:
    if not os.path.lexists(folder):
        part.rename(folder)
        return
    names = sorted(entry.name for entry in part.iterdir())
    taken = [name for name in names if os.path.lexists(folder / name)]
    if taken:
        shown = ", ".join(taken[:3]) + (f" and {len(taken) - 3} more" if len(taken) > 3 else "")
        it = "it" if len(taken) == 1 else "them"
        raise CourseError(f"{folder} already holds {shown}; nothing was changed: move {it} away, then try again")
    try:
        for name in names:
            (part / name).rename(folder / name)
    except BaseException:
        for name in names:  # none of them was there before
            with suppress(FileNotFoundError):
                (folder / name).rename(part / name)
        raise


@contextmanager
def one_at_a_time(folder: Path, waiting: str) -> Iterator[None]:
    """Let one process after the other into the block, of all that name this `folder`; prints `waiting` where there is a wait.

    The system releases the lock when a process ends, however it ends, and no file is left. Where it cannot lock folders (on
    Windows, on some network drives) nobody waits, and neither does anybody for longer than ten minutes.
    """
    try:
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):
        yield
        return
    try:
        start = time.monotonic()
        while time.monotonic() - start < _PATIENCE:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if waiting:
                    print(waiting)
                    waiting = ""
                time.sleep(0.1)
            except OSError:  # no locks here
                break
        yield
    finally:
        os.close(descriptor)


@contextmanager
def nobody_else(part: Path) -> Iterator[None]:
    """Keep every other process and thread from downloading into `part` until the block ends: two would mix what they write.

    Raises a CourseError where one does so already. The file that is locked, `<part>.lock`, is removed in the end; what a killed
    process left of it locks nobody out. Where the system cannot lock files (on Windows, on some network drives) nobody is kept
    off.
    """
    lock = part.with_name(f"{part.name}.lock")
    with ExitStack() as held:
        while not _is_still(lock, held.enter_context(lock.open("ab"))):
            pass  # whoever had it has removed it in between
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)


def _is_still(lock: Path, file: IO[bytes]) -> bool:
    """Lock a file that was opened; False where it is no longer there, so that it would keep nobody off."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.lexists(lock) and os.path.samestat(os.fstat(file.fileno()), os.stat(lock))
    except BlockingIOError:
        raise CourseError(
            f"{lock.with_suffix('')} is being written at the moment: another process or thread is downloading the same file to "
            "the same folder. Wait until it has arrived, then try again"
        ) from None
    except (ImportError, OSError):
        return True
