"""The explorer's numbers against torch.nn.functional, its settings, and what it refuses."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from openpyxl import load_workbook

from course_utils import CourseError
from course_utils.widgets import PRESETS, ConvolutionExplorer


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize(("stride", "padding", "pool"), [(1, 0, 1), (1, 1, 2), (2, 1, 3), (3, 2, 1)])
@pytest.mark.parametrize("relu", [False, True])
def test_stages_are_what_pytorch_gives(channels, stride, padding, pool, relu):
    image, kernels, bias = random(channels, 11, 9), random(3, channels, 3, 2, seed=1), random(3, seed=2)
    explorer = ConvolutionExplorer(image, kernels, bias, stride=stride, padding=padding, pool=pool, relu=relu)
    expected = F.conv2d(torch.tensor(image)[None], torch.tensor(kernels), torch.tensor(bias), stride, padding)
    np.testing.assert_array_equal(explorer.output, expected[0])
    expected = expected.clamp(min=0) if relu else expected
    np.testing.assert_array_equal(explorer.rectified, expected[0])
    expected = F.max_pool2d(expected, pool)
    np.testing.assert_array_equal(explorer.pooled, expected[0])
    np.testing.assert_allclose(explorer.layer()(torch.tensor(image)[None])[0].detach(), explorer.pooled, atol=1e-12)


def test_window_times_kernel_is_the_output_everywhere():
    explorer = ConvolutionExplorer(random(2, 6, 7), random(2, 2, 3, 3, seed=1), bias=[0.5, -1], stride=2, padding=2, selected=1)
    rows, columns = explorer.output.shape[1:]
    for row in range(rows):
        for column in range(columns):
            explorer.position = (row, column)
            total = (explorer.window() * explorer.kernels[1]).sum() - 1
            assert total == pytest.approx(explorer.output[1, row, column], abs=1e-12)


@pytest.mark.parametrize("name", PRESETS)
def test_presets(name):
    image = random(5, 5)
    expected = F.conv2d(torch.tensor(image)[None, None], torch.tensor(PRESETS[name], dtype=torch.float64)[None, None])
    np.testing.assert_array_equal(ConvolutionExplorer(image, name).output, expected[0])


def test_presets_mean_what_they_are_called():
    bright_above, bright_left = np.repeat([[1.0], [0], [0]], 3, 1), np.repeat([[1.0, 0, 0]], 3, 0)

    def answer(name, image):
        return ConvolutionExplorer(image, name).output.item()

    assert answer("top edge", bright_above) == 3 == -answer("bottom edge", bright_above)
    assert answer("left edge", bright_left) == 3 == -answer("right edge", bright_left)
    flat = np.full((3, 3), 0.5)
    for name in ("top edge", "bottom edge", "left edge", "right edge", "outline"):
        assert answer(name, flat) == 0
    for name in ("blur", "sharpen", "emboss", "identity"):
        assert answer(name, flat) == pytest.approx(0.5)


def test_every_change_is_computed_again():
    explorer = ConvolutionExplorer(random(6, 6), "identity")
    image = explorer.image.copy()
    image[0, 1, 1] = 42
    explorer.image = image
    assert explorer.output[0, 0, 0] == 42
    explorer.kernels = explorer.kernels * 2
    assert explorer.output[0, 0, 0] == 84
    explorer.bias = [1]
    assert explorer.output[0, 0, 0] == 85
    explorer.padding = 1
    assert explorer.output.shape == (1, 6, 6)
    explorer.stride = 3
    assert explorer.output.shape == (1, 2, 2)
    assert explorer.output[0, 0, 0] == explorer.image[0, 0, 0] * 2 + 1


def test_position_stays_inside_when_the_output_shrinks():
    explorer = ConvolutionExplorer(random(6, 6), position=(3, 2))
    explorer.stride = 2
    assert explorer.position == (1, 1)


def test_it_opens_where_something_is_seen():
    image = np.zeros((6, 6))
    assert ConvolutionExplorer(image).position == (0, 0)
    image[4, 3] = 1
    explorer = ConvolutionExplorer(image, {"down": [[0, 0], [1, 5]]})
    assert explorer.position == (3, 2)
    assert explorer.output[0, 3, 2] == 5
    assert ConvolutionExplorer(image, position=(0, 0)).position == (0, 0)
    image[1, 1] = 0.1
    assert ConvolutionExplorer(image).position == (0, 0)


def test_arrays_cannot_be_changed_behind_its_back():
    explorer = ConvolutionExplorer(random(6, 6))
    with pytest.raises(ValueError, match="read-only"):
        explorer.image[0, 0, 0] = 1


def test_names_follow_the_numbers():
    explorer = ConvolutionExplorer(random(6, 6), ["blur", "outline"], selected=1)
    explorer.use_preset("emboss")
    assert explorer.names == ["blur", "emboss"]
    explorer.kernels = explorer.kernels + np.array([0, 1]).reshape(2, 1, 1, 1)
    assert explorer.names == ["blur", "kernel 2"]


def test_a_preset_fits_a_larger_kernel():
    explorer = ConvolutionExplorer(random(8, 8), np.ones((5, 5)))
    explorer.use_preset("identity")
    np.testing.assert_array_equal(explorer.output[0], explorer.image[0, 2:-2, 2:-2])


def test_state_travels_both_ways():
    explorer = ConvolutionExplorer(random(2, 5, 5), random(1, 2, 2, 2, seed=1))
    state = explorer.get_state()
    other = ConvolutionExplorer(np.zeros((2, 5, 5)), np.zeros((1, 2, 2, 2)))
    other.set_state({name: state[name] for name in ("image", "kernels", "bias")})  # as JavaScript sends it
    np.testing.assert_array_equal(other.output, explorer.output)


def test_images_and_kernels_in_other_forms():
    tensor = torch.rand(5, 5)
    expected = ConvolutionExplorer(tensor.double().numpy()[None], {"mine": PRESETS["blur"]})
    np.testing.assert_array_equal(ConvolutionExplorer(tensor.tolist(), "blur").output, expected.output)
    np.testing.assert_array_equal(ConvolutionExplorer(tensor, torch.tensor(PRESETS["blur"])).output, expected.output)
    conv = torch.nn.Conv2d(3, 2, 3).double()
    explorer = ConvolutionExplorer(torch.rand(3, 6, 6), conv.weight, conv.bias)
    np.testing.assert_allclose(explorer.output, conv(torch.tensor(explorer.image)[None])[0].detach(), atol=1e-12)


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (np.zeros((2, 3, 4, 5)), {}, r"\(2, 3, 4, 5\).*batch\[0\]"),
        (np.zeros((28, 28, 3)), {}, r"channels first: image\.transpose\(2, 0, 1\)"),
        (torch.zeros(28, 28, 3), {}, r"channels first: image\.permute\(2, 0, 1\)"),
        (np.zeros((28, 28, 3)).tolist(), {}, r"channels first: numpy\.array\(image\)\.transpose\(2, 0, 1\)"),
        (np.zeros((5, 28, 28)), {}, "5 channels"),
        (np.zeros((0, 5)), {}, "shape"),
        (np.zeros((100, 100)), {}, "64 pixels"),
        ([[1, 2], [3]], {}, "rows of one length"),
        ([["a", "b"]], {}, "numbers"),
        ([[1.0, np.nan]], {}, "nan"),
        ([[1.0, np.inf]], {}, "inf"),
        (np.full((4, 4), 1e300), {}, "at most 1e"),
        (np.zeros((2, 2)), {}, "does not fit"),
        (np.zeros((5, 5)), {"kernels": "swirl"}, "swirl.*top edge"),
        (np.zeros((5, 5)), {"kernels": np.zeros((2, 3, 3))}, r"\(2, 3, 3\).*Conv2d"),
        (np.zeros((5, 5)), {"kernels": np.zeros((1, 3, 3, 3))}, r"1 channel"),
        (np.zeros((5, 5)), {"kernels": np.full((3, 3), np.nan)}, "nan"),
        (np.zeros((20, 20)), {"kernels": np.zeros((8, 8))}, "1 to 7"),
        (np.zeros((5, 5)), {"kernels": []}, "kernels"),
        (np.zeros((5, 5)), {"kernels": np.zeros((9, 1, 3, 3))}, "1 to 8"),
        (np.zeros((5, 5)), {"kernels": {"a": np.zeros((3, 3)), "b": np.zeros((2, 2))}}, "one shape"),
        (np.zeros((5, 5)), {"bias": [1, 2, 3]}, "biases"),
        (np.zeros((5, 5)), {"stride": 0}, "stride is 0"),
        (np.zeros((5, 5)), {"padding": 9}, "padding is 9"),
        (np.zeros((5, 5)), {"pool": 4}, "max pool 4 × 4"),
        (np.zeros((5, 5)), {"selected": 2}, "selected is 2"),
        (np.zeros((5, 5)), {"delay": 1}, "delay"),
        (np.zeros((5, 5)), {"palette": "red"}, "palette is 'red'; expected .*blue-orange.*lecture"),
        (np.zeros((5, 5)), {"speed": 1}, "no speed"),
    ],
)
def test_refusals_say_what_to_do(image, options, message):
    with pytest.raises(CourseError, match=message):
        ConvolutionExplorer(image, **options)


def test_a_refused_setting_changes_nothing():
    explorer = ConvolutionExplorer(random(5, 5), stride=2, pool=2)
    before = explorer.output
    for name, value in [
        ("stride", 4),
        ("pool", 3),
        ("image", np.zeros((2, 5, 5))),
        ("bias", [np.nan, 0]),
        ("position", (9, 0)),
    ]:
        with pytest.raises(CourseError):
            setattr(explorer, name, value)
    assert (explorer.stride, explorer.pool, explorer.position) == (2, 2, (0, 0))
    assert explorer.output is before


def test_words_say_the_output():
    words = ConvolutionExplorer(np.eye(4), "identity", position=(1, 1), relu=True, pool=2).describe()
    for part in (
        "4 × 4 image",
        "“identity”",
        "2 × 2 outputs",
        "row 2, column 2",
        "9 products",
        "add up to 1. ReLU leaves it 1.",
    ):
        assert part in words
    assert (
        "add up to −1. ReLU makes it 0." in ConvolutionExplorer(-np.eye(4), "identity", position=(1, 1), relu=True).describe()
    )


def test_export_writes_the_numbers_on_the_screen(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    explorer = ConvolutionExplorer(random(6, 6), ["top edge", "blur"], relu=True, pool=2)
    path = explorer.export()
    assert path.name == "convolution.xlsx"
    assert "convolution.xlsx" in explorer.message
    values = {
        round(cell.value, 9)
        for sheet in load_workbook(path, data_only=True)
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, (int, float))
    }
    assert {round(float(value), 9) for stage in (explorer.output, explorer.pooled) for value in stage.flat} <= values


def test_export_keeps_what_is_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "convolution.xlsx").write_text("mine")
    explorer = ConvolutionExplorer(random(5, 5))
    assert [explorer.export().name, explorer.export().name] == ["convolution_2.xlsx", "convolution_3.xlsx"]
    assert (tmp_path / "convolution.xlsx").read_text() == "mine"
    with pytest.raises(CourseError, match=r"\.xlsx"):
        explorer.export("convolution.txt")


def test_the_export_button_sends_the_file_and_says_what_went_wrong(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sent = []
    monkeypatch.setattr(ConvolutionExplorer, "send", lambda self, content, buffers=None: sent.append((content, buffers)))
    explorer = ConvolutionExplorer(random(5, 5))
    explorer._handle_custom_msg({"ask": "export"}, [])
    assert sent[0][0] == {"exported": "convolution.xlsx"}
    assert sent[0][1][0] == (tmp_path / "convolution.xlsx").read_bytes()
    explorer.export_path = "convolution.xlsx/inside.xlsx"  # a file where a folder should be
    explorer._handle_custom_msg({"ask": "export"}, [])
    assert explorer.message.startswith("Nothing was written.")
    with pytest.raises(CourseError, match="swirl"):
        explorer.use_preset("swirl")


def test_what_the_screen_sends_is_checked_too(monkeypatch):
    explorer = ConvolutionExplorer(random(5, 5), "blur")
    before, sent = explorer.output, []
    monkeypatch.setattr(explorer, "send_state", lambda key=None: sent.append(key))
    explorer.set_state({"stride": 2, "image": [[[0.0, None], [1.0, 2.0]]]})
    assert "image" in explorer.message
    explorer.set_state({"relu": True, "pool": 4})
    assert "max pool 4 × 4" in explorer.message
    assert (explorer.stride, explorer.relu, explorer.pool) == (1, False, 1)
    np.testing.assert_array_equal(explorer.output, before)
    assert ["stride", "image"] in sent
    assert ["relu", "pool"] in sent
