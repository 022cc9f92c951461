"""Pictures that a CSV file names and labels."""

import os
from dataclasses import replace
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.files import as_path
from course_utils.names import counted
from course_utils.training.splits import refuse_labels
from course_utils.vision.decoding.formats import begins_as_picture, has_picture_suffix, is_hidden
from course_utils.vision.disk import file_names, files_beside, is_file, is_folder, on_disk, what_is_in
from course_utils.vision.labels import read_labels
from course_utils.vision.sources.labelled import Labelled
from course_utils.vision.sources.options import Options
from course_utils.vision.sources.present import those_present


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
    found = those_present(str(csv), path, names, files, table, replace(options, folder=folder))
    used = {name for split in ("train", "valid") for name in found.names[split]}
    found.unlisted = sorted(name for name in files - used if _is_picture(path, name))
    if found.unlisted:
        unused, them = counted(len(found.unlisted), "picture", "is/are"), "it" if len(found.unlisted) == 1 else "them"
        found.notices.append(f"{unused} not used, because {csv} does not name {them} (data.unlisted).")
    return found


def _is_picture(path: Path, name: str) -> bool:
    if is_hidden(os.path.basename(name)):
        return False
    return has_picture_suffix(name) or begins_as_picture(path / name)
