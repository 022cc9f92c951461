"""The columns of a sheet that trains, in blocks of one kind from left to right: where they are, and what stands in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from xlsxwriter.utility import xl_rowcol_to_cell

from course_utils.excel.grid import cell, span
from course_utils.excel.training.problem import Problem
from course_utils.tracing.steps import Array

STEP, RATE, FIRST = 1, 2, 3  # columns: the number of the step, its learning rate, and the first weight
SECTION, NAME, SAID, EXAMPLE, DATA = 3, 4, 5, 6, 7  # rows above the steps; from DATA on one for each input and each target


@dataclass
class Block:
    """Columns of one kind: one for each example, or one for each weight.

    `formula(row, column)` gives the text for the column with this number in the block, in a row of the sheet. `names` and
    `words` stand above each column, or above all of them where there is one. `lines` are those of the data, inputs then
    targets, that stand above its columns.
    """

    section: str
    names: Sequence[str]
    words: Sequence[str]
    col: int
    values: Array  # (rows, columns)
    formula: Callable[[int, int], str]
    lines: Sequence[int]

    @property
    def name(self) -> str:
        """What stands above all of its columns."""
        return self.names[0]

    @property
    def width(self) -> int:
        """How many columns it has."""
        return int(self.values.shape[1])

    def at(self, row: int, column: int = 0) -> str:
        """The address of one of its cells."""
        return cell(row, self.col + column)

    def across(self, row: int, fixed: bool = False) -> str:
        """The address of all its cells in a row."""
        return span(row, self.col, row, self.col + self.width - 1, fixed)


@dataclass
class Columns:
    """The blocks of one sheet, filled from left to right."""

    problem: Problem
    blocks: list[Block] = field(default_factory=list)

    @property
    def top(self) -> int:
        """The row of the first step."""
        return DATA + self.problem.x.shape[1] + self.problem.outputs

    @property
    def next_col(self) -> int:
        """Where the next block will be."""
        return self.blocks[-1].col + self.blocks[-1].width if self.blocks else FIRST

    def add(
        self,
        section: str,
        names: str | Sequence[str],
        words: str | Sequence[str],
        values: Array,
        formula: Callable[[int, int], str],
        lines: Sequence[int] = (),
    ) -> Block:
        """Put a block to the right of all others."""
        names, words = ([given] if isinstance(given, str) else given for given in (names, words))
        self.blocks.append(Block(section, names, words, self.next_col, values, formula, lines))
        return self.blocks[-1]

    def weight(self, row: int, number: int) -> str:
        """A weight of this step, in a formula that is the same in all columns of a block."""
        return xl_rowcol_to_cell(row, FIRST + number, col_abs=True)

    def above(self, col: int, line: int) -> str:
        """A number of the data that stands above a column."""
        return xl_rowcol_to_cell(DATA + line, col, row_abs=True)

    def linear(self, row: int, layer: int, output: int, inputs: Sequence[str]) -> str:
        """One output of a layer: the sum of weights times inputs, and the bias."""
        weights, biases = self.problem.places()[layer]
        terms = [f"{self.weight(row, n)}*{given}" for n, given in zip(weights[output], inputs, strict=True)]
        return "+".join(terms if biases is None else [*terms, self.weight(row, biases[output])])


def weight_names(problem: Problem) -> list[str]:
    """What the weights and biases are called, in their order.

    >>> import numpy as np
    >>> from course_utils.excel.training.problem import Layer
    >>> two = (Layer(np.zeros((2, 1)), np.zeros(2)), Layer(np.zeros((1, 2)), None))
    >>> weight_names(Problem(np.zeros((3, 1)), np.zeros((3, 1)), two, "relu", "squares"))
    ['W1 x→h1', 'W1 x→h2', 'b1 →h1', 'b1 →h2', 'W2 h1→z', 'W2 h2→z']
    """
    if not problem.hidden and problem.outputs == 1:
        names = numbered("w", problem.x.shape[1])
        return names if problem.layers[0].bias is None else [*names, "b"]
    ends = [numbered("x", problem.x.shape[1]), numbered("h", problem.hidden), numbered("z", problem.outputs)]
    ends = [end for end in ends if end]
    names = []
    for layer, part in enumerate(problem.layers):
        number = str(layer + 1) if problem.hidden else ""
        names += [f"W{number} {start}→{end}" for end in ends[layer + 1] for start in ends[layer]]
        names += [] if part.bias is None else [f"b{number} →{end}" for end in ends[layer + 1]]
    return names


def numbered(letter: str, count: int) -> list[str]:
    """A letter for each, numbered where there are several.

    >>> numbered("x", 1), numbered("x", 2)
    (['x'], ['x1', 'x2'])
    """
    return [letter] if count == 1 else [f"{letter}{number + 1}" for number in range(count)]
