"""Tables for training: whole columns as tensors in memory, of which a mini-batch is an index."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.files import as_path
from course_utils.tabular.checks import is_present, require_text, some_columns
from course_utils.tabular.errors import TableError
from course_utils.tabular.preprocess import Preprocessor, in_memory
from course_utils.training.arguments import only_known, whole
from course_utils.training.data import Data, Split, Task, number_of_batches

Inputs = tuple[Tensor, Tensor]  # codes (N, categorical) and values (N, continuous)
EVALUATION = 4096  # rows of a mini-batch from which nothing is learnt: as large as is fast


class TabularLoader:
    """Mini-batches `((codes, values), y)` of some rows of tensors that are in memory; y is None where there are no targets.

    No row is touched before its turn, and then with all others of its mini-batch at once: no worker processes are needed. A
    shuffled pass takes a new random order and leaves out a last mini-batch of one row, which batch norm cannot train on.
    """

    def __init__(self, inputs: Inputs, targets: Tensor | None, rows: Tensor, batch_size: int, shuffle: bool = False) -> None:
        self.inputs, self.targets, self.rows, self.batch_size, self.shuffle = inputs, targets, rows, batch_size, shuffle

    def __len__(self) -> int:
        single_left = len(self.rows) % self.batch_size == 1 and len(self.rows) > 1
        return number_of_batches(len(self.rows), self.batch_size, drop_last=self.shuffle and single_left)

    def __iter__(self) -> Iterator[tuple[Inputs, Any]]:
        codes, values = self.inputs
        rows = self.rows[torch.randperm(len(self.rows)).to(self.rows.device)] if self.shuffle else self.rows
        for batch in rows.split(self.batch_size)[: len(self)]:
            yield (codes[batch], values[batch]), None if self.targets is None else self.targets[batch]


class TabularDataset:
    """The rows of one split one at a time: `dataset[i]` is `((codes, values), y)`, y None in a test set."""

    def __init__(self, data: "TabularData", split: Split) -> None:
        self.data, self.split = data, split

    def __len__(self) -> int:
        return len(self.data.rows(self.split))

    def __getitem__(self, i: int) -> tuple[Inputs, Tensor | None]:
        row, targets = self.data.rows(self.split)[i], self.data.targets(self.split)
        codes, values = self.data.inputs(self.split)
        return (codes[row], values[row]), None if targets is None else targets[i]


class TabularData(Data):
    """Rows of a table with a number to predict for each; made by `from_frame`.

    With `log_target` a network gives the logarithm of the target (see `activation`), and is compared with the logarithm of the
    true one (see `TabularLearner`). Everywhere else targets and predictions are on the target's own scale.
    """

    task: Task = "regression"
    target: str | None = None  # its name, where it is known

    def __init__(
        self,
        preprocessor: Preprocessor,
        inputs: Inputs,
        targets: Tensor,
        rows: dict[str, Tensor],
        labels: NDArray[Any],
        batch_size: int = 128,
        log_target: bool = False,
        test: tuple[Inputs, NDArray[Any]] | None = None,
        path: str | Path = ".",
    ) -> None:
        """Take what `preprocessor` made of a table, with the numbers of the `train` and `valid` rows, and of a test table."""
        super().__init__()
        batch_size = whole("batch_size", batch_size, of=", the rows in a mini-batch")
        if not isinstance(log_target, bool | np.bool_):
            raise CourseError(f"log_target is {log_target!r}; it is True, to predict the logarithm, or False")
        self.preprocessor, self.batch_size, self.log_target = preprocessor, batch_size, bool(log_target)
        self.path = as_path("path", path, "the folder of the data")
        self._inputs, self._targets, self._labels = (
            {"train": inputs, "valid": inputs},
            targets,
            {"train": labels, "valid": labels},
        )
        self._rows = dict(rows)
        if test is not None:
            self._inputs["test"], self._labels["test"] = test
            self._rows["test"] = torch.arange(len(test[0][0]))
        self.train_ds, self.valid_ds = TabularDataset(self, "train"), TabularDataset(self, "valid")
        self.test_ds = None if test is None else TabularDataset(self, "test")
        self.to(self.device)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        target: str,
        categorical: Sequence[str],
        continuous: Sequence[str],
        valid_idx: Sequence[int] | NDArray[np.int64],
        batch_size: int = 128,
        log_target: bool = False,
        test: Any = None,
        label: str | None = None,
        preprocessor: Preprocessor | None = None,
        path: str | Path = ".",
    ) -> "TabularData":
        """Data from a table in memory (pandas or Polars), as the lecture's library made it (2:15:08).

        Columns of the table that are not named are not used.

        Args:
            frame: the table to learn from.
            target: its column of numbers to predict.
            categorical: columns that get an embedding.
            continuous: columns of amounts.
            valid_idx: the rows that validate, as their numbers, counted from 0 and in any order, or as True and False for each
                row; the others train.
            batch_size: rows in a training step.
            log_target: predict the logarithm, so that errors count in proportion to the target (sales).
            test: a table of the same columns, the target aside, to predict.
            label: a column that names rows, such as Id; it is used where a table has it. Other rows go by their index in
                pandas, and by their number elsewhere.
            preprocessor: one that has learnt before, as that of a saved model; by default a new one learns from the rows that
                train.
            path: the folder of the data, after which a Learner names the place of its weights (see `course_utils.work`).

        Raises:
            TableError: a column is missing or of the wrong type, the table is empty, the target is missing somewhere or has
                no logarithm, or valid_idx does not name some but not all of the rows.
        """
        columns = input_columns(categorical, continuous, preprocessor)
        table = in_memory(frame, [target, *columns], also=[label])
        if label is not None:
            require_text(label=label)
        if target in columns:
            raise TableError(f"column {target!r} is the target, so it cannot be one of the columns to predict it from")
        if not len(table):
            raise TableError("the table has no rows; give one with rows to learn from and rows to validate with")
        _refuse_labels(valid_idx, table)
        valid = _row_numbers(valid_idx, len(table))
        train = np.delete(np.arange(len(table)), valid)
        labels = row_labels(table, label)
        targets = target_column(table, target, log_target, labels)
        if preprocessor is None:
            preprocessor = Preprocessor(categorical, continuous).fit(table, train)
        inputs = as_inputs(preprocessor, table)
        rows = {"train": torch.from_numpy(train), "valid": torch.from_numpy(valid)}
        tested = None if test is None else _test_rows(preprocessor, test, label)
        data = cls(preprocessor, inputs, torch.from_numpy(targets), rows, labels, batch_size, log_target, tested, path)
        data.target = target
        return data

    def __repr__(self) -> str:
        rows = ", ".join(f"{len(rows):,} {split}" for split, rows in self._rows.items())
        what = "log of " * self.log_target + (repr(self.target) if self.target else "a number")
        columns = f"{len(self.preprocessor.categorical)} categorical, {len(self.preprocessor.continuous)} continuous columns"
        return f"TabularData({what} from {columns}; rows: {rows})"

    def to(self, device: torch.device | str) -> "TabularData":
        """Move all rows to `device`; a table is small beside what works on it."""
        super().to(device)
        moved: dict[int, Inputs] = {}
        for split, inputs in self._inputs.items():  # two splits share their tensors
            moved.setdefault(id(inputs), (inputs[0].to(self.device), inputs[1].to(self.device)))
            self._inputs[split] = moved[id(inputs)]
        self._rows = {split: rows.to(self.device) for split, rows in self._rows.items()}
        self._targets = self._targets.to(self.device)
        return self

    def rows(self, split: Split) -> Tensor:
        """The numbers of the rows of one split in the tensors of `inputs`."""
        if split not in self._rows:
            raise CourseError(f"this data has no {split!r} set; it has {', '.join(self._rows)}")
        return self._rows[split]

    def inputs(self, split: Split) -> Inputs:
        """Codes and values of the whole table that one split is a part of."""
        self.rows(split)
        return self._inputs[split]

    def loader(self, split: Split, augment: bool = False, shuffle: bool = False) -> TabularLoader:
        """Mini-batches of one split: of `batch_size` to train with, else of as many as is fast."""
        size = self.batch_size if shuffle else max(self.batch_size, EVALUATION)
        return TabularLoader(self.inputs(split), None if split == "test" else self._targets, self.rows(split), size, shuffle)

    def items(self, split: Split) -> list[str]:
        """The labels of the rows."""
        rows = self.rows(split).cpu().numpy()
        return [str(label) for label in self._labels[split][rows]]

    def targets(self, split: Split) -> Tensor | None:
        """All targets of one split (N,) on their own scale, float32; None for the test set."""
        rows = self.rows(split)
        return None if split == "test" else self._targets[rows]

    def target_range(self) -> tuple[float, float]:
        """The lowest and the highest training target, on their own scale."""
        targets = self.targets("train")
        assert targets is not None
        return targets.min().item(), targets.max().item()

    def meaning(self) -> dict[str, Any]:
        """What rows and outputs stand for: task, target, categories and scales of columns, whether outputs are logarithms."""
        target = {"target": self.target, "log_target": self.log_target}
        return {**super().meaning(), **prepared_by(self.preprocessor), **target}

    def activation(self, outputs: Tensor) -> Tensor:
        """Predictions on the target's own scale, (N,): with `log_target` the exponential of what a network gives."""
        return on_target_scale(outputs, self.log_target)

    def export(self, learner: Any, path: str | os.PathLike[str], **options: Any) -> Path:
        """Write a predictor for rows of such a table; see `Learner.export`."""
        from course_utils.tabular.predictor import export

        only_known("export", options)
        return export(learner, path)


def on_target_scale(outputs: Tensor, log_target: bool) -> Tensor:
    """Predictions (N,) of what a network gives, which are logarithms with `log_target`."""
    outputs = outputs.flatten()
    return outputs.exp() if log_target else outputs


def prepared_by(preprocessor: Preprocessor) -> dict[str, Any]:
    """What a preprocessor learnt, under the names of `TabularData.meaning`; the columns are in the order that a model takes."""
    learnt = preprocessor.to_dict()
    return {"categories": learnt["categorical"], "scales": learnt["continuous"]}


def as_inputs(preprocessor: Preprocessor, table: Any) -> Inputs:
    """What a preprocessor makes of a table, as tensors."""
    codes, values = preprocessor.transform(table)
    return torch.from_numpy(codes), torch.from_numpy(values)


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


def _refuse_labels(valid_idx: Any, table: "nw.DataFrame[Any]") -> None:
    """Raise a `TableError` for the labels of a pandas index, where these are not the numbers of the rows."""
    index: Any = nw.maybe_get_index(table)
    if index is None or type(valid_idx).__module__.partition(".")[0] != "pandas" or type(valid_idx).__name__ == "Series":
        return
    if not np.array_equal(np.asarray(index), np.arange(len(table))):
        raise TableError(
            "valid_idx is a pandas index, whose labels are not the numbers of the table's rows; give the numbers, with "
            "frame.index.get_indexer(valid_idx), or number the rows anew first, with frame.reset_index(drop=True)"
        )


def _test_rows(preprocessor: Preprocessor, test: Any, label: str | None) -> tuple[Inputs, NDArray[Any]]:
    try:
        table = in_memory(test, preprocessor.columns, also=[label])
        if not len(table):
            raise TableError("it has no rows; leave it out, or give rows to predict")
        return as_inputs(preprocessor, table), row_labels(table, label)
    except TableError as error:
        raise TableError(f"the test table: {error}") from None


def _row_numbers(valid_idx: Sequence[int] | NDArray[np.int64], rows: int) -> NDArray[np.int64]:
    """`valid_idx` in the order of the table, after a look at whether it can be right."""
    numbers = np.asarray(sorted(valid_idx) if isinstance(valid_idx, set | frozenset) else valid_idx)
    if numbers.dtype == bool and numbers.ndim == 1:
        if len(numbers) != rows:
            raise TableError(f"valid_idx has {len(numbers):,} truths for {rows:,} rows; give one for each row, or row numbers")
        numbers = np.flatnonzero(numbers)
    if numbers.ndim != 1 or not len(numbers):
        raise TableError(f"valid_idx names no rows (shape {numbers.shape}); give the numbers of the rows that validate")
    if numbers.dtype.kind not in "iu":
        raise TableError(
            f"valid_idx holds {numbers.dtype}; expected the whole numbers of rows, counted from 0, or a truth for each row"
        )
    if numbers.min() < 0 or numbers.max() >= rows:
        raise TableError(f"valid_idx goes from {numbers.min()} to {numbers.max()}, but the rows are numbered 0 to {rows - 1}")
    unique = np.unique(numbers)
    if len(unique) < len(numbers):
        again = len(numbers) - len(unique)
        raise TableError(f"valid_idx names {again:,} row{'s' * (again > 1)} twice; name each once")
    if len(unique) == rows:
        raise TableError(f"valid_idx names all {rows:,} rows, so none is left to train with")
    return unique.astype(np.int64)


def target_column(table: "nw.DataFrame[Any]", name: str, log: bool, labels: NDArray[Any]) -> NDArray[np.float32]:
    """The targets of a table; a `TableError` where one is no number, or has no logarithm though `log` needs it."""
    series = table[name]
    if not series.dtype.is_numeric():
        raise TableError(f"the target, column {name!r}, should hold numbers but holds {series.dtype}")
    with np.errstate(over="ignore"):  # said below
        targets = series.cast(nw.Float64).to_numpy().astype(np.float32)
    wrong, what = ~np.isfinite(targets), "missing or infinite"
    if log and not wrong.any():
        wrong, what = targets <= 0, "0 or less, which has no logarithm,"
    if number := int(wrong.sum()):
        advice = "drop these rows, or use log_target=False" if log and "logarithm" in what else "drop these rows"
        raise TableError(f"the target, column {name!r}, is {what} in {number:,} rows, first {labels[wrong.argmax()]}; {advice}")
    return targets
