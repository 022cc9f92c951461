"""A layer whose numbers can be followed: where it is, and how its windows lie on the layer before."""

from dataclasses import dataclass, field

import numpy as np

from course_utils.excel.grid import Grid
from course_utils.tracing.steps import Array


@dataclass(frozen=True)
class Lattice:
    """Where the kernel of an output and an input begins: some below each other, then the next column."""

    row: int
    col: int
    outputs_below: int = 1
    output_rows: int = 0
    output_cols: int = 0
    inputs_below: int = 1
    input_rows: int = 0
    input_cols: int = 0

    def at(self, output: int, number: int) -> tuple[int, int]:
        """The corner of the kernel for this output and input."""
        (o_col, o_row), (i_col, i_row) = divmod(output, self.outputs_below), divmod(number, self.inputs_below)
        row = self.row + o_row * self.output_rows + i_row * self.input_rows
        return row, self.col + o_col * self.output_cols + i_col * self.input_cols


@dataclass(frozen=True)
class Followed:
    """A layer whose numbers can be followed: how each is made of a window of its source.

    `how` is "sum" (of products with weights), "total", "mean", "largest", "smallest" or "one" (a formula of one number).
    """

    name: str
    how: str
    out: Grid
    source: Grid
    inputs: int  # input channels of a window
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    outputs_per_group: int = 1
    weights: Lattice | None = None
    weight_steps: tuple[int, int] = (1, 1)
    bias: tuple[int, int, int] | None = None  # row and column of the first, rows from one to the next
    relu: bool = False
    values: Array = field(default_factory=lambda: np.zeros(0))
    before: Array = field(default_factory=lambda: np.zeros(0))
    kernels: Array = field(default_factory=lambda: np.zeros(0))
    biases: Array = field(default_factory=lambda: np.zeros(0))

    @property
    def terms(self) -> int:
        """How many numbers one of its numbers is made of."""
        return self.inputs * self.kernel[0] * self.kernel[1]
