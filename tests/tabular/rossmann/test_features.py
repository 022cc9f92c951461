"""Seven files in, two tables out: each column against a look-up by hand, and what is said when a file is wrong."""

import datetime
import gzip

import numpy as np
import pandas as pd
import pytest

from course_utils.tabular import TableError
from course_utils.tabular.rossmann import CATEGORICAL, CONTINUOUS, EVENTS, build_features, read_tables, split_by_date
from tests.tabular import reference
from tests.tabular.engines import rows
from tests.tabular.rossmann.chain import STATES, make_tables, write_tables


@pytest.fixture
def folder(tmp_path):
    return write_tables(tmp_path, make_tables(), packed=["train", "weather"])


@pytest.fixture(scope="module")
def tables_read(tmp_path_factory):
    return read_tables(write_tables(tmp_path_factory.mktemp("chain"), make_tables(), packed=["train", "weather"]))


@pytest.fixture
def tables(tables_read):
    """The tables of the files, for a test to change."""
    return {name: table.copy() for name, table in tables_read.items()}


def test_the_lecture_has_22_categorical_and_16_continuous_columns():
    assert (len(set(CATEGORICAL)), len(set(CONTINUOUS)), len({*CATEGORICAL, *CONTINUOUS})) == (22, 16, 38)


def test_tables_are_read_in_their_types(folder):
    tables = read_tables(folder)
    raw = make_tables()
    for name, table in tables.items():
        assert len(table) == len(raw[name])
    assert tables["train"]["Date"].dtype.kind == "M"
    assert set(tables["train"]["StateHoliday"]) == {"0", "a", "c"}  # never the number 0
    assert tables["store"]["CompetitionDistance"].isna().tolist() == [False, True, False]
    assert tables["store"]["PromoInterval"].isna().tolist() == [True, False, False]


def test_numbers_and_text_mixed_in_state_holiday_become_text(folder):
    """Half of the column without quotes, half with, as pandas reads the real file in parts."""
    lines = (folder / "test.csv").read_text().splitlines()
    (folder / "test.csv").write_text("\n".join([lines[0], *(line.replace(",0,", ',"0",', 1) for line in lines[1:])]))
    assert read_tables(folder)["test"]["StateHoliday"].map(type).eq(str).all()


def by_hand(raw):
    """Each row of both tables, with what a person would look up for it."""
    train, test = raw["train"], raw["test"]
    both = pd.concat([train, test], ignore_index=True)
    both["Date"] = pd.to_datetime(both["Date"])
    both["StateHoliday"] = both["StateHoliday"] != "0"
    events = {}
    for event in EVENTS:
        for prefix, until in (("After", False), ("Before", True)):
            days = reference.elapsed(both, event, "Store", "Date", until)
            events[prefix + event] = [0 if number is None else number for number in days]
        events[event + "_bw"] = reference.window_sum(both, event, "Store", "Date", 7)
        events[event + "_fw"] = reference.window_sum(both, event, "Store", "Date", 7, forward=True)
    weather = {(row["file"], row["Date"]): row for row in rows(raw["weather"])}
    names = dict(zip(raw["state_names"]["State"], raw["state_names"]["StateName"], strict=True))
    trends = {(row["file"], row["week"][:10]): row["trend"] for row in rows(raw["googletrend"])}
    shops = {row["Store"]: row for row in rows(raw["store"])}
    for number, row in enumerate(rows(both)):
        day, state = row["Date"], STATES[row["Store"]]
        sunday = day - datetime.timedelta(days=day.isoweekday() % 7)
        code = {"HB,NI": "NI"}.get(state, state)
        wanted = {**row, **reference.date_parts(day), **shops[row["Store"]], "State": state}
        wanted |= {name: values[number] for name, values in events.items()}
        wanted |= {k: v for k, v in weather[names[state], f"{day:%Y-%m-%d}"].items() if k not in ("file", "Date")}
        wanted["trend"] = trends[f"Rossmann_DE_{code}", f"{sunday:%Y-%m-%d}"]
        wanted["trend_DE"] = trends["Rossmann_DE", f"{sunday:%Y-%m-%d}"]
        for name, unknown in (("CompetitionOpenSince", (1900, 1)), ("Promo2Since", (1900, 1))):
            part = "Month" if name == "CompetitionOpenSince" else "Week"
            for kind, value in zip(("Year", part), unknown, strict=True):
                wanted[name + kind] = value if wanted[name + kind] is None else wanted[name + kind]
        opened = datetime.datetime(wanted["CompetitionOpenSinceYear"], wanted["CompetitionOpenSinceMonth"], 15)
        promoted = datetime.datetime.fromisocalendar(wanted["Promo2SinceYear"], wanted["Promo2SinceWeek"], 1)
        wanted["CompetitionOpenSince"], wanted["Promo2Since"] = opened, promoted
        wanted["CompetitionMonthsOpen"] = 0 if opened.year < 1990 else min(max((day - opened).days, 0) // 30, 24)
        wanted["Promo2Weeks"] = 0 if promoted.year < 1990 else min(max((day - promoted).days, 0) // 7, 25)
        yield wanted


def test_every_column_of_every_row_is_what_one_looks_up(engine):
    raw = make_tables()
    typed = typed_tables(raw)
    converted = {name: engine(table) for name, table in typed.items()}
    lines = []
    report = None if engine.name in ("spark", "duckdb") else lines.append  # there, every line is a query that takes seconds
    train, test = build_features(converted, report=report)
    assert isinstance(train, type(converted["train"]))
    assert len(lines) == (6 if report else 0)
    wanted = list(by_hand(raw))
    for found, key, keep in (
        (train, ["Store", "Date"], [row for row in wanted if row["Id"] is None and row["Sales"] != 0]),
        (test, ["Id"], [row for row in wanted if row["Id"] is not None]),
    ):
        found = rows(found, *key)
        keep.sort(key=lambda row: [row[name] for name in key])
        assert len(found) == len(keep)
        assert {*CATEGORICAL, *CONTINUOUS, "Date", *key} <= set(found[0])
        for name in found[0]:
            assert [row[name] for row in found] == [row[name] for row in keep], name


def typed_tables(raw):
    """As `read_tables` gives them, without files."""
    tables = {name: table.copy() for name, table in raw.items()}
    for name in ("train", "test", "weather"):
        tables[name]["Date"] = pd.to_datetime(tables[name]["Date"], format="%Y-%m-%d").astype("datetime64[us]")
    tables["test"]["Open"] = tables["test"]["Open"].astype(float)
    return tables


def test_the_lectures_weeks_are_there_for_comparison(tables):
    """The week whose first day, a Sunday, is in the same year and ISO week."""
    trend = tables["googletrend"]
    first = [datetime.datetime.fromisoformat(week[:10]) for week in trend["week"]]
    both = zip(trend["file"], first, trend["trend"], strict=True)
    wanted = {(day.year, day.isocalendar().week): value for file, day, value in both if file == "Rossmann_DE"}
    days = tables["train"]["Date"]
    tables["train"] = tables["train"][(days >= "2014-12-01") & (days < "2014-12-29")]
    tables["test"] = tables["test"].assign(Date=pd.Timestamp("2015-01-05")).drop_duplicates("Store")
    tables["test"]["Date"] = tables["test"]["Date"].astype(days.dtype)
    for table in build_features(tables, report=None, weeks="lecture"):
        assert table["trend_DE"].tolist() == [wanted[day.year, day.isocalendar().week] for day in table["Date"]]
    with pytest.raises(TableError, match="'calendar' or 'lecture'; got 'iso'"):
        build_features(tables, report=None, weeks="iso")


def test_the_tables_of_the_files_give_the_same(tables):
    read, made = build_features(tables, report=None), build_features(typed_tables(make_tables()), report=None)
    for found, wanted in zip(read, made, strict=True):
        pd.testing.assert_frame_equal(found, wanted, check_dtype=False)


def test_rows_keep_their_order_and_are_numbered_anew(tables):
    train, test = build_features(tables, report=None)
    sold = tables["train"][tables["train"]["Sales"] != 0]
    assert train[["Store", "Date"]].values.tolist() == sold[["Store", "Date"]].values.tolist()
    assert train.index.tolist() == list(range(len(sold)))
    assert test["Id"].tolist() == tables["test"]["Id"].tolist()
    assert "Sales" not in test
    assert "Customers" not in test
    assert (train["Sales"].dtype, test["Id"].dtype) == ("int64", "int64")


def test_nothing_is_made_of_what_is_not_known_ahead(tables):
    """Sales, customers and opening, of any day, change no feature; nor do flags of the days to come those of the past."""
    features = [*CATEGORICAL, *CONTINUOUS]
    before = build_features(tables, report=None)
    changed = {**tables, "train": tables["train"].copy(), "test": tables["test"].copy()}
    sold = changed["train"]["Sales"] != 0
    changed["train"].loc[sold, "Sales"] = 1
    changed["train"]["Customers"] = 7
    changed["train"]["Open"] = 1
    changed["test"]["Open"] = np.nan
    for found, wanted in zip(build_features(changed, report=None), before, strict=True):
        pd.testing.assert_frame_equal(found[features], wanted[features])

    changed = {**tables, "test": tables["test"].assign(Promo=1, SchoolHoliday=1, StateHoliday="a")}
    for found, wanted in zip(build_features(changed, report=None)[:1], before[:1], strict=True):
        past = [name for name in features if not name.startswith("Before") and not name.endswith("_fw")]
        pd.testing.assert_frame_equal(found[past], wanted[past])


def test_the_tables_given_stay_as_they_were(tables):
    given = {name: table.copy() for name, table in tables.items()}
    build_features(tables, report=None)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, given[name])


@pytest.mark.parametrize("engine", ["pandas", "polars lazy"], indirect=True)  # one drop for all engines
def test_ids_and_sales_of_the_other_table_change_nothing(engine):
    typed = typed_tables(make_tables())
    more = {**typed, "train": typed["train"].assign(Id=7), "test": typed["test"].assign(Sales=0, Customers=0)}
    kinds = [build_features({name: engine(table) for name, table in kind.items()}, report=None) for kind in (typed, more)]
    for wanted, found in zip(*kinds, strict=True):
        assert rows(found, "Store", "Date") == rows(wanted, "Store", "Date")


def test_a_table_without_sales_is_refused(tables):
    with pytest.raises(TableError, match="train: Sales is 0 on all days"):
        build_features({**tables, "train": tables["train"].assign(Sales=0)}, report=None)


def test_tables_of_two_engines_are_refused(tables):
    polars = pytest.importorskip("polars")
    with pytest.raises(TableError, match="train is of pandas and weather of polars"):
        build_features({**tables, "weather": polars.from_pandas(tables["weather"])})


def test_a_week_that_is_none_is_named(tables):
    with pytest.raises(TableError, match="googletrend: column week holds 'soon'; expected weeks like"):
        build_features({**tables, "googletrend": tables["googletrend"].assign(week="soon")})


def test_a_column_that_would_be_lost_is_refused(tables):
    with pytest.raises(TableError, match="has a column 'trend week'"):
        build_features({**tables, "train": tables["train"].assign(**{"trend week": 1})})


def test_a_new_store_is_named(tables):
    tables["test"].loc[3, "Store"] = 99
    with pytest.raises(TableError, match=r"days \+ store: joined on Store: 1 of 160 rows found no match, the first: Store 99"):
        build_features(tables, report=None)


def test_a_day_without_weather_is_named(tables):
    weather = tables["weather"]
    tables["weather"] = weather[(weather["file"] != "Hessen") | (weather["Date"] != pd.Timestamp("2014-12-06"))]
    with pytest.raises(TableError, match=r"days \+ weather: .* 2 of 160 rows .* State HE, Date 2014-12-06"):
        build_features(tables, report=None)


def test_a_week_without_searches_is_named(tables):
    tables["googletrend"] = tables["googletrend"].query("not (file == 'Rossmann_DE' and week.str.startswith('2014-12-07'))")
    with pytest.raises(TableError, match=r"googletrend of the country: .* rows found no match"):
        build_features(tables, report=None)


def test_a_day_that_comes_twice_is_named(tables):
    tables["train"] = pd.concat([tables["train"], tables["train"].iloc[[0]]])
    with pytest.raises(TableError, match=r"Store 1, Date 2015-01-19 has 2 rows"):
        build_features(tables, report=None)
    tables["store"] = pd.concat([tables["store"]] * 2)
    with pytest.raises(TableError, match=r"the left table has|the right table has 2 rows for Store 1"):
        build_features({**tables, "train": tables["train"].iloc[:-1]}, report=None)


def test_tables_that_are_missing_empty_or_of_other_types(tables):
    with pytest.raises(TableError, match="so weather is missing"):
        build_features({name: table for name, table in tables.items() if name != "weather"})
    with pytest.raises(TableError, match="test has no rows"):
        build_features({**tables, "test": tables["test"].head(0)})
    with pytest.raises(TableError, match=r"train: the table has no column 'Promo'"):
        build_features({**tables, "train": tables["train"].drop(columns="Promo")})
    mixed = tables["train"].assign(StateHoliday=[0, "a"] + [0] * (len(tables["train"]) - 2))
    with pytest.raises(
        TableError,
        match=r"train: column StateHoliday holds values of several types as Python's objects; expected text\. .*read_tables",
    ):
        build_features({**tables, "train": mixed})
    with pytest.raises(TableError, match=r"weather: column Date holds text; expected dates"):
        build_features({**tables, "weather": tables["weather"].astype({"Date": "str"})})


def test_files_that_are_missing(folder):
    (folder / "weather.csv.gz").unlink()
    (folder / "state_names.csv").unlink()
    with pytest.raises(
        TableError, match=r"has no state_names.csv or state_names.csv.gz, and none of weather\. train, test and store"
    ):
        read_tables(folder)
    with pytest.raises(TableError, match=r"nowhere has no train\.csv"):
        read_tables(folder / "nowhere")


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (
            "test",
            "2015-01-21",
            "21.01.2015",
            r"test.csv, line 17: column Date holds '21.01.2015'; expected dates like 2015-07-31",
        ),
        ("test", "2015-01-21", "2015-02-30", r"test.csv, line 17: column Date holds '2015-02-30'"),
        ("test", "2015-01-21", "", r"test.csv, line 17: column Date holds nothing"),
        ("store", "1270.0", "far", r"store.csv, line 2: column CompetitionDistance holds 'far'; expected numbers"),
        ("store", "\n2,", "\n,", r"store.csv, line 3: column Store holds nothing; expected whole numbers"),
        ("store", "\n2,", "\n2.5,", r"store.csv, line 3: column Store holds '2.5'; expected whole numbers"),
        ("store_states", "HE", "", r"store_states.csv, line 2: column State holds nothing; expected text"),
        (
            "googletrend",
            "2014-12-07 -",
            "week 49 -",
            r"googletrend.csv, line 3: column week holds 'week 49 - .*'; expected weeks",
        ),
        (
            "store",
            "StoreType",
            "Type",
            r"store.csv has no column 'StoreType'; expected Store, .*; its first line has Store, Type",
        ),
        ("test", ",", ";", r"test.csv has no columns 'Store', .* divided by commas; its first line has Id;Store"),
    ],
)
def test_values_that_do_not_fit_are_named_with_their_line(folder, name, old, new, message):
    path = folder / f"{name}.csv"
    text = path.read_text()
    path.write_text(text.replace(old, new, -1 if new == ";" else 1))
    with pytest.raises(TableError, match=message):
        read_tables(folder)


def test_files_that_are_empty_or_damaged(folder):
    path = folder / "store.csv"
    whole = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(TableError, match=r"store\.csv is empty; expected a first line with Store"):
        read_tables(folder)
    path.write_bytes(whole.splitlines()[0])
    with pytest.raises(TableError, match=r"store\.csv has a first line but no rows"):
        read_tables(folder)
    path.write_bytes(whole + b"4,a,a,1,1,2000,0,,,,,,,\n")
    with pytest.raises(TableError, match=r"store\.csv, line \d: it has 14 values, more than the 10 names"):
        read_tables(folder)
    path.write_bytes(whole.replace(b"Jan", b"J\xe4n"))
    with pytest.raises(TableError, match=r"store\.csv cannot be read as CSV"):
        read_tables(folder)
    path.unlink()
    for packed in (gzip.compress(whole)[:-30], b"not packed"):
        (folder / "store.csv.gz").write_bytes(packed)
        with pytest.raises(TableError, match=r"store\.csv\.gz cannot be read as CSV"):
            read_tables(folder)


def test_a_byte_order_mark_and_windows_lines_are_read(folder):
    path = folder / "store.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_tables(folder)["store"]["Store"].tolist() == [1, 2, 3]


def test_validation_is_a_range_of_days(tables):
    train, _ = build_features(tables, report=None)
    found = split_by_date(train, ("2014-12-30", datetime.date(2015, 1, 3)))
    wanted = [n for n, day in enumerate(train["Date"]) if pd.Timestamp("2014-12-30") <= day <= pd.Timestamp("2015-01-03")]
    assert found.tolist() == wanted
    assert found.dtype.kind == "i"
    with pytest.raises(
        TableError, match=r"no row is from 2014-08-01 to 2014-09-17; the table has from 2014-12-01 to 2015-01-19"
    ):
        split_by_date(train)
    with pytest.raises(TableError, match="expected two dates like"):
        split_by_date(train, ("1 August", "17 September"))
    polars = pytest.importorskip("polars")
    assert split_by_date(polars.from_pandas(train), ("2014-12-30", "2015-01-03")).tolist() == wanted
    with pytest.raises(TableError, match="collect it first"):
        split_by_date(polars.from_pandas(train).lazy())


def test_dates_that_divide_nothing_are_refused():
    table = pd.DataFrame({"Date": pd.date_range("2014-07-30", periods=5)})
    for first in (datetime.datetime(2014, 8, 1, 5), pd.Timestamp("2014-08-01"), np.datetime64("2014-08-01")):
        assert split_by_date(table, (first, "2014-08-02")).tolist() == [2, 3]
    for wrong in ((None, "2014-08-02"), ("2014-08-02",), None, (pd.NaT, pd.NaT)):
        with pytest.raises(TableError, match="expected two dates like"):
            split_by_date(table, wrong)
    with pytest.raises(TableError, match="expected the earlier date first; got 2014-08-02 and 2014-08-01"):
        split_by_date(table, ("2014-08-02", "2014-08-01"))
    for missing, count in ((table.index, 5), ([1], 1)):
        holes = table.copy()
        holes.loc[missing, "Date"] = pd.NaT
        with pytest.raises(TableError, match=f"{count} of 5 rows have no Date; fill them in or drop them"):
            split_by_date(holes, ("2014-08-01", "2014-08-02"))
