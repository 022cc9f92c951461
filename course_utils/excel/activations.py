"""The formula of each activation function, of the cell that it reads.

Where an exponential would be too large for a cell (above 709 its argument), the formula is written so that it never is.
"""

from collections.abc import Callable
from typing import Any

from course_utils.excel.formulas import leaky_relu, number, relu, sigmoid

Formula = Callable[[str, dict[str, Any]], str]


def elu(x: str, alpha: float) -> str:
    """The value above zero, below it a curve that bends towards -alpha (Clevert, Unterthiner and Hochreiter 2015).

    >>> elu("B5", 1.0), elu("B5", 0.5)
    ('IF(B5>0,B5,EXP(B5)-1)', 'IF(B5>0,B5,0.5*(EXP(B5)-1))')
    """
    return f"IF({x}>0,{x},EXP({x})-1)" if alpha == 1 else f"IF({x}>0,{x},{number(alpha)}*(EXP({x})-1))"


def celu(x: str, alpha: float) -> str:
    """An ELU whose slope is 1 on both sides of zero (Barron 2017).

    >>> celu("B5", 2.0)
    'IF(B5>0,B5,2*(EXP(B5/2)-1))'
    """
    return elu(x, alpha) if alpha == 1 else f"IF({x}>0,{x},{number(alpha)}*(EXP({x}/{number(alpha)})-1))"


def gelu(x: str) -> str:
    """The value times the share of a standard normal distribution below it (Hendrycks and Gimpel 2016).

    NORMSDIST says what is meant, and every spreadsheet has it; ERF, by which PyTorch defines it, takes no negative number in
    older versions of Excel.

    >>> gelu("B5")
    'B5*NORMSDIST(B5)'
    """
    return f"{x}*NORMSDIST({x})"


def softplus(x: str, beta: float = 1.0, threshold: float = 20.0) -> str:
    """ln(1 + exp(beta x)) / beta, and the value itself where beta x is above the threshold.

    >>> softplus("B5"), softplus("B5", 2.0)
    ('IF(B5>20,B5,LN(1+EXP(B5)))', 'IF(2*B5>20,B5,LN(1+EXP(2*B5))/2)')
    """
    scaled, divided = (x, "") if beta == 1 else (f"{number(beta)}*{x}", f"/{number(beta)}")
    # beyond 700 the logarithm is what it is of, to the last digit: a higher threshold only risks an overflow
    return f"IF({scaled}>{number(min(threshold, 700.0))},{x},LN(1+EXP({scaled})){divided})"


def _mish(x: str) -> str:
    return f"{x}*TANH(MAX({x},0)+LN(1+EXP(-ABS({x}))))"


ACTIVATIONS: dict[str, Formula] = {
    "relu": lambda x, s: relu(x),
    "relu6": lambda x, s: f"MIN(MAX(0,{x}),6)",
    "leaky_relu": lambda x, s: leaky_relu(x, s["slope"]),
    "elu": lambda x, s: elu(x, s["alpha"]),
    "selu": lambda x, s: f"1.0507009873554805*{elu(x, 1.6732632423543772)}",
    "celu": lambda x, s: celu(x, s["alpha"]),
    "gelu": lambda x, s: gelu(x),
    "gelu_tanh": lambda x, s: f"0.5*{x}*(1+TANH(SQRT(2/PI())*({x}+0.044715*{x}^3)))",
    "silu": lambda x, s: f"{x}/(1+EXP(-MAX({x},-700)))",
    "mish": lambda x, s: _mish(x),
    "hardswish": lambda x, s: f"{x}*MIN(MAX(0,{x}+3),6)/6",
    "hardsigmoid": lambda x, s: f"MIN(MAX(0,{x}+3),6)/6",
    "hardtanh": lambda x, s: f"MIN(MAX({x},{number(s['low'])}),{number(s['high'])})",
    "softplus": lambda x, s: softplus(x, s["beta"], s["threshold"]),
    "softsign": lambda x, s: f"{x}/(1+ABS({x}))",
    "sigmoid": lambda x, s: sigmoid(x),
    "log_sigmoid": lambda x, s: f"MIN({x},0)-LN(1+EXP(-ABS({x})))",
    "tanh": lambda x, s: f"TANH({x})",
}
