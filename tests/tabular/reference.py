"""What the features mean, in the slowest and most obvious way: one row after the other."""

import calendar

import numpy as np
import pandas as pd


def elapsed(frame, event, by, date, until=False):
    """Days since the last (until the next) day with the event, as the lecture computes them: a loop over all sorted rows."""
    ordered = frame.sort_values([by, date], ascending=[True, not until])
    one_day = np.timedelta64(1, "D")
    group, last, results = None, None, []
    for row_group, on, day in zip(ordered[by].values, ordered[event].values, ordered[date].values, strict=True):
        if row_group != group:
            group, last = row_group, None
        if on and on == on:
            last = day
        results.append(None if last is None else int(abs((day - last).astype("timedelta64[D]") / one_day)))
    return pd.Series(results, index=ordered.index, dtype=object).reindex(frame.index).tolist()


def window_sum(frame, column, by, date, window, forward=False):
    """The sum over the calendar days of the window: look each of them up."""
    days = [day.toordinal() for day in frame[date]]
    values = {}
    for group, day, value in zip(frame[by], days, frame[column], strict=True):
        values[group, day] = 0 if value is None or value != value else value
    step = 1 if forward else -1
    return [
        sum(values.get((group, day + step * away), 0) for away in range(window))
        for group, day in zip(frame[by], days, strict=True)
    ]


def date_parts(day):
    """What Python's own calendar says of a datetime, under the lecture's names."""
    first, last = day.day == 1, day.day == calendar.monthrange(day.year, day.month)[1]
    return {
        "Year": day.year,
        "Month": day.month,
        "Week": day.isocalendar().week,
        "Day": day.day,
        "Dayofweek": day.weekday(),
        "Dayofyear": day.timetuple().tm_yday,
        "Is_month_end": last,
        "Is_month_start": first,
        "Is_quarter_end": last and day.month in (3, 6, 9, 12),
        "Is_quarter_start": first and day.month in (1, 4, 7, 10),
        "Is_year_end": last and day.month == 12,
        "Is_year_start": first and day.month == 1,
        "Elapsed": calendar.timegm(day.timetuple()),
    }


def random_table(seed, stores=None):
    """A table of days: several stores, some days missing, rows in any order, events from never to always."""
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2011-12-01") + pd.Timedelta(days=int(rng.integers(0, 800)))
    parts = []
    for store in rng.choice(1000, stores or rng.integers(1, 5), replace=False):
        days = np.flatnonzero(rng.random(rng.integers(1, 60)) < rng.choice([0.3, 0.9, 1.0]))
        parts.append(pd.DataFrame({"Store": int(store), "Date": start + pd.to_timedelta(days, unit="D")}))
    table = pd.concat(parts, ignore_index=True).astype({"Store": "int64", "Date": "datetime64[us]"})
    table["Holiday"] = rng.random(len(table)) < rng.choice([0, 0.05, 0.3])
    table["Promo"] = (rng.random(len(table)) < rng.choice([0, 0.4, 1])).astype("int64")
    table["Rain"] = np.where(rng.random(len(table)) < 0.2, np.nan, rng.integers(0, 5, len(table)) / 4)
    return table.sample(frac=1, random_state=seed)
