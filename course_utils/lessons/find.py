"""Where the notebooks are."""

import os
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.files import current_folder

PROJECT = Path(__file__).parents[2]
PACKED = Path(__file__).parents[1] / "course"  # in an installed package: what lies in the project's folder elsewhere
HOME = Path("~/course")  # where `course copy` lays the lessons out when no other folder is named


def project_folder() -> Path:
    """The folder that holds the lessons.

    It is the nearest above the current one, else the one that this package runs from, else `~/course`, and last the
    package's own, which is only for reading; `writable_folder` leaves that out.
    """
    here = current_folder()
    for folder in (here, *here.parents, PROJECT, Path(os.path.expanduser(HOME)), PACKED):
        if _has_lessons(folder):
            return folder
    raise CourseError(f"no lessons found from {here} upwards; go to the folder of the course, the one that holds notebooks/")


def writable_folder() -> Path:
    """The folder that holds the lessons, where they are not only those inside an installed package.

    Raises a `CourseError` that says how they are laid out.
    """
    folder = project_folder()
    if folder == PACKED:
        raise CourseError(f"the lessons are not laid out yet: course copy {HOME} does it, or name another folder and go there")
    return folder


def course_files() -> Path:
    """The folder with the lessons and workbooks as they came: the one that this package runs from, or the package's own."""
    return PROJECT if _has_lessons(PROJECT) else PACKED


def find_lessons(name: str | None = None) -> list[Path]:
    """The notebooks in order; with `name`, those whose file name starts with it or holds it (`01`, `cats`)."""
    # `course copy --update` puts a new version beside one that was changed, as 01_cats_vs_dogs.new.ipynb
    notebooks = sorted(path for path in (project_folder() / "notebooks").glob("[0-9][0-9]_*.ipynb") if "." not in path.stem)
    if not name:
        return notebooks
    chosen = [path for path in notebooks if path.stem.startswith(name)] or [path for path in notebooks if name in path.stem]
    if not chosen:
        raise CourseError(f"there is no lesson {name!r}; there are {', '.join(path.stem for path in notebooks)}")
    return chosen


def _has_lessons(folder: Path) -> bool:
    return os.path.isfile(folder / "notebooks" / "01_cats_vs_dogs.ipynb")
