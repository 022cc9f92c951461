"""One column of a table, of any engine, in NumPy, exactly: a whole number of 64 bits never becomes a float on its way."""

import math
import unicodedata
from decimal import Decimal
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from course_utils.tabular.contents import content, described, holds_dates, to_dates, typed, unpacked
from course_utils.tabular.errors import TableError

Category = str | int | float | bool


def number_column(frame: "nw.DataFrame[Any]", name: str) -> NDArray[np.float64]:
    """A column of numbers, or of true and false, as floats with NaN where something is missing.

    Numbers that are Python's objects, as pandas keeps decimals, are taken as what they are. Raises a `TableError` for a column
    of another type, and for numbers that floats cannot hold: infinite ones, those that are too large for 32 bits, and whole
    numbers so large and so close together that floats would take them for the same.
    """
    series = typed(frame[name])
    if series.null_count() == len(series):  # a table of one row may well have no number, and so no type
        return np.full(len(series), np.nan)
    if not (series.dtype.is_numeric() or series.dtype == nw.Boolean):
        example = next((value for value in series.to_list() if value is not None), None)
        advice = _parts(frame, name) if holds_dates(frame, name) else "convert it, or name it categorical"
        raise TableError(
            f"column {name!r} is continuous, so it should hold numbers, but it holds {described(frame, name)}, such as "
            f"{example!r}; {advice}"
        )
    column = series.cast(nw.Float64).to_numpy().astype(np.float64, copy=False)
    wrong = np.abs(column) > np.finfo(np.float32).max
    if number := int(wrong.sum()):
        raise TableError(
            f"column {name!r} has {number:,} infinite values, or too large ones for 32 bits; the first is {column[wrong][0]} "
            f"in row {wrong.argmax():,}"
        )
    if series.dtype.is_integer() and (largest := np.nanmax(np.abs(column))) >= 2**53:
        low, high = int(series.min()), int(series.max())
        if 0 < high - low < 10_000 * np.spacing(largest):
            raise TableError(
                f"column {name!r} holds whole numbers from {low} to {high}, so large that a float does not tell one from the "
                "next; take the smallest off them, or name the column as categorical if they are numbers of things"
            )
    return column


def category_column(frame: "nw.DataFrame[Any]", name: str) -> tuple[NDArray[np.int64], list[Category]]:
    """A column of categories as the different ones it has, and for each row which of these it is, -1 where it is missing.

    The categories are Python's own numbers or text, letters with accents as one character each (Unicode's form NFC). A
    database's decimal is a float where that has the same digits.

    Raises a `TableError` for a column of dates, of lists, of several types at once, and of numbers that are infinite or came as
    floats although floats of their size do not tell one whole number from the next.

    >>> import pandas as pd
    >>> table = nw.from_native(pd.DataFrame({"id": pd.array([2**53 + 1, None, 2**53, 2**53], dtype="Int64")}), eager_only=True)
    >>> places, categories = category_column(table, "id")
    >>> places.tolist(), categories
    ([0, -1, 1, 1], [9007199254740993, 9007199254740992])
    """
    import pandas as pd

    series = unpacked(frame[name])
    places = np.full(len(series), -1, np.int64)
    if holds_dates(frame, name) and series.null_count() < len(series):
        raise TableError(
            f"column {name!r} holds {described(frame, name)}, so that each moment would be a category; {_parts(frame, name)}"
        )
    values, present = _present(series)
    try:
        places[present], found = pd.factorize(values)
    except TypeError:  # lists and arrays have no hash
        raise TableError(f"column {name!r} holds lists, or the like; categories are text or numbers") from None
    if found.dtype.kind == "f":
        _refuse_merged_numbers(name, found)
    categories = [_plain(name, value) for value in found.tolist()]
    kind_of(name, categories)
    if len(different := list(dict.fromkeys(categories))) < len(categories):  # é as one character, and as two
        code_of = {category: code for code, category in enumerate(different)}
        places = np.asarray([*(code_of[category] for category in categories), -1], np.int64)[places]
    return places, different


def _parts(frame: "nw.DataFrame[Any]", name: str) -> str:
    """What to do with dates and durations, which are neither numbers nor categories."""
    if content(frame, name) in ("durations", "times of day"):
        return f'make it a number, of days or seconds; for durations in pandas with table["{name}"].dt.total_seconds()'
    parts = "make parts of it with add_datepart"
    return parts if frame[name].dtype.is_temporal() else f"make it one of dates, {to_dates(name)}, and then {parts[5:]}"


def _present(series: "nw.Series[Any]") -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """What is not missing in a column, and where that is."""
    present = ~np.asarray(series.is_null().to_numpy(), bool)
    if not present.any():
        return np.empty(0, object), present
    if series.dtype.is_float():
        values = np.asarray(series.to_numpy())
        present &= ~np.isnan(values)
    elif series.dtype in (nw.Int128, nw.UInt128):
        values = _objects(series)
    elif series.dtype.is_integer():
        values = np.asarray(series.fill_null(0).to_numpy())
    elif series.dtype == nw.Boolean:
        values = np.asarray(series.fill_null(False).to_numpy(), bool)
    elif series.dtype == nw.String:
        values = np.asarray(series.to_numpy(), object)
    else:  # categories of text or numbers, decimals, objects
        import pandas as pd

        values = _objects(series)
        present &= ~np.asarray([value is None or (pd.api.types.is_scalar(value) and pd.isna(value)) for value in values], bool)
    return values[present], present


def _objects(series: "nw.Series[Any]") -> NDArray[Any]:
    values = np.empty(len(series), object)
    values[:] = series.to_list()
    return values


def _refuse_merged_numbers(name: str, numbers: NDArray[Any]) -> None:
    """Raise a `TableError` where whole numbers were made floats that do not tell them apart any more."""
    limit = 2.0 ** (np.finfo(numbers.dtype).nmant + 1)
    wrong = numbers[np.isfinite(numbers) & (np.abs(numbers) >= limit)]
    if len(wrong):
        raise TableError(
            f"column {name!r} holds floats such as {wrong[0]:.0f}, which stand for several whole numbers each at this size; "
            'keep them whole when the table is read, in pandas with dtype="Int64", which may have gaps'
        )


def kind_of(name: str, categories: list[Category]) -> str | None:
    """What a column of these categories holds, None where all is missing; a `TableError` where that is several things."""
    examples = {kind(value): value for value in categories}
    if other := [kind for kind in examples if kind not in ("numbers", "text")]:
        raise TableError(f"column {name!r} holds {other[0]}; categories are text or numbers")
    if len(examples) > 1:
        raise TableError(
            f"column {name!r} mixes numbers and text ({examples['numbers']!r} and {examples['text']!r}); make it one type, in "
            f'pandas with table["{name}"] = table["{name}"].astype(str)'
        )
    return next(iter(examples), None)


def kind(value: Any) -> str:
    """What a category is, in a word."""
    if isinstance(value, str):
        return "text"
    return "numbers" if isinstance(value, bool | int | float) else f"values of type {type(value).__name__}"


def _plain(name: str, value: Any) -> Any:
    """Python's own type for a category; 3.0, which is what pandas makes of 3 in a column with gaps, is 3."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, float | Decimal):
        if not math.isfinite(value):
            raise TableError(f"column {name!r} holds {value}, which is not a category; make it missing, or drop these rows")
        if value == int(value):
            return int(value)
        if isinstance(value, Decimal) and Decimal(repr(float(value))) != value:
            raise TableError(f"column {name!r} holds {value}, with more digits than a float keeps; make the column text")
        return float(value)
    return value
