"""How many parameters each layer of VGG16 and ResNet-34 has, by formula (lecture 1:04:19-1:05:21)."""

import os
from dataclasses import dataclass
from pathlib import Path

from course_utils.excel.book import new_book
from course_utils.excel.grid import Rect, cell
from course_utils.excel.page import Page
from course_utils.excel.plan import Formula
from course_utils.excel.target import workbook_path
from course_utils.files import replacing

HEADINGS = ("layer", "inputs", "outputs", "kernel", "image after it", "weights", "bias and batch norm", "parameters", "share")
NAME, INPUTS, OUTPUTS, KERNEL, IMAGE, WEIGHTS, REST, COUNT, SHARE = range(1, 10)
TOP = 5


@dataclass(frozen=True)
class Layer:
    """A convolution or, with kernel 0, a fully connected layer; without `inputs` it takes what the layer before it gives."""

    name: str
    outputs: int
    kernel: int
    image: int  # height and width of its output
    inputs: int | None = None
    norm: bool = False  # batch norm (a scale and a shift per channel) in place of a bias


def vgg16() -> list[Layer]:
    """VGG16 (Simonyan and Zisserman 2014, column D) on images of 224 x 224.

    >>> len(vgg16())
    16
    """
    layers: list[Layer] = []
    image = 224
    for block, (channels, count) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), start=1):
        for number in range(1, count + 1):
            layers.append(Layer(f"conv {block}.{number}", channels, 3, image, 3 if not layers else None))
        image //= 2  # a 2 x 2 max pool, which has no parameters
    return [
        *layers,
        Layer("fully connected 1", 4096, 0, 1, 512 * 7 * 7),
        Layer("fully connected 2", 4096, 0, 1),
        Layer("fully connected 3", 1000, 0, 1),
    ]


def resnet34() -> list[Layer]:
    """ResNet-34 (He et al. 2015) on images of 224 x 224; where the image is halved the shortcut is a 1 x 1 convolution.

    >>> len(resnet34())
    37
    """
    layers, channels, image = [Layer("conv 1", 64, 7, 112, 3, norm=True)], 64, 56
    for stage, (wide, count) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=2):
        image = image if stage == 2 else image // 2
        for block in range(1, count + 1):
            layers.append(Layer(f"conv {stage}.{block}a", wide, 3, image, channels, norm=True))
            layers.append(Layer(f"conv {stage}.{block}b", wide, 3, image, wide, norm=True))
            if wide != channels:
                layers.append(Layer(f"shortcut {stage}.{block}", wide, 1, image, channels, norm=True))
            channels = wide
    return [*layers, Layer("fully connected", 1000, 0, 1, 512)]


def parameters_workbook(path: str | os.PathLike[str]) -> Path:
    """Layer tables of VGG16 and ResNet-34 with live counts: change a number of channels and see what it costs."""
    with replacing(workbook_path(path)) as part, new_book(part) as book:
        note = (
            "A convolution has inputs × outputs × kernel² weights, fully connected layers inputs × outputs. Change a blue one."
        )
        _table(Page(book, "VGG16", "VGG16: where its parameters are", note), vgg16(), "VGG16")
        _table(Page(book, "ResNet-34", "ResNet-34: where its parameters are", note), resnet34(), "ResNet-34")
    return Path(path)


def count(layer: Layer, inputs: int) -> tuple[int, int]:
    """The weights of a layer, and its bias or batch norm."""
    area = layer.kernel**2 or 1
    return inputs * layer.outputs * area, layer.outputs * (2 if layer.norm else 1)


def _table(page: Page, layers: list[Layer], name: str) -> None:
    page.widths(
        {NAME: 180, **dict.fromkeys((INPUTS, OUTPUTS, KERNEL), 80), **dict.fromkeys((IMAGE, WEIGHTS, REST, COUNT), 115)}
    )
    page.widths({SHARE: 110, SHARE + 1: 20})
    page.sheet.set_row(TOP - 1, 34)
    page.sheet.freeze_panes(TOP, 2)
    for col, heading in enumerate(HEADINGS, start=NAME):
        page.put(TOP - 1, col, heading, "heading")
    rows, last = len(layers), TOP + len(layers) - 1
    inputs = [layer.inputs or layers[n - 1].outputs for n, layer in enumerate(layers)]
    counts = [count(layer, size) for layer, size in zip(layers, inputs, strict=True)]
    total = sum(sum(pair) for pair in counts)
    for n, layer in enumerate(layers):
        row, (weights, rest) = TOP + n, counts[n]
        page.put(row, NAME, layer.name, "name")
        follows = n > 0 and inputs[n] == layers[n - 1].outputs and not layer.name.startswith("shortcut")
        page.put(
            row,
            INPUTS,
            Formula(cell(row - 1, OUTPUTS), inputs[n]) if follows else inputs[n],
            "count" if follows else "edit_count",
        )
        page.put(row, OUTPUTS, layer.outputs, "edit_count")
        page.put(row, KERNEL, layer.kernel or "", "edit_count" if layer.kernel else "count")
        page.put(row, IMAGE, f"{layer.image} × {layer.image}" if layer.kernel else "", "count")
        area = f"*{cell(row, KERNEL)}^2" if layer.kernel else ""
        page.put(row, WEIGHTS, Formula(f"{cell(row, INPUTS)}*{cell(row, OUTPUTS)}{area}", weights), "count")
        page.put(row, REST, Formula(("2*" if layer.norm else "") + cell(row, OUTPUTS), rest), "count")
        page.put(row, COUNT, Formula(f"{cell(row, WEIGHTS)}+{cell(row, REST)}", weights + rest), "count")
        share = Formula(f"{cell(row, COUNT)}/{cell(last + 1, COUNT, fixed=True)}", (weights + rest) / total)
        page.put(row, SHARE, share, "percent")
    page.put(last + 1, NAME, "all layers", "right")
    for col, value in ((WEIGHTS, sum(w for w, _ in counts)), (REST, sum(r for _, r in counts)), (COUNT, total)):
        page.put(last + 1, col, Formula(f"SUM({Rect(TOP, col, rows, 1).address()})", value), "total")
    dense = [n for n, layer in enumerate(layers) if not layer.kernel]
    connected = Rect(TOP + dense[0], COUNT, len(dense), 1).address()
    part = sum(sum(counts[n]) for n in dense)
    page.put(last + 2, NAME, "fully connected alone", "right")
    page.put(last + 2, COUNT, Formula(f"SUM({connected})", part), "total")
    page.put(last + 2, SHARE, Formula(f"{cell(last + 2, COUNT)}/{cell(last + 1, COUNT)}", part / total), "percent")
    page.put(last + 3, NAME, "megabytes in float32", "right")
    page.put(last + 3, COUNT, Formula(f"{cell(last + 1, COUNT)}*4/10^6", total * 4 / 10**6), "total")
    bar = {"type": "data_bar", "bar_color": "#9DC3E6", "bar_solid": True, "min_type": "num", "min_value": 0}
    page.sheet.conditional_format(TOP, SHARE, last, SHARE, {**bar, "max_type": "num", "max_value": 1})
    chart = page.book.add_chart({"type": "bar"})
    places = {"categories": [name, TOP, NAME, last, NAME], "values": [name, TOP, COUNT, last, COUNT]}
    chart.add_series({"name": "parameters", **places, "fill": {"color": "#4472C4"}, "gap": 40})
    chart.set_legend({"none": True})
    chart.set_title({"name": "parameters by layer", "name_font": {"size": 12}})
    chart.set_y_axis({"reverse": True, "num_font": {"size": 9}, "interval_unit": 1})
    chart.set_x_axis({"num_format": '0,,"M"', "major_gridlines": {"visible": True, "line": {"color": "#DDDDDD"}}})
    chart.set_size({"width": 480, "height": 28 * (rows + 4)})
    page.sheet.insert_chart(TOP - 1, SHARE + 2, chart)
