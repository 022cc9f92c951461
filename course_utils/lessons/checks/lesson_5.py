"""Lesson 5: kernels, sizes and weights, gradients without rules, sums of ReLUs, and a softmax that holds."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.lessons.checks.marking import NotYet, Part, called, exercise, given

Array = NDArray[np.float64]


def _array(value: Any, what: str) -> Array:
    try:
        return np.asarray(value.detach() if isinstance(value, Tensor) else value, float)
    except (TypeError, ValueError):
        raise NotYet(f"{what} is {given(value)}; expected numbers.") from None


def _random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@exercise(
    "5.1",
    'three kernels of 3 x 3: {"same": ..., "left": ..., "blur": ...}',
    "The output has the number at (row, column) whose window begins there: its middle is one down and one to the right.",
    "A kernel with a single 1 copies one number of each window. Blurring takes a mean, so what do the weights add up to?",
)
def three_kernels(kernels: Mapping[str, Any]) -> Iterator[Part]:
    """Each is laid over a random picture by PyTorch, and compared with what it should do to the picture."""
    if not isinstance(kernels, Mapping):
        raise NotYet(f"{given(kernels)} is not a dictionary of three kernels.")
    if missing := [name for name in ("same", "left", "blur") if name not in kernels]:
        raise NotYet(f"there is no kernel called {missing[0]!r}.")
    picture = _random(1, 1, 12, 12)

    def laid_over(name: str, over: Tensor) -> Tensor:
        kernel = _array(kernels[name], f"kernel {name!r}")
        if kernel.shape != (3, 3):
            raise NotYet(f"kernel {name!r} has shape {kernel.shape}; expected (3, 3).")
        return F.conv2d(over, torch.from_numpy(kernel)[None, None])[0, 0]

    inside = picture[0, 0, 1:-1]
    same, left, blurred = (laid_over(name, picture) for name in ("same", "left", "blur"))
    yield Part(0.3, torch.allclose(same, inside[:, 1:-1]), 'with "same" the picture changes.')
    moved = 'with "left" the picture moves to the right.' if torch.allclose(left, inside[:, :-2]) else None
    yield Part(0.3, torch.allclose(left, inside[:, 2:]), moved or 'with "left" the picture does not move left by one pixel.')
    grey = laid_over("blur", torch.full((1, 1, 5, 5), 0.5, dtype=torch.float64)).mean().item()
    yield Part(0.2, abs(grey - 0.5) < 0.01, f'"blur" makes {grey:.2f} of a picture that is 0.50 everywhere.')
    smoother = (blurred.std() < 0.6 * picture.std()).item()
    yield Part(0.2, smoother, 'with "blur" neighbouring pixels are still about as different as before.')


@exercise(
    "5.2",
    "a function of an image and a kernel that gives what mathematicians call their convolution, where the kernel fits",
    "Turn the kernel by 180 degrees: the last number comes first, row by row and within each row.",
    "kernel[::-1, ::-1] is turned; np.ascontiguousarray helps where PyTorch refuses it.",
)
def turned_kernel(function: Callable[[Array, Array], Any]) -> Iterator[Part]:
    """Compared with PyTorch's on the turned kernel, and with plausible other turns to say which one it was."""
    image, kernel = _random(7, 9), _random(3, 3, seed=1)

    def slid(turned: Tensor) -> Array:
        laid: Array = F.conv2d(image[None, None], turned[None, None])[0, 0].numpy()
        return laid

    found = _array(called(function, image.numpy(), kernel.numpy()), "what your function gives")
    right = slid(kernel.flip(0, 1))
    yield Part(0.2, found.shape == right.shape, f"of an image of 7 x 9 it made {found.shape}; expected {right.shape}.")
    if found.shape != right.shape:
        return
    said = "it gives other numbers."
    for turned, how in (
        (kernel, "did not turn the kernel."),
        (kernel.flip(0), "turned the kernel upside down alone."),
        (kernel.flip(1), "mirrored the kernel from left to right alone."),
    ):
        if np.allclose(found, slid(turned)):
            said = f"your function {how}"
    yield Part(0.8, bool(np.allclose(found, right)), said)


@exercise(
    "5.3",
    "a function of (channels, side, kernels, size, outputs) that gives three numbers: weights of the convolution, side of the "
    "maps after max pool, weights of the fully connected layer; biases included",
    "A kernel has a number for each channel, row and column, and a bias. How many places has it in a row of the picture?",
    "The fully connected layer has a weight for each pair of input and output; each pooled map has side x side inputs.",
)
def sizes(function: Callable[[int, int, int, int, int], Any]) -> Iterator[Part]:
    """Compared with the layers of PyTorch, an odd side among them."""
    cases = ((3, 64, 16, 5, 10), (1, 28, 2, 3, 10), (4, 32, 8, 4, 3))
    found = []
    for case in cases:
        numbers = _array(called(function, *case), "what your function gives")
        if numbers.shape != (3,):
            raise NotYet(f"for {case} it gave {given(numbers.tolist())}; expected three numbers.")
        found.append(numbers)
    reasons = (
        "the convolution does not have {0:,.0f} weights",
        "after max pool the side is not {0:g}",
        "the fully connected layer does not have {0:,.0f} weights",
    )
    truths = [_counted(*case) for case in cases]
    for place, marks in enumerate((0.3, 0.3, 0.4)):
        wrong = [at for at in range(len(cases)) if found[at][place] != truths[at][place]]
        at = wrong[0] if wrong else 0
        yield Part(marks, not wrong, f"{cases[at]}: {reasons[place].format(found[at][place])}.")


def _counted(channels: int, side: int, kernels: int, size: int, outputs: int) -> tuple[int, int, int]:
    convolution = nn.Conv2d(channels, kernels, size)
    pooled = F.max_pool2d(convolution(torch.zeros(1, channels, side, side)), 2)
    fully = nn.Linear(pooled.numel(), outputs)
    weights, connected = (sum(p.numel() for p in layer.parameters()) for layer in (convolution, fully))
    return weights, pooled.shape[-1], connected


@exercise(
    "5.4",
    "a module that takes maps (pictures, 512, rows, columns) of any size to 1,000 outputs by way of the mean of each map",
    "nn.AdaptiveAvgPool2d(1) takes the mean of each map and leaves 512 x 1 x 1.",
    "Flatten, and one nn.Linear from 512 to 1,000: nn.Sequential puts the three in a row.",
)
def a_small_head(head: nn.Module) -> Iterator[Part]:
    """It is tried on maps of two sizes, and on maps that are their own mean everywhere."""
    if not isinstance(head, nn.Module):
        raise NotYet(f"{given(head)} is not a module of PyTorch.")
    head = head.float().eval()
    maps = _random(2, 512, 7, 7).float() - 0.3  # negative numbers, too: a maximum is no mean, and no ReLU comes first
    with torch.no_grad():
        outputs = called(head, maps)
        if tuple(getattr(outputs, "shape", ())) != (2, 1000):
            raise NotYet(f"of maps of shape {tuple(maps.shape)} it makes {given(outputs)}; expected a shape of (2, 1000).")
        try:
            of_other_sizes = tuple(head(maps[..., :5, :3]).shape) == (2, 1000)
        except RuntimeError:
            of_other_sizes = False
        flat = head(maps.mean((2, 3), keepdim=True).expand_as(maps))
    count = sum(weights.numel() for weights in head.parameters())
    yield Part(0.3, of_other_sizes, "maps of 5 x 3 stop it, as a larger or smaller picture would make them.")
    yield Part(0.4, torch.allclose(outputs, flat, atol=1e-4), "its outputs depend on more than the mean of each map.")
    yield Part(0.3, count == 512 * 1000 + 1000, f"it has {count:,} weights.")


@exercise(
    "5.5",
    "a function of a loss (a function of weights) and weights that gives the gradient, in the weights' shape, without backward",
    "Move one weight by a millionth, see by how much the loss changes, and divide. Then the next.",
    "Work on a copy, weights.clone(), and change one number of it: copy.view(-1)[i] += 1e-6.",
)
def slope_by_slope(function: Callable[[Callable[[Tensor], Tensor], Tensor], Any]) -> Iterator[Part]:
    """Compared with autograd, for the loss of a tiny network and for a curved one."""
    x = torch.tensor([1.0, 0.5, -1.0], dtype=torch.float64)

    def network(weights: Tensor) -> Tensor:
        return -((weights @ x).relu() * torch.tensor([0.5, -0.3], dtype=torch.float64)).log_softmax(0)[0]

    def curved(weights: Tensor) -> Tensor:
        return (weights**3).sum() + weights[0, 0] * weights[1, 2]

    for marks, loss, what in ((0.5, network, "a tiny network"), (0.5, curved, "w³ and a product")):
        weights = _random(2, 3, seed=2)
        before = weights.clone()
        found = _array(called(function, loss, weights), "what your function gives")
        if found.shape != (2, 3):
            raise NotYet(f"weights have shape (2, 3), and its gradient {found.shape}.")
        if not torch.equal(weights, before):
            raise NotYet("the weights that it was given are others afterwards; each must be moved back, or a copy moved.")
        asked = before.requires_grad_()
        (right,) = torch.autograd.grad(loss(asked), asked)
        apart = np.abs(found - right.numpy()).max()
        yield Part(marks, bool(apart < 1e-4), f"for {what}, a slope is off by {apart:.2g}.")


@exercise(
    "5.6",
    "a function of maps after a ReLU, (pictures, channels, rows, columns), that gives the numbers of the dead channels",
    "A dead channel is zero everywhere, in every picture. One that is zero in one picture only is not dead.",
    "(maps > 0).any(...) over all axes but that of the channels; .amax(dim=(0, 2, 3)) is another way.",
)
def dead_channels(function: Callable[[Tensor], Any]) -> Iterator[Part]:
    """Maps with a dead channel, one that some pictures leave empty, and one with a single number in it."""
    maps = _random(4, 5, 6, 6)
    maps[:, 1] = maps[:, 4] = 0
    maps[:3, 2] = 0
    maps[:, 3] = 0
    maps[2, 3, 5, 5] = 1e-3
    answer = _array(called(function, maps.clone()), "what your function gives").ravel().tolist()
    found = set(answer)
    if len(answer) != len(found) or found - {0, 1, 2, 3, 4}:
        raise NotYet(f"it gave {given(answer)}; expected the numbers of channels, from 0, each once.")
    truth = {channel for channel in range(5) if not bool(maps[:, channel].any())}
    missed, alive = min(truth - found, default=0), min(found - truth, default=0)
    yield Part(0.5, truth <= found, f"channel {missed:g} is zero everywhere, and not among them.")
    above = int((maps[:, int(alive)] > 0).sum())
    said = f"channel {alive:g} is among them, and {above} of its numbers {'is' if above == 1 else 'are'} above zero."
    yield Part(0.5, bool(found) and found <= truth, said)


@exercise(
    "5.7",
    "three rows (w, b, v): v * relu(w * x + b), added up, make a hat: 0 up to -1, straight to 1 at 0, and down to 0 at 1",
    "One ReLU for each bend: at -1, at 0 and at 1. Where does relu(w * x + b) bend?",
    "To the right of each bend the slope changes by v * w. It is 0, then 1, then -1, then 0 again.",
)
def a_hat(units: Any) -> Iterator[Part]:
    """Looked at by PyTorch's ReLU on either side of, and between, the bends."""
    rows = _array(units, "your answer")
    if rows.ndim != 2 or rows.shape[1] != 3:
        raise NotYet(f"it has shape {rows.shape}; expected rows of three numbers, (w, b, v).")
    if len(rows) > 3:
        raise NotYet(f"there are {len(rows)} units; three are enough.")
    w, b, v = torch.from_numpy(rows).T
    for marks, places, where in (
        (0.2, (-3.0, -1.5, -1.0), "on the left"),
        (0.3, (-0.5, 0.0), "on the way up"),
        (0.2, (0.25, 0.5, 0.75), "on the way down"),
        (0.3, (1.0, 1.5, 40.0), "on the right"),
    ):
        x = torch.tensor(places, dtype=torch.float64)
        apart = (F.relu(x[:, None] * w + b) @ v) - (1 - x.abs()).clamp(min=0)
        worst = int(apart.abs().argmax())
        height = (1 - x.abs()).clamp(min=0)[worst] + apart[worst]
        yield Part(marks, bool(apart.abs().max() < 1e-6), f"{where}, at {x[worst]:g}, the sum is {height:.3g}.")


@exercise(
    "5.8",
    "a function of a list of logits that gives their softmax, also where one is 1,000 or all are -1,000",
    "exp(1000) is too large for a computer. What happens to softmax if the same number is taken off all logits?",
    "Take off the largest: then the largest power is exp(0) = 1.",
)
def softmax_that_holds(function: Callable[[Array], Any]) -> Iterator[Part]:
    """Compared with PyTorch's, for small logits and for those where exp is infinite or zero."""
    for marks, logits in (
        (0.4, [2.0, -1.0, 0.5]),
        (0.2, [1000.0, 999.0, 998.0]),
        (0.2, [-1000.0, -1001.0, -1002.0]),
        (0.2, [1000.0, -1000.0, 990.0, -1000.0]),
    ):
        with np.errstate(all="ignore"):
            found = _array(called(function, np.array(logits)), "what your function gives")
        right = torch.tensor(logits, dtype=torch.float64).softmax(0).numpy()
        close = found.shape == right.shape and bool(np.allclose(found, right, atol=1e-6))
        yield Part(marks, close, f"for {logits} it gave {given(found.round(3).tolist())}.")


@exercise(
    "5.9",
    "the file of a workbook that export_model wrote, and the model in it, with a stride of its own or padding",
    "export_model(model, x, file) gives the file back; x is one picture, (channels, rows, columns).",
    "nn.Conv2d(1, 3, 3, stride=2, padding=1), and the inputs of the nn.Linear after it have to fit.",
)
def own_workbook(file: Any, model: nn.Module) -> Iterator[Part]:
    """The workbook's weights are read back into the model's names, and the model's convolutions looked at."""
    from course_utils.excel import read_weights

    if not isinstance(model, nn.Module):
        raise NotYet(f"{given(model)} is not a module of PyTorch.")
    try:
        stored = read_weights(Path(file))
    except (CourseError, OSError, TypeError) as error:
        raise NotYet(f"the workbook cannot be read: {error}") from None
    mine = model.state_dict()
    same = all(name in mine and torch.equal(mine[name].cpu(), weight.cpu()) for name, weight in stored.items())
    yield Part(0.5, bool(stored) and same, "the weights in the workbook are not those of the model.")
    convolutions = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    changed = any(layer.stride != (1, 1) or layer.padding not in ((0, 0), 0, "valid") for layer in convolutions)
    said = "its convolutions have a stride of 1 and no padding." if convolutions else "there is no convolution in the model."
    yield Part(0.5, changed, said)


@exercise(
    "5.10",
    "the picture that read_input gives back, and the digit you drew: another than before, and one that the network recognises",
    "Paper is 0 and ink 1. Wipe the old digit out first: set all blue pixels to 0.",
    "Strokes two or three pixels wide, about 0.5 at their edges, in the middle of the grid and some 18 pixels high.",
)
def own_drawing(picture: Any, digit: int, model: nn.Module, before: Tensor, label: int) -> Iterator[Part]:
    """The network is asked what it sees; half sure is sure enough."""
    drawn = torch.from_numpy(_array(picture, "your picture"))
    if drawn.shape != before.shape:
        raise NotYet(f"your picture has shape {tuple(drawn.shape)}; expected {tuple(before.shape)}.")
    if digit not in range(10):
        raise NotYet(f"{given(digit)} is not a digit from 0 to 9.")
    low, high = drawn.min().item(), drawn.max().item()
    yield Part(0.2, low >= 0 and high <= 1, f"its pixels go from {low:.3g} to {high:.3g}; expected 0 for paper to 1 for ink.")
    if (ink := int((drawn > 0.5).sum())) < 10:
        raise NotYet(f"only {ink} pixels are above 0.5: too little ink for a digit.")
    changed = int(((drawn - before).abs() > 0.25).sum())
    other = changed >= 20 and digit != label
    said = (
        f"a {label} was there before."
        if digit == label
        else f"only {changed} pixels have changed: the old digit is still there."
    )
    yield Part(0.3, other, said)
    with torch.no_grad():
        probabilities = model(drawn[None].to(next(model.parameters()))).softmax(1)[0]
    seen, sure = int(probabilities.argmax()), probabilities[digit].item()
    said = f"the network sees a {seen} ({probabilities[seen]:.0%}) and gives your {digit} a probability of {sure:.0%}."
    yield Part(0.5, min(1.0, 2 * sure) if other else 0.0, said)
