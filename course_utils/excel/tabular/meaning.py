"""What is made of the numbers that a network gives, as a formula: an exponential, probabilities, or nothing."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.excel.errors import ExportError
from course_utils.excel.formulas import number, sigmoid

PROBES = (0.0, 1.0, -2.0, -0.5, 0.25, 2.0, 3.5)


@dataclass(frozen=True)
class Meaning:
    """How an output becomes what is predicted: as numbers, as the `formula` of a cell, and in words."""

    words: str
    formula: Callable[[str], str]
    of: Callable[[Tensor], Tensor]
    softmax: bool = False  # a layer more, of all outputs; then these are its own


ITSELF = Meaning("what the network gives", lambda cell: cell, lambda x: x)
SHARES = Meaning("the share of each class, by softmax", lambda cell: cell, lambda x: x, softmax=True)
EXP = Meaning("EXP of what the network gives, which is a logarithm", lambda cell: f"EXP({cell})", torch.exp)
EXP_1 = Meaning("EXP of what the network gives, minus 1", lambda cell: f"EXP({cell})-1", torch.expm1)
SIGMOID = Meaning("sigmoid of what the network gives: a probability", sigmoid, torch.sigmoid)


def meaning_of(activation: Callable[[Tensor], Tensor], outputs: int) -> Meaning:
    """Which of these `activation` is, found by trying it on some numbers; ExportError if it is not one of them.

    `activation` takes the outputs of a batch, (N,) or (N, outputs), to what they mean. A sheet can show the outputs
    themselves, their exponential, one of a straight line, sigmoid and softmax.

    >>> meaning_of(lambda outputs: outputs.exp(), 1).formula("B5")
    'EXP(B5)'
    >>> meaning_of(lambda outputs: outputs * 3 + 10, 1).formula("B5")
    '10+3*B5'
    """
    x = torch.tensor(PROBES, dtype=torch.float64)
    if outputs > 1:
        x = torch.stack([x.roll(shift) for shift in range(outputs)], dim=1)
    try:
        y = activation(x)
    except Exception as error:  # somebody's own
        raise ExportError(f"the data's activation cannot take outputs of shape {tuple(x.shape)}: {error}") from error

    def is_like(expected: Tensor) -> bool:
        return y.numel() == expected.numel() and torch.allclose(y.reshape(expected.shape).double(), expected, rtol=1e-9, atol=0)

    for meaning in (ITSELF, SIGMOID, EXP, EXP_1):
        if is_like(meaning.of(x)):
            return meaning
    if outputs > 1 and is_like(x.softmax(1)):
        return SHARES
    if outputs == 1 and y.numel() == len(PROBES):
        at_0, at_1 = (float(value) for value in y.flatten()[:2])
        if is_like(at_0 + (at_1 - at_0) * x):
            line = f"{number(at_0)}+{number(at_1 - at_0)}*"
            return Meaning(f"{line}what the network gives", lambda cell: f"{line}{cell}", lambda x: at_0 + (at_1 - at_0) * x)
        if min(at_0, at_1) > 0 and is_like(at_0 * (at_1 / at_0) ** x):
            power = f"{number(at_0)}*{number(at_1 / at_0)}^"
            return Meaning(
                f"{power} what the network gives", lambda cell: f"{power}{cell}", lambda x: at_0 * (at_1 / at_0) ** x
            )
    raise ExportError(
        "what the data makes of the network's outputs (its activation) is not among what a sheet can show: the outputs "
        "themselves, a straight line of them, their exponential, sigmoid or softmax. export_model writes the network without it"
    )
