"""PredictionBrowser in a page of its own: sorted, picked from and walked through, with its text compared with Python's."""

import pytest

from course_utils.widgets import PredictionBrowser
from course_utils.widgets.base.numbers import fixed
from tests.browser.test_alone import opened, state
from tests.browser.waiting import fits
from tests.widgets.test_prediction_browser import Drawn, some_predictions

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TRAITS = ("order", "actual", "predicted", "place")


def same(page, widget):
    """Give Python's widget the traits of the screen; then both must say the same."""
    values = dict(zip(TRAITS, state(page, *TRAITS), strict=True))
    widget.set_state({name: values[name] for name in TRAITS[:3]})
    widget.set_state({"place": values["place"]})
    assert widget.message == ""
    assert page.locator(".course-words").inner_text() == widget.describe()
    rows = widget.rows
    assert page.locator(".course-tile").count() == len(rows[: page.locator(".course-tile").count()])
    if not rows:
        return
    chosen = page.locator('.course-tile[aria-selected="true"]')
    assert chosen.get_attribute("aria-posinset") == str(rows.index(widget.row) + 1)
    shares = page.locator(".course-share small").all_inner_texts()
    assert shares == [fixed(share, 3) for _, share in widget.probabilities(widget.row)]


def test_mistakes_are_picked_and_walked_through(offline_page, tmp_path):
    page, widget = offline_page, PredictionBrowser(some_predictions(), Drawn())
    wrong = opened(page, widget, tmp_path / "a.html")
    same(page, widget)
    page.get_by_role("button", name="labelled dog, predicted fox").click()
    same(page, widget)
    assert (widget.actual, widget.predicted, widget.order) == ("dog", "fox", "most wrong")
    assert page.locator(".course-tile").count() == widget.confusion_matrix[1, 2] == len(widget.rows)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    same(page, widget)  # what is right is not among the wrong
    assert (widget.actual, widget.predicted, widget.order) == ("dog", "dog", "most sure")
    page.get_by_role("button", name="most wrong").click()
    same(page, widget)
    assert (widget.actual, widget.predicted, widget.order) == ("", "", "most wrong")

    page.get_by_role("button", name="most unsure").click()
    same(page, widget)
    listed = page.get_by_role("listbox")
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowLeft"):
        listed.press(key)
        same(page, widget)
    listed.press("End")
    same(page, widget)
    assert widget.place == 59
    lost = page.locator(".course-tile").filter(has_text="cannot be read")
    listed.press("Home")
    page.locator(".course-tile").nth(2).click()
    same(page, widget)
    assert widget.place == 2
    page.get_by_label("labelled class", exact=True).select_option("cat")
    same(page, widget)
    page.get_by_role("button", name="All classes").click()
    same(page, widget)
    listed.press("End")
    assert lost.count() <= 1
    fits(page)
    same(page, widget)
    assert wrong == []


def test_many_classes_have_a_list_of_mistakes_and_few_elements(offline_page, tmp_path):
    page, widget = offline_page, PredictionBrowser(some_predictions(2000, 40), Drawn())
    wrong = opened(page, widget, tmp_path / "a.html")
    assert page.locator(".course-words").inner_text() == widget.describe()
    assert page.locator(".course-tile").count() < 80
    page.get_by_role("button", name="most sure").click()
    page.get_by_role("listbox").press("End")
    page.locator('.course-tile[aria-posinset="2000"]').wait_for()
    assert page.locator(".course-tile").count() < 80
    page.locator(".course-pairs button").first.click()
    label, guess = page.locator(".course-pairs button span").first.inner_text().split(" → ")
    assert state(page, "actual", "predicted") == [label, guess]
    assert wrong == []
