"""Building a folder beside its place, and moving it there when it is whole."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course_utils.errors import CourseError


@contextmanager
def scratch(beside: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a new, empty folder on the same drive as `beside` and next to it; remove it in the end, whatever happens."""
    beside = Path(beside)
    part = beside.parent / f".{beside.name}-{secrets.token_hex(4)}.part"
    try:
        part.mkdir(parents=True)
    except OSError as error:
        raise CourseError(f"cannot write in {beside.parent}: {error.strerror}; choose another folder") from error
    try:
        yield part
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
    folder = Path(os.path.realpath(folder))  # a link is followed, so that the move stays on one drive
    with scratch(beside=folder) as part:
        yield part
        _move(part, folder)


def _move(part: Path, folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    if not folder.exists():
        part.rename(folder)
        return
    names = sorted(entry.name for entry in part.iterdir())
    taken = [name for name in names if os.path.lexists(folder / name)]
    if taken:
        shown = ", ".join(taken[:3]) + (f" and {len(taken) - 3} more" if len(taken) > 3 else "")
        it = "it" if len(taken) == 1 else "them"
        raise CourseError(f"{folder} already holds {shown}; nothing was changed: move {it} away, then try again")
    moved: list[str] = []
    try:
        for name in names:
            (part / name).rename(folder / name)
            moved.append(name)
    except BaseException:
        for name in moved:
            (folder / name).rename(part / name)
        raise
