"""The still picture of a network: its layers from left to right, their maps one below the other."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.widgets.colours import colour_limit
from course_utils.widgets.picture import Picture, text_width, wrap

GAP = 22
TOP = 52
TALLEST = 420


def draw_pipeline(layers: list[dict[str, Any]], class_names: list[str], words: str) -> Picture:
    """Draw what LayerPipeline keeps in `layers`, with `words` below."""
    placed = []
    x = GAP
    for layer in layers:
        maps = np.array(layer["maps"], dtype=np.float64)
        cell = _cell(layer, maps)
        below = max(1, TALLEST // (maps.shape[1] * cell + 8))  # so many maps stand one below the other
        across = math.ceil(len(maps) / below)
        named = layer is layers[-1] and layer["vector"] and maps.shape[2] == 1
        names = (class_names or ([] if maps.size == 1 else [str(number) for number in range(maps.shape[1])])) if named else []
        width = max(
            across * (maps.shape[2] * cell + 8) - 8 + max((text_width(f" {name}") for name in names), default=0),
            text_width(layer["heading"], bold=True),
            text_width(layer["subheading"], 11),
        )
        placed.append((layer, maps, cell, below, names, x))
        x += width + GAP
    height = max(min(below, len(maps)) * (maps.shape[1] * cell + 8) for _, maps, cell, below, _, _ in placed)
    lines = wrap(words, max(x, 480) - 2 * GAP, 11)
    picture = Picture(max(x, 480), TOP + height + 16 + 15 * len(lines) + 10)
    for layer, maps, cell, below, names, left in placed:
        picture.text(left, 10, layer["heading"], bold=True)
        picture.text(left, 28, layer["subheading"], size=11)
        signed = layer["kind"] != "input" or bool((maps < 0).any())
        limit = colour_limit(maps[~np.isnan(maps)])
        for number, values in enumerate(maps):
            at = left + (number // below) * (values.shape[1] * cell + 8), TOP + (number % below) * (values.shape[0] * cell + 8)
            picture.grid(*at, np.nan_to_num(values), cell, signed, limit, numbers=cell >= 22)
        for row, name in enumerate(names):
            picture.text(left + cell + 5, TOP + (row + 0.5) * cell, name, anchor="lm")
    picture.text(GAP, TOP + height + 14, "\n".join(lines), size=11)
    return picture


def _cell(layer: dict[str, Any], maps: NDArray[np.float64]) -> int:
    if layer["vector"]:
        return 32 if maps.shape[2] == 1 else 10
    return max(3, min(14, round(4 * math.sqrt(28 / max(maps.shape[1:])))))
