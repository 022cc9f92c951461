"""Outputs of a model for a mini-batch, and which of its layers cannot take the shape or type that it is given."""

from collections.abc import Callable, Sequence
from types import TracebackType

from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.training.memory import is_out_of_memory

TAKES = {  # the attribute that says how wide the inputs of a layer are, and which dimension of them it is about
    "in_features": ("{} numbers in the last dimension", -1),
    "in_channels": ("{} channels, (N, channels, ...)", 1),
    "num_features": ("{} channels, (N, channels, ...)", 1),
    "num_channels": ("{} channels, (N, channels, ...)", 1),
    "normalized_shape": ("{} in the last dimensions", -1),
    "input_size": ("{} numbers in the last dimension", -1),
    "num_embeddings": ("whole numbers (int64), from 0 up to but not including {}", None),
}


def outputs_of(model: nn.Module, inputs: Sequence[Tensor], forward: Callable[..., Tensor] | None = None) -> Tensor:
    """What a model makes of a mini-batch; a layer that does not take its input is named with both shapes, in a CourseError.

    `forward` computes instead of the model where several processes share it. Other errors pass as they are, and so do those in
    layers of a user's own. What is not one tensor is refused.

    >>> import torch
    >>> outputs_of(nn.Sequential(nn.Linear(3, 8), nn.Linear(4, 2)), [torch.zeros(16, 3)])
    Traceback (most recent call last):
    ...
    course_utils.errors.CourseError: layer '1' of the model, Linear, takes 4 numbers in the last dimension, but is given ...
    """
    try:
        outputs = (forward or model)(*inputs)
    except (RuntimeError, ValueError, IndexError) as error:
        if is_out_of_memory(error):  # looking for the layer would hold on to what it had in memory
            raise
        found = _layer_at_fault(error.__traceback__)
        if found is None:
            raise
        layer, given = found
        name = next((f"layer {name!r} of the model" for name, m in model.named_modules() if m is layer and name), "the model")
        option, (takes, dimension) = next((key, TAKES[key]) for key in TAKES if hasattr(layer, key))
        expected = getattr(layer, option)
        fits = dimension is not None and given.ndim > max(dimension, 0) and given.shape[dimension] == expected
        if fits and given.is_floating_point():
            raise  # the reason is another one
        floats = ", of floating-point numbers" if fits else ""
        advice = "Give it x.float()." if fits else "Change the layer, those before it, or the inputs."
        shapes = " and ".join(str(tuple(part.shape)) for part in inputs)
        raise CourseError(
            f"{name}, {type(layer).__name__}, takes {takes.format(expected)}{floats}, but is given {_described(given)}; a "
            f"mini-batch of the data has the shape {shapes}, N examples first. {advice}"
        ) from error
    if not isinstance(outputs, Tensor):
        raise CourseError(
            f"the model gave a {type(outputs).__name__}; a learner takes one tensor, the raw outputs (N, ...). Give it a model "
            "that returns that part alone, such as a module whose forward is `return self.network(x)[0]`."
        )
    return outputs


def _layer_at_fault(traceback: TracebackType | None) -> tuple[nn.Module, Tensor] | None:
    """The innermost of PyTorch's own layers in which an error arose, and what it was given."""
    found = None
    while traceback is not None:
        seen = traceback.tb_frame.f_locals
        layer, given = seen.get("self"), seen.get("input")
        if isinstance(layer, nn.Module) and isinstance(given, Tensor) and any(hasattr(layer, key) for key in TAKES):
            found = (layer, given)
        traceback = traceback.tb_next
    return found


def _described(given: Tensor) -> str:
    kind = "" if given.is_floating_point() else f" of {str(given.dtype).removeprefix('torch.')}"
    if not given.is_floating_point() and given.numel():
        kind += f", from {given.min()} to {given.max()}"
    return f"{tuple(given.shape)}{kind}"
