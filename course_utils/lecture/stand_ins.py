"""What the lecture's cells import beside its library, from packages that today's do without or that no longer run."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from course_utils.training.metrics import Numbers, best_threshold

if TYPE_CHECKING:
    import pandas as pd


def f2(preds: Numbers, targs: Numbers, start: float = 0.17, end: float = 0.24, step: float = 0.01) -> float:
    """The best F2 over thresholds from `start` to below `end`: both (N, classes), targets zeros and ones (lecture 1:42:32).

    >>> f2(np.array([[0.9, 0.2], [0.22, 0.8]]), np.array([[1, 0], [1, 1]]))
    1.0
    """
    return best_threshold(preds, targs, 2, np.arange(start, end, step))[1]


class Week(NamedTuple):
    """An ISO week: weeks begin on Monday and belong to the year of their Thursday.

    >>> Week(2008, 37).monday()
    datetime.date(2008, 9, 8)
    """

    year: int
    week: int

    def monday(self) -> date:
        """The first day; a week that the year does not have is one of the next year."""
        return date.fromisocalendar(int(self.year), 1, 1) + timedelta(weeks=int(self.week) - 1)


class DataFrameSummary:
    """What the columns of a table hold (lecture 2:10:12).

    >>> import pandas as pd
    >>> DataFrameSummary(pd.DataFrame({"Distance": [1.0, 2.0, None, 4.0]})).summary().loc[["max", "missing_perc", "types"]]
                 Distance
    max               4.0
    missing_perc   25.00%
    types         numeric
    """

    def __init__(self, df: "pd.DataFrame") -> None:
        self.df = df

    def summary(self) -> "pd.DataFrame":
        """A column for each column of the table, and a row for each figure; NaN where a figure makes no sense."""
        import pandas as pd

        figures = ("count", "mean", "std", "min", "25%", "50%", "75%", "max")
        summaries = {}
        for name, column in self.df.items():
            missing, uniques = int(column.isna().sum()), column.nunique()
            numbers: Any = column.describe() if pd.api.types.is_numeric_dtype(column) and column.dtype != bool else {}
            summaries[name] = {
                **{figure: numbers.get(figure, np.nan) for figure in figures},
                "counts": len(column) - missing,
                "uniques": uniques,
                "missing": missing,
                "missing_perc": f"{missing / max(len(column), 1):.2%}",
                "types": _type(column, uniques),
            }
        return pd.DataFrame(summaries, dtype=object)


def _type(column: "pd.Series[Any]", uniques: int) -> str:
    from pandas.api import types

    if uniques < 3:
        return {1: "constant", 2: "bool"}.get(uniques, "empty")
    if types.is_numeric_dtype(column):
        return "numeric"
    if types.is_datetime64_any_dtype(column):
        return "date"
    return "unique" if uniques == len(column) else "categorical"
