"""How cells look: colours, fonts, frames and number formats, each format of a workbook made once."""

from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format

RED, WHITE, GREEN, YELLOW = "#F8696B", "#FFFFFF", "#63BE7B", "#FFE699"
EDIT, QUIET, INK, HEAD = "#1F4E9E", "#A6A6A6", "#222222", "#DCE6F1"

_TEXT = {"font_name": "Arial", "font_size": 9, "font_color": INK, "valign": "vcenter"}
_NUMBER = {**_TEXT, "font_size": 7, "align": "center", "shrink": True}
_TABLE = {**_NUMBER, "font_size": 9}
CHANGED = {"bg_color": YELLOW, "bold": True, "font_color": "#9C0006"}
_EDITED = {"font_color": EDIT, "locked": False, "border_color": EDIT}
STYLES: dict[str, dict[str, Any]] = {
    "title": {**_TEXT, "font_size": 20, "bold": True},
    "intro": {**_TEXT, "font_size": 11},
    "note": {**_TEXT, "font_size": 11, "align": "left", "indent": 1},
    "name": {**_TEXT, "font_size": 14, "bold": True, "shrink": True, "indent": 1, "align": "left", "bg_color": HEAD},
    "shape": {**_TEXT, "indent": 1, "align": "left", "font_size": 10, "bg_color": HEAD, "font_color": "#555555"},
    "words": {**_TEXT, "indent": 1, "align": "left", "font_size": 10, "bg_color": HEAD, "text_wrap": True, "valign": "top"},
    "label": {**_TEXT, "font_size": 8, "font_color": "#777777", "valign": "bottom"},
    "column": {**_TEXT, "font_size": 9, "font_color": "#555555", "align": "center", "bold": True, "valign": "bottom"},
    "spelled_out": {**_TEXT, "font_size": 9, "font_color": "#555555", "align": "left", "indent": 1},
    "row": {**_TEXT, "font_size": 9, "align": "right", "indent": 1},
    "below": {**_NUMBER, "bg_color": RED, "border": 1, "border_color": QUIET},
    "zero": {**_NUMBER, "border": 1, "border_color": QUIET},
    "above": {**_NUMBER, "bg_color": GREEN, "border": 1, "border_color": QUIET},
    "edited": {**_NUMBER, **CHANGED, "border": 1, "border_color": QUIET},
    "sum": {**_TABLE, "num_format": "0.0000", "bold": True, "top": 1},
    "input": {**_NUMBER, **_EDITED},
    "weight": {**_NUMBER, **_EDITED},
    "value": _NUMBER,
    "wide": {**_TABLE, "num_format": "0.0000"},
    "wide_weight": {**_TABLE, **_EDITED, "num_format": "0.0000"},
    "wide_input": {**_TABLE, **_EDITED, "num_format": "0.0000"},
    "wide_whole_input": {**_TABLE, **_EDITED, "num_format": "General"},
    "wide_count": {**_TABLE, "num_format": "0"},
    "result": {**_TABLE, "font_size": 12, "bold": True, "border": 1},
    "result_number": {**_TABLE, "font_size": 12, "bold": True, "num_format": "0.0000"},
    "choice": {**_TABLE, **_EDITED, "font_size": 12, "bold": True, "border": 2},
    "heading": {
        **_TEXT,
        "indent": 1,
        "align": "left",
        "bold": True,
        "bg_color": HEAD,
        "border": 1,
        "border_color": QUIET,
        "text_wrap": True,
    },
    "entry": {**_TEXT, "indent": 1, "align": "left", "border": 1, "border_color": QUIET},
    "entry_center": {**_TEXT, "border": 1, "border_color": QUIET, "align": "center"},
    "entry_small": {**_TEXT, "border": 1, "border_color": QUIET, "num_format": "0.0E+00", "align": "center"},
    "entry_large": {**_TEXT, "border": 1, "border_color": QUIET, "num_format": "#,##0", "align": "right", "indent": 1},
    "verdict": {**_TEXT, "font_size": 14, "bold": True},
}


class Styles:
    """The formats of a workbook, each made once."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._made: dict[tuple[str, int, int, str], Format] = {}

    def get(self, style: str, edges: int = 0, precision: int = -1, quote: bool = False, **more: Any) -> Format:
        """A style; `edges` says at which sides of its block a cell stands (1 top, 2 bottom, 4 left, 8 right)."""
        key = (style, edges, precision, f"{quote}{more}")
        if key not in self._made:
            properties = dict(STYLES[style])
            if precision >= 0:
                properties["num_format"] = ("General", "0", "0.0;-0.0;0", "0.00;-0.00;0")[precision]
            if edges >= 0 and (style in ("input", "weight", "value", "result_number") or style.startswith("wide")):
                color = properties.get("border_color", QUIET)
                for bit, side in ((1, "top"), (2, "bottom"), (4, "left"), (8, "right")):
                    properties[side] = 1 if edges & bit else 4  # thin around the block, dotted inside
                    properties[f"{side}_color"] = color if edges & bit else "#D0D0D0"
                properties.pop("border_color", None)
            if quote:
                properties["quote_prefix"] = True  # stays text also when a student edits it
            self._made[key] = self._book.add_format({**properties, **more})
        return self._made[key]
