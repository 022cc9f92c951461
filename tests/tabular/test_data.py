import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch

from course_utils.errors import CourseError
from course_utils.tabular import Preprocessor, TableError, TabularData
from course_utils.training import set_seed

CATEGORICAL, CONTINUOUS = ["store", "day"], ["distance", "promo"]


def made_up(rows=103, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "Id": np.arange(1000, 1000 + rows),
            "store": rng.integers(1, 9, rows),
            "day": rng.choice(["Mon", "Tue", "Sun"], rows),
            "distance": np.where(rng.random(rows) < 0.2, np.nan, rng.random(rows) * 1000),
            "promo": rng.integers(0, 2, rows),
            "sales": rng.integers(1000, 9000, rows),
        }
    )


VALID = [3, 50, 7, 102]


def data_of(frame, **options):
    options = {"valid_idx": VALID, "batch_size": 16, "log_target": True, **options}
    return TabularData.from_frame(frame, "sales", CATEGORICAL, CONTINUOUS, **options).to("cpu")


@pytest.fixture
def frame():
    return made_up()


@pytest.fixture
def data(frame):
    return data_of(frame, test=made_up(20, seed=1).drop(columns="sales"))


def test_every_row_is_in_its_split_once(data, frame):
    valid = sorted(VALID)
    train = [row for row in range(103) if row not in VALID]
    assert data.items("valid") == [str(row) for row in valid]
    assert data.items("train") == [str(row) for row in train]
    assert data.items("test") == [str(row) for row in range(20)]
    assert data.targets("train").tolist() == frame["sales"][train].tolist()
    assert data.targets("valid").tolist() == frame["sales"][valid].tolist()
    assert data.targets("test") is None
    assert (len(data.train_ds), len(data.valid_ds), len(data.test_ds)) == (99, 4, 20)
    assert (data.task, data.classes) == ("regression", None)


def test_rows_are_what_the_preprocessor_makes_of_them(data, frame):
    train = frame.drop(index=VALID)
    expected = Preprocessor(CATEGORICAL, CONTINUOUS).fit(train)
    assert data.preprocessor == expected
    codes, values = expected.transform(frame.iloc[sorted(VALID)])
    (x_codes, x_values), y = next(iter(data.valid_dl))
    assert np.array_equal(x_codes, codes)
    assert np.array_equal(x_values, values)
    assert x_codes.dtype == torch.int64
    assert x_values.dtype == y.dtype == torch.float32
    (codes_2, values_2), y_2 = data.valid_ds[2]
    assert torch.equal(codes_2, x_codes[2])
    assert torch.equal(values_2, x_values[2])
    assert y_2 == y[2]
    assert data.test_ds[0][1] is None


def test_a_shuffled_pass_takes_every_training_row_once_in_a_new_order(frame):
    data = data_of(frame.assign(distance=np.arange(103.0)))
    set_seed(0)
    loader = data.train_dl
    passes = [list(loader) for _ in range(2)]
    assert [len(y) for _, y in passes[0]] == [16] * 6 + [3]
    assert len(loader) == 7
    order = [torch.cat([y for _, y in batches]) for batches in passes]
    assert not torch.equal(*order)
    assert torch.equal(order[0].sort().values, data.targets("train").sort().values)
    whole = {
        tuple(row): y
        for row, y in zip(data.inputs("train")[1][data.rows("train")].tolist(), data.targets("train"), strict=True)
    }
    for (_, values), y in passes[1]:
        assert [whole[tuple(row)] for row in values.tolist()] == y.tolist()  # inputs and targets stay together
    set_seed(0)
    assert torch.equal(torch.cat([y for _, y in data.train_dl]), order[0])


def test_a_last_training_batch_of_one_row_is_left_out():
    data = data_of(made_up(), valid_idx=range(103 - 33))
    assert [len(y) for _, y in data.train_dl] == [16, 16]
    assert len(data.train_dl) == 2
    assert sum(len(y) for _, y in data.loader("train")) == 33  # not where nothing is learnt from it


def test_batches_to_evaluate_are_in_order_and_large(data):
    (_, values), y = next(iter(data.loader("train")))
    assert len(values) == 99
    assert torch.equal(y, data.targets("train"))
    assert [y for _, y in data.test_dl] == [None]


def test_predictions_are_on_the_targets_own_scale(data, frame):
    outputs = torch.tensor([[0.0], [1.0]])
    assert torch.allclose(data.activation(outputs), torch.tensor([1.0, 2.718282]))
    plain = data_of(frame, log_target=False)
    assert plain.activation(outputs).tolist() == [0.0, 1.0]


def test_rows_have_names(frame):
    test = made_up(5, seed=1).drop(columns="sales")
    assert data_of(frame, label="Id").items("valid") == ["1003", "1007", "1050", "1102"]
    assert data_of(frame.drop(columns="Id"), label="Id", test=test).items("test") == ["1000", "1001", "1002", "1003", "1004"]
    named = frame.set_index(pd.Index([f"row {i}" for i in range(103)]))
    assert data_of(named).items("valid") == ["row 3", "row 7", "row 50", "row 102"]
    polars = pl.from_pandas(frame)
    assert data_of(polars).items("valid") == ["3", "7", "50", "102"]
    assert data_of(polars.lazy(), label="Id").items("valid") == ["1003", "1007", "1050", "1102"]


def test_polars_gives_the_same(data, frame):
    other = data_of(pl.from_pandas(frame))
    for have, want in zip(other.inputs("train"), data.inputs("train"), strict=True):
        assert torch.equal(have, want)
    assert torch.equal(other.targets("valid"), data.targets("valid"))


def test_validation_rows_teach_nothing(frame, capsys):
    frame.loc[VALID, "store"], frame.loc[VALID, "distance"] = 99, 1e9
    data = data_of(frame)
    assert 99 not in data.preprocessor.categories["store"]
    assert data.preprocessor.scales["distance"].mean < 1000
    assert (data.inputs("valid")[0][data.rows("valid")][:, 0] == 0).all()
    assert "such as 99; they count as unknown" in capsys.readouterr().out


def test_a_preprocessor_can_be_used_again(frame):
    first = data_of(frame)
    other = made_up(40, seed=5)
    again = data_of(other, preprocessor=first.preprocessor, valid_idx=[0])
    assert again.preprocessor is first.preprocessor
    with pytest.raises(TableError, match=r"preprocessor is for the columns \['store', 'day', 'distance', 'promo'\]"):
        TabularData.from_frame(other, "sales", ["store"], CONTINUOUS, [0], preprocessor=first.preprocessor)


def test_several_splits_share_their_tensors(data):
    assert data.inputs("train")[0] is data.inputs("valid")[0]
    assert data.to("cpu") is data


BROKEN = [
    (lambda f: f.drop(columns=["day", "promo"]), {}, "no columns 'day', 'promo'; its columns are Id, store"),
    (lambda f: f.drop(columns="sales"), {}, "no column 'sales'"),
    (lambda f: f.iloc[:0], {}, "the table has no rows"),
    (lambda f: f.assign(sales=f["sales"].astype(str)), {}, "target, column 'sales', should hold numbers but holds text"),
    (
        lambda f: f.assign(sales=f["sales"].where(f["store"] > 1)),
        {},
        r"'sales', is missing or infinite in \d+ rows, first \d+; drop",
    ),
    (lambda f: f.assign(sales=np.inf), {}, "missing or infinite in 103 rows, first 0"),
    (lambda f: f.assign(sales=f["sales"].where(f.index != 6, 0)), {}, "no logarithm, in 1 row, first 6; .*log_target=False"),
    (lambda f: f.assign(sales=-1.5), {}, "is 0 or less"),
    (lambda f: f.assign(distance="far"), {}, "'distance' is continuous"),
    (lambda f: f, {"valid_idx": []}, "valid_idx names no rows"),
    (lambda f: f, {"valid_idx": [[1], [2]]}, r"valid_idx has the shape \(2, 1\)"),
    (lambda f: f, {"valid_idx": [1, 103]}, "valid_idx goes from 1 to 103, but the rows are numbered 0 to 102"),
    (lambda f: f, {"valid_idx": [-1]}, "valid_idx goes from -1 to -1"),
    (lambda f: f, {"valid_idx": [1, 2, 2]}, "names 1 row twice"),
    (lambda f: f, {"valid_idx": range(103)}, "names all 103 rows"),
    (lambda f: f, {"valid_idx": [0.5]}, "valid_idx holds float64"),
    (lambda f: f, {"valid_idx": [True, False]}, "valid_idx has 2 truths for 103 rows"),
    (lambda f: f, {"valid_idx": np.arange(103) < 103}, "names all 103 rows"),
    (lambda f: f, {"valid_idx": np.arange(103) > 103}, "names no rows"),
    (lambda f: f, {"test": made_up(3).drop(columns="day")}, "the test table: the table has no column 'day'"),
    (lambda f: f, {"test": made_up(3).iloc[:0]}, "the test table: it has no rows"),
    (lambda f: f, {"test": made_up(3).assign(day=1)}, "the test table: column 'day' holds numbers but held text"),
    (lambda f: f, {"batch_size": 0}, "batch_size is 0"),
]


def test_names_that_nearly_fit():
    table = pd.DataFrame({"Id": [7, 8, 9], "x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0]})
    given = {"target": "y", "categorical": [], "continuous": ["x"], "valid_idx": [0]}
    for changed, message in (
        (table.rename(columns={"x": "X"}), r"no column 'x'; its columns are Id, X, y\. Did you mean 'X'\?"),
        (table.rename(columns={"x": "x "}), r"Did you mean 'x '\?"),
        (table.set_index("x"), r"'x' is its index; table\.reset_index\(\) makes it a column"),
    ):
        with pytest.raises(TableError, match=message):
            TabularData.from_frame(changed, **given)
    for test in (None, table[["x"]]):
        with pytest.raises(TableError, match="label is 'ID', and there is no such column; the columns are Id, x, y"):
            TabularData.from_frame(table, **given, label="ID", test=test)
    assert TabularData.from_frame(table[["x", "y"]], **given, label="Id", test=table).items("test") == ["7", "8", "9"]
    with pytest.raises(TableError, match=r"in their order, which a set does not have; give a list, \['a', 'x'\]"):
        TabularData.from_frame(table, **{**given, "continuous": {"x", "a"}})


def test_targets_that_32_bits_do_not_tell_apart():
    """Seconds since 1970: float32 has steps of 128 of them."""
    times = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [1.6e9, 1.6e9 + 1, 1.6e9 + 60]})
    with pytest.raises(TableError, match="numbers of this size have steps of 128 in 32 bits; take the smallest off them"):
        TabularData.from_frame(times, "y", [], ["x"], [0])
    less = times.assign(y=times["y"] - times["y"].min())
    assert TabularData.from_frame(less, "y", [], ["x"], [0]).targets("train").tolist() == [1, 60]
    assert TabularData.from_frame(times.assign(y=1.6e9), "y", [], ["x"], [0]).targets("train").tolist() == [1.6e9] * 2


@pytest.mark.parametrize(("change", "options", "message"), BROKEN)
def test_what_cannot_be_learnt_from_is_named(frame, change, options, message):
    with pytest.raises(CourseError, match=message):
        data_of(change(frame), **options)


def test_the_target_is_no_input(frame):
    with pytest.raises(TableError, match="'store' is the target"):
        TabularData.from_frame(frame, "store", CATEGORICAL, CONTINUOUS, VALID)


def test_a_split_that_is_not_there_is_named(frame):
    data = data_of(frame)
    assert data.test_ds is None
    for ask in (data.targets, data.items, data.loader, data.inputs):
        with pytest.raises(CourseError, match="no 'test' set; it has train, valid"):
            ask("test")


def test_zero_sales_may_be_predicted_without_logarithms(frame):
    data = data_of(frame.assign(sales=0), log_target=False)
    assert not data.targets("train").any()


@pytest.mark.parametrize("columns", [([], CONTINUOUS), (CATEGORICAL, [])])
def test_one_kind_of_column_may_be_missing(frame, columns):
    data = TabularData.from_frame(frame, "sales", *columns, VALID)
    codes, values = next(iter(data.train_dl))[0]
    assert codes.shape[1] == len(columns[0])
    assert values.shape[1] == (3 if columns[1] else 0)
