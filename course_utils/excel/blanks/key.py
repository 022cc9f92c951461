"""What is right: the cells to fill in with their values, kept as text on a hidden sheet of the blank workbook."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from course_utils.excel.blanks.regions import MOST_REGIONS
from course_utils.excel.cells import Sheets
from course_utils.excel.errors import WorkbookError
from course_utils.excel.grid import MAX_COLUMNS, MAX_ROWS
from course_utils.excel.manifest import pieces

KEY_SHEET, FRONT_SHEET = "course_utils blank", "Fill in"
MARK, VERSION = "course_utils.excel.blanks", 1
MOST_PIECES = 200
MOST_CELLS = 20_000  # that are compared
PART, CELL, VALUE, CHECK = 2, 3, 4, 5  # columns of the list on the hidden sheet, of which row 1 is the heading

Place = tuple[int, int]


@dataclass(frozen=True)
class Part:
    """A region as it is checked: its cells in order, and their values."""

    name: str
    task: str
    marks: float
    typed_numbers: bool
    sheet: str
    cells: tuple[Place, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Given:
    """A cell that the parts read and that is not a formula, with the number or text that belongs there."""

    sheet: str
    cell: Place
    value: float | str


@dataclass(frozen=True)
class Key:
    """The key of an exercise. `exercise` names one that comes with the package; `sheets` are those that formulas may read."""

    title: str
    exercise: str
    tolerance: float
    sheets: tuple[str, ...]
    parts: tuple[Part, ...]
    givens: tuple[Given, ...]

    @property
    def digest(self) -> str:
        """A number of the key's content, by which one sees whether it is whole."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def is_right(self, value: object, expected: float) -> bool:
        """Whether a value is the one expected, to the tolerance, which is relative where the value is above 1.

        >>> Key("", "", 1e-6, (), (), ()).is_right(2.0000001, 2.0), Key("", "", 1e-6, (), (), ()).is_right("2", 2.0)
        (True, False)
        """
        if isinstance(value, bool) or not isinstance(value, float) or not math.isfinite(value):
            return False
        return abs(value - expected) <= self.tolerance * max(1.0, abs(expected))

    def agrees(self, other: "Key") -> bool:
        """Whether another key asks the same and takes the same values for right; their last bits depend on the processor."""
        values = [value for part in self.parts for value in part.values]
        others = [value for part in other.parts for value in part.values]
        return (
            self._without_values() == other._without_values()
            and len(values) == len(others)
            and all(map(self.is_right, others, values))
        )

    def _without_values(self) -> "Key":
        return replace(self, title="", parts=tuple(replace(part, values=()) for part in self.parts))

    def lines(self) -> list[str]:
        """The key as texts that fit into cells."""
        whole = {"mark": MARK, "version": VERSION, "digest": self.digest, "key": asdict(self)}
        return list(pieces(json.dumps(whole, separators=(",", ":"))))


def read_key(sheets: Sheets) -> Key | None:
    """The key in a workbook, None where it has none that is whole."""
    if KEY_SHEET not in sheets.names:
        return None
    rows = range(MOST_PIECES)
    found = sheets.cells(KEY_SHEET, {row: {0: row} for row in rows}, len(rows))
    try:
        whole = json.loads("".join(piece for piece in found if isinstance(piece, str)))
        key = _key(whole["key"]) if whole["mark"] == MARK and whole["version"] == VERSION else None
        return key if key is not None and key.digest == whole["digest"] else None
    except (KeyError, TypeError, ValueError, RecursionError, AttributeError):
        return None


def _key(made: Mapping[str, Any]) -> Key:
    """A key from its text, every number in it checked: the file may have been made by anyone."""
    parts = tuple(
        Part(
            str(part["name"]),
            str(part["task"]),
            float(part["marks"]),
            bool(part["typed_numbers"]),
            str(part["sheet"]),
            tuple(_place(cell) for cell in part["cells"]),
            tuple(float(value) for value in part["values"]),
        )
        for part in made["parts"]
    )
    givens = tuple(
        Given(
            str(given["sheet"]),
            _place(given["cell"]),
            given["value"] if isinstance(given["value"], str) else float(given["value"]),
        )
        for given in made["givens"]
    )
    if not 0 < len(parts) <= MOST_REGIONS or sum(len(part.cells) for part in parts) + len(givens) > MOST_CELLS:
        raise ValueError("too many cells")
    if any(not part.cells or len(part.cells) != len(part.values) for part in parts):
        raise ValueError("cells without values")
    sheets = tuple(str(sheet) for sheet in made["sheets"])
    return Key(str(made["title"]), str(made["exercise"]), float(made["tolerance"]), sheets, parts, givens)


def _place(cell: Any) -> Place:
    row, col = cell
    if not (isinstance(row, int) and isinstance(col, int) and 0 <= row < MAX_ROWS and 0 <= col < MAX_COLUMNS):
        raise ValueError("no cell")
    return row, col


def missing_key(path: object, sheets: Sheets) -> WorkbookError:
    """What to say of a file without a key."""
    if KEY_SHEET in sheets.names:
        return WorkbookError(f"{path}: its hidden sheet {KEY_SHEET!r}, which says what is right, was changed")
    listed = ", ".join(sheets.names[:8])
    return WorkbookError(
        f"{path} is not a workbook to fill in: it has no sheet {KEY_SHEET!r} (it has {listed}). It was not written by "
        "course_utils.excel.blank, or the program that saved it leaves hidden sheets out"
    )
