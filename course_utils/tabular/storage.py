"""Tables to disk and back, as they are in memory: Feather and Parquet (lecture 2:11:57); and from CSV, column by column."""

import csv
import io
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw

from course_utils.files import as_path, refuse_special, replacing
from course_utils.names import counted, named
from course_utils.packed import DAMAGED, opened
from course_utils.tabular.checks import as_frame
from course_utils.tabular.errors import TableError, engine_errors

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

LIMIT = 2**34
"""Bytes in memory that `read_table` takes without being asked: a small file can hold a very large table."""
CSV_LIMIT = 4 * 2**30
"""Bytes of text that are read from one CSV file, unpacked."""
CSV_LINE = 2**20
"""Bytes in a line of CSV: what has longer ones is not a table."""

Kind = Literal["whole", "number", "number?", "text", "text?", "date", "week"]
"""What a column holds; with a question mark, some of it may be missing. A "week" is text that begins with its first day."""

_DTYPES = {"whole": "int64", "number": "float64", "text": "str", "date": "str", "week": "str"}
WORDS = {"whole": "whole numbers", "number": "numbers", "text": "text", "date": "dates like 2015-07-31"}
WORDS["week"] = "weeks like 2015-07-26 - 2015-08-01"


def write_table(table: Any, path: str | os.PathLike[str]) -> Path:
    """Write a table as .feather (largest and fastest) or .parquet (smaller, and read in parts by every engine).

    A lazy table (Polars, DuckDB) is run and written as Parquet without being in memory as a whole. A file that is there is
    replaced in one step. A pandas index is not kept; a line says so of one with a name. Raises a `TableError` for another
    suffix, for a column of several types, and for Spark, which writes folders; a `FileError` where the system does not let it
    be written. The lecture saves its table so, and tells of 350 million rows (2:12:24).

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
    given = as_frame(table)
    frame = nw.maybe_reset_index(given)
    if _suffix(path) == ".feather" and isinstance(frame, nw.LazyFrame):
        raise TableError(f"a lazy table is written as .parquet, in parts; got {path.name}")
    if frame.implementation.is_spark_like():
        raise TableError(f"Spark writes a folder of files; expected table.write.parquet({path.stem!r}), its own method")
    with engine_errors(f"write {path.name}"), replacing(path) as part:
        if isinstance(frame, nw.LazyFrame):
            frame.sink_parquet(part)
        elif _suffix(path) == ".feather":
            import pyarrow.feather

            pyarrow.feather.write_feather(_to_arrow(frame), str(part))
        else:
            import pyarrow.parquet

            pyarrow.parquet.write_table(_to_arrow(frame), part, write_page_checksum=True)
    if named := [name for name in getattr(nw.maybe_get_index(given), "names", []) if name is not None]:
        names = ", ".join(map(repr, named))
        print(f"{path.name} is written without the index ({names}); table.reset_index() makes columns of it.")
    return path


def _to_arrow(frame: "nw.DataFrame[Any]") -> "pa.Table":
    import pyarrow as pa

    try:
        return frame.to_arrow()
    except (pa.ArrowException, TypeError) as error:
        raise TableError(f"the table cannot be written, as each column has to be of one type that Arrow has: {error}") from None


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
    if os.path.isdir(path) and not any(path.rglob("*.parquet")):
        raise TableError(f"{path} is a folder without Parquet files")
    if not os.path.exists(path):  # pathlib raises where the name is too long
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
    if path.suffix.lower() not in (".feather", ".parquet"):
        raise TableError(f"expected a file name that ends in .feather or .parquet; got {path.name}")
    return path.suffix.lower()


_MISSING = ["", "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan", "None", "NULL", "null"]
_MISSING += ["1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"]
"""What pandas takes for a missing value in a CSV file."""


def read_csv(
    path: Path,
    columns: Mapping[str, Kind],
    words: Mapping[str, Sequence[str]] = MappingProxyType({}),
    also: Sequence[str] = (),
) -> "pd.DataFrame":
    """Read a CSV file, packed with gzip or not, into pandas: these columns in these types, others as pandas sees them.

    `words` of a column are text, even one such as NA or None that else says that a value is missing. The columns `also` must
    be there too, once each.

    Raises a `TableError` where the file is missing, damaged, empty or not a CSV, lacks a column, or holds a value that does
    not fit, with the line that it stands on; and where it is longer than `CSV_LIMIT` bytes, or a line of it than `CSV_LINE`.
    """
    import pandas as pd

    refuse_special(path)
    dtypes: dict[Any, Any] = {name: _DTYPES[kind.rstrip("?")] for name, kind in columns.items()}
    expected = list(dict.fromkeys([*also, *columns]))
    try:
        with _text(path) as file:
            there = pd.read_csv(file, nrows=1, header=None, dtype="str", encoding="utf-8-sig").iloc[0].astype("str").tolist()
        if twice := [name for name in expected if there.count(name) > 1]:
            raise TableError(f"{path} has two columns {twice[0]}; rename or drop one of them")
        if lacking := [name for name in expected if name not in there]:
            raise TableError(
                f"{path} has no {named('column', lacking)}; expected {', '.join(expected)}, divided by commas; "
                f"its first line has {', '.join(map(str, there))}"
            )
        missing = {name: [word for word in _MISSING if not word or word not in words.get(name, ())] for name in there}
        options: dict[str, Any] = {"encoding": "utf-8-sig", "low_memory": False, "na_values": missing, "keep_default_na": False}
        try:
            with _text(path) as file:
                table = pd.read_csv(file, dtype=dtypes, **options)
        except pd.errors.ParserError as error:
            if "Expected" in str(error):  # fewer values than a line has
                _refuse_lines_of_another_length(path, len(there))
            raise
        except ValueError:  # some cell is not a number; pandas does not say which
            with _text(path) as file:
                table = pd.read_csv(file, dtype=dict.fromkeys(columns, "str"), **options)
        _refuse_other_lengths(path, table, len(there))
    except FileNotFoundError:
        raise TableError(f"there is no file {path}") from None
    except pd.errors.EmptyDataError:
        raise TableError(f"{path} is empty; expected a first line with {', '.join(expected)}") from None
    except UnicodeDecodeError as error:
        raise TableError(
            f"{path} cannot be read as CSV: it is not text in UTF-8. If it is in another encoding, save it in UTF-8 (in Excel "
            'as "CSV UTF-8"); else get it again'
        ) from error
    except (OSError, *DAMAGED, csv.Error, pd.errors.ParserError) as error:
        raise TableError(f"{path} cannot be read as CSV: {' '.join(str(error).split())}. Get it again") from error
    except MemoryError as error:
        raise TableError(
            f"{path} does not fit in memory; take fewer rows, or read it with DuckDB or polars.scan_csv"
        ) from error
    if not len(table):
        raise TableError(f"{path} has a first line but no rows")
    for name, kind in columns.items():
        table[name] = _as(kind, table[name], path, len(there))
    return table


def _refuse_other_lengths(path: Path, table: "pd.DataFrame", names: int) -> None:
    """Raise a `TableError` for the first line with more or fewer values than there are names.

    pandas takes what is missing at the end of a line for missing values, and what is more in all lines for an index. So lines
    are counted, which takes longer than reading them, only where one may be short: where the last column has a gap.
    """
    import pandas as pd

    if not isinstance(table.index, pd.RangeIndex) or table.iloc[:, -1].isna().any():
        _refuse_lines_of_another_length(path, names)


def _refuse_lines_of_another_length(path: Path, names: int) -> None:
    for line, values in _lines(path, names):
        if len(values) != names:
            what = "more" if len(values) > names else "fewer"
            raise TableError(
                f"{path}, line {line}: it has {counted(len(values), 'value')}, {what} than the {counted(names, 'name')} of the "
                "first line; put commas where values are missing, and quotes around text with commas"
            )


def _lines(path: Path, names: int) -> Iterator[tuple[int, list[str]]]:
    """The values of each line that is not blank, and its number, counted from 1; of a quoted text the last of its lines."""
    with _text(path) as file:
        lines = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""))
        for values in lines:
            if len(values) > 1 or "".join(values).strip():
                yield lines.line_num, values


@contextmanager
def _text(path: Path) -> Iterator[io.BufferedReader]:
    """The bytes of a file, unpacked, as far as the limits go."""
    with opened(path) as text:
        yield io.BufferedReader(_Bounded(text, path), 2**18)


class _Bounded(io.RawIOBase):
    """Reads another file, and raises a `TableError` at the limits for a file and for a line."""

    def __init__(self, file: Any, path: Path) -> None:
        self.file, self.path = file, path
        self.total = self.line = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        number: int = self.file.readinto(buffer)
        read = bytes(buffer[:number])
        self.total += number
        if self.total > CSV_LIMIT:
            raise TableError(
                f"{self.path} holds more than {CSV_LIMIT / 1e9:.1f} GB of text; read it in parts, with DuckDB or Polars"
            )
        first, last = (find(b"\n") if b"\n" in read else find(b"\r") for find in (read.find, read.rfind))
        self.line += number if first < 0 else first
        if self.line > CSV_LINE:
            raise TableError(
                f"{self.path} has a line of more than {CSV_LINE:,} bytes; expected a table, values divided by commas"
            )
        if last >= 0:
            self.line = number - last - 1
        return number


def _as(kind: Kind, values: "pd.Series[Any]", path: Path, names: int) -> "pd.Series[Any]":
    """The column in its type; a `TableError` names the first line that does not fit."""
    import pandas as pd

    result: pd.Series[Any] = values
    plain = kind.rstrip("?")
    if plain in ("whole", "number") and values.dtype == "str":
        result = pd.to_numeric(values, errors="coerce")
    elif plain == "date":
        result = pd.to_datetime(values, format="%Y-%m-%d", errors="coerce")
    fits = result.notna()
    if plain == "whole":
        fits &= result == result.round()
    elif plain == "week":
        fits = pd.to_datetime(values.str[:10], format="%Y-%m-%d", errors="coerce").notna()
    if kind.endswith("?"):
        fits |= values.isna()
    if not fits.all():
        row = int((~fits).to_numpy().argmax())
        value = "nothing" if pd.isna(values.iloc[row]) else repr(values.iloc[row])
        line, _ = next(itertools.islice(_lines(path, names), row + 1, None))
        raise TableError(f"{path}, line {line}: column {values.name} holds {value}; expected {WORDS[plain]}")
    return result.astype("int64") if plain == "whole" else result
