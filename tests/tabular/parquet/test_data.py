import datetime
import decimal
import gc
import threading
import weakref

import narwhals as nw
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from course_utils.errors import CourseError
from course_utils.tabular import ParquetData, Preprocessor, TableError, TabularData, tabular_learner
from course_utils.tabular.parquet.bounds import between
from course_utils.tabular.parquet.data import buffers
from course_utils.tabular.parquet.row_groups import read_ahead
from course_utils.tabular.parquet.streamed_fit import StreamedFit
from course_utils.tabular.preprocess import Scale
from course_utils.training import Callback, StorageError, set_seed

CATEGORICAL, CONTINUOUS = ["store", "day", "open"], ["distance", "promo", "constant"]
VALID = ("Date", "2014-08-01", "2014-09-17")
ROWS, GROUP = 1_003, 50


def made_up(rows=ROWS, seed=0):
    rng = np.random.default_rng(seed)
    store, promo = rng.integers(1, 9, rows), rng.integers(0, 2, rows)
    return pd.DataFrame(
        {
            "Id": [f"row {i}" for i in range(rows)],
            "Date": pd.Timestamp("2014-07-01") + pd.to_timedelta(rng.integers(0, 100 * 24, rows), unit="h"),
            "store": store,
            "day": rng.choice(["Mon", "Tue", None], rows),
            "open": rng.random(rows) < 0.5,
            "distance": np.where(rng.random(rows) < 0.2, np.nan, rng.random(rows) * 1000),
            "promo": promo,
            "constant": np.full(rows, 7.0),
            "sales": np.round(1000 * store * (1 + promo) * np.exp(rng.normal(0, 0.1, rows)), 2),
        }
    )


def valid_rows(frame):
    return np.flatnonzero((frame["Date"] >= "2014-08-01") & (frame["Date"] < "2014-09-18"))


def write(frame, file, group=GROUP):
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), file, row_group_size=group)
    return file


@pytest.fixture
def frame():
    return made_up()


@pytest.fixture
def file(frame, tmp_path):
    return write(frame, tmp_path / "sales.parquet")


def data_of(file, **options):
    options = {"valid": VALID, "batch_size": 64, "log_target": True, "buffer_rows": 200, "path": file.parent, **options}
    return ParquetData.from_parquet(file, "sales", CATEGORICAL, CONTINUOUS, **options).to("cpu")


def in_memory(frame, **options):
    options = {"batch_size": 64, "log_target": True, **options}
    return TabularData.from_frame(frame, "sales", CATEGORICAL, CONTINUOUS, valid_rows(frame), **options).to("cpu")


def rows_given(loader):
    """All rows as one array: codes, values, target."""
    batches = [torch.cat([codes.double(), values.double(), y[:, None].double()], 1) for (codes, values), y in loader]
    return torch.cat(batches).numpy()


def in_order(rows):
    return rows[np.lexsort(rows.T)]


@pytest.mark.parametrize("buffer_rows", [1, 64, 130, 200, 10_000])
@pytest.mark.parametrize("group", [70, 2_000])
def test_an_epoch_has_every_training_row_once(frame, tmp_path, group, buffer_rows):
    data, whole = data_of(write(frame, tmp_path / "a.parquet", group), buffer_rows=buffer_rows), in_memory(frame)
    rows = rows_given(data.train_dl)
    np.testing.assert_allclose(in_order(rows), in_order(rows_given(whole.train_dl)), atol=1e-6)
    assert len(list(data.train_dl)) == len(data.train_dl) == len(whole.train_dl)
    assert [len(y) for _, y in data.train_dl][:-1] == [64] * (len(data.train_dl) - 1)


def test_the_order_is_random_and_repeats_with_the_seed(file):
    data = data_of(file)
    set_seed(1)
    first, second = rows_given(data.train_dl), rows_given(data.train_dl)
    set_seed(1)
    again = rows_given(data.train_dl)
    assert (first == again).all()
    assert not (first == second).all()


def test_rows_of_different_row_groups_are_shuffled_together(tmp_path):
    frame = made_up(1_000).assign(sales=np.arange(1, 1_001), Date=pd.Timestamp("2014-01-01"))
    frame.loc[999, "Date"] = pd.Timestamp("2014-08-01")
    data = data_of(write(frame, tmp_path / "a.parquet"), buffer_rows=200, batch_size=100)
    places = torch.stack([(y - 1) // GROUP for _, y in list(data.train_dl)[:2]]).flatten()
    assert len(places.unique()) == 4  # a buffer is four groups
    assert len(places[:100].unique()) == 4
    assert (places.unique().diff() != 1).any()  # and not four neighbours
    assert data.number_of_rows("train") == 999


def test_a_last_mini_batch_of_one_row_is_left_out_only_in_training(tmp_path):
    frame = made_up(170)
    frame["Date"] = pd.Timestamp("2014-01-01")
    frame.loc[:40, "Date"] = pd.Timestamp("2014-08-01")
    data = data_of(write(frame, tmp_path / "a.parquet"), batch_size=32)  # 129 = 4 x 32 + 1 train
    assert [len(y) for _, y in data.train_dl] == [32] * 4
    assert len(data.train_dl) == 4
    unshuffled = data.loader("train")
    assert sum(len(y) for _, y in unshuffled) == 129


@pytest.mark.parametrize("group", [70, 2_000])
def test_what_is_learnt_equals_what_is_learnt_from_the_whole_table(frame, tmp_path, group):
    learnt = data_of(write(frame, tmp_path / "a.parquet", group)).preprocessor
    expected = Preprocessor(CATEGORICAL, CONTINUOUS).fit(frame, np.delete(np.arange(ROWS), valid_rows(frame)))
    assert learnt.categories == expected.categories
    for name in ("distance", "promo"):
        mine, other = learnt.scales[name], expected.scales[name]
        assert (mine.fill, mine.flagged) == (other.fill, other.flagged)
        assert (mine.mean, mine.std) == pytest.approx((other.mean, other.std), rel=1e-13)
    assert learnt.scales["constant"].std == 1.0
    assert learnt.continuous_names == expected.continuous_names


def test_a_constant_column_is_scaled_to_nothing():
    """The mean of many 0.1 is not 0.1 to the last bit, and their standard deviation, by the formula, not 0."""
    fit, parts = StreamedFit([], ["x"]), [nw.from_native(pd.DataFrame({"x": [0.1] * n}), eager_only=True) for n in (3, 700)]
    for part in parts:
        fit.add(part)
    assert fit.finish(lambda name: parts).scales["x"] == Scale(0.1, 0.1, 1.0, False)


def test_pandas_categories_are_categories(frame, tmp_path):
    as_category = frame.assign(day=frame["day"].astype("category"))
    assert data_of(write(as_category, tmp_path / "a.parquet")).preprocessor.categories["day"] == ["Mon", "Tue"]


def test_validation_rows_come_in_the_order_of_the_file(file, frame):
    data, whole = data_of(file), in_memory(frame)
    assert data.items("valid") == whole.items("valid")
    assert data.items("train") == whole.items("train")
    assert torch.equal(data.targets("valid"), whole.targets("valid"))
    assert torch.equal(data.targets("train"), whole.targets("train"))
    np.testing.assert_allclose(rows_given(data.valid_dl), rows_given(whole.valid_dl), atol=1e-6)


def test_single_rows(file, frame):
    data, whole = data_of(file), in_memory(frame)
    assert (len(data.train_ds), len(data.valid_ds)) == (len(whole.train_ds), len(whole.valid_ds))
    for i in (0, 333, -1):
        (codes, values), y = data.train_ds[i]
        (expected_codes, expected_values), expected_y = whole.train_ds[range(len(whole.train_ds))[i]]
        assert torch.equal(codes, expected_codes)
        assert y == expected_y
        torch.testing.assert_close(values, expected_values)
    with pytest.raises(IndexError):
        data.train_ds[len(data.train_ds)]


@pytest.mark.parametrize(
    ("convert", "valid"),
    [
        (lambda date: date, VALID),
        (lambda date: date, ("Date", datetime.date(2014, 8, 1), datetime.date(2014, 9, 17))),
        (lambda date: date, ("Date", pd.Timestamp("2014-08-01"), pd.Timestamp("2014-09-17"))),
        (lambda date: date.dt.date, VALID),
        (lambda date: date.dt.strftime("%Y-%m-%d"), VALID),
        (lambda date: date.dt.day_of_year, ("Date", 213, 260)),
    ],
)
def test_dates_times_text_and_numbers_tell_what_validates(frame, tmp_path, convert, valid):
    file = write(frame.assign(Date=convert(frame["Date"])), tmp_path / "a.parquet")
    assert data_of(file, valid=valid).items("valid") == [str(row) for row in valid_rows(frame)]


def test_a_folder_is_the_same_as_one_file(file, frame, tmp_path):
    folder = tmp_path / "parts"
    folder.mkdir()
    write(frame[:300], folder / "part-0.parquet")
    write(frame[300:], folder / "part-1.parquet")
    (folder / "_SUCCESS").touch()
    parts, one = data_of(folder), data_of(file)
    assert parts.items("valid") == one.items("valid")
    assert parts.preprocessor.categories == one.preprocessor.categories
    assert (rows_given(parts.loader("train")) - rows_given(one.loader("train"))).max() < 1e-6


def test_the_range_of_outputs_is_known_without_another_reading(file, frame, monkeypatch):
    data, whole = data_of(file), in_memory(frame)
    monkeypatch.setattr(ParquetData, "targets", None)
    assert data.target_range() == whole.target_range()
    train = frame["sales"].drop(index=valid_rows(frame)).astype("float32")
    assert data.target_range() == (train.min(), train.max())
    assert tabular_learner(data, progress=False).model.y_range == pytest.approx((0, 1.2 * np.log(train.max())))


def test_a_learner_does_as_well_as_with_the_table_in_memory(file, frame):
    found = []
    for data in (data_of(file), in_memory(frame)):
        set_seed(0)
        learner = tabular_learner(data, (20, 10), embedding_dropout=0, progress=False)
        learner.fit(0.03, 1, cycle_len=10)
        found.append(learner.validate()["rmspe"])
    ours, theirs = found
    assert ours < 0.18  # of which 0.1 is noise
    assert ours < 1.1 * theirs


def test_the_same_mini_batches_give_the_same_weights(file, frame, monkeypatch):
    """In the order of the file, both of them."""
    data, whole = data_of(file), in_memory(frame)
    monkeypatch.setattr(data, "loader", lambda split, augment=False, shuffle=False: type(data).loader(data, split))
    monkeypatch.setattr(whole, "loader", lambda split, augment=False, shuffle=False: type(whole).loader(whole, split))
    results = []
    for each in (data, whole):
        set_seed(0)
        learner = tabular_learner(each, (20, 10), progress=False)
        learner.fit(0.01, 2)
        results.append(learner.predict())
    torch.testing.assert_close(results[0].values, results[1].values, rtol=1e-3, atol=1e-2)
    assert results[0].items == results[1].items


def test_all_that_a_learner_does(file, frame, tmp_path):
    test = write(made_up(120, seed=1).drop(columns=["sales", "Date"]), tmp_path / "test.parquet")
    data = data_of(file, test=test, label="Id")
    learner = tabular_learner(data, (20, 10), progress=False)
    learner.fit(0.01, 2, cycle_len=1)
    learner.lr_find(steps=5)
    predicted = learner.predict("test")
    assert predicted.items == [f"row {i}" for i in range(120)]
    assert predicted.targets is None
    rows = learner.predict_rows(made_up(120, seed=1))
    torch.testing.assert_close(predicted.values, rows.values)
    learner.save("ours")
    other = tabular_learner(data_of(file, preprocessor=data.preprocessor), (20, 10), progress=False)
    other.load("ours")
    assert torch.equal(other.predict().values, learner.predict().values)
    other.set_data(data)
    whole = tabular_learner(in_memory(frame, preprocessor=data.preprocessor, path=tmp_path), (20, 10), progress=False)
    whole.load("ours")
    torch.testing.assert_close(whole.predict().values, learner.predict().values)
    assert learner.predict().items == [f"row {i}" for i in valid_rows(frame)]
    assert len(learner.embedding("store")) == 8


@pytest.mark.parametrize("change", ["target", "input"])
def test_a_fit_goes_on_with_the_same_rows_alone(file, frame, change):
    """The order of the values of the training rows is another: they have the same mean, range and categories."""

    def learner(preprocessor=None):
        return tabular_learner(data_of(file, label="Id", preprocessor=preprocessor), (8, 4), progress=False)

    first = learner()
    first.fit(0.01, 1, checkpoint="run")
    learner(first.data.preprocessor).resume("run")
    column = {"target": "sales", "input": "store"}[change]
    train = np.setdiff1d(np.arange(ROWS), valid_rows(frame))
    frame.loc[train, column] = frame.loc[train[::-1], column].to_numpy()
    write(frame, file)
    with pytest.raises(StorageError, match="the train set has other inputs or targets, of as many examples"):
        learner(first.data.preprocessor).resume("run")


def test_memory_holds_the_buffer_and_few_row_groups_besides(tmp_path, monkeypatch):
    """A buffer of two row groups, of which no part is there twice; one more is being read, and one being copied."""
    frame = made_up(1_000).assign(Date=pd.Timestamp("2014-01-01"))
    frame.loc[0, "Date"] = pd.Timestamp("2014-08-01")
    data = data_of(write(frame, tmp_path / "a.parquet"), buffer_rows=100, batch_size=10)
    read, arrays, most = ParquetData.part, [], []

    def alive():
        return sum(array() is not None for array in arrays)

    def counted(self, split, group):
        codes, *others = read(self, split, group)
        array = codes.numpy().copy()
        arrays.append(weakref.ref(array))  # a tensor and all its views keep it alive
        most.append(alive())
        return torch.from_numpy(array), *others

    monkeypatch.setattr(ParquetData, "part", counted)
    most += [alive() for _ in data.train_dl]
    assert len(arrays) == 20
    assert max(most) <= 2
    assert alive() == 0


def test_buffers_use_the_same_memory_again(file):
    parts = [(torch.arange(start, start + 30),) for start in range(0, 300, 30)]
    places, given = set(), []
    for (buffer,) in buffers(iter(parts), 70, torch.device("cpu")):
        places.add(buffer.data_ptr())
        assert len(buffer) <= 70
        given += buffer.tolist()
    assert given == list(range(300))
    assert len(places) == 1


def test_one_row_group_is_read_ahead_and_no_more():
    started = []
    parts = read_ahead(lambda key: started.append(key) or key, range(10))
    assert started == []
    assert next(parts) == 0
    parts.close()
    _join()
    assert started == [0, 1]


def test_what_goes_wrong_in_the_thread_is_raised_where_it_is_used():
    def read(key):
        if key == 2:
            raise TableError("damaged")
        return key

    parts = read_ahead(read, range(4))
    assert [next(parts), next(parts)] == [0, 1]
    with pytest.raises(TableError, match="damaged"):
        next(parts)


def _reading():
    return [thread for thread in threading.enumerate() if thread.name.startswith("read ahead")]


def _join():
    for thread in _reading():
        thread.join(10)


def test_no_thread_is_left_after_ctrl_c(file, capsys):
    class CtrlC(Callback):
        def after_step(self, learner):
            if learner.step == 2:
                raise KeyboardInterrupt

    data = data_of(file, buffer_rows=64)
    learner = tabular_learner(data, (20, 10), progress=False, callbacks=[CtrlC()])
    learner.fit(0.01, 1)
    assert "Stopped by you" in capsys.readouterr().out
    _join()
    assert not _reading()
    half_way = iter(data.train_dl)
    next(half_way)
    _join()
    assert not _reading()  # although nobody has ended the pass
    del half_way
    gc.collect()
    assert len(rows_given(data.train_dl)) == data.number_of_rows("train")


def _refused(file, match, **options):
    with pytest.raises(TableError, match=match):
        data_of(file, **options)


def test_no_file_and_no_parquet_file(tmp_path):
    _refused(tmp_path / "none.parquet", "no Parquet file at .*none.parquet")
    _refused(tmp_path, "no Parquet file at")
    (tmp_path / "a.parquet").write_text("Date,sales\n2014-08-01,3\n" * 100)
    _refused(tmp_path / "a.parquet", r"a\.parquet cannot be read as Parquet")
    (tmp_path / "a.parquet").write_bytes(b"")
    _refused(tmp_path / "a.parquet", r"a\.parquet cannot be read as Parquet")


@pytest.mark.parametrize("where", [0.3, 0.6])
def test_a_damaged_file(file, where):
    """Cut off, then with the footer whole and a hole in the middle."""
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * where)])
    _refused(file, r"sales\.parquet cannot be read as Parquet")
    hole = int(len(content) * where)
    file.write_bytes(content[:4] + b"\xff" * (hole - 4) + content[hole:])
    _refused(file, r"sales\.parquet cannot be read as Parquet")


def test_a_file_damaged_after_it_was_opened_ends_the_fit_with_a_message(file):
    data = data_of(file)
    learner = tabular_learner(data, (20, 10), progress=False)
    file.write_bytes(b"nothing" * 100)
    with pytest.raises(TableError, match=r"sales\.parquet cannot be read"):
        learner.fit(0.01, 1)


def test_no_rows(frame, tmp_path):
    schema = pa.Table.from_pandas(frame, preserve_index=False).schema
    pq.ParquetWriter(tmp_path / "a.parquet", schema).close()
    _refused(tmp_path / "a.parquet", r"has no rows \(0 row groups\)")
    _refused(write(frame[:0], tmp_path / "b.parquet"), "has no rows")


def test_columns_that_do_not_fit(frame, tmp_path):
    file = tmp_path / "a.parquet"
    _refused(write(frame.drop(columns=["day", "promo"]), file), "no columns 'day', 'promo'; its columns are Id, Date")
    _refused(write(frame.drop(columns="Date"), file), "no column 'Date'")
    _refused(write(frame.assign(distance="far"), file), "'distance' is continuous, .* holds text")
    _refused(write(frame.assign(distance=np.inf), file), "'distance' has .* infinite")
    _refused(write(frame.assign(distance=np.nan), file), "'distance' has no value in any of the 5.. training rows")
    _refused(write(frame.assign(sales="much"), file), "target, column 'sales', should hold numbers")
    _refused(write(frame.assign(sales=0), file), "0 or less")
    _refused(write(frame.assign(day=frame["Date"]), file), "'day' holds dates")
    frame.loc[702, "sales"] = np.nan
    _refused(write(frame, file), "missing or infinite in 1 row, first 702")


def test_files_of_a_folder_that_do_not_fit_each_other(frame, tmp_path):
    write(frame[:300], tmp_path / "part-0.parquet")
    write(frame[300:].assign(store="one"), tmp_path / "part-1.parquet")
    _refused(tmp_path, "'store' holds .*string in .*part-1.parquet, but int64 in part-0.parquet")


def test_rows_to_validate_with(file, frame, tmp_path):
    _refused(file, "no row validates: .*2020-01-01 to 2021-01-01.*2014-07-01", valid=("Date", "2020-01-01", "2021-01-01"))
    _refused(file, "no row is left to train with", valid=("Date", "2000-01-01", "2021-01-01"))
    _refused(file, r"valid=\('Date', 'August', 'September'\) does not fit column 'Date'", valid=("Date", "August", "September"))
    _refused(file, "does not fit column 'sales'", valid=("sales", datetime.date(2014, 8, 1), "x"))
    _refused(file, "valid is a column, a first and a last value", valid=[1, 2])
    frame.loc[3, "Date"] = pd.NaT
    _refused(write(frame, tmp_path / "b.parquet"), "'Date' is to tell .* missing in 1 of the rows 0 to 49")


def test_options_that_do_not_fit(file):
    for wrong in ({"batch_size": 0}, {"buffer_rows": 0}):
        with pytest.raises(CourseError, match="it is a whole number, 1 or more"):
            data_of(file, **wrong)
    _refused(file, "the preprocessor is for the columns", preprocessor=Preprocessor(["store"], []))
    _refused(file, "no Parquet file at", test=file.parent / "test.parquet")
    with pytest.raises(TableError, match="'sales' is the target"):
        ParquetData.from_parquet(file, "sales", ["sales"], [], VALID)
    data = data_of(file)
    with pytest.raises(CourseError, match="no 'test' set"):
        data.loader("test")
    with pytest.raises(CourseError, match="log_target is 'yes'; it is True"):
        data_of(file, log_target="yes")
    columns, counts = "3 categorical, 3 continuous columns", [data.number_of_rows(split) for split in ("train", "valid")]
    assert repr(data) == f"ParquetData(log of 'sales' from {columns}; rows: {counts[0]} train, {counts[1]} valid)"


NUMBERS = {
    "whole": pa.array(range(10)),
    "short": pa.array(range(10), pa.int8()),
    "unsigned": pa.array(range(10), pa.uint64()),
    "floats": pa.array(map(float, range(10))),
    "decimals": pa.array(map(decimal.Decimal, range(10)), pa.decimal128(3, 1)),
}
DAYS = [datetime.date(2020, 1, day) for day in range(1, 11)]
DATES = {
    "days": pa.array(DAYS),
    "midnights": pa.array(DAYS).cast(pa.timestamp("us")),
    "evenings": pa.array([datetime.datetime(day.year, day.month, day.day, 23, 59) for day in DAYS], pa.timestamp("ns")),
    "text": pa.array(map(str, DAYS)),
}


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        (3, 5, [3, 4, 5]),
        (2.5, 5.5, [3, 4, 5]),
        (np.float32(2.5), np.int8(5), [3, 4, 5]),
        (decimal.Decimal("4.5"), float("inf"), [5, 6, 7, 8, 9]),
        (-0.5, 2, [0, 1, 2]),
        (-(2**70), 0, [0]),
        (8, 1000, [8, 9]),
        (2.1, 2.9, []),
        (2**70, 2**71, []),
        (float("-inf"), -1, []),
    ],
)
@pytest.mark.parametrize("column", NUMBERS)
def test_bounds_between_the_numbers_of_a_column(column, first, last, found):
    values = pa.chunked_array([NUMBERS[column]])
    assert np.flatnonzero(between(values, ("x", first, last))).tolist() == found


@pytest.mark.parametrize(
    "day",
    [
        lambda day: day,
        lambda day: str(day),
        lambda day: np.datetime64(day),
        lambda day: np.datetime64(day, "ns"),
        lambda day: np.datetime64(day, "h"),
        lambda day: pd.Timestamp(day),
        lambda day: datetime.datetime(day.year, day.month, day.day),
    ],
)
@pytest.mark.parametrize("column", DATES)
def test_bounds_of_days(column, day):
    values = pa.chunked_array([DATES[column]])
    assert np.flatnonzero(between(values, ("x", day(DAYS[1]), day(DAYS[2])))).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("values", "wrong", "words"),
    [
        (
            NUMBERS["whole"],
            [None, True, "3", float("nan"), np.datetime64("2020-01-01"), [1]],
            "holds whole numbers: .* is not a number",
        ),
        (NUMBERS["floats"], [np.nan, "1"], "holds floats: .* is not a number"),
        (
            DATES["midnights"],
            [
                3,
                None,
                pd.NaT,
                np.datetime64("NaT"),
                np.datetime64("2020-01"),
                "01.02.2020",
                "2020-01-02 12:00",
                pd.Timestamp("2020-01-02", tz="UTC"),
            ],
            "holds dates: .* is not a day, such as '2014-08-01'",
        ),
        (DATES["text"], [1, None], "holds text: .* is not text"),
        (pa.array([True]), [1, "yes"], "is not True or False"),
        (pa.array([[1]]), [1], "holds lists; expected a column of dates, numbers or text"),
    ],
)
def test_bounds_of_another_kind(values, wrong, words):
    for bound in wrong:
        with pytest.raises(TableError, match=words):
            between(pa.chunked_array([values]), ("x", bound, bound))


def test_a_source_is_a_path(file, tmp_path, monkeypatch):
    options = {"target": "sales", "categorical": ["store"], "continuous": ["distance"], "valid": ("day", 0, 1)}
    with pytest.raises(CourseError, match=r"the source is \[.*\]; give the path of a Parquet file, or of a folder of them"):
        ParquetData.from_parquet([file], **options)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(TableError, match=f"there is no Parquet file at {tmp_path}/none.parquet"):
        ParquetData.from_parquet("~/none.parquet", **options)
