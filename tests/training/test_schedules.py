import math
import pickle

import pytest
import torch

from course_utils.errors import CourseError
from course_utils.training import Learner
from course_utils.training.data import TensorData
from course_utils.training.rate_finder import LearningRateSearch
from course_utils.training.schedules import Schedule, constant, cosine_restarts, one_cycle


@pytest.mark.parametrize(("cycles", "cycle_len", "cycle_mult"), [(1, 1, 1), (3, 1, 2), (2, 3, 1), (3, 2, 3)])
def test_cosine_restarts_follow_the_formula_of_sgdr(cycles, cycle_len, cycle_mult):
    schedule = cosine_restarts(cycles, cycle_len, cycle_mult)
    batches, epoch = 7, 0
    for i in range(cycles):
        length = cycle_len * cycle_mult**i
        for t in range(length * batches):
            t_cur = t / batches  # in epochs, updated at each batch
            expected = 0.5 * (1 + math.cos(math.pi * t_cur / length))
            assert schedule.rate(schedule.position(epoch + t_cur)) == pytest.approx(expected, abs=1e-12)
        epoch += length
        assert schedule.ends_cycle(epoch - 1)
    assert schedule.epochs == epoch
    assert sum(schedule.ends_cycle(e) for e in range(epoch)) == cycles


def test_a_constant_rate_is_constant_and_each_epoch_is_a_cycle():
    schedule = constant(4)
    assert {schedule.rate(schedule.position(t / 10)) for t in range(40)} == {1.0}
    assert all(schedule.ends_cycle(e) for e in range(4))


def test_one_cycle_rises_and_falls_and_the_momentum_does_the_opposite():
    schedule = one_cycle(10)
    rates = [schedule.rate(p / 100) for p in range(101)]
    momenta = [schedule.momentum(p / 100) for p in range(101)]
    assert rates.index(max(rates)) == 30 == momenta.index(min(momenta))
    assert rates[:31] == sorted(rates[:31])
    assert rates[30:] == sorted(rates[30:], reverse=True)
    assert (rates[0], rates[-1]) == pytest.approx((0.04, 1e-5))


@pytest.mark.parametrize("arguments", [(0,), (1, 0), (1, 1, 0), (1.5,), (-1,)])
def test_lengths_that_cannot_be_are_refused(arguments):
    with pytest.raises(CourseError, match="whole number"):
        cosine_restarts(*arguments)


def test_the_steepest_rate_is_where_the_loss_falls_fastest():
    rates = [10 ** (i / 10 - 5) for i in range(50)]
    losses = [1 / (1 + math.exp((i - 25) / 2)) for i in range(40)] + [2.0**i for i in range(10)]
    assert LearningRateSearch(rates, losses).steepest == pytest.approx(rates[25], rel=0.3)
    lowest = rates[losses.index(min(losses))]
    between = math.exp((math.log(rates[25]) + math.log(lowest / 10)) / 2)
    assert LearningRateSearch(rates, losses).suggested == pytest.approx(between, rel=0.2)
    assert LearningRateSearch(rates[:5], losses[:5]).steepest is None
    assert LearningRateSearch(rates[:5], losses[:5]).suggested is None
    assert LearningRateSearch(rates, sorted(losses)).steepest is None
    lucky = [1.5, 1.2, *losses[2:]]  # the first mini-batches are harder than the next
    assert LearningRateSearch(rates, lucky).steepest == LearningRateSearch(rates, losses).steepest
    at_once = LearningRateSearch(rates, [1.0, 0.5, 0.1, *[1.0] * 47])
    assert at_once.steepest == rates[1]  # the lowest point comes before a tenth of the steps


def test_an_interrupt_while_the_search_gets_ready_ends_it_and_leaves_the_learner(capsys):
    class Slow(TensorData):
        """Prepares its mini-batches when they are first asked for, which is interrupted."""

        prepared = False

        def loader(self, split, augment=False, shuffle=False):
            if not self.prepared:
                self.prepared = True
                raise KeyboardInterrupt
            return super().loader(split, augment, shuffle)

    x = torch.ones(8, 2)  # the same in every mini-batch, so that no search ends early by chance
    learner = Learner(Slow((x, x[:, 0]), (x, x[:, 0]), batch_size=4), torch.nn.Linear(2, 1), progress=False)
    optimizer, callbacks, weight = learner.optimizer, learner.callbacks, learner.model.weight.detach().clone()
    search = learner.lr_find(steps=4)
    assert search.losses == []
    assert capsys.readouterr().out == "Stopped by you after 0 steps of the search; the learner is as it was before it.\n"
    assert learner.optimizer is optimizer
    assert learner.callbacks is callbacks
    assert torch.equal(learner.model.weight, weight)
    assert len(learner.lr_find(start=1e-5, stop=1e-3, steps=4).losses) == 4


@pytest.mark.parametrize(
    "schedule", [constant(3), cosine_restarts(2, 1, 2), one_cycle(4, warm_up=0.4), Schedule((2, 1), math.cos)]
)
def test_a_schedule_comes_back_from_a_pickle(schedule):
    again = pickle.loads(pickle.dumps(schedule))
    assert again.cycle_lengths == schedule.cycle_lengths
    assert [again.rate(t) for t in (0, 0.3, 1)] == [schedule.rate(t) for t in (0, 0.3, 1)]
    assert (again.momentum is None) == (schedule.momentum is None)


@pytest.mark.parametrize(
    "make",
    [
        lambda: constant(10**12),
        lambda: cosine_restarts(10**9, 1),
        lambda: cosine_restarts(10**9, 1, 10),
        lambda: cosine_restarts(1, 10**9),
        lambda: one_cycle(10**9),
    ],
)
def test_a_fit_that_nobody_could_wait_for_is_refused_at_once(make):
    with pytest.raises(CourseError, match=r"epochs or more, and the most is 100,000"):
        make()


def test_cycles_that_double_up_to_the_most_are_a_fit():
    assert cosine_restarts(16, 1, 2).epochs == 2**16 - 1
    assert constant(100_000).epochs == 100_000
