"""The prose of a lesson as HTML: tables, formulas as MathML, code in colour, and headings that can be linked to."""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from typing import Any

from course_utils.lessons.rendering import highlighted, markdown_parser

Link = Callable[[str], str]
"""Gives the address on the site of one that a notebook has."""


@dataclass
class Piece:
    """A heading, level 1 to 6 and its text, with what follows it; level 0 where something stands before the first one."""

    level: int
    title: str
    html: str
    text: list[str] = field(default_factory=list)
    """Its prose without marks, for the search."""


def pieces(source: str, link: Link = lambda address: address) -> Iterator[Piece]:
    """Give the Markdown `source` as HTML, cut before each of its headings, which are left to whoever shows them.

    >>> [(piece.level, piece.title, piece.html) for piece in pieces("Before\\n\\n## Softmax\\n\\n`exp` and *sum*.")]
    [(0, '', '<p>Before</p>\\n'), (2, 'Softmax', '<p><code>exp</code> and <em>sum</em>.</p>\\n')]
    """
    parser = _parser()
    tokens = parser.parse(source)
    starts = [at for at, token in enumerate(tokens) if token.type == "heading_open" and token.level == 0]
    cuts = sorted({0, *starts, len(tokens)})
    for start, end in pairwise(cuts):
        part = tokens[start:end]
        level, title = 0, ""
        if start in starts:
            level, title = int(part[0].tag[1:]), _words(part[1])
            part = part[3:]
        _prepare(part, link)
        text = [_words(token) for token in part if token.type in ("inline", "fence")]
        yield Piece(level, title, parser.renderer.render(part, parser.options, {}), text)


def inline(source: str) -> str:
    """Give a line of Markdown as HTML, without a paragraph around it.

    >>> inline("made by `course_utils`, *once*")
    'made by <code>course_utils</code>, <em>once</em>'
    """
    return str(_parser().renderInline(source))


def code_block(source: str, language: str = "python") -> str:
    """Give code as a block of HTML, its kinds of words marked by Pygments' short class names."""
    coloured = highlighted(source.strip("\n"), language)
    return f'<pre class="code"><code>{coloured}</code></pre>\n'


def slug(title: str) -> str:
    """What a heading is called in an address; the same for `Finding a rate` and for JupyterLab's `Finding-a-rate`.

    >>> slug("ReLU: negatives become zero"), slug("Softmax, step-by-step")
    ('relu-negatives-become-zero', 'softmax-step-by-step')
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain.replace("'", "")).strip("-") or "section"


@cache
def _parser() -> Any:
    parser = markdown_parser()
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("table_open", lambda *_: '<div class="scroll"><table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return parser


def _fence(_renderer: Any, tokens: Sequence[Any], at: int, *_: Any) -> str:
    return code_block(tokens[at].content, tokens[at].info.strip())


def _prepare(tokens: Sequence[Any], link: Link) -> None:
    """Send links to the site, and mark the paragraph that says where the lecture speaks of this."""
    for before, token in zip([None, *tokens], tokens, strict=False):
        if before is not None and before.type == "paragraph_open" and token.content.startswith("*Lecture:"):
            before.attrSet("class", "lecture")
        for inner in token.children or ():
            if inner.type == "link_open":
                inner.attrSet("href", link(str(inner.attrGet("href"))))


def _words(token: Any) -> str:
    if not token.children:
        return str(token.content)
    return "".join(" " if child.type in ("softbreak", "hardbreak") else _word(child) for child in token.children)


def _word(token: Any) -> str:
    return "" if token.type == "html_inline" else html.unescape(token.content)
