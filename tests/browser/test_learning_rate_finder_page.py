"""LearningRateFinder in a page of its own: replayed, dragged, smoothed and typed, with its text compared with Python's."""

import math

import pytest

from course_utils.training.rate_finder import LearningRateSearch
from course_utils.widgets import LearningRateFinder
from tests.browser.test_alone import opened, state
from tests.browser.waiting import fits

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TRAITS = ("rate", "smoothing", "step")


def same(page, finder):
    """Give Python's widget the traits of the screen; then both must say the same. Gives what the screen says."""
    finder.set_state(dict(zip(TRAITS, state(page, *TRAITS), strict=True)))
    words = page.locator(".course-words").inner_text()
    assert words.endswith(finder.describe())
    assert page.locator(".course-code").inner_text() == finder.code
    return words


def test_a_search_is_read(offline_page, tmp_path):
    # losses that swing, so that smoothing matters
    losses = [0.5 + (step / 10 - 3.5) ** 2 / 10 + 0.02 * (-1) ** step * (step % 3) for step in range(45)]
    finder = LearningRateFinder(LearningRateSearch([10 ** (step / 10 - 5) for step in range(45)], losses), delay=20)
    page = offline_page
    wrong = opened(page, finder, tmp_path / "a.html")
    same(page, finder)

    page.get_by_role("button", name="Start").click()
    assert same(page, finder).startswith("Before the first of 45 steps")
    page.get_by_role("button", name="step on").click()
    assert same(page, finder).startswith("Step 1 of 45")
    page.get_by_role("button", name="▶ Play").click()
    page.wait_for_function("document.querySelector('.course-words').innerText.startsWith('At a rate')")
    same(page, finder)

    figure = page.get_by_role("slider", name="learning rate to take")
    box = figure.locator(".course-rule").first.bounding_box()
    share_of_the_rule = (math.log10(finder.suggested) + 5) / 4.4
    for share, verdict in ((0.97, "high"), (0.02, "low"), (share_of_the_rule, "good")):
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] - 40)
        page.mouse.down()
        page.mouse.move(box["x"] + share * box["width"], box["y"] - 40, steps=3)
        page.mouse.up()
        same(page, finder)
        assert finder.verdict == verdict
        assert finder.rate == pytest.approx(10 ** (-5 + 4.4 * share), rel=0.06)
    before = finder.rate
    figure.focus()
    page.keyboard.press("ArrowRight")
    same(page, finder)
    assert finder.rate == pytest.approx(1.1 * before, rel=0.05)

    page.get_by_role("button", name="Steepest").click()
    same(page, finder)
    assert finder.rate == pytest.approx(finder.steepest, rel=0.05)
    page.get_by_label("smoothing", exact=True).fill("0")
    assert same(page, finder).startswith("With other smoothing the lowest point went from 0.0")
    assert finder.smoothing == 0
    page.get_by_role("button", name="Suggested").click()
    same(page, finder)
    assert finder.rate == pytest.approx(finder.suggested, rel=0.05)
    field = page.get_by_label("learning rate, as a number")
    field.fill("0.01234")
    page.keyboard.press("Enter")
    same(page, finder)
    assert finder.rate == 0.01234
    for text in ("99", "fast"):
        field.fill(text)
        page.keyboard.press("Enter")
        refused = f"“{text}” is not a number from 1e-5 to 0.25. Type one as in 0.01 or 1e-3."
        assert page.locator(".course-words").inner_text() == refused
    fits(page)
    assert wrong == []
