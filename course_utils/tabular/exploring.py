"""Looking at tables before anything is learnt: what the columns hold, sales over time, what moves them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from course_utils.errors import CourseError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
STATE_HOLIDAYS = {"0": "none", "a": "public", "b": "Easter", "c": "Christmas"}


def at_a_glance(table: "pd.DataFrame") -> "pd.DataFrame":
    """One row for each column of `table`: its type, the share of rows without it, how many values it has, and three of them.

    >>> import pandas as pd
    >>> at_a_glance(pd.DataFrame({"Store": [1, 1, 2], "Distance": [120.0, None, 4.5]}))
               type  missing  unique    examples
    Store     int64  0.00000       2        1, 2
    Distance  float  0.33333       2  120.0, 4.5
    """
    import pandas as pd

    rows = {}
    for name, column in table.items():
        values = column.dropna().unique()
        rows[str(name)] = {
            "type": _type(column),
            "missing": round(float(column.isna().mean()), 5) if len(column) else 0.0,
            "unique": len(values),
            "examples": ", ".join(_written(value) for value in values[:3]),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _type(column: "pd.Series[Any]") -> str:
    kinds = {"M": "date", "O": "text", "U": "text", "T": "text", "f": "float", "b": "bool"}
    return "text" if str(column.dtype) in ("str", "string", "object") else kinds.get(column.dtype.kind, str(column.dtype))


def _written(value: Any) -> str:
    return str(value.date()) if hasattr(value, "date") else str(value)


def tables_at_a_glance(tables: "Mapping[str, pd.DataFrame]") -> Any:
    """Show `at_a_glance` of several tables in one, with bars for what is missing; a pandas Styler, for a notebook."""
    import pandas as pd

    every = pd.concat({f"{name} ({len(table):,} rows)": at_a_glance(table) for name, table in tables.items()})
    every["missing"] *= 100
    every["unique"] = every["unique"].map("{:,}".format)
    styler = every.rename(columns={"missing": "missing, %"}).style
    styler = styler.bar(subset=["missing, %"], color="#f2b880", vmin=0, vmax=100).format({"missing, %": "{:.1f}"})
    left, top = {"text-align": "left"}, {"vertical-align": "top"}
    return styler.set_properties(subset=["type", "examples"], **left).set_table_styles(
        [{"selector": "th", "props": [*left.items(), *top.items()]}, {"selector": "td", "props": [("padding", "1px 10px")]}]
    )


def show_sales(train: "pd.DataFrame", store: int, start: str | None = None, stop: str | None = None) -> "Figure":
    """Draw one store's sales day by day, promotions shaded, state holidays marked; closed days are gaps.

    `train` has Store, Date, Sales, Open, Promo and StateHoliday, as `rossmann.read_tables` gives them; `start` and `stop` are
    dates, by default the last half year.
    """
    import matplotlib.pyplot as plt
    import pandas as pd

    one = train[train["Store"] == store].sort_values("Date")
    if one.empty:
        raise CourseError(f"there is no store {store!r}; the stores are {train['Store'].min()} to {train['Store'].max()}")
    last = pd.Timestamp(stop) if stop else one["Date"].max()
    first = pd.Timestamp(start) if start else last - pd.DateOffset(months=6)
    one = one[one["Date"].between(first, last)].set_index("Date")
    if one.empty:
        raise CourseError(f"store {store} has no days from {first.date()} to {last.date()}")
    figure, axes = plt.subplots(figsize=(10, 3.2))
    top = one["Sales"].max() * 1.08
    axes.fill_between(
        one.index, 0, top, where=(one["Promo"] == 1).tolist(), step="mid", color="#f2b880", alpha=0.45, lw=0, label="promotion"
    )
    axes.plot(one["Sales"].where(one["Sales"] > 0), ".-", color="#20639b", lw=1, ms=4, label="sales")
    holidays = one.index[one["StateHoliday"].astype(str) != "0"]
    axes.plot(holidays, [0] * len(holidays), "^", color="black", ms=6, clip_on=False, label="state holiday")
    axes.set(title=f"Store {store}: sales per day (gaps: closed)", ylabel="sales", ylim=(0, top), xlim=(first, last))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3, fontsize=8, frameon=False)
    figure.tight_layout()
    plt.close(figure)
    return figure


def show_effects(train: "pd.DataFrame") -> "Figure":
    """Draw how sales of open days depend on weekday and promotion, on the month, and on holidays.

    Each sale is divided by its store's mean on open days first, so that large stores do not hide the rest: 1 is a usual day.
    """
    import matplotlib.pyplot as plt

    days = train[train["Sales"] > 0]
    if days.empty:
        raise CourseError(f"none of the {len(train):,} rows has sales, so there is no effect to draw")
    relative = days["Sales"] / days.groupby("Store")["Sales"].transform("mean")
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), sharey=True, width_ratios=[3, 3, 2.4])
    weekday = days["Date"].dt.day_of_week
    for promo, marker, label in ((1, "o-", "promotion"), (0, "s--", "no promotion")):
        axes[0].plot(relative.groupby(weekday[days["Promo"] == promo]).mean().reindex(range(7)), marker, label=label)
    axes[0].set_xticks(range(7), WEEKDAYS)
    axes[0].legend(fontsize=8)
    axes[0].set(title="weekday and promotion", ylabel="sales, 1 = the store's mean")
    by_month = relative.groupby(days["Date"].dt.month).mean().reindex(range(1, 13))
    axes[1].bar(range(12), by_month, color="#20639b")
    axes[1].set_xticks(range(12), [month[0] for month in MONTHS])
    axes[1].set(title="month")
    kind = days["StateHoliday"].astype(str).map(lambda code: STATE_HOLIDAYS.get(code, code))
    holidays = {"none": relative[(kind == "none") & (days["SchoolHoliday"] == 0)]}
    holidays["school"] = relative[(kind == "none") & (days["SchoolHoliday"] == 1)]
    holidays |= {name: relative[kind == name] for name in STATE_HOLIDAYS.values() if name != "none"}
    axes[2].bar(range(len(holidays)), [values.mean() for values in holidays.values()], color="#3c9d9b")
    axes[2].set_xticks(range(len(holidays)), [f"{name}\n{len(v):,}" for name, v in holidays.items()], fontsize=7)
    axes[2].set(title="holiday (and open days)")
    for axis in axes:
        axis.axhline(1, color="black", lw=0.7)
        axis.grid(axis="y", alpha=0.3)
    figure.tight_layout()
    plt.close(figure)
    return figure
