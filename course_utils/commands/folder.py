"""The folder with the lessons that a command works in, and the drawn data there."""

import sys
from pathlib import Path

import typer

from course_utils.commands.terminal import say


def laid_out() -> Path:
    """The folder with the lessons; where they are only inside the installed package, whoever sits here is asked first."""
    from course_utils.lessons import copy_course, find

    ask = find.project_folder() == find.PACKED and sys.stdin.isatty()
    if ask and typer.confirm(f"The lessons are not laid out yet. Lay them out in {find.HOME}?", default=True):
        copy_course(find.HOME.expanduser())
    return find.writable_folder()


def draw_samples() -> None:
    """Make sure that each dataset that can be drawn is there, real or drawn."""
    from course_utils.data import DATASETS, get, status

    for dataset in DATASETS.values():
        here = status(dataset.name)
        if dataset.maker and not (here.real or here.sample):
            say(f"Drawing {dataset.title} (once) ...")
            get(dataset.name, sample=True)
