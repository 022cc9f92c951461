"""How small a picture may be before nothing is left of it inside a network."""

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError

USUAL = 224  # the side that backbones are tried with when they are built


def check_size(body: nn.Module, size: int, arch: str = "the network") -> None:
    """Raise CourseError where pictures of `size` x `size` pixels cannot pass through `body`, and name the smallest that can.

    The network is tried on the "meta" device, where only shapes are worked out: that takes milliseconds and no memory.

    >>> from torchvision.models import alexnet
    >>> check_size(alexnet().features, 32, "alexnet")
    Traceback (most recent call last):
    ...
    course_utils.errors.CourseError: pictures of 32 x 32 pixels are too small for alexnet; give 63 or more in transforms_for
    """
    if size == USUAL or _passes(body, size) is not False:
        return
    if size > USUAL or not _passes(body, USUAL):
        raise CourseError(f"{arch} cannot take pictures of {size} x {size} pixels; give {USUAL} in transforms_for")
    too_small, enough = size, USUAL
    while enough - too_small > 1:
        middle = (too_small + enough) // 2
        if _passes(body, middle):
            enough = middle
        else:
            too_small = middle
    raise CourseError(f"pictures of {size} x {size} pixels are too small for {arch}; give {enough} or more in transforms_for")


@torch.no_grad()
def _passes(body: nn.Module, size: int) -> bool | None:
    """Whether feature maps come out, or None where that cannot be told from shapes alone."""
    tensors = {name: tensor.to("meta") for name, tensor in [*body.named_parameters(), *body.named_buffers()]}
    training = {module: module.training for module in body.modules()}
    body.eval()
    try:
        out: Tensor = torch.func.functional_call(body, tensors, (torch.empty(1, 3, size, size, device="meta"),))
        return min(out.shape[2:]) > 0
    except NotImplementedError:
        return None
    except (RuntimeError, ValueError, AssertionError):
        return False
    finally:
        for module, was in training.items():
            module.training = was
