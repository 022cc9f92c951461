"""The sales of Rossmann's stores, lesson 4's table: its files, its features, its columns and its figures."""

from course_utils.tabular.rossmann.exploring import show_effects, show_sales
from course_utils.tabular.rossmann.features import CATEGORICAL, CONTINUOUS, EVENTS, VALIDATION, build_features, split_by_date
from course_utils.tabular.rossmann.tables import TABLES, read_tables

__all__ = [
    "CATEGORICAL",
    "CONTINUOUS",
    "EVENTS",
    "TABLES",
    "VALIDATION",
    "build_features",
    "read_tables",
    "show_effects",
    "show_sales",
    "split_by_date",
]
