"""What is left where no widget lives: the mime types and the pictures in them."""

import base64

import numpy as np
import pytest

from course_utils.widgets import ConvolutionExplorer, LayerPipeline, letter_a, letter_network
from course_utils.widgets.base.bundle import BASE
from course_utils.widgets.base.colours import BLUE, ORANGE, PALETTES, colours, ink
from course_utils.widgets.base.numbers import plain_number
from course_utils.widgets.base.picture import MARK, SCALE, Picture
from course_utils.widgets.gallery import WIDGETS as WIDGETS_OF_THE_COURSE
from course_utils.widgets.gallery import file_name
from tests.widgets.png import open_png

VIEW = "application/vnd.jupyter.widget-view+json"
WIDGETS = {
    "explorer": lambda: ConvolutionExplorer(np.eye(6), relu=True, pool=2, padding=1),
    "pipeline": lambda: LayerPipeline(letter_network(), letter_a()),
}


@pytest.mark.parametrize("make", WIDGETS.values(), ids=WIDGETS)
def test_bundle_has_the_widget_a_picture_and_words(make):
    widget = make()
    data, metadata = widget._repr_mimebundle_()
    assert data[VIEW]["model_id"] == widget.model_id
    lines = data["text/plain"].split("\n")
    assert " ".join(lines) == widget.describe()
    assert max(map(len, lines)) <= 88 < len(widget.describe())  # a page would break longer lines within words
    image = open_png(base64.b64decode(data["image/png"]))
    assert image.width == metadata["image/png"]["width"] * SCALE
    assert metadata["image/png"]["alt"] == metadata["vscode_altText"] == widget.describe()
    assert widget._picture_mark in data["image/png"]


@pytest.mark.parametrize("make", WIDGETS.values(), ids=WIDGETS)
@pytest.mark.parametrize("palette", PALETTES)
def test_picture_shows_both_signs(make, palette):
    widget = make()
    widget.palette = palette
    shades = {shade for _, shade in open_png(widget.picture()).getcolors(1 << 20)}
    for full in PALETTES[palette]:  # but for what is lost where a file has 256 colours
        assert min(np.abs(np.subtract(shade, full)).max() for shade in shades) <= 8


def test_picture_follows_the_state():
    explorer = WIDGETS["explorer"]()
    before = explorer.picture()
    explorer.position = (2, 2)
    assert explorer.picture() != before


def test_the_deepest_colour_is_that_of_each_map_layer_or_network():
    deepest = {}
    for scale in ("map", "layer", "network"):
        image = open_png(LayerPipeline(letter_network(), letter_a(), scale=scale).picture())
        deepest[scale] = sum(count for count, shade in image.getcolors(1 << 20) if np.abs(np.subtract(shade, BLUE)).max() <= 8)
    assert deepest["map"] > deepest["layer"] > deepest["network"] > 0


@pytest.mark.parametrize("kind", WIDGETS_OF_THE_COURSE, ids=file_name)
def test_text_in_a_picture_is_large_enough(kind, monkeypatch):
    sizes, write = [], Picture.text

    def noted(self, x, y, text, size=13, **options):
        sizes.append(size)
        write(self, x, y, text, size, **options)

    monkeypatch.setattr(Picture, "text", noted)
    kind.example().picture()
    assert min(sizes) >= 13


def test_grid_cells_have_their_colours():
    picture = Picture(60, 20)
    picture.grid(0, 0, np.array([[-2.0, 0.0, 1.0]]), cell=20)
    image = open_png(picture.png())
    expected = colours(np.array([-2.0, 0.0, 1.0]), 2.0)
    for column in range(3):
        assert image.getpixel(((column * 20 + 10) * SCALE, 5 * SCALE)) == tuple(expected[column])
        middle = image.getpixel(((column * 20 + 10) * SCALE, 10 * SCALE))
        assert (middle != tuple(expected[column])) == (column == 0)  # the negative number has a minus sign, as well as a colour


@pytest.mark.parametrize("palette", PALETTES)
def test_text_on_any_colour_can_be_read(palette):
    def light(shade):
        linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in shade]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for shade in colours(np.linspace(-1, 1, 201), 1.0, palette).tolist():
        dark, bright = sorted((light(shade), light(ink(tuple(shade)))))
        assert (bright + 0.05) / (dark + 0.05) >= 4.5


@pytest.mark.parametrize("shape", [(64, 64), (4, 64, 64), (1, 3), (4, 3, 64)])
@pytest.mark.parametrize("padding", [1, 3])
def test_pictures_of_the_largest_and_the_smallest(shape, padding):
    image = open_png(ConvolutionExplorer(np.ones(shape), padding=padding).picture())
    assert image.width <= 2400
    corner = image.crop((0, 0, 4, image.height)).getcolors(1 << 20)
    assert corner == [(4 * image.height, (255, 255, 255))]  # nothing touches the edge
    edge = image.crop((image.width - 4, 0, image.width, image.height)).getcolors(1 << 20)
    assert edge == [(4 * image.height, (255, 255, 255))]


def test_javascript_has_the_same_colours():
    text = (BASE / "grid.js").read_text()
    for name, pair in PALETTES.items():
        assert f'"{name}": {[list(shade) for shade in pair]},' in text
    style = (BASE / "base.css").read_text()
    for name, shade in (("blue", BLUE), ("orange", ORANGE), ("mark", MARK)):
        assert f"--{name}: #{bytes(shade).hex()};" in style


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (-0.0, "0"), (1e-9, "0"), (123456.0, "1.2e+5"), (0.0625, "0.063"), (-2.5, "−2.5")],
)
def test_numbers_are_written_short(value, text):
    assert plain_number(value) == text
