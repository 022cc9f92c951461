"""The layers on top of a backbone, and fitting a network to images of other than three channels."""

from collections import OrderedDict
from numbers import Real

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.training.arguments import checked_model, shown


class ConcatPool(nn.Module):
    """Pools each feature map to its mean and its maximum: (N, features, h, w) becomes (N, 2 x features).

    >>> ConcatPool()(torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]]))
    tensor([[3., 6.]])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Average and maximum, side by side."""
        return torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)


def head(features: int, classes: int, dropout: float = 0.5, hidden: int = 512) -> nn.Sequential:
    """Two fully connected layers from pooled features (N, features) to logits (N, classes), as in the lecture's library.

    Each is preceded by batch norm and dropout, half of `dropout` before the first. Weights start as He et al. (2015) propose.

    >>> head(2560, 2)(torch.zeros(4, 2560)).shape
    torch.Size([4, 2])
    """
    if not isinstance(dropout, Real) or not 0 <= dropout < 1:
        raise CourseError(f"dropout is {dropout!r}; it is the fraction of activations to drop, from 0 to below 1")
    layers = nn.Sequential(
        nn.BatchNorm1d(features),
        nn.Dropout(dropout / 2),
        nn.Linear(features, hidden),
        nn.ReLU(inplace=True),
        nn.BatchNorm1d(hidden),
        nn.Dropout(dropout),
        nn.Linear(hidden, classes),
    )
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
    return layers


def with_head(body: nn.Module, features: int, classes: int, dropout: float = 0.5) -> nn.Sequential:
    """A backbone's `body` that makes this many feature maps, a `pool` and a `head` on top: pictures to logits (N, classes)."""
    layers = {"body": body, "pool": ConcatPool(), "head": head(2 * features, classes, dropout)}
    return nn.Sequential(OrderedDict(layers))


def adapt_input_channels(model: nn.Module, channels: int) -> nn.Module:
    """Let a network for red, green and blue take images of 1, 2 or 4 channels; its first convolution is changed in place.

    What it has learnt is kept, by arithmetic on the kernels instead of copies of the image (lecture 1:06:14-1:08:05):

    - 1 channel: the three kernels are added up, which equals feeding three copies of the channel;
    - 2 channels: half of the third kernel is added to each of the others, which equals a third channel that is their mean;
    - 4 channels: the fourth gets a kernel of zeros, so that it is ignored until training finds a use for it.

    >>> model = adapt_input_channels(nn.Sequential(nn.Conv2d(3, 8, 3)), 4)
    >>> model(torch.zeros(1, 4, 9, 9)).shape
    torch.Size([1, 8, 7, 7])
    """
    first = next((m for m in checked_model(model).modules() if isinstance(m, nn.Conv2d)), None)
    if first is None or first.in_channels != 3 or first.groups != 1:
        found = "none" if first is None else f"{first.in_channels} input channels in {first.groups} group(s)"
        raise CourseError(f"the first convolution must take 3 channels to be adapted; this model has {found}")
    red, green, blue = first.weight.detach().unbind(dim=1)
    kernels = {
        1: [red + green + blue],
        2: [red + blue / 2, green + blue / 2],
        3: [red, green, blue],
        4: [red, green, blue, torch.zeros_like(red)],
    }
    if not isinstance(channels, int) or channels not in kernels:
        raise CourseError(f"a network cannot be adapted to {shown(channels)} channels; give 1, 2, 3 or 4")
    first.weight = nn.Parameter(torch.stack(kernels[channels], dim=1), requires_grad=first.weight.requires_grad)
    first.in_channels = channels
    return model
