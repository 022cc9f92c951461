"""What all data from tables shares, be its rows in memory or in files: the columns, the target, what predictions mean."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.files import as_path
from course_utils.names import counted
from course_utils.tabular.checks import is_present, require_text, some_columns
from course_utils.tabular.contents import described, typed
from course_utils.tabular.errors import TableError
from course_utils.tabular.inputs import on_target_scale
from course_utils.tabular.predictor import export
from course_utils.tabular.preprocess import Preprocessor
from course_utils.training.arguments import only_known, whole
from course_utils.training.data import Data
from course_utils.training.loaders import number_of_batches
from course_utils.training.tasks import Split, Task


class PreparedTable(Data):
    """Rows of a table as a `Preprocessor` prepared them, with a number to predict for each.

    `TabularData` has them in memory, `ParquetData` reads them in parts; a Learner takes either. With `log_target` a network
    gives the logarithm of the target (see `activation`), and is compared with the logarithm of the true one (see
    `TabularLearner`). Everywhere else targets and predictions are on the target's own scale.
    """

    task: Task = "regression"

    def __init__(
        self, preprocessor: Preprocessor, target: str | None, batch_size: int, log_target: bool, path: str | Path
    ) -> None:
        """Take what is known before any row; `target` is its name, where there is one."""
        super().__init__()
        self.batch_size, self.log_target = checked_options(batch_size, log_target)
        self.preprocessor, self.target = preprocessor, target
        self.path = as_path("path", path, "the folder of the data")

    def __repr__(self) -> str:
        rows = ", ".join(f"{self.number_of_rows(split):,} {split}" for split in self.splits)
        what = "log of " * self.log_target + (repr(self.target) if self.target else "a number")
        columns = f"{len(self.preprocessor.categorical)} categorical, {len(self.preprocessor.continuous)} continuous columns"
        return f"{type(self).__name__}({what} from {columns}; rows: {rows})"

    @property
    def splits(self) -> list[Split]:
        """The sets that there are: training, validation and perhaps test."""
        raise NotImplementedError

    def number_of_rows(self, split: Split) -> int:
        """How many rows one split has."""
        raise NotImplementedError

    def target_range(self) -> tuple[float, float]:
        """The lowest and the highest training target, on their own scale."""
        raise NotImplementedError

    def meaning(self) -> dict[str, Any]:
        """What rows and outputs stand for: task, target, categories and scales of columns, whether outputs are logarithms."""
        target = {"target": self.target, "log_target": self.log_target}
        return {**super().meaning(), **prepared_by(self.preprocessor), **target}

    def activation(self, outputs: Tensor) -> Tensor:
        """Predictions on the target's own scale, (N,): with `log_target` the exponential of what a network gives."""
        return on_target_scale(outputs, self.log_target)

    def export(self, learner: Any, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write a predictor for rows of such a table; see `Learner.export`."""
        only_known("export", options)
        return export(learner, path)


def checked_options(batch_size: int, log_target: bool) -> tuple[int, bool]:
    """Both, checked; a CourseError where `batch_size` is not a number of rows or `log_target` neither True nor False."""
    if not isinstance(log_target, bool | np.bool_):
        raise CourseError(f"log_target is {log_target!r}; it is True, to predict the logarithm, or False")
    return whole("batch_size", batch_size, of=", the rows in a mini-batch"), bool(log_target)


def batches_of(rows: int, batch_size: int, shuffle: bool) -> int:
    """How many mini-batches a pass has: a shuffled one, to train with, leaves out a last one of a single row.

    >>> batches_of(9, 4, shuffle=False), batches_of(9, 4, shuffle=True)
    (3, 2)
    """
    single_left = rows % batch_size == 1 and rows > 1
    return number_of_batches(rows, batch_size, drop_last=shuffle and single_left)


def prepared_by(preprocessor: Preprocessor) -> dict[str, Any]:
    """What a preprocessor learnt, as `PreparedTable.meaning` names it; the columns are in the order that a model takes."""
    learnt = preprocessor.to_dict()
    return {"categories": learnt["categorical"], "scales": learnt["continuous"]}


def refuse_absent_label(label: str | None, *tables: Sequence[str]) -> None:
    """Raise a `TableError` where no table has the column that names rows; each table is given as its columns."""
    if label is not None:
        require_text(label=label)
        if not any(label in columns for columns in tables):
            raise TableError(
                f"label is {label!r}, and there is no such column; the columns are {', '.join(tables[0])}. Without a label, "
                "rows go by their index or number"
            )


def row_labels(table: "nw.DataFrame[Any]", label: str | None = None) -> NDArray[Any]:
    """What the rows are called: by a column where there is one of that name, else by a pandas index, else by number."""
    if label is not None and label in table.columns:
        if table[label].dtype.is_float() or table[label].is_null().any():  # 1003.0 is what pandas makes of 1003 beside a gap
            return np.array([_name(value) for value in table[label].to_list()], object)
        return np.asarray(table[label].to_numpy())
    index = nw.maybe_get_index(table)
    return np.arange(len(table)) if index is None else np.asarray(index)


def _name(value: Any) -> Any:
    if not is_present(value):
        return "missing"
    return int(value) if isinstance(value, float) and value.is_integer() else value


def input_columns(categorical: Sequence[str], continuous: Sequence[str], preprocessor: Any) -> list[str]:
    """The names of the columns to predict from, which must be those of the preprocessor where one is given."""
    columns = [*some_columns(categorical), *some_columns(continuous)]
    if preprocessor is not None and not isinstance(preprocessor, Preprocessor):
        raise TableError(f"preprocessor is a {type(preprocessor).__name__}; give a Preprocessor that has learnt, or none")
    if preprocessor is not None and preprocessor.columns != columns:
        raise TableError(f"the preprocessor is for the columns {preprocessor.columns}, not {columns}")
    return columns


def target_column(table: "nw.DataFrame[Any]", name: str, log: bool, labels: NDArray[Any]) -> NDArray[np.float32]:
    """The targets of a table; a `TableError` where one is not a number, or has no logarithm though `log` needs it."""
    series = typed(table[name])
    if not series.dtype.is_numeric():
        raise TableError(f"the target, column {name!r}, should hold numbers but holds {described(table, name)}")
    with np.errstate(over="ignore"):  # said below
        exact = series.cast(nw.Float64).to_numpy()
        targets = exact.astype(np.float32)
    wrong = ~np.isfinite(targets)
    what = "too large for 32 bits" if np.isfinite(exact).all() else "missing or infinite"
    if log and not wrong.any():
        wrong, what = targets <= 0, "0 or less, which has no logarithm,"
    if number := int(wrong.sum()):
        advice = "drop these rows, or use log_target=False" if log and "logarithm" in what else "drop these rows"
        raise TableError(
            f"the target, column {name!r}, is {what} in {counted(number, 'row')}, first {labels[wrong.argmax()]}; {advice}"
        )
    return targets


def refuse_merged_targets(table: "nw.DataFrame[Any]", name: str) -> None:
    """Raise a `TableError` where targets are so large, and so close together, that 32 bits hardly tell them apart."""
    series = typed(table[name])
    low, high = series.min(), series.max()
    step = float(np.spacing(np.float32(max(abs(low), abs(high)))))
    if 0 < high - low < 100 * step:
        raise TableError(
            f"the target, column {name!r}, goes from {low} to {high}, and numbers of this size have steps of {step:g} in 32 "
            "bits; take the smallest off them"
        )
