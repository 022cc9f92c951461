"""What a network computes with besides its weights: kinds of layers, their options, and what modules of a user's own hold."""

import dis
import inspect
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType
from typing import Any

from torch import nn

IDLE = ("Identity", "Flatten")  # give the numbers on as they are
DROPOUTS = ("Dropout", "AlphaDropout", "FeatureAlphaDropout")  # that does a dropout too when a model is asked
NOT_COMPUTED = {"training", "inplace", "sparse", "enable_nested_tensor", "use_nested_tensor", "mask_check"}
IN_TRAINING_ALONE = {"momentum", "dropout", "scale_grad_by_freq"}  # a network that has learnt says the same with others
NOT_MEANT = ("drop", "verbose", "debug", "device")  # how attributes begin that change nothing of what a trained network says
DEVICES = ("cpu", "cuda", "mps")
SHOWING = {"__init__", "__repr__", "extra_repr"}  # methods that compute nothing

Options = list[list[Any]]  # [name of the layer, its kind, its options] of each


def architecture_of(model: nn.Module) -> dict[str, Any]:
    """What is saved beside weights, and compared before they are taken: `layers_of`, `options_of` and `own_of` a model."""
    return {"layers": layers_of(model), "options": options_of(model), "own": own_of(model)}


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
    layers = (m for m in model.modules() if type(m).__module__.startswith("torch.nn.") and not any(m.children()))
    return kinds_that_compute(type(layer).__name__ for layer in layers)


def kinds_that_compute(kinds: Iterable[str]) -> list[str]:
    """The kinds of layers among these that do something when a model is asked."""
    return [kind for kind in kinds if not kind.startswith(IDLE + DROPOUTS)]


def options_of(model: nn.Module) -> Options:
    """What PyTorch's own layers in a model compute with besides weights: [name of the layer, its kind, its options] of each.

    Weights fit a convolution of another stride, or a normalisation of another epsilon, and the network computes something else.

    >>> options_of(nn.Sequential(nn.LeakyReLU(0.2), nn.Flatten(), nn.Softmax(dim=1)))
    [['0', 'LeakyReLU', {'negative_slope': 0.2}], ['2', 'Softmax', {'dim': 1}]]
    """
    found = []
    for name, module in model.named_modules():
        kind = next((k for k in type(module).__mro__ if k.__module__.startswith("torch.nn.modules.")), nn.Module)
        if not kind.__name__.startswith(IDLE):
            made_with = _made_with(kind) - NOT_COMPUTED
            options = {key: _written(v) for key, v in vars(module).items() if key in made_with and _is_plain(v)}
            found.append([name, kind.__name__, options])
    return [one for one in found if one[2]]


def compared(options: Options, in_training: bool) -> Options:
    """The options that make a difference to what a network says, or to what it learns too; the same written in one way.

    >>> compared([["0", "BatchNorm1d", {"eps": 1e-5, "momentum": 0.1}], ["1", "Dropout", {"p": 0.5}]], in_training=False)
    [['0', 'BatchNorm1d', {'eps': 1e-05}]]
    """
    found = []
    for name, kind, given in options:
        if kind.startswith(IDLE) or (kind.startswith(DROPOUTS) and not in_training):
            continue
        leave_out = set() if in_training else IN_TRAINING_ALONE | ({"padding_idx"} if kind == "Embedding" else set())
        found.append([name, kind, {key: v for key, v in _in_one_way(given).items() if key not in leave_out}])
    return found


def _in_one_way(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options that compute the same are the same: a padding by its name or in numbers, one that is none with any mode."""
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
    return options


def own_of(model: nn.Module) -> Options:
    """What a user's own modules are and compute with: [name of the module, its class, its numbers and texts] of each.

    An attribute counts where a method reads it and none but `__init__` sets it: a number of steps that a module counts, or a
    note, is nothing that weights mean. Functions count by their names.

    >>> class Scaled(nn.Linear):
    ...     scale = 2
    ...
    ...     def forward(self, x):
    ...         return super().forward(x) * self.scale
    >>> Scaled.__module__ = "__main__"  # where classes of a notebook are
    >>> own_of(nn.Sequential(Scaled(2, 1), nn.ReLU()))
    [['0', 'Scaled', {'scale': 2}]]
    """
    modules = [(name, module) for name, module in model.named_modules() if _is_own(type(module))]
    used = _used({type(module) for _, module in modules})
    found = []
    for name, module in modules:
        held = {key: inspect.getattr_static(module, key, module) for key in sorted(used - _made_with(type(module)))}
        for key, value in held.items():
            if inspect.isroutine(value) and key in vars(module):  # an activation, say; others are methods
                held[key] = value.__name__
        found.append([name, type(module).__name__, {key: _written(v) for key, v in held.items() if _is_meant(key, v)}])
    return found


def _is_own(kind: type) -> bool:
    """Whether a class is a user's: neither this package's nor PyTorch's, nor of another package that is installed."""
    if kind.__module__ == "__main__":  # a notebook, whose file is Jupyter's
        return True
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    return kind.__module__.partition(".")[0] not in ("builtins", "torch", "course_utils") and "-packages" not in file


def _used(kinds: Iterable[type]) -> set[str]:
    """The attributes that methods of a user's classes read, but for those that one of them sets."""
    read, changed = set(), set()
    members = [item for kind in kinds for base in kind.__mro__ if _is_own(base) for item in vars(base).items()]
    for name, member in members:
        for code in _codes_of(member):
            for step in dis.get_instructions(code):
                if step.opname in ("LOAD_ATTR", "LOAD_METHOD") and name not in SHOWING:
                    read.add(str(step.argval))
                elif step.opname == "STORE_ATTR" and name != "__init__":
                    changed.add(str(step.argval))
    return read - changed - {"training"}


def _codes_of(member: Any) -> Iterator[CodeType]:
    """The code of a method or a property, and of the functions in it."""
    function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
    codes = [getattr(inspect.unwrap(function), "__code__", None)] if callable(function) else []
    while codes:
        if isinstance(code := codes.pop(), CodeType):
            yield code
            codes += code.co_consts


def _is_meant(name: str, value: Any) -> bool:
    if isinstance(value, list) or not _is_plain(value):  # a list is where a module keeps what it saw
        return False
    return not name.lstrip("_").startswith(NOT_MEANT) and not (isinstance(value, str) and value.startswith(DEVICES))


def _made_with(kind: type) -> set[str]:
    """The options that a kind of PyTorch's layers is made with; what else a class of a user's notes may change all the time."""
    made_with = [inspect.signature(k).parameters for k in kind.__mro__ if k.__module__.startswith("torch.nn.modules.")]
    return {name for parameters in made_with for name in parameters}


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _written(value: Any) -> Any:
    """A plain value as JSON can hold it, which knows neither infinity nor NaN."""
    if isinstance(value, tuple | list):
        return [*map(_written, value)] if isinstance(value, list) else tuple(map(_written, value))
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
