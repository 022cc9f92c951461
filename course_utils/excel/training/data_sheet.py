"""The examples, and the weights at the start: the cells that every other sheet reads."""

from xlsxwriter import Workbook

from course_utils.excel.grid import cell
from course_utils.excel.page import Page
from course_utils.excel.plan import Formula
from course_utils.excel.training.blocks import numbered, weight_names
from course_utils.excel.training.problem import Problem

EXAMPLE, X, TOP = 1, 2, 4  # columns, and the row of the first example
SHEET = "Data"


def write_data(book: Workbook, problem: Problem) -> None:
    """Write the sheet."""
    page = Page(
        book, SHEET, "What it learns from, and where it starts", "Change a blue number: every step of every sheet follows."
    )
    page.sheet.fit_to_pages(1, 0)
    page.sheet.freeze_panes(TOP, 0)
    weights = _start_col(problem)
    page.widths({EXAMPLE: 90, **dict.fromkeys(range(X, weights - 2), 84), weights - 2: 40, weights - 1: 130, weights: 100})
    inputs = numbered("x", problem.x.shape[1])
    classes = problem.kind == "classes"
    targets = ["class"] if classes else numbered("y", problem.outputs)
    for col, name in enumerate(("example", *inputs, *targets), start=EXAMPLE):
        page.put(TOP - 1, col, name, "heading")
    for example, row in enumerate(problem.x.tolist()):
        page.put(TOP + example, EXAMPLE, example + 1, "count")
        for line, value in enumerate(row):
            page.put(TOP + example, X + line, value, "edit_data")
        given = [int(problem.targets[example].argmax())] if classes else problem.targets[example].tolist()
        for output, value in enumerate(given):
            page.put(TOP + example, X + len(inputs) + output, value, "edit_plain" if classes else "edit_data")
    page.put(TOP - 1, weights - 1, "weight", "heading")
    page.put(TOP - 1, weights, "at the start", "heading")
    for number, (name, value) in enumerate(zip(weight_names(problem), problem.start.tolist(), strict=True)):
        page.put(TOP + number, weights - 1, name, "name")
        page.put(TOP + number, weights, value, "edit_data")


def starts(problem: Problem) -> list[str]:
    """The addresses of the weights at the start, from another sheet."""
    return [f"{SHEET}!{cell(TOP + n, _start_col(problem), fixed=True)}" for n in range(len(problem.start))]


def number_above(problem: Problem, example: int, line: int) -> Formula:
    """What stands above the columns of an example: an input, or behind all inputs a target."""
    inputs = problem.x.shape[1]
    if line < inputs:
        return Formula(_at(example, X + line), problem.x[example, line].item())
    output = line - inputs
    value = problem.targets[example, output].item()
    if problem.kind == "classes":
        return Formula(f"IF({_at(example, X + inputs)}={output},1,0)", value)
    return Formula(_at(example, X + inputs + output), value)


def column(problem: Problem, line: int) -> list[int | str]:
    """The cells of an input, or of a target, of all examples, as a chart takes them."""
    return [SHEET, TOP, X + line, TOP + len(problem.x) - 1, X + line]


def _at(example: int, col: int) -> str:
    return f"{SHEET}!{cell(TOP + example, col, fixed=True)}"


def _start_col(problem: Problem) -> int:
    return X + problem.x.shape[1] + (1 if problem.kind == "classes" else problem.outputs) + 2
