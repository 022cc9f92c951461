"""Reading a CSV whose columns are known, so that what is wrong with it is said by name and line."""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from course_utils.tabular.errors import TableError

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["whole", "number", "number?", "text", "text?", "date", "week"]
"""What a column holds; with a question mark, some of it may be missing. A "week" is text that begins with its first day."""

_DTYPES = {"whole": "int64", "number": "float64", "text": "str", "date": "str", "week": "str"}
WORDS = {"whole": "whole numbers", "number": "numbers", "text": "text", "date": "dates like 2015-07-31"}
WORDS["week"] = "weeks like 2015-07-26 - 2015-08-01"


def read_csv(path: Path, columns: Mapping[str, Kind]) -> "pd.DataFrame":
    """Read a CSV file, packed with gzip or not, into pandas: these columns in these types, others as pandas sees them.

    Raises a `TableError` where the file is missing, damaged, empty or not a CSV, lacks a column, or holds a value that does
    not fit, with the line that it stands on.
    """
    import pandas as pd

    dtypes: dict[Any, Any] = {name: _DTYPES[kind.rstrip("?")] for name, kind in columns.items()}
    try:
        there = pd.read_csv(path, nrows=0, encoding="utf-8-sig").columns
        if missing := [name for name in columns if name not in there]:
            raise TableError(
                f"{path} has no column {', '.join(missing)}; expected {', '.join(columns)}, divided by commas; "
                f"its first line has {', '.join(map(str, there))}"
            )
        try:
            table = pd.read_csv(path, dtype=dtypes, encoding="utf-8-sig", low_memory=False)
        except pd.errors.ParserError:
            raise
        except ValueError:  # some number is none; pandas does not say where
            table = pd.read_csv(path, dtype=dict.fromkeys(columns, "str"), encoding="utf-8-sig", low_memory=False)
    except FileNotFoundError:
        raise TableError(f"there is no file {path}") from None
    except pd.errors.EmptyDataError:
        raise TableError(f"{path} is empty; expected a first line with {', '.join(columns)}") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise TableError(f"{path} cannot be read as CSV: {error}. Get it again") from error
    if not len(table):
        raise TableError(f"{path} has a first line but no rows")
    for name, kind in columns.items():
        table[name] = _as(kind, table[name], path)
    return table


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
