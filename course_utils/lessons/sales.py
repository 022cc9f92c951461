"""A small network for the sales of the simulated chain, its weights as they are stored, and the workbook that is made of it."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils.files import replacing

if TYPE_CHECKING:
    from course_utils.tabular.learner import TabularLearner
    from course_utils.tabular.predictor import TablePredictor

TRAINED = Path(__file__).with_name("sales.json")
# what differs from day to day, beside the shop: kind, town and competitor are the shop's own, which its embedding knows
CATEGORICAL = ("Store", "DayOfWeek", "Promo", "Day", "Month", "Year", "SchoolHoliday", "Events")
CONTINUOUS = ("Mean_TemperatureC", "CloudCover", "trend_DE", "AfterStateHoliday", "BeforeStateHoliday")
EMBEDDINGS = {"Store": 8, "DayOfWeek": 4, "Promo": 1, "Day": 5, "Month": 4, "Year": 2, "SchoolHoliday": 1, "Events": 3}
LAYERS = (40, 20)


def train_sales_network(folder: Path, epochs: int = 6) -> "TabularLearner":
    """Train the network of the workbook `rossmann` on the chain's tables in `folder`, which takes about a minute."""
    from course_utils.tabular import TabularData, rossmann, tabular_learner
    from course_utils.training import set_seed

    days, _ = rossmann.build_features(rossmann.read_tables(folder), report=None)
    held_back = rossmann.split_by_date(days)
    data = TabularData.from_frame(days, "Sales", CATEGORICAL, CONTINUOUS, held_back, log_target=True)
    set_seed(4)
    learner = tabular_learner(data, LAYERS, (0.0, 0.0), embedding_dropout=0.0, embedding_sizes=EMBEDDINGS)
    learner.fit_one_cycle(1e-2, epochs, weight_decay=0.01)
    return learner


def store_sales_network(learner: "TabularLearner", row: dict[str, Any], path: Path = TRAINED) -> None:
    """Write what `sales_predictor` reads, with a row to begin with.

    Weights are rounded to four decimals, which a cell shows and a student can type; scales keep all their digits.
    """
    from course_utils.excel.tabular import training_limits

    weights = {
        key: value.double().mul(10**4).round().div(10**4).tolist() if value.is_floating_point() else value.tolist()
        for key, value in learner.model.state_dict().items()
    }
    y_range = learner.model.y_range
    stored = {
        "row": row,
        "limits": training_limits(learner),
        "y range": None if y_range is None else [round(end, 4) for end in y_range],
        "preprocessor": learner.data.preprocessor.to_dict(),
        "weights": weights,
    }
    with replacing(path) as part:
        part.write_text(json.dumps(stored, separators=(",", ":")).replace("],", "],\n") + "\n", encoding="utf-8")


def sales_predictor() -> "TablePredictor":
    """The trained network of the workbook `rossmann`, ready to predict; its weights are in float64, so that all of them count.

    >>> 1000 < sales_predictor().predict({**first_row(), "Store": 7}) < 20000
    True
    """
    import torch

    from course_utils.tabular.model import TabularModel
    from course_utils.tabular.predictor import TablePredictor
    from course_utils.tabular.preprocess import Preprocessor

    stored = _stored()
    preprocessor = Preprocessor.from_dict(stored["preprocessor"])
    sizes = zip(preprocessor.cardinalities, (EMBEDDINGS[name] for name in CATEGORICAL), strict=True)
    y_range = None if stored["y range"] is None else tuple(stored["y range"])
    model = TabularModel(list(sizes), len(preprocessor.continuous_names), LAYERS, (0.0, 0.0), y_range=y_range).double()
    model.load_state_dict({key: torch.tensor(value, dtype=torch.float64) for key, value in stored["weights"].items()})
    return TablePredictor(model, preprocessor, log_target=True, target="Sales")


def first_row() -> dict[str, Any]:
    """The row that the workbook begins with.

    >>> first_row()["Store"]
    1
    """
    row: dict[str, Any] = _stored()["row"]
    return row


def rossmann(path: str | os.PathLike[str]) -> Path:
    """A trained network that says what a shop will sell: choose shop and day from lists, and read the prediction in euros."""
    from course_utils.excel import export_tabular

    limits = _stored()["limits"]
    title = "What will a shop sell on one day? Choose, and read the prediction in euros"
    return export_tabular(sales_predictor(), first_row(), path, title=title, limits=limits)


def _stored() -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(TRAINED.read_text(encoding="utf-8"))
    return stored
