"""A sheet written by hand: texts, numbers to edit, and formulas with their values, in cells large enough for a projector."""

from xlsxwriter import Workbook

from course_utils.excel.book import Exact, FastSheet
from course_utils.excel.grid import cell
from course_utils.excel.plan import Formula
from course_utils.excel.styles import EDIT, HEAD, INK, QUIET

_TEXT = {"font_name": "Arial", "font_size": 12, "font_color": INK, "valign": "vcenter"}
_NUMBER = {**_TEXT, "align": "center", "num_format": "0.0000", "border": 1, "border_color": QUIET}
_STYLES = {
    "title": {**_TEXT, "font_size": 22, "bold": True},
    "section": {**_TEXT, "font_size": 14, "bold": True, "bg_color": HEAD},
    "text": _TEXT,
    "note": {**_TEXT, "indent": 1, "font_size": 11, "font_color": "#555555"},
    "heading": {
        **_TEXT,
        "bold": True,
        "align": "center",
        "bg_color": HEAD,
        "text_wrap": True,
        "border": 1,
        "border_color": QUIET,
    },
    "formula": {**_TEXT, "font_size": 10, "font_color": "#555555", "align": "center", "text_wrap": True, "valign": "top"},
    "heading_left": {**_TEXT, "bold": True, "bg_color": HEAD, "border": 1, "border_color": QUIET, "indent": 1},
    "formula_left": {**_TEXT, "font_size": 10, "font_color": "#555555", "valign": "top", "indent": 1, "text_wrap": True},
    "example": {**_TEXT, "font_size": 9, "font_color": "#555555", "align": "center"},
    "name": {**_TEXT, "border": 1, "border_color": QUIET, "indent": 1},
    "right": {**_TEXT, "align": "right", "indent": 1},
    "number": _NUMBER,
    "short": {**_NUMBER, "num_format": "0.00"},
    "loose": {**_NUMBER, "border": 0},
    "result_whole": {**_NUMBER, "bold": True, "font_size": 16, "num_format": "#,##0"},
    "says": {**_TEXT, "font_size": 11, "indent": 1, "border": 1, "border_color": QUIET},
    "unusual": {**_TEXT, "align": "center", "bg_color": "#FFEB9C", "font_color": "#7F6000"},
    "wrong": {**_TEXT, "align": "center", "bg_color": "#FFC7CE", "font_color": "#9C0006"},
    "counted": {**_NUMBER, "border": 0, "num_format": "General"},
    "sign": {**_TEXT, "font_size": 16, "bold": True, "align": "center"},
    "count": {**_NUMBER, "num_format": "#,##0"},
    "rate": {**_NUMBER, "num_format": "0.00E+00"},
    "total": {**_NUMBER, "num_format": "#,##0", "bold": True, "bg_color": HEAD},
    "percent": {**_NUMBER, "num_format": "0.0%"},
    "sum": {**_NUMBER, "bold": True},
    "result": {**_NUMBER, "bold": True, "font_size": 16},
    "edit": {**_NUMBER, "num_format": "0.00", "font_color": EDIT, "border_color": EDIT, "locked": False, "bg_color": "#F3F7FC"},
    "edit_rate": {
        **_NUMBER,
        "num_format": "0.00E+00",
        "font_color": EDIT,
        "border_color": EDIT,
        "locked": False,
        "bg_color": "#F3F7FC",
    },
    "grows": {**_NUMBER, "shrink": True},
    "plain": {**_NUMBER, "num_format": "General", "shrink": True},
    "plain_4": {**_NUMBER, "num_format": "#,##0.0000", "shrink": True},
    "edit_text": {
        **_NUMBER,
        "num_format": "@",
        "shrink": True,
        "font_color": EDIT,
        "border_color": EDIT,
        "locked": False,
        "bg_color": "#F3F7FC",
    },
    "given": {**_NUMBER, "num_format": "0.0###", "shrink": True, "bg_color": "#F2F2F2"},
    "verdict": {**_NUMBER, "num_format": "@", "text_wrap": True, "font_size": 11},
    "unused": {**_NUMBER, "font_color": QUIET, "bg_color": "#F2F2F2"},
    "map_edge": {**_NUMBER, "num_format": "0.0", "font_size": 7, "shrink": True, "font_color": "#555555"},
    "map": {**_NUMBER, "num_format": "0.0", "font_size": 7, "shrink": True},
    "edit_data": {
        **_NUMBER,
        "num_format": "0.0###",
        "font_color": EDIT,
        "border_color": EDIT,
        "locked": False,
        "bg_color": "#F3F7FC",
        "shrink": True,
    },
    "edit_plain": {
        **_NUMBER,
        "num_format": "General",
        "shrink": True,
        "font_color": EDIT,
        "border_color": EDIT,
        "locked": False,
        "bg_color": "#F3F7FC",
    },
    "edit_count": {
        **_NUMBER,
        "num_format": "#,##0",
        "font_color": EDIT,
        "border_color": EDIT,
        "locked": False,
        "bg_color": "#F3F7FC",
    },
}


class Page:
    """One sheet of a workbook; `put` takes texts, numbers and formulas, and what the reader may edit is blue and unlocked."""

    def __init__(self, book: Workbook, name: str, title: str, note: str) -> None:
        self.sheet: FastSheet = book.add_worksheet(name, worksheet_class=FastSheet)
        self.book = book
        self._formats = {style: book.add_format(properties) for style, properties in _STYLES.items()}
        self.sheet.hide_gridlines(2)
        self.sheet.set_default_row(21)
        self.sheet.set_column_pixels(0, 0, 20)
        self.sheet.set_landscape()
        self.sheet.set_paper(9)
        self.sheet.fit_to_pages(1, 1)
        self.sheet.center_horizontally()
        self.sheet.set_margins(0.4, 0.4, 0.5, 0.5)
        self.sheet.set_row(0, 36)
        self.sheet.protect("", {"format_columns": True, "format_rows": True})
        self.put(0, 1, title, "title")
        self.put(1, 1, note, "text")

    def put(self, row: int, col: int, content: str | float | Formula, style: str) -> str:
        """Write one cell and give its address, with dollar signs, for the formulas that read it."""
        made = self._formats[style]
        if isinstance(content, Formula):
            value = content.value if isinstance(content.value, (str, int)) else Exact(content.value)
            self.sheet.write_formula(row, col, "=" + content.text, made, value)
        elif isinstance(content, str):
            self.sheet.write_string(row, col, content, made)
        elif isinstance(content, bool):
            self.sheet.write_boolean(row, col, content, made)
        else:
            self.sheet.write_number(row, col, content if isinstance(content, int) else Exact(content), made)
        return cell(row, col, fixed=True)

    def blank(self, row: int, col: int, style: str) -> None:
        """Write the looks of a cell that holds nothing."""
        self.sheet.write_blank(row, col, None, self._formats[style])

    def across(self, row: int, col: int, last_col: int, text: str, style: str) -> None:
        """Write text over several cells of a row."""
        self.sheet.merge_range(row, col, row, last_col, "", self._formats[style])
        self.sheet.write_string(row, col, text, self._formats[style])

    def short_where_large(self, row: int, col: int, last_row: int, last_col: int) -> None:
        """Show numbers of six digits and more as powers of ten, so that they fit."""
        look = self.book.add_format({"num_format": "0.00E+00"})
        beyond = {"type": "cell", "criteria": "not between", "minimum": -99999, "maximum": 99999, "format": look}
        self.sheet.conditional_format(row, col, last_row, last_col, beyond)

    def widths(self, pixels: dict[int, int]) -> None:
        """Set the widths of columns."""
        for col, width in pixels.items():
            self.sheet.set_column_pixels(col, col, width)
