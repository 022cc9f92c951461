"""From Rossmann's seven tables to one that a network can learn from (lecture 2:10:31-2:11:57).

The steps are the lecture's, which took them from the competition's third place; only the loops over rows are gone.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw

from course_utils.tabular.checks import Frame, as_frame, refuse_columns, require_dates
from course_utils.tabular.dates import add_datepart, combine_date, day_number, day_of_week, duration_capped, iso_week
from course_utils.tabular.errors import TableError, engine_errors
from course_utils.tabular.events import elapsed_since, elapsed_until, rolling_sum
from course_utils.tabular.joins import JoinReport, join
from course_utils.tabular.rossmann.tables import expected_tables

if TYPE_CHECKING:
    import numpy as np

CATEGORICAL = (
    *("Store", "DayOfWeek", "Year", "Month", "Day", "StateHoliday", "CompetitionMonthsOpen", "Promo2Weeks", "StoreType"),
    *("Assortment", "PromoInterval", "CompetitionOpenSinceYear", "Promo2SinceYear", "State", "Week", "Events"),
    *("Promo_fw", "Promo_bw", "StateHoliday_fw", "StateHoliday_bw", "SchoolHoliday_fw", "SchoolHoliday_bw"),
)
CONTINUOUS = (
    *("CompetitionDistance", "Max_TemperatureC", "Mean_TemperatureC", "Min_TemperatureC", "Max_Humidity", "Mean_Humidity"),
    *("Min_Humidity", "Max_Wind_SpeedKm_h", "Mean_Wind_SpeedKm_h", "CloudCover", "trend", "trend_DE"),
    *("AfterStateHoliday", "BeforeStateHoliday", "Promo", "SchoolHoliday"),
)
EVENTS = ("Promo", "StateHoliday", "SchoolHoliday")
VALIDATION = ("2014-08-01", "2014-09-17")  # in the lecture: the days of the test set, a year before


@engine_errors("make features of Rossmann's tables")
def build_features(
    tables: Mapping[str, Any],
    report: Callable[[str], object] | None = print,
    weeks: Literal["calendar", "lecture"] = "calendar",
) -> tuple[Any, Any]:
    """Join the seven tables and add what the lecture adds: a table to learn from, and one of the same columns to predict.

    `tables` are those of `read_tables`, or the same in another engine's tables, and so are the results. They hold CATEGORICAL,
    CONTINUOUS, Date and more; Sales to learn from (days without sales are left out), Id to predict.

    Days since and until an event, and the events of seven days, are counted over both tables together: holidays and promotions
    are planned, so a day may know of those ahead. Sales, customers and opening are not known ahead; nothing is made of them.
    Where there was no such day, or none ahead is known, the number of days is 0, as in the lecture.

    The searches of a week, which begins on a Sunday, go to the days of that week. The lecture joined them by year and ISO week,
    which begins on a Monday: so Monday to Saturday got the searches of a week still to come, and the last days of December
    those of the January before. `weeks="lecture"` does that too, to compare with its figures.

    After each join `report` gets a line. A row without a match, a store with two rows for a day, and a table without a column
    or with another type raise a `TableError`. Where the engine is lazy, the checks of rows run queries; `report=None` leaves
    them out there.
    """
    frames = expected_tables(tables)
    train, test = frames["train"].drop("Id", strict=False), frames["test"].drop("Sales", "Customers", strict=False)
    for table in (train, test):
        refuse_columns(table, "trend week")
    if isinstance(train, nw.DataFrame) and not (train["Sales"] != 0).any():
        raise TableError("train: Sales is 0 on all days, so there is nothing to learn from")
    check = report is not None or isinstance(train, nw.DataFrame)

    def add(left: Any, right: Any, on: str | list[str], what: str) -> Any:
        def look(result: JoinReport) -> None:
            if result.unmatched:
                raise TableError(f"{what}: {result}. Complete that table, or leave these rows out")
            if report is not None:
                report(f"{what}: {result}")

        return join(left, right, on, validate="m:1" if check else "m:m", report=look if check else None)

    names = frames["state_names"].select(nw.col("StateName").alias("file"), "State")
    weather = nw.from_native(add(frames["weather"].to_native(), names.to_native(), "file", "weather + state_names"))
    shops = add(_shops(frames["store"].to_native()), frames["store_states"].to_native(), "Store", "store + store_states")

    if weeks not in ("calendar", "lecture"):
        raise TableError(f"expected weeks='calendar' or 'lecture'; got {weeks!r}")
    week = _sunday(nw.col("Date")) if weeks == "calendar" else nw.col("Date").dt.year() * 100 + iso_week(nw.col("Date"))
    states, country = _trends(frames["googletrend"], week)

    days = nw.from_native(_days(train, test, check)).with_columns(week.alias("trend week")).to_native()
    joined = add(days, shops, "Store", "days + store")
    joined = add(joined, states, ["State", "trend week"], "days + googletrend of the state")
    joined = add(joined, country, "trend week", "days + googletrend of the country")
    joined = add(joined, weather.drop("file").to_native(), ["State", "Date"], "days + weather")

    joined = duration_capped(joined, "CompetitionMonthsOpen", "CompetitionOpenSince", "Date", days=30, cap=24)
    joined = duration_capped(joined, "Promo2Weeks", "Promo2Since", "Date", days=7, cap=25)
    return _split(nw.from_native(joined).drop("trend week"))


@engine_errors("split the table by date")
def split_by_date(
    frame: Any, dates: "tuple[str | date | np.datetime64, str | date | np.datetime64]" = VALIDATION, column: str = "Date"
) -> "np.ndarray":
    """Give the numbers of the rows from the first to the last of two dates, both included: the rows that validate.

    Raises a `TableError` where there is none, a date is missing, or the table is lazy and so has no numbers.

    >>> import pandas as pd
    >>> split_by_date(pd.DataFrame({"Date": pd.date_range("2014-07-30", periods=5)})).tolist()
    [2, 3, 4]
    """
    import numpy as np

    table = as_frame(frame, column)
    require_dates(table, column)
    if isinstance(table, nw.LazyFrame):
        raise TableError("the rows of a lazy table have no numbers; collect it first")
    try:
        first, last = (date.fromisoformat(str(day)[:10]) for day in dates)  # also of a time
    except (TypeError, ValueError):
        raise TableError(f"expected two dates like '2014-08-01'; got {dates!r}") from None
    if first > last:
        raise TableError(f"expected the earlier date first; got {first} and {last}")
    if missing := int(table[column].is_null().sum()):
        raise TableError(f"{missing:,} of {len(table):,} rows have no {column}; fill them in or drop them")
    day = table.select(day_number(nw.col(column)).alias("day"))["day"].to_numpy()
    origin = date(1970, 1, 1)
    rows = np.flatnonzero((day >= (first - origin).days) & (day <= (last - origin).days))
    if not len(rows):
        between = f"from {table[column].min():%Y-%m-%d} to {table[column].max():%Y-%m-%d}" if len(table) else "no dates"
        raise TableError(f"no row is from {first} to {last}; the table has {between}")
    return rows


def _days(train: Frame, test: Frame, check: bool) -> Any:
    """Both tables as one, by store and day: what day it is, and what lies before and after it.

    This comes before the joins, while the rows are short.
    """
    flags = [nw.col("Open").cast(nw.Float64), (nw.col("StateHoliday") != "0").alias("StateHoliday")]
    both = nw.concat([train.with_columns(*flags), test.with_columns(*flags)], how="diagonal")  # type: ignore[type-var]
    days = add_datepart(both.to_native(), "Date")
    days = elapsed_since(days, EVENTS, by="Store", date="Date", fill=0, check=check)
    days = elapsed_until(days, EVENTS, by="Store", date="Date", fill=0, check=False)
    for direction in ("backward", "forward"):
        days = rolling_sum(days, EVENTS, by="Store", date="Date", window=7, direction=direction, check=False)
    return days


def _shops(store: Any) -> Any:
    """The shops, with the day on which the competitor opened and that on which the second promotion began.

    Unknown is 1900, as in the lecture: a category of its own, and so long ago that durations say 0.
    """
    unknown = {"CompetitionOpenSinceYear": 1900, "CompetitionOpenSinceMonth": 1, "Promo2SinceYear": 1900, "Promo2SinceWeek": 1}
    shops = as_frame(store).with_columns(*[nw.col(name).fill_null(value).cast(nw.Int64) for name, value in unknown.items()])
    dated = combine_date(
        shops.to_native(), "CompetitionOpenSince", "CompetitionOpenSinceYear", month="CompetitionOpenSinceMonth", day=15
    )
    return combine_date(dated, "Promo2Since", "Promo2SinceYear", week="Promo2SinceWeek")


def _trends(googletrend: Frame, week: nw.Expr) -> tuple[Any, Any]:
    """The searches of each week in each state, and in the whole country."""
    first = nw.col("week").str.slice(0, 10).str.to_datetime(format="%Y-%m-%d")
    trends = googletrend.with_columns(first.alias("Date")).with_columns(week.alias("trend week"))
    whole = nw.col("file") == "Rossmann_DE"
    state = nw.col("file").str.replace_all("Rossmann_DE_", "", literal=True)
    state = nw.when(state == "NI").then(nw.lit("HB,NI")).otherwise(state)  # Bremen and Lower Saxony share one
    states = trends.filter(~whole).select("trend week", "trend", state.alias("State"))
    return states.to_native(), trends.filter(whole).select("trend week", nw.col("trend").alias("trend_DE")).to_native()


def _sunday(date: nw.Expr) -> nw.Expr:
    """Give the day number of the Sunday that begins the week of a date."""
    day = day_number(date)
    return day - day_of_week(day + 1)


def _split(days: Frame) -> tuple[Any, Any]:
    """The days to learn from, which had sales, and those to predict; whole numbers are whole again."""
    train = days.filter(nw.col("Id").is_null() & (nw.col("Sales") != 0)).drop("Id")
    test = days.filter(~nw.col("Id").is_null()).drop("Sales", "Customers")
    train, test = (
        train.with_columns(nw.col("Sales", "Customers").cast(nw.Int64)),
        test.with_columns(nw.col("Id").cast(nw.Int64)),
    )
    return nw.maybe_reset_index(train).to_native(), nw.maybe_reset_index(test).to_native()
