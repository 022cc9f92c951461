"""Names of files that nobody has yet: what a widget writes never replaces a file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path, PurePosixPath, PureWindowsPath

from course_utils.files import writing
from course_utils.widgets.base.arrays import shown
from course_utils.widgets.base.errors import WidgetError


def check_beside(name: str) -> None:
    """Python may write anywhere; a page, which may hold anybody's scripts, only beside the notebook."""
    if name != PurePosixPath(name).name or name != PureWindowsPath(name).name:
        raise WidgetError(f"The page asks to write to {name}, which is not beside the notebook; set export_path from Python")


def free_path(path: str | os.PathLike[str], suffix: str) -> Path:
    """`path`, which ends in `suffix`, if nothing is there, else the first of path_2, path_3, ... that is free.

    >>> free_path("no_such_file.xlsx", ".xlsx").name
    'no_such_file.xlsx'
    """
    try:
        wanted = Path(path)
    except TypeError as error:
        raise WidgetError(f"the path to write to is {shown(path)}; expected text, as in 'convolution{suffix}'") from error
    if wanted.suffix.lower() != suffix:
        raise WidgetError(f"{wanted} does not end in {suffix}; give a name as in 'convolution{suffix}'")
    with writing(wanted):
        return next(candidate for candidate in _numbered(wanted) if not (candidate.exists() or candidate.is_symlink()))


@contextmanager
def reserved(path: str | os.PathLike[str], suffix: str) -> Iterator[Path]:
    """Keep the name of `free_path` for the block: an empty file holds it, which goes again where the block fails.

    Two widgets, or two notebooks in one folder, that look for a free name at the same moment would both find the same one.
    """
    while True:
        target = free_path(path, suffix)
        with writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                target.touch(exist_ok=False)
            except FileExistsError:
                continue  # somebody else was faster
        break
    try:
        yield target
    except BaseException:
        with suppress(OSError):
            target.unlink()
        raise


def _numbered(wanted: Path) -> Iterator[Path]:
    yield wanted
    for number in count(2):
        yield wanted.with_stem(f"{wanted.stem}_{number}")
