"""Operations that compute nothing: each of their numbers is one that they read, in another place."""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from course_utils.tracing.errors import UnsupportedError

# What each is called where its numbers are drawn in a block of their own.
METHODS = {
    **dict.fromkeys(("flatten", "view", "reshape", "squeeze", "unsqueeze", "unflatten", "view_as", "reshape_as"), "reshaped"),
    **dict.fromkeys(("transpose", "permute", "t", "swapaxes", "movedim", "moveaxis", "mT", "T"), "transposed"),
    **dict.fromkeys(("chunk", "split", "unbind", "select", "narrow", "tensor_split"), "a part"),
    **dict.fromkeys(("expand", "expand_as", "repeat", "repeat_interleave", "tile", "broadcast_to"), "repeated"),
    **dict.fromkeys(("flip", "roll"), "in another order"),
}
FUNCTIONS: dict[Any, str] = {
    **{getattr(torch, name): title for name, title in METHODS.items() if hasattr(torch, name)},
    **dict.fromkeys((torch.cat, torch.concat, torch.concatenate, torch.stack, torch.hstack, torch.vstack), "joined"),
    operator.getitem: "a part",
    getattr: "transposed",  # x.T and x.mT
    F.pad: "padded",
    F.pixel_shuffle: "in another order",
    F.pixel_unshuffle: "in another order",
}
MODULES: dict[type[nn.Module], str] = {
    nn.Flatten: "reshaped",
    nn.Unflatten: "reshaped",
    nn.PixelShuffle: "in another order",
    nn.PixelUnshuffle: "in another order",
    nn.ChannelShuffle: "in another order",
    **dict.fromkeys((nn.ZeroPad1d, nn.ZeroPad2d, nn.ReflectionPad1d, nn.ReflectionPad2d), "padded"),
    **dict.fromkeys((nn.ReplicationPad1d, nn.ReplicationPad2d, nn.CircularPad1d, nn.CircularPad2d), "padded"),
}


def moved(
    operation: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], source_of: Callable[[Tensor], int]
) -> tuple[tuple[int, ...], list[NDArray[np.intp]]]:
    """The steps that an operation reads, and for each tensor that it gives where its numbers come from.

    Those of all steps read are counted on from 1; 0 stands for a number that none of them holds, a zero.
    It is found by doing with these counts what is done with the numbers.
    """
    sources: list[int] = []
    counts: dict[int, Tensor] = {}
    first = 1

    def counted(value: Any) -> Any:
        nonlocal first
        if not isinstance(value, Tensor):
            return value
        if id(value) not in counts:
            sources.append(source_of(value))
            counts[id(value)] = torch.arange(first, first + value.numel(), dtype=torch.float64).reshape(value.shape)
            first += value.numel()
        return counts[id(value)]

    if operation is operator.getitem:
        if any(isinstance(part, Tensor) for part in _parts(args[1])):
            raise UnsupportedError("takes numbers by an index that is a tensor; only fixed places can be shown")
        given: tuple[Any, ...] = (counted(args[0]), args[1])
        result = operator.getitem(*given)
    else:
        if operation is F.pad and (args[3] if len(args) > 3 else kwargs.get("value") or 0) != 0:
            raise UnsupportedError("pads with another number than 0")
        given, named = torch.fx.node.map_aggregate((args, kwargs), counted)
        result = operation(*given, **named)
    results = [result] if isinstance(result, Tensor) else list(result)
    return tuple(sources), [each.detach().round().numpy().astype(np.intp).reshape(-1) for each in results]


def _parts(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)
