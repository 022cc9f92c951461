"""Early stopping, and the weights of the best epoch."""

import pytest
import torch
from torch import nn

from course_utils.errors import CourseError
from course_utils.training import Callback, Data, EarlyStopping, KeepBest, Learner, StorageError, accuracy, set_seed


class Scripted:
    """A metric that gives what it is told to, one number after the other."""

    __name__ = "scripted"

    def __init__(self, *values):
        self.values, self.at = values, 0

    def __call__(self, values, targets):
        self.at += 1
        return self.values[self.at - 1]


class Note(Callback):
    """Keeps the weights of every epoch."""

    def __init__(self):
        self.weights = []

    def after_epoch(self, learner):
        self.weights.append([t.clone() for t in learner.model.state_dict().values()])


def made(*callbacks, metrics=(), path=None):
    set_seed(0)
    x = torch.randn(64, 4)
    y = (x[:, 0] > 0).long()
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
    data = Data.from_tensors((x, y), (x, y), batch_size=16)
    return Learner(data, model, metrics=metrics, callbacks=callbacks, path=path, progress=False)


def holds(learner, weights):
    return all(torch.equal(a, b) for a, b in zip(learner.model.state_dict().values(), weights, strict=True))


@pytest.mark.parametrize(
    ("values", "options", "epochs"),
    [
        ((0.5, 0.4, 0.6, 0.5, 0.6, 0.7, 0.8, 0.9), {"patience": 2}, 4),
        ((0.5, 0.4, 0.39, 0.38, 0.37, 0.36, 0.1, 0.1), {"patience": 3}, 8),
        ((0.5, 0.4, 0.39, 0.38, 0.37, 0.36, 0.1, 0.1), {"patience": 3, "min_delta": 0.05}, 5),  # 0.37 is better by 0.03 only
        ((0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5), {"patience": 1}, 2),
        ((float("nan"), float("nan"), 0.1, 0.1, 0.1, 0.1, 0.1, 0.1), {"patience": 2}, 2),
    ],
)
def test_a_fit_ends_when_nothing_was_better_for_a_while(values, options, epochs, capsys):
    learner = made(EarlyStopping("scripted", higher_is_better=False, **options), metrics=[Scripted(*values)])
    learner.fit(0.1, 8)
    assert len(learner.recorder.epochs) == epochs
    out = capsys.readouterr().out
    assert (f"Stopped early after epoch {epochs - 1}: scripted was no better" in out) == (epochs < 8)
    assert not learner.model.training


def test_more_is_better_of_what_is_so():
    rising = Scripted(0.1, 0.2, 0.3, 0.4)
    learner = made(EarlyStopping(rising, patience=1, higher_is_better=True), metrics=[rising])
    learner.fit(0.1, 4)
    assert len(learner.recorder.epochs) == 4
    rising = Scripted(0.1, 0.2, 0.3, 0.4)
    rising.higher_is_better = True  # as torchmetrics' say
    learner = made(EarlyStopping(rising, patience=1), metrics=[rising])
    learner.fit(0.1, 4)
    assert len(learner.recorder.epochs) == 4


def test_the_best_epochs_weights_are_left_and_said(capsys):
    note = Note()
    learner = made(note, KeepBest("scripted", higher_is_better=True), metrics=[Scripted(0.1, 0.9, 0.9, 0.2)])
    learner.fit(0.1, 4)
    assert holds(learner, note.weights[1])
    assert not holds(learner, note.weights[3])
    assert capsys.readouterr().out == "The weights are those of epoch 1, the best of 4: scripted 0.9000.\n"
    again = Note()
    last = made(again, KeepBest("scripted", higher_is_better=True), metrics=[Scripted(0.1, 0.2)])
    last.fit(0.1, 2)
    assert holds(last, again.weights[1])
    assert capsys.readouterr().out == ""


def test_ctrl_c_leaves_the_best_weights(capsys):
    class Stop(Callback):
        def after_step(self, learner):
            if learner.epoch == 2 and learner.step == 1:
                raise KeyboardInterrupt

    note = Note()
    learner = made(note, Stop(), KeepBest("scripted", higher_is_better=True), metrics=[Scripted(0.9, 0.1, 0.5, 0.5)])
    learner.fit(0.1, 3)
    assert holds(learner, note.weights[0])
    assert "The weights are those of epoch 0, the best of 2" in capsys.readouterr().out


def test_a_resumed_fit_stops_and_keeps_as_if_it_had_never_been_left(tmp_path):
    values = (0.9, 0.3, 0.6, 0.5, 0.4, 0.35, 0.31)

    def callbacks():
        return KeepBest("scripted", higher_is_better=False), EarlyStopping("scripted", patience=4, higher_is_better=False)

    whole = made(*callbacks(), metrics=[Scripted(*values)])
    whole.fit(0.1, 7)
    assert len(whole.recorder.epochs) == 6

    class Stop(Callback):
        def before_epoch(self, learner):
            if learner.epoch == 3:
                raise ZeroDivisionError

    stopped = made(*callbacks(), Stop(), metrics=[Scripted(*values)], path=tmp_path)
    with pytest.raises(ZeroDivisionError):
        stopped.fit(0.1, 7, checkpoint="run")
    resumed = made(*callbacks(), metrics=[Scripted(*values[3:])], path=tmp_path)
    resumed.resume("run")
    assert resumed.recorder.epochs == whole.recorder.epochs
    assert holds(resumed, whole.model.state_dict().values())
    steps = len(resumed.recorder.losses)
    resumed.resume("run")  # it had stopped: nothing is left to do
    assert len(resumed.recorder.losses) == steps
    assert holds(resumed, whole.model.state_dict().values())
    with pytest.raises(StorageError, match=r"saved with the callbacks KeepBest, EarlyStopping .* this learner has none"):
        made(path=tmp_path, metrics=[Scripted(*values)]).resume("run")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: EarlyStopping("acuracy"),
            "'acuracy': there is no such column in this fit, which has train loss, valid loss, accuracy, mine",
        ),
        (lambda: KeepBest("mine"), r"say whether more of it is better: KeepBest\('mine', higher_is_better=True\)"),
        (lambda: EarlyStopping(patience=0), "patience is 0"),
        (lambda: EarlyStopping(patience=2.5), "patience is 2.5"),
        (lambda: EarlyStopping(min_delta=-1), "min_delta is -1"),
        (lambda: EarlyStopping(higher_is_better="max"), "higher_is_better is 'max'"),
    ],
)
def test_what_cannot_be_watched_is_told_before_the_first_step(make, message):
    def mine(values, targets):
        return 0.0

    steps = []

    class Count(Callback):
        def after_step(self, learner):
            steps.append(1)

    with pytest.raises(CourseError, match=message):
        made(make(), Count(), metrics=[accuracy, mine]).fit(0.1, 1)
    assert not steps
    learner = made(EarlyStopping(accuracy), KeepBest("accuracy"), metrics=[accuracy])
    learner.fit(0.1, 1)


def test_what_is_printed_of_callbacks_says_how_they_were_made():
    assert repr(KeepBest(accuracy)) == "KeepBest('accuracy')"
    made = EarlyStopping("my metric", patience=5, min_delta=0.5, higher_is_better=True)
    assert repr(made) == "EarlyStopping('my metric', patience=5, min_delta=0.5, higher_is_better=True)"
