"""Reading a CSV whose columns are known, so that what is wrong with it is said by name and line."""

import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from course_utils.files import refuse_special
from course_utils.tabular.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["whole", "number", "number?", "text", "text?", "date", "week"]
"""What a column holds; with a question mark, some of it may be missing. A "week" is text that begins with its first day."""

_DTYPES = {"whole": "int64", "number": "float64", "text": "str", "date": "str", "week": "str"}
WORDS = {"whole": "whole numbers", "number": "numbers", "text": "text", "date": "dates like 2015-07-31"}
WORDS["week"] = "weeks like 2015-07-26 - 2015-08-01"

LIMIT = 4 * 2**30
"""Bytes of text that are read from one file, unpacked: a small packed file can hold a very large one."""
LINE = 2**20
"""Bytes in a line: what has longer ones is no table."""


def read_csv(path: Path, columns: Mapping[str, Kind]) -> "pd.DataFrame":
    """Read a CSV file, packed with gzip or not, into pandas: these columns in these types, others as pandas sees them.

    Raises a `TableError` where the file is missing, damaged, empty or not a CSV, lacks a column, or holds a value that does
    not fit, with the line that it stands on; and where it is longer than `LIMIT` bytes, or a line of it than `LINE`.
    """
    import pandas as pd

    refuse_special(path)
    dtypes: dict[Any, Any] = {name: _DTYPES[kind.rstrip("?")] for name, kind in columns.items()}
    try:
        with _text(path) as file:
            there = pd.read_csv(file, nrows=1, header=None, dtype="str", encoding="utf-8-sig").iloc[0].astype("str").tolist()
        if twice := [name for name in columns if there.count(name) > 1]:
            raise TableError(f"{path} has two columns {twice[0]}; rename or drop one of them")
        if missing := [name for name in columns if name not in there]:
            raise TableError(
                f"{path} has no column {', '.join(missing)}; expected {', '.join(columns)}, divided by commas; "
                f"its first line has {', '.join(map(str, there))}"
            )
        try:
            with _text(path) as file:
                table = pd.read_csv(file, dtype=dtypes, encoding="utf-8-sig", low_memory=False)
        except pd.errors.ParserError:
            raise
        except ValueError:  # some number is none; pandas does not say where
            with _text(path) as file:
                table = pd.read_csv(file, dtype=dict.fromkeys(columns, "str"), encoding="utf-8-sig", low_memory=False)
    except FileNotFoundError:
        raise TableError(f"there is no file {path}") from None
    except pd.errors.EmptyDataError:
        raise TableError(f"{path} is empty; expected a first line with {', '.join(columns)}") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise TableError(f"{path} cannot be read as CSV: {error}. Get it again") from error
    except MemoryError as error:
        raise TableError(
            f"{path} does not fit in memory; take fewer rows, or read it with DuckDB or polars.scan_csv"
        ) from error
    if not isinstance(table.index, pd.RangeIndex):
        raise TableError(f"{path} has rows with more values than its first line has names ({len(there)}); get it again")
    if not len(table):
        raise TableError(f"{path} has a first line but no rows")
    for name, kind in columns.items():
        table[name] = _as(kind, table[name], path)
    return table


@contextmanager
def _text(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked, as far as the limits go."""
    with path.open("rb") as file, gzip.open(file) if path.suffix == ".gz" else file as text:
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
        if self.total > LIMIT:
            raise TableError(
                f"{self.path} holds more than {LIMIT / 1e9:.1f} GB of text; read it in parts, with DuckDB or Polars"
            )
        first, last = (find(b"\n") if b"\n" in read else find(b"\r") for find in (read.find, read.rfind))
        self.line += number if first < 0 else first
        if self.line > LINE:
            raise TableError(f"{self.path} has a line of more than {LINE:,} bytes; expected a table, values divided by commas")
        if last >= 0:
            self.line = number - last - 1
        return number


def _as(kind: Kind, values: "pd.Series[Any]", path: Path) -> "pd.Series[Any]":
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
        raise TableError(f"{path}, line {row + 2}: column {values.name} holds {value}; expected {WORDS[plain]}")
    return result.astype("int64") if plain == "whole" else result
