"""Weights that are not numbers, with which a network answers NaN whatever it is asked."""

from collections.abc import Container, Mapping

import torch
from torch import Tensor, nn

from course_utils.names import counted


def not_numbers(weights: Mapping[str, Tensor], parameters: Container[str]) -> str:
    """Which tensors a network cannot compute with, in words; nothing where it can with all.

    `parameters` are the names of those that are learnt, which hold no infinity, as the statistics of a batch norm do not. Other
    buffers may: a mask is minus infinity where nothing is to be seen.

    >>> not_numbers({"weight": torch.tensor([1.0, float("nan")]), "bias": torch.zeros(1)}, ["weight", "bias"])
    '1 of 2 tensors holds NaN or infinity, first weight (1 of 2 numbers)'
    """
    wrong = {}
    for name, tensor in weights.items():
        if isinstance(tensor, Tensor) and (tensor.is_floating_point() or tensor.is_complex()):  # a quantised one has more
            bad = ~tensor.isfinite() if name in parameters or "running_" in name else tensor.isnan()
            if name.endswith("running_var"):
                bad |= tensor < 0
            if number := int(bad.sum()):
                wrong[name] = f"{number:,} of {counted(tensor.numel(), 'number')}"
    if not wrong:
        return ""
    first = next(iter(wrong))
    what = "a negative variance" if weights[first].isfinite().all() else "NaN or infinity"
    verb = "holds" if len(wrong) == 1 else "hold"
    return f"{len(wrong):,} of {counted(len(weights), 'tensor')} {verb} {what}, first {first} ({wrong[first]})"


def not_numbers_in(model: nn.Module) -> str:
    """The same for a model, without the names of what it learns."""
    with torch.no_grad():
        return not_numbers(model.state_dict(), {name for name, _ in model.named_parameters(remove_duplicate=False)})
