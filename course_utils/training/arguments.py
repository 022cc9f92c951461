"""What a user gives to a Learner, looked at before anything happens: numbers of any kind, and the parts of a Learner."""

import difflib
import inspect
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from numbers import Real
from typing import Any, TypeVar

import numpy as np
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from course_utils.errors import CourseError
from course_utils.masked import masked_values

T = TypeVar("T")


def shown(value: Any) -> str:
    """What was given, in a few letters.

    >>> shown("fast"), shown(nn.Linear), len(shown(list(range(1000))))
    ("'fast'", 'the class Linear', 60)
    """
    if inspect.isclass(value):
        return f"the class {value.__name__}"
    if isinstance(value, Tensor | np.ndarray) and value.ndim:
        return f"{type(value).__name__} of shape {tuple(value.shape)}"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _plain(value: Any) -> Any:
    """A number as Python's own: NumPy's and PyTorch's numbers, and arrays and tensors without dimensions."""
    one = isinstance(value, np.ndarray | np.generic | Tensor) and value.ndim == 0
    return value.item() if one and not masked_values(value) else value


def real(value: Any) -> float | None:
    """A number of any kind as a float; None for True and False, text, complex numbers and all else that is not a real number.

    >>> import torch
    >>> real(np.float32(0.5)), real(torch.tensor(2)), real(True), real("1"), real(1j)
    (0.5, 2.0, None, None, None)
    """
    value = _plain(value)
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def positive(name: str, value: Any, advice: str = "") -> float:
    """A number above 0, and finite; raises a CourseError that names it if it is not."""
    number = real(value)
    if number is None or not 0 < number < math.inf:
        raise CourseError(f"{name} is {shown(value)}; it is a number above 0{advice}")
    return number


def not_negative(name: str, value: Any) -> float:
    """A number of 0 or more, and finite; raises a CourseError that names it if it is not."""
    number = real(value)
    if number is None or not 0 <= number < math.inf:
        raise CourseError(f"{name} is {shown(value)}; it is a number, 0 or more, and finite")
    return number


def whole(name: str, value: Any, least: int | None = 1, of: str = "") -> int:
    """A whole number as Python's own; raises a CourseError that names it if it is not one, or less than `least`.

    >>> import torch
    >>> whole("cycles", np.int64(3)), whole("cycles", torch.tensor(2))
    (3, 2)
    >>> whole("cycles", 0.5)
    Traceback (most recent call last):
    ...
    course_utils.errors.CourseError: cycles is 0.5; it is a whole number, 1 or more
    """
    plain = _plain(value)
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)
    try:
        number = None if isinstance(plain, bool) else operator.index(plain)
    except TypeError:
        number = None
    if number is None or (least is not None and number < least):
        more = "" if least is None else f", {least} or more"
        raise CourseError(f"{name} is {shown(value)}; it is a whole number{more}{of}")
    return number


def flag(name: str, value: Any) -> bool:
    """True or False, NumPy's and PyTorch's too; raises a CourseError that names it if it is neither.

    >>> flag("progress", np.True_)
    True
    """
    if not isinstance(plain := _plain(value), bool):
        raise CourseError(f"{name} is {shown(value)}; it is True or False")
    return plain


# -- the parts of a Learner ------------------------------------------------------------------------------------------------


def checked_model(model: Any) -> nn.Module:
    """The model that was given; raises a CourseError for a class, a function or a name, and for one without numbers."""
    network = checked_network(model)
    for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
        if isinstance(tensor, UninitializedParameter | UninitializedBuffer):
            raise CourseError(
                f"the model has a layer without weights yet, {name}: a lazy layer makes them from the first mini-batch that it "
                "sees. Show it one before the learner is made: model(data.train_ds[0][0][None])"
            )
        if tensor.is_meta:
            raise CourseError(
                f"the weights of the model are on the device 'meta', which holds shapes but no numbers, first {name}; build "
                "the model on 'cpu', or call model.to_empty(device='cpu') and load weights"
            )
    return network


def checked_network(model: Any) -> nn.Module:
    """A network, which may still be without numbers; raises a CourseError for a class, a function or a name."""
    if isinstance(model, nn.Module):
        return model
    if inspect.isclass(model) or inspect.isroutine(model):
        name = getattr(model, "__name__", "model")
        raise CourseError(f"model is {shown(model)}, which makes a network; give the network itself: {name}(...)")
    raise CourseError(f"model is {shown(model)}; give a network, a torch.nn.Module such as nn.Linear(4, 2)")


def checked_loss(loss: Any) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss that was given; raises a CourseError for a class or a name, and for one that takes or gives something else."""
    if inspect.isclass(loss):
        raise CourseError(f"loss is {shown(loss)}; give an object of it: {loss.__name__}()")
    if not callable(loss):
        raise CourseError(
            f"loss is {shown(loss)}; give a function of (outputs, targets) that gives their mean loss, such as "
            "torch.nn.functional.cross_entropy, or None for the one that fits the task"
        )
    try:
        inspect.signature(loss.forward if isinstance(loss, nn.Module) else loss).bind("outputs", "targets")
    except TypeError as error:
        raise CourseError(f"loss={shown(loss)} cannot be called with (outputs, targets): {error}; give one that can") from error
    except ValueError:  # a built-in function does not say what it takes
        pass
    if (loss.keywords.get("reduction") if isinstance(loss, partial) else getattr(loss, "reduction", "")) == "sum":
        raise CourseError(
            f"loss={shown(loss)} gives the sum over the examples (reduction='sum'), and a learner takes their mean, so that "
            "a step is as large for few examples as for many; leave reduction out"
        )
    function: Callable[[Tensor, Tensor], Tensor] = loss
    return function


def checked_list(name: str, given: Any, check: Callable[[Any], T]) -> list[T]:
    """Several of something, each checked; one alone is a list of one."""
    if given is None:
        return []
    if isinstance(given, str | bytes | Mapping) or not hasattr(given, "__iter__") or isinstance(given, nn.Module):
        return [check(given)]
    if inspect.isclass(given):
        return [check(given)]
    return [check(one) for one in given]


def checked_metric(metric: Any) -> Callable[[Any, Any], Any]:
    """A metric that was given; raises a CourseError for a class or a name."""
    if inspect.isclass(metric):
        raise CourseError(f"metrics holds {shown(metric)}; give an object of it: {metric.__name__}(...)")
    if not callable(metric):
        raise CourseError(
            f"metrics holds {shown(metric)}; give functions of (values, targets), without quotes: "
            "metrics=[accuracy] after `from course_utils.training import accuracy`"
        )
    function: Callable[[Any, Any], Any] = metric
    return function


def one_of(name: str, value: Any, choices: Sequence[str]) -> str:
    """A text that is one of a few; raises a CourseError that names them."""
    if isinstance(value, str) and value in choices:
        return value
    raise CourseError(f"{name} is {shown(value)}; it is one of {', '.join(map(repr, choices))}")


def only_known(call: str, given: Mapping[str, Any], *known: str) -> None:
    """Raise a CourseError for an option that a call does not take, with the one that is meant where that can be told."""
    for name in given:
        if name not in known:
            meant = difflib.get_close_matches(name, known, 1)
            takes = f"its options are {', '.join(known)}" if known else "it takes no options here"
            raise CourseError(f"{call} has no option {name!r}; " + (f"did you mean {meant[0]!r}?" if meant else takes))
