"""A file that another program saves now and then: whether it was, and is whole; and whether it is open there."""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from course_utils.errors import CourseError
from course_utils.excel.errors import WorkbookError

PATIENCE = 5.0  # seconds in which a file that cannot be read may still be on its way
T = TypeVar("T")


class SavedFile:
    """A workbook that is looked at again and again: by its time and size, and where these changed by what it holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = self._last = _look(path)
        self._digest = _digest(path) if path.is_file() else b""
        self._unread_since: float | None = None

    @property
    def saved(self) -> bool:
        """Whether somebody saved it since it was read."""
        return _look(self.path) != self._seen

    def news(self, read: Callable[[], T], last: bool) -> T | None:
        """What `read` makes of it, where it was saved and lies still; None where it is the same, missing or being written.

        With `last` it is not waited for. Raises WorkbookError where it could not be read for some seconds.
        """
        now = _look(self.path)
        if now == self._seen:
            return None
        if now is None or (now != self._last and not last):
            self._last = now
            return None
        try:
            digest = _digest(self.path)
            found = None if digest == self._digest else read()
        except (CourseError, OSError) as error:
            self._unread_since = self._unread_since or time.monotonic()
            if last or time.monotonic() - self._unread_since > PATIENCE:
                raise WorkbookError(f"{self.path.name} was saved and cannot be read: {error}") from error
            return None
        if _look(self.path) != now:  # saved again in between
            return None
        self._seen, self._digest, self._unread_since = now, digest, None
        return found

    def was_written(self) -> None:
        """It is our own now: what it holds is not news."""
        self._seen, self._digest = _look(self.path), _digest(self.path)
        self._last = self._seen

    def lock(self) -> Path | None:
        """The file that Excel or LibreOffice puts beside a workbook as long as it is open there; None where it is not."""
        for name in (f"~${self.path.name}", f".~lock.{self.path.name}#"):
            if os.path.lexists(self.path.with_name(name)):
                return self.path.with_name(name)
        return None


def _look(path: Path) -> tuple[int, int, int] | None:
    """What tells that a file was saved, without reading it; None where it is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _digest(path: Path) -> bytes:
    return hashlib.blake2b(path.read_bytes()).digest()
