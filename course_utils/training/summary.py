"""A model as a table of its layers."""

from typing import Any, Protocol

from torch import nn

from course_utils.training.data import Data
from course_utils.training.precision import Precision


class Fed(Protocol):
    """A model and the data that it takes."""

    @property
    def data(self) -> Data: ...  # noqa: D102

    @property
    def model(self) -> nn.Module: ...  # noqa: D102

    @property
    def precision(self) -> Precision: ...  # noqa: D102


def summarise(learner: Fed, depth: int = 4) -> Any:
    """A table of the layers, down to `depth`: the shapes that come out, with -1 for the batch, and counts of weights."""
    from torchinfo import summary
    from torchinfo.enums import Units

    x, _ = next(iter(learner.data.loader("valid")))
    parts = x if isinstance(x, tuple | list) else (x,)
    inputs = learner.precision.inputs([part[:1].clone() for part in parts])  # a view would count as the whole mini-batch
    columns = ("output_size", "num_params", "trainable")
    table = summary(learner.model, input_data=inputs, mode="eval", col_names=columns, col_width=18, depth=depth, verbose=0)
    table.formatting.macs_units = Units.NONE  # counted as the weights are: its own unit is printed as "Units.MEGABYTES"
    for layer in table.summary_list:
        if layer.output_size and isinstance(layer.output_size[0], int):
            layer.output_size[0] = -1
    return table
