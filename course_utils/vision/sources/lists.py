"""Pictures in a list of files, with their labels."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError
from course_utils.names import counted, some_of
from course_utils.training.arguments import shown
from course_utils.training.splits import refuse_labels
from course_utils.training.tasks import LabelTask
from course_utils.vision.disk import files_beside
from course_utils.vision.labels import Cell, label_table
from course_utils.vision.sources.labelled import Labelled
from course_utils.vision.sources.options import Options
from course_utils.vision.sources.present import placed, those_present
from course_utils.vision.sources.values import as_cells, refuse_nested, values_of


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
    values = values_of([_said_by(labels, Path(file)) for file in given] if callable(labels) else labels)
    refuse_nested("the list", values)
    cells = as_cells(values)
    if len(cells) != len(given) or not given:
        raise CourseError(f"there are {counted(len(given), 'file')} and {counted(len(cells), 'label')}; give one for each")
    several = any(not isinstance(cell, str) for cell in cells)
    rows: list[tuple[Cell, ...]] = [
        (os.fspath(name), [cell] if isinstance(cell, str) and cell else cell or [])
        for name, cell in zip(given, cells, strict=True)
    ]
    found_task: LabelTask | None = options.task or (None if several else "single-label")
    table = label_table("the list", ["file", "label"], rows, found_task, label_column="label")
    names = [placed(name, path, "", "") for name in table.names]
    refuse_labels(options.valid_idx, None, len(names))
    return those_present("the list", path, names, files_beside(names, path), table, options)


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
    """The folder that all of some files are below: theirs where they are absolute, else the current one."""
    names = [os.fspath(file) for file in files if isinstance(file, str | os.PathLike)] if isinstance(files, list) else []
    if names and all(isinstance(name, str) and os.path.isabs(name) for name in names):
        try:
            return Path(os.path.commonpath([os.path.dirname(name) for name in names]))
        except ValueError:  # on several drives
            return Path()
    return Path()
