"""What the weights of a model mean: kept with them, and compared with what they would mean here before they are taken."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from course_utils.training.architecture import compared, kinds_that_compute
from course_utils.training.own_modules import Options

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


def plain(meaning: Mapping[str, Any]) -> dict[str, Any]:
    """The same as JSON holds it: lists for tuples, so that what was saved compares with what was not."""
    result: dict[str, Any] = json.loads(json.dumps(meaning))
    return result


def differences(saved: Mapping[str, Any], here: Mapping[str, Any], in_training: bool = False) -> list[str]:
    """What differs, in words, between the meaning that was saved and that here; what only one of them knows is no difference.

    Layers count by what they compute when a model is asked, or with `in_training` by what they do while it learns too.

    >>> differences({"task": "single-label", "classes": ["cat", "dog"]}, {"task": "single-label", "classes": ["dog", "cat"]})
    ["the classes are the same in another order: number 0 is 'cat' there and 'dog' here"]
    """
    found = []
    plain_here = plain(here)
    for key, theirs in plain(saved).items():
        ours = plain_here.get(key)
        if theirs is None or ours is None:
            continue
        if key == "options":
            known = {name: options["ndim"] for name, _, options in [*theirs, *ours] if type(options.get("ndim")) is int}
            found += _other_options(compared(theirs, in_training, known), compared(ours, in_training, known))
        elif key == "own":
            found += _other_modules(theirs, ours)
        else:
            if key == "layers":
                theirs, ours = kinds_that_compute(theirs), kinds_that_compute(ours)
            found += _compare(WORDS.get(key, key), theirs, ours)
    return found


def _other_options(theirs: Options, ours: Options) -> list[str]:
    """The options that differ between layers of the same kinds; other kinds are told as `layers`.

    What flattens is compared by its name: it may stand in `forward` instead, and older files do not tell of it.
    """
    flatten_here = {name: here for name, kind, here in ours if kind == "Flatten"}
    flattened = [
        difference
        for name, kind, there in theirs
        if kind == "Flatten" and name in flatten_here
        for difference in _other_values(f"layer {name!r} (Flatten)", there, flatten_here[name])
    ]
    theirs, ours = ([one for one in options if one[1] != "Flatten"] for options in (theirs, ours))
    if [kind for _, kind, _ in theirs] != [kind for _, kind, _ in ours]:
        return flattened
    return flattened + [
        difference
        for (_, kind, there), (name, _, here) in zip(theirs, ours, strict=True)
        for difference in _other_values(f"layer {name!r} ({kind})", there, here)
    ]


def _other_modules(theirs: Options, ours: Options) -> list[str]:
    """The modules of a user's own that are of another class, or hold something else."""
    found, here = [], {name: (kind, values) for name, kind, values in ours}
    for name, kind, there in theirs:
        module = f"layer {name!r}" if name else "the model"
        own_kind, values = here.get(name, (kind, {}))
        if own_kind == kind:
            found += _other_values(f"{module} ({kind})", there, values)
        else:
            found.append(
                f"the class of {module} is {kind!r} there and {own_kind!r} here, which may compute something else (if it was "
                "only renamed, give it its old name)"
            )
    return found


def _other_values(of: str, there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    return [
        f"the {name} of {of} is {_short(there[name])} there and {_short(here[name])} here"
        for name in sorted(there.keys() & here.keys())
        if not (close(*_of_one_length(there[name], here[name])) or _told_by_name_alone(there[name], here[name]))
    ]


def _told_by_name_alone(a: Any, b: Any) -> bool:
    """Whether two functions have one name, and no more is known of one of them, as in older files."""
    return any(
        isinstance(one, dict) and "arguments" not in one and one.get("function") == other for one, other in ((a, b), (b, a))
    )


def _of_one_length(a: Any, b: Any) -> tuple[Any, Any]:
    """A size given once, and for each dimension: MaxPool2d(2) is MaxPool2d((2, 2))."""
    if isinstance(a, list) and isinstance(b, int | float):
        return a, [b] * len(a)
    return ([a] * len(b), b) if isinstance(b, list) and isinstance(a, int | float) else (a, b)


def _compare(what: str, theirs: Any, ours: Any) -> list[str]:
    """In words, how two values differ; nothing where they do not."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        found = compare_names(what, list(theirs), list(ours))
        return found or [words for key in theirs for words in _compare(f"{what} of {key!r}", theirs[key], ours[key])]
    names = [isinstance(v, list) and all(isinstance(name, str) for name in v) for v in (theirs, ours)]
    if all(names):
        return compare_names(what, theirs, ours)
    if close(theirs, ours):
        return []
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) > 4:
        return compare_names(what, [repr(v) for v in theirs], [repr(v) for v in ours])
    plural = what.startswith(("the classes", "the categories", "the scales", "the layers"))
    return [f"{what} {'are' if plural else 'is'} {_short(theirs)} there and {_short(ours)} here"]


def close(theirs: Any, ours: Any, within: float = 1e-6) -> bool:
    """Whether values are the same, numbers up to rounding: another processor may have computed them."""
    if isinstance(theirs, list | tuple) and isinstance(ours, list | tuple):
        return len(theirs) == len(ours) and all(close(a, b, within) for a, b in zip(theirs, ours, strict=True))
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return theirs.keys() == ours.keys() and all(close(theirs[key], ours[key], within) for key in theirs)
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in (theirs, ours)):
        return math.isclose(theirs, ours, rel_tol=within)
    return bool(theirs == ours) and type(theirs) is type(ours)


def compare_names(
    what: str, theirs: Sequence[str], ours: Sequence[str], where: tuple[str, str] = ("there", "here")
) -> list[str]:
    """How two rows of names differ: which only one of them has, else where the order first differs.

    >>> compare_names("they", ["cat", "cow"], ["cat"], ("in the new data", "in the model"))
    ["they differ (2 in the new data, 1 in the model): 'cow' only in the new data"]
    >>> len(compare_names("they", ["a" * 10_000], ["b" * 10_000])[0])
    214
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
        return [
            f"{what} are the same in another order: number {at} is {_short(theirs[at])} {there} and {_short(ours[at])} {here}"
        ]
    return [f"{what} are {len(theirs)} {there} and {len(ours)} {here}"]


def _some(names: Sequence[str], number: int = 3) -> str:
    return ", ".join(_short(name) for name in names[:number]) + (
        f" and {len(names) - number} more" if len(names) > number else ""
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
