"""Between which numbers the training rows lay."""

import math
from typing import Any

import torch

from course_utils.excel.tabular.learnt import parts_of


def training_limits(learner: Any) -> dict[str, tuple[float, float]]:
    """The lowest and the highest number of each continuous column in the training rows, by one pass over them.

    They are taken back from scaled numbers of 32 bits, so they are right to about 1/100,000 of a standard deviation, to which
    they are rounded. A predictor has no training rows, and an empty dictionary.
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
        decimals = 5 - math.floor(math.log10(scale.std))
        found[name] = (
            round(low[number] * scale.std + scale.mean, decimals) + 0.0,
            round(high[number] * scale.std + scale.mean, decimals) + 0.0,
        )
    return found
