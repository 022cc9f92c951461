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

    Continuous columns are cut into 255 ranges, which makes it fast (Ke et al., 2017). Categorical
    columns of up to 255 categories stay so.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor

    _require_rows(data)
    trees = whole("trees", trees)
    cardinalities = data.preprocessor.cardinalities
    categories = [number for number, codes in enumerate(cardinalities) if codes <= 255]
    boosting = HistGradientBoostingRegressor(
        max_iter=trees, learning_rate=0.1, max_leaf_nodes=63, categorical_features=categories or None, random_state=seed
    )
    return _fitted(boosting, data, split)


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
