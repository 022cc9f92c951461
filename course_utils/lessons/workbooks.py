"""The lessons' workbooks: who makes each, and links to them, wherever a notebook was opened."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from course_utils.errors import CourseError
from course_utils.files import current_folder, replacing
from course_utils.hosts import host
from course_utils.lessons.find import course_files
from course_utils.work import work_folder

if TYPE_CHECKING:
    from IPython.display import HTML

BESIDE = ("../spreadsheets", "spreadsheets")  # as in the project, and as graders hand out each lesson with its own


def workbook_makers() -> dict[str, Callable[[str | os.PathLike[str]], Path]]:
    """What writes each ready-made workbook, those to fill in last, by name; a maker's docstring says what is in it.

    >>> "rossmann" in workbook_makers()
    True
    """
    from course_utils.excel import BLANKS, WORKBOOKS
    from course_utils.lessons.sales import rossmann

    return {**WORKBOOKS, "rossmann": rossmann, **BLANKS}


def workbook_links(*names: str) -> "HTML":
    """Links for a notebook to the workbooks called `names`, or to all, with which the browser downloads them.

    They lead to the folder `spreadsheets` beside the notebook's own. Where there is none, as on Colab, the workbooks that
    came with the package are copied to your work folder first. On hosts where no link reaches a file, the output says where
    they are and how to take them away. Raises a `CourseError` for a name that no workbook has.

    >>> workbook_links("softmax").data
    '<a href="...softmax.xlsx" download>softmax.xlsx</a>'
    """
    from IPython.display import HTML

    there = {path.stem: path for path in sorted((course_files() / "spreadsheets").glob("*.xlsx"))}
    unknown = [name for name in names if name not in there]
    if unknown:
        raise CourseError(f"there is no workbook {unknown[0]!r}; there are {', '.join(there)}")
    chosen = [f"{name}.xlsx" for name in names or there]
    folder = next((place for place in BESIDE if all(os.path.isfile(Path(place, name)) for name in chosen)), None)
    if folder is None:
        folder = _copied([there[name.removesuffix(".xlsx")] for name in chosen])
    if way := host().take_away:
        return HTML(f"{', '.join(chosen)} are in {folder}: {way}")
    return HTML(" &nbsp; ".join(f'<a href="{quote(f"{folder}/{name}")}" download>{name}</a>' for name in chosen))


def _copied(files: list[Path]) -> str:
    """The folder of your own that `files` were copied to, as one writes it here; what is there already stays."""
    folder = work_folder("spreadsheets")
    for file in files:
        if not os.path.lexists(folder / file.name):
            with replacing(folder / file.name) as part:
                shutil.copyfile(file, part)
    here = current_folder()
    return folder.relative_to(here).as_posix() if folder.is_relative_to(here) else str(folder)
