"""What a network has to beat: a random forest, as in the lecture, and boosted trees, both from scikit-learn."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from course_utils.errors import CourseError
from course_utils.tabular.data import TabularData
from course_utils.tabular.prepared import PreparedTable
from course_utils.training.arguments import whole
from course_utils.training.predictions import Predictions
from course_utils.training.tasks import Split

MOST_CATEGORIES = 255
"""How many categories of a column scikit-learn's boosted trees keep apart."""


def random_forest(data: TabularData, split: Split = "valid", trees: int = 40, seed: int = 42) -> Predictions:
    """Predictions for one split by the mean of many trees, each grown on rows drawn with replacement (Breiman, 2001).

    The settings are those of the lecture's notebook: 40 trees, at least two rows in a leaf, nearly all columns at each branch.
    """
    from sklearn.ensemble import RandomForestRegressor

    _require_rows(data)
    trees = whole("trees", trees)
    forest = RandomForestRegressor(trees, min_samples_leaf=2, max_features=0.99, n_jobs=-1, random_state=seed)
    return _fitted(forest, data, split)


def boosted_trees(data: TabularData, split: Split = "valid", trees: int = 500, seed: int = 42) -> Predictions:
    """Predictions for one split by small trees, each grown on the errors of those before it (Friedman, 2001).

    Continuous columns are cut into 255 ranges, which makes it fast (Ke et al., 2017), and categorical columns may have as many
    categories. For one with more, such as a thousand shops, each category stands for the mean of its targets (Micci-Barreca,
    2001), which for a training row is taken over other rows than its own.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    _require_rows(data)
    trees = whole("trees", trees)
    cardinalities = data.preprocessor.cardinalities
    many = [number for number, codes in enumerate(cardinalities) if codes > MOST_CATEGORIES]
    categories = range(len(many), len(cardinalities))  # those of the other columns, which come after the means
    boosting = HistGradientBoostingRegressor(
        max_iter=trees, learning_rate=0.1, max_leaf_nodes=63, categorical_features=[*categories] or None, random_state=seed
    )
    return _fitted(_OnMeans(boosting, {number: cardinalities[number] for number in many}, seed), data, split)


def category_means(codes: NDArray[np.int64], targets: NDArray[Any], categories: int) -> NDArray[np.float64]:
    """What stands for each category: the mean of its targets, drawn towards that of all where its rows are few or differ much.

    `codes` and `targets` have one number for each row, and codes are below `categories`. A category of n rows gets the weight
    n·V / (n·V + v), where V is the variance of all targets and v that of its own; one without rows stands for the mean of all.

    >>> category_means(np.array([0, 0, 1, 1]), np.array([1.0, 1.0, 3.0, 3.0]), 3)
    array([1., 3., 2.])
    """
    rows = np.bincount(codes, minlength=categories)
    means = np.bincount(codes, targets, categories) / np.maximum(rows, 1)
    own = np.bincount(codes, (targets - means[codes]) ** 2, categories) / np.maximum(rows, 1)
    known = rows * targets.var(dtype=np.float64)
    weight = np.divide(known, known + own, out=np.zeros(categories), where=known + own > 0)
    return weight * means + (1 - weight) * targets.mean(dtype=np.float64)


class _OnMeans:
    """A model before which some columns of codes become their categories' means, and go in front of the others.

    scikit-learn has this as `TargetEncoder`, but not in version 1.2, which Kaggle's notebooks have.
    """

    def __init__(self, model: Any, categories: dict[int, int], seed: int) -> None:
        self.model, self.categories, self.seed = model, categories, seed
        self.means: dict[int, NDArray[np.float64]] = {}

    def fit(self, columns: NDArray[np.float32], targets: NDArray[np.float32]) -> None:
        from sklearn.model_selection import KFold

        encoded = {}
        for number, categories in self.categories.items():
            codes = columns[:, number].astype(np.int64)
            encoded[number] = np.empty(len(codes))
            for others, fold in KFold(5, shuffle=True, random_state=self.seed).split(codes):  # no row sees its own target
                encoded[number][fold] = category_means(codes[others], targets[others], categories)[codes[fold]]
            self.means[number] = category_means(codes, targets, categories)
        self.model.fit(self._in_front(encoded, columns), targets)

    def predict(self, columns: NDArray[np.float32]) -> NDArray[np.float64]:
        encoded = {number: means[columns[:, number].astype(np.int64)] for number, means in self.means.items()}
        return self.model.predict(self._in_front(encoded, columns))

    def _in_front(self, encoded: dict[int, NDArray[np.float64]], columns: NDArray[np.float32]) -> NDArray[Any]:
        return np.column_stack([*encoded.values(), np.delete(columns, [*self.categories], axis=1)])


def _require_rows(data: object) -> None:
    if not isinstance(data, TabularData):
        what = "ParquetData, whose rows stay in its files" if isinstance(data, PreparedTable) else type(data).__name__
        raise CourseError(f"trees learn from rows in memory: expected what TabularData.from_frame makes; got {what}")


def _fitted(model: Any, data: TabularData, split: Split) -> Predictions:
    """Fit to the training rows what the network is fitted to, codes and scaled continuous columns side by side, and predict."""
    targets = data.targets("train")
    assert targets is not None
    model.fit(_columns(data, "train"), (targets.log() if data.log_target else targets).cpu().numpy())
    outputs = torch.from_numpy(np.asarray(model.predict(_columns(data, split)), dtype=np.float32))
    return Predictions(data.activation(outputs), data.targets(split), data.items(split))


def _columns(data: TabularData, split: Split) -> NDArray[np.float32]:
    codes, values = data.inputs(split)
    rows = data.rows(split)
    return torch.cat([codes[rows].float(), values[rows]], dim=1).cpu().numpy()
