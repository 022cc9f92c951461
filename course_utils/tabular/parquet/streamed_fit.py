"""What a `Preprocessor` learns, learnt from a table that comes in parts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from course_utils.tabular.columns import Category, number_column
from course_utils.tabular.errors import TableError
from course_utils.tabular.preprocess import Preprocessor, Scale, categories_of, say_without_category


@dataclass
class Moments:
    """Number, mean and standard deviation of numbers that come in parts (Chan, Golub and LeVeque, 1979).

    >>> moments = Moments()
    >>> moments.add(np.array([1.0, 2.0])); moments.add(np.array([6.0]))
    >>> moments.mean, round(moments.std, 6), round(float(np.std([1, 2, 6])), 6)
    (3.0, 2.160247, 2.160247)
    """

    number: int = 0
    mean: float = 0.0
    squares: float = 0.0  # of the distances from the mean, summed

    def add(self, values: NDArray[np.float64]) -> None:
        """Take in more numbers."""
        if len(values):
            distances = values - values[0]  # exactly 0 where all are the same
            self.merge(Moments(len(values), float(values[0] + distances.mean()), float(distances.var() * len(values))))

    def merge(self, other: "Moments") -> None:
        """Take in all that others have taken in."""
        number, distance = self.number + other.number, other.mean - self.mean
        share = other.number / max(number, 1)
        self.mean += distance * share
        self.squares += other.squares + distance**2 * self.number * share
        self.number = number

    @property
    def std(self) -> float:
        """The standard deviation, of all that there are."""
        return float(np.sqrt(self.squares / max(self.number, 1)))


class StreamedFit:
    """Fits a `Preprocessor` to training rows that come in parts: `add` each, then `finish`.

    >>> import pandas as pd
    >>> parts = [nw.from_native(pd.DataFrame({"x": x}), eager_only=True) for x in ([1.0, None], [2.0, 9.0])]
    >>> fit = StreamedFit([], ["x"])
    >>> for part in parts: fit.add(part)
    >>> fit.finish(lambda name: parts) == Preprocessor([], ["x"]).fit(pd.DataFrame({"x": [1.0, None, 2.0, 9.0]}))
    True
    """

    def __init__(self, categorical: Sequence[str], continuous: Sequence[str]) -> None:
        self.preprocessor = Preprocessor(categorical, continuous)
        self._categories: dict[str, set[Category]] = {name: set() for name in categorical}
        self._moments = {name: Moments() for name in continuous}
        self._rows = 0

    def add(self, table: "nw.DataFrame[Any]") -> None:
        """Learn categories, means and standard deviations of some rows; a `TableError` for a column of another type."""
        self._rows += len(table)
        for name, found in self._categories.items():
            categories, gaps = categories_of(table, name)
            found.update(categories)
            self.preprocessor.gaps[name] = gaps or self.preprocessor.gaps.get(name, False)
        for name, moments in self._moments.items():
            moments.add(_present(table, name))

    def finish(self, tables: Callable[[str], Iterable["nw.DataFrame[Any]"]]) -> Preprocessor:
        """The fitted preprocessor. `tables(name)` gives all parts once more, with this column alone: for its exact median.

        A median needs all values: those of one column at a time are in memory, 8 bytes each.
        """
        self.preprocessor.categories = {name: sorted(found) for name, found in self._categories.items()}
        say_without_category(self.preprocessor.categories, self._rows)
        for name, moments in self._moments.items():
            if not moments.number:
                raise TableError(f"column {name!r} has no value in any of the {self._rows:,} training rows; leave it out")
            values, at = np.empty(moments.number), 0
            for table in tables(name):
                present = _present(table, name)
                values[at : at + len(present)] = present
                at += len(present)
            fill, missing = float(np.median(values, overwrite_input=True)), self._rows - moments.number
            moments.merge(Moments(missing, fill))
            self.preprocessor.scales[name] = Scale(fill, moments.mean, moments.std or 1.0, missing > 0)
        return self.preprocessor


def _present(table: "nw.DataFrame[Any]", name: str) -> NDArray[np.float64]:
    column = number_column(table, name)
    return column[~np.isnan(column)]
