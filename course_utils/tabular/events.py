"""How long since, how long until, and how often of late: what a day's neighbours in time say about it (lecture 2:11:35).

Each store (`by`) is a series of its own, and days are calendar days, also where a store has no row for some of them. The rows
may come in any order, and keep it where the table is in memory. Arrow, which cannot do this, has it done by Polars.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import narwhals as nw
from narwhals.typing import IntoFrameT

from course_utils.tabular.checks import (
    Frame,
    as_frame,
    in_list,
    missing,
    numbers,
    refuse_columns,
    refuse_duplicates,
    refuse_large_sums,
    refuse_names,
    require_dates,
    require_text,
    require_whole,
    with_one_zero,
    without_index_names,
)
from course_utils.tabular.contents import content
from course_utils.tabular.dates import day_number
from course_utils.tabular.errors import TableError, engine_errors

_NEVER = 10**12  # days; no date is as far away
_GROUP = "number of the group"


@engine_errors("count the days since an event")
def elapsed_since(
    frame: IntoFrameT,
    event: str | Sequence[str],
    by: str | Sequence[str],
    date: str,
    prefix: str = "After",
    fill: int | None = None,
    check: bool = True,
) -> IntoFrameT:
    """Add a column `prefix` + `event`: the days since the last day on which `event` was on; 0 on such a day itself.

    `event` names one column or several, of true and false or of numbers, where all but 0 is on and missing is off. Where there
    was no such day yet, the value is `fill`, and missing by default. Only days up to the row's own count, so nothing is
    learnt from the future.

    Raises a `TableError` where the same `by` and day come twice or a date is missing. Where the engine is lazy, this runs a
    query of its own; `check=False` leaves it out.

    >>> import pandas as pd
    >>> days = pd.DataFrame({"Store": 1, "Date": pd.date_range("2015-01-01", periods=5), "Holiday": [0, 1, 0, 0, 1]})
    >>> elapsed_since(days, "Holiday", by="Store", date="Date", fill=-1)["AfterHoliday"].tolist()
    [-1, 0, 1, 2, 0]
    """
    return _elapsed(frame, event, by, date, prefix, fill, check, until=False)


@engine_errors("count the days until an event")
def elapsed_until(
    frame: IntoFrameT,
    event: str | Sequence[str],
    by: str | Sequence[str],
    date: str,
    prefix: str = "Before",
    fill: int | None = None,
    check: bool = True,
) -> IntoFrameT:
    """Add a column `prefix` + `event`: the days until the next day on which `event` is on; 0 on such a day itself.

    As `elapsed_since`, backwards. This looks ahead: use it for what is known ahead (holidays, planned promotions), never for
    what is to be predicted.

    >>> import pandas as pd
    >>> days = pd.DataFrame({"Store": 1, "Date": pd.date_range("2015-01-01", periods=5), "Holiday": [0, 1, 0, 1, 0]})
    >>> elapsed_until(days, "Holiday", by="Store", date="Date", fill=-1)["BeforeHoliday"].tolist()
    [1, 0, 1, 0, -1]
    """
    return _elapsed(frame, event, by, date, prefix, fill, check, until=True)


def _elapsed(
    frame: IntoFrameT,
    event: str | Sequence[str],
    by: str | Sequence[str],
    date: str,
    prefix: str,
    fill: int | None,
    check: bool,
    until: bool,
) -> IntoFrameT:
    events, groups = in_list(event), in_list(by)
    require_text(prefix=prefix)
    if fill is not None:
        require_whole(-(10**9), fill=fill)
    table = as_frame(frame, *events, *groups, date)
    if table.implementation.is_pyarrow():
        return _added_by_polars(
            table, [*events, *groups, date], lambda part: _elapsed(part, events, groups, date, prefix, fill, check, until)
        )
    index, table = nw.maybe_get_index(table), without_index_names(table)
    require_dates(table, date)
    day, *nearest = (f"day number {name}" for name in ("", *events))
    refuse_columns(table, day, *nearest)
    refuse_names(table, [prefix + name for name in events], [*groups, date, *events])
    on = {name: numbers(table, name) != 0 for name in events}
    table = _with_days(table, groups, date, day, check)
    # The last day that was on is the largest day number of those that were on so far; engines differ in what the largest
    # of nothing is, so days that were off count as one long past (or far ahead).
    never = nw.lit(_NEVER if until else -_NEVER)
    marks = {mark: on[name] & ~nw.col(day).is_null() for name, mark in zip(events, nearest, strict=True)}
    table = table.with_columns(**{mark: nw.when(was).then(nw.col(day)).otherwise(never) for mark, was in marks.items()})
    table, groups = _steady(table, groups, [day, *nearest])
    so_far = nw.col(*nearest).cum_min(reverse=True) if until else nw.col(*nearest).cum_max()
    table = table.with_columns(so_far.over(*groups, order_by=day))

    def days(mark: str) -> nw.Expr:
        known = nw.col(mark).abs() < _NEVER
        distance = nw.when(known).then((nw.col(day) - nw.col(mark)).abs())
        return distance if fill is None else distance.otherwise(nw.lit(fill))

    table = table.with_columns(*[days(mark).alias(prefix + name) for name, mark in zip(events, nearest, strict=True)])
    return _as_it_was(table.drop(day, *nearest), index)


def _added_by_polars(table: Frame, needed: Sequence[str], feature: Callable[[Any], Any]) -> Any:
    """An Arrow table with the columns that a feature adds to its `needed` ones in Polars; all others stay as they are."""
    import polars

    arrow: Any = table.to_native()
    names = list(dict.fromkeys(needed))
    added = feature(polars.from_arrow(arrow.select(names))).drop(names).to_arrow()
    for name in added.column_names:
        there = arrow.schema.get_field_index(name)
        arrow = arrow.append_column(name, added[name]) if there < 0 else arrow.set_column(there, name, added[name])
    return arrow


def _with_days(table: Frame, groups: Sequence[str], date: str, day: str, check: bool) -> Frame:
    """The table with the day number of its dates, after a look at whether days come twice or are missing.

    In memory, it costs little to see that none is missing, so that is seen to without `check` too.
    """
    table = table.with_columns(day_number(nw.col(date)).alias(day))
    if check or (isinstance(table, nw.DataFrame) and len(table.filter(missing(table, *groups, day)))):
        refuse_duplicates(table, groups, date, day)
    return table.with_columns(nw.col(day).cast(nw.Int64))


def _steady(table: Frame, groups: Sequence[str], own: Sequence[str]) -> tuple[Frame, list[str]]:
    """A pandas table so that what is computed over its groups is right whatever its types and index.

    pandas aligns columns that can be missing by their labels (pandas-dev/pandas#62473), and cannot sort keys of several types:
    so rows are numbered from 0, our `own` columns are NumPy's, and groups are numbers. Other engines' tables stay as they are.
    """
    if not table.implementation.is_pandas():
        return table, list(groups)
    keys: Any = with_one_zero(table, *groups).to_native().reset_index(drop=True)
    native: Any = table.to_native().reset_index(drop=True)
    number = keys.groupby(list(groups), sort=False, dropna=False, observed=True).ngroup()
    native = native.assign(**{name: native[name].to_numpy() for name in own}, **{_GROUP: number.to_numpy()})
    return nw.from_native(native), [_GROUP]


def _as_it_was(table: Frame, index: Any) -> Any:
    """The native table, with the index that a pandas table had."""
    native: Any = table.to_native()
    return native if index is None else native.drop(columns=_GROUP).set_axis(index)


@engine_errors("sum over days")
def rolling_sum(
    frame: IntoFrameT,
    columns: str | Sequence[str],
    by: str | Sequence[str],
    date: str,
    window: int = 7,
    direction: Literal["backward", "forward"] = "backward",
    suffix: str | None = None,
    check: bool = True,
) -> IntoFrameT:
    """Add a column + `suffix` for each of `columns`: its sum over `window` calendar days, the row's own one of them.

    "backward" takes the days that end with the row's own, "forward" those that begin with it; the suffix is by default "_bw" or
    "_fw", as in the lecture. Missing counts as 0. The lecture's window was of rows: the same where no day is missing, but where
    a store was shut for months, it reached back over them. Like `elapsed_until`, a forward sum looks ahead. Raises a
    `TableError` as `elapsed_since` does, and where sums of whole numbers might not fit in 64 bits. Over more than 31 days, sums
    of fractions are differences of running totals, so their last digits may be those of the total; infinite ones are refused,
    and those of 1e12 or more.

    >>> import pandas as pd
    >>> dates = pd.to_datetime(["2015-01-01", "2015-01-02", "2015-01-05"])
    >>> days = pd.DataFrame({"Store": 1, "Date": dates, "Promo": 1})
    >>> rolling_sum(days, "Promo", by="Store", date="Date", window=3)["Promo_bw"].tolist()
    [1, 2, 1]
    """
    if direction not in ("backward", "forward"):
        raise TableError(f"expected direction='backward' or 'forward'; got {direction!r}")
    require_whole(least=1, most=_LONGEST, window=window)
    ending = {"backward": "_bw", "forward": "_fw"}[direction] if suffix is None else suffix
    require_text(suffix=ending)
    values, groups = in_list(columns), in_list(by)
    table = as_frame(frame, *values, *groups, date)
    if table.implementation.is_pyarrow():
        return _added_by_polars(
            table,
            [*values, *groups, date],
            lambda part: rolling_sum(part, values, groups, date, window, direction, suffix, check),
        )
    index, table = nw.maybe_get_index(table), without_index_names(table)
    require_dates(table, date)
    day = "day number"
    sums = [name + ending for name in values]
    refuse_columns(table, day)
    refuse_names(table, sums, [*groups, date, *values])
    counted = [numbers(table, name).alias(total) for name, total in zip(values, sums, strict=True)]
    whole = [
        total for name, total in zip(values, sums, strict=True) if content(table, name) in ("whole numbers", "true and false")
    ]
    if check or isinstance(table, nw.DataFrame):
        refuse_large_sums(table, values, window, running=window > _NEAR)
    table = _with_days(table, groups, date, day, check).with_columns(*counted)
    if whole:
        table = table.with_columns(nw.col(*whole).cast(nw.Int64))
    sign = 1 if direction == "backward" else -1
    summed = (_sum_of_near if window <= _NEAR else _running_total)(table, sums, groups, day, window, sign)
    if whole:
        summed = summed.with_columns(nw.col(*whole).cast(nw.Int64))
    return _as_it_was(summed.drop(day), index)


_NEAR = 31  # rows that are looked at one by one; beyond, a running total is faster
_LONGEST = 4_000_000  # days; no two dates are further apart


def _sum_of_near(table: Frame, sums: Sequence[str], groups: Sequence[str], day: str, window: int, sign: int) -> Frame:
    """Sums over short windows: a day has at most one row, so what is in the window is at most window - 1 rows away."""
    aways = {rows: f" {rows} rows away" for rows in range(1, window)}
    shifted = [name + away for name in (day, *sums) for away in aways.values()]
    refuse_columns(table, *shifted)
    table, groups = _steady(table, groups, [day, *sums])
    near_by = [nw.col(day, *sums).shift(sign * rows).over(*groups, order_by=day) for rows in range(1, window)]
    if near_by:
        table = table.with_columns(*[values.name.suffix(away) for values, away in zip(near_by, aways.values(), strict=True)])

    def total(name: str) -> nw.Expr:
        result = nw.col(name)
        for away in aways.values():
            near = (nw.col(day) - nw.col(day + away)).abs() < window
            result = result + nw.when(near).then(nw.col(name + away)).otherwise(nw.lit(0))
        return result

    return table.with_columns(*[total(name) for name in sums]).drop(*shifted)


def _running_total(table: Frame, sums: Sequence[str], groups: Sequence[str], day: str, window: int, sign: int) -> Frame:
    """Sums over long windows: each value comes in on its day and goes out `window` days on; what has stayed is the sum."""
    moment, comes_in = "moment of the value", "comes in"
    refuse_columns(table, moment, comes_in)
    comes = table.with_columns((nw.col(day) * sign).alias(moment), nw.lit(1).alias(comes_in))
    goes = comes.with_columns(nw.col(moment) + window, nw.col(comes_in) * 0, *[-nw.col(name) for name in sums])
    both: Frame = nw.concat([comes, goes], how="vertical")  # type: ignore[type-var]
    both, groups = _steady(both, groups, [moment, comes_in, *sums])
    both = both.with_columns(nw.col(*sums).cum_sum().over(*groups, order_by=[moment, comes_in]))
    return both.filter(nw.col(comes_in) == 1).drop(moment, comes_in)
