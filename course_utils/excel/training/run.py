"""Training by PyTorch in float64, every number of every step written down: what is stored beside the formulas."""

from dataclasses import dataclass

import numpy as np
import torch

from course_utils.excel.errors import ExportError
from course_utils.excel.training.optimisers import Rule
from course_utils.excel.training.problem import Problem, as_tensors, forward, loss_of
from course_utils.tracing.steps import Array


@dataclass(frozen=True)
class Run:
    """Numbers by step. Those of the network, its weights and its loss also stand behind the last step: (steps + 1, ...)."""

    weights: Array  # (steps + 1, numbers)
    hidden: Array  # (steps + 1, examples, hidden); hidden is 0 where there is one layer
    outputs: Array  # (steps + 1, examples, outputs)
    loss: Array  # (steps + 1,)
    gradients: Array  # (steps, numbers), the decay that the optimiser adds to them included
    memory: dict[str, Array]  # by PyTorch's name, (steps, numbers)


def train(problem: Problem, rule: Rule, shares: list[float]) -> Run:
    """Take a step for each of `shares`, the share of the full learning rate that it takes.

    Raises ExportError where a number becomes too large for a cell.
    """
    parameters = [tensor.requires_grad_() for tensor in as_tensors(problem)]
    optimizer = rule.made(parameters)
    group, x = optimizer.param_groups[0], torch.from_numpy(problem.x)
    weights, hidden, outputs, losses, gradients = [], [], [], [], []
    memory: dict[str, list[Array]] = {part.key: [] for part in rule.memory}
    for number in range(len(shares) + 1):
        between, given = forward(problem, parameters, x)
        loss = loss_of(problem, given)
        weights.append(_row(parameters))
        hidden.append(np.zeros((len(x), 0)) if between is None else between.detach().numpy())
        outputs.append(given.detach().numpy())
        losses.append(loss.item())
        if not np.isfinite(losses[-1]) or not np.isfinite(weights[-1]).all():
            raise ExportError(
                f"{rule.heading} with a learning rate of {rule.settings['learning rate']:g} diverges: after {number} steps its "
                f"numbers are too large for a cell. Give a smaller rate, or fewer steps than {number}; in the sheet the rate "
                "can be raised again, to watch it diverge"
            )
        if number == len(shares):
            break
        optimizer.zero_grad()
        loss.backward()
        decay = 0.0 if rule.decoupled else rule.options["weight_decay"]
        gradients.append(_row([p.grad for p in parameters if p.grad is not None]) + decay * weights[-1])
        group["lr"] = rule.options["lr"] * shares[number]
        optimizer.step()
        for key, rows in memory.items():
            rows.append(_row([optimizer.state[parameter][key] for parameter in parameters]))
    kept = {key: np.array(rows) for key, rows in memory.items()}
    return Run(np.array(weights), np.array(hidden), np.array(outputs), np.array(losses), np.array(gradients), kept)


def _row(tensors: list[torch.Tensor]) -> Array:
    return np.concatenate([tensor.detach().numpy().ravel().copy() for tensor in tensors])
