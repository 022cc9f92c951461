"""What a column holds, in the words of those who read the table, whatever the engine calls its types."""

from typing import Any

import narwhals as nw

from course_utils.tabular.errors import TableError

Frame = nw.DataFrame[Any] | nw.LazyFrame[Any]

_WORDS = {
    "String": "text",
    "Boolean": "true and false",
    "Decimal": "decimals",
    "Date": "dates",
    "Datetime": "dates",
    "Time": "times of day",
    "Duration": "durations",
    "Binary": "bytes",
    "List": "lists",
    "Array": "lists",
    "Struct": "dictionaries",
}
_OBJECTS = {  # what pandas.api.types.infer_dtype says of Python's objects
    "string": "text",
    "boolean": "true and false",
    "integer": "whole numbers",
    "floating": "floats",
    "mixed-integer-float": "floats",
    "decimal": "decimals",
    "date": "dates",
    "datetime": "dates",
    "time": "times of day",
    "timedelta": "durations",
    "empty": "nothing",
    "mixed": "values of several types",
    "mixed-integer": "values of several types",
}
_TYPES = {
    "true and false": "boolean",
    "whole numbers": "Int64",
    "floats": "Float64",
    "decimals": "Float64",
}


def content(frame: Frame, name: str) -> str:
    """What a column of a table holds: text, whole numbers, floats, dates, categories of text, ...

    A column of Python's objects in pandas holds what these are.

    >>> import pandas as pd
    >>> table = nw.from_native(pd.DataFrame({"Id": [1], "State": ["HE"], "Rain": pd.Series([0.5], dtype=object)}))
    >>> [content(table, name) for name in table.columns]
    ['whole numbers', 'text', 'floats']
    """
    dtype = frame.collect_schema()[name]
    if dtype in (nw.Categorical, nw.Enum):
        native: Any = frame.to_native()
        if not frame.implementation.is_pandas():
            return "categories of text"
        categories = native[name].cat.categories if hasattr(native[name].dtype, "categories") else decoded(native[name])
        return f"categories of {_of_objects(categories)}"
    if is_object(frame, name):
        return _of_objects(frame.to_native()[name])
    untyped = dtype == nw.Unknown or (frame.implementation.is_pandas() and frame.to_native()[name].dtype == object)
    if untyped and _is_empty(frame.select(name)):
        return "nothing"
    if isinstance(dtype, nw.Datetime) and dtype.time_zone:
        return f"times of the zone {dtype.time_zone}"
    kind = str(dtype).partition("(")[0]
    if dtype == nw.Unknown and frame.implementation.is_pandas():
        kind = str(frame.to_native()[name].dtype)
    return (
        "whole numbers" if dtype.is_integer() else "floats" if dtype.is_float() else _WORDS.get(kind, f"values of type {kind}")
    )


def _is_empty(column: Frame) -> bool:
    """Whether nothing is in a column whose type says nothing either; where the engine is lazy, this runs a query."""
    present = column.filter(~nw.all().is_null()).head(1)
    return not len(present.collect() if isinstance(present, nw.LazyFrame) else present)


def is_object(frame: Frame, name: str) -> bool:
    """Whether a column is one of Python's objects, in pandas."""
    return frame.implementation.is_pandas() and frame.collect_schema()[name] == nw.Object


def described(frame: Frame, name: str) -> str:
    """What a column holds, as `content` says, and that it holds Python's objects where that is what stands in the way."""
    return content(frame, name) + " as Python's objects" * is_object(frame, name)


def holds_dates(frame: Frame, name: str) -> bool:
    """Whether a column holds dates, times or durations, perhaps as objects."""
    return frame.collect_schema()[name].is_temporal() or content(frame, name) in ("dates", "times of day", "durations")


def typed(series: "nw.Series[Any]") -> "nw.Series[Any]":
    """A column of objects, or of categories that are numbers, in pandas in the type of its numbers; another as it is.

    Decimals become floats, and what is packed in dictionaries of Arrow, or as sparse, is unpacked.

    >>> import pandas as pd
    >>> from decimal import Decimal
    >>> typed(nw.from_native(pd.Series([Decimal("1.5"), None], dtype=object), series_only=True)).dtype
    Float64
    """
    series = unpacked(series)
    if series.dtype not in (nw.Object, nw.Categorical, nw.Enum) or not series.implementation.is_pandas():
        return series
    native = series.to_native()
    if (dtype := _TYPES.get(_of_objects(native if series.dtype == nw.Object else native.cat.categories))) is None:
        return series
    try:
        if series.dtype != nw.Object:  # with a gap, categories in NumPy's integers would become floats
            return nw.from_native(
                native.cat.rename_categories(native.cat.categories.astype(dtype)).astype(dtype), series_only=True
            )
        return nw.from_native(native.where(native.notna(), None).astype(dtype), series_only=True)
    except OverflowError:
        raise TableError(f"column {series.name!r} holds whole numbers of more than 64 bits; make it text, or floats") from None


def unpacked(series: "nw.Series[Any]") -> "nw.Series[Any]":
    """A column of pandas as `decoded` gives it; those of other engines as they are."""
    return nw.from_native(decoded(series.to_native()), series_only=True) if series.implementation.is_pandas() else series


def decoded(column: Any) -> Any:
    """A column of pandas that is a dictionary of Arrow's, or sparse, as one of its values: pandas can do little with these.

    >>> import pandas as pd
    >>> decoded(pd.Series([0.0, 1.5], dtype="Sparse[float]")).dtype.name
    'float64'
    """
    import pandas as pd
    import pyarrow as pa

    if isinstance(column.dtype, pd.SparseDtype):
        return column.sparse.to_dense()
    if isinstance(column.dtype, pd.ArrowDtype) and pa.types.is_dictionary(column.dtype.pyarrow_dtype):
        return column.astype(pd.ArrowDtype(column.dtype.pyarrow_dtype.value_type))
    return column


def _of_objects(objects: Any) -> str:
    from pandas.api.types import infer_dtype

    held = infer_dtype(objects, skipna=True)
    return _OBJECTS.get(held, f"values of type {held}")


def to_dates(name: str) -> str:
    """How a column of text, or of Python's dates, is made one of dates.

    >>> to_dates("Date")
    'in pandas with table["Date"] = pandas.to_datetime(table["Date"], format="%Y-%m-%d")'
    """
    return f'in pandas with table["{name}"] = pandas.to_datetime(table["{name}"], format="%Y-%m-%d")'
