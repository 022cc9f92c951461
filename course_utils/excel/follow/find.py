"""The layers that the sheet "Follow" offers: those whose numbers are made of a window, or of all, of one layer before."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.excel.activations import ACTIVATIONS
from course_utils.excel.follow.layer import Followed, Lattice
from course_utils.excel.follow.windows import even_windows
from course_utils.excel.grid import Grid, Rect
from course_utils.excel.placed import as_grid
from course_utils.excel.sheet import Sheet
from course_utils.tracing.steps import Step
from course_utils.tracing.words import title_of

MOST_TERMS = 1024  # numbers that a followed one is made of; a layer with more is not offered
REDUCTIONS = {"mean": "mean", "sum": "total", "largest": "largest", "smallest": "smallest"}  # kinds, and how they are made
ONE_NUMBER = {*ACTIVATIONS, "prelu", "batch_norm"}  # kinds whose numbers are made of one number each


def layers_to_follow(sheet: Sheet) -> list[Followed]:
    """The layers of a sheet whose numbers are made of a window, or of all numbers, of one layer before."""
    found, taken = [], set[str]()
    for step, out in zip(sheet.steps, sheet.grids, strict=True):
        if not isinstance(out, Grid) or len(step.sources) != 1:
            continue
        placed, value = sheet.grids[step.sources[0]], sheet.steps[step.sources[0]].value
        source = as_grid(placed, value.shape) if isinstance(placed, Grid) else None  # None where it was reshaped, say
        layer = _layer(sheet, step, out, source) if source else None
        if layer and layer.terms <= MOST_TERMS:
            layer = replace(layer, name=_unlike(layer.name, taken))
            taken.add(layer.name.casefold())
            found.append(layer)
    return found


def _unlike(name: str, taken: set[str]) -> str:
    """A name that MATCH, which knows no capitals and takes * ? ~ for other letters, finds in its own place alone.

    >>> _unlike("relu", {"relu"}), _unlike("Conv", {"conv", "conv (2)"}), _unlike("a*", set())
    ('relu (2)', 'Conv (3)', 'a_')
    """
    name = name.translate(str.maketrans("*?~", "___"))
    every = (f"{name} ({count})" if count > 1 else name for count in itertools.count(1))
    return next(one for one in every if one.casefold() not in taken)


def _layer(sheet: Sheet, step: Step, out: Grid, source: Grid) -> Followed | None:
    kind, settings, before = step.kind, step.settings, sheet.steps[step.sources[0]].value
    name = step.path if step.path.lower() == title_of(step).lower() else f"{step.path} · {title_of(step)}"
    name = f"layer {name}" if name[:1] in tuple("=+-@") else name  # no text of a user's is a formula
    shared: dict[str, Any] = {"values": step.value, "before": before, "relu": bool(settings.get("relu"))}
    if kind in ONE_NUMBER and step.value.shape == before.shape:
        if (out.channels, out.height, out.width) != (source.channels, source.height, source.width):
            return None  # a column, made of a picture that was flattened
        return Followed(name, "one", out, source, 1, (1, 1), **shared)
    if kind in ("max_pool", "avg_pool") and step.value.ndim == 3:
        plain = (settings["padding"], settings.get("divisor")) == ((0, 0), None)
        if kind == "avg_pool" and not plain:
            return None
        window = (settings["kernel"], settings["stride"], settings["padding"], settings.get("dilation", (1, 1)))
        return Followed(name, "mean" if kind == "avg_pool" else "largest", out, source, 1, *window, **shared)
    if kind in ("adaptive_avg_pool", "adaptive_max_pool") and step.value.ndim == 3:
        (high, below), (wide, beside) = divmod(source.height, out.height), divmod(source.width, out.width)
        if below or beside:
            return None  # windows of several sizes, some of which overlap
        how = "mean" if kind == "adaptive_avg_pool" else "largest"
        return Followed(name, how, out, source, 1, (high, wide), (high, wide), **shared)
    if kind in REDUCTIONS:
        before_and_after = (source.channels, source.height, source.width), (out.channels, out.height, out.width)
        w = even_windows(settings["groups"], *before_and_after)
        if w is None or (kind == "mean" and (settings["groups"] < 0).any()):  # padding, whose zeros may count or not
            return None
        sizes_of = w.inputs, w.kernel, w.stride, w.padding, w.dilation
        return Followed(name, REDUCTIONS[kind], out, source, *sizes_of, **shared)
    if kind not in ("conv", "linear") or step.value.ndim == 2:
        return None
    rects, weight = sheet.drawn[step.weights["weight"].keys], step.weights["weight"].value
    outputs, pieces = weight.shape[0], len(rects) // weight.shape[0]
    lattice = _lattice(rects, outputs, pieces) if pieces * outputs == len(rects) else None
    bias = _bias(sheet, step, outputs)
    if lattice is None or bias == ():
        return None
    shared |= {
        "weights": lattice,
        "bias": bias or None,
        "biases": step.weights["bias"].value if bias else np.zeros(outputs),
        "kernels": weight.reshape(outputs, -1),
    }
    if kind == "linear":
        whole = source.rects()
        if [(r.height, r.width) for r in whole] != [(r.height, r.width) for r in rects[:pieces]]:
            return None  # drawn for another layer too, in another shape
        over = Grid(source.row, source.col, pieces, whole[0].height, whole[0].width, source.pitch)
        sizes = pieces, (over.height, over.width), (0, 0), (0, 0), (1, 1), outputs
        return Followed(name, "sum", out, over, *sizes, **shared)
    kernel = (1, *weight.shape[2:])[-2:]
    sizes = pieces, kernel, settings["stride"], settings["padding"], settings["dilation"], outputs // settings["groups"]
    return Followed(name, "sum", out, source, *sizes, weight_steps=(rects[0].row_step, rects[0].col_step), **shared)


def _bias(sheet: Sheet, step: Step, outputs: int) -> tuple[int, ...] | None:
    """Where the biases are; None for a layer without any, and () where they stand in no even column."""
    if "bias" not in step.weights:
        return None
    cells = [place for rect in sheet.drawn[step.weights["bias"].keys] for place in rect.cells()]
    pitch = cells[1][0] - cells[0][0] if len(cells) > 1 else 0
    even = [(cells[0][0] + number * pitch, cells[0][1]) for number in range(outputs)]
    return (*cells[0], pitch) if cells == even else ()


def _lattice(rects: list[Rect], outputs: int, inputs: int) -> Lattice | None:
    """The even order in which kernels stand, if they do."""
    corners = np.array([(rect.row, rect.col) for rect in rects]).reshape(outputs, inputs, 2)
    row, col = corners[0, 0].tolist()
    o_below, o_rows, o_cols = _steps(corners[:, 0])
    i_below, i_rows, i_cols = _steps(corners[0])
    lattice = Lattice(row, col, o_below, o_rows, o_cols, i_below, i_rows, i_cols)
    even = all((*lattice.at(o, i),) == (*corners[o, i].tolist(),) for o in range(outputs) for i in range(inputs))
    return lattice if even else None


def _steps(corners: NDArray[np.intp]) -> tuple[int, int, int]:
    """How many stand in a column, how many rows apart, and how many columns there are from one column to the next."""
    same = int((corners[:, 1] == corners[0, 1]).sum())
    rows = int(corners[1, 0] - corners[0, 0]) if same > 1 else 0
    cols = int(corners[same, 1] - corners[0, 1]) if same < len(corners) else 0
    return same, rows, cols
