"""TryYourOwn in JupyterLab: pictures that are chosen, dropped and pasted, with the words of the screen Python's."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from course_utils.widgets import TryYourOwn
from tests.browser.test_alone import DROP
from tests.browser.waiting import eventually, reads
from tests.widgets.test_try_your_own import predictor

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELLS = (
    "from course_utils.widgets import TryYourOwn\nfrom tests.widgets.test_try_your_own import predictor\n\n"
    "widget = TryYourOwn(predictor())\nwidget",
    "widget._largest = 20_000",
)
PASTE = """([name, data]) => {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], name, { type: "image/png" }));
    const event = new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true });
    document.querySelector(".course-try button").dispatchEvent(event);
}"""


KEEP_STREAMS = """() => {
    const [devices, ask] = [navigator.mediaDevices, navigator.mediaDevices.getUserMedia];
    window.streams = [];
    devices.getUserMedia = async (what) => (window.streams.push(await ask.call(devices, what)), window.streams.at(-1));
}"""
NO_CAMERA = """() => {
    navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("none", "NotFoundError"); };
}"""


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def corner_is(shade, seed=0):
    """A picture of noise, twice as wide as high, the lower left of whose middle square has one shade."""
    pixels = np.random.default_rng(seed).integers(0, 256, (80, 160, 3), dtype=np.uint8)
    pixels[50:, 40:80] = shade
    return png(pixels)


def test_pictures_are_looked_at(jupyterlab):
    page = jupyterlab.page
    jupyterlab.write_notebook("try.ipynb", *CELLS[:1])
    jupyterlab.open_notebook("try.ipynb")
    words, said = page.locator(".course-try .course-words"), page.locator(".course-said")
    words.filter(has_text="No picture has been given yet").wait_for()
    here = TryYourOwn(predictor())

    def same(name, data):
        here.look(data, name)
        reads(words, here.describe())

    choose = page.get_by_label("a picture to look at")
    bright, dim = corner_is(255), corner_is(90, seed=1)
    choose.set_input_files({"name": "bright.png", "mimeType": "image/png", "buffer": bright})
    words.filter(has_text="bright.png").wait_for()
    same("bright.png", bright)

    def in_the_middle():
        box, net = page.locator(".course-stage-of img").bounding_box(), page.locator(".course-net").bounding_box()
        assert net["width"] == pytest.approx(net["height"], abs=1)
        assert net["x"] - box["x"] == pytest.approx(box["width"] / 4, abs=2)
        return net

    net = eventually(in_the_middle)
    stage = page.locator(".course-stage-of")
    stage.press("ArrowLeft")  # to where it matters most
    here.place = divmod(int(here.drop.argmax()), 9)
    reads(words, here.describe())
    assert "With the square in" in here.describe()
    page.get_by_role("button", name="dark").click()
    here.chosen = "dark"
    reads(words, here.describe())
    assert "of dark away" in here.describe()
    stage.press("Escape")
    here.place = (-1, -1)
    page.mouse.move(net["x"] + 0.1 * net["width"], net["y"] + 0.1 * net["height"])
    words.filter(has_text="With the square in row 1, column 1").wait_for()

    choose.set_input_files({"name": "cut.png", "mimeType": "image/png", "buffer": bright[:500]})
    said.filter(has_text="500 bytes of a file").wait_for()
    page.evaluate(PASTE, ["x.png", base64.b64encode(dim).decode()])
    words.filter(has_text="the pasted picture:").wait_for()
    same("the pasted picture", dim)
    page.evaluate(DROP.replace(".course-stage", ".course-try"), ["image/png", "b.png", base64.b64encode(bright).decode()])
    words.filter(has_text="b.png").wait_for()
    same("b.png", bright)

    page.evaluate(KEEP_STREAMS)
    page.get_by_role("button", name="Camera…").click()
    page.wait_for_function("document.querySelector('.course-camera video').videoWidth > 0")
    page.get_by_role("button", name="Take the picture").click()
    words.filter(has_text="the photograph:").wait_for()

    def as_the_camera_is():
        wide, high = page.locator(".course-stage-of img").evaluate("one => [one.naturalWidth, one.naturalHeight]")
        assert high > 0
        assert wide / high == pytest.approx(4 / 3, abs=0.01)

    eventually(as_the_camera_is)
    assert page.evaluate("window.streams.map((one) => one.getTracks()[0].readyState)") == ["ended"]
    page.locator(".course-camera").wait_for(state="hidden")
    page.evaluate(NO_CAMERA)
    page.get_by_role("button", name="Camera…").click()
    said.filter(has_text="No camera was found.").wait_for()
    assert jupyterlab.outside == []
    assert jupyterlab.complaints == []


@pytest.mark.thorough
def test_a_large_file_is_made_smaller_and_a_silent_python_is_spoken_of(jupyterlab):
    page = jupyterlab.page
    jupyterlab.write_notebook("large.ipynb", *CELLS)
    jupyterlab.open_notebook("large.ipynb")
    words, said = page.locator(".course-try .course-words"), page.locator(".course-said")
    words.filter(has_text="No picture").wait_for()
    choose = page.get_by_label("a picture to look at")
    choose.set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": corner_is(255)})
    words.filter(has_text="a.png").wait_for()
    said.filter(has_text="so this page made it smaller before it was sent.").wait_for()
    choose.set_input_files({"name": "a.heic", "mimeType": "image/heic", "buffer": b"0" * 30_000})
    said.filter(has_text="this browser cannot make it smaller").wait_for()
    page.evaluate("window.jupyterapp.serviceManager.sessions.shutdownAll()")
    choose.set_input_files({"name": "c.png", "mimeType": "image/png", "buffer": png(np.zeros((20, 20, 3), np.uint8))})
    said.filter(has_text="Python has").wait_for()
