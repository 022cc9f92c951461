"""A network of one number in and one number out: two linear layers with an activation function, or nothing, between."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

Array = NDArray[np.float64]

FUNCTIONS = {"nothing": "nothing", "relu": "ReLU", "leaky_relu": "leaky ReLU", "sigmoid": "sigmoid", "tanh": "tanh"}
TARGETS = ("wave", "hill", "stairs")
REACH = 5.0  # the network is looked at from -5 to 5
GRID = np.linspace(-REACH, REACH, 161)


def activation(name: str, x: Tensor, leak: float) -> Tensor:
    """One of FUNCTIONS of each number.

    >>> activation("leaky_relu", torch.tensor([-2.0, 2.0]), leak=0.1).tolist()
    [-0.20000000298023224, 2.0]
    """
    if name == "nothing":
        return x
    if name == "leaky_relu":
        return F.leaky_relu(x, leak)
    made: Tensor = getattr(torch, name)(x)
    return made


def target_curve(name: str, x: Array) -> Array:
    """What the network should follow: 2 sin(x), a hill in the middle, or four steps.

    >>> target_curve("stairs", np.array([-4.0, 0.0, 4.0])).tolist()
    [-1.5, 0.5, 1.5]
    """
    if name == "wave":
        return 2 * np.sin(x)
    if name == "hill":
        return 2.5 * np.exp(-(x**2) / 2)
    return np.minimum(np.floor((x + REACH) / 2.5), 3) - 1.5


def fitted(target: str, count: int) -> tuple[Array, float]:
    """Weights, biases and second weights of `count` units, (count, 3), and the offset, with which ReLU meets the target at even
    places: each unit begins at one of them and changes the slope to that of the next stretch.

    >>> units, offset = fitted("wave", 4)
    >>> f"{offset + sum(v * max(0, w * 2.5 + b) for w, b, v in units):.9f}", f"{2 * np.sin(2.5):.9f}"
    ('1.196944288', '1.196944288')
    """
    places = np.linspace(-REACH, REACH, count + 1)
    heights = target_curve(target, places)
    slopes = np.diff(heights) / np.diff(places)
    changes = np.diff(slopes, prepend=0.0)
    return np.stack([np.ones(count), -places[:-1], changes], axis=1), float(heights[0])


def layers(units: Array, offset: float, between: str, leak: float) -> nn.Sequential:
    """The network as a PyTorch model in float64, from (1,) to (1,)."""
    first, second = nn.Linear(1, len(units)).double(), nn.Linear(len(units), 1).double()
    with torch.no_grad():
        first.weight.copy_(torch.tensor(units[:, :1]))
        first.bias.copy_(torch.tensor(units[:, 1]))
        second.weight.copy_(torch.tensor(units[:, 2])[None])
        second.bias.fill_(offset)
    kinds: dict[str, nn.Module] = {
        "relu": nn.ReLU(), "leaky_relu": nn.LeakyReLU(leak), "sigmoid": nn.Sigmoid(), "tanh": nn.Tanh()
    }  # fmt: skip
    model = nn.Sequential()
    model.add_module("layer1", first)
    if between in kinds:
        model.add_module(between, kinds[between])
    model.add_module("layer2", second)
    return model
