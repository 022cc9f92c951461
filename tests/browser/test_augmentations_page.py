"""Augmentations in a page of its own: moved by sliders, keys and the pointer, with the screen's pixels and words Python's."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from course_utils.vision import top_down, transforms_for
from course_utils.widgets import Augmentations
from course_utils.widgets.augmentations.widget import BY_HAND, LIMITS
from tests.browser.test_alone import opened, state
from tests.browser.waiting import fits, settled
from tests.widgets.test_augmentations import smooth

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TRAITS = (*BY_HAND, *LIMITS, "seed")


def pixels(page, canvas):
    """What is on a canvas, (3, height, width), 0 to 1."""
    data = canvas.evaluate("(one) => one.toDataURL('image/png').split(',')[1]")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).transpose(2, 0, 1) / 255


def same(page, widget):
    """Give Python's widget the traits of the screen; then both must show and say the same."""
    settled(page)
    widget.set_state(dict(zip(TRAITS, state(page, *TRAITS), strict=True)))
    assert widget.message == ""
    assert page.locator(".course-words").inner_text() == widget.describe()
    assert page.locator(".course-code").inner_text() == widget.code
    half = 0.5001 / 255
    np.testing.assert_allclose(pixels(page, page.locator(".course-seen")), widget.seen, rtol=0, atol=half)
    np.testing.assert_allclose(pixels(page, page.locator(".course-validated")), widget.validated, rtol=0, atol=half)
    draws, symmetries = page.locator(".course-strip-of").all()
    for strip, views in ((draws, widget.draws), (symmetries, widget.symmetric)):
        for canvas, view in zip(strip.locator("canvas").all(), views, strict=True):
            np.testing.assert_allclose(pixels(page, canvas), view, rtol=0, atol=half)
    pressed = symmetries.locator("button").evaluate_all("all => all.map((one) => one.getAttribute('aria-pressed'))")
    assert pressed == ["true" if at == widget.symmetry else "false" for at in range(8)]


def test_a_picture_is_varied_by_hand_and_at_random(offline_page, tmp_path):
    page, widget = offline_page, Augmentations(smooth(60, 90), transforms_for(None, 32))
    wrong = opened(page, widget, tmp_path / "a.html")
    same(page, widget)
    assert page.get_by_label("place of what is seen, across").is_disabled()  # all of it is
    page.get_by_label("turn, in degrees to the left").fill("12.5")
    page.get_by_label("zoom", exact=True).fill("1.5")
    page.get_by_label("brightness", exact=True).fill("0.2")
    same(page, widget)
    assert (widget.turn, widget.zoom, widget.brightness) == (12.5, 1.5, 0.2)
    stage = page.locator(".course-whole")
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp", "-"):
        stage.press(key)
    same(page, widget)
    assert (widget.across, widget.down, widget.zoom) == (-0.2, -0.1, 1.4)
    box = stage.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.9 * box["height"])
    page.mouse.up()
    same(page, widget)
    assert (widget.across, widget.down) == (1, 1)
    page.get_by_label("pixel at which the square begins").fill("0")
    page.get_by_role("button", name="a quarter turn left", exact=True).click()
    same(page, widget)
    assert widget.describe().endswith("No draw does what is set by hand here: a quarter turn left, a turn by 12.5°, a zoom of "
                                      "1.4, so much light.")  # fmt: skip
    stage.press("Home")
    same(page, widget)
    assert widget.describe().startswith("The network sees 32 × 32 pixels: the picture as it is. A draw swaps")

    page.get_by_role("button", name="8, top_down").click()
    page.get_by_label("largest turn of a draw, in degrees").fill("45")
    page.get_by_label("largest zoom of a draw").fill("1.6")
    page.get_by_role("button", name="New draws").click()
    same(page, widget)
    assert (widget.seed, widget.transforms.augment.symmetries, widget.max_zoom) == (1, top_down.symmetries, 1.6)
    page.locator(".course-strip-of").first.locator("button").nth(3).click()
    same(page, widget)
    assert widget.variation == widget.drawn[3]
    np.testing.assert_array_equal(widget.seen, widget.draws[3])
    fits(page)
    assert wrong == []
