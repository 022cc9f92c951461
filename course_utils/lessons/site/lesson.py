"""A lesson's notebook as the sections of a page."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError
from course_utils.lessons.editions.exercises import ANSWER, CHECK, EXERCISE, NOTES, SOLUTION, for_students, tags
from course_utils.lessons.notebook import read_notebook
from course_utils.lessons.site.markdown import code_block, pieces, slug
from course_utils.lessons.site.outputs import shown

SETUP = "setup"  # the cell that installs the package on another host
MACHINE = "machine"  # the tag of a cell whose outputs differ from machine to machine
_FACT = re.compile(r"^\*\*(?P<name>[^*:]+):\*\* (?P<says>.*)$", re.MULTILINE)
_OUTSIDE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


@dataclass
class Section:
    """A heading, 2 or 3, and what is below it up to the next one."""

    level: int
    title: str
    anchor: str
    blocks: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


@dataclass
class Lesson:
    """What a page is made of; `facts` are the lines of the first cell that begin with a bold word, such as **Time:**."""

    stem: str
    title: str
    summary: str
    facts: dict[str, str]
    sections: list[Section]
    files: dict[str, bytes]
    notebook: Any
    exercises: int
    living: int

    @property
    def number(self) -> int:
        """0 for the page that gets one going."""
        return int(self.stem[:2])

    @property
    def name(self) -> str:
        """The title without its number and without what follows a colon: `Dog breeds`."""
        return re.sub(r"^\d+\.\s*", "", self.title).split(":")[0]

    @property
    def page(self) -> str:
        """The file of the page."""
        return f"{self.stem}.html"


def read_lesson(
    path: Path, books: Sequence[str], solutions: bool = True, living: Mapping[str, Sequence[str]] | None = None
) -> Lesson:
    """Read a notebook with the outputs that it has.

    Args:
        path: of the notebook; others in its folder can be linked to.
        books: the names of the workbooks that the site has.
        solutions: whether solutions are on the page, folded.
        living: the pages of the widgets that each cell shows, by the cell's id, with an empty one for what stays a picture.

    Raises:
        CourseError: it has no title, or a link in its prose leads nowhere.
    """
    notebook = read_notebook(path)
    notebook.cells = [cell for cell in notebook.cells if NOTES not in tags(cell)] if solutions else list(for_students(notebook))
    reader = _Reader(path, books, living or {})
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            reader.prose(cell)
        elif cell.cell_type == "code":
            reader.code(cell)
    return reader.lesson(notebook)


class _Reader:
    def __init__(self, path: Path, books: Sequence[str], living: Mapping[str, Sequence[str]]) -> None:
        self.path, self.books, self.living = path, books, living
        self.title, self.opening = "", ""
        self.sections: list[Section] = []
        self.files: dict[str, bytes] = {}
        self.taken: set[str] = set()

    def lesson(self, notebook: Any) -> Lesson:
        if not self.title:
            raise CourseError(f'{self.path.name} has no title: let its first cell begin with a line like "# 1. Cats and dogs"')
        facts = {found["name"]: found["says"] for found in _FACT.finditer(_one_line_each(self.opening))}
        summary = next((part for part in self.opening.split("\n\n") if not part.startswith(("#", "**"))), "")
        return Lesson(
            self.path.stem, self.title, " ".join(summary.split()), facts, self.sections, self.files, notebook,
            exercises=sum(EXERCISE in tags(cell) for cell in notebook.cells),
            living=sum(name.startswith("living/") for name in self.files),
        )  # fmt: skip

    def prose(self, cell: Any) -> None:
        for piece in pieces(cell.source, self._link_of_prose):
            if piece.level == 1 and not self.title:
                self.title, self.opening = piece.title, cell.source
            if piece.level:
                self.sections.append(Section(min(piece.level, 3), piece.title, self._anchor(piece.title)))
            section = self._section()
            section.words += piece.text
            if piece.html.strip():
                section.blocks.append(self._of_an_exercise(cell, piece.html))

    def code(self, cell: Any) -> None:
        section = self._section()
        outputs = cell.outputs
        if {CHECK, SOLUTION} & set(tags(cell)):  # the card that a check shows says it all; the marks that it returns do not
            outputs = [one for one in outputs if one.output_type != "execute_result"] or outputs
        found = shown(outputs, f"{self.path.stem}/{cell.id}", section.title, self.living.get(cell.id, ()), self._link_of_output)
        self.files |= found.files
        section.words += [cell.source, *found.words]
        source = code_block(cell.source)
        below = found.html
        if MACHINE in tags(cell) and not below:
            below = '<p class="note">What this shows differs from machine to machine: run it on yours.</p>'
        block = f'<div class="cell">{source}{f"""<div class="output">{below}</div>""" if below else ""}</div>'
        if cell.id == SETUP:
            block = f'<details class="folded"><summary>Where the package is missing</summary>{block}</details>'
        section.blocks.append(self._of_an_exercise(cell, block))

    def _section(self) -> Section:
        if not self.sections:
            raise CourseError(f"{self.path.name}: something stands before its title; let the first cell begin with it")
        return self.sections[-1]

    def _of_an_exercise(self, cell: Any, block: str) -> str:
        """Mark what belongs to an exercise, and fold its solution."""
        part = next((tag for tag in tags(cell) if tag in (EXERCISE, ANSWER, CHECK, SOLUTION)), None)
        if part == SOLUTION and not block.lstrip().startswith("<details>"):
            return f'<details class="solution"><summary>Solution</summary>{block}</details>'
        return f'<div class="{part}">{block}</div>' if part else block

    def _anchor(self, title: str) -> str:
        anchor, number = slug(title), 2
        while anchor in self.taken:
            anchor, number = f"{slug(title)}-{number}", number + 1
        self.taken.add(anchor)
        return anchor

    def _link_of_prose(self, address: str) -> str:
        found = self._link(address)
        if found is None:
            raise CourseError(
                f"{self.path.name} links to {address!r}, which the pages do not have; link to a lesson, to a workbook in "
                "../spreadsheets/ or to an address on the web"
            )
        return found

    def _link_of_output(self, address: str) -> str:
        return self._link(address) or ""

    def _link(self, address: str) -> str | None:
        if _OUTSIDE.match(address) or address.startswith("#"):
            return address
        file, mark, fragment = address.partition("#")
        if (self.path.parent / file).is_file() and file.endswith(".ipynb") and "/" not in file:
            return f"{Path(file).stem}.html{mark}{slug(fragment) if mark else ''}"
        folder, _, name = file.rpartition("/")
        return f"spreadsheets/{name}" if folder.endswith("spreadsheets") and name in self.books else None


def _one_line_each(text: str) -> str:
    return "\n".join(" ".join(part.split()) for part in text.split("\n\n"))
