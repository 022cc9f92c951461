"""The features of lesson 4 on a chain as large as asked, with bounded memory, and the same table written and read.

`python -m benchmarks.scale --rows 1e6 1e7 5e7 --engine polars duckdb` prints time and memory of each. 350 million rows are
a matter of disk (under 40 bytes a row, and what DuckDB spills) and patience. Each size is measured in a process of its own.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import ROOT, Row, seconds

STORES, DAYS, TEST_DAYS = 1_115, 942, 48  # of the competition; each part of our chain is as large as all of it
STATES = ("BadenWuerttemberg", "Bayern", "Berlin", "Hamburg", "Hessen", "NordrheinWestfalen", "Sachsen", "Thueringen")
CODES = ("BW", "BY", "BE", "HH", "HE", "NW", "SN", "TH")
MEMORY = "2GB"  # what DuckDB may use before it writes to disk


def make_chain(folder: Path, rows: int) -> None:
    """Write the seven tables as Parquet: train and test in parts of at most 1,115 stores, each store of 942 and 48 days."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stores = max(1, math.ceil(rows / DAYS))
    dates = np.arange(np.datetime64("2013-01-01"), np.datetime64("2013-01-01") + DAYS + TEST_DAYS)
    rng = np.random.default_rng(0)
    number, part = np.arange(1, stores + 1), 0
    for part, first in enumerate(range(0, stores, STORES)):
        for name, span in (("train", slice(0, DAYS)), ("test", slice(DAYS, None))):
            table = _days(rng, number[first : first + STORES], dates[span], name)
            (folder / name).mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.table(table), folder / name / f"{part:05}.parquet")
    state = number % len(STATES)
    known = rng.random(stores) < 0.5
    small = {
        "store": {
            "Store": number,
            "StoreType": np.array(list("abcd"))[number % 4],
            "Assortment": np.array(list("abc"))[number % 3],
            "CompetitionDistance": rng.integers(1, 7_000, stores) * 10.0,
            "CompetitionOpenSinceMonth": pa.array(rng.integers(1, 13, stores) * 1.0, mask=~known),
            "CompetitionOpenSinceYear": pa.array(rng.integers(2000, 2016, stores) * 1.0, mask=~known),
            "Promo2": known.astype(np.int64),
            "Promo2SinceWeek": pa.array(rng.integers(1, 53, stores) * 1.0, mask=~known),
            "Promo2SinceYear": pa.array(rng.integers(2009, 2016, stores) * 1.0, mask=~known),
            "PromoInterval": pa.array(np.full(stores, "Jan,Apr,Jul,Oct"), mask=~known),
        },
        "store_states": {"Store": number, "State": np.array(CODES)[state]},
        "state_names": {"StateName": STATES, "State": CODES},
        "googletrend": _trends(rng, dates),
        "weather": _weather(rng, dates),
    }
    for name, columns in small.items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")


def _days(rng: np.random.Generator, stores: np.ndarray, dates: np.ndarray, name: str) -> dict[str, Any]:
    """The days of some stores, newest first and all stores of a day together, as in the competition's files."""
    rows = (len(dates), len(stores))
    weekday = (dates.astype(int) + 3) % 7
    day = np.repeat(dates[::-1], len(stores))
    open_ = np.repeat((weekday < 6)[::-1], len(stores)).astype(np.int64)
    holidays = np.repeat(rng.random(len(dates)) < 0.03, len(stores))
    table = {
        "Store": np.tile(stores, len(dates)),
        "DayOfWeek": np.repeat(weekday[::-1] + 1, len(stores)),
        "Date": day,
        "Open": open_ if name == "train" else open_.astype(float),
        "Promo": np.repeat((dates.astype(int) // 7 % 2 * (weekday < 5))[::-1], len(stores)),
        "StateHoliday": np.where(holidays, "a", "0"),
        "SchoolHoliday": (rng.random(rows) < 0.18).astype(np.int64).reshape(-1),
    }
    if name == "test":
        return {"Id": stores[0] * TEST_DAYS + np.arange(day.size), **table}
    sales = rng.integers(1_000, 20_000, day.size) * open_
    return {**table, "Sales": sales, "Customers": sales // 9}


def _trends(rng: np.random.Generator, dates: np.ndarray) -> dict[str, Any]:
    sundays = [first for first in np.arange(dates[0] - 7, dates[-1] + 1) if (first.astype(int) + 4) % 7 == 0]
    files = ["Rossmann_DE", *(f"Rossmann_DE_{code}" for code in CODES)]
    weeks = [f"{first} - {first + 6}" for first in sundays]
    trend = rng.integers(0, 101, len(files) * len(weeks))
    return {"file": np.repeat(files, len(weeks)), "week": weeks * len(files), "trend": trend}


def _weather(rng: np.random.Generator, dates: np.ndarray) -> dict[str, Any]:
    from course_utils.tabular.rossmann import CONTINUOUS

    count = len(dates) * len(STATES)
    measured = [name for name in CONTINUOUS if name.startswith(("Max_", "Mean_", "Min_", "Cloud"))]
    return {
        "file": np.repeat(STATES, len(dates)),
        "Date": np.tile(dates, len(STATES)),
        "Events": np.array(["Rain", "Fog", "Snow"])[rng.integers(0, 3, count)],
        **{name: rng.integers(0, 40, count) * 1.0 for name in measured},
    }


def features_with_polars(folder: Path, out: Path) -> None:
    """Part by part, each from disk to disk: what a feature looks at is a store, and a part holds whole stores."""
    import polars

    from course_utils.tabular.rossmann import TABLES, build_features

    small = {name: polars.scan_parquet(folder / f"{name}.parquet") for name in TABLES if name not in ("train", "test")}
    for part in sorted((folder / "train").iterdir()):
        days = {name: polars.scan_parquet(folder / name / part.name) for name in ("train", "test")}
        train, _ = build_features({**small, **days}, report=None)
        train.sink_parquet(out / part.name)


def features_with_duckdb(folder: Path, out: Path) -> None:
    """One query over everything; what does not fit into `MEMORY` goes to disk on the way."""
    import duckdb

    from course_utils.tabular.rossmann import TABLES, build_features

    connection = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(out / "spilled")})
    connection.execute("set preserve_insertion_order = false")
    paths = {name: f"{folder}/{name}/*.parquet" if name in ("train", "test") else f"{folder}/{name}.parquet" for name in TABLES}
    train, _ = build_features({name: connection.read_parquet(path) for name, path in paths.items()}, report=None)
    train.write_parquet(str(out / "train.parquet"))


def files(folder: Path, out: Path) -> Iterator[tuple[str, float]]:
    """Seconds to write and read the first part's features as Feather, Parquet and CSV, in pandas."""
    import pandas as pd

    from course_utils.tabular import read_table, write_table

    table = read_table(sorted(folder.glob("*.parquet"))[0])
    yield "rows", len(table)
    for suffix in ("feather", "parquet"):
        path = out / f"table.{suffix}"
        yield f"write {suffix}", seconds(lambda path=path: write_table(table, path))
        yield f"read {suffix}", seconds(lambda path=path: read_table(path))
        yield f"bytes {suffix}", path.stat().st_size
    few = table.head(100_000)  # it is slow
    share, path = len(table) / len(few), out / "table.csv"
    yield "write csv", share * seconds(lambda: few.to_csv(path, index=False))
    yield "read csv", share * seconds(lambda: pd.read_csv(path))


ENGINES = {"polars": features_with_polars, "duckdb": features_with_duckdb}


def measure(task: str, *folders: Path) -> dict[str, float]:
    """Run one task in a fresh process: what it measured, its seconds, and the most memory it had, in MB."""
    command = [sys.executable, "-m", "benchmarks.scale", "--task", task, *map(str, folders)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{result.stderr[-2000:]}")
    return json.loads(result.stdout.splitlines()[-1])


def run_task(task: str, folders: list[Path]) -> dict[str, float]:
    start, processor = time.perf_counter(), time.process_time()
    results = dict(files(*folders)) if task == "files" else ENGINES[task](*folders) or {}
    status = Path("/proc/self/status")
    peak = int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024 / 1e6 if status.exists() else math.nan
    return {
        **results,
        "seconds": time.perf_counter() - start,
        "processor seconds": time.process_time() - processor,
        "peak MB": peak,
    }


def measured(sizes: list[int], engines: list[str]) -> dict[tuple[str, int], dict[str, float]]:
    """What each engine needs for the features of each size; and under ("files", ...) what writing and reading needs."""
    results = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make_chain(folder / "chain", size)
            for engine in engines:
                (folder / engine).mkdir()
                results[engine, size] = measure(engine, folder / "chain", folder / engine)
            if size == min(sizes):
                results["files", size] = measure("files", folder / engines[0], folder)
    return results


def rows(quick: bool) -> list[Row]:
    small, large = (200_000, 2_000_000) if quick else (1_000_000, 10_000_000)
    result = measured([small, large], list(ENGINES))
    table = []
    for engine in ENGINES:
        few, many = result[engine, small], result[engine, large]
        each, before = (found["processor seconds"] / size * 1e6 for found, size in ((many, large), (few, small)))
        name = f"features, {engine}, {large:,} rows / {small:,}: processor time per row"
        table.append(Row(name, f"{each:.1f} s/million", f"{before:.1f} s/million", each / before, goal=1.3))
        name = f"features, {engine}, {large:,} rows / {small:,}: peak memory"
        table.append(
            Row(name, f"{many['seconds']:,.0f} s", f"{few['peak MB']:,.0f} MB", many["peak MB"], goal=3_000, unit=" MB")
        )
    found = result["files", small]
    for kind in ("feather", "parquet"):
        for way, goal in (("write", 10), ("read", 2)):
            mine, peer = (found[f"{way} {suffix}"] / found["rows"] * 1e6 for suffix in (kind, "csv"))
            name = f"{way} {kind} / CSV, {found['rows']:,.0f} rows of features (speed)"
            ours = f"{mine:.2f} s/million"
            table.append(Row(name, ours, f"{peer:.1f} s/million", peer / mine, goal=goal, more_is_better=True))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description="Lesson 4's features on a chain as large as asked.")
    parser.add_argument("--rows", nargs="+", type=float, default=[1e6], help="how many days of stores, for instance 1e6 5e7")
    parser.add_argument("--engine", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--task", help=argparse.SUPPRESS)
    parser.add_argument("folders", nargs="*", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        print(json.dumps(run_task(options.task, options.folders)))
        return
    for size in map(int, options.rows):
        for (task, _), found in measured([size], options.engine).items():
            if task == "files":
                print(task, {name: round(value, 3) for name, value in found.items()})
            else:
                each, processor = (found[what] / size * 1e6 for what in ("seconds", "processor seconds"))
                print(
                    f"{size:>13,} rows  {task:<7} {found['seconds']:8.1f} s, for a million rows {each:5.2f} s "
                    f"(processor {processor:5.2f} s); peak {found['peak MB']:,.0f} MB",
                    flush=True,
                )


if __name__ == "__main__":
    main()
