"""Activation functions: each makes one number of one number, by a rule that is the same in every place."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from course_utils.tracing.steps import Parts

WORDS = {  # what each makes of a number x; its settings stand in braces
    "relu": "max(0, x): negative numbers become 0.",
    "relu6": "min(max(0, x), 6): negative numbers become 0, and those above 6 become 6.",
    "leaky_relu": "x where x is above 0, else {slope:g} times x.",
    "prelu": "x where x is above 0, else x times a weight that was learnt.",
    "elu": "x where x is above 0, else {alpha:g} times (exp(x) - 1).",
    "selu": "x where x is above 0, else 1.6733 times (exp(x) - 1); all of it times 1.0507.",
    "celu": "x where x is above 0, else {alpha:g} times (exp(x / {alpha:g}) - 1).",
    "gelu": "x times the share of a standard normal distribution that lies below x.",
    "gelu_tanh": "x times half of 1 + tanh(√(2/π) (x + 0.044715 x³)), which is close to GELU.",
    "silu": "x times sigmoid(x), which is x / (1 + exp(-x)).",
    "mish": "x times tanh(softplus(x)), where softplus(x) = ln(1 + exp(x)).",
    "hardswish": "x times min(max(0, x + 3), 6) / 6: SiLU drawn with straight lines.",
    "hardsigmoid": "min(max(0, x + 3), 6) / 6: a sigmoid drawn with straight lines.",
    "hardtanh": "x, but at least {low:g} and at most {high:g}.",
    "softplus": "ln(1 + exp({beta:g} x)) / {beta:g}: a smooth ReLU; x itself where {beta:g} x is above {threshold:g}.",
    "softsign": "x / (1 + |x|): squeezed between -1 and 1.",
    "sigmoid": "1 / (1 + exp(-x)): squeezed between 0 and 1.",
    "log_sigmoid": "The logarithm of sigmoid(x), which is -ln(1 + exp(-x)).",
    "tanh": "tanh(x): squeezed between -1 and 1.",
}
TITLES = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "leaky_relu": "leaky ReLU",
    "prelu": "PReLU",
    "elu": "ELU",
    "selu": "SELU",
    "celu": "CELU",
    "gelu": "GELU",
    "gelu_tanh": "GELU by tanh",
    "silu": "SiLU",
    "mish": "Mish",
    "hardswish": "Hardswish",
    "hardsigmoid": "Hardsigmoid",
    "hardtanh": "Hardtanh",
    "log_sigmoid": "log sigmoid",
}


def _plain(kind: str) -> Callable[..., Parts]:
    def parts(inplace: bool = False) -> Parts:
        return kind, {}, {}

    return parts


def _leaky_relu(negative_slope: float = 0.01, inplace: bool = False) -> Parts:
    return "leaky_relu", {"slope": float(negative_slope)}, {}


def _elu(alpha: float = 1.0, inplace: bool = False) -> Parts:
    return "elu", {"alpha": float(alpha)}, {}


def _celu(alpha: float = 1.0, inplace: bool = False) -> Parts:
    return "celu", {"alpha": float(alpha)}, {}


def _gelu(approximate: str = "none") -> Parts:
    return "gelu_tanh" if approximate == "tanh" else "gelu", {}, {}


def _hardtanh(min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Parts:
    return "hardtanh", {"low": float(min_val), "high": float(max_val)}, {}


def _softplus(beta: float = 1.0, threshold: float = 20.0) -> Parts:
    return "softplus", {"beta": float(beta), "threshold": float(threshold)}, {}


MODULES: dict[type, Callable[[Any], Parts]] = {
    nn.ReLU: lambda m: _plain("relu")(),
    nn.ReLU6: lambda m: _plain("relu6")(),
    nn.LeakyReLU: lambda m: _leaky_relu(m.negative_slope),
    nn.PReLU: lambda m: ("prelu", {}, {"weight": m.weight}),
    nn.ELU: lambda m: _elu(m.alpha),
    nn.SELU: lambda m: _plain("selu")(),
    nn.CELU: lambda m: _celu(m.alpha),
    nn.GELU: lambda m: _gelu(m.approximate),
    nn.SiLU: lambda m: _plain("silu")(),
    nn.Mish: lambda m: _plain("mish")(),
    nn.Hardswish: lambda m: _plain("hardswish")(),
    nn.Hardsigmoid: lambda m: _plain("hardsigmoid")(),
    nn.Hardtanh: lambda m: _hardtanh(m.min_val, m.max_val),
    nn.Softplus: lambda m: _softplus(m.beta, m.threshold),
    nn.Softsign: lambda m: _plain("softsign")(),
    nn.Sigmoid: lambda m: _plain("sigmoid")(),
    nn.LogSigmoid: lambda m: _plain("log_sigmoid")(),
    nn.Tanh: lambda m: _plain("tanh")(),
}
# Functions, and methods by name, called with a tensor and then what these take.
CALLS: dict[Any, Callable[..., Parts]] = {
    **dict.fromkeys((F.relu, torch.relu, torch.relu_, "relu", "relu_"), _plain("relu")),
    F.relu6: _plain("relu6"),
    F.leaky_relu: _leaky_relu,
    F.elu: _elu,
    **dict.fromkeys((F.selu, torch.selu), _plain("selu")),
    **dict.fromkeys((F.celu, torch.celu), _celu),
    F.gelu: _gelu,
    F.silu: _plain("silu"),
    F.mish: _plain("mish"),
    F.hardswish: _plain("hardswish"),
    F.hardsigmoid: _plain("hardsigmoid"),
    F.hardtanh: _hardtanh,
    F.softplus: _softplus,
    F.softsign: _plain("softsign"),
    **dict.fromkeys((F.sigmoid, torch.sigmoid, torch.special.expit, "sigmoid", "sigmoid_"), _plain("sigmoid")),
    F.logsigmoid: _plain("log_sigmoid"),
    **dict.fromkeys((F.tanh, torch.tanh, "tanh", "tanh_"), _plain("tanh")),
}
