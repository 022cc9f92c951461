"""Normalising layers: what each takes mean and variance of, and the weights that follow."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from course_utils.tracing.errors import UnsupportedError
from course_utils.tracing.steps import Array, Parts, Step

Instance = nn.InstanceNorm1d | nn.InstanceNorm2d | nn.InstanceNorm3d


def _batch_norm(module: nn.BatchNorm1d | nn.BatchNorm2d | Instance) -> Parts:
    """A batch norm as it predicts, with the mean and variance that it kept while it learnt."""
    if module.running_mean is None:
        raise UnsupportedError("track_running_stats=False: it has no fixed mean and variance to show")
    roles = {
        "running_mean": module.running_mean,
        "running_var": module.running_var,
        "weight": module.weight,
        "bias": module.bias,
    }
    return "batch_norm", {"eps": module.eps}, roles


def _layer_norm(
    normalized_shape: Sequence[int], weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Parts:
    return "layer_norm", {"shape": tuple(normalized_shape), "eps": float(eps)}, {"weight": weight, "bias": bias}


def _group_norm(num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5) -> Parts:
    return "group_norm", {"groups": num_groups, "eps": float(eps)}, {"weight": weight, "bias": bias}


def _instance_norm(module: Instance) -> Parts:
    if module.track_running_stats:
        return _batch_norm(module)
    return "instance_norm", {"eps": module.eps}, {"weight": module.weight, "bias": module.bias}


MODULES: dict[type, Callable[[Any], Parts]] = {
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.LayerNorm: lambda m: _layer_norm(m.normalized_shape, m.weight, m.bias, m.eps),
    nn.GroupNorm: lambda m: _group_norm(m.num_groups, m.weight, m.bias, m.eps),
    nn.InstanceNorm1d: _instance_norm,
    nn.InstanceNorm2d: _instance_norm,
}


def runs_of(step: Step) -> int:
    """Of how many parts, equal and one after the other in the flattened tensor, a norm takes a mean and a variance each."""
    if step.kind == "layer_norm":
        return step.value.size // math.prod(step.settings["shape"])
    return step.settings["groups"] if step.kind == "group_norm" else len(step.value) if step.value.ndim > 1 else 1


def statistics(step: Step, x: Array) -> tuple[Array, Array]:
    """Mean and variance (over n, not n - 1) of each part of the input `x` of a norm."""
    parts = x.reshape(runs_of(step), -1)
    return parts.mean(1), parts.var(1)


def normalised(step: Step, x: Array) -> Array:
    """What a layer, group or instance norm makes of `x`, as it is shown; PyTorch's own result is held against it."""
    means, variances = (numbers[:, None] for numbers in statistics(step, x))
    result = ((x.reshape(len(means), -1) - means) / np.sqrt(variances + step.settings["eps"])).reshape(x.shape)
    for role, apply in (("weight", np.multiply), ("bias", np.add)):
        if role in step.weights:
            numbers = step.weights[role].value
            result = apply(result, numbers if step.kind == "layer_norm" else numbers.reshape(-1, *[1] * (x.ndim - 1)))
    return result
