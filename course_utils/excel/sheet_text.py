"""A sheet as it stands in the file, of which single cells are rewritten and every other byte is kept.

A library that loads a workbook and saves it again loses what it does not know: charts, drop-downs, colours, and the values
beside formulas.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

from course_utils.excel.errors import WorkbookError
from course_utils.excel.grid import Rect, cell, place_of

FORMULA = re.compile(rb"<(?:[\w.-]+:)?f(?:\s[^>]*)?(?:/>|>.*?</(?:[\w.-]+:)?f\s*>)", re.DOTALL)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
BEFORE_CONDITIONS = {  # of what a sheet has, in this order, what comes before its conditional formats
    *("sheetPr", "dimension", "sheetViews", "sheetFormatPr", "cols", "sheetData", "sheetCalcPr", "sheetProtection"),
    *("protectedRanges", "scenarios", "autoFilter", "sortState", "dataConsolidate", "customSheetViews", "mergeCells"),
    *("phoneticPr", "conditionalFormatting"),
}


@dataclass(slots=True)
class Cell:
    """A cell in the file: where its text begins and ends, its style, its formula and its value as text."""

    start: int
    end: int = 0
    style: int = 0
    kind: str = "n"
    formula: str | None = None
    plain: bool = True  # its formula stands in it whole: it shares none, and gives no other cell a value
    shared: str | None = None  # the number of a formula that several cells share
    value: str | None = None


@dataclass(slots=True)
class Row:
    """A row in the file: where the text of its cells ends, or of itself where it has none."""

    number: int
    start: int
    end: int = 0
    closed: bool = False  # <row/>
    cells: list[int] = field(default_factory=list)  # their columns


class SheetText:
    """The cells of a sheet by row and column, and its text with some of them changed.

    >>> sheet = SheetText("Network", b'<sheetData><row r="3"><c r="B3"><f>1+1</f><v>2</v></c></row></sheetData>')
    >>> sheet.cells[2, 1].formula, sheet.cells[2, 1].value
    ('1+1', '2')
    """

    def __init__(self, name: str, data: bytes) -> None:
        """Read a sheet, whatever prefix its tags have; WorkbookError where it declares a document type."""
        self.name, self.data = name, data
        self.cells: dict[tuple[int, int], Cell] = {}
        self.rows: dict[int, Row] = {}
        self.merged: list[Rect] = []
        self.as_excel_writes = True  # the root says what it is as Excel says it, without a prefix
        self._data_end = self._conditions = -1
        self._scan()

    def _scan(self) -> None:
        parser = expat.ParserCreate()
        depth, text, row, now = 0, list[str](), Row(-1, 0), Cell(0)

        def doctype(*_: object) -> None:  # which could define entities that grow without end
            raise WorkbookError(f"the sheet {self.name!r} declares a document type, which no workbook does; it is not read")

        def start(full: str, attributes: dict[str, str]) -> None:
            nonlocal depth, row, now
            depth += 1
            text.clear()
            tag = full.rpartition(":")[2]
            if depth == 1:
                self.as_excel_writes = full == "worksheet" and attributes.get("xmlns") == MAIN
            if depth == 2 and tag not in BEFORE_CONDITIONS and self._conditions < 0:
                self._conditions = parser.CurrentByteIndex
            if tag == "row":
                row = Row(int(attributes.get("r", row.number + 2)) - 1, parser.CurrentByteIndex)
                self.rows[row.number] = row
            elif tag == "c":
                place = place_of(attributes["r"]) if "r" in attributes else (row.number, row.cells[-1] + 1 if row.cells else 0)
                now = Cell(parser.CurrentByteIndex, style=int(attributes.get("s", 0)), kind=attributes.get("t", "n"))
                row.cells.append(place[1])
                self.cells[place] = now
            elif tag == "f":
                now.plain = attributes.get("t", "normal") == "normal"
                now.shared = attributes.get("si", "") if attributes.get("t") == "shared" else None
            elif tag == "mergeCell":
                first, _, last = attributes["ref"].partition(":")
                (top, left), (bottom, right) = place_of(first), place_of(last or first)
                self.merged.append(Rect(top, left, bottom - top + 1, right - left + 1))

        def end(full: str) -> None:
            nonlocal depth
            depth -= 1
            at, tag = parser.CurrentByteIndex, full.rpartition(":")[2]
            if tag == "f":
                now.formula = "".join(text)
            elif tag == "v" or (tag == "t" and now.kind == "inlineStr"):
                now.value = (now.value or "") + "".join(text)
            elif tag == "c":
                now.end = self._after(at, f"</{full}".encode())
            elif tag == "row":
                row.closed = not self.data.startswith(f"</{full}".encode(), at)
                row.end = at
            elif tag == "sheetData":
                self._data_end = at
            elif tag == "worksheet" and self._conditions < 0:
                self._conditions = at
            text.clear()

        parser.StartDoctypeDeclHandler = doctype
        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text.append
        parser.Parse(self.data, True)

    def _after(self, at: int, tag: bytes) -> int:
        """Where a tag that ends at `at` is over: of one that is empty, as <c/>, the parser gives the place behind it."""
        return self.data.index(b">", at) + 1 if self.data.startswith(tag, at) else at

    def is_free(self, row: int, col: int) -> bool:
        """Whether nothing stands in a cell, and it is not part of a merged one."""
        there = self.cells.get((row, col))
        nothing = there is None or (there.formula is None and there.value is None)
        return nothing and not any((row, col) in area for area in self.merged)

    def changed(self, cells: Mapping[tuple[int, int], str], conditions: str = "") -> bytes:
        """The sheet with these cells rewritten, and `conditions` beside its conditional formats."""
        pieces: list[tuple[int, int, str]] = []  # from, to, what stands there instead
        added: dict[int, list[tuple[int, str]]] = {}
        for (row, col), xml in cells.items():
            there = self.cells.get((row, col))
            if there is not None:
                pieces.append((there.start, there.end, xml))
            else:
                added.setdefault(row, []).append((col, xml))
        for number, new in sorted(added.items()):
            whole = "".join(xml for _, xml in sorted(new))
            known = self.rows.get(number)
            if known is None:
                later = [other.start for other in self.rows.values() if other.number > number]
                at = min(later, default=self._data_end)
                pieces.append((at, at, f'<row r="{number + 1}">{whole}</row>'))
            elif known.closed:
                opened = self.data[known.start : known.end].decode().rstrip("/> ") + ">"
                pieces.append((known.start, known.end, f"{opened}{whole}</row>"))
            else:
                for col, xml in sorted(new):
                    at = self._before(known, col)
                    pieces.append((at, at, xml))
        pieces.append((self._conditions, self._conditions, conditions))
        out, last = list[bytes](), 0
        for start, end, piece in sorted(pieces, key=lambda one: one[:2]):
            out += [self.data[last:start], piece.encode()]
            last = end
        joined = b"".join([*out, self.data[last:]])
        return re.sub(rb'(<row\b[^>]*?)\sspans="[^"]*"', rb"\1", joined)  # the columns of a row, which may be more now

    def _before(self, row: Row, col: int) -> int:
        """Where a new cell of a row is put in."""
        later = [other for other in row.cells if other > col]
        return self.cells[row.number, min(later)].start if later else row.end


def written(row: int, col: int, style: int, value: str | float | None = None, formula: str | None = None) -> str:
    """A cell as it stands in a file.

    >>> written(0, 1, 3, 2.0, "1+1"), written(0, 1, 3)
    ('<c r="B1" s="3"><f>1+1</f><v>2.0</v></c>', '<c r="B1" s="3"/>')
    """
    head = f'<c r="{cell(row, col)}" s="{style}"'
    made = "" if formula is None else f"<f>{escape(formula)}</f>"
    if value is None:
        return f"{head}>{made}</c>" if made else f"{head}/>"
    if isinstance(value, str) and formula is None:
        return f'{head} t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    kind, text = (' t="str"', escape(value)) if isinstance(value, str) else ("", repr(value))
    return f"{head}{kind}>{made}<v>{text}</v></c>"


def without_value(data: bytes, there: Cell) -> bytes:
    """A cell with a formula and no value beside it, which a spreadsheet computes when it opens the file."""
    text = data[there.start : there.end]
    formula = FORMULA.search(text)
    return with_content(text, formula[0] if formula else b"")


def with_content(text: bytes, content: bytes) -> bytes:
    """A cell with the tag and the look of `text`, and other content, whose tags have the same prefix.

    >>> with_content(b'<c r="A1" t="s" s="4"><v>17</v></c>', b"<v>0.1</v>")
    b'<c r="A1" s="4"><v>0.1</v></c>'
    """
    tag = text[: text.index(b">") + 1].removesuffix(b"/>").removesuffix(b">")
    tag = re.sub(rb"""\s+t\s*=\s*("[^"]*"|'[^']*')""", b"", tag).rstrip()
    found = re.match(rb"<(?:([\w.-]+):)?c\b", tag)
    prefix = found[1] + b":" if found and found[1] else b""
    if prefix and not content.startswith(b"<" + prefix):
        content = content.replace(b"</", b"</" + prefix).replace(b"<v", b"<" + prefix + b"v")
    return b"%s>%s</%sc>" % (tag, content, prefix)
