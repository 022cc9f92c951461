"""What modules of a user's own are and compute with, which no layer of PyTorch's tells."""

import dis
import inspect
import math
import sys
from argparse import Namespace
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import partial
from types import CodeType, FunctionType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

NOT_MEANT = ("drop", "verbose", "debug", "device")  # how attributes begin that change nothing of what a trained network says
DEVICES = ("cpu", "cuda", "mps")
SHOWING = {"__init__", "__repr__", "extra_repr"}  # methods that compute nothing
CHANGING = {"add", "append", "clear", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}
MOST_NUMBERS = 1000  # of a tensor that is no weight

Options = list[list[Any]]  # [name of the layer, its kind, its options] of each


def own_of(model: nn.Module) -> Options:
    """What a user's own modules are and compute with: [name of the module, its class, its numbers and texts] of each.

    An attribute counts where a method reads it and none but `__init__` sets it: a number of steps that a module counts, or a
    note, is nothing that weights mean. Lists and dictionaries count where no method fills any. Functions count by their names
    and the values that they were made with, a lambda by what it does, tensors that are no weights by their numbers.

    >>> class Scaled(nn.Linear):
    ...     scale = 2
    ...
    ...     def forward(self, x):
    ...         return super().forward(x) * self.scale
    >>> Scaled.__module__ = "__main__"  # where classes of a notebook are
    >>> own_of(nn.Sequential(Scaled(2, 1), nn.ReLU()))
    [['0', 'Scaled', {'scale': 2}]]
    """
    modules = [(name, module) for name, module in model.named_modules() if _is_own(type(module))]
    used, fills = _used({type(module) for _, module in modules})
    found = []
    for name, module in modules:
        held = {key: inspect.getattr_static(module, key, module) for key in sorted(used - _not_own(module))}
        held = {key: value for key, value in held.items() if key in vars(module) or not inspect.isroutine(value)}  # no methods
        meant = {}
        for key, value in held.items():
            with suppress(RecursionError):  # it holds itself
                if _is_meant(key, value, fills):
                    meant[key] = written(value, used)
        found.append([name, type(module).__name__, meant])
    return found


def options_it_is_made_with(kind: type) -> set[str]:
    """The options that a kind of PyTorch's layers is made with; what else a class of a user's notes may change all the time."""
    made_with = [inspect.signature(k).parameters for k in kind.__mro__ if k.__module__.startswith("torch.nn.modules.")]
    return {name for parameters in made_with for name in parameters}


def _not_own(module: nn.Module) -> set[str]:
    """The attributes that are PyTorch's: options of its layers, which are told as such, and where a module keeps its parts."""
    return options_it_is_made_with(type(module)) | vars(nn.Module()).keys()


def _is_own(kind: Any) -> bool:
    """Whether a class or function is a user's: neither this package's nor PyTorch's, nor of a package that is installed."""
    if kind.__module__ == "__main__":  # a notebook, whose file is Jupyter's
        return True
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    return kind.__module__.partition(".")[0] not in ("builtins", "torch", "course_utils") and "-packages" not in file


def _used(kinds: set[type]) -> tuple[set[str], bool]:
    """What methods of a user's classes read, attributes and keys, but for those that one sets; whether one fills lists."""
    read, changed, fills = set(), set(), False
    members = [item for kind in kinds for base in kind.__mro__ if _is_own(base) for item in vars(base).items()]
    for name, member in members:
        for code in _codes_of(member):
            if name not in SHOWING:
                read |= {constant for constant in code.co_consts if isinstance(constant, str)}
            for step in dis.get_instructions(code):
                if step.opname in ("LOAD_ATTR", "LOAD_METHOD") and name not in SHOWING:
                    read.add(str(step.argval))
                elif step.opname == "STORE_ATTR" and name != "__init__":
                    changed.add(str(step.argval))
                elif step.opname in ("STORE_SUBSCR", "DELETE_SUBSCR") and name != "__init__":
                    fills = True
    return read - changed - {"training"}, fills or bool(read & CHANGING)


def _codes_of(member: Any) -> Iterator[CodeType]:
    """The code of a method or a property, and of the functions in it."""
    function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
    codes = [getattr(inspect.unwrap(function), "__code__", None)] if callable(function) else []
    while codes:
        if isinstance(code := codes.pop(), CodeType):
            yield code
            codes += code.co_consts


def _is_meant(name: str, value: Any, fills: bool) -> bool:
    if not is_plain(value) or (fills and isinstance(value, list | dict | set)):  # where a module keeps what it saw
        return False
    return not name.lstrip("_").startswith(NOT_MEANT) and not (isinstance(value, str) and value.startswith(DEVICES))


def is_plain(value: Any) -> bool:
    """Whether `written` can write a value."""
    if isinstance(value, tuple | list | set | frozenset):
        return all(map(is_plain, value))
    if isinstance(value, Tensor):
        strided = value.layout == torch.strided and not (value.is_meta or value.is_quantized)
        return strided and value.numel() <= MOST_NUMBERS
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biufc" and value.size <= MOST_NUMBERS
    if isinstance(value, partial):
        return all(map(is_plain, [value.func, value.args, *value.keywords.values()]))
    if _settings(value) is not None:
        return True
    kinds = bool | int | float | complex | str | bytes | range | slice | torch.dtype | np.number | np.bool_ | Enum
    return value is None or isinstance(value, kinds) or inspect.isroutine(value)


def written(value: Any, used: Container[str] | None = None) -> Any:
    """A value as JSON can hold it, which knows neither infinity nor NaN; tuples stay what they are.

    Of settings that are kept together, the `used` ones alone.

    >>> written((np.float32(0.5), float("inf"), partial(round, ndigits=2)))
    (0.5, 'inf', {'function': 'round', 'arguments': (), 'ndigits': 2})
    >>> written(SimpleNamespace(scale=2, seed=42), used={"scale"})
    {'scale': 2}
    """
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Tensor | np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, set | frozenset):
        value = sorted(value, key=repr)
    if isinstance(value, tuple | list):
        parts_of_it = [written(part, used) for part in value]
        return parts_of_it if isinstance(value, list) else tuple(parts_of_it)
    if isinstance(value, partial):
        return {"function": written(value.func), "arguments": written(value.args), **written(value.keywords)}
    if (settings := _settings(value)) is not None:
        counts = {str(key): part for key, part in settings.items() if used is None or str(key) in used}
        return {key: written(v, used) for key, v in counts.items() if is_plain(v) and not key.startswith(NOT_MEANT)}
    if inspect.isroutine(value):
        return _function(value)
    if isinstance(value, complex | bytes | range | slice | torch.dtype):
        return str(value)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _function(function: Any) -> Any:
    """The name of a function; of a user's own also the values that it was made with, and what it does where it has no name.

    >>> def times(k):
    ...     return lambda x: x.relu() * k
    >>> times.__module__ = "__main__"  # where functions of a notebook are
    >>> lambda_of_a_notebook = times(2)
    >>> lambda_of_a_notebook.__module__ = "__main__"
    >>> _function(times), _function(lambda_of_a_notebook)
    ('times', {'function': '<lambda>', 'does': 'relu *', 'k': 2})
    """
    name = function.__name__
    if not isinstance(function, FunctionType) or not _is_own(function):
        return name
    scope = inspect.getfullargspec(function)
    values = {**dict(zip(reversed(scope.args), reversed(scope.defaults or ()), strict=False)), **(scope.kwonlydefaults or {})}
    with suppress(ValueError):  # what is not there yet
        values |= {
            key: cell.cell_contents for key, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
        }
    made_with = {key: written(value) for key, value in values.items() if value is not function and _is_meant(key, value, False)}
    does = {"does": " ".join(_steps(function))} if name == "<lambda>" else {}
    return {"function": name, **does, **made_with} if does or made_with else name


def _steps(function: Any) -> Iterator[str]:
    """What a function calls and computes, in order, in words that are the same in every version of Python."""
    for code in _codes_of(function):
        for step in dis.get_instructions(code):
            if step.opname in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_GLOBAL"):
                yield str(step.argval)
            elif step.opname in ("LOAD_CONST", "RETURN_CONST", "LOAD_SMALL_INT"):
                if isinstance(step.argval, int | float | str):
                    yield repr(step.argval)
            elif step.opname in ("BINARY_OP", "COMPARE_OP"):
                yield step.argrepr.removeprefix("bool(").removesuffix(")")
            elif step.opname.startswith("UNARY_"):
                yield step.opname.removeprefix("UNARY_").lower()


def _settings(value: Any) -> Mapping[Any, Any] | None:
    """Settings that are kept together, by their names; None for another value."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, SimpleNamespace | Namespace):
        return vars(value)
    return value if isinstance(value, dict) else None
