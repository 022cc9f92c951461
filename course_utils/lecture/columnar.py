"""The lecture's data and learner for tables: rows that `proc_df` made numbers, and a network with entity embeddings."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from course_utils.lecture.learners import LectureLearner
from course_utils.lecture.messages import Explains, LectureError, keywords
from course_utils.lecture.tables import column_of, row_numbers
from course_utils.masked import refuse_masked
from course_utils.names import counted
from course_utils.tabular.data import TabularData
from course_utils.tabular.learner import ADAMW, TabularLearner
from course_utils.tabular.model import TabularModel
from course_utils.tabular.preprocess import Preprocessor, Scale
from course_utils.training.custom_metrics import Metric
from course_utils.training.tasks import Split

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[Any]


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
            column_of(df, name)
        others = [str(name) for name in df.columns if name not in set(cat_flds)]
        refuse_masked("y", y)
        targets = np.asarray(y, np.float32).reshape(-1)
        if len(targets) != len(df):
            raise LectureError(f"y has {len(targets):,} targets for the {len(df):,} rows of df; give one for each row")
        valid = row_numbers(val_idx, len(df))
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

    def __repr__(self) -> str:
        return f"ColumnarModelData over {self.inner!r}"

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
