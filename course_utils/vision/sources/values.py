"""The values of a column or a list of any library, as the cells of a table of labels."""

import datetime
import math
from collections.abc import Iterable
from typing import Any

from course_utils.errors import CourseError
from course_utils.vision.disk import composed
from course_utils.vision.labels import Cell

LISTS = (list, tuple, set, frozenset)


def refuse_nested(source: str, values: Iterable[Any]) -> None:
    """Raise CourseError for a label that is a dictionary, or a list of lists; `source` is what a message calls the labels."""
    for value in values:
        parts = value if isinstance(value, LISTS) else []
        if isinstance(value, dict) or any(isinstance(part, (dict, *LISTS)) for part in parts):
            raise CourseError(f"{source} has the label {value!r}; give a text, or a list of those that the picture shows")


def as_cells(column: Any) -> list[Any]:
    """The cells of a column as text, or as lists of text; empty where there is none."""
    values = values_of(column)
    floats = [value for value in values if isinstance(value, float)]
    whole = all(value.is_integer() for value in floats if math.isfinite(value))  # whole numbers with a gap become floats
    return [_cell(value, whole) for value in values]


def values_of(column: Any) -> list[Any]:
    """The values of a column of NumPy, PyTorch, pandas, Polars or Arrow, or of a list, as Python's own."""
    listed = next((getattr(column, name) for name in ("tolist", "to_list", "to_pylist") if hasattr(column, name)), None)
    return list(column) if listed is None else list(listed())


def _cell(value: Any, whole: bool) -> Cell:
    if hasattr(value, "tolist"):  # an array, a tensor or one number of theirs
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        tags = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [str(_cell(tag, whole)) for tag in tags]
    if isinstance(value, bytes):  # as HDF5 and NumPy keep texts
        return composed(value.decode("utf-8", "backslashreplace").strip())
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:  # NA answers no comparison
        return ""
    if isinstance(value, datetime.datetime):
        return value.isoformat()  # without a space, at which labels are split
    if isinstance(value, float) and whole and math.isfinite(value):
        return str(int(value))
    return composed(str(value).strip()) if isinstance(value, str) else str(value)
