"""What is trained: a small network as its weights, the examples, and the loss; what does not fit is told in words."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.excel.errors import ExportError
from course_utils.excel.options import shown
from course_utils.tracing.errors import TraceError
from course_utils.tracing.inputs import as_input, as_model
from course_utils.tracing.steps import Array, Step
from course_utils.tracing.trace import trace_model

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh}
LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "squares": F.mse_loss,
    "binary": F.binary_cross_entropy_with_logits,
    "classes": F.cross_entropy,
}
_MODULES = {"squares": nn.MSELoss, "binary": nn.BCEWithLogitsLoss, "classes": nn.CrossEntropyLoss}
TRAINABLE = "one nn.Linear, or nn.Sequential(nn.Linear(...), nn.ReLU(), nn.Linear(...)) with ReLU, Sigmoid or Tanh between"


@dataclass(frozen=True)
class Layer:
    """A linear layer: its weight (outputs, inputs) and, where it has one, its bias (outputs,)."""

    weight: Array
    bias: Array | None

    @property
    def size(self) -> int:
        """How many numbers it learns."""
        return int(self.weight.size + (0 if self.bias is None else self.bias.size))


@dataclass(frozen=True)
class Problem:
    """A network of one or two layers with the function between them, examples x (n, inputs), targets and the kind of loss.

    `targets` are (n, outputs): the numbers to hit ("squares"), 0 and 1 ("binary"), or 1 for the class of each ("classes").
    """

    x: Array
    targets: Array
    layers: tuple[Layer, ...]
    activation: str | None
    kind: str

    @property
    def start(self) -> Array:
        """All weights and biases in one row, layer after layer, as `nn.Module.parameters` gives them."""
        parts = [part.ravel() for layer in self.layers for part in (layer.weight, layer.bias) if part is not None]
        return np.concatenate(parts)

    @property
    def outputs(self) -> int:
        """How many numbers the network gives."""
        return len(self.layers[-1].weight)

    @property
    def hidden(self) -> int:
        """How many numbers stand between the layers; 0 where there is one layer."""
        return len(self.layers[0].weight) if len(self.layers) == 2 else 0

    def places(self) -> list[tuple[list[list[int]], list[int] | None]]:
        """Of each layer where in `start` its weights are, [output][input], and its biases.

        >>> line = Layer(np.zeros((1, 2)), np.zeros(1))
        >>> Problem(np.zeros((3, 2)), np.zeros((3, 1)), (line,), None, "squares").places()
        [([[0, 1]], [2])]
        """
        found, first = [], 0
        for layer in self.layers:
            rows, columns = layer.weight.shape
            weights = [[first + row * columns + column for column in range(columns)] for row in range(rows)]
            first += rows * columns
            biases = None if layer.bias is None else list(range(first, first + rows))
            first += 0 if biases is None else rows
            found.append((weights, biases))
        return found


def problem_of(model: Any, x: Any, y: Any, loss: Any) -> Problem:
    """The problem that a model, examples `x`, targets `y` and a loss are; ExportError where a sheet cannot train it."""
    try:
        examples, scaled = as_input(x)
    except TraceError as error:
        raise ExportError(str(error)) from error.__cause__
    if scaled:
        raise ExportError("x holds bytes (uint8), which may mean pictures or plain numbers; give x.float(), or x.float() / 255")
    examples = examples.double()
    if examples.ndim not in (1, 2) or not examples.numel():
        raise ExportError(
            f"x has the shape {tuple(examples.shape)}; give the examples as rows, (examples, inputs), or (examples,) where "
            "each is one number"
        )
    examples = examples[:, None] if examples.ndim == 1 else examples
    layers, activation = _layers(model, examples)
    outputs = len(layers[-1].weight)
    kind, targets = _targets(y, _loss_named(loss), len(examples), outputs)
    problem = Problem(examples.numpy(), targets, layers, activation, kind)
    _check_training(model, problem)
    return problem


def forward(problem: Problem, weights: list[Tensor], x: Tensor) -> tuple[Tensor | None, Tensor]:
    """What stands between the layers (None where there is one layer), and what the network gives, for float64 `weights`."""
    left = iter(weights)

    def linear(layer: Layer, given: Tensor) -> Tensor:
        return F.linear(given, next(left), None if layer.bias is None else next(left))

    if problem.activation is None:
        return None, linear(problem.layers[0], x)
    hidden = ACTIVATIONS[problem.activation](linear(problem.layers[0], x))
    return hidden, linear(problem.layers[1], hidden)


def loss_of(problem: Problem, outputs: Tensor) -> Tensor:
    """PyTorch's loss of what the network gives, the mean over all examples."""
    targets = torch.from_numpy(problem.targets)
    return LOSSES[problem.kind](outputs, targets.argmax(1) if problem.kind == "classes" else targets)


def as_tensors(problem: Problem) -> list[Tensor]:
    """Copies of all weights and biases, in the order of `nn.Module.parameters`."""
    return [torch.tensor(part) for layer in problem.layers for part in (layer.weight, layer.bias) if part is not None]


def _layers(model: Any, x: Tensor) -> tuple[tuple[Layer, ...], str | None]:
    try:
        network, _ = as_model(model)
        steps = trace_model(network, x[0]).steps[1:]
    except TraceError as error:
        raise ExportError(f"{error}\nWhat can be trained in a sheet is {TRAINABLE}.") from error.__cause__
    kinds = [step.kind for step in steps]
    two = len(kinds) == 3 and kinds[0] == kinds[2] == "linear" and kinds[1] in ACTIVATIONS
    if kinds != ["linear"] and not two:
        raise ExportError(
            f"the model is {' → '.join(kinds) or 'empty'}; what can be trained in a sheet is {TRAINABLE}{_why(kinds)}"
        )
    if any(step.sources != (number,) for number, step in enumerate(steps)):
        raise ExportError(
            f"the model's layers do not follow one after the other; what can be trained in a sheet is {TRAINABLE}"
        )
    made = tuple(_layer(step) for step in steps if step.kind == "linear")
    drawn = {key for step in steps for weight in step.weights.values() for key in weight.keys}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            raise ExportError(
                f"{name} is frozen (requires_grad is False), and a sheet trains every weight; unfreeze it: "
                "model.requires_grad_(True)"
            )
    ours, all_of_them = sum(layer.size for layer in made), sum(parameter.numel() for parameter in network.parameters())
    if ours != all_of_them:
        raise ExportError(
            f"the model learns {all_of_them} numbers, and its layers {', '.join(sorted(drawn))} hold {ours}; leave out what "
            "its output does not use, and share no weight between layers"
        )
    return made, kinds[1] if two else None


def _layer(step: Step) -> Layer:
    bias = step.weights.get("bias")
    return Layer(step.weights["weight"].value, None if bias is None else bias.value)


def _why(kinds: list[str]) -> str:
    if kinds and kinds[-1] == "sigmoid":
        return ". Leave the last Sigmoid out and give loss=F.binary_cross_entropy_with_logits, which contains it"
    if kinds and kinds[-1] in ("softmax", "log_softmax"):
        return ". Leave the last softmax out: F.cross_entropy contains it"
    if kinds.count("linear") > 2:
        return ". More layers can be followed without training: excel.export_model"
    return ""


def _loss_named(loss: Any) -> str | None:
    """Which of our losses a function or module of PyTorch is; None where none was given."""
    if loss is None:
        return None
    names = "F.mse_loss, F.binary_cross_entropy_with_logits and F.cross_entropy, or None for the one that fits y"
    for kind, function in LOSSES.items():
        module = _MODULES[kind]
        if loss is function:
            return kind
        if loss is module:
            raise ExportError(f"loss is the class {module.__name__}; give an object of it: nn.{module.__name__}()")
        if type(loss) is module:
            plain = module()
            changed = [
                name
                for name in ("reduction", "weight", "pos_weight", "ignore_index", "label_smoothing")
                if getattr(loss, name, None) is not getattr(plain, name, None) and getattr(loss, name) != getattr(plain, name)
            ]
            if changed:
                raise ExportError(
                    f"loss is {module.__name__} with {changed[0]}={shown(getattr(loss, changed[0]))}, and a sheet has the "
                    "plain mean over the examples; leave it out"
                )
            return kind
    raise ExportError(f"loss is {shown(loss)}; a sheet trains with {names} (F is torch.nn.functional)")


def _targets(y: Any, kind: str | None, examples: int, outputs: int) -> tuple[str, Array]:
    try:
        given, scaled = as_input(y)
    except TraceError as error:
        raise ExportError(str(error).replace("x ", "y ", 1)) from error.__cause__
    if scaled:
        raise ExportError("y holds bytes (uint8) in rows; give y.float() for numbers to hit")
    if given.ndim == 0 or len(given) != examples:
        raise ExportError(
            f"y has the shape {tuple(given.shape)} and x has {examples} examples; give one target for each example"
        )
    whole = not given.is_floating_point()
    if kind is None:
        if whole and outputs == 1:
            raise ExportError(
                f"y holds {str(given.dtype).removeprefix('torch.')} and the model gives one number, which may mean numbers to "
                "hit or two classes; say which: loss=F.mse_loss, or loss=F.binary_cross_entropy_with_logits"
            )
        kind = "classes" if whole and given.ndim == 1 else "squares"
    if kind == "classes":
        return kind, _classes(given, outputs)
    if given.ndim == 1 and outputs == 1:
        given = given[:, None]
    if tuple(given.shape) != (examples, outputs):
        one = f", or ({examples},)" if outputs == 1 else ""
        raise ExportError(
            f"y has the shape {tuple(given.shape)}, and the model gives {outputs} number{'s' * (outputs > 1)} for each of "
            f"{examples} examples; give y as ({examples}, {outputs}){one}"
        )
    numbers = given.double().numpy()
    if kind == "binary" and not np.isin(numbers, (0, 1)).all():
        raise ExportError(
            f"y holds {numbers[~np.isin(numbers, (0, 1))][0]:g}, and with binary cross-entropy a target is 0 or 1; for other "
            "numbers give loss=F.mse_loss"
        )
    return kind, numbers


def _classes(given: Tensor, outputs: int) -> Array:
    if outputs < 2:
        raise ExportError(
            "cross-entropy compares classes, and the model gives one number; give it as many outputs as there are classes, or "
            "loss=F.binary_cross_entropy_with_logits"
        )
    if given.ndim != 1 or given.is_floating_point() or given.dtype == torch.bool:
        raise ExportError(
            f"y holds {str(given.dtype).removeprefix('torch.')} of the shape {tuple(given.shape)}; cross-entropy takes the "
            f"number of each example's class, whole and from 0 to {outputs - 1}: y.long(), or y.argmax(1) of one-hot rows"
        )
    if not ((given >= 0) & (given < outputs)).all():
        wrong = given[(given < 0) | (given >= outputs)][0]
        raise ExportError(f"y holds the class {int(wrong)}, and the model has {outputs} outputs, classes 0 to {outputs - 1}")
    return np.eye(outputs)[given.numpy()]


def _check_training(model: nn.Module, problem: Problem) -> None:
    """Raise ExportError where the model computes something else while it trains than its layers do: it draws at random."""
    network = copy.deepcopy(as_model(model)[0]).cpu().double().train()
    x = torch.from_numpy(problem.x)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        own = network(x)
    if not torch.allclose(own, forward(problem, as_tensors(problem), x)[1], rtol=1e-9, atol=1e-12):
        raise ExportError(
            "the model gives something else while it trains (dropout?), and a sheet computes the same each time; take that out"
        )
