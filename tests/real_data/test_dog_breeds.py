"""Lesson 2's lines on real photographs: 40 breeds, 50 photographs of each, a fifth of each breed set aside."""

import pandas as pd
import pytest

from course_utils.training import accuracy, log_loss, set_seed, top_k_accuracy, validation_split
from course_utils.vision import ImageData, Results, image_learner, transforms_for

pytestmark = [pytest.mark.real_data, pytest.mark.slow]


def test_breeds_reach_what_the_backbone_can(real_data, tmp_path):
    """A logistic regression on the same backbone's features gets 86.5% and 0.51."""
    folder = real_data / "stanford_dogs"
    table = pd.read_csv(folder / "labels.csv")
    valid_idx = validation_split(len(table), fraction=0.2, seed=42, stratify=table.breed)
    set_seed(42)
    transforms = transforms_for("efficientnet_lite0", 288)
    data = ImageData.from_csv(folder, ".", "labels.csv", transforms, batch_size=32, valid_idx=valid_idx, file_column="path")
    assert len(data.classes) == 40
    assert data.targets("valid").bincount().tolist() == [10] * 40

    learner = image_learner(data, precompute=True, metrics=[accuracy, log_loss], path=tmp_path)
    learner.fit(1e-2, 1, cycle_len=8)
    head = learner.validate()
    valid = learner.tta()
    reached = {metric.__name__: metric(valid.values, valid.targets) for metric in (accuracy, log_loss, top_k_accuracy)}
    print("head alone:", head, "with test-time augmentation:", reached)
    assert reached["accuracy"] >= 0.85
    assert reached["log_loss"] <= 0.52
    assert reached["top_k_accuracy"] >= 0.97
    assert Results(data, valid).accuracy == pytest.approx(reached["accuracy"])
