"""The ready-made workbooks of the lessons, by name."""

import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn, optim
from torch.nn.functional import binary_cross_entropy_with_logits

from course_utils.excel.export import export_model
from course_utils.excel.gradient_sheet import gradient_workbook
from course_utils.excel.parameters_sheet import parameters_workbook
from course_utils.excel.softmax_sheet import softmax_workbook
from course_utils.excel.training import export_training
from course_utils.networks import digits_network, drawn_seven, edge_network


def conv_example(path: str | os.PathLike[str]) -> Path:
    """The lecture's sheet: a 28 x 28 seven, two edge kernels, a second convolution, max pool and one fully connected output."""
    return export_model(
        edge_network(),
        drawn_seven(),
        path,
        title="A convolutional network on a seven",
        labels={"conv1": "conv1 · two edge kernels", "conv2": "conv2 · two kernels of 2 × 3 × 3"},
        fuse_relu_with_layer=True,
    )


def digits(path: str | os.PathLike[str]) -> Path:
    """A trained network that reads a handwritten digit: change a pixel and watch the probability of each class."""
    model, digit, label = digits_network()
    title = "Which digit is it? Change a pixel and watch the probabilities"
    return export_model(model, digit, path, class_names=range(10), title=title, actual=label, fuse_relu_with_layer=True)


def relu_maxpool(path: str | os.PathLike[str]) -> Path:
    """ReLU and a 2 x 2 max pool on 6 x 6 numbers, small enough to follow by hand."""
    numbers = [
        [3, -1, 2, 0, -4, 1],
        [-2, 5, -3, 1, 2, -1],
        [0, -6, -1, -2, 4, 3],
        [1, -3, -5, -4, -2, 6],
        [-7, 2, 3, -1, 0, -3],
        [4, -2, 1, 2, -5, -8],
    ]
    model = nn.Sequential(OrderedDict([("relu", nn.ReLU()), ("pool", nn.MaxPool2d(2))]))
    x = torch.tensor(numbers, dtype=torch.float64)[None]
    return export_model(model, x, path, title="ReLU and max pool by hand")


def softmax(path: str | os.PathLike[str]) -> Path:
    """Softmax beside sigmoid for five classes: fresh random numbers at each recalculation, a temperature, cross-entropy."""
    return softmax_workbook(path)


def gradient_step(path: str | os.PathLike[str]) -> Path:
    """One step of gradient descent of a tiny network: forward, loss, every gradient and the new weights as formulas."""
    return gradient_workbook(path)


# 2x + 3 at 0, 0.25, ..., 7, and chance with a standard deviation of 1
POINTS = (
    *(3.1, 4.8, 3.1, 5.5, 4.7, 5.2, 7.9, 6.7, 7.0, 8.2, 9.1, 8.5, 9.6, 8.5, 9.6),
    *(10.1, 9.7, 10.0, 10.4, 12.3, 12.8, 13.2, 14.1, 13.2, 14.9, 15.7, 16.8, 15.7, 16.6),
)


def gradient_descent(path: str | os.PathLike[str]) -> Path:
    """A line through 29 points by five optimisers side by side, every step by formula: turn the rates and watch the losses."""
    y = torch.tensor(POINTS, dtype=torch.float64)
    line = _set(nn.Linear(1, 1, dtype=torch.float64), [[0.0]], [0.0])
    weights = list(line.parameters())
    optimisers = {
        "SGD": optim.SGD(weights, lr=0.03),
        "momentum": optim.SGD(weights, lr=0.02, momentum=0.8),
        "RMSprop": optim.RMSprop(weights, lr=0.1),
        "Adam": optim.Adam(weights, lr=0.3),
        "AdamW": optim.AdamW(weights, lr=0.3, weight_decay=0.1),
    }
    title = "A line through 29 points, by five optimisers side by side"
    return export_training(line, torch.arange(29) / 4, y, path, optimisers, steps=50, title=title)


def learn_xor(path: str | os.PathLike[str]) -> Path:
    """Two hidden numbers learn exclusive or, forward and backward by formula, with a map of what is learnt after each step."""
    corners = torch.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]], dtype=torch.float64)
    either = torch.tensor([0.0, 1, 1, 0], dtype=torch.float64)
    first = _set(nn.Linear(2, 2, dtype=torch.float64), [[0.5, -0.6], [-0.9, 0.8]], [-0.2, -0.4])
    second = _set(nn.Linear(2, 1, dtype=torch.float64), [[0.2, -0.4]], [-0.5])
    model = nn.Sequential(first, nn.Tanh(), second)
    weights = list(model.parameters())
    optimisers = {"momentum": optim.SGD(weights, lr=1, momentum=0.8), "Adam": optim.Adam(weights, lr=0.2)}
    title = "Two hidden numbers learn exclusive or"
    return export_training(model, corners, either, path, optimisers, 60, binary_cross_entropy_with_logits, title=title)


def _set(layer: nn.Linear, weight: list[list[float]], bias: list[float]) -> nn.Linear:
    """A layer with these weights."""
    layer.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
    return layer


def vgg_parameters(path: str | os.PathLike[str]) -> Path:
    """Where the parameters of VGG16 and ResNet-34 are, layer by layer, with live counts."""
    return parameters_workbook(path)


WORKBOOKS: dict[str, Callable[[str | os.PathLike[str]], Path]] = {
    make.__name__: make
    for make in (
        conv_example,
        digits,
        softmax,
        relu_maxpool,
        gradient_step,
        gradient_descent,
        learn_xor,
        vgg_parameters,
    )
}
