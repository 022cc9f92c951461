"""A fit before it is run: how the learning rate will move in it, and what that is good for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from traitlets import Bool, Enum, Int, observe, validate

from course_utils.training import Learner, schedules
from course_utils.widgets.base.arrays import Numbers, as_array, shown
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.numbers import fixed, significant
from course_utils.widgets.base.picture import Picture
from course_utils.widgets.base.rates import to_type, typed
from course_utils.widgets.base.still import still
from course_utils.widgets.base.widget import CourseWidget
from course_utils.widgets.learning_rate_schedule import valleys
from course_utils.widgets.learning_rate_schedule.still import curves_panel, valleys_panel

KINDS = ("constant", "restarts", "one cycle")
STEPS = 20  # mini-batches in an epoch
MOST_EPOCHS = 200
MOST_GROUPS = 6
HIGHEST = 10.0
FITS = 100  # that are compared

Array = NDArray[np.float64]


class LearningRateSchedule(CourseWidget):
    """Set cycles and rates, see how the learning rate moves, and where that leads (lecture 0:18:10, 1:37:30-1:38:20).

    The arguments are those of `Learner.fit`. `lr` is the learning rate, or one for each layer group, first layers first,
    above 0 and up to 10; without it the lecture's 0.01, with a third and a ninth of it for two earlier groups. With
    `cycle_len` there are `cycles` cycles, in each of which the rate falls along half a cosine and then jumps back, each
    `cycle_mult` times as long as the one before; without (None), `cycles` epochs at a constant rate. `kind="one cycle"` is
    `fit_one_cycle`.

    Beside the rates a network of one weight learns with them. Its loss has a narrow valley and a wide one; on the validation
    data the curve lies a little to the side, so that the bottom of the narrow valley is no good there. An epoch has 20
    mini-batches here, and `step` says how many of the fit are done; `seed` is the order in which they come.

    `rates`, `kind`, `cycles`, `cycle_len`, `cycle_mult`, `step`, `seed` and `log_scale` (of the axis of rates) are traits:
    set one from Python or on the screen, and both sides show it. `code` is what one types for the fit; `fit(learner)` runs
    it.

    Raises WidgetError, on creation and whenever a trait is set, for what does not fit, such as more than 200 epochs.

    >>> widget = LearningRateSchedule(0.01, 3, cycle_len=1, cycle_mult=2)
    >>> widget.epochs, widget.rates_at(0.5).round(4).tolist(), widget.rates_at(1).tolist()
    (7, [0.005], [0.01])
    >>> widget.rates = [0.001, 0.01]
    >>> print(widget.code)
    lr = 0.01
    learner.fit([lr / 10, lr], 3, cycle_len=1, cycle_mult=2)
    """

    _title: ClassVar = "Learning-rate schedule"
    _module: ClassVar = Path(__file__).with_name("widget.js")
    _settings: ClassVar = ("kind", "step", "seed", "log_scale", "playing", "delay", "export_path")

    rates = Numbers(1, largest=HIGHEST, help="the full learning rate of each layer group, first layers first")
    kind = Enum(KINDS, "restarts", help="constant, restarts or one cycle").tag(sync=True)
    cycles = Int(3, help="how many cycles; epochs, where the rate is constant or has one cycle").tag(sync=True)
    cycle_len = Int(1, help="epochs in the first cycle").tag(sync=True)
    cycle_mult = Int(2, help="how many times longer each next cycle is").tag(sync=True)
    step = Int(0, help="how many mini-batches are done, 20 in an epoch").tag(sync=True)
    seed = Int(0, help="the order of the mini-batches").tag(sync=True)
    log_scale = Bool(False, help="whether the axis of rates is logarithmic").tag(sync=True)
    playing = Bool(False, help="whether the fit goes on by itself").tag(sync=True)
    delay = Int(70, help="milliseconds from step to step, at least 20").tag(sync=True)

    def __init__(
        self,
        lr: float | ArrayLike | Tensor | None = None,
        cycles: int = 3,
        cycle_len: int | None = 1,
        cycle_mult: int = 2,
        **traits: Any,
    ) -> None:
        self._take_only_settings(traits)
        if cycle_len is None:
            traits.setdefault("kind", "constant")
            cycle_len = 1
        traits.setdefault("export_path", "learning_rate_schedule.xlsx")
        begin = {"step": traits.pop("step")} if "step" in traits else {}
        rates = [0.01 / 9, 0.01 / 3, 0.01] if lr is None else _one_or_several(lr)
        super().__init__(rates=rates, cycles=cycles, cycle_len=cycle_len, cycle_mult=cycle_mult, **traits)
        # A fit of several cycles opens where the first has ended.
        self.step = begin.get("step", STEPS * self.schedule.cycle_lengths[0] if self.kind == "restarts" else self.steps)

    @property
    def schedule(self) -> schedules.Schedule:
        """The schedule as a Learner runs it: epochs in each cycle, and the multiple of the full rate at each place in one."""
        if self.kind == "constant":
            return schedules.constant(self.cycles)
        if self.kind == "one cycle":
            return schedules.one_cycle(self.cycles)
        return schedules.cosine_restarts(self.cycles, self.cycle_len, self.cycle_mult)

    @property
    def epochs(self) -> int:
        """Epochs of the whole fit."""
        return self.schedule.epochs

    @property
    def steps(self) -> int:
        """Mini-batches of the whole fit."""
        return STEPS * self.epochs

    def rates_at(self, epochs_done: float) -> Array:
        """The learning rate of each layer group after so many epochs, parts of one counted; (groups,)."""
        schedule = self.schedule
        return self.rates * schedule.rate(schedule.position(epochs_done))

    @property
    def curve(self) -> Array:
        """The learning rate of each layer group at each step of the fit, (steps, groups)."""
        schedule = self.schedule
        return np.array([schedule.rate(schedule.position(step / STEPS)) for step in range(self.steps)])[:, None] * self.rates

    @property
    def weights(self) -> Array:
        """The weight of the network that has one, before the first step and after each, (steps + 1,)."""
        return valleys.walk(self.curve[:, -1].tolist(), [self.seed])[:, 0]

    @property
    def ends(self) -> Array:
        """Where 100 fits with this schedule end, each with its own mini-batches, those of the seeds 0 to 99; (100,)."""
        return valleys.walk(self.curve[:, -1].tolist(), list(range(FITS)))[-1]

    @property
    def end_in_wide(self) -> int:
        """How many of those 100 end in the wide valley."""
        return int((self.ends >= valleys.BETWEEN).sum())

    @property
    def mean_validation_loss(self) -> float:
        """The mean loss of those 100 on the validation data."""
        return float(valleys.loss(self.ends - valleys.SHIFT).mean())

    @property
    def code(self) -> str:
        """What one types for this fit."""
        call = f"learner.fit({{lr}}, {self.cycles})"
        if self.kind == "one cycle":
            call = f"learner.fit_one_cycle({{lr}}, {self.cycles})"
        elif self.kind == "restarts":
            multiplied = "" if self.cycle_mult == 1 else f", cycle_mult={self.cycle_mult}"
            call = f"learner.fit({{lr}}, {self.cycles}, cycle_len={self.cycle_len}{multiplied})"
        before, lr = typed(self.rates)
        return before + call.format(lr=lr)

    def fit(self, learner: Learner, **options: Any) -> None:
        """Fit a learner as `code` says; `options` are others of `Learner.fit`, such as `weight_decay`.

        Raises CourseError where the learner has another number of layer groups than there are rates.
        """
        if not isinstance(learner, Learner):
            raise WidgetError(f"learner is {shown(learner)}; expected a Learner, as image_learner(data, arch) makes")
        same = len(set(self.rates.tolist())) == 1
        lr: Any = float(self.rates[-1]) if same else self.rates.tolist()
        if self.kind == "one cycle":
            learner.fit_one_cycle(lr, self.cycles, **options)
        elif self.kind == "constant":
            learner.fit(lr, self.cycles, **options)
        else:
            learner.fit(lr, self.cycles, cycle_len=self.cycle_len, cycle_mult=self.cycle_mult, **options)

    def describe(self) -> str:
        """What is on the screen, in a few sentences."""
        weights = self.weights
        weight, end = float(weights[self.step]), valleys.place(float(weights[-1]))
        here = valleys.place(weight)
        losses = [fixed(float(valleys.loss(at)), 2) for at in (weight, weight - valleys.SHIFT)]
        epochs = f"{self.epochs} epoch{'s' * (self.epochs > 1)}"
        return (
            f"{self._where()} A network of one weight is {here}: loss {losses[0]} on the training data, {losses[1]} on the "
            f"validation data. After {epochs} it is {end}. Of {FITS} such fits, each with its own mini-batches, "
            f"{self.end_in_wide} end in the wide valley; the mean validation loss of the {FITS} is "
            f"{fixed(self.mean_validation_loss, 2)}."
        )

    def _where(self) -> str:
        """The place in the fit, and the rate there."""
        schedule, done = self.schedule, self.step / STEPS
        rate = significant(float(self.rates_at(done)[-1]))
        if self.step == self.steps:
            return "The fit is over."
        if self.step == 0:
            return f"Before the first of {self.steps} steps: the rate is {rate}."
        ends = np.cumsum(schedule.cycle_lengths)
        cycle = int(np.searchsorted(ends, done, side="right"))
        if self.kind != "restarts":
            return f"Step {self.step} of {self.steps}: the rate is {rate}."
        if done in ends:
            return f"Cycle {cycle} of {self.cycles} is over, and the rate jumps back to {rate}."
        return f"Cycle {cycle + 1} of {self.cycles}, step {self.step} of {self.steps}: the rate is {rate}."

    @validate("rates", "cycles", "cycle_len", "cycle_mult", "kind", "step", "seed", "delay")
    def _check(self, proposal: Any) -> Any:
        """Refuse a trait that does not fit the others, before anything has changed."""
        name, value = proposal["trait"].name, proposal["value"]
        if name == "rates":
            if not 1 <= len(value) <= MOST_GROUPS:
                raise WidgetError(
                    f"there are {len(value)} learning rates; expected one for each layer group, 1 to {MOST_GROUPS}"
                )
            if not (value > 0).all():
                raise WidgetError(f"a learning rate is {min(value):g}; expected numbers above 0, up to {HIGHEST:g}")
        if name == "delay" and value < 20:
            raise WidgetError(f"delay is {value} milliseconds; expected at least 20")
        if name == "seed" and not 0 <= value < 2**31:
            raise WidgetError(f"seed is {value}; expected a whole number from 0")
        if name in ("cycles", "cycle_len", "cycle_mult") and value < 1:
            raise WidgetError(f"{name} is {value}; expected a whole number from 1")
        if name == "step" and not 0 <= value <= self.steps:
            raise WidgetError(f"step is {value}; this fit has {self.steps} steps, {STEPS} in each of {self.epochs} epochs")
        if name in ("cycles", "cycle_len", "cycle_mult", "kind"):
            new = {key: getattr(self, key) for key in ("kind", "cycles", "cycle_len", "cycle_mult")} | {name: value}
            if (epochs := _epochs(**new)) > MOST_EPOCHS:
                raise WidgetError(
                    f"{name}={value} would make a fit of {epochs:,} epochs or more, and at most {MOST_EPOCHS} can be shown; "
                    "ask for fewer or shorter cycles"
                )
        return value

    @observe("kind", "cycles", "cycle_len", "cycle_mult")
    def _stay_inside(self, _: Any) -> None:
        self.step = min(self.step, self.steps)

    @classmethod
    def example(cls) -> Self:
        """Three cycles of 1, 2 and 4 epochs with three rates, where the first cycle ends in the narrow valley."""
        return cls()

    def _numbers(self) -> dict[str, Any]:
        return {
            "curve": self.curve,
            "weights": self.weights,
            "ends": self.ends,
            "mean_validation_loss": self.mean_validation_loss,
        }

    def _exporter(self) -> Callable[[Path], object]:
        from course_utils.excel.schedule_sheet import schedule_workbook  # the spreadsheet library loads when it is used

        lengths = self.schedule.cycle_lengths
        return lambda path: schedule_workbook(path, self.rates, self.kind, lengths, STEPS)

    def _draw(self) -> Picture:
        schedule = self.schedule
        rates = curves_panel(schedule, self.rates, self.step / STEPS, self.log_scale)
        return still([[rates, valleys_panel(self.weights, self.step)]], f"{self.describe()} {to_type(self.code)}")


def _one_or_several(lr: Any) -> Array:
    try:
        return np.atleast_1d(as_array(lr))
    except (TypeError, ValueError) as error:
        raise WidgetError(
            f"lr is {shown(lr)}; expected a learning rate such as 0.01, or a list of one per layer group"
        ) from error


def _epochs(kind: str, cycles: int, cycle_len: int, cycle_mult: int) -> int:
    """Epochs of a fit, or where they are too many the first number of them that is."""
    if kind != "restarts":
        return cycles
    total, length = 0, cycle_len
    for _ in range(cycles):
        total += length
        length *= cycle_mult
        if total > MOST_EPOCHS:
            break
    return total
