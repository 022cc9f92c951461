"""What people hand to an exporter, as a model and a tensor, or refused with the reason."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from course_utils.excel.errors import ExportError

PICTURES = ("1", "L", "RGB", "RGBA")  # the modes of Pillow whose numbers are 0-255, or 0 and 1


def as_model(model: Any) -> tuple[nn.Module, str]:
    """The layers inside DataParallel and torch.compile, and what the keys of the state dict begin with because of these.

    >>> as_model(nn.DataParallel(nn.Linear(2, 1)))
    (Linear(in_features=2, out_features=1, bias=True), 'module.')
    """
    prefix = ""
    while True:
        if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            model, prefix = model.module, f"{prefix}module."
        elif isinstance(getattr(model, "_orig_mod", None), nn.Module):
            model, prefix = model._orig_mod, f"{prefix}_orig_mod."
        else:
            break
    if isinstance(model, type) and issubclass(model, nn.Module):
        raise ExportError(f"{model.__name__} is a class; give a model made of it, {model.__name__}(...)")
    if not isinstance(model, nn.Module):
        raise ExportError(f"a model was expected, a torch.nn.Module, and got {type(model).__name__}")
    if isinstance(model, torch.jit.ScriptModule):
        raise ExportError("a scripted model has no layers to follow; give the model that torch.jit made it from")
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        layer = name.rpartition(".")[0] or type(model).__name__
        if is_lazy(tensor):
            raise ExportError(f"{layer}: its weights have no shape yet (a lazy layer); run the model once on an input")
        if tensor.is_complex() or tensor.device.type == "meta":
            kind = "complex numbers" if tensor.is_complex() else "no numbers (it is on the meta device)"
            raise ExportError(f"{layer}: its {name.rpartition('.')[2]} holds {kind}; a cell holds a real number")
    return model, prefix


def as_input(x: Any) -> Tensor:
    """A tensor of an array, a picture, a list or a number; a picture's 0-255 become 0-1, channels first, as `to_tensor` does.

    >>> as_input([1.0, 2.0]), as_input(np.zeros((1, 6, 6))).shape, as_input(3.0).shape
    (tensor([1., 2.]), torch.Size([1, 6, 6]), torch.Size([1]))
    """
    if hasattr(x, "getbands") and hasattr(x, "mode"):
        x = _picture(x)
    if isinstance(x, (tuple, list)) and len(x) > 1 and any(isinstance(part, (Tensor, np.ndarray)) for part in x):
        raise ExportError(f"a model with one input was expected, and x holds {len(x)} of them; give the tensor of one input")
    if not isinstance(x, Tensor):
        try:
            x = torch.tensor(np.array(x) if isinstance(x, np.ndarray) else x)
        except (TypeError, ValueError, RuntimeError, OverflowError) as error:
            raise ExportError(
                f"x should be numbers, as a tensor, an array, a Pillow image or a list with rows of one length, and is a "
                f"{type(x).__name__} ({str(error).splitlines()[0]})"
            ) from error
    if x.is_complex() or x.layout != torch.strided or x.device.type == "meta":
        raise ExportError(f"x is a tensor of {x.dtype}, {x.layout}, on {x.device}; a dense one of real numbers was expected")
    return x.reshape(1) if x.ndim == 0 else x


def _picture(image: Any) -> Tensor:
    if image.mode not in PICTURES:
        raise ExportError(f"the image has mode {image.mode}; give image.convert('RGB'), or convert('L') for grey")
    try:
        pixels = np.array(image.convert("L") if image.mode == "1" else image)
    except Exception as error:  # Pillow reads the file only now, and raises many kinds
        raise ExportError(f"the image cannot be read: {error}") from error
    tensor = torch.tensor(pixels)
    return (tensor[None] if tensor.ndim == 2 else tensor.permute(2, 0, 1)).float() / 255
