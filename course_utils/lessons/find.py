"""Where the notebooks are."""

import os
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.files import current_folder


def project_folder() -> Path:
    """The folder that holds the notebooks: the nearest above the current one, or the one this package was installed from."""
    here = current_folder()
    for folder in (here, *here.parents, Path(__file__).parents[2]):
        if os.path.isfile(folder / "notebooks" / "01_cats_vs_dogs.ipynb"):
            return folder
    raise CourseError(f"no lessons found from {here} upwards; go to the folder of the course, the one that holds notebooks/")


def find_lessons(name: str | None = None) -> list[Path]:
    """The notebooks in order; with `name`, those whose file name starts with it or holds it (`01`, `cats`)."""
    notebooks = sorted((project_folder() / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    if not name:
        return notebooks
    chosen = [path for path in notebooks if path.stem.startswith(name)] or [path for path in notebooks if name in path.stem]
    if not chosen:
        raise CourseError(f"there is no lesson {name!r}; there are {', '.join(path.stem for path in notebooks)}")
    return chosen
