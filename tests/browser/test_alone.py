"""Widgets in a page of their own, with no Python."""

import base64

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from course_utils.training import Predictions
from course_utils.widgets import (
    ConvolutionExplorer,
    LayerPipeline,
    SoftmaxSigmoid,
    ThresholdExplorer,
)
from course_utils.widgets.base.bundle import BASE, Bundle
from course_utils.widgets.base.numbers import fixed, plain_number
from course_utils.widgets.gallery import WIDGETS
from tests.browser.waiting import fits, settled

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SOME_OR_ALL = pytest.mark.parametrize(
    "kinds", [pytest.param(WIDGETS[3::5], id="some"), pytest.param(WIDGETS, id="all", marks=pytest.mark.thorough)]
)


@pytest.fixture
def some_predictions(tmp_path):
    rng = np.random.default_rng(0)
    targets = rng.random((40, 4)) < 0.4
    values = torch.tensor(rng.random((40, 4)).round(2), dtype=torch.float32)
    for row in range(40):
        Image.new("RGB", (40, 40), (row, 90, 60)).save(tmp_path / f"{row}.png")
    names = ["clear", "haze", "road", "water"]
    return Predictions(values, torch.tensor(targets).float(), [f"{row}.png" for row in range(40)], names)


def opened(page, widget, path):
    """The widget in a page of its own, and what went wrong there."""
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: request.url.startswith(("file:", "data:", "blob:")) or wrong.append(request.url))
    page.goto(widget.save_html(path).as_uri())
    page.locator(".course-words").filter(has_text=".").wait_for()
    settled(page)
    return wrong


def state(page, *names):
    return page.evaluate("(names) => names.map((name) => document.getElementById('widget').model.get(name))", list(names))


def test_a_convolution_moves_without_python(offline_page, tmp_path):
    explorer = ConvolutionExplorer(np.eye(7), ["top edge", "blur"], delay=20)
    wrong = opened(offline_page, explorer, tmp_path / "a.html")
    assert offline_page.get_by_role("button", name="Export to Excel").count() == 0
    offline_page.get_by_role("group", name="Padding").get_by_role("button", name="1").click()
    offline_page.get_by_label("preset for this kernel").select_option("outline")
    offline_page.get_by_label("kernel, row 1, column 1").fill("2.5")
    offline_page.keyboard.press("Enter")
    offline_page.locator(".course-stage").focus()
    offline_page.keyboard.press("ArrowDown")
    kernels, names, padding, position = state(offline_page, "kernels", "names", "padding", "position")
    assert (names, padding, position) == (["kernel 1", "blur"], 1, [1, 0])
    explorer.kernels, explorer.padding, explorer.position = kernels, padding, position
    assert kernels[0][0][0] == [2.5, -1, -1]
    words = offline_page.locator(".course-words").inner_text()
    assert f"the output is {plain_number(explorer.output[0, 1, 0])}." in words
    offline_page.get_by_role("button", name="Play").click()
    offline_page.locator(".course-words").filter(has_text="Row 7, column 7:").wait_for()
    offline_page.get_by_role("button", name="Play").wait_for()
    assert wrong == []


DROP = """([type, name, data]) => {
    const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], name, { type }));
    const event = new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true });
    document.querySelector(".course-stage").dispatchEvent(event);
}"""


def test_a_picture_can_be_dropped_and_taken_back(offline_page, tmp_path):
    wrong = opened(offline_page, ConvolutionExplorer(np.eye(7), position=(4, 4)), tmp_path / "a.html")
    words = offline_page.locator(".course-words")
    picture = Image.new("RGB", (200, 100), (255, 0, 0))
    picture.paste((0, 0, 255), (100, 0, 200, 100))
    picture.save(tmp_path / "red and blue.png")
    data = base64.b64encode((tmp_path / "red and blue.png").read_bytes()).decode()
    offline_page.evaluate(DROP, ["text/plain", "notes.txt", base64.b64encode(b"no picture").decode()])
    words.filter(has_text="notes.txt cannot be read as a picture").wait_for()
    offline_page.evaluate(DROP, ["image/png", "red and blue.png", data])
    words.filter(has_text="red and blue.png, 100 × 200 pixels, is shown in grey at 32 × 64.").wait_for()
    image = np.array(state(offline_page, "image")[0])
    assert image.shape == (1, 32, 64)
    assert image[0, :, 0] == pytest.approx(0.299, abs=0.002)
    assert image[0, :, -1] == pytest.approx(0.114, abs=0.002)
    Image.new("L", (2, 9)).save(tmp_path / "thin.png")
    thin = base64.b64encode((tmp_path / "thin.png").read_bytes()).decode()
    offline_page.evaluate(DROP, ["image/png", "thin.png", thin])
    words.filter(has_text="That leaves 7 × 0 outputs, too few.").wait_for()
    offline_page.get_by_role("button", name="Undo").click()
    assert state(offline_page, "image", "position") == [np.eye(7)[None].tolist(), [4, 4]]
    assert wrong == []


def test_softmax_draws_without_python(offline_page, tmp_path):
    wrong = opened(offline_page, SoftmaxSigmoid(seed=4), tmp_path / "a.html")
    offline_page.get_by_role("button", name="Fresh random numbers").click()
    assert state(offline_page, "seed", "logits") == [5, SoftmaxSigmoid(seed=5).logits.tolist()]
    widget = SoftmaxSigmoid(seed=5)
    assert offline_page.locator(".course-words").inner_text() == widget.describe()
    row = offline_page.locator(".course-row", has_text="plane")
    row.locator("input[type=range]").focus()
    softmax, sigmoid = offline_page.locator(".course-formulas > div").all_inner_texts()
    power = plain_number(widget.powers[2])
    sums = " + ".join(plain_number(value) for value in widget.powers)
    assert softmax.startswith("Softmax of plane = exp(")
    assert softmax.endswith(f"/ sum = {power} / ({sums}) = {fixed(widget.softmax[2], 3)}")
    assert f"= {fixed(widget.sigmoid[2], 3)}, whatever" in sigmoid
    offline_page.locator(".course-formulas > div").first.locator("b").nth(2).hover()  # the second of the sum: that of dog
    linked = offline_page.locator(".course-row .course-linked")
    assert linked.evaluate_all("all => all.map((one) => one.getAttribute('aria-label'))") == ["power of dog"]
    assert wrong == []


def test_a_network_and_a_threshold_without_python(offline_page, tmp_path, some_predictions):
    names = ["</script><b>cat", "dog & co"]  # text of the user's stays text
    pipeline = LayerPipeline(nn.Sequential(nn.Flatten(), nn.Linear(9, 2)), torch.eye(3), class_names=names)
    wrong = opened(offline_page, pipeline, tmp_path / "a.html")
    assert offline_page.locator(".course-names span").all_inner_texts() == names
    offline_page.get_by_role("button", name="layer back").click()
    assert state(offline_page, "layer") == [0]
    thresholds = ThresholdExplorer(some_predictions, tmp_path)
    opened(offline_page, thresholds, tmp_path / "b.html")
    offline_page.get_by_label("threshold", exact=True).fill("0.5")
    thresholds.threshold = 0.5
    assert offline_page.locator(".course-words").inner_text() == thresholds.describe()
    pictures = offline_page.locator("figure img")
    before = pictures.evaluate_all("all => all.map((one) => one.alt)")
    assert len(before) == 6  # pictures that are in the page, near 0.5
    offline_page.get_by_role("button", name="Others").click()
    after = pictures.evaluate_all("all => all.map((one) => one.alt)")
    assert len(after) == 6
    assert after != before
    assert wrong == []


def test_pages_fit_a_phone_and_say_what_they_are(browser, tmp_path, some_predictions):
    network = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(216, 10), nn.Softmax(1))
    pages = {
        "Convolution explorer": ConvolutionExplorer(np.eye(14) - 0.5, np.ones((2, 1, 7, 7)), relu=True, pool=2),
        "A network, layer by layer": LayerPipeline(network, torch.rand(1, 14, 14)),
        "Softmax and sigmoid": SoftmaxSigmoid(),
        "Threshold explorer": ThresholdExplorer(some_predictions, tmp_path),
    }
    small = """all => all.filter((one) => one.getClientRects().length && one.innerText?.trim())
        .filter((one) => parseFloat(getComputedStyle(one).fontSize) < 14).map((one) => one.outerHTML)"""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    for name, widget in pages.items():
        page.goto(widget.save_html(tmp_path / "page.html").as_uri())
        page.locator(".course-words").filter(has_text=".").wait_for()
        assert page.title() == page.locator("h1").inner_text() == name
        assert page.locator("body *").evaluate_all(small) == []
        for width in (390, 420, 390):
            fits(page, width)
    paper = "getComputedStyle(document.body).backgroundColor"
    page.wait_for_function(f"{paper} === 'rgb(255, 255, 255)'")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{paper} === 'rgb(22, 22, 22)'")
    page.close()
    titled = SoftmaxSigmoid().save_html(tmp_path / "titled.html", title="Cats & <dogs>").read_text()
    assert "<title>Cats &amp; &lt;dogs&gt;</title>" in titled


def test_the_export_button_says_that_python_does_not_answer(browser):
    bundle = Bundle()
    parts, state = bundle.add(BASE / "page.js"), bundle.add(BASE / "state.js")
    page = browser.new_page()
    page.clock.install()
    model = "{ get: () => 'Written to a.xlsx (9 kB).', on(event, react) { this[event] = react; }, off() {}, send() {} }"
    button = f"{parts}.exportButton(model, {state}.listener(model))"
    page.evaluate(f"() => {{ {bundle.text}\nwindow.model = {model};\ndocument.body.append({button}); }}")
    button, said = page.get_by_role("button", name="Export to Excel"), page.get_by_role("status")
    button.click()
    assert (said.inner_text(), button.is_disabled()) == ("Writing…", True)
    page.clock.fast_forward(10_000)
    assert said.inner_text().startswith("Python has not answered yet: it is busy, or has stopped.")
    page.evaluate("model['change:message']()")  # it was busy
    assert (said.inner_text(), button.is_disabled()) == ("Written to a.xlsx (9 kB).", False)
    page.evaluate("() => { model.send = () => { throw new Error('Cannot send'); }; }")
    button.click()
    assert said.inner_text() == "Python has stopped: run this cell again, then export."
    assert button.is_enabled()
    page.close()


def test_a_page_is_written_beside_what_is_there(tmp_path):
    widget = SoftmaxSigmoid()
    assert [widget.save_html(tmp_path / "a.html").name for _ in range(2)] == ["a.html", "a_2.html"]
    with pytest.raises(Exception, match=r"does not end in \.html"):
        widget.save_html(tmp_path / "a.txt")


def stops(page, most=60):
    """What Tab comes to, from the top of the page to its end."""
    page.evaluate("document.activeElement.blur()")
    found = []
    for _ in range(most):
        page.keyboard.press("Tab")
        label = page.evaluate(
            """document.activeElement === document.body ? null
                : document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"""
        )
        if label is None:
            break
        found.append(label)
    return found


def test_a_grid_is_one_stop_with_arrows_inside(offline_page, tmp_path):
    wrong = opened(offline_page, ConvolutionExplorer(np.eye(7), np.ones((2, 1, 5, 5))), tmp_path / "a.html")
    labels = stops(offline_page)
    assert len(labels) <= 21
    assert [label for label in labels if label.startswith(("window,", "kernel,"))] == [
        "window, row 1, column 1",
        "kernel, row 1, column 1",
    ]
    press, page = offline_page.keyboard.press, offline_page
    focused = "document.activeElement.getAttribute('aria-label')"
    page.get_by_label("kernel, row 1, column 1").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowUp"):
        press(key)
    assert page.evaluate(focused) == "kernel, row 1, column 3"
    page.keyboard.type("12")
    press("ArrowLeft")  # in what was typed, not to the next field
    page.keyboard.type("5")
    press("ArrowDown")
    assert page.evaluate(focused) == "kernel, row 2, column 3"
    assert state(page, "kernels")[0][0][0][0] == [1, 1, 152, 1, 1]
    press("Tab")
    press("Shift+Tab")
    assert page.evaluate(focused) == "kernel, row 2, column 3"  # where one was
    stride = page.get_by_role("group", name="Stride")
    stride.get_by_role("button", name="1").focus()
    press("ArrowRight")
    press("Enter")
    assert state(page, "stride") == [2]
    assert wrong == []


@SOME_OR_ALL
def test_everything_grows_with_the_page_and_for_a_hall(browser, tmp_path, kinds):
    sizes = """all => all.filter((one) => one.getClientRects().length && one.innerText?.trim())
        .map((one) => parseFloat(getComputedStyle(one).fontSize))"""
    height = "document.querySelector('.course-widget').clientHeight"
    page = browser.new_page(viewport={"width": 1100, "height": 640})
    for kind in kinds:
        path = kind.example().save_html(tmp_path / "a.html")
        for width in (1132, 1280):  # one screen
            page.set_viewport_size({"width": width, "height": 640})
            page.goto(path.as_uri())
            page.locator(".course-words").filter(has_text=".").wait_for()
            settled(page)
            assert page.evaluate(height) <= 640
        page.set_viewport_size({"width": 1920, "height": 1080})
        page.reload()
        page.locator(".course-words").filter(has_text=".").wait_for()
        settled(page)
        assert min(page.locator(".course-widget *").evaluate_all(sizes)) >= 20
        before = page.locator("canvas").first.evaluate_all("all => all.map((one) => one.clientWidth)")
        page.get_by_role("button", name="Large").click()
        settled(page)
        assert min(page.locator(".course-widget *").evaluate_all(sizes)) >= 30
        after = page.locator("canvas").first.evaluate_all("all => all.map((one) => one.clientWidth)")
        assert all(large > small for small, large in zip(before, after, strict=True))
        fits(page, 1920, 1080)
    page.close()


@SOME_OR_ALL
def test_a_thumb_can_use_a_page(browser, tmp_path, kinds):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    for kind in kinds:
        page.goto(kind.example().save_html(tmp_path / "a.html").as_uri())
        page.locator(".course-words").filter(has_text=".").wait_for()
        settled(page)
        for target in page.locator(".course-widget :is(button, select, input)").all():
            if target.is_visible():
                assert target.bounding_box()["height"] >= 40
        fits(page)
    page.goto(ConvolutionExplorer(np.zeros((7, 7))).save_html(tmp_path / "a.html").as_uri())
    page.get_by_role("button", name="Draw").tap()
    settled(page)
    pixels = page.locator(".course-input canvas")
    cell = pixels.bounding_box()["width"] / 7
    pixels.tap(position={"x": 4.5 * cell, "y": 2.5 * cell})
    expected = np.zeros((7, 7))
    expected[2, 4] = 1
    assert state(page, "image") == [[expected.tolist()]]
    page.locator(".course-part").nth(1).locator("canvas").tap(position={"x": 2.5 * cell, "y": 0.5 * cell})
    assert state(page, "position") == [[0, 2]]
    page.locator(".course-words").filter(has_text="Row 1, column 3: 9 products add up to −1;").wait_for()
    context.close()
