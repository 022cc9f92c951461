"""What a cell gave, on a slide: figures and tables to be scaled, long ones cut with a word, widgets alive."""

import base64
import html
import re
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from course_utils.lessons.alive import WIDGET
from course_utils.lessons.slides.blocks import Block
from course_utils.lessons.slides.code import letters_style, size_of
from course_utils.lessons.slides.prose import first_words

LINES = 14  # of printed text
ROWS = 10  # of a table
LEAST = 350  # pixels of height below which a figure goes to a slide of its own
TALL = 530  # the same for one that is about as high as wide, and large
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
ROW = re.compile(r"<tr\b[\s\S]*?</tr>", re.IGNORECASE)


def result_blocks(cell: Any, pages: Sequence[str], name: str) -> list[Block]:
    """Give what a cell gave as blocks; `pages` are its widgets as pages, in order, empty where a still picture stands for one.

    `name` says where a figure without words of its own comes from.
    """
    found: list[Block] = []
    waiting = list(pages)
    still_of_widget = None  # the words of the widget that was just met, whose picture follows
    for output in _together(cell.outputs):
        data = output.get("data", {})
        picture = next((kind for kind in ("image/png", "image/jpeg") if kind in data), "")
        if WIDGET in data:
            page = waiting.pop(0) if waiting else ""
            words = " ".join(_text(data.get("text/plain", "")).split())  # printed in lines, and here it is one sentence
            if page:
                found.append(_widget(page, words, cell.id))
            still_of_widget = (page, words)
        elif picture and still_of_widget is not None:
            page, words = still_of_widget
            if not page:
                found.append(_figure(data[picture], picture, words, cell.id))
            still_of_widget = None
        elif picture:
            said = output.get("metadata", {}).get(picture, {})
            described = said.get("alt") if isinstance(said, dict) else None
            found.append(_figure(data[picture], picture, described or f"Figure: {name}", cell.id))
        elif "text/html" in data:
            found.extend(_from_html(_text(data["text/html"]), cell.id))
        elif output.output_type == "error":
            found.append(_printed(f"{output.ename}: {output.evalue}", cell.id))
        elif text := _text(output.get("text", data.get("text/plain", ""))).strip("\n"):
            found.append(_printed(text, cell.id))
    return [block for block in found if block.html]


def _together(outputs: Sequence[Any]) -> Iterator[Any]:
    """Outputs, printed text that was kept in pieces as one."""
    before: Any = None
    for output in outputs:
        if before is not None and output.output_type == before.output_type == "stream":
            before = type(before)({**before, "text": _text(before["text"]) + _text(output["text"])})
            continue
        if before is not None:
            yield before
        before = output
    if before is not None:
        yield before


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def _printed(text: str, cell: str) -> Block:
    lines = [line.rpartition("\r")[2].rstrip() for line in ESCAPES.sub("", text).replace("\r\n", "\n").split("\n")]
    shown = lines if len(lines) <= LINES + 1 else lines[:LINES]
    size, height = size_of(shown)
    more = f'<p class="more">… {len(lines) - len(shown)} more lines</p>' if len(shown) < len(lines) else ""
    body = html.escape("\n".join(shown), quote=False)
    return Block(
        "text",
        f'<div class="text" style="{letters_style(size, shown)}"><pre>{body}</pre>{more}</div>',
        height + (30 if more else 0),
        first_words(shown[0] if shown else ""),
        cell=cell,
        letters=size,
    )


def _figure(picture: Any, kind: str, words: str, cell: str) -> Block:
    content = "".join(_text(picture).split())
    width, height = picture_size(base64.b64decode(content))
    address = f"data:{kind};base64,{content}"
    tall = height >= 400 and height > 0.8 * width
    return Block(
        "figure",
        f'<figure style="--w:{width};--h:{height}"><img src="{address}" width="{width}" height="{height}" '
        f'alt="{html.escape(words)}"></figure>',
        TALL if tall else min(LEAST, max(120, height)),
        first_words(words),
        cell=cell,
        letters=17 if tall else 28,  # what a tall figure says in small letters is not made smaller for the sake of its code
    )


def _widget(page: str, words: str, cell: str) -> Block:
    title = html.unescape(found[1]) if (found := re.search("<title>(.*?)</title>", page)) else "A widget"
    stored = page.replace("&", "&amp;").replace("<", "&lt;")
    return Block(
        "widget",
        f'<div class="widget" data-title="{html.escape(title)}"><p class="waits">{html.escape(words)}</p>'
        f"<template><pre>{stored}</pre></template></div>",
        400,
        title,
        cell=cell,
    )


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height, in pixels, of a PNG or JPEG file; (640, 480) where they cannot be found.

    >>> picture_size(b"\\x89PNG\\r\\n\\x1a\\n" + b"\\0\\0\\0\\rIHDR" + (7).to_bytes(4, "big") + (5).to_bytes(4, "big"))
    (7, 5)
    """
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    at = 2
    while data[:2] == b"\xff\xd8" and at + 9 < len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return 640, 480


def _from_html(source: str, cell: str) -> Iterator[Block]:
    """HTML that a cell gave: a table is cut to a slide's rows, or one of code in parts; links to files become names."""
    source = re.sub(r"<style scoped>[\s\S]*?</style>|<script\b[\s\S]*?</script>", "", source)
    source = re.sub(r"<a\b(?![^>]*href=[\"']?https?:)[^>]*>([\s\S]*?)</a>", r"<code>\1</code>", source)
    source = re.sub(r"(<div\b[^>]*?) style=([\"'])[^\"']*overflow[^\"']*\2", r"\1", source)
    rows = ROW.findall(source)
    words = first_words(re.sub("<[^>]+>", " ", html.unescape(re.sub(r"<style[\s\S]*?</style>", "", source))))
    if not rows:
        yield Block("text", f'<div class="html">{source}</div>', 60, words, cell=cell)
    elif "<pre" in source:
        yield from _in_parts(source, rows, words, cell)
    else:
        yield _table(source, rows, words, cell)


def _table(source: str, rows: Sequence[str], words: str, cell: str) -> Block:
    body = [row for row in ROW.finditer(source) if "<td" in row[0]]
    cut = body[ROWS:] if len(body) > ROWS + 1 else []
    for row in reversed(cut):  # by its place: another row may say the same
        source = source[: row.start()] + source[row.end() :]
    height = 36 * (len(rows) - len(cut)) + (70 if cut else 24)
    more = f'<p class="more" data-rows="{len(cut)}">… {len(cut)} more rows</p>' if cut else ""
    size = re.search(r"<p>\d[\d,]* rows × \d+ columns</p>", source)
    source = source.replace(size[0], "") if size else source
    said = f'<p class="more">{size[0][3:-4]}</p>' if size else ""
    return Block("table", f'<div class="table">{source}</div>{more}{said}', height, words, cell=cell)


def _in_parts(source: str, rows: Sequence[str], words: str, cell: str) -> Iterator[Block]:
    """A table of code as several with some rows each, under the same heads."""
    before, after = source.partition(rows[0])[0], source.rpartition(rows[-1])[2]
    head = [row for row in rows if "<td" not in row]
    group: list[str] = []
    total = 0.0
    for row in (row for row in rows if "<td" in row):
        height = max(len(re.findall("\n", column)) + 1 for column in row.split("</td>")) * 26 + 40
        if group and total + height > 430:
            yield Block("table", f'<div class="table">{before}{"".join(head + group)}{after}</div>', total, words, cell=cell)
            group, total = [], 0.0
        group.append(row)
        total += height
    yield Block("table", f'<div class="table">{before}{"".join(head + group)}{after}</div>', total, words, cell=cell)
