"""What a network computes with besides its weights: kinds of layers, and their options."""

import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.training.own_modules import Options, is_plain, options_it_is_made_with, own_of, written

IDLE = ("Identity", "Flatten")  # give the numbers on as they are
DROPOUTS = ("Dropout", "AlphaDropout", "FeatureAlphaDropout")  # that does a dropout too when a model is asked
NOT_COMPUTED = {"training", "inplace", "sparse", "enable_nested_tensor", "use_nested_tensor", "mask_check", "init"}
IN_TRAINING_ALONE = {"momentum", "dropout", "scale_grad_by_freq"}  # a network that has learnt says the same with others
DIMENSIONS = {"dim", "start_dim", "end_dim"}  # options that number a dimension of the inputs
WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel)

Example = Callable[[], Sequence[Tensor]]


def architecture_of(model: nn.Module, example: Example | None = None) -> dict[str, Any]:
    """What is saved beside weights, and compared before they are taken: `layers_of`, `options_of` and `own_of` a model."""
    model = unwrapped(model)
    return {"layers": layers_of(model), "options": options_of(model, example), "own": own_of(model)}


def unwrapped(model: nn.Module) -> nn.Module:
    """The network itself, whose weights have their own names, without what computes it in another way.

    >>> unwrapped(nn.DataParallel(nn.Linear(2, 1)))
    Linear(in_features=2, out_features=1, bias=True)
    """
    while isinstance(inner := model.module if isinstance(model, WRAPPERS) else getattr(model, "_orig_mod", None), nn.Module):
        model = inner  # torch.compile's is `_orig_mod`
    return model


def is_whole(saved: Mapping[str, Any]) -> bool:
    """Whether what a file gives is what `architecture_of` gave; a file without a part of it is older."""
    layers, options, own = (saved.get(name, []) for name in ("layers", "options", "own"))
    if not all(isinstance(part, list) for part in (layers, options, own)):
        return False
    described = all(isinstance(one, list) and list(map(type, one)) == [str, str, dict] for one in [*options, *own])
    return described and all(isinstance(kind, str) for kind in layers)


def layers_of(model: nn.Module) -> list[str]:
    """The kinds of PyTorch's own layers in a model, in order; but those that do nothing when a model is asked.

    >>> layers_of(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Dropout(0.5), nn.Linear(3, 1)))
    ['Linear', 'ReLU', 'Linear']
    """
    kinds = (_kind(layer) for layer in model.modules() if not any(layer.children()))
    return kinds_that_compute(kind for kind in kinds if kind)


def _kind(layer: nn.Module) -> str:
    """The name of PyTorch's class of a layer, also where TorchScript made it; empty for another's."""
    name = str(getattr(layer, "original_name", ""))  # TorchScript's: the class that it was made from
    if name:
        return name if hasattr(nn, name) else ""
    return type(layer).__name__ if type(layer).__module__.startswith("torch.nn.") else ""


def kinds_that_compute(kinds: Iterable[str]) -> list[str]:
    """The kinds of layers among these that do something when a model is asked; what computes the same is called the same.

    >>> kinds_that_compute(["SyncBatchNorm", "Dropout", "BatchNorm2d"])
    ['BatchNorm', 'BatchNorm']
    """
    return [_one_name(kind) for kind in kinds if not kind.startswith(IDLE + DROPOUTS)]


def _one_name(kind: str) -> str:
    return "BatchNorm" if re.fullmatch("SyncBatchNorm|BatchNorm[123]d", kind) else kind


def options_of(model: nn.Module, example: Example | None = None) -> Options:
    """What PyTorch's own layers in a model compute with besides weights: [name of the layer, its kind, its options] of each.

    Weights fit a convolution of another stride, or a normalisation of another epsilon, and the network computes something else.
    A layer that works along a dimension (`dim`), or flattens others than all but the first, has `ndim` too, how many its inputs
    have, if an `example` of what the model takes is given: -1 is 1 where these are two.

    >>> options_of(nn.Sequential(nn.LeakyReLU(0.2), nn.Identity(), nn.Softmax(dim=-1)), lambda: [torch.zeros(1, 3)])
    [['0', 'LeakyReLU', {'negative_slope': 0.2}], ['2', 'Softmax', {'dim': -1, 'ndim': 2}]]
    """
    found = []
    for name, module in model.named_modules():
        kind = next((k for k in type(module).__mro__ if k.__module__.startswith("torch.nn.modules.")), nn.Module)
        if not kind.__name__.startswith("Identity"):
            made_with = options_it_is_made_with(kind) - NOT_COMPUTED
            options = {key: written(value) for key, value in vars(module).items() if key in made_with and is_plain(value)}
            found.append([name, kind.__name__, options])
    if example and (names := [name for name, _, options in found if _needs_dimensions(options)]):
        dimensions = _dimensions(model, names, example)
        for name, _, options in found:
            if name in dimensions:
                options["ndim"] = dimensions[name]
    return [one for one in found if one[2]]


def _needs_dimensions(options: Mapping[str, Any]) -> bool:
    return "dim" in options or (options.get("start_dim", 1), options.get("end_dim", -1)) != (1, -1)


def _dimensions(model: nn.Module, names: Sequence[str], example: Example) -> dict[str, int]:
    """How many dimensions the inputs of some layers have; of those that an example does not reach, nothing."""
    seen: dict[str, int] = {}

    def watched(name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def look(layer: nn.Module, inputs: tuple[Any, ...]) -> None:
            if inputs and isinstance(inputs[0], Tensor):
                seen[name] = inputs[0].ndim

        return look

    modes = [(module, module.training) for module in model.modules()]
    hooks = [model.get_submodule(name).register_forward_pre_hook(watched(name)) for name in names]
    try:
        with torch.no_grad(), torch.random.fork_rng(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.eval()(*example())
    except Exception:  # any, as the model is anybody's; then dimensions are compared as they are written
        return {}
    finally:
        for hook in hooks:
            hook.remove()
        for module, training in modes:
            module.training = training
    return seen


def compared(options: Options, in_training: bool, dimensions: Mapping[str, int]) -> Options:
    """The options that make a difference to what a network says, or to what it learns too; the same written in one way.

    `dimensions` are those that the inputs of some layers have, by their names.

    >>> compared([["0", "BatchNorm1d", {"eps": 1e-5, "momentum": 0.1}], ["1", "Dropout", {"p": 0.5}]], False, {})
    [['0', 'BatchNorm', {'eps': 1e-05}]]
    """
    found = []
    for name, kind, given in options:
        if kind.startswith("Identity") or (kind.startswith(DROPOUTS) and not in_training):
            continue
        leave_out = set() if in_training else IN_TRAINING_ALONE | ({"padding_idx"} if kind == "Embedding" else set())
        options_here = {key: v for key, v in _in_one_way(kind, given, dimensions.get(name)).items() if key not in leave_out}
        found.append([name, _one_name(kind), options_here])
    return found


def _in_one_way(kind: str, given: Mapping[str, Any], dimensions: int | None) -> dict[str, Any]:
    """Options that compute the same are the same: a padding by its name or in numbers, no padding with any padding mode."""
    options = dict(given)
    kernel, padding = options.get("kernel_size"), options.get("padding")
    if "stride" in options and options["stride"] is None:
        options["stride"] = kernel
    for name in ("align_corners", "recompute_scale_factor"):
        if name in options:
            options[name] = bool(options[name])
    if padding == "same" and isinstance(kernel, list) and isinstance(options.get("dilation"), list):
        around = [dilation * (side - 1) for side, dilation in zip(kernel, options["dilation"], strict=False)]
        if all(width % 2 == 0 for width in around):
            padding = [width // 2 for width in around]
    if padding == "valid":
        padding = 0
    if padding is not None:
        options["padding"] = padding
    if padding == 0 or (isinstance(padding, list) and not any(padding)):
        options = {key: value for key, value in options.items() if key not in ("padding_mode", "count_include_pad")}
    if kind.startswith("Embedding") and options.get("max_norm") is None:
        options.pop("norm_type", None)
    options.pop("ndim", None)
    for name in DIMENSIONS & options.keys() if dimensions is not None else ():
        dim = options[name]
        if dim is None:  # as softmax chooses
            dim = 0 if dimensions in (0, 1, 3) else 1
        options[name] = dim % dimensions if isinstance(dim, int) and dimensions else dim
    return options
