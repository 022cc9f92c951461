"""The lecture's words for columns of tables: dates taken apart, text made categories, everything made numbers."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from course_utils.lecture.messages import LectureError, keywords
from course_utils.masked import refuse_masked
from course_utils.names import counted
from course_utils.tabular import dates

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.compose import ColumnTransformer


@keywords
def add_datepart(df: "pd.DataFrame", fldname: str, drop: bool = True) -> None:
    """Make the column `fldname` dates and add what day each is to the same table; see `course_utils.tabular.add_datepart`.

    Unlike there, all thirteen columns are added, also where the table has one that differs in capitals alone.

    >>> import pandas as pd
    >>> df = pd.DataFrame({"saleDate": ["2014-12-29"]})
    >>> add_datepart(df, "saleDate")
    >>> df[["saleYear", "saleWeek", "saleDayofweek", "saleElapsed"]].values.tolist()
    [[2014, 1, 0, 1419811200]]
    """
    import pandas as pd

    column = column_of(df, fldname)
    if not pd.api.types.is_datetime64_any_dtype(column):
        column = df[fldname] = pd.to_datetime(column)
    parts = dates.add_datepart(pd.DataFrame({"Date": column}), "Date")
    prefix = fldname[:-4] if fldname[-4:] in ("Date", "date") else fldname
    for name, part in parts.drop(columns="Date").items():
        df[f"{prefix}{name}"] = part.astype("int64") if part.dtype.kind in "iu" else part
    if drop:
        df.pop(fldname)


@keywords
def train_cats(df: "pd.DataFrame") -> None:
    """Make every column of text ordered categories, in the same table."""
    from pandas.api import types

    for name, column in df.items():
        if types.is_string_dtype(column):
            df[name] = column.astype("category").cat.as_ordered()


@keywords
def apply_cats(df: "pd.DataFrame", trn: "pd.DataFrame") -> None:
    """Give the columns of `df` the categories that `trn` has, in the same table; any other value becomes missing."""
    import pandas as pd

    for name, column in trn.items():
        if name in df.columns and isinstance(column.dtype, pd.CategoricalDtype):
            known = df[name].isin(column.cat.categories)
            unknown = df[name][~known & df[name].notna()]
            if len(unknown):
                print(
                    f"column {name!r}: {counted(len(unknown), 'row')} with none of the categories, such as {unknown.iloc[0]!r}"
                )
            df[name] = pd.Categorical(df[name].where(known), categories=column.cat.categories, ordered=True)


@keywords
def proc_df(
    df: "pd.DataFrame",
    y_fld: str,
    skip_flds: Sequence[str] | None = None,
    do_scale: bool = False,
    na_dict: Mapping[str, float] | None = None,
    preproc_fn: Callable[["pd.DataFrame"], object] | None = None,
    max_n_cat: int | None = None,
    subset: int | None = None,
    mapper: "ColumnTransformer | None" = None,
) -> list[Any]:
    """Make every column numbers (lecture 2:13:50): a list of the table, the array of targets, the medians, and the scaler.

    The given table stays as it is. Here all rows count, also those that will validate; in this package a `Preprocessor` learns
    from the rows that train alone.

    Args:
        df: the table.
        y_fld: the column to predict.
        skip_flds: columns to leave out.
        do_scale: bring columns of numbers to mean 0 and standard deviation 1; the list then has the scaler, too.
        na_dict: medians of another table; they stand in for what is missing, and each of its columns gets a flag.
        preproc_fn: a function that changes the copy first.
        max_n_cat: categories up to as many become a column of zeros and ones each.
        subset: as many rows, drawn by chance.
        mapper: the scaler of another table.

    >>> import pandas as pd
    >>> df = pd.DataFrame({"Sales": [5, 6, 7], "Distance": [1.0, None, 3.0], "State": pd.Categorical(["HE", "BY", None])})
    >>> x, y, nas = proc_df(df, "Sales")
    >>> x
       Distance  State  Distance_na
    0       1.0      2        False
    1       2.0      1         True
    2       3.0      0        False
    >>> y, nas
    (array([5, 6, 7]), {'Distance': 2.0})
    """
    import pandas as pd
    from pandas.api import types

    for name in (y_fld, *(skip_flds or ())):
        column_of(df, name)
    x = (df if subset is None else df.sample(subset).sort_index()).copy()
    if preproc_fn:
        preproc_fn(x)
    target = x.pop(y_fld)
    y = (target.cat.codes if isinstance(target.dtype, pd.CategoricalDtype) else target).to_numpy()
    x = x.drop(columns=list(skip_flds or ()))
    nas = dict(na_dict or {})
    for field, column in list(x.items()):
        name = str(field)
        if types.is_numeric_dtype(column) and (name in nas or column.isna().any()):
            x[f"{name}_na"] = column.isna()
            if name not in nas and column.isna().all():
                print(f"column {name!r} has no value in any row, so 0 stands in for all; a network can learn nothing from it")
            nas.setdefault(name, 0.0 if column.isna().all() else float(column.median()))
            x[field] = column.fillna(nas[name])
    numbers = [name for name, column in x.items() if types.is_numeric_dtype(column)]
    if do_scale:
        floats = x.astype(dict.fromkeys(numbers, "float64"))
        mapper = _scaler(floats, numbers) if mapper is None else mapper
        x = x.assign(**dict(zip(mapper.transformers_[0][2], mapper.transform(floats).T, strict=True)))
    for field, column in x.items():
        if not types.is_numeric_dtype(column):
            _require_categories(field, column)
            if max_n_cat is None or len(column.cat.categories) > max_n_cat:
                x[field] = column.cat.codes + 1
    if max_n_cat is not None:
        x = pd.get_dummies(x, dummy_na=True)
    return [x, y, nas, *([mapper] if do_scale else [])]


def _scaler(floats: "pd.DataFrame", numbers: Sequence[Any]) -> "ColumnTransformer":
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import StandardScaler

    return ColumnTransformer([("scaled", StandardScaler(), numbers)]).fit(floats)


def _require_categories(name: Any, column: "pd.Series[Any]") -> None:
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return
    if pd.api.types.is_datetime64_any_dtype(column):
        raise LectureError(
            f"column {name!r} holds dates; add_datepart(df, {name!r}) makes numbers of them, or skip_flds skips it"
        )
    raise LectureError(f"column {name!r} holds {column.dtype}; train_cats(df) makes categories of text, or skip_flds skips it")


def column_of(df: "pd.DataFrame", name: str) -> "pd.Series[Any]":
    """A column of a pandas table; a LectureError if `df` is not one, or has no such column."""
    import pandas as pd

    if not isinstance(df, pd.DataFrame):
        raise LectureError(f"a {type(df).__name__} was given where a pandas DataFrame is expected")
    if name not in df.columns:
        raise LectureError(f"the table has no column {name!r}; it has {', '.join(map(str, df.columns))}")
    return df[name]


def rf_feat_importance(m: Any, df: "pd.DataFrame") -> "pd.DataFrame":
    """How much a fitted forest of scikit-learn relies on each column: columns `cols` and `imp`, the largest first."""
    import pandas as pd

    return pd.DataFrame({"cols": df.columns, "imp": m.feature_importances_}).sort_values("imp", ascending=False)


def split_by_idx(idxs: Any, *a: Any) -> list[tuple[Any, Any]]:
    """For each array or table the rows numbered `idxs`, which validate, and all others; both in the order they had.

    >>> split_by_idx([3, 0], np.array([5, 6, 7, 8]))
    [(array([5, 8]), array([6, 7]))]
    """
    rows = len(a[0]) if a else 0
    if other := [len(one) for one in a if len(one) != rows]:
        raise LectureError(
            f"split_by_idx was given {rows:,} and {other[0]:,} rows; it splits all alike, so give as many of each"
        )
    chosen = np.zeros(rows, bool)
    chosen[row_numbers(idxs, rows)] = True
    return [(one[chosen], one[~chosen]) for one in a]


def row_numbers(idxs: Any, rows: int) -> NDArray[np.int64]:
    """Different numbers of rows, in order."""
    refuse_masked("val_idx", idxs)
    numbers = np.asarray(idxs, dtype=None if len(idxs) else np.int64)
    if numbers.dtype.kind not in "iu" or numbers.ndim != 1:
        raise LectureError(
            f"val_idx holds {numbers.dtype}, shape {numbers.shape}; expected the numbers of rows, counted from 0"
        )
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() < rows:
        raise LectureError(f"val_idx goes from {numbers.min()} to {numbers.max()}, but the rows are numbered 0 to {rows - 1}")
    return np.unique(numbers).astype(np.int64)
