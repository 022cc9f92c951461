"""What the screen computes, against PyTorch and scikit-learn; and widgets in a page of their own, with no Python."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.metrics import multilabel_confusion_matrix
from torch import nn

from course_utils.training import Predictions, f_beta, f_beta_curve
from course_utils.widgets import ConvolutionExplorer, LayerPipeline, SoftmaxSigmoid, ThresholdExplorer
from course_utils.widgets.base.bundle import BASE, Bundle
from course_utils.widgets.base.numbers import plain_number

pytestmark = [pytest.mark.browser, pytest.mark.slow]

FOLDERS = sorted(file.parent for file in BASE.parent.glob("*/widget.js"))


@pytest.fixture(scope="module")
def run(browser):
    """Evaluate an expression in which `it` is what a module of JavaScript exports and `given` is a value of Python's."""
    page = browser.new_page()

    def evaluate(module, expression, given=None):
        bundle = Bundle()
        name = bundle.add(module)
        return page.evaluate(f"(given) => {{ {bundle.text}\nconst it = {name}; return {expression}; }}", given)

    yield evaluate
    page.close()


@pytest.fixture
def some_predictions(tmp_path):
    rng = np.random.default_rng(0)
    targets = rng.random((40, 4)) < 0.4
    values = torch.tensor(rng.random((40, 4)).round(2), dtype=torch.float32)
    for row in range(40):
        Image.new("RGB", (40, 40), (row, 90, 60)).save(tmp_path / f"{row}.png")
    names = ["clear", "haze", "road", "water"]
    return Predictions(values, torch.tensor(targets).float(), [f"{row}.png" for row in range(40)], names)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_bundle_runs(run, folder):
    parts = run(folder / "widget.js", "Object.entries(it.default).map(([name, part]) => [name, typeof part])")
    assert ["render", "function"] in parts
    assert {name for name, _ in parts} <= {"initialize", "render"}


def test_numbers_are_written_as_python_writes_them(run):
    rng = np.random.default_rng(0)
    values = [
        *(rng.normal(size=500) * 10.0 ** rng.integers(-5, 9, 500)),
        *np.arange(-40, 40) / 16,
        0.005,
        1e4,
        99_950,
        99_949,
        1e300,
    ]
    texts = run(BASE / "numbers.js", "given.map((one) => it.plain(one))", [float(value) for value in values])
    assert texts == [plain_number(float(value)) for value in values]


@pytest.mark.parametrize(
    ("channels", "kernel", "stride", "padding", "pool", "relu"),
    [(1, (3, 3), 1, 0, 1, False), (3, (3, 2), 2, 1, 2, True), (2, (5, 4), 3, 2, 1, True), (4, (1, 7), 1, 3, 3, False)],
)
def test_the_screen_convolves_as_pytorch_does(run, channels, kernel, stride, padding, pool, relu):
    rng = np.random.default_rng(1)
    image, kernels, bias = rng.normal(size=(channels, 11, 9)), rng.normal(size=(3, channels, *kernel)), rng.normal(size=3)
    given = {"image": image.tolist(), "kernels": kernels.tolist(), "bias": bias.tolist()}
    given |= {"stride": stride, "padding": padding, "relu": relu, "pool": pool}
    stages = run(BASE.parent / "convolution_explorer" / "numbers.js", "it.stages(given)", given)
    output = F.conv2d(torch.tensor(image)[None], torch.tensor(kernels), torch.tensor(bias), stride, padding)
    rectified = F.relu(output) if relu else output
    for name, expected in (("output", output), ("rectified", rectified), ("pooled", F.max_pool2d(rectified, pool))):
        np.testing.assert_allclose(np.array(stages[name]), expected[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("temperature", [0.1, 1.0, 10.0])
def test_the_screen_has_pytorchs_softmax_and_sigmoid(run, temperature):
    logits = [50.0, -50.0, 49.9, 0.0, 3.3]
    module = BASE.parent / "softmax_sigmoid" / "numbers.js"
    z = torch.tensor(logits, dtype=torch.float64)
    softmax = run(module, f"it.softmax(given, {temperature})", logits)
    np.testing.assert_allclose(softmax, torch.softmax(z / temperature, 0), rtol=1e-12, atol=0)
    np.testing.assert_allclose(run(module, "it.sigmoid(given)", logits), torch.sigmoid(z), rtol=1e-12, atol=0)
    np.testing.assert_allclose(run(module, f"it.powers(given, {temperature})", logits), torch.exp(z / temperature), rtol=1e-12)


def test_the_screen_counts_as_scikit_learn_does(run, some_predictions):
    values, targets = some_predictions.values.numpy(), some_predictions.targets.numpy()
    read = """((view) => it.readScores(view(new Float32Array(given.values)), view(new Uint8Array(given.targets)), 4))(
        (array) => new DataView(array.buffer))"""
    given = {"values": values.ravel().tolist(), "targets": targets.ravel().astype(int).tolist()}
    module = BASE.parent / "threshold_explorer" / "numbers.js"
    curves = run(module, f"it.curves({read}, 2)", given)
    np.testing.assert_allclose(curves["fBeta"], f_beta_curve(values, targets, np.arange(101) / 100), atol=1e-12)
    for step in (0, 20, 47, 100):
        at = run(module, f"it.countAt({read}, {step / 100}, 2)", given)
        matrices = multilabel_confusion_matrix(targets > 0, values > np.float32(step / 100))
        assert [at["wrong"], at["missed"], at["right"]] == [matrices[:, r, c].tolist() for r, c in ((0, 1), (1, 0), (1, 1))]
        assert [[tag[step] for tag in curves[kind]] for kind in ("wrong", "missed", "right")] == [
            at["wrong"],
            at["missed"],
            at["right"],
        ]
        assert at["fBeta"] == pytest.approx(f_beta(values, targets, threshold=step / 100), abs=1e-12)


def test_what_a_number_saw_makes_that_number(run):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=2, dilation=2, groups=2),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.AdaptiveAvgPool2d((3, 2)),
        nn.Flatten(),
        nn.Linear(24, 20),
    )
    layers = LayerPipeline(model, torch.randn(2, 15, 13)).layers
    made = """given.map((layer, number) => layer.maps.map((rows, map) => rows.map((row, r) => row.map((value, c) => {
        if (value === null || number === 0) return value;
        const parts = it.seen(given, number, map, r, c);
        const saw = parts.flatMap((part) => part.values.flat()).filter((one) => one !== null);
        const weighed = () => parts.reduce((sum, part) => sum + it.dot(part.values, part.weights), 0);
        const at = layer.kind === "conv" ? map : r * rows[0].length + c;
        return { conv: () => weighed() + layer.weights.bias[at], linear: () => weighed() + layer.weights.bias[at],
            relu: () => Math.max(0, ...saw), max_pool: () => Math.max(...saw),
            adaptive_avg_pool: () => saw.reduce((a, b) => a + b) / saw.length }[layer.kind]();
    }))))"""
    for layer, maps in zip(layers, run(BASE.parent / "layer_pipeline" / "numbers.js", made, layers), strict=True):
        np.testing.assert_allclose(np.array(maps, float), np.array(layer["maps"], float), rtol=0, atol=1e-12)


def opened(page, widget, path):
    """The widget in a page of its own, and what went wrong there."""
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: request.url.startswith(("file:", "data:", "blob:")) or wrong.append(request.url))
    page.goto(widget.save_html(path).as_uri())
    page.locator(".course-words").filter(has_text=".").wait_for()
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


def test_softmax_draws_without_python(offline_page, tmp_path):
    wrong = opened(offline_page, SoftmaxSigmoid(seed=4), tmp_path / "a.html")
    offline_page.get_by_role("button", name="Fresh random numbers").click()
    assert state(offline_page, "seed", "logits") == [5, SoftmaxSigmoid(seed=5).logits.tolist()]
    assert offline_page.locator(".course-words").inner_text() == SoftmaxSigmoid(seed=5).describe()
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
    assert wrong == []


def test_a_page_is_written_beside_what_is_there(tmp_path):
    widget = SoftmaxSigmoid()
    assert [widget.save_html(tmp_path / "a.html").name for _ in range(2)] == ["a.html", "a_2.html"]
    with pytest.raises(Exception, match=r"does not end in \.html"):
        widget.save_html(tmp_path / "a.txt")
