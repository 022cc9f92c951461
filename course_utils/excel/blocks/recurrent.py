"""RNN, LSTM and GRU: a table for each step, one below the other, with its gates, its states, and what it read."""

from collections.abc import Callable

from course_utils.excel.formulas import relu, sigmoid
from course_utils.excel.grid import Grid, Rect, cell
from course_utils.excel.placed import Placed
from course_utils.excel.plan import CONTENT_ROW
from course_utils.excel.products import Cells, dot
from course_utils.excel.sheet import Sheet
from course_utils.tracing.recurrent import ROWS
from course_utils.tracing.steps import Step

HEADINGS = {"weight_ih": "W, times x", "weight_hh": "U, times h", "bias_ih": "bias", "bias_hh": "bias"}
SPELLED_OUT = {  # each row in words, of the input x and the step before it
    "rnn_tanh": ("tanh(W {x} + U h{last} + biases)",),
    "rnn_relu": ("max(0, W {x} + U h{last} + biases)",),
    "gru": (
        *("sigmoid(W {x} + U h{last} + biases)",) * 2,
        "tanh(W {x} + bias + reset gate × (U h{last} + bias))",
        "(1 - update gate) × candidate + update gate × h{last}",
    ),
    "lstm": (
        *("sigmoid(W {x} + U h{last} + biases)",) * 2,
        "tanh(W {x} + U h{last} + biases)",
        "sigmoid(W {x} + U h{last} + biases)",
        "forget gate × cell state before + input gate × candidate",
        "output gate × tanh(cell state)",
    ),
}
WORDS = 310  # pixels of the column with what each row is in words
LABELS = 92  # pixels of the column with the names of gates and states


def recurrent_block(sheet: Sheet, step: Step, source: Placed, *states: Placed) -> Grid:
    """The weights of each gate, and to the right of them what each step makes, the first one at the top."""
    steps, rows, size = step.value.shape
    _draw_weights(sheet, step)
    names = ROWS[step.kind]
    sheet.plan.wide_columns[sheet.col] = LABELS
    grid = Grid(CONTENT_ROW, sheet.col + 1, steps, rows, size, rows + 2)
    reverse = step.settings["reverse"]
    for position in range(steps):
        top = grid.at(position)[0]
        number = steps - position if reverse else position + 1
        sheet.label(top - 1, sheet.col + 1, f"step {number}" + (f", position {position + 1}" if reverse else ""))
        for row, (name, words) in enumerate(zip(names, SPELLED_OUT[step.kind], strict=True)):
            sheet.label(top + row, sheet.col, name, "row")
            sheet.label(top + row, sheet.col + 1 + size, f"= {words.format(x=f'x{number}', last=number - 1)}", "spelled_out")
    sheet.col += 1 + size
    sheet.plan.wide_columns[sheet.col] = WORDS
    sheet.col += 1
    before = iter(states)
    hidden, own_cell = (next(before) if given else None for given in step.settings["states"])
    writer = _Writer(sheet, step, grid, source, hidden, own_cell)
    sheet.draw_each(step, grid, writer.formula)
    return grid


def _draw_weights(sheet: Sheet, step: Step) -> None:
    """The weights of each gate, one below the other: those of what comes in, those of the state, and the biases."""
    size = step.value.shape[2]
    roles = [role for role in HEADINGS if role in step.weights and step.weights[role].keys not in sheet.drawn]
    gates = len(step.weights["weight_ih"].value) // size
    if not roles:
        return
    if gates > 1:
        for gate, name in enumerate(ROWS[step.kind][:gates]):
            sheet.label(CONTENT_ROW + gate * (size + 1), sheet.col, name, "row")
        sheet.plan.wide_columns[sheet.col] = LABELS
        sheet.col += 1
    for role in roles:
        width = step.weights[role].value.size // (gates * size)
        sheet.label(CONTENT_ROW - 1, sheet.col, HEADINGS[role])
        rects = [Rect(CONTENT_ROW + gate * (size + 1), sheet.col, size, width) for gate in range(gates)]
        sheet.draw_weight(step, role, rects)
        sheet.col += max(width, 2) + 1


class _Writer:
    """The formula of each number of each step."""

    def __init__(
        self, sheet: Sheet, step: Step, grid: Grid, source: Placed, hidden: Placed | None, own_cell: Placed | None
    ) -> None:
        self._kind, self._grid, self._source = step.kind, grid, source
        self._before = {-1: hidden, -2: own_cell}  # the states before the first step, by their row
        self._reverse = step.settings["reverse"]
        self._weights = {role: sheet.weight_places(step, role) for role in step.weights}
        self._inputs = len(self._weights["weight_ih"]) * grid.width // len(self._weights["weight_hh"])
        rules: dict[str, Callable[[int, int, int], str]] = {"lstm": self._lstm, "gru": self._gru}
        self._rule = rules.get(step.kind, self._rnn)

    def formula(self, number: int) -> str:
        """The formula of a number, counted over steps, rows and features."""
        position, rest = divmod(number, self._grid.height * self._grid.width)
        row, feature = divmod(rest, self._grid.width)
        return self._rule(position, row, feature)

    def _rnn(self, position: int, row: int, feature: int) -> str:
        made = _sum(self._seen(position, feature), self._own(position, feature))
        return relu(made) if self._kind == "rnn_relu" else f"TANH({made})"

    def _lstm(self, position: int, row: int, feature: int) -> str:
        into, forget, candidate, out, state = (self._here(position, row, feature) for row in range(5))
        if row == 4:
            before = self._state(position, -2)
            kept = f"{forget}*{cell(*before[feature])}+" if before else ""
            return f"{kept}{into}*{candidate}"
        if row == 5:
            return f"{out}*TANH({state})"
        made = _sum(
            self._seen(position, row * self._grid.width + feature), self._own(position, row * self._grid.width + feature)
        )
        return f"TANH({made})" if row == 2 else sigmoid(made)

    def _gru(self, position: int, row: int, feature: int) -> str:
        reset, update, candidate = (self._here(position, row, feature) for row in range(3))
        if row == 3:
            before = self._state(position, -1)
            kept = f"+{update}*{cell(*before[feature])}" if before else ""
            return f"(1-{update})*{candidate}{kept}"
        seen = self._seen(position, row * self._grid.width + feature)
        own = self._own(position, row * self._grid.width + feature)
        if row == 2:
            return f"TANH({_sum(seen, f'{reset}*({own})' if own else '')})"
        return sigmoid(_sum(seen, own))

    def _here(self, position: int, row: int, feature: int) -> str:
        return cell(*self._grid.at(position, row, feature))

    def _state(self, position: int, row: int) -> Cells | None:
        """The cells of the state before a step: a row of the step before, or what was given; None where it is zero."""
        last = position + 1 if self._reverse else position - 1
        if 0 <= last < self._grid.channels:
            return [self._grid.at(last, self._grid.height + row, feature) for feature in range(self._grid.width)]
        given = self._before[row]
        return None if given is None else [given.flat(feature) for feature in range(self._grid.width)]

    def _seen(self, position: int, unit: int) -> str:
        """What a gate makes of the input of a step."""
        inputs = [self._source.flat(position * self._inputs + n) for n in range(self._inputs)]
        return _sum(dot(inputs, self._row("weight_ih", unit), fixed=True), self._bias("bias_ih", unit))

    def _own(self, position: int, unit: int) -> str:
        """What a gate makes of the state before a step."""
        before = self._state(position, -1)
        bias = self._bias("bias_hh", unit)
        return bias if before is None else _sum(dot(before, self._row("weight_hh", unit), fixed=True), bias)

    def _row(self, role: str, unit: int) -> Cells:
        count = self._inputs if role == "weight_ih" else self._grid.width
        return self._weights[role][unit * count : (unit + 1) * count]

    def _bias(self, role: str, unit: int) -> str:
        return cell(*self._weights[role][unit], fixed=True) if role in self._weights else ""


def _sum(*terms: str) -> str:
    return "+".join(term for term in terms if term)
