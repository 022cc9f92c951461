"""Between which numbers the training rows lay."""

import math
from collections.abc import Mapping
from typing import Any

import torch

from course_utils.excel.errors import ExportError
from course_utils.excel.options import item, shown
from course_utils.excel.tabular.learnt import Learnt, parts_of


def training_limits(learner: Any) -> dict[str, tuple[float, float]]:
    """The lowest and the highest number of each continuous column in the training rows, by one pass over them.

    They are taken back from scaled numbers of 32 bits, so they are right to about 1/100,000 of a standard deviation, to which
    they are rounded. A predictor has no training rows, and an empty dictionary.

    >>> from course_utils.lessons.sales import sales_predictor
    >>> training_limits(sales_predictor())
    {}
    """
    _, source = parts_of(learner)
    loader = getattr(source, "loader", None)
    preprocessor = source.preprocessor
    if loader is None or not preprocessor.continuous:
        return {}
    lows, highs = [], []
    for (_, values), _ in loader("train"):
        lows.append(values.amin(0))
        highs.append(values.amax(0))
    low, high = torch.stack(lows).amin(0).tolist(), torch.stack(highs).amax(0).tolist()
    found = {}
    for number, name in enumerate(preprocessor.continuous):
        scale = preprocessor.scales[name]
        decimals = decimals_of(scale.std)
        found[name] = (
            round(low[number] * scale.std + scale.mean, decimals) + 0.0,
            round(high[number] * scale.std + scale.mean, decimals) + 0.0,
        )
    return found


def decimals_of(std: float) -> int:
    """Decimals to which limits are right, a few millionths of the standard deviation `std`.

    >>> decimals_of(2.0), decimals_of(150.0), decimals_of(0.03)
    (5, 3, 7)
    """
    return 5 - math.floor(math.log10(std))


def checked_limits(limits: Any, learnt: Learnt) -> dict[str, tuple[float, float]]:
    """The lowest and highest numbers that a user gave; ExportError for what is not such a pair, and for other columns."""
    if not isinstance(limits, Mapping):
        raise ExportError(f"limits is {shown(limits)}; give a dictionary from names of columns to (lowest, highest)")
    if other := [name for name in limits if name not in learnt.continuous]:
        there = ", ".join(map(repr, learnt.continuous)) or "none"
        raise ExportError(
            f"limits has {other[0]!r}, which is not a column of numbers of this network; its columns of numbers: {there}"
        )
    return {name: _pair(name, pair) for name, pair in limits.items()}


def _pair(name: str, pair: Any) -> tuple[float, float]:
    try:
        low, high = (_finite(item(number)) for number in pair)
    except (TypeError, ValueError, OverflowError):
        raise ExportError(f"limits[{name!r}] is {shown(pair)}; give two numbers, (lowest, highest)") from None
    if low > high:
        raise ExportError(f"limits[{name!r}] is {shown(pair)}, whose lowest is above its highest; give (lowest, highest)")
    return low, high


def _finite(number: Any) -> float:
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise ValueError(number)
    return float(number)
