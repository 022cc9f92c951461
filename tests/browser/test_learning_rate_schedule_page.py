"""LearningRateSchedule in a page of its own: played, dragged, typed and pressed, with its text compared with Python's."""

import pytest

from course_utils.widgets import LearningRateSchedule
from tests.browser.test_alone import opened, state
from tests.browser.waiting import fits

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TRAITS = ("rates", "kind", "cycles", "cycle_len", "cycle_mult", "step", "seed", "log_scale")


def same(page, widget):
    """Give Python's widget the traits of the screen; then both must say the same. Gives what the screen says."""
    widget.set_state(dict(zip(TRAITS, state(page, *TRAITS), strict=True)))
    words = page.locator(".course-words").inner_text()
    assert words.endswith(widget.describe())
    assert page.locator(".course-code").inner_text() == widget.code
    return words


def test_a_fit_is_made_and_walked_through(offline_page, tmp_path):
    page, widget = offline_page, LearningRateSchedule(delay=20)
    wrong = opened(page, widget, tmp_path / "a.html")
    assert "in the narrow valley" in same(page, widget)
    click = lambda name: page.get_by_role("button", name=name, exact=True).click()  # noqa: E731
    slider = page.get_by_role("slider", name="step of the fit")
    for _ in range(5):
        slider.press("PageUp")
    assert "Cycle 3 of 3, step 120 of 140" in same(page, widget)
    click("▶ Play")
    page.wait_for_function("document.querySelector('.course-words').innerText.startsWith('The fit is over')")
    assert widget.steps == state(page, "step")[0] == 140
    assert "The fit is over. A network of one weight is in the wide valley" in same(page, widget)

    click("cycle_mult: one more")
    assert same(page, widget).startswith("7 epochs have become 13. The fit is over.")
    click("One cycle")
    assert "0.95" in page.locator(".course-keys").first.inner_text()  # momentum
    click("Constant")
    same(page, widget)
    assert (widget.kind, widget.cycles) == ("constant", 13)
    click("Restarts")
    click("÷ 10 each")
    click("log")
    click("Other mini-batches")
    same(page, widget)
    assert (widget.cycles, widget.seed, widget.log_scale) == (3, 1, True)
    assert widget.rates.tolist() == pytest.approx([1e-4, 1e-3, 1e-2])

    slider.focus()
    page.keyboard.press("Home")
    page.keyboard.press("PageUp")
    page.keyboard.press("ArrowRight")
    same(page, widget)
    assert widget.step == 21
    box = slider.locator(".course-rule").first.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 13, box["y"] + 40, steps=2)
    page.mouse.up()
    same(page, widget)
    assert widget.step == pytest.approx(20, abs=1)

    field = page.get_by_label("learning rate, as a number")
    field.fill("3e-3")
    page.keyboard.press("Enter")
    same(page, widget)
    assert widget.rates.tolist() == pytest.approx([3e-5, 3e-4, 3e-3])
    field.fill("0")
    page.keyboard.press("Enter")
    assert page.locator(".course-words").inner_text() == "“0” is not a number from 1e-6 to 10. Type one as in 0.01 or 1e-3."
    fits(page)
    assert wrong == []
