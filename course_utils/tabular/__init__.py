"""Tables: joining them, making features of them, and teaching networks what is in them."""

from course_utils.tabular.data import TabularData
from course_utils.tabular.errors import TableError
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
from course_utils.tabular.preprocess import Preprocessor
from course_utils.tabular.shards import ParquetData
from course_utils.tabular.storage import read_table, write_table

__all__ = [
    "JoinReport",
    "ParquetData",
    "Preprocessor",
    "TableError",
    "TabularData",
    "TabularLearner",
    "TabularModel",
    "add_datepart",
    "combine_date",
    "day_number",
    "day_of_week",
    "duration_capped",
    "elapsed_since",
    "elapsed_until",
    "embedding_size",
    "iso_week",
    "join",
    "read_preprocessor",
    "read_table",
    "rolling_sum",
    "tabular_learner",
    "write_table",
]
