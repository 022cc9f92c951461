"""Rows in memory: whole columns as tensors, of which a mini-batch is an index."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import narwhals as nw
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_utils.tabular.checks import as_frame
from course_utils.tabular.errors import TableError
from course_utils.tabular.inputs import EVALUATION, Inputs, as_inputs
from course_utils.tabular.prepared import (
    PreparedTable,
    batches_of,
    checked_options,
    input_columns,
    refuse_absent_label,
    refuse_merged_targets,
    row_labels,
    target_column,
)
from course_utils.tabular.preprocess import Preprocessor, in_memory
from course_utils.training.arguments import shown
from course_utils.training.splits import refuse_labels
from course_utils.training.tasks import Split, of_split


class TabularLoader:
    """Mini-batches `((codes, values), y)` of some rows of tensors that are in memory; y is None where there are no targets.

    No row is touched before its turn, and then with all others of its mini-batch at once: no worker processes are needed. A
    shuffled pass takes a new random order and leaves out a last mini-batch of one row, which batch norm cannot train on.
    """

    def __init__(self, inputs: Inputs, targets: Tensor | None, rows: Tensor, batch_size: int, shuffle: bool = False) -> None:
        self.inputs, self.targets, self.rows, self.batch_size, self.shuffle = inputs, targets, rows, batch_size, shuffle

    def __len__(self) -> int:
        return batches_of(len(self.rows), self.batch_size, self.shuffle)

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


class TabularData(PreparedTable):
    """Rows of a table in memory with a number to predict for each; made by `from_frame`. See `PreparedTable`."""

    def __init__(
        self,
        preprocessor: Preprocessor,
        inputs: Inputs,
        targets: Tensor,
        rows: Mapping[Split, Tensor],
        labels: NDArray[Any],
        batch_size: int = 128,
        log_target: bool = False,
        test: tuple[Inputs, NDArray[Any]] | None = None,
        path: str | Path = ".",
        target: str | None = None,
    ) -> None:
        """Take what `preprocessor` made of a table, with the numbers of the `train` and `valid` rows, and of a test table."""
        super().__init__(preprocessor, target, batch_size, log_target, path)
        self._inputs = {"train": inputs, "valid": inputs}
        self._labels = {"train": labels, "valid": labels}
        self._targets, self._rows = targets, dict(rows)
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
            continuous: columns of numbers whose size counts.
            valid_idx: the rows that validate, as their numbers, counted from 0 and in any order, or as True and False for each
                row; the others train.
            batch_size: rows in a training step.
            log_target: predict the logarithm, so that errors count in proportion to the target (sales).
            test: a table of the same columns, the target aside, to predict.
            label: a column that names rows, such as Id, of one table or both. Other rows go by their index in pandas, and by
                their number elsewhere.
            preprocessor: one that has learnt before, as that of a saved model; by default a new one learns from the rows that
                train.
            path: the folder of the data, after which a Learner names the place of its weights (see `course_utils.work`).

        Raises:
            TableError: a column is missing or of the wrong type, the table is empty, the target is missing somewhere or has
                no logarithm, or valid_idx does not name some but not all of the rows.
        """
        batch_size, log_target = checked_options(batch_size, log_target)
        columns = input_columns(categorical, continuous, preprocessor)
        refuse_absent_label(label, *(as_frame(given).collect_schema().names() for given in (frame, test) if given is not None))
        table = in_memory(frame, [target, *columns], also=[label])
        if target in columns:
            raise TableError(f"column {target!r} is the target, so it cannot be one of the columns to predict it from")
        if not len(table):
            raise TableError("the table has no rows; give one with rows to learn from and rows to validate with")
        refuse_labels(valid_idx, nw.maybe_get_index(table), len(table))
        valid = _row_numbers(valid_idx, len(table))
        train = np.delete(np.arange(len(table)), valid)
        labels = row_labels(table, label)
        targets = target_column(table, target, log_target, labels)
        refuse_merged_targets(table, target)
        if preprocessor is None:
            preprocessor = Preprocessor(categorical, continuous).fit(table, train)
        inputs = as_inputs(preprocessor, table)
        rows: dict[Split, Tensor] = {"train": torch.from_numpy(train), "valid": torch.from_numpy(valid)}
        tested = None if test is None else _test_rows(preprocessor, test, label)
        prepared = (preprocessor, inputs, torch.from_numpy(targets), rows, labels)
        return cls(*prepared, batch_size, log_target, tested, path, target)

    def to(self, device: torch.device | str) -> Self:
        """Move all rows to `device`; a table is small beside what works on it."""
        super().to(device)
        moved: dict[int, Inputs] = {}
        for split, inputs in self._inputs.items():  # two splits share their tensors
            moved.setdefault(id(inputs), (inputs[0].to(self.device), inputs[1].to(self.device)))
            self._inputs[split] = moved[id(inputs)]
        self._rows = {split: rows.to(self.device) for split, rows in self._rows.items()}
        self._targets = self._targets.to(self.device)
        return self

    @property
    def splits(self) -> list[Split]:
        """The sets that there are."""
        return list(self._rows)

    def number_of_rows(self, split: Split) -> int:
        """How many rows one split has."""
        return len(self.rows(split))

    def rows(self, split: Split) -> Tensor:
        """The numbers of the rows of one split in the tensors of `inputs`."""
        return of_split(self._rows, split)

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

    def sample(self, split: Split, rows: slice) -> list[Tensor]:
        """Codes and values of some rows, and their targets where there are any."""
        some = self.rows(split)[rows]
        targets = [] if split == "test" else [self._targets[some]]
        return [*targets, *(part[some] for part in self.inputs(split))]

    def target_range(self) -> tuple[float, float]:
        """The lowest and the highest training target, on their own scale."""
        targets = self.targets("train")
        assert targets is not None
        return targets.min().item(), targets.max().item()


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
    try:
        numbers = np.asarray(sorted(valid_idx) if isinstance(valid_idx, set | frozenset) else valid_idx)
    except ValueError:  # lists of several lengths
        numbers = np.array(None)
    if numbers.ndim == 0:
        raise TableError(
            f"valid_idx is {shown(valid_idx)}; give the numbers of the rows that validate, as list(range(100)) does"
        )
    if numbers.dtype == bool and numbers.ndim == 1:
        if len(numbers) != rows:
            raise TableError(f"valid_idx has {len(numbers):,} truths for {rows:,} rows; give one for each row, or row numbers")
        numbers = np.flatnonzero(numbers)
    if numbers.ndim != 1 or not len(numbers):
        what = "names no rows" if not numbers.size else f"has the shape {numbers.shape}"
        raise TableError(f"valid_idx {what}; give the numbers of the rows that validate, one after the other")
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
