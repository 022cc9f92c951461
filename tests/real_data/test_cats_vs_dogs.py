"""Lesson 1's lines on real photographs of cats and dogs (1,280 train, 400 valid)."""

import pytest

from course_utils.training import accuracy, set_seed
from course_utils.vision import ImageData, Results, image_learner, transforms_for

pytestmark = pytest.mark.real_data


@pytest.fixture
def learner(real_data, tmp_path):
    set_seed(42)
    transforms = transforms_for("efficientnet_lite0", 224)
    data = ImageData.from_folders(real_data / "dogscats", transforms, test="test1")
    return image_learner(data, precompute=True, path=tmp_path)


@pytest.mark.slow
def test_photographs_reach_what_the_backbone_can(learner):
    """A logistic regression on the same backbone's features gets 99.0%."""
    lr = 1e-2
    learner.fit(lr, 3)
    head_only = learner.validate()["accuracy"]
    learner.unfreeze()
    learner.bn_freeze(True)
    learner.fit([lr / 100, lr / 10, lr], 1, cycle_len=1)
    predictions = learner.tta()
    tuned = accuracy(predictions.values, predictions.targets)
    print(f"head only {head_only:.4f}, fine-tuned with test-time augmentation {tuned:.4f}")
    assert head_only >= 0.985
    assert tuned >= 0.99
    assert Results(learner.data, predictions).accuracy == pytest.approx(tuned)


def test_a_head_on_small_photographs_is_right_nine_times_in_ten(real_data, tmp_path):
    set_seed(42)
    data = ImageData.from_folders(real_data / "dogscats", transforms_for("efficientnet_lite0", 96), test="test1")
    learner = image_learner(data, precompute=True, path=tmp_path)
    learner.fit(1e-2, 3)
    assert learner.validate()["accuracy"] >= 0.9
    assert learner.predict("test").values.shape == (40, 2)
