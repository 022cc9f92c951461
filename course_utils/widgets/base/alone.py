"""A widget as one HTML page, which needs no Python, no server and no network."""

import base64
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.widgets.base.bundle import BASE, Bundle

LARGEST = 300_000  # bytes of a page; a workbook goes along where there is room for it
TOLD = 400  # of each array of numbers that Python computed, so many travel with a page at most

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<meta name="description" content="{words}">
<meta name="color-scheme" content="light dark">
<style>
body {{ margin: 12px auto; padding: 0 16px; background: #fff; color: #222; }}
main > h1 {{ font: 600 clamp(18px, 1.5vw, 30px)/1.3 system-ui, sans-serif; margin: 0 4px; }}
.checked {{ font: clamp(14px, 1.15vw, 24px)/1.4 system-ui, sans-serif; margin: 8px 4px; opacity: 0.8; }}
body[data-jp-theme-light="false"] {{
  --jp-ui-font-color1: #eee; --jp-ui-font-color2: #bbb; --jp-layout-color1: #161616; --jp-layout-color2: #262626;
  --jp-border-color1: #777; --jp-brand-color1: #7ab8ff; background: #161616; color: #eee;
}}
{css}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<div id="widget"></div>
<noscript><p>{words}</p><img src="data:image/webp;base64,{still}" alt="{words}"></noscript>
</main>
<script type="application/json" id="witness">{witness}</script>
<script type="module">
{modules}
{alone}.show({widget}.default, document.getElementById("widget"), {state}, {buffers});
</script>
</body>
</html>
"""


@dataclass(frozen=True)
class Page:
    """What goes into the page of a widget: its traits, its JavaScript `module` and style, and for readers without scripts
    `words` and a `still` picture, a WebP.

    `numbers` are what Python computed from the traits, by name: the page computes them again and says how far it is from them.
    """

    title: str
    module: Path
    css: str
    state: Mapping[str, Any]
    numbers: Mapping[str, Any]
    words: str
    still: bytes

    def html(self) -> str:
        """The page as text."""
        bundle = Bundle()
        widget, stand_in = bundle.add(self.module), bundle.add(BASE / "alone.js")
        shown = {name: value for name, value in self.state.items() if not isinstance(value, bytes)}
        buffers = {name: in_base64(value) for name, value in self.state.items() if isinstance(value, bytes)}
        return _PAGE.format(
            title=html.escape(self.title), css=self.css, words=html.escape(self.words), still=in_base64(self.still),
            witness=_inside_script(witness(self.numbers)), modules=bundle.text, alone=stand_in, widget=widget,
            state=_inside_script(shown), buffers=_inside_script(buffers),
        )  # fmt: skip


def with_workbook(page: str, workbook: bytes, name: str) -> str:
    """The page with a workbook inside that its reader can take out; the page as it was where that would make it too large."""
    holder = f'<script type="text/plain" id="workbook" data-name="{html.escape(name)}">{in_base64(workbook)}</script>\n'
    at = page.index('<script type="module">')
    larger = page[:at] + holder + page[at:]
    return larger if len(larger.encode()) <= LARGEST else page


def witness(numbers: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Numbers as they travel with a page: of each array its size, and every so many of its numbers in NumPy's order.

    >>> witness({"output": [[1.0, 2.0], [3.0, float("nan")]]})
    {'output': {'size': 4, 'every': 1, 'values': [1.0, 2.0, 3.0, None]}}
    """
    told = {}
    for name, values in numbers.items():
        row = np.asarray(values, dtype=np.float64).ravel()
        every = max(1, -(-row.size // TOLD))
        some = [value if np.isfinite(value) else None for value in row[::every].tolist()]
        told[name] = {"size": row.size, "every": every, "values": some}
    return told


def in_base64(data: bytes) -> str:
    """Bytes as text."""
    return base64.b64encode(data).decode("ascii")


def _inside_script(value: Any) -> str:
    """JSON in which nothing ends the script that it stands in."""
    return json.dumps(value).replace("<", "\\u003c")
