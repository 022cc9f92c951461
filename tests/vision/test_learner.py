import os

import pytest
import torch
from torch import nn

from course_utils.errors import CourseError
from course_utils.training import Data, set_seed
from course_utils.vision import ImageData, activations, image_learner, transforms_for


@pytest.fixture
def learner(image_data, tmp_path):
    set_seed(0)
    return image_learner(image_data, path=tmp_path)


@pytest.fixture
def count_runs(monkeypatch):
    """How often activations were computed and not found."""
    runs = []
    original = activations.activations

    def counting(data, split, model, folder, compute):
        return original(data, split, model, folder, lambda: (runs.append(split), compute())[1])

    monkeypatch.setattr("course_utils.vision.learner.activations", counting)
    return runs


def state(module):
    return {name: t.clone() for name, t in module.state_dict().items()}


def moved(before, module):
    return {name for name, t in module.state_dict().items() if not torch.equal(t, before[name])}


def test_a_pretrained_backbone_is_frozen_and_a_random_one_is_not(image_data, tmp_path):
    assert len(image_learner(image_data, path=tmp_path).layer_groups) == 3
    frozen = image_learner(image_data, path=tmp_path)
    assert not any(p.requires_grad for p in frozen.body.parameters())
    assert all(p.requires_grad for p in frozen.head.parameters())
    random = image_learner(image_data, "resnet18", pretrained=False, path=tmp_path)
    assert all(p.requires_grad for p in random.model.parameters())


def test_fitting_frozen_moves_the_head_alone_and_unfrozen_everything(learner):
    before = state(learner.model)
    learner.fit(1e-2, 1)
    assert {name.split(".")[0] for name in moved(before, learner.model)} == {"head"}
    before = state(learner.model)
    learner.unfreeze()
    learner.bn_freeze(True)
    learner.fit([1e-4, 1e-3, 1e-2], 1)
    changed = moved(before, learner.model)
    assert {"body.conv_stem.weight", "body.blocks.6.0.conv_pw.weight", "head.6.weight"} <= changed
    assert not any("running" in name for name in changed)


def test_precomputed_activations_are_those_of_the_backbone(learner, image_data):
    learner.precompute = True
    body = learner.body.eval()
    for split in ("train", "valid", "test"):
        with torch.no_grad():
            maps = torch.cat([body(x.contiguous(memory_format=torch.channels_last)) for x, _ in image_data.loader(split)])
        expected = torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1)
        assert torch.allclose(learner.activations(split), expected, atol=1e-5)
        assert learner.activations(split).shape == (len(image_data.items(split)), 2560)


def test_training_on_activations_is_training_the_head_on_plain_pictures(pictures, tmp_path):
    runs = []
    for precompute in (True, False):
        data = ImageData.from_folders(pictures, transforms_for("efficientnet_lite0", 32, augment=None), batch_size=16)
        set_seed(1)
        learner = image_learner(data, path=tmp_path, precompute=precompute)
        set_seed(2)
        learner.fit(1e-2, 2)
        runs.append(learner)
    assert runs[0].recorder.losses == pytest.approx(runs[1].recorder.losses, rel=1e-3)
    assert torch.allclose(runs[0].predict().values, runs[1].predict().values, atol=1e-3)
    runs[0].precompute = False
    assert torch.allclose(runs[0].predict().values, runs[1].predict().values, atol=1e-3)


def test_activations_are_computed_once_and_never_stale(learner, image_data, pictures, count_runs, tmp_path):
    learner.precompute = True
    learner.fit(1e-2, 2)
    assert sorted(count_runs) == ["train", "valid"]
    again = image_learner(image_data, path=tmp_path, precompute=True)
    again.fit(1e-2, 1)
    again.lr_find(steps=5)
    assert len(count_runs) == 2  # found on disk

    first = again.activations("valid")
    with torch.no_grad():
        again.body.conv_stem.weight.mul_(0.9)
    assert not torch.allclose(first, again.activations("valid"))
    assert len(count_runs) == 3  # other weights

    larger = ImageData.from_folders(pictures, transforms_for("efficientnet_lite0", 40), batch_size=16)
    learner.set_data(larger)
    learner.activations("valid")
    assert len(count_runs) == 4  # another size

    picture = pictures / "valid" / "warm" / "warm.0.png"
    status = picture.stat()
    try:
        os.utime(picture, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        fresh = image_learner(image_data, path=tmp_path, precompute=True)
        fresh.activations("valid")
        assert len(count_runs) == 5  # another file
    finally:
        os.utime(picture, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_damaged_file_of_activations_is_computed_anew(learner, tmp_path, count_runs):
    learner.precompute = True
    first = learner.activations("valid")
    (file,) = (tmp_path / "activations").iterdir()
    file.write_bytes(file.read_bytes()[:-100])
    learner._computed_by = []
    assert torch.equal(first, learner.activations("valid"))
    assert count_runs == ["valid", "valid"]


def test_few_files_of_activations_are_kept(tmp_path):
    for i in range(15):
        (tmp_path / f"{i}.safetensors").touch()
        os.utime(tmp_path / f"{i}.safetensors", (i, i))
    activations._remove_oldest(tmp_path)
    assert {p.stem for p in tmp_path.iterdir()} == {str(i) for i in range(3, 15)}


def test_a_folder_that_cannot_be_written_does_not_stop_precomputing(image_data, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "temporary"))
    (tmp_path / "file").touch()
    learner = image_learner(image_data, path=tmp_path / "file" / "models", precompute=True)
    assert len(learner.activations("valid")) == 16
    assert len(list((tmp_path / "temporary").rglob("*.safetensors"))) == 1


def test_unfreezing_ends_precomputing_and_augmentation_is_silent_before(learner):
    learner.precompute = True
    a = [x for x, _ in learner.loader("train", augment=True)]
    b = [x for x, _ in learner.loader("train", augment=True)]
    assert all(torch.equal(s, t) for s, t in zip(a, b, strict=True))
    learner.freeze()
    assert learner.precompute
    learner.unfreeze()
    assert not learner.precompute
    a, b = (torch.cat([x for x, _ in learner.loader("train", augment=True)]) for _ in range(2))
    assert not torch.equal(a, b)


def test_tta_is_the_mean_over_plain_and_augmented_pictures_also_while_precomputing(learner, image_data):
    learner.precompute = True
    set_seed(5)
    predictions = learner.tta(n=2)
    set_seed(5)
    views = []
    with torch.no_grad():
        for augment in (False, True, True):
            batches = [x for x, _ in image_data.loader("valid", augment=augment)]
            views.append(torch.cat([learner.model.eval()(x) for x in batches]).softmax(1))
    assert torch.allclose(predictions.values, torch.stack(views).mean(0), atol=1e-5)
    assert predictions.items == image_data.file_names("valid")
    assert learner.tta("test").targets is None


def test_a_batch_of_one_is_left_out_while_training_on_activations(pictures, tmp_path):
    data = ImageData.from_folders(pictures, transforms_for("efficientnet_lite0", 32), batch_size=13)  # 40 = 3 x 13 + 1
    learner = image_learner(data, path=tmp_path, precompute=True)
    learner.fit(1e-2, 1)
    assert len(learner.recorder.losses) == 3


def test_it_learns(learner):
    learner.precompute = True
    learner.fit(1e-2, 5)
    assert learner.validate()["accuracy"] >= 0.9


def test_one_picture_by_hand_equals_its_row(learner, image_data, pictures):
    predictions = learner.predict()
    file = pictures / predictions.items[3]
    assert torch.allclose(learner.predict_one(file), predictions.values[3], atol=1e-5)


def test_other_groups_and_other_data_can_be_given(image_data, tmp_path):
    learner = image_learner(image_data, "resnet18", pretrained=False, path=tmp_path)
    parts = [learner.body, learner.head]
    two = type(learner)(image_data, learner.model, layer_groups=parts, path=tmp_path)
    two.fit([0.001, 0.01], 1)
    with pytest.raises(CourseError, match="ImageData"):
        image_learner(Data.from_tensors((torch.zeros(2, 3), torch.zeros(2)), (torch.zeros(2, 3), torch.zeros(2))))


def test_summary_names_the_parts(learner):
    table = str(learner.summary())
    assert "[-1, 1280, 1, 1]" in table
    assert "BatchNorm1d" in table
    assert isinstance(learner.head[0], nn.BatchNorm1d)
