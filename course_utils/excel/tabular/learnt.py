"""What a sheet needs of a network for tables, whichever part of the package made it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from course_utils.excel.errors import ExportError


class Scale(Protocol):
    """How a column of numbers is prepared: `fill` stands in for what is missing, `mean` is taken off, `std` divides."""

    @property
    def fill(self) -> float: ...  # noqa: D102
    @property
    def mean(self) -> float: ...  # noqa: D102
    @property
    def std(self) -> float: ...  # noqa: D102
    @property
    def flagged(self) -> bool: ...  # noqa: D102


class Learnt(Protocol):
    """What was learnt of the columns from the training rows; see `course_utils.tabular.Preprocessor`."""

    categorical: list[str]
    continuous: list[str]

    @property
    def categories(self) -> Mapping[str, Sequence[str | int | float | bool]]: ...  # noqa: D102
    @property
    def scales(self) -> Mapping[str, Scale]: ...  # noqa: D102

    def transform(self, table: Any) -> tuple[NDArray[np.int64], NDArray[np.float32]]: ...  # noqa: D102


class Source(Protocol):
    """What prepares rows and says what outputs mean: the data of a learner, or a predictor."""

    @property
    def preprocessor(self) -> Learnt: ...  # noqa: D102

    def activation(self, outputs: Tensor) -> Tensor: ...  # noqa: D102


def parts_of(learner: Any) -> tuple[nn.Module, Source]:
    """The model of a learner or a predictor for tables, and what prepares its rows; ExportError where it is neither."""
    model, source = getattr(learner, "model", None), getattr(learner, "data", learner)
    if not isinstance(model, nn.Module) or not hasattr(source, "preprocessor"):
        raise ExportError(
            f"export_tabular was given {type(learner).__name__}; it takes a learner for tables, as tabular_learner(data) makes "
            "one, or a predictor for rows of a table, as load_predictor(file) does. Other networks: export_model"
        )
    return model, source
