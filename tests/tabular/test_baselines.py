"""Forest and boosted trees beside scikit-learn used by hand."""

import numpy as np
import pandas as pd
import pytest
import sklearn.preprocessing
import torch
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.model_selection import KFold

from course_utils.errors import CourseError
from course_utils.tabular import ParquetData, TabularData, boosted_trees, random_forest, write_table
from course_utils.tabular.baselines import _OnMeans, category_means
from course_utils.training import rmspe

VALID = np.arange(0, 900, 3)


def made_up(rows: int = 900, seed: int = 0) -> pd.DataFrame:
    """Sales that a store, a week day and a distance explain but for a twentieth."""
    rng = np.random.default_rng(seed)
    store, day, distance = rng.integers(1, 9, rows), rng.integers(0, 3, rows), rng.random(rows)
    return pd.DataFrame(
        {
            "store": store,
            "day": np.array(["Mon", "Sun", "Tue"])[day],
            "distance": np.where(rng.random(rows) < 0.1, np.nan, distance),
            "sales": np.exp(8 + 0.3 * np.sin(store) + 0.2 * day + 0.3 * distance + rng.normal(0, 0.05, rows)),
        }
    )


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return made_up()


def data_of(frame: pd.DataFrame, log_target: bool = True) -> TabularData:
    test = made_up(20, seed=1).drop(columns="sales")
    data = TabularData.from_frame(frame, "sales", ["store", "day"], ["distance"], VALID, log_target=log_target, test=test)
    return data.to("cpu")


def columns_by_hand(frame: pd.DataFrame) -> np.ndarray:
    """Trees look at the order of numbers alone, so that nothing need be scaled."""
    train = np.delete(np.arange(900), VALID)
    distance = frame["distance"].fillna(frame["distance"].iloc[train].median())
    day = frame["day"].map({"Mon": 1, "Sun": 2, "Tue": 3})
    return np.stack([frame["store"], day, distance, frame["distance"].isna()], axis=1).astype(float)


@pytest.mark.parametrize("log_target", [True, False])
def test_the_forest_is_scikit_learns(frame: pd.DataFrame, log_target: bool) -> None:
    columns, train = columns_by_hand(frame), np.delete(np.arange(900), VALID)
    forest = RandomForestRegressor(12, min_samples_leaf=2, max_features=0.99, random_state=5)
    targets = frame["sales"].to_numpy(np.float32)
    forest.fit(columns[train], np.log(targets[train]) if log_target else targets[train])
    expected = forest.predict(columns[VALID])
    found = random_forest(data_of(frame, log_target), trees=12, seed=5)
    assert np.allclose(found.values, np.exp(expected) if log_target else expected, rtol=1e-3)
    assert np.allclose(found.targets, targets[VALID])


def test_boosted_trees_are_scikit_learns_and_keep_categories_apart(frame: pd.DataFrame) -> None:
    columns, train = columns_by_hand(frame), np.delete(np.arange(900), VALID)
    trees = HistGradientBoostingRegressor(
        max_iter=20, learning_rate=0.1, max_leaf_nodes=63, categorical_features=[0, 1], random_state=5
    )
    trees.fit(columns[train], np.log(frame["sales"].to_numpy(np.float32)[train]))
    found = boosted_trees(data_of(frame), trees=20, seed=5)
    assert np.allclose(found.values, np.exp(trees.predict(columns[VALID])), rtol=1e-3)


class Remembers:
    """A model that keeps what it was given."""

    def fit(self, columns, targets):
        self.fitted = columns

    def predict(self, columns):
        return columns


@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_the_means_of_categories_are_those_of_the_target_encoder(spread: float) -> None:
    if not hasattr(sklearn.preprocessing, "TargetEncoder"):
        pytest.skip("scikit-learn before 1.3 has none")
    rng = np.random.default_rng(1)
    columns = np.stack([rng.random(400), rng.geometric(0.1, 400) - 1, rng.integers(0, 3, 400)], axis=1).astype(np.float32)
    columns[:7, 1] = np.arange(50, 57)  # each once: its mean is that of the others, where its row is not seen
    targets = (8 + columns[:, 1] % 5 + spread * rng.normal(size=400)).astype(np.float32)
    model = _OnMeans(Remembers(), {1: 60}, seed=5)
    model.fit(columns, targets)
    folds = {"cv": KFold(5, shuffle=True, random_state=5)} if sklearn_version() >= (1, 9) else {"random_state": 5}
    encoder = sklearn.preprocessing.TargetEncoder(target_type="continuous", **folds)
    assert np.allclose(model.model.fitted[:, 0], encoder.fit_transform(columns[:, [1]], targets)[:, 0], rtol=1e-5)
    assert (model.model.fitted[:, 1:] == columns[:, [0, 2]]).all()
    unseen = np.array([[0.5, 3, 1], [0.5, 59, 1]], np.float32)
    assert np.allclose(model.predict(unseen)[:, 0], encoder.transform(unseen[:, [1]])[:, 0], rtol=1e-5)


def sklearn_version() -> tuple[int, ...]:
    return tuple(map(int, sklearn.__version__.split(".")[:2]))


def test_where_all_targets_are_one_number_each_category_stands_for_it() -> None:
    assert category_means(np.array([0, 2, 2]), np.full(3, 4.0), 4).tolist() == [4.0] * 4


def test_of_more_shops_than_trees_keep_apart_each_stands_for_its_mean() -> None:
    rng = np.random.default_rng(3)
    level = rng.normal(size=300)  # in no order that the numbers of the shops would tell
    shop = np.arange(3000) % 300
    sales = np.exp(8 + level[shop] + rng.normal(0, 0.05, 3000))
    frame = pd.DataFrame({"day": np.arange(3000) % 7, "shop": shop, "size": rng.random(3000), "sales": sales})
    data = TabularData.from_frame(frame, "sales", ["day", "shop"], ["size"], rng.permutation(3000)[:600], log_target=True)
    found = boosted_trees(data.to("cpu"), trees=60)
    assert rmspe(found.values, found.targets) < 0.12


@pytest.mark.parametrize("baseline", [random_forest, boosted_trees])
def test_a_test_set_has_predictions_without_targets(frame: pd.DataFrame, baseline) -> None:
    data = data_of(frame)
    found = baseline(data, "test", trees=10)
    assert found.targets is None
    assert found.items == data.items("test")
    assert len(found.values) == 20
    true = torch.tensor(made_up(20, seed=1)["sales"])
    assert rmspe(found.values, true) < rmspe(torch.full((20,), frame["sales"].mean()), true)


def test_they_come_near_to_what_can_be_known(frame: pd.DataFrame) -> None:
    for baseline in (random_forest, boosted_trees):
        found = baseline(data_of(frame), trees=50)
        assert 0.045 < rmspe(found.values, found.targets) < 0.1  # 0.05 is noise
    mean = torch.full((300,), frame["sales"].mean())
    assert rmspe(mean, found.targets) > 0.25


def test_rows_that_stay_in_files_are_refused(frame: pd.DataFrame, tmp_path) -> None:
    write_table(frame.assign(number=range(900)), tmp_path / "sales.parquet")
    data = ParquetData.from_parquet(tmp_path / "sales.parquet", "sales", ["store"], ["distance"], ("number", 0, 99))
    with pytest.raises(CourseError, match=r"what TabularData\.from_frame makes; got ParquetData, whose rows stay in its files"):
        random_forest(data)


@pytest.mark.parametrize("baseline", [random_forest, boosted_trees])
@pytest.mark.parametrize("trees", [0, 2.5])
def test_no_trees_are_refused(frame: pd.DataFrame, baseline, trees) -> None:
    with pytest.raises(CourseError, match=f"trees is {trees}"):
        baseline(data_of(frame), trees=trees)


def test_what_is_no_data_is_refused():
    for model in (random_forest, boosted_trees):
        with pytest.raises(CourseError, match=r"expected what TabularData\.from_frame makes; got NoneType"):
            model(None)
