"""The ready-made workbooks of the lessons, by name."""

import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from course_utils.excel.export import export_model
from course_utils.excel.gradient_sheet import gradient_workbook
from course_utils.excel.parameters_sheet import parameters_workbook
from course_utils.excel.softmax_sheet import softmax_workbook
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


def vgg_parameters(path: str | os.PathLike[str]) -> Path:
    """Where the parameters of VGG16 and ResNet-34 are, layer by layer, with live counts."""
    return parameters_workbook(path)


WORKBOOKS: dict[str, Callable[[str | os.PathLike[str]], Path]] = {
    make.__name__: make for make in (conv_example, digits, softmax, relu_maxpool, gradient_step, vgg_parameters)
}
