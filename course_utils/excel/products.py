"""A sum of products of two rows of cells, wherever these stand."""

from collections.abc import Sequence

from course_utils.excel.grid import span

Cells = Sequence[tuple[int, int]]
STEPS = {(0, 1): "across", (1, 0): "down"}


def dot(first: Cells, second: Cells, fixed: bool = False) -> str:
    """The products of each cell of `first` with its cell of `second`, added up; `fixed` puts dollar signs into the second.

    Where both stand in rows, or both in columns, this is SUMPRODUCT. Of a row and a column it is MMULT, which multiplies them
    as matrices do. Cells that do not lie side by side make a sum of several; a row of -1 stands for a zero that has no cell.

    >>> dot([(0, 0), (0, 1)], [(4, 2), (4, 3)], fixed=True)
    'SUMPRODUCT(A1:B1,$C$5:$D$5)'
    >>> dot([(0, 0), (0, 1)], [(4, 2), (5, 2)])
    'MMULT(A1:B1,C5:C6)'
    >>> dot([(0, 0), (0, 1), (9, 0)], [(4, 2), (4, 3), (4, 4)])
    'SUMPRODUCT(A1:B1,C5:D5)+A10*E5'
    """
    both = [(one, other) for one, other in zip(first, second, strict=True) if one[0] >= 0 and other[0] >= 0]
    first, second = [one for one, _ in both], [other for _, other in both]
    terms = []
    for start, end in _runs(first, second):
        left, right = span(*first[start], *first[end]), span(*second[start], *second[end], fixed=fixed)
        if start == end:
            terms.append(f"{left}*{right}")
        elif _way(first, start) == _way(second, start):
            terms.append(f"SUMPRODUCT({left},{right})")
        else:
            terms.append(f"MMULT({left},{right})" if _way(first, start) == "across" else f"MMULT({right},{left})")
    return "+".join(terms) or "0"


def ranges(cells: Cells) -> list[str]:
    """The addresses of these cells, those side by side as one range.

    >>> ranges([(0, 0), (0, 1), (0, 3)])
    ['A1:B1', 'D1']
    """
    return [span(*cells[start], *cells[end]) for start, end in _runs(cells, cells)]


def _runs(first: Cells, second: Cells) -> list[tuple[int, int]]:
    """Where each stretch begins and ends in which both go on to the cell beside or below."""
    found, start = [], 0
    for number in range(1, len(first) + 1):
        if number == len(first) or not _goes_on(first, start, number) or not _goes_on(second, start, number):
            found.append((start, number - 1))
            start = number
    return found


def _goes_on(cells: Cells, start: int, number: int) -> bool:
    way = _way(cells, number - 1)
    return way is not None and way == _way(cells, start)


def _way(cells: Cells, number: int) -> str | None:
    """Whether the next cell after this one lies beside it or below."""
    (row, col), (next_row, next_col) = cells[number], cells[number + 1]
    return STEPS.get((next_row - row, next_col - col))
