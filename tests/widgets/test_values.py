"""What a trait takes and refuses, from Python and from the screen, and what the Export button does with it."""

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from course_utils.training import Predictions
from course_utils.vision import ImageData, Transforms
from course_utils.widgets import (
    ConvolutionExplorer,
    CrossEntropy,
    LayerPipeline,
    SoftmaxSigmoid,
    ThresholdExplorer,
    WidgetError,
)
from course_utils.widgets.base.free_names import reserved


@pytest.fixture
def explorer(tmp_path, monkeypatch):
    """One in an empty folder, the notebook's."""
    (tmp_path / "class" / "notebook").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "class" / "notebook")
    return ConvolutionExplorer(torch.eye(5), "top edge")


def press(widget):
    """What the screen hears after a press of the Export button."""
    heard = []
    widget.observe(lambda change: heard.append(change["new"]), "message")
    widget.send = lambda content, buffers=None: heard.append(content)
    widget._receive(widget, {"ask": "export"}, [])
    widget.unobserve_all("message")
    return heard


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("stride", np.int64(2), 2),
        ("stride", torch.tensor(2), 2),
        ("stride", (2, 2), 2),
        ("stride", nn.Conv2d(1, 1, 3, stride=2).stride, 2),
        ("relu", np.bool_(True), True),
        ("relu", torch.tensor(True), True),
        ("export_path", Path("a") / "b.xlsx", str(Path("a") / "b.xlsx")),
        ("position", (np.int64(1), torch.tensor(2)), (1, 2)),
        ("position", [1, 2], (1, 2)),
        ("names", (np.str_("mine"),), ["mine"]),
    ],
)
def test_numbers_of_other_libraries_are_taken(name, given, kept):
    created, later = ConvolutionExplorer(torch.eye(5), "top edge"), ConvolutionExplorer(torch.eye(5), "top edge")
    if name != "names":
        created = ConvolutionExplorer(torch.eye(5), "top edge", **{name: given})
        assert getattr(created, name) == kept
    setattr(later, name, given)
    assert getattr(later, name) == kept
    assert type(getattr(later, name)) is type(kept)


@pytest.mark.parametrize(
    ("name", "given"),
    [("stride", (1, 2)), ("stride", 1.5), ("stride", None), ("stride", "2"), ("relu", 2), ("export_path", 3), ("names", 7),
     ("position", (1,)), ("position", None), ("delay", float("nan")), ("image", None), ("image", "x"), ("kernels", object())],
)  # fmt: skip
def test_what_does_not_fit_is_a_widget_error_at_both_times(name, given, explorer):
    before = getattr(explorer, name)
    with pytest.raises(WidgetError, match=name):
        setattr(explorer, name, given)
    assert np.array_equal(getattr(explorer, name), before)
    if name not in ("image", "kernels", "names"):
        with pytest.raises(WidgetError, match=name):
            ConvolutionExplorer(torch.eye(5), "top edge", **{name: given})


def test_half_precision_everywhere(tmp_path):
    picture = torch.rand(6, 6).bfloat16()
    assert np.array_equal(ConvolutionExplorer(picture).image[0], picture.double().numpy())
    kernels = torch.rand(2, 1, 3, 3).bfloat16()
    assert np.array_equal(ConvolutionExplorer(picture, kernels).kernels, kernels.double().numpy())
    assert np.array_equal(ConvolutionExplorer(picture, {"k": kernels[0]}).kernels[0], kernels[0].double().numpy())
    pipeline = LayerPipeline(nn.Sequential(nn.Conv2d(1, 1, 3)), picture)
    assert np.array_equal(pipeline.values("input")[0], picture.double().numpy())
    assert SoftmaxSigmoid(torch.tensor([1.0, 2.0]).bfloat16(), ["a", "b"], temperature=np.float32(2)).temperature == 2.0
    (tmp_path / "a.jpg").touch()
    values = torch.tensor([[0.9, 0.3]]).bfloat16()
    thresholds = ThresholdExplorer(
        Predictions(values, torch.tensor([[1.0, 0.0]]), ["a.jpg"], ["x", "y"]), tmp_path, threshold=torch.tensor(0.25)
    )
    assert thresholds.threshold == 0.25
    assert np.array_equal(thresholds.values, values.float().numpy())


@pytest.mark.parametrize("sent", [None, "warm", [1.0], float("nan"), {}])
def test_the_screen_is_told_of_what_does_not_fit(sent):
    widget = SoftmaxSigmoid()
    widget.set_state({"temperature": sent})
    assert "temperature" in widget.message
    assert widget.temperature == 1.0


def test_each_press_is_answered(explorer, monkeypatch):
    for path in ("report.txt", "such\0.xlsx", "x" * 300 + ".xlsx"):
        explorer.export_path = path
        for _ in range(2):
            assert press(explorer)[-1].startswith("Nothing was written. "), path
    explorer.export_path = "net.xlsx"
    monkeypatch.setattr(ConvolutionExplorer, "layer", lambda self: 1 / 0)
    for _ in range(2):
        assert press(explorer)[-1] == "Nothing was written. ZeroDivisionError: division by zero"
    assert list(Path().iterdir()) == []
    monkeypatch.undo()


@pytest.mark.parametrize("path", ["../up.xlsx", "sub/x.xlsx", "..\\up.xlsx", "C:x.xlsx", "/tmp/x.xlsx", "./../x.xlsx"])
def test_a_page_cannot_lead_the_button_out_of_the_folder(explorer, path):
    explorer.set_state({"export_path": path})
    assert "not beside the notebook" in press(explorer)[-1]
    with pytest.raises(WidgetError, match="not beside the notebook"):
        explorer.export()
    assert not list(Path("../..").rglob("*.xlsx"))


def test_python_chooses_any_folder_and_a_page_a_name(explorer):
    explorer.set_state({"export_path": "../up.xlsx"})
    explorer.export_path = "../up.xlsx"  # the same, and Python's own wish
    explorer.set_state({"export_path": "../up.xlsx"})  # as a screen that sends its whole state
    assert press(explorer)[-1] == {"exported": "up.xlsx"}
    assert Path("../up.xlsx").is_file()
    explorer.set_state({"export_path": "mine.xlsx"})
    assert press(explorer)[-1] == {"exported": "mine.xlsx"}


def test_a_name_is_given_once(tmp_path):
    with reserved(tmp_path / "new" / "a.xlsx", ".xlsx") as first, reserved(tmp_path / "new" / "a.xlsx", ".xlsx") as second:
        assert (first.name, second.name) == ("a.xlsx", "a_2.xlsx")
    with pytest.raises(ZeroDivisionError), reserved(tmp_path / "b.xlsx", ".xlsx"):
        1 / 0  # noqa: B018
    assert not (tmp_path / "b.xlsx").exists()


def test_many_that_export_at_once(tmp_path):
    def written(number):
        with reserved(tmp_path / "a.xlsx", ".xlsx") as target:
            target.write_text(str(number))
        return target.name

    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(written, range(40)))
    assert len(set(names)) == 40
    assert sorted(file.read_text() for file in tmp_path.iterdir()) == sorted(map(str, range(40)))


def one_layer():
    return nn.Sequential(nn.Conv2d(1, 1, 3))


def some_predictions(items):
    return Predictions(torch.rand(2, 2), torch.ones(2, 2), items, ["x", "y"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SoftmaxSigmoid(seed="a"), "seed is 'a'; expected a whole number"),
        (lambda: SoftmaxSigmoid(seed=1.5), "seed is 1.5; expected a whole number"),
        (lambda: SoftmaxSigmoid(seed=None), "seed is None"),
        (lambda: SoftmaxSigmoid(classes=5), "classes is 5; expected a list of names"),
        (lambda: SoftmaxSigmoid(classes=None), "classes is None"),
        (lambda: SoftmaxSigmoid(classes={"a", "b"}), "expected a list of names"),
        (lambda: SoftmaxSigmoid(classes=["a", None]), "expected a list of names"),
        (lambda: LayerPipeline(one_layer(), torch.rand(5, 5), class_names=5), "class_names is 5; expected a list of names"),
        (lambda: LayerPipeline(one_layer(), torch.rand(5, 5), layer="a"), "layer is 'a'; expected a whole number"),
        (lambda: LayerPipeline(one_layer(), torch.rand(5, 5), layer=None), "layer is None"),
        (lambda: LayerPipeline(one_layer(), torch.rand(5, 5), layers=[]), "has no layers; try layer, focus"),
        (lambda: LayerPipeline(one_layer(), np.full((5, 5), 1e300)), "at most 1e"),
        (lambda: LayerPipeline(one_layer(), torch.rand(2, 2)), "give a larger picture"),
        (lambda: LayerPipeline(nn.Conv2d(3, 1, 3), torch.rand(8, 8)), "channel"),
        (lambda: LayerPipeline(nn.Conv2d(3, 1, 3), torch.rand(8, 8, 3)), r"first: x\.permute\(2, 0, 1\)"),
        (lambda: LayerPipeline(nn.Conv2d(3, 1, 3), np.zeros((8, 8, 3))), r"first: x\.transpose\(2, 0, 1\)"),
        (lambda: LayerPipeline(nn.Conv2d(3, 1, 3), np.zeros((1, 8, 8, 3))), r"first: x\[0\]\.transpose\(2, 0, 1\)"),
        (lambda: ConvolutionExplorer(np.zeros((5, 28, 28))), r"5 channels; give one to four of them, as in image\[:3\]"),
        (lambda: ConvolutionExplorer(np.zeros((5, 5)), position=(7, 7)), r"position is \(7, 7\)"),
        (lambda: ConvolutionExplorer("a.jpg"), "a Pillow image or a list"),
        (lambda: ConvolutionExplorer(1j * np.ones((7, 7))), "these are complex numbers"),
        (lambda: ConvolutionExplorer(torch.ones(7, 7, dtype=torch.complex64)), "these are complex numbers"),
        (lambda: ConvolutionExplorer(None), "the image is None; expected numbers"),
        (lambda: ConvolutionExplorer(np.zeros((0, 0))), r"the image has shape \(0, 0\); expected numbers"),
        (lambda: SoftmaxSigmoid(classes=["a"]), r"classes has 1 name, \['a'\]; give 2 to 10"),
        (lambda: CrossEntropy([[]], [0]), r"logits has shape \(0, 0\); expected \(pictures"),
        (lambda: ConvolutionExplorer(np.zeros((5, 5))).export(5), "path to write to is 5"),
        (lambda: ThresholdExplorer(None, "."), r"predictions is None; expected what learner\.predict\(\) gives"),
        (lambda: ThresholdExplorer(some_predictions(["a", "b"]), None), "folder is None"),
        (
            lambda: ThresholdExplorer(some_predictions(["valid/0", "valid/1"]), "."),
            "give the folder .* or for pictures in memory the",
        ),
    ],
)
def test_what_a_beginner_may_give_is_refused_in_words(make, message):
    with pytest.raises(WidgetError, match=message):
        make()


def test_pillow_images_are_taken_as_a_workbook_takes_them():
    pixels = np.arange(75, dtype=np.uint8).reshape(5, 5, 3)
    expected = pixels.transpose(2, 0, 1) / np.float32(255)
    for image in (Image.fromarray(pixels), pixels, torch.tensor(pixels)):
        assert np.array_equal(LayerPipeline(nn.Conv2d(3, 1, 3), image).values("input"), expected)
    assert np.array_equal(ConvolutionExplorer(Image.fromarray(pixels)).image, expected)


def test_pictures_in_memory_are_shown_too():
    pixels = np.full((4, 40, 40, 3), [10, 200, 90], np.uint8)
    tags = [["x"], ["y"], ["x", "y"], ["x"]]
    data = ImageData.from_arrays((pixels, tags), (pixels[:2], tags[:2]), Transforms(32), task="multi-label")
    explorer = ThresholdExplorer(some_predictions(data.items("valid")), data)
    first = Image.open(io.BytesIO(explorer.thumbnail(0)))
    assert np.allclose(first.getpixel((90, 90)), (10, 200, 90), atol=6)
