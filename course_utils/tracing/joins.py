"""Two tensors, or one and a number, made into one: sums, differences, products and quotients, place by place."""

import operator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from course_utils.tracing.errors import UnsupportedError

TITLES = {"add": "sum", "subtract": "difference", "multiply": "product", "divide": "quotient"}
SIGNS = {"add": "+", "subtract": "-", "multiply": "×", "divide": "÷"}
METHODS = {
    **dict.fromkeys(("add", "add_"), "add"),
    **dict.fromkeys(("sub", "sub_"), "subtract"),
    **dict.fromkeys(("mul", "mul_"), "multiply"),
    **dict.fromkeys(("div", "div_"), "divide"),
}
FUNCTIONS: dict[Any, str] = {
    **dict.fromkeys((torch.add, operator.add, operator.iadd), "add"),
    **dict.fromkeys((torch.sub, torch.subtract, operator.sub, operator.isub), "subtract"),
    **dict.fromkeys((torch.mul, torch.multiply, operator.mul, operator.imul), "multiply"),
    **dict.fromkeys((torch.div, torch.divide, operator.truediv, operator.itruediv), "divide"),
}


def joined(args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The settings of a sum and the like: `constants` left and right, `index` for each tensor that is repeated.

    A tensor with fewer numbers than the result is repeated as PyTorch repeats it; its index says which number stands where.
    """
    if kwargs.get("alpha", 1) != 1:
        raise UnsupportedError(f"alpha={kwargs['alpha']}")
    if kwargs.get("rounding_mode") is not None:
        raise UnsupportedError(f"rounding_mode={kwargs['rounding_mode']!r}")
    operands = [*args, *(kwargs[name] for name in ("input", "other") if name in kwargs)]
    settings: dict[str, Any] = {}
    constants = [None if isinstance(operand, Tensor) else float(operand) for operand in operands]
    if any(constant is not None for constant in constants):
        settings["constants"] = tuple(constants)
    index = _repeated([operand for operand in operands if isinstance(operand, Tensor)])
    if any(each is not None for each in index):
        settings["index"] = index
    return settings


def _repeated(tensors: list[Tensor]) -> list[NDArray[np.intp] | None]:
    counts = [torch.arange(tensor.numel()).reshape(tensor.shape) for tensor in tensors]
    wide = torch.broadcast_tensors(*counts)
    return [
        None if each.numel() == count.numel() else each.reshape(-1).numpy() for each, count in zip(wide, counts, strict=True)
    ]
