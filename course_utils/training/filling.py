"""Tensors taken out of a network and put into it: what files of weights hold."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.training.architecture import unwrapped


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """Copies of all parameters and buffers in the CPU's memory; a tensor under two names (tied weights) is there twice.

    Raises a CourseError that names the first that a safetensors file cannot hold: a sparse or a quantised one, complex numbers
    of 128 bits, or no tensor at all.
    """
    weights = unwrapped(model).state_dict()
    if others := [name for name, value in weights.items() if not isinstance(value, Tensor)]:
        raise CourseError(
            f"the model keeps more than numbers, first {others[0]} (get_extra_state or quantised layers), and files of weights "
            "hold tensors alone; keep it as a buffer, self.register_buffer(name, tensor), and quantise networks once loaded"
        )
    for name, tensor in weights.items():
        if unfit := _unfit(tensor):
            raise CourseError(f"files of weights cannot hold {name}, which is {unfit}")
    return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}


def _unfit(tensor: Tensor) -> str:
    """Why a safetensors file cannot hold a tensor, and what to do; nothing where it can."""
    if tensor.is_quantized:
        return f"quantised ({_named(tensor.dtype)}): keep the network as it was before, and quantise it once it is loaded"
    if tensor.layout != torch.strided:
        return f"sparse ({_named(tensor.layout)}): keep it as a plain tensor, tensor.to_dense()"
    if tensor.dtype in (torch.complex32, torch.complex128):
        return f"of {_named(tensor.dtype)}: keep it as torch.complex64, or as real numbers: torch.view_as_real(tensor)"
    return ""


def _named(kind: torch.dtype | torch.layout) -> str:
    return str(kind).removeprefix("torch.")


def put_weights(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Put weights into a network of the same layers, in place, or as they are where it has shapes without memory.

    A buffer whose numbers share their memory, as `expand` makes them, gets memory for each before.

    >>> layer = nn.Linear(2, 1)
    >>> layer.register_buffer("scale", torch.ones(1).expand(2))
    >>> put_weights(layer, {"weight": torch.zeros(1, 2), "bias": torch.zeros(1), "scale": torch.tensor([1.0, 2.0])})
    >>> layer.scale
    tensor([1., 2.])
    """
    for module in network.modules():
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.layout == torch.strided and 0 in buffer.stride() and buffer.numel() > 1:
                setattr(module, name, buffer.clone(memory_format=torch.contiguous_format))
    network.load_state_dict(dict(weights), assign=any(tensor.is_meta for tensor in network.state_dict().values()))
