"""Making pictures and sequences larger or smaller: by repeating numbers, or by straight lines and curves between them."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from course_utils.tracing.errors import UnsupportedError
from course_utils.tracing.steps import Parts

REPEATING = ("nearest", "nearest-exact")
BETWEEN = {"linear": "straight line", "bilinear": "straight lines", "bicubic": "curves"}
MODULES = (nn.Upsample, nn.UpsamplingNearest2d, nn.UpsamplingBilinear2d)


def mode_of(target: Any, module: nn.Module | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The mode of an upsampling; nothing where it is another operation."""
    if isinstance(module, MODULES):
        return str(module.mode)
    if target is F.interpolate:
        return str(args[3] if len(args) > 3 else kwargs.get("mode", "nearest"))
    return ""


def between(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], mode: str) -> Parts:
    """The share of each row and each column that is read in those that are made: (made, read) each.

    Found by doing to each row alone what is done to all: PyTorch's rules for the corners are not written down once more.
    """
    if mode not in BETWEEN:
        raise UnsupportedError(f"mode={mode!r}; it can show {', '.join((*REPEATING, *BETWEEN))}")
    x, rest = args[0], args[1:]
    height, width = (1, x.shape[-1]) if x.ndim == 3 else x.shape[-2:]
    rows = torch.eye(height, dtype=torch.float64)[None, :, :, None]  # a channel for each row, which alone is 1
    cols = torch.eye(width, dtype=torch.float64)[None, :, None]
    if x.ndim == 3:
        down, across = torch.ones(1, 1), operation(cols[:, :, 0], *rest, **kwargs)[0].T
    else:
        down = operation(rows.expand(1, height, height, width), *rest, **kwargs)[0, :, :, 0].T
        across = operation(cols.expand(1, width, height, width), *rest, **kwargs)[0, :, 0].T
    settings = {"rows": down.double().numpy(), "cols": across.double().numpy(), "title": "upsampling", "words": words(mode)}
    return "between", settings, {}


def words(mode: str) -> str:
    """What an upsampling does."""
    if mode in REPEATING:
        return "Each number of the larger picture is the nearest one of the smaller. Nothing is computed."
    return f"The numbers of the smaller picture, and between them those on {BETWEEN[mode]} from one to the next."
