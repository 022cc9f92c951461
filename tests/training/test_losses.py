"""Losses that bring tensors along, targets of every type, and weights for rare classes."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

from course_utils.errors import CourseError
from course_utils.training import Data, Learner, class_weights
from course_utils.training.losses import _FollowOutputs, mean_loss, mean_squared_error

OUTPUTS = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))
CLASSES = torch.arange(12) % 3
WEIGHT = [1.0, 2.0, 5.0]
BY_HAND = sum(WEIGHT[y] * -row.log_softmax(0)[y] for row, y in zip(OUTPUTS.double(), CLASSES, strict=True)) / (4 * sum(WEIGHT))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_weights_of_classes_of_any_precision_in_any_kind_of_loss(dtype):
    weight = torch.tensor(WEIGHT, dtype=dtype)
    losses = [
        nn.CrossEntropyLoss(weight=weight),
        partial(F.cross_entropy, weight=weight),
        lambda outputs, targets: F.cross_entropy(outputs, targets, weight),
        lambda outputs, targets: F.nll_loss(outputs.log_softmax(1), targets, weight),
    ]
    for loss in losses:
        outputs = OUTPUTS.clone().requires_grad_()
        result = mean_loss(loss, outputs, CLASSES.int())
        result.backward()
        assert result.item() == pytest.approx(BY_HAND.item(), rel=1e-5)
        assert mean_loss(loss, OUTPUTS.double(), CLASSES).dtype == torch.float64


def test_positive_weights_of_labels_and_targets_of_whole_numbers():
    targets = (OUTPUTS > 0.3).long()
    given = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(WEIGHT, dtype=torch.float64))
    p = OUTPUTS.double().sigmoid()
    by_hand = -(targets * torch.tensor(WEIGHT).double() * p.log() + (1 - targets) * (1 - p).log()).mean()
    assert mean_loss(given, OUTPUTS, targets).item() == pytest.approx(by_hand.item(), rel=1e-5)


class Focal(nn.Module):
    """A loss as a student writes it: a tensor that is an attribute, and one that is a buffer."""

    def __init__(self):
        super().__init__()
        self.alpha = torch.tensor(WEIGHT)
        self.register_buffer("gamma", torch.tensor([2.0, 2.0, 2.0]))

    def forward(self, outputs, targets):
        p = outputs.softmax(1).gather(1, targets[:, None])[:, 0]
        return (-self.alpha[targets] * (1 - p) ** self.gamma[targets] * p.log()).mean()


def test_tensors_on_another_device_follow_the_outputs():
    """The device `meta` has shapes and no numbers: an operation on it and on the processor fails as on a GPU."""
    outputs, targets = OUTPUTS.to("meta"), CLASSES.to("meta")
    weight = torch.tensor(WEIGHT)
    for loss in (
        Focal(),
        lambda o, t: (weight * o.softmax(1)).mean(),
        lambda o, t: torch.where(t[:, None] > 0, o, weight).mean(),
    ):
        with pytest.raises(RuntimeError, match="device"):
            loss(outputs, targets)
        with _FollowOutputs(torch.device("meta")):
            assert loss(outputs, targets).device.type == "meta"
    assert weight.device.type == "cpu"


def test_a_learner_trains_and_validates_with_class_weights():
    x = torch.randn(60, 4, generator=torch.Generator().manual_seed(1))
    y = (x[:, 0] > 1).long()
    data = Data.from_tensors((x, y), (x, y))
    learner = Learner(data, nn.Linear(4, 2), loss=nn.CrossEntropyLoss(weight=class_weights(data)), progress=False)
    learner.fit(0.5, 3)
    with torch.no_grad():
        expected = F.cross_entropy(learner.model(x), y, weight=class_weights(data))
    assert learner.validate()["valid loss"] == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda outputs, targets: outputs.sum() * 1j, "the loss gave a complex number; a loss is a real one"),
        (nn.CrossEntropyLoss(reduction="none"), r"shape \(12,\); a loss is one number"),
        (lambda outputs, targets: 0.5, "the loss gave a float"),
        (lambda outputs, targets: None, "the loss gave a NoneType"),
        (nn.MSELoss(), r"targets int64 \(12,\) do not fit outputs float32 \(12, 3\): mse_loss compares number with number"),
        (partial(F.l1_loss, reduction="mean"), "l1_loss compares number with number"),
        (
            nn.CrossEntropyLoss(weight=torch.ones(4)),
            r"the loss CrossEntropyLoss does not take outputs float32 \(12, 3\) .*weight tensor",
        ),
    ],
)
def test_a_loss_is_one_number(loss, message):
    with pytest.raises(CourseError, match=message):
        mean_loss(loss, OUTPUTS, CLASSES)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (CLASSES + 1, "go from 1 to 3, but the model has 3 outputs, so class numbers are 0 to 2; take 1 off"),
        (CLASSES - 1, "go from -1 to 1"),
        (CLASSES * 50, "go from 0 to 100.* a model with 101 outputs"),
        (CLASSES[:, None], r"shape \(12, 1\).*class numbers of shape \(12,\), y.flatten\(\)"),
        (F.one_hot(CLASSES), r"class numbers of shape \(12,\), y.argmax\(1\) of zeros and ones"),
        (CLASSES[:5], r"shape \(5,\)"),
        (CLASSES.float(), "float32"),
    ],
)
def test_class_numbers_that_do_not_fit_the_outputs(targets, message):
    with pytest.raises(CourseError, match=message):
        mean_loss(F.cross_entropy, OUTPUTS, targets)


@pytest.mark.parametrize("loss", [F.nll_loss, nn.NLLLoss(weight=torch.ones(3))])
def test_a_loss_of_log_probabilities_takes_no_other_outputs(loss):
    outputs, y = torch.tensor([[2.0, 1, 0], [0, 0, 5]]), torch.tensor([0, 2])
    for given in (
        outputs.log_softmax(1),
        outputs.log_softmax(1).half(),
        outputs.log_softmax(1).bfloat16(),
        outputs * torch.nan,
    ):
        mean_loss(loss, given, y)
    torch.testing.assert_close(mean_loss(loss, outputs.log_softmax(1), y), mean_loss(F.cross_entropy, outputs, y))
    with pytest.raises(CourseError, match=r"sum to 1; .* sums to 11.1. Let the model end with nn.LogSoftmax"):
        mean_loss(loss, outputs, y)


def test_what_pytorch_takes_is_taken():
    ignored = torch.where(CLASSES == 2, -1, CLASSES)
    expected = F.cross_entropy(OUTPUTS[CLASSES < 2], CLASSES[CLASSES < 2])
    assert torch.allclose(mean_loss(nn.CrossEntropyLoss(ignore_index=-1), OUTPUTS, ignored), expected)
    soft = F.one_hot(CLASSES, 3) * 0.8 + 0.1
    assert torch.equal(mean_loss(F.cross_entropy, OUTPUTS, soft), F.cross_entropy(OUTPUTS, soft))
    maps = torch.randn(2, 3, 4, 4)
    assert torch.equal(mean_loss(F.cross_entropy, maps, maps.argmax(1)), F.cross_entropy(maps, maps.argmax(1)))


def test_an_error_in_a_loss_of_ones_own_passes_as_it_is():
    def mine(outputs, targets):
        return outputs @ targets.float()

    with pytest.raises(RuntimeError, match="size mismatch"):
        mean_loss(mine, OUTPUTS, CLASSES)


BY_ROW = {
    "a module": nn.MSELoss(),
    "a function": F.mse_loss,
    "with options": partial(F.smooth_l1_loss, beta=0.5),
    "by names": lambda outputs, targets: F.l1_loss(input=outputs, target=targets),
    "by hand": lambda outputs, targets: ((outputs - targets) ** 2).mean(),
    "the other way": lambda outputs, targets: (targets - outputs).abs().mean(),
    "scaled": lambda outputs, targets: torch.pow(torch.sub(outputs * 2, targets), 2).mean(),
    "quantile": lambda outputs, targets: torch.maximum(0.7 * (targets - outputs), 0.3 * (outputs - targets)).mean(),
    "made equal": lambda outputs, targets: F.mse_loss(outputs, targets.view_as(outputs)),
    "flat": lambda outputs, targets: F.mse_loss(outputs.flatten(), targets.flatten()),
}


@pytest.mark.parametrize("name", BY_ROW)
def test_a_column_and_numbers_are_compared_row_by_row(name):
    """As they are PyTorch would compare each with each: 12 x 12 differences."""
    loss, values, targets = BY_ROW[name], OUTPUTS[:, 0], OUTPUTS[:, 1]
    flat = values.clone().requires_grad_()
    expected = loss(flat, targets)
    expected.backward()
    for outputs, given in ((values[:, None], targets), (values, targets[:, None])):
        assert mean_loss(loss, outputs, given).item() == pytest.approx(expected.item(), rel=1e-5)
        outputs = outputs.clone().requires_grad_()
        result = mean_loss(loss, outputs, given)
        result.backward()
        assert result.item() == pytest.approx(expected.item(), rel=1e-5)
        assert torch.allclose(outputs.grad.flatten(), flat.grad)


def test_what_is_compared_pairwise_on_purpose_stays_so():
    def ranking(outputs, targets):
        order = torch.sign(targets[:, None] - targets)
        return (F.softplus(-(outputs - outputs.T) * order)).mean()

    outputs, targets = OUTPUTS[:, :1], OUTPUTS[:, 1]
    expected = ranking(outputs, targets)
    assert mean_loss(ranking, outputs, targets).item() == pytest.approx(expected.item())
    assert mean_loss(ranking, outputs.clone().requires_grad_(), targets).item() == pytest.approx(expected.item())


def test_a_loss_that_no_weight_changes_is_told_from_the_first_step():
    for loss in (lambda o, t: F.cross_entropy(o.detach(), t), lambda o, t: (o.argmax(1) == t).float().mean()):
        x = torch.randn(8, 4)
        data = Data.from_tensors((x, torch.arange(8) % 3), (x, torch.arange(8) % 3))
        with pytest.raises(CourseError, match="does not depend on any weight that is trained"):
            Learner(data, nn.Linear(4, 3), loss=loss, progress=False).fit(0.1, 1)


def test_numbers_that_do_not_fit_the_outputs():
    with pytest.raises(CourseError, match="as many numbers as there are targets"):
        mean_squared_error(OUTPUTS, torch.zeros(12))
    with pytest.raises(CourseError, match="an output for each"):
        mean_loss(F.binary_cross_entropy_with_logits, OUTPUTS, torch.zeros(12, 2))
    outputs = OUTPUTS[:, 0].clone().requires_grad_()
    mean_loss(
        mean_squared_error, outputs, torch.zeros(12, dtype=torch.float64)
    ).backward()  # PyTorch alone: Double but expected Float
    assert torch.allclose(outputs.grad, OUTPUTS[:, 0] / 6)


# -- targets and inputs of every type --------------------------------------------------------------------------------------


X = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, bool])
def test_labels_of_every_whole_type_train_as_64_bits_do(dtype):
    losses = []
    for y in (torch.from_numpy(Y), torch.from_numpy(Y.astype(dtype)), Y.astype(dtype)):
        torch.manual_seed(0)
        data = Data.from_tensors((torch.from_numpy(X), y), (X, y))
        assert data.task == "single-label"
        learner = Learner(data, nn.Linear(4, 2), progress=False)
        learner.fit(0.1, 1)
        losses.append(learner.recorder.losses)
    assert losses[0] == losses[1] == losses[2]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_inputs_are_computed_in_the_precision_of_the_model(dtype):
    for model in (nn.Linear(4, 2), nn.Linear(4, 2).double()):
        Learner(Data.from_tensors((X.astype(dtype), Y), (X.astype(dtype), Y)), model, progress=False).fit(0.1, 1)
        assert model.weight.isfinite().all()


def test_arrays_whose_memory_cannot_be_shared():
    locked, backwards = X.copy(), X[::-1]
    locked.flags.writeable = False
    data = Data.from_tensors((locked, Y), (backwards, Y[::-1]))
    assert torch.equal(data.valid_ds.tensors[0], torch.from_numpy(X).flip(0))
    assert torch.equal(data.valid_ds.tensors[1], torch.from_numpy(Y).flip(0))
    longer = Data.from_tensors((X.astype(np.longdouble), Y), (X, Y))
    assert torch.equal(longer.train_ds.tensors[0], torch.from_numpy(X).double())


def test_tags_of_whole_numbers_and_numbers_of_whole_numbers():
    tags = np.stack([Y, 1 - Y], 1)
    data = Data.from_tensors((X, tags), (X, tags.astype(bool)), task="multi-label")
    Learner(data, nn.Linear(4, 2), progress=False).fit(0.1, 1)
    assert data.targets("valid").dtype == torch.float32
    numbers = Data.from_tensors((X, Y), (X, Y), task="regression")
    Learner(numbers, nn.Linear(4, 1), progress=False).fit(0.1, 1)
    assert (
        Data.from_tensors((X, Y.astype(float)), (X, Y.astype(float)), task="single-label").targets("train").dtype == torch.int64
    )


@pytest.mark.parametrize(
    ("train", "options", "message"),
    [
        ((X, Y[:60]), {}, "train has 64 inputs and 60 targets"),
        ((X[:0], Y[:0]), {}, "train has 0 inputs"),
        (X, {}, r"train is ndarray of shape \(64, 4\); give a pair"),
        ((X, np.where(Y, "cat", "dog")), {}, "return_inverse"),
        ((X, np.where(Y, "cat", "dog").astype(object)), {}, "return_inverse"),
        ((X, Y.astype(complex)), {}, "complex128"),
        ((torch.from_numpy(X).cfloat(), Y), {}, "real numbers"),
        ((X, np.where(Y, np.nan, X[:, 1])), {}, f"missing or infinite in {Y.sum()} of 64 rows, first row {Y.argmax()}"),
        ((X, np.full(64, np.inf)), {}, "missing or infinite in 64"),
        ((X, X[:, 0]), {"task": "single-label"}, "which is not a class"),
        ((X, Y), {"task": "multi-label"}, r"shape \(64,\)"),
        ((X, X), {"task": "multi-label"}, "they are zeros and ones"),
        ((X, Y), {"task": "classification"}, "task is 'classification'; it is one of 'single-label'"),
        ((X[:, :3], Y), {}, r"an input of valid has the shape \(4,\), and one of train \(3,\)"),
        ((3.0, Y), {}, "examples along the first dimension"),
    ],
)
def test_targets_that_cannot_be(train, options, message):
    with pytest.raises(CourseError, match=message):
        Data.from_tensors(train, (X, Y), **options)


# -- weights for rare classes ----------------------------------------------------------------------------------------------


def test_balanced_weights_are_scikit_learns():
    y = np.random.default_rng(0).choice(4, 300, p=[0.6, 0.3, 0.08, 0.02])
    data = Data.from_tensors((np.zeros((300, 1)), y), (np.zeros((4, 1)), np.arange(4)))
    expected = compute_class_weight("balanced", classes=np.arange(4), y=y)
    assert class_weights(data).tolist() == pytest.approx(expected.tolist(), rel=1e-6)
    assert class_weights(data).dtype == torch.float32


def test_weights_of_labels_are_how_many_lack_it_for_each_that_has_it():
    tags = torch.tensor([[1, 0], [1, 0], [1, 1], [0, 0]])
    data = Data.from_tensors((torch.zeros(4, 1), tags), (torch.zeros(4, 1), tags), task="multi-label")
    assert class_weights(data).tolist() == pytest.approx([1 / 3, 3.0])


@pytest.mark.parametrize(
    ("targets", "options", "message"),
    [
        ([0, 2, 2], {}, "no training example has the class number 1"),
        ([0, 0, 2], {"classes": ["cat", "big dog", "é"]}, "no training example has the class 'big dog'"),
        ([0, 1, 1], {"classes": ["a", "b", "c", "d"]}, "the classes 'c', 'd'"),
        ([0, 0, 0], {}, "a single class"),
        ([0.5, 1.5, 2.5], {}, "a regression"),
        ([[1, 0], [0, 0], [0, 0]], {"task": "multi-label", "classes": ["x", "y"]}, "no training example has the class 'y'"),
        ([[1, 0], [1, 1], [1, 0]], {"task": "multi-label", "classes": ["x", "y"]}, "every training example has the class 'x'"),
    ],
)
def test_classes_for_which_there_is_no_weight(targets, options, message):
    y = torch.tensor(targets)
    with pytest.raises(CourseError, match=message):
        class_weights(Data.from_tensors((torch.zeros(3, 1), y), (torch.zeros(3, 1), y), **options))


@pytest.mark.parametrize("given", [None, [0, 0, 1], torch.tensor([0, 1])])
def test_weights_of_classes_are_of_data(given):
    with pytest.raises(CourseError, match=r"class_weights was given .*; give the data whose training set it counts"):
        class_weights(given)


@pytest.mark.parametrize(
    ("classes", "options", "message"),
    [
        (["cat", "dog", "cat"], {}, "names 'cat' twice"),
        ("abc", {}, r"classes is 'abc'; give a list of names.* list\('abc'\)"),
        (range(3), {}, r"holds 0, a int; names are text: classes=\[str\(c\) for c in classes\]"),
        ([], {}, "classes is empty"),
        (7, {}, "classes is 7; give a list of names"),
        (["cat", "dog"], {}, "targets of train go up to 2, and classes names 2"),
        (["cat", "dog", "cow"], {"task": "regression"}, "a regression has no classes"),
    ],
)
def test_names_of_classes_fit_the_targets(classes, options, message):
    x, y = torch.zeros(3, 1), torch.tensor([0, 1, 2])
    with pytest.raises(CourseError, match=message):
        Data.from_tensors((x, y), (x, y), classes=classes, **options)


def test_names_of_classes_may_come_from_numpy_and_be_more_than_there_are_examples_of():
    names, y = np.unique(["dog", "cat", "dog"], return_inverse=True)
    data = Data.from_tensors((torch.zeros(3, 1), y), (torch.zeros(3, 1), y), classes=[*names, "eel"])
    assert data.classes == ["cat", "dog", "eel"]
    assert {type(name) for name in data.classes} == {str}
    shares = torch.full((3, 2), 0.5)
    with pytest.raises(CourseError, match="a probability for each of 2 classes, and classes names 3"):
        Data.from_tensors(
            (torch.zeros(3, 1), shares), (torch.zeros(3, 1), shares), task="single-label", classes=["a", "b", "c"]
        )
