"""Making an optimiser for the weights that a fit moves."""

import inspect
from functools import partial
from typing import Any

import torch

from course_utils.errors import CourseError
from course_utils.training.arguments import shown

SGD = partial(torch.optim.SGD, momentum=0.9)


def made_optimizer(make: Any, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    """A new optimiser for parameter groups; raises a CourseError where what was given does not make one that a learner can use.

    >>> made_optimizer(SGD, [{"params": [torch.zeros(1)], "lr": 0.5}]).param_groups[0]["momentum"]
    0.9
    """
    example = "torch.optim.Adam, or functools.partial(torch.optim.AdamW, weight_decay=0.01)"
    if isinstance(make, torch.optim.Optimizer):
        name = type(make).__name__
        raise CourseError(
            f"optimizer is an {name} with weights of its own; each fit makes a new one for the layers that it trains, so give "
            f"what makes it: torch.optim.{name}, or functools.partial(torch.optim.{name}, ...) with its options"
        )
    if not callable(make):
        raise CourseError(f"optimizer is {shown(make)}; give what makes one from groups of weights: {example}")
    try:
        optimizer = make(groups)
    except (TypeError, ValueError, AttributeError) as error:
        raise CourseError(f"optimizer={shown(make)} made none from groups of weights ({error}); give {example}") from error
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise CourseError(f"optimizer={shown(make)} gave a {type(optimizer).__name__}; give what makes an optimiser: {example}")
    if len(optimizer.param_groups) != len(groups):
        raise CourseError(
            f"optimizer={shown(make)} made {len(optimizer.param_groups)} groups of weights out of {len(groups)}; it must keep "
            "those that it is given, which have a learning rate each. For no weight decay on some weights put these into layer "
            "groups of their own"
        )
    closure = inspect.signature(type(optimizer).step).parameters.get("closure")
    if closure is not None and closure.default is inspect.Parameter.empty:
        raise CourseError(
            f"{type(optimizer).__name__} computes the loss several times in one step, through a closure, which a learner does "
            f"not give; take an optimiser that makes a step from gradients: {example}"
        )
    for group in groups:
        if "weight_decay" in group and "weight_decay" not in optimizer.defaults:
            raise CourseError(
                f"{type(optimizer).__name__} knows no weight decay; leave weight_decay out, or take another optimiser"
            )
    return optimizer
