"""Writing the slides of a lesson to a file."""

import os
from collections.abc import Callable
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.files import as_path, refuse_special, replacing
from course_utils.lessons.alive import living_pages
from course_utils.lessons.find import find_lessons
from course_utils.lessons.slides.lab import running_lab, seen_from_lab
from course_utils.lessons.slides.page import PORT, Theme, deck
from course_utils.lessons.slides.page import handout as paper
from course_utils.lessons.slides.printing import find_browser, print_pdf
from course_utils.work import work_folder


def write_slides(
    name: str,
    out: str | os.PathLike[str] | None = None,
    *,
    pdf: bool = False,
    handout: bool = False,
    pictures: bool = False,
    theme: Theme = "system",
    port: int | None = None,
    on_cell: Callable[[int, int], None] = lambda done, cells: None,
    say: Callable[[str], None] = print,
) -> Path:
    """Write a lesson as slides and give the path of the file: HTML, or with `pdf` a PDF, light and with still pictures.

    Args:
        name: of the lesson, as `find_lessons` takes it, or the path of a notebook.
        out: the file, which is replaced; by default one in the folder `slides` of the work folder.
        pdf: for paper; alone one slide a page.
        handout: for paper; two slides a page, with the notes beside them.
        pictures: leave the widgets still: nothing is run. Where the run fails they are, too, and `say` hears it.
        theme: light, dark, or as the machine is set; for paper always light.
        port: where JupyterLab listens; by default that of one which runs and shows the notebook, or else 8888.
        on_cell: hears how far the run is that brings the widgets to life, as in `living_pages`.
        say: hears what is to be told.

    Raises a CourseError where there is no such lesson, where the file cannot be written, and for a PDF where no browser is.
    """
    notebook = _notebook(name)
    on_paper = pdf or handout
    ending = ".pdf" if pdf else ".html"
    usual = f"{notebook.stem}{'-handout' if handout else ''}{ending}"
    target = work_folder("slides") / usual if out is None else as_path("out", out)
    if target.suffix.lower() != ending:
        is_one = "a PDF" if pdf else "a page of HTML"
        advice = "ask for a PDF with --pdf (pdf=True), or " if target.suffix.lower() == ".pdf" else ""
        raise CourseError(
            f"out is {str(target)!r}, and the slides would be {is_one}; {advice}give a name that ends with {ending}"
        )
    if on_paper and theme == "dark":
        say("The slides for paper are light")
    if on_paper and port is not None:
        say("The slides for paper lead to no JupyterLab; port is for those in a browser")
    if pdf:
        find_browser()  # before anything takes time
    if on_paper:
        page = paper(notebook, notes=handout)
    else:
        pages: dict[str, list[str]] = {}
        if not pictures:
            try:
                pages = living_pages(notebook, on_cell, say)
            except CourseError as error:
                say(f"The widgets stay pictures: {error}")
        running = running_lab(notebook) if port is None else None
        if running and running[0] != PORT:
            say(f"J in the slides leads to the JupyterLab that runs at port {running[0]}")
        at, seen = running or (port or PORT, seen_from_lab(notebook))
        page = deck(notebook, pages, theme, seen, at)
    if pdf:
        return print_pdf(page, target)
    with replacing(target) as part:
        part.write_text(page, encoding="utf-8")
    return target


def _notebook(name: str) -> Path:
    if name.endswith(".ipynb") or os.sep in name:
        refuse_special(name)
        return as_path("name", name, of="a notebook").absolute()
    found = find_lessons(name)
    if len(found) > 1:
        raise CourseError(f"{name!r} could be {', '.join(path.stem for path in found)}; name one")
    return found[0]
