"""What can go wrong with tables, and saying in words what an engine says in its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from course_utils.errors import CourseError


class TableError(CourseError):
    """A table cannot be read, lacks a column, holds what it should not, or does not fit the one that it is joined to."""


_ENGINES = {
    "narwhals": "Narwhals",
    "pandas": "pandas",
    "polars": "Polars",
    "pyarrow": "Arrow",
    "pyspark": "Spark",
    "py4j": "Spark",
}
_ENGINES |= {"duckdb": "DuckDB", "_duckdb": "DuckDB"}


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn what an engine raises while it works for us into a `TableError` that says what it was doing; also a decorator.

    >>> with engine_errors("join the tables"):
    ...     raise MemoryError
    Traceback (most recent call last):
    ...
    course_utils.tabular.errors.TableError: cannot join the tables: memory is too small; take fewer rows or columns, or an \
engine that works in parts (a lazy table of Polars, DuckDB)
    """
    try:
        yield
    except CourseError:
        raise
    except Exception as error:
        engine = _ENGINES.get(type(error).__module__.partition(".")[0])
        if isinstance(error, MemoryError) or (engine and "memory" in type(error).__name__.lower()):
            raise TableError(
                f"cannot {doing}: memory is too small; take fewer rows or columns, or an engine that works in parts (a lazy "
                "table of Polars, DuckDB)"
            ) from error
        if isinstance(error, TypeError) and "unhashable" in str(error):
            raise TableError(
                f"cannot {doing}: a column that rows are compared by holds lists, dictionaries or the like; make it text or "
                "numbers"
            ) from error
        if isinstance(error, NotImplementedError):  # Narwhals, of an engine that lacks something
            raise TableError(
                f"cannot {doing} with a table of this kind; make it one of Polars, polars.DataFrame(table), or of pandas"
            ) from error
        if engine is None:
            raise
        said = " ".join(str(error).split("\n\n")[0].split())[:400] or type(error).__name__
        raise TableError(f"cannot {doing}: {engine} says: {said}") from error
