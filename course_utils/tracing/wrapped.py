"""What people wrap around layers, taken off a copy of their model: DataParallel, torch.compile, and norms of a weight."""

import copy
from typing import Any

from torch import Tensor, nn
from torch.nn.utils import parametrize, prune
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm


def inside(model: Any) -> tuple[Any, str]:
    """The layers inside DataParallel and torch.compile, and what the keys of the state dict begin with because of these.

    >>> inside(nn.DataParallel(nn.Linear(2, 1)))
    (Linear(in_features=2, out_features=1, bias=True), 'module.')
    """
    prefix = ""
    while True:
        if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            model, prefix = model.module, f"{prefix}module."
        elif isinstance(getattr(model, "_orig_mod", None), nn.Module):
            model, prefix = model._orig_mod, f"{prefix}_orig_mod."
        else:
            return model, prefix


def double_copy(model: nn.Module) -> nn.Module:
    """A copy on the CPU in float64 and eval mode, also of a model that holds results of a run whose gradients are awaited."""
    results = {
        id(value): value.detach().clone()
        for module in model.modules()
        for value in vars(module).values()
        if isinstance(value, Tensor) and not value.is_leaf
    }
    return copy.deepcopy(model, results).cpu().double().eval()


def unwrap_parts(model: nn.Module) -> None:
    """Put the layers inside DataParallel and torch.compile in their place, anywhere in a model. The model is changed."""
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            bare, _ = inside(child)
            if bare is not child:
                setattr(module, name, bare)


def settle_weights(model: nn.Module) -> dict[str, str]:
    """Make each weight that is computed from others, by weight norm, spectral norm, pruning and the like, a plain one.

    The model is changed. Gives for each such weight the key of one that it was computed from.

    >>> layer = nn.utils.parametrizations.weight_norm(nn.Linear(2, 1, bias=False))
    >>> settle_weights(layer), list(layer.state_dict())
    ({'weight': 'parametrizations.weight.original0'}, ['weight'])
    """
    settled: dict[str, str] = {}
    for path, module in list(model.named_modules()):
        prefix = f"{path}." if path else ""
        if parametrize.is_parametrized(module):
            made = {name: getattr(module, name).detach() for name in module.parametrizations}
            for name in made:
                first = next(iter(module.parametrizations[name].state_dict()))
                settled[prefix + name] = f"{prefix}parametrizations.{name}.{first}"
            # remove_parametrizations would also change the class, which this copy has in common with the model of the user
            del module.parametrizations
            module.__class__ = type(module).__bases__[0]
            for name, value in made.items():
                module.register_parameter(name, nn.Parameter(value))
        for hook in list(module._forward_pre_hooks.values()):  # as pruning and the older norms do it
            if isinstance(hook, WeightNorm):
                settled[prefix + hook.name] = f"{prefix}{hook.name}_v"
                nn.utils.remove_weight_norm(module, hook.name)
            elif isinstance(hook, SpectralNorm):
                settled[prefix + hook.name] = f"{prefix}{hook.name}_orig"
                nn.utils.remove_spectral_norm(module, hook.name)
            elif isinstance(hook, prune.BasePruningMethod):
                settled[prefix + hook._tensor_name] = f"{prefix}{hook._tensor_name}_orig"
                prune.remove(module, hook._tensor_name)
    return settled
