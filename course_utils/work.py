"""Where what a student makes is kept: weights, submissions, smaller copies; apart from the data, which are only read."""

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.files import can_write, current_folder, named_folder, reading, writing
from course_utils.hosts import in_notebook

MARKER = "DRAWN.json"  # in the folder of a drawn stand-in: what it is, and what drew it

_said: set[str] = set()  # why something lies elsewhere is told once


def work_folder(name: str | None = None) -> Path:
    """Give the folder for what you make, and make it where it is missing; with `name` the folder of that lesson or data in it.

    It is the folder that the environment variable `COURSE_WORK` names; without it `work` beside the notebook (in the current
    folder of its kernel), and outside of notebooks, or where that cannot be written, `course` in your home folder. A line says
    where it is another than usual.

    Raises a `CourseError` for a name that no folder can have, and a `FileError` where the folder cannot be made.

    >>> work_folder("planet").relative_to(work_folder()).as_posix()
    'planet'
    """
    if name is not None and (not isinstance(name, str) or not name.strip(" .") or Path(name).name != name or "\0" in name):
        raise CourseError(f"{name!r} is not a name for a folder; give a plain one like 'planet', without folders above it")
    folder = _root() / (name or "")
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def folder_for(data: str | os.PathLike[str]) -> Path:
    """Give the place, below the work folder, of what is made from the data in the folder `data`; nothing is made there yet.

    A drawn stand-in has the name of its dataset (`work/dogscats`), wherever it was drawn. Any other folder has its own name and
    six digits that stand for its whole path, so that two folders `photos` never share weights. What lies in the work folder
    already, such as smaller copies, stays with the data that it was made from, and data without a folder of their own (`.`)
    have the work folder itself.
    """
    root, folder = _root(), Path(os.path.realpath(data))
    inside = Path(os.path.realpath(root))
    if folder.is_relative_to(inside):
        return root.joinpath(*folder.relative_to(inside).parts[:1])
    if os.fspath(data) in ("", "."):
        return root
    if folder.parent.name == "samples" and os.path.isfile(folder / MARKER):
        return root / folder.name
    digits = hashlib.blake2b(os.fsencode(folder), digest_size=3).hexdigest()
    return root / f"{folder.name or 'data'}-{digits}"


def place_of(name: str) -> Path:
    """Give the place, below the work folder, of what is made from data without a folder; nothing is made there."""
    return _root() / name


def models_folder(data: str | os.PathLike[str]) -> Path:
    """Give the place of weights and checkpoints that were trained on the data in the folder `data`."""
    return folder_for(data) / "models"


def find_saved(file: Path, data: str | os.PathLike[str]) -> Path:
    """Give `file`, or where it is not there the one of its name that was saved into the data folder, as was done once.

    A line says so, since a shared data folder may hold another person's files. A `file` outside of the place that
    `models_folder(data)` gives was chosen by the user, and is given back as it is.

    >>> import tempfile
    >>> data = Path(tempfile.mkdtemp()) / "pets"
    >>> find_saved(models_folder(data) / "first.safetensors", data) == models_folder(data) / "first.safetensors"
    True
    """
    old = Path(data) / "models" / file.name
    with reading(file), suppress(FileNotFoundError, NotADirectoryError):
        os.stat(file)  # a folder that may not be looked into is another thing than no file
    if os.path.lexists(file) or file.parent != models_folder(data) or not os.path.isfile(old):
        return file
    _say(f"{file.name}: none in {file.parent}, so the one in the data folder is taken, whoever saved it there: {old}")
    return old


def spare_folder(make: bool = True) -> Path | None:
    """Give a folder of the user's own in the system's temporary folder, which others can neither read nor put there before.

    Its name is drawn by chance, and it is recognised by its owner, so that a later session finds it again. None where there is
    none, and none can be made.
    """
    prefix = f"course_utils-{os.getuid() if hasattr(os, 'getuid') else 'user'}-"
    try:
        temporary = tempfile.gettempdir()
        with os.scandir(temporary) as entries:
            found = sorted(entry.path for entry in entries if entry.name.startswith(prefix) and _is_ours_alone(entry))
        if found or not make:
            return Path(found[0]) if found else None
        return Path(tempfile.mkdtemp(prefix=prefix, dir=temporary))
    except OSError:
        return None


def _is_ours_alone(entry: "os.DirEntry[str]") -> bool:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:  # gone again
        return False
    ours = not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o077)
    return stat.S_ISDIR(status.st_mode) and ours


def _root() -> Path:
    """The first place that can be written; where none can, the first of all, for what may be read there."""
    if named := named_folder("COURSE_WORK", "what you make"):
        return named
    places = list(_places())
    for number, place in enumerate(places):
        if can_write(place):
            if number:
                _say(f"{places[0]} cannot be written to, so what you make goes to {place} (COURSE_WORK names another)")
            return place
    return places[0]


def _places() -> Iterator[Path]:
    here: Path | None
    try:
        here = current_folder() / "work"
    except CourseError:
        here = None
    if here and in_notebook():
        yield here
    if home := _home():
        yield home / "course"
    elif not here:
        raise CourseError("no home folder and no current one; let COURSE_WORK name a folder for what you make")
    if here and not in_notebook():
        yield here


def _home() -> Path | None:
    if os.environ.get("HOME") == "":
        return None  # which Python takes for the root of all folders
    home = os.path.expanduser("~")
    return Path(home).absolute() if os.path.isdir(home) else None


def _say(line: str) -> None:
    if line not in _said:
        _said.add(line)
        print(line)
