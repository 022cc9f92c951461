"""Predictors of tables say what the learner said, of tables of any engine and of single rows."""

import datetime
import warnings

import duckdb
import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest
import torch
from torch import nn

from course_utils import load_predictor
from course_utils.errors import CourseError
from course_utils.tabular import (
    ParquetData,
    Preprocessor,
    TableError,
    TablePredictor,
    TabularData,
    read_preprocessor,
    tabular_learner,
    write_table,
)
from course_utils.training import Learner, StorageError, set_seed
from course_utils.training import exported_file as files
from course_utils.training.exported import Exported

BIG = 2**60


def made_up(rows=300, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "Id": np.arange(rows),
            "store": rng.choice([BIG + 1, BIG + 2, BIG + 3], rows),
            "state": rng.choice(["HE", "Østfold", "日本", None], rows),
            "open": rng.random(rows) < 0.5,
            "distance": np.where(rng.random(rows) < 0.2, np.nan, rng.random(rows) * 1000),
            "sales": np.exp(7 + rng.random(rows)),
        }
    )


def learnt_from(frame, folder, **options):
    data = TabularData.from_frame(
        frame, "sales", ["store", "state", "open"], ["distance"], range(60), log_target=True, path=folder, **options
    )
    set_seed(0)
    learner = tabular_learner(data.to("cpu"), layers=(16, 8), dropout=(0.1, 0.1), progress=False)
    learner.fit(0.01, 2)
    return learner


@pytest.fixture(scope="module")
def frame():
    return made_up()


@pytest.fixture(scope="module")
def learnt(frame, tmp_path_factory):
    learner = learnt_from(frame, tmp_path_factory.mktemp("tables"))
    return learner, learner.export(learner.path / "shops")


@pytest.fixture
def predictor(learnt):
    return load_predictor(learnt[1], device="cpu")


@pytest.mark.parametrize(
    "engine",
    [
        lambda table: table,
        polars.from_pandas,
        lambda table: polars.from_pandas(table).lazy(),
        lambda table: duckdb.from_df(table),
        pa.Table.from_pandas,
    ],
    ids=["pandas", "polars", "polars lazy", "duckdb", "arrow"],
)
def test_every_engine_gives_what_the_learner_says(engine, learnt, predictor):
    table = made_up(50, seed=1)
    expected = learnt[0].predict_rows(table).values.numpy()
    assert isinstance(predictor, TablePredictor)
    assert predictor.target == "sales"
    with warnings.catch_warnings(action="error"):
        found = predictor.predict(engine(table.drop(columns="sales")))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found.dtype == np.float32


def test_a_prediction_is_the_networks_by_hand(learnt, frame):
    """Codes, scales and the exponential, worked out from the training rows."""
    learner, path = learnt
    train = frame.iloc[60:]
    row = {"store": BIG + 2, "state": "HE", "open": True, "distance": 250.0}
    filled = train["distance"].fillna(train["distance"].median())
    value = (250.0 - filled.mean()) / filled.std(ddof=0)
    with torch.no_grad():
        output = learner.model(torch.tensor([[2, 1, 2]]), torch.tensor([[value, 0.0]], dtype=torch.float32))
    assert load_predictor(path, device="cpu").predict(row) == pytest.approx(output.exp().item(), rel=1e-5)


def test_rows_may_be_dictionaries(learnt, predictor, frame):
    expected = learnt[0].predict_rows(frame[:20]).values.numpy()
    rows = frame[:20].drop(columns="sales").to_dict("records")
    for given in (rows, tuple(rows), iter(rows)):
        np.testing.assert_allclose(predictor.predict(given), expected, rtol=1e-6)
    for row, value in zip(rows, expected, strict=True):
        assert predictor.predict(row) == pytest.approx(value, rel=1e-5)
    assert predictor.predict(frame.iloc[3]) == pytest.approx(expected[3], rel=1e-5)
    assert predictor.predict({**rows[0], "store": np.int64(rows[0]["store"])}) == pytest.approx(expected[0], rel=1e-5)
    for none in ([], frame[:0]):
        assert predictor.predict(none).shape == (0,)


def test_more_rows_than_a_mini_batch(predictor):
    table = made_up(5000, seed=2)
    found = predictor.predict(table)
    np.testing.assert_allclose(found[4090:4100], predictor.predict(table[4090:4100]), rtol=1e-5)


def test_what_training_did_not_have_is_said_and_counts_as_missing(predictor, frame, capsys):
    row = frame.iloc[0].to_dict()
    found = predictor.predict({**row, "state": "XX"})
    assert "column 'state': 1 row of a category that was not in the training rows, such as 'XX'" in capsys.readouterr().out
    assert found == predictor.predict({**row, "state": None})


def test_what_is_missing_or_of_another_kind_is_named(predictor, frame):
    row = frame.iloc[0].to_dict()
    short = {name: row[name] for name in ("state", "open")}
    for given, words in [
        (short, "the row has no columns 'store', 'distance'; it has 'state', 'open'"),
        ([row, short], "row 1 has no column"),
        (frame.drop(columns="store"), "no column 'store'"),
        ({**row, "distance": "far"}, "'distance' is continuous"),
        ([{**row, "distance": 1.0}, {**row, "distance": "far"}], "'distance' holds values of several types"),
        ({**row, "distance": True}, r"'distance' holds true and false but held numbers .*mean is \d+"),
        ([{**row, "distance": True}, {**row, "distance": None}], "'distance' holds true and false but held numbers"),
        ({**row, "store": "first"}, "column 'store' holds text but held numbers"),
        ({**row, "store": 2**70}, "'store'"),
        ({**row, "store": datetime.date(2015, 7, 31)}, "'store'"),
        ([1, 2], "row 0 is of type int"),
        ("shops.csv", "predict takes the rows themselves; read them with"),
        (None, "expected a table"),
    ]:
        with pytest.raises(TableError, match=words):
            predictor.predict(given)


def test_a_streamed_table_and_a_range_of_outputs(tmp_path, frame):
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=100)
    data = ParquetData.from_parquet(
        tmp_path / "rows.parquet", "sales", ["store", "state"], ["distance"], valid=("Id", 0, 59), path=tmp_path
    ).to("cpu")
    learner = tabular_learner(data, layers=(8,), dropout=(0.0,), y_range=(1000.0, 2000.0), progress=False)
    learner.fit(0.01, 1)
    predictor = load_predictor(learner.export(tmp_path / "shops"), device="cpu")
    (tmp_path / "rows.parquet").unlink()
    found = predictor.predict(frame)
    np.testing.assert_allclose(found, learner.predict_rows(frame).values.numpy(), rtol=1e-6)
    assert found.min() >= 1000
    assert found.max() <= 2000
    assert found.std() > 0


class OwnNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.line = nn.Linear(2, 1)

    def forward(self, codes, values):
        return self.line(values)


def test_a_network_of_ones_own_comes_with_the_program(learnt, tmp_path, capsys, frame):
    set_seed(0)
    learner = Learner(learnt[0].data, OwnNetwork(), progress=False)
    path = learner.export(tmp_path / "own")
    assert "not its layers" in capsys.readouterr().out
    with pytest.raises(StorageError, match="model=network"):
        load_predictor(path)
    found = load_predictor(path, model=OwnNetwork(), device="cpu").predict(frame[:60])
    np.testing.assert_allclose(found, learner.predict("valid").values.numpy(), rtol=1e-6)


def test_a_compiled_network_is_rebuilt_as_it_is(tmp_path, capsys, frame):
    learner = learnt_from(frame, tmp_path)
    expected = learner.predict("valid").values.numpy()
    learner.model = torch.compile(learner.model, backend="eager")
    found = load_predictor(learner.export(tmp_path / "compiled"), device="cpu").predict(frame[:60])
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert capsys.readouterr().out == ""


def test_options_of_export_that_are_none_are_named(learnt, tmp_path):
    for options in ({"threshold": 0.5}, {"treshold": 0.5}):
        with pytest.raises(CourseError, match=f"export has no option '{next(iter(options))}'; it takes no options here"):
            learnt[0].export(tmp_path / "own", **options)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"network": {"embedding sizes": [2, 2], "layers": [16, 8], "y range": None}}, "embedding sizes"),
        ({"network": {"embedding sizes": [10**9] * 3, "layers": [16, 8], "y range": None}}, "not for this network"),
        ({"network": {"embedding sizes": [2, 2, 1], "layers": [10**9, 10**9], "y range": None}}, "not for this network"),
        ({"network": {"embedding sizes": [2, 2, 1], "layers": [10**30, 8], "y range": None}}, "cannot be built"),
        ({"network": {"embedding sizes": [2, 2, 1], "layers": [8] * 10**5, "y range": None}}, "layers"),
        ({"network": {"embedding sizes": [2, 2, 1], "layers": [16, 8], "y range": [1]}}, "y range"),
        ({"network": {"embedding sizes": [2, 2, 1], "layers": [16, 8], "y range": [2, 1]}}, "cannot be built"),
        ({"preprocessor": None}, "not what a preprocessor has learnt"),
        ({"preprocessor": {"categorical": {}, "continuous": {}}}, "no columns"),
        ({"preprocessor": [1]}, "preprocessor"),
        (
            {
                "preprocessor": {
                    "categorical": {},
                    "continuous": {"x": {"fill": 0, "mean": 0, "std": 10**400, "flagged": False}},
                }
            },
            "not what a preprocessor",
        ),
        ({"preprocessor": {"categorical": {"store": [[1]]}, "continuous": {}}}, "not what a preprocessor"),
        ({"log target": "yes"}, "log target"),
        ({"target": 5}, "target"),
    ],
)
def test_a_hostile_description_is_refused(learnt, tmp_path, changes, words):
    exported = files.read(learnt[1])
    bad = files.write(Exported(tmp_path / "bad.course", {**exported.about, **changes}, exported.tensors))
    with pytest.raises(StorageError, match=words):
        load_predictor(bad)


def test_the_weights_of_save_and_the_predictor_hold_the_same_preprocessing(learnt):
    learner, path = learnt
    assert load_predictor(path).preprocessor == read_preprocessor(learner.save("shops")) == learner.data.preprocessor


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 1.0])
def test_true_and_false_where_training_had_0_and_1(share, missing):
    """Whether 0 and 1 came as numbers or as truths: but a share, a count or an amount takes no truth."""
    flags = np.repeat([0.0, 1.0], [int(10 * (1 - share)), int(10 * share)])
    flags = np.append(flags, [np.nan] * int(10 * missing))
    fitted = Preprocessor([], ["x"]).fit(pd.DataFrame({"x": flags}))
    truth, number = (fitted.transform(pd.DataFrame({"x": [value]}))[1] for value in (True, 1))
    assert truth.tolist() == number.tolist()
    for others in ([0, 1, 2], [0.0, 0.25, 1.0], [0.5], [-1, 2], [2], [0, 0, 3]):
        amounts = Preprocessor([], ["x"]).fit(pd.DataFrame({"x": others}))
        with pytest.raises(TableError, match="true and false but held numbers"):
            amounts.transform(pd.DataFrame({"x": [True]}))


def test_words_that_were_categories_are_not_missing_in_a_file(tmp_path):
    frame = made_up().assign(state=lambda t: t["state"].replace({"HE": "NA", "Østfold": "None"}))
    predictor = load_predictor(learnt_from(frame, tmp_path).export(tmp_path / "shops"), device="cpu")
    frame.drop(columns="sales").to_csv(tmp_path / "rows.csv", index=False)
    read = predictor.read(tmp_path / "rows.csv")
    assert read["state"].fillna("").tolist() == frame["state"].fillna("").tolist()
    assert read["distance"].isna().sum() == frame["distance"].isna().sum()
    np.testing.assert_array_equal(predictor.predict(read), predictor.predict(frame))


def test_a_short_line_of_a_file_is_refused(predictor, tmp_path):
    (tmp_path / "rows.csv").write_text(f"store,state,open,distance\n{BIG + 1},HE,True,1\n{BIG + 1},HE,True\n")
    with pytest.raises(TableError, match=r"rows.csv, line 3: it has 3 values, fewer than the 4 names of the first line"):
        predictor.read(tmp_path / "rows.csv")


HEADING = "store,state,open,distance\n"
FIRST = f"{BIG + 1},HE,True,5.0\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ((HEADING + f"{BIG + 1},Østfold,True,5.0\n").encode("latin-1"), "it is not text in UTF-8. If .* save it in UTF-8"),
        ((HEADING + FIRST).encode("utf-16"), "it is not text in UTF-8"),
        ((HEADING + FIRST + f"{BIG + 1},HE,True,5.0,6\n").encode(), "line 3: it has 5 values, more than the 4 names"),
        (b"store,state,open,distance,distance\n1,HE,True,5.0,6.0\n", "has two columns distance; rename or drop one of them"),
        (b"store,state,open\n1,HE,True\n", "no column 'distance'; expected store, state, open, distance, divided by commas"),
        (b"", "is empty; expected a first line with store, state, open, distance"),
        (HEADING.encode() + b'1,"HE,True,5.0\n', "cannot be read as CSV: [^\n]*. Get it again$"),
    ],
)
def test_a_file_that_is_no_table_of_these_columns_is_refused(predictor, tmp_path, content, words):
    (tmp_path / "rows.csv").write_bytes(content)
    with pytest.raises(TableError, match=words):
        predictor.read(tmp_path / "rows.csv")


def test_single_values_may_be_those_of_arrays(predictor, capsys):
    plain = {"store": BIG + 1, "state": "HE", "open": True, "distance": 0.5}
    wanted = predictor.predict(plain)
    arrays = {"store": np.array(BIG + 1), "state": np.str_("HE"), "open": torch.tensor(True), "distance": torch.tensor(0.5)}
    assert predictor.predict(arrays) == wanted
    assert predictor.predict({**plain, "distance": np.ma.masked}) == predictor.predict({**plain, "distance": None})


def test_endings_may_be_in_capitals(predictor, frame, tmp_path):
    wanted = predictor.predict(frame)
    for name in ("R.CSV", "R.PARQUET", "R.Feather"):
        frame.to_csv(tmp_path / name, index=False) if name == "R.CSV" else write_table(frame, tmp_path / name)
        np.testing.assert_array_equal(predictor.predict(predictor.read(tmp_path / name)), wanted)
