"""`course copy`: the course in a folder of your own."""

from pathlib import Path
from typing import Annotated

import typer

import course_utils
from course_utils.commands.terminal import say
from course_utils.names import some_of


def copy(
    folder: Annotated[Path, typer.Argument(help="Where to; it is made where it is missing.")],
    update: Annotated[bool, typer.Option("--update", help="Bring what is new to a course that was laid out before.")] = False,
) -> None:
    """Lay the course out in a folder of your own: notebooks, workbooks, and a place for data.

    With --update what you changed stays, and its new version is put beside it. To have run a notebook is no change: what counts
    is the text and code of its cells.
    """
    from course_utils.lessons import copy_course

    copied = copy_course(folder.expanduser(), update)
    for name, beside in copied.beside.items():
        say(f"You changed {name}: yours stays, and the new version is {beside}")
    if copied.gone:
        say(f"No part of the course any more, and left where it is: {some_of(copied.gone)}")
    if not update:
        there = copied.folder.absolute() != Path.cwd()
        say(
            f"The course is in {copied.folder}. Go there (cd {copied.folder}), and course lab opens the lessons."
            if there
            else "The course is in this folder; course lab opens the lessons."
        )
    elif copied.written:
        say(f"Brought to {copied.folder}: {some_of(copied.written)}")
    elif not copied.beside:
        say(f"Nothing is new: {copied.folder} has what course_utils {course_utils.__version__} brings, beside what you changed")
