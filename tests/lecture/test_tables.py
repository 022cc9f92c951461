"""The lecture's words for tables, held against arithmetic by hand, scikit-learn and this package's own parts."""

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import fbeta_score
from sklearn.preprocessing import StandardScaler

from course_utils.errors import CourseError
from course_utils.lecture import columnar, stand_ins, tables

PARTS = (
    *("Year", "Month", "Week", "Day", "Dayofweek", "Dayofyear", "Is_month_end", "Is_month_start", "Is_quarter_end"),
    *("Is_quarter_start", "Is_year_end", "Is_year_start", "Elapsed"),
)


def test_dates_are_taken_apart_as_python_takes_them_apart():
    days = pd.date_range("2012-12-28", "2016-01-05")
    df = pd.DataFrame({"Date": days.strftime("%Y-%m-%d"), "DayOfWeek": 7})
    assert tables.add_datepart(df, "Date", drop=False) is None
    assert list(df.columns) == ["Date", "DayOfWeek", *PARTS]  # also beside a column that differs in capitals alone
    for row, day in zip(df.itertuples(), days.date, strict=True):
        tomorrow = date.fromordinal(day.toordinal() + 1)
        assert (row.Year, row.Month, row.Day, row.Week) == (day.year, day.month, day.day, day.isocalendar().week)
        assert (row.Dayofweek, row.Dayofyear) == (day.weekday(), day.timetuple().tm_yday)
        assert (row.Is_month_end, row.Is_month_start) == (tomorrow.month != day.month, day.day == 1)
        assert row.Is_quarter_end == (tomorrow.month != day.month and day.month % 3 == 0)
        assert (row.Is_year_end, row.Is_year_start) == (tomorrow.year != day.year, day.timetuple().tm_yday == 1)
        assert row.Elapsed == (day - date(1970, 1, 1)).days * 86_400
    assert {str(df[name].dtype) for name in PARTS} == {"int64", "bool"}
    again = df.copy()
    tables.add_datepart(again, "Date", drop=False)
    pd.testing.assert_frame_equal(again, df)


def test_the_column_of_dates_goes_and_names_its_parts():
    df = pd.DataFrame({"saledate": ["2014-12-29", None]})
    tables.add_datepart(df, "saledate")
    assert list(df.columns) == [f"sale{name}" for name in PARTS]
    assert df.saleYear[0] == 2014
    assert math.isnan(df.saleYear[1])
    with pytest.raises(CourseError, match="no column 'Date'; it has saleYear"):
        tables.add_datepart(df, "Date")


@pytest.fixture
def sales():
    return pd.DataFrame(
        {
            "Date": pd.to_datetime(["2014-01-01", "2014-01-02", "2014-01-03", "2014-01-04"]),
            "Distance": [1.0, None, 3.0, 8.0],
            "State": pd.Categorical(["HE", "BY", None, "HE"], ordered=True),
            "Promo": [0, 1, 1, 0],
            "Sales": [5, 6, 7, 8],
        }
    ).set_index("Date")


@pytest.fixture
def made(tmp_path):
    random = np.random.default_rng(0)
    df = pd.DataFrame({"Store": random.integers(0, 5, 1000), "Distance": random.normal(size=1000), "Day": 1, "Far_na": False})
    y = df.Store + df.Distance + 3
    return (
        df,
        y,
        columnar.ColumnarModelData.from_data_frame(tmp_path, np.arange(800, 1000), df, y, cat_flds=["Day", "Store"], bs=64),
    )


def test_a_table_becomes_numbers(sales):
    before = sales.copy()
    x, y, nas, mapper = tables.proc_df(sales, "Sales", do_scale=True)
    pd.testing.assert_frame_equal(sales, before)
    assert list(x.columns) == ["Distance", "State", "Promo", "Distance_na"]
    assert x.index.equals(sales.index)
    assert y.tolist() == [5, 6, 7, 8]
    assert nas == {"Distance": 3.0}
    assert x.State.tolist() == [2, 1, 0, 2]
    filled = np.array([[1.0, 0, 0], [3.0, 1, 1], [3.0, 1, 0], [8.0, 0, 0]])  # Distance, Promo, Distance_na
    expected = StandardScaler().fit_transform(filled)
    np.testing.assert_allclose(x[["Distance", "Promo", "Distance_na"]], expected, rtol=1e-12)
    np.testing.assert_allclose(mapper.transform(pd.DataFrame(filled, columns=["Distance", "Promo", "Distance_na"])), expected)


def test_another_table_is_treated_as_the_first(sales):
    x, _, nas, mapper = tables.proc_df(sales, "Sales", do_scale=True)
    other = sales.assign(Distance=3.0)[:2]
    again, *_ = tables.proc_df(other, "Sales", do_scale=True, na_dict=nas, mapper=mapper)
    assert list(again.columns) == list(x.columns)
    np.testing.assert_allclose(again.Distance, x.Distance.iloc[1])  # 3 was the median
    np.testing.assert_allclose(again.Distance_na, x.Distance_na.iloc[0])


def test_a_column_without_any_value_is_told_of(sales, capsys):
    x, _, nas, _ = tables.proc_df(sales.assign(Promo=np.nan), "Sales", do_scale=True)
    assert "column 'Promo' has no value in any row" in capsys.readouterr().out
    assert nas["Promo"] == 0
    assert (x.Promo == 0).all()
    assert (x.Promo_na == 0).all()  # all alike, so that scaling leaves 0


def test_few_categories_become_columns_of_their_own_and_others_are_refused(sales):
    x, *_ = tables.proc_df(sales, "Sales", max_n_cat=3)
    assert x.State_HE.tolist() == [True, False, False, True]
    assert x.State_nan.tolist() == [False, False, True, False]
    text = sales.assign(State=["a", "b", "c", "d"])
    with pytest.raises(CourseError, match=r"column 'State' holds .*train_cats\(df\)"):
        tables.proc_df(text, "Sales")
    assert list(tables.proc_df(text, "Sales", skip_flds=["State"])[0]) == ["Distance", "Promo", "Distance_na"]
    with pytest.raises(CourseError, match="column 'Date' holds dates"):
        tables.proc_df(sales.reset_index(), "Sales")
    tables.train_cats(text)
    other = pd.DataFrame({"State": ["d", "x"]})
    tables.apply_cats(other, text)
    assert other.State.cat.codes.tolist() == [3, -1]
    assert other.State.cat.ordered


def test_rows_are_split_with_those_that_validate_first():
    frame, array = pd.DataFrame({"a": [1, 2, 3, 4]}), np.arange(8).reshape(4, 2)
    (first, others), (rows, rest) = tables.split_by_idx(np.array([3, 0]), frame, array)
    assert (first.a.tolist(), others.a.tolist()) == ([1, 4], [2, 3])
    assert (rows.tolist(), rest.tolist()) == ([[0, 1], [6, 7]], [[2, 3], [4, 5]])
    ((none, every),) = tables.split_by_idx([], array)
    assert len(none) == 0
    assert len(every) == 4
    with pytest.raises(CourseError, match="goes from 1 to 4, but the rows are numbered 0 to 3"):
        tables.split_by_idx([1, 4], array)


def test_mini_batches_of_columns(made):
    df, y, md = made
    assert repr(md).startswith("ColumnarModelData over TabularData(")
    assert len(md.trn_dl) == 13
    assert len(md.val_dl) == 2
    codes, values, targets = next(iter(md.val_dl))
    assert (codes.dtype, values.dtype, targets.dtype) == (torch.int64, torch.float32, torch.float32)
    assert codes.tolist() == df[["Day", "Store"]][800:928].values.tolist()  # in the order of cat_flds
    np.testing.assert_allclose(values, df[["Distance", "Far_na"]][800:928].astype(float), rtol=1e-6)
    np.testing.assert_allclose(targets, y.to_numpy()[800:928, None], rtol=1e-6)
    seen = torch.cat([batch[2] for batch in md.trn_dl]).flatten()
    assert seen.tolist() != md.trn_y.flatten().tolist()
    assert sorted(seen.tolist()) == sorted(md.trn_y.flatten().tolist())


def test_the_network_learns_and_is_the_lectures(made, capsys):
    _, _, md = made
    shapes = []

    def root_mean_square(preds, targs):
        shapes.append((type(preds), preds.shape, targs.shape))
        return math.sqrt(((preds - targs) ** 2).mean())

    torch.manual_seed(0)
    m = md.get_learner([(2, 1), (6, 3)], 2, 0.04, 1, [50, 20], [0.001, 0.01], y_range=(0, 12))
    m.lr_find()
    assert len(m.sched.lrs) == 13
    assert m.fit(1e-2, 8, metrics=[root_mean_square]) is None
    assert shapes[:3] == [(np.ndarray, (128, 1), (128, 1)), (np.ndarray, (72, 1), (72, 1)), (np.ndarray, (200, 1), (200, 1))]
    error = m.predict() - md.val_y
    assert error.shape == (200, 1)
    assert np.sqrt((error**2).mean()) < 0.5
    figure = float(capsys.readouterr().out.splitlines()[-1].split()[-1])
    assert abs(figure - np.sqrt((error**2).mean())) < 1e-3
    np.testing.assert_array_equal(m.predict_dl(md.val_dl).shape, (200, 1))
    np.testing.assert_allclose(m.predict_dl(md.val_dl), m.predict(), rtol=1e-4)
    codes, values, _ = next(iter(md.val_dl))
    np.testing.assert_allclose(m.predict_array(codes.numpy(), values.numpy()), m.predict()[:128], rtol=1e-4)


def test_a_summary_of_the_layers(made):
    m = made[2].get_learner([(2, 1), (6, 3)], 2, 0.04, 1, [50, 20], [0.001, 0.01])
    layers = m.summary()
    assert [name for name in layers if name.startswith(("Embedding", "Linear"))] == [
        *("Embedding-1", "Embedding-2"),
        *[name for name in layers if name.startswith("Linear")],
    ]
    assert layers["Embedding-2"] == {"input_shape": [-1], "output_shape": [-1, 3], "trainable": True, "nb_params": 18}
    linear = [layer for name, layer in layers.items() if name.startswith("Linear")]
    assert [(layer["input_shape"], layer["output_shape"]) for layer in linear] == [
        *[([-1, 6], [-1, 50]), ([-1, 50], [-1, 20]), ([-1, 20], [-1, 1])]
    ]
    assert sum(layer["nb_params"] for layer in layers.values()) == sum(p.numel() for p in m.model.parameters())


def test_a_batch_norm_in_each_layer_where_it_is_asked_for(made):
    _, _, md = made
    norms = [
        sum(isinstance(layer, torch.nn.BatchNorm1d) for layer in md.get_learner(*network, use_bn=use_bn).model.modules())
        for network in [([(2, 1), (6, 3)], 2, 0.04, 1, [50, 20], [0.0, 0.0])]
        for use_bn in (False, True)
    ]
    assert norms == [1, 3]


@pytest.mark.parametrize(
    ("sizes", "others", "outputs", "message"),
    [
        ([(2, 1), (6, 3)], 3, 1, r"n_cont is 3, but beside the categorical columns the table has 2; give len\(df"),
        ([(2, 1)], 2, 1, "emb_szs has 1 pair for 2 categorical columns"),
        ([(2, 1), (4, 3)], 2, 1, "column 'Store' has codes from 0 to 4, but emb_szs has 4 for it; give 5"),
        ([(2, 1), (6, 3)], 2, 2, "out_sz is 2; the network predicts one number"),
    ],
)
def test_a_network_that_does_not_fit_the_table_is_refused(made, sizes, others, outputs, message):
    with pytest.raises(CourseError, match=message):
        made[2].get_learner(sizes, others, 0.04, outputs, [10], [0.1])


def test_tables_that_are_not_prepared_are_refused(made, tmp_path):
    df, y, _ = made
    for wrong, message in [
        (df.assign(Distance=np.nan), "column 'Distance' has missing or infinite values; proc_df"),
        (df.assign(Distance="far"), "column 'Distance' holds (str|object); proc_df"),
        (df.assign(Store=-1), "has the code -1"),
        (df[:999], "y has 1,000 targets for the 999 rows"),
    ]:
        with pytest.raises(CourseError, match=message):
            columnar.ColumnarModelData.from_data_frame(tmp_path, [0], wrong, y, cat_flds=["Day", "Store"])
    with pytest.raises(CourseError, match="names 0 of 1,000 rows"):
        columnar.ColumnarModelData.from_data_frame(tmp_path, [], df, y, cat_flds=["Day", "Store"])


def test_f2_is_the_best_over_thresholds():
    random = np.random.default_rng(1)
    preds, targs = random.random((50, 17)) ** 2, (random.random((50, 17)) < 0.2).astype(np.float32)
    targs[:, 0] = 1
    expected = max(fbeta_score(targs, preds > t, beta=2, average="samples") for t in np.arange(0.17, 0.24, 0.01))
    assert stand_ins.f2(preds, targs) == pytest.approx(expected, abs=1e-12)
    wide = max(fbeta_score(targs, preds > t, beta=2, average="samples") for t in np.arange(0.05, 0.9, 0.05))
    assert stand_ins.f2(preds, targs, 0.05, 0.9, 0.05) == pytest.approx(wide, abs=1e-12) != pytest.approx(expected, abs=1e-6)


def test_weeks_are_those_of_the_calendar():
    for year in (1900, 2004, 2009, 2015):
        for week in (1, 31, 52):
            assert stand_ins.Week(np.int64(year), np.int32(week)).monday() == date.fromisocalendar(year, week, 1)
    assert stand_ins.Week(2014, 53).monday() == date(2014, 12, 29)  # a year of 52 weeks goes on in the next


def test_a_summary_of_every_column():
    df = pd.DataFrame(
        {
            "Id": ["a", "b", "c", "d"],
            "Kind": ["x", "y", "z", "x"],
            "Open": [0, 1, 1, 1],
            "Sales": [1.0, 2.0, 6.0, np.nan],
            "Date": pd.to_datetime(["2014-01-01", "2014-01-02", "2014-01-03", "2014-01-03"]),
            "Land": "DE",
        }
    )
    summary = stand_ins.DataFrameSummary(df).summary()
    assert list(summary.columns) == list(df.columns)
    figures = ["count", "mean", "std", "min", "25%", "50%", "75%", "max"]
    assert list(summary.index) == [*figures, "counts", "uniques", "missing", "missing_perc", "types"]
    assert summary.loc["types"].tolist() == ["unique", "categorical", "bool", "numeric", "date", "constant"]
    assert summary.Sales[["count", "mean", "max", "counts", "uniques", "missing", "missing_perc"]].tolist() == [
        *(3, 3, 6, 3, 3, 1, "25.00%")
    ]
    assert summary.Kind[figures].isna().all()


def test_wrong_keywords_and_names_say_what_there_is():
    frame = pd.DataFrame({"Date": ["2015-07-31"], "y": [1.0]})
    for call, words in (
        (lambda: tables.add_datepart(frame, "Date", time=True), "it takes df, fldname, drop"),
        (lambda: tables.proc_df(frame, "y", do_scaled=True), "Did you mean do_scale"),
        (lambda: columnar.ColumnarModelData.from_data_frames(), "Did you mean from_data_frame"),
    ):
        with pytest.raises(CourseError, match=words):
            call()
