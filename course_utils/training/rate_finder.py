"""Finding a good learning rate before a fit: try growing ones on a few mini-batches, then put everything back."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from course_utils.errors import CourseError
from course_utils.figures import VERMILION
from course_utils.names import counted
from course_utils.training.arguments import positive, whole
from course_utils.training.callbacks import Callback, Hooks
from course_utils.training.devices import random_state, restore_random_state
from course_utils.training.fitting import Fitting
from course_utils.training.layer_groups import Rates
from course_utils.training.loaders import Loader
from course_utils.training.memory import explained
from course_utils.training.one_thread import one_thread_at_a_time
from course_utils.training.progress import Bar


@dataclass
class LearningRateSearch:
    """What the learning-rate finder saw: a rate and the smoothed loss for each step, the rate growing exponentially.

    >>> LearningRateSearch([0.01, 0.1], [0.7, 0.6])
    LearningRateSearch(2 steps, rates 0.01 to 0.1, no rate suggested)
    """

    rates: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    @property
    def steepest(self) -> float | None:
        """The rate at which the loss fell fastest, after the first tenth of the steps; None where that cannot be said.

        In its first steps the smoothed loss is a mean of few mini-batches, and jumps more than it falls.
        That is so with fewer than ten steps, or where the loss did not fall: search again with more `steps` or a lower `start`,
        and look at `plot()`.
        """
        if len(self.losses) < 10:
            return None
        lowest = self.losses.index(min(self.losses))
        if lowest < 2:
            return None
        first = first_counted(len(self.losses), lowest)
        slopes = [self.losses[i + 1] - self.losses[i - 1] for i in range(first, lowest)]
        return self.rates[slopes.index(min(slopes)) + first]

    @property
    def suggested(self) -> float | None:
        """The rule of the lessons: halfway between the steepest rate and a tenth of that at the lowest point of the curve.

        Halfway is meant on the plot's axis, so it is the root of their product; None where it cannot be said. It is a rough
        rule: two or three times as much, or as little, mostly trains as well.
        """
        if self.steepest is None:
            return None
        return math.sqrt(self.steepest * self.rates[self.losses.index(min(self.losses))] / 10)

    def __repr__(self) -> str:
        tried = f", rates {self.rates[0]:.2g} to {self.rates[-1]:.2g}" if self.rates else ""
        suggested = "no rate suggested" if self.suggested is None else f"suggested {self.suggested:.2g}"
        return f"{type(self).__name__}({counted(len(self.rates), 'step')}{tried}, {suggested})"

    def plot(self, skip_start: int = 5, skip_end: int = 3) -> Any:
        """Draw loss against rate, on a logarithmic axis, and the rate suggested; the first and last few steps are left out."""
        import matplotlib.pyplot as plt

        if len(self.rates) <= skip_start + skip_end:
            raise CourseError(
                f"the search saw {len(self.rates)} steps, too few for a plot; raise `steps`, or lower the "
                "batch size so that an epoch has more mini-batches"
            )
        seen = slice(skip_start, len(self.rates) - skip_end)
        axes = plt.subplots(figsize=(6, 4))[1]
        axes.plot(self.rates[seen], self.losses[seen])
        axes.set(xscale="log", xlabel="learning rate (log scale)", ylabel="loss (smoothed)", title="Learning-rate finder")
        axes.grid(alpha=0.3)
        if (rate := self.suggested) and self.rates[seen][0] <= rate <= self.rates[seen][-1]:
            axes.axvline(rate, color=VERMILION, linestyle="--", label=f"suggested: {rate:.0e}")
            axes.legend(loc="lower left")
        return axes


def first_counted(steps: int, lowest: int) -> int:
    """The first step, counted from 0, at which the steepest fall is looked for: a tenth of them are left out.

    Where the lowest point comes sooner than that, it is the step before it.

    >>> first_counted(100, lowest=70), first_counted(100, lowest=5), first_counted(12, lowest=8)
    (10, 4, 1)
    """
    return min(max(1, steps // 10), lowest - 1)


class Trainable(Fitting, Protocol):
    """A learner that can be trained a step at a time."""

    callbacks: list[Callback]
    hooks: Hooks

    def start_training(self, lr: Rates, weight_decay: float | None = None) -> None:
        """Make an optimiser, and enter training mode."""

    def training_batches(self) -> Loader:
        """One pass over the training set."""

    def train_step(self, x: Any, y: Any) -> float:
        """One step of gradient descent on a mini-batch; returns its loss."""


@one_thread_at_a_time
def find_learning_rate(
    learner: Trainable, start: float = 1e-5, stop: float = 10.0, steps: int = 100, weight_decay: float | None = None
) -> LearningRateSearch:
    """Train for `steps` mini-batches while the rate grows from `start` to `stop`, and put everything back as it was.

    Ends early when the smoothed loss is four times the lowest seen, or is no longer a number. A training set too small for
    so many mini-batches is passed over again. With several layer groups all get the same rate. From Smith, Cyclical
    learning rates (2017); lecture 0:19:48.
    """
    start, stop, steps = positive("start", start), positive("stop", stop), whole("steps", steps)
    if start >= stop:
        raise CourseError(f"lr_find was given start={start} and stop={stop}; it needs 0 < start < stop")
    search, average, lowest = LearningRateSearch(), 0.0, math.inf
    with explained(learner.data, "searching for a learning rate"), unchanged(learner):
        learner.callbacks = []
        bar: Bar[tuple[Any, Any]] = Bar(show=False)
        try:
            learner.start_training(start, weight_decay)  # may take a while: pictures through a frozen network
            bar = Bar(_forever(learner), steps, "finding a learning rate", learner.progress)
            for step, (x, y) in zip(range(steps), bar, strict=False):
                rate = start * (stop / start) ** (step / max(steps - 1, 1))
                for group in learner.optimizer.param_groups:
                    group["lr"] = rate
                loss = learner.train_step(x, y)
                average = 0.9 * average + 0.1 * loss
                smooth = average / (1 - 0.9 ** (step + 1))
                if not math.isfinite(smooth) or smooth > 4 * lowest:
                    break
                search.rates.append(rate)
                search.losses.append(smooth)
                lowest = min(lowest, smooth)
        except KeyboardInterrupt:
            if learner.processes.several:
                raise
            print(f"Stopped by you after {len(search.rates)} steps of the search; the learner is as it was before it.")
        finally:
            bar.close()
    return search


def _forever(learner: Trainable) -> Iterator[tuple[Any, Any]]:
    while True:
        yield from learner.training_batches()


@contextmanager
def unchanged(learner: Trainable) -> Iterator[None]:
    """Let the block train, then put back what training changes of a learner, its model and the random numbers."""
    before = _Snapshot(learner)
    for weight in learner.model.parameters():
        weight.grad = None  # those of before are kept, and not added to
    try:
        yield
    finally:
        before.restore()


class _Snapshot:
    """What a training step changes: weights and running averages, gradients, modes, optimiser, place in the fit, randomness."""

    CHANGED = ("optimizer", "callbacks", "hooks", "steps_per_epoch", "loss", "rows")  # of the learner itself

    def __init__(self, learner: Trainable) -> None:
        self.learner, model = learner, learner.model
        self.values = [(tensor, tensor.detach().clone()) for tensor in [*model.parameters(), *model.buffers()]]
        self.gradients = [(weight, weight.grad) for weight in model.parameters()]
        self.modes = [(module, module.training) for module in model.modules()]
        self.attributes = {name: getattr(learner, name) for name in self.CHANGED}
        self.random = random_state()

    def restore(self) -> None:
        restore_random_state(self.random)
        for name, value in self.attributes.items():
            setattr(self.learner, name, value)
        with torch.no_grad():
            for tensor, value in self.values:
                tensor.copy_(value)
        for weight, gradient in self.gradients:
            weight.grad = gradient
        for module, training in self.modes:
            module.training = training
