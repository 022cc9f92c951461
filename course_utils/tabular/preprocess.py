"""From the columns of a table to what a network takes: whole numbers for categories, scaled ones for continuous columns."""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from course_utils.tabular.checks import as_frame, some_columns
from course_utils.tabular.columns import Category, category_column, kind, kind_of, number_column
from course_utils.tabular.contents import content
from course_utils.tabular.errors import TableError, engine_errors


@dataclass(frozen=True)
class Scale:
    """How a continuous column is prepared: `fill` stands in for what is missing, `mean` is taken off, `std` divides."""

    fill: float
    mean: float
    std: float
    flagged: bool  # whether a column of its own says where a value was missing

    @property
    def of_truths(self) -> bool:
        """Whether it can have been learnt of 0 and 1 alone, or true and false: their variance follows from their mean.

        >>> Scale(fill=1.0, mean=0.8, std=0.4, flagged=False).of_truths, Scale(1.0, 0.8, 0.3, False).of_truths
        (True, False)
        """
        variance = self.mean * (1 - self.mean)
        if self.mean in (0.0, 1.0):
            return self.std == 1.0  # which stands for 0
        if self.fill == 0.5 and self.flagged:  # as often 1 as 0, and what was missing counts as 0.5
            return self.std**2 <= variance
        return math.isclose(self.std**2, variance, rel_tol=1e-6)


class Preprocessor:
    """Turns tables into tensors' worth of numbers, always in the way that it learnt from the training rows.

    A category becomes its place among the sorted categories, counted from 1; 0 stands for missing and for any category that
    the training rows did not have. A continuous column is scaled to mean 0 and standard deviation 1. What is missing in it
    becomes the median, and if that happened in the training rows, a column `<name>_na` of ones and zeros follows the others.
    (Lecture 2:13:50) What is missing where no training row had a gap is said in a printed line, once for each column.

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
        """Name the categorical and the continuous columns."""
        self.categorical, self.continuous = some_columns(categorical), some_columns(continuous)
        self.categories: dict[str, list[Category]] = {}
        self.scales: dict[str, Scale] = {}
        self.gaps: dict[str, bool] = {}  # of categorical columns: whether training rows had gaps, if that is known
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
        found = {name: categories_of(frame, name, rows) for name in self.categorical}
        self.categories = {name: sorted(known) for name, (known, _) in found.items()}
        self.gaps = {name: gaps for name, (_, gaps) in found.items()}
        say_without_category(self.categories, len(rows))
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
            codes[:, i] = self._codes(name, *category_column(frame, name))
        values = np.empty((len(frame), len(self.continuous_names)), np.float32)
        flag = len(self.continuous)
        for i, name in enumerate(self.continuous):
            scale, column = self.scales[name], number_column(frame, name)
            if not scale.of_truths and content(frame, name) == "true and false":
                raise TableError(
                    f"column {name!r} holds true and false but held numbers in the training rows, whose mean is "
                    f"{scale.mean:g}; give it numbers"
                )
            missing = np.isnan(column)
            values[:, i] = _scaled(name, np.where(missing, scale.fill, column), scale)
            if scale.flagged:
                values[:, flag] = missing
                flag += 1
            elif number := int(missing.sum()):
                rows = "row" if number == 1 else "rows"
                self._say(
                    name,
                    f"{number:,} {rows} without a value, which all training rows had; taken for their median, {scale.fill:g}",
                )
        return codes, values

    def _codes(self, name: str, places: NDArray[np.int64], categories: list[Category]) -> NDArray[np.int64]:
        known = self.categories[name]
        if (given := kind_of(name, categories)) and known and given != kind(known[0]):
            raise TableError(
                f"column {name!r} holds {given} but held {kind(known[0])} in the training rows ({known[0]!r} ...); give it the "
                "same type"
            )
        if known and categories and not set(known) <= {0, 1} and all(isinstance(category, bool) for category in categories):
            raise TableError(
                f"column {name!r} holds true and false but held numbers in the training rows ({known[-1]!r} ...); give it the "
                "same numbers"
            )
        code_of = {category: code for code, category in enumerate(known, start=1)}
        codes = np.asarray([*(code_of.get(category, 0) for category in categories), 0], np.int64)[places]  # the last: missing
        unknown = (codes == 0) & (places >= 0)
        if number := int(unknown.sum()):
            rows, counts = ("row", "it counts") if number == 1 else ("rows", "they count")
            self._say(
                name,
                f"{number:,} {rows} of a category that was not in the training rows, such as "
                f"{categories[places[unknown.argmax()]]!r}; {counts} as unknown",
            )
        elif (number := int((places < 0).sum())) and self.gaps.get(name) is False:
            rows, counts = ("row", "it counts") if number == 1 else ("rows", "they count")
            self._say(name, f"{number:,} {rows} without a value, which all training rows had; {counts} as unknown")
        return codes

    def _say(self, name: str, what: str) -> None:
        if name not in self._said:
            self._said.add(name)
            print(f"column {name!r}: {what}")

    def _require_fitted(self) -> None:
        if len(self.categories) + len(self.scales) < len(self.columns):
            raise TableError("this preprocessor has learnt nothing yet; call fit(training table) first")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Preprocessor):
            return NotImplemented
        return self.columns == other.columns and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]  # it changes when it learns

    def to_dict(self) -> dict[str, Any]:
        """All that it learnt, as text, numbers, lists and dictionaries: what JSON can hold, and gives back exactly.

        Whole numbers keep all their digits and floats all their bits, where a reader of JSON does as Python's does.

        >>> import pandas as pd
        >>> Preprocessor(["day"], []).fit(pd.DataFrame({"day": ["Tue", "Mon", "Tue"]})).to_dict()
        {'categorical': {'day': ['Mon', 'Tue']}, 'continuous': {}, 'gaps': {'day': False}}
        """
        self._require_fitted()
        return {
            "categorical": {name: list(self.categories[name]) for name in self.categorical},
            "continuous": {name: asdict(self.scales[name]) for name in self.continuous},
            "gaps": dict(self.gaps),
        }

    @classmethod
    def from_dict(cls, learnt: Mapping[str, Any]) -> "Preprocessor":
        """The preprocessor that `to_dict` describes; a `TableError` where that is not what it is given."""
        try:
            categorical, continuous = learnt["categorical"], learnt["continuous"]
            preprocessor = cls(list(categorical), list(continuous))
            preprocessor.categories = {name: _checked(name, values) for name, values in categorical.items()}
            preprocessor.scales = {name: Scale(**fields) for name, fields in continuous.items()}
            preprocessor.gaps = dict(learnt.get("gaps", {}))  # earlier versions did not keep it
            if not (
                preprocessor.gaps.keys() <= set(categorical) and all(isinstance(g, bool) for g in preprocessor.gaps.values())
            ):
                raise ValueError("it does not say true or false of the gaps in categorical columns")
            for name, scale in preprocessor.scales.items():
                numbers = (scale.fill, scale.mean, scale.std)
                if not (all(map(math.isfinite, numbers)) and scale.std > 0 and isinstance(scale.flagged, bool)):
                    raise ValueError(f"column {name!r} has {scale}")
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
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
    with engine_errors("read the table"):
        return frame.select(*dict.fromkeys([*columns, *(name for name in also if name in there)])).collect()


def categories_of(frame: "nw.DataFrame[Any]", name: str, rows: NDArray[np.int64] | None = None) -> tuple[set[Category], bool]:
    """The different categories of a column, in all rows or in those numbered `rows`, and whether any of these has none."""
    places, categories = category_column(frame, name)
    different = np.unique(places if rows is None else places[rows])
    return {categories[place] for place in different if place >= 0}, bool((different < 0).any())


def say_without_category(categories: Mapping[str, Sequence[Category]], rows: int) -> None:
    """Say of columns without any category in so many training rows that they tell a network nothing."""
    for name in (name for name, known in categories.items() if not known):
        print(f"column {name!r}: none of the {rows:,} training rows has a value, so it tells nothing; leave it out")


def _scaled(name: str, column: NDArray[np.float64], scale: Scale) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        values = ((column - scale.mean) / scale.std).astype(np.float32)
    if number := int((~np.isfinite(values)).sum()):
        raise TableError(
            f"column {name!r} has {number:,} values, such as {column[~np.isfinite(values)][0]}, so far from the training rows' "
            f"(mean {scale.mean:g}, standard deviation {scale.std:g}) that 32 bits cannot hold the distance; see what they are"
        )
    return values


def _checked(name: str, values: list[Any]) -> list[Category]:
    if not all(isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)) for value in values):
        raise TypeError(f"column {name!r} has categories that are neither text nor numbers")
    if len(set(values)) < len(values) or len({kind(value) for value in values}) > 1:
        raise ValueError(f"column {name!r} has categories twice or of two types")
    return [unicodedata.normalize("NFC", value) if isinstance(value, str) else value for value in values]


def _scale(name: str, column: NDArray[np.float64]) -> Scale:
    missing = np.isnan(column)
    if missing.all():
        raise TableError(f"column {name!r} has no value in any of the {len(column):,} training rows; leave it out")
    fill = float(np.median(column[~missing]))
    above = np.where(missing, 0.0, column - fill)  # a column of one value is then exactly 0, and so is its deviation
    return Scale(fill, fill + float(above.mean()), float(above.std()) or 1.0, bool(missing.any()))
