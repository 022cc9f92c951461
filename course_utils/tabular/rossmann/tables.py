"""The seven tables of the Rossmann competition: what is in them, and reading them (lecture 2:06:00)."""

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import narwhals as nw

from course_utils.files import as_path
from course_utils.tabular.checks import Frame, as_frame, require_one_engine
from course_utils.tabular.contents import described
from course_utils.tabular.errors import TableError
from course_utils.tabular.storage import WORDS, Kind, read_csv

if TYPE_CHECKING:
    import pandas as pd

_DAY: dict[str, Kind] = {"Store": "whole", "DayOfWeek": "whole", "Date": "date", "Promo": "whole", "SchoolHoliday": "whole"}
_DAY["StateHoliday"] = "text"  # 0 and "0" in the files: no holiday; a, b, c: the kinds of holiday
_WEATHER = (
    *("Max_TemperatureC", "Mean_TemperatureC", "Min_TemperatureC", "Max_Humidity", "Mean_Humidity", "Min_Humidity"),
    *("Max_Wind_SpeedKm_h", "Mean_Wind_SpeedKm_h"),
)
TABLES: dict[str, dict[str, Kind]] = {
    "train": {**_DAY, "Sales": "whole", "Customers": "whole", "Open": "whole"},
    "test": {**_DAY, "Id": "whole", "Open": "number?"},
    "store": {
        **{"Store": "whole", "StoreType": "text", "Assortment": "text", "PromoInterval": "text?", "Promo2": "whole"},
        **{"CompetitionDistance": "number?", "CompetitionOpenSinceMonth": "number?", "CompetitionOpenSinceYear": "number?"},
        **{"Promo2SinceWeek": "number?", "Promo2SinceYear": "number?"},
    },
    "store_states": {"Store": "whole", "State": "text"},
    "state_names": {"StateName": "text", "State": "text"},
    "googletrend": {"file": "text", "week": "week", "trend": "whole"},
    "weather": {
        **{"file": "text", "Date": "date", "Events": "text?", "CloudCover": "number?"},
        **dict.fromkeys(_WEATHER, "number"),
    },
}
"""The columns of each table that the features need, and what they hold."""


def read_tables(folder: str | os.PathLike[str]) -> "dict[str, pd.DataFrame]":
    """Read the seven tables of `folder` (train.csv or train.csv.gz, and so on) into pandas, each column in its type.

    The names are those of `TABLES`. Raises a `TableError` that names file, column and line where something is missing or
    does not fit.
    """
    folder = as_path("folder", folder, "the folder with the seven tables")
    paths = {name: [folder / f"{name}.csv", folder / f"{name}.csv.gz"] for name in TABLES}
    if missing := [name for name, places in paths.items() if not any(os.path.exists(place) for place in places)]:
        raise TableError(
            f"{folder} has no {missing[0]}.csv or {missing[0]}.csv.gz"
            + (f", and none of {', '.join(missing[1:])}" if missing[1:] else "")
            + ". train, test and store come from the competition, the other four from its forum: "
            "course_utils.data.get('rossmann') says where, and get('rossmann', sample=True) draws a stand-in for all seven"
        )
    return {name: read_csv(next(p for p in places if os.path.exists(p)), TABLES[name]) for name, places in paths.items()}


_FITS: dict[str, Callable[[nw.dtypes.DType], bool]] = {
    "whole": lambda dtype: dtype.is_integer(),
    "number": lambda dtype: dtype.is_numeric(),
    "text": lambda dtype: dtype in (nw.String, nw.Categorical, nw.Enum),
    "week": lambda dtype: dtype == nw.String,
    "date": lambda dtype: dtype in (nw.Date, nw.Datetime),
}


def expected_tables(tables: Mapping[str, Any]) -> dict[str, Frame]:
    """Wrap the seven tables, of whatever engine; a `TableError` says which is missing, empty, or lacks a column or its type.

    Columns of categories become text, which can be taken apart.
    """
    if not isinstance(tables, Mapping):
        raise TableError(f"expected the tables as read_tables gives them, a dictionary; got a {type(tables).__name__}")
    if missing := [name for name in TABLES if name not in tables]:
        given = ", ".join(map(str, tables)) or "none"
        raise TableError(f"expected the tables {', '.join(TABLES)}; got {given}, so {', '.join(missing)} is missing")
    frames = {}
    for name, columns in TABLES.items():
        try:
            frames[name] = as_frame(tables[name], *columns)
        except TableError as error:
            raise TableError(f"{name}: {error}") from None
        schema = frames[name].collect_schema()
        for column, kind in columns.items():
            if not _FITS[kind.rstrip("?")](schema[column]):
                raise TableError(
                    f"{name}: column {column} holds {described(frames[name], column)}; expected {WORDS[kind.rstrip('?')]}. "
                    "course_utils.tabular.rossmann.read_tables reads every column in its type"
                )
        categories = [column for column in columns if schema[column] in (nw.Categorical, nw.Enum)]
        frame = frames[name] = frames[name].with_columns(nw.col(*categories).cast(nw.String)) if categories else frames[name]
        if isinstance(frame, nw.DataFrame) and not len(frame):
            raise TableError(f"{name} has no rows")
    require_one_engine(frames)
    trend = frames["googletrend"]
    if isinstance(trend, nw.DataFrame) and len(wrong := trend.filter(~nw.col("week").str.contains(r"^\d{4}-\d\d-\d\d"))):
        raise TableError(f"googletrend: column week holds {wrong['week'][0]!r}; expected {WORDS['week']}")
    return frames
