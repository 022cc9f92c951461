import json

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

from course_utils.tabular import Preprocessor, TableError


def made_up(rows=300, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "store": rng.integers(1, 40, rows),
            "state": rng.choice(["HE", "BY", "HB,NI", "ÄÖ"], rows),
            "open": rng.random(rows) < 0.8,
            "year": np.where(rng.random(rows) < 0.3, np.nan, rng.integers(1990, 2016, rows)),
            "event": rng.choice(np.array(["Fog", "Rain", None], object), rows),
            "distance": np.where(rng.random(rows) < 0.1, np.nan, rng.lognormal(8, 1, rows)),
            "temperature": rng.integers(-10, 30, rows),
            "promo": rng.random(rows) < 0.4,
        }
    )
    return frame


CATEGORICAL, CONTINUOUS = ["store", "state", "open", "year", "event"], ["distance", "temperature", "promo"]


@pytest.fixture
def frame():
    return made_up()


@pytest.fixture
def fitted(frame):
    return Preprocessor(CATEGORICAL, CONTINUOUS).fit(frame)


def test_codes_are_those_of_scikit_learn(frame, fitted):
    codes, _ = fitted.transform(frame)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1)
    for i, name in enumerate(CATEGORICAL):
        column = frame[[name]].astype(object).where(frame[[name]].notna(), np.nan)
        assert np.array_equal(codes[:, i], encoder.fit_transform(column)[:, 0] + 1), name
    assert codes.dtype == np.int64
    assert codes.shape == (300, 5)
    assert fitted.cardinalities == [40, 5, 3, 27, 3]


def test_values_are_those_of_scikit_learn(frame, fitted):
    _, values = fitted.transform(frame)
    expected = StandardScaler().fit_transform(SimpleImputer(strategy="median").fit_transform(frame[CONTINUOUS].astype(float)))
    assert np.allclose(values[:, :3], expected, atol=1e-5)
    assert values.dtype == np.float32
    assert fitted.continuous_names == [*CONTINUOUS, "distance_na"]
    assert np.array_equal(values[:, 3], frame["distance"].isna())


def test_only_the_training_rows_are_learnt_from(frame, capsys):
    rows = np.flatnonzero(frame["store"] < 30)
    part = Preprocessor(CATEGORICAL, CONTINUOUS).fit(frame, rows)
    assert part == Preprocessor(CATEGORICAL, CONTINUOUS).fit(frame.iloc[rows])
    codes, values = part.transform(frame)
    unseen = (frame["store"] >= 30).to_numpy()
    assert (codes[unseen, 0] == 0).all()
    assert (codes[~unseen, 0] > 0).all()
    assert np.allclose(values[rows, :3].mean(0), 0, atol=1e-5)
    assert np.allclose(values[rows, :3].std(0), 1, atol=1e-5)
    said = capsys.readouterr().out
    first = frame["store"][unseen].iloc[0]
    assert said == (
        f"column 'store': {unseen.sum()} rows of a category that was not in the training rows, such as {first}; "
        "they count as unknown\n"
    )
    part.transform(frame)
    assert capsys.readouterr().out == ""  # said once


def test_the_table_is_left_as_it_is(frame, fitted):
    before = frame.copy()
    fitted.transform(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_one_new_row(frame, fitted, capsys):
    row = pd.DataFrame([{"store": 7, "state": "XX", "open": True, "year": None, "event": None, "distance": None}])
    row = row.assign(temperature=20, promo=1)
    codes, values = fitted.transform(row)
    assert codes.tolist() == [[fitted.categories["store"].index(7) + 1, 0, 2, 0, 0]]
    distance, temperature = fitted.scales["distance"], fitted.scales["temperature"]
    assert values[0, 0] == pytest.approx((distance.fill - distance.mean) / distance.std, abs=1e-6)
    assert values[0, 1] == pytest.approx((20 - temperature.mean) / temperature.std, abs=1e-6)
    assert values[0, 3] == 1
    assert "'XX'; it counts as unknown" in capsys.readouterr().out
    last = frame.iloc[[5]]
    alone, together = fitted.transform(last), fitted.transform(frame)
    assert np.array_equal(alone[0], together[0][[5]])
    assert np.array_equal(alone[1], together[1][[5]])


def test_missing_where_training_had_none_becomes_the_median_without_a_flag(fitted, frame):
    frame = frame.assign(temperature=frame["temperature"].astype(float))
    frame.loc[3, "temperature"] = np.nan
    _, values = fitted.transform(frame)
    scale = fitted.scales["temperature"]
    assert values[3, 1] == pytest.approx((scale.fill - scale.mean) / scale.std, abs=1e-6)
    assert values.shape[1] == 4


def test_a_category_that_is_missing_where_training_had_none_is_said_once(capsys):
    fitted = Preprocessor(["full", "gaps"], []).fit(pd.DataFrame({"full": ["a", "b"], "gaps": ["a", None]}))
    row = pd.DataFrame({"full": [None], "gaps": [None]})
    assert capsys.readouterr().out == ""
    for again in (fitted, Preprocessor.from_dict(json.loads(json.dumps(fitted.to_dict())))):
        for said in ("column 'full': 1 row without a value, which all training rows had; it counts as unknown\n", ""):
            assert again.transform(row)[0].tolist() == [[0, 0]]
            assert capsys.readouterr().out == said
    learnt = fitted.to_dict()
    del learnt["gaps"]  # as earlier versions wrote it
    Preprocessor.from_dict(learnt).transform(row)
    assert capsys.readouterr().out == ""


AS = {
    "polars": lambda frame: pl.from_pandas(frame),
    "polars, lazy": lambda frame: pl.from_pandas(frame).lazy(),
    "polars, categorical": lambda frame: pl.from_pandas(frame).with_columns(pl.col("state", "event").cast(pl.Categorical)),
    "pandas, categorical": lambda frame: frame.astype({"state": "category", "event": "category", "store": "category"}),
    "pandas, nullable": lambda frame: frame.convert_dtypes(),
    "pandas, objects": lambda frame: frame.astype({"state": object, "event": object, "year": object}),
    "pyarrow": lambda frame: pl.from_pandas(frame).to_arrow(),
    "duckdb": lambda frame: duckdb.from_df(frame),
}


@pytest.mark.parametrize("kind", AS)
def test_other_kinds_of_table_give_the_same(kind, frame, fitted):
    table = AS[kind](frame)
    again = Preprocessor(CATEGORICAL, CONTINUOUS).fit(table)
    assert again == fitted
    expected = fitted.transform(frame)
    for one in (again, fitted):
        for have, want in zip(one.transform(table), expected, strict=True):
            assert np.allclose(have, want, atol=1e-6)


def test_it_survives_json(frame, fitted):
    text = json.dumps(fitted.to_dict(), allow_nan=False)
    again = Preprocessor.from_dict(json.loads(text))
    assert again == fitted
    for have, want in zip(again.transform(frame), fitted.transform(frame), strict=True):
        assert np.array_equal(have, want)
    assert again != Preprocessor(CATEGORICAL, CONTINUOUS).fit(frame.iloc[:100])
    assert fitted != "something else"
    assert all(type(value) in (str, int, bool) for values in fitted.categories.values() for value in values)


def broken(change):
    learnt = json.loads(json.dumps(Preprocessor(["state"], ["temperature"]).fit(made_up(20)).to_dict()))
    change(learnt)
    return learnt


@pytest.mark.parametrize(
    "learnt",
    [
        {},
        [],
        None,
        "text",
        {"categorical": 3, "continuous": {}},
        {"categorical": {"a": 1}, "continuous": {}},
        {"categorical": {"a": [[1]]}, "continuous": {}},
        {"categorical": {"a": [None]}, "continuous": {}},
        {"categorical": {"a": [1, 1]}, "continuous": {}},
        {"categorical": {"a": [1, "1"]}, "continuous": {}},
        {"categorical": {}, "continuous": {}},
        broken(lambda d: d["continuous"]["temperature"].pop("std")),
        broken(lambda d: d["continuous"]["temperature"].update(more=1)),
        broken(lambda d: d["continuous"]["temperature"].update(std=0)),
        broken(lambda d: d["continuous"]["temperature"].update(mean=float("nan"))),
        broken(lambda d: d["continuous"]["temperature"].update(mean="high")),
        broken(lambda d: d["continuous"]["temperature"].update(flagged="yes")),
        broken(lambda d: d["continuous"].update(temperature=[1, 2, 3, 4])),
        broken(lambda d: d["gaps"].update(state=1)),
        broken(lambda d: d["gaps"].update(temperature=True)),
        broken(lambda d: d.update(gaps=[1])),
    ],
)
def test_what_is_no_preprocessor_is_refused(learnt):
    with pytest.raises(TableError, match=r"not what a preprocessor has learnt|no columns were named"):
        Preprocessor.from_dict(learnt)


def test_constant_and_entirely_missing_columns(frame, capsys):
    constant = frame.assign(temperature=5)
    _, values = Preprocessor([], ["temperature"]).fit(constant).transform(constant)
    assert (values == 0).all()
    for nothing in (None, np.nan, pd.NA, pd.Series([None] * 300, dtype="str")):
        assert (Preprocessor(["event"], []).fit(frame).transform(frame.assign(event=nothing))[0] == 0).all()
    empty = frame.assign(event=None, distance=np.nan)
    fitted = Preprocessor(["event"], ["temperature"]).fit(empty)
    assert "'event': none of the 300 training rows has a value" in capsys.readouterr().out
    assert fitted.cardinalities == [1]
    assert (fitted.transform(empty)[0] == 0).all()
    assert (fitted.transform(frame)[0] == 0).all()  # all are new to it
    with pytest.raises(TableError, match="'distance' has no value in any of the 300 training rows"):
        Preprocessor([], ["distance"]).fit(empty)


def test_large_numbers_keep_their_place():
    frame = pd.DataFrame({"x": [1e12, 1e12 + 1, 1e12 + 2]})
    _, values = Preprocessor([], ["x"]).fit(frame).transform(frame)
    assert np.allclose(values[:, 0], [-1.2247, 0, 1.2247], atol=1e-3)  # scaled before it becomes 32 bits


@pytest.mark.parametrize(
    ("columns", "change", "message"),
    [
        ((["nowhere"], []), {}, "no column 'nowhere'; its columns are store, state"),
        ((["store", "state"], ["store"]), {}, "'store' is named twice"),
        (([], []), {}, "no columns were named"),
        (
            ([], ["state"]),
            {},
            r"'state' is continuous, .* but it holds text, such as 'HE'; .*categorical",
        ),
        (([], ["date"]), {"date": pd.Timestamp("2015-07-31")}, "'date' is continuous.*add_datepart"),
        ((["date"], []), {"date": pd.Timestamp("2015-07-31")}, "'date' holds dates.*add_datepart"),
        ((["mixed"], []), {"mixed": [0, "0"] * 150}, r"'mixed' mixes numbers and text \(0 and '0'\).*astype\(str\)"),
        ((["things"], []), {"things": [(1, 2)] * 300}, "'things' holds values of type tuple; categories are text or numbers"),
        ((["lists"], []), {"lists": [[1, 2]] * 300}, "'lists' holds lists, or the like; categories are text or numbers"),
        (([], ["temperature"]), {"temperature": [np.inf] + [1.0] * 299}, "'temperature' has 1 infinite values, .* row 0"),
    ],
)
def test_what_cannot_be_prepared_is_named(frame, columns, change, message):
    with pytest.raises(TableError, match=message):
        Preprocessor(*columns).fit(frame.assign(**change))


def test_what_does_not_fit_later_is_named(frame, fitted):
    for change, message in (
        ({"store": frame["store"].astype(str)}, r"'store' holds text but held numbers in the training rows \(1 ...\)"),
        ({"state": 3}, r"'state' holds numbers but held text in the training rows \('BY' ...\)"),
        ({"temperature": "mild"}, "'temperature' is continuous"),
    ):
        with pytest.raises(TableError, match=message):
            fitted.transform(frame.assign(**change))
    with pytest.raises(TableError, match="no columns 'year', 'promo'"):
        fitted.transform(frame.drop(columns=["year", "promo"]))
    with pytest.raises(TableError, match="learnt nothing yet"):
        Preprocessor(CATEGORICAL, CONTINUOUS).transform(frame)
    with pytest.raises(TableError, match="learnt nothing yet"):
        Preprocessor(CATEGORICAL, CONTINUOUS).to_dict()
    with pytest.raises(TableError, match="no rows to learn from"):
        Preprocessor(CATEGORICAL, CONTINUOUS).fit(frame.iloc[:0])
    with pytest.raises(TableError, match=r"expected a table .* got something of type dict"):
        fitted.transform({"store": [1]})


def test_no_rows_give_no_rows(frame, fitted):
    codes, values = fitted.transform(frame.iloc[:0])
    assert codes.shape == (0, 5)
    assert values.shape == (0, 4)


@pytest.mark.parametrize("value", [0.1, 7.0, 1e12 / 3])
def test_a_column_of_one_value_becomes_zeros(value):
    preprocessor = Preprocessor([], ["x"]).fit(pd.DataFrame({"x": [value] * 1_000}))
    _, values = preprocessor.transform(pd.DataFrame({"x": [value, value + 2]}))
    assert values[:, 0].tolist() == pytest.approx([0, 2], rel=1e-3)


def test_numbers_too_large_for_32_bits_are_named(frame, fitted):
    with pytest.raises(TableError, match=r"'distance' has 1 infinite .*the first is 1e\+300 in row 7"):
        fitted.transform(frame.assign(distance=frame["distance"].where(frame.index != 7, 1e300)))


def test_letters_of_one_character_or_two_are_one_category():
    one, two = "Th\u00fcringen", "Thu\u0308ringen"
    preprocessor = Preprocessor(["state"], []).fit(pd.DataFrame({"state": [one, "Hessen", two]}))
    assert preprocessor.categories == {"state": ["Hessen", one]}
    again = Preprocessor.from_dict({"categorical": {"state": ["Hessen", two]}, "continuous": {}})
    for either in (preprocessor, again):
        assert either.transform(pd.DataFrame({"state": [two, one, "Hessen"]}))[0].tolist() == [[2], [2], [1]]


def test_numbers_that_no_float_holds_are_no_scales():
    scale = {"fill": 0.0, "mean": 0.0, "std": 10**400, "flagged": False}
    with pytest.raises(TableError, match="not what a preprocessor has learnt"):
        Preprocessor.from_dict({"categorical": {}, "continuous": {"distance": scale}})


def test_true_and_false_are_no_numbers_of_things():
    days = Preprocessor(["day"], []).fit(pd.DataFrame({"day": [1, 2, 7]}))
    with pytest.raises(TableError, match=r"holds true and false but held numbers in the training rows \(7 \.\.\.\)"):
        days.transform(pd.DataFrame({"day": [True, False]}))
    flags = Preprocessor(["open"], []).fit(pd.DataFrame({"open": [1, 0]}))
    assert flags.transform(pd.DataFrame({"open": [True, False]}))[0].tolist() == [[2], [1]]
