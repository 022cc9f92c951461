"""The same table on every engine, and back."""

import narwhals as nw
import pandas as pd

SPARK_TYPES = {
    "Int32": "int",
    "Int64": "long",
    "Float64": "double",
    "Boolean": "boolean",
    "String": "string",
    "Datetime": "timestamp_ntz",
}


class Engine:
    def __init__(self, name, convert):
        self.name, self.convert = name, convert

    @property
    def lazy(self):
        return self.name in ("polars lazy", "duckdb", "spark")

    def __call__(self, table):
        return self.convert(table)


def to_duckdb(connection, table):
    connection.register("from_pandas", table)
    name = f"table_{connection.execute('select count(*) from duckdb_tables()').fetchone()[0]}"
    connection.execute(f"create table {name} as select * from from_pandas")
    return connection.table(name)


def to_spark(session, table):
    schema = nw.from_native(table).schema
    types = ", ".join(f"`{name}` {SPARK_TYPES[str(dtype).split('(')[0]]}" for name, dtype in schema.items())
    columns = [[None if pd.isna(value) else value for value in table[name].tolist()] for name in table]
    columns = [[v.to_pydatetime() if isinstance(v, pd.Timestamp) else v for v in column] for column in columns]
    return session.createDataFrame(list(zip(*columns, strict=True)), types)


def rows(table, *order):
    """The table as a list of dicts of plain Python, sorted by the columns `order` (or as they lie, where none is given)."""
    frame = nw.from_native(table)
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if order:
        frame = frame.sort(*order)
    return [{name: plain(value) for name, value in row.items()} for row in frame.rows(named=True)]


def plain(value):
    """Python's own value: None for all that is missing, whole numbers as int, dates without a zone."""
    if value is None or value is pd.NaT or value != value:
        return None
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime()
    if hasattr(value, "tzinfo"):
        return value.replace(tzinfo=None)
    if hasattr(value, "item"):
        value = value.item()
    return int(value) if isinstance(value, float) and value.is_integer() else value
