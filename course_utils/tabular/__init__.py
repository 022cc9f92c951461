"""Tables: joining them, making features of them, and teaching networks what is in them."""

from course_utils.tabular.baselines import boosted_trees, random_forest
from course_utils.tabular.data import TabularData
from course_utils.tabular.errors import TableError
from course_utils.tabular.exploring import at_a_glance, show_effects, show_sales, tables_at_a_glance
from course_utils.tabular.features import (
    JoinReport,
    add_datepart,
    combine_date,
    day_number,
    day_of_week,
    duration_capped,
    elapsed_since,
    elapsed_until,
    iso_week,
    join,
    rolling_sum,
)
from course_utils.tabular.model import TabularLearner, TabularModel, embedding_size, read_preprocessor, tabular_learner
from course_utils.tabular.predictor import TablePredictor
from course_utils.tabular.preprocess import Preprocessor
from course_utils.tabular.results import errors_by, principal_components, show_embedding, show_errors, show_predictions
from course_utils.tabular.shards import ParquetData
from course_utils.tabular.storage import read_table, write_table

__all__ = [
    "JoinReport",
    "ParquetData",
    "Preprocessor",
    "TableError",
    "TablePredictor",
    "TabularData",
    "TabularLearner",
    "TabularModel",
    "add_datepart",
    "at_a_glance",
    "boosted_trees",
    "combine_date",
    "day_number",
    "day_of_week",
    "duration_capped",
    "elapsed_since",
    "elapsed_until",
    "embedding_size",
    "errors_by",
    "iso_week",
    "join",
    "principal_components",
    "random_forest",
    "read_preprocessor",
    "read_table",
    "rolling_sum",
    "show_effects",
    "show_embedding",
    "show_errors",
    "show_predictions",
    "show_sales",
    "tables_at_a_glance",
    "tabular_learner",
    "write_table",
]
