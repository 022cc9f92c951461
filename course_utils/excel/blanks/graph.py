"""Which cells of a workbook a formula reads, directly and through other formulas, and which formulas read it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from course_utils.excel.blanks.errors import BlankError
from course_utils.excel.blanks.references import ANYWHERE, FRESH, areas_in, functions_in
from course_utils.excel.grid import Rect, cell
from course_utils.excel.sheet_text import SheetText

Node = tuple[str, int, int]  # sheet, row, column
LARGE = 1_000  # cells of an area


class Graph:
    """The formulas of a workbook, and what each reads."""

    def __init__(self, sheets: Mapping[str, SheetText], names: Mapping[str, str]) -> None:
        self._sheets, self._names = sheets, names

    def upstream(self, start: Iterable[Node]) -> list[Node]:
        """The cells that these formulas read, and what those read, down to cells without a formula; the latter alone.

        Raises BlankError where a formula among them gives another value each time, or reads cells that it does not name.
        """
        ends: dict[Node, None] = {}
        seen, waiting = set(start), list(start)
        while waiting:
            node = waiting.pop()
            formula = self._formula(node)
            if formula is None:
                ends[node] = None
                continue
            self._check(node, formula)
            for read in self._reads(node, formula):
                if read not in seen:
                    seen.add(read)
                    waiting.append(read)
        return sorted(ends)

    def downstream(self, start: Iterable[Node]) -> set[Node]:
        """The formulas that read these cells, and those that read them in turn; and all that may read any cell."""
        readers: dict[Node, list[Node]] = defaultdict(list)
        far: list[tuple[str, Rect, Node]] = []  # formulas that read large areas, which are not taken apart
        found: set[Node] = set()
        for name, sheet in self._sheets.items():
            for (row, col), there in sheet.cells.items():
                if there.formula is None:
                    continue
                node = (name, row, col)
                if functions_in(there.formula) & ANYWHERE:
                    found.add(node)
                for other, area in areas_in(there.formula, name, self._names):
                    if area.height * area.width > LARGE:
                        far.append((other, area, node))
                    else:
                        for place in area.cells():
                            readers[(other, *place)].append(node)
        waiting = [*start, *found]
        while waiting:
            now = waiting.pop()
            reached = {reader for name, area, reader in far if name == now[0] and now[1:] in area}
            if reached:
                far = [one for one in far if one[2] not in reached]
            for reader in [*readers.get(now, ()), *reached]:
                if reader not in found:
                    found.add(reader)
                    waiting.append(reader)
        return found

    def _formula(self, node: Node) -> str | None:
        there = self._sheets[node[0]].cells.get(node[1:])
        return None if there is None else there.formula

    def _reads(self, node: Node, formula: str) -> Iterator[Node]:
        """The cells that a formula reads, as far as anything stands in them."""
        for name, area in areas_in(formula, node[0], self._names):
            if name in self._sheets:
                yield from ((name, row, col) for row, col in _inside(area, self._sheets[name]))

    def _check(self, node: Node, formula: str) -> None:
        functions = functions_in(formula)
        where = f"{node[0]}!{cell(*node[1:])} is ={formula[:60]}"
        if functions & FRESH:
            raise BlankError(
                f"{where}, which gives another value at each recalculation, so that no value could be called right; write a "
                "number there before you make the blank"
            )
        if functions & ANYWHERE:
            raise BlankError(f"{where}, and which cells {min(functions & ANYWHERE)} reads is known only when it is computed")


def _inside(area: Rect, sheet: SheetText) -> Iterator[tuple[int, int]]:
    if area.height * area.width > len(sheet.cells):  # whole columns
        yield from (place for place in sheet.cells if place in area)
    else:
        yield from (place for place in area.cells() if place in sheet.cells)
