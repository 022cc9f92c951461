"""Batch norm over the rows that several processes have of one mini-batch."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode


class BatchNormOverAll(TorchFunctionMode):
    """While it is on, every batch norm in training takes mean and variance over the rows of all processes.

    PyTorch's own SyncBatchNorm does so on GPUs alone, and in place of the layers; here the layers stay what they are.
    """

    def __torch_function__(
        self, function: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        return (_batch_norm if function is F.batch_norm and kwargs["training"] else function)(*args, **kwargs)


def _batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> Tensor:
    """F.batch_norm in training, for x (N, channels, ...) of which each process has some rows."""
    others, shape = [0, *range(2, x.ndim)], [1, -1, *[1] * (x.ndim - 2)]
    values = x.to(torch.promote_types(x.dtype, torch.float32))  # sums are too much for 16 bits
    sums = SumOverAll.apply(torch.cat([values.sum(others), values.new_tensor([x.numel() / x.shape[1]])]))
    count, mean = sums[-1], sums[:-1] / sums[-1]
    centred = values - mean.view(shape)
    variance = SumOverAll.apply(centred.square().sum(others)) / count
    if running_mean is not None and running_var is not None:
        with torch.no_grad():
            running_mean.lerp_(mean, momentum)
            running_var.lerp_(variance * count / (count - 1), momentum)
    outputs = centred * (variance + eps).rsqrt().view(shape)
    if weight is not None and bias is not None:
        outputs = outputs * weight.view(shape) + bias.view(shape)
    return outputs.to(x.dtype)


class SumOverAll(torch.autograd.Function):
    """The sum of a tensor over all processes; its gradient is the sum of all their gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: D102
        total = x.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # noqa: D102
        total = gradient.contiguous().clone()
        dist.all_reduce(total)
        return total
