"""Max pooling step by step: the window, the number that is kept, the gradient that goes back to it, and the mean beside it."""

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from traitlets import Bool, Enum, Int, Tuple, observe, validate

from course_utils.widgets.base.arrays import Numbers, as_image
from course_utils.widgets.base.colours import PALETTES, colour_limit
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.numbers import plain_number
from course_utils.widgets.base.picture import TEXT, Picture
from course_utils.widgets.base.still import Panel, legend_panel, maps_panel, still
from course_utils.widgets.base.widget import CourseWidget

MAX_SIDE = 16
MOST = 4  # of window and stride
LARGEST = 1e6
FULL = "The deepest colour is the largest number of the input, or of both gradients. Framed: kept by a window."

Array = NDArray[np.float64]

# What a filter for top edges might leave of a drawn seven: strong below a bar, weaker along a slope, nothing elsewhere.
_IMAGE = (
    (0, 0, 0, 0, 0, 0),
    (2, 3, 3, 3, 3, 1),
    (1, 2, 2, 3, 2, 0),
    (0, 0, 1, 3, 0, 0),
    (0, 0, 3, 1, 0, 0),
    (0, 2, 3, 0, 0, 0),
)


class MaxPooling(CourseWidget):
    """Move a window and see which number max pooling keeps, and which alone learns (lecture 1:01:22-1:02:35).

    `image` has shape (height, width), or (1, height, width), with sides of 2 to 16; without it there is what a filter left of
    a seven. `window`, 1 to 4, is the side of the window and `stride`, 1 to 4, how far it moves; without a stride it does not
    overlap, as in the lecture. `position` is the row and column of the output that is looked at. `palette` is "blue-orange" for
    positive and negative numbers, or "lecture" for its green and red.

    `maxima` and `means` are what `torch.nn.functional.max_pool2d` and `avg_pool2d` give in float64, and `max_gradient` and
    `mean_gradient`, of the image's shape, how much the sum of all outputs changes with each number: PyTorch's gradients.

    Raises WidgetError, on creation and whenever a trait is set, for what does not fit.

    >>> pooling = MaxPooling([[1, 5, 2, 0], [3, 4, 2, 2]])
    >>> pooling.maxima.tolist(), pooling.means.tolist()
    ([[5.0, 2.0]], [[3.25, 1.5]])
    >>> pooling.max_gradient.tolist()  # of two that are alike the first one takes it all
    [[0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """

    _title: ClassVar = "Max pooling"
    _module: ClassVar = Path(__file__).with_name("widget.js")
    _settings: ClassVar = ("position", "playing", "delay", "palette", "export_path")

    image = Numbers(2, largest=LARGEST, help="(height, width)")
    window = Int(2, help="the side of the window, 1 to 4").tag(sync=True)
    stride = Int(2, help="how far the window moves, 1 to 4").tag(sync=True)
    position = Tuple(Int(), Int(), default_value=(0, 0), help="the row and column of the output in question, from 0").tag(
        sync=True
    )
    playing = Bool(False, help="whether the window moves by itself").tag(sync=True)
    delay: Int = Int(700, help="milliseconds from step to step, at least 20").tag(sync=True)
    palette = Enum(list(PALETTES), "blue-orange", help="the colours of positive and negative numbers").tag(sync=True)

    def __init__(
        self, image: ArrayLike | Tensor | None = None, window: int = 2, stride: int | None = None, **traits: Any
    ) -> None:
        self._take_only_settings(traits)
        pixels = as_image(_IMAGE if image is None else image, MAX_SIDE)
        if len(pixels) > 1:
            raise WidgetError(f"the image has {len(pixels)} channels, and each is pooled by itself; give one, as in image[0]")
        traits.setdefault("export_path", "max_pooling.xlsx")
        super().__init__(image=pixels[0], window=window, stride=window if stride is None else stride, **traits)

    @property
    def maxima(self) -> Array:
        """The largest number of each window, (rows, columns)."""
        return self._pooled(F.max_pool2d)[0]

    @property
    def means(self) -> Array:
        """The mean of each window, (rows, columns)."""
        return self._pooled(F.avg_pool2d)[0]

    @property
    def max_gradient(self) -> Array:
        """How many windows have kept each number: the gradient of the sum of all maxima, of the image's shape."""
        return self._pooled(F.max_pool2d)[1]

    @property
    def mean_gradient(self) -> Array:
        """What each number has of all windows' means: the gradient of their sum, of the image's shape."""
        return self._pooled(F.avg_pool2d)[1]

    def _pooled(self, pool: Any) -> tuple[Array, Array]:
        x = torch.tensor(self.image, requires_grad=True)
        made = pool(x[None, None], self.window, self.stride)[0, 0]
        (gradient,) = torch.autograd.grad(made.sum(), x)
        return made.detach().numpy(), gradient.numpy()

    def seen(self) -> Array:
        """The numbers in the window at `position`, (window, window)."""
        top, left = (at * self.stride for at in self.position)
        return self.image[top : top + self.window, left : left + self.window]

    def winner(self) -> tuple[int, int]:
        """The row and column of the number that the window at `position` keeps: the first one of the largest."""
        row, column = divmod(int(self.seen().argmax()), self.window)
        return self.position[0] * self.stride + row, self.position[1] * self.stride + column

    def layer(self) -> nn.Sequential:
        """What is on the screen as a PyTorch model."""
        model = nn.Sequential()
        model.add_module("pool", nn.MaxPool2d(self.window, self.stride))
        return model

    def describe(self) -> str:
        """What is on the screen, in a few sentences."""
        (height, width), (rows, columns) = self.image.shape, self.maxima.shape
        row, column = self.position
        seen, most = self.seen(), plain_number(self.maxima[row, column])
        alike = int((seen == seen.max()).sum())
        side = self.window
        said = (
            f"{side} × {side} windows with stride {self.stride} turn {height} × {width} numbers into {rows} × {columns}. "
            f"In row {row + 1}, column {column + 1} the largest of {seen.size} is {most}"
        )
        if alike > 1:
            said += f", {alike} times: the first of them alone is passed on, and the whole gradient goes back to it."
        else:
            said += ": it alone is passed on, and the whole gradient goes back to it."
        mean, part = plain_number(self.means[row, column]), plain_number(1 / seen.size)
        said += f" The mean is {mean}, and each number gets {part} of the gradient."
        unseen = int((self.mean_gradient == 0).sum())
        return said + (f" {unseen} numbers lie in no window." if unseen else "")

    @validate("image", "window", "stride", "position", "delay")
    def _check(self, proposal: Any) -> Any:
        """Refuse a trait that does not fit the others, before anything has changed."""
        name, value = proposal["trait"].name, proposal["value"]
        new = {key: getattr(self, key) for key in ("image", "window", "stride", "position")} | {name: value}
        if name == "delay" and value < 20:
            raise WidgetError(f"delay is {value} milliseconds; expected at least 20")
        for setting in ("window", "stride"):
            if not 1 <= new[setting] <= MOST:
                raise WidgetError(f"{setting} is {new[setting]}; expected 1 to {MOST}")
        sides = new["image"].shape
        if not all(2 <= side <= MAX_SIDE for side in sides):
            raise WidgetError(f"the image is {sides[0]} × {sides[1]}; expected sides of 2 to {MAX_SIDE}")
        if min(sides) < new["window"]:
            raise WidgetError(
                f"a window of {new['window']} × {new['window']} does not fit into an image of {sides[0]} × {sides[1]}; "
                "give a smaller window or a larger image"
            )
        rows, columns = ((side - new["window"]) // new["stride"] + 1 for side in sides)
        row, column = new["position"]
        if name == "position" and not (0 <= row < rows and 0 <= column < columns):
            raise WidgetError(f"position is ({row}, {column}) and the output has {rows} × {columns} numbers, counted from 0")
        return value

    @observe("image", "window", "stride")
    def _stay_inside(self, _: Any) -> None:
        rows, columns = ((side - self.window) // self.stride + 1 for side in self.image.shape)
        self.position = (min(self.position[0], rows - 1), min(self.position[1], columns - 1))

    @classmethod
    def example(cls) -> Self:
        """What a filter left of a seven, and a window of 2 × 2."""
        return cls()

    def _numbers(self) -> dict[str, Array]:
        names = ("maxima", "means", "max_gradient", "mean_gradient")
        return {name: getattr(self, name) for name in names}

    def _exported(self) -> tuple[nn.Module, Tensor, dict[str, Any]]:
        title = f"Max pool {self.window} × {self.window}, stride {self.stride}"
        return self.layer(), torch.tensor(self.image)[None], {"title": title}

    def _draw(self) -> Picture:
        (row, column), side, palette, limit = self.position, self.window, self.palette, colour_limit(self.image)
        cell = max(16, min(30, 300 // max(self.image.shape)))
        window, output = (row * self.stride, column * self.stride, side, side), (row, column, 1, 1)

        def panel(heading: str, values: Array, frame: tuple[int, int, int, int], most: float) -> Panel:
            return maps_panel(values[None], cell, heading, palette=palette, limit=most, frame=frame)

        rows = [
            [
                self._with_winners(panel("Input", self.image, window, limit), cell),
                panel("Max pool", self.maxima, output, limit),
                panel("Mean pool", self.means, output, limit),
            ],
            [
                panel("Gradient through max", self.max_gradient, window, colour_limit(self.max_gradient)),
                panel("Gradient through mean", self.mean_gradient, window, colour_limit(self.max_gradient)),
            ],
            [legend_panel(palette, FULL)],
        ]
        return still(rows, self.describe())

    def _with_winners(self, panel: Panel, cell: int) -> Panel:
        """The input with a frame around each number that some window keeps."""

        def draw(picture: Picture, left: float, top: float) -> None:
            panel.draw(picture, left, top)
            for row, column in np.argwhere(self.max_gradient > 0).tolist():
                picture.frame(left + column * cell + 3, top + row * cell + 3, cell - 6, cell - 6, TEXT, 1)

        return Panel(panel.width, panel.height, draw, panel.heading)
