"""Looking at tables before anything is learnt: what the columns hold."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw

from course_utils.tabular.checks import as_frame, require_dates
from course_utils.tabular.contents import described
from course_utils.tabular.errors import TableError, engine_errors
from course_utils.tabular.storage import to_pandas

if TYPE_CHECKING:
    import pandas as pd


def in_pandas(table: Any, *columns: str, dates: Sequence[str] = (), numbers: Sequence[str] = ()) -> "pd.DataFrame":
    """A table of any engine in pandas, rows counted from 0; a `TableError` where a column is missing, or of the wrong kind."""
    frame = as_frame(table, *columns, *dates, *numbers, any_names=True)
    require_dates(frame, *dates)
    for name, dtype in frame.collect_schema().items():
        if name in numbers and not (dtype.is_numeric() or dtype == nw.Boolean):
            raise TableError(
                f"column {name!r} should hold numbers but holds {described(frame, name)}; in pandas, pandas.to_numeric makes "
                "them so"
            )
    with engine_errors("read the table"):
        whole = nw.maybe_reset_index(frame.collect() if isinstance(frame, nw.LazyFrame) else frame)
        there: pd.DataFrame = whole.to_native() if whole.implementation.is_pandas() else to_pandas(whole.to_arrow())
    plain = {name: there[name].to_numpy(float, na_value=float("nan")) for name in numbers if there[name].hasnans}
    return there.assign(**plain, **{name: there[name].astype("datetime64[us]") for name in dates})


def at_a_glance(table: Any) -> "pd.DataFrame":
    """One row for each column of `table`: its type, the share of rows without it, how many values it has, and three of them.

    >>> import pandas as pd
    >>> at_a_glance(pd.DataFrame({"Store": [1, 1, 2], "Distance": [120.0, None, 4.5]}))
               type  missing  unique    examples
    Store     int64  0.00000       2        1, 2
    Distance  float  0.33333       2  120.0, 4.5
    """
    import pandas as pd

    rows = {}
    for name, column in in_pandas(table).items():
        values = column.dropna().unique()
        rows[str(name)] = {
            "type": _type(column),
            "missing": round(float(column.isna().mean()), 5) if len(column) else 0.0,
            "unique": len(values),
            "examples": ", ".join(_written(value) for value in values[:3]),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _type(column: "pd.Series[Any]") -> str:
    kinds = {"M": "date", "O": "text", "U": "text", "T": "text", "f": "float", "b": "bool"}
    return "text" if str(column.dtype) in ("str", "string", "object") else kinds.get(column.dtype.kind, str(column.dtype))


def _written(value: Any) -> str:
    return str(value.date()) if hasattr(value, "date") else str(value)


def tables_at_a_glance(tables: "Mapping[str, pd.DataFrame]") -> Any:
    """Show `at_a_glance` of several tables in one, with bars for what is missing; a pandas Styler, for a notebook."""
    import pandas as pd

    if not isinstance(tables, Mapping) or not tables:
        raise TableError("expected tables by their names, a dictionary such as rossmann.read_tables gives")
    every = pd.concat({f"{name} ({len(table):,} rows)": at_a_glance(table) for name, table in tables.items()})
    every["missing"] *= 100
    every["unique"] = every["unique"].map("{:,}".format)
    styler = every.rename(columns={"missing": "missing, %"}).style
    styler = styler.bar(subset=["missing, %"], color="#f2b880", vmin=0, vmax=100).format(
        {"missing, %": "{:.1f}"}, escape="html"
    )
    styler = styler.format_index(escape="html")
    styler = styler.set_table_attributes('class="tex2jax_ignore"')  # names are neither markup nor formulas
    left, top = {"text-align": "left"}, {"vertical-align": "top"}
    return styler.set_properties(subset=["type", "examples"], **left).set_table_styles(
        [{"selector": "th", "props": [*left.items(), *top.items()]}, {"selector": "td", "props": [("padding", "1px 10px")]}]
    )
