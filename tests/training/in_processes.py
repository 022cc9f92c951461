"""What test_distributed.py runs in one process and in several: each scenario gives numbers, which are to be the same."""

import contextlib
import io
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from torch import nn

from course_utils.errors import CourseError
from course_utils.tabular.data import TabularData
from course_utils.tabular.learner import tabular_learner
from course_utils.tabular.parquet import ParquetData
from course_utils.training import Callback, Data, DivergedError, EarlyStopping, KeepBest, Learner, accuracy, set_seed, storage
from course_utils.training.data import TensorData
from course_utils.training.distributed import processes, rank, world_size
from course_utils.vision import ImageData, transforms_for


def tensors(rows=133, train=101, **options):
    """Three classes of pictures of 3 x 6 x 6 pixels; with mini-batches of 16 the last one has 5."""
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(rows, 3, 6, 6, generator=generator) * 2 + 5
    y = (x.mean((1, 2, 3)) > 5).long() + (x[:, 0].mean((1, 2)) > 5).long()
    return Data.from_tensors((x[:train], y[:train]), (x[train:], y[train:]), batch_size=16, **options)


def network(dropout=0.0, outputs=3):
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()),
        nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8), nn.ReLU()),
        nn.Sequential(nn.Dropout(dropout), nn.Linear(8, outputs)),
    )


def learner(data=None, dropout=0.0, outputs=3, **options):
    set_seed(0)
    model = network(dropout, outputs)
    return Learner(data or tensors(), model, layer_groups=list(model), progress=False, **options)


def seen(fitted):
    """All that a fit leaves behind."""
    predictions = fitted.predict()
    return {
        "epochs": fitted.recorder.epochs,
        "losses": fitted.recorder.losses,
        "weights": [float(t.double().square().sum()) for t in fitted.model.state_dict().values()],
        "names": list(fitted.model.state_dict()),
        "predictions": predictions.values.tolist(),
        "targets": predictions.targets.tolist(),
    }


def classes(folder):
    """Cross-entropy; freezing and unfreezing between fits, batch norms that stand still, clipping, searching for a rate."""
    fitted = learner(metrics=[accuracy], clip=1.0)
    search = fitted.lr_find(start=1e-4, stop=1, steps=12)
    fitted.fit(0.05, 2, cycle_len=1)
    fitted.freeze()
    fitted.fit(0.05, 1)
    fitted.unfreeze()
    fitted.bn_freeze(True)
    fitted.fit([0.01, 0.02, 0.03], 1, weight_decay=0.01)
    return seen(fitted) | {"search": search.losses}


def numbers(folder):
    """Mean squared error, of outputs in a column."""
    plain = tensors()
    (x, _), (valid, _) = plain.train_ds.tensors, plain.valid_ds.tensors
    data = Data.from_tensors((x, x.mean((1, 2, 3))), (valid, valid.mean((1, 2, 3))), batch_size=16)
    fitted = learner(data, outputs=1)
    fitted.fit_one_cycle(0.01, 3)
    return seen(fitted)


class Generated(TensorData):
    """Mini-batches from a generator, as of any loader."""

    def loader(self, split, augment=False, shuffle=False):
        return Counted(super().loader(split, augment, shuffle))


class Counted:
    def __init__(self, batches):
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __iter__(self):
        return ((x, y) for x, y in self.batches)


def odd_sizes(folder):
    """Validation sets and mini-batches with fewer rows than processes: each row once, in order."""
    given = []
    for rows, size in ((1, 16), (2, 1), (33, 16), (35, 4), (5, 3)):
        data = tensors(rows=101 + rows)
        data = Generated(data.train_ds.tensors, data.valid_ds.tensors, batch_size=size)
        given.append(learner(data).predict().targets.tolist())
    return {"targets": given}


def pictures(folder):
    """Pictures from files, without augmentation; 17 of them, so the last of three mini-batches has one and is left out."""
    if rank() == 0:
        generator = np.random.default_rng(0)
        for split, count in {"train": 17, "valid": 9}.items():
            for number in range(count):
                place = folder / "pictures" / split / ("dark" if number % 2 else "light")
                place.mkdir(parents=True, exist_ok=True)
                pixels = generator.integers(0, 128, (40, 48, 3)) + 127 * (number % 2)
                Image.fromarray(pixels.astype(np.uint8)).save(place / f"{number}.png")
    processes().once(lambda: None)
    data = ImageData.from_folders(folder / "pictures", transforms_for("resnet18", 32, augment=None), batch_size=8)
    set_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    fitted = Learner(data, model, metrics=[accuracy], progress=False)
    fitted.fit(0.05, 2)
    return seen(fitted) | {"tta": fitted.tta(n=1).values.tolist()}


def shops():
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"shop": generator.integers(0, 5, 150).astype(str), "size": generator.normal(3, 2, 150)})
    frame["sales"] = np.exp(frame["shop"].astype(int) / 3 + frame["size"] / 10)
    return frame


def table(folder):
    """Rows of a table: several inputs, embeddings, and a logarithm of the target."""
    return learnt_from(TabularData.from_frame(shops(), "sales", ["shop"], ["size"], range(120, 150), 32, log_target=True))


def parquet(folder):
    """The same in row groups of a file, through a buffer of two mini-batches."""
    file = folder / "shops.parquet"
    if rank() == 0:
        pq.write_table(pa.Table.from_pandas(shops().assign(row=range(150))), file, row_group_size=20)
    processes().once(lambda: None)
    valid = ("row", 120, 149)
    return learnt_from(ParquetData.from_parquet(file, "sales", ["shop"], ["size"], valid, 32, log_target=True, buffer_rows=64))


def learnt_from(data):
    set_seed(0)
    fitted = tabular_learner(data, layers=(8, 4), dropout=(0, 0), embedding_dropout=0, progress=False)
    fitted.fit(0.01, 3, cycle_len=1)
    return seen(fitted)


def diverging(folder):
    """Every process ends the fit at the same step, and the learner can be used again."""
    data = tensors()
    data.train_ds.tensors[0][37] = float("nan")  # one row, in one process
    fitted = learner(data)
    try:
        fitted.fit(0.05, 1)
    except DivergedError as error:
        message = str(error)
    data.train_ds.tensors[0][37] = 0
    fitted.fit(0.05, 1)
    return seen(fitted) | {"message": message}


def files(folder):
    """Weights and checkpoints, and going on from them."""
    with pytest.MonkeyPatch.context() as patch:
        return files_written(folder, patch)


def files_written(folder, patch):
    written, replacing = [], storage.replacing
    patch.setattr(storage, "replacing", lambda path: written.append(Path(path).name) or replacing(path))
    fitted = learner(path=folder / "models")
    fitted.fit(0.05, 2, checkpoint="two")
    saved = fitted.save("weights")
    fitted.fit(0.05, 1)
    fitted.load("weights")
    first = seen(fitted)

    class Stop(Callback):
        def after_epoch(self, learner):
            if learner.epoch == 1:
                raise ZeroDivisionError

    whole = learner(path=folder / "models")
    whole.fit(0.05, 3, cycle_len=1)
    stopped = learner(path=folder / "models", callbacks=[Stop()])
    with contextlib.suppress(ZeroDivisionError):
        stopped.fit(0.05, 3, cycle_len=1, checkpoint="half")
    resumed = learner(path=folder / "models")
    resumed.resume("half")
    if rank() == 0:
        (folder / "a file").write_text("")
    fitted.path = folder / "a file"
    try:
        fitted.save("nowhere")
    except CourseError as error:
        message = type(error).__name__
    return {
        "first": first,
        "whole": whole.recorder.losses,
        "resumed": resumed.recorder.losses,
        "there": saved.is_file(),
        "written": written,
        "message": message,
    }


def unlike(folder):
    """What would differ between processes but must not: weights without a seed, random orders; dropout that must."""
    set_seed(rank())
    fitted = Learner(tensors(), network(0.5), progress=False)
    start = [t.tolist() for t in fitted.model.parameters()]
    masks = []
    fitted.model[2][0].register_forward_hook(lambda module, x, y: masks.append((y == 0).tolist()) if module.training else None)
    orders = []

    class Note(Callback):
        def after_epoch(self, learner):
            orders.append(torch.rand(()).item())

    fitted.callbacks.append(Note())
    fitted.fit(0.05, 3)
    return {"start": start, "result": seen(fitted), "masks": masks[:2], "orders": orders}


def shown(folder):
    """What is printed and drawn, though asked for."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        fitted = learner()
        fitted.progress = True
        fitted.fit(0.05, 1)
        fitted.predict()
    return {"shown": len(out.getvalue())}


def stopping(folder):
    """All processes stop at the same epoch, though a metric says something else in each, and leave the weights of the best."""
    values = [[0.5, 0.4, 0.3, 0.6, 0.7, 0.8], [0.9, 0.95, 0.2, 0.1, 0.05, 0.01]][rank()]

    def mine(p, t):
        return values[fitted.epoch]

    watch = {"monitor": "mine", "higher_is_better": False}
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        fitted = learner(metrics=[mine], callbacks=[KeepBest(**watch), EarlyStopping(patience=2, **watch)])
        fitted.fit(0.05, 6)
    numbers = {key: value for key, value in seen(fitted).items() if key != "epochs"}
    if rank() > 0 and out.getvalue():
        raise AssertionError(out.getvalue())
    if rank() == 0:
        (folder / "said").write_text(out.getvalue())
    processes().once(lambda: None)
    return numbers | {"said": (folder / "said").read_text()}


def too_small(folder):
    """Mini-batches of one row."""
    data = tensors()
    fitted = learner(TensorData(data.train_ds.tensors, data.valid_ds.tensors, batch_size=1))
    fitted.model[0][1], fitted.model[1][2] = nn.Identity(), nn.Identity()
    try:
        fitted.fit(0.05, 1)
    except CourseError as error:
        return {"message": str(error)}
    return {"message": ""}


SCENARIOS = (classes, numbers, odd_sizes, pictures, table, parquet, diverging, files, unlike, shown, stopping, too_small)


def found(place):
    """What this process finds, as JSON holds it."""
    results = {scenario.__name__: scenario(place) for scenario in SCENARIOS}
    return json.dumps(results | {"joined": torch.distributed.is_initialized()})


if __name__ == "__main__":
    (Path(sys.argv[1]) / f"{rank()} of {world_size()}.json").write_text(found(Path(sys.argv[1])))
