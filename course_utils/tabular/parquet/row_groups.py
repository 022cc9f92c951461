"""Parquet files larger than memory: read one row group at a time, the next by a thread while one works with the last."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from course_utils.files import as_path
from course_utils.names import named
from course_utils.tabular.errors import TableError
from course_utils.tabular.parquet.bounds import Valid, between
from course_utils.training.tasks import Split

Key = TypeVar("Key")
Found = TypeVar("Found")


@dataclass(frozen=True)
class RowGroup:
    """What Parquet files are made of: some rows, column after column, that are read at once."""

    file: Path
    number: int  # within the file
    first: int  # the number of its first row, counted over all files
    rows: int


class RowGroups:
    """The row groups of a Parquet file, or of all `.parquet` files in a folder in the order of their names."""

    def __init__(self, path: str | Path, columns: Sequence[str], valid: Valid | None = None) -> None:
        """Look into the files, of which each must have these `columns`; see `ParquetData.from_parquet` for `valid`."""
        import pyarrow.parquet as pq

        self.path, self.valid = as_path("the source", path, "a Parquet file, or of a folder of them"), valid
        self.groups = list[RowGroup]()
        self.schema: Any = None
        self._about = dict[Path, Any]()
        files = sorted(self.path.glob("*.parquet")) if os.path.isdir(self.path) else [self.path]
        if not files or not os.path.exists(self.path):
            raise TableError(f"there is no Parquet file at {self.path}; write_table(table, 'name.parquet') makes one")
        rows = 0
        for file in files:
            with _readable(file):
                about = pq.read_metadata(file)
                schema = about.schema.to_arrow_schema()
            if missing := [name for name in columns if name not in schema.names]:
                raise TableError(f"{file} has no {named('column', missing)}; its columns are {', '.join(schema.names)}")
            self.schema = self.schema or schema
            for name in columns:
                if (kind := schema.field(name).type) != (expected := self.schema.field(name).type):
                    raise TableError(
                        f"column {name!r} holds {kind} in {file}, but {expected} in {files[0].name}; make them the same"
                    )
            self._about[file] = about
            for number in range(about.num_row_groups):
                self.groups.append(RowGroup(file, number, rows, about.row_group(number).num_rows))
                rows += self.groups[-1].rows
        if not rows:
            raise TableError(f"{self.path} has no rows ({len(self.groups)} row groups); give a table with rows")

    def read(self, group: RowGroup, columns: Sequence[str], rows: NDArray[np.int64] | None = None) -> "nw.DataFrame[Any]":
        """Some columns of a row group, of all its rows or of those numbered `rows` within it."""
        table = self._read(group, columns)
        return nw.from_native(table if rows is None or len(rows) == len(table) else table.take(rows), eager_only=True)

    def rows_of(self, split: Split, group: RowGroup) -> NDArray[np.int64]:
        """The numbers, within a group, of its rows that are in a split; all of them where nothing tells splits apart."""
        if self.valid is None:
            return np.arange(group.rows)
        return np.flatnonzero(self._validates(group) == (split == "valid"))

    def values_of(self, column: str) -> str:
        """From where to where the values of a column go, in words."""
        import pyarrow.compute as pc

        ends = [pc.min_max(self._read(group, [column])[column]).as_py() for group in self.groups if group.rows]
        return f"{min(end['min'] for end in ends)} to {max(end['max'] for end in ends)}"

    def _read(self, group: RowGroup, columns: Sequence[str]) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        about = self._about[group.file]
        with _readable(group.file), pq.ParquetFile(group.file, metadata=about, page_checksum_verification=True) as file:
            table = file.read_row_group(group.number, columns=list(dict.fromkeys(columns)))
        for i, field in enumerate(table.schema):
            if pa.types.is_dictionary(field.type):  # pandas' categories
                table = table.set_column(i, field.name, table[i].cast(field.type.value_type))
        return table

    def _validates(self, group: RowGroup) -> NDArray[np.bool_]:
        import pyarrow as pa
        import pyarrow.compute as pc

        assert self.valid is not None
        name = self.valid[0]
        column = self._read(group, [name])[name]
        if pa.types.is_timestamp(column.type) and column.type.tz:
            raise TableError(
                f"column {name!r} holds times of the zone {column.type.tz}, so that it is not said whose days validate; write "
                "it without a zone"
            )
        if missing := int(pc.sum(column.is_null(nan_is_null=True)).as_py() or 0):
            raise TableError(
                f"column {name!r} is to tell which rows validate, but is missing in {missing:,} of the rows "
                f"{group.first:,} to {group.first + group.rows - 1:,}; fill it in, or drop these rows"
            )
        return between(column, self.valid)


@contextmanager
def _readable(file: Path) -> Iterator[None]:
    """Say which file it is that cannot be read."""
    import pyarrow as pa

    try:
        yield
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise TableError(f"{file} cannot be read as Parquet, so it is something else, or damaged: {error}") from error


def read_ahead(read: Callable[[Key], Found], keys: Iterable[Key]) -> Iterator[Found]:
    """What `read` makes of each key, in order; a thread reads the next while the caller works with the last.

    >>> list(read_ahead(abs, [-1, 2, -3]))
    [1, 2, 3]
    """
    ahead: Future[Found] | None = None
    for key in keys:
        done = [] if ahead is None else [ahead.result()]
        ahead = _in_thread(read, key)
        if done:
            yield done.pop()  # so that nothing here holds on to it
    if ahead is not None:
        yield ahead.result()


def _in_thread(function: Callable[[Key], Found], key: Key) -> "Future[Found]":
    """Start a thread that ends with its work, so that none stays when nobody asks for the result, as after Ctrl-C."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="read ahead")
    try:
        return pool.submit(function, key)
    finally:
        pool.shutdown(wait=False)
