"""MaxPooling in a page of its own: stepped, typed into and shifted, with the numbers of the screen compared with PyTorch's."""

import pytest

from course_utils.widgets import MaxPooling
from course_utils.widgets.base.numbers import plain_number
from tests.browser.test_alone import opened, state
from tests.browser.waiting import fits

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TRAITS = ["image", "window", "stride", "position"]


def same(page, widget):
    """Give Python's widget the traits of the screen; then both must say the same. What a button has shown comes after it."""
    widget.set_state(dict(zip(TRAITS, state(page, *TRAITS), strict=True)))
    assert widget.message == ""
    words = page.locator(".course-words").inner_text()
    assert words.startswith(widget.describe())
    fields = page.locator(".course-numbers > input").evaluate_all("all => all.map((one) => one.title)")
    assert [float(text) for text in fields] == widget.seen().ravel().tolist()
    chips = page.locator(".course-result .course-chip").all_inner_texts()
    row, column = widget.position
    assert chips == [plain_number(outputs[row, column]) for outputs in (widget.maxima, widget.means)]
    return words[len(widget.describe()) :]


def test_a_window_is_moved_and_a_number_changed(offline_page, tmp_path):
    page, widget = offline_page, MaxPooling(delay=20)
    wrong = opened(page, widget, tmp_path / "a.html")
    assert same(page, widget) == ""
    stage = page.locator(".course-maps")
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowLeft"):
        stage.press(key)
    same(page, widget)
    assert widget.position == (2, 0)
    page.get_by_label("window, row 1, column 1").fill("1.5")  # 2 is the largest there
    page.keyboard.press("Enter")
    assert (
        same(page, widget) == " Max pooling has not noticed the change: all 9 maxima are as before. Of the means 1 has changed."
    )
    page.get_by_label("window, row 1, column 1").fill("9")
    page.keyboard.press("Enter")
    assert same(page, widget) == " 1 of 9 maxima and 1 of the means have changed."
    page.get_by_role("button", name="Reset").click()
    assert same(page, widget) == ""

    before = widget.maxima, widget.means, widget.image
    page.get_by_role("button", name="Shift by 1").click()
    said = same(page, widget)
    counts = [(old == new).sum() for old, new in zip(before, (widget.maxima, widget.means, widget.image), strict=True)]
    assert said.endswith(
        f": {counts[0]} of 9 maxima are as before, {counts[1]} of the means, and {counts[2]} of the 36 numbers of the picture."
    )

    page.get_by_role("group", name="Window").get_by_role("button", name="3 × 3").click()
    page.get_by_role("group", name="Stride").get_by_role("button", name="1").click()
    same(page, widget)
    assert (widget.window, widget.stride) == (3, 1)
    box = page.locator(".course-maps canvas").nth(1).bounding_box()  # the maxima, 4 × 4
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + 0.3 * box["height"])
    same(page, widget)
    assert widget.position == (1, 3)
    stage.press("Home")
    stage.press("Space")
    page.locator(".course-words").filter(has_text="In row 4, column 4").wait_for()
    page.get_by_role("button", name="Play").wait_for()
    same(page, widget)

    page.get_by_role("button", name="Random").click()
    same(page, widget)
    fits(page)
    assert wrong == []
