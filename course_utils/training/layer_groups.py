"""Layer groups: the parts of a model, from its input to its output, that freeze together and have a learning rate each."""

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import numpy as np
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.names import counted
from course_utils.training.arguments import not_negative, real, shown, whole

LayerGroup = tuple[nn.Module, ...]
Rates = float | Sequence[float] | np.ndarray | Tensor
BATCH_NORMS = nn.modules.batchnorm._BatchNorm  # of any number of dimensions, and those that other libraries derive from it


def checked_groups(given: Any, model: nn.Module) -> list[LayerGroup]:
    """Layer groups, each a layer or several, that hold every weight of the model once; a CourseError says what does not."""
    takes = "give a list of groups, each a layer of the model or a list of them, such as [model[:2], model[2:]]"
    if isinstance(given, str | bytes | Mapping) or not isinstance(given, Iterable):
        raise CourseError(f"layer_groups is {shown(given)}; {takes}")
    groups = []
    for group in given:
        layers = (group,) if isinstance(group, nn.Module) else tuple(group) if isinstance(group, Iterable) else (group,)
        for layer in layers:
            if not isinstance(layer, nn.Module):
                raise CourseError(f"layer_groups holds {shown(layer)}, which is not a layer; {takes}")
        groups.append(layers)
    if not groups:
        raise CourseError(f"layer_groups is empty; {takes}, or leave it out for one group of all layers")
    if missing := left_out(groups, model):
        raise CourseError(
            f"layer_groups leave out {len(missing)} weights of the model, first {missing[0]}; every layer belongs in one"
        )
    grouped = [id(p) for layers in groups for layer in layers for p in layer.parameters()]
    if len(set(grouped)) != len(grouped):
        raise CourseError("a layer is in two layer_groups; each belongs in one")
    return groups


def left_out(groups: Iterable[LayerGroup], model: nn.Module) -> list[str]:
    """The names of a model's weights that are in none of the groups."""
    grouped = {id(p) for layers in groups for layer in layers for p in layer.parameters()}
    return [name for name, p in model.named_parameters() if id(p) not in grouped]


def rates_for(lr: Any, groups: int) -> list[float]:
    """One full learning rate for each layer group, from a number or from one per group; a CourseError says what a rate is.

    >>> import torch
    >>> rates_for(np.float32(0.5), 2), rates_for(torch.tensor([0.25, 0.5]), 2)
    ([0.5, 0.5], [0.25, 0.5])
    """
    several = "a list of one rate for each" if groups == 1 else f"a list of {groups} rates, one for each, first layers first"
    what = f"a learning rate is a number such as 1e-2, or for {groups} layer group{'s' * (groups > 1)} {several}"
    if lr is None:
        raise CourseError(
            f"the learning rate is None; {what}. lr_find(...).steepest is None where the search saw too few steps to say: "
            "raise `steps`, or lower `start`, and look at lr_find(...).plot()."
        )
    if isinstance(lr, slice):
        ends = ", ".join(shown(end) for end in (lr.start, lr.stop) if end is not None)
        raise CourseError(
            f"the learning rate is {shown(lr)}; {what}. Rates from one end to the other, as a slice gives them in fastai, are "
            f"np.geomspace({ends}, {groups}) here."
        )
    if (one := real(lr)) is not None:
        rates: list[float | None] = [one] * groups
    else:
        if isinstance(lr, np.ndarray | Tensor):
            lr = lr.tolist()
        if isinstance(lr, str | bytes | Mapping | Set) or not isinstance(lr, Sequence):
            try:
                number = f" Without quotes it is a number: {float(lr):g}." if isinstance(lr, str) else ""
            except ValueError:
                number = ""
            raise CourseError(f"the learning rate is {shown(lr)}; {what}.{number}")
        rates = [real(rate) for rate in lr]
        if len(rates) != groups:
            given = counted(len(rates), "learning rate", "was/were")
            raise CourseError(f"{given} given for {counted(groups, 'layer group')}; give one number, or one rate per group")
    if any(rate is None or not 0 <= rate < math.inf for rate in rates):
        raise CourseError(f"the learning rate {shown(lr)} cannot be used: a rate is 0 or more, and finite; {what}")
    return [rate for rate in rates if rate is not None]


class LayerGroups(list[LayerGroup]):
    """The layer groups of a model, of which the first may be frozen.

    Attributes:
        first_trainable: the number of the group from which on weights move.
        batch_norms_frozen: whether the batch norms of all groups stand still, not those of frozen groups alone.

    >>> model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    >>> groups = LayerGroups([model[0], model[1]], model)
    >>> groups.freeze_to(-1)
    >>> [weight.requires_grad for weight in model.parameters()]
    [False, False, True, True]
    """

    def __init__(self, given: Any, model: nn.Module) -> None:
        super().__init__(checked_groups(given, model))
        self.first_trainable, self.batch_norms_frozen = 0, False

    def freeze_to(self, n: int) -> None:
        """Freeze the groups before the nth, counted from the end if negative."""
        n = whole("n", n, least=None, of=", the number of a layer group")
        if not -len(self) <= n < len(self):
            raise CourseError(
                f"freeze_to({n}): this model has {len(self)} layer groups, so n is {-len(self)} to {len(self) - 1}"
            )
        self.first_trainable = n % len(self)
        for number, group in enumerate(self):
            for layer in group:
                layer.requires_grad_(number >= self.first_trainable)
                if number < self.first_trainable:
                    layer.zero_grad()  # whose memory is free again

    def rates(self, lr: Rates) -> list[float]:
        """One full learning rate for each group."""
        return rates_for(lr, len(self))

    def for_optimizer(self, model: nn.Module, lr: Rates, weight_decay: float | None) -> list[dict[str, Any]]:
        """What an optimiser is made from: the weights of each group that trains, with its full learning rate.

        The schedule sets `lr` to a multiple of `full_lr`. Without a weight decay the optimiser's own holds. Raises a
        CourseError where the model has weights by now that no group holds, or nothing to train.
        """
        if new := left_out(self, model):
            raise CourseError(
                f"the model has changed since this learner was made: {counted(len(new), 'weight', 'is/are')} in none of its "
                f"layer groups, first {new[0]}, and would not be trained; make a new learner"
            )
        decay = {} if weight_decay is None else {"weight_decay": not_negative("weight_decay", weight_decay)}
        found = []
        for rate, group in zip(self.rates(lr), self, strict=True):
            if weights := [p for layer in group for p in layer.parameters() if p.requires_grad]:
                found.append({"params": weights, "lr": rate, "full_lr": rate, **decay})
        if not found and next(model.parameters(), None) is None:
            raise CourseError("the model has no weights, so there is nothing to train; it can predict and validate")
        if not found:
            raise CourseError("every layer is frozen, so there is nothing to train; call unfreeze() or freeze_to(-1)")
        return found

    def training_mode(self, model: nn.Module) -> None:
        """Training mode for the model, or a part of it, except for the frozen batch norms."""
        model.train()
        for module in self._still():
            if isinstance(module, BATCH_NORMS):
                module.eval()

    def learn_statistics(self, model: nn.Module) -> bool:
        """Whether a batch norm of the model, or of a part of it, learns mean and variance from mini-batches."""
        still = set(map(id, self._still()))
        return any(isinstance(module, BATCH_NORMS) and id(module) not in still for module in model.modules())

    def _still(self) -> list[nn.Module]:
        """The modules of the groups whose batch norms are frozen."""
        groups = self if self.batch_norms_frozen else self[: self.first_trainable]
        return [module for group in groups for layer in group for module in layer.modules()]
