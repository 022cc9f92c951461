"""A sheet that grows from left to right: what all blocks of layers are put together from."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from course_utils.excel import formulas
from course_utils.excel.grid import Grid, Rect, cell
from course_utils.excel.placed import Placed, sides
from course_utils.excel.plan import CONTENT_ROW, Area, Item, Named, Plan
from course_utils.excel.texts import plain
from course_utils.tracing.steps import Array, Step, Trace, Weight

TABLE = 66  # pixels of a column in a table


class Sheet:
    """The plan so far, and where things stand on it; `col` is the first free column."""

    def __init__(
        self,
        trace: Trace,
        title: str,
        class_names: Sequence[str | int] | None,
        rows: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.plan = Plan(plain(title))
        self.steps = trace.steps
        self.class_names = class_names
        self.rows = rows or {}  # names of rows, by the path of a step
        self.col = 1
        self.grids: list[Placed] = []  # where the output of each step is
        self.drawn: dict[tuple[str, ...], list[Rect]] = {}  # weights that stand on the sheet already, by state dict keys
        self.taken: set[str] = set()
        self.base = ""
        self.exponentials: dict[int, tuple[list[str], str]] = {}  # of a softmax step: x - largest of each class, and their sum

    def grid(self, shape: tuple[int, ...], pitch: int = 0) -> Grid:
        """Room for a tensor at the next free columns: for a vector one column, for a sequence a row for each position."""
        if len(shape) == 1:
            return self.vector(shape[0], "")
        channels, height, width = sides(shape)
        close = len(shape) == 2 or ((height, width) == (1, 1) and pitch == 0)
        grid = Grid(CONTENT_ROW, self.col, channels, height, width, 1 if close else max(pitch, height + 2))
        self.col += width
        return grid

    def grid_of(self, number: int) -> Grid:
        """Where the numbers of a step stand that have a block of their own."""
        placed = self.grids[number]
        assert isinstance(placed, Grid)
        return placed

    def vector(self, size: int, label: str) -> Grid:
        """Room for a vector in the next free column, with a label above."""
        grid = Grid(CONTENT_ROW, self.col, size, 1, 1, 1)
        if label:
            self.label(CONTENT_ROW - 1, self.col, label, "column")
        self.wide(1)
        return grid

    def wide(self, columns: int) -> None:
        """Pass on by so many columns, as wide as those of a table."""
        for _ in range(columns):
            self.plan.wide_columns[self.col] = TABLE
            self.col += 1

    def draw(self, step: Step, grid: Grid, channel: int, formula: Callable[[int, int], str]) -> None:
        """One channel of formulas (all of a vector), with PyTorch's numbers beside them."""
        rect, values = self.parts(grid, step.value)[channel]
        self._draw(step, rect, values, formula)

    def draw_each(self, step: Step, grid: Grid, formula: Callable[[int], str]) -> None:
        """Every number by `formula(number)`, counted as in the flattened tensor."""
        first = 0
        for rect, values in self.parts(grid, step.value):
            self._draw(step, rect, values, lambda y, x, first=first, width=rect.width: formula(first + y * width + x))  # type: ignore[misc]
            first += values.size
        self.finish(step, grid)

    def draw_all(self, step: Step, grid: Grid, formula: Callable[[int, int, int], str]) -> None:
        """Every number by `formula(channel, y, x)`; of a vector, the channel is the number of the feature."""

        def by_number(number: int) -> str:
            channel, rest = divmod(number, grid.height * grid.width)
            return formula(channel, *divmod(rest, grid.width))

        self.draw_each(step, grid, by_number)

    def parts(self, grid: Grid, values: Array) -> list[tuple[Rect, Array]]:
        """The rectangles of a grid, each with its numbers of a tensor."""
        flat, start, found = values.reshape(-1), 0, []
        for rect in grid.rects():
            size = rect.height * rect.width
            found.append((rect, flat[start : start + size].reshape(rect.height, rect.width)))
            start += size
        return found

    def _draw(self, step: Step, rect: Rect, values: Array, formula: Callable[[int, int], str]) -> None:
        wrapped = (lambda y, x: formulas.relu(formula(y, x))) if step.settings.get("relu") else formula
        formulas.check_length(wrapped(rect.height - 1, rect.width - 1), step.path)
        formulas.check_length(wrapped(rect.height // 2, rect.width // 2), step.path)
        self.plan.areas.append(Area(rect, values, "wide" if rect.col in self.plan.wide_columns else "value", wrapped))

    def finish(self, step: Step, grid: Grid) -> None:
        """Label the channels of a layer's numbers, and name their cells."""
        self.channel_labels(grid, step.settings.get("channels", "channel"))
        self.name_cells(f"{self.base}_out", "output", step.path, step.value, grid.rects())

    def draw_weight(self, step: Step, role: str, rects: list[Rect], style: str = "weight") -> None:
        """The numbers of a weight in these rectangles, in the order of its flattened values, and their name."""
        weight = step.weights[role]
        flat, start = weight.value.reshape(-1), 0
        for rect in rects:
            size = rect.height * rect.width
            self.plan.areas.append(Area(rect, flat[start : start + size].reshape(rect.height, rect.width), style))
            start += size
        self.drawn[weight.keys] = rects
        self.name_cells(f"{self.base}_{role}", "weight", f"{step.path} {role}", weight.value, rects, weight)

    def once_more(self, cells: list[tuple[int, int]], values: Array, label: str) -> Grid:
        """Numbers that stand in these cells already, in the shape of `values`, where a layer needs them so."""
        self.label(CONTENT_ROW - 1, self.col, label)
        grid, first = self.grid(values.shape), 0
        for rect, numbers in self.parts(grid, values):
            here = cells[first : first + numbers.size]
            formula = lambda y, x, here=here, width=rect.width: cell(*here[y * width + x])  # noqa: E731
            self.plan.areas.append(Area(rect, numbers, "value", formula))
            first += numbers.size
        self.col += 1
        return grid

    def draw_channel_bias(self, step: Step, channels: int, pitch: int) -> None:
        """The bias of each channel beside its top, where the layer has any."""
        if "bias" in step.weights and step.weights["bias"].keys not in self.drawn:
            for channel in range(channels):
                self.label(CONTENT_ROW - 1 + channel * pitch, self.col, "bias")
            self.draw_weight(step, "bias", [Rect(CONTENT_ROW + o * pitch, self.col, 1, 1) for o in range(channels)])
            self.col += 2

    def weight_cell(self, step: Step, role: str, number: int, fixed: bool = True) -> str:
        """The address of one number of a weight that has one for each channel or feature."""
        rects = self.drawn[step.weights[role].keys]
        if len(rects) == 1:  # a column of a table
            return cell(rects[0].row + number, rects[0].col, fixed)
        return rects[number].address(fixed)

    def weight_places(self, step: Step, role: str) -> list[tuple[int, int]]:
        """The cells of all numbers of a weight in their order; none where the layer has no such weight."""
        if role not in step.weights:
            return []
        return [place for rect in self.drawn[step.weights[role].keys] for place in rect.cells()]

    def bias(self, step: Step, number: int, fixed: bool = True) -> str:
        """The address of the bias of an output; nothing where the layer has none."""
        return self.weight_cell(step, "bias", number, fixed) if "bias" in step.weights else ""

    def name_cells(
        self, name: str, role: str, title: str, value: Array, rects: list[Rect], weight: Weight | None = None
    ) -> None:
        """Name the cells of a tensor, for formulas, colours, the check and reading back."""
        largest = float(np.abs(value).max())
        negative = role != "input" or bool((value < 0).any())
        self.plan.named.append(Named(name, role, title, value.shape, rects, largest, negative, weight))

    def label(self, row: int, col: int, text: str | float, style: str = "label") -> None:
        """One cell of text."""
        self.plan.items.append(Item(row, col, text, style))

    def channel_labels(self, grid: Grid, name: str = "channel") -> None:
        """The number of each channel above it, where there are several; with no name, none."""
        for channel in range(grid.channels if name and grid.channels > 1 and grid.pitch > 1 else 0):
            self.label(CONTENT_ROW - 1 + channel * grid.pitch, grid.col, f"{name} {channel + 1}")

    def class_value(self, number: int) -> str | int:
        """What a class is called, its number where it has no name."""
        if self.class_names is None:
            return number
        name = self.class_names[number]
        return int(name) if isinstance(name, int) else plain(name, 60)

    def class_name(self, step: Step, number: int) -> str | int:
        """What an output is called: its class where this layer's outputs stand for classes, else its number."""
        return self.class_value(number) if step.value.size == self._classes(step) else number

    def _classes(self, step: Step) -> int:
        """How many classes this step's outputs stand for, 0 where it is a layer in between."""
        place = next(n for n, other in enumerate(self.steps) if other is step)
        rest = [other.kind for other in self.steps[place + 1 :]]
        return self.steps[-1].value.size if all(kind in ("softmax", "log_softmax", "flatten") for kind in rest) else 0

    def label_column(self, step: Step, size: int) -> None:
        """A column with what each output of a vector is called."""
        if size > 1:
            self.label_rows([self.class_name(step, n) for n in range(size)])

    def label_rows(self, names: Sequence[str | int]) -> None:
        """A column with these names, one below the other."""
        for n, name in enumerate(names):
            self.label(CONTENT_ROW + n, self.col, name, "row")
        self.plan.wide_columns[self.col] = min(160, max(36, 8 + 7 * max(len(str(name)) for name in names)))
        self.col += 1
