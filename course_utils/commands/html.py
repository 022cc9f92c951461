"""`course html`: the lessons as pages."""

from pathlib import Path
from typing import Annotated

import typer

from course_utils.commands.terminal import console, say, shown
from course_utils.errors import CourseError


def html(
    out: Annotated[Path, typer.Argument(help="Where to: a new folder, or one that was written so before.")],
    without_solutions: Annotated[
        bool, typer.Option("--without-solutions", help="Leave the exercises' solutions out, in the notebooks to download too.")
    ] = False,
    pictures: Annotated[
        bool,
        typer.Option("--pictures", help="Show widgets as pictures; without it the lessons are run once for those that move."),
    ] = False,
) -> None:
    """Write the lessons as pages: browse them with no Python, server or network, or put them on any web space.

    Open index.html in a browser. All links are relative and nothing is loaded from elsewhere, so the folder can be copied to a
    USB stick, zipped for a class, or uploaded to any web space (GitHub Pages, a university's server), into any folder there.
    Search, workbooks and notebooks to download are in it. Written again, the pages are replaced; other files beside them stay.

    For widgets that move, the lessons are run once, which takes some minutes; the next time that is done already.
    """
    from course_utils.lessons.alive import living_pages
    from course_utils.lessons.site import write_site

    with console.status(shown("the pages ...")) as status:

        def living(notebook: Path) -> dict[str, list[str]]:
            def on_cell(done: int, cells: int) -> None:
                status.update(shown(f"{notebook.stem}: running for its widgets, cell {done + 1} of {cells}"))

            try:
                return living_pages(notebook, on_cell, lambda line: say(f"{notebook.stem}: {line}"))
            except CourseError as error:
                say(str(error), "yellow")
                return {}

        index = write_site(out, solutions=not without_solutions, living=None if pictures else living)
    say(f"Written to {index}")
