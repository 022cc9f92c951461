"""What every feature asks of its table before it touches it, in words that say which column and which rows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import narwhals as nw

from course_utils.tabular.errors import TableError

Frame = nw.DataFrame[Any] | nw.LazyFrame[Any]


def in_list(names: str | Sequence[str]) -> list[str]:
    """One column name or several, as a list; a `TableError` where there is none, one twice, or one that is no text.

    >>> in_list("Store"), in_list(("Store", "State"))
    (['Store'], ['Store', 'State'])
    """
    listed = [names] if isinstance(names, str) else list(names) if isinstance(names, Iterable) else [names]
    if not listed:
        raise TableError("expected the name of a column, or several; got none")
    _require_text(listed)
    if twice := [name for name in listed if listed.count(name) > 1]:
        raise TableError(f"column {twice[0]!r} is named twice; name it once")
    return listed


def _require_text(names: Sequence[Any], whose: str = "columns are named by text; got") -> None:
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise TableError(
            f"{whose} {wrong[0]!r}; in pandas, table.columns = table.columns.map(str) makes text of names that are numbers"
        )


def as_frame(table: Any, *columns: str, any_names: bool = False) -> Frame:
    """Wrap a table of any engine, and see that it has these columns; a `TableError` says which are missing.

    Names that are no text (pandas has them) are refused too, unless `any_names`: no other engine knows them.
    """
    try:
        frame: Frame = nw.from_native(table)
        there = frame.collect_schema().names()
    except nw.exceptions.DuplicateError:
        raise TableError("two columns of the table have the same name; rename or drop one of them") from None
    except TypeError:
        kind = f"{type(table).__module__}.{type(table).__qualname__}"
        raise TableError(f"expected a table (pandas, Polars, DuckDB, Spark); got a {kind}") from None
    _require_text(columns)
    if missing := [name for name in columns if name not in there]:
        names = ", ".join(map(str, there))  # pandas may name its columns by numbers
        raise TableError(f"the table has no column {', '.join(map(repr, missing))}; its columns are {names}")
    if not any_names:
        _require_text(there, "columns are named by text, but the table has one named")
    return frame


def refuse_columns(frame: Frame, *names: str) -> None:
    """Raise a `TableError` where the table has one of these: columns that a feature makes, and takes away again."""
    there = frame.collect_schema().names()
    if taken := [name for name in names if name in there]:
        raise TableError(f"the table has a column {taken[0]!r}, a name that is needed for a step in between; rename it")


def require_one_engine(frames: Mapping[str, Frame]) -> None:
    """Raise a `TableError` unless all tables are one engine's, and all lazy or none; it names the first that differs."""
    kinds = {name: frame.implementation.value + " (lazy)" * isinstance(frame, nw.LazyFrame) for name, frame in frames.items()}
    first, *others = kinds
    for name in others:
        if kinds[name] != kinds[first]:
            raise TableError(f"{first} is of {kinds[first]} and {name} of {kinds[name]}; make them tables of one engine")


def require_dates(frame: Frame, *columns: str) -> None:
    """Raise a `TableError` where a column holds no dates; text that looks like dates is text."""
    for name, dtype in frame.collect_schema().items():
        if name in columns and not isinstance(dtype, nw.Date | nw.Datetime):
            if dtype == nw.Unknown:
                advice = f'if these are times of a zone, drop the zone, in pandas with table["{name}"].dt.tz_localize(None)'
            else:
                advice = f'parse it first, in pandas with pandas.to_datetime(table["{name}"], format="%Y-%m-%d")'
            raise TableError(f"column {name!r} should hold dates but holds {dtype}; {advice}")


def numbers(frame: Frame, column: str) -> nw.Expr:
    """A column of numbers, or of true and false, as numbers in which nothing is missing: what was, counts as 0.

    Raises a `TableError` where the column holds something else.
    """
    dtype = frame.collect_schema()[column]
    values = nw.col(column)
    if dtype == nw.Boolean:
        return nw.when(values).then(nw.lit(1)).otherwise(nw.lit(0))
    if dtype.is_float():
        return values.cast(nw.Float64).fill_nan(0).fill_null(0)  # where engines tell "not a number" from missing, we do not
    if dtype.is_integer():
        return values.fill_null(0).cast(nw.Int64)  # sums of short ones would begin anew at their end
    if isinstance(frame, nw.DataFrame) and frame[column].is_null().all():
        return nw.lit(0)
    raise TableError(
        f"column {column!r} should hold numbers, or true and false, but holds {dtype}; make it numbers first, in pandas with "
        f'pandas.to_numeric(table["{column}"]), or a flag, for instance with table["{column}"] != "0"'
    )


def refuse_duplicates(frame: Frame, by: Sequence[str], date: str, day: str) -> None:
    """Raise a `TableError` where a date or `by` is missing, or a date comes twice for it; `day` holds the date's day number.

    Where the engine is lazy, this runs a query of its own.
    """
    counts = frame.group_by(*by).agg(rows=nw.len(), dated=nw.col(day).count(), days=nw.col(day).n_unique())
    nameless = nw.any_horizontal(*[nw.col(name).is_null() for name in by], ignore_nulls=False)
    once = (nw.col("rows") == nw.col("days")) & (nw.col("rows") == nw.col("dated"))
    wrong = rows_of(counts.filter(nameless | ~once).with_columns(nameless=nameless).sort(*by).head(1))
    if not wrong:
        return
    group = wrong[0]
    if group["nameless"]:
        raise TableError(f"{group['rows']:,} rows have no {' or no '.join(by)}; fill them in or drop them")
    key = {name: group[name] for name in by}
    if without := group["rows"] - group["dated"]:
        raise TableError(f"{in_words(key)} has {without:,} of {group['rows']:,} rows without {date}; fill them in or drop them")
    of_group = frame.filter(*[nw.col(name) == value for name, value in key.items()])
    days = of_group.group_by(day).agg(nw.col(date).min(), rows=nw.len()).filter(nw.col("rows") > 1)
    twice = rows_of(days.sort(day).head(1))[0]
    raise TableError(
        f"{in_words({**key, date: twice[date]})} has {twice['rows']} rows; expected one for each {', '.join(by)} and day. "
        f"Drop or combine them first, in pandas with table.drop_duplicates({[*by, date]})"
    )


def rows_of(frame: Frame) -> list[dict[str, Any]]:
    """The rows themselves, of an engine that has them at once or of one that must run a query."""
    return (frame.collect() if isinstance(frame, nw.LazyFrame) else frame).rows(named=True)


def in_words(key: dict[str, Any]) -> str:
    """A key as one would write it.

    >>> in_words({"Store": 1, "State": "HE"})
    'Store 1, State HE'
    """
    return ", ".join(f"{name} {value.date() if hasattr(value, 'date') else value}" for name, value in key.items())
