"""What a cell showed, as HTML: pictures become files, living widgets frames, and links to files of the run plain text."""

import base64
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from course_utils.lessons.alive import WIDGET

Output = Any  # an output of nbformat, which has no types

PICTURES = {"image/png": ".png", "image/jpeg": ".jpg"}
FRAME = 560  # pixels: how high a frame is until the widget in it says how high it wants to be

_CODES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")  # colours of a terminal
_COLUMNS = re.compile(r"\S {3,}\S|={20}|-{20}|─{5}")  # text whose lines belong below each other, which are never broken
_STYLE = re.compile(r"<style scoped>.*?</style>\s*", re.DOTALL)  # of pandas: tables have the site's own look
_LINK = re.compile(r'<a\b[^>]*?\bhref="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)


@dataclass
class Shown:
    """The outputs of a cell as HTML, the files that they show, by their place on the site, and their words for the search."""

    html: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


def shown(
    outputs: Sequence[Output], place: str, caption: str, living: Sequence[str] = (), link: Callable[[str], str] = str
) -> Shown:
    """Give the `outputs` of a cell.

    Args:
        outputs: of a cell of a notebook.
        place: the lesson and cell, as `05_conv_in_excel/cell-02`: files are called so, with a number; `05_conv_in_excel.html`
            is the page that they belong to.
        caption: what a picture is called that has no words of its own.
        living: the pages of the widgets that the cell showed, in their order; one without a page, or with an empty one, stays
            a picture.
        link: gives the address on the site of one in an output, and an empty one for a file that only a run makes.
    """
    found = Shown()
    pages = iter(living)
    parts, rest = [], list(outputs)
    while rest:
        output = rest.pop(0)
        data = output.get("data", {})
        if WIDGET in data and (page := next(pages, "")):
            words = "".join(data.get("text/plain", ""))
            if rest and _is_still(rest[0]):  # which the living widget stands for
                words = rest.pop(0)["metadata"]["image/png"]["alt"]
            address = f"living/{place}-{len(found.files) + 1}.html"
            found.files[address] = with_a_way_back(page, f"../../{place.split('/')[0]}.html").encode()
            found.words.append(words)
            parts.append(_frame(address, words))
        elif WIDGET not in data or not rest or not _is_still(rest[0]):
            parts.append(_one(output, place, caption, link, found))
    found.html = "\n".join(part for part in parts if part)
    return found


def with_a_way_back(page: str, address: str) -> str:
    """The page of a widget with a link to the page of the site that it belongs to.

    In a frame of that page it shows neither the link nor its heading, tells how high it is, and is light or dark as the page
    around it.
    """
    page = page.replace("</head>", f"{_IN_FRAME}</head>", 1)
    return page.replace("<body>", f'<body>\n<nav class="back"><a href="{address}">← Back to the course</a></nav>', 1)


_IN_FRAME = """<link rel="icon" href="data:,">
<style>
.back { font: 15px/1.4 system-ui, sans-serif; margin: 0 4px 12px; }
.back a { color: inherit; }
html.framed > body { margin: 0 auto; padding: 0 4px; overflow-x: auto; }
html.framed :is(main > h1, .back) { display: none; }
html.framed > body[data-jp-theme-light="false"] { background: #15181d; --jp-layout-color1: #15181d; }
</style>
<script>
if (window.parent !== window) {
  document.documentElement.classList.add("framed");
  const tell = () => window.parent.postMessage({ courseHeight: document.body?.scrollHeight ?? 0 }, "*");
  addEventListener("message", ({ data }) => {
    if (data?.courseTheme) document.body.setAttribute("data-jp-theme-light", String(data.courseTheme === "light"));
  });
  addEventListener("load", () => { new ResizeObserver(tell).observe(document.body); tell(); });
}
</script>
"""


def _is_still(output: Output) -> bool:
    return "alt" in output.get("metadata", {}).get("image/png", {}) and "image/png" in output.get("data", {})


def _frame(address: str, words: str) -> str:
    title = escape(words or "A widget")
    return (
        f'<div class="living"><iframe src="{address}" title="{title}" loading="lazy" height="{FRAME}"></iframe>'
        f'<p class="alone"><a href="{address}">Open this widget on a page of its own</a></p></div>'
    )


def _one(output: Output, place: str, caption: str, link: Callable[[str], str], found: Shown) -> str:
    if output.output_type == "stream":
        return _text("".join(output.text), found)
    if output.output_type == "error":
        return _text("\n".join(output.traceback), found)
    data = output.data
    for kind, suffix in PICTURES.items():
        if kind in data:
            address = f"figures/{place}-{len(found.files) + 1}{suffix}"
            found.files[address] = base64.b64decode(data[kind])
            return _picture(address, found.files[address], output.metadata.get(kind, {}), caption, found)
    if "text/html" in data:
        found.words.append("".join(data.get("text/plain", "")))
        return f'<div class="html scroll">{_with_links("".join(data["text/html"]), link)}</div>'
    return _text("".join(data.get("text/plain", "")), found)


def _text(text: str, found: Shown) -> str:
    text = _CODES.sub("", text).rstrip("\n")
    found.words.append(text)
    kind = "text aligned" if _COLUMNS.search(text) else "text"
    return f'<pre class="{kind}">{escape(text, quote=False)}</pre>' if text.strip() else ""


def _picture(address: str, data: bytes, metadata: Any, caption: str, found: Shown) -> str:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as picture:
        width, height = picture.size
    if "width" in metadata and "height" in metadata:  # of the page; the file may have more pixels
        width, height = int(metadata["width"]), int(metadata["height"])
    alt = metadata.get("alt") or f"Figure: {caption}"
    if "alt" in metadata:
        found.words.append(alt)
    image = f'<img src="{address}" alt="{escape(alt)}" width="{width}" height="{height}" loading="lazy" decoding="async">'
    return f'<figure><a href="{address}" title="Open the figure alone">{image}</a></figure>'


def _with_links(text: str, link: Callable[[str], str]) -> str:
    def moved(found: "re.Match[str]") -> str:
        address = link(found[1])
        if not address:  # there is none before the lesson has been run
            return f"<span>{found[2]}</span>"
        return f'<a href="{escape(address)}"{" download" if address.endswith(".xlsx") else ""}>{found[2]}</a>'

    return _LINK.sub(moved, _STYLE.sub("", text))
