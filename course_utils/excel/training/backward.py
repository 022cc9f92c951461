"""From the errors back to the weights: how the loss changes with each of them, what the optimiser remembers, and its step."""

import numpy as np

from course_utils.excel.grid import cell
from course_utils.excel.training.blocks import DATA, FIRST, RATE, STEP, Block, Columns, numbered, weight_names
from course_utils.excel.training.forward import Forward
from course_utils.excel.training.optimisers import DECAY, Cells, Memory, Rule
from course_utils.excel.training.run import Run
from course_utils.tracing.steps import Array

SLOPES = {"relu": "IF({h}>0,{back},0)", "tanh": "{back}*(1-{h}^2)", "sigmoid": "{back}*{h}*(1-{h})"}
SAID = {
    "relu": "error · W2, but 0 where {h} is 0",
    "tanh": "error · W2 × (1 − {h}²)",
    "sigmoid": "error · W2 × {h} × (1 − {h})",
}


def add_weights(columns: Columns, run: Run, rule: Rule, starts: list[str], settings: dict[str, str]) -> None:
    """Add the weights: at first those of `starts`, then those that the optimiser's step makes of the row above."""

    def formula(row: int, column: int) -> str:
        return starts[column] if row == columns.top else rule.next_weight(_cells(columns, rule, settings, row - 1, column))

    columns.add("Weights", weight_names(columns.problem), "the row above, moved by its step", run.weights, formula)


def add_backward(columns: Columns, run: Run, rule: Rule, forward: Forward, settings: dict[str, str]) -> None:
    """Add the way back through the hidden layer, the gradients, and the memory of the optimiser."""
    back = [_back(columns, run, forward, unit) for unit in range(columns.problem.hidden)]
    _gradients(columns, run, rule, forward, back, settings)
    for part in rule.memory:
        _memory(columns, run, rule, part, settings)


def _back(columns: Columns, run: Run, forward: Forward, unit: int) -> Block:
    """What of the errors comes back to one hidden number: through the weights, and the slope of the function."""
    kind, (weights, _) = columns.problem.activation or "", columns.problem.places()[1]
    h, steps = forward.hidden[unit], len(run.gradients)

    def formula(row: int, column: int) -> str:
        terms = [
            f"{error.at(row, column)}*{columns.weight(row, weights[output][unit])}"
            for output, error in enumerate(forward.errors)
        ]
        back = "+".join(terms) if len(terms) == 1 or kind == "relu" else f"({'+'.join(terms)})"
        return SLOPES[kind].format(h=h.at(row, column), back=back)

    errors = np.stack([block.values[:steps] for block in forward.errors], axis=2)  # (steps, examples, outputs)
    down = run.weights[:steps, [row[unit] for row in weights]]  # (steps, outputs)
    values = np.einsum("sno,so->sn", errors, down) * _slope(kind, h.values[:steps])
    return columns.add("Backward", f"back to {h.name}", SAID[kind].format(h=h.name), values, formula)


def _slope(kind: str, h: Array) -> Array:
    return {"relu": (h > 0).astype(float), "tanh": 1 - h**2, "sigmoid": h * (1 - h)}[kind]


def _gradients(columns: Columns, run: Run, rule: Rule, forward: Forward, back: list[Block], settings: dict[str, str]) -> None:
    """How the loss changes with each weight: the mean over the examples of what is wrong behind it times what goes into it."""
    problem = columns.problem
    wrong: list[Block] = []  # for each weight and bias, in their order
    given: list[Block | int | None] = []  # a block between the layers, the number of an input, or nothing for a bias
    for layer, (_, biases) in enumerate(problem.places()):
        last = layer == len(problem.layers) - 1
        ends, inputs = forward.errors if last else back, forward.hidden if layer else range(problem.x.shape[1])
        for end in ends:
            wrong += [end] * len(inputs)
            given += inputs
        if biases is not None:
            wrong += ends
            given += [None] * len(ends)
    reader = columns.blocks[1]  # above which the inputs stand
    twice, over = ("2*", problem.targets.size) if problem.kind == "squares" else ("", problem.targets.size)
    over = len(problem.x) if problem.kind == "classes" else over
    decays = not rule.decoupled

    def formula(row: int, column: int) -> str:
        ends, what = wrong[column].across(row), given[column]
        if what is None:
            made = f"SUMPRODUCT({ends})"  # LibreOffice 7 takes SUM of these before they are computed
        elif isinstance(what, Block):
            made = f"SUMPRODUCT({ends},{what.across(row)})"
        else:
            made = f"SUMPRODUCT({ends},{reader.across(DATA + what, fixed=True)})"
        return f"{twice}{made}/{over}" + (f"+{settings[DECAY]}*{columns.weight(row, column)}" if decays else "")

    names, letters = weight_names(problem), numbered("x", problem.x.shape[1])
    mean, more = "2 × mean of " if problem.kind == "squares" else "mean of ", " + decay × weight" if decays else ""
    said = []
    for end, what in zip(wrong, given, strict=True):
        times = "" if what is None else f" × {what.name if isinstance(what, Block) else letters[what]}"
        said.append(f"{mean}{end.name}{times}{more}")
    columns.add("Gradients", [f"d{name}" for name in names], said, run.gradients, formula)


def _memory(columns: Columns, run: Run, rule: Rule, part: Memory, settings: dict[str, str]) -> None:
    def formula(row: int, column: int) -> str:
        return part.formula(_cells(columns, rule, settings, row, column))

    names = [f"{part.symbol} {name}" for name in weight_names(columns.problem)]
    columns.add(part.name, names, part.words, run.memory[part.key], formula)


def _cells(columns: Columns, rule: Rule, settings: dict[str, str], row: int, number: int) -> Cells:
    """Where the numbers of one weight at one step stand."""
    found = {block.section: block for block in columns.blocks}
    memory = {part.key: found[part.name] for part in rule.memory if part.name in found}
    return Cells(
        weight=cell(row, FIRST + number),
        gradient=found["Gradients"].at(row, number),
        rate=columns.weight(row, RATE - FIRST),
        step=columns.weight(row, STEP - FIRST),
        memory={key: block.at(row, number) for key, block in memory.items()},
        before={key: block.at(row - 1, number) for key, block in memory.items()} if row > columns.top else None,
        settings=settings,
    )
