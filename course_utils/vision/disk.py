"""What pictures there are on disk, and saying what is there instead of what was expected."""

import contextlib
import os
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

from course_utils.errors import CourseError
from course_utils.names import printable, some_of
from course_utils.vision.decoding.formats import begins_as_picture, has_picture_suffix, is_hidden, needs_plug_in


@dataclass
class Found:
    """What is in a folder and those below it, relative to some path and sorted: pictures, and other files."""

    pictures: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def composed(text: str) -> str:
    """A name in one of the two forms that Unicode has for it: é is one character, or an e with an accent.

    macOS and archives made there have the other form; both look the same, and are the same name here.
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def on_disk(path: Path, folder: str | os.PathLike[str] = "") -> Path:
    """`path / folder` as the disk spells it, where a name there differs from what was given only in its form of Unicode."""
    wanted = path / folder
    with contextlib.suppress(OSError, ValueError):
        if str(wanted).isascii() or wanted.exists():
            return wanted
        place = Path(wanted.anchor)
        for part in wanted.parts[1 if wanted.anchor else 0 :]:
            if not (place / part).exists():
                part = next((name for name in sorted(os.listdir(place)) if composed(name) == composed(part)), part)
            place /= part
        return place if place.exists() else wanted
    return wanted


def is_folder(path: Path) -> bool:
    """Whether a folder is there; a name that no folder can have is that of none."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def is_file(path: Path) -> bool:
    """Whether a file is there; a name that no file can have is that of none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def cannot_be_read(path: str | os.PathLike[str], error: OSError) -> CourseError:
    """What the system says of a file or folder, in words."""
    if isinstance(error, PermissionError):
        return CourseError(
            f"{printable(path)} cannot be read: you do not have permission; ask its owner for access, or move it away"
        )
    return CourseError(f"{printable(path)} cannot be read: {error.strerror or error}")


def listing(path: Path) -> list[os.DirEntry[str]]:
    """What is in a folder, sorted by name, hidden files left out; raises CourseError where the system does not say."""
    try:
        with os.scandir(path) as entries:
            return sorted((entry for entry in entries if not is_hidden(entry.name)), key=lambda entry: entry.name)
    except OSError as error:
        raise cannot_be_read(path, error) from error


def leads_to_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one; a link that leads to itself is neither."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def leads_to_file(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a file, or a link to one; a link that leads to itself is neither."""
    try:
        return entry.is_file()
    except OSError:
        return False


def class_folders(path: Path, folder: str, leave_out: Sequence[str] = ()) -> dict[str, list[str]]:
    """The classes that the folders in `path/folder` are named after, sorted, each with its folders relative to `path`.

    Hidden folders and those in `leave_out` do not count. One has two folders where their names are two forms of one name (see
    `composed`). Raises CourseError where there is no class.
    """
    if not is_folder(path / folder):
        raise CourseError(f"there is no folder {path / folder}; {what_is_in(path)}{_if_classes_are_in(path)}")
    classes: dict[str, list[str]] = defaultdict(list)
    for entry in listing(path / folder):
        place = (PurePosixPath(Path(folder).as_posix()) / entry.name).as_posix()
        if leads_to_folder(entry) and place not in leave_out:
            if printable(entry.name) != entry.name and not composed(entry.name).isprintable():
                raise CourseError(
                    f"{path / folder} has a folder {printable(entry.name)}, whose name is not plain text; rename it"
                )
            classes[composed(entry.name)].append(place)
    if not classes:
        raise CourseError(f"{path / folder} has no folders named after classes; {what_is_in(path / folder)}")
    return dict(sorted(classes.items()))


def _if_classes_are_in(path: Path) -> str:
    """What to do where the folders of the classes are in `path` itself."""
    folders = [entry.name for entry in listing(path) if leads_to_folder(entry)] if is_folder(path) else []
    if len(folders) < 2:
        return ""
    return f". If folders such as {some_of(folders, 2)} are named after the classes, say train='.' and valid_fraction=0.2"


def walk(path: Path, folder: str) -> Found:
    """The pictures and other files in `path/folder` and all folders below, each folder once.

    Links to folders are followed, but for those that lead above `path/folder`, where pictures of other classes may be.

    A file is a picture by its suffix, or where that is not known by its first bytes. Links that lead nowhere count by their
    suffix, so that its absence is noticed. Hidden files, and those that systems leave behind, are left out.
    """
    found, seen = Found(), set[tuple[int, int]]()

    def look(place: PurePosixPath) -> None:
        try:
            status = os.stat(path / place)
        except OSError as error:
            raise cannot_be_read(path / place, error) from error
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        for entry in listing(path / place):
            name = place / entry.name
            if leads_to_folder(entry) and not (entry.is_symlink() and _is_above(entry.path, path / folder)):
                look(name)
            elif not leads_to_file(entry) and not (entry.is_symlink() and not os.path.exists(entry.path)):
                found.others.append(name.as_posix())  # a pipe or a device, which may never end
            elif has_picture_suffix(entry.name) or begins_as_picture(entry.path):
                found.pictures.append(name.as_posix())
            else:
                found.others.append(name.as_posix())

    try:
        look(PurePosixPath(Path(folder).as_posix()))
    except RecursionError as error:
        raise CourseError(f"{path / folder} has folders nested too deeply; move its pictures further up") from error
    found.pictures.sort()
    found.others.sort()
    return found


def _is_above(link: str, folder: Path) -> bool:
    """Whether a link leads to a folder above `folder`, in which other classes may be, too."""
    return Path(os.path.realpath(link)) in Path(os.path.realpath(folder)).parents


def pictures_in(path: Path, folder: str) -> Found:
    """What `walk` finds in `path/folder`; there must be some pictures."""
    if not is_folder(path / folder):
        raise CourseError(f"there is no folder {path / folder}; {what_is_in(path)}")
    found = walk(path, folder)
    if not found.pictures:
        raise CourseError(
            f"{path / folder} has no pictures; {what_is_in(path / folder)}. {said_of_plug_ins(found.others)}Put some there "
            "(.jpg, .png, or another kind that Pillow reads), or leave the folder out."
        )
    return found


def said_of_plug_ins(others: Sequence[str]) -> str:
    """What it takes to read those of some files that are pictures all the same, a sentence for each kind."""
    return "".join(f"{need}. " for need in sorted({needs_plug_in(name) for name in others} - {""}))


def file_names(names: Sequence[str], folder: str, suffix: str = "") -> list[str]:
    """The files that a table means, relative to the folder above `folder` and with forward slashes.

    Raises CourseError for a name that leads out of `folder`: a table may come from anybody.

    >>> file_names(["train_0", "train_1"], "train-jpg", ".jpg")
    ['train-jpg/train_0.jpg', 'train-jpg/train_1.jpg']
    """
    for name in names:
        if name[0] in "/\\" or ".." in name or ":" in name:
            parts = PureWindowsPath(name)  # which knows both kinds of slashes, and drives
            if parts.anchor or ".." in parts.parts:
                raise CourseError(f"the table names {name!r}, which leads out of the folder {folder!r}; remove that row")
    place = PurePosixPath(Path(folder).as_posix())
    start = "" if place == PurePosixPath() else f"{place}/"
    files = [f"{start}{name}{suffix}".replace("\\", "/") for name in names]  # tables made on Windows have backslashes
    return [PurePosixPath(file).as_posix() if "./" in file or "//" in file else file for file in files]


def files_beside(names: Sequence[str], path: Path) -> set[str]:
    """Every file in the folders that `names` are in, relative to `path`; listing a folder beats asking for each file."""
    found: set[str] = set()
    for folder in sorted({name.rpartition("/")[0] for name in names}):
        try:
            place = on_disk(path, folder)
            with os.scandir(place) as entries:
                start = f"{folder}/" if place == path / folder else f"{place.relative_to(path).as_posix()}/"
                found.update(f"{start if folder else ''}{entry.name}" for entry in entries if leads_to_file(entry))
        except PermissionError as error:
            raise cannot_be_read(path / folder, error) from error
        except (OSError, ValueError):  # ValueError: no name of a folder
            continue
    return found


def matched(names: Sequence[str], files: set[str]) -> tuple[list[str], int]:
    """`names` as the disk spells them, and how many differ from it in upper and lower case.

    A name that no file has stays as it is, but where one file alone has that name in another form of Unicode or in other case.

    >>> matched(["a.JPG", "b.jpg", "c.jpg"], {"a.jpg", "b.jpg"})
    (['a.jpg', 'b.jpg', 'c.jpg'], 1)
    """
    if all(name in files for name in names):
        return list(names), 0
    same, alike = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for file in sorted(files):
        same[composed(file)].append(file)
        alike[composed(file).casefold()].append(file)
    spelled, other_case = [], 0
    for name in names:
        if name not in files:
            if len(found := same.get(composed(name), [])) == 1:
                name = found[0]
            elif len(found := alike.get(composed(name).casefold(), [])) == 1:
                name, other_case = found[0], other_case + 1
        spelled.append(name)
    return spelled, other_case


def what_is_in(folder: Path) -> str:
    """What a folder holds, or the nearest folder above it that there is, for a message."""
    try:
        if not folder.exists():
            parent = next(parent for parent in folder.absolute().parents if parent.exists())
            return f"{folder} does not exist; {what_is_in(parent)}"
        if not folder.is_dir():
            return f"{folder} is a file"
        names = sorted(f"{entry.name}/" if leads_to_folder(entry) else entry.name for entry in os.scandir(folder))
    except (OSError, ValueError) as error:  # ValueError: no name of a folder
        return f"{printable(folder)} cannot be read: {getattr(error, 'strerror', None) or error}"
    return f"in {folder} there is {some_of(names)}" if names else f"{folder} is empty"
