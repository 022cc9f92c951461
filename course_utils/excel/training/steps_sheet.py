"""The sheet of one optimiser: a row for each step, from its weights to its loss, its gradients and what is kept of them."""

from collections.abc import Iterator
from itertools import groupby

from xlsxwriter import Workbook
from xlsxwriter.utility import quote_sheetname

from course_utils.excel.grid import cell
from course_utils.excel.page import Page
from course_utils.excel.plan import Formula
from course_utils.excel.training.backward import add_backward, add_weights
from course_utils.excel.training.blocks import DATA, EXAMPLE, FIRST, NAME, RATE, SAID, SECTION, STEP, Block, Columns, numbered
from course_utils.excel.training.data_sheet import number_above, starts
from course_utils.excel.training.forward import add_forward
from course_utils.excel.training.optimisers import RATE as FULL_RATE
from course_utils.excel.training.optimisers import Rule
from course_utils.excel.training.problem import Problem
from course_utils.excel.training.run import Run
from course_utils.excel.training.schedule import share_at

SETTINGS = 2  # the row of the settings, each a name over two columns and the number in a third
NUMBER_WIDTH, WEIGHT_WIDTH = 76, 100  # pixels


class Steps:
    """An optimiser at work: the columns of its sheet, and where what others read of it is."""

    def __init__(self, problem: Problem, rule: Rule, run: Run, shares: list[float]) -> None:
        self.rule, self.run, self.shares = rule, run, shares
        self._problem = problem
        self._settings = {name: cell(SETTINGS, 3 * n + 3, fixed=True) for n, name in enumerate(rule.settings)}
        self._columns = Columns(problem)
        add_weights(self._columns, run, rule, starts(problem), self._settings)
        forward = add_forward(self._columns, run)
        add_backward(self._columns, run, rule, forward, self._settings)
        self._loss_col = forward.loss.col

    @property
    def formulas_in_a_row(self) -> int:
        """How many formulas a step is."""
        return self.last_col - RATE + 1

    @property
    def last_col(self) -> int:
        """Its last column."""
        return self._columns.next_col - 1

    def longest(self) -> int:
        """How long its longest formula is, in characters."""
        row = self._columns.top + 1
        return max(len(block.formula(row, block.width - 1)) for block in self._columns.blocks)

    @property
    def sheet(self) -> str:
        """The name of its sheet, as formulas write it."""
        return str(quote_sheetname(self.rule.heading))

    def loss_at(self, step: int) -> str:
        """The address of the loss after so many steps."""
        return f"{self.sheet}!{cell(self._columns.top + step, self._loss_col, fixed=True)}"

    def losses(self) -> str:
        """The address of all losses."""
        return f"{self.loss_at(0)}:{self.loss_at(len(self.shares)).rpartition('!')[2]}"

    def weights(self, number: int) -> str:
        """The address of one weight at all steps."""
        top, col = self._columns.top, FIRST + number
        return f"{self.sheet}!{cell(top, col, fixed=True)}:{cell(top + len(self.shares), col, fixed=True)}"

    def places(self, loss: bool) -> list[int | str]:
        """The losses, or else the numbers of the steps, as a chart takes them."""
        col = self._loss_col if loss else STEP
        return [self.rule.heading, self._columns.top, col, self._columns.top + len(self.shares), col]

    def write(self, book: Workbook, settings: dict[str, str]) -> None:
        """Write the sheet; `settings` are the addresses of the settings on the first sheet."""
        page = Page(book, self.rule.heading, f"{self.rule.heading}: a row for each step", self.rule.words)
        page.sheet.set_print_scale(60)
        page.sheet.repeat_rows(SECTION, self._columns.top - 1)
        page.sheet.repeat_columns(STEP, RATE)
        page.sheet.freeze_panes(self._columns.top, FIRST if self._columns.top < 16 else 0)
        for n, (name, value) in enumerate(self.rule.settings.items()):
            page.across(SETTINGS, 3 * n + 1, 3 * n + 2, name, "right")
            page.put(SETTINGS, 3 * n + 3, Formula(settings[name], value), "plain")
        self._write_heads(page)
        self._write_steps(page)

    def _write_heads(self, page: Page) -> None:
        page.sheet.set_row(SAID, 58)
        page.widths({STEP: 60, RATE: 90})
        for col, name, said in ((STEP, "step", "taken before"), (RATE, "rate", "full rate × share; or type your own")):
            page.put(NAME, col, name, "heading")
            page.put(SAID, col, said, "formula")
        labels = numbered("x", self._problem.x.shape[1]) + numbered("y", self._problem.outputs)
        page.put(EXAMPLE, RATE, "example", "right")
        for line, label in enumerate(labels):
            page.put(DATA + line, RATE, label, "right")
        for section, blocks in groupby(self._columns.blocks, key=lambda block: block.section):
            several = list(blocks)
            _spread(page, SECTION, several[0].col, several[-1].col + several[-1].width - 1, section, "section")
            for block in several:
                self._write_head(page, block)

    def _write_head(self, page: Page, block: Block) -> None:
        by_example = block.section in ("Forward", "Backward")
        last = block.col + block.width - 1
        page.widths(dict.fromkeys(range(block.col, last + 1), NUMBER_WIDTH if by_example else WEIGHT_WIDTH))
        for row, texts, style in ((NAME, block.names, "heading"), (SAID, block.words, "formula")):
            if len(texts) == 1:
                _spread(page, row, block.col, last, texts[0], style if block.width < 8 else f"{style}_left")
            else:
                for col, text in enumerate(texts, start=block.col):
                    page.put(row, col, text, style)
        for example in range(block.width if by_example else 0):
            page.put(EXAMPLE, block.col + example, example + 1, "example")
            for line in block.lines:
                page.put(DATA + line, block.col + example, number_above(self._problem, example, line), "given")

    def _write_steps(self, page: Page) -> None:
        top = self._columns.top
        rate = self._settings[FULL_RATE]
        for step in range(len(self.shares) + 1):
            page.put(top + step, STEP, step, "count")
        for step, share in enumerate(self.shares):
            value = self.rule.settings[FULL_RATE] * share
            page.put(top + step, RATE, Formula(f"{rate}*{share_at(step)}", value), "edit_plain")
        page.short_where_large(top, FIRST, top + len(self.shares), self.last_col)
        for block in self._columns.blocks:
            style = "sum" if block.section == "Loss" else "grows"
            for row, column, value in _cells(block):
                page.put(top + row, block.col + column, Formula(block.formula(top + row, column), value), style)


def _cells(block: Block) -> Iterator[tuple[int, int, float]]:
    for row, values in enumerate(block.values.tolist()):
        for column, value in enumerate(values):
            yield row, column, value


def _spread(page: Page, row: int, col: int, last: int, text: str, style: str) -> None:
    if col == last:
        page.put(row, col, text, style)
    else:
        page.across(row, col, last, text, style)
