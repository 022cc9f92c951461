"""Tables to disk and back, as they are in memory: Feather and Parquet (lecture 2:11:57)."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from course_utils.files import replacing
from course_utils.tabular.checks import as_frame
from course_utils.tabular.errors import TableError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def write_table(table: Any, path: str | os.PathLike[str]) -> Path:
    """Write a table as .feather (largest and fastest) or .parquet (smaller, and read in parts by every engine).

    A lazy table (Polars, DuckDB) is run and written as Parquet without being in memory as a whole. A file that is there is
    replaced in one step, and a pandas index is not kept. Raises a `TableError` for another suffix, for a column of several
    types, and for Spark, which writes folders. The lecture saves its table so, and tells of 350 million rows (2:12:24).

    Parquet has checksums here, unless the table is lazy, so that `read_table` finds damage. Feather has none, and a damaged
    file may be read as other numbers: keep in Parquet what is kept for years.

    >>> import pandas as pd, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "train.feather"
    >>> read_table(write_table(pd.DataFrame({"Store": [1, 2], "State": ["HE", None]}), path))
       Store State
    0      1    HE
    1      2   NaN
    """
    path = Path(path)
    frame = nw.maybe_reset_index(as_frame(table))
    if _suffix(path) == ".feather" and isinstance(frame, nw.LazyFrame):
        raise TableError(f"a lazy table is written as .parquet, in parts; got {path.name}")
    if frame.implementation.is_spark_like():
        raise TableError(f"Spark writes a folder of files; expected table.write.parquet({path.stem!r}), its own method")
    with replacing(path) as part:
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


def read_table(path: str | os.PathLike[str]) -> "pd.DataFrame":
    """Read a .feather or .parquet file into pandas; for other engines, use their own `scan_parquet` or `read_parquet`.

    Raises a `TableError` where there is no such file, or it is seen to be damaged (see `write_table`).
    """
    import pandas as pd
    import pyarrow as pa

    path = Path(path)
    suffix = _suffix(path)
    if path.is_dir() and not any(path.rglob("*.parquet")):
        raise TableError(f"{path} is a folder without Parquet files")
    try:
        return pd.read_feather(path) if suffix == ".feather" else pd.read_parquet(path, page_checksum_verification=True)
    except FileNotFoundError:
        raise TableError(f"there is no file {path}") from None
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise TableError(f"{path} cannot be read as {path.suffix[1:]}: {error}") from error


def _suffix(path: Path) -> str:
    if path.suffix not in (".feather", ".parquet"):
        raise TableError(f"expected a file name that ends in .feather or .parquet; got {path.name}")
    return path.suffix
