"""Lesson 4's features on the real tables of the competition."""

import numpy as np
import pandas as pd
import pytest

from course_utils.tabular import elapsed_since, elapsed_until, rolling_sum
from course_utils.tabular.rossmann import CATEGORICAL, CONTINUOUS, EVENTS, build_features, read_tables, split_by_date
from tests.tabular import reference

pytestmark = pytest.mark.real_data

SOME_STORES = (1, 13, 85, 262, 622, 909, 988)  # of all kinds: shut for half a year, open on Sundays, without its first day


@pytest.fixture(scope="module")
def tables():
    import os
    from pathlib import Path

    return read_tables(Path(os.environ["COURSE_DATA"]) / "rossmann")


@pytest.fixture(scope="module")
def built(tables):
    lines = []
    return (*build_features(tables, report=lines.append), lines)


def test_the_real_tables_give_the_lectures_844_338_days(tables, built):
    train, test, lines = built
    assert len(train) == 844_338
    assert len(test) == 41_088
    assert len(lines) == 6
    assert all("all" in line and "found a match" in line for line in lines)
    assert test["Id"].tolist() == tables["test"]["Id"].tolist()
    sold = tables["train"][tables["train"]["Sales"] != 0]
    assert train["Sales"].tolist() == sold["Sales"].tolist()


def test_nothing_is_missing_but_what_the_files_do_not_have(built):
    partly = {"CompetitionDistance", "CloudCover", "Events", "PromoInterval"}
    for table in built[:2]:
        missing = table[[*CATEGORICAL, *CONTINUOUS]].isna().sum()
        assert set(missing[missing > 0].index) == partly


def test_the_numbers_stay_in_the_lectures_ranges(built):
    for table in built[:2]:
        assert table["CompetitionMonthsOpen"].between(0, 24).all()
        assert table["Promo2Weeks"].between(0, 25).all()
        for event in EVENTS:
            assert table[[event + "_bw", event + "_fw"]].stack().between(0, 7).all()
            assert table[["After" + event, "Before" + event]].stack().between(0, 200).all()


def test_the_last_six_weeks_of_a_year_before_validate(tables, built):
    rows = split_by_date(built[0])
    assert rows.tolist() == np.flatnonzero(built[0]["Date"].between("2014-08-01", "2014-09-17")).tolist()
    assert 35_000 < len(rows) < 40_000


def test_events_of_some_stores_equal_the_reference(tables):
    both = pd.concat([tables["train"], tables["test"]])
    both["StateHoliday"] = both["StateHoliday"] != "0"
    some = both[both["Store"].isin(SOME_STORES)].reset_index(drop=True)
    found = elapsed_since(some, EVENTS, by="Store", date="Date")
    found = elapsed_until(found, EVENTS, by="Store", date="Date")
    found = rolling_sum(found, EVENTS, by="Store", date="Date")
    for event in EVENTS:
        for prefix, until in (("After", False), ("Before", True)):
            days = [None if pd.isna(number) else number for number in found[prefix + event]]
            assert days == reference.elapsed(some, event, "Store", "Date", until), prefix + event
        assert found[event + "_bw"].tolist() == reference.window_sum(some, event, "Store", "Date", 7)


def test_polars_gives_the_same_table(tables, built):
    polars = pytest.importorskip("polars")
    train, test = build_features({name: polars.from_pandas(table) for name, table in tables.items()}, report=None)
    for found, wanted in ((train, built[0]), (test, built[1])):
        pd.testing.assert_frame_equal(found.to_pandas(), wanted, check_dtype=False)
