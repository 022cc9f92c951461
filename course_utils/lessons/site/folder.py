"""A folder of pages that can be written again: what is ours is replaced as a whole, what is not stays or is in the way."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from course_utils.data.staging import scratch
from course_utils.errors import CourseError
from course_utils.files import reading, writing
from course_utils.names import some_of

LIST = "course-html.json"  # in the folder: which files are ours, and what was in them


@contextmanager
def replacing_folder(folder: Path, sure: Sequence[str] = ()) -> Iterator[Path]:
    """Give an empty folder to write into, and move what is in it to `folder` if the block succeeds.

    What was written to `folder` so before is replaced. Other files and folders at its top stay, such as `.git` or `CNAME`.
    Where a name in `sure`, which will be written in any case, is in the way, that is said before the block.

    Raises:
        CourseError: the name of one that is to be written is taken by something that is not ours, or that was changed since;
            nothing is changed then.
    """
    with writing(folder):
        folder = Path(os.path.realpath(folder))
    ours = _listed(folder)
    _refuse_changes(folder, ours)
    _refuse_taken(folder, ours, sure)
    with scratch(beside=folder) as part:
        new = part / "new"
        new.mkdir()
        yield new
        files = {name: _digest(new / name) for name in _files_in(new)}
        (new / LIST).write_text(json.dumps(files, indent=0, sort_keys=True), encoding="utf-8")
        _swap(new, part / "old", folder, ours)


def _listed(folder: Path) -> dict[str, str]:
    """The files that were written here before, and what was in them; none where there is no list of them."""
    file = folder / LIST
    if not os.path.isfile(file):
        return {}
    with reading(file):
        text = file.read_text(encoding="utf-8")
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise CourseError(f"{file} cannot be read as the list of the pages that were written here; name a new folder")
    return {str(name): str(digest) for name, digest in found.items()}


def _refuse_changes(folder: Path, ours: dict[str, str]) -> None:
    """Refuse where a file of ours was changed, or another one lies in a folder of ours."""
    tops = {*_tops(ours)} - {LIST}
    wrong = [
        name
        for name in _files_in(folder)
        if name.split("/")[0] in tops and (name not in ours or ours[name] != _digest(folder / name))
    ]
    if wrong:
        raise CourseError(
            f"nothing was written, since {some_of(wrong, 3)} in {folder} was added or changed after the pages were written; "
            "move it away, or name another folder"
        )


def _refuse_taken(folder: Path, ours: dict[str, str], names: Iterable[str]) -> None:
    taken = [name for name in names if os.path.lexists(folder / name) and name not in _tops(ours)]
    if taken:
        raise CourseError(
            f"{folder} already holds {some_of(taken, 3)}, and not from here; nothing was written: name an empty or a new folder"
        )


def _swap(new: Path, old: Path, folder: Path, ours: dict[str, str]) -> None:
    """Move what is ours and old out of `folder`, and what is new into it; as before where that fails."""
    names = sorted(entry.name for entry in new.iterdir())
    _refuse_taken(folder, ours, names)
    folder.mkdir(parents=True, exist_ok=True)
    old.mkdir()
    moves = [(folder / name, old / name) for name in _tops(ours) if os.path.lexists(folder / name)]
    moves += [(new / name, folder / name) for name in names]
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            source.rename(target)
            done.append((source, target))
    except BaseException:
        for source, target in reversed(done):
            with suppress(OSError):
                target.rename(source)
        raise


def _tops(ours: dict[str, str]) -> list[str]:
    """What is ours at the top of the folder."""
    return sorted({name.split("/")[0] for name in ours} | ({LIST} if ours else set()))


def _files_in(folder: Path) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        for name in names:
            yield (Path(place) / name).relative_to(folder).as_posix()


def _digest(file: Path) -> str:
    with reading(file):
        return hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()
