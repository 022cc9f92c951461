"""Tables to disk and back, as they are in memory: Feather and Parquet (lecture 2:11:57)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from course_utils.files import as_path, refuse_special, replacing
from course_utils.tabular.checks import as_frame
from course_utils.tabular.errors import TableError, engine_errors

LIMIT = 2**34
"""Bytes in memory that `read_table` takes without being asked: a small file can hold a very large table."""

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def write_table(table: Any, path: str | os.PathLike[str]) -> Path:
    """Write a table as .feather (largest and fastest) or .parquet (smaller, and read in parts by every engine).

    A lazy table (Polars, DuckDB) is run and written as Parquet without being in memory as a whole. A file that is there is
    replaced in one step, and a pandas index is not kept. Raises a `TableError` for another suffix, for a column of several
    types, and for Spark, which writes folders; a `FileError` where the system does not let it be written. The lecture saves its
    table so, and tells of 350 million rows (2:12:24).

    Parquet has checksums here, unless the table is lazy, so that `read_table` finds damage. Feather has none, and a damaged
    file may be read as other numbers: keep in Parquet what is kept for years.

    >>> import pandas as pd, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "train.feather"
    >>> read_table(write_table(pd.DataFrame({"Store": [1, 2], "State": ["HE", None]}), path))
       Store State
    0      1    HE
    1      2   NaN
    """
    path = as_path("path", path)
    frame = nw.maybe_reset_index(as_frame(table))
    if _suffix(path) == ".feather" and isinstance(frame, nw.LazyFrame):
        raise TableError(f"a lazy table is written as .parquet, in parts; got {path.name}")
    if frame.implementation.is_spark_like():
        raise TableError(f"Spark writes a folder of files; expected table.write.parquet({path.stem!r}), its own method")
    with engine_errors(f"write {path.name}"), replacing(path) as part:
        if isinstance(frame, nw.LazyFrame):
            frame.sink_parquet(part)
        elif path.suffix == ".feather":
            import pyarrow.feather

            pyarrow.feather.write_feather(_to_arrow(frame), str(part))
        else:
            import pyarrow.parquet

            pyarrow.parquet.write_table(_to_arrow(frame), part, write_page_checksum=True)
    return path


def _to_arrow(frame: "nw.DataFrame[Any]") -> "pa.Table":
    import pyarrow as pa

    try:
        return frame.to_arrow()
    except pa.ArrowException as error:
        raise TableError(f"the table cannot be written, as each column has to be of one type: {error}") from None


def read_table(path: str | os.PathLike[str], limit: int = LIMIT) -> "pd.DataFrame":
    """Read a .feather or .parquet file into pandas; for other engines, use their own `scan_parquet` or `read_parquet`.

    Whole numbers stay whole, and true and false stay so, where some are missing: as pandas' Int64 and boolean. Dates become
    pandas' times.

    Raises a `TableError` where there is no such file, it is seen to be damaged (see `write_table`), or its table would take
    more than `limit` bytes of memory, 8 for each number.
    """
    path = as_path("path", path)
    suffix = _suffix(path)
    refuse_special(path)
    if path.is_dir() and not any(path.rglob("*.parquet")):
        raise TableError(f"{path} is a folder without Parquet files")
    if not path.exists():
        raise TableError(f"there is no file {path}")
    with _readable(path):
        table = _read_feather(path, limit) if suffix == ".feather" else _read_parquet(path, limit)
        return to_pandas(table)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except MemoryError as error:  # Arrow's too
        raise TableError(f"the table in {path} does not fit in memory; read it in parts, {_IN_PARTS}") from error
    except (OSError, ValueError, pa.ArrowException) as error:
        raise TableError(f"{path} cannot be read as {path.suffix[1:]}: {error}") from error


_IN_PARTS = "with ParquetData, polars.scan_parquet or DuckDB"


def _read_feather(path: Path, limit: int) -> "pa.Table":
    import pyarrow.feather
    import pyarrow.ipc

    rows, columns = 0, 0
    with pyarrow.memory_map(str(path)) as file:
        try:
            opened = pyarrow.ipc.open_file(file)
        except pyarrow.ArrowInvalid:
            opened = None  # the first version of Feather, which is not packed
        if opened is not None:
            columns = len(opened.schema.names)
            for number in range(opened.num_record_batches):
                rows += opened.get_batch(number).num_rows
                _refuse_large(path, rows, columns, limit)
    return pyarrow.feather.read_table(str(path))


def _read_parquet(path: Path, limit: int) -> "pa.Table":
    import pyarrow.parquet as pq

    rows = 0
    for file in sorted(path.rglob("*.parquet")) if path.is_dir() else [path]:
        about = pq.read_metadata(file)
        rows += about.num_rows
        _refuse_large(path, rows, about.num_columns, limit)
    return pq.read_table(path, page_checksum_verification=True)


def _refuse_large(path: Path, rows: int, columns: int, limit: int) -> None:
    if rows * columns * 8 > limit:
        raise TableError(
            f"{path} holds {rows:,} rows or more of {columns:,} columns, {rows * columns * 8 / 1e9:,.1f} GB in memory; the "
            f"limit is {limit / 1e9:,.1f} GB. Read it in parts, {_IN_PARTS}, or give a higher limit"
        )


def to_pandas(table: "pa.Table") -> "pd.DataFrame":
    """An Arrow table in pandas; whole numbers, and true and false, stay what they are where some are missing.

    >>> import pyarrow
    >>> to_pandas(pyarrow.table({"id": [2**53 + 1, None]}))["id"].tolist()
    [9007199254740993, <NA>]
    """
    import pandas as pd
    import pyarrow as pa

    kinds = {getattr(pa, kind.lower())(): getattr(pd, f"{kind}Dtype")() for kind in _WHOLE} | {pa.bool_(): pd.BooleanDtype()}
    frame: pd.DataFrame = table.to_pandas(date_as_object=False)
    for name in table.column_names:
        column = table[name]
        if column.type in kinds and column.null_count:
            frame[name] = pd.Series(column.to_pandas(types_mapper=kinds.get).array, index=frame.index)
    return frame


_WHOLE = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")


def _suffix(path: Path) -> str:
    if path.suffix not in (".feather", ".parquet"):
        raise TableError(f"expected a file name that ends in .feather or .parquet; got {path.name}")
    return path.suffix
