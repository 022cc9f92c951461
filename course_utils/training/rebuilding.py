"""Networks that are rebuilt to hold weights from elsewhere: without memory at first, ready to answer at last."""

import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from course_utils.errors import CourseError
from course_utils.training.architecture import Example
from course_utils.training.arguments import checked_model
from course_utils.training.devices import as_device, default_device

Network = TypeVar("Network", bound=nn.Module)


class WithoutWeights(TorchFunctionMode):
    """Inside of this, `torch.empty`, from which layers make their weights, gives tensors of a shape that hold no memory."""

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        options = {**(kwargs or {}), "device": "meta"} if function is torch.empty else kwargs or {}
        return function(*args, **options)


def without_weights(build: Callable[[], Network]) -> Network:
    """The network that `build` makes, its weights shapes without memory; random numbers stay as they were.

    >>> without_weights(lambda: nn.Linear(10**6, 10**6)).weight.shape
    torch.Size([1000000, 1000000])
    """
    with WithoutWeights(), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of how weights would start
        return build()


def ready(model: Network, device: torch.device | str | None) -> Network:
    """A network that answers: in evaluation mode, in 32 bits, on a device, by default the fastest that there is.

    One whose weights are of several precisions, which only its own `forward` can know how to join, keeps them.
    """
    chosen, model = default_device() if device is None else as_device(device), cast(Network, checked_model(model))
    precisions = {weight.dtype for weight in model.parameters() if weight.is_floating_point()}
    try:
        return (model.float() if len(precisions) == 1 else model).to(chosen).eval().requires_grad_(False)
    except (RuntimeError, TypeError) as error:  # its memory is full, or it lacks one of the precisions
        reason = str(error).partition("\n")[0]
        raise CourseError(f"the network cannot be moved to {str(chosen)!r} ({reason}); give device='cpu'") from error


def same_outputs(model: nn.Module, other: nn.Module, *inputs: Tensor) -> bool:
    """Whether two networks, the second in any precision and on any device, say the same of some inputs, up to rounding.

    The first and the inputs are on the CPU, where both are computed: NVIDIA GPUs leave out bits of what they multiply (TF32).
    The second is left where it is; it may do anything in a `forward` of its own, and what that raises is another answer.
    """
    tensors = {name: tensor.detach().cpu() for name, tensor in [*other.named_parameters(), *other.named_buffers()]}
    in_32_bits = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    with torch.no_grad():
        a = model(*inputs)
        within = 1e-3 * a.abs().mean().nan_to_num().item() + 1e-6
        try:
            b = torch.func.functional_call(other, in_32_bits, inputs)
            return a.shape == b.shape and torch.allclose(a, b, rtol=1e-3, atol=within, equal_nan=True)
        except Exception:
            return False


def where_it_is(model: nn.Module, example: Example) -> list[Tensor]:
    """Inputs of a network, made by `example`, on its device, decimal numbers in its precision."""
    first = next((weight for weight in model.parameters() if weight.is_floating_point()), torch.zeros(1))
    return [x.to(first.device, first.dtype if x.is_floating_point() else x.dtype) for x in example()]
