"""Which of the pictures that a table, a frame or a list names are there, and in which split."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from course_utils.errors import CourseError
from course_utils.names import counted, some_of
from course_utils.training.splits import validation_split
from course_utils.vision.decoding.formats import has_picture_suffix
from course_utils.vision.disk import file_names, matched, on_disk, pictures_in, what_is_in
from course_utils.vision.labels import LabelTable, encode, said_of_files
from course_utils.vision.sources.labelled import Labelled, said_once
from course_utils.vision.sources.options import Options
from course_utils.vision.sources.valid_rows import checked_rows


def those_present(source: str, path: Path, names: list[str], files: set[str], table: LabelTable, options: Options) -> Labelled:
    """Those of `names` that are there, in splits, and a word on those that are not."""
    notices = [f"{source}: {notice}" for notice in table.notices]
    from_list = source == "the list"
    if source not in ("the frame", "the list"):
        notices = said_once(os.path.abspath(path / source), notices)
    rows_called = "files" if from_list else "rows"
    names, other_case = matched(names, files)
    top = os.path.abspath(path)
    places = [os.path.normpath(os.path.join(top, name)) for name in names]  # one file may be 0.png and ../train/0.png
    times = Counter(places)
    if twice := sorted({name for name, place in zip(names, places, strict=True) if times[place] > 1}):
        raise CourseError(
            f"{source} names pictures more than once, in several spellings: {some_of(twice)}. Remove all {rows_called} but one."
        )
    if other_case:
        notices.append(
            f"{counted(other_case, 'picture')} of {source} {'differs' if other_case == 1 else 'differ'} from the names on disk "
            "only in upper and lower case; found."
        )
    absent = [name for name in names if name not in files]
    are, them = ("is", "it") if len(absent) == 1 else ("are", "them")
    check = "Check their paths" if from_list else f"Check folder ({options.folder!r}) and suffix ({options.ending!r})"
    hint = _suffix_hint(absent, files, options.ending) if absent else ""
    if absent and options.missing != "skip":
        raise CourseError(
            f"{len(absent):,} of the {counted(len(names), 'picture')} that {source} names {are} not in {path}: "
            f"{some_of(absent)}. {check}: {_what_is_there(path, options.folder, absent)}.{hint} "
            f"{said_of_files(table.column_of_files)} missing='skip' leaves {them} out.".replace("  ", " ")
        )
    chosen = validation_split(len(names)) if options.valid_idx is None else options.valid_idx
    valid_rows = checked_rows(chosen, len(names))
    there = [row for row, name in enumerate(names) if name in files]
    rows = {"train": [row for row in there if row not in valid_rows], "valid": [row for row in there if row in valid_rows]}
    for split in rows:
        if not rows[split]:
            raise CourseError(
                f"no picture is left for the {split} set: of the {len(names):,} {rows_called} of {source} "
                f"{len(valid_rows):,} {'is' if len(valid_rows) == 1 else 'are'} for validation, and "
                f"{counted(len(absent), 'picture', 'is/are')} missing"
            )
    if absent:
        notices.append(
            f"{len(absent):,} of the {len(names):,} pictures that {source} names {are} missing and left out (data.missing)."
        )
    split_names = {split: [names[row] for row in rows[split]] for split in rows}
    if (test := options.test) is not None:
        found = pictures_in(path, on_disk(path, test).relative_to(path).as_posix() if not Path(test).is_absolute() else test)
        split_names["test"] = found.pictures
        if found.others:
            unused = counted(len(found.others), "file", "is/are")
            none = "it is not a picture" if len(found.others) == 1 else "they are not pictures"
            notices.append(f"{unused} not used in {test}, because {none}: {some_of(found.others)}.")
    targets = encode(table.labels, table.classes, table.task)
    return Labelled(split_names, {split: targets[rows[split]] for split in rows}, table.classes, absent, notices=notices)


def _what_is_there(path: Path, folder: str, absent: Sequence[str]) -> str:
    if special := [name for name in absent[:5] if os.path.exists(path / name)]:
        return f"{some_of(special)} {'is' if len(special) == 1 else 'are'} there, but not a file: a folder, a pipe or a device"
    return what_is_in(path / (folder or PurePosixPath(absent[0]).parent))


def _suffix_hint(absent: Sequence[str], files: set[str], suffix: str) -> str:
    """Which suffix would find the first of the pictures that are not there."""
    bare = absent[0].removesuffix(suffix)
    found = sorted(file for file in files if file.startswith(bare) and has_picture_suffix(file))
    fits = next((file[len(bare) :] for file in found if file == bare or os.path.splitext(file)[0] == bare), None)
    return "" if fits is None else f" With suffix={fits!r} there is {found[0]}."


def placed(name: str, path: Path, folder: str, suffix: str) -> str:
    """A file that a user named, relative to `path` where it is below it."""
    if not os.path.isabs(name):
        return file_names([name], folder, suffix)[0] if folder or ".." not in name else Path(f"{name}{suffix}").as_posix()
    file, top = Path(f"{name}{suffix}"), path.absolute()
    return (file.relative_to(top) if file.is_relative_to(top) else file).as_posix()
