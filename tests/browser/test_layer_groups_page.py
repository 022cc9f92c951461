"""LayerGroups in a page of its own: frozen, given rates and looked at, with its text compared with Python's."""

import pytest

from course_utils.widgets import LayerGroups
from tests.browser.test_alone import opened, state
from tests.browser.waiting import fits
from tests.widgets.test_layer_groups import network

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TRAITS = ("first_trainable", "batch_norms_frozen", "rates", "block")


COUNT_THE_PASSED = """() => {
    window.passed = 0;
    const count = () => { window.passed += document.querySelectorAll(".course-group.course-passed").length; };
    new MutationObserver(count).observe(document.body, { subtree: true, attributeFilter: ["class"] });
}"""


def same(page, widget):
    """Give Python's widget the traits of the screen; then both must say the same. Gives what the screen says."""
    widget.set_state(dict(zip(TRAITS, state(page, *TRAITS), strict=True)))
    words = page.locator(".course-words").inner_text()
    assert words.endswith(widget.describe())
    assert page.locator(".course-code").inner_text() == widget.code
    assert page.locator(".course-total b").inner_text() == f"{widget.moving_weights:,}"
    return words


def test_groups_are_frozen_and_a_step_is_shown(offline_page, tmp_path):
    page, widget = offline_page, LayerGroups(*network())
    page.emulate_media(reduced_motion="reduce")
    wrong = opened(page, widget, tmp_path / "a.html")
    same(page, widget)
    press = lambda name: page.get_by_role("button", name=name, exact=True).click()  # noqa: E731
    press("freeze_to(1)")
    assert same(page, widget).startswith("48 weights fewer and 8 averages fewer will move. ")
    assert page.locator(".course-state").all_inner_texts() == [
        "Group 1: ❄ frozen", "Group 2: trains at 0.0033", "Group 3: trains at 0.01"
    ]  # fmt: skip
    press("bn_freeze(True)")
    assert same(page, widget).startswith("16 averages fewer will move. ")
    press("▶ One step of training")
    assert same(page, widget).startswith(
        "The mini-batch went forward through all 3 groups, and gradients came back to group 2 and no further: "
        "483 weights moved, 48 did not, nor did 24 averages. "
    )
    press("÷ 10 each")
    same(page, widget)
    assert widget.rates.tolist() == pytest.approx([1e-4, 1e-3, 1e-2])

    page.locator(".course-blocks button").nth(2).click()
    page.keyboard.press("ArrowRight")
    same(page, widget)
    assert widget.block == (1, 1)
    assert page.locator(".course-part").inner_text() == "1.1 (BatchNorm2d) in group 2: 8 weights, 1 batch norm with 8 averages."

    # where nothing forbids it, the step is seen to go through the groups
    page.emulate_media(reduced_motion="no-preference")
    page.evaluate(COUNT_THE_PASSED)
    press("▶ One step of training")
    page.wait_for_function("window.passed > 0")
    press("unfreeze()")
    assert page.locator(".course-passed, .course-back").count() == 0
    same(page, widget)
    fits(page)
    assert wrong == []
