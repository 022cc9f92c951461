"""In how many bits a network computes, and in which order of memory."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.training.arguments import flag
from course_utils.training.tasks import Task


def prefers_channels_last(model: nn.Module, device: torch.device) -> bool:
    """Whether the model has convolutions that are faster where the channels of a pixel are side by side in memory.

    On an NVIDIA GPU depthwise convolutions, of one channel each, begin slowly: for each of these layers, and again for each new
    size of a mini-batch, cuDNN first compiles a kernel. Epochs of efficientnet_lite0 took 29 s at first and 1.1 s each after
    that, in plain order 2.5 and 0.8 (at 224 pixels 19 and 1.2, and 2.5 and 1.4; 2,000 pictures of 128 pixels, batches of 64,
    bfloat16, H200, cuDNN 9.19). For a long training on large pictures channels_last=True is worth that wait.

    >>> depthwise = nn.Conv2d(4, 4, 3, groups=4)
    >>> [prefers_channels_last(depthwise, torch.device(device)) for device in ("cpu", "cuda")]
    [True, False]
    """
    return any(_convolutions(model)) and not compiles_each_size(model, device)


def compiles_each_size(model: nn.Module, device: torch.device) -> bool:
    """Whether channels side by side cost a compilation for each size of a mini-batch; see `prefers_channels_last`."""
    return device.type == "cuda" and any(layer.groups == layer.in_channels > 1 for layer in _convolutions(model))


def order_for(model: nn.Module, channels_last: bool) -> torch.memory_format | None:
    """The order of memory for what has four axes; None, whatever it comes in, where nothing is convolved."""
    if channels_last:
        return torch.channels_last
    return torch.contiguous_format if any(_convolutions(model)) else None


def put_in_order(model: nn.Module, order: torch.memory_format | None) -> None:
    """Put weights and buffers with four axes into this order of memory."""
    for tensor in [*model.parameters(), *model.buffers()]:
        if not nn.parameter.is_lazy(tensor):
            tensor.data = in_order(tensor.data, order)


def in_order(x: Tensor, order: torch.memory_format | None) -> Tensor:
    """The tensor in this order of memory if it has four axes, else as it is; copied only if it has another order."""
    return x if order is None or x.ndim != 4 or x.layout != torch.strided else x.contiguous(memory_format=order)


def _convolutions(model: nn.Module) -> Iterator[nn.Conv2d]:
    return (module for module in model.modules() if isinstance(module, nn.Conv2d))


class Precision:
    """The types and the memory order in which a model computes on a device.

    Args:
        model: its weights are put into the order of memory.
        device: where it computes.
        task: what the outputs mean; see `tasks`.
        mixed: compute in 16 bits where that is safe, in bfloat16 where the device has it; by default on NVIDIA GPUs, but not
            for a regression: two or three digits are enough for probabilities, and too few for what is predicted there.
        channels_last: keep pictures (N, channels, height, width) in memory with the channels of a pixel side by side; by
            default where convolutions are faster so: see `prefers_channels_last`.

    >>> precision = Precision(nn.Conv2d(3, 4, 1), torch.device("cpu"))
    >>> (x,) = precision.inputs(torch.zeros(2, 3, 5, 5, dtype=torch.float64))
    >>> x.dtype, x.is_contiguous(memory_format=torch.channels_last)
    (torch.float32, True)
    """

    def __init__(
        self,
        model: nn.Module,
        device: torch.device,
        task: Task = "single-label",
        mixed: bool | None = None,
        channels_last: bool | None = None,
    ) -> None:
        on_gpu = device.type == "cuda"
        self.model, self.device = model, device
        self.mixed = on_gpu and task != "regression" if mixed is None else flag("mixed_precision", mixed)
        self.order_given = channels_last is not None
        self.channels_last = flag("channels_last", channels_last) if self.order_given else prefers_channels_last(model, device)
        self.sixteen_bits = torch.bfloat16 if not on_gpu or torch.cuda.is_bf16_supported() else torch.float16
        # in float16 small gradients would be 0: they are computed of the loss times a large number, which is taken out again
        self._scaler = torch.amp.GradScaler(device.type, enabled=self.mixed and self.sixteen_bits == torch.float16)
        put_in_order(model, self.order)

    @property
    def order(self) -> torch.memory_format | None:
        """The order of memory of what has four axes."""
        return order_for(self.model, self.channels_last)

    def autocast(self) -> AbstractContextManager[Any]:
        """The block in which PyTorch computes in 16 bits what may be."""
        return torch.autocast(self.device.type, self.sixteen_bits) if self.mixed else nullcontext()

    def inputs(self, x: Any) -> list[Tensor]:
        """A mini-batch, a tensor or several, on the device, in the precision and memory order of the model: its one copy."""
        weights = next((p.dtype for p in self.model.parameters() if p.is_floating_point()), torch.float32)
        parts = [
            part.to(self.device, weights if part.is_floating_point() else None)
            for part in (x if isinstance(x, tuple | list) else (x,))
        ]
        order = self.order  # the layers after the first pass it on
        return [in_order(part, order) for part in parts]

    def backward(self, loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
        """Compute the gradients of the loss for the weights that the optimiser moves; a CourseError where it has none."""
        if not loss.requires_grad:
            raise CourseError(
                "the loss does not depend on any weight that is trained: the model or the loss cuts it off, as detach(), "
                ".item(), NumPy, argmax or torch.no_grad() do; compute with the outputs as they are"
            )
        self._scaler.scale(loss).backward()
        self._scaler.unscale_(optimizer)

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """Move the weights."""
        try:
            self._scaler.step(optimizer)
        except RuntimeError as error:
            if "dense gradients" not in str(error):
                raise
            raise CourseError(
                f"{type(optimizer).__name__} moves the weights of nn.Embedding(..., sparse=True) alone, and this model has "
                "others; take torch.optim.Adam"
            ) from error
        self._scaler.update()
