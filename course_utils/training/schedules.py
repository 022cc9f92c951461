"""How the learning rate moves during a fit."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch.optim import Optimizer

from course_utils.errors import CourseError
from course_utils.training.arguments import not_negative, whole

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

    def set_rates(self, optimizer: Optimizer, epochs_done: float) -> None:
        """Give an optimiser the rates, and perhaps the momentum, of this moment; each group knows its `full_lr`."""
        position = self.position(epochs_done)
        for group in optimizer.param_groups:
            group["lr"] = group["full_lr"] * self.rate(position)
            if self.momentum and "momentum" in group:
                group["momentum"] = self.momentum(position)
            elif self.momentum and "betas" in group:
                group["betas"] = (self.momentum(position), group["betas"][1])

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


@dataclass
class Fit:
    """What a fit was asked for: its schedule, the full learning rate of each layer group, perhaps a weight decay."""

    schedule: Schedule
    lr: list[float]
    weight_decay: float | None

    def __post_init__(self) -> None:
        if self.weight_decay is not None:
            self.weight_decay = not_negative("weight_decay", self.weight_decay)


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


def of_fit(cycles: int, cycle_len: int | None, cycle_mult: int) -> Schedule:
    """The schedule that `Learner.fit` is asked for: a constant rate, or with `cycle_len` one that restarts."""
    if cycle_len is not None:
        return cosine_restarts(cycles, cycle_len, cycle_mult)
    if whole("cycle_mult", cycle_mult) != 1:
        raise CourseError(
            f"cycle_mult is {cycle_mult}, but without cycle_len there are no cycles that could get longer; give "
            "cycle_len=1 too, or leave cycle_mult out"
        )
    return constant(cycles)


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
