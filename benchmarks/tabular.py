"""Training on a table: against a loop by hand, a DataLoader of rows, and fastai's tabular learner, all on the processor.

`python -m benchmarks.tabular ROWS` trains on a table of so many rows and prints by how many MB its memory grew at most.
"""

import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.measure import Row, alternate, in_fresh_python, seconds
from course_utils.tabular import TabularData, TabularLearner, TabularModel, embedding_size, tabular_learner
from course_utils.tabular.learner import ADAMW, squared_log_error
from course_utils.training import set_seed

# as many categories as the columns of lesson 4 have, and its network
CARDINALITIES = [1115, 7, 3, 12, 31, 2, 25, 26, 4, 3, 4, 23, 8, 12, 52, 21, 6, 6, 3, 3, 8, 8]
CONTINUOUS, LAYERS, RATE, TOP = 16, (1000, 500), 1e-3, 12.0
ROWS, MILLION = 800_000, 1_000_000
CATEGORICAL = [f"category {i}" for i in range(len(CARDINALITIES))]
AMOUNTS = [f"amount {i}" for i in range(CONTINUOUS)]


def make_frame(rows: int) -> pd.DataFrame:
    """Random categories, numbers but for every fifth column of words, random amounts, and sales."""
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {}
    for i, (name, n) in enumerate(zip(CATEGORICAL, CARDINALITIES, strict=True)):
        codes = np.concatenate([np.arange(n), rng.integers(0, n, rows - n)])
        columns[name] = codes if i % 5 < 4 else np.array([f"word {code}" for code in range(n)], object)[codes]
    columns |= {name: rng.standard_normal(rows) for name in AMOUNTS}
    return pd.DataFrame({**columns, "sales": rng.integers(1000, 20_000, rows)})


def make_learner(frame: pd.DataFrame, chosen: torch.Tensor, batch_size: int, folder: str) -> TabularLearner:
    """Ours, to train on the `chosen` rows of a table that is in memory as a whole, and to validate on its last."""
    valid = np.arange(len(frame) - batch_size, len(frame))
    whole = TabularData.from_frame(frame, "sales", CATEGORICAL, AMOUNTS, valid, log_target=True)
    targets = torch.from_numpy(frame["sales"].to_numpy(np.float32))
    rows, names = {"train": chosen, "valid": torch.from_numpy(valid)}, np.arange(len(frame))
    data = TabularData(
        whole.preprocessor, whole.inputs("train"), targets, rows, names, batch_size, log_target=True, path=folder
    )
    return tabular_learner(data.to("cpu"), LAYERS, y_range=(0.0, TOP), progress=False)


def network() -> TabularModel:
    set_seed(0)
    sizes = [(n + 1, embedding_size(n + 1)) for n in CARDINALITIES]
    return TabularModel(sizes, CONTINUOUS, LAYERS, y_range=(0.0, TOP))


def train(model: TabularModel, batches: Iterable[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]) -> None:
    """The loop that one would write by hand, with the same optimiser as ours."""
    optimizer = ADAMW(model.parameters(), lr=RATE)
    model.train()
    for codes, values, sales in batches:
        optimizer.zero_grad()
        squared_log_error(model(codes, values), sales).backward()
        optimizer.step()


def by_index(tensors: tuple[torch.Tensor, ...], rows: torch.Tensor, batch_size: int) -> Iterator[Any]:
    for batch in rows[torch.randperm(len(rows))].split(batch_size):
        yield tuple(tensor[batch] for tensor in tensors)


def fastai_epoch(frame: pd.DataFrame, rows: np.ndarray, batch_size: int, codes: np.ndarray) -> Callable[[], Any]:
    """Its tabular learner with the same embeddings, layers, dropout and range, and no batch norms but the lecture's."""
    from fastai.callback.progress import ProgressCallback  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from fastai.tabular.all import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
        Categorify,
        RegressionBlock,
        TabularPandas,
        tabular_config,
    )
    from fastai.tabular.all import tabular_learner as fastai_learner

    table = frame[AMOUNTS].astype(np.float32)
    table[CATEGORICAL] = codes.astype(np.int64)
    table["sales"] = np.log(frame["sales"]).astype(np.float32)
    valid = range(len(table) - batch_size, len(table))
    splits = (list(rows), list(valid))
    pandas = TabularPandas(table, [Categorify], CATEGORICAL, AMOUNTS, "sales", RegressionBlock(), splits)
    loaders = pandas.dataloaders(bs=batch_size, device=torch.device("cpu"))
    sizes = {name: embedding_size(n + 1) for name, n in zip(CATEGORICAL, CARDINALITIES, strict=True)}
    config = tabular_config(ps=[0.001, 0.01], embed_p=0.04, use_bn=False, y_range=(0, TOP))
    learner = fastai_learner(loaders, list(LAYERS), emb_szs=sizes, config=config)
    learner.remove_cb(ProgressCallback)

    def epoch() -> None:
        with learner.no_logging():
            learner.fit(1, RATE)

    return epoch


def rows(quick: bool) -> list[Row]:
    """Epochs of some hundred steps, their rows anywhere in the table; a step of a longer epoch takes the same time."""
    set_seed(0)
    number, runs = (20_000, 1) if quick else (ROWS, 7)
    frame, table = make_frame(number), list[Row]()
    for batch_size, steps in ((128, 20 if quick else 200), (1024, 4 if quick else 30)):
        chosen = torch.randperm(number - batch_size)[: steps * batch_size].sort().values
        with tempfile.TemporaryDirectory() as folder:
            table += compare(make_learner(frame, chosen, batch_size, folder), frame, chosen, runs)
    return [*table, memory(MILLION // 10 if quick else MILLION)]


def compare(learner: TabularLearner, frame: pd.DataFrame, chosen: torch.Tensor, runs: int) -> list[Row]:
    """One batch size: a fit of one epoch by ours, and by each peer, by turns; then the mini-batches alone."""
    data, size, steps, model = learner.data, learner.data.batch_size, len(chosen) // learner.data.batch_size, network()
    tensors = (*data.inputs("train"), torch.from_numpy(frame["sales"].to_numpy(np.float32)))
    of_rows = DataLoader(TensorDataset(*(tensor[chosen] for tensor in tensors)), size, shuffle=True)

    def row(name: str, ours: Callable[[], Any], peer: Callable[[], Any], goal: float, more_is_better: bool) -> Row:
        ours(), peer()  # the first of each is slower
        mine, other, ratio = alternate(lambda: seconds(ours), lambda: seconds(peer), runs)
        mine_ms, other_ms = (f"{value / steps * 1e3:.2f} ms" for value in (mine, other))
        return Row(name, mine_ms, other_ms, 1 / ratio if more_is_better else ratio, goal, more_is_better)

    def fit() -> None:
        learner.fit(RATE, 1)

    name = f"a step of {size} rows out of {len(frame):,}"
    found = [
        row(f"{name} / loop by hand", fit, lambda: train(model, by_index(tensors, chosen, size)), 1.05, False),
        row(f"its {size} rows alone / DataLoader of rows", lambda: list(data.train_dl), lambda: list(of_rows), 3.0, True),
    ]
    if not find_spec("fastai"):
        return [*found, Row(f"{name} / fastai", "", "not installed (make bench does it)", None, 1.5, True)]
    fastai = fastai_epoch(frame, chosen.numpy(), size, tensors[0].numpy())
    return [*found, row(f"{name} / fastai", fit, fastai, 1.5, True)]


def memory(number: int) -> Row:
    name = f"memory to train on {number:,} rows, beside the table itself"
    if not Path("/proc/self/clear_refs").exists():
        return Row(name, "", "measured on Linux only", None, goal=1_000, unit=" MB")
    grown = in_fresh_python("-m", "benchmarks.tabular", str(number))
    own = make_frame(20_000).memory_usage(deep=True).sum() * number / 20_000 / 1e6
    return Row(name, f"{grown:,.0f} MB", f"the table: {own:,.0f} MB", grown, goal=1_000, unit=" MB")


def growth(number: int) -> float:
    """By how many MB the peak of preparing and training lies above what the table in memory needs, by the kernel's count."""
    frame = make_frame(number)

    def count(what: str) -> float:
        return int(Path("/proc/self/status").read_text().split(f"{what}:")[1].split()[0]) * 1024 / 1e6

    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = count("VmRSS")
    with tempfile.TemporaryDirectory() as folder:
        valid = np.arange(number // 10)
        data = TabularData.from_frame(frame, "sales", CATEGORICAL, AMOUNTS, valid, 1024, log_target=True, path=folder)
        learner = tabular_learner(data.to("cpu"), LAYERS, progress=False)
        learner.fit(RATE, 1)
        learner.predict()
    return count("VmHWM") - before


if __name__ == "__main__":
    print(growth(int(sys.argv[1])))
