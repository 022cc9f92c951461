"""Joining tables, with a word about what found no partner (lecture 2:10:31)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import narwhals as nw
from narwhals.typing import IntoFrameT

from course_utils.tabular.checks import (
    Frame,
    as_frame,
    first_rows,
    in_list,
    in_words,
    missing,
    refuse_columns,
    refuse_names,
    require_one_engine,
    require_text,
    rows_of,
    without_index_names,
)
from course_utils.tabular.errors import TableError, engine_errors

EXAMPLES = 3


@dataclass(frozen=True)
class JoinReport:
    """How many of the left table's rows found nothing in the right one, and the first of their keys."""

    on: tuple[str, ...]
    rows: int
    unmatched: int
    examples: tuple[dict[str, Any], ...] = ()

    def __str__(self) -> str:
        if not self.unmatched:
            return f"joined on {', '.join(self.on)}: all {self.rows:,} rows found a match"
        keys = "; ".join(in_words(key) for key in self.examples)
        return f"joined on {', '.join(self.on)}: {self.unmatched:,} of {self.rows:,} rows found no match, the first: {keys}"


@engine_errors("join the tables")
def join(
    left: IntoFrameT,
    right: IntoFrameT,
    on: str | Sequence[str],
    how: Literal["left", "inner"] = "left",
    suffix: str = "_y",
    validate: Literal["m:1", "1:1", "1:m", "m:m"] = "m:1",
    report: Callable[[JoinReport], object] | None = None,
) -> IntoFrameT:
    """Add the columns of `right` to the rows of `left` that have the same `on`; the order of `left` stays, but in databases.

    A row without a match keeps its place with nothing in the new columns, or goes where `how` is "inner". A name that both
    tables have gets `suffix` on the right one's. A missing key matches nothing. Keys of several widths or units are compared
    as the numbers and times that they are, categories as text. In pandas, new columns of whole numbers become floats where a
    row has no match, or Int64 if floats would not keep all their digits. `report` is called with a `JoinReport`, for instance
    `report=print`; where the engine is lazy, this runs the query.

    `validate` guards against rows that multiply by accident: "m:1" says that many rows of `left` may share a key, but no two
    of `right`. Raises a `TableError` where that is not so (where the engine is lazy, this runs a query; "m:m" needs none), and
    where a key is missing from a table or of another kind there, or the tables are of two engines.

    >>> import pandas as pd
    >>> days, shops = pd.DataFrame({"Store": [1, 2, 1, 3]}), pd.DataFrame({"Store": [1, 2], "State": ["HE", "TH"]})
    >>> join(days, shops, "Store", report=print)["State"].tolist()
    joined on Store: 1 of 4 rows found no match, the first: Store 3
    ['HE', 'TH', 'HE', nan]
    """
    if how not in ("left", "inner") or validate not in ("m:1", "1:1", "1:m", "m:m"):
        raise TableError(
            f"expected how='left' or 'inner', and validate='m:1', '1:1', '1:m' or 'm:m'; got how={how!r}, validate={validate!r}"
        )
    require_text(suffix=suffix)
    if report is not None and not callable(report):
        raise TableError(f"report is {report!r}; give a function that takes what was found, such as report=print")
    keys = in_list(on)
    ours, theirs = (without_index_names(as_frame(table, *keys)) for table in (left, right))
    require_one_engine({"the left table": ours, "the right table": theirs})
    order, match = "row of left", "found a match"
    text = {key: f"{key} as text" for key in keys}
    for frame in (ours, theirs):
        refuse_columns(frame, order, match, *text.values())
    theirs = _with_our_keys(ours, theirs, keys)
    _refuse_clashes(ours, theirs, keys, suffix)
    for side, frame, many in (("left", ours, validate[0]), ("right", theirs, validate[-1])):
        if many == "1":
            _refuse_many(side, frame, keys, validate)

    mine, others = ours.collect_schema(), theirs.collect_schema()
    of_categories = [key for key in keys if any(schema[key] in (nw.Categorical, nw.Enum) for schema in (mine, others))]
    changed = {key: text[key] for key in of_categories if mine[key] != others[key]}
    on_keys = [changed.get(key, key) for key in keys]
    for key, new in changed.items():
        ours = ours.with_columns(nw.when(~nw.col(key).is_null()).then(nw.col(key).cast(nw.String)).alias(new))
        theirs = theirs.with_columns(nw.col(key).cast(nw.String).alias(new)).drop(key)
    theirs, large = _with_gaps(theirs.with_columns(nw.lit(True).alias(match)), on_keys)
    if isinstance(ours, nw.DataFrame):
        ours = ours.with_row_index(order)
    joined = _left_join(ours, theirs, on_keys, suffix)
    if isinstance(joined, nw.DataFrame):
        joined = (joined if joined[order].is_sorted() else joined.sort(order)).drop(order)
    joined = joined.drop(*changed.values())
    if report is not None:
        report(_report(joined, keys, match))
    if how == "inner":
        joined = joined.filter(~nw.col(match).is_null())
    return _without_gaps(joined.drop(match), large, mine.names(), suffix).to_native()


def _left_join(ours: Frame, theirs: Frame, on: Sequence[str], suffix: str) -> Frame:
    if isinstance(ours, nw.LazyFrame) and ours.implementation.is_polars():  # which mixes the rows unless it is asked not to
        left: Any = ours.to_native()
        joined: Any = left.join(theirs.to_native(), on=on, how="left", suffix=suffix, maintain_order="left")
        return nw.from_native(joined)
    result: Frame = ours.join(theirs, on=on, how="left", suffix=suffix)  # type: ignore[arg-type]
    return result


_NANOSECONDS = datetime(1677, 9, 21, 0, 12, 44), datetime(2262, 4, 11, 23, 47, 16)
"""The first and the last time, in whole seconds, that 64 bits of nanoseconds can say."""
_LARGE = 2**53  # from here on, floats do not hold every whole number


def _with_our_keys(ours: Frame, theirs: Frame, keys: Sequence[str]) -> Frame:
    """The right table with keys of the left one's types: of the same kind, and without the rows that can match none.

    Those are the rows without a key, and those whose key the left type cannot hold (300 in 8 bits, 12:30 in a date): made to
    fit, it would be another.
    """
    mine, others = ours.collect_schema(), theirs.collect_schema()
    for key in keys:
        if _kind(ours, key) != _kind(theirs, key):
            raise TableError(
                f"cannot join on {key!r}: it holds {mine[key]} on the left and {others[key]} on the right; make them the same"
            )
    theirs = theirs.filter(~missing(theirs, *keys))
    for key in keys:
        given, value = mine[key], nw.col(key)
        if given == others[key]:
            continue
        if given.is_integer():
            low, high = _range(given)
            low_there, high_there = _range(others[key])
            theirs = theirs.filter(value >= max(low, low_there), value <= min(high, high_there))
            theirs = theirs.with_columns(value.cast(given))
        elif given.is_temporal():
            if isinstance(given, nw.Datetime) and given.time_unit == "ns":
                theirs = theirs.filter(value >= _NANOSECONDS[0], value <= _NANOSECONDS[1])  # others have no such time
            theirs = theirs.filter(value.cast(given).cast(others[key]) == value).with_columns(value.cast(given))
    return theirs


def _range(dtype: nw.dtypes.DType) -> tuple[int, int]:
    """The lowest and the highest whole number of a type.

    >>> _range(nw.Int8()), _range(nw.UInt16())
    ((-128, 127), (0, 65535))
    """
    bits = int("".join(filter(str.isdigit, str(dtype))))
    return (0, 2**bits - 1) if str(dtype).startswith("U") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _kind(frame: Frame, key: str) -> str:
    dtype = frame.collect_schema()[key]
    if dtype in (nw.Object, nw.Categorical) and frame.implementation.is_pandas():
        from pandas import CategoricalDtype
        from pandas.api.types import infer_dtype

        native: Any = frame.to_native()[key]
        held = infer_dtype(native.cat.categories if isinstance(native.dtype, CategoricalDtype) else native, skipna=True)
        return "whole numbers" if held == "integer" else "text" if held in _TEXT else f"values of kind {held}"
    if dtype.is_integer():
        return "whole numbers"
    if isinstance(dtype, nw.Datetime) and dtype.time_zone:
        return f"times of {dtype.time_zone}"
    if isinstance(dtype, nw.Date | nw.Datetime):
        return "dates"
    return "text" if dtype in (nw.String, nw.Categorical, nw.Enum, nw.Object) else str(dtype)


_TEXT = ("string", "empty", "mixed", "mixed-integer")


def _with_gaps(theirs: Frame, keys: Sequence[str]) -> tuple[Frame, dict[str, str]]:
    """The right table, its columns of large whole numbers in pandas as those that may have gaps, and what they were before."""
    if not theirs.implementation.is_pandas():
        return theirs, {}
    native: Any = theirs.to_native()
    large = {
        name: str(column.dtype)
        for name, column in native.items()
        if name not in keys and str(column.dtype) in ("int64", "uint64") and len(column)
        if max(abs(int(column.min())), abs(int(column.max()))) > _LARGE
    }
    gaps = {name: {"int64": "Int64", "uint64": "UInt64"}[dtype] for name, dtype in large.items()}
    return (nw.from_native(native.astype(gaps)) if gaps else theirs), large


def _without_gaps(joined: Frame, large: Mapping[str, str], left: Sequence[str], suffix: str) -> Frame:
    """The joined table, with the types that the columns of `_with_gaps` had where all rows found a match."""
    native: Any = joined.to_native()
    named = {name + suffix if name in left else name: dtype for name, dtype in large.items()}
    whole = {name: dtype for name, dtype in named.items() if not native[name].isna().any()}
    return nw.from_native(native.astype(whole)) if whole else joined


def _refuse_clashes(ours: Frame, theirs: Frame, keys: Sequence[str], suffix: str) -> None:
    mine, others = ours.collect_schema().names(), theirs.collect_schema().names()
    added = [name + suffix if name in mine else name for name in others if name not in keys]
    if clash := [name for name in added if name in mine or added.count(name) > 1]:
        raise TableError(
            f"the joined table would have two columns {clash[0]!r}; drop one, or give another suffix than {suffix!r}"
        )
    refuse_names(ours, added, [])


def _refuse_many(side: str, frame: Frame, keys: Sequence[str], validate: str) -> None:
    counts = frame.filter(~missing(frame, *keys)).group_by(*keys).agg(rows=nw.len())
    many = first_rows(counts.filter(nw.col("rows") > 1), keys, 1)
    if many:
        key = in_words({name: many[0][name] for name in keys})
        raise TableError(
            f"the {side} table has {many[0]['rows']:,} rows for {key}, so rows would multiply; expected one row for each "
            f"{', '.join(keys)} (validate={validate!r}). Drop or combine them, or say that this is meant: validate='m:m'"
        )


def _report(joined: Frame, keys: Sequence[str], match: str) -> JoinReport:
    alone = joined.filter(nw.col(match).is_null())
    rows, unmatched = (rows_of(frame.select(rows=nw.len()))[0]["rows"] for frame in (joined, alone))
    examples = first_rows(alone.group_by(*keys).agg(nw.len()).select(*keys), keys, EXAMPLES) if unmatched else []
    return JoinReport(tuple(keys), rows, unmatched, tuple(examples))
