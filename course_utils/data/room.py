"""Is there room for what is to come? Asked before the first byte."""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from course_utils.data.errors import NoSpaceError
from course_utils.errors import CourseError
from course_utils.files import can_write

KEPT_FREE = 500_000_000  # bytes of a disk that a download of unknown size leaves to others
LOOK = 50_000_000  # bytes of it between one look at the disk and the next


def require_room(folder: Path, n_bytes: int, what: str) -> None:
    """Raise a `CourseError` unless `folder` (which need not exist) can be written to and its disk has `n_bytes` free."""
    if not can_write(folder):
        raise CourseError(f"{what} a folder that can be written to, and {folder} cannot; set COURSE_DATA to another")
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if os.path.exists(place))
    free = shutil.disk_usage(there).free
    if free < n_bytes:
        raise NoSpaceError(
            f"{what} {n_bytes / 1e9:.2f} GB and {folder} has {free / 1e9:.2f} GB free: make room, then try again"
        )


def leaving_room(chunks: Iterable[bytes], part: Path) -> Iterator[bytes]:
    """Pass on the bytes for `part` of a file whose size the server does not say, which may have no end, while there is room.

    Raises a NoSpaceError where less than `KEPT_FREE` bytes would be left.
    """
    arrived, next_look = 0, LOOK
    for chunk in chunks:
        arrived += len(chunk)
        if arrived >= next_look:
            next_look += LOOK
            if (free := shutil.disk_usage(part.parent).free) < KEPT_FREE:
                raise NoSpaceError(
                    f"{arrived:,} bytes have arrived in {part}, the server does not say how many there are, and the disk has "
                    f"{free / 1e9:.2f} GB free: make room, then try again, or remove that file if it should not be so large"
                )
        yield chunk
