"""The widgets as a student meets them: in JupyterLab, with mouse and keyboard; and what is left of them in exported HTML."""

import json
import re

import nbformat
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from nbconvert import HTMLExporter
from openpyxl import load_workbook

from course_utils.training import f_beta, f_beta_curve
from course_utils.widgets.base.colours import colour_limit, colours
from course_utils.widgets.kernels import PRESETS
from tests.browser.waiting import eventually, reads

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CELLS = [
    "import numpy as np\nfrom course_utils.widgets import *",
    "image = np.random.default_rng(0).uniform(size=(8, 9)).round(2)",
    "explorer = ConvolutionExplorer(image, ['top edge', 'blur'])\nexplorer",
    "pipeline = LayerPipeline(letter_network(), letter_a(), delay=400)\npipeline",
    "activations = SoftmaxSigmoid([4.0, -4.3, 1.7, -0.3, 1.8])\nactivations",
    """
import tempfile, torch
from pathlib import Path
from PIL import Image
from course_utils.training import Predictions
generator = torch.Generator().manual_seed(0)
targets = (torch.rand(60, 4, generator=generator) < 0.4).float()
values = torch.sigmoid(2 * targets - 1.5 + torch.randn(60, 4, generator=generator))
folder = Path(tempfile.mkdtemp())
for row in range(60):
    Image.new("RGB", (64, 64), (30 + row, 90, 60)).save(folder / f"{row}.jpg")
predictions = Predictions(values, targets, [f"{row}.jpg" for row in range(60)], ["clear", "haze", "road", "water"])
thresholds = ThresholdExplorer(predictions, folder)
thresholds
""",
    """
INPUTS = {
    explorer: "playing pool stride padding relu image kernels names bias selected position delay".split(),
    pipeline: "playing layer focus delay scale".split(),
    activations: "logits temperature seed".split(),
    thresholds: "threshold tag beta page".split(),
}
BEFORE = {widget: [(name, getattr(widget, name)) for name in names] for widget, names in INPUTS.items()}
def start_again():
    for widget, values in BEFORE.items():
        for name, value in values:
            setattr(widget, name, value)
""",
]


def image():
    return np.random.default_rng(0).uniform(size=(8, 9)).round(2)


def ask(lab, expression):
    """Evaluate an expression in the notebook's kernel."""
    code = f"import json, numpy\nprint(json.dumps({expression}, default=lambda value: numpy.asarray(value).tolist()))"
    reply = lab.page.evaluate(
        """async (code) => {
            const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
            const future = kernel.requestExecute({ code, store_history: false });
            let text = "";
            future.onIOPub = (message) => { text += message.content.text ?? message.content.evalue ?? ""; };
            await future.done;
            return text;
        }""",
        code,
    )
    return json.loads(reply)


def until(lab, expression, wanted):
    """Wait until an expression in the kernel has a value: the screen and Python talk to each other as they can."""

    def check():
        assert ask(lab, expression) == wanted

    eventually(check)


def numbers(text):
    return [float(part) for part in re.findall(r"-?\d+(?:\.\d+)?", text.replace("−", "-"))]


def grid(widget, kind):
    """The numbers of the window, the kernel or the products as they stand on the screen."""
    cells = widget.locator(f".course-{kind} > *")
    return np.array(cells.evaluate_all("all => all.map(one => Number((one.value ?? one.textContent).replace('−', '-')))"))


@pytest.fixture(scope="module")
def notebook(jupyterlab):
    jupyterlab.write_notebook("widgets.ipynb", *CELLS)
    jupyterlab.open_notebook("widgets.ipynb")
    jupyterlab.page.locator(".course-pipeline").wait_for()
    jupyterlab.page.locator(".course-threshold").wait_for()
    return jupyterlab


@pytest.fixture
def fresh(notebook):
    """The notebook with widgets as they began; afterwards nothing has left the machine and nothing has gone wrong in the page.

    One kernel serves all tests: between them the widgets get their first state back.
    """
    ask(notebook, "start_again()")
    notebook.page.mouse.move(0, 0)
    notebook.page.evaluate("document.activeElement.blur()")  # a field that a test leaves shows its number unrounded
    notebook.page.locator(".course-explorer .course-words").filter(has_text="Row 1, column 1:").wait_for()
    yield notebook
    assert notebook.outside == []
    assert notebook.complaints == []


@pytest.fixture
def explorer(fresh):
    return fresh.page.locator(".course-explorer")


@pytest.fixture
def pipeline(fresh):
    return fresh.page.locator(".course-pipeline")


@pytest.fixture
def activations(fresh):
    return fresh.page.locator(".course-softmax")


@pytest.fixture
def thresholds(fresh):
    widget = fresh.page.locator(".course-threshold")
    widget.scroll_into_view_if_needed()  # JupyterLab leaves out what is far from the screen
    return widget


def test_stepping_spells_out_what_pytorch_computes(explorer, jupyterlab):
    expected = F.conv2d(torch.tensor(image())[None, None], torch.tensor([[PRESETS["top edge"]]], dtype=torch.float64))[0, 0]
    step = explorer.get_by_role("button", name="step on")
    for at in range(9):  # over the end of the first row of seven
        row, column = divmod(at, 7)
        window = image()[row : row + 3, column : column + 3]
        words = explorer.locator(".course-words")
        words.filter(has_text=f"Row {row + 1}, column {column + 1}:").wait_for()
        np.testing.assert_allclose(grid(explorer, "window"), window.ravel(), atol=1e-9)
        np.testing.assert_allclose(grid(explorer, "product"), (window * PRESETS["top edge"]).ravel(), atol=1e-9)
        assert grid(explorer, "product").sum() == pytest.approx(expected[row, column].item(), abs=1e-9)
        assert numbers(words.inner_text())[-1] == pytest.approx(expected[row, column].item(), abs=0.0051)
        step.click()
    until(jupyterlab, "explorer.position", [1, 2])
    explorer.get_by_role("button", name="step back").click()
    until(jupyterlab, "explorer.position", [1, 1])


def test_keys_move_the_window_and_not_the_notebook(explorer, jupyterlab):
    stage = explorer.locator(".course-stage")
    stage.focus()
    keys = jupyterlab.page.keyboard
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowRight"):
        keys.press(key)
    until(jupyterlab, "explorer.position", [2, 1])
    keys.press("End")
    until(jupyterlab, "explorer.position", [5, 6])
    keys.press("ArrowDown")
    until(jupyterlab, "explorer.position", [5, 6])
    keys.press("Home")
    until(jupyterlab, "explorer.position", [0, 0])
    assert stage.evaluate("one => one === document.activeElement && getComputedStyle(one).outlineStyle !== 'none'")
    keys.press("Space")
    until(jupyterlab, "explorer.playing", True)
    keys.press("Space")
    until(jupyterlab, "explorer.playing", False)
    keys.press("Tab")
    assert "window, row 1, column 1" in jupyterlab.page.evaluate("document.activeElement.getAttribute('aria-label')")
    keys.press("ControlOrMeta+s")  # JupyterLab's own keys still work inside
    jupyterlab.page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")


def test_playing_goes_to_the_end_and_stops(explorer, jupyterlab):
    ask(jupyterlab, "setattr(explorer, 'delay', 20)")
    explorer.get_by_role("button", name="Play").click()
    until(jupyterlab, "[explorer.playing, explorer.position]", [False, [5, 6]])
    explorer.get_by_role("button", name="Play").wait_for()
    ask(jupyterlab, "setattr(explorer, 'delay', 600)")  # slowly, so that a busy machine can pause it before its end
    explorer.get_by_role("button", name="Play").click()  # from the start again
    until(jupyterlab, "explorer.position[0] in (0, 1, 2)", True)
    explorer.get_by_role("button", name="Pause").click()
    until(jupyterlab, "explorer.playing", False)


def test_editing_kernel_pixel_and_bias(explorer, jupyterlab):
    explorer.get_by_label("kernel, row 1, column 1").fill("2,5")
    jupyterlab.page.keyboard.press("Tab")
    explorer.get_by_label("window, row 3, column 2").fill("-4")
    jupyterlab.page.keyboard.press("Enter")
    explorer.get_by_label("bias of this kernel").fill("0.125")
    jupyterlab.page.keyboard.press("Enter")
    pixels, kernel = image(), np.array(PRESETS["top edge"], dtype=float)
    pixels[2, 1], kernel[0, 0] = -4, 2.5
    expected = F.conv2d(torch.tensor(pixels)[None, None], torch.tensor(kernel)[None, None])[0, 0] + 0.125
    until(jupyterlab, "float(explorer.bias[0])", 0.125)
    assert ask(jupyterlab, "explorer.output[0]") == pytest.approx(expected.numpy(), abs=1e-12)
    assert ask(jupyterlab, "explorer.names") == ["kernel 1", "blur"]
    assert numbers(explorer.locator(".course-words").inner_text())[-1] == pytest.approx(expected[0, 0].item(), abs=0.0051)
    field = explorer.get_by_label("kernel, row 2, column 2")
    field.fill("seven")
    jupyterlab.page.keyboard.press("Tab")
    assert "not a number" in explorer.locator(".course-words").inner_text()
    assert ask(jupyterlab, "float(explorer.kernels[0, 0, 1, 1])") == 0


def test_looking_into_a_field_does_not_round_it(explorer, jupyterlab):
    ask(jupyterlab, "setattr(explorer, 'kernels', explorer.kernels + 1 / 3)")
    before = ask(jupyterlab, "explorer.kernels")
    field = explorer.get_by_label("kernel, row 2, column 2")

    def rounded():
        assert field.input_value() == "0.33"

    eventually(rounded)
    field.focus()
    assert field.input_value() == str(1 / 3)
    for _ in range(3):
        jupyterlab.page.keyboard.press("Tab")
    assert field.input_value() == "0.33"
    assert ask(jupyterlab, "explorer.kernels") == before


def test_presets_settings_and_stages(explorer, jupyterlab):
    explorer.get_by_role("button", name="blur").click()
    until(jupyterlab, "explorer.selected", 1)
    explorer.get_by_label("preset for this kernel").select_option("outline")
    until(jupyterlab, "explorer.names", ["top edge", "outline"])
    explorer.get_by_role("group", name="Padding").get_by_role("button", name="1").click()
    explorer.get_by_role("group", name="ReLU").get_by_role("button", name="on").click()
    explorer.get_by_role("group", name="Max pool").get_by_role("button", name="2 × 2").click()
    until(jupyterlab, "[explorer.padding, explorer.relu, explorer.pool]", [1, True, 2])
    expected = F.conv2d(torch.tensor(image())[None, None], torch.tensor([[PRESETS["outline"]]], dtype=torch.float64), padding=1)
    assert ask(jupyterlab, "explorer.pooled[1]") == F.max_pool2d(F.relu(expected), 2)[0, 0].tolist()
    headings = explorer.locator(".course-part .course-heading")
    headings.nth(3).wait_for()
    assert headings.all_inner_texts() == ["Input 8 × 9", "Output 8 × 9", "ReLU: max(0, x)", "Max pool 4 × 4"]
    explorer.get_by_role("group", name="Stride").get_by_role("button", name="3").click()
    explorer.get_by_role("group", name="Max pool").get_by_role("button", name="3 × 3").click()
    until(jupyterlab, "[explorer.stride, explorer.pool]", [3, 3])
    explorer.get_by_role("group", name="Padding").get_by_role("button", name="0").click()
    explorer.locator(".course-words").filter(has_text="too few").wait_for()
    assert ask(jupyterlab, "explorer.padding") == 1


def test_nothing_false_is_shown_while_python_is_busy(explorer, jupyterlab):
    kernel = "window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel"
    code = "import time\nfrom pathlib import Path\nwhile not Path('wake up').exists():\n    time.sleep(0.02)\nawake = True"
    jupyterlab.page.evaluate(f"(code) => {{ {kernel}.requestExecute({{ code }}); }}", code)
    explorer.get_by_role("group", name="Stride").get_by_role("button", name="2").click()
    explorer.get_by_role("button", name="step on").click()
    window = image()[0:3, 2:5]
    np.testing.assert_allclose(grid(explorer, "window"), window.ravel(), atol=1e-9)
    total = (window * PRESETS["top edge"]).sum()
    words = explorer.locator(".course-words").inner_text()
    assert numbers(words)[-1] == pytest.approx(total, abs=0.0051)
    assert jupyterlab.page.evaluate(f"{kernel}.status") == "busy"  # all that was without Python
    (jupyterlab.folder / "wake up").touch()
    until(jupyterlab, "[awake, explorer.stride, explorer.position]", [True, 2, [0, 1]])
    assert ask(jupyterlab, "explorer.output[0, 0, 1]") == pytest.approx(total, abs=1e-12)


def test_hovering_an_output_shows_what_it_saw(explorer, jupyterlab):
    output = explorer.locator(".course-part").nth(1).locator("canvas")
    box = output.bounding_box()
    cell = box["width"] / 7
    output.hover(position={"x": 4.5 * cell, "y": 2.5 * cell})
    explorer.locator(".course-words").filter(has_text="Row 3, column 5:").wait_for()
    np.testing.assert_allclose(grid(explorer, "window"), image()[2:5, 4:7].ravel(), atol=1e-9)

    def framed():
        frame = explorer.locator(".course-input .course-frame").bounding_box()
        pixels = explorer.locator(".course-input canvas").bounding_box()
        assert frame["x"] - pixels["x"] == pytest.approx(4 * pixels["width"] / 9, abs=2)
        assert frame["y"] - pixels["y"] == pytest.approx(2 * pixels["height"] / 8, abs=2)
        assert frame["width"] == pytest.approx(3 * pixels["width"] / 9, abs=2)

    eventually(framed)  # it glides there
    assert ask(jupyterlab, "explorer.position") == [0, 0]
    output.click(position={"x": 4.5 * cell, "y": 2.5 * cell})
    until(jupyterlab, "explorer.position", [2, 4])


def test_drawing_with_the_mouse(explorer, jupyterlab):
    explorer.get_by_role("button", name="Draw").click()
    pixels = explorer.locator(".course-input canvas")
    box = pixels.bounding_box()
    cell = box["width"] / 9
    mouse = jupyterlab.page.mouse
    mouse.move(box["x"] + 2.5 * cell, box["y"] + 1.5 * cell)
    mouse.down()
    mouse.move(box["x"] + 5.5 * cell, box["y"] + 1.5 * cell)  # at once: a fast hand is seen in few places
    mouse.up()
    expected = image()
    expected[1, 2:6] = 1
    until(jupyterlab, "explorer.image[0]", expected.tolist())
    explorer.get_by_role("button", name="Erase").click()
    mouse.click(box["x"] + 0.5 * cell, box["y"] + 0.5 * cell)
    drawn = expected.copy()
    expected[0, 0] = 0
    until(jupyterlab, "explorer.image[0]", expected.tolist())
    explorer.get_by_role("button", name="Undo").click()
    until(jupyterlab, "explorer.image[0]", drawn.tolist())
    explorer.get_by_role("button", name="Clear").click()
    until(jupyterlab, "float(abs(explorer.image).max())", 0.0)
    assert explorer.get_by_role("button", name="Clear").is_disabled()
    explorer.get_by_role("button", name="Reset").click()
    until(jupyterlab, "explorer.image[0]", image().tolist())
    assert explorer.get_by_role("button", name="Undo").is_disabled()


def test_colours_on_the_screen_are_those_of_the_picture(explorer, jupyterlab):
    for section, values in ((0, image()), (1, np.array(ask(jupyterlab, "explorer.output[0]")))):
        expected = colours(values, colour_limit(values))
        canvas = explorer.locator(".course-part").nth(section).locator("canvas")
        seen = canvas.evaluate(
            """(canvas, [rows, columns]) => {
                const [height, width] = [canvas.height / rows, canvas.width / columns];
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                const corner = (r, c) => 4 * (Math.round((r + 0.15) * height) * canvas.width + Math.round((c + 0.1) * width));
                const shade = (r, c) => [...data.slice(corner(r, c), corner(r, c) + 3)];
                return Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) => shade(r, c)));
            }""",
            list(values.shape),
        )
        assert np.abs(np.array(seen, dtype=int) - expected.astype(int)).max() <= 1


def test_export_writes_a_workbook_and_offers_it(explorer, jupyterlab):
    (jupyterlab.folder / "convolution.xlsx").write_text("somebody's own")
    with jupyterlab.page.expect_download() as caught:
        explorer.get_by_role("button", name="Export to Excel").click()
        explorer.locator(".course-message").filter(has_text="Written to convolution_2.xlsx").wait_for()
        explorer.get_by_role("link", name="Download a copy").click()
    written = jupyterlab.folder / "convolution_2.xlsx"
    assert caught.value.suggested_filename == "convolution_2.xlsx"
    assert caught.value.path().read_bytes() == written.read_bytes()
    cells = [cell.value for sheet in load_workbook(written, data_only=True) for row in sheet.iter_rows() for cell in row]
    found = {round(value, 9) for value in cells if isinstance(value, (int, float))}
    assert {round(value, 9) for value in np.ravel(ask(jupyterlab, "explorer.output"))} <= found
    assert (jupyterlab.folder / "convolution.xlsx").read_text() == "somebody's own"
    written.unlink()


def test_the_still_picture_hides_behind_the_living_widget(explorer, jupyterlab):
    pictures = jupyterlab.page.locator(".jp-OutputArea-output > img")
    assert pictures.count() == 4
    for at in range(4):
        pictures.nth(at).wait_for(state="hidden")


def test_layers_follow_one_another(pipeline, jupyterlab):
    names = ["input", "conv1", "relu1", "pool1", "conv2", "relu2", "pool2", "template", "probability"]
    assert pipeline.locator(".course-part .course-heading").all_inner_texts()[:9] == names
    pipeline.get_by_role("button", name="Start").click()
    until(jupyterlab, "pipeline.layer", 0)
    assert pipeline.locator(".course-later").count() == 8
    pipeline.get_by_role("button", name="layer on").click()
    until(jupyterlab, "[pipeline.layer, pipeline.focus[0]]", [1, 1])
    pipeline.get_by_role("button", name="Play").click()
    pipeline.locator(".course-words").filter(has_text="probability, number 1: 0.95").wait_for()
    until(jupyterlab, "[pipeline.layer, pipeline.playing]", [8, False])
    assert pipeline.locator(".course-later").count() == 0


def test_pipeline_from_the_keyboard(pipeline, jupyterlab):
    pipeline.locator(".course-strip").focus()
    keys = jupyterlab.page.keyboard
    keys.press("Home")
    for _ in range(4):
        keys.press("ArrowRight")
    keys.press("ArrowDown")
    until(jupyterlab, "[pipeline.layer, *pipeline.focus[:2]]", [4, 4, 1])
    keys.press("Tab")
    large = jupyterlab.page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert large.startswith("conv2, map 2 in large")
    row, column = ask(jupyterlab, "pipeline.focus[2:]")
    keys.press("ArrowUp")
    keys.press("ArrowRight")
    until(jupyterlab, "pipeline.focus", [4, 1, row - 1, column + 1])


def test_any_number_says_how_it_came_about(pipeline, jupyterlab):
    values = {name: np.array(ask(jupyterlab, f"pipeline.values('{name}')")) for name in ("pool1", "conv2", "relu2", "pool2")}
    weight = np.array(ask(jupyterlab, "pipeline._model.conv2.weight.detach()"))

    def click(layer, map_, row, column, size):
        canvas = pipeline.locator(".course-part").nth(layer).locator("canvas").nth(map_)
        cell = canvas.bounding_box()["width"] / size
        canvas.click(position={"x": (column + 0.5) * cell, "y": (row + 0.5) * cell})
        pipeline.locator(".course-made .course-heading").filter(
            has_text=f"map {map_ + 1}, row {row + 1}, column {column + 1}"
        ).wait_for()
        return pipeline.locator(".course-words").inner_text()

    words = click(4, 2, 5, 3, size=11)
    total = (values["pool1"][:, 5:8, 3:6] * weight[2]).sum()
    assert total == pytest.approx(values["conv2"][2, 5, 3], abs=1e-6)
    assert "3 × 3 window of each of 2 maps of pool1; 18 products" in words
    assert numbers(words)[-1] == pytest.approx(total, abs=0.0051)
    spelled = np.array(numbers(pipeline.locator(".course-formula").first.inner_text().split(" = ")[0])).reshape(18, 2)
    np.testing.assert_allclose(spelled[:, 0], values["pool1"][:, 5:8, 3:6].ravel(), atol=0.0051)
    np.testing.assert_allclose(spelled[:, 1], weight[2].ravel(), atol=0.0051)
    row, column = map(int, np.argwhere(values["conv2"][0] < -0.1)[0])
    assert "threw it away" in click(5, 0, row, column, size=11)
    words = click(6, 1, 4, 3, size=5)
    assert "largest number of the 2 × 2 window that it saw of relu2" in words
    seen = values["relu2"][1, 8:10, 6:8]
    line = numbers(pipeline.locator(".course-formula").first.inner_text())
    np.testing.assert_allclose(line, [*seen.ravel(), seen.max()], atol=0.0051)
    pipeline.locator(".course-part").nth(7).locator("canvas").click()
    pipeline.locator(".course-words").filter(has_text="It saw all 100 numbers of pool2").wait_for()
    template = np.array(ask(jupyterlab, "pipeline._model.template.weight.detach()[0]")).reshape(4, 5, 5)
    shares = numbers(pipeline.locator(".course-formula").first.inner_text())[:8:2]
    np.testing.assert_allclose(shares, (values["pool2"] * template).sum((1, 2)), atol=0.0051)
    assert pipeline.locator(".course-frame:visible").count() == 4 + 1 + 1  # the maps it saw, itself, itself in large


def test_links_and_shares_of_a_convolution(pipeline, jupyterlab):
    ask(jupyterlab, "setattr(pipeline, 'focus', (4, 2, 5, 3))")
    captions = pipeline.locator(".course-shares figcaption")
    captions.filter(has_text="sum: ").wait_for()
    assert pipeline.locator(".course-links path").count() == 2  # from two maps of pool1
    first, second, total = [numbers(text)[-1] for text in captions.all_inner_texts()]
    weight = np.array(ask(jupyterlab, "pipeline._model.conv2.weight.detach()[2]"))
    seen = np.array(ask(jupyterlab, "pipeline.values('pool1')"))[:, 5:8, 3:6]
    assert [first, second] == pytest.approx((weight * seen).sum((1, 2)), abs=0.0051)
    assert total == pytest.approx(ask(jupyterlab, "float(pipeline.values('conv2')[2, 5, 3])"), abs=0.0051)
    pipeline.get_by_role("group", name="Deepest colour").get_by_role("button", name="network").click()
    until(jupyterlab, "pipeline.scale", "network")
    pipeline.locator(".course-legend").filter(has_text="number of the network that is farthest").wait_for()


def test_pipeline_exports(pipeline, jupyterlab):
    pipeline.get_by_role("button", name="Export to Excel").click()
    pipeline.locator(".course-message").filter(has_text="Written to network.xlsx").wait_for()
    assert (jupyterlab.folder / "network.xlsx").stat().st_size > 10_000
    (jupyterlab.folder / "network.xlsx").unlink()


def shown_activations(activations):
    """The numbers of the powers, of softmax and of sigmoid, to all their digits."""
    return [
        activations.locator(place).evaluate_all("all => all.map(one => Number(one.title))")
        for place in (
            ".course-power[title]",
            ".course-softmax-value > span",
            ".course-row:not(.course-sum) > .course-sigmoid > span",
        )
    ]


def check_activations(activations, logits, temperature=1.0):
    z = torch.tensor(logits, dtype=torch.float64)
    powers, softmax, sigmoid = shown_activations(activations)
    np.testing.assert_allclose(powers, torch.exp(z / temperature), rtol=1e-12)
    np.testing.assert_allclose(softmax, torch.softmax(z / temperature, 0), rtol=1e-12)
    np.testing.assert_allclose(sigmoid, torch.sigmoid(z), rtol=1e-12)
    written = activations.locator(".course-softmax-value > span").all_inner_texts()
    assert [float(text) for text in written] == pytest.approx(softmax, abs=0.0005001)
    sums = activations.locator(".course-sum")
    assert numbers(sums.inner_text())[-2:] == pytest.approx([1, sum(sigmoid)], abs=0.0005001)


def test_softmax_and_sigmoid_are_what_pytorch_computes(activations, jupyterlab):
    check_activations(activations, [4.0, -4.3, 1.7, -0.3, 1.8])
    words = activations.locator(".course-words")
    assert words.inner_text() == ask(jupyterlab, "activations.describe()")
    slider = activations.get_by_label("logit of fish", exact=True)
    slider.focus()
    for _ in range(7):
        jupyterlab.page.keyboard.press("ArrowRight")
    until(jupyterlab, "activations.logits", [4.0, -4.3, 1.7, 0.4, 1.8])
    check_activations(activations, [4.0, -4.3, 1.7, 0.4, 1.8])
    assert "plane, fish, building" in words.inner_text()
    field = activations.get_by_label("logit of dog, as a number")
    field.fill("4,25")
    jupyterlab.page.keyboard.press("Enter")
    until(jupyterlab, "activations.logits", [4.0, 4.25, 1.7, 0.4, 1.8])
    assert words.inner_text() == ask(jupyterlab, "activations.describe()")
    assert "Softmax picks dog" in words.inner_text()
    field.fill("60")
    jupyterlab.page.keyboard.press("Tab")
    assert "from −50 to 50" in words.inner_text()
    assert ask(jupyterlab, "activations.logits") == [4.0, 4.25, 1.7, 0.4, 1.8]
    assert activations.locator(".course-softmax-value b").all_inner_texts() == ["", "✓ picked", "", "", ""]
    assert activations.locator(".course-sigmoid b").all_inner_texts() == ["✓ yes"] * 5


def test_one_more_on_every_logit_leaves_softmax(activations, jupyterlab):
    before = shown_activations(activations)
    activations.get_by_role("button", name="+1 to all").click()
    until(jupyterlab, "activations.logits", [5.0, -3.3, 2.7, 0.7, 2.8])
    after = shown_activations(activations)
    np.testing.assert_allclose(after[0], np.e * np.array(before[0]), rtol=1e-12)
    np.testing.assert_allclose(after[1], before[1], rtol=1e-12)
    assert (np.array(after[2]) > before[2]).all()
    activations.locator(".course-words").filter(has_text="multiplied by 2.72").wait_for()


def test_temperature_and_fresh_numbers(activations, jupyterlab):
    activations.get_by_label("temperature of the softmax").fill("0.3")
    until(jupyterlab, "activations.temperature", 2.0)
    check_activations(activations, [4.0, -4.3, 1.7, -0.3, 1.8], temperature=2.0)
    assert "powers of 1.65" in activations.inner_text()
    activations.get_by_role("button", name="T = 1").click()
    until(jupyterlab, "activations.temperature", 1.0)
    activations.get_by_role("button", name="Fresh random numbers").click()
    until(jupyterlab, "activations.seed", 32)
    logits = ask(jupyterlab, "activations.logits")
    assert logits == ask(jupyterlab, "SoftmaxSigmoid(seed=32).logits")
    activations.locator(".course-words").filter(has_text=ask(jupyterlab, "activations.describe()")).wait_for()
    check_activations(activations, logits)


def test_a_threshold_counts_as_python_does(thresholds, jupyterlab):
    values, targets = torch.tensor(ask(jupyterlab, "values")), torch.tensor(ask(jupyterlab, "targets"))
    values = torch.tensor(values.numpy().astype(np.float32))
    for threshold in (0.0, 0.2, 0.47, 0.8, 1.0):
        ask(jupyterlab, f"setattr(thresholds, 'threshold', {threshold})")
        thresholds.locator(".course-words").filter(has_text=f"Threshold {threshold:.2f}:").wait_for()
        given = values > threshold
        wrong, missed = (given & (targets < 1)).sum(0).tolist(), (~given & (targets > 0)).sum(0).tolist()
        counts = thresholds.locator(".course-count").all_inner_texts()
        assert [int(count) for count in counts[::2]] == missed
        assert [int(count) for count in counts[1::2]] == wrong
        score = thresholds.locator(".course-key.course-score").get_attribute("title")
        assert float(score) == pytest.approx(f_beta(values, targets, threshold=threshold), abs=1e-12)
        assert thresholds.locator(".course-words").inner_text() == ask(jupyterlab, "thresholds.describe()")
    curve = f_beta_curve(values, targets, np.arange(101) / 100).numpy()
    drawn = thresholds.locator("path.course-score").evaluate("path => path.getAttribute('d')")
    heights = np.array([float(point.split()[1]) for point in re.split("[ML]", drawn)[1:]])
    rules = thresholds.locator("line.course-rule").evaluate_all("all => all.map(one => Number(one.getAttribute('y1')))")
    np.testing.assert_allclose((rules[0] - heights) / (rules[0] - rules[-1]), curve, atol=0.001)
    best = thresholds.get_by_role("button", name="Best F2")
    assert numbers(best.inner_text())[1:] == pytest.approx([curve.max(), curve.argmax() / 100], abs=0.0006)
    best.click()
    until(jupyterlab, "thresholds.threshold", curve.argmax() / 100)


def test_a_threshold_from_the_keyboard_and_a_tag(thresholds, jupyterlab):
    slider = thresholds.get_by_label("threshold", exact=True)
    slider.focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowRight"):
        jupyterlab.page.keyboard.press(key)
    until(jupyterlab, "thresholds.threshold", 0.03)
    assert slider.get_attribute("aria-valuetext").startswith("0.03, F2 0.")
    thresholds.get_by_label("tag to look at").select_option("road")
    until(jupyterlab, "thresholds.tag", "road")
    words = thresholds.locator(".course-words")
    words.filter(has_text="For road: precision").wait_for()
    assert words.inner_text() == ask(jupyterlab, "thresholds.describe()")
    keys = thresholds.locator(".course-key").all_inner_texts()
    assert "those of road" in thresholds.locator(".course-plot > svg").inner_html()
    assert numbers(keys[1])[-1] == pytest.approx(ask(jupyterlab, "thresholds.precision"), abs=0.00051)
    assert numbers(keys[2])[-1] == pytest.approx(ask(jupyterlab, "thresholds.recall"), abs=0.00051)
    thresholds.locator(".course-bar-row", has_text="water").click()
    until(jupyterlab, "thresholds.tag", "water")
    plot = thresholds.locator(".course-plot > svg")
    plot.click(position={"x": plot.bounding_box()["width"] / 2, "y": 60})
    until(jupyterlab, "0.4 < thresholds.threshold < 0.6", True)


def test_the_tags_of_the_pictures_change_with_the_threshold(thresholds, jupyterlab):
    def compared():
        expected = ask(jupyterlab, "[thresholds.verdicts(row) for row in thresholds.examples]")
        names = ask(jupyterlab, "[thresholds._items[row] for row in thresholds.examples]")
        assert thresholds.locator("figure img").evaluate_all("all => all.map(one => one.alt)") == names
        seen = thresholds.locator("figure ul").evaluate_all(
            """lists => lists.map(list => Object.fromEntries([...list.children]
                .filter(one => !one.hidden && one.dataset.kind !== "near")
                .map(one => [one.querySelector("span").textContent, one.dataset.kind])))"""
        )
        assert seen == expected
        return seen, names

    def check():
        return eventually(compared)

    seen, names = check()
    marks = dict(zip(("right", "missed", "wrong"), "✓○✗", strict=True))
    for chip in thresholds.locator("figure li:not([hidden]):not(.course-near)").all():
        assert chip.inner_text()[0] == marks[chip.get_attribute("data-kind")]  # never told by colour alone
    slider = thresholds.get_by_label("threshold", exact=True)
    slider.fill("0.16")
    until(jupyterlab, "thresholds.threshold", 0.16)
    flipped, same = check()
    assert same == names
    assert flipped != seen
    slider.fill("0.7")
    until(jupyterlab, "thresholds.threshold", 0.7)
    others = check()[1]
    assert others != names
    thresholds.get_by_role("button", name="Others").click()
    until(jupyterlab, "thresholds.page", 1)
    assert check()[1] != others
    assert thresholds.locator("figure img").first.evaluate("one => one.naturalWidth") == 192


def test_two_views_of_a_widget_show_the_same(fresh):
    page = fresh.page
    page.evaluate("window.jupyterapp.shell.currentWidget.content.activeCellIndex = 2")
    fresh.command("notebook:create-output-view")
    views = page.locator(".course-explorer")
    views.nth(1).wait_for()
    first, second = (views.nth(at) for at in range(2))
    second.get_by_role("button", name="step on").click()
    first.get_by_role("group", name="Padding").get_by_role("button", name="1").click()
    for view in (first, second):
        view.locator(".course-words").filter(has_text="Row 1, column 2:").wait_for()
        reads(view.locator(".course-part .course-heading").nth(1), "Output 8 × 9")
    ask(fresh, "setattr(explorer, 'delay', 20)")
    second.get_by_role("button", name="Play").click()
    for view in (first, second):  # one clock for both: none is skipped and none comes twice
        view.locator(".course-words").filter(has_text="Row 8, column 9:").wait_for()
    page.evaluate(
        """() => {
            const { shell } = window.jupyterapp;
            const open = [...shell.widgets("main")];
            open.find((one) => one.title.label === "Output View").close();
            shell.activateById(open.find((one) => one.context).id);
        }"""
    )
    page.wait_for_function("document.querySelectorAll('.course-explorer').length === 1")
    first.get_by_role("button", name="step back").click()
    first.locator(".course-words").filter(has_text="Row 8, column 8:").wait_for()


@pytest.mark.thorough
def test_running_a_cell_again_and_again_keeps_nothing(fresh):
    """Twenty times: as many elements, listeners and clocks in the page as before, and none plays unseen."""
    page = fresh.page
    ticking = """() => {
        const [start, stop] = [window.setInterval, window.clearInterval];
        window.ticking = new Set();
        window.setInterval = (react, delay) => {
            const id = start(react, delay);
            if (delay === 20) window.ticking.add(id);
            return id;
        };
        window.clearInterval = (id) => { window.ticking.delete(id); stop(id); };
    }"""
    page.evaluate(ticking)
    counts = []
    for _ in range(21):
        page.evaluate("window.jupyterapp.shell.currentWidget.content.activeCellIndex = 2")
        fresh.command("notebook:run-cell")
        page.locator(".course-explorer .course-words").filter(has_text="Row 1, column 1:").wait_for()
        ask(fresh, "[setattr(explorer, 'delay', 20), setattr(explorer, 'playing', True)]")
        page.locator(".course-explorer .course-words").filter(has_text=re.compile("Row [2-6],")).wait_for()
        counts.append(page.evaluate("document.querySelectorAll('*').length"))
    assert counts[-1] - counts[1] <= 20
    page.wait_for_function("window.ticking.size <= 1")
    for cell in (2, 6):  # one that has not moved, for the tests that follow
        page.evaluate(f"window.jupyterapp.shell.currentWidget.content.activeCellIndex = {cell}")
        fresh.command("notebook:run-cell")


def test_a_picture_stands_in_exported_html(fresh, offline_page, tmp_path):
    fresh.command("docmanager:save")
    notebook = nbformat.read(fresh.folder / "widgets.ipynb", as_version=4)
    assert "widgets" in notebook.metadata
    for kept in (True, False):  # the state of the widgets
        if not kept:
            del notebook.metadata["widgets"]
        page_file = tmp_path / "page.html"
        page_file.write_text(HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
        page = offline_page
        page.goto(page_file.as_uri())
        pictures = page.locator("img")
        assert pictures.count() == 4
        for at in range(4):
            pictures.nth(at).wait_for()
            page.wait_for_function("one => one.naturalWidth > 600", arg=pictures.nth(at).element_handle())
        if not kept:
            assert "An image on its way through 8 layers" in page.content()
