"""What people hand over as a model and its input: as a module and a tensor, or refused with the reason."""

import inspect
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from course_utils.masked import refuse_masked
from course_utils.tracing.errors import TraceError
from course_utils.tracing.wrapped import inside

PICTURES = ("1", "L", "RGB", "RGBA")  # the modes of Pillow whose numbers are 0-255, or 0 and 1
DEEP = ("I", "F")  # and those with numbers beyond
DTYPES = {  # by name, of weights and inputs whose numbers a float64 holds
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.bool),
        *(torch.uint8, torch.uint16, torch.uint32, torch.int8, torch.int16, torch.int32, torch.int64),
    )
}
CHANNELS = range(1, 5)


def as_model(model: Any) -> tuple[nn.Module, str]:
    """The layers inside DataParallel and torch.compile, and what the keys of the state dict begin with because of these.

    >>> as_model(nn.DataParallel(nn.Linear(2, 1)))
    (Linear(in_features=2, out_features=1, bias=True), 'module.')
    """
    model, prefix = inside(model)
    if isinstance(model, type) and issubclass(model, nn.Module):
        raise TraceError(f"{model.__name__} is a class; give a model made of it, {model.__name__}(...)")
    if not isinstance(model, nn.Module):
        raise TraceError(f"a model was expected, a torch.nn.Module, and got {type(model).__name__}{_instead(model)}")
    name = type(model).__name__
    if isinstance(model, torch.jit.ScriptModule):
        raise TraceError("a scripted model has no layers to follow; give the model that torch.jit made it from")
    if getattr(type(model).forward, "__name__", "") == "_forward_unimplemented":  # nn.Module's own
        several = isinstance(model, (nn.ModuleList, nn.ModuleDict))
        advice = (
            "put its layers into an nn.Sequential" if several else "write what it does with an input into def forward(self, x)"
        )
        raise TraceError(f"{name} has no forward, so nothing runs; {advice}")
    for key, tensor in (*model.named_parameters(), *model.named_buffers()):
        layer, _, role = key.rpartition(".")
        if is_lazy(tensor):
            raise TraceError(f"{layer or name}: its weights have no shape yet (a lazy layer); run the model once on an input")
        if tensor.is_complex() or tensor.device.type == "meta":
            kind = "complex numbers" if tensor.is_complex() else "no numbers (it is on the meta device)"
            advice = "real ones were expected" if tensor.is_complex() else "make the model on the CPU and load its weights"
            raise TraceError(f"{layer or name}: its {role} holds {kind}; {advice}")
        if tensor.dtype not in DTYPES.values():
            raise TraceError(f"{layer or name}: its {role} is {_dtype(tensor)}; give model.float()")
    return model, prefix


def _instead(given: Any) -> str:
    """What to write instead of what somebody took for a model."""
    if isinstance(given, Mapping):
        return "; these are weights: make the model, and take them in with model.load_state_dict(...)"
    if isinstance(given, (str, os.PathLike)):
        return "; read the file, and give the model that its weights belong to"
    if isinstance(given, (tuple, list)):
        return "; several layers are one model in nn.Sequential(...)"
    return ""


def as_input(x: Any) -> tuple[Tensor, bool]:
    """A tensor of what was given, and whether it was a picture of bytes, whose 0-255 became 0-1.

    One rule for pictures of bytes, whatever holds them: a Pillow image, and an array or tensor of uint8 with two or three axes,
    become float32 from 0 to 1 with the channels first, as torchvision's `to_tensor` makes them. All other numbers stay as they
    are, and so does the order of their axes.

    >>> as_input([1.0, 2.0]), as_input(3.0)[0].shape
    ((tensor([1., 2.]), False), torch.Size([1]))
    >>> picture, scaled = as_input(np.full((6, 8, 3), 255, np.uint8))
    >>> picture.shape, picture.max().item(), scaled
    (torch.Size([3, 6, 8]), 1.0, True)
    """
    tensor = _as_tensor(x)
    if tensor.device.type == "meta":
        raise TraceError("x is on the meta device, where a tensor holds no numbers; make it on the CPU")
    if tensor.layout != torch.strided:
        raise TraceError(f"x is a tensor of the layout {tensor.layout}; a dense one was expected, x.to_dense()")
    if tensor.dtype not in DTYPES.values():
        way = "x.dequantize()" if tensor.is_quantized else "x.abs()" if tensor.is_complex() else "x.float() or x.astype(float)"
        raise TraceError(f"x holds {_dtype(tensor)}; real numbers of at most 64 bits were expected, such as {way}")
    tensor = tensor.detach().cpu()
    if tensor.dtype == torch.int64 and not torch.equal(tensor.double().long(), tensor):
        raise TraceError(
            "x holds whole numbers above 9,007,199,254,740,992, which float64 does not hold to the last digit; divide them"
        )
    single = tensor[0] if tensor.ndim == 4 and len(tensor) == 1 else tensor
    if tensor.dtype == torch.uint8 and tensor.numel() and (single.ndim == 3 or (single.ndim == 2 and len(single) > 1)):
        single = single[None] if single.ndim == 2 else single if single.shape[0] in CHANNELS else _with_channels_first(single)
        return (single[None] if tensor.ndim == 4 else single).float() / 255, True
    if not torch.isfinite(tensor.double()).all():
        raise TraceError(
            "x holds values that are not finite (nan or inf), which cannot be shown; put numbers in their place, as in "
            f"{'torch.nan_to_num(x)' if isinstance(x, Tensor) else 'numpy.nan_to_num(x)'}"
        )
    return tensor.reshape(1) if tensor.ndim == 0 else tensor, False


def _as_tensor(x: Any) -> Tensor:
    if isinstance(x, Tensor):
        return x
    if hasattr(x, "getbands") and hasattr(x, "mode"):
        return torch.tensor(_pixels(x))
    parts = [part for part in x if _is_array(part)] if isinstance(x, (tuple, list)) else []
    if parts:
        advice = "give x[0]" if len(x) == 1 else "give the tensor of one input"
        raise TraceError(f"a model with one input was expected, and x holds {len(x)} of them; {advice}")
    refuse_masked("x", x, TraceError)
    try:
        return torch.tensor(np.array(x) if hasattr(x, "__array__") else x)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise TraceError(
            f"x should be numbers, as a tensor, an array, a Pillow image or a list with rows of one length, and is a "
            f"{type(x).__name__} ({_reason(x, error)})"
        ) from error


def _reason(x: Any, error: Exception) -> str:
    if isinstance(x, (str, os.PathLike)):
        return "of a file of a picture, give what PIL.Image.open makes of it"
    return str(error).splitlines()[0].partition(". The only supported")[0]


def _pixels(image: Any) -> np.ndarray:
    if image.mode in DEEP or image.mode.startswith("I;16"):
        raise TraceError(
            f"the image has mode {image.mode}, whose numbers are not 0-255; give an array of what the model reads, such as "
            "numpy.array(image, dtype=float)[None] / 65535"
        )
    if image.mode not in PICTURES:
        raise TraceError(f"the image has mode {image.mode}; give image.convert('RGB'), or convert('L') for grey")
    try:
        return np.array(image.convert("L") if image.mode == "1" else image)
    except Exception as error:  # Pillow reads the file only now, and raises many kinds
        raise TraceError(f"the image cannot be read: {error}") from error


def _with_channels_first(picture: Tensor) -> Tensor:
    """A picture of bytes as NumPy and Pillow have it, (height, width, channels), as PyTorch has it."""
    return picture.permute(2, 0, 1) if picture.shape[2] in CHANNELS else picture


def as_inputs(x: Any, model: nn.Module) -> tuple[dict[str, tuple[Tensor, bool]], str]:
    """Each argument of the model's forward with its tensor, and in which form they were given: "one", a "tuple" or a "dict".

    Several tensors are given as a dictionary by the names of these arguments, or as a tuple in their order; those with a
    default may be left out.

    >>> class Sum(nn.Module):
    ...     def forward(self, a, b):
    ...         return a + b
    >>> given, form = as_inputs({"a": [1.0], "b": [2.0]}, Sum())
    >>> list(given), form
    (['a', 'b'], 'dict')
    """
    names, needed = _arguments(model)
    takes = f"{type(model).__name__}.forward takes {', '.join(names)}"
    if isinstance(x, Mapping):
        if unknown := [key for key in x if key not in names]:
            raise TraceError(f"x holds {unknown[0]!r}, and {takes}; give a dictionary by these names")
        if missing := [name for name in needed if name not in x]:
            raise TraceError(f"x holds no {missing[0]!r}, and {takes}; give a dictionary with each of them")
        return {name: _named(name, x[name]) for name in names if name in x}, "dict"
    if isinstance(x, (tuple, list)) and (len(needed) > 1 or (len(names) >= len(x) > 1 and all(map(_is_array, x)))):
        if not len(needed) <= len(x) <= len(names):
            raise TraceError(f"x holds {len(x)} inputs, and {takes}; give as many")
        return {name: _named(name, part) for name, part in zip(names, x, strict=False)}, "tuple"
    if len(needed) > 1:
        several = f"({', '.join(needed)})"
        raise TraceError(
            f"one input was given, and {takes}; give x={several}, a tuple of as many, or a dictionary by these names"
        )
    return {names[0] if names else "input": as_input(x)}, "one"


def _is_array(part: Any) -> bool:
    """Whether it is an input of its own, and no number of one."""
    return isinstance(part, (Tensor, np.ndarray)) and part.ndim > 0


def _named(name: str, part: Any) -> tuple[Tensor, bool]:
    try:
        return as_input(part)
    except TraceError as error:
        raise TraceError(f"of the input {name!r}, {error}") from error.__cause__


def _arguments(model: nn.Module) -> tuple[list[str], list[str]]:
    """The names of what forward takes by place, and of those that have no default."""
    taken = [
        parameter
        for parameter in inspect.signature(model.forward).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    return [each.name for each in taken], [each.name for each in taken if each.default is each.empty]


def as_batch(x: Tensor, given: Any, reads: str, sequence_first: bool = False) -> Tensor:
    """`x` in float64 with a batch axis of 1; TraceError where it is no one example, with what to write instead.

    `reads` is what the model is for: "pictures" (channels, height, width), "sequences" (positions, features; of whole numbers
    only positions), or "any", where a tensor with three axes and one row is a sequence with its batch axis. With
    `sequence_first` the batch axis of a sequence is the second one, as recurrent layers have it by default.
    """
    shape = tuple(x.shape)
    if 0 in shape or not shape:
        raise TraceError(f"{_expected(shape)}, which holds no numbers")
    if len(shape) > 4:
        raise TraceError(f"{_expected(shape)}; x.squeeze() takes away axes of 1")
    if reads == "sequences" and len(shape) in (1, 2, 3):
        features = 0 if _whole(x) else 1  # a sequence of codes has no axis of features
        if len(shape) == 1 + features:
            return x.double().unsqueeze(1 if sequence_first else 0)
        if len(shape) == 2 + features:
            if shape[1 if sequence_first else 0] != 1:
                axes = "(positions, 1, features)" if sequence_first else "(1, positions, features)"
                raise TraceError(
                    f"one sequence was expected, {axes}, and x has shape {shape}; for one of a batch give "
                    f"{'x[:, :1]' if sequence_first else 'x[:1]'}"
                )
            return x.double()
    if reads == "any" and len(shape) == 3 and shape[0] == 1:
        return x.double()
    if len(shape) in (2, 4) and shape[0] != 1:
        grey = "; for one grey picture or one sequence give x[None]" if len(shape) == 2 else ""
        raise TraceError(f"{_expected(shape)}; for one of a batch give x[0]{grey}")
    single = shape[1:] if len(shape) in (2, 4) else shape
    if len(single) == 3 and single[0] not in CHANNELS:
        one = "x[0]" if len(shape) == 4 else "x"
        if single[2] not in CHANNELS:
            advice = f"a picture has 1-4 channels; give some of them, as in {one}[:3]"
        else:
            advice = f"give {channels_first(given, one)}"
        raise TraceError(f"an image of 1-4 channels was expected, channels first, and x has shape {shape}; {advice}")
    return x.double().reshape(1, *single)


def _whole(x: Tensor) -> bool:
    return not x.is_floating_point() and x.dtype != torch.bool


def channels_first(given: Any, name: str) -> str:
    """What to write for the picture called `name`, which has its channels last.

    >>> channels_first(np.zeros((6, 6, 3)), "image")
    'image.transpose(2, 0, 1)'
    """
    if isinstance(given, Tensor):
        return f"{name}.permute(2, 0, 1)"
    return f"{name if isinstance(given, np.ndarray) else f'numpy.array({name})'}.transpose(2, 0, 1)"


def _expected(shape: tuple[int, ...]) -> str:
    return f"one input was expected, an image (channels, height, width) or a vector (features,), and x has shape {shape}"


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
