"""What layers see, on pictures of which it is known where a channel is largest."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.errors import CourseError
from course_utils.training.precision import Precision
from course_utils.vision import show_exciting

PLACES = [(16, 40), (24, 24), (48, 20), (40, 44)]  # of a red spot in each picture, the largest last


@pytest.fixture
def learner():
    pictures = torch.full((4, 3, 64, 64), 0.5)
    for i, (row, column) in enumerate(PLACES):
        pictures[i, 0, row - 2 : row + 2, column - 2 : column + 2] += 0.1 * (i + 1)
    body = nn.Sequential(nn.AvgPool2d(4), nn.BatchNorm2d(3), nn.Flatten())
    body[1].train()
    data = SimpleNamespace(
        valid_ds=[(picture, None) for picture in pictures],
        batch_size=2,
        device="cpu",
        transforms=SimpleNamespace(denormalise=lambda x: x),
    )
    return SimpleNamespace(body=body, data=data, precision=Precision(body, torch.device("cpu")))


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_the_parts_are_those_around_the_largest_activations_from_the_strongest_on(learner, precision):
    learner.body.append(nn.Linear(768, 2)).to(precision)  # a layer that takes its own precision alone
    figure = show_exciting(learner, ["0"], channels=1, parts=4)
    parts = [np.asarray(axes.images[0].get_array()) for axes in figure.axes]
    assert [part.shape for part in parts] == [(16, 16, 3)] * 4
    strengths = [round(float(part[..., 0].max()), 1) for part in parts]
    assert strengths == [0.9, 0.8, 0.7, 0.6]
    spots = [np.argwhere(part[..., 0] == part[..., 0].max()).mean(0) for part in parts[:1]]
    assert np.abs(np.array(spots) - 7.5).max() <= 2  # in the middle of its part


def test_the_learner_is_left_as_it_was(learner):
    before = {name: value.clone() for name, value in learner.body.state_dict().items()}
    random = torch.random.get_rng_state()
    show_exciting(learner, ["1"], channels=2)
    assert learner.body.training
    assert not learner.body[1]._forward_hooks
    assert all(torch.equal(value, before[name]) for name, value in learner.body.state_dict().items())
    assert torch.equal(random, torch.random.get_rng_state())


def test_a_layer_that_is_not_there_and_one_without_maps_are_refused(learner):
    with pytest.raises(CourseError, match=r"no layer 'blocks\.1'; it has 0, 1, 2"):
        show_exciting(learner, "blocks.1")
    with pytest.raises(CourseError, match=r"out of '2' is \(4, 768\); expected maps"):
        show_exciting(learner, ["2"])
