from collections import OrderedDict

import numpy as np
import pytest
from torch import nn

from course_utils.errors import CourseError
from course_utils.training import accuracy, set_seed
from course_utils.vision import ImageData, show_growing_sizes, transforms_for
from course_utils.vision.learner import ImageLearner
from tests.vision.figures.legible import check_legible


@pytest.fixture
def learner(pictures, tmp_path):
    set_seed(0)
    layers = {"body": nn.Conv2d(3, 4, 3), "pool": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), "head": nn.Linear(4, 2)}
    return ImageLearner(
        data(pictures, 16), nn.Sequential(OrderedDict(layers)), metrics=[accuracy], progress=False, path=tmp_path
    )


def data(pictures, size, batch_size=8):
    return ImageData.from_folders(pictures, transforms_for(None, size), batch_size=batch_size)


def bands(axis):
    """Where the bands are, in steps, and the labels above them."""
    extents = [patch.get_extents().transformed(axis.transData.inverted()) for patch in axis.patches]
    return [(round(e.x0), round(e.x1)) for e in extents], [text.get_text() for text in axis.texts]


def test_each_size_has_a_band_with_its_metric(learner, pictures):
    learner.fit(0.01, 2)  # 5 steps in each epoch
    learner.fit(0.02, 2, cycle_len=1)
    learner.set_data(data(pictures, 32))
    learner.fit(0.01, 3)
    learner.set_data(data(pictures, 24, batch_size=4))
    learner.fit(0.005, 1)
    figure = show_growing_sizes(learner)
    top, bottom = figure.axes
    epochs, ends = learner.recorder.epochs, [5, 10, 15, 20, 25, 30, 35, 45]
    accuracies = [f"accuracy {epochs[i]['accuracy']:.3f}" for i in (3, 6, 7)]
    places, labels = bands(top)
    assert places == [(0, 20), (20, 35), (35, 45)] == bands(bottom)[0]
    assert labels == [f"{size} px\n{value}" for size, value in zip((16, 32, 24), accuracies, strict=True)]

    validation = [line for line in top.lines if line.get_marker() == "o"]
    assert np.concatenate([line.get_xdata() for line in validation]).tolist() == ends
    assert np.concatenate([line.get_ydata() for line in validation]).tolist() == [epoch["valid loss"] for epoch in epochs]
    training = [line for line in top.lines if line.get_marker() != "o"]
    assert np.concatenate([line.get_xdata() for line in training]).tolist() == list(range(1, 46))
    rates = bottom.lines[0]
    assert rates.get_xdata().tolist() == list(range(1, 46))
    assert rates.get_ydata().tolist() == [rate[-1] for rate in learner.recorder.rates]
    assert [text.get_text() for text in top.get_legend().get_texts()] == [
        "training loss (smoothed)",
        "validation loss, after each epoch",
    ]
    assert bottom.get_xlabel() == "step (mini-batches)"
    check_legible(figure)


def test_the_training_loss_is_smoothed_anew_in_each_band(learner, pictures):
    learner.fit(0.01, 1)
    learner.set_data(data(pictures, 32))
    learner.fit(0.01, 1)
    losses = learner.recorder.losses
    lines = [line for line in show_growing_sizes(learner).axes[0].lines if line.get_marker() != "o"]
    for line, part in zip(lines, (losses[:5], losses[5:]), strict=True):
        average, expected = 0.0, []
        for step, loss in enumerate(part, 1):
            average = 0.9 * average + 0.1 * loss
            expected.append(average / (1 - 0.9**step))
        assert line.get_ydata() == pytest.approx(expected)


def test_a_size_that_was_not_trained_on_has_no_band(learner, pictures):
    learner.fit(0.01, 1)
    learner.set_data(data(pictures, 32))
    places, labels = bands(show_growing_sizes(learner).axes[0])
    assert places == [(0, 5)]
    assert labels[0].startswith("16 px\naccuracy ")


def test_an_interrupted_epoch_has_a_band_without_a_metric(learner):
    def stop_at_third_step(outputs, targets, seen=[]):  # noqa: B006
        seen.append(1)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return nn.functional.cross_entropy(outputs, targets)

    learner.loss_function = stop_at_third_step
    learner.fit(0.01, 1)
    figure = show_growing_sizes(learner)
    assert bands(figure.axes[0]) == ([(0, 2)], ["16 px"])
    check_legible(figure)


def test_before_any_training_it_says_so(learner):
    with pytest.raises(CourseError, match=r"nothing is recorded yet; call fit\(\) first"):
        show_growing_sizes(learner)
