"""`course present`: a lesson as slides."""

from contextlib import chdir
from pathlib import Path
from typing import Annotated, Literal

import typer

from course_utils.commands.folder import laid_out
from course_utils.commands.terminal import console, has_browser, say, shown


def present(
    name: Annotated[str, typer.Argument(help="Which lesson: 01, cats, ...; or the path of a notebook.")],
    out: Annotated[Path | None, typer.Option(help="Write the slides to this file, and open nothing.")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="As a PDF, by Chromium, Chrome or Edge.")] = False,
    handout: Annotated[bool, typer.Option("--handout", help="For paper: two slides a page, what to say beside them.")] = False,
    pictures: Annotated[bool, typer.Option("--pictures", help="Still pictures for the widgets: nothing is run.")] = False,
    light: Annotated[bool | None, typer.Option("--light/--dark", help="By default as this machine.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Where JupyterLab listens: slides lead to the one that runs, or to 8888."),
    ] = None,
) -> None:
    """Open a lesson as slides: one file that needs no network, in which the widgets live.

    The first time, the lesson is run as far as its widgets need it, which takes up to some minutes; --pictures does without.
    Press ? in the slides for their keys: S opens the speaker's window, C shows the whole code, M a map, J the
    slide's cell in the JupyterLab that runs. What to say is in the notebook's cells tagged notes, each after the cell that it
    belongs to.
    """
    from course_utils.lessons.slides.writing import write_slides

    theme: Literal["light", "dark", "system"] = "system" if light is None else "light" if light else "dark"
    root = Path.cwd() if name.endswith(".ipynb") else laid_out()
    target = out and out.absolute()
    with chdir(root), console.status(shown(f"{name} ...")) as status:
        target = write_slides(
            name, target, pdf=pdf, handout=handout, pictures=pictures, theme=theme, port=port,
            on_cell=lambda done, cells: status.update(shown(f"making the widgets: cell {done + 1} of {cells}")), say=say,
        )  # fmt: skip
    say(f"Written to {target}")
    if out is None and has_browser():
        typer.launch(target.as_uri())
