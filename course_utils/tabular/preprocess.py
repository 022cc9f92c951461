"""From the columns of a table to what a network takes: whole numbers for categories, scaled numbers for amounts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from course_utils.tabular.checks import as_frame
from course_utils.tabular.errors import TableError

Category = str | int | float | bool


@dataclass(frozen=True)
class Scale:
    """How a continuous column is prepared: `fill` stands in for what is missing, `mean` is taken off, `std` divides."""

    fill: float
    mean: float
    std: float
    flagged: bool  # whether a column of its own says where a value was missing


class Preprocessor:
    """Turns tables into tensors' worth of numbers, always in the way that it learnt from the training rows.

    A category becomes its place among the sorted categories, counted from 1; 0 stands for missing and for any category that
    the training rows did not have. A continuous column is scaled to mean 0 and standard deviation 1. What is missing in it
    becomes the median, and if that happened in the training rows, a column `<name>_na` of ones and zeros follows the others.
    (Lecture 2:13:50)

    Tables may be pandas', Polars' or any that Narwhals knows.

    >>> import pandas as pd
    >>> train = pd.DataFrame({"state": ["HE", "BY", "HE"], "distance": [100.0, None, 300.0]})
    >>> preprocessor = Preprocessor(["state"], ["distance"]).fit(train)
    >>> codes, values = preprocessor.transform(train)
    >>> codes.tolist(), preprocessor.continuous_names
    ([[2], [1], [2]], ['distance', 'distance_na'])
    >>> values.astype(float).round(2).tolist()
    [[-1.22, 0.0], [0.0, 1.0], [1.22, 0.0]]
    >>> codes, values = preprocessor.transform(pd.DataFrame({"state": ["SN"], "distance": [200.0]}))
    column 'state': 1 row of a category that was not in the training rows, such as 'SN'; it counts as unknown
    >>> codes.tolist()
    [[0]]
    """

    def __init__(self, categorical: Sequence[str], continuous: Sequence[str]) -> None:
        """Name the columns of categories and those of amounts."""
        self.categorical, self.continuous = list(categorical), list(continuous)
        self.categories: dict[str, list[Category]] = {}
        self.scales: dict[str, Scale] = {}
        self._said: set[str] = set()
        names = self.columns
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise TableError(f"column {twice[0]!r} is named twice; it is either categorical or continuous, once")
        if not names:
            raise TableError("no columns were named; name at least one, categorical or continuous")

    @property
    def columns(self) -> list[str]:
        """The columns that a table must have."""
        return self.categorical + self.continuous

    @property
    def cardinalities(self) -> list[int]:
        """For each categorical column how many codes there are: its categories, and 0."""
        return [len(self.categories[name]) + 1 for name in self.categorical]

    @property
    def continuous_names(self) -> list[str]:
        """What the columns of `values` are: the continuous columns, then the flags."""
        return self.continuous + [f"{name}_na" for name in self.continuous if self.scales[name].flagged]

    def fit(self, table: Any, rows: NDArray[np.int64] | None = None) -> "Preprocessor":
        """Learn categories, medians, means and standard deviations from all rows of a table, or from those numbered `rows`.

        Raises a `TableError` for a column that is missing, of another type, or without any value, and for infinite values.
        """
        frame = in_memory(table, self.columns)
        rows = np.arange(len(frame)) if rows is None else rows
        if len(rows) == 0:
            raise TableError("there are no rows to learn from")
        self.categories = {name: sorted_categories(name, category_column(frame, name)[rows]) for name in self.categorical}
        self.scales = {name: _scale(name, number_column(frame, name)[rows]) for name in self.continuous}
        return self

    def transform(self, table: Any) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The codes (N, categorical columns) and values (N, continuous columns and flags) of a table, or of a single row.

        The first time that a column has a category which the training rows did not have, a printed line says so.

        Raises a `TableError` for a column that is missing or of another type than in training, and for infinite values.
        """
        self._require_fitted()
        frame = in_memory(table, self.columns)
        codes = np.empty((len(frame), len(self.categorical)), np.int64)
        for i, name in enumerate(self.categorical):
            codes[:, i] = self._codes(name, category_column(frame, name))
        values = np.empty((len(frame), len(self.continuous_names)), np.float32)
        flag = len(self.continuous)
        for i, name in enumerate(self.continuous):
            scale, column = self.scales[name], number_column(frame, name)
            missing = np.isnan(column)
            values[:, i] = (np.where(missing, scale.fill, column) - scale.mean) / scale.std
            if scale.flagged:
                values[:, flag] = missing
                flag += 1
        return codes, values

    def _codes(self, name: str, column: NDArray[Any]) -> NDArray[np.int64]:
        import pandas as pd

        known = self.categories[name]
        if (kind := _kind_of(name, column)) and known and kind != _kind(known[0]):
            raise TableError(
                f"column {name!r} holds {kind} but held {_kind(known[0])} in the training rows ({known[0]!r} ...); give it the "
                "same type"
            )
        codes = pd.Index(known, dtype=None if known else object).get_indexer(pd.Index(column)) + 1
        if name not in self._said:
            unknown = (codes == 0) & ~pd.isna(column)
            if number := int(unknown.sum()):
                self._said.add(name)
                rows, counts = ("row", "it counts") if number == 1 else ("rows", "they count")
                print(
                    f"column {name!r}: {number:,} {rows} of a category that was not in the training rows, such as "
                    f"{_plain(column[unknown.argmax()])!r}; {counts} as unknown"
                )
        return np.asarray(codes, np.int64)

    def _require_fitted(self) -> None:
        if len(self.categories) + len(self.scales) < len(self.columns):
            raise TableError("this preprocessor has learnt nothing yet; call fit(training table) first")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Preprocessor):
            return NotImplemented
        return self.columns == other.columns and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]  # it changes when it learns

    def to_dict(self) -> dict[str, Any]:
        """All that it learnt, as text, numbers, lists and dictionaries: what JSON can hold.

        >>> import pandas as pd
        >>> Preprocessor(["day"], []).fit(pd.DataFrame({"day": ["Tue", "Mon", "Tue"]})).to_dict()
        {'categorical': {'day': ['Mon', 'Tue']}, 'continuous': {}}
        """
        self._require_fitted()
        return {
            "categorical": {name: list(self.categories[name]) for name in self.categorical},
            "continuous": {name: asdict(self.scales[name]) for name in self.continuous},
        }

    @classmethod
    def from_dict(cls, learnt: Mapping[str, Any]) -> "Preprocessor":
        """The preprocessor that `to_dict` describes; a `TableError` where that is not what it is given."""
        try:
            categorical, continuous = learnt["categorical"], learnt["continuous"]
            preprocessor = cls(list(categorical), list(continuous))
            preprocessor.categories = {name: _checked(name, values) for name, values in categorical.items()}
            preprocessor.scales = {name: Scale(**fields) for name, fields in continuous.items()}
            for name, scale in preprocessor.scales.items():
                numbers = (scale.fill, scale.mean, scale.std)
                if not (all(map(math.isfinite, numbers)) and scale.std > 0 and isinstance(scale.flagged, bool)):
                    raise ValueError(f"column {name!r} has {scale}")
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise TableError(
                f"this is not what a preprocessor has learnt ({type(error).__name__}: {error}); expected what to_dict() gave"
            ) from error
        return preprocessor


def in_memory(table: Any, columns: Sequence[str], also: Sequence[str | None] = ()) -> "nw.DataFrame[Any]":
    """A table of any engine in memory: its `columns`, which a `TableError` misses, and those of `also` that it has."""
    frame = as_frame(table, *columns)
    if isinstance(frame, nw.DataFrame):
        return frame
    there = frame.collect_schema().names()
    return frame.select(*dict.fromkeys([*columns, *(name for name in also if name in there)])).collect()


def number_column(frame: "nw.DataFrame[Any]", name: str) -> NDArray[np.float64]:
    """A column of numbers, or of true and false, as floats with NaN where something is missing."""
    series = frame[name]
    if series.null_count() == len(series):  # a table of one row may well have no number, and so no type
        return np.full(len(series), np.nan)
    if not (series.dtype.is_numeric() or series.dtype == nw.Boolean):
        advice = "make parts of it with add_datepart" if series.dtype.is_temporal() else "name it as categorical, or convert it"
        raise TableError(
            f"column {name!r} is to be continuous, so it should hold numbers, but it holds {series.dtype}; {advice}"
        )
    column = series.cast(nw.Float64).to_numpy().astype(np.float64, copy=False)
    wrong = np.abs(column) > np.finfo(np.float32).max
    if number := int(wrong.sum()):
        raise TableError(
            f"column {name!r} has {number:,} infinite values, or too large ones for 32 bits; the first is {column[wrong][0]} "
            f"in row {wrong.argmax():,}"
        )
    return column


def category_column(frame: "nw.DataFrame[Any]", name: str) -> NDArray[Any]:
    """A column of categories as an array: of numbers, or of objects of which the missing ones are None or NaN."""
    series = frame[name]
    if series.null_count() == len(series):
        return np.full(len(series), None)
    if series.dtype.is_temporal():
        raise TableError(
            f"column {name!r} holds {series.dtype}, so that each moment would be a category; make parts of it with add_datepart"
        )
    return np.asarray(series.to_numpy())


def sorted_categories(name: str, column: NDArray[Any]) -> list[Category]:
    """The categories of a column in their order, as Python's own numbers or text."""
    import pandas as pd

    _kind_of(name, column)
    found = pd.unique(column)
    return sorted({_plain(value) for value in found[~pd.isna(found)]})


def _kind_of(name: str, column: NDArray[Any]) -> str | None:
    """What a column holds, None where all is missing; a `TableError` where that is several things at once."""
    import pandas as pd

    if column.dtype != object:
        return None if not len(column) else _kind(column[0].item())
    try:
        examples = {_kind(value): value for value in pd.unique(column) if not pd.isna(value)}
    except TypeError:  # lists and arrays have no hash
        raise TableError(f"column {name!r} holds lists, or the like; categories are text or numbers") from None
    if other := [kind for kind in examples if kind not in ("numbers", "text")]:
        raise TableError(f"column {name!r} holds {other[0]}; categories are text or numbers")
    if len(examples) > 1:
        raise TableError(
            f"column {name!r} mixes numbers and text ({examples['numbers']!r} and {examples['text']!r}); make it one type, in "
            f'pandas with table["{name}"] = table["{name}"].astype(str)'
        )
    return next(iter(examples), None)


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    return (
        "numbers" if isinstance(value, bool | int | float | np.number | np.bool_) else f"values of type {type(value).__name__}"
    )


def _plain(value: Any) -> Category:
    """Python's own type for a category; 3.0, which is what pandas makes of 3 in a column with gaps, is 3."""
    value = value.item() if isinstance(value, np.generic) else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _checked(name: str, values: list[Any]) -> list[Category]:
    if not all(isinstance(value, str | bool | int | float) for value in values):
        raise TypeError(f"column {name!r} has categories that are neither text nor numbers")
    if len(set(values)) < len(values) or len({_kind(value) for value in values}) > 1:
        raise ValueError(f"column {name!r} has categories twice or of two types")
    return list(values)


def _scale(name: str, column: NDArray[np.float64]) -> Scale:
    missing = np.isnan(column)
    if missing.all():
        raise TableError(f"column {name!r} has no value in any of the {len(column):,} training rows; leave it out")
    fill = float(np.median(column[~missing]))
    above = np.where(missing, 0.0, column - fill)  # a column of one value is then exactly 0, and so is its deviation
    return Scale(fill, fill + float(above.mean()), float(above.std()) or 1.0, bool(missing.any()))
