"""The living widgets of a lesson as pages that move without Python."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from course_utils.data import DATASETS, status
from course_utils.errors import CourseError
from course_utils.files import replacing
from course_utils.lessons.notebook import read_notebook
from course_utils.lessons.run import execute
from course_utils.lessons.slicing import needed_cells
from course_utils.names import counted
from course_utils.work import work_folder

WIDGET = "application/vnd.jupyter.widget-view+json"  # the kind of output that a living widget is
PAGE = "application/vnd.course-utils.page+json"  # and the one that it is here: a page, or why there is none
_KEPT = re.compile(r"-[0-9a-f]{12}\.json$")  # what follows the notebook's name where its pages are kept
EXERCISE = {"exercise", "answer", "check", "solution"}  # tags of cells that show no widget of the lesson


def living_pages(
    notebook: Path,
    on_cell: Callable[[int, int], None] = lambda done, cells: None,
    say: Callable[[str], None] = print,
) -> dict[str, list[str]]:
    """Give each widget that the cells of a notebook display as an HTML page that moves on its own, by the id of the cell.

    A cell's pages are in the order in which it displays its widgets; one that cannot be a page is an empty text, and a line
    through `say` counts them. Where nothing is in the notebook's outputs that could live, nothing is run.

    The first time, the notebook is run without a screen, no further than its last widget and without the cells from which
    nothing comes that the widgets show; `on_cell` hears how many of how many are done. The pages are kept in the folder `alive`
    of the work folder until the notebook, this package or the kind of the data (real or drawn) changes.

    Raises:
        CourseError: a cell failed; what to show instead are the still pictures in the notebook.
    """
    content = read_notebook(notebook)
    cells = [cell for cell in content.cells if cell.cell_type == "code" and not EXERCISE & set(cell.metadata.get("tags", []))]
    with_widgets = [number for number, cell in enumerate(cells) if any(WIDGET in _data(output) for output in cell.outputs)]
    if not with_widgets:
        return {}
    kept = work_folder("alive") / f"{notebook.stem}-{_fingerprint(cells)}.json"
    found = _kept(kept)
    if found is None:
        found = _displayed(notebook, cells, with_widgets, on_cell)
        for old in kept.parent.iterdir():
            if _KEPT.sub("", old.name) == notebook.stem:
                old.unlink(missing_ok=True)
        with replacing(kept) as part:
            part.write_text(json.dumps(found), encoding="utf-8")
    pages, reasons = {}, set()
    for cell in (cells[number] for number in with_widgets):
        shown = found.get(cell.id, [])
        reasons |= {one["reason"] for one in shown if "reason" in one}
        pages[cell.id] = [one.get("page", "") for one in shown]
        pages[cell.id] += [""] * (sum(WIDGET in _data(output) for output in cell.outputs) - len(shown))
    if still := [page for of_cell in pages.values() for page in of_cell].count(""):
        say(f"{counted(still, 'widget', 'stays/stay')} a picture: {'; '.join(sorted(reasons)) or 'it needs its kernel'}")
    return pages


def display_pages() -> None:
    """Have widgets displayed as pages from now on, in the kernel where this is called."""
    from IPython import get_ipython
    from IPython.display import display

    from course_utils.widgets.base.widget import CourseWidget

    def as_page(widget: CourseWidget) -> None:
        try:
            shown = {"page": widget.html()}
        except CourseError as error:
            shown = {"reason": str(error)}
        display({PAGE: shown, "text/plain": ""}, raw=True)

    get_ipython().display_formatter.ipython_display_formatter.for_type(CourseWidget, as_page)


def _displayed(
    notebook: Path, cells: Sequence[Any], wanted: Sequence[int], on_cell: Callable[[int, int], None]
) -> dict[str, list[dict[str, str]]]:
    """What the wanted cells display when they are run after the cells that they need, or after all, if those do not suffice."""
    last = max(wanted) + 1
    few = needed_cells([cell.source for cell in cells], wanted)
    for chosen in (few, range(last)):
        run = _notebook([cells[number] for number in chosen])
        failure = execute(run, notebook.parent, on_cell)
        if failure is None:
            return {cell.id: found for cell in run.cells if (found := [d[PAGE] for d in map(_data, cell.outputs) if PAGE in d])}
        if len(few) == last:
            break
    raise CourseError(f"{notebook.name} failed, so its widgets stay pictures.\n\n{failure}") from failure


def _notebook(cells: Sequence[Any]) -> Any:
    """A notebook of some code cells, in which widgets are displayed as pages."""
    from nbformat.v4 import new_code_cell, new_notebook

    first = new_code_cell("from course_utils.lessons.alive import display_pages\n\ndisplay_pages()")
    return new_notebook(cells=[first, *(new_code_cell(cell.source, id=cell.id) for cell in cells)])


def _data(output: Any) -> dict[str, Any]:
    return output.get("data", {})


def _kept(file: Path) -> dict[str, list[dict[str, str]]] | None:
    """What was kept in an earlier run; None where there is none, or it cannot be read."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else None
    except (OSError, ValueError):
        return None


def _fingerprint(cells: Sequence[Any]) -> str:
    """Twelve digits that stand for what the cells show: their sources, this package's code, and which data are there."""
    digest = hashlib.blake2b(_package().encode(), digest_size=6)
    for cell in cells:
        digest.update(f"{cell.id}\0{cell.source}\0".encode())
    digest.update(repr([(name, status(name).real) for name in DATASETS]).encode())
    return digest.hexdigest()


@lru_cache
def _package() -> str:
    """What stands for the code of this package, but for what shows lessons: in a checkout its version says little."""
    root, lessons = Path(__file__).parents[1], Path(__file__).parent
    digest = hashlib.blake2b()
    for file in sorted(file for file in root.rglob("*") if file.suffix in {".py", ".js", ".css"}):
        if lessons in file.parents and file.name not in ("alive.py", "slicing.py"):
            continue
        digest.update(file.read_bytes())
    return digest.hexdigest()
