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
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.pipeline import make_pipeline

    _require_rows(data)
    trees = whole("trees", trees)
    cardinalities = data.preprocessor.cardinalities
    many = [number for number, codes in enumerate(cardinalities) if codes > MOST_CATEGORIES]
    means = make_column_transformer((_target_encoder(seed), many), remainder="passthrough")  # puts these columns in front
    categories = range(len(many), len(cardinalities))
    boosting = HistGradientBoostingRegressor(
        max_iter=trees, learning_rate=0.1, max_leaf_nodes=63, categorical_features=[*categories] or None, random_state=seed
    )
    return _fitted(make_pipeline(means, boosting), data, split)


def _target_encoder(seed: int) -> Any:
    """Means of targets, each over folds of other rows; before version 1.9 scikit-learn took a seed in place of folds."""
    import sklearn
    from sklearn.model_selection import KFold
    from sklearn.preprocessing import TargetEncoder

    takes_folds = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9)
    folds = {"cv": KFold(5, shuffle=True, random_state=seed)} if takes_folds else {"random_state": seed}
    return TargetEncoder(target_type="continuous", **folds)


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
