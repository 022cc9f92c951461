"""One step of gradient descent as formulas: forward, loss, every gradient, new weights, and the loss after the step."""

import os
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.excel.book import new_book
from course_utils.excel.grid import cell
from course_utils.excel.page import Page
from course_utils.excel.plan import Formula
from course_utils.excel.target import workbook_path
from course_utils.files import replacing

INPUT = (1.0, 0.5, -1.0)
TARGET = 0  # the actual class
LEARNING_RATE = 0.5
WEIGHTS = {
    "W1": ((0.5, -0.4, 0.3), (-0.2, 0.6, -0.7)),
    "b1": (0.1, 0.0),
    "W2": ((-0.3, 0.8), (0.6, -0.5)),
    "b2": (0.0, 0.1),
}
# where things are: a column for each, the same in all four bands
X, W1, B1, A, H, W2, B2, Z, E, P, Y, L = 1, 3, 6, 8, 9, 11, 13, 15, 16, 17, 18, 19
FORWARD, BACKWARD, STEP, AGAIN = 7, 15, 23, 31
COLUMNS = {"W1": W1, "b1": B1, "W2": W2, "b2": B2}


def run(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tiny network by PyTorch: 3 inputs, 2 hidden with ReLU, 2 classes with softmax and cross-entropy.

    Gives a (before ReLU), h, z (logits), e, p and the loss.
    """
    a = F.linear(torch.tensor(INPUT, dtype=torch.float64), weights["W1"], weights["b1"])
    h = F.relu(a)
    z = F.linear(h, weights["W2"], weights["b2"])
    loss = F.cross_entropy(z[None], torch.tensor([TARGET]))
    return {"a": a, "h": h, "z": z, "e": z.exp(), "p": z.softmax(0), "loss": loss}


def gradient_workbook(path: str | os.PathLike[str]) -> Path:
    """One step of gradient descent of a tiny network, every gradient by formula and equal to autograd's (lecture 1:08:05)."""
    weights = {name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in WEIGHTS.items()}
    values = run(weights)
    made = [values[key] for key in ("a", "h", "z")]
    gradients = dict(zip(weights, torch.autograd.grad(values["loss"], list(weights.values()), retain_graph=True), strict=True))
    inner = dict(zip("ahz", torch.autograd.grad(values["loss"], made), strict=True))
    with torch.no_grad():
        new = {name: weight - LEARNING_RATE * gradients[name] for name, weight in weights.items()}
        after = run(new)
    with replacing(workbook_path(path)) as part, new_book(part) as book:
        note = (
            "Change a blue number and watch. For the next step, copy the new weights and paste their values over the blue ones."
        )
        page = Page(book, "Gradient step", "One step of gradient descent", note)
        page.widths({**dict.fromkeys(range(1, 20), 76), **dict.fromkeys((2, 7, 10, 14), 24)})
        page.sheet.freeze_panes(3, 0)
        page.put(2, 1, "learning rate", "text")
        rate = page.put(2, 3, LEARNING_RATE, "edit")
        _weights(page, FORWARD, {name: weight.detach() for name, weight in weights.items()})
        _forward(page, FORWARD, FORWARD, values, "1  Forward: from the input to the loss")
        _backward(page, values, gradients, inner)
        _step(page, rate, new)
        _forward(page, AGAIN, STEP, after, "4  Forward again with the new weights: the loss has fallen")
    return Path(path)


def _head(page: Page, band: int, title: str, names: dict[int, str], words: dict[int, str]) -> None:
    page.across(band - 3, 1, L, title, "section")
    page.sheet.set_row(band - 1, 32)
    for col, name in names.items():
        if col in (W1, W2):
            page.across(band - 2, col, B1 - 1 if col == W1 else B2 - 1, name, "heading")
        else:
            page.put(band - 2, col, name, "heading")
    for col, said in words.items():
        page.put(band - 1, col, said, "formula")


def _weights(page: Page, band: int, weights: dict[str, Tensor]) -> None:
    for name, weight in weights.items():
        rows = weight if weight.ndim == 2 else weight[:, None]
        for i, row in enumerate(rows.tolist()):
            for j, value in enumerate(row):
                page.put(band + i, COLUMNS[name] + j, value, "edit")


def _forward(page: Page, band: int, weights: int, values: dict[str, Tensor], title: str) -> None:
    """A = W1 x + b1, h = max(0, a), z = W2 h + b2, softmax and loss; `weights` is the band whose weights are used."""
    first = band == FORWARD
    names = {A: "a", H: "h", Z: "z", E: "exp(z)", P: "p", Y: "actual", L: "-ln(p)"}
    words = {A: "W1·x + b1", H: "max(0, a)", Z: "W2·h + b2", P: "exp(z) / sum"}
    if first:
        names |= {X: "x", W1: "W1", B1: "b1", W2: "W2", B2: "b2"}
        words |= {X: "input", W1: "× x1", W1 + 1: "× x2", W1 + 2: "× x3", W2: "× h1", W2 + 1: "× h2"}
    _head(page, band, title, names, words)
    for j, value in enumerate(INPUT if first else ()):
        page.put(band + j, X, value, "edit")
    total = f"({cell(band, E)}+{cell(band + 1, E)})"
    for i in range(2):
        row, own = band + i, weights + i
        a = "+".join(f"{cell(own, W1 + j)}*{cell(FORWARD + j, X, fixed=True)}" for j in range(3)) + f"+{cell(own, B1)}"
        z = "+".join(f"{cell(own, W2 + j)}*{cell(band + j, H, fixed=True)}" for j in range(2)) + f"+{cell(own, B2)}"
        page.put(row, A, Formula(a, values["a"][i].item()), "number")
        page.put(row, H, Formula(f"MAX(0,{cell(row, A)})", values["h"][i].item()), "number")
        page.put(row, Z, Formula(z, values["z"][i].item()), "number")
        page.put(row, E, Formula(f"EXP({cell(row, Z)})", values["e"][i].item()), "number")
        page.put(row, P, Formula(f"{cell(row, E)}/{total}", values["p"][i].item()), "number")
        hot = float(i == TARGET)
        page.put(row, Y, hot if first else Formula(cell(FORWARD + i, Y), hot), "edit_count" if first else "count")
        loss = -values["p"][i].log().item() if hot else 0.0
        page.put(row, L, Formula(f"-{cell(row, Y)}*LN({cell(row, P)})", loss), "number")
    page.put(band + 2, L - 1, "loss", "right")
    page.put(band + 2, L, Formula(f"{cell(band, L)}+{cell(band + 1, L)}", values["loss"].item()), "sum")


def _backward(page: Page, values: dict[str, Tensor], gradients: dict[str, Tensor], inner: dict[str, Tensor]) -> None:
    """Each gradient stands below what it belongs to, and is read from right to left."""
    names = {W1: "dW1", B1: "db1", A: "da", H: "dh", W2: "dW2", B2: "db2", Z: "dz"}
    words = {W1: "da × x1", W1 + 1: "da × x2", W1 + 2: "da × x3", B1: "da", A: "dh if a > 0, else 0", H: "W2ᵀ·dz"}
    words |= {W2: "dz × h1", W2 + 1: "dz × h2", B2: "dz", Z: "p - actual"}
    _head(page, BACKWARD, "2  Backward: how the loss changes with each number, from right to left", names, words)
    for i in range(2):
        row, before = BACKWARD + i, FORWARD + i
        dz, da = cell(row, Z), cell(row, A)
        page.put(row, Z, Formula(f"{cell(before, P)}-{cell(before, Y)}", inner["z"][i].item()), "number")
        page.put(row, B2, Formula(dz, gradients["b2"][i].item()), "number")
        for j in range(2):
            text = f"{dz}*{cell(FORWARD + j, H, fixed=True)}"
            page.put(row, W2 + j, Formula(text, gradients["W2"][i, j].item()), "number")
        dh = "+".join(f"{cell(FORWARD + k, W2 + i)}*{cell(BACKWARD + k, Z)}" for k in range(2))
        page.put(row, H, Formula(dh, inner["h"][i].item()), "number")
        page.put(row, A, Formula(f"IF({cell(before, A)}>0,{cell(row, H)},0)", inner["a"][i].item()), "number")
        page.put(row, B1, Formula(da, gradients["b1"][i].item()), "number")
        for j in range(3):
            text = f"{da}*{cell(FORWARD + j, X, fixed=True)}"
            page.put(row, W1 + j, Formula(text, gradients["W1"][i, j].item()), "number")


def _step(page: Page, rate: str, new: dict[str, Tensor]) -> None:
    names = {W1: "new W1", B1: "new b1", W2: "new W2", B2: "new b2"}
    words = dict.fromkeys((W1, B1, W2, B2), "old - rate × gradient")
    _head(page, STEP, "3  Step: each weight moves a little against its gradient", names, {**words, W1: "old - rate × gradient"})
    for name, weight in new.items():
        rows = weight if weight.ndim == 2 else weight[:, None]
        for i, row in enumerate(rows.tolist()):
            for j, value in enumerate(row):
                old, gradient = cell(FORWARD + i, COLUMNS[name] + j), cell(BACKWARD + i, COLUMNS[name] + j)
                page.put(STEP + i, COLUMNS[name] + j, Formula(f"{old}-{rate}*{gradient}", value), "number")
