"""Training on tables larger than memory: row groups of Parquet files, in random order, through a buffer that is shuffled."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_utils.tabular.errors import TableError
from course_utils.tabular.inputs import EVALUATION, Inputs, as_inputs
from course_utils.tabular.parquet.row_groups import RowGroup, RowGroups, read_ahead
from course_utils.tabular.parquet.streamed_fit import StreamedFit
from course_utils.tabular.prepared import (
    PreparedTable,
    batches_of,
    checked_options,
    input_columns,
    refuse_absent_label,
    target_column,
)
from course_utils.tabular.preprocess import Preprocessor
from course_utils.training.arguments import whole
from course_utils.training.tasks import Split, of_split

Part = tuple[Tensor, ...]  # codes (n, categorical), values (n, continuous), and targets (n,) but for a test set


class ParquetLoader:
    """Mini-batches `((codes, values), y)` of one split of a `ParquetData`; y is None for its test set.

    Row groups come one after the other into a buffer. Once it is full, its rows are given away in mini-batches, and meanwhile a
    thread reads the next row group. A shuffled pass takes row groups in random order and the rows of a buffer too, both from
    PyTorch's global generator, and leaves out a last mini-batch of one row, which batch norm cannot train on.
    """

    def __init__(self, data: "ParquetData", split: Split, batch_size: int, shuffle: bool = False) -> None:
        self.data, self.split, self.batch_size, self.shuffle = data, split, batch_size, shuffle
        self.rows = data.number_of_rows(split)

    def __len__(self) -> int:
        return batches_of(self.rows, self.batch_size, self.shuffle)

    def __iter__(self) -> Iterator[tuple[Inputs, Any]]:
        for _, (codes, values, *targets) in zip(range(len(self)), self._batches(), strict=False):
            yield (codes, values), targets[0] if targets else None

    def _batches(self) -> Iterator[Part]:
        groups = self.data.groups(self.split)
        order = torch.randperm(len(groups)).tolist() if self.shuffle else range(len(groups))
        parts = read_ahead(lambda group: self.data.part(self.split, group), (groups[i] for i in order))
        whole_batches = max(self.data.buffer_rows // self.batch_size, 1) * self.batch_size
        for buffer in buffers(parts, min(whole_batches, self.rows), self.data.device):
            rows = torch.randperm(len(buffer[0])) if self.shuffle else torch.arange(len(buffer[0]))
            for batch in rows.to(self.data.device).split(self.batch_size):
                yield tuple(column[batch] for column in buffer)


def buffers(parts: Iterable[Part], size: int, device: torch.device) -> Iterator[Part]:
    """The rows of all parts in their order, `size` at a time, always in the same memory; the last may be fewer."""
    buffer: Part = ()
    filled = 0
    for arrived in parts:
        part = arrived
        del arrived  # what has been copied shall not wait for the next
        buffer = buffer or tuple(column.new_empty((size, *column.shape[1:]), device=device) for column in part)
        while part:
            fits = min(size - filled, len(part[0]))
            _copy(buffer, part, filled, fits)
            filled += fits
            part = tuple(column[fits:] for column in part) if fits < len(part[0]) else ()
            if filled == size:
                yield buffer
                filled = 0
    if filled:
        yield tuple(column[:filled] for column in buffer)


def _copy(buffer: Part, part: Part, at: int, rows: int) -> None:
    for place, column in zip(buffer, part, strict=True):
        place[at : at + rows] = column[:rows]


class ParquetData(PreparedTable):
    """Rows of a Parquet file that need not fit in memory, with a number to predict for each; made by `from_parquet`.

    A Learner takes it as it takes a `TabularData`. In memory are a buffer of rows, the row group that is being read and that
    which is being copied. A million rows of lesson 4's table (22 categorical, 16 continuous columns) are 240 MB in the buffer.
    """

    target: str  # its name is always known

    def __init__(
        self,
        preprocessor: Preprocessor,
        sources: dict[Split, RowGroups],
        counts: dict[Split, NDArray[np.int64]],
        valid_targets: Tensor,
        target_range: tuple[float, float],
        target: str,
        batch_size: int,
        log_target: bool,
        buffer_rows: int,
        label: str | None = None,
        path: str | Path = ".",
    ) -> None:
        """Take row groups for each split, with the `counts` of rows of the split in each of them; see `from_parquet`."""
        super().__init__(preprocessor, target, batch_size, log_target, path)
        self.label, self.buffer_rows = label, buffer_rows
        self._sources, self._counts, self._valid_targets, self._target_range = sources, counts, valid_targets, target_range
        self._samples: dict[Split, list[Tensor]] = {}
        self.train_ds, self.valid_ds = ParquetDataset(self, "train"), ParquetDataset(self, "valid")
        self.test_ds = ParquetDataset(self, "test") if "test" in sources else None

    @classmethod
    def from_parquet(
        cls,
        source: str | Path,
        target: str,
        categorical: Sequence[str],
        continuous: Sequence[str],
        valid: tuple[str, Any, Any],
        batch_size: int = 1024,
        log_target: bool = False,
        test: str | Path | None = None,
        buffer_rows: int = 1_000_000,
        label: str | None = None,
        preprocessor: Preprocessor | None = None,
        path: str | Path = ".",
    ) -> "ParquetData":
        """Data from a Parquet file, or from the Parquet files of one folder (as Spark writes them) in the order of names.

        All is read once to learn categories, means and standard deviations and to count rows, and a second time the continuous
        columns, one after the other, for their exact medians: NumPy's, of 8 bytes a row in memory.

        Args:
            source: the file or folder. Files with row groups much smaller than `buffer_rows` are shuffled well.
            target: its column of numbers to predict.
            categorical: columns that get an embedding.
            continuous: columns of numbers whose size counts.
            valid: a column, a first and a last value, such as ("Date", "2014-08-01", "2014-09-17"): rows from the first to the
                last, both included, validate; the others train. The column holds dates or times (of which the day counts),
                numbers, or text, which is compared letter by letter, as suits dates written year first.
            batch_size: rows in a training step.
            log_target: predict the logarithm, so that errors count in proportion to the target (sales).
            test: a file or folder of the same columns, the target aside, to predict.
            buffer_rows: how many rows are in memory, shuffled among each other.
            label: a column that names rows, such as Id, of one source or both. Other rows go by their number.
            preprocessor: one that has learnt before, as that of a saved model; by default a new one learns from the rows that
                train.
            path: the folder of the data, after which a Learner names the place of its weights (see `course_utils.work`).

        Raises:
            TableError: a file is missing or damaged, a column is missing or of the wrong type, the target is missing somewhere
                or has no logarithm, or no rows validate or train.
        """
        (batch_size, log_target), buffer_rows = checked_options(batch_size, log_target), whole("buffer_rows", buffer_rows)
        if not (isinstance(valid, tuple | list) and len(valid) == 3):
            raise TableError(
                f'valid is a column, a first and a last value, as ("Date", "2014-08-01", "2014-09-17"); got {valid!r}'
            )
        columns = input_columns(categorical, continuous, preprocessor)
        if target in columns:
            raise TableError(f"column {target!r} is the target, so it cannot be one of the columns to predict it from")
        rows = RowGroups(source, [*columns, target, valid[0]], (valid[0], valid[1], valid[2]))
        sources: dict[Split, RowGroups] = {"train": rows, "valid": rows}
        if test is not None:
            sources["test"] = RowGroups(test, columns)
        refuse_absent_label(label, *(source.schema.names for source in sources.values()))
        fit = None if preprocessor else StreamedFit(categorical, continuous)
        counts, valid_targets, target_range = _first_pass(rows, target, log_target, columns, fit)
        if fit is not None:
            preprocessor = fit.finish(lambda name: _training_tables(rows, [name]))
        assert preprocessor is not None
        if test is not None:
            counts["test"] = np.array([group.rows for group in sources["test"].groups])
        learnt = (preprocessor, sources, counts, valid_targets, target_range)
        return cls(*learnt, target, batch_size, log_target, buffer_rows, label, path)

    def loader(self, split: Split, augment: bool = False, shuffle: bool = False) -> ParquetLoader:
        """Mini-batches of one split: of `batch_size` to train with, else of as many as is fast."""
        return ParquetLoader(self, split, self.batch_size if shuffle else max(self.batch_size, EVALUATION), shuffle)

    def groups(self, split: Split) -> list[RowGroup]:
        """The row groups that have rows of one split."""
        self.number_of_rows(split)
        return [group for group, rows in zip(self._sources[split].groups, self._counts[split], strict=True) if rows]

    @property
    def splits(self) -> list[Split]:
        """The sets that there are."""
        return list(self._counts)

    def number_of_rows(self, split: Split) -> int:
        """How many rows one split has."""
        return int(of_split(self._counts, split).sum())

    def place_of(self, split: Split, row: int) -> tuple[RowGroup, int]:
        """The row group that holds a row of one split, and the number of that row among those of the split in the group."""
        ends = self._counts[split].cumsum()
        at = int(np.searchsorted(ends, row, side="right"))
        return self._sources[split].groups[at], row - int(ends[at] - self._counts[split][at])

    def part(self, split: Split, group: RowGroup) -> Part:
        """Codes, values and, but for the test set, targets of those rows of a group that are in one split."""
        source, own = self._sources[split], [] if split == "test" else [self.target]
        table = source.read(group, [*self.preprocessor.columns, *own], source.rows_of(split, group))
        return (*as_inputs(self.preprocessor, table), *(_targets(table[name]) for name in own))

    def sample(self, split: Split, rows: slice) -> list[Tensor]:
        """Targets, codes and values of rows of the first, the middle and the last row group, which alone are read for it."""
        if split not in self._samples:
            groups = self.groups(split)
            some = [groups[at] for at in sorted({0, len(groups) // 2, len(groups) - 1})]
            parts = [tuple(column[:: rows.step] for column in self.part(split, group)) for group in some]
            codes, values, *targets = (torch.cat(columns) for columns in zip(*parts, strict=True))
            self._samples[split] = [*targets, codes, values]
        return self._samples[split]

    def items(self, split: Split) -> list[str]:
        """The labels of the rows, in the order of the files."""
        source, items = self._sources[split], list[str]()
        named = self.label if self.label in source.schema.names else None
        for group in self.groups(split):
            rows = source.rows_of(split, group)
            items += map(str, rows + group.first if named is None else source.read(group, [named], rows)[named].to_list())
        return items

    def target_range(self) -> tuple[float, float]:
        """The lowest and the highest training target, known from the first reading."""
        return self._target_range

    def targets(self, split: Split) -> Tensor | None:
        """All targets of one split (N,) on their own scale, float32; those of the training set are read again."""
        self.number_of_rows(split)
        if split != "train":
            return self._valid_targets if split == "valid" else None
        return torch.cat([_targets(table[self.target]) for table in _training_tables(self._sources["train"], [self.target])])


class ParquetDataset:
    """The rows of one split one at a time: `dataset[i]` is `((codes, values), y)`, for which a whole row group is read."""

    def __init__(self, data: ParquetData, split: Split) -> None:
        self.data, self.split = data, split

    def __len__(self) -> int:
        return self.data.number_of_rows(self.split)

    def __getitem__(self, i: int) -> tuple[Inputs, Tensor | None]:
        group, row = self.data.place_of(self.split, range(len(self))[i])
        codes, values, *targets = (column[row] for column in self.data.part(self.split, group))
        return (codes, values), targets[0] if targets else None


def _first_pass(
    rows: RowGroups, target: str, log_target: bool, columns: Sequence[str], fit: StreamedFit | None
) -> tuple[dict[Split, NDArray[np.int64]], Tensor, tuple[float, float]]:
    """Count the training and validation rows of each group, check all targets, keep those that validate and others' range."""
    counts: dict[Split, NDArray[np.int64]] = {
        "train": np.zeros(len(rows.groups), np.int64),
        "valid": np.zeros(len(rows.groups), np.int64),
    }
    needed, kept, ends = [target, *(columns if fit else ())], list[Tensor](), list[float]()

    def read(group: RowGroup) -> Any:
        return group, rows.read(group, needed), rows.rows_of("valid", group)

    for i, (group, table, valid) in enumerate(read_ahead(read, rows.groups)):
        targets = target_column(table, target, log_target, group.first + np.arange(group.rows))
        train = np.delete(np.arange(group.rows), valid)
        counts["train"][i], counts["valid"][i] = len(train), len(valid)
        kept.append(torch.from_numpy(targets[valid]))
        if len(train):
            ends += [float(targets[train].min()), float(targets[train].max())]
        if fit and len(train):
            fit.add(table[train, :])
    for split, counted in counts.items():
        if not counted.sum():
            assert rows.valid is not None
            column, first, last = rows.valid
            does = "validates" if split == "valid" else "is left to train with"
            raise TableError(
                f"no row {does}: valid is {column!r} from {first} to {last}, and the file has {rows.values_of(column)}"
            )
    return counts, torch.cat(kept), (min(ends), max(ends))


def _training_tables(rows: RowGroups, columns: Sequence[str]) -> Iterator[Any]:
    return read_ahead(lambda group: rows.read(group, columns, rows.rows_of("train", group)), rows.groups)


def _targets(column: Any) -> Tensor:
    return torch.from_numpy(column.to_numpy().astype(np.float32))
