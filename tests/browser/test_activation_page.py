"""ActivationFunctions in a page of its own: each view is moved, and says what Python says."""

import pytest

from course_utils.widgets import ActivationFunctions
from tests.browser.test_alone import opened, state
from tests.browser.waiting import fits

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TRAITS = ["view", "x", "function", "units", "offset", "between", "target", "exponents"]


def same(page, widget):
    """Give Python's widget the traits of the screen; then both must say the same."""
    for name, value in zip(TRAITS, state(page, *TRAITS), strict=True):
        setattr(widget, name, value)
    assert page.locator(".course-words").inner_text() == widget.describe()


def test_functions_and_powers_are_moved(offline_page, tmp_path):
    page, widget = offline_page, ActivationFunctions()
    wrong = opened(page, widget, tmp_path / "a.html")
    same(page, widget)
    figure = page.get_by_role("slider", name="input x").locator("visible=true")
    for key in ("Home", "PageUp", "ArrowRight"):
        figure.press(key)
    page.get_by_role("button", name="sigmoid").first.click()
    same(page, widget)
    assert (widget.x, widget.function) == (-3.9, "sigmoid")
    box = figure.bounding_box()
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    same(page, widget)
    assert widget.x > 3

    page.get_by_role("button", name="exp and log").click()
    page.get_by_label("p", exact=True).press("ArrowLeft")
    same(page, widget)
    assert widget.exponents[0] == pytest.approx(0.68)
    page.get_by_role("button", name="3 / 2").click()
    same(page, widget)
    for view in ("functions", "network", "exp and log"):
        page.get_by_role("button", name=view, exact=True).click()
        fits(page)
    assert wrong == []


def test_a_network_bends_and_is_straightened(offline_page, tmp_path):
    page, widget = offline_page, ActivationFunctions("network")
    wrong = opened(page, widget, tmp_path / "a.html")
    page.get_by_role("group", name="Units").get_by_role("button", name="8").click()
    page.get_by_role("button", name="hill").click()
    same(page, widget)
    assert widget.error == ActivationFunctions("network", 8, target="hill").error
    page.get_by_role("button", name="nothing").click()
    assert "is a straight line" in page.locator(".course-words").inner_text()
    same(page, widget)
    path = page.locator("path.course-sum").get_attribute("d")
    points = [tuple(map(float, point.split())) for point in path.lstrip("M").split("L")]
    (x0, y0), (x1, y1) = points[0], points[-1]
    assert all(abs(y - (y0 + (x - x0) / (x1 - x0) * (y1 - y0))) < 0.11 for x, y in points)

    page.get_by_role("button", name="ReLU", exact=True).locator("visible=true").click()
    page.get_by_role("group", name="Units").get_by_role("button", name="3").click()
    bend = page.locator(".course-bend").last.bounding_box()
    page.mouse.move(bend["x"] + bend["width"] / 2, bend["y"] + bend["height"] / 2)
    page.mouse.down()
    page.mouse.move(bend["x"] + bend["width"] / 2 + 60, bend["y"], steps=4)
    page.mouse.up()
    same(page, widget)
    assert widget.bends[-1] > 5 / 3 + 0.5
    assert widget.x == -2.0  # the input stayed
    page.get_by_label("second weight of unit 1", exact=True).first.fill("0,5")
    page.keyboard.press("Enter")
    same(page, widget)
    assert widget.units[0, 2] == 0.5
    assert wrong == []
