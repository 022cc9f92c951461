"""Layers that are made of simpler ones: what each of them does, written with those."""

from collections.abc import Callable
from typing import Any

from torch import fx, nn

# Each takes the module and what its forward takes, and gives what that gives, in ordinary PyTorch; shapes are known in it.
WRITTEN_OUT: dict[type[nn.Module], Callable[..., Any]] = {}


def said(x: Any, title: str, words: str = "") -> Any:
    """Give the step that makes `x` a title and words of its own in a workbook; `x` itself, so that it can stand in a formula.

    >>> said(3, "three")
    3
    """
    if isinstance(x, fx.Proxy):
        x.node.meta["said"] = {"title": title, **({"words": words} if words else {})}
    return x
