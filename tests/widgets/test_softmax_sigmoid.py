"""Softmax and sigmoid against PyTorch, and what the widget refuses, says and leaves behind."""

import base64
import re

import numpy as np
import pytest
import torch

from course_utils import CourseError
from course_utils.widgets import SoftmaxSigmoid
from course_utils.widgets.base.colours import BLUE, ORANGE
from course_utils.widgets.base.picture import SCALE
from tests.widgets.png import open_png

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.mark.parametrize("count", [2, 5, 10])
@pytest.mark.parametrize("temperature", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("spread", [1, 50])
def test_both_are_what_pytorch_gives(count, temperature, spread):
    logits = np.random.default_rng(count).uniform(-spread, spread, count)
    widget = SoftmaxSigmoid(logits, classes=[str(number) for number in range(count)], temperature=temperature)
    z = torch.tensor(logits)
    np.testing.assert_allclose(widget.softmax, torch.softmax(z / temperature, 0), rtol=1e-12, atol=0)
    np.testing.assert_allclose(widget.sigmoid, torch.sigmoid(z), rtol=1e-14, atol=0)
    np.testing.assert_allclose(widget.powers, torch.exp(z / temperature), rtol=1e-12)
    assert widget.softmax.dtype == widget.sigmoid.dtype == np.float64
    assert widget.softmax.sum() == pytest.approx(1, abs=1e-14)


def test_the_same_number_more_moves_sigmoid_alone():
    widget = SoftmaxSigmoid([4.0, -4.3, 1.7, -0.3, 1.8])
    softmax, sigmoid = widget.softmax, widget.sigmoid
    widget.logits = widget.logits + 1
    np.testing.assert_allclose(widget.softmax, softmax, atol=1e-15)
    assert (widget.sigmoid > sigmoid).all()


def test_another_temperature_is_another_base():
    widget = SoftmaxSigmoid([2.0, 1.0, -1.0], classes=("cat", "dog", "plane"), temperature=1 / np.log(10))
    powers = 10.0 ** np.array([2, 1, -1])
    np.testing.assert_allclose(widget.softmax, powers / powers.sum(), rtol=1e-14)
    np.testing.assert_allclose(widget.sigmoid, 1 / (1 + np.exp([-2, -1, 1])))


def test_fresh_numbers_repeat_from_a_seed():
    widget, again = SoftmaxSigmoid(seed=5), SoftmaxSigmoid(seed=5)
    np.testing.assert_array_equal(widget.logits, again.logits)
    logits, *others = widget._ahead
    widget.set_state({"seed": 6, "logits": logits, "_ahead": others})  # as the button does
    assert len(widget._ahead) == len(others) + 1  # so that the button goes on for ever
    again.fresh()
    assert widget.seed == again.seed == 6
    np.testing.assert_array_equal(widget.logits, again.logits)
    np.testing.assert_array_equal(widget.logits, SoftmaxSigmoid(seed=6).logits)
    assert not np.array_equal(widget.logits, SoftmaxSigmoid(seed=5).logits)
    drawn = np.concatenate([SoftmaxSigmoid(classes=list("abcdefghij"), seed=seed).logits for seed in range(20)])
    assert -5 <= drawn.min() < -4.5
    assert 4.5 < drawn.max() <= 5


@pytest.mark.parametrize(
    ("logits", "words"),
    [
        ([4.0, -4.3, 1.7, -0.3, 1.8], r"picks cat \(0\.816\); its 5 .* sigmoid: cat, plane, building; .* 3\.125\.$"),
        ([-1.0, -2.0, -3.0, -4.0, -0.5], r"picks building \(0\.515\).* by sigmoid: none;"),
        ([3.0, 3.0, -9.0, -9.0, -9.0], r"cannot choose between cat, dog \(0\.500 each\).* sigmoid: cat, dog;"),
        ([0.0, 0.0, 0.0, 0.0, 0.0], r"cannot choose between cat, dog, plane, fish, building \(0\.200 each\).* none; .* 2\.50"),
    ],
)
def test_words(logits, words):
    assert re.search(words, SoftmaxSigmoid(logits).describe())


def test_tensors_with_a_gradient_are_taken():
    logits = torch.tensor([1.0, 2.0], requires_grad=True)
    assert SoftmaxSigmoid(logits, classes=("cat", "dog")).logits.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"logits": [1.0, 2.0]}, "2 logits and 5 classes"),
        ({"classes": ["cat"]}, "2 to 10"),
        ({"classes": "cat dog"}, "a list of names"),
        ({"classes": list("abcdefghijk")}, "2 to 10"),
        ({"classes": ["cat", "cat"]}, "name of its own"),
        ({"classes": ["cat", ""]}, "name of its own"),
        ({"logits": [0, 0, float("nan"), 0, 0]}, "nan"),
        ({"logits": [0, 0, 51, 0, 0]}, "51"),
        ({"logits": [[0, 0, 0, 0, 0]]}, r"shape \(1, 5\)"),
        ({"logits": "hot"}, "logits"),
        ({"temperature": 0.0}, "0.1 to 10"),
        ({"temperature": float("nan")}, "0.1 to 10"),
        ({"seed": -1}, "from 0"),
        ({"heat": 2}, "no heat.*temperature"),
    ],
)
def test_refusals_say_what_to_do(options, message):
    with pytest.raises(CourseError, match=message):
        SoftmaxSigmoid(**options)


def test_what_is_refused_changes_nothing():
    widget = SoftmaxSigmoid()
    before = widget.logits
    for name, value in (("logits", [1.0]), ("classes", ["a", "b"]), ("temperature", -1.0), ("seed", -3)):
        with pytest.raises(CourseError):
            setattr(widget, name, value)
    widget.set_state({"temperature": 99.0})  # from the screen: refused in words
    assert "temperature is 99" in widget.message
    assert (widget.temperature, widget.seed, len(widget.classes)) == (1.0, 31, 5)
    np.testing.assert_array_equal(widget.logits, before)
    with pytest.raises(CourseError, match="export_model"):
        widget.export()


def test_a_picture_stays_behind():
    widget = SoftmaxSigmoid()
    data, metadata = widget._repr_mimebundle_()
    assert data[VIEW]["model_id"] == widget.model_id
    assert metadata["image/png"]["alt"] == widget.describe()
    assert widget._picture_mark in data["image/png"]
    assert open_png(base64.b64decode(data["image/png"])).width == metadata["image/png"]["width"] * SCALE
    before = widget.picture()
    widget.temperature = 2.0
    assert widget.picture() != before


def test_the_bars_in_the_picture_are_as_long_as_the_numbers():
    widget = SoftmaxSigmoid([1.0, 0.0, -1.0, 0.5, -0.5])
    pixels = np.asarray(open_png(widget.picture())).astype(int)
    for colour, shares in ((BLUE, widget.softmax), (ORANGE, widget.sigmoid)):
        painted = np.abs(pixels - colour).max(axis=2) < 24
        lengths = [painted[(48 + 26 * row + 4) * SCALE].sum() for row in range(5)]
        np.testing.assert_allclose(lengths, 150 * SCALE * shares, atol=6)  # the frame and the line at 0.5 take some pixels


@pytest.mark.parametrize("names", [["a", "b"], [f"a rather long name {number}" for number in range(10)]])
@pytest.mark.parametrize("size", [0.0, 50.0])
def test_nothing_in_the_picture_touches_the_edge(names, size):
    logits = np.where(np.arange(len(names)) % 2, -size, size)
    image = open_png(SoftmaxSigmoid(logits, classes=names, temperature=0.1).picture())
    for left in (0, image.width - 4):
        assert image.crop((left, 0, left + 4, image.height)).getcolors() == [(4 * image.height, (255, 255, 255))]
