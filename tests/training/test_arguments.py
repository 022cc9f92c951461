"""What a user may give to a Learner, and what is refused in words before anything happens."""

import re
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.errors import CourseError
from course_utils.training import Callback, Data, EarlyStopping, Learner, Recorder, accuracy, f_beta, set_seed
from course_utils.training.layer_groups import rates_for


def made(rows=64, batch_size=16, model=None, **options):
    torch.manual_seed(0)
    x = torch.randn(rows, 4)
    y = (x[:, 0] > 0).long()
    data = Data.from_tensors(train=(x, y), valid=(x, y), batch_size=batch_size)
    return Learner(data, model or nn.Linear(4, 2), **{"progress": False} | options)


@pytest.mark.parametrize(
    ("lr", "groups", "rates"),
    [
        (np.float32(0.5), 2, [0.5, 0.5]),
        (np.float16(0.5), 1, [0.5]),
        (np.int64(1), 1, [1.0]),
        (np.array(0.25), 1, [0.25]),
        (torch.tensor(0.25), 2, [0.25, 0.25]),
        (torch.tensor([0.25], dtype=torch.bfloat16), 1, [0.25]),
        (torch.tensor([0.25, 0.5], requires_grad=True), 2, [0.25, 0.5]),
        (np.array([0.25, 0.5], np.float32), 2, [0.25, 0.5]),
        ((np.float32(0.25), torch.tensor(0.5)), 2, [0.25, 0.5]),
        (Fraction(1, 4), 1, [0.25]),
        (0, 1, [0.0]),
    ],
)
def test_rates_of_any_kind_of_number(lr, groups, rates):
    given = rates_for(lr, groups)
    assert given == rates
    assert all(type(rate) is float for rate in given)


@pytest.mark.parametrize(
    ("lr", "message"),
    [
        (None, "steepest is None where .* raise `steps`"),
        (slice(1e-5, 1e-3), r"np.geomspace\(1e-05, 0.001, 3\)"),
        (slice(1e-3), r"np.geomspace\(0.001, 3\)"),
        ("1e-3", "Without quotes it is a number: 0.001"),
        ("fast", "a learning rate is a number such as 1e-2"),
        (True, "is True; a learning rate is a number"),
        (1j, "is 1j"),
        ([0.1, "0.1", 0.1], "a rate is 0 or more, and finite"),
        ([0.1, None, 0.1], "a rate is 0 or more, and finite"),
        ([True, 0.1, 0.1], "a rate is 0 or more, and finite"),
        ({0.1, 0.2, 0.3}, "is {"),
        (np.array(["a", "b", "c"]), "a rate is 0 or more, and finite"),
        (np.ones((3, 1)), "a rate is 0 or more, and finite"),
        (torch.tensor([0.1, float("nan"), 0.1]), "a rate is 0 or more, and finite"),
        (np.float32(-1), "a rate is 0 or more, and finite"),
        (10**400, "a rate is 0 or more, and finite"),
        ([], "0 learning rates were given for 3 layer groups"),
    ],
)
def test_rates_that_are_none(lr, message):
    with pytest.raises(CourseError, match=message):
        rates_for(lr, 3)


def test_whole_numbers_of_numpy_and_pytorch_are_whole_numbers_in_a_checkpoint_too(tmp_path):
    learner = made(path=tmp_path)
    learner.fit(
        np.float32(0.1),
        np.int64(2),
        cycle_len=torch.tensor(1),
        cycle_mult=np.int32(2),
        weight_decay=np.float64(0.1),
        checkpoint="run",
    )
    assert len(learner.recorder.epochs) == 3
    assert learner.recorder.rates[0] == [float(np.float32(0.1))]
    learner.resume("run")  # it could be read: nothing but plain numbers is in it


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: x.fit(0.1, 1.5), "cycles is 1.5; it is a whole number, 1 or more"),
        (lambda x: x.fit(0.1, True), "cycles is True"),
        (lambda x: x.fit(0.1, None), "cycles is None"),
        (lambda x: x.fit(0.1, 1, cycle_len=0), "cycle_len is 0"),
        (lambda x: x.fit(0.1, 1, cycle_len="1"), "cycle_len is '1'"),
        (lambda x: x.fit(0.1, 3, cycle_mult=2), "cycle_mult is 2, but without cycle_len .* give cycle_len=1 too"),
        (lambda x: x.fit_one_cycle(0.1, np.float64(2.5)), "epochs is"),
        (lambda x: x.fit(0.1, 1, weight_decay="0.1"), "weight_decay is '0.1'"),
        (lambda x: x.fit(0.1, 1, weight_decay=-0.1), "weight_decay is -0.1"),
        (lambda x: x.fit(0.1, 1, weight_decay=float("nan")), "weight_decay is nan"),
        (lambda x: x.fit(0.1, 1, checkpoint="a/b"), "cannot be the name"),
        (lambda x: x.fit(0.1, 1, checkpoint=""), "cannot be the name"),
        (lambda x: x.fit(0.1, 1, checkpoint="x" * 300), "the name is too long"),
        (lambda x: x.save("x" * 300), "the name is too long"),
        (lambda x: x.bn_freeze("no"), "frozen is 'no'; it is True or False"),
        (lambda x: x.save(3), "3 cannot be the name"),
        (lambda x: x.load(None), "None cannot be the name"),
        (lambda x: x.lr_find(start="1e-5"), "start is '1e-5'"),
        (lambda x: x.lr_find(steps=2.5), "steps is 2.5"),
        (lambda x: x.freeze_to(0.5), "n is 0.5"),
        (lambda x: x.save_checkpoint("none"), "there is no fit to continue"),
        (lambda x: x.predict(["valid"]), r"split is \['valid'\]; it is one of 'train', 'valid', 'test'"),
        (lambda x: x.predict("validation"), "split is 'validation'"),
        (lambda x: x.predict("test"), "no 'test' set"),
    ],
)
def test_what_a_learner_is_asked_for_in_words_that_say_what_it_takes(call, message):
    learner = made()
    before = [p.detach().clone() for p in learner.model.parameters()]
    with pytest.raises(CourseError, match=message):
        call(learner)
    assert all(torch.equal(a, b) for a, b in zip(before, learner.model.parameters(), strict=True))
    assert learner.recorder.losses == []
    learner.fit(0.1, 1)  # usable at once


class Misnamed(Callback):
    """A moment by the name that it has elsewhere."""

    def after_batch(self, learner): ...


STOPPING = EarlyStopping()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "adam"}, r"optimizer is 'adam'; give what makes one .* torch.optim.Adam"),
        ({"optimizer": torch.optim.Adam([nn.Parameter(torch.zeros(1))])}, "so give what makes it: torch.optim.Adam"),
        ({"optimizer": dict}, "optimizer=the class dict made none|gave a dict"),
        ({"optimizer": partial(torch.optim.Adam, momentum=0.9)}, "momentum"),
        ({"callbacks": [Recorder]}, r"callbacks holds the class Recorder; give an object of it: Recorder\(...\)"),
        ({"callbacks": Recorder}, "callbacks holds the class Recorder"),
        ({"callbacks": [print]}, "inherit from"),
        ({"metrics": "accuracy"}, r"metrics=\[accuracy\]"),
        ({"metrics": [accuracy, "f_beta"]}, "metrics holds 'f_beta'"),
        ({"metrics": [Recorder]}, "metrics holds the class Recorder"),
        ({"loss": nn.CrossEntropyLoss}, r"give an object of it: CrossEntropyLoss\(\)"),
        ({"loss": "mse"}, "loss is 'mse'"),
        ({"model": nn.Linear}, r"give the network itself: Linear\(...\)"),
        ({"model": "resnet"}, "model is 'resnet'; give a network"),
        ({"loss": lambda outputs: outputs.sum()}, r"cannot be called with \(outputs, targets\): too many positional arguments"),
        ({"loss": nn.TripletMarginLoss()}, "cannot be called with .outputs, targets.: missing a required argument"),
        ({"loss": nn.CrossEntropyLoss(reduction="sum")}, "gives the sum over the examples"),
        ({"loss": partial(nn.functional.mse_loss, reduction="sum")}, "gives the sum over the examples"),
        ({"mixed_precision": "yes"}, "mixed_precision is 'yes'; it is True or False"),
        ({"channels_last": 1}, "channels_last is 1; it is True or False"),
        ({"progress": "bar"}, "progress is 'bar'"),
        ({"callbacks": [Misnamed()]}, r"Misnamed.after_batch would never be called: .* did you mean after_step\?"),
        ({"callbacks": [STOPPING, STOPPING]}, r"callbacks holds EarlyStopping\('valid loss'\) twice"),
        ({"clip": 0}, "clip is 0; it is a number above 0"),
        ({"clip": "1"}, "clip is '1'"),
        ({"clip": float("nan")}, "clip is nan"),
        ({"optimizer": torch.optim.LBFGS}, "LBFGS computes the loss several times in one step.*torch.optim.Adam"),
        ({"model": nn.LazyLinear(2)}, r"a layer without weights yet, weight.*model\(data.train_ds\[0\]\[0\]\[None\]\)"),
        ({"model": nn.Linear(4, 2, device="meta")}, "on the device 'meta'.*first weight"),
        ({"path": 5}, "path is 5; give the path of a folder"),
        ({"layer_groups": "ab"}, "layer_groups is 'ab'; give a list of groups"),
        ({"layer_groups": 3}, "layer_groups is 3"),
        ({"layer_groups": ["ab"]}, "layer_groups holds 'a', which is not a layer"),
        ({"layer_groups": [3]}, "layer_groups holds 3, which is not a layer"),
        ({"layer_groups": []}, "layer_groups is empty"),
        ({"batch_size": 1.5}, "batch_size is 1.5"),
        ({"batch_size": True}, "batch_size is True"),
        ({"batch_size": 0}, "batch_size is 0"),
    ],
)
def test_what_a_learner_is_made_of(options, message):
    with pytest.raises(CourseError, match=message):
        made(**options)


def test_what_was_put_into_a_learner_later_is_looked_at_too():
    learner = made(callbacks=[])
    learner.callbacks.append(EarlyStopping)
    with pytest.raises(CourseError, match="callbacks holds the class EarlyStopping"):
        learner.fit(0.1, 1)
    learner = made()
    learner.model = nn.Linear(4, 2)
    with pytest.raises(CourseError, match=r"has changed since this learner was made: 2 weights are in none .* first weight"):
        learner.fit(0.1, 1)
    x = torch.randn(8, 4)
    nothing = Learner(Data.from_tensors((x, torch.arange(8) % 4), (x, torch.arange(8) % 4)), nn.ReLU(), progress=False)
    with pytest.raises(CourseError, match="the model has no weights"):
        nothing.fit(0.1, 1)


def test_a_moment_may_be_given_to_one_callback_alone():
    seen, callback = [], Callback()
    callback.after_epoch = lambda learner: seen.append(learner.epoch)
    made(callbacks=[callback]).fit(0.1, 2)
    assert seen == [0, 1]


@pytest.mark.parametrize(
    ("task", "last", "said"),
    [
        ("single-label", nn.Softmax(1), "The model ends with Softmax, .* by a softmax itself: leave that layer out"),
        ("multi-label", nn.Sigmoid(), "The model ends with Sigmoid, .* by a sigmoid itself"),
        ("single-label", nn.LogSoftmax(1), ""),  # whose softmax is itself
        ("regression", nn.Sigmoid(), ""),
        ("multi-label", nn.Tanh(), ""),
    ],
)
def test_a_model_that_makes_probabilities_itself_is_told(task, last, said, capsys):
    x, y = torch.randn(8, 4), torch.zeros(8) if task == "regression" else torch.zeros(8).long()
    y = y[:, None].expand(-1, 2) if task == "multi-label" else y
    Learner(Data.from_tensors((x, y), (x, y), task=task), nn.Sequential(nn.Linear(4, 2), last), progress=False)
    out = capsys.readouterr().out
    assert re.fullmatch(f"{said}.*\n", out) if said else out == ""


def test_data_that_is_none():
    loader = torch.utils.data.DataLoader([1])
    with pytest.raises(CourseError, match=r"data is <.*DataLoader.*Data.from_tensors"):
        Learner(loader, nn.Linear(4, 2))


def test_one_metric_and_one_callback_need_no_list():
    class Count(Callback):
        seen = 0

        def after_epoch(self, learner):
            self.seen += 1

    count = Count()
    learner = made(metrics=accuracy, callbacks=count, clip=np.float32(1), batch_size=np.int64(16))
    learner.fit(0.1, 2)
    assert count.seen == 2
    assert "accuracy" in learner.recorder.epochs[0]
    assert made(metrics=partial(f_beta, beta=1)).metrics[0].func is f_beta


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x):
        return self.layer(x), x


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Linear(5, 2), r"the model, Linear, takes 5 numbers in the last dimension, but is given \(16, 4\)"),
        (nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(2, 2)), r"layer '2' of the model.* takes 2 .* given \(16, 3\)"),
        (nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(2)), "layer '1' of the model, BatchNorm1d, takes 2 channels"),
        (nn.Conv2d(3, 2, 1), "takes 3 channels"),
        (nn.Embedding(3, 2), r"takes whole numbers \(int64\), from 0 up to but not including 3, but is given \(16, 4\)"),
        (Pair(), r"gave a tuple; a learner takes one tensor"),
        (nn.Sequential(nn.Linear(4, 1), nn.Flatten(0)), r"outputs of shape \(\d+,\), .*an output for each class"),
    ],
)
def test_a_model_that_does_not_fit_the_data_is_told_in_shapes(model, message):
    learner = made(model=model)
    for call in (lambda: learner.fit(0.1, 1), learner.validate, learner.predict):
        with pytest.raises(CourseError, match=message):
            call()


def test_whole_numbers_where_a_layer_takes_floating_point_ones_are_told():
    x, y = torch.ones(8, 4, dtype=torch.uint8), torch.arange(8) % 2
    learner = Learner(Data.from_tensors((x, y), (x, y)), nn.Linear(4, 2), progress=False)
    with pytest.raises(CourseError, match=r"of floating-point numbers, .* of uint8, from 1 to 1.* Give it x.float"):
        learner.fit(0.1, 1)


def test_an_error_in_a_layer_of_the_users_own_passes_as_it_is():
    class Own(nn.Module):
        def forward(self, x):
            return x @ torch.zeros(7, 2)

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        made(model=nn.Sequential(nn.Linear(4, 2), Own())).predict()


def test_outputs_and_classes_are_as_many():
    x, y = torch.zeros(8, 4), torch.tensor([0, 1] * 4)
    learner = Learner(Data.from_tensors((x, y), (x, y), classes=["cat", "dog"]), nn.Linear(4, 3), progress=False)
    for call in (lambda: learner.fit(0.1, 1), learner.predict):
        with pytest.raises(CourseError, match=r"outputs of shape \(8, 3\), and the data has 2 classes"):
            call()


def test_a_learner_shows_what_it_is_in_a_line():
    learner = made(layer_groups=None, model=nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)))
    assert repr(learner) == (
        "Learner(TensorData(64 train, 64 valid; single-label, inputs (4,)), Sequential in 1 layer group, on "
        f"{learner.data.device})"
    )


def test_an_optimiser_of_sparse_gradients_alone_is_told_from_the_first_step():
    with pytest.raises(CourseError, match=r"SparseAdam moves the weights of nn.Embedding\(..., sparse=True\) alone"):
        made(optimizer=torch.optim.SparseAdam).fit(0.1, 1)


# -- weight decay ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("optimizer", "given", "decay"),
    [
        (torch.optim.AdamW, None, 0.01),
        (partial(torch.optim.AdamW, weight_decay=0.05), None, 0.05),
        (partial(torch.optim.AdamW, weight_decay=0.05), 0, 0.0),
        (partial(torch.optim.SGD, momentum=0.9, weight_decay=1e-4), None, 1e-4),
        (partial(torch.optim.SGD, momentum=0.9, weight_decay=1e-4), np.float64(0.5), 0.5),
        (torch.optim.SGD, None, 0.0),
    ],
)
def test_the_optimisers_own_weight_decay_holds_unless_a_fit_gives_one(optimizer, given, decay):
    for fit in (lambda x: x.fit(1e-3, 1, weight_decay=given), lambda x: x.fit_one_cycle(1e-3, 1, weight_decay=given)):
        learner = made(optimizer=optimizer)
        fit(learner)
        assert [group["weight_decay"] for group in learner.optimizer.param_groups] == [decay]


def test_an_optimiser_that_knows_no_weight_decay_is_named():
    learner = made(optimizer=torch.optim.Rprop)
    learner.fit(1e-3, 1)
    with pytest.raises(CourseError, match="Rprop knows no weight decay"):
        learner.fit(1e-3, 1, weight_decay=0.1)


# -- mini-batches of one ---------------------------------------------------------------------------------------------------


def normalising():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 2))


@pytest.mark.parametrize(("rows", "steps"), [(64, 4), (65, 4), (66, 5), (17, 1)])
def test_a_last_mini_batch_of_one_is_left_out_with_batch_norm_alone(rows, steps):
    learner = made(rows, model=normalising())
    learner.fit(0.1, 1)
    assert len(learner.recorder.losses) == steps == learner.steps_per_epoch
    learner.lr_find(steps=12)
    plain = made(rows)
    plain.fit(0.1, 1)
    assert len(plain.recorder.losses) == -(-rows // 16)


def test_mini_batches_of_one_are_refused_with_batch_norm_that_learns():
    for options, what in (({"batch_size": 1}, "batch_size is 1"), ({"rows": 1}, "the training set has one example")):
        learner = made(model=normalising(), **options)
        with pytest.raises(CourseError, match=f"{what}, but this model has batch norm.*batch_size=2"):
            learner.fit(0.1, 1)
        learner.bn_freeze(True)
        learner.fit(1e-3, 1)  # they stand still
        assert learner.recorder.losses
    made(batch_size=1).fit(1e-3, 1)


def test_seeds_of_any_kind_of_whole_number_repeat_and_others_are_refused():
    numbers = []
    for seed in (3, np.int64(3), torch.tensor(3)):
        set_seed(seed)
        numbers.append(torch.rand(2).tolist() + np.random.rand(2).tolist())
    assert numbers[0] == numbers[1] == numbers[2]
    for seed in ("a", 1.5, None, True, 2**70):
        with pytest.raises(CourseError, match="seed is"):
            set_seed(seed)
