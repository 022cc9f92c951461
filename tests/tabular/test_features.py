"""What the features do at the edges, and what they say when a table cannot be right."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from course_utils.tabular import (
    TableError,
    add_datepart,
    combine_date,
    duration_capped,
    elapsed_since,
    elapsed_until,
    join,
    read_table,
    rolling_sum,
    write_table,
)
from tests.tabular import reference
from tests.tabular.engines import rows

polars = pytest.importorskip("polars")
BY = {"by": "Store", "date": "Date"}


def series(*flags, store=1, start="2015-01-01"):
    return pd.DataFrame({"Store": store, "Date": pd.date_range(start, periods=len(flags)), "Flag": flags})


def test_a_store_without_the_event_has_no_days():
    table = pd.concat([series(0, 0, 0), series(0, 1, 0, store=2)], ignore_index=True)
    assert elapsed_since(table, "Flag", **BY)["AfterFlag"].isna().tolist() == [True] * 4 + [False] * 2
    assert elapsed_until(table, "Flag", **BY)["BeforeFlag"].isna().tolist() == [True] * 3 + [False] * 2 + [True]
    assert elapsed_until(table, "Flag", **BY, fill=0)["BeforeFlag"].tolist() == [0, 0, 0, 1, 0, 0]


def test_days_are_days_of_the_calendar_across_gaps_years_and_leap_days():
    dates = pd.to_datetime(["2012-02-28", "2012-03-01", "2012-12-31", "2013-01-01", "2014-01-01"])
    table = pd.DataFrame({"Store": 7, "Date": dates, "Flag": [1, 0, 0, 0, 1]})
    assert elapsed_since(table, "Flag", **BY)["AfterFlag"].tolist() == [0, 2, 307, 308, 0]
    assert elapsed_until(table, "Flag", **BY)["BeforeFlag"].tolist() == [0, 671, 366, 365, 0]


def test_a_window_is_of_days_where_the_lectures_was_of_rows():
    whole = series(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
    by_rows = whole.set_index("Date").groupby("Store")["Flag"].rolling(7, min_periods=1).sum().tolist()
    assert rolling_sum(whole, "Flag", **BY)["Flag_bw"].tolist() == by_rows == [1, 2, 3, 4, 5, 6, 7, 7, 7, 7]
    shut = whole.drop(index=range(2, 8))  # six days
    assert rolling_sum(shut, "Flag", **BY)["Flag_bw"].tolist() == [1, 2, 1 + 0, 2]
    assert shut.groupby("Store")["Flag"].rolling(7, min_periods=1).sum().tolist() == [1, 2, 3, 4]


def test_a_gap_shorter_than_the_window_keeps_what_is_near():
    shut = series(1, 2, 4, 8, 16, 32).drop(index=[2, 3])
    assert rolling_sum(shut, "Flag", **BY, window=4)["Flag_bw"].tolist() == [1, 3, 18, 48]
    assert rolling_sum(shut, "Flag", **BY, window=4, direction="forward")["Flag_fw"].tolist() == [3, 18, 48, 32]


def test_the_past_does_not_depend_on_the_future():
    table = reference.random_table(11, stores=3).sort_values("Date", ignore_index=True)
    day = table["Date"].iloc[len(table) // 2]
    past, changed = table["Date"] <= day, table.copy()
    changed.loc[~past, "Promo"] = 1 - changed.loc[~past, "Promo"]
    for feature in (lambda t: elapsed_since(t, "Promo", **BY, fill=-1), lambda t: rolling_sum(t, "Promo", **BY)):
        before, after = feature(table), feature(changed)
        assert not before[~past].equals(after[~past])
        pd.testing.assert_frame_equal(before[past], after[past])


def test_flags_may_be_booleans_numbers_or_partly_missing():
    expected = [np.nan, 0, 1, 0]
    for flags in (
        [False, True, False, True],
        [0, 3, 0, -1],
        [0.0, 0.5, np.nan, 1.0],
        pd.array([None, True, None, True], dtype="boolean"),
        pd.array([0, 1, None, 1], dtype="Int64"),
        pd.array([0, 1, None, 1], dtype="int64[pyarrow]"),
    ):
        table = series(0, 0, 0, 0)
        table["Flag"] = flags
        found = elapsed_since(table, "Flag", **BY)["AfterFlag"].astype("float64")
        np.testing.assert_array_equal(found.to_numpy(dtype="float64", na_value=np.nan), expected, err_msg=str(flags))


def test_stores_may_be_named():
    table = pd.concat([series(1, 0, store="Köln"), series(0, 1, store="Bonn")], ignore_index=True)
    for kind in ("str", "category"):
        named = table.astype({"Store": kind})
        assert elapsed_since(named, "Flag", **BY, fill=-1)["AfterFlag"].tolist() == [0, 1, -1, 0]


def test_one_row_and_none():
    one = series(1)
    assert elapsed_since(one, "Flag", **BY)["AfterFlag"].tolist() == [0]
    assert rolling_sum(one, "Flag", **BY)["Flag_bw"].tolist() == [1]
    assert rolling_sum(one, "Flag", **BY, window=1)["Flag_bw"].tolist() == [1]
    none = one.head(0)
    for table in (none, polars.from_pandas(none)):
        found = rolling_sum(elapsed_until(elapsed_since(table, "Flag", **BY), "Flag", **BY), "Flag", **BY)
        assert len(found) == 0
        assert {"AfterFlag", "BeforeFlag", "Flag_bw"} <= set(found.columns)


def test_the_index_and_the_other_columns_stay():
    table = series(0, 1, 0).assign(Note=["a", "b", None])
    table.index = [10, 30, 20]
    given = table.copy()
    found = rolling_sum(elapsed_since(table, "Flag", **BY), "Flag", **BY)
    assert found.index.tolist() == [10, 30, 20]
    pd.testing.assert_frame_equal(found[table.columns.tolist()], given)
    pd.testing.assert_frame_equal(table, given)


def test_nothing_runs_before_a_lazy_table_is_collected():
    def refuse(_):
        raise RuntimeError("ran")

    table = polars.from_pandas(series(0, 1, 0)).lazy().map_batches(refuse, schema=None)
    found = elapsed_since(add_datepart(table, "Date"), "Flag", **BY, check=False)
    found = join(rolling_sum(found, "Flag", **BY, check=False), found, "Date", validate="m:m")
    assert isinstance(found, polars.LazyFrame)
    with pytest.raises(Exception, match="ran"):
        found.collect()
    with pytest.raises(Exception, match="ran"):
        elapsed_since(table, "Flag", **BY)


def test_the_parts_of_a_date_are_named_after_its_column():
    table = pd.DataFrame({"saledate": pd.to_datetime(["2015-07-31"])})
    assert list(add_datepart(table, "saledate"))[1:3] == ["saleYear", "saleMonth"]
    assert list(add_datepart(table, "saledate", prefix="Sold_"))[1:3] == ["Sold_Year", "Sold_Month"]
    assert list(add_datepart(table, "saledate", prefix=""))[1] == "Year"


def test_a_part_with_the_name_of_another_column_but_for_capitals_is_left_out(engine):
    table = pd.DataFrame({"DayOfWeek": [5], "Year": [1], "Date": pd.to_datetime(["2015-07-31"])})
    (found,) = rows(add_datepart(engine(table), "Date"))
    assert found["DayOfWeek"] == 5
    assert "Dayofweek" not in found
    assert found["Year"] == 2015  # the same name is replaced, as when a cell runs twice


def test_without_a_date_there_are_no_parts():
    for convert in (lambda t: t, polars.from_pandas):
        table = pd.DataFrame({"Date": pd.to_datetime(["2015-12-31", None])})
        with_date, without = rows(add_datepart(convert(table), "Date"))
        assert {name: value for name, value in with_date.items() if name != "Date"} == reference.date_parts(with_date["Date"])
        assert {name for name, value in without.items() if value is not None} == {n for n in without if n.startswith("Is_")}
        assert not any(value for name, value in without.items() if name.startswith("Is_"))


def test_polars_dates_without_a_time():
    days = [datetime.date(2014, 12, 29), datetime.date(2016, 2, 29)]
    (first, second) = rows(add_datepart(polars.DataFrame({"Date": days}), "Date"))
    for found, day in ((first, days[0]), (second, days[1])):
        assert {k: v for k, v in found.items() if k != "Date"} == reference.date_parts(day)


def test_what_is_no_date_is_no_date():
    table = pd.DataFrame({"Date": ["2015-07-31"], "Store": 1, "Flag": 1})
    for feature in (
        lambda: add_datepart(table, "Date"),
        lambda: elapsed_since(table, "Flag", **BY),
        lambda: rolling_sum(table, "Flag", **BY),
        lambda: duration_capped(table, "Months", "Date", "Date", days=30, cap=24),
    ):
        with pytest.raises(TableError, match=r"column 'Date' should hold dates but holds text; parse it first"):
            feature()


def test_columns_that_are_not_there_and_tables_that_are_none():
    with pytest.raises(TableError, match=r"no columns 'Holiday', 'Shop'; its columns are Store, Date, Flag"):
        elapsed_since(series(1), "Holiday", by="Shop", date="Date")
    with pytest.raises(TableError, match=r"expected a table \(pandas, Polars, Arrow, DuckDB, Spark\); got something"):
        add_datepart([1, 2], "Date")


def test_two_columns_of_one_name_and_names_that_are_numbers():
    twice = pd.DataFrame([[1, 2]], columns=["Store", "Store"])
    with pytest.raises(TableError, match="two columns of the table have the same name"):
        add_datepart(twice, "Store")
    with pytest.raises(TableError, match=r"no column 'Date'; its columns are 0, 1"):
        add_datepart(pd.DataFrame([[1, 2]]), "Date")


def test_times_that_are_no_dates():
    for time in (pd.Timedelta(days=1), datetime.time(3)):
        table = polars.DataFrame({"Date": [time], "Store": 1, "Flag": 1})
        with pytest.raises(TableError, match=r"column 'Date' should hold dates but holds (durations|times of day)"):
            elapsed_since(table, "Flag", **BY)


def test_times_of_a_zone():
    table = series(0, 1)
    zoned = table.assign(Date=table["Date"].dt.tz_localize("America/New_York"))
    with pytest.raises(TableError, match=r'drop the zone, in pandas with table\["Date"\]\.dt\.tz_localize\(None\)'):
        add_datepart(zoned, "Date")
    utc = table.assign(Date=table["Date"].dt.tz_localize("UTC"))
    for left, right in ((table, utc), (utc, table), (table, zoned)):
        with pytest.raises(TableError, match=r"cannot join on 'Date': .* make them the same"):
            join(left, right, "Date")
    assert len(join(utc, utc, "Date")) == 2


def test_an_event_of_which_nothing_is_known_never_was():
    table = series(0, 0).assign(Flag=[None, None]).astype({"Flag": object})
    for convert in (lambda t: t, polars.from_pandas):
        found = rolling_sum(elapsed_since(convert(table), "Flag", **BY), "Flag", **BY)
        assert [(row["AfterFlag"], row["Flag_bw"]) for row in rows(found)] == [(None, 0)] * 2


def test_columns_of_arrow_in_pandas_are_as_others():
    table = pd.DataFrame({"Date": pd.to_datetime(["1969-12-27", "2014-12-29", "2016-02-29"]), "Week": [1, 53, 9]})
    arrow = table.astype({"Date": "timestamp[ns][pyarrow]", "Week": "int64[pyarrow]"})
    wanted, found = (combine_date(add_datepart(t, "Date"), "Monday", "Year", week="Week") for t in (table, arrow))
    assert rows(found) == rows(wanted)


def test_an_event_must_be_a_flag():
    table = series("0", "a", "0")
    for feature in (elapsed_since, elapsed_until, rolling_sum):
        with pytest.raises(TableError, match=r"column 'Flag' should hold numbers, or true and false, but holds text"):
            feature(table, "Flag", **BY)
    mixed = series(0, "0", "a")
    with pytest.raises(TableError, match=r"column 'Flag' should hold numbers"):
        elapsed_since(mixed, "Flag", **BY)


def test_windows_and_parts_that_make_no_sense():
    with pytest.raises(TableError, match="window is 0; expected a whole number from 1"):
        rolling_sum(series(1), "Flag", **BY, window=0)
    with pytest.raises(TableError, match="expected direction='backward' or 'forward'; got 'back'"):
        rolling_sum(series(1), "Flag", **BY, direction="back")
    for parts in ({}, {"month": "Store", "week": "Store"}):
        with pytest.raises(TableError, match="a year and either a month or a week"):
            combine_date(series(1), "Day", "Store", **parts)


def test_parts_of_dates_that_are_no_columns_of_numbers():
    with pytest.raises(TableError, match="month is the name of a column; got 7"):
        combine_date(series(1), "Day", "Store", month=7)
    with pytest.raises(TableError, match=r"column 'Year' should hold numbers.*pandas\.to_numeric"):
        combine_date(pd.DataFrame({"Year": ["2014"], "Week": [1]}), "Day", "Year", week="Week")


def test_keys_of_two_kinds_are_not_joined():
    days = pd.DataFrame({"Store": [1, 2], "Date": pd.to_datetime(["2015-01-01", "2015-01-02"])})
    with pytest.raises(TableError, match=r"cannot join on 'Store': it holds whole numbers on the left and text on the right"):
        join(days, days.astype({"Store": "str"}), "Store")
    with pytest.raises(TableError, match="cannot join on 'Date'"):
        join(days, days.astype({"Date": "str"}).drop(columns="Store"), "Date")
    with pytest.raises(TableError, match="no column 'State'"):
        join(days, days, "State")


def test_keys_that_differ_in_width_or_unit_are_joined():
    days = pd.DataFrame({"Store": [1, 2], "Date": pd.to_datetime(["2015-01-01", "2015-01-02"]).astype("datetime64[us]")})
    other = days.astype({"Store": "int8", "Date": "datetime64[s]"}).assign(Size=[5, 6])
    for convert in (lambda t: t, polars.from_pandas):
        assert [row["Size"] for row in rows(join(convert(days), convert(other), ["Store", "Date"]))] == [5, 6]


def test_a_missing_key_matches_nothing():
    left, right = pd.DataFrame({"Key": [1.0, None], "Row": [0, 1]}), pd.DataFrame({"Key": [None, 1.0], "Size": [8, 9]})
    for convert in (lambda t: t, polars.from_pandas):
        assert [row["Size"] for row in rows(join(convert(left), convert(right), "Key"))] == [9, None]


def test_names_that_would_come_twice_are_refused():
    left, right = pd.DataFrame({"Key": [1], "Size": [1], "Size_y": [1]}), pd.DataFrame({"Key": [1], "Size": [2]})
    with pytest.raises(TableError, match="two columns 'Size_y'"):
        join(left, right, "Key")
    assert join(left, right, "Key", suffix="_shop")["Size_shop"].tolist() == [2]


def test_the_order_of_the_left_table_stays():
    rng = np.random.default_rng(0)
    left = pd.DataFrame({"Store": rng.integers(0, 50, 20_000), "Row": range(20_000)})
    right = pd.DataFrame({"Store": rng.permutation(50), "Size": range(50)})
    for convert in (lambda t: t, polars.from_pandas):
        assert [row["Row"] for row in rows(join(convert(left), convert(right), "Store"))] == list(range(20_000))


@pytest.mark.parametrize("name", ["table.feather", "table.parquet"])
def test_tables_come_back_from_disk_as_they_were(name, tmp_path):
    table = elapsed_since(reference.random_table(3), "Promo", **BY).reset_index(drop=True)
    table["State"] = pd.array(["HB,NI", None] * len(table), dtype="str")[: len(table)]
    path = write_table(table, tmp_path / name)
    pd.testing.assert_frame_equal(read_table(path), table)
    write_table(polars.from_pandas(table), path)  # replaced
    pd.testing.assert_frame_equal(read_table(path), table)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_lazy_table_is_written_without_collecting_it(tmp_path, engine):
    if not engine.lazy:
        pytest.skip("not lazy")
    table = reference.random_table(3)
    if engine.name == "spark":
        with pytest.raises(TableError, match="Spark writes a folder of files"):
            write_table(engine(table), tmp_path / "table.parquet")
        return
    path = write_table(engine(table), tmp_path / "table.parquet")
    assert rows(read_table(path), "Store", "Date") == rows(table, "Store", "Date")
    with pytest.raises(TableError, match=r"a lazy table is written as \.parquet"):
        write_table(engine(table), tmp_path / "table.feather")


def test_files_that_are_no_tables(tmp_path):
    with pytest.raises(TableError, match=r"there is no file .*gone\.feather"):
        read_table(tmp_path / "gone.feather")
    for name in ("bad.feather", "bad.parquet"):
        (tmp_path / name).write_bytes(b"not a table at all, not at all")
        with pytest.raises(TableError, match=f"{name} cannot be read as"):
            read_table(tmp_path / name)
    with pytest.raises(TableError, match=r"ends in \.feather or \.parquet; got table\.csv"):
        write_table(series(1), tmp_path / "table.csv")
    assert not (tmp_path / "table.csv").exists()


def _named(table, name="Store"):
    """The table with an index of the name that a column has."""
    return table.set_axis(pd.Index(range(10, 10 + len(table)), name=name))


def test_an_index_with_the_name_of_a_column_changes_nothing_and_stays():
    table, shops = series(1, 0, 1), pd.DataFrame({"Store": [1], "State": ["HE"]})
    for feature in (elapsed_since, elapsed_until, rolling_sum):
        found = feature(_named(table), "Flag", **BY)
        pd.testing.assert_frame_equal(found, _named(feature(table, "Flag", **BY)))
    wanted = join(table, shops, "Store")
    for left, right in ((_named(table), shops), (table, _named(shops)), (_named(table), _named(shops))):
        pd.testing.assert_frame_equal(join(left, right, "Store"), wanted)


def test_times_that_nanoseconds_cannot_say_match_nothing():
    near = pd.DataFrame({"Date": pd.Series(["2015-01-01", "2262-04-11"]).astype("datetime64[ns]"), "near": [1, 2]})
    far = pd.DataFrame(
        {"Date": pd.Series(["2015-01-01", "2262-04-11", "2500-01-01"]).astype("datetime64[us]"), "far": [1, 2, 3]}
    )
    assert join(near, far, "Date")["far"].tolist() == [1, 2]
    assert join(far, near, "Date", how="inner")["near"].tolist() == [1, 2]


def test_all_else_in_an_arrow_table_stays_as_it_was():
    states = pa.array(["HE", "BY", "HE"]).dictionary_encode()
    table = pa.Table.from_pandas(series(1, 0, 1)).append_column("State", states).replace_schema_metadata({"from": "a test"})
    found = rolling_sum(elapsed_since(table, "Flag", **BY), "Flag", **BY, direction="forward", window=2)
    assert found.select(table.column_names).equals(table, check_metadata=True)
    assert found.select(["AfterFlag", "Flag_fw"]).to_pydict() == {"AfterFlag": [0, 1, 0], "Flag_fw": [1, 1, 1]}
    again = elapsed_since(found, "Flag", **BY, fill=-1)  # a cell that runs twice
    assert again.column_names == found.column_names
    with pytest.raises(TableError, match="Store 1, Date 2015-01-01 has 2 rows"):
        elapsed_since(pa.concat_tables([table, table]), "Flag", **BY)


ARGUMENTS = [
    (lambda t: elapsed_since(t, "Flag", **BY, prefix=None), "prefix is None"),
    (lambda t: elapsed_since(t, "Flag", **BY, prefix=""), "take the place of 'Flag'"),
    (lambda t: elapsed_until(t, "Flag", **BY, fill="x"), "fill is 'x'; expected a whole number"),
    (lambda t: elapsed_until(t, "Flag", **BY, fill=float("nan")), "fill is nan"),
    (lambda t: elapsed_since(t, None, **BY), "expected the name of a column, or several; got None"),
    (lambda t: rolling_sum(t, "Flag", **BY, suffix=5), "suffix is something of type int"),
    (lambda t: rolling_sum(t, "Flag", **BY, window=2**70), "window is 11805"),
    (
        lambda t: rolling_sum(t.assign(Flag=[1.0, np.inf, 0.0]), "Flag", **BY, window=32),
        "as far from 0 as inf; windows",
    ),
    (
        lambda t: rolling_sum(t.assign(Flag=[1.0, -1e17, 0.0]), "Flag", **BY, window=32),
        r"from 0 as 1e\+17; windows",
    ),
    (lambda t: join(t, t[["Store"]].head(1), "Store", suffix=None), "suffix is None"),
    (lambda t: join(t, t[["Store"]].head(1), "Store", report=3), "report is 3; give a function"),
    (lambda t: join(t.assign(Store=[[1]] * 3), t.assign(Store=[[1]] * 3), "Store"), "holds lists, dictionaries or the like"),
    (lambda t: elapsed_since(t.assign(Store=[[1]] * 3), "Flag", **BY), "holds lists, dictionaries or the like"),
    (lambda t: combine_date(t, "X", "Store", "Flag", day=2**70), "a whole number from 1 to 31 for all rows"),
    (lambda t: combine_date(t, None, "Store", "Flag"), "name is None"),
    (lambda t: duration_capped(t, "X", "Date", "Date", days=2**70, cap=5), "days is 11805"),
    (lambda t: duration_capped(t, "X", "Date", "Date", days=1, cap=5, earliest_year="a"), "earliest_year is 'a'"),
    (lambda t: add_datepart(t, "Date", prefix=5), "prefix is something of type int"),
]


@pytest.mark.parametrize(("feature", "message"), ARGUMENTS)
def test_arguments_that_are_none_are_refused_in_words(feature, message):
    with pytest.raises(TableError, match=message):
        feature(series(1, 0, 1))
