"""A widget as one HTML file, which needs no Python, no server and no network."""

import base64
import html
import json
from pathlib import Path
from typing import Any

from course_utils.widgets.base.bundle import BASE, Bundle

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<meta name="description" content="{words}">
<meta name="color-scheme" content="light dark">
<style>
body {{ margin: 12px auto; max-width: 1400px; padding: 0 16px; background: #fff; color: #222; }}
body > h1 {{ font: 600 20px/1.3 system-ui, sans-serif; margin: 0 4px; }}
body[data-jp-theme-light="false"] {{
  --jp-ui-font-color1: #eee; --jp-ui-font-color2: #bbb; --jp-layout-color1: #161616; --jp-layout-color2: #262626;
  --jp-border-color1: #777; --jp-brand-color1: #7ab8ff; background: #161616; color: #eee;
}}
{css}
</style>
</head>
<body>
<h1>{title}</h1>
<main id="widget"></main>
<noscript><p>{words}</p><img src="data:image/png;base64,{still}" alt="{words}"></noscript>
<script type="module">
{modules}
{alone}.show({widget}.default, document.getElementById("widget"), {state}, {buffers});
</script>
</body>
</html>
"""


def alone(state: dict[str, Any], title: str, module: Path, css: str, words: str, still: str) -> str:
    """The page of a widget: the state of its traits, its JavaScript `module` and style, and for readers without scripts `words`
    and a `still` picture, a PNG in base64."""
    bundle = Bundle()
    widget, stand_in = bundle.add(module), bundle.add(BASE / "alone.js")
    shown = {name: value for name, value in state.items() if not isinstance(value, bytes)}
    buffers = {name: base64.b64encode(value).decode("ascii") for name, value in state.items() if isinstance(value, bytes)}
    text = html.escape(words)
    return _PAGE.format(
        title=html.escape(title), css=css, words=text, still=still, modules=bundle.text, alone=stand_in, widget=widget,
        state=_inside_script(shown), buffers=_inside_script(buffers),
    )  # fmt: skip


def _inside_script(value: Any) -> str:
    """JSON in which nothing ends the script that it stands in."""
    return json.dumps(value).replace("<", "\\u003c")
