"""From the weights to the loss: a block of columns, one for each example, for each thing that the network computes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from course_utils.excel.formulas import sigmoid
from course_utils.excel.training.blocks import Block, Columns, numbered
from course_utils.excel.training.run import Run
from course_utils.tracing.steps import Array

HIDDEN = {"relu": "max(0, W1·x + b1)", "tanh": "tanh(W1·x + b1)", "sigmoid": "1 / (1 + exp(−(W1·x + b1)))"}


@dataclass(frozen=True)
class Forward:
    """The blocks that the way back reads: what stands between the layers, and by how much each output is wrong."""

    hidden: list[Block]
    errors: list[Block]
    loss: Block


def add_forward(columns: Columns, run: Run) -> Forward:
    """Add what stands between the layers, the outputs, the errors and the loss."""
    hidden = _hidden(columns, run) if columns.problem.activation else []
    if columns.problem.kind == "squares":
        errors = _outputs(columns, run, hidden, minus_target=True)
        count = columns.problem.targets.size

        def loss(row: int, column: int) -> str:
            squares = "+".join(f"SUMPRODUCT({block.across(row)},{block.across(row)})" for block in errors)
            return f"{squares}/{count}" if len(errors) == 1 else f"({squares})/{count}"

        said = "mean of error²"
    else:
        logits = _outputs(columns, run, hidden, minus_target=False)
        errors, costs = (_binary if columns.problem.kind == "binary" else _classes)(columns, run, logits)

        def loss(row: int, column: int) -> str:
            return f"SUMPRODUCT({costs.across(row)})/{costs.width}"

        said = "mean of the loss of each"
    return Forward(hidden, errors, columns.add("Loss", "loss", said, run.loss[:, None], loss))


def activated(kind: str, expression: str) -> str:
    """The formula of the function between the layers.

    >>> activated("tanh", "B5+C5")
    'TANH(B5+C5)'
    """
    return {"relu": f"MAX(0,{expression})", "tanh": f"TANH({expression})", "sigmoid": sigmoid(expression)}[kind]


def _hidden(columns: Columns, run: Run) -> list[Block]:
    kind, inputs, blocks = columns.problem.activation or "", columns.problem.x.shape[1], list[Block]()
    for unit in range(columns.problem.hidden):

        def formula(row: int, column: int, unit: int = unit, col: int = columns.next_col) -> str:
            given = [columns.above(col + column, line) for line in range(inputs)]
            return activated(kind, columns.linear(row, 0, unit, given))

        blocks.append(columns.add("Forward", f"h{unit + 1}", HIDDEN[kind], run.hidden[:, :, unit], formula, range(inputs)))
    return blocks


def _outputs(columns: Columns, run: Run, hidden: list[Block], minus_target: bool) -> list[Block]:
    """What the last layer gives; with `minus_target` the error, which is all that mean squares need."""
    problem, blocks = columns.problem, list[Block]()
    inputs, outputs = problem.x.shape[1], problem.outputs
    said = "W2·h + b2" if hidden else "w·x + b" if inputs == outputs == 1 else "W·x + b"
    for output, name in enumerate(numbered("error" if minus_target else "z", outputs)):

        def formula(row: int, column: int, output: int = output, col: int = columns.next_col) -> str:
            given = [block.at(row, column) for block in hidden]
            given = given or [columns.above(col + column, line) for line in range(inputs)]
            target = f"-{columns.above(col + column, inputs + output)}" if minus_target else ""
            return columns.linear(row, 1 if hidden else 0, output, given) + target

        values = run.outputs[:, :, output] - (problem.targets[:, output] if minus_target else 0)
        lines = [*(() if hidden else range(inputs)), *([inputs + output] if minus_target else ())]
        blocks.append(columns.add("Forward", name, f"{said} − y" if minus_target else said, values, formula, lines))
    return blocks


def _binary(columns: Columns, run: Run, logits: list[Block]) -> tuple[list[Block], Block]:
    """Each output is a question of its own: its probability, p − y, and −ln of the probability of what is true."""
    problem, errors = columns.problem, list[Block]()
    chances = []
    for z, name in zip(logits, numbered("p", problem.outputs), strict=True):

        def chance(row: int, column: int, z: Block = z) -> str:
            return sigmoid(z.at(row, column))

        values = 1 / (1 + np.exp(-np.maximum(z.values, -700)))
        chances.append(columns.add("Forward", name, "probability: 1 / (1 + exp(−z))", values, chance))
    for output, p in enumerate(chances):
        errors.append(_error(columns, output, p.values, p.at, "p − y"))
    y, z_all = problem.targets, run.outputs

    def cost(row: int, column: int) -> str:
        terms = []
        for z, target in zip(logits, _targets_above(columns, errors, column), strict=True):
            logit = z.at(row, column)
            terms.append(f"MAX({logit},0)-{logit}*{target}+LN(1+EXP(-ABS({logit})))")
        return terms[0] if len(terms) == 1 else f"({'+'.join(terms)})/{len(terms)}"

    costs = (np.maximum(z_all, 0) - z_all * y + np.log1p(np.exp(-np.abs(z_all)))).mean(axis=2)
    said = "−ln of the probability of what is true, in a form that holds for every z"
    return errors, columns.add("Forward", "loss of each", said, costs, cost)


def _classes(columns: Columns, run: Run, logits: list[Block]) -> tuple[list[Block], Block]:
    """Softmax over the outputs, p − y, and −ln of the probability of the true class."""
    z_all, y = run.outputs, columns.problem.targets

    def maximum(row: int, column: int) -> str:
        return f"MAX({','.join(z.at(row, column) for z in logits)})"

    said = "taken off before exp, so that no power is too large"
    largest = columns.add("Forward", "largest z", said, z_all.max(axis=2), maximum)
    powers = []
    for z, name in zip(logits, numbered("power", len(logits)), strict=True):

        def power(row: int, column: int, z: Block = z) -> str:
            return f"EXP({z.at(row, column)}-{largest.at(row, column)})"

        powers.append(columns.add("Forward", name, "exp(z − largest)", np.exp(z.values - largest.values), power))
    total = np.sum([block.values for block in powers], axis=0)

    def sum_of_powers(row: int, column: int) -> str:
        return "+".join(block.at(row, column) for block in powers)

    errors = []
    for output, power_block in enumerate(powers):

        def probability(row: int, column: int, power: Block = power_block) -> str:
            return f"{power.at(row, column)}/({sum_of_powers(row, column)})"

        errors.append(_error(columns, output, power_block.values / total, probability, "p − y, and p = power / sum of powers"))

    def cost(row: int, column: int) -> str:
        targets = _targets_above(columns, errors, column)
        true = "+".join(f"{target}*{z.at(row, column)}" for z, target in zip(logits, targets, strict=True))
        return f"LN({sum_of_powers(row, column)})+{largest.at(row, column)}-({true})"

    costs = np.log(total) + largest.values - (z_all * y).sum(axis=2)
    said = "−ln(p of the true class) = ln(sum of powers) + largest − z of the true class"
    return errors, columns.add("Forward", "loss of each", said, costs, cost)


def _error(columns: Columns, output: int, probabilities: Array, probability: Callable[[int, int], str], said: str) -> Block:
    problem, col = columns.problem, columns.next_col
    line = problem.x.shape[1] + output

    def formula(row: int, column: int) -> str:
        return f"{probability(row, column)}-{columns.above(col + column, line)}"

    name = numbered("error", problem.outputs)[output]
    return columns.add("Forward", name, said, probabilities - problem.targets[:, output], formula, [line])


def _targets_above(columns: Columns, errors: Sequence[Block], column: int) -> list[str]:
    """Where the targets of an example are: above the errors of the outputs."""
    inputs = columns.problem.x.shape[1]
    return [columns.above(block.col + column, inputs + output) for output, block in enumerate(errors)]
