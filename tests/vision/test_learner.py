import os

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from course_utils.errors import CourseError
from course_utils.training import Data, set_seed
from course_utils.vision import ImageData, ImageLearner, activation_cache, image_learner, transforms_for


@pytest.fixture
def learner(image_data, tmp_path):
    set_seed(0)
    return image_learner(image_data, path=tmp_path)


@pytest.fixture
def tagged(pictures, tmp_path):
    """Several labels each, from a table, with a test set."""
    names = [f"warm.{i}" for i in range(20)]
    tags = ["red", "red small", "odd red", "small"]
    rows = [f"{name},{tags[i % 4]}\n" for i, name in enumerate(names)]
    (tmp_path / "tags.csv").write_text("image_name,tags\n" + "".join(rows))
    return ImageData.from_csv(
        pictures,
        "train/warm",
        tmp_path / "tags.csv",
        transforms_for("efficientnet_lite0", 32),
        batch_size=8,
        suffix=".png",
        test="test",
    )


@pytest.fixture
def count_runs(monkeypatch):
    """How often activations were computed and not found."""
    runs = []
    original = activation_cache.cached_activations

    def counting(data, split, model, folder, compute):
        return original(data, split, model, folder, lambda: (runs.append(split), compute())[1])

    monkeypatch.setattr("course_utils.vision.learner.cached_activations", counting)
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


def test_a_network_without_body_pool_and_head_is_for_another_learner(image_data):
    with pytest.raises(CourseError, match=r"Sequential, has 2 parts; .* use Learner\(data, model\)"):
        ImageLearner(image_data, torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2)))


def test_switches_are_true_or_false(image_data):
    for switch in ("pretrained", "precompute"):
        with pytest.raises(CourseError, match=f"{switch} is 'imagenet'; it is True or False"):
            image_learner(image_data, "resnet18", **{"pretrained": False} | {switch: "imagenet"})


def test_what_is_frozen_is_left_out_of_the_way_back(learner):
    """With the first half frozen its layers get no gradients, and none are computed on their way: half of a step is saved."""
    learner.unfreeze()
    learner.bn_freeze(True)
    learner.fit(1e-4, 1)
    learner.freeze_to(1)
    reached = []
    first, second = (modules[-1] for modules in learner.layer_groups[:2])
    for part in (first, second):
        part.register_full_backward_hook(lambda module, *gradients: reached.append(module))
    learner.fit(1e-4, 1)
    assert set(reached) == {second}
    assert all(weight.grad is None for modules in learner.layer_groups[:1] for part in modules for weight in part.parameters())


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
    second = again.activations("valid")
    again.body.conv_stem.weight.data.mul_(0.9)  # of which PyTorch keeps no count
    assert not torch.allclose(second, again.activations("valid"))
    count_runs.pop()

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
    activation_cache._remove_oldest(tmp_path)
    assert {p.stem for p in tmp_path.iterdir()} == {str(i) for i in range(3, 15)}


def test_a_folder_that_cannot_be_written_does_not_stop_precomputing(image_data, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
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


# -- one picture -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precompute", [False, True])
def test_one_picture_is_the_long_way_by_hand_to_the_bit(learner, image_data, pictures, precompute):
    learner.precompute = precompute
    predictions = learner.predict("test")
    file = pictures / predictions.items[3]
    learner.model.train()
    prediction = learner.predict_image(file)
    with Image.open(file) as image:
        for given in (str(file), image, np.array(image)):
            assert torch.equal(learner.predict_image(given).probabilities, prediction.probabilities)

    x = image_data.transforms.one(file)
    learner.model.eval()
    with torch.no_grad():
        by_hand = learner.model(x[None]).softmax(1)[0]
    assert torch.equal(prediction.probabilities, by_hand)
    assert torch.allclose(prediction.probabilities, predictions.values[3], atol=1e-5)
    assert prediction.classes == ["cold", "warm"]
    assert prediction.label == prediction.classes[by_hand.argmax()]
    assert prediction.probability == by_hand.max().item()
    assert learner.precompute == precompute


def test_a_picture_without_the_batch_axis_is_an_error_of_the_network(learner, image_data, pictures):
    x = image_data.transforms.one(pictures / image_data.file_names("test")[0])
    with pytest.raises(AssertionError, match="expected 4D input"):
        learner.model.eval()(x)


def test_a_picture_with_several_labels_gets_the_tags_above_the_threshold(tagged, tmp_path):
    set_seed(0)
    learner = image_learner(tagged, "resnet18", pretrained=False, path=tmp_path)
    file = tagged.paths("valid")[0]
    with torch.no_grad():
        by_hand = learner.model.eval()(tagged.transforms.one(file)[None]).sigmoid()[0]
    low, high = by_hand.min().item(), by_hand.max().item()
    everything = learner.predict_image(file, threshold=0.0)
    assert (everything.label, everything.probability) == (tuple(tagged.classes), pytest.approx(low))
    one = learner.predict_image(file, threshold=(low + high) / 2)
    assert set(one.label) == {c for c, p in zip(tagged.classes, by_hand.tolist(), strict=True) if p > (low + high) / 2}
    assert len(one.label) in (1, 2)
    assert one.probability > (low + high) / 2
    nothing = learner.predict_image(file, threshold=0.999)
    assert (nothing.label, nothing.probability) == ((), None)
    each = learner.predict_image(file, threshold=[0.0, 1.0, 1.0])
    assert each.label == (tagged.classes[0],)
    with pytest.raises(CourseError, match="3 classes"):
        learner.predict_image(file, threshold=[0.2, 0.2])


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros(4), r"shape \(4,\), float64; give \(height, width, 3\), red, green and blue, or"),
        (np.full((9, 9, 3), 300, np.float32), "run from 300 to 300 .float32.; .* x / 1023"),
        (np.zeros((3, 4, 4), np.uint8), "height, width, 3"),
        (np.zeros((0, 4, 3), np.uint8), r"\(0, 4, 3\)"),
        (torch.zeros(1, 3, 9, 9), "a mini-batch"),
        (7, "type int"),
        ("nowhere.jpg", "nowhere.jpg does not exist"),
    ],
)
def test_what_is_no_picture_is_named(learner, image, message):
    with pytest.raises(CourseError, match=message):
        learner.predict_image(image)


# -- a test set from a table -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precompute", [False, True])
def test_the_test_set_of_a_table_is_predicted_in_the_order_of_its_files(tagged, tmp_path, precompute):
    learner = image_learner(tagged, path=tmp_path, precompute=precompute)
    names = tagged.file_names("test")
    assert names == sorted(names)
    for predictions in (learner.predict("test"), learner.tta("test", n=1)):
        assert predictions.targets is None
        assert predictions.items == names
        assert predictions.classes == tagged.classes
        assert predictions.values.shape == (len(names), 3)
        for name, row in zip(names, predictions.values, strict=True):
            alone = learner.predict_image(tagged.path / name).probabilities
            nearest = (learner.predict("test").values - alone).abs().sum(1).argmin()
            assert names[nearest] == name
            assert (row - alone).abs().max() < 0.2


# -- growing sizes ---------------------------------------------------------------------------------------------------------


def at_size(pictures, size, **options):
    return ImageData.from_folders(pictures, transforms_for("efficientnet_lite0", size), batch_size=16, test="test", **options)


def test_with_larger_pictures_head_groups_and_what_is_frozen_stay(learner, pictures):
    learner.fit(1e-2, 1)
    learner.freeze_to(1)
    learner.bn_freeze(True)
    before, groups = state(learner.model), learner.layer_groups
    larger = at_size(pictures, 48)
    learner.set_data(larger)
    assert moved(before, learner.model) == set()
    assert learner.layer_groups is groups
    assert (learner.layer_groups.first_trainable, learner.layer_groups.batch_norms_frozen) == (1, True)
    learner.fit([1e-4, 1e-3, 1e-2], 1)
    changed = moved(before, learner.model)
    assert "head.6.weight" in changed
    assert "body.blocks.6.0.conv_pw.weight" in changed
    assert "body.conv_stem.weight" not in changed
    assert not any("running" in name for name in changed)
    assert learner.predict().items == larger.file_names("valid")


def test_while_precomputing_larger_pictures_are_computed_anew_and_a_fit_goes_on(learner, pictures, count_runs):
    learner.precompute = True
    learner.fit(1e-2, 1)
    small = learner.activations("valid")
    learner.set_data(at_size(pictures, 48))
    assert learner.precompute
    learner.fit(1e-2, 1)
    assert count_runs == ["train", "valid", "train", "valid"]
    with torch.no_grad():
        x = torch.cat([x for x, _ in learner.data.loader("valid")])
        expected = learner.pool(learner.body.eval()(x))
    assert torch.allclose(learner.activations("valid"), expected, atol=1e-4)
    assert not torch.allclose(small, expected, atol=1e-2)
    learner.set_data(at_size(pictures, 32))  # seen before: found on disk
    assert torch.equal(small, learner.activations("valid"))
    assert len(count_runs) == 4


def test_the_sizes_that_were_trained_on_are_kept_with_the_steps_before_them(learner, pictures, image_data):
    learner.precompute = True
    assert learner.sizes == [(0, 32)]
    learner.set_data(at_size(pictures, 40))
    assert learner.sizes == [(0, 40)]  # nothing was trained at 32
    learner.fit(1e-2, 2)
    learner.set_data(at_size(pictures, 40))
    assert learner.sizes == [(0, 40)]
    learner.set_data(image_data)
    learner.lr_find(steps=3)
    learner.set_data(at_size(pictures, 40))
    assert learner.sizes == [(0, 40)]
    learner.set_data(image_data)
    learner.fit(1e-2, 1)
    steps = len(learner.loader("train", shuffle=True))
    assert learner.sizes == [(0, 40), (2 * steps, 32)]
    assert learner.recorder.ends == [steps, 2 * steps, 3 * steps]


def test_a_resumed_fit_knows_the_sizes_before_it(learner, pictures, tmp_path):
    learner.precompute = True
    learner.fit(1e-2, 1)
    larger = at_size(pictures, 40)
    learner.set_data(larger)
    learner.fit(1e-2, 1, checkpoint="large")
    sizes = list(learner.sizes)
    assert len(sizes) == 2
    again = image_learner(larger, path=tmp_path, precompute=True)
    again.resume("large")
    assert again.sizes == sizes


def test_a_fit_that_goes_on_without_precomputed_activations_says_so(learner, image_data, tmp_path, capsys):
    learner.precompute = True
    learner.fit(1e-2, 1, checkpoint="run")
    capsys.readouterr()
    image_learner(image_data, path=tmp_path, progress=False).resume("run")
    assert "The fit continues, but not as it was saved: precompute is False, not True." in capsys.readouterr().out


def test_other_pictures_must_be_pictures_with_the_same_labels(learner, tagged):
    x, y = torch.zeros(2, 3, 32, 32), torch.tensor([0, 1])
    with pytest.raises(CourseError, match="TensorData"):
        learner.set_data(Data.from_tensors((x, y), (x, y), classes=["cold", "warm"]))
    with pytest.raises(CourseError, match=r"multi-label, but .* for single-label"):
        learner.set_data(tagged)
    assert learner.sizes == [(0, 32)]


# -- interrupts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("split", "steps"), [("train", 0), ("valid", 3)])
def test_an_interrupt_while_activations_are_computed_ends_the_fit(learner, monkeypatch, capsys, split, steps):
    original, interrupted = learner._run_frozen, []

    def run(frozen, which):
        if which == split and not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt
        return original(frozen, which)

    monkeypatch.setattr(learner, "_run_frozen", run)
    learner.precompute = True
    before = state(learner.model)
    learner.fit(1e-2, 2)
    where = {"train": "before the first step", "valid": "in epoch 0, after 3 of 3 steps, while validating"}[split]
    assert capsys.readouterr().out.startswith(f"Stopped by you {where}; ")
    assert len(learner.recorder.losses) == steps
    assert (moved(before, learner.model) == set()) == (steps == 0)
    learner.fit(1e-2, 1)
    assert len(learner.recorder.epochs) == 1


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
