"""The first sheet: what the workbook is, how to use it, the settings to turn, what came of them, and the pictures."""

from collections.abc import Sequence

from xlsxwriter import Workbook

from course_utils.excel.grid import cell
from course_utils.excel.page import Page
from course_utils.excel.plan import Formula
from course_utils.excel.training.fit_sheet import SIDE, Line, draw_lines, lines_of, write_map
from course_utils.excel.training.optimisers import DECAY, RATE, Rule
from course_utils.excel.training.problem import Problem
from course_utils.excel.training.schedule import KINDS
from course_utils.excel.training.steps_sheet import Steps

SHEET, NAME, FIRST = "Training", 1, 2  # the sheet, its column of names, and that of the first optimiser
HEAD = 9  # the row of the optimisers' headings
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000")  # Okabe and Ito, 2008
SETTINGS = (RATE, "momentum", "dampening", "α", "β1", "β2", "ε", DECAY)  # in this order
PICTURE = 28  # width in pixels of the columns behind the pictures, as wide as a row is high
LOSSES = {
    "squares": "mean of (prediction − y)²",
    "binary": "mean of −ln p(what is true)",
    "classes": "mean of −ln p(true class)",
}


class Overview:
    """Where the cells of the first sheet are, which all other sheets read, and the sheet itself."""

    def __init__(self, problem: Problem, rules: Sequence[Rule]) -> None:
        self._problem, self._rules = problem, rules
        used = {name for rule in rules for name in rule.settings}
        self._settings = [name for name in SETTINGS if name in used]
        self._results = HEAD + len(self._settings) + 2
        self._cycles = self._results + 6
        self._shown = self._cycles + 5

    def settings(self, number: int) -> dict[str, str]:
        """The addresses of the settings of one optimiser, from another sheet."""
        rows = {name: HEAD + 1 + row for row, name in enumerate(self._settings)}
        return {name: _elsewhere(rows[name], FIRST + number) for name in self._rules[number].settings}

    @property
    def schedule(self) -> tuple[str, str, str]:
        """The addresses of the kind of schedule, of the steps of the first cycle, and of how much longer the next one is."""
        kind, length, mult = (_elsewhere(self._cycles + 1 + row, FIRST) for row in range(3))
        return kind, length, mult

    @property
    def shown(self) -> str:
        """The address of the step that the pictures show."""
        return _elsewhere(self._shown + 1, FIRST)

    def lines(self, steps: Sequence[Steps]) -> list[Line]:
        """The states of the network that the pictures show."""
        return lines_of(self._problem, steps, self.shown, self._step(steps))

    def write(self, page: Page, title: str, steps: Sequence[Steps], kind: str, cycle: tuple[int, int], drawn: bool) -> None:
        """Fill the sheet; `cycle` is the length of the first cycle and how many times as long the next is."""
        last = FIRST + len(self._rules) - 1
        page.widths({NAME: 190, **dict.fromkeys(range(FIRST, last + 1), 118), last + 1: 30})
        page.widths(dict.fromkeys(range(last + 2, last + 26), PICTURE))
        page.sheet.freeze_panes(0, 0)
        self._write_words(page, title, len(steps[0].shares), drawn)
        self._write_settings(page)
        self._write_results(page, steps)
        self._write_schedule(page, kind, cycle, len(steps[0].shares))
        self._write_choice(page, steps, drawn)
        page.sheet.insert_chart(HEAD, last + 2, self._losses(page.book, steps))
        if drawn and self._problem.x.shape[1] == 1:
            page.sheet.insert_chart(HEAD + 13, last + 2, self._fit(page.book, steps))
        elif drawn:
            self._write_map(page, steps, HEAD + 14, last + 2)

    def _step(self, steps: Sequence[Steps]) -> int:
        """The step that is shown at first: a line is most of the way there after a quarter of them."""
        return len(steps[0].shares) // (4 if self._problem.x.shape[1] == 1 else 1)

    def _write_words(self, page: Page, title: str, count: int, drawn: bool) -> None:
        problem = self._problem
        model = {None: "W·x + b", "relu": "W2 · max(0, W1·x + b1) + b2", "tanh": "W2 · tanh(W1·x + b1) + b2"}
        network = model.get(problem.activation, "W2 · sigmoid(W1·x + b1) + b2")
        gives = {"squares": "prediction", "binary": "z", "classes": "z"}[problem.kind]
        after = {"squares": "", "binary": ", p = 1 / (1 + exp(−z))", "classes": ", p = softmax(z)"}[problem.kind]
        page.put(1, NAME, f"{gives} = {network}{after};   loss = {LOSSES[problem.kind]} over {len(problem.x)} examples", "text")
        look = "   The pictures show what is learnt after the step that you choose." if drawn else ""
        sentences = (
            "1   Change a learning rate and watch the loss: too small and it crawls, too large and it diverges." + look,
            "2   All that is blue is yours: rates, momentum, the schedule, and on the sheet Data the examples and the start.",
            f"3   Each optimiser has a sheet of {count} steps, a row for each. Click on a number to see its formula.",
        )
        for row, sentence in enumerate(sentences, start=3):
            page.put(row, NAME, sentence, "text")
        page.put(6, NAME, 1.5, "edit_plain")
        page.put(6, FIRST, "yours to change", "note")
        page.put(7, NAME, Formula("1+0.5", 1.5), "grows")
        page.put(7, FIRST, "a formula: what stands in it is what PyTorch computes, as long as nothing is changed", "note")

    def _write_settings(self, page: Page) -> None:
        page.put(HEAD, NAME, "settings", "heading")
        for row in (HEAD, self._results):
            page.sheet.set_row(row, 21 if max(len(rule.heading) for rule in self._rules) < 12 else 36)
        for number, rule in enumerate(self._rules):
            page.put(HEAD, FIRST + number, rule.heading, "heading")
            for row, name in enumerate(self._settings, start=HEAD + 1):
                page.put(row, NAME, name, "name")
                given = rule.settings.get(name)
                page.put(row, FIRST + number, "–" if given is None else given, "unused" if given is None else "edit_plain")

    def _write_results(self, page: Page, steps: Sequence[Steps]) -> None:
        top, count, shown = self._results, len(steps[0].shares), self._step(steps)
        for row, name in enumerate(("loss", "at the start", f"after {count} steps", "at the step shown", "verdict"), start=top):
            page.put(row, NAME, name, "name" if row > top else "heading")
        for col, one in enumerate(steps, start=FIRST):
            losses, start, end = one.run.loss, one.loss_at(0), one.loss_at(count)
            at_shown = f"INDEX({one.losses()},{cell(self._shown + 1, FIRST, fixed=True)}+1)"
            page.put(top, col, one.rule.heading, "heading")
            page.put(top + 1, col, Formula(start, losses[0].item()), "grows")
            page.put(top + 2, col, Formula(_or_large(end), losses[count].item()), "grows")
            page.put(top + 3, col, Formula(_or_large(at_shown), losses[shown].item()), "grows")
            fell = losses[count] <= losses[0]
            said = f'IF(ISNUMBER({end}),IF({end}<={start},"learns","diverges"),"diverges")'
            page.put(top + 4, col, Formula(said, "learns" if fell else "diverges"), "verdict")
        page.short_where_large(top + 1, FIRST, top + 3, FIRST + len(steps) - 1)
        place = top + 4, FIRST, top + 4, FIRST + len(steps) - 1
        for word, colour in (("learns", "#C6EFCE"), ("diverges", "#FFC7CE")):
            look = page.book.add_format({"bg_color": colour})
            page.sheet.conditional_format(*place, {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": look})

    def _write_schedule(self, page: Page, kind: str, cycle: tuple[int, int], count: int) -> None:
        top = self._cycles
        page.put(top, NAME, "schedule of the rates", "heading")
        page.put(top, FIRST, "for all", "heading")
        cells: list[tuple[str, str | int]] = [
            ("constant, or restarts", kind),
            ("steps of the first cycle", cycle[0]),
            ("each next is longer ×", cycle[1]),
        ]
        for row, (name, value) in enumerate(cells, start=top + 1):
            page.put(row, NAME, name, "name")
            page.put(row, FIRST, value, "edit_plain")
        page.sheet.data_validation(top + 1, FIRST, top + 1, FIRST, {"validate": "list", "source": list(KINDS)})
        whole = {"validate": "integer", "criteria": "between", "minimum": 1, "maximum": 1000}
        page.sheet.data_validation(top + 2, FIRST, top + 3, FIRST, whole)

    def _write_choice(self, page: Page, steps: Sequence[Steps], drawn: bool) -> None:
        top, count = self._shown, len(steps[0].shares)
        page.put(top, NAME, "the pictures", "heading")
        page.put(top, FIRST, "show", "heading")
        page.put(top + 1, NAME, f"step, from 0 to {count}", "name")
        page.put(top + 1, FIRST, self._step(steps), "edit_count")
        whole = {"validate": "integer", "criteria": "between", "minimum": 0, "maximum": count}
        page.sheet.data_validation(top + 1, FIRST, top + 1, FIRST, whole)
        if drawn and self._problem.x.shape[1] == 2 and len(steps) > 1:
            page.put(top + 2, NAME, "optimiser", "name")
            page.put(top + 2, FIRST, steps[0].rule.heading, "edit_plain")
            names = [one.rule.heading for one in steps]
            page.sheet.data_validation(top + 2, FIRST, top + 2, FIRST, {"validate": "list", "source": self._names(len(names))})

    def _names(self, count: int) -> str:
        return f"={cell(HEAD, FIRST, fixed=True)}:{cell(HEAD, FIRST + count - 1, fixed=True)}"

    def _write_map(self, page: Page, steps: Sequence[Steps], row: int, col: int) -> None:
        chosen = None
        if len(steps) > 1:
            names = self._names(len(steps)).removeprefix("=")
            chosen = Formula(f"MATCH({cell(self._shown + 2, FIRST, fixed=True)},{names},0)+1", 2)
        said = "the probability of 1" if self._problem.kind == "binary" else "the prediction"
        page.put(row - 1, col, f"{said} for each x1 (across) and x2 (up), at the step shown", "text")
        write_map(page, self._problem, row, col, chosen, self.lines(steps))
        assert col + SIDE < FIRST + len(self._rules) + 25

    def _losses(self, book: Workbook, steps: Sequence[Steps]) -> object:
        chart = book.add_chart({"type": "scatter", "subtype": "straight"})
        for number, one in enumerate(steps):
            colour = COLOURS[number % len(COLOURS)]
            places = {"categories": one.places(loss=False), "values": one.places(loss=True)}
            chart.add_series({"name": one.rule.heading, **places, "line": {"width": 2.25, "color": colour}})
        for number in range(len(steps)):
            colour = COLOURS[number % len(COLOURS)]
            row, col = self._results + 3, FIRST + number
            places = {
                "categories": [SHEET, self._shown + 1, FIRST, self._shown + 1, FIRST],
                "values": [SHEET, row, col, row, col],
            }
            marks = {"type": "circle", "size": 8, "fill": {"color": colour}, "border": {"color": "#FFFFFF"}}
            chart.add_series({"name": "step shown", **places, "marker": marks, "line": {"none": True}})
        chart.set_x_axis({"name": "step", "min": 0, "max": len(steps[0].shares), "major_gridlines": {"visible": False}})
        lines = {"visible": True, "line": {"color": "#DDDDDD"}}
        chart.set_y_axis({"name": "loss", "log_base": 10, "crossing": "min", "major_gridlines": lines, "num_format": "General"})
        chart.set_legend({"position": "top", "delete_series": list(range(len(steps), 2 * len(steps)))})
        chart.set_size({"width": 640, "height": 350})
        return chart

    def _fit(self, book: Workbook, steps: Sequence[Steps]) -> object:
        lines = self.lines(steps)
        colours = COLOURS if len(steps) > 1 else ("#E69F00", "#0072B2")
        chart = draw_lines(book, self._problem, lines, [colours[n % len(colours)] for n in range(len(lines) - 1)])
        return chart


def _or_large(formula: str) -> str:
    """What a formula gives, or in words that it is too large for a cell."""
    return f'IF(ISNUMBER({formula}),{formula},"too large")'


def _elsewhere(row: int, col: int) -> str:
    return f"{SHEET}!{cell(row, col, fixed=True)}"
