"""The slides of a lesson as one HTML file: a deck to present, or pages for paper."""

import html
import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from course_utils.lessons.notebook import read_notebook
from course_utils.lessons.rendering import highlighted
from course_utils.lessons.slides.blocks import html_of
from course_utils.lessons.slides.lesson import Slide, slides

HERE = Path(__file__).parent
Theme = Literal["light", "dark", "system"]
PORT = 8888  # where JupyterLab listens unless it is told otherwise

_PAGE = """<!doctype html>
<html lang="en" class="{mode}" data-theme="{theme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main class="reveal" tabindex="-1" aria-label="{title}">
<div class="slides">
{sections}
</div>
</main>
{codes}
{script}
</body>
</html>
"""


def deck(
    notebook: Path,
    pages: Mapping[str, Sequence[str]] | None = None,
    theme: Theme = "system",
    lab: str | None = None,
    port: int = PORT,
) -> str:
    """Give a lesson as a deck of slides, one HTML page that asks the network for nothing.

    Args:
        notebook: the lesson, with its outputs.
        pages: its widgets as pages, by the id of their cell, as `living_pages` gives them; the others stay pictures.
        theme: light, dark, or as the machine is set; a key changes it.
        lab: where the notebook lies for JupyterLab, as seen from its root, such as `notebooks/01_cats_vs_dogs.ipynb`; each
            slide leads to its cell there.
        port: where JupyterLab listens.
    """
    cells = read_notebook(notebook).cells
    address = f"http://localhost:{port}/lab/workspaces/slides/tree/{quote(lab)}" if lab else ""
    script = [_vendored("reveal.js"), _vendored("notes.js"), *map(_own, ("fit.js", "widgets.js", "deck.js"))]
    return _page(cells, pages or {}, "deck", theme, [_vendored("reveal.css"), _own("deck.css")], script, address)


def handout(notebook: Path, notes: bool) -> str:
    """Give a lesson as pages for paper: a slide each, or with `notes` two slides a page with what to say beside them."""
    mode = "paper handout" if notes else "paper"
    style = [_own("deck.css"), _own("handout.css" if notes else "paper.css")]
    return _page(read_notebook(notebook).cells, {}, mode, "light", style, [_own("fit.js"), _own("paper.js")], "")


def _page(
    cells: Sequence[Any],
    pages: Mapping[str, Sequence[str]],
    mode: str,
    theme: str,
    style: list[str],
    script: list[str],
    lab: str,
) -> str:
    made = slides(cells, pages)
    if mode == "deck":
        _carry_notes(made)
    else:
        _print_notes_once(made)
    shown = {cell for slide in made for cell in slide.cells}
    codes = [
        f'<template class="whole" data-cell="{html.escape(cell.id)}">{highlighted(cell.source)}</template>'
        for cell in cells
        if cell.cell_type == "code" and cell.id in shown and mode == "deck"
    ]
    title = made[0].words if made else "Slides"
    return _PAGE.format(
        mode=mode, theme=theme, title=html.escape(title), style="\n".join(style), codes="\n".join(codes),
        sections="\n".join(_sections(made, lab)), script="\n".join(f"<script>\n{_inside(text)}\n</script>" for text in script),
    )  # fmt: skip


def _carry_notes(made: Sequence[Slide]) -> None:
    """A slide that continues the one before keeps its notes, so that the speaker has them throughout a section."""
    for before, slide in pairwise(made):
        if not slide.notes and not slide.opens:
            slide.notes = before.notes


def _print_notes_once(made: Sequence[Slide]) -> None:
    """Where a cell takes several slides, what is to be said of it goes beside the first."""
    said = [slide.notes for slide in made]
    for before, notes, slide in zip(made, said, made[1:], strict=False):
        if set(before.cells) & set(slide.cells):
            slide.notes = [note for note in slide.notes if note not in notes]


def _sections(made: Sequence[Slide], lab: str) -> list[str]:
    parts: list[str] = []
    for number, slide in enumerate(made, 1):
        if slide.opens or not parts:
            parts.append(f"{'</section>' if parts else ''}<section>")
        parts.append(_section(slide, lab, f"{number} / {len(made)}"))
    return [*parts, "</section>"] if parts else []


def _section(slide: Slide, lab: str, place: str) -> str:
    level = "h1" if slide.kind == "title" else "h2"
    heading = f"<{level}>{slide.heading}</{level}>" if slide.heading else ""
    running = f'<p class="running">{html.escape(slide.section)}</p>' if slide.kind != "title" and not slide.opens else ""
    minute = f"<span>Lecture {slide.minutes[0]}</span>" if slide.minutes else ""
    cell = slide.blocks[0].cell if slide.blocks else slide.cells[0]
    to_lab = f'<a href="{html.escape(lab)}#cell-id={quote(cell)}" target="course-lab">Open in JupyterLab</a>' if lab else ""
    said = [f'<p class="minute">{slide.lecture}</p>' if slide.lecture else "", *slide.notes]
    notes = "\n".join(filter(None, said))
    return (
        f'<section id="{html.escape(slide.id)}" class="{slide.kind or "plain"}" data-words="{html.escape(slide.words)}" '
        f'data-section="{html.escape(slide.section)}" data-cells="{html.escape(json.dumps(slide.cells))}">'
        f'<div class="page">{running}{heading}<div class="content">\n{html_of(slide.blocks)}\n</div>'
        f'<footer>{minute}{to_lab}<span class="place">{place}</span></footer></div>'
        f'<aside class="notes">{notes}</aside></section>'
    )


def _own(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _vendored(name: str) -> str:
    return (HERE / "reveal" / name).read_text(encoding="utf-8")


def _inside(script: str) -> str:
    """A script in which nothing ends the element that it stands in."""
    return script.replace("</script", "<\\/script")
