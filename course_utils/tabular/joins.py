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
from course_utils.tabular.contents import content, described, is_object, typed, unpacked
from course_utils.tabular.errors import TableError, engine_errors
from course_utils.tabular.near_matches import near_matches

EXAMPLES = 3


@dataclass(frozen=True)
class JoinReport:
    """How many of the left table's rows found nothing in the right one, and the first of their keys.

    `near` has a sentence for each column whose text would match but for blanks, capitals, or how Unicode writes a letter.
    """

    on: tuple[str, ...]
    rows: int
    unmatched: int
    examples: tuple[dict[str, Any], ...] = ()
    near: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.unmatched:
            return f"joined on {', '.join(self.on)}: all {self.rows:,} rows found a match"
        keys = "; ".join(in_words(key) for key in self.examples)
        found = f"joined on {', '.join(self.on)}: {self.unmatched:,} of {self.rows:,} rows found no match, the first: {keys}"
        return "\n".join((found, *self.near))


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
    row has no match, or Int64 if floats would not keep all their digits.

    `report` is called with a `JoinReport`, for instance `report=print`; where the engine is lazy, this runs the query. Text is
    compared letter by letter: where rows of a table in memory find no match only because of blanks, capitals, or an é that is
    one character here and two there, a printed line says so without a report too.

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
    compared = {key: f"{key} as compared" for key in keys}
    for frame in (ours, theirs):
        refuse_columns(frame, order, match, *compared.values())
    theirs = _with_our_keys(ours, theirs, keys)
    _refuse_clashes(ours, theirs, keys, suffix)
    mine = ours.collect_schema()
    changes = _comparisons(ours, theirs, keys)
    on_keys = [compared[key] if key in changes else key for key in keys]
    for key, change in changes.items():
        ours, theirs = (frame.with_columns(**{compared[key]: change(frame, key)}) for frame in (ours, theirs))
    for side, frame, many in (("left", ours, validate[0]), ("right", theirs, validate[-1])):
        if many == "1":
            _refuse_many(side, frame, keys, on_keys, validate)
    theirs = theirs.drop(*(key for key in keys if key not in on_keys))
    theirs, large = _with_gaps(theirs.with_columns(nw.lit(True).alias(match)), on_keys)
    if isinstance(ours, nw.DataFrame):
        ours = ours.with_row_index(order)
    joined = _left_join(ours, theirs, on_keys, suffix)
    joined.collect_schema()  # keys that a lazy engine does not compare are told here, not when the query runs
    if isinstance(joined, nw.DataFrame):
        joined = (joined if joined[order].is_sorted() else joined.sort(order)).drop(order)
    if report is not None:
        report(_report(joined, theirs, keys, on_keys, match))
    elif isinstance(joined, nw.DataFrame):
        for line in near_matches(joined.filter(nw.col(match).is_null()), theirs, keys, on_keys):
            print(line)
    joined = joined.drop(*(compared[key] for key in changes))
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
    for key in keys:
        kinds = {_kind(ours, key), _kind(theirs, key)}
        if len(kinds) > 1 and "nothing" not in kinds:
            held = [described(frame, key) for frame in (ours, theirs)]
            advice = f', in pandas with table["{key}"].astype("Int64"), which may have gaps'
            raise TableError(
                f"cannot join on {key!r}: it holds {' on the left and '.join(held)} on the right; make them the same"
                + advice * (sorted(held) == ["floats", "whole numbers"])
            )
    theirs = theirs.filter(~missing(theirs, *keys))
    if isinstance(theirs, nw.DataFrame):
        objects = [key for key in keys if is_object(theirs, key) and content(theirs, key) in _NUMBERS]
        theirs = theirs.with_columns(*[typed(theirs[key]) for key in objects])
    mine, others = ours.collect_schema(), dict(theirs.collect_schema())
    for key in keys:
        given, value = mine[key], nw.col(key)
        if "nothing" in (content(ours, key), content(theirs, key)):
            continue
        if given == others[key]:
            pass
        elif given.is_integer() and others[key].is_integer():
            (low, high), (low_there, high_there) = _range(given), _range(others[key])
            least, most = nw.lit(max(low, low_there), others[key]), nw.lit(min(high, high_there), others[key])
            fits = (value >= least) & (value <= most)
            # DuckDB may cast before it filters, so what cannot be cast is out of its sight
            theirs = theirs.filter(fits).with_columns(nw.when(fits).then(value).otherwise(least).cast(given).alias(key))
        elif given.is_temporal() or (given.is_float() and others[key].is_float()):
            if isinstance(given, nw.Datetime) and given.time_unit == "ns":
                if others[key] == nw.Date:
                    others[key] = nw.Datetime("us")
                    theirs = theirs.with_columns(value.cast(others[key]))
                theirs = theirs.filter(value >= _NANOSECONDS[0], value <= _NANOSECONDS[1])  # others have no such time
            theirs = theirs.filter(value.cast(given).cast(others[key]) == value).with_columns(value.cast(given))
        if given.is_temporal() and ours.implementation.is_pandas():  # which does not compare its own times with Arrow's
            native: Any = theirs.to_native()
            theirs = nw.from_native(native.astype({key: ours.to_native()[key].dtype}))
    return theirs


def _range(dtype: nw.dtypes.DType) -> tuple[int, int]:
    """The lowest and the highest whole number of a type.

    >>> _range(nw.Int8()), _range(nw.UInt16())
    ((-128, 127), (0, 65535))
    """
    bits = int("".join(filter(str.isdigit, str(dtype))))
    return (0, 2**bits - 1) if str(dtype).startswith("U") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _kind(frame: Frame, key: str) -> str:
    """What a key holds, as far as it must be the same on both sides: categories count as what they are of."""
    held = content(frame, key)
    of = held.removeprefix("categories of ")
    if of in ("text", "values of several types"):
        return "text"
    return of if of in _NUMBERS else described(frame, key)


_NUMBERS = ("whole numbers", "floats", "true and false")


def _comparisons(ours: Frame, theirs: Frame, keys: Sequence[str]) -> dict[str, Callable[[Any, str], Any]]:
    """What makes those keys comparable that are not so as they are: a function of a table and the key, for both sides."""
    mine, changes = ours.collect_schema(), dict[str, Callable[[Any, str], Any]]()
    for key in keys:
        held = content(ours, key)
        if "nothing" in (held, content(theirs, key)):
            changes[key] = _as_nothing
        elif held.removeprefix("categories of ") in _NUMBERS and (
            is_object(ours, key) or any(content(frame, key).startswith("categories") for frame in (ours, theirs))
        ):
            changes[key] = _as_numbers
        elif _are_other_categories(ours, theirs, key):
            changes[key] = _as_text
        elif mine[key].is_float() and (ours.implementation.is_pandas() or ours.implementation.is_pyarrow()):
            changes[key] = _with_one_zero
    return changes


def _are_other_categories(ours: Frame, theirs: Frame, key: str) -> bool:
    """Whether a side has categories that the engine cannot compare with the other's; pandas can do so with its own alone."""
    mine, others = (frame.collect_schema()[key] for frame in (ours, theirs))
    if not any(dtype in (nw.Categorical, nw.Enum) for dtype in (mine, others)):
        return False
    if not ours.implementation.is_pandas():
        return bool(mine != others)
    types: list[Any] = [frame.to_native()[key].dtype for frame in (ours, theirs)]
    return not (types[0] == types[1] and hasattr(types[0], "categories"))


def _as_numbers(frame: "nw.DataFrame[Any]", key: str) -> "nw.Series[Any]":
    return typed(frame[key])


def _as_nothing(frame: Frame, key: str) -> nw.Expr:
    return nw.lit(None).cast(nw.String)  # where one side holds nothing, of whatever type, there is nothing to compare


def _as_text(frame: Frame, key: str) -> nw.Expr:
    return nw.when(~nw.col(key).is_null()).then(nw.col(key).cast(nw.String))


def _with_one_zero(frame: Frame, key: str) -> nw.Expr:
    return nw.col(key) + 0.0  # -0.0 becomes 0.0, which Arrow takes for another number


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


def _refuse_many(side: str, frame: Frame, keys: Sequence[str], as_compared: Sequence[str], validate: str) -> None:
    counts = frame.filter(~missing(frame, *as_compared)).group_by(*as_compared).agg(rows=nw.len())
    many = first_rows(counts.filter(nw.col("rows") > 1), as_compared, 1)
    if many:
        key = in_words({name: many[0][compared] for name, compared in zip(keys, as_compared, strict=True)})
        raise TableError(
            f"the {side} table has {many[0]['rows']:,} rows for {key}, so rows would multiply; expected one row for each "
            f"{', '.join(keys)} (validate={validate!r}). Drop or combine them, or say that this is meant: validate='m:m'"
        )


def _report(joined: Frame, theirs: Frame, keys: Sequence[str], compared: Sequence[str], match: str) -> JoinReport:
    alone = joined.filter(nw.col(match).is_null())
    if isinstance(alone, nw.DataFrame):
        alone = alone.with_columns(*[unpacked(alone[key]) for key in keys])
    rows, unmatched = (rows_of(frame.select(rows=nw.len()))[0]["rows"] for frame in (joined, alone))
    examples = first_rows(alone.group_by(*keys).agg(nw.len()).select(*keys), keys, EXAMPLES) if unmatched else []
    near = near_matches(alone, theirs, keys, compared) if unmatched else ()
    return JoinReport(tuple(keys), rows, unmatched, tuple(examples), near)
