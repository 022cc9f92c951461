import math

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.data.samples import stores
from course_utils.errors import CourseError
from course_utils.tabular import TabularData, TabularModel, embedding_size, read_preprocessor, rossmann, tabular_learner
from course_utils.tabular.baselines import random_forest
from course_utils.training import Callback, Learner, StorageError, rmspe, set_seed


def made_up(rows=1500, seed=0):
    """Sales that are a product of what a store, a week day and a distance make of them, so a network can learn them."""
    rng = np.random.default_rng(seed)
    store, day, distance = rng.integers(1, 13, rows), rng.integers(0, 3, rows), rng.random(rows)
    effect = 0.1 * np.sin(store * 1.7) * day
    return pd.DataFrame(
        {
            "store": store,
            "day": np.array(["Mon", "Tue", "Sun"])[day],
            "distance": np.where(rng.random(rows) < 0.1, np.nan, distance),
            "sales": np.exp(8 + 0.2 * np.sin(store) + effect + 0.2 * distance).round(),
        }
    )


def data_of(frame, folder, **options):
    options = {"valid_idx": range(0, len(frame), 5), "batch_size": 32, "log_target": True, "path": folder, **options}
    return TabularData.from_frame(frame, "sales", ["store", "day"], ["distance"], **options).to("cpu")


@pytest.fixture(scope="module")
def frame():
    return made_up()


@pytest.fixture
def data(frame, tmp_path):
    return data_of(frame, tmp_path, test=made_up(20, seed=1).drop(columns="sales"))


def small(data, **options):
    set_seed(0)
    return tabular_learner(data, layers=(32, 16), progress=False, **options)


def by_hand(model, codes, values):
    """The lecture's network, written down without modules."""
    weights = dict(model.named_parameters())
    x = torch.cat([weights[f"embeddings.{i}.weight"][codes[:, i]] for i in range(codes.shape[1])], 1)
    mean, var = (
        (values.mean(0), values.var(0, unbiased=False))
        if model.training
        else (
            model.normalise.running_mean,
            model.normalise.running_var,
        )
    )
    values = (values - mean) / (var + 1e-5).sqrt() * weights["normalise.weight"] + weights["normalise.bias"]
    x = torch.cat([x, values], 1)
    for i in range(len(model.layers)):
        x = (x @ weights[f"layers.{i}.0.weight"].T + weights[f"layers.{i}.0.bias"]).clamp(min=0)
    x = x @ weights["output.weight"].T + weights["output.bias"]
    low, high = model.y_range
    return (low + (high - low) / (1 + (-x).exp())).squeeze(1)


def test_the_network_is_the_lectures(data):
    model = small(data).model
    codes, values = (part[:50] for part in data.inputs("train"))
    model.eval()
    assert torch.allclose(model(codes, values), by_hand(model, codes, values), atol=1e-5)
    model.train()
    for dropout in (m for m in model.modules() if isinstance(m, nn.Dropout)):
        dropout.p = 0.0
    assert torch.allclose(model(codes, values), by_hand(model, codes, values), atol=1e-5)


def test_sizes_by_the_rule_and_by_hand(data):
    assert [embedding_size(n) for n in (1, 2, 3, 8, 13, 99, 100, 1116)] == [1, 1, 2, 4, 7, 50, 50, 50]
    assert [tuple(e.weight.shape) for e in small(data).model.embeddings] == [(13, 7), (4, 2)]
    chosen = small(data, embedding_sizes={"store": 3})
    assert [tuple(e.weight.shape) for e in chosen.model.embeddings] == [(13, 3), (4, 2)]
    assert chosen.model.layers[0][0].in_features == 3 + 2 + 2  # the embeddings, the distance and its flag
    with pytest.raises(CourseError, match="embedding_sizes names 'shop'; the categorical columns are store, day"):
        small(data, embedding_sizes={"shop": 3})


def test_the_defaults_are_the_lectures(data):
    learner = tabular_learner(data, progress=False)
    linear = [m for m in learner.model.modules() if isinstance(m, nn.Linear)]
    assert [m.out_features for m in linear] == [1000, 500, 1]
    assert [m.p for m in learner.model.modules() if isinstance(m, nn.Dropout)] == [0.04, 0.001, 0.01]
    assert learner.model.y_range == pytest.approx((0, 1.2 * math.log(data.targets("train").max())))
    assert isinstance(learner.optimizer, torch.optim.AdamW)
    assert learner.metrics == [rmspe]


def test_weights_start_where_they_should():
    set_seed(0)
    model = TabularModel([(1000, 50)], 4, layers=(400, 300))
    weight = model.embeddings[0].weight
    assert not weight[0].any()
    assert weight.abs().max() <= 2 / 51
    assert weight[1:].std().item() == pytest.approx(2 / 51 / math.sqrt(3), rel=0.02)
    assert model.layers[1][0].weight.std().item() == pytest.approx(math.sqrt(2 / 400), rel=0.02)
    assert not model.output.bias.any()


def test_the_output_stays_in_its_range(frame, tmp_path):
    codes, values = torch.zeros(500, 1, dtype=torch.long), torch.randn(500, 3) * 100
    model = TabularModel([(4, 2)], 3, (8,), (0.0,), y_range=(2.0, 5.0))
    outputs = model(codes, values)
    assert 2 <= outputs.min() < outputs.max() <= 5
    for free in (None, (-math.inf, math.inf)):
        model = TabularModel([(4, 2)], 3, (8,), (0.0,), y_range=free)
        nn.init.constant_(model.output.bias, 100.0)
        assert model(codes, values * 0).min() > 50
    plain = data_of(frame, tmp_path, log_target=False)
    assert small(plain).model.y_range == pytest.approx((0, 1.2 * plain.targets("train").max().item()))
    assert small(plain, y_range=(1.0, 2.0)).model.y_range == (1.0, 2.0)
    negative = data_of(frame.assign(sales=frame["sales"] - 3000), tmp_path, log_target=False)
    assert small(negative).model.y_range is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": (10, 5), "dropout": (0.1,)}, "2 layers and 1 share of dropout"),
        ({"dropout": (0.1, 1.0)}, "a dropout is 1.0"),
        ({"embedding_dropout": -0.1}, "a dropout is -0.1"),
        ({"dropout": 0.1}, "dropout=0.1 were given; give both for each layer"),
        ({"layers": (0, 5)}, "has 0 numbers; give a whole number"),
        ({"y_range": (1.0,)}, "y_range is"),
        ({"y_range": ()}, "y_range is"),
        ({"y_range": (5.0, 5.0)}, "y_range is"),
        ({"y_range": (0.0, math.inf)}, "y_range is"),
        ({"y_range": (math.nan, 1.0)}, "y_range is"),
    ],
)
def test_impossible_networks_are_refused(options, message):
    with pytest.raises(CourseError, match=message):
        TabularModel([(3, 2)], 2, **options)


def test_an_epoch_is_a_loop_over_index_batches(data):
    """The Learner's losses are those of a loop written by hand, to the bit."""
    learner = small(data)
    hand = small(data).model
    optimizer = torch.optim.Adam(hand.parameters(), lr=0.01, fused=True)
    (codes, values), rows = data.inputs("train"), data.rows("train")
    log_sales = torch.from_numpy(np.log(made_up()["sales"].to_numpy(np.float32)))
    set_seed(5)
    losses = []
    hand.train()
    for batch in rows[torch.randperm(len(rows))].split(32):
        optimizer.zero_grad()
        loss = F.mse_loss(hand(codes[batch], values[batch]), log_sales[batch])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    set_seed(5)
    learner.fit(0.01, 1)
    assert learner.recorder.losses == pytest.approx(losses, rel=1e-5)
    for have, want in zip(learner.model.parameters(), hand.parameters(), strict=True):
        assert torch.allclose(have, want, atol=1e-5)


def test_it_learns_and_its_metrics_are_on_the_original_scale(data, frame):
    learner = small(data)
    learner.fit(0.01, 2, cycle_len=8)
    results = learner.validate()
    predictions = learner.predict()
    actual = frame["sales"].iloc[::5].to_numpy()
    assert predictions.values.shape == (300,)
    assert predictions.targets.tolist() == actual.tolist()
    assert predictions.items == [str(row) for row in range(0, 1500, 5)]
    predicted = predictions.values.double().numpy()
    assert results["rmspe"] == pytest.approx(np.sqrt(np.mean((1 - predicted / actual) ** 2)), rel=1e-6)
    assert results["rmspe"] < 0.09  # 0.15 without a model
    assert results["valid loss"] == pytest.approx(np.mean((np.log(predicted) - np.log(actual)) ** 2), rel=1e-4)
    test = learner.predict("test")
    assert test.targets is None
    assert rmspe(test.values, torch.tensor(made_up(20, seed=1)["sales"])) < 0.12


def test_without_logarithms(frame, tmp_path):
    data = data_of(frame, tmp_path, log_target=False)
    learner = small(data)
    learner.fit(0.01, 2)
    predictions = learner.predict()
    error = (predictions.values - predictions.targets).double()
    assert learner.validate()["valid loss"] == pytest.approx((error**2).mean().item(), rel=1e-5)


def test_a_single_new_row(data, frame, capsys):
    learner = small(data)
    learner.fit(0.01, 1)
    whole = learner.predict("valid")
    row = frame.iloc[[5]].drop(columns="sales")
    alone = learner.predict_rows(row)
    assert alone.values.tolist() == pytest.approx([whole.values[1].item()], rel=1e-5)
    assert (alone.items, alone.targets) == (["5"], None)
    unknown = pd.DataFrame([{"store": 77, "day": "Mon", "distance": None, "Id": 9}])
    prediction = learner.predict_rows(unknown, label="Id")
    assert prediction.items == ["9"]
    assert prediction.values.isfinite().all()
    assert "column 'store': 1 row of a category that was not in the training rows, such as 77" in capsys.readouterr().out
    with pytest.raises(CourseError, match="no column 'day'"):
        learner.predict_rows(row.drop(columns="day"))


def test_embeddings_by_name(data):
    learner = small(data)
    table = learner.embedding("day")
    assert table.index.tolist() == ["Mon", "Sun", "Tue"]
    assert table.index.name == "day"
    assert np.array_equal(table.to_numpy(), learner.model.embeddings[1].weight.detach()[1:])
    with pytest.raises(CourseError, match="'distance' has no embedding; these have: store, day"):
        learner.embedding("distance")


def test_weights_are_saved_with_the_preprocessor(data, frame, tmp_path):
    learner = small(data)
    learner.fit(0.01, 1)
    file = learner.save("first")
    assert read_preprocessor(file) == data.preprocessor
    again = small(data_of(frame, tmp_path, preprocessor=read_preprocessor(file)))
    again.load("first")
    assert torch.equal(again.predict().values, learner.predict().values)

    before = [p.clone() for p in learner.model.parameters()]
    fewer = frame[frame["store"] != 3].reset_index(drop=True).replace({"store": {4: 99}})
    other = small(data_of(fewer, tmp_path), embedding_sizes={"store": 7})
    with pytest.raises(StorageError, match="saved with other categories or scales"):
        other.load("first")
    other_scale = small(data_of(frame.assign(distance=frame["distance"] * 2), tmp_path))
    with pytest.raises(StorageError, match="read_preprocessor"):  # the same shapes, another meaning
        other_scale.load("first")
    assert all(torch.equal(a, b) for a, b in zip(before, learner.model.parameters(), strict=True))
    with pytest.raises(StorageError, match="no weights at"):
        learner.load("second")


def test_weights_for_another_range_or_target_are_refused(frame, tmp_path):
    data = data_of(frame, tmp_path)
    free, bounded = small(data), small(data, y_range=(0.0, 1.0))
    free.model.y_range = None
    free.save("free")
    bounded.save("bounded")
    for learner, name in ((bounded, "free"), (free, "bounded")):
        with pytest.raises(StorageError, match=r"y_range is .* there and .* here"):
            learner.load(name)
    data.target = "another"
    with pytest.raises(StorageError, match=r"the target is .* there and 'another' here"):
        bounded.load("bounded")


def test_files_without_a_preprocessor_are_named(data, tmp_path):
    learner = small(data)
    plain = Learner(data, learner.model, progress=False).save("plain")
    (tmp_path / "text.safetensors").write_text("nothing")
    for file in (plain, tmp_path / "text.safetensors", tmp_path / "none.safetensors"):
        with pytest.raises(StorageError, match="holds no preprocessor"):
            read_preprocessor(file)


def test_other_data_must_be_prepared_in_the_same_way(data, frame, tmp_path):
    learner = small(data)
    later = data_of(made_up(200, seed=7), tmp_path, preprocessor=data.preprocessor)
    learner.set_data(later)
    assert len(learner.predict()) == 40
    with pytest.raises(CourseError, match="prepared in another way"):
        learner.set_data(data_of(made_up(200, seed=7), tmp_path))
    with pytest.raises(CourseError, match="it needs a TabularData or a ParquetData"):
        tabular_learner(frame)


def test_only_one_kind_of_column(frame, tmp_path):
    for columns in (["store"], []), ([], ["distance"]):
        data = TabularData.from_frame(frame, "sales", *columns, range(9), log_target=True, path=tmp_path).to("cpu")
        learner = small(data)
        learner.fit(0.01, 1)
        assert math.isfinite(learner.validate()["rmspe"])


def test_the_learners_other_tools_work(data):
    learner = small(data)
    learner.lr_find(steps=5)
    assert "TabularModel" in str(learner.summary())
    learner.fit(0.01, 1, checkpoint="half")
    assert (learner.path / "half.checkpoint").is_file()


@pytest.mark.thorough
def test_on_the_sample_it_beats_a_forest_and_nears_the_noise_floor(tmp_path):
    stores.draw(tmp_path)
    train, _ = rossmann.build_features(rossmann.read_tables(tmp_path), report=None)
    columns = rossmann.CATEGORICAL, rossmann.CONTINUOUS
    data = TabularData.from_frame(train, "Sales", *columns, rossmann.split_by_date(train), log_target=True, path=tmp_path)
    set_seed(0)
    learner = tabular_learner(data, layers=(200, 100), progress=False)
    learner.fit(3e-3, 1, cycle_len=12)
    reached = learner.validate()["rmspe"]
    assert stores.NOISE_FLOOR * 0.97 < reached < stores.NOISE_FLOOR * 1.1
    forest = random_forest(data)
    assert reached < rmspe(forest.values, forest.targets)


@pytest.mark.parametrize("size", [-1, 0, 2.5])
def test_embeddings_of_no_size_are_refused(data, size):
    with pytest.raises(CourseError, match=f"has {size} numbers"):
        small(data, embedding_sizes={"day": size})


@pytest.mark.parametrize(("limit", "number"), [(1e6, 1), (1e3, 2)])
def test_a_small_network_computes_in_one_thread_and_gives_the_others_back(data, frame, monkeypatch, limit, number):
    seen = []

    class CountThreads(Callback):
        def after_step(self, learner):
            seen.append(torch.get_num_threads())
            if learner.epoch == 1:
                raise KeyboardInterrupt

    monkeypatch.setattr("course_utils.tabular.learner.SMALL", limit)  # this network has 32 * 848 multiplications
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        learner = small(data, callbacks=[CountThreads()])
        learner.model.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
        learner.fit(1e-3, 2)  # stopped in its second epoch
        for use in (learner.validate, learner.predict, lambda: learner.predict_rows(frame.head(3))):
            use()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {number}
