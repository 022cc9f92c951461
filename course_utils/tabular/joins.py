"""Joining tables, with a word about what found no partner (lecture 2:10:31)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import narwhals as nw
from narwhals.typing import IntoFrameT

from course_utils.tabular.checks import Frame, as_frame, in_list, in_words, refuse_columns, require_one_engine, rows_of
from course_utils.tabular.errors import TableError

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


def join(
    left: IntoFrameT,
    right: IntoFrameT,
    on: str | Sequence[str],
    how: Literal["left", "inner"] = "left",
    suffix: str = "_y",
    validate: Literal["m:1", "1:1", "1:m", "m:m"] = "m:1",
    report: Callable[[JoinReport], object] | None = None,
) -> IntoFrameT:
    """Add the columns of `right` to the rows of `left` that have the same `on`; in memory, the order of `left` stays.

    A row without a match keeps its place with nothing in the new columns, or goes where `how` is "inner". A name that both
    tables have gets `suffix` on the right one's. A missing key matches nothing. `report` is called with a `JoinReport`, for
    instance `report=print`; where the engine is lazy, this runs the query.

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
    keys = in_list(on)
    ours, theirs = as_frame(left, *keys), as_frame(right, *keys)
    require_one_engine({"the left table": ours, "the right table": theirs})
    order, match = "row of left", "found a match"
    for frame in (ours, theirs):
        refuse_columns(frame, order, match)
    theirs = _with_our_keys(ours, theirs, keys)
    _refuse_clashes(ours, theirs, keys, suffix)
    for side, frame, many in (("left", ours, validate[0]), ("right", theirs, validate[-1])):
        if many == "1":
            _refuse_many(side, frame, keys, validate)

    theirs = theirs.with_columns(nw.lit(True).alias(match))
    if isinstance(ours, nw.DataFrame):
        ours = ours.with_row_index(order)
    joined: Frame = ours.join(theirs, on=keys, how="left", suffix=suffix)  # type: ignore[arg-type]
    if isinstance(joined, nw.DataFrame):
        joined = (joined if joined[order].is_sorted() else joined.sort(order)).drop(order)
    if report is not None:
        report(_report(joined, keys, match))
    if how == "inner":
        joined = joined.filter(~nw.col(match).is_null())
    return joined.drop(match).to_native()


def _with_our_keys(ours: Frame, theirs: Frame, keys: Sequence[str]) -> Frame:
    """See that the keys are of the same kinds; where only the width or the unit differs, make it ours.

    What is not a number is missing, so that it matches nothing.
    """
    mine, others = ours.collect_schema(), theirs.collect_schema()
    for key in keys:
        if _kind(mine[key]) != _kind(others[key]):
            raise TableError(
                f"cannot join on {key!r}: it holds {mine[key]} on the left and {others[key]} on the right; make them the same"
            )
    changed = [nw.col(key).cast(mine[key]) for key in keys if mine[key].is_temporal() and mine[key] != others[key]]
    changed += [nw.col(key).fill_nan(None) for key in keys if others[key].is_float()]
    return theirs.with_columns(*changed) if changed else theirs


def _kind(dtype: nw.dtypes.DType) -> str:
    if dtype.is_integer():
        return "whole numbers"
    if isinstance(dtype, nw.Datetime) and dtype.time_zone:
        return f"times of {dtype.time_zone}"
    if isinstance(dtype, nw.Date | nw.Datetime):
        return "dates"
    return "text" if dtype in (nw.String, nw.Categorical, nw.Object) else str(dtype)


def _refuse_clashes(ours: Frame, theirs: Frame, keys: Sequence[str], suffix: str) -> None:
    mine, others = ours.collect_schema().names(), theirs.collect_schema().names()
    added = [name + suffix if name in mine else name for name in others if name not in keys]
    if clash := [name for name in added if name in mine or added.count(name) > 1]:
        raise TableError(
            f"the joined table would have two columns {clash[0]!r}; drop one, or give another suffix than {suffix!r}"
        )


def _refuse_many(side: str, frame: Frame, keys: Sequence[str], validate: str) -> None:
    many = rows_of(frame.group_by(*keys).agg(rows=nw.len()).filter(nw.col("rows") > 1).sort(*keys).head(1))
    if many:
        key = in_words({name: many[0][name] for name in keys})
        raise TableError(
            f"the {side} table has {many[0]['rows']:,} rows for {key}, so rows would multiply; expected one row for each "
            f"{', '.join(keys)} (validate={validate!r}). Drop or combine them, or say that this is meant: validate='m:m'"
        )


def _report(joined: Frame, keys: Sequence[str], match: str) -> JoinReport:
    alone = joined.filter(nw.col(match).is_null())
    rows, unmatched = (rows_of(frame.select(rows=nw.len()))[0]["rows"] for frame in (joined, alone))
    examples = rows_of(alone.group_by(*keys).agg(nw.len()).select(*keys).sort(*keys).head(EXAMPLES)) if unmatched else []
    return JoinReport(tuple(keys), rows, unmatched, tuple(examples))
