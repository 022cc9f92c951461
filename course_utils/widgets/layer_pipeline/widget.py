"""A whole network on the screen, layer by layer: every number of every layer, and what each of them saw."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from traitlets import Bool, Bytes, Enum, Int, List, Tuple, Unicode, validate

from course_utils.networks import letter_a, letter_network
from course_utils.tracing.errors import TraceError
from course_utils.tracing.inputs import as_input
from course_utils.tracing.steps import Step
from course_utils.tracing.trace import trace_model
from course_utils.tracing.words import by, title_of
from course_utils.tracing.words import describe as in_words
from course_utils.widgets.base.arrays import Numbers, as_image, as_names
from course_utils.widgets.base.colours import PALETTES, colour_limit
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.numbers import plain_number
from course_utils.widgets.base.picture import Picture
from course_utils.widgets.base.still import Panel, legend_panel, maps_panel, still
from course_utils.widgets.base.widget import CourseWidget

MAX_SIDE = 64
MAX_NUMBERS = 100_000
TALLEST = 420  # of a column of maps in the still picture
LARGEST = 1e30  # so that a float32 would hold them too
Array = NDArray[np.float64]
COMPUTED = {  # kinds of layers, as in numbers.js
    *("input", "conv", "linear", "batch_norm", "relu", "leaky_relu", "sigmoid", "tanh", "max_pool", "adaptive_max_pool"),
    *("avg_pool", "adaptive_avg_pool", "flatten", "add", "softmax", "log_softmax"),
}
SCALES = {  # whose number farthest from zero has the deepest colour
    "map": "The deepest colour is the number of each map that is farthest from zero.",
    "layer": "The deepest colour is the number of a layer that is farthest from zero.",
    "network": "The deepest colour is the number of the network that is farthest from zero.",
}


class LayerPipeline(CourseWidget):
    """An image on its way through a network: feature maps, ReLU, max pool, ..., a probability (lecture 0:44:29-0:49:45).

    `model` is made of Conv2d, Linear, batch norm, ReLU, LeakyReLU, Sigmoid, Tanh, pooling, Flatten, Dropout, sums and Softmax
    (a workbook shows more, see `course_utils.excel.export_model`), and `x` one image of shape (height, width) or (channels,
    height, width), with or without a batch axis of 1 in front; bytes, as of a Pillow image, become numbers from 0 to 1. The
    model runs as a copy in eval mode in float64, and the screen computes the same numbers for itself, so that nothing on it
    waits for Python; set `x` to send another image through.

    Traits: `layer` is the last layer shown, from 0, the input; `focus` the number whose making is spelled out (layer, map, row,
    column); `playing` and `delay` in milliseconds; `scale`, whose number farthest from zero has the deepest colour, that of
    each "map", of each "layer" or of the whole "network"; `palette`, "blue-orange" for positive and negative numbers or
    "lecture" for its green and red.

    Raises WidgetError for a layer that cannot be shown, an input that does not fit, and more than 100,000 numbers.

    >>> from course_utils.networks import letter_a, letter_network
    >>> pipeline = LayerPipeline(letter_network(), letter_a())
    >>> [name for name in pipeline.layer_names]
    ['input', 'conv1', 'relu1', 'pool1', 'conv2', 'relu2', 'pool2', 'template', 'probability']
    >>> pipeline.values("pool1").shape
    (2, 13, 13)
    """

    _title: ClassVar = "A network, layer by layer"
    _module: ClassVar = Path(__file__).with_name("widget.js")
    _settings: ClassVar = ("layer", "focus", "playing", "delay", "scale", "palette", "export_path")

    layers: "List[dict[str, Any]]" = List(help="what each layer is, one dictionary each, made here").tag(sync=True)
    class_names = List(Unicode(), help="what the outputs of the last layer are called").tag(sync=True)
    layer = Int(0, help="the last layer shown, from 0").tag(sync=True)
    focus = Tuple(Int(), Int(), Int(), Int(), help="layer, map, row and column of the number that is spelled out").tag(
        sync=True
    )
    playing = Bool(False, help="whether the layers follow by themselves").tag(sync=True)
    delay = Int(2600, help="milliseconds from layer to layer, at least 200").tag(sync=True)
    scale = Enum(list(SCALES), "layer", help="whose number farthest from zero has the deepest colour").tag(sync=True)
    palette = Enum(list(PALETTES), "blue-orange", help="the colours of positive and negative numbers").tag(sync=True)
    # What the screen computes all numbers from: the image, and the weights of all layers in one row.
    _pixels = Numbers(3)
    _weights = Bytes(help="float32, or float64 where the model has more digits").tag(sync=True)

    def __init__(
        self, model: nn.Module, x: ArrayLike | Tensor, class_names: Sequence[str] | None = None, **traits: Any
    ) -> None:
        self._take_only_settings(traits)
        self._model = model
        traits.setdefault("export_path", "network.xlsx")
        self._run = run = _followed(model, x)
        names = [] if class_names is None else as_names(class_names, "class_names")
        if names and len(names) != run.steps[-1].value.size:
            raise WidgetError(f"{len(names)} class names were given, and the model gives {run.steps[-1].value.size} numbers")
        traits["layer"] = self._checked("layer", traits.get("layer", len(run.layers) - 1))
        traits.setdefault("focus", _strongest(run.maps, traits["layer"]))
        super().__init__(layers=run.layers, class_names=names, _weights=run.weights, _pixels=run.image.numpy(), **traits)

    @property
    def model(self) -> nn.Module:
        """The model that is shown; set `x` again after its weights changed."""
        return self._model

    @property
    def x(self) -> Tensor:
        """The image that is on its way, of shape (channels, height, width), in float64; set another one to send it through."""
        return self._run.image

    @x.setter
    def x(self, image: ArrayLike | Tensor) -> None:
        self._run = run = _followed(self._model, image)
        with self.hold_sync():
            self.layers, self._weights, self._pixels = run.layers, run.weights, run.image.numpy()
            self.focus = _strongest(run.maps, min(self.layer, len(run.layers) - 1))

    @property
    def layer_names(self) -> list[str]:
        """The layers on the screen by their place in the model, the input first."""
        return [str(layer["name"]) for layer in self.layers]

    def values(self, name: str) -> NDArray[np.float64]:
        """What the layer of that name gave: (channels, height, width), or (features,) where it is a vector."""
        for step in self._run.steps:
            if step.path == name:
                return step.value.copy()
        raise WidgetError(f"no layer is called {name!r}; there are: {', '.join(self.layer_names)}")

    def describe(self) -> str:
        """What is on the screen, in a few sentences."""
        chain = ", ".join(f"{layer['label']} ({by(tuple(layer['shape']))})" for layer in self.layers)
        last = self._run.steps[-1]
        best = int(last.value.argmax())
        name = self.class_names[best] if self.class_names else f"number {best + 1}"
        value = plain_number(float(last.value.flat[best]))
        result = (
            f"gives {value}" if last.value.size == 1 else f"gives {last.value.size} numbers, the largest {value} for {name}"
        )
        return f"An image on its way through {len(self.layers) - 1} layers: {chain}. The last one {result}."

    def export(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write the network and its input as a workbook of live formulas and give its path; a file that is there is kept."""
        return super().export(path)

    @validate("layer", "focus", "delay")
    def _check(self, proposal: Any) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        if name == "delay" and value < 200:
            raise WidgetError(f"delay is {value} milliseconds; expected at least 200")
        if name == "layer" and self.layers and not 0 <= value < len(self.layers):
            raise WidgetError(f"layer is {value}; the layers are numbered 0 to {len(self.layers) - 1}")
        if name == "focus" and self.layers:
            number, *place = value
            if not 0 <= number < len(self.layers):
                raise WidgetError(f"focus is in layer {number}; the layers are numbered 0 to {len(self.layers) - 1}")
            shape = self._run.maps[number].shape
            if not all(0 <= at < size for at, size in zip(place, shape, strict=True)):
                raise WidgetError(f"focus is at map, row and column {tuple(place)}; layer {number} has {shape}, counted from 0")
            if np.isnan(self._run.maps[number][tuple(place)]):
                raise WidgetError(f"focus is at map, row and column {tuple(place)}, where layer {number} has no number")
        return value

    @classmethod
    def example(cls) -> Self:
        """The network of lesson 5 that tells an A, with an A on its way."""
        return cls(letter_network(), letter_a())

    def _numbers(self) -> dict[str, Array]:
        shown = set(self.layer_names)
        return {step.path: step.value for step in self._run.steps if step.path in shown}

    def _exported(self) -> tuple[nn.Module, Tensor, dict[str, Any]]:
        options: dict[str, Any] = {"title": "An image on its way through a network"}
        if self.class_names:
            options["class_names"] = list(self.class_names)
        return self._model, self._run.image, options

    def _draw(self) -> Picture:
        panels = [self._panel(layer, maps) for layer, maps in zip(self.layers, self._run.maps, strict=True)]
        return still([panels, [legend_panel(self.palette, SCALES[self.scale])]], self.describe())

    def _panel(self, layer: dict[str, Any], maps: Array) -> Panel:
        names: list[str] = []
        if layer is self.layers[-1] and layer["vector"] and maps.shape[2] == 1:
            numbered = [] if maps.size == 1 else [str(number) for number in range(1, maps.shape[1] + 1)]
            names = list(self.class_names) or numbered
        if layer["vector"]:
            cell = 32 if maps.shape[2] == 1 else 10
        else:
            cell = max(3, min(14, round(4 * math.sqrt(28 / max(maps.shape[1:])))))
        limit: float | Array | None = None
        if self.scale == "network":
            limit = colour_limit(np.concatenate([each[~np.isnan(each)] for each in self._run.maps]))
        elif self.scale == "map":
            limit = np.array([colour_limit(each[~np.isnan(each)]) for each in maps])
        heads = layer["heading"], layer["subheading"]
        return maps_panel(maps, cell, *heads, self.palette, limit=limit, tallest=TALLEST, names=names)


@dataclass(frozen=True)
class Run:
    """One image on its way through a model: all its steps, and the layers that are shown, as they travel to JavaScript.

    `maps` are the numbers of the layers that are shown, (maps, rows, columns) each; `weights` those of all, in one row.
    """

    image: Tensor
    steps: list[Step]
    layers: list[dict[str, Any]]
    maps: list[Array]
    weights: bytes


def _followed(model: nn.Module, x: Any) -> Run:
    """Run the model, and put what it did into the form that travels to JavaScript."""
    try:
        pixels, _ = as_input(x)  # as a workbook takes it: pictures of bytes become 0-1 with the channels first
        if single := pixels.ndim == 4 and len(pixels) == 1:
            pixels = pixels[0]
        name = ("x" if isinstance(x, (Tensor, np.ndarray)) else "numpy.array(x)") + "[0]" * single
        image = torch.tensor(as_image(pixels if isinstance(x, Tensor) else pixels.numpy(), MAX_SIDE, name))
        if image.abs().max() > LARGEST:
            raise WidgetError(f"x holds {image.abs().max():g}; numbers of at most {LARGEST:g} can be followed. Divide them")
        steps = trace_model(model, image[None]).steps
    except TraceError as error:
        raise WidgetError(str(error)) from error.__cause__
    _check_shown(steps)
    count = sum(step.value.size + sum(weight.value.size for weight in step.weights.values()) for step in steps)
    if count > MAX_NUMBERS:
        most = max(steps, key=lambda step: step.value.size + sum(weight.value.size for weight in step.weights.values()))
        raise WidgetError(
            f"the network has {count:,} numbers on this image and {MAX_NUMBERS:,} can be shown; most of them are in "
            f"{most.path} ({title_of(most)}, {by(most.value.shape)}). Give a smaller image or fewer channels"
        )
    # Flattening changes no number: the layer after it is drawn as reading the maps before it.
    seen: dict[int, int] = {}
    layers: list[dict[str, Any]] = []
    shown: list[Step] = []
    start = 0
    for number, step in enumerate(steps):
        if step.kind == "flatten" and number < len(steps) - 1 and all(r.kind == "linear" for r in steps if number in r.sources):
            seen[number] = seen[step.sources[0]]
            continue
        seen[number] = len(layers)
        layers.append(_as_layer(step, [seen[source] for source in step.sources], len(layers), start))
        shown.append(step)
        start += sum(weight.value.size for weight in step.weights.values())
    return Run(image, steps, layers, [_as_maps(step.value) for step in shown], _as_bytes(shown))


def _check_shown(steps: list[Step]) -> None:
    """Refuse what a workbook can show and the screen cannot."""
    lines = []
    for step in steps:
        reads = {steps[source].value.ndim for source in step.sources}
        on_a_row = step.kind in ("linear", "softmax", "log_softmax") and reads != {1}
        if (
            step.kind not in COMPUTED
            or step.value.ndim not in (1, 3)
            or step.settings.keys() & {"constants", "index"}
            or on_a_row
        ):
            lines.append(f"  {step.path} ({title_of(step)}, {by(step.value.shape)})")
    if lines:
        listed = "\n".join(lines)
        raise WidgetError(
            f"the screen cannot show these layers:\n{listed}\nIt shows images and vectors in the layers of lesson 5; "
            "course_utils.excel.export_model writes all of them as a workbook"
        )


def _as_layer(step: Step, sources: list[int], number: int, start: int) -> dict[str, Any]:
    """A layer as the screen shows it; `number` is its place there, the input being 0, and `start` that of its first weight."""
    weights = {}
    for role, weight in step.weights.items():
        weights[role] = {"start": start, "shape": list(weight.value.shape)}
        start += weight.value.size
    vector = step.value.ndim == 1
    title = "image" if step.kind == "input" else title_of(step)
    nameless = step.path.replace(".", "").isdigit()  # in a Sequential, which counts from 0 and counts what is not shown
    return {
        "kind": step.kind,
        "name": step.path,
        "label": f"{title} {number}" if nameless else step.path,
        "heading": title if nameless else step.path,
        "subheading": f"layer {number}" if nameless else title,
        "words": in_words(step),
        "shape": list(step.value.shape),
        "vector": vector,
        "sources": sources,
        "settings": {key: list(value) if isinstance(value, tuple) else value for key, value in step.settings.items()},
        "weights": weights,
    }


def _as_bytes(steps: list[Step]) -> bytes:
    """The weights of all steps in one row: as float32, which most models have, unless that would change one."""
    row = np.concatenate([np.zeros(0), *(weight.value.ravel() for step in steps for weight in step.weights.values())])
    with np.errstate(over="ignore"):
        short = row.astype("<f4")
    return (short if (short == row).all() else row.astype("<f8")).tobytes()


def _as_maps(values: Array) -> Array:
    """An image's numbers as they are; a vector as one map: one number a row up to 16, else about a square, filled with nan."""
    if values.ndim > 1:
        return values
    columns = 1 if values.size <= 16 else math.ceil(math.sqrt(values.size))
    return np.append(values, [np.nan] * (-values.size % columns)).reshape(1, -1, columns)


def _strongest(layers: list[Array], number: int) -> tuple[int, int, int, int]:
    """The place of the number farthest from zero in a layer: the most telling one to begin with."""
    if not 0 <= number < len(layers):
        return (0, 0, 0, 0)
    maps = layers[number]
    index, row, column = np.unravel_index(int(np.nanargmax(np.abs(maps))), maps.shape)
    return number, int(index), int(row), int(column)
