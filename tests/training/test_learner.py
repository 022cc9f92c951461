import _thread
import copy
import random
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.errors import CourseError
from course_utils.training import Callback, Data, DivergedError, Learner, accuracy, f_beta, set_seed
from course_utils.training.data import TensorData
from course_utils.training.devices import random_state
from course_utils.training.loaders import TensorLoader
from course_utils.training.precision import Precision


def make_data(rows=192, batch_size=32, **options):
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(rows, 3, 8, 8, generator=generator)
    y = (x.mean((1, 2, 3)) > 0).long() + (x[:, 0].mean((1, 2)) > 0.05).long()
    return Data.from_tensors(train=(x[:128], y[:128]), valid=(x[128:], y[128:]), batch_size=batch_size, **options)


def make_model():
    """Three layer groups with a batch norm each but the last, and dropout, so that random state matters."""
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()),
        nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Sequential(nn.Dropout(0.2), nn.Linear(6, 3)),
    )


def make_learner(tmp_path=None, data=None, seed=0, **options):
    set_seed(seed)
    model = make_model()
    groups = list(model) if options.pop("grouped", True) else None
    return Learner(
        data or make_data(), model, layer_groups=groups, metrics=[accuracy], progress=False, path=tmp_path, **options
    )


def weights(learner):
    return [t.detach().clone() for t in [*learner.model.parameters(), *learner.model.buffers()]]


def equal(a, b):
    return len(a) == len(b) and all(torch.equal(s, t) for s, t in zip(a, b, strict=True))


class At(Callback):
    """Does something at one step of the fit."""

    def __init__(self, moment, steps, action):
        self.steps, self.action, self.seen = steps, action, 0
        setattr(self, moment, self._count)

    def before_step(self, learner): ...
    def after_backward(self, learner): ...
    def after_step(self, learner): ...

    def _count(self, learner):
        self.seen += 1
        if self.seen == self.steps:
            self.action(learner)


def interrupt(learner):
    raise KeyboardInterrupt


# -- a fit is what one would write by hand ---------------------------------------------------------------------------------


def test_a_fit_equals_the_loop_written_by_hand_to_the_bit():
    learner = make_learner(grouped=False)
    model, data = copy.deepcopy(learner.model), learner.data
    state = torch.get_rng_state()
    learner.fit(0.05, 2, weight_decay=0.01)

    torch.set_rng_state(state)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=0.01)
    x, y = data.train_ds.tensors
    for _ in range(2):
        model.train()
        for rows in torch.randperm(128).split(32):
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows].contiguous(memory_format=torch.channels_last)), y[rows]).backward()
            optimizer.step()
    assert equal(weights(learner), [t.detach() for t in [*model.parameters(), *model.buffers()]])


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    runs = []
    for seed in (3, 3, 4):
        learner = make_learner(seed=seed)
        learner.fit(0.05, 2)
        runs.append((learner.recorder.losses, weights(learner)))
    assert runs[0][0] == runs[1][0]
    assert equal(runs[0][1], runs[1][1])
    assert runs[0][0] != runs[2][0]


def test_loss_and_metrics_are_over_the_whole_set_and_not_means_of_batches():
    learner = make_learner(data=make_data(rows=128 + 33, batch_size=32))  # a last batch of one example
    results = learner.validate()
    x, y = learner.data.valid_ds.tensors
    with torch.no_grad():
        outputs = learner.model.eval()(x)
    assert results["valid loss"] == pytest.approx(F.cross_entropy(outputs, y).item(), rel=1e-5)
    assert results["accuracy"] == pytest.approx((outputs.argmax(1) == y).float().mean().item())


def test_the_task_follows_the_targets():
    x = torch.randn(8, 2)
    assert Data.from_tensors((x, torch.zeros(8).long()), (x, torch.zeros(8).long())).task == "single-label"
    assert Data.from_tensors((x, torch.zeros(8)), (x, torch.zeros(8))).task == "regression"
    outputs = torch.randn(8, 3)
    multi = Data.from_tensors((x, torch.zeros(8, 3)), (x, torch.zeros(8, 3)), task="multi-label")
    assert torch.equal(multi.activation(outputs), torch.sigmoid(outputs))


def test_a_regression_with_outputs_in_a_column_is_not_broadcast():
    set_seed(0)
    x = torch.randn(300, 2)
    y = x @ torch.tensor([2.0, -1.0]) + 3
    learner = Learner(Data.from_tensors((x, y), (x, y)), nn.Linear(2, 1), progress=False)
    learner.fit(0.1, 20)
    assert learner.validate()["valid loss"] < 1e-3
    assert torch.allclose(learner.predict().values.flatten(), y, atol=0.1)


def test_several_labels_at_once_learn_with_sigmoids():
    set_seed(0)
    x = torch.randn(400, 3)
    y = (x > 0).float()
    data = Data.from_tensors((x, y), (x, y), task="multi-label", classes=["a", "b", "c"])
    learner = Learner(data, nn.Linear(3, 3), metrics=[f_beta], progress=False)
    learner.fit(2.0, 30)
    assert learner.validate()["f_beta"] > 0.98 * (y.sum(1) > 0).float().mean()  # rows without a label count 0
    predictions = learner.predict()
    assert predictions.classes == ["a", "b", "c"]
    assert (predictions.values.sum(1) > 1.5).any()  # more than softmax could give


# -- rates and layer groups ------------------------------------------------------------------------------------------------


def test_each_layer_group_gets_its_rate_and_the_cosine_multiplies_all():
    learner = make_learner()
    learner.fit([1e-4, 1e-3, 1e-2], 2, cycle_len=1, cycle_mult=2)
    rates = np.array(learner.recorder.rates)
    assert rates.shape == (3 * 4, 3)
    steps = np.concatenate([np.arange(4) / 4, np.arange(8) / 8])  # Loshchilov and Hutter's T_cur / T_i
    expected = 0.5 * (1 + np.cos(np.pi * steps))
    np.testing.assert_allclose(rates, np.outer(expected, [1e-4, 1e-3, 1e-2]), rtol=1e-12)


def test_rates_per_group_move_the_groups_as_far_as_they_say():
    learner = make_learner()
    before = weights(learner)
    learner.fit(np.array([0.0, 0.0, 0.1]), 1)
    moved = [not torch.equal(a, b) for a, b in zip(before, weights(learner), strict=True)]
    names = [name for name, _ in learner.model.named_parameters()]
    assert [name for name, m in zip(names, moved, strict=False) if m] == ["2.1.weight", "2.1.bias"]


@pytest.mark.parametrize("lr", [[0.1, 0.1], np.ones(4), -1.0, float("nan"), float("inf")])
def test_rates_that_cannot_be_are_refused(lr):
    learner = make_learner()
    with pytest.raises(CourseError, match="rate"):
        learner.fit(lr, 1)


def test_frozen_layers_and_their_batch_norms_do_not_move_and_the_others_do():
    learner = make_learner()
    learner.freeze_to(1)
    before = {name: t.clone() for name, t in learner.model.state_dict().items()}
    learner.fit(0.1, 1)
    after = learner.model.state_dict()
    for name in before:
        assert torch.equal(before[name], after[name]) == name.startswith("0."), name


def test_frozen_batch_norms_stand_still_in_layers_that_train():
    learner = make_learner()
    learner.unfreeze()
    learner.bn_freeze(True)
    before = {name: t.clone() for name, t in learner.model.state_dict().items()}
    learner.fit(0.1, 1)
    after = learner.model.state_dict()
    for name in before:
        assert torch.equal(before[name], after[name]) == ("running" in name or "num_batches" in name), name
    learner.bn_freeze(False)
    learner.fit(0.1, 1)
    assert not torch.equal(after["0.1.running_mean"].clone(), before["0.1.running_mean"])


def test_freeze_leaves_the_last_group_and_numbers_out_of_range_are_named():
    learner = make_learner()
    learner.freeze()
    assert {name for name, p in learner.model.named_parameters() if p.requires_grad} == {"2.1.weight", "2.1.bias"}
    with pytest.raises(CourseError, match="3 layer groups"):
        learner.freeze_to(3)
    for p in learner.model.parameters():
        p.requires_grad_(False)
    with pytest.raises(CourseError, match="frozen"):
        learner.fit(0.1, 1)


def test_layer_groups_must_hold_each_layer_once():
    model = make_model()
    with pytest.raises(CourseError, match="leave out 4 weights"):
        Learner(make_data(), model, layer_groups=[model[0], nn.Sequential(model[2])])
    with pytest.raises(CourseError, match="two layer_groups"):
        Learner(make_data(), model, layer_groups=[model, model[2]])


# -- the learning-rate finder ----------------------------------------------------------------------------------------------


def everything(learner):
    """All that lr_find must leave alone."""
    state = random_state()
    return {
        "weights": weights(learner),
        "gradients": [None if p.grad is None else p.grad.clone() for p in learner.model.parameters()],
        "modes": [m.training for m in learner.model.modules()],
        "optimizer": copy.deepcopy(learner.optimizer.state_dict()),
        "which": (id(learner.optimizer), [id(c) for c in learner.callbacks], list(learner.recorder.losses)),
        "trainable": [p.requires_grad for p in learner.model.parameters()],
        "random": (state["python"], state["numpy"][1].tolist(), state["numpy"][2:], state["torch"].tolist()),
        "place": repr((learner.epoch, learner.step, learner.epochs_done, learner.loss, learner.results)),
    }


def same(a, b):
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize("case", ["whole", "diverging", "interrupted", "failing"])
def test_lr_find_restores_everything_to_the_bit(case, fitted):
    learner = make_learner()
    learner.freeze_to(1)
    if fitted:
        learner.fit(0.05, 1)
    learner.model[0].train(True)
    learner.model[2].train(False)
    before = everything(learner)
    if case == "whole":
        assert len(learner.lr_find(steps=30).rates) > 10
    elif case == "diverging":
        search = learner.lr_find(start=1, stop=1e12, steps=60)
        assert 0 < len(search.rates) < 60
        assert np.isfinite(search.losses).all()
    else:
        original, calls = learner.loss_function, []

        def stop(outputs, targets):
            calls.append(1)
            if len(calls) == 12:
                raise KeyboardInterrupt if case == "interrupted" else ZeroDivisionError
            return original(outputs, targets)

        learner.loss_function = stop
        if case == "interrupted":
            assert len(learner.lr_find().rates) == 11
        else:
            with pytest.raises(ZeroDivisionError):
                learner.lr_find()
        learner.loss_function = original
    after = everything(learner)
    for key in before:
        assert same(before[key], after[key]), key


def test_a_fit_after_lr_find_is_the_fit_without_it():
    plain, searched = make_learner(), make_learner()
    set_seed(1)
    plain.fit(0.05, 2)
    set_seed(1)
    searched.lr_find()
    searched.fit(0.05, 2)
    assert plain.recorder.losses == searched.recorder.losses
    assert equal(weights(plain), weights(searched))


def test_lr_find_grows_exponentially_and_goes_round_a_small_set():
    search = make_learner(data=make_data(batch_size=64)).lr_find(start=1e-6, stop=1e-3, steps=31)  # 2 batches an epoch
    np.testing.assert_allclose(search.rates, 1e-6 * 1000 ** (np.arange(31) / 30), rtol=1e-9)
    axes = search.plot()
    assert axes.get_xscale() == "log"


def test_lr_find_says_what_it_needs():
    with pytest.raises(CourseError, match="start"):
        make_learner().lr_find(start=1, stop=0.1)
    with pytest.raises(CourseError, match="batch size"):
        make_learner().lr_find(steps=5).plot()


# -- interrupts, NaN, errors -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trial", range(20))
def test_a_fit_interrupted_at_a_random_step_keeps_what_was_learnt(trial, capsys):
    rng = random.Random(trial)
    steps, moment = rng.randrange(1, 12), rng.choice(["before_step", "after_backward", "after_step"])
    action = rng.choice([interrupt, lambda learner: _thread.interrupt_main()])
    learner = make_learner(seed=trial, callbacks=[At(moment, steps, action)])
    before = weights(learner)
    learner.fit(0.05, 3, cycle_len=1)
    assert "Stopped by you in epoch" in capsys.readouterr().out
    done = len(learner.recorder.losses)
    assert done in ({steps} if moment == "after_step" else {steps - 1, steps})
    assert equal(before, weights(learner)) == (done == 0) or moment == "after_backward"
    assert not learner.model.training

    learner.callbacks.pop()
    assert learner.validate()["valid loss"] > 0
    learner.fit(0.05, 1)  # usable at once
    assert len(learner.recorder.losses) == done + 4


def test_an_interrupt_while_validating_keeps_the_epoch_that_was_trained(capsys):
    def metric(values, targets):
        if learner.epoch == 1 and not stopped:
            stopped.append(True)
            raise KeyboardInterrupt
        return 1.0

    stopped = []
    learner = make_learner()
    learner.metrics = [metric]
    learner.fit(0.05, 3, cycle_len=1)
    assert (
        capsys.readouterr().out == "Stopped by you in epoch 1, after 4 of 4 steps, while validating; what was learnt is kept.\n"
    )
    assert (len(learner.recorder.losses), len(learner.recorder.epochs), learner.recorder.ends) == (8, 1, [4])
    assert not learner.model.training
    learner.fit(0.05, 1)  # usable at once
    assert learner.recorder.ends == [4, 12]


def test_an_interrupt_after_validating_does_not_speak_of_it(capsys):
    class Stop(Callback):
        def after_epoch(self, learner):
            raise KeyboardInterrupt

    learner = make_learner(callbacks=[Stop()])
    learner.fit(0.05, 2)
    assert capsys.readouterr().out == "Stopped by you in epoch 0, after 4 of 4 steps; what was learnt is kept.\n"


@pytest.mark.parametrize("progress", [False, True])
def test_an_interrupt_before_the_first_step_ends_the_fit_and_leaves_the_weights(progress, capsys):
    class Slow(TensorData):
        """Prepares its mini-batches when they are first asked for, which is interrupted."""

        prepared = False

        def loader(self, split, augment=False, shuffle=False):
            if not self.prepared:
                self.prepared = True
                raise KeyboardInterrupt
            return super().loader(split, augment, shuffle)

    plain = make_data()
    learner = make_learner(data=Slow(plain.train_ds.tensors, plain.valid_ds.tensors, batch_size=32))
    learner.progress = progress
    before = weights(learner)
    learner.fit(0.05, 2)
    assert capsys.readouterr().out == "Stopped by you before the first step; the weights are as they were.\n"
    assert equal(before, weights(learner))
    assert (learner.recorder.losses, learner.recorder.epochs) == ([], [])
    assert not learner.model.training
    learner.progress = False
    learner.fit(0.05, 1)
    assert len(learner.recorder.losses) == 4


def test_an_interrupt_while_the_fit_gets_ready_is_no_error_of_the_progress_bar(capsys):
    class Stop(Callback):
        def before_fit(self, learner):
            raise KeyboardInterrupt

    learner = make_learner(callbacks=[Stop()])
    learner.progress = True
    learner.fit(0.05, 1)
    assert "Stopped by you in epoch 0, after 0 of 4 steps" in capsys.readouterr().out


def test_a_loss_of_nan_names_step_and_rate_and_gives_the_weights_back():
    data = make_data()
    learner = make_learner(data=data)
    learner.fit(0.05, 1)
    before = weights(learner)
    data.train_ds.tensors[0][5] = float("nan")
    with pytest.raises(
        DivergedError, match=r"epoch 0, step \d, at a learning rate of 0.3, 0.3, 0.3.*weights are back.*lr_find"
    ) as error:
        learner.fit(0.3, 1)
    assert "0.03" in str(error.value)
    assert equal(before, weights(learner))
    data.train_ds.tensors[0][5] = 0.0
    learner.fit(0.05, 1)


def test_an_error_in_a_callback_leaves_a_usable_learner():
    def fail(learner):
        raise ValueError("mine")

    learner = make_learner(callbacks=[At("after_step", 3, fail)])
    with pytest.raises(ValueError, match="mine"):
        learner.fit(0.05, 1)
    learner.callbacks.pop()
    learner.fit(0.05, 1)
    assert len(learner.recorder.epochs) == 1


def test_clipping_bounds_the_norm_of_all_gradients_together():
    norms = []

    class Norm(Callback):
        def after_backward(self, learner):
            norms.append(torch.cat([p.grad.flatten() for p in learner.model.parameters()]).norm().item())

    make_learner(clip=0.01, callbacks=[Norm()]).fit(0.05, 1)
    assert len(norms) == 4
    assert max(norms) <= 0.0101
    make_learner(callbacks=[Norm()]).fit(0.05, 1)
    assert max(norms) > 0.1


# -- saving and resuming ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", [None, torch.optim.Adam])
@pytest.mark.parametrize("stop_after", [1, 2])
def test_a_resumed_fit_equals_one_that_never_stopped_to_the_bit(tmp_path, stop_after, optimizer):
    options = {} if optimizer is None else {"optimizer": optimizer}
    arguments = {"lr": [0.01, 0.02, 0.05], "cycles": 3, "cycle_len": 1, "cycle_mult": 2, "weight_decay": 0.01}
    whole = make_learner(tmp_path / "whole", **options)
    whole.freeze_to(1)
    whole.bn_freeze(True)
    whole.fit(**arguments)
    random_after = torch.get_rng_state()

    steps = {1: 4, 2: 12}[stop_after] + 3  # somewhere in the cycle after
    stopped = make_learner(tmp_path, callbacks=[At("after_step", steps, interrupt)], **options)
    stopped.freeze_to(1)
    stopped.bn_freeze(True)
    stopped.fit(**arguments, checkpoint="run")

    fresh = make_learner(tmp_path, seed=99, **options)
    fresh.resume("run")
    assert equal(weights(whole), weights(fresh))
    assert whole.recorder.losses == fresh.recorder.losses
    assert whole.recorder.rates == fresh.recorder.rates
    assert whole.recorder.epochs == fresh.recorder.epochs
    assert torch.equal(random_after, torch.get_rng_state())


def test_one_cycle_resumes_too_and_moves_the_momentum(tmp_path):
    learner = make_learner(tmp_path)
    learner.fit_one_cycle(0.1, 2, checkpoint="one")
    assert learner.recorder.momenta[0] == pytest.approx(0.95)
    assert min(learner.recorder.momenta) < 0.87
    rates = [r[-1] for r in learner.recorder.rates]
    assert rates[0] == pytest.approx(0.004)
    assert 0.09 < max(rates) <= 0.1
    before = weights(learner)
    learner.resume("one")  # nothing is left of that fit
    assert equal(before, weights(learner))


def test_saved_weights_come_back_and_names_are_plain(tmp_path):
    learner, other = make_learner(tmp_path), make_learner(tmp_path, seed=5)
    learner.fit(0.05, 1)
    assert learner.save("first") == tmp_path / "first.safetensors"
    assert not equal(weights(learner), weights(other))
    other.load("first")
    assert equal(weights(learner), weights(other))
    for name in ("../first", "a/b", "", ".."):
        with pytest.raises(CourseError, match="cannot be the name"):
            learner.save(name)


# -- predictions -----------------------------------------------------------------------------------------------------------


def test_predictions_are_in_order_and_hold_probabilities():
    learner = make_learner()
    predictions = learner.predict()
    x, y = learner.data.valid_ds.tensors
    with torch.no_grad():
        expected = learner.model.eval()(x).softmax(1)
    assert torch.allclose(predictions.values, expected, atol=1e-6)
    assert torch.equal(predictions.targets, y)
    assert torch.allclose(predictions.log_probabilities.exp(), predictions.probabilities, atol=1e-6)
    assert list(predictions.items) == [str(i) for i in range(64)]
    with pytest.raises(CourseError, match="no 'test' set"):
        learner.predict("test")


def test_a_test_set_has_no_targets():
    x, y = torch.randn(10, 2), torch.zeros(10).long()
    learner = Learner(Data.from_tensors((x, y), (x, y), test=x[:3]), nn.Linear(2, 2), progress=False)
    predictions = learner.predict("test")
    assert predictions.targets is None
    assert len(predictions) == 3


class Noisy(TensorData):
    """Augments by adding noise, and remembers what it gave."""

    augments = True

    def loader(self, split, augment=False, shuffle=False):
        x, y = self._splits[split]
        if augment and not shuffle:
            x = x + 0.3 * torch.randn_like(x)
            self.views.append(x)
        return TensorLoader(x, y, self.batch_size, shuffle)


def test_tta_is_the_mean_over_the_plain_and_the_augmented_views():
    plain = make_data()
    data = Noisy(plain.train_ds.tensors, plain.valid_ds.tensors, batch_size=32)
    data.views = []
    learner = make_learner(data=data)
    predictions = learner.tta(n=3)
    assert len(data.views) == 3
    with torch.no_grad():
        views = [learner.model.eval()(x).softmax(1) for x in (plain.valid_ds.tensors[0], *data.views)]
    assert torch.allclose(predictions.values, sum(views) / 4, atol=1e-6)
    assert torch.equal(predictions.targets, plain.valid_ds.tensors[1])
    with pytest.raises(CourseError, match="augments nothing"):
        make_learner().tta()
    with pytest.raises(CourseError, match="0 augmented"):
        learner.tta(n=0)


# -- other data ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["a", "b", "c", "d"], r"they differ \(4 in the new data, 3 in the model\): 'd' only in the new data"),
        (["a", "b", "d"], "'d' only in the new data, 'c' only in the model"),
        (["a", "c", "b"], "the same in another order: number 1 is 'c' in the new data and 'b' in the model"),
        (None, "none instead of 3"),
    ],
)
def test_data_of_other_classes_is_refused_and_the_difference_named(classes, message):
    learner = make_learner(data=make_data(classes=["a", "b", "c"]))
    before = learner.data
    with pytest.raises(CourseError, match=message):
        learner.set_data(make_data(classes=classes))
    assert learner.data is before


def test_data_of_another_task_is_refused():
    x, y = torch.randn(8, 2), torch.eye(2).repeat(4, 1)
    one = Data.from_tensors((x, y.argmax(1)), (x, y.argmax(1)), classes=["a", "b"])
    several = Data.from_tensors((x, y), (x, y), task="multi-label", classes=["a", "b"])
    learner = Learner(one, nn.Linear(2, 2), metrics=[accuracy], progress=False)
    with pytest.raises(CourseError, match=r"multi-label, but .* for single-label"):
        learner.set_data(several)
    assert learner.data is one


def test_with_other_data_a_fit_goes_on_where_the_last_one_ended():
    learner = make_learner(data=make_data(classes=["a", "b", "c"]))
    learner.freeze_to(1)
    learner.bn_freeze(True)
    learner.fit(0.05, 1)
    before = {name: t.clone() for name, t in learner.model.state_dict().items()}
    other = make_data(batch_size=16, classes=["a", "b", "c"]).to("cpu:1")
    learner.set_data(other)
    assert other.device == torch.device("cpu")  # the learner's
    assert all(torch.equal(t, before[name]) for name, t in learner.model.state_dict().items())
    learner.fit([0, 0.01, 0.05], 1)
    assert len(learner.recorder.losses) == 4 + 8
    assert learner.recorder.ends == [4, 12]
    moved = {name for name, t in learner.model.state_dict().items() if not torch.equal(t, before[name])}
    assert moved == {"1.0.weight", "1.0.bias", "1.1.weight", "1.1.bias", "2.1.weight", "2.1.bias"}


# -- what is shown ---------------------------------------------------------------------------------------------------------


def test_nothing_is_printed_unless_asked_for(capfd):
    data = make_data()
    learner = Learner(data, make_model())
    learner.fit(0.05, 1)
    learner.predict()
    learner.lr_find()
    assert capfd.readouterr() == ("", "")


def test_a_terminal_gets_a_line_per_epoch(capfd):
    learner = make_learner()
    learner.progress = True
    learner.fit(0.05, 2)
    out, err = capfd.readouterr()
    lines = [line for line in (out + err).replace("\r", "\n").splitlines() if line.strip()]
    assert any("epoch" in line and "train loss" in line and "accuracy" in line for line in lines)
    rows = [line for line in lines if line.strip().startswith(("0 ", "1 ")) and "." in line and "|" not in line]
    assert len(rows) == 2


def test_summary_shows_shapes_with_the_batch_open_and_counts_weights():
    learner = make_learner()
    table = str(learner.summary())
    assert "[-1, 4, 6, 6]" in table
    assert "[-1, 3]" in table
    assert f"{sum(p.numel() for p in learner.model.parameters()):,}" in table
    convolutions = 36 * 3 * 3 * 3 * 4 + 16 * 3 * 3 * 4 * 6  # places, times the weights that each is multiplied by
    total = int(re.search(r"(?m)^Total mult-adds: ([\d,]+)$", table)[1].replace(",", ""))
    assert convolutions < total < 1.1 * convolutions  # with the additions of biases, batch norm and the last layer
    learner.model.double()  # inputs follow
    assert "[-1, 4, 6, 6]" in str(learner.summary())


def test_plots_show_what_was_recorded():
    learner = make_learner()
    with pytest.raises(CourseError, match="fit"):
        learner.recorder.plot_loss()
    learner.fit([1e-3, 1e-2, 1e-1], 2, cycle_len=1)
    rates = learner.recorder.plot_rate().lines[0].get_ydata()
    assert list(rates) == [r[-1] for r in learner.recorder.rates]
    assert len(learner.recorder.plot_loss().lines[0].get_ydata()) == 8
    drawn = {line.get_label(): list(line.get_ydata()) for line in learner.recorder.plot_epochs().lines}
    assert drawn == {name: [epoch[name] for epoch in learner.recorder.epochs] for name in ("train loss", "valid loss")}


@pytest.mark.parametrize("order", [torch.channels_last, torch.contiguous_format])
def test_all_layers_run_in_one_order_of_memory_from_one_copy_of_each_mini_batch(monkeypatch, order):
    """In a fit, while validating and while predicting, on the CPU too; a layer in another order costs a copy at each."""
    learner = make_learner(data=make_data().to("cpu"), channels_last=order == torch.channels_last)
    other = {torch.channels_last: torch.contiguous_format, torch.contiguous_format: torch.channels_last}[order]
    inputs, orders = [], []
    put = learner.precision.inputs
    monkeypatch.setattr(learner.precision, "inputs", lambda x: inputs.append(1) or put(x.contiguous(memory_format=other)))

    def note(module, given, outputs):
        orders.extend(t.is_contiguous(memory_format=order) for t in (*given, outputs) if t.ndim == 4)

    for module in learner.model.modules():
        module.register_forward_hook(note)
    for call, batches in ((lambda: learner.fit(0.1, 1), 4 + 2), (learner.validate, 2), (learner.predict, 2)):
        inputs.clear()
        orders.clear()
        call()
        assert len(inputs) == batches
        assert orders
        assert all(orders)


def test_the_order_of_memory_is_for_what_a_convolution_reads():
    plain = Precision(nn.Linear(3, 3), torch.device("cpu"))
    (mask,) = plain.inputs(torch.zeros(1, 1, 5, 3).expand(4, 2, 5, 3))
    assert mask.stride() == (0, 0, 3, 1)  # not copied
    both = nn.ModuleList([nn.Conv2d(3, 4, 3), nn.Conv3d(3, 4, 1)])
    Precision(both, torch.device("cpu"), channels_last=True)
    assert both[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert both[1].weight.is_contiguous()


def test_an_optimiser_of_other_groups_is_refused():
    def without_decay_on_biases(groups):
        weights = [weight for group in groups for weight in group["params"]]
        return torch.optim.AdamW(
            [{"params": [w for w in weights if w.ndim > 1]}, {"params": [w for w in weights if w.ndim < 2]}]
        )

    with pytest.raises(CourseError, match="made 2 groups of weights out of 1; it must keep those that it is given"):
        make_learner(optimizer=without_decay_on_biases)


class Given(TensorData):
    """Data whose loader gives the mini-batches that a test wants, and says how many there are as it wants."""

    def __init__(self, batches, says):
        x, y = torch.zeros(8, 2), torch.tensor([0, 1] * 4)
        super().__init__((x, y), (x, y))
        self.batches, self.says = batches, says

    def loader(self, split, augment=False, shuffle=False):
        batches = [(x, y) for x, y in self.batches]
        return type("Loader", (), {"__iter__": lambda _: iter(batches), "__len__": lambda _: self.says})()


@pytest.mark.parametrize(
    ("batches", "says", "message"),
    [
        ([(torch.zeros(4, 2), torch.tensor([0, 1, 0, 1]))], 2, "says 2 mini-batches, but it gave 1"),
        ([(torch.zeros(4, 2), torch.tensor([0, 1, 0, 1]))] * 3, 2, "says 2 mini-batches, but it gave more"),
        ([], 1, "says 1 mini-batch, but it gave 0"),
        ([(torch.zeros(4, 2), torch.tensor([0, 1, 0]))], 1, "as many of one as of the other"),
        ([(np.zeros((4, 2)), [0, 1, 0, 1])], 1, "is \\(ndarray, list\\); it is \\(x, y\\)"),
    ],
)
def test_a_loader_of_the_users_own_keeps_its_word(batches, says, message):
    learner = Learner(Given(batches, says), nn.Linear(2, 2), metrics=[accuracy], progress=False)
    for act in (lambda: learner.fit(0.1, 1), learner.lr_find, learner.validate, learner.predict):
        with pytest.raises(CourseError, match=message):
            act()
