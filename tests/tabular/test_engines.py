"""Every feature on every engine equals the reference, row by row."""

import datetime
import functools

import narwhals as nw
import pandas as pd
import pytest

from course_utils.tabular import (
    TableError,
    add_datepart,
    combine_date,
    duration_capped,
    elapsed_since,
    elapsed_until,
    join,
    rolling_sum,
)
from tests.tabular import reference
from tests.tabular.engines import rows

EVENTS = ["Holiday", "Promo", "Rain"]


@functools.cache
def many_tables(count):
    """Random tables as one, each with its number, and what the reference says of each row of each."""
    parts = []
    for number in range(count):
        table = reference.random_table(number)
        wanted = table.assign(Number=number)
        for event in EVENTS:
            wanted["After" + event] = reference.elapsed(table, event, "Store", "Date")
            wanted["Before" + event] = reference.elapsed(table, event, "Store", "Date", until=True)
            wanted[event + "_bw"] = reference.window_sum(table, event, "Store", "Date", 7)
            wanted[event + "_fw"] = reference.window_sum(table, event, "Store", "Date", 7, forward=True)
        parts.append(wanted)
    wanted = pd.concat(parts, ignore_index=True)
    return wanted[["Number", "Store", "Date", *EVENTS]], wanted


@pytest.mark.parametrize("count", [20, pytest.param(100, marks=pytest.mark.thorough)])
def test_events_equal_the_reference(engine, count):
    given, wanted = many_tables(count)
    by = {"by": ["Number", "Store"], "date": "Date"}
    table = engine(given)
    found = elapsed_until(elapsed_since(table, EVENTS, **by), EVENTS, **by, check=False)
    found = rolling_sum(found, EVENTS, **by, check=False)
    found = rolling_sum(found, EVENTS, **by, direction="forward", check=False)
    assert isinstance(found, type(table))
    order = [] if engine.name == "pandas" else ["Number", "Store", "Date"]  # in memory, rows stay where they are
    wanted = wanted.sort_values(order, ignore_index=True) if order else wanted
    found = rows(found, *order)
    for name in wanted.columns:
        assert [row[name] for row in found] == [row[name] for row in rows(wanted[[name]])], name


@pytest.mark.parametrize("direction", ["backward", "forward"])
def test_sums_over_long_windows(engine, direction):
    """Longer than what is looked at row by row, and than any table."""
    given, _ = many_tables(20)
    given = given[given["Number"] < 4]
    for window in (32, 45, 3000):
        wanted = {event: [] for event in EVENTS}
        for _, table in given.groupby("Number"):
            for event in EVENTS:
                forward = direction == "forward"
                wanted[event] += reference.window_sum(table, event, "Store", "Date", window, forward=forward)
        found = rolling_sum(
            engine(given.assign(Row=range(len(given)))), EVENTS, ["Number", "Store"], "Date", window, direction, suffix=" sum"
        )
        found = rows(found, *([] if engine.name == "pandas" else ["Row"]))
        for event in EVENTS:
            assert [row[event + " sum"] for row in found] == pytest.approx(wanted[event], abs=1e-9)


@pytest.mark.parametrize("seed", [pytest.param(n, marks=pytest.mark.thorough if n % 10 else ()) for n in range(200)])
def test_one_table_at_a_time_in_any_order(seed):
    table = reference.random_table(seed)
    window = 1 + seed % 9
    found = elapsed_since(table, EVENTS, by="Store", date="Date", fill=-1)
    found = rolling_sum(found, EVENTS, by="Store", date="Date", window=window, direction="forward", suffix="Sum")
    for event in EVENTS:
        since = reference.elapsed(table, event, "Store", "Date")
        assert found["After" + event].tolist() == [-1 if days is None else days for days in since]
        assert found[event + "Sum"].tolist() == reference.window_sum(table, event, "Store", "Date", window, forward=True)


def test_days_are_taken_apart(engine):
    days = [datetime.datetime(year, 12, 27) + datetime.timedelta(days=d) for year in range(1999, 2025) for d in range(10)]
    days += [datetime.datetime(2016, 2, 28) + datetime.timedelta(days=d) for d in range(70)]
    days += [
        datetime.datetime(1900, 1, 1),
        datetime.datetime(1969, 12, 31, 23, 59, 59),
        datetime.datetime(2100, 3, 31, 1, 2, 3),
    ]
    table = pd.DataFrame({"Date": pd.Series(days).astype("datetime64[us]")})
    table["Number"] = range(len(table))
    found = rows(add_datepart(engine(table), "Date"), "Number")
    assert [{k: v for k, v in row.items() if k not in ("Date", "Number")} for row in found] == [
        reference.date_parts(day) for day in days
    ]


def test_dates_are_put_together(engine):
    parts, dates, mondays = [], [], []
    for year in (1900, 1999, 2000, 2004, 2008, 2009, 2014, 2015, 2016, 2020, 2021):
        for month, day in ((1, 1), (2, 28), (2, 29), (2, 30), (4, 30), (4, 31), (12, 31), (13, 1), (0, 1), (5, 0), (8, 32)):
            week = month * 4 if month < 13 else 53
            parts.append((year, month, day, week))
            dates.append(_or_none(datetime.datetime, year, month, day))
            mondays.append(_or_none(datetime.datetime.fromisocalendar, year, week, 1))
    parts += [(None, 1, 1, 1), (2000, None, 1, None), (2000, 1, None, 54), (-5, 1, 1, 1), (12345, 1, 1, 1)]
    parts += [(2014.9, 1, 1, 1), (2014, 1.5, 1, 1.5), (2014, 1, 1.5, 0.5), (float("inf"), 1, 1, 1)]
    dates += [None] * 9
    mondays += [None] * 9
    table = pd.DataFrame(parts, columns=["Year", "Month", "Day", "Week"]).astype("float64")
    table["Number"] = range(len(table))
    found = combine_date(engine(table), "Date", "Year", month="Month", day="Day")
    found = combine_date(found, "Monday", "Year", week="Week")
    found = rows(combine_date(found, "Middle", "Year", month="Month", day=15), "Number")
    assert [row["Date"] for row in found] == dates
    assert [row["Monday"] for row in found] == mondays
    assert found[0]["Middle"] == datetime.datetime(1900, 1, 15)


def _or_none(make, *parts):
    try:
        return make(*parts)
    except ValueError:
        return None


def test_durations_are_whole_periods_and_capped(engine):
    day = datetime.datetime(2015, 7, 31)
    ago = {0: 0, 1: 0, 29: 0, 30: 1, 59: 1, 60: 2, 719: 23, 720: 24, 721: 24, 5000: 24, -1: 0, -400: 0}
    since = [day - datetime.timedelta(days=days) for days in ago]
    since += [datetime.datetime(1989, 12, 31), datetime.datetime(1990, 1, 1), datetime.datetime(1900, 1, 15), None]
    table = pd.DataFrame({"Since": since, "Date": day, "Number": range(len(since))})
    table = table.astype({"Since": "datetime64[us]", "Date": "datetime64[us]"})
    found = rows(duration_capped(engine(table), "Months", "Since", "Date", days=30, cap=24), "Number")
    assert [row["Months"] for row in found] == [*ago.values(), 0, 24, 0, 0]


def test_durations_of_no_days_are_refused():
    table = pd.DataFrame({"Date": pd.to_datetime(["2015-07-31"])})
    for wrong in ({"days": 0, "cap": 24}, {"days": -1, "cap": 24}, {"days": 30, "cap": -1}):
        with pytest.raises(TableError, match=r"(days|cap) is -?[01]; expected a whole number from [01]"):
            duration_capped(table, "Months", "Date", "Date", **wrong)


def test_sums_of_short_numbers_are_long(engine):
    if engine.name == "spark":
        pytest.skip("the test's tables for Spark know no such numbers")
    table = pd.DataFrame({"Store": 1, "Date": pd.date_range("2015-01-01", periods=4, unit="us"), "Rain": [100] * 4})
    found = rolling_sum(engine(table.astype({"Rain": "int8"})), "Rain", by="Store", date="Date")
    assert [row["Rain_bw"] for row in rows(found, "Date")] == [100, 200, 300, 400]


def test_columns_that_have_the_name_of_a_step_in_between_are_refused_not_lost(engine):
    table = pd.DataFrame({"Store": [1], "Date": pd.to_datetime(["2015-01-01"]).astype("datetime64[us]"), "Promo": [1]})
    by = {"by": "Store", "date": "Date"}
    for feature, name in (
        (lambda t: rolling_sum(t, "Promo", **by), "day number"),
        (lambda t: rolling_sum(t, "Promo", **by), "Promo_bw 3 rows away"),
        (lambda t: elapsed_since(t, "Promo", **by), "day number "),
        (lambda t: elapsed_until(t, "Promo", **by), "day number Promo"),
        (lambda t: combine_date(t, "Opened", "Store", week="Promo"), "year of Opened"),
        (lambda t: add_datepart(t, "Date"), "day number of Date"),
        (lambda t: join(t, engine(table), "Store"), "row of left"),
        (lambda t: join(engine(table), t, "Store"), "found a match"),
    ):
        with pytest.raises(TableError, match=f"the table has a column '{name}', a name that is needed .* rename it"):
            feature(engine(table.assign(**{name: 1})))


def test_a_key_that_is_not_a_number_matches_nothing(engine):
    left, right = pd.DataFrame({"Key": [1.0, 0.0], "Row": [0, 1]}), pd.DataFrame({"Key": [0.0, 1.0], "Size": [8, 9]})

    def broken(table):  # 0 / 0, which engines but pandas tell from missing
        frame = nw.from_native(engine(table))
        return frame.with_columns(nw.when(nw.col("Key") == 0).then(nw.lit(float("nan"))).otherwise(nw.col("Key")).alias("Key"))

    found = join(broken(left).to_native(), broken(right).to_native(), "Key")
    assert [row["Size"] for row in rows(found, "Row")] == [9, None]


def test_joins_say_which_kinds_there_are(engine):
    table = engine(pd.DataFrame({"Store": [1]}))
    for wrong in ({"how": "outer"}, {"validate": "many_to_one"}):
        with pytest.raises(TableError, match=r"expected how='left' or 'inner', and validate='m:1'.*(outer|many_to_one)"):
            join(table, table, "Store", **wrong)
    with pytest.raises(TableError, match="expected the name of a column, or several; got none"):
        join(table, table, [])
    if engine.name != "pandas":
        with pytest.raises(TableError, match=r"the left table is of .* and the right table of pandas; make them tables of one"):
            join(table, pd.DataFrame({"Store": [1]}), "Store")


def test_joins_report_what_found_no_match(engine):
    days = pd.DataFrame({"Number": range(6), "Store": [2, 1, 9, 2, 7, 9], "State": ["BY", "HE", "BY", "HE", "HE", "BY"]})
    shops = pd.DataFrame(
        {"Store": [1, 2, 2, 3], "State": ["HE", "HE", "BY", "HE"], "Size": [10, 20, 21, 30], "Number": [7] * 4}
    )
    reports = []
    found = join(engine(days), engine(shops), ["Store", "State"], report=reports.append)
    assert [row["Size"] for row in rows(found, "Number")] == [21, 10, None, 20, None, None]
    assert set(rows(found)[0]) == {"Number", "Store", "State", "Size", "Number_y"}
    (report,) = reports
    assert (report.rows, report.unmatched) == (6, 3)
    assert [tuple(key.values()) for key in report.examples] == [(7, "HE"), (9, "BY")]
    assert str(report).endswith("3 of 6 rows found no match, the first: Store 7, State HE; Store 9, State BY")
    kept = join(engine(days), engine(shops), ["Store", "State"], how="inner")
    assert [row["Number"] for row in rows(kept, "Number")] == [0, 1, 3]


def test_rows_do_not_multiply_by_accident(engine):
    days = engine(pd.DataFrame({"Store": [1, 1, 2], "Day": [1, 2, 1]}))
    shops = engine(pd.DataFrame({"Store": [1, 2, 2], "State": ["HE", "BY", "TH"]}))
    with pytest.raises(TableError, match=r"the right table has 2 rows for Store 2, .*expected one row for each Store"):
        join(days, shops, "Store")
    with pytest.raises(TableError, match="the left table has 2 rows for Store 1"):
        join(days, shops, "Store", validate="1:m")
    assert len(rows(join(days, shops, "Store", validate="m:m"))) == 4


def test_a_day_that_comes_twice_is_refused(engine):
    table = reference.random_table(5, stores=3)
    again = pd.concat([table, table.iloc[[-1]]])
    store, day = again["Store"].iloc[-1], again["Date"].iloc[-1]
    for feature, name in ((elapsed_since, "event"), (elapsed_until, "event"), (rolling_sum, "columns")):
        with pytest.raises(
            TableError, match=f"Store {store}, Date {day:%Y-%m-%d} has 2 rows; expected one for each Store and day"
        ):
            feature(engine(again), **{name: "Promo"}, by="Store", date="Date")


def test_a_missing_date_is_refused(engine):
    table = reference.random_table(5, stores=2).reset_index(drop=True)
    table.loc[0, "Date"] = pd.NaT
    with pytest.raises(TableError, match=r"Store \d+ has 1 of \d+ rows without Date"):
        elapsed_since(engine(table), "Promo", by="Store", date="Date")


def test_a_missing_store_is_refused(engine):
    table = reference.random_table(5, stores=2).reset_index(drop=True).astype({"Store": "float64"})
    table.loc[:2, "Store"] = None
    with pytest.raises(TableError, match=r"3 rows have no Store; fill them in or drop them"):
        elapsed_since(engine(table), "Promo", by="Store", date="Date")


def test_a_lazy_join_of_polars_keeps_the_order():
    polars = pytest.importorskip("polars")
    left = polars.LazyFrame({"k": [str(number * 7919 % 5000) for number in range(5000)]})
    right = polars.LazyFrame({"k": [str(number) for number in range(5000)], "v": range(5000)})
    found = join(left, right, "k", validate="m:m").collect()
    assert found["v"].to_list() == [number * 7919 % 5000 for number in range(5000)]
