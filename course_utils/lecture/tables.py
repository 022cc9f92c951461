"""The lecture's words for tables: dates taken apart, columns made numbers, and a network with entity embeddings."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from course_utils.lecture.learners import LectureLearner
from course_utils.lecture.messages import Explains, LectureError, keywords
from course_utils.lecture.stand_ins import DataFrameMapper
from course_utils.names import counted
from course_utils.tabular import dates
from course_utils.tabular.data import TabularData
from course_utils.tabular.model import ADAMW, TabularLearner, TabularModel
from course_utils.tabular.preprocess import Preprocessor, Scale
from course_utils.training.custom_metrics import Metric
from course_utils.training.data import Split

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[Any]

# -- columns -------------------------------------------------------------------------------------------------------------


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

    column = _column(df, fldname)
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
    """Give the columns of `df` the categories that `trn` has, in the same table; what is none of them becomes missing."""
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
    mapper: DataFrameMapper | None = None,
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
        _column(df, name)
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
        mapper = _scaler(x, numbers) if mapper is None else mapper
        scaled = [columns[0] for columns, *_ in mapper.features]
        x = x.assign(**dict(zip(scaled, mapper.transform(x.astype(dict.fromkeys(numbers, "float64"))).T, strict=True)))
    for field, column in x.items():
        if not types.is_numeric_dtype(column):
            _require_categories(field, column)
            if max_n_cat is None or len(column.cat.categories) > max_n_cat:
                x[field] = column.cat.codes + 1
    if max_n_cat is not None:
        x = pd.get_dummies(x, dummy_na=True)
    return [x, y, nas, *([mapper] if do_scale else [])]


def _scaler(x: "pd.DataFrame", numbers: Sequence[Any]) -> DataFrameMapper:
    from sklearn.preprocessing import StandardScaler

    return DataFrameMapper([([name], StandardScaler()) for name in numbers]).fit(x.astype(dict.fromkeys(numbers, "float64")))


def _require_categories(name: Any, column: "pd.Series[Any]") -> None:
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return
    if pd.api.types.is_datetime64_any_dtype(column):
        raise LectureError(
            f"column {name!r} holds dates; add_datepart(df, {name!r}) makes numbers of them, or skip_flds skips it"
        )
    raise LectureError(f"column {name!r} holds {column.dtype}; train_cats(df) makes categories of text, or skip_flds skips it")


def _column(df: "pd.DataFrame", name: str) -> "pd.Series[Any]":
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
    chosen[_row_numbers(idxs, rows)] = True
    return [(one[chosen], one[~chosen]) for one in a]


def _row_numbers(idxs: Any, rows: int) -> NDArray[np.int64]:
    """Different numbers of rows, in order."""
    numbers = np.asarray(idxs, dtype=None if len(idxs) else np.int64)
    if numbers.dtype.kind not in "iu" or numbers.ndim != 1:
        raise LectureError(
            f"val_idx holds {numbers.dtype}, shape {numbers.shape}; expected the numbers of rows, counted from 0"
        )
    if len(numbers) and not 0 <= numbers.min() <= numbers.max() < rows:
        raise LectureError(f"val_idx goes from {numbers.min()} to {numbers.max()}, but the rows are numbered 0 to {rows - 1}")
    return np.unique(numbers).astype(np.int64)


# -- data and learner ----------------------------------------------------------------------------------------------------


class ColumnarModelData(Explains):
    """Rows of a table as `proc_df` made it; made by `from_data_frame`. `inner` is the TabularData of this package.

    Attributes:
        path: the folder of the data.
        bs: rows in a mini-batch to train with; twice as many validate.
        trn_y, val_y: the targets, (rows, 1) float32.
        trn_dl, val_dl, test_dl: mini-batches `[codes (B, categories) int64, values (B, others) float32, y (B, 1)]`.
    """

    def __init__(self, path: Any, inner: TabularData, bs: int) -> None:
        self.path, self.inner, self.bs = path, inner, bs
        self.trn_dl = ColumnarLoader(inner, "train", bs)
        self.val_dl = ColumnarLoader(inner, "valid", 2 * bs)
        self.test_dl = ColumnarLoader(inner, "test", 2 * bs) if "test" in inner.splits else None

    @classmethod
    @keywords
    def from_data_frame(
        cls,
        path: Any,
        val_idx: Any,
        df: "pd.DataFrame",
        y: Any,
        cat_flds: Sequence[str],
        bs: int = 64,
        test_df: "pd.DataFrame | None" = None,
    ) -> "ColumnarModelData":
        """Data from a table of numbers (lecture 2:15:08).

        Args:
            path: the folder of the data, where weights are saved.
            val_idx: the numbers of the rows that validate; the others train.
            df: a table as `proc_df` gives it.
            y: a target for each row; it is learnt as it is, so give logarithms to have errors count in proportion.
            cat_flds: columns of codes, 0 for missing; all others count as continuous.
            bs: rows in a mini-batch.
            test_df: another table of the same columns, to predict.
        """
        for name in cat_flds:
            _column(df, name)
        others = [str(name) for name in df.columns if name not in set(cat_flds)]
        targets = np.asarray(y, np.float32).reshape(-1)
        if len(targets) != len(df):
            raise LectureError(f"y has {len(targets):,} targets for the {len(df):,} rows of df; give one for each row")
        valid = _row_numbers(val_idx, len(df))
        if not 0 < len(valid) < len(df):
            raise LectureError(
                f"val_idx names {len(valid):,} of {len(df):,} rows; some must validate, and some be left to train"
            )
        codes, values = _inputs(df, cat_flds, others)
        preprocessor = _as_they_are(cat_flds, others, codes)
        train = np.delete(np.arange(len(df)), valid)
        rows: dict[Split, Tensor] = {"train": torch.from_numpy(train), "valid": torch.from_numpy(valid)}
        test = None if test_df is None else (_inputs(test_df, cat_flds, others), np.asarray(test_df.index))
        inner = TabularData(
            preprocessor, (codes, values), torch.from_numpy(targets), rows, np.asarray(df.index), bs, test=test, path=path
        )
        return cls(path, inner, bs)

    @property
    def trn_y(self) -> Array:
        """The targets to learn from."""
        return self._targets("train")

    @property
    def val_y(self) -> Array:
        """The targets to validate with."""
        return self._targets("valid")

    def _targets(self, split: Split) -> Array:
        targets = self.inner.targets(split)
        assert targets is not None
        column: Array = targets.cpu().numpy()[:, None]
        return column

    @keywords
    def get_learner(
        self,
        emb_szs: Sequence[tuple[int, int]],
        n_cont: int,
        emb_drop: float,
        out_sz: int,
        szs: Sequence[int],
        drops: Sequence[float],
        y_range: tuple[float, float] | None = None,
        use_bn: bool = False,
        metrics: Sequence[Metric] | None = None,
    ) -> "ColumnarLearner":
        """A network with an embedding for each category (lecture 2:15:15); see `course_utils.tabular.TabularModel`.

        Args:
            emb_szs: for each of cat_flds the number of codes and of numbers in its embedding.
            n_cont: the number of other columns.
            emb_drop: the share of the numbers of embeddings that are zero in a training step.
            out_sz: 1, as there is one target.
            szs: the widths of the layers between.
            drops: a share of dropout for each.
            y_range: between which the output lies.
            use_bn: have a batch norm in each layer, too.
            metrics: functions of arrays, predictions (B, 1) and targets (B, 1).
        """
        self._check(emb_szs, n_cont, out_sz)
        model = TabularModel(emb_szs, n_cont, list(szs), list(drops), emb_drop, _as_range(y_range))
        if use_bn:
            for layer, width in zip(model.layers, szs, strict=True):
                assert isinstance(layer, nn.Sequential)
                layer.insert(2, nn.BatchNorm1d(width))
        learner = TabularLearner(self.inner, model, F.mse_loss, optimizer=ADAMW)
        return ColumnarLearner(learner, self, metrics)

    def _check(self, emb_szs: Sequence[tuple[int, int]], n_cont: int, out_sz: int) -> None:
        preprocessor = self.inner.preprocessor
        names, others = preprocessor.categorical, preprocessor.continuous
        if out_sz != 1:
            raise LectureError(f"out_sz is {out_sz!r}; the network predicts one number for each row, so give 1")
        if len(emb_szs) != len(names):
            pairs, columns = counted(len(emb_szs), "pair"), counted(len(names), "categorical column")
            raise LectureError(f"emb_szs has {pairs} for {columns}; give one for each")
        if n_cont != len(others):
            raise LectureError(
                f"n_cont is {n_cont!r}, but beside the categorical columns the table has {len(others)}; give "
                "len(df.columns) - len(cat_flds)"
            )
        for name, (codes, _), needed in zip(names, emb_szs, preprocessor.cardinalities, strict=True):
            if codes < needed:
                raise LectureError(
                    f"column {name!r} has codes from 0 to {needed - 1}, but emb_szs has {codes} for it; give {needed}, one "
                    "more than there are categories"
                )


class ColumnarLoader:
    """Mini-batches of one split, as the lecture's library gave them; those to train with in a new order each time."""

    def __init__(self, data: TabularData, split: Split, bs: int) -> None:
        self.data, self.split, self.bs = data, split, bs

    def __len__(self) -> int:
        return math.ceil(self.data.number_of_rows(self.split) / self.bs)

    def __iter__(self) -> Iterator[list[Tensor]]:
        rows, targets = self.data.rows(self.split).cpu(), self.data.targets(self.split)
        places = torch.randperm(len(rows)) if self.split == "train" else torch.arange(len(rows))
        y = torch.zeros(len(rows), 1) if targets is None else targets.cpu()[:, None]
        codes, values = (part.cpu() for part in self.data.inputs(self.split))
        for batch in places.split(self.bs):
            yield [codes[rows[batch]], values[rows[batch]], y[batch]]


class ColumnarLearner(LectureLearner):
    """A learner for the rows of a table, whose predictions are (N, 1)."""

    VALID_BATCHES = 2
    learner: TabularLearner

    def predict_array(self, x_cat: Any, x_cont: Any) -> Array:  # type: ignore[override]
        """Predictions for rows that were prepared by hand: codes (N, categories) and values (N, others)."""
        return self.predict_dl([[torch.as_tensor(np.asarray(x_cat)).long(), torch.as_tensor(np.asarray(x_cont)).float()]])

    def predict_dl(self, dl: Iterable[Any]) -> Array:
        """Predictions for mini-batches `[codes, values, y]` of any loader."""
        return super().predict_dl([((codes, values), None) for codes, values, *_ in dl])


def _inputs(df: "pd.DataFrame", cat_flds: Sequence[str], others: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Codes (N, categories) int64 and values (N, others) float32."""
    if missing := [name for name in (*cat_flds, *others) if name not in df.columns]:
        raise LectureError(f"test_df has no column {missing[0]!r}, which df has; give it the same columns")
    for name in (*cat_flds, *others):
        if df[name].dtype.kind not in "iufb":
            raise LectureError(f"column {name!r} holds {df[name].dtype}; proc_df makes numbers of all columns")
    codes, values = df[list(cat_flds)].to_numpy(np.int64, copy=True), df[list(others)].to_numpy(np.float32, copy=True)
    if codes.size and codes.min() < 0:
        raise LectureError(
            f"a categorical column has the code {codes.min()}; codes are 0 for missing and from 1 on for categories"
        )
    if not np.isfinite(values).all():
        name = others[int((~np.isfinite(values)).any(0).argmax())]
        raise LectureError(f"column {name!r} has missing or infinite values; proc_df puts the median for what is missing")
    return torch.from_numpy(codes), torch.from_numpy(values)


def _as_they_are(cat_flds: Sequence[str], others: Sequence[str], codes: Tensor) -> Preprocessor:
    """A preprocessor that leaves codes and values as they are, since `proc_df` prepared them."""
    preprocessor = Preprocessor(list(cat_flds), list(others))
    highest = codes.amax(0).tolist() if codes.numel() else []
    preprocessor.categories = {name: list(range(1, most + 1)) for name, most in zip(cat_flds, highest, strict=True)}
    preprocessor.scales = {name: Scale(fill=0.0, mean=0.0, std=1.0, flagged=False) for name in others}
    return preprocessor


def _as_range(y_range: Any) -> tuple[float, float] | None:
    return None if y_range is None else (float(y_range[0]), float(y_range[1]))
