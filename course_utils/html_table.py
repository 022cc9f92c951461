"""A plain table for a notebook, in light and dark: text is text, and columns are left-aligned, against Jupyter's rules."""

import html
from collections.abc import Sequence

from course_utils.names import printable

_STYLE = (
    "<style>.course-table { border-collapse: collapse } .course-table th, .course-table td { text-align: left !important; "
    "vertical-align: top; padding: 4px 12px; white-space: normal; overflow-wrap: break-word; "
    "border-left: 5px solid transparent } .course-table td:first-child { white-space: nowrap }</style>"
)


def html_table(
    head: Sequence[str], rows: Sequence[Sequence[object]], colours: Sequence[str] = (), above: str = "", below: str = ""
) -> str:
    """Give the HTML of a table with the `head` of its columns; `colours` marks each row at its left.

    `above` and `below` are lines of text around it.

    >>> "<td>1 &lt; 2</td>" in html_table(["a", "b"], [["x", "1 < 2"]])
    True
    """
    lines = [f"<tr>{''.join(f'<th>{_text(name)}</th>' for name in head)}</tr>"]
    for number, row in enumerate(rows):
        mark = f' style="border-left-color: {colours[number]}"' if colours else ""
        first, *others = (_text(cell) for cell in row)
        lines.append(f"<tr><td{mark}>{first}</td>{''.join(f'<td>{cell}</td>' for cell in others)}</tr>")
    table = f'<table class="course-table">{"".join(lines)}</table>'
    over, under = (f"<p>{_text(text)}</p>" if text else "" for text in (above, below))
    return _STYLE + over + table + under


def _text(cell: object) -> str:
    return html.escape(printable(cell))
