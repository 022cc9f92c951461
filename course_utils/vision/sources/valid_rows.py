"""The rows of a table for validation."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from course_utils.errors import CourseError
from course_utils.names import counted
from course_utils.training.arguments import shown

ValidIdx = Iterable[Any] | np.ndarray | None


def checked_rows(valid_idx: Iterable[Any] | np.ndarray, rows: int) -> set[int]:
    """`valid_idx` as a set of row numbers, each from 0 to `rows` - 1: numbers in any order, or True or False for each row.

    >>> checked_rows([2, 0], 3), checked_rows(np.array([True, False, True]), 3)
    ({0, 2}, {0, 2})
    """
    wrong = CourseError(
        f"valid_idx is {shown(valid_idx)}; give the numbers, from 0 to {rows - 1}, of the rows for validation, or True or "
        f"False for each of the {rows:,} rows; validation_split({rows}, 0.2) chooses a fifth at random"
    )
    if isinstance(valid_idx, str | bytes | dict):
        raise wrong
    try:
        numbers = np.asarray(valid_idx if hasattr(valid_idx, "__array__") else list(valid_idx))
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise wrong from error
    if numbers.dtype == object and all(isinstance(one, bool | np.bool_) for one in numbers.flat):
        numbers = numbers.astype(bool)
    elif numbers.dtype == object and all(isinstance(one, int | np.integer) and 0 <= one < rows for one in numbers.flat):
        numbers = numbers.astype(np.int64)
    if numbers.dtype == bool and numbers.shape == (rows,):
        numbers = np.flatnonzero(numbers)
    if numbers.dtype.kind == "f" and np.isfinite(numbers).all() and (numbers == np.trunc(numbers)).all():
        numbers = numbers.astype(np.int64)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or (numbers < 0).any() or (numbers >= rows).any():
        raise wrong
    given = set(numbers.tolist())
    if len(given) < len(numbers):
        again = counted(len(numbers) - len(given), "row")
        mask = "; for zeros and ones of each row give valid_idx == 1" if given <= {0, 1} and len(numbers) == rows else ""
        raise CourseError(f"valid_idx names {again} twice; name each once{mask}")
    return given
