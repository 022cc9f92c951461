"""Grading a workbook that was filled in: what its cells hold is read and compared; nothing in it is ever computed or run."""

import itertools
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from course_utils.excel.blanks.front_page import CHANGED, NOT_YET, RIGHT
from course_utils.excel.blanks.key import CHECK, KEY_SHEET, Key, Part, Place, missing_key, read_key
from course_utils.excel.blanks.ready import BLANKS
from course_utils.excel.blanks.references import ANYWHERE, areas_in, functions_in
from course_utils.excel.cells import Formulas, Sheets, Value, open_sheets
from course_utils.excel.errors import WorkbookError
from course_utils.excel.grid import cell
from course_utils.names import counted, shortened, some_of

Reference = tuple[str, Place]  # a sheet and a cell of it


@dataclass(frozen=True)
class RegionGrade:
    """What became of one region: whether it is right, how many of its cells are, its marks, and why."""

    name: str
    right: bool
    cells_right: int
    cells: int
    marks: float
    out_of: float
    remarks: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """As the workbook says it: "right" or "not yet"."""
        return RIGHT if self.right else NOT_YET


@dataclass(frozen=True)
class Grade:
    """The marks of a workbook, region by region, and what must be known of how they came about."""

    path: Path
    title: str
    regions: tuple[RegionGrade, ...]
    notes: tuple[str, ...]

    @property
    def marks(self) -> float:
        """The marks of all regions that are right."""
        return sum(region.marks for region in self.regions)

    @property
    def out_of(self) -> float:
        """The marks that can be reached."""
        return sum(region.out_of for region in self.regions)

    def __str__(self) -> str:
        missing = [region.name for region in self.regions if not region.right]
        rest = f", {NOT_YET}: {', '.join(missing)}" if missing else ""
        return f"{self.marks:g} of {self.out_of:g} marks{rest}"


def grade(path: str | os.PathLike[str], key: str | os.PathLike[str] | None = None) -> Grade:
    """Which regions of a workbook of `blank` are right, as Excel, LibreOffice or Google Sheets computed and saved them.

    Nothing is run: the values stored in the cells are compared with the key, and the formulas are looked at. A region is right
    where every cell has its value by a formula that reads cells of the exercise; a number that was typed, a formula that reads
    no cell, one that looks into a hidden sheet or another workbook is named and does not count. What the workbook itself says
    ("right", "3 of 3") is not looked at. Sheets may have been renamed, and rows and columns inserted.

    `key` is the blank workbook as it was handed out, or the name of one of `BLANKS`. Without it the exercises that come with
    the package are compared with the package; any other with the key in the file itself, which a student could have changed: a
    note says so. That a formula was thought of by the one who hands it in, and that the stored values are those of the
    formulas, cannot be known from the file.

    Raises WorkbookError where the file or the key cannot be read, or the file has no stored values: open it in a spreadsheet
    and save it once.

    >>> import tempfile
    >>> from course_utils.excel import BLANKS
    >>> empty = BLANKS["blank_relu_pool"](Path(tempfile.mkdtemp()) / "mine.xlsx")
    >>> grade(empty).marks, grade(empty).regions[0].remarks
    (0, ('36 cells are empty',))
    """
    with open_sheets(path) as sheets:
        own = read_key(sheets)
        used, notes = _trusted(path, sheets, own, key)
        file = _File(Path(path), sheets, used)
        regions = file.regions()
        changed = file.changed_givens()
    if file.without_values and not any(region.cells_right for region in regions):
        raise WorkbookError(
            f"{path}: {counted(file.without_values, 'formula', 'has/have')} no value stored beside it, because no spreadsheet "
            "has computed the file yet; open it in Excel, LibreOffice or Google Sheets, save it, and grade it again"
        )
    notes = [*notes, *file.notes]
    if changed:
        notes.append(f"{CHANGED}: {some_of(changed, 3)}; the right values belong to the numbers given")
    return Grade(Path(path), used.title, regions, tuple(notes))


def _trusted(
    path: str | os.PathLike[str], sheets: Sheets, own: Key | None, key: str | os.PathLike[str] | None
) -> tuple[Key, list[str]]:
    """The key to compare with, and what must be said of it."""
    name = str(key) if isinstance(key, str) and key in BLANKS else own.exercise if key is None and own is not None else ""
    if key is None and own is None:
        raise missing_key(path, sheets)
    if name in BLANKS:
        with tempfile.TemporaryDirectory() as folder:
            used = _key_of(BLANKS[name](Path(folder) / f"{name}.xlsx"))
        if own is None or not own.agrees(used):
            changed = "its hidden key is not that of this version of the package, by which it was graded"
            return used, [f"{changed}: made by another version, or changed"]
        return used, []
    if key is None:
        assert own is not None
        return own, [
            "compared with the key inside the file itself, which whoever filled it in could have changed; to be sure, name the "
            "blank that was handed out as the key"
        ]
    used = _key_of(key)
    if own is None or not own.agrees(used):
        return used, [
            "its hidden key is not that of the blank handed out, by which it was graded: another exercise, or changed"
        ]
    return used, []


def _key_of(path: str | os.PathLike[str]) -> Key:
    with open_sheets(path) as sheets:
        found = read_key(sheets)
        if found is None:
            raise missing_key(path, sheets)
        return found


class _File:
    """The cells of a file that was handed in, where they are now."""

    def __init__(self, path: Path, sheets: Sheets, key: Key) -> None:
        self.path, self._sheets, self._key = path, sheets, key
        self.notes: list[str] = []
        self.without_values = 0
        self._read: list[set[int]] = [set() for _ in key.parts]  # the other parts that the wrong cells of each part read
        self._names = {name.upper(): area for name, area in sheets.named_areas(None).items()}
        references = self._references()
        self._now, first = list[tuple[str, list[Place | None]]](), 0
        for part in key.parts:
            self._now.append(self._placed(part, references[first : first + len(part.cells)]))
            first += len(part.cells)
        self._of_givens = references[first:]
        allowed = {sheet for sheet, _ in self._now} | {one[0] for one in self._of_givens if one} | set(key.sheets)
        self._allowed = {name.casefold() for name in allowed}

    def _references(self) -> list[Reference | None]:
        """The cell that each line of the hidden sheet compares: these references travel with the cells."""
        count = sum(len(part.cells) for part in self._key.parts) + len(self._key.givens)
        if KEY_SHEET not in self._sheets.names:
            return [None] * count
        found = Formulas()
        self._sheets.cells(KEY_SHEET, {1 + n: {CHECK: n} for n in range(count)}, count, found)
        return [_first_cell(found.texts.get(n, "")) for n in range(count)]

    def _placed(self, part: Part, references: list[Reference | None]) -> tuple[str, list[Place | None]]:
        """The cells of a part as the hidden sheet compares them, if it moved them as a spreadsheet does; else as written."""
        known = [reference for reference in references if reference is not None]
        there = {name for name, _ in known}
        if known and len(there) == 1 and there <= set(self._sheets.names):
            places = [None if reference is None else reference[1] for reference in references]
            if _kept_order(part.cells, places):
                return there.pop(), places
        if known:
            self.notes.append(f"the hidden sheet {KEY_SHEET!r} was changed; cells are looked for where they were handed out")
        if part.sheet not in self._sheets.names:
            listed = ", ".join(self._sheets.names[:8])
            raise WorkbookError(f"{self.path} has no sheet {part.sheet!r} (it has {listed}); it was renamed or deleted")
        return part.sheet, list(part.cells)

    def regions(self) -> tuple[RegionGrade, ...]:
        """The grades of all parts; one that reads numbers of another that is not right says so."""
        graded = [self._region(number) for number in range(len(self._key.parts))]
        for number, region in enumerate(graded):
            unsound = [graded[other].name for other in sorted(self._read[number]) if not graded[other].right]
            if unsound and not region.right:
                said = f"it reads {' and '.join(unsound)}, which is {NOT_YET} right: begin there"
                graded[number] = replace(region, remarks=(*region.remarks, said))
        return tuple(graded)

    def _region(self, number: int) -> RegionGrade:
        part, (sheet, places) = self._key.parts[number], self._now[number]
        found = Formulas()
        wanted: dict[int, dict[int, int]] = {}
        for n, place in enumerate(places):
            if place is not None:
                wanted.setdefault(place[0], {})[place[1]] = n
        values = self._sheets.cells(sheet, wanted, len(places), found)
        seen = _Seen()
        right = 0
        for n, (value, expected) in enumerate(zip(values, part.values, strict=True)):
            formula = found.texts.get(n)
            where = cell(*places[n]) if places[n] is not None else "a deleted cell"  # type: ignore[misc]
            problem = self._problem(part, sheet, value, formula, expected)
            if problem is None:
                right += 1
            if problem == "wrong" and formula is not None:
                self._read[number] |= self._parts_read(sheet, formula) - {number}
            if problem is not None or (formula is None and value is not None):
                seen.add(problem or "typed", where, value)
            if formula is not None and value is None:
                self.without_values += 1
        whole = right == len(part.cells)
        remarks = tuple(seen.remarks(part.typed_numbers))
        return RegionGrade(part.name, whole, right, len(part.cells), part.marks if whole else 0, part.marks, remarks)

    def _parts_read(self, sheet: str, formula: str) -> set[int]:
        """The parts whose cells a formula reads."""
        read = set()
        for name, area in areas_in(formula, sheet, self._names):
            for other, (where, places) in enumerate(self._now):
                if name.casefold() == where.casefold() and any(place is not None and place in area for place in places):
                    read.add(other)
        return read

    def _problem(self, part: Part, sheet: str, value: Value, formula: str | None, expected: float) -> str | None:
        """Why a cell does not count; None where it does."""
        if formula is None and value is None:
            return "empty"
        if formula is not None and value is None:
            return "no value"
        if not self._key.is_right(value, expected):
            return "wrong" if isinstance(value, float) else "no number"
        if formula is None:
            return None if part.typed_numbers else "typed"
        if part.typed_numbers:
            return None
        return self._cheats(sheet, formula)

    def _cheats(self, sheet: str, formula: str) -> str | None:
        if functions_in(formula) & ANYWHERE:
            return "indirect"
        if "[" in formula:
            return "elsewhere"
        read = {name.casefold() for name, _ in areas_in(formula, sheet, self._names)}
        if not read:
            return "constant"
        return None if read <= self._allowed else "elsewhere"

    def changed_givens(self) -> list[str]:
        """The given cells that do not hold what was given, as far as they are where they were."""
        givens, references = self._key.givens, self._of_givens
        changed = []
        for sheet in dict.fromkeys(given.sheet for given in givens):
            here = [n for n, given in enumerate(givens) if given.sheet == sheet]
            places = [references[n] or (sheet, givens[n].cell) for n in here]
            names = {name for name, _ in places}
            if len(names) != 1 or not names <= set(self._sheets.names):
                continue
            wanted: dict[int, dict[int, int]] = {}
            for n, (_, (row, col)) in enumerate(places):
                wanted.setdefault(row, {})[col] = n
            values = self._sheets.cells(names.pop(), wanted, len(here))
            for n, place, value in zip(here, places, values, strict=True):
                if value != givens[n].value:
                    now = (
                        "is empty"
                        if value is None
                        else f"holds {shortened(f'{value:g}' if isinstance(value, float) else value, 20)}"
                    )
                    given = givens[n].value
                    changed.append(f"{cell(*place[1])} {now}, not {given if isinstance(given, str) else f'{given:g}'}")
        return changed


class _Seen:
    """What was seen in the cells of a region, and the first cell of each kind."""

    def __init__(self) -> None:
        self._cells: dict[str, list[tuple[str, Value]]] = {}

    def add(self, kind: str, where: str, value: Value) -> None:
        self._cells.setdefault(kind, []).append((where, value))

    def remarks(self, typed_numbers: bool) -> list[str]:
        said = []
        for kind, cells in self._cells.items():
            (where, value), several = cells[0], len(cells) > 1
            n = f"{counted(len(cells), 'cell')}, the first is {where}: " if several else f"{where}: "
            if kind == "empty":
                said.append(f"{counted(len(cells), 'cell', 'is/are')} empty" if several else f"{where} is empty")
            elif kind == "wrong":
                said.append(f"{n}{value:g} is not the value yet" if isinstance(value, float) else f"{n}not the value yet")
            else:
                said.append(n + REMARKS[kind].format(value=shortened(value, 30)))
        if typed_numbers and said and "typed" in self._cells:
            said = [remark.replace(REMARKS["typed"], f"{REMARKS['typed']}, which counts here") for remark in said]
        return said


REMARKS = {
    "typed": "a number, not a formula",
    "constant": "a formula that reads no cell, and so a number",
    "elsewhere": "its formula reads a sheet that is not part of the exercise",
    "indirect": "its formula uses INDIRECT or OFFSET, and what these read cannot be told without running it",
    "no number": "it holds {value!r}, not a number",
    "no value": "no value is stored beside its formula; open the file in a spreadsheet and save it",
}


def _first_cell(formula: str) -> Reference | None:
    """The first cell that a formula of the hidden sheet reads."""
    found = next(areas_in(formula, KEY_SHEET, {}), None)
    return None if found is None or found[0] == KEY_SHEET else (found[0], (found[1].row, found[1].col))


def _kept_order(old: Sequence[Place], new: Sequence[Place | None]) -> bool:
    """Whether cells moved as rows and columns do: those of a row or column stay together, and none passes another."""
    for axis in (0, 1):
        moved: dict[int, int] = {}
        for before, after in zip(old, new, strict=True):
            if after is not None and moved.setdefault(before[axis], after[axis]) != after[axis]:
                return False
        lines = [moved[line] for line in sorted(moved)]
        if any(later <= earlier for earlier, later in itertools.pairwise(lines)):
            return False
    return True
