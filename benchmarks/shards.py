"""Training from a Parquet file in parts: peak memory, and rows a second, beside the same table in memory.

`python -m benchmarks.shards FILE parts|whole` trains one epoch and prints by how many MB its memory grew at most.
"""

import sys
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from benchmarks.measure import Row, alternate, in_fresh_python, seconds
from benchmarks.tabular import AMOUNTS, CATEGORICAL, RATE, make_frame
from course_utils.tabular import ParquetData, TabularData, TabularLearner, tabular_learner
from course_utils.training import set_seed

GROUP, BUFFER, BATCH, LAST = 50_000, 200_000, 1024, 9  # rows of a group, of the buffer, of a step; the day that validates
SMALL, LECTURE = (50, 20), (1000, 500)


def write(file: Path, rows: int) -> None:
    """As many rows as asked, of the columns of lesson 4, written without being in memory at once."""
    writer = None
    for start in range(0, rows, 4 * GROUP):
        frame = make_frame(min(4 * GROUP, rows - start))
        frame["date"] = range(len(frame))
        frame["date"] %= LAST + 1
        table = pa.Table.from_pandas(frame, preserve_index=False)
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table, row_group_size=GROUP)
    assert writer is not None
    writer.close()


def make_learner(file: Path, how: str, layers: tuple[int, ...]) -> TabularLearner:
    """To train on nine tenths of the rows, which stay in the file ("parts") or not ("whole")."""
    data: TabularData
    if how == "parts":
        valid = ("date", LAST, LAST)
        data = ParquetData.from_parquet(
            file, "sales", CATEGORICAL, AMOUNTS, valid, BATCH, log_target=True, buffer_rows=BUFFER, path=file.parent
        )
    else:
        frame = pd.read_parquet(file)
        rows = (frame["date"] == LAST).to_numpy().nonzero()[0]
        data = TabularData.from_frame(frame, "sales", CATEGORICAL, AMOUNTS, rows, BATCH, log_target=True, path=file.parent)
    return tabular_learner(data.to("cpu"), layers, progress=False)


def rows(quick: bool) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        large, small = Path(folder) / "large.parquet", Path(folder) / "small.parquet"
        write(large, number := 100_000 if quick else 2_000_000)
        write(small, 50_000 if quick else 200_000)
        return [memory(large, number), *speed(small, runs=1 if quick else 5)]


def memory(file: Path, number: int) -> Row:
    name = f"memory to train on {number:,} rows from Parquet in parts / read as a whole"
    if not Path("/proc/self/clear_refs").exists():
        return Row(name, "", "measured on Linux only", None, goal=0.25)
    ours, peer = (in_fresh_python("-m", "benchmarks.shards", str(file), how) for how in ("parts", "whole"))
    return Row(name, f"{ours:,.0f} MB", f"{peer:,.0f} MB", ours / peer, goal=0.25)


def speed(file: Path, runs: int) -> list[Row]:
    """An epoch of the lecture's network, and its mini-batches alone."""
    set_seed(0)
    ours, peer = (make_learner(file, how, LECTURE) for how in ("parts", "whole"))
    trained, found = len(peer.data.train_ds), list[Row]()
    for what, work in (
        ("an epoch of lesson 4's network", lambda learner: learner.fit(RATE, 1)),
        ("the mini-batches alone", lambda learner: [None for _ in learner.data.train_dl]),
    ):
        mine, other, ratio = alternate(lambda w=work: seconds(lambda: w(ours)), lambda w=work: seconds(lambda: w(peer)), runs)
        rates = (f"{trained / time:,.0f} rows/s" for time in (mine, other))
        goal = 1.1 if "epoch" in what else 25
        found.append(Row(f"{what}, {trained:,} rows from Parquet in parts / in memory", *rates, ratio, goal))
    return found


def growth(file: Path, how: str) -> float:
    """By how many MB preparing and training make this process grow at most, by the kernel's count."""

    def count(what: str) -> float:
        return int(Path("/proc/self/status").read_text().split(f"{what}:")[1].split()[0]) * 1024 / 1e6

    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = count("VmRSS")
    learner = make_learner(file, how, SMALL)
    learner.fit(RATE, 1)
    return count("VmHWM") - before


if __name__ == "__main__":
    torch.manual_seed(0)
    print(growth(Path(sys.argv[1]), sys.argv[2]))
