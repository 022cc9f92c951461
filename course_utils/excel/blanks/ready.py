"""The blank workbooks of lesson 5, by name: each is made from a solved one, and says itself what is right."""

import math
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from course_utils.excel import gradient_sheet as steps
from course_utils.excel.blanks.blank import blank_exercise
from course_utils.excel.blanks.regions import Region
from course_utils.excel.cross_entropy_sheet import cross_entropy_workbook
from course_utils.excel.export import export_model
from course_utils.excel.grid import Rect
from course_utils.excel.softmax_sheet import softmax_workbook
from course_utils.excel.target import workbook_path
from course_utils.excel.workbooks import relu_maxpool
from course_utils.excel.writer import RED_FROM_ZERO
from course_utils.networks import KERNELS

Target = str | os.PathLike[str]
FILL_IN = "Fill in the lilac cells with formulas. The sheet Fill in says what each part wants."
NETWORK_TEXTS = {"Network!B2": FILL_IN, "Network!C3": "given", "Network!B7": "The numbers that go in."}


def blank_relu_pool(path: Target) -> Path:
    """ReLU and a 2 x 2 max pool on 6 x 6 numbers, to fill in."""
    regions = [
        Region("ReLU", "relu_out", "Each number of the input, and 0 in the place of those below 0."),
        Region("max pool", "pool_out", "The largest number of each 2 × 2 window of the ReLU; windows do not overlap."),
    ]
    return _made(relu_maxpool, path, regions, "Fill in: ReLU and max pool", "blank_relu_pool", NETWORK_TEXTS)


def blank_convolution(path: Target) -> Path:
    """A convolution of 6 x 6 numbers with two edge kernels and biases, to fill in."""
    task = "The sum of kernel × window, and the bias of this kernel: SUMPRODUCT of two areas of the same size."
    regions = [
        Region("first kernel", "Network!Q9:T12", f"{task} The kernel must not move when you copy the formula: dollar signs."),
        Region("second kernel", "Network!Q15:T18", "The same with the second kernel and its bias."),
    ]
    texts = NETWORK_TEXTS | {"Network!B2": FILL_IN + RED_FROM_ZERO}
    return _made(_convolution, path, regions, "Fill in: a convolution", "blank_convolution", texts)


def _convolution(path: Path) -> None:
    numbers = [[0] * 6, [0, 2, 2, 2, 2, 0], [0, 0, 0, 0, 2, 0], [0, 0, 0, 2, 0, 0], [0, 0, 2, 0, 0, 0], [0, 0, 2, 0, 0, 0]]
    convolution = nn.Conv2d(1, 2, 3).double()
    kernels = torch.tensor([[KERNELS["top edge"]], [KERNELS["left edge"]]])
    convolution.load_state_dict({"weight": kernels, "bias": torch.tensor([1.0, -2.0])})
    x = torch.tensor(numbers, dtype=torch.float64)[None]
    export_model(nn.Sequential(OrderedDict(conv=convolution)), x, path, title="A convolution by hand", probabilities=False)


def blank_softmax(path: Target) -> Path:
    """Softmax and sigmoid of five logits, and the cross-entropy of the true class, to fill in."""
    regions = [
        Region("power", "Softmax!D11:D16", "The base, to the power of the logit over the temperature; below, their sum."),
        Region("softmax", "Softmax!E11:E15", "The share of each class: its power over the sum of all powers."),
        Region("sigmoid", "Softmax!F11:F15", "Each class by itself: 1 / (1 + exp(-x))."),
        Region("cross-entropy", "Softmax!H11:H15", "-ln(softmax) where the class is the actual one, and 0 elsewhere."),
    ]
    texts = {"Softmax!B2": FILL_IN}
    return _made(_softmax, path, regions, "Fill in: softmax", "blank_softmax", texts)


def _softmax(path: Path) -> None:
    softmax_workbook(path, [2.0, 3.5, -1.0, 0.5, -3.0])


def blank_cross_entropy(path: Target) -> Path:
    """Cross-entropy of four pictures and three classes, from the logits to the loss of the batch, to fill in."""
    regions = [
        Region("power", "Cross-entropy!K8:M11", "e to the power of each logit."),
        Region("softmax", "Cross-entropy!O8:Q11", "The power over the sum of the powers of its picture."),
        Region(
            "loss", "Cross-entropy!S8:S12", "-ln of the softmax of the true class, where the target is 1; below, their mean."
        ),
    ]
    texts = {"Cross-entropy!B2": FILL_IN, "Cross-entropy!B13": "The loss of the batch is the mean."}
    return _made(_cross_entropy, path, regions, "Fill in: cross-entropy", "blank_cross_entropy", texts)


def _cross_entropy(path: Path) -> None:
    logits = np.array([[2.0, 0.5, -1.0], [0.0, 1.5, 1.0], [-0.5, 2.5, 3.0], [1.0, 1.0, 1.0]])
    cross_entropy_workbook(path, logits, np.eye(3)[[0, 1, 1, 2]], ["cat", "dog", "fish"], "softmax", math.e)


def blank_gradient(path: Target) -> Path:
    """Every gradient of a tiny network and its step of gradient descent, from right to left, to fill in."""
    back, step = steps.BACKWARD, steps.STEP

    def area(first: int, last: int, band: int) -> str:
        return f"Gradient step!{Rect(band, first, 2, last - first + 1).address()}"

    regions = [
        Region("dz", area(steps.Z, steps.Z, back), "How the loss changes with each logit: p - actual."),
        Region(
            "dW2, db2", area(steps.W2, steps.B2, back), "dz times what each weight was multiplied by, h; of the bias dz itself."
        ),
        Region("dh", area(steps.H, steps.H, back), "What comes back through W2: the sum of weight × dz over the two logits."),
        Region("da", area(steps.A, steps.A, back), "dh where a is above 0, and 0 elsewhere: the gradient of ReLU."),
        Region(
            "dW1, db1", area(steps.W1, steps.B1, back), "da times what each weight was multiplied by, x; of the bias da itself."
        ),
        Region(
            "new weights",
            f"{area(steps.W1, steps.B1, step)},{area(steps.W2, steps.B2, step)}",
            "Old - learning rate × gradient, for every weight and bias. Then watch the loss at the bottom.",
        ),
    ]
    texts = {"Gradient step!B2": FILL_IN}
    return _made(steps.gradient_workbook, path, regions, "Fill in: a gradient step", "blank_gradient", texts)


def _made(
    solved: Callable[[Path], Any], path: Target, regions: list[Region], title: str, name: str, texts: Mapping[str, str]
) -> Path:
    target = workbook_path(path)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "solved.xlsx"
        solved(whole)
        return blank_exercise(whole, target, regions, title, texts, 1e-6, name)


BLANKS: dict[str, Callable[[Target], Path]] = {
    make.__name__: make for make in (blank_relu_pool, blank_convolution, blank_softmax, blank_cross_entropy, blank_gradient)
}
