"""Training as a workbook: every step of one or several optimisers as a row of formulas, beside what PyTorch computes."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer

from course_utils.excel.book import new_book
from course_utils.excel.errors import ExportError
from course_utils.excel.formulas import LONGEST
from course_utils.excel.grid import MAX_COLUMNS, MAX_ROWS
from course_utils.excel.options import limit, shown
from course_utils.excel.page import Page
from course_utils.excel.target import workbook_path
from course_utils.excel.texts import plain
from course_utils.excel.training.data_sheet import write_data
from course_utils.excel.training.fit_sheet import can_draw, write_fit
from course_utils.excel.training.optimisers import Rule, rules_of
from course_utils.excel.training.overview import SHEET, Overview
from course_utils.excel.training.problem import Problem, problem_of
from course_utils.excel.training.run import train
from course_utils.excel.training.schedule import shares, whole, write_schedule
from course_utils.excel.training.steps_sheet import Steps
from course_utils.files import replacing

MAX_FORMULAS = 300_000


def export_training(
    model: nn.Module,
    x: Any,
    y: Any,
    path: str | os.PathLike[str],
    optimizer: Optimizer | Sequence[Optimizer] | Mapping[str, Optimizer],
    steps: int = 100,
    loss: Any = None,
    cycle_len: int | None = None,
    cycle_mult: int = 1,
    title: str | None = None,
    max_formulas: int = MAX_FORMULAS,
) -> Path:
    """Write the training of a small network as a workbook: forward, loss, gradients and optimiser, each step a row of formulas.

    `model` is one linear layer, or two with ReLU, Sigmoid or Tanh between; the sheet starts from its weights, and it is left as
    it is. `x` has shape (examples, inputs), `y` (examples, outputs); (examples,) will do where there is one of them. All
    examples are used at each step. `optimizer` is SGD (with momentum, dampening, Nesterov), RMSprop, Adam or AdamW of
    `torch.optim` over `model.parameters()`, or several: in a list, or in a dictionary from their headings. They stand side by
    side, each with a sheet of its own, and are left as they are.

    `loss` is `F.mse_loss`, `F.binary_cross_entropy_with_logits` or `F.cross_entropy`; by default cross-entropy where y holds
    the numbers of classes, whole and one for each example, and mean squares otherwise. Without `cycle_len` the learning rate
    is constant; with it, it falls along half a cosine and restarts after so many steps, each cycle `cycle_mult` times as long
    as the one before (Loshchilov and Hutter, SGDR, 2017). In the workbook rates, schedule, data and first weights are cells to
    change.

    The numbers are those of `torch.optim` in float64, to rounding; an optimiser that neither settles nor diverges, such as
    RMSprop at a high rate, magnifies that from step to step.

    Raises ExportError for a model, loss or optimiser that a sheet has not, data that does not fit, a training that diverges
    beyond what a cell holds, and more than `max_formulas` formulas; FileError where the system does not let it be written.

    >>> import tempfile, torch
    >>> model, x = nn.Linear(1, 1), torch.linspace(0, 1, 8)
    >>> sgd = torch.optim.SGD(model.parameters(), lr=0.5)
    >>> export_training(model, x, 2 * x + 1, Path(tempfile.mkdtemp()) / "line.xlsx", sgd, steps=20).name
    'line.xlsx'
    """
    target = workbook_path(path)
    steps = whole("steps", steps)
    kind, length, mult = _schedule(steps, cycle_len, cycle_mult)
    if title is not None and not isinstance(title, str):
        raise ExportError(f"title is {shown(title)}; give a string, or None for one of our own")
    most = limit(max_formulas, "max_formulas", "formulas that a workbook may have")
    problem = problem_of(model, x, y, loss)
    rules = rules_of(optimizer, model)
    _check_size(problem, [_part(problem, rule, [1.0]) for rule in rules], steps, most)
    step_shares = shares(kind, steps, length, mult)
    parts = [_part(problem, rule, step_shares) for rule in rules]
    overview, drawn = Overview(problem, rules), can_draw(problem)
    with replacing(target) as part, new_book(part) as book:
        heading = _title(problem, len(rules)) if title is None else plain(title, 100)
        first = Page(book, SHEET, heading, "")
        overview.write(first, heading, parts, kind, (length, mult), drawn)
        write_data(book, problem)
        for number, one in enumerate(parts):
            one.write(book, overview.settings(number))
        write_schedule(book, kind, steps, length, mult, overview.schedule)
        if drawn:
            write_fit(book, problem, overview.lines(parts))
    return Path(path)


def _part(problem: Problem, rule: Rule, step_shares: list[float]) -> Steps:
    return Steps(problem, rule, train(problem, rule, step_shares), step_shares)


def _schedule(steps: int, cycle_len: Any, cycle_mult: Any) -> tuple[str, int, int]:
    """The kind of schedule, the steps of its first cycle, and how many times as long the next is."""
    mult = whole("cycle_mult", cycle_mult)
    if cycle_len is None:
        if mult != 1:
            raise ExportError(
                f"cycle_mult is {mult}, but without cycle_len there are no cycles that could get longer; give cycle_len too, "
                "or leave cycle_mult out"
            )
        return "constant", steps, 1
    return "restarts", whole("cycle_len", cycle_len), mult


def _title(problem: Problem, optimisers: int) -> str:
    """A title for a workbook that was given none."""
    learns = (
        f"A network with {problem.hidden} hidden numbers"
        if problem.hidden
        else "A line"
        if problem.x.shape[1] == 1
        else "A linear layer"
    )
    by = "" if optimisers == 1 else f", by {optimisers} optimisers side by side"
    return f"{learns} learns from {len(problem.x)} examples{by}"


def _check_size(problem: Problem, parts: Sequence[Steps], steps: int, most: float) -> None:
    """Raise ExportError where so many steps of these would be too many formulas, or a formula too long for a cell."""
    each = sum(one.formulas_in_a_row for one in parts)
    formulas = each * steps
    if formulas > most:
        raise ExportError(
            f"the workbook would have {formulas:,} formulas and the limit is {most:,}: {steps:,} steps of "
            f"{len(parts)} optimiser{'s' * (len(parts) > 1)}, {each:,} formulas for each. "
            "Take fewer steps or examples, or raise max_formulas (above 300,000 a spreadsheet is slow)"
        )
    columns, rows = max(one.last_col for one in parts), steps + len(problem.x) + 100
    if columns >= MAX_COLUMNS or rows >= MAX_ROWS:
        raise ExportError(
            f"a sheet would need {columns + 1:,} columns and {rows:,} rows, and it has {MAX_COLUMNS:,} and {MAX_ROWS:,}; take "
            "fewer examples, which are columns, or fewer steps, which are rows"
        )
    longest = max(one.longest() for one in parts)
    if longest >= LONGEST:
        raise ExportError(
            f"the network has {problem.x.shape[1]} inputs and {problem.outputs} outputs, for which a formula needs {longest:,} "
            f"characters, and a cell holds {LONGEST:,}; give it fewer"
        )
