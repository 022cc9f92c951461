"""What the weights of a model mean: kept with them, and compared with what they would mean here before they are taken."""

import inspect
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

SAME_IN_EVALUATION = ("Dropout", "AlphaDropout", "Identity")
NOT_COMPUTED = {"training", "inplace", "dropout", "sparse", "enable_nested_tensor", "use_nested_tensor", "mask_check"}
WORDS = {
    "task": "the task",
    "classes": "the classes",
    "architecture": "the architecture",
    "layers": "the layers",
    "mean": "the mean that is taken off pictures",
    "std": "the standard deviation that pictures are divided by",
    "categories": "the categories",
    "scales": "the scales",
    "target": "the target",
    "log_target": "whether the target is a logarithm",
    "y_range": "y_range",
    "optimizer": "the optimiser",
}


def layers_of(model: nn.Module) -> list[str]:
    """The kinds of PyTorch's own layers in a model, in order; but those that do nothing when a model is asked.

    >>> layers_of(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Dropout(0.5), nn.Linear(3, 1)))
    ['Linear', 'ReLU', 'Linear']
    """
    own = (m for m in model.modules() if type(m).__module__.startswith("torch.nn.") and not any(m.children()))
    return [type(m).__name__ for m in own if not type(m).__name__.startswith(SAME_IN_EVALUATION)]


def options_of(model: nn.Module) -> list[list[Any]]:
    """What PyTorch's own layers in a model compute with besides weights: [name of the layer, its kind, its options] of each.

    Weights fit a convolution of another stride, or a normalisation of another epsilon, and the network computes something else.

    >>> options_of(nn.Sequential(nn.LeakyReLU(0.2), nn.Dropout(0.5), nn.Softmax(dim=1)))
    [['0', 'LeakyReLU', {'negative_slope': 0.2}], ['2', 'Softmax', {'dim': 1}]]
    """
    found = []
    for name, module in model.named_modules():
        kind = next((k for k in type(module).__mro__ if k.__module__.startswith("torch.nn.modules.")), nn.Module)
        if not kind.__name__.startswith(SAME_IN_EVALUATION):
            options = {
                key: value
                for key, value in vars(module).items()
                if not key.startswith("_") and key not in NOT_COMPUTED and key in _own(kind) and _is_plain(value)
            }
            found.append([name, kind.__name__, options])
    return [one for one in found if one[2]]


def _own(kind: type[nn.Module]) -> set[str]:
    """The options that a kind of PyTorch's layers is made with; what else a class of a user's notes may change all the time."""
    made_with = [inspect.signature(k).parameters for k in kind.__mro__ if k.__module__.startswith("torch.nn.modules.")]
    return {name for parameters in made_with for name in parameters}


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def options_are_whole(meaning: Mapping[str, Any]) -> bool:
    """Whether what a file gives as `options` is what `options_of` gave; a file without any is older."""
    options = meaning.get("options", [])
    return isinstance(options, list) and all(
        isinstance(one, list) and len(one) == 3 and isinstance(one[1], str) and isinstance(one[2], dict) for one in options
    )


def plain(meaning: Mapping[str, Any]) -> dict[str, Any]:
    """The same as JSON holds it: lists for tuples, so that what was saved compares with what was not."""
    result: dict[str, Any] = json.loads(json.dumps(meaning))
    return result


def differences(saved: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """What differs, in words, between the meaning that was saved and that here; what only one of them knows is no difference.

    >>> differences({"task": "single-label", "classes": ["cat", "dog"]}, {"task": "single-label", "classes": ["dog", "cat"]})
    ["the classes are the same in another order: number 0 is 'cat' there and 'dog' here"]
    """
    found = []
    plain_here = plain(here)
    for key, theirs in plain(saved).items():
        ours = plain_here.get(key)
        if theirs is not None and ours is not None:
            found += _other_options(theirs, ours) if key == "options" else _compare(WORDS.get(key, key), theirs, ours)
    return found


def _other_options(theirs: list[Any], ours: list[Any]) -> list[str]:
    """The options that differ between layers of the same kinds; other kinds are told as `layers`."""
    if [kind for _, kind, _ in theirs] != [kind for _, kind, _ in ours]:
        return []
    return [
        f"the {option} of layer {name!r} ({kind}) is {_short(there[option])} there and {_short(here[option])} here"
        for (_, kind, there), (name, _, here) in zip(theirs, ours, strict=True)
        for option in sorted(there.keys() & here.keys())
        if not _equal(*_of_one_length(there[option], here[option]))
    ]


def _of_one_length(a: Any, b: Any) -> tuple[Any, Any]:
    """A size given once, and for each dimension: MaxPool2d(2) is MaxPool2d((2, 2))."""
    if isinstance(a, list) and isinstance(b, int):
        return a, [b] * len(a)
    return ([a] * len(b), b) if isinstance(b, list) and isinstance(a, int) else (a, b)


def _compare(what: str, theirs: Any, ours: Any) -> list[str]:
    """In words, how two values differ; nothing where they do not."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        found = compare_names(what, list(theirs), list(ours))
        return found or [words for key in theirs for words in _compare(f"{what} of {key!r}", theirs[key], ours[key])]
    names = [isinstance(v, list) and all(isinstance(name, str) for name in v) for v in (theirs, ours)]
    if all(names):
        return compare_names(what, theirs, ours)
    if _equal(theirs, ours):
        return []
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) > 4:
        return compare_names(what, [repr(v) for v in theirs], [repr(v) for v in ours])
    plural = what.startswith(("the classes", "the categories", "the scales", "the layers"))
    return [f"{what} {'are' if plural else 'is'} {_short(theirs)} there and {_short(ours)} here"]


def _equal(theirs: Any, ours: Any) -> bool:
    """Numbers are the same if they differ by rounding: another processor may have computed them."""
    if isinstance(theirs, list) and isinstance(ours, list):
        return len(theirs) == len(ours) and all(map(_equal, theirs, ours))
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in (theirs, ours)):
        return math.isclose(theirs, ours, rel_tol=1e-6)
    return bool(theirs == ours) and type(theirs) is type(ours)


def compare_names(
    what: str, theirs: Sequence[str], ours: Sequence[str], where: tuple[str, str] = ("there", "here")
) -> list[str]:
    """How two rows of names differ: which only one of them has, else where the order first differs.

    >>> compare_names("they", ["cat", "cow"], ["cat"], ("in the new data", "in the model"))
    ["they differ (2 in the new data, 1 in the model): 'cow' only in the new data"]
    """
    if list(theirs) == list(ours):
        return []
    there, here = where
    missing, extra = [n for n in theirs if n not in set(ours)], [n for n in ours if n not in set(theirs)]
    if missing or extra:
        only = [f"{_some(names)} only {place}" for names, place in ((missing, there), (extra, here)) if names]
        return [f"{what} differ ({len(theirs)} {there}, {len(ours)} {here}): {', '.join(only)}"]
    if len(theirs) == len(ours):
        at = next(i for i, (a, b) in enumerate(zip(theirs, ours, strict=True)) if a != b)
        return [f"{what} are the same in another order: number {at} is {theirs[at]!r} {there} and {ours[at]!r} {here}"]
    return [f"{what} are {len(theirs)} {there} and {len(ours)} {here}"]


def _some(names: Sequence[str], number: int = 3) -> str:
    return ", ".join(repr(name) for name in names[:number]) + (
        f" and {len(names) - number} more" if len(names) > number else ""
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
