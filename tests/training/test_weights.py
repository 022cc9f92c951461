"""Weights are taken where they mean what they meant when they were saved, and nothing is changed where they do not."""

import json
import os
import random
import stat
from functools import partial

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from course_utils.errors import CourseError
from course_utils.files import FileError
from course_utils.training import Callback, Data, EarlyStopping, KeepBest, Learner, StorageError, set_seed
from course_utils.training.data import TensorData
from course_utils.training.exported_file import described

CLASSES = ["big cat", "naïve\nline", "dog"]


class Scaled(TensorData):
    """Inputs that were prepared with a mean, as pictures are."""

    mean = 0.5

    def meaning(self):
        return super().meaning() | {"mean": [self.mean]}


def network(activation=nn.ReLU):
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), activation(), nn.Dropout(0.1), nn.Linear(8, 3))


def made(path, classes=CLASSES, activation=nn.ReLU, kind=TensorData, task=None, groups=True, **options):
    set_seed(0)
    x = torch.randn(48, 4)
    y = x[:, :3].argmax(1) if task is None else (x[:, :3] > 0).long()
    model = network(activation)
    layer_groups = [model[:2], model[2:]] if groups else None
    data = kind((x, y), (x, y), batch_size=16, classes=classes, task=task)
    return Learner(data, model, path=path, progress=False, layer_groups=layer_groups, **options)


def everything(learner):
    weights = {name: t.clone() for name, t in learner.model.state_dict().items()}
    trainable = [p.requires_grad for p in learner.model.parameters()]
    recorded = json.dumps(vars(learner.recorder))
    place = (learner.layer_groups.first_trainable, learner.layer_groups.batch_norms_frozen, learner.epochs_done)
    place += (id(learner.optimizer), learner.fitting)
    numbers = (torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist())
    modes = [m.training for m in learner.model.modules()]
    return weights, trainable, recorded, place, numbers, modes


def unchanged(before, after):
    assert all(torch.equal(t, after[0][name]) for name, t in before[0].items())
    assert before[1:] == after[1:]


OTHERS = {
    "renamed": ({"classes": ["big cat", "naïve\nline", "wolf"]}, r"the classes differ .*'dog' only there, 'wolf' only here"),
    "order": ({"classes": CLASSES[::-1]}, r"another order: number 0 is 'big cat' there and 'dog' here"),
    "space": ({"classes": ["big", "cat naïve\nline", "dog"]}, "the classes differ"),
    "layers": ({"activation": nn.Tanh}, "the layers differ .*'ReLU' only there, 'Tanh' only here"),
    "task": ({"task": "multi-label"}, "the task is 'single-label' there and 'multi-label' here"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_weights_that_mean_something_else_are_refused_and_nothing_is_changed(tmp_path, what):
    first = made(tmp_path)
    first.freeze()
    first.fit(0.1, 1, checkpoint="run")
    first.save("run")
    options, message = OTHERS[what]
    other = made(tmp_path, **options)
    for take in (other.load, other.resume):
        before = everything(other)
        with pytest.raises(StorageError, match=message):
            take("run")
        unchanged(before, everything(other))
    same = made(tmp_path)
    same.load("run")
    same.resume("run")


@pytest.mark.parametrize(
    ("then", "now", "message"),
    [
        (nn.LeakyReLU(0.2), nn.LeakyReLU(0.3), "the negative_slope of layer '2' .LeakyReLU. is 0.2 there and 0.3 here"),
        (nn.Softmax(1), nn.Softmax(-1), "the dim of layer '2'"),
        (nn.BatchNorm2d(4), nn.BatchNorm2d(4, eps=0.1), "the eps of layer '2'"),
        (nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3), r"the padding of layer '2' \(Conv2d\) is \[1, 1\] there"),
        (nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3, stride=2), "the stride of layer '2'"),
        (nn.MaxPool2d(2), nn.MaxPool2d(3), "the kernel_size of layer '2'"),
        (nn.GELU(), nn.GELU(approximate="tanh"), "the approximate of layer '2'"),
        (nn.GroupNorm(2, 4), nn.GroupNorm(4, 4), "the num_groups of layer '2'"),
        (nn.MultiheadAttention(4, 1), nn.MultiheadAttention(4, 2), "the num_heads of layer '2'"),
        (nn.MaxPool2d(2), nn.MaxPool2d((2, 2)), None),
        (nn.ReLU(), nn.ReLU(inplace=True), None),
        (nn.Dropout(0.1), nn.Dropout(0.9), None),
        (nn.Dropout(0.1), nn.FeatureAlphaDropout(0.1), None),
        (nn.BatchNorm2d(4), nn.BatchNorm2d(4, momentum=0.5), None),
        (nn.Flatten(1, -1), nn.Flatten(1, 3), None),
        (nn.Flatten(), nn.Identity(), None),
        (nn.Flatten(1, 2), nn.Flatten(-3, -2), None),
        (nn.Flatten(2), nn.Flatten(1), "the start_dim of layer '2' .Flatten. is 2 there and 1 here"),
        (nn.Flatten(1, 2), nn.Flatten(2, 3), "the end_dim of layer '2' .Flatten. is 2 there and 3 here"),
        (nn.Conv2d(4, 4, 3, padding="same"), nn.Conv2d(4, 4, 3, padding=1), None),
        (nn.Conv2d(4, 4, 3, padding="same", dilation=2), nn.Conv2d(4, 4, 3, padding=2, dilation=2), None),
        (nn.Conv2d(4, 4, 3, padding="same"), nn.Conv2d(4, 4, 3, padding=2), "the padding of layer '2'"),
        (nn.Conv2d(4, 4, 2, padding="same"), nn.Conv2d(4, 4, 2, padding=1), "the padding of layer '2'"),
        (nn.Conv2d(4, 4, 3, padding="valid"), nn.Conv2d(4, 4, 3, padding_mode="reflect"), None),
        (nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"), "the padding_mode of layer '2'"),
        (nn.AvgPool2d(2), nn.AvgPool2d(2, 2, count_include_pad=False), None),
        (nn.LPPool2d(2, 2), nn.LPPool2d(2, 2, stride=2), None),
        (nn.Upsample(scale_factor=2, mode="bilinear"), nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False), None),
        (nn.Hardtanh(0, float("inf")), nn.Hardtanh(0, float("inf")), None),
        (nn.Hardtanh(0, float("inf")), nn.Hardtanh(0, 6), "the max_val of layer '2'"),
        (nn.Softmax(1), nn.Softmax(-3), None),  # of four dimensions
        (nn.Softmax(), nn.Softmax(1), None),
        (nn.Unflatten(1, (2, 2)), nn.Unflatten(-3, [2, 2]), None),
        (nn.Softmax(1), nn.Softmax(2), "the dim of layer '2'"),
        (nn.PReLU(init=0.1), nn.PReLU(), None),  # which weights hold
        (nn.Upsample(scale_factor=2), nn.Upsample(scale_factor=(2, 2)), None),
        (nn.Upsample(scale_factor=2), nn.Upsample(scale_factor=(2, 3)), "the scale_factor of layer '2'"),
        (nn.SyncBatchNorm(4), nn.BatchNorm2d(4), None),
        (nn.SyncBatchNorm(4), nn.BatchNorm2d(4, eps=0.1), "the eps of layer '2'"),
        (nn.Embedding(4, 4, norm_type=1.0), nn.Embedding(4, 4), None),
        (nn.Embedding(4, 4, 0, 1.0, norm_type=1.0), nn.Embedding(4, 4, 0, 1.0), "the norm_type of layer '2'"),
        (nn.TransformerEncoderLayer(4, 1), nn.TransformerEncoderLayer(4, 1, activation="gelu"), "the activation of layer '2'"),
    ],
)
def test_options_of_layers_are_what_weights_mean_too(tmp_path, then, now, message):
    x, y = torch.zeros(2, 3, 8, 8), torch.tensor([0, 1])

    def learner(layer):
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), layer)
        return Learner(Data.from_tensors((x, y), (x, y)), model, progress=False, path=tmp_path)

    learner(then).save("run")
    other = learner(now)
    if message is None:
        other.load("run")
        return
    before = everything(other)
    with pytest.raises(StorageError, match=message):
        other.load("run")
    unchanged(before, everything(other))


@pytest.mark.parametrize("last", [nn.Softmax, nn.LogSoftmax])
def test_a_dimension_counted_from_the_end_is_the_same_where_it_is(tmp_path, last):
    x, y = torch.zeros(2, 4), torch.tensor([0, 1])

    def learner(dim):
        model = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.1), last(dim)).train()
        return Learner(Data.from_tensors((x, y), (x, y)), model, progress=False, path=tmp_path)

    file = learner(1).save("run")
    learner(-1).load("run")
    with safe_open(file, framework="pt") as opened:
        about = json.loads(opened.metadata()["meaning"])
    del about["options"][-1][2]["ndim"]  # as earlier versions wrote it
    save_file(learner(1).model.state_dict(), file, {"meaning": json.dumps(about)})
    other = learner(-1)
    before = everything(other)
    other.load("run")
    assert before[3:] == everything(other)[3:]  # the look at its layers left no trace
    with pytest.raises(StorageError, match=r"the dim of layer '2' .* is 1 there and 0 here"):
        learner(0).load("run")


@pytest.mark.parametrize("wrap", [nn.DataParallel, partial(torch.compile, backend="eager")])
def test_a_network_is_the_same_however_it_is_computed(tmp_path, wrap):
    plain, wrapped = made(tmp_path, groups=False, callbacks=[KeepBest()]), made(tmp_path, groups=False, callbacks=[KeepBest()])
    wrapped.model = wrap(wrapped.model)
    plain.fit(0.1, 1, checkpoint="run")
    plain.save("run")
    wrapped.load("run")
    wrapped.resume("run")
    weights = [list(learner.model.state_dict().values()) for learner in (plain, wrapped)]
    assert all(torch.equal(a, b) for a, b in zip(*weights, strict=True))
    wrapped.save_checkpoint("wrapped")
    wrapped.save("wrapped")
    plain.load("wrapped")
    plain.resume("wrapped")
    other = made(tmp_path, activation=nn.Tanh, groups=False)
    other.model = wrap(other.model)
    with pytest.raises(StorageError, match="the layers differ"):
        other.load("run")


def test_what_a_model_keeps_beside_tensors_is_told(tmp_path):
    class Noted(nn.Linear):
        def get_extra_state(self):
            return {"seen": 3}

        def set_extra_state(self, state): ...

    learner = Learner(made(tmp_path).data, Noted(4, 3), progress=False, path=tmp_path)
    with pytest.raises(CourseError, match="the model keeps more than numbers, first _extra_state"):
        learner.save("run")


@pytest.mark.filterwarnings("ignore")
def test_a_quantised_network_is_refused_in_words(tmp_path):
    learner = made(tmp_path)
    learner.model = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 3)), {nn.Linear})
    with pytest.raises(CourseError, match=r"quantised layers.*quantise networks once loaded"):
        learner.save("run")
    with pytest.raises(CourseError, match="quantised layers"):
        described("table", {}, learner.model, tmp_path / "net")


class Kept(nn.Linear):
    """A layer with a buffer of any kind."""

    def __init__(self, buffer):
        super().__init__(4, 3)
        self.register_buffer("kept", buffer)


def keeping(tmp_path, buffer):
    return Learner(made(tmp_path).data, Kept(buffer), progress=False, path=tmp_path)


@pytest.mark.parametrize(
    ("buffer", "words"),
    [
        (lambda: torch.ones(2, 2).to_sparse(), r"kept, which is sparse .*to_dense"),
        (lambda: torch.ones(2, 2).to_sparse_csr(), r"kept, which is sparse"),
        (lambda: torch.ones(2, dtype=torch.complex128), r"kept, which is of complex128: .*complex64"),
        (lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8), r"kept, which is quantised \(qint8\)"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_files_of_weights_cannot_hold_is_named(tmp_path, buffer, words):
    with pytest.raises(CourseError, match=words):
        keeping(tmp_path, buffer()).save("run")
    assert not list(tmp_path.rglob("run*"))


@pytest.mark.parametrize(
    ("then", "now"),
    [
        (torch.arange(3), torch.zeros(1, dtype=torch.int64).expand(3)),  # whose numbers share one place in memory
        (torch.tensor([1 + 2j, 3.5]), torch.zeros(2, dtype=torch.complex64)),
        (torch.tensor([1.5, 448]).to(torch.float8_e4m3fn), torch.zeros(2).to(torch.float8_e4m3fn)),
        (torch.tensor([True, False]), torch.tensor([False, False])),
        (torch.zeros(0, 4), torch.zeros(0, 4)),
        (torch.tensor([7, 300]), torch.zeros(2, dtype=torch.int32)),
    ],
)
def test_every_other_buffer_comes_back_to_the_bit(tmp_path, then, now):
    first, other = keeping(tmp_path, then), keeping(tmp_path, now)
    first.save("run")
    other.load("run")
    assert torch.equal(other.model.kept.to(then.dtype).view(torch.uint8), then.view(torch.uint8))
    if then.dtype == now.dtype:
        first.fit(0.1, 1, checkpoint="run")
        keeping(tmp_path, now).resume("run")


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        (torch.tensor([7, 300]), torch.zeros(2, dtype=torch.int8), "kept as int64, and the model's int8 cannot hold that"),
        (torch.tensor([1 + 2j]), torch.zeros(1), "kept as complex64, and the model has float32 there, other numbers"),
        (torch.tensor([1.0]), torch.zeros(1, dtype=torch.complex64), "kept as float32, and the model has complex64 there"),
        (torch.tensor([1.5]), torch.zeros(1, dtype=torch.int64), "kept as float32, and the model has int64 there"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_buffer_that_would_become_other_numbers_is_refused(tmp_path, then, now, words):
    keeping(tmp_path, then).save("run")
    other = keeping(tmp_path, now)
    before = everything(other)
    with pytest.raises(StorageError, match=words):
        other.load("run")
    unchanged(before, everything(other))


def precise(tmp_path, dtype, value=1 / 3):
    learner = made(tmp_path, groups=False)
    learner.model.to(dtype)
    nn.init.constant_(learner.model[0].weight, value)
    return learner


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        (torch.float32, torch.float32, ""),
        (torch.float64, torch.float32, "saved in float64, and this model computes in float32: they are rounded to that"),
        (
            torch.bfloat16,
            torch.float32,
            "saved in bfloat16, and this model computes in float32: they are the same numbers",
        ),
    ],
)
def test_weights_of_another_precision_are_told(tmp_path, capsys, then, now, said):
    first = precise(tmp_path, then)
    first.save("run")
    other = precise(tmp_path, now, 0)
    other.load("run")
    assert torch.equal(other.model[0].weight, first.model[0].weight.to(now))
    out = capsys.readouterr().out
    assert (said in out) if said else out == ""


def test_weights_that_the_precision_here_cannot_hold_are_refused(tmp_path):
    precise(tmp_path, torch.float64, 1e300).save("run")
    other = made(tmp_path)
    before = everything(other)
    with pytest.raises(StorageError, match=r"0.weight as float64, and the model's float32 cannot hold that"):
        other.load("run")
    unchanged(before, everything(other))


def test_weights_that_are_no_numbers_are_told(tmp_path, capsys):
    precise(tmp_path, torch.float32, float("nan")).save("run")
    capsys.readouterr()
    made(tmp_path).load("run")
    assert capsys.readouterr().out.startswith("The weights in run.safetensors predict NaN: 1 of 9 tensors holds NaN")


def test_weights_for_something_else_are_kept_beside_those_that_get_their_name(tmp_path, capsys):
    birds = ["owl", "wren", "tit"]
    first = made(tmp_path)
    first.fit(0.1, 1, checkpoint="run")
    first.save("run")
    made(tmp_path).save("run")  # of the same kind
    made(tmp_path, activation=nn.Tanh).save("run")  # another try at the same
    assert capsys.readouterr().out == ""
    tanh = made(tmp_path, activation=nn.Tanh).model.state_dict()
    other = made(tmp_path, classes=birds)
    other.fit(0.1, 1, checkpoint="run")
    other.save("run")
    for suffix, line in zip(("checkpoint", "safetensors"), capsys.readouterr().out.splitlines(), strict=True):
        assert line.startswith(f"run.{suffix} was there for something else (the classes differ (3 there, 3 here): 'big cat', ")
        assert line.endswith(f"it is kept as run-other.{suffix}.")
    learner = made(tmp_path, activation=nn.Tanh)
    learner.load("run-other")
    assert all(torch.equal(tensor, tanh[name]) for name, tensor in learner.model.state_dict().items())
    made(tmp_path).resume("run-other")
    for classes in (CLASSES, birds, CLASSES):  # each kind has one place
        made(tmp_path, classes=classes).save("run")
    assert sorted(p.name for p in tmp_path.glob("*.safetensors")) == [
        "run-other-2.safetensors",
        "run-other.safetensors",
        "run.safetensors",
    ]
    made(tmp_path, classes=birds).load("run-other-2")


def test_of_weights_that_say_nothing_the_layers_tell_what_they_are_for(tmp_path, capsys):
    save_file({"weight": torch.zeros(2, 2)}, tmp_path / "run.safetensors")  # somebody's
    made(tmp_path, classes=None).save("run")
    assert "(the network has other layers); it is kept as run-other.safetensors" in capsys.readouterr().out
    (tmp_path / "run.safetensors").write_bytes(b"damaged")
    made(tmp_path).save("run")
    assert capsys.readouterr().out == ""
    made(tmp_path).load("run")


class Own(nn.Module):
    """Somebody's network: what it computes with, what it counts, and what it is called."""

    sharpness = 1

    def __init__(self, scale=2, act=torch.relu, note="first", device="cpu", limits=(0, 1), sharpness=None, drop=0.5):
        super().__init__()
        self.layer = nn.Linear(4, 3)
        self.scale, self.act, self.note, self.device, self.limits, self.drop = scale, act, note, device, limits, drop
        self.calls, self.seen = 0, []
        if sharpness is not None:
            self.sharpness = sharpness

    def forward(self, x):
        self.calls += 1
        self.seen.append(len(x))
        x = nn.functional.dropout(x.to(self.device), self.drop, self.training)
        return self.act(self.layer(x) * self.scale).clamp(*self.limits) * self._factor

    @property
    def _factor(self):
        return (lambda: self.sharpness)()

    def extra_repr(self):
        return self.note


class Renamed(Own):
    pass


@pytest.mark.parametrize(
    ("here", "message"),
    [
        (lambda: Own(scale=3), r"the scale of the model \(Own\) is 2 there and 3 here"),
        (lambda: Own(act=torch.tanh), "the act of the model .* is 'relu' there and 'tanh' here"),
        (lambda: Own(limits=(0, 2)), "the limits of the model"),
        (lambda: Own(sharpness=5), "the sharpness of the model .* is 1 there and 5 here"),
        (Renamed, "the class of the model is 'Own' there and 'Renamed' here"),
        (lambda: Own(scale=2.0), None),
        (lambda: Own(act=nn.functional.relu), None),
        (lambda: Own(note="second", drop=0.1), None),
        (lambda: Own(device="cpu:0"), None),
    ],
)
def test_what_modules_of_ones_own_compute_with_is_what_weights_mean_too(tmp_path, here, message):
    x, y = torch.randn(8, 4), torch.arange(8) % 3

    def learner(model):
        return Learner(Data.from_tensors((x, y), (x, y)), model, progress=False, path=tmp_path)

    first = learner(Own())
    first.fit(0.1, 1, checkpoint="run")  # it has counted by now
    first.save("run")
    other = learner(here())
    for take in (other.load, other.resume):
        if message is None:
            take("run")
            continue
        before = everything(other)
        with pytest.raises(StorageError, match=message):
            take("run")
        unchanged(before, everything(other))


@pytest.mark.parametrize(
    ("then", "now", "message"),
    [
        (nn.BatchNorm1d(3), nn.BatchNorm1d(3, momentum=0.5), "the momentum of layer '1'"),
        (nn.Dropout(0.1), nn.Dropout(0.9), "the p of layer '1'"),
        (nn.ReLU(), nn.ReLU(inplace=True), None),
    ],
)
def test_a_fit_goes_on_with_layers_that_learn_as_before(tmp_path, then, now, message):
    x, y = torch.randn(8, 4), torch.arange(8) % 3

    def learner(layer):
        return Learner(Data.from_tensors((x, y), (x, y)), nn.Sequential(nn.Linear(4, 3), layer), progress=False, path=tmp_path)

    learner(then).fit(0.1, 1, checkpoint="run")
    other = learner(now)
    if message is None:
        other.resume("run")
        return
    before = everything(other)
    with pytest.raises(StorageError, match=message):
        other.resume("run")
    unchanged(before, everything(other))


def test_the_name_of_a_file_may_have_its_suffix(tmp_path):
    learner = made(tmp_path)
    assert learner.save("first.safetensors") == learner.save("first") == tmp_path / "first.safetensors"
    learner.load("first.safetensors")
    learner.load("first")
    learner.fit(0.1, 1, checkpoint="run.checkpoint")
    learner.resume("run")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["first.safetensors", "run.checkpoint"]


def test_statistics_of_the_inputs_are_compared_but_for_their_last_bits(tmp_path):
    first = made(tmp_path, kind=Scaled)
    first.save("run")
    other = made(tmp_path, kind=Scaled)
    other.data.mean = 0.5 + 1e-12  # as another processor may have computed it
    other.load("run")
    other.data.mean = 0.4
    with pytest.raises(StorageError, match=r"the mean .* is \[0.5\] there and \[0.4\] here"):
        other.load("run")


def test_a_learner_does_not_go_on_with_data_of_other_statistics(tmp_path):
    learner, other = made(tmp_path, kind=Scaled), made(tmp_path, kind=Scaled)
    learner.set_data(other.data)
    new = made(tmp_path, kind=Scaled).data
    new.mean = 0.4
    with pytest.raises(CourseError, match=r"the mean that is taken off pictures is \[0.5\] there and \[0.4\] here"):
        learner.set_data(new)
    assert learner.data is other.data


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": torch.optim.Adam}, "saved with the optimiser SGD, and this learner has Adam"),
        ({"optimizer": partial(torch.optim.SGD, momentum=0.5)}, "the optimiser of 'momentum' is 0.9 there and 0.5 here"),
        ({"groups": False}, "a model of 2 layer groups, and this one has 1"),
    ],
)
def test_a_checkpoint_of_another_optimiser_or_other_groups_changes_nothing(tmp_path, options, message):
    made(tmp_path).fit(0.1, 1, checkpoint="run")
    other = made(tmp_path, **options)
    before = everything(other)
    with pytest.raises(StorageError, match=message):
        other.resume("run")
    unchanged(before, everything(other))


def momenta(first, second):
    """What makes an optimiser whose groups have options of their own."""
    return lambda groups: torch.optim.SGD([g | {"momentum": m} for g, m in zip(groups, (first, second), strict=False)], lr=1.0)


def focal(outputs, targets):
    return (nn.functional.cross_entropy(outputs, targets, reduction="none") ** 2).mean()


def renamed_loss(outputs, targets):
    return nn.functional.cross_entropy(outputs, targets)


@pytest.mark.parametrize(
    ("then", "now", "message"),
    [
        ({}, {"loss": nn.CrossEntropyLoss()}, None),
        ({}, {"loss": renamed_loss}, None),
        ({}, {"loss": focal}, "the loss is cross_entropy there and focal here"),
        ({}, {"loss": nn.CrossEntropyLoss(label_smoothing=0.1)}, "the loss is cross_entropy there and CrossEntropyLoss here"),
        ({"loss": lambda o, t: focal(o, t)}, {"loss": lambda o, t: renamed_loss(o, t)}, "the loss is <lambda> there"),
        (
            {"loss": partial(nn.functional.cross_entropy, weight=torch.tensor([1.0, 2, 3]))},
            {"loss": nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2, 4]))},
            "the loss is cross_entropy there",
        ),
        ({"optimizer": momenta(0.9, 0.5)}, {"optimizer": momenta(0.9, 0.5)}, None),
        ({"optimizer": momenta(0.9, 0.5)}, {"optimizer": momenta(0.9, 0.6)}, "momentum=0.5 in group 1 .* with 0.6"),
        (
            {"optimizer": partial(torch.optim.SGD, momentum=0.9)},
            {"optimizer": partial(torch.optim.SGD, momentum=0.9, foreach=False)},
            None,
        ),
        ({}, {"optimizer": partial(torch.optim.SGD, momentum=0.9, maximize=True)}, "'maximize' is False there and True here"),
        ({}, {"optimizer": partial(torch.optim.SGD, momentum=0.9, nesterov=True)}, "'nesterov' is False there"),
        (
            {"optimizer": torch.optim.Adam},
            {"optimizer": partial(torch.optim.Adam, betas=(0.9, 0.99))},
            r"'betas' is \[0.9, 0.999\] there",
        ),
    ],
)
def test_a_fit_goes_on_with_the_same_loss_and_optimiser(tmp_path, then, now, message):
    made(tmp_path, **then).fit(0.1, 1, checkpoint="run")
    other = made(tmp_path, **now)
    if message is None:
        other.resume("run")
        return
    before = everything(other)
    with pytest.raises(StorageError, match=message):
        other.resume("run")
    unchanged(before, everything(other))


def test_a_fit_goes_on_with_the_momentum_of_its_schedule(tmp_path):
    made(tmp_path).fit_one_cycle(0.1, 1, checkpoint="run")
    made(tmp_path).resume("run")


def test_a_fit_goes_on_with_its_own_examples_in_its_own_precision(tmp_path):
    class Named(TensorData):
        prefix = ""

        def items(self, split):
            return [f"{self.prefix}{row}" for row in super().items(split)]

    made(tmp_path, kind=Named).fit(0.1, 1, checkpoint="run")
    fewer, others, exact = made(tmp_path, kind=Named), made(tmp_path, kind=Named), made(tmp_path, kind=Named)
    x, y = fewer.data.valid_ds.tensors
    fewer.set_data(Named((x, y), (x[1:], y[1:]), batch_size=16, classes=CLASSES))
    others.data.prefix = "a/"
    exact.model.double()
    for learner, message in (
        (fewer, "the valid set has 48 examples there and 47 here"),
        (others, "the train set has other examples, or the same in another order"),
        (exact, r"is torch.float32, and here it is torch.float64"),
    ):
        before = everything(learner)
        with pytest.raises(StorageError, match=message):
            learner.resume("run")
        unchanged(before, everything(learner))
    made(tmp_path, kind=Named).resume("run")


@pytest.mark.parametrize("what", ["inputs", "targets", "order", "validation"])
def test_a_fit_goes_on_with_what_its_examples_held(tmp_path, what):
    made(tmp_path).fit(0.1, 1, checkpoint="run")
    other = made(tmp_path)
    x, y = (tensor.clone() for tensor in other.data.train_ds.tensors)
    valid = (x.clone(), y.clone())
    if what == "inputs":
        x[7] += 0.1
    elif what == "targets":
        y[7] = (y[7] + 1) % 3
    elif what == "order":
        x, y = x.flip(0), y.flip(0)
    else:
        valid = (valid[0] * 1.01, valid[1])
    other.data = TensorData((x, y), valid, batch_size=16, classes=CLASSES)
    before = everything(other)
    split = "valid" if what == "validation" else "train"
    with pytest.raises(StorageError, match=rf"the {split} set has other inputs or targets, of as many examples \(48\)"):
        other.resume("run")
    unchanged(before, everything(other))
    rounded = made(tmp_path)
    x, y = rounded.data.train_ds.tensors
    rounded.data = TensorData((x * (1 + 1e-7), y), (x, y), batch_size=16, classes=CLASSES)  # as on another processor
    rounded.resume("run")


def test_a_fit_goes_on_with_what_was_frozen_by_hand(tmp_path):
    def halves(learner, seed):
        learner.model[0].requires_grad_(False)
        set_seed(seed)
        return learner

    whole = halves(made(tmp_path), 1)
    whole.fit(0.1, 2)

    class Stop(Callback):
        def before_epoch(self, learner):
            if learner.epoch == 1:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        halves(made(tmp_path, callbacks=[Stop()]), 1).fit(0.1, 2, checkpoint="run")
    resumed = made(tmp_path)  # the checkpoint knows what was frozen
    resumed.resume("run")
    assert not resumed.model[0].weight.requires_grad
    assert all(torch.equal(t, whole.model.state_dict()[name]) for name, t in resumed.model.state_dict().items())


def test_callbacks_that_watch_something_else_are_told(tmp_path, capsys):
    made(tmp_path, callbacks=[KeepBest(), EarlyStopping(patience=3)]).fit(0.1, 1, checkpoint="run")
    with pytest.raises(StorageError, match=r"with KeepBest\('valid loss'\), and this learner has KeepBest\('train loss'\)"):
        made(tmp_path, callbacks=[KeepBest("train loss"), EarlyStopping()]).resume("run")
    made(tmp_path, callbacks=[KeepBest(), EarlyStopping(patience=9)]).resume("run")
    assert capsys.readouterr().out == (
        "The fit continues, but not as it was saved: a callback is EarlyStopping('valid loss', patience=9), not "
        "EarlyStopping('valid loss').\n"
    )


def test_what_may_change_while_a_fit_stands_still_is_said(tmp_path, capsys):
    made(tmp_path).fit(0.1, 1, checkpoint="run")
    made(tmp_path).resume("run")
    assert capsys.readouterr().out == ""
    other = made(tmp_path, clip=1.0, callbacks=[Callback()])
    other.data.batch_size = 8
    other.resume("run")
    assert capsys.readouterr().out == (
        "The fit continues, but not as it was saved: batch_size is 8, not 16; clip is 1.0, not None; the callback Callback is "
        "new.\n"
    )


@pytest.mark.parametrize(
    "damage",
    [
        lambda s: s["fit"].update(plan=["exec", "1"]),
        lambda s: s["fit"].update(plan=["constant", -1]),
        lambda s: s.update(random={"python": 3}),
        lambda s: s["random"].update(torch=torch.zeros(3)),
        lambda s: s.update(first_trainable=7),
        lambda s: s.pop("bn_frozen"),
        lambda s: s["recorder"].update(after_step=1),
        lambda s: s["optimizer"]["state"][0].update(momentum_buffer=torch.zeros(1, 1)),
        lambda s: s["optimizer"]["param_groups"].pop(),
        lambda s: s.update(model=3),
        lambda s: s.update(meaning=3),
        lambda s: s["meaning"].update(classes={"a", "b"}),
        lambda s: s["meaning"].update(options=[3]),
        lambda s: s["fit"].update(lr=[float("nan"), 0.1]),
        lambda s: s["fit"].update(lr=["fast", 0.1]),
        lambda s: s["fit"].update(weight_decay="0.1"),
        lambda s: s.update(epochs_done=2.5),
        lambda s: s.update(epochs_done=2),
        lambda s: s.update(first_trainable=True),
        lambda s: s.update(frozen=["no layer"]),
        lambda s: s["conditions"]["examples"]["train"].__setitem__(2, "ab"),
        lambda s: s["recorder"].update(losses=3),
        lambda s: s["recorder"].update(rates=["ab"]),
        lambda s: s["optimizer"]["param_groups"][0].update(full_lr=float("nan")),
        lambda s: s["optimizer"]["param_groups"][0].update(momentum="0.9"),
        lambda s: s["callbacks"][0][1].pop("best"),
        lambda s: s["callbacks"][0][1].update(waited="long"),
        lambda s: s["callbacks"][1][1].update(weights={"0.weight": torch.zeros(2, 2)}),
        lambda s: s["callbacks"][1][1].update(weights=7),
        lambda s: s["callbacks"].append(3),
        lambda s: s.update(conditions=3),
        lambda s: s["conditions"].update(loss="cross_entropy"),
        lambda s: s["conditions"].update(examples={"train": [1]}),
    ],
)
def test_a_damaged_checkpoint_changes_nothing(tmp_path, damage):
    learner = made(tmp_path, callbacks=[EarlyStopping(), KeepBest()])
    learner.fit(0.1, 1, checkpoint="run")
    state = torch.load(tmp_path / "run.checkpoint", weights_only=True)
    damage(state)
    torch.save(state, tmp_path / "run.checkpoint")
    learner = made(tmp_path, callbacks=[EarlyStopping(), KeepBest()])
    before = everything(learner)
    with pytest.raises(StorageError, match=r"damaged|was saved"):
        learner.resume("run")
    unchanged(before, everything(learner))


def test_older_files_still_load_and_say_what_they_know(tmp_path):
    learner = made(tmp_path)
    tensors = {name: t.clone() for name, t in learner.model.state_dict().items()}
    for about in ({}, {"model": "Sequential", "classes": ""}, {"model": "Sequential", "classes": " ".join(CLASSES)}):
        save_file(tensors, tmp_path / "old.safetensors", about)
        learner.load("old")
    save_file(tensors, tmp_path / "old.safetensors", {"model": "Sequential", "classes": "big cat wolf dog"})
    with pytest.raises(StorageError, match="'wolf' only there"):
        learner.load("old")
    learner.fit(0.1, 1, checkpoint="old")
    state = torch.load(tmp_path / "old.checkpoint", weights_only=True)
    for new in ("meaning", "made", "callbacks", "conditions"):
        del state[new]
    torch.save(state, tmp_path / "old.checkpoint")
    made(tmp_path, classes=None).resume("old")


def test_classes_are_in_the_file_as_they_are(tmp_path):
    file = made(tmp_path).save("run")
    with safe_open(file, framework="pt") as opened:
        assert json.loads(opened.metadata()["meaning"])["classes"] == CLASSES


# -- what the system says --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_files_follow_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        learner = made(tmp_path)
        learner.fit(0.1, 1, checkpoint="run")
        learner.save("run")
    finally:
        os.umask(before)
    for suffix in ("safetensors", "checkpoint"):
        assert stat.S_IMODE((tmp_path / f"run.{suffix}").stat().st_mode) == 0o666 & ~umask


def test_a_folder_that_cannot_be_written_is_told_before_the_first_step(tmp_path):
    (tmp_path / "file").write_text("")
    learner = made(tmp_path / "file" / "models")
    with pytest.raises(StorageError, match=r"a file, not a folder.*Learner\(..., path=...\)"):
        learner.fit(0.1, 1, checkpoint="run")
    assert learner.recorder.losses == []
    learner = made(tmp_path)
    (tmp_path / "run.checkpoint").mkdir()
    with pytest.raises(FileError, match="folder of that name"):
        learner.fit(0.1, 1, checkpoint="run")
    assert learner.recorder.losses == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "run.checkpoint"]


def test_a_full_disk_is_told_in_words_and_leaves_the_old_files(tmp_path):
    resource = pytest.importorskip("resource")
    learner = made(tmp_path)
    learner.fit(0.1, 1, checkpoint="run")
    learner.save("run")
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        for write in (learner.save, learner.save_checkpoint, lambda name: learner.fit(0.1, 1, checkpoint=name)):
            with pytest.raises(StorageError, match=f"cannot write {tmp_path}/run.*larger than the system allows"):
                write("run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    for suffix in ("safetensors", "checkpoint"):
        os.mkfifo(tmp_path / f"pipe.{suffix}")
    learner = made(tmp_path)
    for read in (learner.load, learner.resume):
        with pytest.raises(StorageError, match="it is a pipe or a device; copy what comes out of it"):
            read("pipe")


def test_files_that_are_none(tmp_path):
    learner = made(tmp_path)
    learner.save("first")
    (tmp_path / "folder.safetensors").mkdir()
    for name, message in (
        ("first.pth", "A file of another kind"),
        ("folder", "it is a folder, not a file"),
        ("other", "saved there: first"),
    ):
        with pytest.raises(StorageError, match=message):
            learner.load(name)
    with pytest.raises(StorageError, match="no checkpoint at"):
        learner.resume("first")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the system refuses an administrator nothing")
def test_files_that_may_not_be_read_or_written(tmp_path):
    learner = made(tmp_path)
    learner.save("first").chmod(0)
    with pytest.raises(StorageError, match="you may not read it"):
        learner.load("first")
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="you may not write there"):
        learner.fit(0.1, 1, checkpoint="run")
    tmp_path.chmod(0o700)
