"""The figures of sales, by the numbers behind them."""

import numpy as np
import pandas as pd
import polars
import pytest

from course_utils.errors import CourseError
from course_utils.tabular.rossmann import show_effects, show_sales


@pytest.fixture
def train():
    """Two stores, 2014, closed on Sundays; a promotion doubles sales, store 2 sells ten times as much."""
    dates = pd.date_range("2014-01-01", "2014-12-31")
    frames = []
    for store, level in ((1, 100), (2, 1000)):
        promo = (dates.isocalendar().week % 2).to_numpy().astype(int)
        is_open = (dates.day_of_week < 6).astype(int)
        frame = pd.DataFrame({"Store": store, "Date": dates, "Open": is_open, "Promo": promo, "StateHoliday": "0"})
        frames.append(frame.assign(Sales=level * (1 + promo) * is_open, SchoolHoliday=0))
    return pd.concat(frames, ignore_index=True)


def test_sales_are_drawn_with_gaps_where_the_store_was_closed(train):
    axes = show_sales(train, 2, "2014-03-01", "2014-03-31").axes[0]
    sales = axes.lines[0].get_ydata()
    assert len(sales) == 31
    assert np.isnan(sales).sum() == 5  # Sundays
    assert np.nanmax(sales) == 2000
    with pytest.raises(CourseError, match="no store 7"):
        show_sales(train, 7)
    with pytest.raises(CourseError, match="has no days"):
        show_sales(train, 1, "2019-01-01", "2019-02-01")


def test_effects_are_relative_to_each_stores_mean(train):
    axes = show_effects(train).axes
    with_promo, without = (line.get_ydata() for line in axes[0].lines[:2])
    np.testing.assert_allclose((with_promo / without)[:6], 2)
    assert np.isnan(with_promo[6])
    relative = train[train.Sales > 0].assign(relative=lambda d: d.Sales / d.groupby("Store").Sales.transform("mean"))
    expected = relative.groupby(relative.Date.dt.month).relative.mean()
    np.testing.assert_allclose([bar.get_height() for bar in axes[1].patches], expected)
    with pytest.raises(CourseError, match="none of the 730 rows has sales"):
        show_effects(train.assign(Sales=0))


def test_days_without_rows_are_gaps_that_no_promotion_shades(train):
    one = train[(train.Store == 1) & ~train.Date.between("2014-03-10", "2014-03-23")].assign(Promo=1)
    axes = show_sales(one, 1, "2014-03-01", "2014-03-31").axes[0]
    sales = axes.lines[0].get_ydata()
    assert len(sales) == 31
    assert np.isnan(sales[9:23]).all()
    assert len(axes.collections[0].get_paths()) == 2  # before the gap, and after it
    holidays = one.StateHoliday.where(one.Date != "2014-03-04", "a").where(one.Date != "2014-03-05")
    marked = show_sales(one.assign(StateHoliday=holidays), 1, "2014-03-01", "2014-03-31").axes[0].lines[1].get_xdata()
    assert [str(day)[:10] for day in marked] == ["2014-03-04"]


def test_every_day_is_in_the_panel_of_holidays(train):
    codes = np.array(["0", "a", "z", None], object)[np.arange(len(train)) % 4]
    school = np.where(np.arange(len(train)) % 3, 0, np.nan)
    labels = [
        text.get_text().split("\n")
        for text in show_effects(train.assign(StateHoliday=codes, SchoolHoliday=school)).axes[2].get_xticklabels()
    ]
    assert [name for name, _ in labels] == ["none", "school", "public", "Easter", "Christmas", "z"]
    assert sum(int(rows) for _, rows in labels) == (train.Sales > 0).sum()
    unknown = train.assign(Promo=train.Promo.where(train.Promo == 1))  # missing: no promotion
    lines = [[line.get_ydata() for line in show_effects(table).axes[0].lines] for table in (train, unknown)]
    np.testing.assert_array_equal(lines[0][1], lines[1][1])


def test_tables_of_polars_are_drawn_too(train):
    for draw in (show_effects, lambda table: show_sales(table, 1)):
        assert draw(polars.from_pandas(train)) is not None


@pytest.mark.parametrize("draw", [show_effects, lambda table: show_sales(table, 1)])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="Promo"), "no column 'Promo'"),
        (lambda table: table.astype({"Date": str}), "'Date' should hold dates"),
        (lambda table: table.assign(Sales="many"), "'Sales' should hold numbers"),
        (lambda table: table.assign(Sales=np.nan), "sales"),
        (lambda table: table.head(0), "rows"),
        (lambda table: table.rename(columns={"Open": "Sales"}), "the same name"),
    ],
)
def test_what_cannot_be_drawn_is_named(train, draw, change, message):
    with pytest.raises(CourseError, match=message):
        draw(change(train))


def test_days_that_cannot_be_drawn_are_named(train):
    with pytest.raises(CourseError, match="'nonsense' is not a date"):
        show_sales(train, 1, stop="nonsense")
    with pytest.raises(CourseError, match="store 1 has 2014-12-01 twice"):
        show_sales(pd.concat([train, train[train.Date == "2014-12-01"]]), 1)
