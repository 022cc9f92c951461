"""Arrays of NumPy with values masked out: what makes an array or a tensor of one takes the hidden values for real ones."""

from typing import Any

import numpy as np

from course_utils.errors import CourseError


def masked_values(given: Any) -> int:
    """How many values are masked out of an array, or of the arrays and numbers in a list; 0 of all else.

    >>> masked_values(np.ma.masked_equal([1, -999, 3], -999)), masked_values([[1.0, np.ma.masked], [2.0]])
    (1, 1)
    >>> masked_values(np.ma.array([1, 2])), masked_values("text")
    (0, 0)
    """
    if isinstance(given, np.ma.MaskedArray):
        return int(np.ma.getmaskarray(given).sum()) if given.dtype.names is None else int(np.ma.is_masked(given))
    if isinstance(given, list | tuple):
        return sum(map(masked_values, given))
    return 0


def refuse_masked(name: str, given: Any, error: type[CourseError] = CourseError) -> None:
    """Raise an `error` for an array of which values are masked out, before it is read as if they were not.

    >>> refuse_masked("x", np.ma.masked_equal([1, -999, 3], -999))
    Traceback (most recent call last):
    ...
    course_utils.errors.CourseError: x has 1 value masked out, which would count like the others; put numbers in their place, \
as in x.filled(0), or leave out what has none
    """
    if number := masked_values(given):
        values = "1 value" if number == 1 else f"{number:,} values"
        raise error(
            f"{name} has {values} masked out, which would count like the others; put numbers in their place, as in "
            "x.filled(0), or leave out what has none"
        )
