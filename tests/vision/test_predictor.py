"""Predictors of pictures say what the learner said."""

import io
import re
import threading
import warnings
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from PIL import Image
from torch import nn

from course_utils import load_predictor
from course_utils.errors import CourseError
from course_utils.training import Learner, StorageError, set_seed
from course_utils.training import exported_file as files
from course_utils.training.exported import Exported
from course_utils.vision import ImageData, ImagePredictor, image_learner, transforms_for
from course_utils.vision.predictor import BATCH

ARCH = "shufflenet_v2_x0_5"  # the smallest of torchvision


@pytest.fixture(scope="module")
def learnt(tmp_path_factory, pictures):
    """A learner on the processor that saw its pictures once, and the file that it exported."""
    set_seed(0)
    data = ImageData.from_folders(pictures, transforms_for("efficientnet_lite0", 32), batch_size=16, test="test").to("cpu")
    learner = image_learner(data, pretrained=False, progress=False, path=tmp_path_factory.mktemp("models"))
    learner.fit(0.01, 1)
    return learner, learner.export(learner.path / "pets")


@pytest.fixture
def predictor(learnt):
    return load_predictor(learnt[1], device="cpu")


def seasoned(learner):
    """A learner whose batch norms have seen some pictures: before, a deep network says much the same of all."""
    x = next(iter(learner.data.loader("train")))[0]
    learner.model.train()
    with torch.no_grad():
        for _ in range(10):
            learner.model(x)
    learner.model.eval()
    assert learner.predict("valid").values.std(0).min() > 1e-5
    return learner


def test_one_picture_is_what_the_learner_says_to_the_bit(learnt, predictor):
    learner, _ = learnt
    picture = learner.data.paths("valid")[3]
    expected = learner.predict_image(picture)
    assert isinstance(predictor, ImagePredictor)
    image = Image.open(picture)
    for given in (picture, str(picture), picture.read_bytes(), image, np.array(image)):
        found = predictor.predict(given)
        assert (found.label, found.classes) == (expected.label, ["cold", "warm"])
        assert torch.equal(found.probabilities, expected.probabilities)


def test_many_are_what_the_learner_says_of_its_set(learnt, predictor):
    learner, _ = learnt
    expected = learner.predict("valid").values
    paths = learner.data.paths("valid")
    assert (predictor.probabilities(paths) - expected).abs().max() < 1e-6
    arrays = np.stack([np.array(Image.open(path)) for path in paths])
    for several in (paths, tuple(map(str, paths)), iter(paths), arrays, list(arrays)):
        found = predictor.predict(several)
        assert [one.label for one in found] == [["cold", "warm"][i] for i in expected.argmax(1)]
    assert len(predictor.predict(paths[:1])) == 1
    assert predictor.predict([]) == []
    assert predictor.probabilities([]).shape == (0, 2)
    assert predictor.probabilities(paths[0]).shape == (1, 2)


def test_more_than_a_mini_batch_keeps_its_order(predictor):
    shades = [Image.new("RGB", (40, 40), (i, 0, 200 - i)) for i in range(BATCH + 3)]
    found = predictor.probabilities(shade for shade in shades)
    for i in (0, BATCH - 1, BATCH, BATCH + 2):
        assert torch.allclose(found[i], predictor.predict(shades[i]).probabilities, atol=1e-6)


def test_what_is_no_picture_is_named(predictor, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    good = Image.new("RGB", (40, 40))
    for given, words in {
        tmp_path / "none.jpg": "none.jpg does not exist",
        tmp_path / "bad.jpg": "bad.jpg is not an image",
        tmp_path: "is a folder. Give the pictures in it",
        3: "of type int",
        None: "of type NoneType",
        b"bytes": "the picture, 5 bytes of a file, is not an image",
        io.BytesIO(b"bytes"): r"of type BytesIO; .* its bytes \(file.read\(\)",
    }.items():
        with pytest.raises(CourseError, match=words) as error:
            predictor.predict(given)
        assert "ImageData" not in str(error.value)
        if given is not None:
            with pytest.raises(CourseError, match=words):
                predictor.predict([good, given])
    for shape in ((), (3,), (40, 30, 2), (1, 1, 3, 8, 8)):
        with pytest.raises(CourseError, match=f"the picture is an array of shape {re.escape(str(shape))}; give"):
            predictor.predict(np.zeros(shape))
    with pytest.raises(CourseError, match="several labels"):
        predictor.predict(good, threshold=0.5)


def test_one_tensor_is_one_picture_and_a_damaged_one_is_named(predictor):
    pixels = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    expected = predictor.predict(pixels).probabilities
    assert torch.equal(predictor.predict(torch.from_numpy(pixels)).probabilities, expected)
    for given in ([torch.from_numpy(pixels).permute(2, 0, 1)], [pixels.transpose(2, 0, 1)]):
        assert torch.equal(predictor.predict(given)[0].probabilities, expected)
    file = io.BytesIO()
    Image.fromarray(np.tile(pixels, (4, 4, 1))).save(file, "JPEG")
    with pytest.raises(CourseError, match=r"a Pillow image .*cannot be decoded.*[Oo]pen it again"):
        predictor.predict(Image.open(io.BytesIO(file.getvalue()[:3000])))


def test_a_stack_of_grey_pictures_is_never_taken_for_one_of_colours(predictor):
    """`from_arrays` takes (N, height, width) for N grey pictures; so does a predictor, or it refuses what may be either."""
    stack = np.random.default_rng(0).integers(0, 256, (5, 40, 30), dtype=np.uint8)
    one_by_one = [predictor.predict(picture).probabilities for picture in stack]
    for given in (stack, torch.from_numpy(stack), stack / np.float32(255)):
        assert torch.allclose(predictor.probabilities(given), torch.stack(one_by_one), atol=1e-5)
        assert len(predictor.predict(given)) == 5
    for n in (1, 3, 4):
        for given in (stack[:n], torch.from_numpy(stack[:n])):
            with pytest.raises(CourseError, match=rf"\({n}, 40, 30\), which may be one picture .* {n} grey"):
                predictor.predict(given)
        assert torch.allclose(predictor.probabilities(list(stack[:n])), torch.stack(one_by_one[:n]), atol=1e-5)


def test_floats_are_on_the_scale_that_arrays_to_learn_from_have(predictor):
    pixels = np.random.default_rng(1).integers(0, 256, (3, 40, 30, 3), dtype=np.uint8)
    pixels[1] //= 4  # alone it may be on another scale
    expected = predictor.probabilities(pixels)
    for given in (pixels.astype(np.float32), list(pixels.astype(float)), torch.from_numpy(pixels).float(), pixels / 255):
        assert torch.equal(predictor.probabilities(given), expected)
    assert torch.equal(predictor.predict(pixels[0] * 1.0).probabilities, predictor.predict(pixels[0]).probabilities)
    with pytest.raises(CourseError, match=r"the picture run from 0 to 63 .* Where 63 is white, give x / 63; where 255"):
        predictor.predict(pixels[1].astype(float))
    with pytest.raises(CourseError, match="some of the pictures are floats from 0 to 1 and others up to 255"):
        predictor.predict([pixels[0] / 255, pixels[2].astype(float)])
    digit = np.tile(np.arange(17, dtype=np.uint8), (8, 1))
    with pytest.warns(UserWarning, match="brightest value .* 16, .* give x / 16"):
        predictor.predict(digit)


def test_several_in_any_kind_of_list_and_nothing_from_what_has_no_order(predictor, pictures):
    files = sorted(map(str, pictures.glob("valid/*/*.png")))[:3]
    expected = predictor.probabilities(files)
    for given in (pd.Series(files), pl.Series(files), pa.array(files), np.array(files), np.array(files, object), iter(files)):
        assert torch.equal(predictor.probabilities(given), expected)
    for given in (set(files), {"a": files[0]}, pd.DataFrame({"file": files})):
        with pytest.raises(CourseError, match=f"the pictures are of type {type(given).__name__}; give a list"):
            predictor.predict(given)


def test_tensors_of_every_kind(predictor):
    x = torch.rand(40, 40, 3)
    expected = predictor.probabilities(x)
    assert torch.equal(predictor.probabilities(x.to_sparse()), expected)
    for given in (x.bfloat16(), x.half(), x.double().requires_grad_()):
        assert torch.allclose(predictor.probabilities(given), expected, atol=0.03)


def test_what_is_wrong_of_one_file_is_not_said_of_another(predictor, tmp_path):
    """`Fetch it again` is for a picture that came damaged."""
    (tmp_path / "notes.py").write_text("print(1)")
    (tmp_path / "cat.jpg").write_text("<html>")
    for given, words in {
        "cta.jpg": "cta.jpg does not exist. Check the path",
        "https://example.org/cat.jpg": "is an address, not the path of a file. Download it",
        str(tmp_path / "notes.py"): "is not an image.* Save it as one of these, or give another picture",
        str(tmp_path / "cat.jpg"): "is not an image.* Fetch it again",
    }.items():
        with pytest.raises(CourseError, match=words) as error:
            predictor.predict(given)
        assert ("Fetch" in str(error.value)) == given.endswith(str(tmp_path / "cat.jpg"))


@pytest.mark.parametrize("arch", [ARCH, "regnet_y_400mf", "timm/test_resnet"])
def test_other_backbones_are_rebuilt_by_name(image_data, tmp_path, arch):
    set_seed(0)
    learner = seasoned(image_learner(image_data.to("cpu"), arch, pretrained=False, progress=False, path=tmp_path))
    learner.precompute = True
    with warnings.catch_warnings(action="error"):
        predictor = load_predictor(learner.export(tmp_path / "net"), device="cpu")
    paths = image_data.paths("valid")
    expected = torch.stack([learner.predict_image(path).probabilities for path in paths])
    assert (predictor.probabilities(paths) - expected).abs().max() < 1e-6


class Upwards(torch.nn.Module):
    """A network of pictures without a layer that a search for nn.Conv2d finds."""

    def __init__(self):
        super().__init__()
        self.kernels = torch.nn.Parameter(torch.randn(4, 3, 3, 3) / 5)
        self.up = torch.nn.ConvTranspose2d(4, 6, 3)
        self.out = torch.nn.Linear(6, 2)

    def forward(self, x):
        return self.out(self.up(torch.conv2d(x, self.kernels)).relu().mean((2, 3)))


@pytest.mark.parametrize("channels_last", [None, True, False])
def test_networks_of_ones_own_say_the_same_to_the_bit_and_can_be_pickled(image_data, tmp_path, channels_last):
    set_seed(0)
    learner = Learner(image_data.to("cpu"), Upwards(), channels_last=channels_last, progress=False, path=tmp_path)
    found = load_predictor(learner.export(tmp_path / "net"), model=Upwards(), device="cpu")
    expected = learner.predict().values
    assert torch.equal(found.probabilities(image_data.paths("valid")), expected)
    torch.save((learner, found), tmp_path / "both.pt")
    again, predictor = torch.load(tmp_path / "both.pt", weights_only=False)
    assert torch.equal(again.predict().values, expected)
    assert torch.equal(predictor.probabilities(image_data.paths("valid")), expected)


@pytest.mark.parametrize(("given", "kept"), [(None, True), (True, True), (False, False)])
def test_a_file_keeps_the_order_of_memory_that_was_given_or_else_that_of_a_cpu(image_data, tmp_path, given, kept):
    options = {"pretrained": False, "progress": False, "path": tmp_path, "channels_last": given}
    learner = image_learner(image_data.to("cpu"), ARCH, **options)
    learner.precision.channels_last = bool(given)  # as on a GPU, which may prefer the plain order by itself
    assert files.read(learner.export(tmp_path / "net")).about["channels last"] is kept


def test_what_was_frozen_sixteen_bits_or_laid_out_otherwise_says_the_same(image_data, tmp_path):
    for options in ({"channels_last": False}, {"mixed_precision": True}, {"dropout": 0.1}):
        set_seed(0)
        learner = seasoned(
            image_learner(image_data.to("cpu"), ARCH, pretrained=False, progress=False, path=tmp_path, **options)
        )
        learner.freeze()
        learner.bn_freeze()
        picture = image_data.paths("valid")[0]
        found = load_predictor(learner.export(tmp_path / "net"), device="cpu").predict(picture)
        assert (found.probabilities - learner.predict_image(picture).probabilities).abs().max() < 1e-6
    whole, model = found.probabilities, learner.model
    for wrap in (torch.nn.DataParallel, partial(torch.compile, backend="eager")):  # it is the same network
        learner.model = wrap(model)
        found = load_predictor(learner.export(tmp_path / "wrapped"), device="cpu").predict(picture)
        assert torch.equal(found.probabilities, whole)
    learner.model = model
    learner.model.half()
    learner.model.lock = threading.Lock()  # no network that can be copied
    found = load_predictor(learner.export(tmp_path / "half"), device="cpu").predict(picture)
    assert (tmp_path / "half.course").stat().st_size < 0.51 * (tmp_path / "net.course").stat().st_size
    assert 0 < (found.probabilities - whole).abs().max() < 0.02


def test_pictures_with_several_labels_and_their_thresholds(pictures, tmp_path):
    names = [f"train/{kind}/{kind}.{i}.png" for kind in ("warm", "cold") for i in range(8)]
    rows = [f"{name},{'naïve' if 'warm' in name else '日本'}" for name in names]
    (tmp_path / "labels.csv").write_text("\n".join(["name,tags", *rows, ""]), "utf-8")
    set_seed(0)
    data = ImageData.from_csv(
        pictures, ".", tmp_path / "labels.csv", transforms_for(None, 32), valid_idx=[0, 15], task="multi-label"
    ).to("cpu")
    assert data.classes == ["naïve", "日本"]
    learner = seasoned(image_learner(data, ARCH, pretrained=False, progress=False, path=tmp_path))
    picture = data.paths("valid")[0]
    plain = load_predictor(learner.export(tmp_path / "tags"), device="cpu")
    expected = learner.predict_image(picture)
    assert plain.predict(picture).label == expected.label
    assert torch.equal(plain.predict(picture).probabilities, expected.probabilities)
    low, high = expected.probabilities[0].item() - 1e-3, expected.probabilities[1].item() + 1e-3
    chosen = load_predictor(learner.export(tmp_path / "tags", threshold=[low, high]), device="cpu")
    assert chosen.predict(picture).label == ("naïve",)
    assert chosen.predict(picture, threshold=1.0).label == ()
    assert chosen.predict([picture], threshold=0.0)[0].label == ("naïve", "日本")
    for wrong in ([], [0.1, 0.2, 0.3]):
        with pytest.raises(CourseError, match="threshold"):
            chosen.predict(picture, threshold=wrong)
        with pytest.raises(CourseError, match="threshold"):
            learner.export(tmp_path / "tags", threshold=wrong)
    for wrong in (-0.1, 1.5, float("nan"), True, [0.1, 2]):
        with pytest.raises(CourseError, match="threshold is"):
            learner.export(tmp_path / "tags", threshold=wrong)
        for predict in (chosen.predict, learner.predict_image):
            with pytest.raises(CourseError, match="threshold is"):
                predict(picture, threshold=wrong)


def test_a_threshold_for_one_label_is_refused(learnt, tmp_path):
    with pytest.raises(CourseError, match="several labels"):
        learnt[0].export(tmp_path / "pets", threshold=0.5)


def own_network():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))


def test_a_network_of_ones_own_comes_with_the_program(image_data, tmp_path, capsys):
    learner = Learner(image_data.to("cpu"), own_network(), progress=False)
    path = learner.export(tmp_path / "own")
    assert "not its layers" in capsys.readouterr().out
    with pytest.raises(StorageError, match=r"made by hand, and no code.*model=network"):
        load_predictor(path)
    predictor = load_predictor(path, model=own_network(), device="cpu")
    found = predictor.probabilities(image_data.paths("valid"))
    assert (found - learner.predict("valid").values).abs().max() < 1e-6
    with pytest.raises(StorageError, match="the layers differ"):
        load_predictor(path, model=nn.Sequential(nn.Flatten(), nn.Linear(3, 2)))
    other = own_network()
    other[0].stride = (2, 2)
    with pytest.raises(StorageError, match=r"the stride of layer '0' \(Conv2d\) is \[1, 1\] there and \[2, 2\] here"):
        load_predictor(path, model=other)


@pytest.mark.parametrize(
    ("then", "now", "same"), [(nn.Softmax(1), nn.Softmax(-1), True), (nn.Softmax(1), nn.Softmax(0), False)]
)
def test_a_dimension_counted_from_the_end_is_the_same_network(image_data, tmp_path, then, now, same):
    learner = Learner(image_data.to("cpu"), nn.Sequential(*own_network(), then), progress=False)
    path = learner.export(tmp_path / "own")
    other = nn.Sequential(*own_network(), now)
    if same:
        found = load_predictor(path, model=other, device="cpu").probabilities(image_data.paths("valid"))
        assert (found - learner.predict("valid").values).abs().max() < 1e-6
    else:
        with pytest.raises(StorageError, match=r"the dim of layer '5' \(Softmax\) is 1 there and 0 here"):
            load_predictor(path, model=other)


class InTwoPrecisions(nn.Module):
    """Its last layer computes in 16 bits, as it says itself."""

    def __init__(self):
        super().__init__()
        self.body, self.last = own_network(), nn.Linear(2, 2).to(torch.bfloat16)

    def forward(self, x):
        return self.last(self.body(x).bfloat16()).float()


def test_precisions_of_ones_own_network(image_data, tmp_path):
    learner = Learner(image_data.to("cpu"), InTwoPrecisions(), progress=False)
    predictor = load_predictor(learner.export(tmp_path / "two"), model=InTwoPrecisions(), device="cpu")
    expected = learner.predict("valid").values
    assert torch.equal(predictor.probabilities(image_data.paths("valid")), expected)

    learner = Learner(image_data.to("cpu"), own_network(), progress=False)
    predictor = load_predictor(learner.export(tmp_path / "half"), model=own_network().half(), device="cpu")
    assert torch.equal(predictor.model[0].weight, learner.model[0].weight)  # not rounded to 16 bits on the way


def test_a_network_that_was_changed_is_noticed(image_data, tmp_path, capsys):
    """The same names and shapes, but not the same answers."""
    set_seed(0)
    learner = seasoned(image_learner(image_data.to("cpu"), ARCH, pretrained=False, progress=False, path=tmp_path))
    learner.export(tmp_path / "net")
    assert capsys.readouterr().out == ""
    learner.model.head[3] = nn.Tanh()
    learner.export(tmp_path / "net")
    assert "not its layers" in capsys.readouterr().out
    for forward in (lambda x: (x, x), lambda x, y: x, lambda x: {}[x]):
        learner.model.forward = forward
        learner.export(tmp_path / "net")
        assert "not its layers" in capsys.readouterr().out


def test_probabilities_of_a_mini_batch_in_any_kind_of_numbers(learnt, predictor):
    learner, _ = learnt
    x = torch.stack([learner.data.transforms.one(path) for path in learner.data.paths("valid")[:2]])
    for asked in (predictor, learner):
        expected = asked.probabilities_of(x)
        for given in (x.numpy(), x.double(), x.tolist(), list(x)):
            assert torch.equal(asked.probabilities_of(given), expected)
        for given in (x[0], x[:, :1], x[..., :-1], x.long(), x[:, :, ::2, ::2]):
            with pytest.raises(
                CourseError, match=r"x is torch\.\w+ of shape .*; give normalised pictures, floats \(B, 3, 32, 32\)"
            ):
                asked.probabilities_of(given)
        with pytest.raises(CourseError, match="x holds object"):
            asked.probabilities_of(None)


def changed(learnt, tmp_path, **changes):
    """The exported file with other entries."""
    exported = files.read(learnt[1])
    about = {**exported.about, **changes}
    return files.write(Exported(tmp_path / "changed.course", about, exported.tensors))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"network": {"arch": "resnet18", "features": 1280}}, "not for this network"),
        ({"network": {"arch": "no_such_net", "features": 1280}}, "no network called"),
        ({"network": {"arch": "hf-hub:timm/resnet18.a1_in1k", "features": 1280}}, "no network called"),
        ({"network": {"arch": "timm/local-dir:/etc", "features": 1280}}, "no network called"),
        ({"network": {"arch": "../../resnet18", "features": 1280}}, "no network called"),
        ({"network": {"arch": "x" * 10**6, "features": 1280}}, "not the name"),
        ({"network": {"arch": ["resnet18"], "features": 1280}}, "not the name"),
        ({"network": {"arch": "efficientnet_lite0", "features": 10**5}}, "not for this network"),
        ({"network": {"arch": "efficientnet_lite0"}}, "features"),
        ({"network": 5}, "network"),
        ({"classes": ["cold"]}, "threshold"),
        ({"classes": ["a", "b", "c"], "threshold": [0.2] * 3}, "not for this network"),
        ({"classes": "ab"}, "classes"),
        ({"size": 10**9}, "size"),
        ({"size": 0}, "size"),
        ({"std": [0.5, 0.5, 0]}, "std is .* expected numbers from 1e-06"),
        ({"std": [0.5, 0.5, 1e-300]}, "std is"),
        ({"mean": [0.5, 0.5, 1e200]}, "mean is"),
        ({"threshold": [0.2, 1.5]}, "threshold is .* expected numbers from 0 to 1"),
        ({"threshold": [-0.1, 0.5]}, "threshold is"),
        ({"mean": [0.5, 0.5]}, "mean"),
        ({"task": "regression"}, "task"),
        ({"channels last": "no"}, "channels last"),
        ({"kind": "sounds"}, "kind"),
        ({"kind": ["table"]}, "kind"),
    ],
)
def test_a_hostile_description_is_refused_without_a_download(learnt, tmp_path, monkeypatch, changes, words):
    def refuse(*_, **__):
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.socket.connect", refuse)
    with pytest.raises(StorageError, match=words):
        load_predictor(changed(learnt, tmp_path, **changes))
