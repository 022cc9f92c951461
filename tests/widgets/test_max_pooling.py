"""Max pooling against PyTorch, in Python and on the screen, and what the widget refuses, says and leaves behind."""

import io
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from openpyxl import load_workbook
from PIL import Image

from course_utils.widgets import MaxPooling, WidgetError
from course_utils.widgets.base.bundle import BASE

NUMBERS = BASE.parent / "max_pooling" / "numbers.js"
SETTINGS = [(1, 1), (2, 2), (2, 1), (3, 2), (4, 3), (2, 4)]


def images():
    rng = np.random.default_rng(0)
    return {
        "numbers": rng.normal(size=(9, 7)),
        "ties": rng.integers(-1, 2, (6, 8)).astype(float),
        "zeros": np.zeros((4, 4)),
        "negative": -np.arange(1.0, 17).reshape(4, 4),
        "large": rng.normal(size=(16, 16)) * 1e5,
    }


@pytest.mark.parametrize("name", images())
def test_outputs_and_gradients_are_pytorchs_here_and_on_the_screen(run, name):
    image = images()[name]
    given = {"image": image.tolist(), "settings": SETTINGS}
    screens = run(NUMBERS, "given.settings.map(([window, stride]) => it.pooled(given.image, window, stride))", given)
    for (window, stride), screen in zip(SETTINGS, screens, strict=True):
        widget = MaxPooling(image, window, stride)
        for kind, pool in (("max", F.max_pool2d), ("mean", F.avg_pool2d)):
            x = torch.tensor(image, requires_grad=True)
            output = pool(x[None, None], window, stride)[0, 0]
            output.sum().backward()
            outputs = "maxima" if kind == "max" else "means"
            np.testing.assert_array_equal(getattr(widget, outputs), output.detach())
            np.testing.assert_array_equal(getattr(widget, f"{kind}_gradient"), x.grad)
            size = np.abs(image).max() or 1.0
            np.testing.assert_allclose(screen[outputs], output.detach(), rtol=1e-12, atol=1e-14 * size)
            np.testing.assert_allclose(screen[f"{kind}_gradient"], x.grad, rtol=1e-12)


def test_the_gradient_is_what_the_sum_changes_by():
    """By small changes, number by number, where no two are alike."""
    image, step = images()["numbers"], 1e-6
    widget = MaxPooling(image, 3, 2)
    for place in ((0, 0), (2, 4), (8, 6), (4, 2)):
        changed = image.copy()
        changed[place] += step
        other = MaxPooling(changed, 3, 2)
        for outputs, gradient in (("maxima", widget.max_gradient), ("means", widget.mean_gradient)):
            difference = getattr(other, outputs).sum() - getattr(widget, outputs).sum()
            assert difference / step == pytest.approx(gradient[place], abs=1e-5)


def test_the_first_of_two_that_are_alike_is_kept(run):
    image = [[1.0, 3.0], [3.0, 3.0]]
    widget = MaxPooling(image)
    assert (widget.winner(), widget.max_gradient.tolist()) == ((0, 1), [[0, 1], [0, 0]])
    assert run(NUMBERS, "it.winner(given, 0, 0, 2, 2)", image) == [0, 1]


def test_a_picture_that_moves(run):
    image = MaxPooling().image
    moved = np.array(run(NUMBERS, "it.shifted(given)", image.tolist()))
    np.testing.assert_array_equal(moved[:, 1:], image[:, :-1])
    assert not moved[:, 0].any()
    same = run(NUMBERS, "it.same(given[0], given[1])", [image.tolist(), moved.tolist()])
    assert same == (image == moved).sum()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, r"^2 × 2 windows with stride 2 turn 6 × 6 numbers into 3 × 3\. In row 1, column 1 the largest of 4 is 3: it alone "
             r"is passed on, and the whole gradient goes back .* 1\.25, and each number gets 0\.25 of the gradient\.$"),
        ({"position": (2, 2)}, r"row 3, column 3 the largest of 4 is 0, 4 times: the first of them alone"),
        ({"window": 3, "stride": 2}, r"into 2 × 2.*11 numbers lie in no window\.$"),
        ({"window": 2, "stride": 3}, r"20 numbers lie in no window\.$"),
    ],
)  # fmt: skip
def test_words(options, words):
    assert re.search(words, MaxPooling(**options).describe())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image": np.zeros((3, 4, 4))}, r"3 channels, and each is pooled by itself; give one, as in image\[0\]"),
        ({"image": np.zeros((17, 4))}, "17 × 4"),
        ({"image": np.zeros((1, 4))}, "1 × 4; expected sides of 2 to 16"),
        ({"image": [[1, float("nan")]] * 2}, "nan or inf"),
        ({"image": np.full((2, 2), 1e7)}, r"at most 1e\+06"),
        ({"image": "seven"}, "seven"),
        ({"window": 0}, "window is 0; expected 1 to 4"),
        ({"window": 5}, "window is 5"),
        ({"stride": 5}, "stride is 5"),
        ({"stride": 1.5}, "stride is 1.5; expected a whole number"),
        ({"image": np.zeros((3, 3)), "window": 4}, "4 × 4 does not fit into an image of 3 × 3"),
        ({"position": (3, 0)}, r"position is \(3, 0\) and the output has 3 × 3"),
        ({"delay": 5}, "delay is 5"),
        ({"palette": "rainbow"}, "palette is 'rainbow'"),
        ({"colour": 1}, "has no colour"),
    ],
)
def test_refusals_say_what_to_do(options, message):
    with pytest.raises(WidgetError, match=message):
        MaxPooling(**options)


def test_the_position_stays_inside():
    widget = MaxPooling(torch.rand(8, 8), position=(3, 3))
    widget.window = np.int64(4)
    assert widget.position == (2, 2)
    widget.set_state({"window": 3, "stride": 3, "position": [1, 1]})  # together, as the screen sends them
    assert (widget.window, widget.stride, widget.position, widget.message) == (3, 3, (1, 1), "")
    with pytest.raises(WidgetError, match="does not fit"):
        widget.image = np.zeros((2, 2))
    assert widget.image.shape == (8, 8)


def test_the_workbook_has_the_maxima(tmp_path):
    widget = MaxPooling(window=3, stride=2)
    book = load_workbook(widget.export(tmp_path / "a.xlsx"))
    formulas = [cell.value for row in book["Network"].iter_rows() for cell in row if str(cell.value).startswith("=MAX(")]
    assert len(formulas) == widget.maxima.size


def test_the_picture_shows_both_signs_and_the_window():
    widget = MaxPooling([[-3.0, 1.0], [2.0, 3.0]])
    image = Image.open(io.BytesIO(widget.picture())).convert("RGB")
    shades = {shade for _, shade in image.getcolors(1 << 20)}
    for wanted in ((0, 114, 178), (213, 94, 0), (20, 90, 220)):
        assert min(np.abs(np.subtract(shade, wanted)).max() for shade in shades) <= 8
    before = MaxPooling().picture()
    assert MaxPooling(position=(1, 1)).picture() != before
