"""Looking at Rossmann's sales before anything is learnt: one store's days, and what moves the sales of all."""

from typing import TYPE_CHECKING, Any

from course_utils.errors import CourseError
from course_utils.figures import BLUE, GREEN, PALE_ORANGE, new_figure, plain
from course_utils.tabular.errors import TableError
from course_utils.tabular.exploring import in_pandas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
STATE_HOLIDAYS = {"0": "none", "a": "public", "b": "Easter", "c": "Christmas"}


def show_sales(train: Any, store: int, start: str | None = None, stop: str | None = None) -> "Figure":
    """Draw one store's sales day by day, promotions shaded, state holidays marked; days that are closed or not there are gaps.

    `train` has Store, Date, Sales, Promo and StateHoliday (missing: none), as `rossmann.read_tables` gives them; `start` and
    `stop` are dates, by default the last half year. Raises a `CourseError` where there is nothing to draw.
    """
    import pandas as pd

    days = in_pandas(train, "Store", "StateHoliday", dates=["Date"], numbers=["Sales", "Promo"]).dropna(subset="Date")
    if days.empty:
        raise TableError("the table has no rows with a date; give one with sales to draw")
    one = days[days["Store"] == store].set_index("Date").sort_index()
    if one.empty:
        raise CourseError(f"there is no store {store!r}; the stores are {days['Store'].min()} to {days['Store'].max()}")
    last = _day(stop) if stop else one.index.max()
    first = _day(start) if start else last - pd.DateOffset(months=6)
    one = one[first:last]
    if one.empty or not one["Sales"].max() > 0:
        raise CourseError(f"store {store} has no days with sales from {first.date()} to {last.date()}")
    if not one.index.is_unique:
        raise TableError(f"store {store} has {one.index[one.index.duplicated()][0].date()} twice; give one row for each day")
    one = one.reindex(pd.date_range(first, last))
    figure = new_figure(10, 3.2)
    axes = figure.subplots()
    top = one["Sales"].max() * 1.08
    axes.fill_between(
        one.index,
        0,
        top,
        where=(one["Promo"] == 1).tolist(),
        step="mid",
        color=PALE_ORANGE,
        alpha=0.45,
        lw=0,
        label="promotion",
    )
    axes.plot(one["Sales"].where(one["Sales"] > 0), ".-", color=BLUE, lw=1, ms=4, label="sales")
    holidays = one.index[_holidays(one) != "0"]
    axes.plot(holidays, [0] * len(holidays), "^", color="black", ms=6, clip_on=False, label="state holiday")
    axes.set(
        title=f"Store {plain(store)}: sales per day (gaps: closed, or no data)",
        ylabel="sales",
        ylim=(0, top),
        xlim=(first, last),
    )
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3, fontsize=8, frameon=False)
    return figure


def _day(text: str) -> "pd.Timestamp":
    import pandas as pd

    day = pd.to_datetime(text, errors="coerce")
    if pd.isna(day):
        raise CourseError(f"{text!r} is not a date; write it as '2015-07-31'")
    return day


def _holidays(days: "pd.DataFrame") -> "pd.Series[str]":
    """The codes of state holidays; a missing one is "0", none."""
    return days["StateHoliday"].astype(object).fillna("0").astype(str)


def show_effects(train: Any) -> "Figure":
    """Draw how sales of open days depend on weekday and promotion, on the month, and on holidays.

    Each sale is divided by its store's mean on open days first, so that large stores do not hide the rest: 1 is a usual day.
    Where it is missing whether there is a promotion or holiday, there is none.
    """
    table = in_pandas(train, "Store", "StateHoliday", dates=["Date"], numbers=["Sales", "Promo", "SchoolHoliday"])
    days = table[table["Sales"] > 0]
    if days.empty:
        raise CourseError(f"none of the {len(table):,} rows has sales, so there is no effect to draw")
    relative = days["Sales"] / days.groupby("Store")["Sales"].transform("mean")
    figure = new_figure(10, 3.2)
    axes = figure.subplots(1, 3, sharey=True)
    weekday = days["Date"].dt.day_of_week
    for promo, marker, label in ((True, "o-", "promotion"), (False, "s--", "no promotion")):
        axes[0].plot(relative.groupby(weekday[(days["Promo"] == 1) == promo]).mean().reindex(range(7)), marker, label=label)
    axes[0].set_xticks(range(7), WEEKDAYS)
    axes[0].legend(fontsize=8)
    axes[0].set(title="weekday and promotion", ylabel="sales, 1 = the store's mean")
    by_month = relative.groupby(days["Date"].dt.month).mean().reindex(range(1, 13))
    axes[1].bar(range(12), by_month, color=BLUE)
    axes[1].set_xticks(range(12), [month[0] for month in MONTHS])
    axes[1].set(title="month")
    kind = _holidays(days).replace(STATE_HOLIDAYS)
    kind = kind.mask((kind == "none") & (days["SchoolHoliday"] == 1), "school")
    kinds = dict.fromkeys(["none", "school", *STATE_HOLIDAYS.values(), *sorted(kind.unique())])
    holidays = relative.groupby(kind).agg(["mean", "size"]).reindex(list(kinds))
    axes[2].bar(range(len(holidays)), holidays["mean"], color=GREEN)
    rows = holidays["size"].fillna(0).items()
    axes[2].set_xticks(range(len(holidays)), [f"{plain(name, 20)}\n{number:,.0f}" for name, number in rows], fontsize=7)
    axes[2].set(title="holiday (and open days)")
    for axis in axes:
        axis.axhline(1, color="black", lw=0.7)
        axis.grid(axis="y", alpha=0.3)
    return figure
