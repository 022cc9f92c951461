"""Feature engineering for tables, written once with Narwhals: the frame of an engine in, the same kind of frame out.

pandas for the class, Polars for a big machine, DuckDB for data larger than memory, Spark for a cluster; where the engine is
lazy, so are these functions, but for the checks that must look at the data (each says so).
"""

from course_utils.tabular.dates import add_datepart, combine_date, day_number, day_of_week, duration_capped, iso_week
from course_utils.tabular.events import elapsed_since, elapsed_until, rolling_sum
from course_utils.tabular.joins import JoinReport, join

__all__ = [
    "JoinReport",
    "add_datepart",
    "combine_date",
    "day_number",
    "day_of_week",
    "duration_capped",
    "elapsed_since",
    "elapsed_until",
    "iso_week",
    "join",
    "rolling_sum",
]
