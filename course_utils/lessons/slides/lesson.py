"""A notebook as slides, one idea each."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from typing import Any, Literal

from course_utils.lessons.alive import EXERCISE
from course_utils.lessons.slides.blocks import GAP, LINE, ROOM, Block, height_of
from course_utils.lessons.slides.code import code_blocks
from course_utils.lessons.slides.prose import Part, as_html, parts
from course_utils.lessons.slides.results import result_blocks

NOTES = "notes"  # the tag of a cell that is said and not shown
# the first line of a note, which JupyterLab shows while the cell is folded
FOLDED = re.compile(r"\A\s*Speaker note[ \t]*(\r?\n|\Z)")
PROSE = 455  # the height of prose on a slide; more of it becomes two
HEADING = 76  # what a heading takes
FEW = 150  # the height of code that a widget's slide does without: the key C shows it
READABLE = 17  # pixels, below which letters are not made smaller to keep code and its result together
NEW = {"slide", "subslide", "fragment"}


@dataclass
class Slide:
    """One slide.

    Attributes:
        id: of the slide, made from its cell's.
        section: the title of the section that it belongs to, and `opens` whether that begins here.
        heading: as HTML; empty where the slide goes on with what the one before began.
        blocks: what stands on it.
        words: what the map calls it.
        cells: the ids of the cells that it comes from.
        lecture: where the lecture speaks of this, as HTML.
        notes: what to say, as HTML.
        kind: `title`, `exercise` or nothing.
    """

    section: str
    heading: str = ""
    blocks: list[Block] = field(default_factory=list)
    words: str = ""
    cells: list[str] = field(default_factory=list)
    lecture: str = ""
    minutes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    kind: Literal["", "title", "exercise"] = ""
    opens: bool = False
    id: str = ""


@dataclass
class _Group:
    """What belongs together in the notebook, before it is cut into slides."""

    part: Part
    section: str
    cell: str
    opens: bool = False
    kind: Literal["", "title", "exercise"] = ""
    blocks: list[Block] = field(default_factory=list)


def slides(cells: Sequence[Any], pages: Mapping[str, Sequence[str]] | None = None) -> list[Slide]:
    """Give the cells of a notebook as slides; `pages` are its widgets as pages, by the id of their cell.

    A cell with the slide type `slide`, `subslide` or `fragment`, and each heading, begins a new slide; what does not fit on one
    goes on the next. Cells with the type `skip` are left out, but for exercises: each is one slide, with the blank for the
    answer and without its solution. A Markdown cell tagged `notes` is what to say to the cell before it, and is not shown.
    """
    groups, notes = _groups(cells, pages or {})
    found = [slide for group in groups for slide in _cut(group)]
    taken: set[str] = set()
    for slide in found:
        before_all = [""] if slide is found[0] else []  # what is to be said before anything is shown
        slide.notes = [note for cell in [*before_all, *slide.cells] for note in notes.get(cell, [])]
        slide.id = _free(slide.cells[0], taken)
    return found


def _groups(cells: Sequence[Any], pages: Mapping[str, Sequence[str]]) -> tuple[list[_Group], dict[str, list[str]]]:
    groups: list[_Group] = []
    notes: dict[str, list[str]] = {}
    section, before = "", ""
    for cell in cells:
        tags, slide_type = set(cell.metadata.get("tags", [])), cell.metadata.get("slideshow", {}).get("slide_type", "-")
        if NOTES in tags or slide_type == "notes":
            notes.setdefault(before, []).append(as_html(FOLDED.sub("", cell.source)))
            continue
        if (
            "solution" in tags
            or cell.cell_type == "raw"
            or not cell.source.strip()
            or (slide_type == "skip" and not EXERCISE & tags)
        ):
            continue
        before = cell.id
        if "exercise" in tags:
            groups.append(_exercise(cell, section))
        elif tags & {"answer", "check"}:
            if groups and groups[-1].kind == "exercise":
                groups[-1].blocks.extend(code_blocks(cell.source, cell.id))
        elif cell.cell_type == "markdown":
            for number, part in enumerate(parts(cell.source, cell.id)):
                opens = number == 0 and slide_type == "slide" and bool(part.words)
                section = part.words if opens or not section else section
                if part.level or slide_type in NEW or not groups or groups[-1].kind == "exercise":
                    kind: Literal["", "title"] = "" if groups or part.level != 1 else "title"
                    groups.append(_Group(part, section, cell.id, opens or not groups, kind))
                elif part.lecture:
                    groups[-1].part.lecture, groups[-1].part.minutes = part.lecture, part.minutes
                groups[-1].blocks.extend(part.blocks)
        elif cell.cell_type == "code":
            if slide_type in NEW or not groups or groups[-1].kind == "exercise":
                groups.append(_Group(Part(), section, cell.id, not groups))
            results = result_blocks(cell, pages.get(cell.id, ()), section)
            groups[-1].blocks.extend(_of_code(cell, results))
    for earlier, group in pairwise(groups):
        if not group.part.lecture and group.section == earlier.section:
            group.part.lecture, group.part.minutes = earlier.part.lecture, earlier.part.minutes
    return groups, notes


def _of_code(cell: Any, results: Sequence[Block]) -> list[Block]:
    """The code of a cell and what it gave; where neither says anything by itself, the code whole."""
    code = code_blocks(cell.source, cell.id)
    if any(block.kind == "widget" for block in results) and sum(block.height for block in code) <= FEW:
        code = []
    if not code and not results:
        lines = cell.source.strip()
        code = code_blocks(f"{lines}\n...", cell.id) if not lines.startswith("#") else []
    return [*code, *results]


def _exercise(cell: Any, section: str) -> _Group:
    """The task under its number: `**Exercise 1.4.** A shelter ...`."""
    number = re.match(r"\*\*(Exercise [\d.]*\d)\.?\*\*\s*", cell.source)
    title = number[1] if number else "Exercise"
    task = cell.source[number.end() :] if number else cell.source
    blocks = [block for part in parts(task, cell.id) for block in part.blocks]
    return _Group(Part(2, title, title), section, cell.id, kind="exercise", blocks=blocks)


def _cut(group: _Group) -> Iterator[Slide]:
    """The slides of a group."""
    piles = [group.blocks] if group.kind == "exercise" else list(_piles(group.blocks, bool(group.part.heading), group.kind))
    for number, blocks in enumerate(piles or [[]]):
        first = number == 0
        cells = list(dict.fromkeys([*([group.cell] if first else []), *(block.cell for block in blocks)]))
        words = group.part.words if first and group.part.words else next((block.words for block in blocks if block.words), "")
        yield Slide(
            group.section, group.part.heading if first else "", blocks, words, cells,
            group.part.lecture, group.part.minutes, kind=group.kind if first or group.kind == "exercise" else "",
            opens=group.opens and first,
        )  # fmt: skip


def _piles(blocks: Sequence[Block], heading: bool, kind: str) -> Iterator[list[Block]]:
    """Blocks in piles that fit on a slide each and have one idea: prose, then code with its result."""
    pile: list[Block] = []
    room = ROOM - (HEADING if heading else 0)
    for at, block in enumerate(blocks):
        if pile and _begins(block, blocks[at:], pile, room if kind != "title" else 260):
            yield pile
            pile, room, kind = [], ROOM, ""
        pile.append(block)
    if pile:
        yield pile


def _begins(block: Block, following: Sequence[Block], pile: Sequence[Block], room: float) -> bool:
    """Whether a block begins a new slide, after what is in the pile."""
    used, last = height_of(pile), pile[-1]
    if "widget" in (block.kind, last.kind) or (block.kind == "figure" and any(other.kind == "figure" for other in pile)):
        return True
    if last.is_result:
        short = block.kind == "prose" and height_of(_of_cell(following, block.cell)) <= 3.3 * LINE
        if short and last.kind in ("text", "table"):
            return used + GAP + block.height > room  # a word on what came out
        of_one_cell = block.is_result and block.cell == last.cell
        return not of_one_cell or (used + GAP + block.height > room and not _fits([*pile, block]))
    if block.kind == "prose":
        rest = [other for other in following if other.kind == "prose" and other.cell == block.cell]
        so_far = height_of([other for other in pile if other.cell == block.cell]) if last.cell == block.cell else 0
        total = so_far + GAP + height_of(rest)
        share = total / max(1, math.ceil(total / min(PROSE, room)))
        return used + GAP + block.height > min(PROSE, room) or (last.cell == block.cell and so_far + block.height / 2 > share)
    if block.kind == "code":
        if last.kind == "code":
            return True
        unit = [block, *_results_of(block, following[1:])]
        together = used + GAP + height_of(unit) <= room
        return not together and (_fits(unit) or used + GAP + block.height > room)
    return used + GAP + block.height > room and not _fits([*pile, block])


def _fits(blocks: Sequence[Block]) -> bool:
    """Whether blocks fit on a slide of their own, with letters a little smaller if need be."""
    size = ROOM / max(1, height_of(blocks))
    return size >= 1 or (size >= 0.75 and size * min(block.letters for block in blocks) >= READABLE)


def _of_cell(blocks: Sequence[Block], cell: str) -> list[Block]:
    """The first blocks, as far as they come from one cell."""
    return list(takewhile(lambda block: block.cell == cell, blocks))


def _results_of(code: Block, following: Sequence[Block]) -> Iterator[Block]:
    for block in following:
        if not block.is_result or block.cell != code.cell or block.kind == "widget":
            return
        yield block


def _free(name: str, taken: set[str]) -> str:
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}-part-{number}"
    taken.add(free)
    return free
