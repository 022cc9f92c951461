"""What layers are written out with that are made of simpler ones."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from torch import Tensor, fx

from course_utils.tracing.errors import UnsupportedError


def said(x: Any, title: str, words: str = "", path: str = "") -> Any:
    """Give the step that makes `x` a title and words of its own in a workbook, and a place inside the layer written out.

    Gives `x` itself, so that it can stand in a formula.

    >>> said(3, "three")
    3
    """
    if isinstance(x, fx.Proxy):
        x.node.meta["said"] = {"title": title, **({"words": words} if words else {})}
        x.node.meta["path"] = path
    return x


def one_step(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function be one step of a model that is followed, whatever it is made of."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for given in args:
            if isinstance(given, fx.Proxy):
                return given.tracer.create_proxy("call_function", function, args, kwargs)
        return function(*args, **kwargs)

    return call


def constant(x: Any) -> Tensor | None:
    """The tensor `x`, or what stands for it, if it is the same for every input; else None."""
    if not isinstance(x, fx.Proxy):
        return x if isinstance(x, Tensor) else None
    before, seen = [x.node], set()
    while before:
        node = before.pop()
        if node.op == "placeholder":
            return None
        if node not in seen:
            seen.add(node)
            before.extend(node.all_input_nodes)
    found = x.tracer.example(x.node)  # type: ignore[attr-defined]
    return found if isinstance(found, Tensor) else None


def known(x: Any, what: str) -> Tensor:
    """The tensor `x`, or what stands for it; UnsupportedError where it depends on an input."""
    found = constant(x)
    if found is None:
        raise UnsupportedError(f"{what} depends on the input; only one that is the same for every input can be shown")
    return found
