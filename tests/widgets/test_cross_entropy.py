"""Cross-entropy against PyTorch, in Python and on the screen, and what the widget refuses, says and leaves behind."""

import io
import json
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from openpyxl import load_workbook
from PIL import Image

from course_utils.widgets import CrossEntropy, WidgetError
from course_utils.widgets.base.bundle import BASE
from course_utils.widgets.base.colours import BLUE, ORANGE

NUMBERS = BASE.parent / "cross_entropy" / "numbers.js"
BASES = {2: 2.0, "e": math.e, 10: 10.0}


def batch(pictures=6, classes=4, spread=3.0):
    rng = np.random.default_rng(0)
    return rng.normal(scale=spread, size=(pictures, classes)), rng.integers(classes, size=pictures)


EDGES = [
    (np.zeros((2, 3)), np.array([0, 2])),  # no idea
    (np.array([[100.0, -100.0], [-100.0, 100.0]]), np.array([0, 0])),  # as sure as can be, and wrong
    (np.array([[40.0, 1.0, -3.0]]), np.array([0])),  # so sure that the cost is 1e-17
    (np.array([[2.0, 2.0, 1.0]]), np.array([1])),  # two alike
    batch(12, 10),
    batch(3, 2, spread=30.0),
]


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_one_true_class_costs_what_pytorch_says(base):
    logits, targets = batch()
    widget = CrossEntropy(logits, targets, base=base)
    expected = F.cross_entropy(torch.tensor(logits), torch.tensor(targets), reduction="none") / math.log(base)
    assert widget.kind == "softmax"
    np.testing.assert_allclose(widget.losses, expected, rtol=1e-13)
    assert widget.loss == pytest.approx(expected.mean().item(), rel=1e-13)
    np.testing.assert_allclose(widget.probabilities, torch.tensor(logits).softmax(1), rtol=1e-13)
    assert widget.right.tolist() == (logits.argmax(1) == targets).tolist()


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_questions_of_their_own_cost_what_pytorch_says(base):
    logits, _ = batch()
    truth = (np.random.default_rng(1).random(logits.shape) < 0.5).astype(float)
    widget = CrossEntropy(logits, truth, base=base)
    z, y = torch.tensor(logits), torch.tensor(truth)
    assert widget.kind == "sigmoid"  # some have several, which decides
    assert widget.loss == pytest.approx(F.binary_cross_entropy_with_logits(z, y).item() / math.log(base), rel=1e-13)
    np.testing.assert_allclose(
        widget.terms, F.binary_cross_entropy(z.sigmoid(), y, reduction="none") / math.log(base), rtol=1e-9
    )
    assert widget.right.tolist() == ((z.sigmoid() > 0.5) == (y > 0.5)).tolist()


@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_the_screen_computes_the_same(run, kind):
    cases, expected = [], []
    for logits, targets in EDGES:
        for base in BASES.values():
            widget = CrossEntropy(logits, targets, kind=kind, base=base)
            cases.append([logits.tolist(), widget.targets.tolist(), kind, base])
            expected.append(widget)
    screens = run(NUMBERS, """given.map(([logits, targets, kind, base]) => {
        const costs = it.terms(logits, targets, kind, base);
        return [costs, it.losses(costs, kind), it.probabilities(logits, kind), it.right(logits, targets, kind)];
    })""", cases)  # fmt: skip
    for (costs, losses, given, right), widget in zip(screens, expected, strict=True):
        for screen, python in ((costs, widget.terms), (losses, widget.losses), (given, widget.probabilities)):
            np.testing.assert_allclose(screen, python, rtol=1e-12, atol=1e-15)  # PyTorch loses what is smaller
        assert np.reshape(right, widget.right.shape).tolist() == widget.right.tolist()


def test_small_costs_keep_their_digits_on_the_screen(run):
    (costs,) = run(NUMBERS, "it.terms(...given)", [[[40.0, 0.0]], [[1, 0]], "softmax", math.e])
    assert costs == [pytest.approx(math.exp(-40), rel=1e-12), 0]


@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_a_dot_goes_where_it_is_dragged(run, kind):
    logits = batch()[0].tolist()
    wanted = [0.0068, 0.25, 0.5, 0.993]
    for p in wanted:
        moved = run(NUMBERS, f"given.map((row) => it.logitFor({p}, row, 1, '{kind}'))", logits)
        changed = torch.tensor([[a, z, *others] for (a, _, *others), z in zip(logits, moved, strict=True)], dtype=torch.float64)
        given = changed.softmax(1) if kind == "softmax" else changed.sigmoid()
        np.testing.assert_allclose(given[:, 1], p, rtol=1e-12)


def test_the_nearest_point_of_the_curve_is_found(run):
    for base in BASES.values():
        points = [(p, -math.log(p) / math.log(base)) for p in (0.008, 0.02, 0.1, 0.5, 0.9)]
        found = run(NUMBERS, f"given.map(([x, y]) => it.nearest(x, y, {base}, 500, 60, {math.exp(-5)}))", points)
        np.testing.assert_allclose(found, [p for p, _ in points], atol=0.003)
    # far to the left of the curve and below its top it is the point at that height
    assert run(NUMBERS, f"it.nearest(0, 4, {math.e}, 500, 60, {math.exp(-5)})") == pytest.approx(math.exp(-4), rel=0.3)


def test_what_begins_it_has_each_kind_of_answer():
    widget = CrossEntropy()
    assert widget.right.tolist() == [True, True, True, False, False]
    assert (np.diff(widget.losses) > 0).all()  # from sure and right to sure and wrong
    assert widget.losses[-1] > widget.losses[:-1].sum()
    doubled = CrossEntropy(2 * widget.logits, widget.targets, widget.classes)
    assert doubled.right.tolist() == widget.right.tolist()
    assert doubled.loss > widget.loss
    none = CrossEntropy(0 * widget.logits, widget.targets, widget.classes)
    assert none.loss == pytest.approx(math.log(3))
    assert not none.right.any()  # three alike are no answer


@pytest.mark.parametrize("targets", [[2, 0], ["plane", "cat"], np.array([2, 0]), torch.tensor([2, 0]), torch.eye(3)[[2, 0]]])
def test_targets_are_taken_in_every_form(targets):
    widget = CrossEntropy(torch.tensor([[1.0, 0.0, 2.0], [0.0, 0.0, 1.0]]), targets, ["cat", "dog", "plane"])
    assert widget.targets.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert widget.kind == "softmax"


def test_words():
    widget = CrossEntropy()
    assert widget.describe() == (
        "Picture 5: the truth is plane, and the network gives it 0.017; its loss is −ln(0.017) = 4.061, 61% of the sum "
        "over the batch. The mean loss is 1.335; 3 of 5 answers are right."
    )
    widget.kind, widget.focus, widget.base = "sigmoid", 0, 2
    assert widget.describe().startswith(
        "Picture 5: cat is not there, and the network gives it 0.973; that term is −log2(1 − 0.973) = 5.233. The mean of its 3 "
    )
    assert "7 of 15 answers" in widget.describe()
    one = CrossEntropy([[0.5], [-2.0]], [[1], [1]], ["water"])
    assert "that term is −ln(0.622) = 0.474, 18% of the sum over the batch. The mean loss is 1.301;" in one.describe()
    sure = CrossEntropy([[-9.0, 0.0]], [0])
    assert "gives it 0.000123; its loss is −ln(0.000123) = 9.000. The mean" in sure.describe()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"logits": [1.0, 2.0], "targets": [0]}, r"shape \(2,\)"),
        ({"logits": [], "targets": []}, r"\(0, 0\)"),
        ({"logits": np.zeros((13, 2)), "targets": [0] * 13}, r"up to 12 × 10.*logits\[:8\]"),
        ({"logits": [[1, 2]], "targets": [2]}, "numbers go from 0 to 1"),
        ({"logits": [[1, 2]], "targets": [0.5]}, "numbers go from 0 to 1"),
        ({"logits": [[1, 2]], "targets": [0, 1]}, "for each of 1 pictures"),
        ({"logits": [[1, 2]], "targets": None}, "targets are missing"),
        ({"targets": [0]}, "belong to logits"),
        ({"logits": [[1, 2]], "targets": ["fish"], "classes": ["cat", "dog"]}, "'fish', and the classes are cat, dog"),
        ({"logits": [[1, 2]], "targets": [[1, 2]]}, "other numbers than 0 and 1"),
        ({"logits": [[1, 2]], "targets": [[1, 1]], "kind": "softmax"}, "picture 1 has 2 true classes.*sigmoid"),
        ({"logits": [[1]], "targets": [0], "kind": "softmax"}, "softmax of one class is always 1"),
        ({"logits": [[1, 2]], "targets": [0], "classes": ["cat"]}, "2 logits for each picture and 1 classes"),
        ({"logits": [[1, 2]], "targets": [0], "classes": ["cat", "cat"]}, "name of its own"),
        ({"logits": [[1, 2]], "targets": [0], "base": 3}, "base is 3; expected 2, 10 or math.e"),
        ({"logits": [[1, 2]], "targets": [0], "kind": "hinge"}, "kind is 'hinge'"),
        ({"logits": [[1, 101]], "targets": [0]}, "at most 100"),
        ({"logits": [[1, math.inf]], "targets": [0]}, "nan or inf"),
        ({"logits": [[1, 2]], "targets": [0], "selected": 1}, "selected is 1; the pictures are numbered 0 to 0"),
        ({"logits": [[1, 2]], "targets": [0], "focus": -1}, "focus is -1; the classes"),
        ({"logits": [[1, 2]], "targets": [0], "colour": 1}, "has no colour"),
    ],
)
def test_refusals_say_what_to_do(options, message):
    with pytest.raises(WidgetError, match=message):
        CrossEntropy(**options)


def test_what_is_refused_changes_nothing():
    widget = CrossEntropy()
    before = widget.get_state(["logits", "targets", "classes", "kind", "base", "selected"])
    wrong = {"logits": [[1.0, 2.0]], "targets": np.ones((5, 3)), "classes": ["a"], "kind": "x", "base": 0.5, "selected": 5}
    for name, value in wrong.items():
        with pytest.raises(WidgetError):
            setattr(widget, name, value)
    widget.set_state({"base": -1.0})  # from the screen: refused in words
    assert "base is -1" in widget.message
    assert widget.get_state(list(before)) == before
    json.dumps(before)  # inputs alone travel, as plain numbers


@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_the_workbook_has_the_same_numbers(kind, tmp_path):
    widget = CrossEntropy()
    widget.kind, widget.base = kind, 10
    sheet = load_workbook(widget.export(tmp_path / "batch.xlsx"), data_only=True).active
    at = {cell.value: cell for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)}
    column = at["loss"].column
    losses = [sheet.cell(8 + row, column).value for row in range(6)]
    np.testing.assert_allclose(losses, [*widget.losses, widget.loss], rtol=1e-12)
    assert sheet.cell(13, column + 1).value == pytest.approx(widget.right.mean())


def test_a_picture_stays_behind():
    widget = CrossEntropy()
    pixels = np.asarray(Image.open(io.BytesIO(widget.picture())).convert("RGB")).astype(int)
    colours = [np.abs(pixels[:, 800:] - colour).max(axis=2) < 24 for colour in (BLUE, ORANGE)]
    lengths = [painted.sum(axis=1).max() for painted in colours]  # the longest bar of a right answer, and of a wrong one
    assert lengths[0] / lengths[1] == pytest.approx(widget.losses[2] / widget.losses[4], abs=0.02)
    before = widget.picture()
    widget.kind = "sigmoid"
    assert widget.picture() != before
