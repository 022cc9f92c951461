"""Laying the course out in a folder, and bringing what is new there without touching what somebody changed."""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import course_utils
from course_utils.errors import CourseError
from course_utils.files import as_path, reading, replacing
from course_utils.lessons.find import course_files
from course_utils.names import some_of

MANIFEST = ".course.json"  # in a folder where the course was laid out: the mark of each file, as it was when it was brought
PARTS = ("notebooks/*.ipynb", "spreadsheets/*", "data/README.md")


@dataclass(frozen=True)
class Copied:
    """What became of each file, all as paths below `folder`."""

    folder: Path
    written: list[str] = field(default_factory=list)  # that was not there, or in an older version that nobody had changed
    beside: dict[str, str] = field(default_factory=dict)  # that you changed, and where the new version lies beside it
    gone: list[str] = field(default_factory=list)  # that the course has no longer; it is left where it is


def copy_course(folder: str | os.PathLike[str], update: bool = False) -> Copied:
    """Lay the course out in `folder`: notebooks, workbooks and what is said of the data.

    With `update` a course that was laid out before gets what is new. What you changed stays as it is, and the new version is
    put beside it, as in `01_cats_vs_dogs.new.ipynb`. A notebook is changed when the text or code of a cell is: to have run it
    is no change, so one that was only run gives way to a new version, with its outputs.

    Raises a `CourseError`, and writes nothing, where without `update` a file would have to give way, or with it there is no
    course to update.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "course"
    >>> len(copy_course(place).written) > 12, copy_course(place, update=True).written
    (True, [])
    """
    source, out = course_files(), as_path("folder", folder, of="a folder")
    files = {
        path.relative_to(source).as_posix(): path for part in PARTS for path in sorted(source.glob(part)) if _is_ours(path)
    }
    _refuse_place(out, source, files, update)
    before = _read_manifest(out)
    after: dict[str, str] = {}
    copied = Copied(out, gone=[name for name in before if name not in files and not _is_beside(name) and (out / name).exists()])
    for name, path in files.items():
        new, here = _mark(path), _mark_of(out / name)
        after[name] = new
        if here in (new, None) or here == before.get(name):
            if here != new:
                _put(path, out / name)
                copied.written.append(name)
        elif new != before.get(name):
            beside = _place_beside(out, name, new, before)
            _put(path, out / beside)
            copied.beside[name], after[beside] = beside, new
    with replacing(out / MANIFEST) as part:
        part.write_text(
            json.dumps({"version": course_utils.__version__, "files": {**before, **after}}, indent=1), encoding="utf-8"
        )
    return copied


def _is_ours(path: Path) -> bool:
    return os.path.isfile(path) and not path.name.startswith(".") and not _is_beside(path.name)


def _is_beside(name: str) -> bool:
    return ".new" in Path(name).stem


def _refuse_place(out: Path, source: Path, files: dict[str, Path], update: bool) -> None:
    if os.path.lexists(out) and not os.path.isdir(out):
        raise CourseError(f"{out} is a file; name a folder for the course")
    if os.path.realpath(out) == os.path.realpath(source):
        raise CourseError(f"{out} is where this course comes from; name another folder")
    if update:
        if not os.path.isfile(out / MANIFEST) and not any(os.path.lexists(out / name) for name in files):
            raise CourseError(f"there is no course in {out} to update; without --update it is laid out there")
        return
    different = [name for name, path in files.items() if _mark_of(out / name) not in (None, _mark(path))]
    if different:
        raise CourseError(
            f"nothing was written, since in {out} there is already another {some_of(different, 3)}; "
            "with --update you get what is new, and what you changed stays"
        )


def _read_manifest(out: Path) -> dict[str, str]:
    """The marks of what was brought; none where they cannot be read, and then all that differs counts as changed."""
    try:
        files = json.loads((out / MANIFEST).read_text(encoding="utf-8"))["files"]
        return {str(name): str(mark) for name, mark in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _mark_of(path: Path) -> str | None:
    """The mark of what lies there; None where nothing does."""
    return _mark(path) if os.path.lexists(path) else None


def _mark(path: Path) -> str:
    """What a file is recognised by: the text and code of a notebook's cells, all of another file."""
    with reading(path):
        content = path.read_bytes()
    if path.suffix == ".ipynb":
        try:
            cells = [[cell["cell_type"], "".join(cell["source"])] for cell in json.loads(content)["cells"]]
            content = json.dumps(cells).encode()
        except (ValueError, KeyError, TypeError):  # damaged: then it is changed
            pass
    return hashlib.sha256(content).hexdigest()


def _place_beside(out: Path, name: str, new: str, before: dict[str, str]) -> str:
    """A name like `01.new.ipynb` that is free, or holds a version that was brought before and not changed."""
    path, number = Path(name), 1
    while True:
        beside = path.with_name(f"{path.stem}.new{number if number > 1 else ''}{path.suffix}").as_posix()
        if _mark_of(out / beside) in (None, new, before.get(beside)):
            return beside
        number += 1


def _put(source: Path, target: Path) -> None:
    with replacing(target) as part:
        shutil.copyfile(source, part)
