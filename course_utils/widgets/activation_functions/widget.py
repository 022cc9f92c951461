"""Activation functions: what each makes of a number, what one between two layers is good for, and the rules of exp and log."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from traitlets import Enum, Float, Tuple, validate

from course_utils.widgets.activation_functions.network import (
    FUNCTIONS,
    GRID,
    REACH,
    TARGETS,
    activation,
    fitted,
    layers,
    target_curve,
)
from course_utils.widgets.base.arrays import Numbers, plain_value
from course_utils.widgets.base.axes import Axes
from course_utils.widgets.base.colours import BLUE, ORANGE, Colour
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.numbers import fixed, plain_number
from course_utils.widgets.base.picture import FAINT, MARK, TEXT, Picture
from course_utils.widgets.base.still import Panel, still
from course_utils.widgets.base.widget import CourseWidget

LARGEST = 100.0  # of a weight
MOST_UNITS = 8
FLAT = 1e-9  # a change of slope that is smaller bends nothing
MOST_POWER = 1.5  # so that the product of two powers fits the figure
VIEWS = ("functions", "network", "exp and log")
CURVES = tuple(name for name in FUNCTIONS if name != "nothing")
PALE_BLUE, PALE_ORANGE, GREY = (176, 212, 232), (245, 205, 178), (120, 120, 120)

Array = NDArray[np.float64]


class ActivationFunctions(CourseWidget):
    """Move a number through ReLU, sigmoid and tanh, and see why layers need one between (lecture 1:11:59-1:14:07).

    `view` is what is looked at. "functions": what each makes of the input `x`, -5 to 5, and how steep it is there; `function`
    is the one that is spoken of. "network": two linear layers and `between` them an activation, drawn as the sum of its units;
    with "nothing" there it is a straight line, however many units it has (1:13:02-1:13:28), and with "relu" each unit bends it.
    "exp and log" (1:15:40-1:17:30): `exponents`, two numbers from -1.5 to 1.5; exp makes a product of their sum, the area of a
    rectangle, and log makes a sum of the product again, as areas below 1/t.

    `units` is how many, 1 to 8, which then meet the `target` ("wave", "hill", "stairs") at as many even places and one more, or
    an array (units, 3): weight, bias and second weight of each; `offset` is the bias of the second layer. `leak` is the slope
    of leaky ReLU for negative numbers.

    Raises WidgetError, on creation and whenever a trait is set, for what does not fit.

    >>> {name: round(value, 3) for name, value in ActivationFunctions(x=-2.0).values.items()}
    {'relu': 0.0, 'leaky_relu': -0.2, 'sigmoid': 0.119, 'tanh': -0.964}
    >>> network = ActivationFunctions("network", units=[[1.0, 0.0, 1.0], [-1.0, 0.0, 1.0]])
    >>> network.predict([-3.0, 0.0, 2.0]).tolist()
    [3.0, 0.0, 2.0]
    >>> network.between = "nothing"
    >>> network.predict([-3.0, 0.0, 2.0]).tolist()
    [0.0, 0.0, 0.0]
    """

    _title: ClassVar = "Activation functions"
    _module: ClassVar = Path(__file__).with_name("widget.js")
    _settings: ClassVar = ("x", "function", "leak", "offset", "between", "target", "exponents", "export_path")

    view = Enum(VIEWS, "functions", help="what is looked at").tag(sync=True)
    x = Float(-2.0, help="the input, -5 to 5").tag(sync=True)
    function = Enum(CURVES, "relu", help="the function that is spoken of").tag(sync=True)
    leak = Float(0.1, help="the slope of leaky ReLU for negative numbers, 0 to 1").tag(sync=True)
    units = Numbers(2, largest=LARGEST, help="(units, 3): weight, bias and second weight of each unit")
    offset = Float(0.0, help="the bias of the second layer").tag(sync=True)
    between = Enum(tuple(FUNCTIONS), "relu", help="what stands between the two layers").tag(sync=True)
    target = Enum(TARGETS, "wave", help="the curve that the network should follow").tag(sync=True)
    exponents = Tuple(Float(), Float(), default_value=(math.log(2), math.log(3)), help="two numbers for exp").tag(sync=True)

    def __init__(self, view: str = "functions", units: int | ArrayLike | Tensor = 5, **traits: Any) -> None:
        self._take_only_settings(traits)
        count = plain_value(units)
        if isinstance(count, (int, float)) and not isinstance(count, bool):
            if count not in range(1, MOST_UNITS + 1):
                raise WidgetError(f"units is {count}; expected 1 to {MOST_UNITS}, or an array (units, 3)")
            units, offset = fitted(self._checked("target", traits.get("target", "wave")), int(count))
            traits.setdefault("offset", offset)
        traits.setdefault("export_path", "activation_functions.xlsx")
        super().__init__(view=view, units=units, **traits)

    @property
    def values(self) -> dict[str, float]:
        """What each function makes of `x`."""
        return {name: activation(name, self._input(), self.leak).item() for name in CURVES}

    @property
    def slopes(self) -> dict[str, float]:
        """How steep each function is at `x`: PyTorch's gradient."""
        found = {}
        for name in CURVES:
            x = self._input().requires_grad_()
            activation(name, x, self.leak).backward()
            found[name] = x.grad.item()  # type: ignore[union-attr]  # backward has just made it
        return found

    def _input(self) -> Tensor:
        return torch.tensor(self.x, dtype=torch.float64)

    def predict(self, x: ArrayLike) -> Array:
        """What the network makes of each number, of the shape of `x`."""
        given = torch.as_tensor(np.asarray(x, dtype=np.float64))
        with torch.no_grad():
            made: Array = self.layer()(given[..., None])[..., 0].numpy()
        return made

    def parts(self, x: ArrayLike) -> Array:
        """What each unit adds to the sum, (units, numbers): second weight × activation(weight × x + bias)."""
        weight, bias, second = (torch.tensor(column)[:, None] for column in self.units.T)
        made: Array = (second * activation(self.between, weight * torch.as_tensor(np.asarray(x)) + bias, self.leak)).numpy()
        return made

    @property
    def bends(self) -> list[float]:
        """Where ReLU's units bend the sum, inside of what is drawn, from left to right."""
        places = [-bias / weight for weight, bias, second in self.units.tolist() if abs(weight * second) > FLAT]
        return sorted(place for place in places if abs(place) < REACH)

    @property
    def error(self) -> float:
        """How far the network is from the target: the root of the mean squared difference at 161 places from -5 to 5."""
        return float(np.sqrt(np.mean((self.predict(GRID) - target_curve(self.target, GRID)) ** 2)))

    def fit(self, units: int | None = None) -> None:
        """Let so many units, as many as there are without a number, follow the target; the screen does the same."""
        count = len(self.units) if units is None else units
        if count not in range(1, MOST_UNITS + 1):
            raise WidgetError(f"units is {count}; expected 1 to {MOST_UNITS}")
        with self.hold_sync():
            self.units, self.offset = fitted(self.target, count)

    def layer(self) -> torch.nn.Sequential:
        """The network as a PyTorch model in float64."""
        return layers(self.units, self.offset, self.between, self.leak)

    def describe(self) -> str:
        """What is on the screen, in a few sentences."""
        if self.view == "functions":
            return self._words_of_function()
        return self._words_of_network() if self.view == "network" else self._words_of_powers()

    def _words_of_function(self) -> str:
        value, slope = self.values[self.function], self.slopes[self.function]
        name = FUNCTIONS[self.function]
        said = f"{name[0].upper()}{name[1:]} turns {plain_number(self.x)} into {plain_number(value)}"
        return f"{said}, and its slope there is {plain_number(slope)}. {_personality(self.function, self.x, self.leak)}"

    def _words_of_network(self) -> str:
        count = len(self.units)
        missed = f"Its root mean squared error to the {self.target} is {fixed(self.error, 3)}."
        sum_of = f"{count} unit{'s' * (count > 1)}"
        if self.between == "nothing":
            first, second = self.predict([0.0, 1.0]).tolist()
            line = f"{plain_number(second - first)} x + {plain_number(first)}".replace("+ −", "− ")
            return (
                f"With nothing between the layers the sum of {sum_of} is a straight line, {line}, whatever the weights and "
                f"however many units. {missed}"
            )
        if self.between in ("relu", "leaky_relu"):
            bends = len(self.bends)
            times = "once" if bends == 1 else f"{bends} times"
            shape = f"a unit bends the sum where it begins, {times} between −5 and 5"
        else:
            shape = "each adds a smooth step to the sum"
        return f"{sum_of[0].upper()}{sum_of[1:]} with {FUNCTIONS[self.between]} between the layers: {shape}. {missed}"

    def _words_of_powers(self) -> str:
        p, q, total = (*self.exponents, sum(self.exponents))
        a, b, both = (plain_number(math.exp(value)) for value in (p, q, total))
        p, q, total = (plain_number(value) for value in (p, q, total))
        return (
            f"exp turns a sum into a product: exp({p}) × exp({q}) = {a} × {b} = {both} = exp({total}). "
            f"log turns a product into a sum: log({a} × {b}) = log({a}) + log({b}) = {p} + {q} = {total}.".replace("+ −", "− ")
        )

    @validate("x", "leak", "units", "offset", "exponents")
    def _check(self, proposal: Any) -> Any:
        """Refuse a trait that does not fit, before anything has changed."""
        name, value = proposal["trait"].name, proposal["value"]
        if name == "units" and not (1 <= len(value) <= MOST_UNITS and value.shape[1] == 3):
            raise WidgetError(
                f"units has shape {value.shape}; expected 1 to {MOST_UNITS} rows of weight, bias and second weight, or how many"
            )
        low, high = {"x": (-REACH, REACH), "leak": (0, 1), "offset": (-LARGEST, LARGEST)}.get(name, (-MOST_POWER, MOST_POWER))
        if name != "units":
            for one in value if name == "exponents" else [value]:
                if not low <= one <= high:
                    raise WidgetError(f"{name} is {plain_value(value)}; expected {low:g} to {high:g}")
        return value

    @classmethod
    def example(cls) -> Self:
        """Five units with ReLU between the layers, which follow a wave."""
        return cls("network")

    def _numbers(self) -> dict[str, Any]:
        p, q = self.exponents
        return {
            "values": list(self.values.values()),
            "slopes": list(self.slopes.values()),
            "network": self.predict(GRID),
            "parts": self.parts(GRID),
            "target": target_curve(self.target, GRID),
            "powers": [math.exp(p), math.exp(q), math.exp(p + q)],
            "error": [self.error],
        }

    def _exporter(self) -> Callable[[Path], object]:
        from course_utils.excel import export_model
        from course_utils.excel.activation_sheet import activation_workbook

        if self.view == "network":
            title = f"Two layers with {FUNCTIONS[self.between]} between"
            return lambda path: export_model(self.layer(), [self.x], path, title=title)
        return lambda path: activation_workbook(path, self.x, self.leak)

    def _draw(self) -> Picture:
        if self.view == "exp and log":
            return still([self._power_panels()], self.describe())
        draw = self._draw_functions if self.view == "functions" else self._draw_network
        return still([[Panel(520, 330, draw), self._table()]], self.describe())

    def _draw_functions(self, picture: Picture, left: float, top: float) -> None:
        axes = _axes(picture, left, top, (-1.5, 5), "input x")
        x = torch.tensor(GRID)
        for name in (*(one for one in CURVES if one != self.function), self.function):
            chosen = name == self.function
            axes.curve(
                picture, GRID.tolist(), activation(name, x, self.leak).tolist(), BLUE if chosen else GREY, 3 if chosen else 1.2
            )
        value = self.values[self.function]
        picture.line([(axes.x(self.x), axes.top), (axes.x(self.x), axes.top + axes.height)], MARK, 1)
        picture.rectangle(axes.x(self.x) - 4, axes.y(value) - 4, 8, 8, MARK)

    def _draw_network(self, picture: Picture, left: float, top: float) -> None:
        axes = _axes(picture, left, top, (-4, 4), "input x")
        axes.curve(picture, GRID.tolist(), target_curve(self.target, GRID).tolist(), ORANGE, 1.5)
        for part in self.parts(GRID):
            axes.curve(picture, GRID.tolist(), part.tolist(), GREY, 1)
        sums = self.predict(GRID)
        axes.curve(picture, GRID.tolist(), sums.tolist(), BLUE, 3)
        if self.between in ("relu", "leaky_relu"):
            for place, height in zip(self.bends, self.predict(self.bends), strict=True):
                if abs(height) <= 4:
                    picture.rectangle(axes.x(place) - 4, axes.y(height) - 4, 8, 8, BLUE)

    def _table(self) -> Panel:
        """What each function gives, or the weights of each unit."""
        if self.view == "functions":
            values, slopes = self.values, self.slopes
            rows: list[tuple[str, ...]] = [
                ("", "value", "slope"),
                *((FUNCTIONS[n], plain_number(values[n]), plain_number(slopes[n])) for n in CURVES),
            ]
            bold = 1 + CURVES.index(self.function)
        else:
            rows = [("unit", "weight", "bias", "second"), *(
                (str(number), *map(plain_number, unit)) for number, unit in enumerate(self.units.tolist(), start=1)
            ), ("", "", "offset", plain_number(self.offset))]  # fmt: skip
            bold = 0

        def draw(picture: Picture, left: float, top: float) -> None:
            for row, cells in enumerate(rows):
                for column, text in enumerate(cells):
                    x, anchor = (left, "la") if column == 0 else (left + 100 + 74 * column, "ra")
                    picture.text(x, top + 14 + 24 * row, text, size=13, bold=row in (0, bold), anchor=anchor)

        return Panel(100 + 74 * (len(rows[0]) - 1), 24 * len(rows) + 20, draw)

    def _power_panels(self) -> list[Panel]:
        p, q = self.exponents
        a, b = math.exp(p), math.exp(q)

        def rectangle(picture: Picture, left: float, top: float) -> None:
            axes = Axes(left + 34, top + 10, 280, 260, (0, 5), (0, 5))
            axes.draw(picture, range(6), range(6), f"exp({plain_number(p)}) = {plain_number(a)}")
            picture.rectangle(axes.x(0), axes.y(b), axes.x(a) - axes.x(0), axes.y(0) - axes.y(b), PALE_BLUE)
            picture.text((axes.x(0) + axes.x(a)) / 2, axes.y(b / 2), plain_number(a * b), size=14, bold=True, anchor="mm")

        def areas(picture: Picture, left: float, top: float) -> None:
            most = _reach(max(a, b, a * b))
            axes = Axes(left + 34, top + 10, 420, 260, (0, most), (0, 2))
            for start, end, colour in ((1, a, PALE_BLUE), (a, a * b, PALE_ORANGE)):
                _fill(picture, axes, min(start, end), max(start, end), colour)
            axes.draw(
                picture,
                range(0, most + 1, max(1, most // 5)),
                (0, 1, 2),
                f"log({plain_number(a)}) + log({plain_number(b)}) = {plain_number(p + q)}",
            )
            ts = np.linspace(0.5, most, 200)
            axes.curve(picture, ts.tolist(), (1 / ts).tolist())

        heads = "exp: a product, an area", "log: a sum, two areas below 1/t"
        return [Panel(330, 320, rectangle, heads[0]), Panel(470, 320, areas, heads[1])]


def _axes(picture: Picture, left: float, top: float, up: tuple[float, float], label: str) -> Axes:
    axes = Axes(left + 34, top + 8, 470, 270, (-REACH, REACH), up)
    axes.draw(picture, range(-5, 6), range(math.ceil(up[0]), math.floor(up[1]) + 1), label)
    picture.line([(axes.x(0), axes.top), (axes.x(0), axes.top + axes.height)], FAINT, 1)
    picture.line([(axes.left, axes.y(0)), (axes.left + axes.width, axes.y(0))], TEXT, 1)
    return axes


def _fill(picture: Picture, axes: Axes, start: float, end: float, colour: Colour) -> None:
    """The area below 1/t from one number to another, in narrow strips."""
    for x in np.arange(axes.x(start), axes.x(end), 0.5):
        t = (x - axes.left) / axes.width * axes.across[1]
        picture.rectangle(x, axes.y(1 / max(t, 1e-9)), 0.5, axes.y(0) - axes.y(1 / max(t, 1e-9)), colour)


def _reach(most: float) -> int:
    """How far the axis of the areas goes."""
    return next(end for end in (5, 10, 25) if most <= end)


def _personality(name: str, x: float, leak: float) -> str:
    """What the function is like here."""
    if name in ("relu", "leaky_relu") and x > 0:
        return "Positive numbers pass as they are."
    if name == "relu":
        return "Negative numbers are thrown away, and no gradient flows back through them."
    if name == "leaky_relu":
        return f"A negative number keeps {plain_number(leak)} of its size, and as much of the gradient flows back."
    low = "0" if name == "sigmoid" else "−1"
    return f"It always lies between {low} and 1{', and so far from 0 hardly any gradient flows back' * (abs(x) > 3)}."
