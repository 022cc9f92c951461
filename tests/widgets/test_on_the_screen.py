"""What the screen computes, run through Node, against PyTorch and scikit-learn; and its text against Python's."""

import os
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.metrics import multilabel_confusion_matrix
from torch import nn

from course_utils.training import f_beta, f_beta_curve
from course_utils.widgets import LayerPipeline
from course_utils.widgets.base.bundle import BASE
from course_utils.widgets.base.numbers import fixed, percent, plain_number, probability, significant
from tests.tracing.random_networks import random_network

PIPELINE = BASE.parent / "layer_pipeline" / "numbers.js"
FOLDERS = sorted(file.parent for file in BASE.parent.glob("*/widget.js"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_bundle_runs(run, folder):
    parts = run(folder / "widget.js", "Object.entries(it.default).map(([name, part]) => [name, typeof part])")
    assert ["render", "function"] in parts
    assert ["computed", "function"] in parts
    assert {name for name, _ in parts} <= {"initialize", "render", "computed"}


def many_numbers():
    rng = np.random.default_rng(0)
    return [
        *(rng.normal(size=1000) * 10.0 ** rng.integers(-5, 12, 1000)),
        *np.arange(-4000, 4000) / 1000,  # every half of two decimals, and of none
        *np.arange(-80, 80) / 16,
        *np.nextafter(np.arange(-4000, 4000, 5) / 1000, 9),  # the same sums in another order
        *(2.0 ** np.arange(-40, 60)),
        *(9.995, 0.0995, 0.09999999999999999, 0.1, 9999.995, 9999.994, 1e4, 99_950, 99_949, 1e300, 5e-324, 0.0, -0.0),
    ]


def test_numbers_are_written_as_python_writes_them(run):
    values = [float(value) for value in many_numbers()]
    texts = run(BASE / "numbers.js", "given.map((one) => it.plain(one))", values)
    assert texts == [plain_number(value) for value in values]
    for digits in (0, 2, 3, 4):
        texts = run(BASE / "numbers.js", f"given.map((one) => it.fixed(one, {digits}))", values)
        assert texts == [fixed(value, digits) for value in values]
    for digits in (1, 2, 3, 12):
        texts = run(BASE / "numbers.js", f"given.map((one) => it.significant(one, {digits}))", values)
        assert texts == [significant(value, digits) for value in values]
        for value, text in zip(values, texts, strict=True):
            assert float(text.replace("−", "-")) == pytest.approx(value, rel=0.5001 * 10.0 ** (1 - digits))


def test_shares_are_written_as_python_writes_them(run):
    shares = [*(np.arange(1001) / 1000).tolist(), 0.9996, 0.99996, 1 - 1e-12, 1e-12, 1e-5, 1.25, -0.5]
    written = run(BASE / "numbers.js", "given.map((one) => [it.percent(one), it.percent(one, 1), it.probability(one)])", shares)
    assert written == [[percent(one), percent(one, 1), probability(one)] for one in shares]
    assert [percent(one) for one in (0.005, 0.994, 0.996, 1 - 1e-12, 0.004, 0.0)] == ["1%", "99%", ">99%", "100%", "<1%", "0%"]


def test_numbers_are_rounded_half_up_as_they_are_read():
    for thousandths in range(-4000, 4000):  # 1.005 is not a binary fraction, and a person reads it as one and five thousandths
        exact = Decimal(thousandths) / 1000
        expected = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
        assert fixed(thousandths / 1000, 2) == f"{expected:.2f}".replace("-", "−" if expected else "")
    for sixteenths in range(-80, 80):  # Python's own format makes 0.12 of 0.125
        assert Fraction(fixed(sixteenths / 16, 4).replace("−", "-")) == Fraction(sixteenths, 16)
    assert [fixed(0.125, 2), fixed(0.12499999999999997, 2), fixed(0.1249999, 2)] == ["0.13", "0.13", "0.12"]


def test_what_is_no_number_is_written_alike(run):
    values = [float("inf"), -float("inf"), float("nan")]
    assert run(BASE / "numbers.js", "[1 / 0, -1 / 0, NaN].map((one) => it.plain(one))") == [plain_number(v) for v in values]


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
        np.testing.assert_allclose(np.array(stages[name]), expected[0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("temperature", [0.1, 1.0, 10.0])
def test_the_screen_has_pytorchs_softmax_and_sigmoid(run, temperature):
    logits = [50.0, -50.0, 49.9, 0.0, 3.3]
    module = BASE.parent / "softmax_sigmoid" / "numbers.js"
    z = torch.tensor(logits, dtype=torch.float64)
    softmax = run(module, f"it.softmax(given, {temperature})", logits)
    np.testing.assert_allclose(softmax, torch.softmax(z / temperature, 0), rtol=1e-12, atol=0)
    np.testing.assert_allclose(run(module, "it.sigmoid(given)", logits), torch.sigmoid(z), rtol=1e-12, atol=0)
    np.testing.assert_allclose(run(module, f"it.powers(given, {temperature})", logits), torch.exp(z / temperature), rtol=1e-12)


def test_the_screen_counts_as_scikit_learn_does(run):
    rng = np.random.default_rng(0)
    values, targets = rng.random((40, 4)).round(2).astype(np.float32), (rng.random((40, 4)) < 0.4).astype(np.float32)
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


def travels(pipeline):
    """What the screen computes from, and an expression that computes it."""
    state = pipeline.get_state(["layers", "_weights", "_pixels"])
    given = {"layers": state["layers"], "bytes": list(bytes(state["_weights"])), "pixels": state["_pixels"]}
    return given, "it.forward(given.layers, new DataView(Uint8Array.from(given.bytes).buffer), given.pixels)"


def read(maps):
    return np.array(maps, dtype=float)  # null becomes nan


@pytest.mark.parametrize("seeds", [range(25), range(25, 50)])
def test_the_screen_runs_a_network_as_pytorch_does(run, seeds):
    """Random networks of all layers: PyTorch's own run, layer by layer, is what the screen makes of the weights."""
    pipelines = [LayerPipeline(*random_network(seed)) for seed in seeds]
    assert len({layer["kind"] for pipeline in pipelines for layer in pipeline.layers}) >= 14
    given, forward = [travels(pipeline)[0] for pipeline in pipelines], travels(pipelines[0])[1]
    screens = run(PIPELINE, f"given.map((given) => {forward}.map(({{ maps }}) => maps))", given)
    for pipeline, screen in zip(pipelines, screens, strict=True):
        for maps, expected in zip(screen, pipeline._run.maps, strict=True):
            size = np.nanmax(np.abs(expected)) or 1.0
            np.testing.assert_allclose(read(maps), expected, rtol=1e-12, atol=1e-13 * size)


def test_weights_with_more_digits_than_float32_keep_them(run):
    model = nn.Sequential(nn.Conv2d(1, 2, 2), nn.Flatten(), nn.Linear(8, 3)).double()
    for weight in model.parameters():
        nn.init.normal_(weight)
    pipeline = LayerPipeline(model, torch.rand(1, 3, 3, dtype=torch.float64))
    given, forward = travels(pipeline)
    assert len(given["bytes"]) == 8 * sum(weight.numel() for weight in model.parameters())
    np.testing.assert_allclose(read(run(PIPELINE, f"{forward}.at(-1).maps", given)), pipeline._run.maps[-1], rtol=1e-12)


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
    pipeline = LayerPipeline(model, torch.randn(2, 15, 13))
    given, forward = travels(pipeline)
    made = f"""((all) => all.map((layer, number) => layer.maps.map((rows, map) => rows.map((row, r) => row.map((value, c) => {{
        if (value === null || number === 0) return value;
        const parts = it.seen(all, number, map, r, c);
        const saw = parts.flatMap((part) => part.values.flat()).filter((one) => one !== null);
        const weighed = () => parts.reduce((sum, part) => sum + it.dot(part.values, part.weights), 0);
        const at = layer.kind === "conv" ? map : r * rows[0].length + c;
        return {{ conv: () => weighed() + layer.weights.bias[at], linear: () => weighed() + layer.weights.bias[at],
            relu: () => Math.max(0, ...saw), max_pool: () => Math.max(...saw),
            adaptive_avg_pool: () => saw.reduce((a, b) => a + b) / saw.length }}[layer.kind]();
    }})))))({forward})"""
    for maps, expected in zip(run(PIPELINE, made, given), pipeline._run.maps, strict=True):
        np.testing.assert_allclose(read(maps), expected, rtol=0, atol=1e-12)


def test_what_each_map_gives_adds_up_to_a_convolution(run):
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2).double()
    x = torch.randn(4, 9, 8, dtype=torch.float64)
    given, forward = travels(LayerPipeline(conv, x))
    shares = np.array(run(PIPELINE, f"((all) => all[1].maps.map((_, map) => it.sharesOf(all, 1, map)))({forward})", given))
    assert shares.shape == (6, 2, 5, 4)
    for output in range(6):
        for channel in range(2):
            kernel, seen = conv.weight[output, channel], x[2 * (output // 3) + channel]
            expected = F.conv2d(seen[None, None], kernel[None, None], stride=2, padding=1)[0, 0].detach()
            np.testing.assert_allclose(shares[output, channel], expected, rtol=0, atol=1e-12)
    total = shares.sum(axis=1) + conv.bias.detach().numpy()[:, None, None]
    np.testing.assert_allclose(total, conv(x).detach(), rtol=0, atol=1e-12)


def test_the_screen_goes_on_where_python_has_stopped(run):
    model = "{ held: {}, set(name, value) { this.held[name] = value; }, save_changes() { throw new Error('Cannot send'); } }"
    assert run(BASE / "state.js", f"((model) => {{ it.set(model, {{ a: 1 }}); return model.held; }})({model})") == {"a": 1}


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_picture_becomes_the_numbers_that_pillow_makes_of_it(run, channels):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4), dtype=np.uint8)
    module = BASE.parent / "convolution_explorer" / "numbers.js"
    made = np.array(run(module, f"it.channelsOf(given, 5, 7, {channels})", pixels.ravel().tolist()))
    colours = Image.fromarray(pixels[:, :, :3])
    grey = np.asarray(colours.convert("L"))[None].repeat(channels, 0)
    expected = pixels[:, :, :3].transpose(2, 0, 1) if channels == 3 else grey
    np.testing.assert_allclose(made, expected / 255, rtol=0, atol=0.0026)  # Pillow's grey is a whole number


@pytest.mark.parametrize("end", [(3, 4), (3, -9), (20, 5), (-7, 4), (4, 4)])
def test_a_stroke_has_no_gaps(run, end):
    module = BASE.parent / "convolution_explorer" / "numbers.js"
    cells = run(module, "it.lineBetween(given[0], given[1])", [(3, 4), end])
    assert [cells[0], cells[-1]] == [[3, 4], list(end)]
    assert all(max(abs(a - c), abs(b - d)) == 1 for (a, b), (c, d) in pairwise(cells))
    assert len(cells) == 1 + max(abs(end[0] - 3), abs(end[1] - 4))


def test_a_layer_opens_at_its_most_telling_number(run):
    maps = [[[0, 0], [0, 0]], [[1, -3], [2, None]]]  # the first map is dead, as many are after a ReLU
    assert run(PIPELINE, "[it.strongest([given], 0), it.strongest([given], 0, 0)]", {"maps": maps}) == [
        [0, 1, 0, 1],
        [0, 0, 0, 0],
    ]


def test_a_widget_that_nobody_sees_any_more_stops_playing(run, tmp_path):
    """Two views, which Jupyter gives an object each for the same model; the clock has a third."""
    (tmp_path / "both.js").write_text(
        f'import {{ clock }} from "{relative(BASE / "player.js", tmp_path)}";\n'
        f'import {{ countView }} from "{relative(BASE / "state.js", tmp_path)}";\n\n'
        "export const parts = { clock, countView };\n"
    )
    places = run(
        tmp_path / "both.js",
        """await (async () => {
            const [held, heard] = [{ playing: true, delay: 5, place: 0, layout: {} }, {}];
            const proxy = () => ({ get: (name) => held[name], on: (event, react) => { heard[event] = react; },
                off() {}, save_changes() {},
                set: (name, value) => { held[name] = value; heard[`change:${name}`]?.(); } });
            const walk = { place: () => held.place, last: () => 1e6, to: (_, place) => ({ place }) };
            const rest = () => new Promise((done) => setTimeout(done, 60));
            const stop = it.parts.clock(proxy(), walk);
            const seen = [];
            const look = async () => { await rest(); seen.push([held.playing, held.place > 0]); held.place = 0; };
            await look(); // not in the page yet
            const gone = [it.parts.countView(proxy()), it.parts.countView(proxy())];
            await look();
            gone[0]();
            await look();
            gone[1]();
            await rest();
            held.place = 0;
            await look();
            stop();
            return seen;
        })()""",
    )
    assert places == [[True, False], [True, True], [True, True], [False, False]]


def relative(file, folder):
    return os.path.relpath(file, folder).replace(os.sep, "/")
