"""Where cells are now: the names that a workbook gives to its cells travel with them, the places that it notes do not."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from course_utils.excel.cells import Sheets
from course_utils.excel.errors import WorkbookError
from course_utils.excel.grid import Rect, bounds, place_of

MOST_CELLS = 1_000_000  # that are looked at to find which rows or columns came in between
AREA = re.compile(r"(?:'((?:[^']|'')+)'|([^'!,:]+))!(\$?[A-Z]{1,3}\$?\d{1,7})(?::(\$?[A-Z]{1,3}\$?\d{1,7}))?")
Lines = Callable[[int], int]  # from the row or column that was noted to the one that it is now


@dataclass(frozen=True)
class CellsNow:
    """The cells of a tensor where they are now: their sheet, and what each noted row and column has become."""

    sheet: str
    rects: tuple[Rect, ...]
    rows: Lines
    cols: Lines

    def cells(self) -> Iterator[tuple[int, int]]:
        """The row and column of each number, in the order of the flattened values."""
        return ((self.rows(row), self.cols(col)) for rect in self.rects for row, col in rect.cells())


def parse_area(text: str) -> tuple[str, Rect] | None:
    """The sheet and the cells that an address with a sheet stands for; None where it stands for anything else.

    >>> parse_area("'Bob''s net'!$B$9:$D$11")
    ("Bob's net", Rect(row=8, col=1, height=3, width=3, row_step=1, col_step=1))
    >>> parse_area("#REF!$B$9"), parse_area("A1")
    (None, None)
    """
    found = AREA.fullmatch(text.strip())
    if found is None or (found[2] or "").startswith("#"):
        return None
    (row, col), (last_row, last_col) = place_of(found[3]), place_of(found[4] or found[3])
    sheet = found[2] or found[1].replace("''", "'")
    return sheet, Rect(row, col, last_row - row + 1, last_col - col + 1)


def find_cells(sheets: Sheets, noted: str, copy: str, rects: list[Rect], area: str | None, what: str) -> CellsNow:
    """The cells that were written to these rectangles of the sheet `noted`, by the `area` that their name stands for now.

    Without a name they are where they were noted. Rows and columns that came in between are told from the others by being
    empty; the sheet `copy`, where the workbook has it, says which were empty from the start.
    """
    was = bounds(rects)
    whole = tuple(rects)
    if area is None:
        return CellsNow(_there(noted, sheets), whole, lambda row: row, lambda col: col)
    found = parse_area(area)
    if found is None:
        raise WorkbookError(
            f"{what} is not there any more: its name stands for {area[:60] or 'nothing'}, and it was written to "
            f"{was.address()}. Undo what deleted its cells or their sheet, or export the model again"
        )
    sheet, now = _there(found[0], sheets), found[1]
    down, right = now.row - was.row, now.col - was.col
    if (now.height, now.width) == (was.height, was.width):
        return CellsNow(sheet, whole, lambda row: row + down, lambda col: col + right)
    moved = f"sheet {sheet}: {what} stands in {now.address()} now, and was written to {was.address()}"
    if now.height < was.height or now.width < was.width:
        raise WorkbookError(f"{moved}: rows or columns of it were deleted. Undo that, or export the model again")
    if now.height * now.width > MOST_CELLS:
        raise WorkbookError(f"{moved}, and that is more than {MOST_CELLS:,} cells. Undo what was inserted")
    before = _filled(sheets, copy, was) if copy in sheets.names else _lines(list(whole))
    after = _filled(sheets, sheet, now)
    maps = []
    for kind, old, new in (("rows", before[0], after[0]), ("columns", before[1], after[1])):
        if len(old) != len(new):
            raise WorkbookError(
                f"{moved}: which {kind} were inserted cannot be told, because they are not empty or others were emptied. "
                f"Empty the inserted {kind} or delete them, or export the model again"
            )
        maps.append(dict(zip(old, new, strict=True)))
    return CellsNow(sheet, whole, maps[0].__getitem__, maps[1].__getitem__)


def _there(sheet: str, sheets: Sheets) -> str:
    """The name of a sheet, once it is known that there is one."""
    if sheet in sheets.names:
        return sheet
    raise WorkbookError(
        f"there is no sheet {sheet!r} (there are {', '.join(sheets.names[:8])}): it was deleted, or renamed by a program that "
        "does not change the names of its cells with it; give it its name again"
    )


def _filled(sheets: Sheets, sheet: str, area: Rect) -> tuple[list[int], list[int]]:
    """The rows and the columns of an area in which anything stands."""
    places = list(area.cells())
    wanted: dict[int, dict[int, int]] = {}
    for number, (row, col) in enumerate(places):
        wanted.setdefault(row, {})[col] = number
    values = sheets.cells(sheet, wanted, len(places))
    filled = [place for place, value in zip(places, values, strict=True) if value not in (None, "")]
    return sorted({row for row, _ in filled}), sorted({col for _, col in filled})


def _lines(rects: list[Rect]) -> tuple[list[int], list[int]]:
    """The rows and the columns of rectangles."""
    places = [place for rect in rects for place in rect.cells()]
    return sorted({row for row, _ in places}), sorted({col for _, col in places})
