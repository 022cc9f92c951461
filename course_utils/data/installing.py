"""A dataset made of files that were downloaded."""

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from course_utils.data.archives.unpacking import SUFFIXES, unpack
from course_utils.data.catalog import find
from course_utils.data.places import data_folder
from course_utils.data.staging import building
from course_utils.errors import CourseError
from course_utils.files import as_path, reading


def install(name: str, files: Sequence[str | os.PathLike[str]], folder: str | os.PathLike[str] | None = None) -> Path:
    """Make the dataset `name` from `files` that were downloaded by hand: archives are unpacked, the lessons' layout is made.

    `files` are the files of the competition, such as `train.zip` and `test1.zip`, or folders of them; they are left as they
    are. `folder` is by default that of the dataset in the data folder. Raises a `CourseError` where a part is missing, and
    then, as for archives that cannot be unpacked, leaves nothing.
    """
    dataset = find(name)
    folder = as_path("folder", folder, "a folder") if folder is not None else data_folder() / name
    listed = files if isinstance(files, list | tuple) else [files] if isinstance(files, str | os.PathLike) else []
    if not listed:
        raise CourseError(f"files is {files!r}; give a list of the files that were downloaded. {dataset.page} has them")
    paths = [as_path("a file", file) for file in listed]
    with building(folder) as part:
        put_all(paths, part)
        if dataset.arrange:
            dataset.arrange(part)
        if missing := dataset.missing_from(part):
            given = ", ".join(path.name for path in paths)
            raise CourseError(
                f"{given} do not make {name}: {', '.join(missing)} would be missing. {dataset.page} has the files"
            )
    return folder


def put_all(paths: Sequence[Path], folder: Path) -> None:
    """Put files, and those in folders, into `folder`; archives are unpacked there."""
    for path in paths:
        with reading(path):
            is_folder = stat.S_ISDIR(os.stat(path).st_mode)
        if is_folder:
            for inside in sorted(path.rglob("*")):
                if os.path.isfile(inside):
                    _put(inside, folder / inside.parent.relative_to(path))
        else:
            _put(path, folder)


def _put(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if path.name.lower().endswith(SUFFIXES):
        unpack(path, folder, progress=True)
    else:
        if os.path.lexists(folder / path.name):
            raise CourseError(f"two of the files are called {path.name}, the second {path}; give each file once")
        shutil.copyfile(path, folder / path.name)
