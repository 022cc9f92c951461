"""Which rows validate: those from a first to a last value of a column, both included."""

import datetime
import math
from decimal import Decimal
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from course_utils.tabular.contents import content
from course_utils.tabular.errors import TableError

Valid = tuple[str, Any, Any]  # a column, its first and its last value


def between(column: Any, valid: Valid) -> NDArray[np.bool_]:
    """Whether each value of an Arrow column is from the first to the last; see `ParquetData.from_parquet`.

    Raises a `TableError` where a bound is not of the column's kind.

    >>> import pyarrow as pa
    >>> between(pa.chunked_array([[1, 2, 3, 4]]), ("Id", 1.5, 3)).tolist()
    [False, True, True, False]
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    held = content(nw.from_native(pa.table({valid[0]: column})), valid[0])
    first, last = (_bound(valid, bound, held) for bound in valid[1:])
    if held == "dates":
        kind = pa.date32()  # of times the day counts, so the last one until midnight
    elif held in ("floats", "decimals"):
        kind = kind if held == "floats" else pa.float64()
        first, last = float(first), float(last)
    elif held == "whole numbers":
        low, high = (np.iinfo(kind.to_pandas_dtype()).min, np.iinfo(kind.to_pandas_dtype()).max)
        if first > high or last < low:
            return np.zeros(len(column), bool)
        first, last = math.ceil(max(first, low)), math.floor(min(last, high))
    least, most = (pa.scalar(bound, kind) for bound in (first, last))
    column = column.cast(kind, safe=False)
    return np.asarray(pc.and_(pc.greater_equal(column, least), pc.less_equal(column, most)))


def _bound(valid: Valid, given: Any, held: str) -> Any:
    """One of the two bounds as Python's number, truth, day or text, as suits what the column holds."""
    bound = given.item() if isinstance(given, np.generic) and not isinstance(given, np.datetime64) else given
    does_not_fit = f"valid={valid!r} does not fit column {valid[0]!r}, which holds {held}"
    found: Any
    if held == "dates":
        found, expected = _day(bound), "a day, such as '2014-08-01' or datetime.date(2014, 8, 1)"
    elif held in ("whole numbers", "floats", "decimals"):
        number = isinstance(bound, int | float | Decimal) and not isinstance(bound, bool) and bound == bound
        found, expected = (bound if number else None), "a number"
    elif held == "true and false":
        found, expected = (bound if isinstance(bound, bool) else None), "True or False"
    elif held == "text":
        day = None if isinstance(bound, str) else _day(bound)
        found, expected = (day.isoformat() if day else bound if isinstance(bound, str) else None), "text"
    else:
        raise TableError(f"{does_not_fit}; expected a column of dates, numbers or text")
    if found is None:
        raise TableError(f"{does_not_fit}: {given!r} is not {expected}" + ", without a time of day" * (held == "dates"))
    return found


def _day(bound: Any) -> datetime.date | None:
    """The day of a date, of midnight or of text such as 2014-08-01; None for anything else, a whole month too."""
    if isinstance(bound, np.datetime64):
        day = np.datetime_data(bound)[0] not in ("Y", "M", "generic")
        bound = bound.astype("datetime64[us]").item() if day else None
    if isinstance(bound, str):
        try:
            bound = datetime.datetime.fromisoformat(bound)
        except ValueError:
            return None
    if not isinstance(bound, datetime.datetime):
        return bound if isinstance(bound, datetime.date) else None
    if bound != bound or bound.tzinfo is not None or bound.time() != datetime.time():  # pandas' NaT is none of any time
        return None
    return bound.date()
