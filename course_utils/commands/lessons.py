"""`course lessons`: the lessons without a screen."""

import shutil
from contextlib import chdir
from typing import Annotated

import typer

from course_utils.commands.folder import draw_samples, laid_out
from course_utils.commands.terminal import console, say, shown
from course_utils.errors import CourseError


def lessons(
    name: Annotated[str | None, typer.Argument(help="Which: 01, cats, ...; without it, all.")] = None,
) -> None:
    """Run lessons from top to bottom without a screen, into build/; a line for each says how long it took and its result.

    Where the project's folder may not be written to, that is the folder build among your own work.
    """
    from course_utils.files import can_write
    from course_utils.lessons import find_lessons, run_lesson
    from course_utils.work import work_folder

    root = laid_out()
    build = root / "build" if can_write(root / "build") else work_folder("build")
    with chdir(root):
        chosen = find_lessons(name)
        draw_samples()
    failed = []
    for notebook in chosen:
        with console.status(shown(f"{notebook.stem} ...")) as status:
            try:
                run = run_lesson(
                    notebook,
                    build,
                    lambda done, cells, stem=notebook.stem: status.update(shown(f"{stem}: cell {done + 1} of {cells}")),  # type: ignore[misc]
                )
            except CourseError as error:
                failed.append(notebook.stem)
                console.print(shown("failed", "red") + shown(f" {notebook.stem}: {error}"), soft_wrap=True)
                continue
        say(f"{run.name}  {run.seconds:.0f} s  {run.headline}")
    for workbook in sorted((root / "spreadsheets").glob("*.xlsx")):
        shutil.copy2(workbook, build)
    say(f"The executed notebooks and the workbooks are in {build}")
    if failed:
        raise typer.Exit(1)
