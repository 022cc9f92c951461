"""The columns that a network for tables reads, each with what was learnt of it, and the row that the sheet begins with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from course_utils.excel.errors import ExportError
from course_utils.excel.tabular.learnt import Learnt
from course_utils.tracing.steps import Array

Category = str | int | float | bool
Content = str | float | bool | None
EMPTY = "(empty text)"  # a category of no letters, which an empty cell is not: that is a missing one
LONGEST = 32_767  # characters in a cell
DIGITS = 15  # of a number that a spreadsheet takes from a list


@dataclass(frozen=True)
class CategoryColumn:
    """A column of categories as its cells hold them; `code` is that of the row's own."""

    name: str
    known: list[Category]
    holds: Literal["text", "numbers", "truths"]
    given: Content
    code: int


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers: what stands in for a missing one, how it is scaled, between which the training rows lay."""

    name: str
    fill: float
    mean: float
    std: float
    flagged: bool
    limits: tuple[float, float] | None
    given: float | None

    @property
    def scaled(self) -> float:
        """What the network gets."""
        return ((self.fill if self.given is None else self.given) - self.mean) / self.std


@dataclass(frozen=True)
class Row:
    """All columns, in the order in which the network reads them."""

    categories: list[CategoryColumn]
    numbers: list[NumberColumn]

    @property
    def codes(self) -> NDArray[np.int64]:
        """The codes of the categories, (columns,)."""
        return np.array([column.code for column in self.categories], np.int64)

    @property
    def values(self) -> Array:
        """The scaled numbers and then the flags, (columns + flags,), in float64."""
        flags = [float(column.given is None) for column in self.numbers if column.flagged]
        return np.array([*(column.scaled for column in self.numbers), *flags], np.float64)


def read_row(row: Any, learnt: Learnt, limits: Mapping[str, tuple[float, float]]) -> Row:
    """What a row of a table holds in each column that is read: a dictionary, a row of pandas, or a table of one row.

    Raises what preparing such a row raises, and ExportError for a category that no cell holds.
    """
    frame = _one_row(row, [*learnt.categorical, *learnt.continuous])
    (codes,), _ = learnt.transform(frame)
    raw = {name: _value(frame[name].to_list()[0]) for name in (*learnt.categorical, *learnt.continuous)}
    categories = []
    for name, code in zip(learnt.categorical, codes.tolist(), strict=True):
        known = list(learnt.categories[name])
        holds, cells = _cells(name, known)
        unknown = raw[name] if raw[name] is None or holds != "text" else str(raw[name])
        if isinstance(unknown, str):
            _refuse_long(name, [unknown])
        categories.append(CategoryColumn(name, cells, holds, cells[code - 1] if code else unknown, code))
    numbers = []
    for name in learnt.continuous:
        scale, given = learnt.scales[name], raw[name]
        value = None if given is None else float(given)
        numbers.append(NumberColumn(name, scale.fill, scale.mean, scale.std, scale.flagged, limits.get(name), value))
    return Row(categories, numbers)


def _one_row(row: Any, columns: Sequence[str]) -> Any:
    """The row as a Narwhals table of one row."""
    import narwhals as nw

    if hasattr(row, "to_dict") and getattr(row, "ndim", 0) == 1:  # a row of pandas
        row = row.to_dict()
    if isinstance(row, Mapping):
        import pyarrow as pa

        if not any(name in row for name in columns):
            there = ", ".join(map(repr, list(row)[:30])) or "nothing"
            raise ExportError(f"the row has none of the columns that the network reads, such as {columns[0]!r}; it has {there}")
        try:
            row = pa.table({name: pa.array([_plain(row[name])], from_pandas=True) for name in columns if name in row})
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            raise ExportError(f"the row holds something that no column can hold: {error}") from None
    try:
        frame: Any = nw.from_native(row)
    except TypeError:
        raise ExportError(
            f"row is of type {type(row).__name__}; give one row of a table, as frame.head(1) or frame.iloc[0] of pandas, or a "
            "dictionary by the names of its columns"
        ) from None
    frame = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
    if len(frame) != 1:
        raise ExportError(f"row has {len(frame):,} rows; give one to begin with, as frame.head(1)")
    return frame


def _plain(value: Any) -> Any:
    """One value of NumPy's or PyTorch's as Python's own."""
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", None) == 0 else value


def _value(value: Any) -> Any:
    """A value of a table, None where it is missing."""
    value = _plain(value)
    missing = value is None or type(value).__name__ in ("NAType", "NaTType") or value != value
    return None if missing else value


def _cells(name: str, known: Sequence[Category]) -> tuple[Literal["text", "numbers", "truths"], list[Category]]:
    """Categories as cells hold them: numbers of more digits than a spreadsheet keeps, as text."""
    if known and all(isinstance(category, bool) for category in known):
        return "truths", list(known)
    if known and all(isinstance(category, int | float) and float(f"{category:.{DIGITS}g}") == category for category in known):
        return "numbers", [float(category) for category in known]
    empty = EMPTY
    while empty in known:  # which somebody's category may be called
        empty = f"({empty})"
    texts = [str(category) if category != "" else empty for category in known]
    _refuse_long(name, texts)
    return "text", list(texts)


def _refuse_long(name: str, texts: Sequence[str]) -> None:
    if too_long := [text for text in texts if len(text) > LONGEST]:
        raise ExportError(
            f"column {name!r} has a category of {len(too_long[0]):,} characters, and a cell holds {LONGEST:,}; shorten it"
        )
