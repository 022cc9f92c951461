"""Tables: joining them, making features of them, and teaching networks what is in them.

The functions for features are written once with Narwhals: the frame of an engine in, the same kind of frame out. pandas for the
class, Polars for a big machine, DuckDB for data larger than memory, Spark for a cluster; where the engine is lazy, so are these
functions, but for the checks that must look at the data (each says so).
"""

from course_utils.tabular.baselines import boosted_trees, random_forest
from course_utils.tabular.data import TabularData
from course_utils.tabular.dates import add_datepart, combine_date, day_number, day_of_week, duration_capped, iso_week
from course_utils.tabular.errors import TableError
from course_utils.tabular.events import elapsed_since, elapsed_until, rolling_sum
from course_utils.tabular.exploring import at_a_glance, tables_at_a_glance
from course_utils.tabular.joins import JoinReport, join
from course_utils.tabular.learner import TabularLearner, read_preprocessor, tabular_learner
from course_utils.tabular.model import TabularModel, embedding_size
from course_utils.tabular.parquet import ParquetData
from course_utils.tabular.predictor import TablePredictor
from course_utils.tabular.preprocess import Preprocessor
from course_utils.tabular.results import errors_by, principal_components, show_embedding, show_errors, show_predictions
from course_utils.tabular.rossmann import show_effects, show_sales
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
