"""Activation functions against PyTorch, in Python and on the screen, and what the widget refuses, says and leaves behind."""

import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from openpyxl import load_workbook
from torch import nn

from course_utils.widgets import ActivationFunctions, WidgetError
from course_utils.widgets.activation_functions.network import FUNCTIONS, GRID, TARGETS, fitted, target_curve
from course_utils.widgets.base.bundle import BASE

NUMBERS = BASE.parent / "activation_functions" / "numbers.js"
INPUTS = [-5.0, -1.3, -1e-9, 0.0, 0.25, 5.0]


@pytest.mark.parametrize("x", INPUTS)
def test_values_and_slopes_are_pytorchs(x):
    widget = ActivationFunctions(x=x, leak=0.2)
    given = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    functions = {"relu": F.relu, "leaky_relu": lambda z: F.leaky_relu(z, 0.2), "sigmoid": torch.sigmoid, "tanh": torch.tanh}
    for name, function in functions.items():
        made = function(given)
        (slope,) = torch.autograd.grad(made, given)
        assert (widget.values[name], widget.slopes[name]) == (made.item(), slope.item())


def test_the_screen_has_the_same_values_and_slopes(run):
    names = list(FUNCTIONS)[1:]
    expression = f"given.map((x) => {names}.map((name) => [it.activation(name, x, 0.2), it.slope(name, x, 0.2)]))"
    for x, pairs in zip(INPUTS, run(NUMBERS, expression, INPUTS), strict=True):
        widget = ActivationFunctions(x=x, leak=0.2)
        expected = list(zip(widget.values.values(), widget.slopes.values(), strict=True))
        np.testing.assert_allclose(pairs, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("between", FUNCTIONS)
def test_a_network_is_pytorchs_here_and_on_the_screen(run, between):
    rng = np.random.default_rng(0)
    units, offset = rng.normal(size=(8, 3)) * 3, 0.7
    widget = ActivationFunctions("network", units, offset=offset, between=between, leak=0.3)
    w, b, v = (torch.tensor(column) for column in units.T)
    module = {"nothing": nn.Identity(), "relu": nn.ReLU(), "leaky_relu": nn.LeakyReLU(0.3)}.get(between)
    hidden = torch.tensor(GRID)[:, None] * w + b
    expected = (module(hidden) if module else getattr(torch, between)(hidden)) @ v + offset
    np.testing.assert_allclose(widget.predict(GRID), expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(widget.parts(GRID).sum(axis=0) + offset, expected, rtol=1e-11, atol=1e-12)
    screen = run(NUMBERS, f"it.GRID.map((x) => it.network(given, {offset}, '{between}', x, 0.3))", units.tolist())
    np.testing.assert_allclose(screen, expected, rtol=1e-12, atol=1e-13 * expected.abs().max())
    assert run(NUMBERS, "it.GRID") == GRID.tolist()


def test_two_layers_with_nothing_between_are_a_line():
    widget = ActivationFunctions("network", np.random.default_rng(1).normal(size=(8, 3)), offset=2.0, between="nothing")
    line = np.polyfit(GRID, widget.predict(GRID), 1)
    np.testing.assert_allclose(widget.predict(GRID), np.polyval(line, GRID), atol=1e-12)
    composed = widget.layer()[1].weight @ widget.layer()[0].weight  # one matrix in place of two
    assert composed.item() == pytest.approx(line[0], abs=1e-12)
    assert len(widget.layer()) == 2


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_units_meet_the_target_where_they_begin(run, target, count):
    widget = ActivationFunctions("network", count, target=target)
    places = np.linspace(-5, 5, count + 1)
    np.testing.assert_allclose(widget.predict(places), target_curve(target, places), atol=1e-12)
    screen = run(NUMBERS, f"it.fitted('{target}', {count})")
    np.testing.assert_allclose(screen["units"], widget.units, atol=1e-12)
    assert screen["offset"] == pytest.approx(widget.offset, abs=1e-14)
    between = np.interp(GRID, places, target_curve(target, places))
    expected = math.sqrt(np.mean((between - target_curve(target, GRID)) ** 2))
    assert widget.error == pytest.approx(expected, rel=1e-12)
    error = run(NUMBERS, f"it.error(given.units, given.offset, 'relu', '{target}', 0.1)", screen)
    assert error == pytest.approx(expected, rel=1e-12)


def test_more_units_come_nearer():
    errors = [ActivationFunctions("network", count).error for count in (2, 5, 8)]
    assert errors == sorted(errors, reverse=True)
    widget = ActivationFunctions("network", 2)
    widget.fit(8)
    assert widget.error == errors[-1]
    # at 0 the wave is as steep on both sides
    np.testing.assert_allclose(widget.bends, [-3.75, -2.5, -1.25, 1.25, 2.5, 3.75])


def test_a_unit_bends_the_sum_where_its_input_is_zero(run):
    units = [[2.0, -3.0, 1.0], [1.0, 6.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [-1.0, -2.5, 0.5]]
    widget = ActivationFunctions("network", units)
    assert widget.bends == [-2.5, 1.5]  # the others bend it outside, or not at all
    assert run(NUMBERS, "it.bends(given)", units) == [1.5, None, None, None, -2.5]
    steepness = np.diff(widget.predict(GRID)) / np.diff(GRID)
    changes = GRID[1:-1][np.abs(np.diff(steepness)) > 1e-9]
    np.testing.assert_allclose(changes, widget.bends, atol=0.07)


def test_the_areas_are_the_logarithms(run):
    """The area below 1/t from 1 to a is log(a), and that from a to ab is log(b): by the trapezoidal rule."""
    p, q = 0.7, -1.2
    a, b, both = run(NUMBERS, f"it.powers([{p}, {q}])")
    assert (a, b, both) == pytest.approx((math.exp(p), math.exp(q), math.exp(p) * math.exp(q)), rel=1e-13)
    for start, end, logarithm in ((1, a, p), (a, both, q)):
        ts = np.linspace(start, end, 2001)
        assert np.trapezoid(1 / ts, ts) == pytest.approx(logarithm, rel=1e-5)


@pytest.mark.parametrize(
    ("widget", "words"),
    [
        ({}, r"^ReLU turns −2 into 0, and its slope there is 0\. Negative numbers are thrown away"),
        ({"x": 0.5, "function": "tanh"}, r"^Tanh turns 0\.5 into 0\.46, and its slope there is 0\.79\. .* between −1 and 1\.$"),
        ({"x": -4.0, "function": "sigmoid"}, r"between 0 and 1, and so far from 0 hardly any gradient flows back\.$"),
        ({"view": "network"}, r"^5 units with ReLU between the layers: a unit bends .* 4 times .* the wave is 0\.498\.$"),
        ({"view": "network", "units": 1}, r"^1 unit with ReLU .* 0 times"),
        ({"view": "network", "between": "nothing"}, r"the sum of 5 units is a straight line, −1\.1 x \+ 3\.58, whatever"),
        ({"view": "network", "units": [[1.0, 0.0, 2.0]], "offset": -1.0, "between": "nothing"}, r"line, 2 x − 1, whatever"),
        ({"view": "network", "between": "tanh"}, r"with tanh between the layers: each adds a smooth step"),
        ({"view": "exp and log"}, r"exp\(0\.69\) × exp\(1\.1\) = 2 × 3 = 6 = exp\(1\.79\)\..*log\(2 × 3\) = log\(2\) "),
        ({"view": "exp and log", "exponents": (math.log(3), -math.log(2))}, r"= 1\.1 − 0\.69 = 0\.41\.$"),
    ],
)  # fmt: skip
def test_words(widget, words):
    assert re.search(words, ActivationFunctions(**widget).describe())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"view": "softmax"}, "view is 'softmax'"),
        ({"units": 0}, "units is 0; expected 1 to 8"),
        ({"units": 9}, "units is 9"),
        ({"units": 2.5}, "units is 2.5"),
        ({"units": [[1.0, 2.0]]}, r"units has shape \(1, 2\).*weight, bias and second weight"),
        ({"units": []}, r"shape \(0, 0\)"),
        ({"units": "many"}, "units should be numbers"),
        ({"units": [[1.0, 2.0, 101.0]]}, "at most 100"),
        ({"x": 5.5}, "x is 5.5; expected -5 to 5"),
        ({"x": float("nan")}, "x is nan"),
        ({"leak": 2}, "leak is 2.0; expected 0 to 1"),
        ({"offset": 1000}, "offset is 1000"),
        ({"exponents": (0.0, 2.0)}, r"exponents is \(0.0, 2.0\); expected -1.5 to 1.5"),
        ({"exponents": (1.0,)}, "exponents is"),
        ({"target": "line"}, "target is 'line'"),
        ({"between": "softmax"}, "between is 'softmax'"),
        ({"colour": 1}, "has no colour"),
    ],
)
def test_refusals_say_what_to_do(options, message):
    with pytest.raises(WidgetError, match=message):
        ActivationFunctions(**options)


def test_numbers_of_other_libraries_are_taken():
    widget = ActivationFunctions("network", np.int64(3), x=torch.tensor(1.5), exponents=[np.float32(0.5), 1])
    assert (len(widget.units), widget.x, widget.exponents) == (3, 1.5, (0.5, 1.0))
    with pytest.raises(WidgetError, match="x is 7"):
        widget.x = 7
    assert widget.x == 1.5


@pytest.mark.parametrize("view", ["functions", "network"])
def test_the_workbook_has_the_same_numbers(view, tmp_path):
    widget = ActivationFunctions(view, x=1.25)
    book = load_workbook(widget.export(tmp_path / "a.xlsx"), data_only=True)
    cells = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, float)]
    expected = widget.values.values() if view == "functions" else widget.predict([1.25])
    for number in expected:
        assert min(abs(cell - number) for cell in cells) < 1e-12


def test_pictures_follow_the_state():
    pictures = {view: ActivationFunctions(view)._draw() for view in ("functions", "network", "exp and log")}
    assert len({(picture.width, picture.height) for picture in pictures.values()}) == 3
    before = pictures["network"].png()
    assert ActivationFunctions("network", between="nothing").picture() != before


def test_fitted_is_read_as_a_network():
    units, offset = fitted("hill", 3)
    assert units.shape == (3, 3)
    assert offset == pytest.approx(target_curve("hill", np.array([-5.0]))[0])
