"""What will stand on the sheet: the plain data that the layout makes, the writer writes and the checks read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from course_utils.excel.follow.layer import Followed
from course_utils.excel.grid import Rect
from course_utils.tracing.steps import Array, Weight

HEAD_ROWS = 7  # title, how to read it, legend, space, and of each block its name, shape and words
CONTENT_ROW = HEAD_ROWS + 1  # after the labels of the first channels
CHART_WIDTH, CHART_HEIGHT = 440, 300  # pixels


@dataclass(frozen=True)
class Formula:
    """A formula without its equals sign, and the value that it has."""

    text: str
    value: float | str


@dataclass(frozen=True)
class Item:
    """One cell that is not part of a tensor: a label, a heading over `columns` cells, a sum."""

    row: int
    col: int
    content: str | float | Formula
    style: str
    columns: int = 1


@dataclass(frozen=True)
class Area:
    """A rectangle of numbers, each a constant or, where `formula(y, x)` is given, a formula with its value beside it."""

    rect: Rect
    values: Array
    style: str
    formula: Callable[[int, int], str] | None = None

    @cached_property
    def precision(self) -> int:
        """How exactly to show its numbers in small cells: 0 whole ones as they are, else 1-3 for none to two decimals."""
        largest = float(abs(self.values).max())
        if not (self.values % 1).any() and largest < 1000:
            return 0
        return 3 if largest < 9.995 else 2 if largest < 99.95 else 1


@dataclass
class Named:
    """A tensor with a name of its own: where it stands (rectangles in the order of its flattened values) and what it is."""

    name: str
    role: str  # "input", "weight" or "output"
    title: str
    shape: tuple[int, ...]
    rects: list[Rect]
    largest: float  # of the absolute values: the colour scale ends there
    negative: bool  # whether colours go around zero
    weight: Weight | None = None
    coloured: bool = True


@dataclass
class Block:
    """What one layer takes up, from column to column, with its heading."""

    name: str
    shape: str
    words: str
    first_col: int
    last_col: int
    cells: int = 0


@dataclass
class Prediction:
    """The cells around the probabilities: for the drop-down list and the bar chart."""

    labels: Rect
    probabilities: Rect
    actual: tuple[int, int]
    charts: list[tuple[int, int]]
    logarithms: bool


@dataclass
class Plan:
    """The whole sheet."""

    title: str
    blocks: list[Block] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    named: list[Named] = field(default_factory=list)
    wide_columns: dict[int, int] = field(default_factory=dict)  # column -> pixels
    prediction: Prediction | None = None
    followed: list[Followed] = field(default_factory=list)

    @property
    def cells(self) -> int:
        """How many cells hold a number."""
        return sum(area.rect.height * area.rect.width for area in self.areas)

    @property
    def formulas(self) -> int:
        """How many of them are formulas."""
        return sum(area.rect.height * area.rect.width for area in self.areas if area.formula)

    @property
    def last_row(self) -> int:
        """The last row that holds anything."""
        return max(max(area.rect.last_row for area in self.areas), max((item.row for item in self.items), default=0))

    @property
    def last_col(self) -> int:
        """The last column that belongs to a block."""
        return self.blocks[-1].last_col
