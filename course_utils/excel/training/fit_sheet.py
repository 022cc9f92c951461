"""What the network has learnt after a chosen step: the line through the points, or the map of two inputs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xlsxwriter import Workbook
from xlsxwriter.utility import xl_rowcol_to_cell

from course_utils.excel.formulas import sigmoid
from course_utils.excel.grid import cell, span
from course_utils.excel.page import Page
from course_utils.excel.plan import Formula
from course_utils.excel.training.blocks import weight_names
from course_utils.excel.training.data_sheet import SHEET as DATA_SHEET
from course_utils.excel.training.data_sheet import column
from course_utils.excel.training.forward import activated
from course_utils.excel.training.problem import Problem
from course_utils.excel.training.steps_sheet import Steps
from course_utils.tracing.steps import Array

SHEET, NAME, FIRST, TOP = (
    "Fit",
    1,
    2,
    4,
)  # the sheet, its column of names, that of the first line, and the row of the first weight
CURVE = 41  # points of a curve; a straight line has two
SIDE = 15  # cells of a map


@dataclass(frozen=True)
class Line:
    """One state of the network: its heading, and the formula and value of each of its weights."""

    heading: str | Formula
    weights: Sequence[Formula]


def can_draw(problem: Problem) -> bool:
    """Whether there is a picture: one number out, and one or two numbers in."""
    return problem.outputs == 1 and problem.x.shape[1] <= 2


def lines_of(problem: Problem, steps: Sequence[Steps], shown: str, step: int) -> list[Line]:
    """The start, and each optimiser after the step in the cell `shown`; of a single one also the end."""

    def state(one: Steps, at: str, number: int) -> list[Formula]:
        return [Formula(f"INDEX({one.weights(n)},{at}+1)", value) for n, value in enumerate(one.run.weights[number].tolist())]

    last = len(steps[0].shares)
    lines = [Line("start", state(steps[0], "0", 0))]
    if len(steps) > 1:
        return lines + [Line(one.rule.heading, state(one, shown, step)) for one in steps]
    heading = Formula(f'"after step "&{shown}', f"after step {step}")
    return [*lines, Line(heading, state(steps[0], shown, step)), Line(f"end, step {last}", state(steps[0], str(last), last))]


def write_fit(book: Workbook, problem: Problem, lines: Sequence[Line]) -> None:
    """Write the sheet of weights and, for one input, the lines that the chart draws."""
    note = "The weights after the step that is chosen on the first sheet"
    page = Page(
        book, SHEET, "What it has learnt", note + (", and the line that they draw." if problem.x.shape[1] == 1 else ".")
    )
    page.sheet.fit_to_pages(1, 0)
    page.widths({NAME: 150, **dict.fromkeys(range(FIRST, FIRST + len(lines)), 130)})
    page.put(TOP - 1, NAME, "weight", "heading")
    for col, line in enumerate(lines, start=FIRST):
        page.put(TOP - 1, col, line.heading, "heading")
        for number, weight in enumerate(line.weights):
            page.put(TOP + number, col, weight, "grows")
    for number, name in enumerate(weight_names(problem)):
        page.put(TOP + number, NAME, name, "name")
    page.short_where_large(TOP, NAME, _curve_top(problem) + CURVE, FIRST + len(lines) - 1)
    if problem.x.shape[1] == 1:
        _write_curves(page, problem, lines)


def _write_curves(page: Page, problem: Problem, lines: Sequence[Line]) -> None:
    top, points = _curve_top(problem), _points(problem)
    page.put(top - 1, NAME, "x", "heading")
    for col, line in enumerate(lines, start=FIRST):
        page.put(top - 1, col, Formula(cell(TOP - 1, col, fixed=True), _text(line.heading)), "heading")
    low, high, xs = *_ends(problem, 0), np.linspace(problem.x.min(), problem.x.max(), points)
    for number, x in enumerate(xs.tolist()):
        place = f"{low}+({high}-{low})*{number}/{points - 1}"
        page.put(top + number, NAME, Formula(place, x), "grows")
        for col, line in enumerate(lines, start=FIRST):
            at = [xl_rowcol_to_cell(TOP + n, col, row_abs=True) for n in range(len(line.weights))]
            given = xl_rowcol_to_cell(top + number, NAME, col_abs=True)
            value = _value(problem, np.array([weight.value for weight in line.weights]), np.array([x]))
            page.put(top + number, col, Formula(_made(problem, at, [given]), value), "grows")


def draw_lines(book: Workbook, problem: Problem, lines: Sequence[Line], colours: Sequence[str]) -> object:
    """A chart of the points and the lines; `colours` are those of the lines behind the first."""
    chart = book.add_chart({"type": "scatter", "subtype": "straight"})
    marks = {"type": "circle", "size": 6, "border": {"color": "#555555"}, "fill": {"color": "#BFBFBF"}}
    places = {"categories": column(problem, 0), "values": column(problem, 1)}
    chart.add_series({"name": "data", **places, "marker": marks, "line": {"none": True}})
    top, last = _curve_top(problem), _curve_top(problem) + _points(problem) - 1
    for col, (_, colour) in enumerate(zip(lines, ["#999999", *colours], strict=True), start=FIRST):
        look = {"color": colour, "width": 2.25, **({"dash_type": "dash"} if col == FIRST else {})}
        places = {"categories": [SHEET, top, NAME, last, NAME], "values": [SHEET, top, col, last, col]}
        chart.add_series({"name": [SHEET, TOP - 1, col], **places, "line": look, "marker": {"type": "none"}})
    grid = {"visible": True, "line": {"color": "#DDDDDD"}}
    low, high = problem.x.min().item(), problem.x.max().item()
    chart.set_x_axis({"name": "x", "min": low, "max": high, "num_format": "General", "major_gridlines": {"visible": False}})
    chart.set_y_axis(
        {"name": "probability of 1" if problem.kind == "binary" else "y", "major_gridlines": grid, "num_format": "General"}
    )
    chart.set_legend({"position": "top"})
    chart.set_size({"width": 640, "height": 350})
    return chart


def write_map(page: Page, problem: Problem, row: int, col: int, chosen: Formula | None, lines: Sequence[Line]) -> None:
    """Two inputs across and down, and in each cell what the network gives there, as a colour.

    Its weights are those of the column `chosen` of the sheet of weights, counted from 1; the second where there is one choice.
    """
    page.sheet.set_row(row - 1, 21)
    grids = [np.linspace(problem.x[:, line].min(), problem.x[:, line].max(), SIDE) for line in (0, 1)]
    number = 1 if chosen is None else int(chosen.value) - 1
    weights = np.array([weight.value for weight in lines[number].weights])
    at = []
    for n in range(len(weights)):
        choices = f"{SHEET}!{span(TOP + n, FIRST, TOP + n, FIRST + len(lines) - 1, fixed=True)}"
        at.append(f"{SHEET}!{cell(TOP + n, FIRST + 1, fixed=True)}" if chosen is None else f"INDEX({choices},{chosen.text})")
    for n in range(SIDE):
        for line, place in ((0, (row, col + 1 + n)), (1, (row + SIDE - n, col))):
            low, high = _ends(problem, line)
            made = Formula(f"{low}+({high}-{low})*{n}/{SIDE - 1}", grids[line][n].item())
            page.put(*place, made, "map_edge")
    for y in range(SIDE):
        for x in range(SIDE):
            place = row + SIDE - y, col + 1 + x
            given = [xl_rowcol_to_cell(row, place[1], row_abs=True), xl_rowcol_to_cell(place[0], col, col_abs=True)]
            value = _value(problem, weights, np.array([grids[0][x], grids[1][y]]))
            page.put(*place, Formula(_made(problem, at, given), value), "map")
    middle = {"min_type": "num", "min_value": 0, "mid_type": "num", "mid_value": 0.5, "max_type": "num", "max_value": 1}
    colours = {"min_color": "#E69F00", "mid_color": "#FFFFFF", "max_color": "#0072B2"}
    page.sheet.conditional_format(row + 1, col + 1, row + SIDE, col + SIDE, {"type": "3_color_scale", **middle, **colours})


def _made(problem: Problem, weights: Sequence[str], inputs: Sequence[str]) -> str:
    """The formula of the network's answer: what it gives, and where it answers yes or no the probability."""
    places = problem.places()

    def linear(layer: int, output: int, given: Sequence[str]) -> str:
        row, biases = places[layer]
        terms = [f"{weights[n]}*{one}" for n, one in zip(row[output], given, strict=True)]
        return "+".join(terms if biases is None else [*terms, weights[biases[output]]])

    if problem.activation:
        hidden = [activated(problem.activation, linear(0, unit, inputs)) for unit in range(problem.hidden)]
        made = linear(1, 0, hidden)
    else:
        made = linear(0, 0, inputs)
    return sigmoid(made) if problem.kind == "binary" else made


def _value(problem: Problem, weights: Array, x: Array) -> float:
    """What that formula gives."""
    places = problem.places()
    given = x
    for layer, (rows, biases) in enumerate(places):
        given = weights[np.array(rows)] @ given + (0 if biases is None else weights[np.array(biases)])
        if layer == 0 and problem.activation:
            given = {"relu": np.maximum(given, 0), "tanh": np.tanh(given), "sigmoid": 1 / (1 + np.exp(-given))}[
                problem.activation
            ]
    return float(1 / (1 + np.exp(-given[0])) if problem.kind == "binary" else given[0])


def _ends(problem: Problem, line: int) -> tuple[str, str]:
    _, top, col, last, _ = column(problem, line)
    data = f"{DATA_SHEET}!{span(int(top), int(col), int(last), int(col), fixed=True)}"
    return f"MIN({data})", f"MAX({data})"


def _points(problem: Problem) -> int:
    return 2 if problem.activation is None and problem.kind == "squares" else CURVE


def _curve_top(problem: Problem) -> int:
    return TOP + len(problem.start) + 2


def _text(content: str | Formula) -> str:
    return content if isinstance(content, str) else str(content.value)
