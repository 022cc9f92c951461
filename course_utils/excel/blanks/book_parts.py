"""An .xlsx file as its parts: those that change are rewritten, the others are copied as they are."""

import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr, unescape

from course_utils.excel.blanks.errors import BlankError
from course_utils.excel.cells import open_sheets
from course_utils.excel.package import open_package
from course_utils.files import replacing

WORKBOOK, LINKS, TYPES, STYLES = "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "[Content_Types].xml", "xl/styles.xml"
SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MADE = (2017, 11, 6, 0, 0, 0)  # fixed, so that the same blank gives the same bytes


@dataclass
class BookParts:
    """The parts of a workbook, the parts of its sheets by the sheets' names, and its names of cells, in capitals."""

    path: Path
    parts: dict[str, bytes]
    sheets: dict[str, str]
    names: dict[str, str]

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> "BookParts":
        """Read a workbook whole; WorkbookError if it is not one, BlankError if it is written in an unusual way."""
        with open_sheets(path) as sheets:
            listed = sheets.parts
            names = sheets.named_areas(None)
        with open_package(path) as package:
            parts = package.read_all()
            own = package.path
        for part in (WORKBOOK, LINKS, TYPES, STYLES):
            if part not in parts:
                raise BlankError(
                    f"{own} has no part {part}, where Excel has it; save it as an Excel Workbook, or export it again"
                )
        if f'xmlns:r="{RELATION}"'.encode() not in parts[WORKBOOK]:
            raise BlankError(f"{own} is a Strict Open XML workbook; save it as an Excel Workbook (.xlsx), or export it again")
        return cls(own, parts, listed, {name.upper(): area for name, area in names.items()})

    def text(self, part: str) -> str:
        """A part as text."""
        return self.parts[part].decode("utf-8-sig")

    def add_sheet(self, name: str, xml: str, first: bool = False) -> None:
        """Add a sheet: in front of the others and the one that is seen, or behind them and hidden from everybody."""
        number = 1 + sum(part.startswith("xl/worksheets/") for part in self.parts)
        part = f"xl/worksheets/blank{number}.xml"
        book = self.text(WORKBOOK)
        new = 1 + max(int(found) for found in re.findall(r'sheetId="(\d+)"', book))
        state = "" if first else ' state="veryHidden"'
        tag = f'<sheet name={quoteattr(name)} sheetId="{new}"{state} r:id="rIdBlank{number}"/>'
        if first:
            book = book.replace("<sheets>", f"<sheets>{tag}", 1)
            book = re.sub(r'localSheetId="(\d+)"', lambda found: f'localSheetId="{int(found[1]) + 1}"', book)
            book = re.sub(r'\s(?:activeTab|firstSheet)="\d+"', "", book)
            for other in self.sheets.values():
                self.parts[other] = re.sub(rb'\stabSelected="(?:1|true)"', b"", self.parts[other])
        else:
            book = book.replace("</sheets>", f"{tag}</sheets>", 1)
        link = f'<Relationship Id="rIdBlank{number}" Type="{RELATION}/worksheet" Target="worksheets/blank{number}.xml"/>'
        self._replace(LINKS, "</Relationships>", f"{link}</Relationships>")
        self._replace(TYPES, "</Types>", f'<Override PartName="/{part}" ContentType="{SHEET_TYPE}"/></Types>')
        self.parts[WORKBOOK], self.parts[part] = book.encode(), xml.encode()

    def hide(self, name: str) -> None:
        """Hide a sheet, which can be shown again."""
        tag = re.compile(rf"<sheet (?=[^>]*name={re.escape(quoteattr(name))})(?![^>]*state=)")
        self.parts[WORKBOOK] = tag.sub('<sheet state="hidden" ', self.text(WORKBOOK)).encode()

    def forget_order(self) -> None:
        """Leave out the list of the order in which Excel computed the formulas: some of them are gone."""
        if self.parts.pop("xl/calcChain.xml", None) is not None:
            for part in (LINKS, TYPES):
                self.parts[part] = re.sub(
                    r"<(?:Relationship|Override) [^>]*calcChain\.xml[^>]*/>", "", self.text(part)
                ).encode()

    def strings(self) -> list[str]:
        """The texts that cells name by number."""
        items = re.findall(r"<si>(.*?)</si>|<si/>", self.parts.get("xl/sharedStrings.xml", b"").decode(), flags=re.DOTALL)
        return [unescape("".join(re.findall(r"<t(?: [^>]*)?>(.*?)</t>", item, flags=re.DOTALL))) for item in items]

    def save(self, path: Path) -> Path:
        """Write the workbook; `path` is replaced once all of it is written."""
        with replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in self.parts.items():
                info = zipfile.ZipInfo(name, MADE)
                info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
                archive.writestr(info, data)
        return path

    def _replace(self, part: str, old: str, new: str) -> None:
        self.parts[part] = self.text(part).replace(old, new, 1).encode()


class Stylesheet:
    """The styles of a workbook, to which some are added."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._known: dict[tuple[str, str], int] = {}
        self._clones: dict[int, int] = {}

    def add(
        self, size: int = 10, bold: bool = False, ink: str = "222222", fill: str = "", frame: str = "", align: str = ""
    ) -> int:
        """The number of a new style for cells: size and colour of its letters, colours of ground and frame, alignment."""
        font = self._entry("fonts", f'<font>{"<b/>" * bold}<sz val="{size}"/><color rgb="FF{ink}"/><name val="Arial"/></font>')
        return self._style(
            f'<xf numFmtId="0" fontId="{font}" fillId="{self._fill(fill)}" borderId="{self._frame(frame)}" xfId="0" '
            f'applyFont="1" applyFill="1" applyBorder="1" applyAlignment="1"><alignment vertical="center"{align}/></xf>'
        )

    def to_fill_in(self, style: int, fill: str, frame: str) -> int:
        """The number of a style like another one, in the colours of cells to fill in, and open to be changed."""
        if style not in self._clones:
            old = self._entries("cellXfs")[style]
            head, _, inside = old.partition(">")
            attributes = dict(re.findall(r'(\w+)="([^"]*)"', head))
            attributes |= {"fillId": str(self._fill(fill)), "borderId": str(self._frame(frame))}
            attributes |= dict.fromkeys(("applyFill", "applyBorder", "applyProtection"), "1")
            alignment = "".join(re.findall(r"<alignment[^>]*/>", inside))
            said = " ".join(f'{name}="{value}"' for name, value in attributes.items())
            self._clones[style] = self._style(f'<xf {said}>{alignment}<protection locked="0"/></xf>')
        return self._clones[style]

    def condition(self, ink: str, fill: str = "") -> int:
        """The number of a style that conditional formats give."""
        ground = f'<fill><patternFill patternType="solid"><bgColor rgb="FF{fill}"/></patternFill></fill>' if fill else ""
        if "<dxfs" not in self.text:
            place = next(tag for tag in ("<tableStyles", "<colors", "<extLst", "</styleSheet>") if tag in self.text)
            self.text = self.text.replace(place, f'<dxfs count="0"/>{place}', 1)
        return self._entry("dxfs", f'<dxf><font><b/><color rgb="FF{ink}"/></font>{ground}</dxf>')

    def _fill(self, colour: str) -> int:
        if not colour:
            return 0
        return self._entry("fills", f'<fill><patternFill patternType="solid"><fgColor rgb="FF{colour}"/></patternFill></fill>')

    def _frame(self, colour: str) -> int:
        if not colour:
            return 0
        sides = "".join(
            f'<{side} style="thin"><color rgb="FF{colour}"/></{side}>' for side in ("left", "right", "top", "bottom")
        )
        return self._entry("borders", f"<border>{sides}<diagonal/></border>")

    def _style(self, xml: str) -> int:
        return self._entry("cellXfs", xml)

    def _entries(self, kind: str) -> list[str]:
        block = re.search(rf"<{kind}\b[^>]*>(.*?)</{kind}>", self.text, flags=re.DOTALL)
        tag = {"cellXfs": "xf", "dxfs": "dxf"}.get(kind, kind[:-1])
        return re.findall(rf"<{tag}(?:\s[^>]*)?/>|<{tag}(?:\s[^>]*)?>.*?</{tag}>", block[1], flags=re.DOTALL) if block else []

    def _entry(self, kind: str, xml: str) -> int:
        """The number of an entry of a list, added where it is new."""
        if (kind, xml) not in self._known:
            self._known[kind, xml] = number = len(self._entries(kind))
            self.text = re.sub(rf"<{kind}\b([^>]*?)/>", rf"<{kind}\1></{kind}>", self.text, count=1)
            self.text = re.sub(rf'(<{kind}\b[^>]*?count=")\d+', rf"\g<1>{number + 1}", self.text, count=1)
            self.text = self.text.replace(f"</{kind}>", f"{xml}</{kind}>", 1)
        return self._known[kind, xml]
