"""The layers that can be followed: what each is called here, its settings and its weights."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from course_utils.tracing import activations, attention, moves, norms, products, recurrent, reductions, upsampling
from course_utils.tracing.errors import UnsupportedError
from course_utils.tracing.steps import Parts

NOT_AMONG = "not among the layers it can show"


def pair(value: Any) -> tuple[int, int]:
    """Height and width, of one number for both or of two.

    >>> pair(3), pair((3, 2))
    ((3, 3), (3, 2))
    """
    if isinstance(value, (tuple, list)):
        return (int(value[0]), int(value[1])) if len(value) == 2 else (int(value[0]), int(value[0]))
    return int(value), int(value)


def _conv(module: nn.Conv1d | nn.Conv2d) -> Parts:
    if module.padding_mode != "zeros":
        raise UnsupportedError(f"padding_mode={module.padding_mode!r}; only zeros can be shown")
    kernel, dilation = _sides(module.kernel_size), _sides(module.dilation, 1)
    if module.padding == "same":  # where the padding is odd PyTorch puts the smaller half first
        padding = tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
    else:
        padding = (0, 0) if module.padding == "valid" else _sides(module.padding, 0)
    settings = {
        "stride": _sides(module.stride),
        "padding": padding,
        "dilation": dilation,
        "groups": module.groups,
    }
    return "conv", settings, {"weight": module.weight, "bias": module.bias}


def _conv_transpose(module: nn.ConvTranspose1d | nn.ConvTranspose2d) -> Parts:
    settings = {
        "stride": _sides(module.stride),
        "padding": _sides(module.padding, 0),
        "dilation": _sides(module.dilation),
        "groups": module.groups,
    }
    return "conv_transpose", settings, {"weight": module.weight, "bias": module.bias}


def _sides(value: Any, height: int = 1) -> tuple[int, int]:
    """Height and width of a setting for both, or of one along a sequence, which is a picture of one row."""
    return pair(value) if len(value) == 2 else (height, int(value[0]))


def _embedding(module: nn.Embedding) -> Parts:
    if module.max_norm is not None:
        raise UnsupportedError(f"max_norm={module.max_norm}: it changes its weights when it looks them up")
    return "embedding", {"padding": module.padding_idx}, {"weight": module.weight}


def _linear(module: nn.Linear) -> Parts:
    return "linear", {}, {"weight": module.weight, "bias": module.bias}


def _max_pool(
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Parts:
    if return_indices:
        raise UnsupportedError("return_indices=True")
    kernel = pair(kernel_size)
    settings = {"kernel": kernel, "stride": pair(stride or kernel), "padding": pair(padding), "dilation": pair(dilation)}
    return "max_pool", settings, {}


def _avg_pool(
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Parts:
    kernel = pair(kernel_size)
    settings = {
        "kernel": kernel,
        "stride": pair(stride or kernel),
        "padding": pair(padding),
        "count_include_pad": count_include_pad,
        "divisor": divisor_override,
    }
    return "avg_pool", settings, {}


def _simple(kind: str) -> Callable[..., Parts]:
    def parts(*_: Any) -> Parts:
        return kind, {}, {}

    return parts


def _softmax(kind: str) -> Callable[..., Parts]:
    def parts(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Parts:
        for given in (*args, *kwargs.values()):
            if isinstance(given, torch.dtype):
                raise UnsupportedError(f"dtype={given}; the numbers of a workbook are float64")
        return kind, {}, {}

    return parts


def _dropout(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Parts:
    if kwargs.get("training", args[2] if len(args) > 2 else True):
        raise UnsupportedError("training=True: its output is random; pass training=self.training")
    return "same", {}, {}


def _whole_call(parts: Callable[..., Parts]) -> Callable[[tuple[Any, ...], dict[str, Any]], Parts]:
    """For a function that has the arguments of `parts`."""
    return lambda args, kwargs: parts(*args, **kwargs)


def _called(parts: Callable[..., Parts]) -> Callable[[tuple[Any, ...], dict[str, Any]], Parts]:
    """For a function whose arguments after the tensor are those of `parts`."""
    return lambda args, kwargs: parts(*args[1:], **{key: value for key, value in kwargs.items() if key != "input"})


MODULES: dict[type, Callable[[Any], Parts]] = {
    nn.Conv2d: _conv,
    nn.Conv1d: _conv,
    nn.ConvTranspose1d: _conv_transpose,
    nn.ConvTranspose2d: _conv_transpose,
    nn.Linear: _linear,
    nn.Embedding: _embedding,
    NonDynamicallyQuantizableLinear: _linear,
    **norms.MODULES,
    **activations.MODULES,
    nn.MaxPool2d: lambda m: _max_pool(m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode, m.return_indices),
    nn.AvgPool2d: lambda m: _avg_pool(m.kernel_size, m.stride, m.padding, m.ceil_mode, m.count_include_pad, m.divisor_override),
    nn.AdaptiveAvgPool2d: _simple("adaptive_avg_pool"),
    nn.AdaptiveMaxPool2d: lambda m: _adaptive_max(None, m.return_indices),
    nn.Dropout: _simple("same"),
    nn.Dropout1d: _simple("same"),
    nn.Dropout2d: _simple("same"),
    nn.Identity: _simple("same"),
    nn.Softmax: _simple("softmax"),
    nn.LogSoftmax: _simple("log_softmax"),
}


def _adaptive_max(output_size: Any, return_indices: bool = False) -> Parts:
    if return_indices:
        raise UnsupportedError("return_indices=True")
    return "adaptive_max_pool", {}, {}


METHODS: dict[str, Callable[[tuple[Any, ...], dict[str, Any]], Parts]] = {
    **reductions.METHODS,
    **{name: _called(parts) for name, parts in activations.CALLS.items() if isinstance(name, str)},
    "softmax": _softmax("softmax"),
    "log_softmax": _softmax("log_softmax"),
    **dict.fromkeys(("contiguous", "clone", "detach", "long"), _simple("same")),
    **products.METHODS,
}
FUNCTIONS: dict[Any, Callable[[tuple[Any, ...], dict[str, Any]], Parts]] = {
    **reductions.FUNCTIONS,
    **{function: _called(parts) for function, parts in activations.CALLS.items() if not isinstance(function, str)},
    F.max_pool2d: _called(_max_pool),
    F.avg_pool2d: _called(_avg_pool),
    F.adaptive_avg_pool2d: _simple("adaptive_avg_pool"),
    F.adaptive_max_pool2d: _called(_adaptive_max),
    F.softmax: _softmax("softmax"),
    torch.softmax: _softmax("softmax"),
    F.log_softmax: _softmax("log_softmax"),
    torch.log_softmax: _softmax("log_softmax"),
    F.dropout: _dropout,
    **products.FUNCTIONS,
    **{function: _whole_call(parts) for function, parts in {**attention.CALLS, **recurrent.CALLS}.items()},
}

LAYERS = (
    *(*MODULES, *reductions.MODULES, *upsampling.MODULES, *moves.MODULES),
    *(*recurrent.WRITTEN_OUT, *attention.WRITTEN_OUT),
)
NAMES = [layer.__name__ for layer in LAYERS if layer is not NonDynamicallyQuantizableLinear]  # a linear layer inside attention
SUPPORTED = (
    f"{', '.join(NAMES)}; reshaping, joining, slicing and padding; sums, differences, products and quotients of two tensors; "
    "matrix products; means, sums and largest numbers over axes; weights used by hand; and Sequentials and modules of your own "
    "made of these"
)
