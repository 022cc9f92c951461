"""How the learning rate moves during a fit, and how to find a good one before it."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.training.arguments import positive, whole
from course_utils.training.devices import random_state, restore_random_state
from course_utils.training.memory import explained
from course_utils.training.progress import Bar

if TYPE_CHECKING:
    from course_utils.training.learner import Learner

Shape = Callable[[float], float]
MOST_EPOCHS = 100_000


@dataclass(frozen=True)
class Schedule:
    """A fit as a row of cycles; in each of them the learning rate runs through the same shape.

    Args:
        cycle_lengths: epochs in each cycle.
        rate: from the position in a cycle (0 at its start, 1 at its end) to a multiple of the learning rate.
        momentum: the same for the momentum itself; None leaves the optimiser's own.
        made_by: the function that made it and its arguments, which a checkpoint keeps; see `again`.
    """

    cycle_lengths: tuple[int, ...]
    rate: Shape
    momentum: Shape | None = None
    made_by: tuple[str | int | float, ...] = ()

    @property
    def epochs(self) -> int:
        """Epochs in all cycles together."""
        return sum(self.cycle_lengths)

    def position(self, epochs_done: float) -> float:
        """Where in its cycle a fit stands after `epochs_done` epochs, parts of an epoch counted: 0 at a restart, up to 1.

        >>> [cosine_restarts(2, cycle_len=1, cycle_mult=2).position(t) for t in (0, 0.5, 1, 2, 2.5)]
        [0.0, 0.5, 0.0, 0.5, 0.75]
        """
        for length in self.cycle_lengths:
            if epochs_done < length:
                return epochs_done / length
            epochs_done -= length
        return 1.0

    def ends_cycle(self, epoch: int) -> bool:
        """Whether a cycle ends with this epoch, the first being 0."""
        ends, total = set(), 0
        for length in self.cycle_lengths:
            total += length
            ends.add(total - 1)
        return epoch in ends

    def __reduce__(self) -> Any:
        """What a pickle holds: how it was made, as a function inside another cannot be pickled."""
        return (again, (self.made_by,)) if self.made_by else super().__reduce__()


def _bounded(epochs: int) -> int:
    """The epochs of a fit, if anybody can wait for them; a CourseError where they are a slip of the hand."""
    if epochs > MOST_EPOCHS:
        raise CourseError(
            f"this fit would take {epochs:,} epochs or more, and the most is {MOST_EPOCHS:,}; ask for fewer or shorter cycles"
        )
    return epochs


def constant(epochs: int) -> Schedule:
    """The same rate throughout; each epoch counts as a cycle.

    >>> constant(3).epochs, constant(3).rate(0.7)
    (3, 1.0)
    """
    epochs = _bounded(whole("cycles", epochs))
    return Schedule((1,) * epochs, lambda position: 1.0, made_by=("constant", epochs))


def cosine_restarts(cycles: int, cycle_len: int = 1, cycle_mult: int = 1) -> Schedule:
    """Stochastic gradient descent with warm restarts: in each cycle the rate falls along half a cosine, then jumps back.

    A cycle is `cycle_mult` times as long as the one before it. From Loshchilov and Hutter, SGDR (2017), equation 5.

    >>> s = cosine_restarts(3, cycle_len=1, cycle_mult=2)
    >>> s.cycle_lengths, [round(s.rate(t), 3) for t in (0, 0.5, 1)]
    ((1, 2, 4), [1.0, 0.5, 0.0])
    """
    cycles, cycle_len, cycle_mult = whole("cycles", cycles), whole("cycle_len", cycle_len), whole("cycle_mult", cycle_mult)
    length, lengths = cycle_len, list[int]()
    for _ in range(cycles):
        lengths.append(length)
        length *= cycle_mult
        _bounded(sum(lengths) if cycle_mult > 1 else cycles * cycle_len)  # at once: lengths may double without end
    made_by = ("cosine_restarts", cycles, cycle_len, cycle_mult)
    return Schedule(tuple(lengths), lambda position: (1 + math.cos(math.pi * position)) / 2, made_by=made_by)


def one_cycle(epochs: int, warm_up: float = 0.3, start: float = 1 / 25, end: float = 1e-5) -> Schedule:
    """One long cycle: the rate rises to its full value, then falls to nearly nothing, while the momentum does the opposite.

    From Smith, A disciplined approach to neural network hyper-parameters (2018). `warm_up` is the share of the fit in which
    the rate rises; `start` and `end` are multiples of the full rate. Momentum goes from 0.95 to 0.85 and back.

    >>> s = one_cycle(5)
    >>> [round(s.rate(t), 2) for t in (0, 0.3, 1)], [round(s.momentum(t), 2) for t in (0, 0.3, 1)]
    ([0.04, 1.0, 0.0], [0.95, 0.85, 0.95])
    """

    def between(before: float, peak: float, after: float) -> Shape:
        def value(position: float) -> float:
            if position < warm_up:
                return before + (peak - before) * (1 - math.cos(math.pi * position / warm_up)) / 2
            return peak + (after - peak) * (1 - math.cos(math.pi * (position - warm_up) / (1 - warm_up))) / 2

        return value

    epochs = _bounded(whole("epochs", epochs))
    made_by = ("one_cycle", epochs, warm_up, start, end)
    return Schedule((epochs,), between(start, 1.0, end), between(0.95, 0.85, 0.95), made_by)


def again(made_by: Sequence[Any]) -> Schedule:
    """The schedule that was made by a function of this module: its name, then its arguments.

    >>> again(["constant", 3]).epochs
    3
    """
    name, *arguments = made_by
    return {f.__name__: f for f in (constant, cosine_restarts, one_cycle)}[name](*arguments)


@dataclass
class LearningRateSearch:
    """What the learning-rate finder saw: a rate and the smoothed loss for each step, the rate growing exponentially."""

    rates: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    @property
    def steepest(self) -> float | None:
        """The rate at which the loss fell fastest; None where that cannot be said.

        That is so with fewer than ten steps, or where the loss did not fall: search again with more `steps` or a lower `start`,
        and look at `plot()`.
        """
        if len(self.losses) < 10:
            return None
        losses = self.losses[: self.losses.index(min(self.losses)) + 1]
        if len(losses) < 3:
            return None
        slopes = [losses[i + 1] - losses[i - 1] for i in range(1, len(losses) - 1)]
        return self.rates[slopes.index(min(slopes)) + 1]

    def plot(self, skip_start: int = 5, skip_end: int = 3) -> Any:
        """Draw loss against rate, the rate on a logarithmic axis, leaving out the first and last few steps; return the axes."""
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
        if (steepest := self.steepest) and self.rates[seen][0] <= steepest <= self.rates[seen][-1]:
            loss = self.losses[self.rates.index(steepest)]
            axes.plot([steepest], [loss], "o", color="tab:red", label=f"steepest: {steepest:.0e}")
            axes.legend()
        return axes


def find_learning_rate(
    learner: "Learner", start: float = 1e-5, stop: float = 10.0, steps: int = 100, weight_decay: float | None = None
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


def _forever(learner: "Learner") -> Iterator[tuple[Any, Any]]:
    while True:
        yield from learner.training_batches()


@contextmanager
def unchanged(learner: "Learner") -> Iterator[None]:
    """Let the block train, then restore weights, buffers, gradients, modes, optimiser, callbacks and random state."""
    model: nn.Module = learner.model
    tensors: Sequence[Tensor] = [*model.parameters(), *model.buffers()]
    values = [t.detach().clone() for t in tensors]
    gradients = [p.grad for p in model.parameters()]
    modes = [(module, module.training) for module in model.modules()]
    kept = dict(vars(learner))
    randomness = random_state()
    for p in model.parameters():
        p.grad = None
    try:
        yield
    finally:
        restore_random_state(randomness)
        vars(learner).update(kept)
        with torch.no_grad():
            for tensor, value in zip(tensors, values, strict=True):
                tensor.copy_(value)
        for p, gradient in zip(model.parameters(), gradients, strict=True):
            p.grad = gradient
        for module, training in modes:
            module.training = training
