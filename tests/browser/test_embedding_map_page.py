"""EmbeddingMap in a page of its own: clicked, typed, turned and walked by keys, with its text compared with Python's."""

import pandas as pd
import pytest

from course_utils.widgets import EmbeddingMap
from course_utils.widgets.base.numbers import plain_number
from tests.browser.test_alone import opened, state
from tests.browser.waiting import fits
from tests.widgets.test_embedding_map import table

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TRAITS = ("item", "seen", "column")


def same(page, widget):
    """Give Python's widget the traits of the screen; then both must say the same. Gives what the screen says."""
    widget.set_state(dict(zip(TRAITS, state(page, *TRAITS), strict=True)))
    words = page.locator(".course-words").inner_text()
    assert words.endswith(widget.describe())
    names = page.locator(".course-rows button").all_inner_texts()
    assert names == [widget.names[at] for at in (widget.item, *widget.nearest)]
    far = page.locator(".course-distance").all_inner_texts()[1:]
    assert far == [plain_number(widget.distances[at]) for at in widget.nearest]
    return words


def test_neighbours_are_found_from_every_side(offline_page, tmp_path):
    frame = table()
    columns = pd.DataFrame({"sales": range(30), "staff": [5.5] * 29 + [None]}, index=frame.index)
    page, widget = offline_page, EmbeddingMap(frame, columns)
    page.emulate_media(reduced_motion="reduce")
    wrong = opened(page, widget, tmp_path / "a.html")
    same(page, widget)
    page.locator(".course-point").filter(has=page.locator("title", has_text="shop 17")).click(force=True)
    same(page, widget)
    assert widget.names[widget.item] == "shop 17"
    near = widget.nearest[1]
    page.locator(".course-rows button").nth(1).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert "among the nearest of" in same(page, widget)
    assert widget.item == near
    page.get_by_role("button", name="1 and 3").click()
    assert same(page, widget).startswith("Not a point has moved: you look from another side. Of the 5 that looked nearest, ")
    page.get_by_role("button", name="staff").click()
    assert "hollow: not known (1)" in page.locator(".course-scale").inner_text()
    same(page, widget)

    find = page.get_by_label("go to a category by its name")
    find.fill("SHOP 29")
    page.keyboard.press("Enter")
    assert "The colour is staff, not known for shop 29" in same(page, widget)
    find.fill("shop 30")
    page.keyboard.press("Enter")
    assert page.locator(".course-words").inner_text() == "There is no “shop 30”. Type a name such as shop 0 or shop 29."
    page.get_by_role("group", name="map.").focus()
    page.keyboard.press("Home")
    same(page, widget)
    before = widget.positions[0, 0]
    page.keyboard.press("ArrowLeft" if before > 0 else "ArrowRight")
    same(page, widget)
    assert widget.item != 0
    assert (widget.positions[widget.item, 0] < before) == (before > 0)
    fits(page)
    assert wrong == []


def test_numbers_are_written_where_they_fit(offline_page, tmp_path):
    page, widget = offline_page, EmbeddingMap([[0.1, -0.005, 0.25, 7.0], [0.0, 0.0, 0.0, 0.0]])
    opened(page, widget, tmp_path / "a.html")
    cells = page.locator(".course-strip-of").first.locator("i")
    assert cells.all_inner_texts() == ["0.1", "−0.005", "0.25", "7"]
    page.set_viewport_size({"width": 320, "height": 700})
    page.wait_for_function("!document.querySelector('.course-written')")
    assert set(cells.all_inner_texts()) == {""}
