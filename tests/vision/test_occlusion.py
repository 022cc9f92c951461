"""Occlusion maps of networks of which it is known where they look, and of a learner and a predictor."""

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.errors import CourseError
from course_utils.vision import ImagePredictor, image_learner, occlusion_map, transforms_for
from course_utils.vision.occlusion import spread

SIZE = 40


class Corner(nn.Module):
    """Says "bright" by the mean of the ten by ten pixels at the lower left, and counts the pictures that it saw."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(4.0))
        self.seen = 0

    def forward(self, x):
        self.seen += len(x)
        corner = x[:, :, 30:, :10].mean(dim=(1, 2, 3))
        return torch.stack([corner * self.weight, torch.zeros_like(corner)], 1)


def predictor(task="single-label"):
    return ImagePredictor(Corner(), ["bright", "dark"], task, transforms_for(None, SIZE), device="cpu")


def white():
    return np.full((60, 60, 3), 255, dtype=np.uint8)


@pytest.mark.parametrize("task", ["single-label", "multi-label"])
def test_a_network_that_looks_at_one_corner(task):
    one = predictor(task)
    told = []
    found = occlusion_map(one, white(), places=4, side=10, progress=lambda done, total: told.append((done, total)))
    assert (found.starts, found.side, found.classes) == ([0, 10, 20, 30], 10, ["bright", "dark"])
    assert one.model.seen == 17
    assert told == [(16, 16)]
    x = float(one.transforms.one(white())[:, 30:, :10].mean())
    activation = (lambda z: torch.softmax(z, 0)) if task == "single-label" else torch.sigmoid
    whole, covered = activation(torch.tensor([4 * x, 0.0])), activation(torch.tensor([0.0, 0.0]))
    torch.testing.assert_close(found.probabilities, whole)
    drop = found.drop("bright")
    assert drop[3, 0] == pytest.approx(float(whole[0] - covered[0]), abs=1e-6)
    elsewhere = drop.clone()
    elsewhere[3, 0] = 0
    assert elsewhere.abs().max() < 1e-6
    heat = found.heat("bright")
    assert heat[30:, :10].min() == heat[30:, :10].max() == pytest.approx(float(drop[3, 0]))
    assert heat[:30].abs().max() < 1e-6
    assert found.colours.shape == (3, SIZE, SIZE)


def test_squares_that_cover_half_of_the_corner():
    drop = occlusion_map(predictor(), white(), places=7, side=10).drop("bright")  # by five pixels
    assert drop[6, 0] > drop[5, 0] > drop[5, 1] > 0.0001
    assert drop[5, 0] == pytest.approx(float(drop[6, 1]), abs=1e-6)
    assert drop[:5].abs().max() < 1e-6
    assert drop[:, 2:].abs().max() < 1e-6


def test_a_small_network_has_as_many_places_as_there_is_room_for():
    found = occlusion_map(predictor(), white(), side=SIZE - 3)
    assert found.starts == [0, 1, 2, 3]
    assert occlusion_map(predictor(), white(), side=SIZE).heat("bright").shape == (SIZE, SIZE)


def test_each_pixel_has_the_mean_of_the_squares_that_cover_it():
    rng = np.random.default_rng(0)
    drops, starts, side, size = torch.tensor(rng.normal(size=(5, 5))), [0, 3, 7, 11, 14], 6, 20
    expected = np.zeros((size, size))
    for row in range(size):
        for column in range(size):
            covering = [
                float(drops[r, c])
                for r, top in enumerate(starts)
                for c, left in enumerate(starts)
                if top <= row < top + side and left <= column < left + side
            ]
            expected[row, column] = np.mean(covering)
    np.testing.assert_allclose(spread(drops, starts, side, size), expected, atol=1e-12)
    assert spread(torch.ones(2, 2), [0, 4], 2, 6)[3].abs().max() == 0  # covered by none


def test_a_learner_and_its_predictor_say_the_same(image_data, tmp_path):
    learner = image_learner(image_data, path=tmp_path)
    picture = image_data.path / image_data.file_names("valid")[0]
    found = occlusion_map(learner, picture, places=3)
    prediction = learner.predict_image(picture)
    assert torch.equal(found.probabilities, prediction.probabilities)
    assert (found.side, found.classes) == (round(32 / 5), image_data.classes)
    from course_utils import load_predictor

    loaded = load_predictor(learner.export(tmp_path / "a.course"), device="cpu")
    torch.testing.assert_close(occlusion_map(loaded, picture, places=3).covered, found.covered)
    x = image_data.transforms.one(picture)
    x[:, found.starts[1] : found.starts[1] + found.side, found.starts[2] : found.starts[2] + found.side] = 0
    torch.testing.assert_close(found.covered[1, 2], learner.probabilities_of(x[None])[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"places": 1}, "places is 1; it is a whole number, 2 or more"),
        ({"places": 65}, "a square of 8 in 40 pixels has at most 33 along a side"),
        ({"side": 41}, "side is 41; the network sees 40 pixels a side"),
        ({"picture": "no such.jpg"}, r"no such\.jpg"),
        ({"learner": Corner()}, "learner is Corner.*; give an image_learner, or what load_predictor returns"),
    ],
)
def test_refusals_say_what_to_do(options, message):
    with pytest.raises(CourseError, match=message):
        occlusion_map(**{"learner": predictor(), "picture": white(), **options})
    with pytest.raises(CourseError, match="no class is called 'grey'; there are: bright, dark"):
        occlusion_map(predictor(), white(), places=2).drop("grey")
