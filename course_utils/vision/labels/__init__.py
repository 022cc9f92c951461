"""What pictures show, by a table: reading it, finding its columns, and turning labels into targets."""

from course_utils.vision.labels.table import Cell, LabelColumn, LabelTable, check_task, label_table, read_labels, said_of_files
from course_utils.vision.labels.targets import encode, only_in_validation

__all__ = [
    "Cell",
    "LabelColumn",
    "LabelTable",
    "check_task",
    "encode",
    "label_table",
    "only_in_validation",
    "read_labels",
    "said_of_files",
]
