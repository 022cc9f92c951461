"""The names, limits and switches that people give beside a model, checked; what does not fit is told in words."""

import math
import operator
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils.excel.errors import ExportError
from course_utils.excel.texts import plain
from course_utils.tracing.steps import Step


@dataclass(frozen=True)
class Options:
    """What `export_model` takes beside a model, an input and names of classes."""

    title: str | None
    labels: Mapping[str, str]
    probabilities: bool | None
    fused: bool
    max_cells: float


def checked_options(title: Any, labels: Any, probabilities: Any, fused: Any, max_cells: Any) -> Options:
    """These options of `export_model`; ExportError names the first that does not exist."""
    if title is not None and not isinstance(title, str):
        raise ExportError(f"title is {shown(title)}; give a string, or None for the model's own name")
    if labels is not None and not isinstance(labels, Mapping):
        raise ExportError(
            f"labels is {shown(labels)}; give a dictionary from a layer's path to its heading, as in {{'0': 'edges'}}"
        )
    for path, heading in (labels or {}).items():
        if not isinstance(heading, str):
            raise ExportError(f"labels: the heading of {path!r} is {shown(heading)}; give a string")
    return Options(
        title,
        labels or {},
        None if probabilities is None else _switch("probabilities", probabilities),
        _switch("fuse_relu_with_layer", fused),
        limit(max_cells),
    )


def class_names_of(given: Any, shape: tuple[int, ...]) -> list[str | int]:
    """One name for each output of a model that gives `shape`; the numbers from 0 where none are given.

    >>> class_names_of(np.array(["cat", "dog"]), (2,)), class_names_of(None, (3,))
    (['cat', 'dog'], [0, 1, 2])
    """
    if given is None:
        return list(range(math.prod(shape)))
    outputs = f"{shape[0]} output{'s' * (shape[0] > 1)}" if len(shape) == 1 else f"a picture of {' x '.join(map(str, shape))}"
    wanted = f"give a list of names, one for each output; the model has {outputs}"
    if isinstance(given, (str, bytes, Mapping, Set, type)) or (
        not isinstance(given, Iterable) and not hasattr(given, "__array__")
    ):
        why = ", which has no order" if isinstance(given, Set) else ""
        raise ExportError(f"class_names is {shown(given)}{why}; {wanted}")
    names = [_name(name) for name in (given.tolist() if hasattr(given, "tolist") else given)]
    if len(shape) != 1:
        raise ExportError(f"class_names were given, and the model gives {outputs}; names go beside a vector of outputs")
    if len(names) != shape[0]:
        raise ExportError(f"{len(names)} class names were given, and the model has {outputs}; give one for each")
    folded = [plain(name, 60).casefold() for name in names]
    if len(set(folded)) < len(folded) or "" in folded:
        raise ExportError(
            f"class names must differ in more than capitals, within their first 60 letters, and not be empty; "
            f"{_clash(names, folded)}"
        )
    return names


def number_of(actual: Any, names: list[str | int], last: Step) -> int | None:
    """Which of the classes is the true one; None where none was given."""
    if actual is None:
        return None
    if last.kind not in ("softmax", "log_softmax"):
        raise ExportError(
            f"actual is {shown(actual)}, and the sheet has no probabilities to compare it with; leave it out, or give a model "
            "of two or more outputs without probabilities=False"
        )
    actual = item(actual)
    for number, name in enumerate(names):
        if type(actual) is type(name) and actual == name:
            return number
    hint = ""
    if isinstance(actual, int) and not isinstance(actual, bool) and 0 <= actual < len(names):
        hint = f"; number {actual} is {names[actual]!r}"
    raise ExportError(f"actual={actual!r} is not one of the classes: {_listed(names)}{hint}")


def _clash(names: list[str | int], folded: list[str]) -> str:
    """Which names are at fault, by their places."""
    for place, name in enumerate(folded):
        if not name:
            return f"number {place} is empty"
        if name in folded[:place]:
            first = folded.index(name)
            return f"numbers {first} and {place} are {names[first]!r} and {names[place]!r}"
    return ""


def _listed(names: list[str | int]) -> str:
    return f"{names[:12]!r}" if len(names) <= 12 else f"{', '.join(map(repr, names[:12]))} and {len(names) - 12} more"


def _name(name: Any) -> str | int:
    if isinstance(name, str):
        return str(name)
    try:
        if not isinstance(name, (bool, np.bool_)):
            return operator.index(name)
    except TypeError:
        pass
    raise ExportError(f"class_names holds {shown(name)}; a name is a string or a whole number")


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        either = "True, False or None" if name == "probabilities" else "True or False"
        raise ExportError(f"{name} is {shown(value)}; give {either}")
    return bool(value)


def limit(value: Any, name: str = "max_cells", of: str = "numbers that a sheet may have") -> float:
    """The most of something, a number of 1 or more; ExportError otherwise."""
    number = item(value)
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not number >= 1:
        raise ExportError(f"{name} is {shown(value)}; give the most {of}, such as 300_000")
    return number


def item(value: Any) -> Any:
    """The number in a NumPy or PyTorch value that holds one, and anything else as it is."""
    try:
        return value.item()
    except (AttributeError, TypeError, ValueError, RuntimeError):
        return value


def shown(value: Any) -> str:
    """What was given, in a few letters."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
