"""Pictures that a table, a frame or a list names, and which of them are there."""

import datetime
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np

from course_utils.errors import CourseError
from course_utils.files import as_path
from course_utils.names import counted, some_of
from course_utils.training.arguments import shown
from course_utils.training.splits import refuse_labels, validation_split
from course_utils.training.tasks import LabelTask
from course_utils.vision.disk import (
    checked_rows,
    composed,
    file_names,
    files_beside,
    is_file,
    is_folder,
    matched,
    on_disk,
    pictures_in,
    what_is_in,
)
from course_utils.vision.formats import begins_as_picture, has_picture_suffix, is_hidden
from course_utils.vision.labels import (
    Cell,
    LabelColumn,
    LabelTable,
    check_task,
    encode,
    label_table,
    read_labels,
    said_of_files,
)
from course_utils.vision.sources.labelled import Labelled, said_once

Missing = Literal["raise", "skip"]
ValidIdx = Iterable[Any] | np.ndarray | None


@dataclass(frozen=True)
class Options:
    """How a table is read, whichever kind it is; see `ImageData.from_csv`. Raises CourseError for what is no choice."""

    folder: str = ""
    suffix: str = ""
    file_column: str | None = None
    label_column: LabelColumn | None = None
    task: LabelTask | None = None
    valid_idx: ValidIdx = None
    test: str | None = None
    missing: Missing = "raise"

    def __post_init__(self) -> None:
        check_task(self.task)
        as_path("folder", self.folder, "a folder")
        if not isinstance(self.suffix, str):
            raise CourseError(
                f"suffix is {shown(self.suffix)}; give what names of files end in, such as '.jpg', or '' for nothing"
            )
        if self.test is not None:
            as_path("test", self.test, "a folder")
        if self.missing not in ("raise", "skip"):
            raise CourseError(
                f"missing is {self.missing!r}; it is 'raise' (stop where a picture is not there) or 'skip' (leave it out)"
            )

    @property
    def ending(self) -> str:
        """What is added to each name: nothing to those of a column of files."""
        return "" if self.file_column else self.suffix


def from_csv(path: Path, csv: str | os.PathLike[str], options: Options) -> Labelled:
    """What a CSV file says of the pictures in `path/folder`; see `ImageData.from_csv`."""
    csv, folder = as_path("csv", csv, "a table"), options.folder
    file = on_disk(path, csv)
    table = read_labels(file if is_file(file) else Path(csv), path, options.task, options.file_column, options.label_column)
    place = on_disk(path, folder)
    if not is_folder(place):
        raise CourseError(f"there is no folder {path / folder}; {what_is_in(path)}")
    if place != path / folder:
        folder = place.relative_to(path).as_posix()
    *names, heading = file_names([*table.names, table.heading[0] or "?"], folder, options.ending)
    files = files_beside(names, path)
    if heading in files or table.heading[1] in table.classes:
        raise CourseError(f"{csv} begins with {','.join(table.heading)!r}, a picture; put a line such as id,label above it")
    refuse_labels(options.valid_idx, None, len(names))
    found = _there(str(csv), path, names, files, table, replace(options, folder=folder))
    used = {name for split in ("train", "valid") for name in found.names[split]}
    found.unlisted = sorted(name for name in files - used if _is_picture(path, name))
    if found.unlisted:
        unused, them = counted(len(found.unlisted), "picture", "is/are"), "it" if len(found.unlisted) == 1 else "them"
        found.notices.append(f"{unused} not used, because {csv} does not name {them} (data.unlisted).")
    return found


def from_frame(frame: Any, path: Path, options: Options) -> Labelled:
    """What a pandas, Polars or Arrow table says of pictures below `path/folder`, or anywhere; see `ImageData.from_frame`."""
    if hasattr(frame, "column_names") and hasattr(frame, "num_rows"):  # Arrow's
        headings, columns = list(frame.column_names), list(frame.columns)
    elif hasattr(frame, "columns") and hasattr(frame, "shape") and len(frame.shape) == 2:
        headings = list(frame.columns)
        columns = [frame[heading] if headings.count(heading) == 1 else [""] * len(frame) for heading in headings]
    else:
        raise CourseError(
            f"frame is of type {type(frame).__name__}; give a pandas or Polars DataFrame of names and labels, or an Arrow table"
        )
    if not len(frame):
        raise CourseError("the frame has no rows; give one for each picture")
    header = [str(heading) for heading in headings]
    rows = list(zip(*map(_cells, columns), strict=True))
    table = label_table("the frame", header, rows, options.task, options.file_column, options.label_column)
    for heading, column in zip(header, columns, strict=True):
        if table.heading[1] == composed(heading):
            _check_no_dictionaries("the frame", _values(column))
        if table.heading[0] == composed(heading):
            _check_names(heading, _values(column))
    names = [_placed(name, path, options.folder, options.ending) for name in table.names]
    files = files_beside(names, path)
    refuse_labels(options.valid_idx, frame.index if type(frame).__module__.startswith("pandas") else None, len(names))
    return _there("the frame", path, names, files, table, options)


def _check_names(heading: str, values: Sequence[Any]) -> None:
    """Raise CourseError where the column of the names holds other things, such as the pictures themselves."""
    for value in values:
        if not isinstance(value, str | os.PathLike | int | float | np.generic):
            raise CourseError(
                f"the frame has {shown(value)} in the column {heading!r}, where the names of files are expected; pictures "
                "themselves go to ImageData.from_arrays"
            )


def from_files(
    files: Iterable[str | os.PathLike[str]],
    labels: Iterable[Any] | Mapping[Any, Any] | Callable[[Path], Any],
    path: Path,
    options: Options,
) -> Labelled:
    """What a list of files and one of their labels say; see `ImageData.from_files`."""
    if isinstance(files, str | bytes | os.PathLike) or not hasattr(files, "__iter__"):
        raise CourseError(f"files is {shown(files)}; give a list of files, such as sorted(Path(...).glob('*.jpg'))")
    for name, one in (("files", files), ("labels", labels)):
        if isinstance(one, set | frozenset):
            raise CourseError(f"{name} is a set, which has no order; give a list, with a label for each file in its place")
    given = list(files)
    if odd := [file for file in given if not isinstance(file, str | os.PathLike) or not str(file)]:
        raise CourseError(f"files holds {shown(odd[0])}; give names of files")
    if twice := sorted(name for name, times in Counter(os.fspath(file) for file in given).items() if times > 1):
        raise CourseError(
            f"files names pictures more than once: {some_of(twice)}. Give each once; a picture of several classes has a list "
            "of them for its label."
        )
    if not callable(labels) and (isinstance(labels, str) or not hasattr(labels, "__iter__")):
        raise CourseError(f"labels is {labels!r}; give a label for each file, or a function of its path")
    if isinstance(labels, Mapping):
        labels = _looked_up(given, labels)
    if hasattr(labels, "columns"):
        raise CourseError(f"labels is of type {type(labels).__name__}, a table; give one of its columns, or call from_frame")
    values = _values([_said_by(labels, Path(file)) for file in given] if callable(labels) else labels)
    _check_no_dictionaries("the list", values)
    cells = _cells(values)
    if len(cells) != len(given) or not given:
        raise CourseError(f"there are {counted(len(given), 'file')} and {counted(len(cells), 'label')}; give one for each")
    several = any(not isinstance(cell, str) for cell in cells)
    rows: list[tuple[Cell, ...]] = [
        (os.fspath(name), [cell] if isinstance(cell, str) and cell else cell or [])
        for name, cell in zip(given, cells, strict=True)
    ]
    found_task: LabelTask | None = options.task or (None if several else "single-label")
    table = label_table("the list", ["file", "label"], rows, found_task, label_column="label")
    names = [_placed(name, path, "", "") for name in table.names]
    refuse_labels(options.valid_idx, None, len(names))
    return _there("the list", path, names, files_beside(names, path), table, options)


def _said_by(function: Callable[[Path], Any], file: Path) -> Any:
    """What a user's function says of a file."""
    try:
        return function(file)
    except Exception as error:
        raise CourseError(
            f"labels, a function, fails for {file}: {type(error).__name__}: {error}. It is given a pathlib.Path, whose name, "
            "stem and parent.name are text."
        ) from error


def _looked_up(files: Sequence[str | os.PathLike[str]], labels: Mapping[Any, Any]) -> list[Any]:
    """The label that a dictionary has for each file; its keys are text or paths, as the files are."""
    by_name = {os.fspath(key) if isinstance(key, os.PathLike) else key: label for key, label in labels.items()}
    names = [os.fspath(file) for file in files]
    if without := [name for name in names if name not in by_name]:
        raise CourseError(
            f"labels is a dictionary that has no key for {counted(len(without), 'file')}: {some_of(without)}; its keys are "
            f"{some_of([str(key) for key in by_name])}. Give it a key for each file, spelled as in files."
        )
    return [by_name[name] for name in names]


def common_folder(files: Iterable[Any]) -> Path:
    """The folder that all of some files lie below: theirs where they are absolute, else the current one."""
    names = [os.fspath(file) for file in files if isinstance(file, str | os.PathLike)] if isinstance(files, list) else []
    if names and all(isinstance(name, str) and os.path.isabs(name) for name in names):
        try:
            return Path(os.path.commonpath([os.path.dirname(name) for name in names]))
        except ValueError:  # on several drives
            return Path()
    return Path()


def _there(source: str, path: Path, names: list[str], files: set[str], table: LabelTable, options: Options) -> Labelled:
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
            "in upper and lower case; found."
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
                f"{len(valid_rows):,} {'is' if len(valid_rows) == 1 else 'are'} to validate, and "
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
        return f"{some_of(special)} {'is' if len(special) == 1 else 'are'} there, but no file: a folder, a pipe or a device"
    return what_is_in(path / (folder or PurePosixPath(absent[0]).parent))


def _suffix_hint(absent: Sequence[str], files: set[str], suffix: str) -> str:
    """Which suffix would find the first of the pictures that are not there."""
    bare = absent[0].removesuffix(suffix)
    found = sorted(file for file in files if file.startswith(bare) and has_picture_suffix(file))
    fits = next((file[len(bare) :] for file in found if file == bare or os.path.splitext(file)[0] == bare), None)
    return "" if fits is None else f" With suffix={fits!r} there is {found[0]}."


def _is_picture(path: Path, name: str) -> bool:
    if is_hidden(os.path.basename(name)):
        return False
    return has_picture_suffix(name) or begins_as_picture(path / name)


def _placed(name: str, path: Path, folder: str, suffix: str) -> str:
    """A file that a user named, relative to `path` where it lies below it."""
    if not os.path.isabs(name):
        return file_names([name], folder, suffix)[0] if folder or ".." not in name else Path(f"{name}{suffix}").as_posix()
    file, top = Path(f"{name}{suffix}"), path.absolute()
    return (file.relative_to(top) if file.is_relative_to(top) else file).as_posix()


def _check_no_dictionaries(source: str, values: Iterable[Any]) -> None:
    for value in values:
        if any(isinstance(one, dict) for one in ([value, *value] if isinstance(value, list | tuple) else [value])):
            raise CourseError(f"{source} has the label {value!r}; give a text, or a list of those that the picture shows")


def _cells(column: Any) -> list[Any]:
    """The cells of a column as text, or as lists of text; empty where there is none."""
    values = _values(column)
    floats = [value for value in values if isinstance(value, float)]
    whole = all(value.is_integer() for value in floats if math.isfinite(value))  # whole numbers with a gap become floats
    return [_cell(value, whole) for value in values]


def _values(column: Any) -> list[Any]:
    """The values of a column of NumPy, PyTorch, pandas, Polars or Arrow, or of a list, as Python's own."""
    listed = next((getattr(column, name) for name in ("tolist", "to_list", "to_pylist") if hasattr(column, name)), None)
    return list(column) if listed is None else list(listed())


def _cell(value: Any, whole: bool) -> Cell:
    if hasattr(value, "tolist"):  # an array, a tensor or one number of theirs
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        tags = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [str(_cell(tag, whole)) for tag in tags]
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:  # NA answers no comparison
        return ""
    if isinstance(value, datetime.datetime):
        return value.isoformat()  # without a space, at which labels are divided
    if isinstance(value, float) and whole and math.isfinite(value):
        return str(int(value))
    return composed(str(value).strip()) if isinstance(value, str) else str(value)
