"""What every feature asks of its table before it touches it, in words that say which column and which rows."""

import difflib
from collections.abc import Iterable, Mapping, Sequence, Sized
from numbers import Integral
from typing import Any

import narwhals as nw

from course_utils.names import named
from course_utils.tabular.contents import Frame, content, described, is_object, to_dates, typed
from course_utils.tabular.errors import TableError, engine_errors


def in_list(names: str | Sequence[str]) -> list[str]:
    """One column name or several, as a list; a `TableError` if there is none, if one occurs twice, or if one is not text.

    >>> in_list("Store"), in_list(("Store", "State"))
    (['Store'], ['Store', 'State'])
    """
    if isinstance(names, set | frozenset):
        raise TableError(f"columns are named in their order, which a set does not have; give a list, {sorted(names, key=str)}")
    listed = [names] if isinstance(names, str) else list(names) if isinstance(names, Iterable) else [names]
    if not listed:
        raise TableError("expected the name of a column, or several; got none")
    _require_text(listed)
    if twice := [name for name in listed if listed.count(name) > 1]:
        raise TableError(f"column {twice[0]!r} is named twice; name it once")
    return listed


def _require_text(names: Sequence[Any], whose: str = "columns are named by text; got") -> None:
    if wrong := [name for name in names if not isinstance(name, str)]:
        if wrong[0] is None:
            raise TableError("expected the name of a column, or several; got None")
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
        raise TableError(f"expected a table (pandas, Polars, Arrow, DuckDB, Spark); got {_described(table)}") from None
    _require_text(columns)
    if missing := [name for name in columns if name not in there]:
        names = ", ".join(map(str, there))  # pandas may name its columns by numbers
        advice = _advice_on_missing(missing[0], there, nw.maybe_get_index(frame))
        raise TableError(f"the table has no {named('column', missing)}; its columns are {names}{advice}")
    if not any_names:
        _require_text(there, "columns are named by text, but the table has one named")
    return frame


def _advice_on_missing(name: str, there: Sequence[Any], index: Any) -> str:
    """What to do where a column is not there under its name: it may be the index, or have a name that is nearly the same."""
    if index is not None and name in index.names:
        return f". {name!r} is its index; table.reset_index() makes it a column"
    alike = [other for other in there if str(other).strip().lower() == name.strip().lower()]
    alike = alike or difflib.get_close_matches(name, [other for other in there if isinstance(other, str)], 1)
    return f". Did you mean {alike[0]!r}?" if alike else ""


def _described(value: Any) -> str:
    return "None" if value is None else f"something of type {type(value).__name__}"


def some_columns(names: str | Sequence[str]) -> list[str]:
    """Column names as `in_list` gives them, or none at all.

    >>> some_columns([]), some_columns("Store")
    ([], ['Store'])
    """
    return [] if isinstance(names, Sized) and not len(names) else in_list(names)


def require_text(**given: Any) -> None:
    """Raise a `TableError` for an argument that is no text: the name of a new column, or a part of names.

    >>> require_text(suffix="_y")
    """
    for argument, value in given.items():
        if not isinstance(value, str):
            raise TableError(f"{argument} is {_described(value)}; expected text, from which a column gets its name")


def require_whole(least: int = 0, most: int = 10**9, **given: Any) -> None:
    """Raise a `TableError` for an argument that is no whole number from `least` to `most`.

    >>> require_whole(cap=24)
    """
    for argument, value in given.items():
        if isinstance(value, bool) or not isinstance(value, Integral) or not least <= int(value) <= most:
            raise TableError(f"{argument} is {value!r}; expected a whole number from {least:,} to {most:,}")


def refuse_names(frame: Frame, new: Sequence[str], kept: Sequence[str]) -> None:
    """Raise a `TableError` where a new column would take the place of one of `kept`, or a database could not tell it apart.

    DuckDB and Spark do not tell names apart that differ in capitals alone.
    """
    if taken := [name for name in new if name in kept]:
        raise TableError(f"the new column would take the place of {taken[0]!r}, which it is made from; give it another name")
    if frame.implementation.is_duckdb() or frame.implementation.is_spark_like():
        named: dict[str, str] = {}
        for name in (*frame.collect_schema().names(), *new):
            if (alike := named.setdefault(name.lower(), name)) != name:
                raise TableError(
                    f"the table would have the columns {alike!r} and {name!r}, which differ in capitals alone, and "
                    f"{frame.implementation.value} does not tell them apart; give one another name"
                )


def refuse_columns(frame: Frame, *names: str) -> None:
    """Raise a `TableError` where the table has one of these: columns that a feature makes, and takes away again."""
    there = frame.collect_schema().names()
    if taken := [name for name in names if name in there]:
        raise TableError(f"the table has a column {taken[0]!r}, a name that is needed for a step in between; rename it")


def without_index_names(frame: Frame) -> Frame:
    """A pandas table whose index has no name, where a column has the same one: pandas cannot tell them apart."""
    if not frame.implementation.is_pandas():
        return frame
    native: Any = frame.to_native()
    if not set(native.index.names) & set(native.columns):
        return frame
    return nw.from_native(native.set_axis(native.index.set_names([None] * native.index.nlevels)))


def require_one_engine(frames: Mapping[str, Frame]) -> None:
    """Raise a `TableError` unless all tables are one engine's, and all lazy or none; it names the first that differs."""
    kinds = {name: frame.implementation.value + " (lazy)" * isinstance(frame, nw.LazyFrame) for name, frame in frames.items()}
    first, *others = kinds
    for name in others:
        if kinds[name] != kinds[first]:
            raise TableError(f"{first} is of {kinds[first]} and {name} of {kinds[name]}; make them tables of one engine")


def require_dates(frame: Frame, *columns: str) -> None:
    """Raise a `TableError` where a column holds no dates; text that looks like dates is text.

    Times of a zone are refused: engines do not agree whose midnight ends their day, the zone's, that of UTC, or the session's.
    """
    for name, dtype in frame.collect_schema().items():
        if name not in columns:
            continue
        held = content(frame, name)
        told = frame.implementation.is_pandas() and "time" not in held  # by pandas, of which type it is: none of times
        if (dtype == nw.Unknown and not told) or (isinstance(dtype, nw.Datetime) and dtype.time_zone):  # not all zones are read
            zone = f"times of the zone {dtype.time_zone}" if isinstance(dtype, nw.Datetime) else "times of a zone or the like"
            raise TableError(
                f"column {name!r} holds {zone}, whose days begin when others do not; decide which count and drop the zone, in "
                f'pandas with table["{name}"].dt.tz_localize(None) for the days there, or .dt.tz_convert(None) for those of UTC'
            )
        if not isinstance(dtype, nw.Date | nw.Datetime):
            advice = "combine_date makes dates of columns of years and months"
            if held in ("text", "dates"):
                advice = f"parse it first, {to_dates(name)}"
            elif "period" in held:
                advice = f'make it the first day of each, with table["{name}"].dt.to_timestamp()'
            raise TableError(f"column {name!r} should hold dates but holds {described(frame, name)}; {advice}")


_WIDE = (nw.UInt64, nw.Int128, nw.UInt128)
_LARGEST_OF_A_TOTAL = 1e12  # of floats with 16 digits


def numbers(frame: Frame, column: str) -> nw.Expr:
    """A column of numbers, or of true and false, as numbers in which nothing is missing: what was, counts as 0.

    Whole numbers are made 64 bits wide, wider ones stay as they are; decimals become floats. Raises a `TableError` where the
    column holds something else.
    """
    dtype = frame.collect_schema()[column]
    values = nw.col(column)
    if is_object(frame, column) and isinstance(frame, nw.DataFrame):
        dtype = typed(frame[column]).dtype
        values = values.fill_null(0).cast(dtype) if dtype != nw.Object else values
    if dtype == nw.Boolean:
        return nw.when(values).then(nw.lit(1)).otherwise(nw.lit(0))
    if dtype.is_float() or isinstance(dtype, nw.Decimal):
        return values.cast(nw.Float64).fill_nan(0).fill_null(0)  # where engines tell "not a number" from missing, we do not
    if dtype.is_integer():
        whole = values.fill_null(0)
        return whole if dtype in _WIDE else whole.cast(nw.Int64)  # sums of short ones would begin anew at their end
    if isinstance(frame, nw.DataFrame) and frame[column].is_null().all():
        return nw.lit(0)
    advice = "name another, or make numbers of it first"
    if content(frame, column) == "text":
        advice = (
            f'make it numbers first, in pandas with pandas.to_numeric(table["{column}"]), or a flag, for instance with '
            f'table["{column}"] != "0"'
        )
    raise TableError(
        f"column {column!r} should hold numbers, or true and false, but holds {described(frame, column)}; {advice}"
    )


def refuse_large_sums(frame: Frame, columns: Sequence[str], terms: int, running: bool = False) -> None:
    """Raise a `TableError` where the sum of `terms` whole numbers of a column might not fit in 64 bits.

    Where floats are summed by a `running` total, which passes on what is infinite and loses what is small beside the largest,
    they are looked at too.

    In pandas, what is shifted has gaps and so becomes floats, which keep 53 bits. Where the engine is lazy, this runs a query
    of its own, unless no column is wide enough.
    """
    if isinstance(frame, nw.DataFrame):
        frame = frame.with_columns(*[typed(frame[name]) for name in columns if is_object(frame, name)])
    schema = frame.collect_schema()
    wide = [name for name in columns if schema[name] in (nw.Int64, *_WIDE) or (running and schema[name].is_float())]
    if not wide:
        return
    ends = [nw.col(name).min().alias(f"{name} min") for name in wide] + [
        nw.col(name).max().alias(f"{name} max") for name in wide
    ]
    bits = 53 if frame.implementation.is_pandas() else 63
    (found,) = rows_of(frame.select(*ends))
    for name in wide:
        both = (found[f"{name} min"], found[f"{name} max"])
        if schema[name].is_float():
            largest_float = max((abs(end) for end in both if is_present(end)), default=0.0)
            if largest_float >= _LARGEST_OF_A_TOTAL:
                raise TableError(
                    f"column {name!r} holds numbers as far from 0 as {largest_float:g}; windows of more than 31 days are "
                    f"summed by running totals, for numbers below {_LARGEST_OF_A_TOTAL:g}. Leave out what is not an amount"
                )
            continue
        largest = max((abs(int(end)) for end in both if is_present(end)), default=0)
        if largest * terms >= 2**bits:
            raise TableError(
                f"column {name!r} holds numbers as far from 0 as {largest}, and the sum of {terms} such would not be exact in "
                f"{bits + 1 if bits == 63 else bits} bits; make them floats, or leave out what is not an amount"
            )


def is_present(value: Any) -> bool:
    """Whether a single value of a table is there: not None, not NaN, NaT or NA.

    >>> [is_present(value) for value in (0, "", None, float("nan"))]
    [True, True, False, False]
    """
    return value is not None and type(value).__name__ != "NAType" and bool(value == value)


def missing(frame: Frame, *columns: str) -> nw.Expr:
    """Whether one of the columns has nothing in a row; "not a number" is nothing."""
    schema = frame.collect_schema()
    values = [nw.col(name).fill_nan(None) if schema[name].is_float() else nw.col(name) for name in columns]
    return nw.any_horizontal(*[value.is_null() for value in values], ignore_nulls=False)


def with_one_zero(frame: Frame, *columns: str) -> Frame:
    """The table with 0.0 for -0.0 in those columns that hold floats: Arrow, in pandas too, takes them for two numbers."""
    floats = [name for name in columns if frame.collect_schema()[name].is_float()]
    arrow = frame.implementation.is_pandas() or frame.implementation.is_pyarrow()
    return frame.with_columns(nw.col(*floats) + 0.0) if floats and arrow else frame


def refuse_duplicates(frame: Frame, by: Sequence[str], date: str, day: str) -> None:
    """Raise a `TableError` where a date or `by` is missing, or a date comes twice for it; `day` holds the date's day number.

    Where the engine is lazy, this runs a query of its own.
    """
    frame = with_one_zero(frame, *by)
    counts = frame.group_by(*by).agg(rows=nw.len(), dated=nw.col(day).count(), days=nw.col(day).n_unique())
    nameless = missing(frame, *by)
    once = (nw.col("rows") == nw.col("days")) & (nw.col("rows") == nw.col("dated"))
    wrong = first_rows(counts.filter(nameless | ~once).with_columns(nameless=nameless), by, 1)
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
    with engine_errors("read the table"):
        return (frame.collect() if isinstance(frame, nw.LazyFrame) else frame).rows(named=True)


def first_rows(frame: Frame, by: Sequence[str], number: int) -> list[dict[str, Any]]:
    """The first rows by the order of some columns; those of several types, which have none, by type and as text."""
    try:
        return rows_of(frame.sort(*by).head(number))
    except TypeError:  # pandas, 0 and "0" in one column
        return sorted(rows_of(frame), key=lambda row: [(type(row[name]).__name__, str(row[name])) for name in by])[:number]


def in_words(key: dict[str, Any]) -> str:
    """A key as one would write it.

    >>> in_words({"Store": 1, "State": "HE", "City": None})
    'Store 1, State HE, City missing'
    """
    words = {name: value.date() if hasattr(value, "date") else value for name, value in key.items() if is_present(value)}
    return ", ".join(f"{name} {words.get(name, 'missing')}" for name in key)
