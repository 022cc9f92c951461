"""Days since and until three events, over as many rows as the competition has: ours, and the lecture's loop over rows."""

from functools import partial

import numpy as np
import pandas as pd

from benchmarks.measure import Row, alternate, seconds
from course_utils.tabular import elapsed_since, elapsed_until
from tests.tabular import reference

EVENTS = ("Promo", "StateHoliday", "SchoolHoliday")
STORES, SHUT = 1_115, 180  # of the chain; of those, without rows in the second half of 2014


def days_of_the_chain(stores: int = STORES) -> pd.DataFrame:
    """Rows as in the competition's train.csv: newest day first, all stores of a day together; 1,017,209 of them."""
    rng = np.random.default_rng(0)
    dates = pd.date_range("2013-01-01", "2015-07-31")[::-1]
    table = pd.DataFrame({"Store": np.tile(np.arange(1, stores + 1), len(dates)), "Date": np.repeat(dates, stores)})
    for event, share in zip(EVENTS, (0.38, 0.03, 0.18), strict=True):
        on = rng.random((len(dates), 16)) < share  # stores of a state share their calendar
        table[event] = on[:, np.arange(stores) % 16].reshape(-1).astype(np.int64)
    shut = (table["Store"] <= stores * SHUT // STORES) & table["Date"].between("2014-07-01", "2014-12-31")
    return table[~shut].iloc[:-1].reset_index(drop=True)  # one store came a day late


def ours(table: object) -> object:
    table = elapsed_since(table, EVENTS, by="Store", date="Date", fill=0)
    return elapsed_until(table, EVENTS, by="Store", date="Date", fill=0, check=False)


def loop(table: pd.DataFrame) -> list[list[int | None]]:
    return [reference.elapsed(table, event, "Store", "Date", until) for event in EVENTS for until in (False, True)]


def rows(quick: bool) -> list[Row]:
    table = days_of_the_chain(30 if quick else STORES)
    tables = {"pandas": table}
    try:
        import polars

        tables["polars"] = polars.from_pandas(table)
    except ImportError:
        pass
    results, runs = [], 1 if quick else 3
    for engine, goal in (("pandas", 10), ("polars", 40)):
        name = f"days since and until, {len(table):,} rows, {engine} / loop over rows"
        if engine not in tables:
            results.append(Row(name, "", "polars is not installed", None, goal=goal, more_is_better=True))
            continue
        given = tables[engine]
        ours(given.head(1000))  # imports
        mine, peer, ratio = alternate(partial(seconds, partial(ours, given)), partial(seconds, partial(loop, table)), runs)
        results.append(Row(name, f"{mine:.2f} s", f"{peer:.1f} s", 1 / ratio, goal=goal, more_is_better=True))
    return results
