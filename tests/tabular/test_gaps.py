"""Where values are missing, every kind of table gives what plain Python gives, or a sentence."""

import datetime
import decimal
import gzip
import itertools
import json
import re

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from course_utils.errors import CourseError
from course_utils.files import FileError
from course_utils.tabular import (
    ParquetData,
    Preprocessor,
    TableError,
    TabularData,
    add_datepart,
    at_a_glance,
    combine_date,
    duration_capped,
    elapsed_since,
    elapsed_until,
    join,
    read_table,
    rolling_sum,
    storage,
    write_table,
)
from course_utils.tabular.errors import engine_errors
from tests.tabular import reference
from tests.tabular.engines import rows, to_duckdb

BIG = 2**53
BY = {"by": "Store", "date": "Date"}


def in_duckdb(table):
    return to_duckdb(duckdb.default_connection(), pl.from_pandas(table.reset_index(drop=True)).to_arrow())


KINDS = {
    "numpy": lambda t: t.astype({"Flag": "float64"}),
    "nullable": lambda t: t.convert_dtypes(),
    "arrow": lambda t: t.convert_dtypes(dtype_backend="pyarrow"),
    "polars": lambda t: pl.from_pandas(t.reset_index(drop=True)),
    "polars lazy": lambda t: pl.from_pandas(t.reset_index(drop=True)).lazy(),
    "arrow table": lambda t: pa.Table.from_pandas(t, preserve_index=False),
    "duckdb": in_duckdb,
}


@pytest.fixture(params=KINDS)
def kind(request):
    return KINDS[request.param]


def with_gaps(seed):
    """Days of three stores in any order, under any index, with gaps in all but store and day."""
    rng = np.random.default_rng(seed)
    table = reference.random_table(seed, stores=3).drop(columns=["Holiday", "Promo"])
    gaps = rng.random((4, len(table))) < 0.3
    table["Flag"] = pd.array(rng.integers(-2, 3, len(table)), dtype="Int64")
    table["Open"] = pd.array(rng.random(len(table)) < 0.4, dtype="boolean")
    table["Since"] = table["Date"] - pd.to_timedelta(rng.integers(-50, 900, len(table)), unit="D")
    table["Key"] = pd.array(rng.choice(["a", "b", "c"], len(table)), dtype="str")
    for name, gap in zip(("Flag", "Open", "Since", "Key"), gaps, strict=True):
        table.loc[gap, name] = None
    return table


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.thorough) for n in (1, 2))])
def test_features_are_those_of_plain_python(kind, seed):
    given = with_gaps(seed)
    found = elapsed_since(kind(given), ["Flag", "Open", "Rain"], **BY)
    found = elapsed_until(found, ["Flag", "Open"], **BY, fill=-1)
    found = rolling_sum(found, ["Flag", "Open", "Rain"], **BY, window=5)
    found = duration_capped(found, "Months", "Since", "Date", days=30, cap=24)
    found = join(found, kind(pd.DataFrame({"Key": ["a", None, "b"], "Size": [1, 2, 3], "Flag": [0, 0, 1]})), "Key")
    found = rows(add_datepart(found, "Since"), "Store", "Date")
    ordered = given.astype({"Flag": object, "Open": object}).sort_values(["Store", "Date"], ignore_index=True)
    ordered = ordered.assign(**{n: [None if pd.isna(v) else v for v in ordered[n]] for n in ("Flag", "Open")})
    plain = rows(ordered)
    for name in ("Flag", "Open", "Rain"):
        zeros = ordered.assign(**{name: [0 if row[name] is None else row[name] for row in plain]})
        assert [row["After" + name] for row in found] == reference.elapsed(zeros, name, "Store", "Date")
        assert [row[name + "_bw"] for row in found] == reference.window_sum(zeros, name, "Store", "Date", 5)
        if name != "Rain":
            until = reference.elapsed(zeros, name, "Store", "Date", until=True)
            assert [row["Before" + name] for row in found] == [-1 if days is None else days for days in until]
    for row, want in zip(found, plain, strict=True):
        assert row["Size"] == {"a": 1, "b": 3}.get(want["Key"])
        since = want["Since"]
        assert row["Months"] == (0 if since is None else min(max((want["Date"] - since).days, 0) // 30, 24))
        parts = dict.fromkeys(("Year", "Week", "Elapsed")) if since is None else reference.date_parts(since)
        for name in ("Year", "Week", "Elapsed"):
            assert row["Since" + name] == parts[name]
        assert row["SinceIs_month_end"] == (since is not None and parts["Is_month_end"])


@pytest.mark.parametrize("dtype", ["Int64", "Int8", "int64[pyarrow]", "Float64", "boolean"])
@pytest.mark.parametrize("order", ["filtered", "shuffled", "labels that come twice"])
def test_rows_of_nullable_columns_in_any_order(dtype, order):
    days = pd.DataFrame(
        {"Store": [1] * 6 + [2] * 6, "Date": list(pd.date_range("2020-01-01", periods=6)) * 2, "E": [0, 1, 1] * 4}
    )
    days = {
        "filtered": days[days.index % 3 > 0],
        "shuffled": days.sample(frac=1, random_state=1),
        "labels that come twice": pd.concat([days[6:].reset_index(drop=True), days[:6]]),
    }[order]
    found = rolling_sum(elapsed_since(days.astype({"E": dtype}), "E", **BY, fill=-1), "E", **BY)
    plain = days.reset_index(drop=True)
    since = reference.elapsed(plain, "E", "Store", "Date")
    assert found["AfterE"].tolist() == [-1 if away is None else away for away in since]
    assert found["E_bw"].tolist() == reference.window_sum(plain, "E", "Store", "Date", 7)
    assert found.index.equals(days.index)


IDS = {
    "Int64": lambda: pd.DataFrame({"id": pd.array([BIG, BIG + 1, None], dtype="Int64")}),
    "uint64": lambda: pd.DataFrame({"id": pd.array([BIG, BIG + 1, None], dtype="uint64[pyarrow]")}),
    "objects": lambda: pd.DataFrame({"id": np.array([BIG, BIG + 1, None], dtype=object)}),
    "categories": lambda: pd.DataFrame({"id": pd.Categorical([BIG, BIG + 1, None])}),
    "polars": lambda: pl.DataFrame({"id": [BIG, BIG + 1, None]}),
    "128 bits": lambda: pl.DataFrame({"id": pl.Series([BIG, BIG + 1, None], dtype=pl.Int128)}),
    "decimals": lambda: pl.DataFrame({"id": [decimal.Decimal(BIG), decimal.Decimal(BIG + 1), None]}),
    "hugeint": lambda: duckdb.sql(f"select unnest([{BIG}, {BIG + 1}, null])::hugeint as id"),
}


@pytest.mark.parametrize("ids", IDS)
def test_large_ids_with_a_gap_stay_apart(ids):
    fitted = Preprocessor(["id"], []).fit(IDS[ids]())
    assert fitted.categories["id"] == [BIG, BIG + 1]
    assert fitted.transform(IDS["polars"]())[0][:, 0].tolist() == [1, 2, 0]
    again = Preprocessor.from_dict(json.loads(json.dumps(fitted.to_dict(), allow_nan=False)))
    assert again.transform(IDS[ids]())[0][:, 0].tolist() == [1, 2, 0]


def test_the_largest_ids_and_fractions_survive_json():
    table = pl.DataFrame(
        {"u": [2**64 - 1, 2**64 - 2], "f": [0.1, 1 / 3], "d": [decimal.Decimal("1.50"), decimal.Decimal("2.25")]}
    )
    again = Preprocessor.from_dict(json.loads(json.dumps(Preprocessor(["u", "f", "d"], []).fit(table).to_dict())))
    assert again.categories == {"u": [2**64 - 2, 2**64 - 1], "f": [0.1, 1 / 3], "d": [1.5, 2.25]}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([float(BIG), None], "stand for several whole numbers each"),
        ([float("inf"), 1.0], "'c' holds inf, which is not a category"),
        ([decimal.Decimal("0.12345678901234567890")], "more digits than a float keeps"),
        ([datetime.date(2020, 1, 1)], "each moment would be a category"),
    ],
)
def test_what_cannot_be_a_category(values, message):
    with pytest.raises(TableError, match=message):
        Preprocessor(["c"], []).fit(pl.DataFrame({"c": values}))


def test_amounts_that_floats_would_merge_or_32_bits_cannot_hold():
    with pytest.raises(TableError, match="does not tell one from the next"):
        Preprocessor([], ["x"]).fit(pl.DataFrame({"x": [BIG, BIG + 1, None]}))
    spread = Preprocessor([], ["x"]).fit(pl.DataFrame({"x": [0, BIG * 100]}))
    assert spread.transform(pl.DataFrame({"x": [BIG * 50]}))[1].tolist() == [[0]]
    narrow = Preprocessor([], ["x"]).fit(pl.DataFrame({"x": [0.0, 1e-30]}))
    with pytest.raises(TableError, match="32 bits cannot hold the distance"):
        narrow.transform(pl.DataFrame({"x": [1e30]}))


def test_a_gap_that_training_did_not_have_is_said_once(capsys):
    fitted = Preprocessor([], ["x"]).fit(pl.DataFrame({"x": [1.0, 3.0]}))
    for _ in range(2):
        assert fitted.transform(pl.DataFrame({"x": [None, 1.0]}))[1].tolist() == [[0], [-1]]
    said = capsys.readouterr().out
    assert said == "column 'x': 1 row without a value, which all training rows had; taken for their median, 2\n"


@pytest.mark.parametrize("name", ["t.feather", "t.parquet"])
def test_tables_from_disk_are_whole(tmp_path, name):
    table = pl.DataFrame(
        {"id": [BIG + 1, None], "u": [2**64 - 1, None], "b": [True, None], "d": [datetime.date(1, 1, 1), None]}
    )
    read = read_table(write_table(table.cast({"u": pl.UInt64}), tmp_path / name))
    assert rows(read) == rows(table.cast({"d": pl.Datetime}))
    assert [str(dtype) for dtype in read.dtypes[:3]] == ["Int64", "UInt64", "boolean"]
    with pytest.raises(TableError, match=r"holds 2 rows or more of 4 columns, .* the limit is 0.0 GB"):
        read_table(tmp_path / name, limit=10)


def test_ids_in_parquet_data_and_as_labels(tmp_path):
    table = pl.DataFrame({"id": [BIG, BIG + 1, None, 1] * 3, "y": [1.0] * 12, "i": range(12)})
    file = write_table(table, tmp_path / "a.parquet")
    data = ParquetData.from_parquet(file, "y", ["id"], ["i"], ("i", 8, 11), label="id")
    assert data.preprocessor.categories["id"] == [1, BIG, BIG + 1]
    memory = TabularData.from_frame(table, "y", ["id"], ["i"], [8, 9, 10, 11], label="id")
    assert memory.items("valid") == [str(BIG), str(BIG + 1), "missing", "1"]
    pq.write_table(pa.table({"x": [1.0, float("nan")] * 4, "y": [1.0] * 8}), tmp_path / "b.parquet")
    with pytest.raises(TableError, match="is missing in 4 of the rows"):
        ParquetData.from_parquet(tmp_path / "b.parquet", "y", [], ["x"], ("x", 1, 2))


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York", "Africa/Cairo"])
def test_days_of_a_zone_are_asked_for(zone):
    table = pd.DataFrame({"Date": pd.to_datetime(["2024-04-25"]).tz_localize(zone), "Store": 1, "E": 1})
    for given in (table, pl.from_pandas(table)):
        for feature in (lambda t: add_datepart(t, "Date"), lambda t: rolling_sum(t, "E", **BY)):
            with pytest.raises(TableError, match="drop the zone"):
                feature(given)


def test_months_are_no_times_of_a_zone():
    with pytest.raises(TableError, match=r"holds values of type period\[M\]; make it the first day of each, .*to_timestamp"):
        add_datepart(pd.DataFrame({"Date": pd.period_range("2024-04", periods=2, freq="M")}), "Date")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_ends_of_time(unit):
    days = {"ns": ["1677-09-22", "2262-04-11"]}.get(unit, ["0001-01-01", "9999-12-31"])
    table = pd.DataFrame({"Date": np.array(days, f"datetime64[{unit}]")})
    for given in (table, *([pl.from_pandas(table)] if unit != "s" else [])):
        for row, day in zip(rows(add_datepart(given, "Date")), days, strict=True):
            want = reference.date_parts(datetime.datetime.fromisoformat(day))
            assert {name: row[name] for name in want} == want
    between = {"by": "Store", "date": "Date"}
    since = elapsed_since(table.assign(Store=1, E=[1, 0]), "E", **between)["AfterE"].tolist()
    assert since == [0, (datetime.date.fromisoformat(days[1]) - datetime.date.fromisoformat(days[0])).days]


def test_dates_of_the_first_and_last_years(kind):
    table = pd.DataFrame({"Y": [1, 999, 9999, 0, 10_000], "M": [1, 2, 12, 1, 1], "W": [1, 9, 52, 1, 1]})
    table["Flag"] = range(5)
    found = combine_date(combine_date(kind(table), "Day", "Y", month="M", day=28), "Monday", "Y", week="W")
    found = rows(found, "Flag")
    assert [row["Day"] for row in found] == [datetime.datetime(y, m, 28) for y, m in ((1, 1), (999, 2), (9999, 12))] + [
        None
    ] * 2
    mondays = [datetime.datetime.fromisocalendar(y, w, 1) for y, w in ((1, 1), (999, 9), (9999, 52))]
    assert [row["Monday"] for row in found] == [*mondays, None, None]


def test_infinite_dates_have_no_parts():
    (found,) = rows(
        add_datepart(duckdb.sql("select 'infinity'::timestamp as Date").select("*"), "Date").select("Year, Elapsed")
    )
    assert found == {"Year": None, "Elapsed": None}


def test_sums_that_would_wrap_around_are_refused():
    table = pl.DataFrame({"Store": [1, 1], "Date": [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)], "E": [2**62, 2**62]})
    for given in (table, table.lazy(), table.to_pandas().astype({"Date": "datetime64[us]"}), table.cast({"E": pl.UInt64})):
        with pytest.raises(TableError, match=f"as far from 0 as {2**62}, and the sum of 7 such would not be exact"):
            rolling_sum(given, "E", **BY)
    near = table.with_columns(pl.Series("E", [BIG + 1, 1]))
    assert rolling_sum(near, "E", **BY)["E_bw"].to_list() == [BIG + 1, BIG + 2]
    assert rolling_sum(table, "E", **BY, window=1)["E_bw"].to_list() == [2**62] * 2
    decimals = near.with_columns(pl.Series("E", [decimal.Decimal("0.5"), None]))
    assert rolling_sum(decimals, "E", **BY)["E_bw"].to_list() == [0.5, 0.5]


def test_keys_are_compared_as_what_they_are():
    wide = pl.DataFrame({"k": [300, 44, None, -1], "w": [BIG + 1, 1, 2, 3]})
    for convert in (lambda t: t, lambda t: t.to_arrow().to_pandas(), lambda t: t.lazy()):
        left = convert(pl.DataFrame({"k": pl.Series([44, 255, None], dtype=pl.UInt8), "i": [0, 1, 2]}))
        assert [row["w"] for row in rows(join(left, convert(wide), "k"), "i")] == [1, None, None]
    noon = pl.DataFrame({"k": [datetime.datetime(2020, 1, 1, 12), datetime.datetime(2020, 1, 2)], "w": [1, 2]})
    days = pl.DataFrame({"k": [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)]})
    assert join(days, noon, "k")["w"].to_list() == [None, 2]


def test_large_numbers_of_the_right_table_stay_whole_beside_a_gap():
    right = pd.DataFrame({"k": [1, 2], "id": [BIG + 1, BIG]})
    assert join(pd.DataFrame({"k": [1, 3]}), right, "k")["id"].tolist() == [BIG + 1, pd.NA]
    assert str(join(pd.DataFrame({"k": [1, 2]}), right, "k")["id"].dtype) == "int64"


def test_categories_and_text_are_joined_as_text():
    right = pl.DataFrame({"k": ["b", "a", None], "w": [1, 2, 3]})
    left = pl.DataFrame({"k": ["a", None, "b", "z"], "i": range(4)})
    for dtype in (pl.Categorical, pl.Enum(["a", "b", "z"])):
        for ours, theirs in ((left.cast({"k": dtype}), right), (left, right.cast({"k": dtype}))):
            for form in ("eager", "lazy", "pandas"):
                given = {"eager": lambda t: t, "lazy": lambda t: t.lazy(), "pandas": lambda t: t.to_pandas()}[form]
                found = join(given(ours), given(theirs), "k")
                assert [row["w"] for row in rows(found, "i")] == [2, None, 1, None]
    assert join(left.cast({"k": pl.Categorical}), right, "k").schema["k"] == pl.Categorical
    numbers = pd.DataFrame({"k": pd.Categorical([1, 2])})
    with pytest.raises(TableError, match="cannot join on 'k'"):
        join(numbers, pd.DataFrame({"k": ["1"]}), "k")


def test_keys_of_several_types_are_named():
    mixed = np.array([0, "0", 0, "a"], dtype=object)
    left = pd.DataFrame({"k": mixed})
    with pytest.raises(TableError, match="the right table has 2 rows for k 0"):
        join(left, pd.DataFrame({"k": mixed, "w": range(4)}), "k")
    lines = []
    join(left, pd.DataFrame({"k": np.array(["a"], object)}), "k", report=lambda r: lines.append(str(r)))
    assert lines == ["joined on k: 3 of 4 rows found no match, the first: k 0; k 0"]
    days = pd.DataFrame({"Store": mixed[:3], "Date": pd.to_datetime(["2020-01-01"] * 3), "E": 1})
    with pytest.raises(TableError, match="Store 0, Date 2020-01-01 has 2 rows"):
        elapsed_since(days, "E", **BY)
    assert rolling_sum(days[:2], "E", **BY)["E_bw"].tolist() == [1, 1]


def test_keys_that_a_lazy_engine_does_not_compare_are_told_before_the_query_runs():
    cents, tenths = (pl.LazyFrame({"k": [decimal.Decimal("1.5")]}, {"k": pl.Decimal(10, scale)}) for scale in (2, 1))
    with pytest.raises(TableError, match=r"cannot join the tables.*decimal"):
        join(cents, tenths.with_columns(v=1), "k", validate="m:m")


def test_names_that_a_database_does_not_tell_apart():
    left, right = (duckdb.sql(f"select 1 as k, {i} as {name}") for i, name in ((2, "a"), (3, '"A"')))
    with pytest.raises(TableError, match="'a' and 'A', which differ in capitals alone"):
        join(left, right, "k")
    assert join(left.pl(), right.pl(), "k").columns == ["k", "a", "A"]


def test_names_that_are_no_text():
    table = pd.DataFrame(np.arange(6.0).reshape(3, 2))
    for wrong in (
        lambda: Preprocessor([], [0, 1]),
        lambda: Preprocessor([("a", "b")], []),
        lambda: join(table, table, 0),
        lambda: add_datepart(table, 0),
        lambda: TabularData.from_frame(table, 0, [], [1], [0]),
        lambda: join(table.assign(k=1), table.assign(k=[1, 2, 3]), "k"),
    ):
        with pytest.raises(TableError, match=r"columns are named by text.*columns\.map\(str\)"):
            wrong()
    assert at_a_glance(table).index.tolist() == ["0", "1"]


def test_new_columns_do_not_take_the_place_of_what_they_are_made_from():
    table = pl.DataFrame({"Store": [1], "Date": [datetime.date(2020, 1, 1)], "Da": [1]})
    with pytest.raises(TableError, match="take the place of 'Date'"):
        rolling_sum(table, "Da", **BY, suffix="te")


def test_row_numbers_that_are_labels():
    table = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0]}, index=[2, 1, 0])
    with pytest.raises(CourseError, match="labels are not the numbers"):
        TabularData.from_frame(table, "y", [], ["x"], table.index[:1])
    with pytest.raises(CourseError, match="index is not that of the table"):
        TabularData.from_frame(table, "y", [], ["x"], pd.Series([True, False, False]))
    for wrong in (None, 5, "all", slice(2), [[1], [2, 3]], (row for row in [1])):
        with pytest.raises(TableError, match=r"valid_idx is .*; give the numbers of the rows that validate"):
            TabularData.from_frame(table, "y", [], ["x"], wrong)
    truths = pd.Series([True, False, False], index=[2, 1, 0])
    assert TabularData.from_frame(table, "y", [], ["x"], truths).targets("valid").tolist() == [1]
    data = TabularData.from_frame(table.reset_index(drop=True), "y", [], ["x"], pd.Index([2]), batch_size=np.int64(2))
    assert data.targets("valid").tolist() == [3]
    for size in (True, 1.5, "8", 0):
        with pytest.raises(CourseError, match="it is a whole number, 1 or more"):
            TabularData.from_frame(table, "y", [], ["x"], [0], batch_size=size)
    with pytest.raises(TableError, match="too large for 32 bits in 1 row, first 2"):
        TabularData.from_frame(table.assign(y=[1e39, 1, 1]), "y", [], ["x"], [0])


def test_what_unpacks_without_end_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "CSV_LIMIT", 10_000)
    monkeypatch.setattr(storage, "CSV_LINE", 1_000)
    path = tmp_path / "t.csv.gz"
    for text, message in (
        ("a\n" + "1\n" * 6_000, "more than 0.0 GB"),
        ("a\n" + "1" * 2_000, "a line of more than 1,000 bytes"),
    ):
        path.write_bytes(gzip.compress(text.encode()))
        with pytest.raises(TableError, match=message):
            storage.read_csv(path, {"a": "whole"})
    (tmp_path / "t.csv").write_text("a,b\n1,2,3\n")
    with pytest.raises(TableError, match=r"line 2: it has 3 values, more than the 2 names"):
        storage.read_csv(tmp_path / "t.csv", {"a": "whole"})


def test_a_table_that_cannot_be_written(tmp_path):
    (tmp_path / "t.parquet").mkdir()
    for table in (pd.DataFrame({"a": [1]}), pl.DataFrame({"a": [1]}).lazy(), duckdb.sql("select 1 as a")):
        with pytest.raises(FileError, match=r"cannot write .*t\.parquet"):
            write_table(table, tmp_path / "t.parquet")
    assert [file.name for file in tmp_path.iterdir()] == ["t.parquet"]


def test_what_engines_say_is_told():
    broken = pl.DataFrame({"Store": ["x"], "E": [1]}).lazy().with_columns(pl.col("Store").cast(pl.Int64))
    with pytest.raises(TableError, match="says: conversion from `str` to `i64` failed"):
        join(broken, broken, "Store")
    with pytest.raises(TableError, match="memory is too small"), engine_errors("join"):
        raise duckdb.OutOfMemoryException("full")
    with pytest.raises(TableError, match="cannot join with a table of this kind; make it one of Polars"), engine_errors("join"):
        raise NotImplementedError
    with pytest.raises(KeyError), engine_errors("join"):
        raise KeyError("ours")


@pytest.mark.parametrize(
    ("objects", "plain"),
    [
        ([1.5, None, 2], [1.5, None, 2.0]),
        ([decimal.Decimal("1.5"), None, decimal.Decimal(2)], [1.5, None, 2.0]),
        ([3, None, np.int8(4)], [3.0, None, 4.0]),
        ([np.float32(1.5), pd.NA, float("nan")], [1.5, None, None]),
        ([True, None, False], [1.0, None, 0.0]),
    ],
)
def test_numbers_that_are_objects_count_as_numbers(objects, plain):
    rest = {"Store": 1, "Date": pd.date_range("2020-01-01", periods=3)}
    given, wanted = (
        pd.DataFrame({"x": np.array(values, kind), **rest}) for values, kind in ((objects, object), (plain, float))
    )
    fitted = Preprocessor([], ["x"]).fit(given)
    assert fitted == Preprocessor([], ["x"]).fit(wanted)
    assert fitted.transform(given)[1].tolist() == fitted.transform(wanted)[1].tolist()
    assert rows(rolling_sum(given, "x", **BY)[["x_bw"]]) == rows(rolling_sum(wanted, "x", **BY)[["x_bw"]])
    assert elapsed_since(given, "x", **BY)["Afterx"].tolist() == elapsed_since(wanted, "x", **BY)["Afterx"].tolist()


def test_a_target_of_objects():
    table = pd.DataFrame({"y": np.array(list(map(decimal.Decimal, ("1.5", 2, 3))), object), "x": [1.0, 2.0, 3.0]})
    assert TabularData.from_frame(table, "y", [], ["x"], [0]).targets("valid").tolist() == [1.5]


def test_objects_that_are_no_numbers_are_told_apart():
    day = datetime.date(2020, 1, 1)
    for objects, words in (
        ([day, None], r"holds dates as Python's objects, .*pandas\.to_datetime\(table\[\"x\"\].*add_datepart"),
        ([1, "a"], "values of several types as Python's objects"),
        ([True, 1.5], "values of several types"),
        ([datetime.time(3)], "holds times of day as Python's objects.*make it a number, of days or seconds"),
        ([datetime.timedelta(3)], r"holds durations, .*table\[\"x\"\]\.dt\.total_seconds"),
        ([2**70, 1], "whole numbers of more than 64 bits"),
    ):
        with pytest.raises(TableError, match=words):
            Preprocessor([], ["x"]).fit(pd.DataFrame({"x": np.array(objects, object)}))
    dated = pd.DataFrame({"x": np.array([day], object)})
    advice = 'pandas.to_datetime(table["x"], format="%Y-%m-%d")'
    for use in (lambda: Preprocessor(["x"], []).fit(dated), lambda: add_datepart(dated, "x")):
        with pytest.raises(TableError, match=r"dates as Python's objects.*" + re.escape(advice)):
            use()
    dated["x"] = eval(advice, {"pandas": pd, "table": dated})
    assert add_datepart(dated, "x")["xYear"].tolist() == [2020]
    large = pd.DataFrame({"E": np.array([2**62, 2**62], object), "Store": 1, "Date": pd.date_range("2020-01-01", periods=2)})
    with pytest.raises(TableError, match="would not be exact"):
        rolling_sum(large, "E", **BY)


@pytest.mark.parametrize("engine", [*KINDS, "arrow table"])
def test_keys_are_the_numbers_that_they_are(engine):
    def convert(table):
        return pa.Table.from_pandas(table) if engine == "arrow table" else table if engine == "numpy" else KINDS[engine](table)

    unsigned, signed = np.array([1, 2**64 - 1, 2], "uint64"), np.array([1, -1, -5], "int64")
    single, double = np.array([0.5, 0.1], "float32"), np.array([0.5, 0.1], "float64")
    for left, right, found in (
        (np.array([-0.0, 1.5, 0.0]), np.array([0.0, 1.5]), [0, 1, 0]),
        (np.array([0.0, 1.5]), np.array([1.5, -0.0]), [1, 0]),
        (unsigned, signed, [0, None, None]),
        (signed, unsigned, [0, None, None]),
        (single, double, [0, None]),
        (double, single, [0, None]),
    ):
        ours, theirs = pd.DataFrame({"k": left, "i": range(len(left))}), pd.DataFrame({"k": right, "w": range(len(right))})
        joined = nw.from_native(join(convert(ours), convert(theirs), "k")).lazy().collect("pyarrow").sort("i")
        assert joined["w"].to_list() == found
        assert list(map(str, joined["k"].to_list())) == list(map(str, left.tolist()))  # -0.0 stays as it was given
    twice = convert(pd.DataFrame({"k": [0.0, -0.0, 0.5], "w": [1, 2, 3]}))
    with pytest.raises(TableError, match=r"the right table has 2 rows for k -?0.0"):
        join(twice, twice, "k")
    with pytest.raises(
        TableError, match=r"holds floats on the left and whole numbers on the right; make them the same, .*Int64"
    ):
        join(twice, convert(pd.DataFrame({"k": [1], "v": [1]})), "k")


def arrow(kind):
    return pd.ArrowDtype(kind)


DAY = datetime.datetime(2020, 1, 1)
DRESSES = {
    "text": ["str", object, "string[python]", arrow(pa.string()), "category", arrow(pa.dictionary(pa.int32(), pa.string()))],
    "floats": ["float64", "float32", "Float64", arrow(pa.float64()), object, "category", "Sparse[float]"],
    "truths": ["boolean", arrow(pa.bool_()), object, "category"],
    "dates": ["datetime64[ns]", "datetime64[s]", arrow(pa.timestamp("us")), arrow(pa.timestamp("ns")), arrow(pa.date32())],
    "durations": ["timedelta64[ns]", "timedelta64[s]", arrow(pa.duration("us"))],
    "decimals": [object],
}
KEYS = {
    "text": ["a", None, "b"],
    "floats": [1.5, None, 2.0],
    "truths": [True, None, False],
    "dates": [DAY, None, DAY + datetime.timedelta(1)],
    "durations": [datetime.timedelta(1), None, datetime.timedelta(2)],
    "decimals": [decimal.Decimal("1.5"), None, decimal.Decimal(2)],
}


@pytest.mark.parametrize("kind", KEYS)
def test_keys_in_every_dress_of_pandas(kind):
    columns = [pd.Series(KEYS[kind], dtype=dtype) for dtype in DRESSES[kind]]
    for mine, others in itertools.product(columns, columns):
        if mine.dtype == "float32" or any(isinstance(one.dtype, pd.SparseDtype) for one in (mine, others)):
            continue  # pandas cannot merge on sparse columns
        found = join(pd.DataFrame({"k": mine}), pd.DataFrame({"k": others, "w": [5, 6, 7]}), "k")
        assert [row["w"] for row in rows(found)] == [5, None, 7], (mine.dtype, others.dtype)
    for column in columns:
        if kind in ("text", "truths", "floats", "decimals"):
            prepared = Preprocessor(["k"], []).fit(pd.DataFrame({"k": column}))
            assert prepared.categories["k"] == sorted({value for value in KEYS[kind] if value is not None})
            assert prepared.transform(pd.DataFrame({"k": column}))[0].tolist() == [
                [0 if value is None else prepared.categories["k"].index(value) + 1] for value in KEYS[kind]
            ]
        if kind in ("truths", "floats", "decimals"):
            given, plain = (pd.DataFrame({"k": values}) for values in (column, pd.Series(KEYS[kind]).astype("float64")))
            assert Preprocessor([], ["k"]).fit(given) == Preprocessor([], ["k"]).fit(plain)


def test_keys_of_whole_numbers_in_every_dress():
    keys = [1, None, BIG + 1]
    dresses = [
        pd.array(keys, dtype="Int64"),
        np.array(keys, object),
        pd.Categorical(keys),
        pd.Categorical(pd.array(keys, dtype="Int64")),
        pd.array(keys, dtype="int64[pyarrow]"),
    ]
    for mine, others in itertools.product(dresses, dresses):
        right = pd.DataFrame({"k": others, "w": [5, 6, 7]})
        found = join(pd.DataFrame({"k": mine}), right, "k")
        assert [row["w"] for row in rows(found)] == [5, None, 7]
        assert found["k"].dtype == pd.DataFrame({"k": mine})["k"].dtype
    for objects, plain in (([True, None, False], [True, False]), ([1.5, None, -0.0], [1.5, 0.0])):
        with_gap, whole = pd.DataFrame({"k": np.array(objects, object)}), pd.DataFrame({"k": plain})
        assert [row["w"] for row in rows(join(with_gap, whole.assign(w=[1, 2]), "k"))] == [1, None, 2]
        assert [row["w"] for row in rows(join(whole, with_gap.assign(w=[1, 2, 3]), "k"))] == [1, 3]
    dates = pd.DataFrame({"k": np.array([datetime.date(2020, 1, 1)], object)})
    with pytest.raises(TableError, match="dates as Python's objects on the left and dates on the right"):
        join(dates, dates.apply(pd.to_datetime), "k")


def test_stores_are_the_numbers_that_they_are(kind):
    stores = [0.0, -0.0, 0.0, 2.5, 2.5]
    table = pd.DataFrame(
        {"Store": stores, "Date": pd.date_range("2020-01-01", periods=5, unit="us"), "Flag": [1.0, 2, 3, 4, 5]}
    )
    found = rows(rolling_sum(elapsed_since(kind(table), "Flag", **BY), "Flag", **BY), "Date")
    assert [row["Flag_bw"] for row in found] == [1, 3, 6, 4, 9]
    table = table.assign(Date=table["Date"].iloc[[0, 0, 1, 2, 3]].to_numpy())
    with pytest.raises(TableError, match=r"Store -?0\.0, Date 2020-01-01 has 2 rows"):
        elapsed_since(kind(table), "Flag", **BY)
