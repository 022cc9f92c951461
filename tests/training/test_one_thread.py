"""A network is trained by one thread at a time; what would spoil it is refused in words."""

import copy
import threading

import pytest
import torch
from torch import nn

from course_utils.errors import CourseError
from course_utils.training import Callback, Data, Learner


class Waits(Callback):
    """Holds a fit at its first step until it is told to go on."""

    def __init__(self):
        self.begun, self.go_on = threading.Event(), threading.Event()

    def before_step(self, learner):
        self.begun.set()
        assert self.go_on.wait(60)


def learner(model, *callbacks):
    x = torch.arange(12.0).reshape(6, 2)
    return Learner(Data.from_tensors((x, x), (x, x), batch_size=3), model, callbacks=callbacks, progress=False)


def test_while_one_thread_trains_a_network_no_other_uses_it():
    waits, model = Waits(), nn.Linear(2, 2)
    training, beside = learner(model, waits), learner(model)
    alone = copy.deepcopy(beside)
    thread = threading.Thread(target=training.fit, args=(0.001, 1))
    thread.start()
    assert waits.begun.wait(60)
    try:
        for use in (
            lambda: training.fit(0.001, 1),
            lambda: beside.fit(0.001, 1),
            training.lr_find,
            training.validate,
            training.predict,
            beside.predict,
        ):
            with pytest.raises(CourseError, match="is being trained in another thread"):
                use()
        assert model.training  # which a prediction would have ended
        assert training.schedule.epochs == 1
        alone.fit(0.001, 1)
    finally:
        waits.go_on.set()
        thread.join(60)
    assert training.epochs_done == 1
    beside.fit(0.001, 1)
    training.predict()


class Predicts(Callback):
    def after_epoch(self, learner):
        self.values = learner.predict().values


def test_a_callback_predicts_in_the_thread_that_trains_and_an_error_ends_that():
    predicts, model = Predicts(), nn.Linear(2, 2)
    learner(model, predicts).fit(0.001, 1)
    assert predicts.values.shape == (6, 2)

    class Fails(Callback):
        def before_step(self, learner):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        learner(model, Fails()).fit(0.001, 1)
    thread = threading.Thread(target=learner(model, predicts).fit, args=(0.001, 2))
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert predicts.values.shape == (6, 2)
