"""CrossEntropy in a page of its own: dragged, typed and pressed, with the text on the screen compared with PyTorch's."""

import math

import pytest

from course_utils.widgets import CrossEntropy
from course_utils.widgets.base.numbers import fixed
from tests.browser.test_alone import opened, state
from tests.browser.waiting import fits

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def same(page, widget, *names):
    """Give Python's widget the traits of the screen; then both must say the same."""
    for name, value in zip(names, state(page, *names), strict=True):
        setattr(widget, name, value)
    words = page.locator(".course-words").inner_text()
    assert words.startswith(widget.describe())
    costs = page.locator(".course-batch .course-cost").all_inner_texts()
    assert costs == [fixed(loss, 3) for loss in widget.losses]
    return words


def test_a_prediction_is_moved(offline_page, tmp_path):
    page, widget = offline_page, CrossEntropy()
    wrong = opened(page, widget, tmp_path / "a.html")
    assert (tmp_path / "a.html").stat().st_size < 300_000
    same(page, widget)

    # the sure and wrong one is dragged along the curve to where it is sure and right
    dot, axis = page.locator(".course-dot.course-chosen"), page.locator(".course-rule").first.bounding_box()
    box = dot.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(axis["x"] + 0.5 * axis["width"], axis["y"] - 100, steps=3)
    page.mouse.move(axis["x"] + 0.9 * axis["width"], axis["y"], steps=3)
    page.mouse.up()
    same(page, widget, "logits")
    assert widget.probabilities[4, 2] == pytest.approx(0.9, abs=0.02)
    assert page.locator(".course-batch > *").nth(4).inner_text().endswith("✓ right")
    page.get_by_role("slider", name="probability that the truth was given").press("ArrowRight")
    same(page, widget, "logits")
    assert widget.probabilities[4, 2] == pytest.approx(0.91, abs=0.02)

    page.get_by_role("button", name="Reset").click()
    widget.logits = CrossEntropy().logits
    assert "Not one answer has changed, and the loss went from 1.335 to 2.199" in press(page, widget, "Twice as sure")
    assert f"a loss of ln(3) = {fixed(math.log(3), 3)}" in press(page, widget, "No idea")
    page.get_by_role("button", name="Reset").click()

    page.locator(".course-batch > [tabindex='0']").press("ArrowUp")
    page.get_by_role("button", name="2", exact=True).click()
    page.get_by_label("logit of dog, as a number").fill("2,5")
    page.keyboard.press("Enter")
    same(page, widget, "selected", "base", "logits")
    assert (widget.selected, widget.base, widget.logits[3, 1]) == (3, 2, 2.5)
    page.get_by_label("logit of dog, as a number").fill("many")
    page.keyboard.press("Enter")
    assert page.locator(".course-words").inner_text() == "“many” is not a number from −100 to 100. Type one as in 0.5 or -1."
    assert wrong == []


def press(page, widget, name):
    page.get_by_role("button", name=name).click()
    return same(page, widget, "logits")


def test_several_may_be_true(offline_page, tmp_path):
    page, widget = offline_page, CrossEntropy()
    wrong = opened(page, widget, tmp_path / "a.html")
    page.get_by_role("button", name="any classes (sigmoid)").click()
    same(page, widget, "kind", "focus")
    page.get_by_role("button", name="cat", exact=True).click()
    same(page, widget, "targets", "focus")
    assert widget.targets[4].tolist() == [1, 0, 1]
    page.get_by_role("button", name="one class (softmax)").click()
    assert "Picture 5 has 2 true classes, and softmax must choose one." in page.locator(".course-words").inner_text()
    page.get_by_role("button", name="✓ plane").click()
    page.get_by_role("button", name="one class (softmax)").click()
    same(page, widget, "targets", "kind", "focus")
    page.get_by_role("button", name="dog", exact=True).click()
    same(page, widget, "targets")
    assert widget.targets[4].tolist() == [0, 1, 0]
    fits(page)
    assert wrong == []
