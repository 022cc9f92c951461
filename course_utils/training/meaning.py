"""What the weights of a model mean: kept with them, and compared with what they would mean here before they are taken."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

SAME_IN_EVALUATION = ("Dropout", "AlphaDropout", "Identity")
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
    for key, theirs in plain(saved).items():
        ours = plain(here).get(key)
        if theirs is not None and ours is not None:
            found += _compare(WORDS.get(key, key), theirs, ours)
    return found


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


def compare_names(what: str, theirs: Sequence[str], ours: Sequence[str]) -> list[str]:
    """How two rows of names differ: which only one of them has, else where the order first differs."""
    if list(theirs) == list(ours):
        return []
    missing, extra = [n for n in theirs if n not in set(ours)], [n for n in ours if n not in set(theirs)]
    if missing or extra:
        only = [f"{_some(names)} only {where}" for names, where in ((missing, "there"), (extra, "here")) if names]
        return [f"{what} differ ({len(theirs)} there, {len(ours)} here): {', '.join(only)}"]
    if len(theirs) == len(ours):
        at = next(i for i, (a, b) in enumerate(zip(theirs, ours, strict=True)) if a != b)
        return [f"{what} are the same in another order: number {at} is {theirs[at]!r} there and {ours[at]!r} here"]
    return [f"{what} are {len(theirs)} there and {len(ours)} here"]


def _some(names: Sequence[str], number: int = 3) -> str:
    return ", ".join(repr(name) for name in names[:number]) + (
        f" and {len(names) - number} more" if len(names) > number else ""
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
