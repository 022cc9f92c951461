"""Is there room for what is to come? Asked before the first byte."""

import os
import shutil
from pathlib import Path

from course_utils.data.errors import NoSpaceError
from course_utils.errors import CourseError
from course_utils.files import can_write


def require_room(folder: Path, n_bytes: int, what: str) -> None:
    """Raise a `CourseError` unless `folder` (which need not exist) can be written to and its disk has `n_bytes` free."""
    if not can_write(folder):
        raise CourseError(f"{what} a folder that can be written to, and {folder} cannot; let COURSE_DATA name another")
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if os.path.exists(place))
    free = shutil.disk_usage(there).free
    if free < n_bytes:
        raise NoSpaceError(
            f"{what} {n_bytes / 1e9:.2f} GB and {folder} has {free / 1e9:.2f} GB free: make room, then try again"
        )
