"""`course student` and `course solutions`: the lessons for those who learn, and for whoever teaches."""

from pathlib import Path
from typing import Annotated

import typer

from course_utils.commands.terminal import say


def student(
    out: Annotated[Path, typer.Argument(help="Where to; what is there is never replaced.")],
    grader: Annotated[str, typer.Option("--for", help="plain, nbgrader or otter.")] = "plain",
) -> None:
    """Write the lessons for students: without solutions, to hand out as they are, or as what a grader makes its own from.

    With --for nbgrader the folder is an instructor's course folder, whose notebooks nbgrader generate_assignment takes; with
    --for otter it has a master notebook for each lesson, which otter assign takes. Both hold the solutions between marks, and
    the grader takes them out.
    """
    from course_utils.lessons.editions import student_edition

    say(f"Written to {student_edition(out, grader)}")


def solutions(out: Annotated[Path, typer.Argument(help="Where to; what is there is never replaced.")]) -> None:
    """Write the lessons with every solution open, for whoever teaches them."""
    from course_utils.lessons.editions import solutions_edition

    say(f"Written to {solutions_edition(out)}")
