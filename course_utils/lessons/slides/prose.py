"""The Markdown of a lesson as paragraphs and items that slides are made of."""

import html
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from course_utils.lessons.rendering import highlighted, markdown_parser
from course_utils.lessons.slides.blocks import LETTERS, LINE, Block

LECTURE = re.compile(r"\s*\*?Lecture:")
MINUTE = re.compile(r"\b\d:\d\d:\d\d\b")
LONGEST = 7  # lines of a paragraph; a longer one is cut between sentences
SENTENCE = re.compile(r"(?<=[.!?:])\s+(?=[A-Z*`(“\"])")


@dataclass
class Part:
    """What stands below one heading of a cell.

    Attributes:
        level: of the heading, 1 to 6; 0 for what stands before the first one.
        heading: as HTML.
        words: the heading without marks.
        minutes: the times of the lecture that the line below the heading names.
        lecture: that line as HTML.
        blocks: all else.
    """

    level: int = 0
    heading: str = ""
    words: str = ""
    minutes: list[str] = field(default_factory=list)
    lecture: str = ""
    blocks: list[Block] = field(default_factory=list)


def parts(source: str, cell: str = "") -> list[Part]:
    """Give Markdown as what slides are made of, cut before each heading.

    >>> [(part.words, [block.html for block in part.blocks]) for part in parts("## Softmax\\n\\nIt *chooses*.\\n\\n- one")]
    [('Softmax', ['<div class="prose"><p>It <em>chooses</em>.</p></div>', '<li>one</li>'])]
    """
    found = [Part()]
    for tokens in _top(_parser().parse(_shorter(source))):
        first = tokens[0]
        if first.type == "heading_open":
            found.append(Part(int(first.tag[1:]), _html(tokens[1:-1]), _words(tokens)))
        elif first.type == "paragraph_open" and LECTURE.match(tokens[1].content):
            found[-1].lecture = _html(tokens[1:-1])
            found[-1].minutes = MINUTE.findall(_words(tokens))
        else:
            found[-1].blocks.extend(_blocks(tokens, cell))
    return [part for part in found if part.level or part.blocks or part.lecture]


def as_html(source: str) -> str:
    """Give Markdown as HTML, whole: notes of the speaker."""
    return str(_parser().render(source)).strip()


def first_words(text: str, most: int = 60) -> str:
    """The beginning of a text, for the map of the slides.

    >>> first_words("A small grid of numbers, the kernel, is laid over every place of the picture", most=24)
    'A small grid of numbers…'
    """
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    return f"{text[: most + 1].rpartition(' ')[0].rstrip(',;:.')}…"


def _blocks(tokens: Sequence[Any], cell: str) -> Iterator[Block]:
    first = tokens[0]
    if first.type in ("bullet_list_open", "ordered_list_open"):
        yield from _items(tokens, cell)
    elif first.type == "fence" or first.type == "code_block":
        code = first.content.rstrip("\n")
        language = first.info.strip() if first.type == "fence" else ""
        lines = code.count("\n") + 1
        yield Block("code", f'<pre class="code"><code>{highlighted(code, language)}</code></pre>', 34 * lines + 28,
                    first_words(code), cell=cell)  # fmt: skip
    elif first.type == "table_open":
        rows = sum(token.type == "tr_open" for token in tokens)
        yield Block("table", f'<div class="table words">{_html(tokens)}</div>', 44 * rows, _words(tokens[:12]), cell=cell)
    elif first.type == "html_block":
        text = re.sub("<[^>]+>", " ", first.content)
        if text.strip():
            yield Block("prose", f'<div class="prose">{first.content}</div>', _height(text), first_words(text), cell=cell)
    elif first.type == "math_block":
        yield Block("prose", f'<div class="prose formula">{_html(tokens)}</div>', 2.6 * LINE, "Formula", cell=cell)
    elif first.type != "hr":
        words = _words(tokens)
        yield Block("prose", f'<div class="prose">{_html(tokens).strip()}</div>', _height(words), first_words(words), cell=cell)


def _items(tokens: Sequence[Any], cell: str) -> Iterator[Block]:
    """The items of a list, each a block that says at which number its list would begin with it."""
    ordered = tokens[0].tag == "ol"
    start = int(tokens[0].attrGet("start") or 1)
    list_mark = f"{id(tokens[0]):x}"  # items of this list, and of no other, become one again
    for number, item in enumerate(_top(tokens[1:-1])):
        words = _words(item)
        inner = sum(token.type == "list_item_open" for token in item) - 1
        content = _html(item).strip()
        if ordered:
            content = content.replace("<li>", f'<li value="{start + number}">', 1)
        height = _height(words) + inner * LINE * 0.6
        yield Block("prose", content, height, first_words(words), f'<{tokens[0].tag} data-list="{list_mark}">', cell)


def _shorter(source: str) -> str:
    """Markdown whose very long paragraphs of plain text are cut between sentences, about in the middle."""
    outside_of_code = re.split(r"(^```[\s\S]*?^```|<details[\s\S]*?</details>)", source, flags=re.MULTILINE)
    return "".join(
        piece if number % 2 else "\n\n".join(_cut(paragraph) for paragraph in piece.split("\n\n"))
        for number, piece in enumerate(outside_of_code)
    )


def _cut(paragraph: str) -> str:
    if len(paragraph) <= LONGEST * LETTERS or re.match(r"\s*([-*+] |\d+\. |[#|>$<]| {4}|```)", paragraph):
        return paragraph
    ends = [found.start() for found in SENTENCE.finditer(paragraph) if _balanced(paragraph[: found.start()])]
    if not ends:
        return paragraph
    middle = min(ends, key=lambda end: abs(end - len(paragraph) / 2))
    return f"{_cut(paragraph[:middle])}\n\n{_cut(paragraph[middle:].lstrip())}"


def _balanced(text: str) -> bool:
    """Whether no mark or bracket is open at the end of a text."""
    return not (text.count("`") % 2 or text.count("*") % 2 or text.count("$") % 2) and text.count("(") == text.count(")")


def _height(words: str) -> float:
    return math.ceil(len(words) / LETTERS) * LINE + 10


def _top(tokens: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Tokens in groups, each from what opens an element to what closes it."""
    depth, group = 0, []
    for token in tokens:
        group.append(token)
        depth += token.nesting
        if depth == 0:
            yield group
            group = []


def _words(tokens: Sequence[Any]) -> str:
    inline = (_said(token) for token in tokens if token.type == "inline")
    return " ".join(html.unescape(" ".join(inline)).split())


def _said(token: Any) -> str:
    """What an inline token says, without marks."""
    breaks = ("softbreak", "hardbreak")
    return "".join(" " if child.type in breaks else child.content for child in token.children if child.type != "html_inline")


def _html(tokens: Sequence[Any]) -> str:
    parser = _parser()
    for token in tokens:
        for child in token.children or ():
            if child.type == "link_open":
                _mend_link(child)
    return str(parser.renderer.render(list(tokens), parser.options, {}))


def _mend_link(link: Any) -> None:
    """A link opens beside the deck; what lies beside the notebook does not lie beside the deck."""
    if re.match(r"https?:|mailto:", str(link.attrGet("href"))):
        link.attrSet("target", "_blank")
        link.attrSet("rel", "noopener")
    else:
        link.attrs = {}
        link.tag = "span"


@cache
def _parser() -> Any:
    return markdown_parser()
