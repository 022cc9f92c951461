"""A convolution that one can step through: the window, the kernel, the products and their sum."""

from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from traitlets import Bool, Dict, Enum, Int, List, Tuple, Unicode, observe, validate

from course_utils.networks import drawn_seven
from course_utils.widgets.base.arrays import Numbers, as_array, as_image
from course_utils.widgets.base.colours import PALETTES, colour_limit
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.numbers import plain_number
from course_utils.widgets.base.picture import Picture
from course_utils.widgets.base.still import legend_panel, maps_panel, still
from course_utils.widgets.base.widget import CourseWidget
from course_utils.widgets.kernels import PRESETS, Kernels, named_kernels, preset

Array = NDArray[np.float64]

MAX_SIDE = 64
LARGEST = 1e9  # so that no sum of products can overflow
FULL = "The deepest colour is the number farthest from zero: of the input, of the kernel, of the output."


class ConvolutionExplorer(CourseWidget):
    """Move a kernel over an image step by step and see what each output saw (lecture 0:44:48-0:46:55, 0:52:03-0:54:40).

    `image` has shape (height, width) or (channels, height, width) with up to 4 channels of up to 64 × 64 pixels; `kernels` is
    what `named_kernels` takes, `bias` one number for each. `stride` is 1 to 4, `padding` 0 to 3 (zeros), `pool` the side of the
    max pool window, 1 for none; `palette` is "blue-orange" for positive and negative numbers, or "lecture" for its green and
    red. All are traits: set one from Python or on the screen, and both sides show it.

    `output` (kernels, rows, columns) is what `torch.nn.functional.conv2d` gives in float64; `rectified` and `pooled` are the
    stages after it. The screen computes the same numbers for itself, so that nothing on it waits for Python.

    Raises WidgetError, on creation and whenever a trait is set, for shapes that do not fit and numbers that are not finite.

    >>> explorer = ConvolutionExplorer(torch.eye(5), kernels="top edge", relu=True, pool=3)
    >>> explorer.output.shape, explorer.pooled.shape
    ((1, 3, 3), (1, 1, 1))
    >>> explorer.kernels = 2 * explorer.kernels
    >>> explorer.output[0, 0].tolist()
    [0.0, -2.0, -2.0]
    """

    _title: ClassVar = "Convolution explorer"
    _module: ClassVar = Path(__file__).with_name("widget.js")
    _settings: ClassVar = (
        "stride", "padding", "relu", "pool", "selected", "position", "playing", "delay", "palette", "export_path"
    )  # fmt: skip

    image = Numbers(3, largest=LARGEST, help="(channels, height, width)")
    kernels = Numbers(4, largest=LARGEST, help="(kernels, channels, height, width), the layout of Conv2d.weight")
    bias = Numbers(1, largest=LARGEST, help="one number for each kernel")
    names = List(Unicode(), help="what the kernels are called").tag(sync=True)
    selected = Int(0, help="the kernel on the screen, from 0").tag(sync=True)
    stride = Int(1, help="how far the window moves, 1 to 4").tag(sync=True)
    padding = Int(0, help="rings of zeros around the image, 0 to 3").tag(sync=True)
    relu = Bool(False, help="whether ReLU follows").tag(sync=True)
    pool = Int(1, help="the side of the max pool window, 1 to 4; 1 is no pooling").tag(sync=True)
    position = Tuple(Int(), Int(), default_value=(0, 0), help="the row and column of the output in question, from 0").tag(
        sync=True
    )
    playing = Bool(False, help="whether the window moves by itself").tag(sync=True)
    delay = Int(400, help="milliseconds from step to step, at least 20").tag(sync=True)
    palette = Enum(list(PALETTES), "blue-orange", help="the colours of positive and negative numbers").tag(sync=True)

    _stages: tuple[Array, ...] = ()
    _presets = Dict(PRESETS).tag(sync=True)

    def __init__(
        self,
        image: ArrayLike | Tensor,
        kernels: Kernels = ("top edge", "left edge"),
        bias: ArrayLike | None = None,
        **traits: Any,
    ) -> None:
        self._take_only_settings(traits)
        pixels = as_image(image, MAX_SIDE)
        if isinstance(kernels, Tensor):
            kernels = as_array(kernels)
        named = named_kernels(kernels, channels=len(pixels))
        traits.setdefault("export_path", "convolution.xlsx")
        bias = np.zeros(len(named)) if bias is None else bias
        begin = {"position": traits.pop("position")} if "position" in traits else {}
        super().__init__(image=pixels, kernels=np.stack(list(named.values())), names=list(named), bias=bias, **traits)
        self._compute()
        # Now that there is an output, a place outside of it is refused.
        self.position = begin.get("position", self._telling_position())

    @property
    def output(self) -> Array:
        """The convolution, (kernels, rows, columns)."""
        return self._stages[0]

    @property
    def rectified(self) -> Array:
        """The output after ReLU, or the output where there is none."""
        return self._stages[1]

    @property
    def pooled(self) -> Array:
        """The maxima, or `rectified` where there is no pooling."""
        return self._stages[2]

    def _telling_position(self) -> tuple[int, int]:
        """Where to begin: the first window, or where that sees nothing but zeros, that of the strongest output."""
        if self.window().any():
            return (0, 0)
        rectified, output = self.rectified[self.selected], self.output[self.selected]
        telling = np.abs(rectified if rectified.any() else output)
        row, column = np.unravel_index(int(telling.argmax()), telling.shape)
        return int(row), int(column)

    def use_preset(self, name: str) -> None:
        """Give the selected kernel the numbers and the name of a preset, the same in each channel."""
        kernels = self.kernels.copy()
        kernels[self.selected] = preset(name, kernels.shape[2:])
        names = list(self.names)
        names[self.selected] = name
        with self.hold_sync():
            self.kernels = kernels
            self.names = names

    def describe(self) -> str:
        """What is on the screen, in a few sentences."""
        channels, height, width = self.image.shape
        size = f"{height} × {width}" if channels == 1 else f"{channels} × {height} × {width}"
        rows, columns = self.output.shape[1:]
        row, column = self.position
        kernel, stages = self.kernels[self.selected], ""
        if self.relu:
            before, after = self.output[self.selected, row, column], self.rectified[self.selected, row, column]
            stages += f" ReLU {'leaves it' if before == after else 'makes it'} {plain_number(after)}."
        if self.pool > 1:
            stages += f" Max pool {self.pool} × {self.pool} leaves {self.pooled.shape[1]} × {self.pooled.shape[2]} numbers."
        total = plain_number(self.output[self.selected, row, column])
        return (
            f"Convolution of a {size} image with the {kernel.shape[1]} × {kernel.shape[2]} kernel "
            f"“{self.names[self.selected]}”, stride {self.stride}, padding {self.padding}: {rows} × {columns} outputs. "
            f"In row {row + 1}, column {column + 1} the {kernel.size} products of window and kernel and the bias add up to "
            f"{total}.{stages}"
        )

    def window(self) -> Array:
        """What the output at `position` saw of the image and its padding; shape (channels, kernel height, kernel width).

        >>> ConvolutionExplorer(torch.eye(4), position=(1, 0)).window()[0].tolist()
        [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]]
        """
        ring = self.padding
        padded = np.pad(self.image, ((0, 0), (ring, ring), (ring, ring)))
        top, left = (at * self.stride for at in self.position)
        return padded[:, top : top + self.kernels.shape[2], left : left + self.kernels.shape[3]]

    def layer(self) -> nn.Sequential:
        """What is on the screen as a PyTorch model in float64: the convolution, and ReLU and max pool where they are on."""
        count, channels, height, width = self.kernels.shape
        conv = nn.Conv2d(channels, count, (height, width), self.stride, self.padding).double()
        with torch.no_grad():
            conv.weight.copy_(torch.tensor(self.kernels))
            conv.bias.copy_(torch.tensor(self.bias))  # type: ignore[union-attr]  # Conv2d has a bias unless told otherwise
        model = nn.Sequential()
        model.add_module("conv", conv)
        if self.relu:
            model.add_module("relu", nn.ReLU())
        if self.pool > 1:
            model.add_module("pool", nn.MaxPool2d(self.pool))
        return model

    @validate("image", "kernels", "bias", "stride", "padding", "pool", "selected", "names", "delay")
    def _check(self, proposal: Any) -> Any:
        """Refuse a trait that does not fit the others, before anything has changed."""
        name, value = proposal["trait"].name, proposal["value"]
        new = {
            key: getattr(self, key) for key in ("image", "kernels", "bias", "stride", "padding", "pool", "selected", "names")
        }
        new[name] = value
        for setting, lowest, highest in (("stride", 1, 4), ("padding", 0, 3), ("pool", 1, 4)):
            if not lowest <= new[setting] <= highest:
                raise WidgetError(f"{setting} is {new[setting]}; expected {lowest} to {highest}")
        if name == "delay" and value < 20:
            raise WidgetError(f"delay is {value} milliseconds; expected at least 20")
        if new["image"].size == 0 and new["kernels"].size == 0:
            return value  # while the widget is being made
        as_image(new["image"], MAX_SIDE)
        named_kernels(new["kernels"], channels=len(new["image"]))
        count = len(new["kernels"])
        if len(new["bias"]) != count or len(new["names"]) != count:
            raise WidgetError(
                f"{count} kernels need {count} biases and names; there are {len(new['bias'])} and {len(new['names'])}"
            )
        if not 0 <= new["selected"] < count:
            raise WidgetError(f"selected is {new['selected']}; the kernels are numbered 0 to {count - 1}")
        sides = list(zip(new["image"].shape[1:], new["kernels"].shape[2:], strict=True))
        outputs = [(side + 2 * new["padding"] - kernel) // new["stride"] + 1 for side, kernel in sides]
        if min(outputs) < 1:
            raise WidgetError(
                f"a kernel of {sides[0][1]} × {sides[1][1]} does not fit into an image of {sides[0][0]} × {sides[1][0]} "
                f"with padding {new['padding']}; give a larger image or more padding"
            )
        if min(outputs) < new["pool"]:
            raise WidgetError(
                f"max pool {new['pool']} × {new['pool']} does not fit into an output of {outputs[0]} × {outputs[1]}; "
                "give a smaller pool or stride, or a larger image"
            )
        return value

    @validate("position")
    def _check_position(self, proposal: Any) -> tuple[int, int]:
        row, column = proposal["value"]
        if not self._stages:
            return row, column  # while the widget is being made
        rows, columns = self.output.shape[1:]
        if not (0 <= row < rows and 0 <= column < columns):
            raise WidgetError(
                f"position is ({row}, {column}) and the output has {rows} rows and {columns} columns, counted from 0"
            )
        return row, column

    @observe("image", "kernels", "bias", "stride", "padding", "relu", "pool")
    def _compute(self, _: Any = None) -> None:
        if self.image.size == 0 or self.kernels.size == 0:
            return
        output = F.conv2d(
            torch.tensor(self.image)[None], torch.tensor(self.kernels), torch.tensor(self.bias), self.stride, self.padding
        )
        rectified = F.relu(output) if self.relu else output
        pooled = F.max_pool2d(rectified, self.pool) if self.pool > 1 else rectified
        rows, columns = output.shape[2:]
        self._stages = tuple(_read_only(stage[0].numpy()) for stage in (output, rectified, pooled))
        with self.hold_sync():
            self.names = [_own_name(name, number, self.kernels[number]) for number, name in enumerate(self.names)]
            self.position = (min(self.position[0], rows - 1), min(self.position[1], columns - 1))

    @classmethod
    def example(cls) -> Self:
        """The drawn seven of lesson 5 under the edge kernels, on the edge of its bar."""
        return cls(drawn_seven(), kernels=("top edge", "left edge"), relu=True, position=(6, 12))

    def _numbers(self) -> dict[str, Array]:
        return {"output": self.output, "rectified": self.rectified, "pooled": self.pooled}

    def _exported(self) -> tuple[nn.Module, Tensor, dict[str, Any]]:
        title = f"Convolution with {' and '.join(self.names)}"
        return self.layer(), torch.tensor(self.image), {"title": title}

    def _draw(self) -> Picture:
        ring, chosen, by, side = self.padding, self.selected, self.stride, self.pool
        row, column = self.position
        channels = np.pad(self.image, ((0, 0), (ring, ring), (ring, ring)))
        kernel = self.kernels[chosen]
        stages = [("Output", self.output[chosen], (row, column))]
        if self.relu:
            stages.append(("ReLU", self.rectified[chosen], (row, column)))
        if side > 1:
            stages.append((f"Max pool {side} × {side}", self.pooled[chosen], (row // side, column // side)))
        columns = channels.shape[2] + sum(values.shape[1] for _, values, _ in stages)
        cell = max(3, min(30, 720 // columns, 420 // (len(channels) * channels.shape[1])))
        name = f"Input {' × '.join(map(str, self.image.shape[len(self.image) == 1 :]))}"
        window = (row * by, column * by, *kernel.shape[1:])
        limit, palette = colour_limit(self.output[chosen]), self.palette
        panels = [
            maps_panel(channels, cell, heading=name, palette=palette, limit=colour_limit(self.image), frame=window),
            maps_panel(kernel, 30, heading=f"Kernel “{self.names[chosen]}”", palette=palette),
            *(
                maps_panel(v[None], cell, heading=name, palette=palette, limit=limit, frame=(*at, 1, 1))
                for name, v, at in stages
            ),
        ]
        return still([panels, [legend_panel(palette, FULL)]], self.describe())


def _read_only(array: Array) -> Array:
    array.setflags(write=False)
    return array


def _own_name(name: str, number: int, kernel: Array) -> str:
    """The name of a kernel, unless it is a preset's and somebody has changed the numbers."""
    if name in PRESETS and min(kernel.shape[1:]) >= 3 and not (kernel == preset(name, kernel.shape[1:])).all():
        return f"kernel {number + 1}"
    return name
