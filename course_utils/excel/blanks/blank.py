"""A workbook of formulas in, the same workbook with some of them to be filled in out, which says itself what is right."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course_utils.excel.blanks.book_parts import STYLES, BookParts, Stylesheet
from course_utils.excel.blanks.errors import BlankError
from course_utils.excel.blanks.front_page import (
    FILL,
    FRAME,
    NOT_YET,
    Looks,
    conditions,
    front_page,
    key_sheet,
    verdict_address,
)
from course_utils.excel.blanks.graph import Graph, Node
from course_utils.excel.blanks.key import FRONT_SHEET, KEY_SHEET, MOST_CELLS, Given, Key, Part
from course_utils.excel.blanks.regions import Region, Regions, areas_of, checked_regions
from course_utils.excel.cells import number_in
from course_utils.excel.follow.sheet import FOLLOW_SHEET
from course_utils.excel.grid import Rect, bounds, cell, place_of
from course_utils.excel.manifest import MANIFEST_SHEET
from course_utils.excel.moved import parse_area
from course_utils.excel.package import readable
from course_utils.excel.sheet_text import SheetText, without_value, written
from course_utils.excel.target import workbook_path
from course_utils.names import shortened

BELOW, BESIDE, ABOVE = 4, 2, 3  # how far from a region its verdict may stand
Place = tuple[int, int]


def blank(
    path_in: str | os.PathLike[str],
    path_out: str | os.PathLike[str],
    regions: Regions,
    title: str | None = None,
    texts: Mapping[str, str] | None = None,
    tolerance: float = 1e-6,
) -> Path:
    """Take the formulas of `regions` out of the workbook `path_in` and write it to `path_out`, an exercise that checks itself.

    `regions` is a dictionary from a name to cells ("Network!B9:G14", or a name such as "relu_out"), or a list of `Region`,
    which says more. The cells to fill in are lilac and open; beside each region stands "right" or "not yet", and a new first
    sheet says what to do, and how many regions are right. All of that is live, in plain formulas: a hidden sheet has the
    values, to which those of the student are compared, up to `tolerance` (relative where a value is above 1). An empty cell, a
    text or an error is not yet right. The values belong to the numbers that the regions read: where one of those was changed,
    the workbook says so and which. Formulas that read blank cells lose the values stored beside them until a spreadsheet
    computes them again, and the sheets "Check" and "Follow" are hidden. `texts` writes other words into cells that hold
    words, such as {"Network!B2": "Good luck"}.

    `grade` reads what a student saved. The answers are in the file, hidden but not locked: they keep an honest student from
    seeing them at a glance, no more.

    Raises BlankError (an ExportError) where a region has no formulas, is shared with another, gives text, reads no other cell,
    or depends on random numbers; where a value is not stored; WorkbookError where `path_in` cannot be read; FileError where
    the system does not let `path_out` be written.

    >>> import tempfile
    >>> from course_utils.excel import WORKBOOKS
    >>> folder = Path(tempfile.mkdtemp())
    >>> solved = WORKBOOKS["relu_maxpool"](folder / "solved.xlsx")
    >>> blank(solved, folder / "exercise.xlsx", {"ReLU": "relu_out", "max pool": "pool_out"}).name
    'exercise.xlsx'
    """
    return blank_exercise(path_in, path_out, regions, title, texts, tolerance, "")


def blank_exercise(
    path_in: str | os.PathLike[str],
    path_out: str | os.PathLike[str],
    regions: Regions,
    title: str | None,
    texts: Mapping[str, str] | None,
    tolerance: float,
    exercise: str,
) -> Path:
    """Write a blank, as `blank` says; `exercise` is its name where it comes with the package."""
    target = workbook_path(path_out)
    wanted = checked_regions(regions)
    tolerance = _checked_tolerance(tolerance)
    if title is not None and (not isinstance(title, str) or not title.strip()):
        raise BlankError(f"title is {shortened(repr(title), 60)}; give a text, or None for the name of the file")
    if texts is not None and not isinstance(texts, Mapping):
        raise BlankError(
            f"texts is {shortened(repr(texts), 60)}; give a dictionary such as {{'Network!B2': 'Good luck'}}, or None"
        )
    book = BookParts.read(path_in)
    if os.path.exists(target) and os.path.samefile(book.path, target):
        raise BlankError(f"{target} is the solved workbook itself, which would be lost; write the blank to another file")
    for name in (KEY_SHEET, FRONT_SHEET):
        if name in book.sheets:
            raise BlankError(
                f"{book.path} has a sheet {name!r}: it is a blank already; give the workbook that it was made from"
            )
    with readable(book.path):
        return _Blank(book, wanted).write(target, title or book.path.stem, texts or {}, tolerance, exercise)


class _Blank:
    """A workbook on its way to be blank."""

    def __init__(self, book: BookParts, regions: list[Region]) -> None:
        self.book, self.regions = book, regions
        sheets = [SheetText(name, book.parts[part]) for name, part in book.sheets.items() if _is_sheet(book, part)]
        if other := next((sheet.name for sheet in sheets if not sheet.as_excel_writes), None):
            raise BlankError(
                f"the sheet {other!r} is written in another way than Excel's own; save the workbook as an Excel Workbook "
                "(.xlsx), or export it again"
            )
        self.sheets = {sheet.name: sheet for sheet in sheets}
        self.strings = book.strings()
        self._refuse_missing_texts()
        self.changes: dict[str, dict[Place, str]] = {name: {} for name in self.sheets}
        self.areas = [areas_of(region, book.names, list(self.sheets)) for region in regions]
        self.parts = [self._part(*both) for both in zip(regions, self.areas, strict=True)]
        self._refuse_shared_cells()

    def write(self, target: Path, title: str, texts: Mapping[str, str], tolerance: float, exercise: str) -> Path:
        nodes = [(part.sheet, *place) for part in self.parts for place in part.cells]
        graph = Graph(self.sheets, self.book.names)
        givens = self._givens(graph.upstream(nodes))
        if len(nodes) + len(givens) > MOST_CELLS:
            raise BlankError(
                f"the regions have {len(nodes):,} formulas and read {len(givens):,} given cells, and at most {MOST_CELLS:,} "
                "are compared; choose smaller regions"
            )
        if not givens:
            raise BlankError("the formulas of the regions read no number of the workbook; there is nothing to compute there")
        sheets = tuple(dict.fromkeys([*(part.sheet for part in self.parts), *(given.sheet for given in givens)]))
        key = Key(title, exercise, tolerance, sheets, tuple(self.parts), tuple(givens))
        styles = Stylesheet(self.book.text(STYLES))
        looks = Looks.add(styles)
        self._empty(nodes, styles)
        self._forget_values(graph.downstream(nodes) - set(nodes))
        verdicts = self._write_verdicts(looks)
        self._write_texts(texts)
        for name, sheet in self.sheets.items():
            colours = "".join(
                conditions(cell(*place), cell(*place), looks.marks, 9000 + 10 * number)
                for number, (other, place) in enumerate(verdicts)
                if other == name
            )
            if self.changes[name] or colours:
                self.book.parts[self.book.sheets[name]] = sheet.changed(self.changes[name], colours)
        self.book.parts[STYLES] = styles.text.encode()
        if MANIFEST_SHEET in self.book.sheets:
            for name in ("Check", FOLLOW_SHEET):  # which would say what belongs there
                self.book.hide(name)
        self.book.forget_order()
        shown = [", ".join(area.address() for _, area in areas) for areas in self.areas]
        self.book.add_sheet(FRONT_SHEET, front_page(key, shown, looks), first=True)
        self.book.add_sheet(KEY_SHEET, key_sheet(key, looks.note))
        return self.book.save(target)

    def _part(self, region: Region, areas: list[tuple[str, Rect]]) -> Part:
        name = areas[0][0]
        sheet, places, values = self.sheets[name], list[Place](), list[float]()
        for _, area in areas:
            if area.height * area.width > MOST_CELLS:
                raise BlankError(f"region {region.name!r}: {area.address()} has more than {MOST_CELLS:,} cells; take fewer")
            for place in area.cells():
                there = sheet.cells.get(place)
                if there is None or there.formula is None:
                    continue
                where = f"region {region.name!r}: {name}!{cell(*place)}"
                if not there.plain:
                    raise BlankError(
                        f"{where} shares its formula with other cells, as Excel saves what was filled down; export the "
                        "workbook again, and make the blank from that"
                    )
                values.append(_number(where, there.kind, there.value))
                places.append(place)
        if not places:
            raise BlankError(f"region {region.name!r}: {region.cells} has no formula that could be taken out")
        task = region.task or "the formula of each cell"
        return Part(region.name, task, float(region.marks), region.typed_numbers, name, tuple(places), tuple(values))

    def _refuse_missing_texts(self) -> None:
        texts = {str(number) for number in range(len(self.strings))}
        for name, sheet in self.sheets.items():
            for place, there in sheet.cells.items():
                if there.kind == "s" and there.value is not None and there.value.strip() not in texts:
                    raise BlankError(
                        f"{self.book.path} is damaged: the text of {name}!{cell(*place)} is not in it; export it again"
                    )

    def _refuse_shared_cells(self) -> None:
        owner: dict[Node, str] = {}
        for part in self.parts:
            for place in part.cells:
                other = owner.setdefault((part.sheet, *place), part.name)
                if other != part.name:
                    raise BlankError(f"{part.sheet}!{cell(*place)} is in two regions, {other!r} and {part.name!r}; choose one")
            if len(set(part.cells)) < len(part.cells):
                raise BlankError(f"region {part.name!r} names a cell twice; give areas that do not overlap")

    def _givens(self, ends: list[Node]) -> list[Given]:
        """The cells without a formula that the regions read, as far as a number or a text stands in them."""
        givens = []
        for name, *place in ends:
            there = self.sheets[name].cells[place[0], place[1]]
            if there.value is None:
                continue
            if there.kind in ("s", "inlineStr", "str"):
                value: float | str = self.strings[int(there.value)] if there.kind == "s" else there.value
            elif there.kind == "n":
                value = _number(f"{name}!{cell(place[0], place[1])}", there.kind, there.value)
            else:
                continue
            givens.append(Given(name, (place[0], place[1]), value))
        return givens

    def _empty(self, nodes: list[Node], styles: Stylesheet) -> None:
        for name, *place in nodes:
            row, col = place
            style = self.sheets[name].cells[row, col].style
            self.changes[name][row, col] = written(row, col, styles.to_fill_in(style, FILL, FRAME))

    def _forget_values(self, nodes: set[Node]) -> None:
        """Formulas that read blank cells: what was stored beside them is not their value any more, and would give it away."""
        for name, *place in nodes:
            row, col = place
            sheet = self.sheets[name]
            self.changes[name][row, col] = without_value(sheet.data, sheet.cells[row, col]).decode()

    def _write_verdicts(self, looks: Looks) -> list[tuple[str, Place]]:
        """The verdict beside each region, and where it is."""
        taken: list[tuple[str, Place]] = []
        for number, (region, areas) in enumerate(zip(self.regions, self.areas, strict=True)):
            name, around = areas[0][0], bounds([area for _, area in areas])
            row, col = place = self._verdict_place(region, name, around, taken)
            taken.append((name, place))
            self.changes[name][place] = written(row, col, looks.verdict, NOT_YET, verdict_address(number))
        return taken

    def _verdict_place(self, region: Region, name: str, around: Rect, taken: list[tuple[str, Place]]) -> Place:
        sheet = self.sheets[name]
        below = [(around.last_row + n, around.col) for n in range(1, BELOW + 1)]
        beside = [(around.row, around.last_col + n) for n in range(1, BESIDE + 1)]
        above = [(around.row - n, around.col) for n in range(1, ABOVE + 1) if around.row >= n]
        wanted = [place_of(region.verdict)] if region.verdict else [*below, *beside, *above]
        for place in wanted:
            if sheet.is_free(*place) and (name, place) not in taken:
                return place
        if region.verdict:
            raise BlankError(f"region {region.name!r}: its verdict cannot go in {region.verdict}, which is not empty")
        raise BlankError(
            f"region {region.name!r}: no cell near it is free for its verdict; name one, as in Region(..., verdict='H9')"
        )

    def _write_texts(self, texts: Mapping[str, str]) -> None:
        for address, text in texts.items():
            found = parse_area(str(address))
            if found is None or found[0] not in self.sheets or not isinstance(text, str):
                raise BlankError(
                    f"texts: {address!r}: {text!r} is not a cell and its text, as in {{'Network!B2': 'Good luck'}}"
                )
            name, area = found
            there = self.sheets[name].cells.get((area.row, area.col))
            if there is None or there.formula is not None or there.kind not in ("s", "inlineStr"):
                raise BlankError(f"texts: {address} holds no words, which others could take the place of")
            self.changes[name][area.row, area.col] = written(area.row, area.col, there.style, text)


def _is_sheet(book: BookParts, part: str) -> bool:
    return b"<sheetData" in book.parts.get(part, b"")  # a sheet may also be a chart


def _number(where: str, kind: str, value: str | None) -> float:
    if not value and kind == "n":
        raise BlankError(f"{where} has no value stored beside its formula; open the workbook in a spreadsheet and save it once")
    number = number_in(value) if kind == "n" and value else value
    if not isinstance(number, float):
        raise BlankError(f"{where} gives {shortened(repr(value), 40)}, and only numbers are compared; leave it out")
    return number


def _checked_tolerance(tolerance: Any) -> float:
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)) or not 1e-12 <= tolerance <= 1:
        raise BlankError(f"tolerance is {shortened(repr(tolerance), 60)}; give a number from 1e-12 to 1, such as 1e-6")
    return float(tolerance)
