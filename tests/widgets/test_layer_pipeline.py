"""The pipeline's layers against a plain run of the model, and what it refuses."""

import numpy as np
import pytest
import torch
from openpyxl import load_workbook
from PIL import Image
from torch import nn

from course_utils import CourseError
from course_utils.widgets import LayerPipeline, letter, letter_a, letter_network


def small_model():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, stride=2, padding=1, groups=2),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 20),
        nn.Dropout(0.5),
        nn.Linear(20, 3),
        nn.Softmax(1),
    )


def test_every_layer_is_what_pytorch_gives():
    model, x = small_model(), torch.rand(2, 8, 8)
    pipeline = LayerPipeline(model, x, class_names=["cat", "dog", "plane"])
    value = x.double()[None]
    reference = small_model().double().eval()
    for name, layer in reference.named_children():
        value = layer(value)
        if not isinstance(layer, nn.Dropout):
            np.testing.assert_allclose(pipeline.values(name), value[0].detach(), atol=1e-12)
    assert model.training
    assert model[0].weight.dtype == torch.float32


def test_what_travels_to_the_screen():
    pipeline = LayerPipeline(small_model(), torch.rand(1, 2, 8, 8))
    layers = {layer["name"]: layer for layer in pipeline.layers}
    assert "4" not in layers  # flattening moves no number
    assert pipeline.layers[layers["5"]["sources"][0]]["name"] == "3"
    places = {name: layer["weights"]["weight"] for name, layer in layers.items() if "weight" in layer["weights"]}
    assert list(places) == ["0", "1", "5", "7"]
    weights = np.frombuffer(pipeline._weights, dtype="<f4")
    for name, place in places.items():
        given = small_model()[int(name)].weight.detach().numpy()
        assert place["shape"] == list(given.shape)
        np.testing.assert_array_equal(weights[place["start"] :][: given.size], given.ravel())
    assert weights.size == sum(value.numel() for value in small_model().state_dict().values() if value.is_floating_point())
    assert "maps" not in layers["5"]  # what the screen computes does not travel
    assert layers["0"]["settings"]["groups"] == 2
    assert pipeline.focus[0] == pipeline.layer == len(pipeline.layers) - 1


def test_layers_without_names_are_counted_as_they_stand_on_the_screen():
    pipeline = LayerPipeline(small_model(), torch.rand(1, 2, 8, 8))
    heads = [(layer["heading"], layer["subheading"]) for layer in pipeline.layers]
    assert heads[0] == ("input", "image")
    assert heads[1] == ("convolution", "layer 1")
    assert heads[5:] == [("fully connected", "layer 5"), ("fully connected", "layer 6"), ("softmax", "layer 7")]
    assert pipeline.layers[5]["label"] == "fully connected 5"
    assert pipeline.layer_names[5] == "5"  # the sixth module; flattening, the fifth, is not shown


def test_a_vector_that_does_not_fill_its_rows():
    pipeline = LayerPipeline(nn.Sequential(nn.Flatten(), nn.Linear(4, 17)), torch.rand(1, 2, 2))
    assert pipeline.layers[-1]["shape"] == [17]
    with pytest.raises(CourseError, match="has no number"):
        pipeline.focus = (1, 0, 3, 4)
    pipeline.focus = (1, 0, 3, 1)  # the seventeenth, in rows of five
    assert pipeline.picture()[1:4] == b"PNG"


def test_residual_addition_has_two_sources():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, x):
            return torch.relu(x + self.conv(x))

    pipeline = LayerPipeline(Block(), torch.rand(1, 5, 5))
    assert [layer["sources"] for layer in pipeline.layers] == [[], [0], [0, 1], [2]]


def test_the_letter_a_and_the_others():
    pipeline = LayerPipeline(letter_network(), letter_a())
    probability = {}
    for name in "ABHTX":
        pipeline.x = letter(name)
        probability[name] = pipeline.values("probability").item()
    assert probability.pop("A") == pytest.approx(1 / (1 + np.exp(-3)))
    assert max(probability.values()) < 0.2
    assert np.mean([np.log(p / (1 - p)) for p in probability.values()]) == pytest.approx(-3)


def test_bytes_of_a_picture_are_read_as_a_workbook_reads_them():
    pixels = np.random.default_rng(0).integers(256, size=(6, 7, 3), dtype=np.uint8)
    want = torch.tensor(pixels).permute(2, 0, 1).float() / 255
    for given in (Image.fromarray(pixels), pixels, torch.tensor(pixels).permute(2, 0, 1)[None]):
        assert torch.equal(LayerPipeline(nn.Conv2d(3, 1, 3), given).x.float(), want)


def test_another_image_moves_the_numbers():
    pipeline = LayerPipeline(letter_network(), letter_a(), layer=2)
    before = pipeline.get_state(["_pixels", "layers"])
    pipeline.x = letter("B")
    after = pipeline.get_state(["_pixels", "layers"])
    np.testing.assert_array_equal(after["_pixels"][0], letter("B"))
    assert (after["_pixels"] != before["_pixels"], after["layers"]) == (True, before["layers"])
    assert pipeline.layer == pipeline.focus[0] == 2
    with pytest.raises(CourseError, match="nan"):
        pipeline.x = np.full((28, 28), np.nan)
    np.testing.assert_array_equal(pipeline.x[0], letter("B"))


@pytest.mark.parametrize(
    ("model", "x", "options", "message"),
    [
        (nn.Conv2d(1, 1, 3), torch.rand(2, 1, 5, 5), {}, r"batch\[0\]"),
        (nn.Conv2d(1, 1, 3), torch.rand(3, 5, 5), {}, "it reads 1 channel and gets 3 × 5 × 5"),
        (nn.Conv2d(1, 1, 3), torch.full((5, 5), float("nan")), {}, "nan"),
        (nn.Conv2d(1, 1, 3), torch.rand(65, 5), {}, "64 pixels"),
        (nn.Sequential(nn.Flatten(), nn.Linear(4096, 100)), torch.rand(64, 64), {}, "100,000.*fully connected"),
        (nn.Sequential(nn.Conv2d(1, 4, 3), nn.PixelShuffle(2)), torch.rand(5, 5), {}, r"1 \(in another order, 1 × 6 × 6\)"),
        (nn.Sequential(nn.Conv2d(1, 1, 3), nn.GELU()), torch.rand(5, 5), {}, r"1 \(GELU, 1 × 3 × 3\)\n.*export_model"),
        (nn.Sequential(nn.Conv2d(1, 1, 3)), torch.rand(5, 5), {"class_names": ["a"]}, "1 class names"),
        (nn.Sequential(nn.Conv2d(1, 1, 3)), torch.rand(5, 5), {"layer": 2}, "0 to 1"),
        (nn.Sequential(nn.Conv2d(1, 1, 3)), torch.rand(5, 5), {"focus": (1, 0, 3, 0)}, "counted from 0"),
        (nn.Sequential(nn.Conv2d(1, 1, 3)), torch.rand(5, 5), {"delay": 0}, "delay"),
        (nn.Sequential(nn.Conv2d(1, 1, 3)), torch.rand(5, 5), {"speed": 0}, "no speed"),
    ],
)
def test_refusals_say_what_to_do(model, x, options, message):
    with pytest.raises(CourseError, match=message):
        LayerPipeline(model, x, **options)


def test_words_say_the_result():
    words = LayerPipeline(small_model(), torch.rand(2, 8, 8), class_names=["cat", "dog", "plane"]).describe()
    assert "convolution 1 (4 × 4 × 4)" in words
    assert any(f"for {name}" in words for name in ("cat", "dog", "plane"))
    assert "The last one gives 0.95" in LayerPipeline(letter_network(), letter_a()).describe()


def test_export(tmp_path):
    pipeline = LayerPipeline(letter_network(), letter_a())
    path = pipeline.export(tmp_path / "a.xlsx")
    numbers = [
        cell.value
        for sheet in load_workbook(path, data_only=True)
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, float)
    ]
    assert pipeline.values("probability").item() in [pytest.approx(number, abs=1e-12) for number in numbers]
    assert pipeline.export(tmp_path / "a.xlsx").name == "a_2.xlsx"


@pytest.mark.parametrize(
    ("name", "size", "message"), [("Ä", 28, "A, B"), ([], 28, "A, B"), ("A", 5, "12 to 1,000"), ("A", "b", "12 to 1,000")]
)
def test_letters_that_are_not_drawn(name, size, message):
    with pytest.raises(CourseError, match=message):
        letter(name, size)
