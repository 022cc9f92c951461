"""Writing all pages into a folder."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from course_utils.files import as_path
from course_utils.lessons.find import find_lessons, project_folder
from course_utils.lessons.site.folder import replacing_folder
from course_utils.lessons.site.lesson import Lesson, read_lesson
from course_utils.lessons.site.outputs import with_a_way_back
from course_utils.lessons.site.pictures import cover, letter_on_its_way
from course_utils.lessons.site.search import search_index
from course_utils.lessons.workbooks import workbook_makers
from course_utils.names import counted

HERE = Path(__file__).parent
ASSETS = ("site.css", "site.js", "search.js")

Living = Callable[[Path], Mapping[str, Sequence[str]]]
"""Gives the pages of a notebook's living widgets, by the id of the cell that shows them; see `course_utils.lessons.alive`."""


@dataclass(frozen=True)
class Book:
    """A workbook to download."""

    name: str
    says: str
    kilobytes: int

    @property
    def is_blank(self) -> bool:
        """Whether there is something to fill in, which the workbook checks."""
        return self.name.startswith("blank_")


def write_site(out: str | os.PathLike[str], solutions: bool = True, living: Living | None = None, gallery: bool = True) -> Path:
    """Write the lessons as pages into the folder `out`, and give the first of them, index.html.

    Lessons are shown with the outputs that their notebooks have. Nothing on a page asks for what is not in the folder, so that
    it can be browsed from a disk or put on any web space, in any folder there.

    Args:
        out: a new or empty folder, or one that was written so before, whose pages are replaced.
        solutions: whether the exercises' solutions are there, folded, and in the notebooks to download.
        living: gives the living widgets of a lesson; without it their still pictures are shown.
        gallery: whether there is a page of all widgets, which takes half a minute.

    Raises:
        CourseError: something in `out` is not ours or was changed, or a lesson links to what is not there; nothing is written
            then.
    """
    import nbformat

    folder = as_path("out", out, of="a folder")
    with replacing_folder(folder, sure=["index.html", "assets"]) as part:  # before anything is run
        books = _books()
        names = [book.name for book in books]
        lessons = [read_lesson(path, names, solutions, living(path) if living else None) for path in find_lessons()]
        for lesson in lessons:
            _write(part, lesson.files)
            _write(part, {f"notebooks/{lesson.stem}.ipynb": nbformat.writes(lesson.notebook).encode()})
        covers = {f"assets/{lesson.stem}.webp": cover(lesson.stem, lesson.notebook) for lesson in lessons}
        _write(part, {name: data for name, data in covers.items() if data is not None})
        _write(part, letter_on_its_way())
        _write(part, {f"assets/{name}": (HERE / "assets" / name).read_bytes() for name in ASSETS})
        _write(part, {"assets/search-index.js": search_index(lessons).encode()})
        for book in books:
            _write(part, {f"spreadsheets/{book.name}": (_spreadsheets() / book.name).read_bytes()})
        widgets = _gallery(part) if gallery else []
        shared: dict[str, Any] = {
            "map": _course_map(lessons), "lessons": lessons, "books": books, "widgets": widgets, "covers": covers,
        }  # fmt: skip
        _page(part, "index.html", "index.html", **shared)
        for before, lesson, after in zip([None, *lessons], lessons, [*lessons[1:], None], strict=False):
            _page(part, lesson.page, "lesson.html", lesson=lesson, before=before, after=after, **shared)
        if widgets:
            _page(part, "widgets.html", "widgets.html", **shared)
    return folder / "index.html"


def _spreadsheets() -> Path:
    return project_folder() / "spreadsheets"


def _books() -> list[Book]:
    makers = workbook_makers()
    return [
        Book(path.name, (makers[path.stem].__doc__ or "").strip() if path.stem in makers else "", _kilobytes(path))
        for path in sorted(_spreadsheets().glob("*.xlsx"))
    ]


def _kilobytes(path: Path) -> int:
    return max(1, round(path.stat().st_size / 1000))


_ROW = re.compile(r"^\| \[[^]]*\]\((?P<stem>[^)#]+)\.ipynb\) \|(?P<rest>.*)\|$", re.MULTILINE)
_COLUMNS = ("builds", "lecture", "run", "work")


def _course_map(lessons: Sequence[Lesson]) -> dict[str, dict[str, str]]:
    """What the table in the first notebook says of each lesson: what one builds, the lecture's minutes, the time it takes."""
    source = "\n".join(cell.source for cell in lessons[0].notebook.cells if cell.cell_type == "markdown")
    rows = {found["stem"]: [part.strip() for part in found["rest"].split("|")] for found in _ROW.finditer(source)}
    nothing = [""] * len(_COLUMNS)
    return {one.stem: dict(zip(_COLUMNS, rows.get(one.stem, nothing), strict=True)) for one in lessons}


def _gallery(part: Path) -> list[dict[str, str]]:
    """Write the page of every widget, and give what a page that leads to them says."""
    from course_utils.widgets.gallery import exhibits

    found = []
    for one in exhibits():
        picture = f"widgets/{Path(one.file).stem}.webp"
        _write(part, {f"widgets/{one.file}": with_a_way_back(one.page, "../widgets.html").encode(), picture: one.still})
        found.append({"page": f"widgets/{one.file}", "title": one.title, "says": one.says, "picture": picture})
    return found


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _page(folder: Path, name: str, template: str, **values: Any) -> None:
    _write(folder, {name: _templates().get_template(template).render(here=name, **values).encode()})


@cache
def _templates() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from course_utils.lessons.site.markdown import inline

    found = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    found.filters |= {"inline": inline, "first_sentence": _first_sentence, "capitalize_first": _with_a_capital}
    found.globals["counted"] = counted
    return found


def _first_sentence(text: str) -> str:
    return text.split(". ")[0].rstrip(".") + "."


def _with_a_capital(text: str) -> str:
    return text[:1].upper() + text[1:]
