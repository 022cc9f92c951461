"""What a network for tables takes, and what it gives on the scale of the target."""

from typing import Any

import torch
from torch import Tensor

from course_utils.tabular.preprocess import Preprocessor

Inputs = tuple[Tensor, Tensor]  # codes (N, categorical) and values (N, continuous)
EVALUATION = 4096  # rows of a mini-batch from which nothing is learnt: as large as is fast


def as_inputs(preprocessor: Preprocessor, table: Any) -> Inputs:
    """What a preprocessor makes of a table, as tensors."""
    codes, values = preprocessor.transform(table)
    return torch.from_numpy(codes), torch.from_numpy(values)


def on_target_scale(outputs: Tensor, log_target: bool) -> Tensor:
    """Predictions (N,) of what a network gives, which are logarithms with `log_target`."""
    outputs = outputs.flatten()
    return outputs.exp() if log_target else outputs
