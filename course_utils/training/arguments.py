"""What a user gives to a Learner, looked at before anything happens: numbers of any kind, and the parts of a Learner."""

import difflib
import inspect
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from numbers import Real
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from course_utils.errors import CourseError

Rates = float | Sequence[float] | np.ndarray | Tensor

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
    return value.item() if isinstance(value, np.ndarray | np.generic | Tensor) and value.ndim == 0 else value


def real(value: Any) -> float | None:
    """A number of any kind as a float; None for True and False, text, complex numbers and all else that is not a real number.

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


def rates_for(lr: Any, groups: int) -> list[float]:
    """One full learning rate for each layer group, from a number or from one per group; a CourseError says what a rate is.

    >>> rates_for(np.float32(0.5), 2), rates_for(torch.tensor([0.25, 0.5]), 2)
    ([0.5, 0.5], [0.25, 0.5])
    """
    several = "a list of one rate for each" if groups == 1 else f"a list of {groups} rates, one for each, first layers first"
    what = f"a learning rate is a number such as 1e-2, or for {groups} layer group{'s' * (groups > 1)} {several}"
    if lr is None:
        raise CourseError(
            f"the learning rate is None; {what}. lr_find(...).steepest is None where the search saw too few steps to say: "
            "raise `steps`, or lower `start`, and look at lr_find(...).plot()."
        )
    if isinstance(lr, slice):
        ends = ", ".join(shown(end) for end in (lr.start, lr.stop) if end is not None)
        raise CourseError(
            f"the learning rate is {shown(lr)}; {what}. Rates from one end to the other, as a slice gives them in fastai, are "
            f"np.geomspace({ends}, {groups}) here."
        )
    if (one := real(lr)) is not None:
        rates: list[float | None] = [one] * groups
    else:
        if isinstance(lr, np.ndarray | Tensor):
            lr = lr.tolist()
        if isinstance(lr, str | bytes | Mapping | Set) or not isinstance(lr, Sequence):
            try:
                number = f" Without quotes it is a number: {float(lr):g}." if isinstance(lr, str) else ""
            except ValueError:
                number = ""
            raise CourseError(f"the learning rate is {shown(lr)}; {what}.{number}")
        rates = [real(rate) for rate in lr]
        if len(rates) != groups:
            raise CourseError(
                f"{len(rates)} learning rates were given for {groups} layer groups; give one number, or one rate per group"
            )
    if any(rate is None or not 0 <= rate < math.inf for rate in rates):
        raise CourseError(f"the learning rate {shown(lr)} cannot be used: a rate is 0 or more, and finite; {what}")
    return [rate for rate in rates if rate is not None]


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
    """The loss that was given; raises a CourseError for a class or a name."""
    if inspect.isclass(loss):
        raise CourseError(f"loss is {shown(loss)}; give an object of it: {loss.__name__}()")
    if not callable(loss):
        raise CourseError(
            f"loss is {shown(loss)}; give a function of (outputs, targets) that gives their mean loss, such as "
            "torch.nn.functional.cross_entropy, or None for the one that fits the task"
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


def made_optimizer(make: Any, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """A new optimiser for parameter groups; raises a CourseError where what was given makes none."""
    example = "torch.optim.Adam, or functools.partial(torch.optim.AdamW, weight_decay=0.01)"
    if isinstance(make, torch.optim.Optimizer):
        name = type(make).__name__
        raise CourseError(
            f"optimizer is an {name} with weights of its own; each fit makes a new one for the layers that it trains, so give "
            f"what makes it: torch.optim.{name}, or functools.partial(torch.optim.{name}, ...) with its options"
        )
    if not callable(make):
        raise CourseError(f"optimizer is {shown(make)}; give what makes one from groups of weights: {example}")
    try:
        optimizer = make(groups)
    except (TypeError, ValueError, AttributeError) as error:
        raise CourseError(f"optimizer={shown(make)} made none from groups of weights ({error}); give {example}") from error
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise CourseError(f"optimizer={shown(make)} gave a {type(optimizer).__name__}; give what makes an optimiser: {example}")
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    if closure is not None and closure.default is inspect.Parameter.empty:
        raise CourseError(
            f"{type(optimizer).__name__} computes the loss several times in one step, through a closure, which a learner does "
            f"not give; take an optimiser that makes a step from gradients: {example}"
        )
    return optimizer


def checked_groups(groups: Any) -> list[tuple[nn.Module, ...]]:
    """Layer groups, each a layer or several; raises a CourseError for anything else."""
    takes = "give a list of groups, each a layer of the model or a list of them, such as [model[:2], model[2:]]"
    if isinstance(groups, str | bytes | Mapping) or not isinstance(groups, Iterable):
        raise CourseError(f"layer_groups is {shown(groups)}; {takes}")
    found = []
    for group in groups:
        layers = (group,) if isinstance(group, nn.Module) else tuple(group) if isinstance(group, Iterable) else (group,)
        for layer in layers:
            if not isinstance(layer, nn.Module):
                raise CourseError(f"layer_groups holds {shown(layer)}, which is not a layer; {takes}")
        found.append(layers)
    if not found:
        raise CourseError(f"layer_groups is empty; {takes}, or leave it out for one group of all layers")
    return found


def checked_path(name: str, path: Any, wanted: str = "the path of a folder, such as 'models' or Path('models')") -> Path:
    """A path that was given; raises a CourseError for what is not one."""
    try:
        return Path(path)
    except TypeError:
        raise CourseError(f"{name} is {shown(path)}; give {wanted}") from None


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
