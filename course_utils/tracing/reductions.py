"""Operations that make one number of several: means, sums, largest and smallest ones, over axes or in windows of a sequence."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from course_utils.tracing.errors import UnsupportedError
from course_utils.tracing.steps import Parts, batch_axis

KINDS = {"mean": "average", "sum": "sum", "largest": "largest number", "smallest": "smallest number"}
AXES = {1: ("features",), 2: ("positions", "features"), 3: ("channels", "rows", "columns")}


def _over_axes(kind: str) -> Callable[[tuple[Any, ...], dict[str, Any]], Parts]:
    def parts(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Parts:
        x = args[0] if args else kwargs["input"]
        dim = args[1] if len(args) > 1 else kwargs.get("dim", kwargs.get("axis"))
        if kwargs.get("dtype") is not None:
            raise UnsupportedError(f"dtype={kwargs['dtype']}; the numbers of a workbook are float64")
        axes = [axis % x.ndim for axis in ([dim] if isinstance(dim, int) else dim or range(x.ndim))]
        kept = [axis for axis in range(x.ndim) if axis not in axes]
        counts = torch.arange(x.numel()).reshape(x.shape).permute(*kept, *axes)
        groups = counts.reshape(_count(x, kept), -1).numpy()
        shown = [axis for axis in range(x.ndim) if axis != batch_axis(x.shape)]
        names = dict(zip(shown, AXES.get(len(shown), ()), strict=False))
        over = " and ".join(names[axis] for axis in axes if axis in names)
        words = f"The {KINDS[kind]} over all {over}." if over else f"The {KINDS[kind]} of all numbers."
        return kind, {"groups": groups, "words": words}, {}

    return parts


def _count(x: Tensor, axes: list[int]) -> int:
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    return count


METHODS = {
    "mean": _over_axes("mean"),
    "sum": _over_axes("sum"),
    "amax": _over_axes("largest"),
    "amin": _over_axes("smallest"),
}
FUNCTIONS: dict[Any, Callable[[tuple[Any, ...], dict[str, Any]], Parts]] = {
    getattr(torch, name): parts for name, parts in METHODS.items()
}


def _one(value: Any) -> int:
    return int(value[0]) if isinstance(value, (tuple, list)) else int(value)


def windows(
    x: Tensor, kernel: Any, stride: Any, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> NDArray[np.intp]:
    """Which numbers of (1, channels, length) each window holds: a row for each output; -1 stands for padding, -2 beyond it.

    >>> windows(torch.zeros(1, 1, 4), 2, 2, 1).tolist()
    [[-1, 0], [1, 2], [3, -1]]
    """
    size, step, rim, hole = _one(kernel), _one(stride or kernel), _one(padding), _one(dilation)
    channels, length = x.shape[-2:]
    left = length + 2 * rim - hole * (size - 1) - 1
    count = (-(-left // step) if ceil_mode else left // step) + 1
    if ceil_mode and (count - 1) * step >= length + rim:  # as PyTorch counts: a window begins in the numbers or before them
        count -= 1
    places = np.arange(count)[:, None] * step + np.arange(size) * hole - rim
    rows = []
    for channel in range(channels):
        inside = (places >= 0) & (places < length)
        rows.append(np.where(inside, places + channel * length, np.where(places < length + rim, -1, -2)))
    return np.concatenate(rows)


def _max_pool1d(
    x: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Parts:
    if return_indices:
        raise UnsupportedError("return_indices=True")
    groups = windows(x, kernel_size, stride, padding, dilation, ceil_mode)
    words = f"The largest of each {_one(kernel_size)} numbers in a row, stride {_one(stride or kernel_size)}."
    return "largest", {"groups": np.where(groups < 0, -2, groups), "title": "max pool", "words": words}, {}


def _avg_pool1d(
    x: Tensor, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True
) -> Parts:
    groups = windows(x, kernel_size, stride, padding, 1, ceil_mode)
    words = f"The average of each {_one(kernel_size)} numbers in a row, stride {_one(stride or kernel_size)}."
    groups = groups if count_include_pad else np.where(groups < 0, -2, groups)
    return "mean", {"groups": groups, "title": "average pool", "words": words}, {}


def _adaptive1d(kind: str) -> Callable[..., Parts]:
    def parts(x: Tensor, output_size: Any, return_indices: bool = False) -> Parts:
        if return_indices:
            raise UnsupportedError("return_indices=True")
        (channels, length), size = x.shape[-2:], _one(output_size)
        ends = [(n * length // size, -(-(n + 1) * length // size)) for n in range(size)]
        most = max(last - first for first, last in ends)
        places = np.array([[n if n < last else -2 for n in range(first, first + most)] for first, last in ends])
        groups = np.concatenate([np.where(places < 0, -2, places + channel * length) for channel in range(channels)])
        title = "average pool" if kind == "mean" else "max pool"
        words = f"The {KINDS[kind]} of each window; the windows share out the whole row."
        return kind, {"groups": groups, "title": title, "words": words}, {}

    return parts


def _given(parts: Callable[..., Parts]) -> Callable[[tuple[Any, ...], dict[str, Any]], Parts]:
    def call(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Parts:
        named = dict(kwargs)
        x = args[0] if args else named.pop("input")
        return parts(x, *args[1:], **named)

    return call


POOLS: dict[Any, Callable[..., Parts]] = {
    F.max_pool1d: _max_pool1d,
    torch.max_pool1d: _max_pool1d,
    F.avg_pool1d: _avg_pool1d,
    torch.avg_pool1d: _avg_pool1d,
    F.adaptive_avg_pool1d: _adaptive1d("mean"),
    F.adaptive_max_pool1d: _adaptive1d("largest"),
}
FUNCTIONS |= {function: _given(parts) for function, parts in POOLS.items()}
MODULES: dict[type, Callable[[Any, Tensor], Parts]] = {
    nn.MaxPool1d: lambda m, x: _max_pool1d(x, m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode, m.return_indices),
    nn.AvgPool1d: lambda m, x: _avg_pool1d(x, m.kernel_size, m.stride, m.padding, m.ceil_mode, m.count_include_pad),
    nn.AdaptiveAvgPool1d: lambda m, x: _adaptive1d("mean")(x, m.output_size),
    nn.AdaptiveMaxPool1d: lambda m, x: _adaptive1d("largest")(x, m.output_size, m.return_indices),
}
