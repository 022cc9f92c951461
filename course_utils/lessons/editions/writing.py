"""Writing an edition of all lessons into a folder where nothing is lost."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from course_utils.errors import CourseError
from course_utils.files import as_path, replacing
from course_utils.lessons.editions.for_nbgrader import CONFIG, nbgrader_notebook
from course_utils.lessons.editions.for_otter import otter_notebook
from course_utils.lessons.editions.plain import WORKBOOKS, solutions_notebook, student_notebook
from course_utils.lessons.find import find_lessons, project_folder
from course_utils.lessons.notebook import read_notebook
from course_utils.names import some_of


class Edition(NamedTuple):
    """What becomes of a notebook, where it goes (its folder for `{}`, the lesson's name), and a grader's settings."""

    make: Callable[[Any, str], Any]
    folder: str
    settings: str = ""


EDITIONS = {
    "plain": Edition(student_notebook, "notebooks"),
    "nbgrader": Edition(nbgrader_notebook, "source/{}", CONFIG),
    "otter": Edition(otter_notebook, "{}"),
}
"""The editions for students, by the grader that they are for."""

SOLUTIONS = Edition(solutions_notebook, "notebooks")


def student_edition(out: str | Path, grader: str = "plain") -> Path:
    """Write the lessons for students into the folder `out`, which is made where it is missing, and give the folder.

    Args:
        out: the folder; files that are there are never replaced.
        grader: "plain": notebooks without solutions, to hand out as they are, with the workbooks beside them; "nbgrader": the
            instructor's course folder, for `nbgrader generate_assignment`; "otter": master notebooks, for `otter assign`. The
            last two hold the solutions between marks: the graders take them out.

    Raises:
        CourseError: there is no such grader, a file is there already, or an exercise is not whole; nothing is written then.
    """
    if grader not in EDITIONS:
        raise CourseError(f"there is no edition for {grader!r}; there are {', '.join(EDITIONS)}")
    return _write(EDITIONS[grader], as_path("out", out, of="a folder"))


def solutions_edition(out: str | Path) -> Path:
    """Write the lessons with each solution open, and the workbooks, into the folder `out`; see `student_edition`."""
    return _write(SOLUTIONS, as_path("out", out, of="a folder"))


def _write(edition: Edition, out: Path) -> Path:
    """Make everything, see that nothing is in its way, and only then write."""
    import nbformat

    notebooks: dict[Path, Any] = {}
    copies: dict[Path, Path] = {}
    books = sorted((project_folder() / "spreadsheets").glob("*.xlsx"))
    for lesson in find_lessons():
        notebook = edition.make(read_notebook(lesson), lesson.name)
        folder = out / edition.folder.format(lesson.stem)
        notebooks[folder / lesson.name] = notebook
        if "{}" not in edition.folder:  # as in the project: workbooks in a folder beside that of the notebooks
            copies |= {out / "spreadsheets" / book.name: book for book in books}
        elif any(WORKBOOKS in cell.source for cell in notebook.cells):  # a grader hands out each lesson's own folder
            copies |= {folder / "spreadsheets" / book.name: book for book in books}
    settings = out / "nbgrader_config.py"
    there = [path for path in [*notebooks, *copies, *([settings] if edition.settings else [])] if path.exists()]
    if there:
        raise CourseError(
            f"nothing was written, since in {out} there is already {some_of([path.relative_to(out) for path in there], 3)}; "
            "somebody may have worked in it: name a new folder"
        )
    for path, notebook in notebooks.items():
        with replacing(path) as part:
            nbformat.write(notebook, part)
    for path, source in copies.items():
        with replacing(path) as part:
            shutil.copyfile(source, part)
    if edition.settings:
        with replacing(settings) as part:
            part.write_text(edition.settings, encoding="utf-8")
    return out
