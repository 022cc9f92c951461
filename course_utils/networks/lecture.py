"""The lecture's small network, and its sheet's own: two edge kernels, random weights, and a drawn seven to look at."""

from collections import OrderedDict

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.networks.kernels import KERNELS
from course_utils.networks.strokes import distances


def lecture_network(outputs: int = 1, bias: bool = False) -> nn.Sequential:
    """The architecture of the lecture's sheet (1:00:11): two convolutions of two 3 x 3 kernels, max pool, fully connected.

    It takes a batch of images of shape (1, 28, 28) and gives `outputs` numbers for each.

    >>> lecture_network()(torch.zeros(1, 1, 28, 28)).shape
    torch.Size([1, 1])
    """
    layers: list[tuple[str, nn.Module]] = [
        ("conv1", nn.Conv2d(1, 2, 3, bias=bias)),
        ("relu1", nn.ReLU()),
        ("conv2", nn.Conv2d(2, 2, 3, bias=bias)),
        ("relu2", nn.ReLU()),
        ("pool", nn.MaxPool2d(2)),
        ("flatten", nn.Flatten()),
        ("fc", nn.Linear(2 * 12 * 12, outputs, bias=bias)),
    ]
    return nn.Sequential(OrderedDict(layers))


def edge_network(seed: int = 19) -> nn.Sequential:
    """The lecture's network as its sheet had it: edge kernels first (0:51:54), random weights after (1:08:05), in float64.

    The random weights have one decimal, so that they can be read and typed.
    """
    model = lecture_network().double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name == "conv1.weight":
                weight.copy_(torch.tensor([[KERNELS["top edge"]], [KERNELS["left edge"]]]))
            else:
                random = torch.rand(weight.shape, generator=generator, dtype=torch.float64) * 2 - 1
                weight.copy_((random * (1.0 if name == "conv2.weight" else 0.3)).mul(10).round().div(10))
    return model


def drawn_seven() -> Tensor:
    """A seven of shape (1, 28, 28) with values 0-1 in steps of 0.1, drawn as two strokes of a soft pen.

    >>> seven = drawn_seven()
    >>> seven.shape, seven.max().item(), seven[0, 0].sum().item()
    (torch.Size([1, 28, 28]), 1.0, 0.0)
    """
    stroke = [(7.5, 7.0), (7.0, 20.0), (22.0, 12.5)]
    ink = (2.1 - distances(np.arange(28.0), [stroke])).clip(0, 1)
    return torch.from_numpy(ink).mul(10).round().div(10)[None]
