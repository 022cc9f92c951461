"""A Learner for the rows of a table, and how the lecture builds one (2:15:15)."""

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.tabular.checks import as_frame
from course_utils.tabular.data import TabularLoader
from course_utils.tabular.inputs import EVALUATION, as_inputs
from course_utils.tabular.model import TabularModel, embedding_size
from course_utils.tabular.prepared import PreparedTable, prepared_by, refuse_absent_label, row_labels
from course_utils.tabular.preprocess import Preprocessor, in_memory
from course_utils.threads import one_thread
from course_utils.training import storage
from course_utils.training.custom_metrics import Metric
from course_utils.training.data import Data
from course_utils.training.learner import Learner
from course_utils.training.metrics import rmspe
from course_utils.training.predictions import Predictions, outputs_and_targets

if TYPE_CHECKING:
    import pandas as pd

P = ParamSpec("P")
Result = TypeVar("Result")

# fused: one pass over the memory of each weight instead of ten
ADAMW = partial(torch.optim.AdamW, weight_decay=0.0, fused=True)


def squared_log_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Mean squared difference between outputs, which are logarithms, and the logarithms of targets; both (N,).

    >>> squared_log_error(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0]))
    tensor(0.5000)
    """
    return F.mse_loss(outputs.view_as(targets), targets.log())


def tabular_learner(
    data: PreparedTable,
    layers: Sequence[int] = (1000, 500),
    dropout: Sequence[float] = (0.001, 0.01),
    embedding_dropout: float = 0.04,
    y_range: tuple[float, float] | None = None,
    embedding_sizes: Mapping[str, int] | None = None,
    metrics: Sequence[Metric] | Metric | None = None,
    **options: Any,
) -> "TabularLearner":
    """Build a Learner with a `TabularModel` for the columns of `data` (lecture 2:15:15).

    Args:
        data: rows of a table.
        layers: the widths of the layers; the lecture's by default, as all that follows.
        dropout: a share for each layer.
        embedding_dropout: the share of the numbers of embeddings that are zero in a training step.
        y_range: of the model's output, which is a logarithm where `data.log_target`. By default from 0 to 1.2 times the largest
            training target as in the lecture, or any number where a target is negative; (-inf, inf) is any number too.
        embedding_sizes: by hand for some columns; others go by `embedding_size`.
        metrics: by default RMSPE, on the target's own scale.
        options: of `Learner`; the optimiser is by default AdamW, whose weight decay is not scaled with
            the gradients (Loshchilov and Hutter, 2019); without weight decay, as it is unless `fit` gives one, it is the
            Adam of the lecture's library.
    """
    if not isinstance(data, PreparedTable):
        raise CourseError(f"tabular_learner was given {type(data).__name__}; it needs a TabularData or a ParquetData")
    preprocessor, chosen = data.preprocessor, dict(embedding_sizes or {})
    if unknown := sorted(set(chosen) - set(preprocessor.categorical)):
        raise CourseError(
            f"embedding_sizes names {unknown[0]!r}; the categorical columns are {', '.join(preprocessor.categorical) or 'none'}"
        )
    named = zip(preprocessor.categorical, preprocessor.cardinalities, strict=True)
    sizes = [(codes, chosen.get(name, embedding_size(codes))) for name, codes in named]
    y_range = lecture_range(data) if y_range is None else y_range
    model = TabularModel(sizes, len(preprocessor.continuous_names), layers, dropout, embedding_dropout, y_range)
    if data.log_target:
        options.setdefault("loss", squared_log_error)
    options.setdefault("optimizer", ADAMW)
    return TabularLearner(data, model, metrics=[rmspe] if metrics is None else metrics, **options)


def lecture_range(data: PreparedTable) -> tuple[float, float] | None:
    """From 0 to 1.2 times the largest training target, or its logarithm; None where that does not hold all targets."""
    lowest, highest = (math.log(target) if data.log_target else target for target in data.target_range())
    return (0.0, 1.2 * highest) if lowest >= 0 < highest else None


SMALL = 2e7
"""Multiplications of a forward pass through a mini-batch up to which a second thread does not pay on a CPU.

Lesson 4's network (200 and 100 outputs, 128 rows) has 9 million. An epoch of 676 steps takes 26 s with one thread and with two
where nothing else runs. Beside other work two take ten times longer: after each small piece of work they wait for each other,
spinning. The lecture's network (1,000 and 500 outputs) has 97 million and keeps its threads.
"""


def _with_few_threads(
    method: Callable[Concatenate[Any, P], Result],
) -> Callable[Concatenate[Any, P], Result]:
    """Let a method of a TabularLearner compute in one thread where its network is small; see `SMALL`."""

    @wraps(method)
    def inside(self: "TabularLearner", *args: P.args, **options: P.kwargs) -> Result:
        with one_thread() if self.is_small else nullcontext():
            return method(self, *args, **options)

    return inside


class TabularLearner(Learner):
    """A Learner for the rows of a table; see `tabular_learner`. Its weights are saved with what the preprocessor learnt.

    On a CPU a small network learns and predicts in one thread; see `SMALL`.
    """

    data: PreparedTable
    model: TabularModel

    fit = _with_few_threads(Learner.fit)
    fit_one_cycle = _with_few_threads(Learner.fit_one_cycle)
    resume = _with_few_threads(Learner.resume)
    lr_find = _with_few_threads(Learner.lr_find)
    validate = _with_few_threads(Learner.validate)
    predict = _with_few_threads(Learner.predict)

    @property
    def is_small(self) -> bool:
        """Whether it computes on a CPU, and so little for a mini-batch that several threads would wait for each other."""
        weights = sum(layer.weight.numel() for layer in self.model.modules() if isinstance(layer, nn.Linear))
        return self.data.device.type == "cpu" and weights * self.data.batch_size <= SMALL

    @_with_few_threads
    def predict_rows(self, table: Any, label: str | None = None) -> Predictions:
        """Predictions for the rows of any table with the columns of the training data, even a single one.

        `label` is a column that names them; without it they go by their index in pandas, and by their number elsewhere.
        """
        preprocessor = self.data.preprocessor
        refuse_absent_label(label, as_frame(table).collect_schema().names())
        rows = in_memory(table, preprocessor.columns, also=[label])
        loader = TabularLoader(as_inputs(preprocessor, rows), None, torch.arange(len(rows)), EVALUATION)
        outputs, _ = outputs_and_targets(self, loader)
        return Predictions(self.data.activation(outputs), None, [str(name) for name in row_labels(rows, label)])

    def embedding(self, column: str) -> "pd.DataFrame":
        """What was learnt of the categories of one column: a row of numbers for each, by name."""
        import pandas as pd

        preprocessor = self.data.preprocessor
        if column not in preprocessor.categorical:
            raise CourseError(f"{column!r} has no embedding; these have: {', '.join(preprocessor.categorical) or 'none'}")
        layer = self.model.embeddings[preprocessor.categorical.index(column)]
        assert isinstance(layer, nn.Embedding)
        weights = layer.weight.detach().cpu().numpy()
        return pd.DataFrame(weights[1:], index=pd.Index(preprocessor.categories[column], name=column))

    def set_data(self, data: Data) -> None:
        """Go on with other rows, which the same preprocessor must have prepared."""
        if not isinstance(data, PreparedTable) or data.preprocessor != self.data.preprocessor:
            raise CourseError(
                "the new data was prepared in another way than this model's; make it with TabularData.from_frame or "
                "ParquetData.from_parquet, and preprocessor=learner.data.preprocessor"
            )
        super().set_data(data)

    def meaning(self) -> dict[str, Any]:
        """What the model's numbers stand for, and between which its output lies; see `Learner.meaning`."""
        return {**super().meaning(), "y_range": self.model.y_range or "any number"}

    def _about(self) -> dict[str, str]:
        return {**super()._about(), "preprocessor": json.dumps(self.data.preprocessor.to_dict())}

    load_advice = (
        "Weights that were saved with other categories or scales need data made with preprocessor="
        "course_utils.tabular.read_preprocessor(file); those of another y_range need that one in "
        "tabular_learner(..., y_range=...)."
    )

    def load(self, name: str) -> None:
        """Read the weights that `save(name)` wrote; those of a model for data that was prepared in another way are refused."""
        file = self._saved(name)
        if os.path.isfile(file):
            saved = prepared_by(read_preprocessor(file))
            storage.check_meaning(saved, prepared_by(self.data.preprocessor), file, self.load_advice)
        super().load(name)


def read_preprocessor(file: str | Path) -> Preprocessor:
    """The preprocessor that was saved with the weights in a file of `TabularLearner.save`; no code is run.

    Raises a `StorageError` where the file is missing, damaged, or holds no preprocessor.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt") as opened:
            about = opened.metadata() or {}
        return Preprocessor.from_dict(json.loads(about["preprocessor"]))
    except (SafetensorError, OSError, KeyError, ValueError, CourseError) as error:
        raise storage.StorageError(
            f"{file} holds no preprocessor ({type(error).__name__}: {error}); expected a file that TabularLearner.save wrote"
        ) from error
