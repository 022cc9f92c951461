"""Putting the layers of a trace on a sheet from left to right, channels one below the other, kernels beside what they make."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from course_utils.excel import formulas
from course_utils.excel.errors import ExportError
from course_utils.excel.grid import MAX_COLUMNS, MAX_ROWS, Grid, Rect, bounds, cell
from course_utils.excel.plan import CHART_HEIGHT, CHART_WIDTH, CONTENT_ROW, Area, Block, Formula, Item, Named, Plan, Prediction
from course_utils.excel.texts import base_name, plain
from course_utils.tracing.steps import Array, Step, Trace, Weight
from course_utils.tracing.words import TITLES, by, describe

GAP = 2  # columns between blocks
NARROWEST = 7  # columns that a heading needs
TABLE = 66  # pixels of a column in a table


def plan_sheet(
    trace: Trace,
    title: str,
    class_names: Sequence[str | int] | None = None,
    labels: Mapping[str, str] | None = None,
    actual: int | None = None,
) -> Plan:
    """Place every step; `class_names` go beside the last layer, `labels` replace a layer's heading, `actual` is the true class.

    A last step that is a softmax gets the table with prediction, one-hot actuals, cross-entropy and chart.
    """
    builder = _Builder(trace, title, class_names, labels or {})
    for number in range(len(trace.steps)):
        builder.place(number)
    if trace.steps[-1].kind in ("softmax", "log_softmax"):
        builder.place_prediction(actual)
    plan = builder.plan
    if plan.last_row >= MAX_ROWS or plan.last_col >= MAX_COLUMNS:
        raise ExportError(
            f"the sheet would need {plan.last_row + 1:,} rows and {plan.last_col + 1:,} columns, and a sheet has {MAX_ROWS:,} "
            f"and {MAX_COLUMNS:,}; shrink the input or the number of channels"
        )
    return plan


class _Builder:
    """Places one block after the other; `self.col` is the first free column."""

    def __init__(self, trace: Trace, title: str, class_names: Sequence[str | int] | None, labels: Mapping[str, str]) -> None:
        self.plan = Plan(plain(title))
        self.steps = trace.steps
        self.class_names = class_names
        self.labels = labels
        self.col = 1
        self.grids: list[Grid] = []  # where the output of each step stands
        self.drawn: dict[tuple[str, ...], list[Rect]] = {}  # weights that stand on the sheet already, by state dict keys
        self.taken: set[str] = set()
        self.base = ""
        self.exponentials: dict[int, tuple[list[str], str]] = {}  # of a softmax step: x - largest of each class, and their sum

    def place(self, number: int) -> None:
        """One step: its weights, then its numbers, then the heading above both."""
        step = self.steps[number]
        if step.kind == "flatten":  # the same numbers in the same cells
            self.grids.append(self.grids[step.sources[0]])
            return
        self.base = base_name(step, self.taken)
        first_col, cells = self.col, self.plan.cells
        sources = [self.grids[source] for source in step.sources]
        self.grids.append(self._kinds()[step.kind](step, *sources))
        self._heading(step.path, TITLES.get(step.kind, step.kind), step, first_col, cells)

    def _kinds(self) -> dict[str, Callable[..., Grid]]:
        pools = dict.fromkeys(("max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool"), self._pool)
        cellwise = dict.fromkeys(("relu", "leaky_relu", "sigmoid", "tanh", "add"), self._cellwise)
        return {
            "input": self._input,
            "conv": self._conv,
            "linear": self._linear,
            "batch_norm": self._batch_norm,
            "softmax": self._softmax,
            "log_softmax": self._softmax,
            **pools,
            **cellwise,
        }

    # Blocks

    def _input(self, step: Step) -> Grid:
        grid = self._grid(step.value.shape)
        for channel in range(grid.channels) if grid.pitch > 1 else [0]:
            rect = grid.channel(channel) if grid.pitch > 1 else grid.rects()[0]
            values = step.value[channel] if step.value.ndim == 3 else step.value.reshape(-1, 1)
            style = "input" if step.value.ndim == 3 else "wide_input"
            self.plan.areas.append(Area(rect, values.reshape(rect.height, rect.width), style))
        self._channel_labels(grid)
        self._name("input", "input", "input", step.value, grid.rects())
        return grid

    def _conv(self, step: Step, source: Grid) -> Grid:
        weight = step.weights["weight"]
        outputs, inputs, height, width = weight.value.shape
        dilation = step.settings["dilation"]
        tall, wide = (height - 1) * dilation[0] + 1, (width - 1) * dilation[1] + 1  # with the holes of a dilated kernel
        out_height = step.value.shape[1]
        per_column = max((out_height + 1) // (tall + 1), math.ceil(math.sqrt(inputs)), 1)
        pitch = max(out_height, min(inputs, per_column) * (tall + 1) - 1) + 2
        if weight.keys not in self.drawn:
            rects = []
            for o in range(outputs):
                for i in range(inputs):
                    column, row = divmod(i, per_column)
                    top, left = CONTENT_ROW + o * pitch + row * (tall + 1), self.col + column * (wide + 1)
                    rects.append(Rect(top, left, height, width, *dilation))
                self._label(CONTENT_ROW - 1 + o * pitch, self.col, f"kernel {o + 1}" if outputs > 1 else "kernel")
            self._draw_weight(step, "weight", rects)
            self.col = bounds(rects).last_col + 2
        if "bias" in step.weights and step.weights["bias"].keys not in self.drawn:
            for o in range(outputs):
                self._label(CONTENT_ROW - 1 + o * pitch, self.col, "bias")
            self._draw_weight(step, "bias", [Rect(CONTENT_ROW + o * pitch, self.col, 1, 1) for o in range(outputs)])
            self.col += 2
        kernels = self.drawn[weight.keys]
        grid = self._grid(step.value.shape, pitch)
        group_outputs = outputs // step.settings["groups"]
        stride, padding = step.settings["stride"], step.settings["padding"]
        for o in range(outputs):
            group = o // group_outputs
            channels = range(group * inputs, (group + 1) * inputs)
            own, bias = kernels[o * inputs : (o + 1) * inputs], self._bias(step, o)

            def formula(y: int, x: int, own: list[Rect] = own, channels: range = channels, bias: str = bias) -> str:
                return formulas.convolution(source, own, channels, bias, y, x, stride, padding)

            self._draw(step, grid, o, formula)
        self._finish(step, grid)
        return grid

    def _linear(self, step: Step, source: Grid) -> Grid:
        weight = step.weights["weight"]
        outputs = weight.value.shape[0]
        pieces = source.rects()  # each output has one weight for each cell of these
        if weight.keys not in self.drawn:
            height, width = sum(piece.height + 1 for piece in pieces) - 1, pieces[0].width
            # beside a picture the weights are pictures too, as many one below the other as it is high
            below = max(1, (self.plan.last_row + 1 - CONTENT_ROW + 2) // (height + 2)) if width > 1 or len(pieces) > 1 else 1
            across = width + 1 if width > 1 or len(pieces) > 1 else 1
            rects = []
            for o in range(outputs):
                column, row = divmod(o, below)
                top, left = CONTENT_ROW + row * (height + 2), self.col + column * across
                self._label(top - 1, left, self._class_name(step, o))
                for piece in pieces:
                    rects.append(Rect(top, left, piece.height, piece.width))
                    top += piece.height + 1
            self._draw_weight(step, "weight", rects)
            self.col = bounds(rects).last_col + 2
        templates = self.drawn[weight.keys]
        self._label_column(step, outputs)
        if "bias" in step.weights and step.weights["bias"].keys not in self.drawn:
            self._label(CONTENT_ROW - 1, self.col, "bias", "column")
            self._draw_weight(step, "bias", [Rect(CONTENT_ROW, self.col, outputs, 1)], "wide_weight")
            self._wide(1)
        grid = self._vector(outputs, "output")

        def formula(y: int, x: int) -> str:
            own = templates[y * len(pieces) : (y + 1) * len(pieces)]
            return formulas.linear(pieces, own, self._bias(step, y, fixed=False))

        self._draw(step, grid, 0, formula)
        self._finish(step, grid)
        return grid

    def _batch_norm(self, step: Step, source: Grid) -> Grid:
        roles = [role for role in ("running_mean", "running_var", "weight", "bias") if role in step.weights]
        eps = step.settings["eps"]
        if step.value.ndim == 1:  # a vector: one row of numbers per feature
            for role in roles:
                if step.weights[role].keys not in self.drawn:
                    self._label(CONTENT_ROW - 1, self.col, role.removeprefix("running_"), "column")
                    self._draw_weight(step, role, [Rect(CONTENT_ROW, self.col, step.value.size, 1)], "wide_weight")
                    self._wide(1)
            grid = self._vector(step.value.size, "output")
        else:  # an image: the numbers of a channel beside its top
            pitch = max(step.value.shape[1], len(roles)) + 2
            new = [role for role in roles if step.weights[role].keys not in self.drawn]
            for o in range(step.value.shape[0]) if new else ():
                for row, role in enumerate(new):
                    self._label(CONTENT_ROW + o * pitch + row, self.col, role.removeprefix("running_"), "row")
            for row, role in enumerate(new):
                rects = [Rect(CONTENT_ROW + o * pitch + row, self.col + 1, 1, 1) for o in range(step.value.shape[0])]
                self._draw_weight(step, role, rects)
            if new:
                self.plan.wide_columns[self.col] = TABLE
                self.col += 3
            grid = self._grid(step.value.shape, pitch)

        def formula(channel: int, y: int, x: int) -> str:
            value = cell(*(source.flat(y) if step.value.ndim == 1 else source.at(channel, y, x)))
            feature = y if step.value.ndim == 1 else channel
            mean, variance, weight, bias = (
                self._weight_cell(step, role, feature) if role in step.weights else ""
                for role in ("running_mean", "running_var", "weight", "bias")
            )
            return formulas.batch_norm(value, mean, variance, weight, bias, eps)

        self._draw_all(step, grid, formula)
        return grid

    def _cellwise(self, step: Step, source: Grid, other: Grid | None = None) -> Grid:
        as_before = step.value.ndim == 3
        grid = (
            self._grid(step.value.shape, source.pitch if source.pitch > 1 else 0)
            if as_before
            else self._vector(step.value.size, "output")
        )

        def formula(channel: int, y: int, x: int) -> str:
            first, *second = (
                cell(*(tensor.at(channel, y, x) if as_before else tensor.flat(y))) for tensor in (source, other) if tensor
            )
            if step.kind == "relu":
                return formulas.relu(first)
            if step.kind == "leaky_relu":
                return formulas.leaky_relu(first, step.settings["slope"])
            if step.kind == "sigmoid":
                return formulas.sigmoid(first)
            return f"TANH({first})" if step.kind == "tanh" else f"{first}+{second[0]}"

        self._draw_all(step, grid, formula)
        return grid

    def _pool(self, step: Step, source: Grid) -> Grid:
        grid = self._grid(step.value.shape)
        s, size = step.settings, (step.value.shape[1], step.value.shape[2])

        def formula(channel: int, y: int, x: int) -> str:
            if step.kind == "max_pool":
                return formulas.max_pool(source, channel, y, x, s["kernel"], s["stride"], s["padding"], s["dilation"])
            if step.kind == "avg_pool":
                count_pad, divisor = s["count_include_pad"], s["divisor"]
                return formulas.avg_pool(source, channel, y, x, s["kernel"], s["stride"], s["padding"], count_pad, divisor)
            name = "AVERAGE" if step.kind == "adaptive_avg_pool" else "MAX"
            return f"{name}({formulas.adaptive_window(source, channel, y, x, size)})"

        self._draw_all(step, grid, formula)
        return grid

    def _softmax(self, step: Step, source: Grid) -> Grid:
        """The exponentials, their sum, and the shares or their logarithms.

        The largest x is subtracted first, which changes no share: EXP of more than 709 is too large for a cell, and where every
        x is below -745 the sum would be 0. A picture of 0-255 that nobody normalised is enough for that, typed in or exported.
        """
        size = step.value.size
        logits = self.steps[step.sources[0]].value
        largest, total = (cell(CONTENT_ROW + size + row, self.col + (size > 1), fixed=True) for row in (0, 1))
        shifted = [f"{cell(*source.flat(n))}-{largest}" for n in range(size)]
        self._label_column(step, size)
        self._label(CONTENT_ROW - 1, self.col, "exp(x-max)", "column")
        column = Rect(CONTENT_ROW, self.col, size, 1)
        exps = np.exp(logits - logits.max())
        self.plan.areas.append(Area(column, exps.reshape(-1, 1), "wide", lambda y, x: f"EXP({shifted[y]})"))
        everything = ",".join(rect.address() for rect in source.rects())
        self._label(CONTENT_ROW + size, self.col - 1, "max of x", "row")
        self._below(CONTENT_ROW + size, Formula(f"MAX({everything})", float(logits.max())))
        self._label(CONTENT_ROW + size + 1, self.col - 1, "sum", "row")
        self._below(CONTENT_ROW + size + 1, Formula(f"SUM({column.address()})", float(exps.sum())))
        self._wide(1)
        grid = self._vector(size, "probability" if step.kind == "softmax" else "log prob.")

        def formula(y: int, x: int) -> str:
            if step.kind == "softmax":
                return f"{cell(CONTENT_ROW + y, column.col)}/{total}"
            return f"{shifted[y]}-LN({total})"

        self._draw(step, grid, 0, formula)
        if step.kind == "softmax":
            total_share = Formula(f"SUM({grid.rects()[0].address()})", 1.0)
            self.plan.items.append(Item(CONTENT_ROW + size + 1, grid.col, total_share, "sum"))
        self._name(f"{self.base}_out", "output", step.path, step.value, grid.rects())
        self.exponentials[id(step)] = shifted, total
        return grid

    def place_prediction(self, actual: int | None) -> None:
        """Predicted class, one-hot actuals, cross-entropy and a bar chart, from the probabilities of the last step."""
        step, grid = self.steps[-1], self.grids[-1]
        size, values = step.value.size, step.value
        logits = self.steps[step.sources[0]].value
        logs = logits - logits.max() - np.log(np.exp(logits - logits.max()).sum())
        shifted, sum_of_exps = self.exponentials[id(step)]
        chosen = int(values.argmax()) if actual is None else actual
        first_col, cells = self.col, self.plan.cells
        output = grid.rects()[0]
        self._label_column(step, size)
        labels = Rect(CONTENT_ROW, self.col - 1, size, 1)
        one_hot_col, loss_col, words_col = self.col, self.col + 1, self.col + 3
        rows = {"predicted": CONTENT_ROW, "actual": CONTENT_ROW + 1, "loss": CONTENT_ROW + 2}
        actual_cell = cell(rows["actual"], words_col + 1, fixed=True)
        self._label(CONTENT_ROW - 1, one_hot_col, "actual", "column")
        self._label(CONTENT_ROW - 1, loss_col, "-ln(prob.)", "column")
        one_hot, losses = np.zeros((size, 1)), np.zeros((size, 1))
        one_hot[chosen] = 1.0
        losses[chosen] = -logs[chosen]

        def loss(y: int, x: int) -> str:
            """-ln(probability), from the logits: a probability too small for a cell would be 0, and have no logarithm."""
            hot = cell(CONTENT_ROW + y, one_hot_col)
            if step.kind == "log_softmax":
                return f"IF({hot}=1,-{cell(CONTENT_ROW + y, output.col)},0)"
            return f"IF({hot}=1,LN({sum_of_exps})-({shifted[y]}),0)"

        one_hot_rect, loss_rect = Rect(CONTENT_ROW, one_hot_col, size, 1), Rect(CONTENT_ROW, loss_col, size, 1)
        same = f"={actual_cell},1,0)"
        self.plan.areas.append(
            Area(one_hot_rect, one_hot, "wide_count", lambda y, x: f"IF({cell(CONTENT_ROW + y, labels.col)}{same}")
        )
        self.plan.areas.append(Area(loss_rect, losses, "wide", loss))
        self._wide(2)
        self.col += 1
        self.plan.wide_columns[words_col] = self.plan.wide_columns[words_col + 1] = 110
        winner = f"INDEX({labels.address()},MATCH(MAX({output.address()}),{output.address()},0))"
        add = self.plan.items.append
        for key, words in (("predicted", "predicted class"), ("actual", "actual class"), ("loss", "cross-entropy")):
            self._label(rows[key], words_col, words, "row")
        names = [self._class_value(n) for n in range(size)]
        add(Item(rows["predicted"], words_col + 1, Formula(winner, names[int(values.argmax())]), "result"))
        add(Item(rows["actual"], words_col + 1, names[chosen], "choice"))
        total = Rect(rows["loss"], words_col + 1, 1, 1)
        self.plan.areas.append(
            Area(total, np.array([[-logs[chosen]]]), "result_number", lambda y, x: f"SUM({loss_rect.address()})")
        )
        name = base_name(Step("cross_entropy", "cross_entropy", (), step.value), self.taken)
        self._name(name, "output", "cross-entropy", -logs[chosen : chosen + 1], [total])
        self.plan.named[-1].coloured = False
        charts = [(CONTENT_ROW + 4, words_col)]
        below = self.grids[0].channel(self.grids[0].channels - 1).last_row + 2
        if self.grids[0].width * 28 > CHART_WIDTH and below + CHART_HEIGHT // 28 <= self.plan.last_row:
            charts.append((below, self.grids[0].col))  # there is room below the input: seen while a pixel is edited
        self.plan.prediction = Prediction(labels, output, (rows["actual"], words_col + 1), charts, step.kind == "log_softmax")
        self.col = words_col + 2 + math.ceil((CHART_WIDTH - 220) / 28)
        words = "The class with the largest probability. Choose the actual class: cross-entropy is -ln of its probability."
        block = Block("prediction", by((size,)), words, first_col, self.col - 1, self.plan.cells - cells)
        self.plan.blocks.append(block)

    # Parts of blocks

    def _grid(self, shape: tuple[int, ...], pitch: int = 0) -> Grid:
        """Room for a tensor at the next free columns; for a vector one column."""
        if len(shape) == 1:
            return self._vector(shape[0], "")
        channels, height, width = shape
        single = (height, width) == (1, 1) and pitch == 0
        grid = Grid(CONTENT_ROW, self.col, channels, height, width, 1 if single else max(pitch, height + 2))
        self.col += width
        return grid

    def _vector(self, size: int, label: str) -> Grid:
        grid = Grid(CONTENT_ROW, self.col, size, 1, 1, 1)
        if label:
            self._label(CONTENT_ROW - 1, self.col, label, "column")
        self._wide(1)
        return grid

    def _wide(self, columns: int) -> None:
        for _ in range(columns):
            self.plan.wide_columns[self.col] = TABLE
            self.col += 1

    def _draw(self, step: Step, grid: Grid, channel: int, formula: Callable[[int, int], str]) -> None:
        """One channel of formulas (all of a vector), with PyTorch's numbers beside them."""
        wrapped = (lambda y, x: formulas.relu(formula(y, x))) if step.settings.get("relu") else formula
        rect = grid.rects()[0] if grid.pitch == 1 else grid.channel(channel)
        values = step.value[channel] if grid.pitch > 1 else step.value.reshape(-1, 1)
        formulas.check_length(wrapped(rect.height - 1, rect.width - 1), step.path)
        formulas.check_length(wrapped(rect.height // 2, rect.width // 2), step.path)
        self.plan.areas.append(Area(rect, values, "wide" if grid.col in self.plan.wide_columns else "value", wrapped))

    def _draw_all(self, step: Step, grid: Grid, formula: Callable[[int, int, int], str]) -> None:
        """Every channel by `formula(channel, y, x)`; of a vector, y is the number of the feature."""
        if grid.pitch > 1:
            for channel in range(grid.channels):
                self._draw(step, grid, channel, lambda y, x, channel=channel: formula(channel, y, x))  # type: ignore[misc]
        elif step.value.ndim == 3:  # channels of one cell
            self._draw(step, grid, 0, lambda y, x: formula(y, 0, 0))
        else:
            self._draw(step, grid, 0, lambda y, x: formula(0, y, 0))
        self._finish(step, grid)

    def _finish(self, step: Step, grid: Grid) -> None:
        self._channel_labels(grid)
        self._name(f"{self.base}_out", "output", step.path, step.value, grid.rects())

    def _draw_weight(self, step: Step, role: str, rects: list[Rect], style: str = "weight") -> None:
        weight = step.weights[role]
        flat, start = weight.value.reshape(-1), 0
        for rect in rects:
            size = rect.height * rect.width
            self.plan.areas.append(Area(rect, flat[start : start + size].reshape(rect.height, rect.width), style))
            start += size
        self.drawn[weight.keys] = rects
        self._name(f"{self.base}_{role}", "weight", f"{step.path} {role}", weight.value, rects, weight)

    def _weight_cell(self, step: Step, role: str, number: int, fixed: bool = True) -> str:
        rects = self.drawn[step.weights[role].keys]
        if len(rects) == 1:  # a column of a table
            return cell(rects[0].row + number, rects[0].col, fixed)
        return rects[number].address(fixed)

    def _bias(self, step: Step, number: int, fixed: bool = True) -> str:
        return self._weight_cell(step, "bias", number, fixed) if "bias" in step.weights else ""

    def _below(self, row: int, formula: Formula) -> None:
        self.plan.items.append(Item(row, self.col, formula, "sum"))

    def _name(self, name: str, role: str, title: str, value: Array, rects: list[Rect], weight: Weight | None = None) -> None:
        largest = float(np.abs(value).max())
        negative = role != "input" or bool((value < 0).any())
        self.plan.named.append(Named(name, role, title, value.shape, rects, largest, negative, weight))

    def _label(self, row: int, col: int, text: str | float, style: str = "label") -> None:
        self.plan.items.append(Item(row, col, text, style))

    def _channel_labels(self, grid: Grid) -> None:
        for channel in range(grid.channels if grid.channels > 1 and grid.pitch > 1 else 0):
            self._label(CONTENT_ROW - 1 + channel * grid.pitch, grid.col, f"channel {channel + 1}")

    def _class_value(self, number: int) -> str | int:
        if self.class_names is None:
            return number
        name = self.class_names[number]
        return int(name) if isinstance(name, int) else plain(name, 60)

    def _class_name(self, step: Step, number: int) -> str | int:
        return self._class_value(number) if step.value.size == self._classes(step) else number

    def _classes(self, step: Step) -> int:
        """How many classes this step's outputs stand for, 0 where it is a layer in between."""
        place = next(n for n, other in enumerate(self.steps) if other is step)
        rest = [other.kind for other in self.steps[place + 1 :]]
        return self.steps[-1].value.size if all(kind in ("softmax", "log_softmax", "flatten") for kind in rest) else 0

    def _label_column(self, step: Step, size: int) -> None:
        if size == 1:
            return
        for n in range(size):
            self._label(CONTENT_ROW + n, self.col, self._class_name(step, n), "row")
        names = [str(self._class_name(step, n)) for n in range(size)]
        self.plan.wide_columns[self.col] = min(160, max(36, 8 + 7 * max(len(name) for name in names)))
        self.col += 1

    def _heading(self, path: str, kind: str, step: Step, first_col: int, cells: int) -> None:
        wide = self.plan.wide_columns
        pixels = sum(wide.get(col, 28) for col in range(first_col, self.col))
        self.col += max(0, math.ceil((NARROWEST * 28 - pixels) / 28))
        name = path if path.lower() == kind.lower() else f"{path} · {kind}"
        heading = plain(self.labels.get(path, name), 60)
        words = describe(step)
        self.plan.blocks.append(Block(heading, by(step.value.shape), words, first_col, self.col - 1, self.plan.cells - cells))
        self.col += GAP
