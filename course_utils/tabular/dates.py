"""Dates taken apart and put together, the same on every engine: pandas, Polars, DuckDB, Spark.

The engines disagree on what the difference of two dates is, so everything here counts in days, as whole numbers.
"""

import re
from numbers import Integral

import narwhals as nw
from narwhals.typing import IntoFrameT

from course_utils.tabular.checks import (
    Frame,
    as_frame,
    numbers,
    refuse_columns,
    refuse_names,
    require_dates,
    require_text,
    require_whole,
)
from course_utils.tabular.errors import TableError, engine_errors

_PARTS = ("year", "month", "week", "day")


def day_number(date: nw.Expr) -> nw.Expr:
    """Count the days from 1 January 1970 to a date: whole numbers, negative before.

    >>> import pandas as pd
    >>> table = nw.from_native(pd.DataFrame({"Date": pd.to_datetime(["1970-01-01", "2015-07-31"])}))
    >>> table.select(day_number(nw.col("Date")))["Date"].to_list()
    [0, 16647]
    """
    return _day_number(date.dt.year(), date.dt.ordinal_day())


def _day_number(year: nw.Expr, ordinal: nw.Expr) -> nw.Expr:
    return _days_before(year) + ordinal - 1


def day_of_week(day: nw.Expr) -> nw.Expr:
    """Tell the day of the week of a day number: 0 is Monday. (Asked for it, the engines do not agree on Sunday.)"""
    return _rest(day + 3, 7)  # day 0 was a Thursday


def iso_week(date: nw.Expr) -> nw.Expr:
    """Number the ISO week of a date, 1 to 53: weeks begin on Monday and belong to the year of their Thursday."""
    return _iso_week(date.dt.year(), date.dt.ordinal_day(), day_of_week(day_number(date)))


def _iso_week(year: nw.Expr, ordinal: nw.Expr, weekday: nw.Expr) -> nw.Expr:
    _, thursday = _in_its_year(year, ordinal + 3 - weekday)
    return (thursday - 1) // 7 + 1


@engine_errors("take dates apart")
def add_datepart(frame: IntoFrameT, column: str, prefix: str | None = None) -> IntoFrameT:
    """Add thirteen columns that say what day a date is; without a date, numbers are missing and flags false.

    Year, Month, Week (ISO, 1 to 53), Day (1 to 31), Dayofweek (0 is Monday), Dayofyear (from 1), six flags (Is_month_end,
    Is_month_start, and the same for quarter and year), and Elapsed: seconds since 1 January 1970. Each name begins with
    `prefix`; by default with the column's name but for the word date at its end: Date gives Year, and saledate saleYear.
    A part is left out where the table has a column of its name but for capitals (Rossmann's DayOfWeek): databases do not tell
    them apart. Raises a `TableError` where the column holds no dates, or times of a zone. After the lecture's function of this
    name (2:10:58).

    >>> import pandas as pd
    >>> table = add_datepart(pd.DataFrame({"Date": pd.to_datetime(["2014-12-29"])}), "Date")
    >>> table[["Year", "Month", "Week", "Day", "Dayofweek", "Dayofyear", "Is_month_end", "Elapsed"]].values.tolist()
    [[2014, 12, 1, 29, 0, 363, False, 1419811200]]
    """
    if prefix is not None:
        require_text(prefix=prefix)
    table = as_frame(frame, column)
    require_dates(table, column)
    # Columns of our own for each step: engines that write queries would else repeat a step in all that use it.
    own = {part: f"{part} of {column}" for part in ("year", "month", "day", "day of the year", "day number", "weekday")}
    year, month, day, ordinal, number, weekday = map(nw.col, own.values())
    first, last = (
        day == 1,
        ~year.is_null() & (_long(ordinal) == _days_before_month(_long(year), _long(month) + 1)),
    )  # of its month
    parts = {
        "Year": year,
        "Month": month,
        "Week": _iso_week(year, ordinal, weekday),
        "Day": day,
        "Dayofweek": weekday,
        "Dayofyear": ordinal,
        "Is_month_end": last.fill_null(False),
        "Is_month_start": first.fill_null(False),
        "Is_quarter_end": (last & (_rest(month, 3) == 0)).fill_null(False),
        "Is_quarter_start": (first & (_rest(month, 3) == 1)).fill_null(False),
        "Is_year_end": (last & (month == 12)).fill_null(False),
        "Is_year_start": (first & (month == 1)).fill_null(False),
        "Elapsed": _seconds(year, number, nw.col(column) if isinstance(table.collect_schema()[column], nw.Datetime) else None),
    }
    before = re.sub("[Dd]ate$", "", column) if prefix is None else prefix
    there = table.collect_schema().names()
    alike = {name.lower() for name in there}
    new = {
        before + name: part for name, part in parts.items() if (before + name).lower() not in alike or before + name in there
    }
    refuse_names(table, list(new), [column])
    refuse_columns(table, *own.values())
    date = nw.col(column).dt
    for step in (
        {"year": date.year(), "month": date.month(), "day": date.day(), "day of the year": date.ordinal_day()},
        {"day number": _day_number(year, ordinal)},
        {"weekday": day_of_week(number)},
    ):
        table = table.with_columns(**{own[part]: values for part, values in step.items()})
    return table.with_columns(**new).drop(*own.values()).to_native()


@engine_errors("put dates together")
def combine_date(
    frame: IntoFrameT, name: str, year: str, month: str | None = None, day: str | int = 1, week: str | None = None
) -> IntoFrameT:
    """Add the column `name`: the date of a year, month and day, or the Monday of an ISO week of a year.

    `year`, `month` and `week` are columns of numbers; `day` of the month is one too, or a number. Where a part is missing, or
    there is no such day (month 13, 30 February, week 53 of a year that has 52, a fraction), the date is missing. Raises a
    `TableError` unless just one of `month` and `week` is given.

    >>> import pandas as pd
    >>> shops = pd.DataFrame({"Year": [2008, 2015, None], "Month": [9, 2, 1], "Week": [37, 1, 1]})
    >>> shops = combine_date(shops, "Opened", "Year", month="Month", day=15)
    >>> combine_date(shops, "Promoted", "Year", week="Week")[["Opened", "Promoted"]]
          Opened   Promoted
    0 2008-09-15 2008-09-08
    1 2015-02-15 2014-12-29
    2        NaT        NaT
    """
    if (month is None) == (week is None):
        raise TableError(f"a date is made of a year and either a month or a week; got month={month!r} and week={week!r}")
    for part, column in zip(_PARTS, (year, month, week), strict=False):
        if not isinstance(column, str | None):
            raise TableError(f"{part} is the name of a column; got {column!r}. For one number in all rows make a column of it")
    require_text(name=name)
    if not isinstance(day, str) and (isinstance(day, bool) or not isinstance(day, Integral) or not 1 <= int(day) <= 31):
        raise TableError(f"day is a column of days of the month, or a whole number from 1 to 31 for all rows; got {day!r}")
    given = {part: column for part, column in zip(_PARTS, (year, month, week, day), strict=True) if isinstance(column, str)}
    table = as_frame(frame, *given.values())
    # Columns of our own for each step: engines that write queries would else repeat a step in all that use it.
    own = {part: f"{part} of {name}" for part in (*_PARTS, "exists")}
    refuse_columns(table, *own.values())
    refuse_names(table, [name], [])
    years, months, weeks, days, exists = (nw.col(column) for column in own.values())
    table = table.with_columns(**{own[part]: _whole(table, column) for part, column in given.items()})
    if month is not None:
        before, after = _days_before_month(years, months), _days_before_month(years, months + 1)
        ordinal = before + (days if isinstance(day, str) else day)
        possible = months.is_between(1, 12) & (ordinal > before) & (ordinal <= after)
    else:
        fourth = _days_before(years) + 3  # of January, which is always in week 1
        ordinal = 4 - day_of_week(fourth) + 7 * (weeks - 1)
        possible = weeks.is_between(1, 53) & (ordinal + 3 <= 365 + _leap(years))  # its Thursday is in the year
    possible = possible & years.is_between(1, 9999)

    # What is no date is read as some date, and taken out: every engine fails on text that it cannot read.
    table = table.with_columns(
        possible.alias(own["exists"]),
        nw.when(possible).then(years).otherwise(nw.lit(2000)).alias(own["year"]),
        nw.when(possible).then(ordinal).otherwise(nw.lit(1)).alias(own["day"]),
    )
    in_year, ordinal = _in_its_year(years, days)
    digits = [(10_000 + in_year).cast(nw.String).str.slice(1), (1000 + ordinal).cast(nw.String).str.slice(1)]
    text = nw.concat_str(*digits, separator="-")
    table = table.with_columns(nw.when(exists).then(text.str.to_datetime(format="%Y-%j")).alias(name))
    return table.drop(*{own[part] for part in (*given, "day", "exists")}).to_native()


@engine_errors("count the days between dates")
def duration_capped(
    frame: IntoFrameT, name: str, since: str, date: str, days: int, cap: int, earliest_year: int = 1990
) -> IntoFrameT:
    """Add the column `name`: the whole periods of `days` days from the date `since` to the date `date`, at most `cap`.

    0 where `since` is missing, later than `date`, or before `earliest_year`, which is how these tables say "unknown". The
    lecture caps months (30 days) at 24 and weeks at 25 (2:11:23). Raises a `TableError` where a column holds no dates.

    >>> import pandas as pd
    >>> dates = {"Opened": ["2015-05-15", "1900-01-15"], "Date": ["2015-07-31", "2015-07-31"]}
    >>> table = pd.DataFrame(dates).apply(pd.to_datetime)
    >>> duration_capped(table, "Months", "Opened", "Date", days=30, cap=24)["Months"].tolist()
    [2, 0]
    """
    require_text(name=name)
    require_whole(least=1, days=days)
    require_whole(cap=cap, earliest_year=earliest_year)
    table = as_frame(frame, since, date)
    require_dates(table, since, date)
    refuse_names(table, [name], [since, date])
    own = f"days of {name}"  # for engines that write queries, as in add_datepart
    refuse_columns(table, own)
    table = table.with_columns((day_number(nw.col(date)) - day_number(nw.col(since))).alias(own))
    known = (nw.col(own) > 0) & (nw.col(since).dt.year() >= earliest_year)
    periods = nw.when(known).then(nw.col(own)).otherwise(nw.lit(0)).cast(nw.Int64) // days
    return table.with_columns(periods.clip(upper_bound=cap).alias(name)).drop(own).to_native()


def _whole(frame: Frame, column: str) -> nw.Expr:
    """A part of a date as a whole number; 0, which is no part of any date, where it is missing or no such number."""
    values = numbers(frame, column)
    possible = values.is_between(1, 9999) & (values.round() == values)
    return nw.when(possible).then(values).otherwise(nw.lit(0)).cast(nw.Int64)


def _rest(number: nw.Expr, divisor: int) -> nw.Expr:
    """What a division leaves, 0 or more; pandas has no % for numbers that Arrow keeps."""
    return number - number // divisor * divisor


def _days_before(year: nw.Expr) -> nw.Expr:
    """Count the days from 1 January 1970 to 1 January of `year`."""
    past = year - 1
    return past * 365 + past // 4 - past // 100 + past // 400 - 719_162


def _leap(year: nw.Expr) -> nw.Expr:
    """1 in a leap year, else 0."""
    leap = (_rest(year, 4) == 0) & ((_rest(year, 100) != 0) | (_rest(year, 400) == 0))
    return nw.when(leap).then(nw.lit(1)).otherwise(nw.lit(0))


def _days_before_month(year: nw.Expr, month: nw.Expr) -> nw.Expr:
    """Count the days of `year` before `month`, 1 to 13."""
    too_many = nw.when(month > 2).then(2 - _leap(year)).otherwise(nw.lit(0))  # as if February had 30 days
    return (367 * month - 362) // 12 - too_many


def _in_its_year(year: nw.Expr, ordinal: nw.Expr) -> tuple[nw.Expr, nw.Expr]:
    """Give the year and day of the year of a day that is counted from `year` but may lie in the one before or after."""
    length, length_before = 365 + _leap(year), 365 + _leap(year - 1)
    early, late = ordinal < 1, ordinal > length
    return (
        nw.when(early).then(year - 1).when(late).then(year + 1).otherwise(year),
        nw.when(early).then(ordinal + length_before).when(late).then(ordinal - length).otherwise(ordinal),
    )


def _long(number: nw.Expr) -> nw.Expr:
    """A part of a date in 64 bits, some engines keep an hour in 8; 0 where there is no date."""
    return number.fill_null(0).cast(nw.Int64)


def _seconds(year: nw.Expr, number: nw.Expr, time: nw.Expr | None) -> nw.Expr:
    """Count the seconds from 1 January 1970 to a day of this `number`, or to the `time` of that day."""
    seconds = _long(number) * 86_400
    if time is not None:
        seconds = seconds + _long(time.dt.hour()) * 3_600 + _long(time.dt.minute()) * 60 + _long(time.dt.second())
    return nw.when(~year.is_null()).then(seconds)  # DuckDB's infinite dates have no year either
