"""A recorded search for a learning rate, to read: what each rate means, and the one to take."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from traitlets import Bool, Float, Int, validate

from course_utils.training import Data, Learner
from course_utils.training.rate_finder import LearningRateSearch
from course_utils.widgets.base.arrays import Numbers, as_array, shown
from course_utils.widgets.base.axes import Axes, round_ticks
from course_utils.widgets.base.colours import BLUE, ORANGE, WHITE, mixed
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.numbers import fixed, percent, plain_number, significant
from course_utils.widgets.base.picture import MARK, Picture, text_width
from course_utils.widgets.base.still import Panel, still
from course_utils.widgets.base.widget import CourseWidget

OF_THE_SEARCH = 0.9  # the smoothing of `lr_find`
ROUGHEST, SMOOTHEST = 0.0, 0.98
MOST_STEPS = 2000
FEWEST = 10  # with fewer steps nothing can be said

Array = NDArray[np.float64]

VERDICTS = {
    "low": "Too low: hardly anything is learnt",
    "slow": "A low rate: it would learn, but slowly",
    "good": "A good rate: the loss still falls there",
    "bold": "A bold rate: it may learn faster, or fail",
    "high": "Too high: the loss rises",
}


class LearningRateFinder(CourseWidget):
    """Replay a search for a learning rate, read its curve, and take a rate from it (lecture 0:19:48, 1:59:00-1:59:31).

    `search` is what `learner.lr_find()` gives. The search trained on one mini-batch after the other while the rate grew;
    `losses` are those of the mini-batches, which are computed back from the smoothed ones, and `curve` is their exponential
    average with `smoothing`, 0 to 0.98 (the search's own is 0.9). `rate` is the one to take, between the lowest and the
    highest that were tried: at first the one that the rule of the lessons suggests. `step` says how much of the search is
    shown. These are traits: set one from Python or on the screen, and both sides show it. So after a look at the curve the
    fit is `learner.fit(finder.rate, 3, cycle_len=1)`.

    Raises WidgetError for what is no search, or one without steps, and whenever a trait is set that does not fit.

    >>> rates = [10 ** (power / 10 - 5) for power in range(50)]
    >>> finder = LearningRateFinder(LearningRateSearch(rates, [2 + (power / 10 - 4) ** 2 for power in range(50)]))
    >>> finder.rate = 0.001
    >>> finder.verdict, round(finder.gained, 2)
    ('good', 0.75)
    >>> finder.rate = 0.5
    >>> finder.verdict
    'high'
    """

    _title: ClassVar = "Learning-rate finder"
    _module: ClassVar = Path(__file__).with_name("widget.js")
    _settings: ClassVar = ("rate", "smoothing", "step", "playing", "delay", "export_path")

    rates = Numbers(1, help="the rate of each step, growing")
    losses = Numbers(1, help="the loss of each step's mini-batch")
    rate = Float(0.0, help="the rate to take").tag(sync=True)
    smoothing = Float(OF_THE_SEARCH, help="how much of the average before stays in the next, 0 to 0.98").tag(sync=True)
    step = Int(0, help="how many steps of the search are shown").tag(sync=True)
    playing = Bool(False, help="whether the search is replayed").tag(sync=True)
    delay = Int(70, help="milliseconds from step to step, at least 20").tag(sync=True)

    def __init__(self, search: LearningRateSearch, **traits: Any) -> None:
        self._take_only_settings(traits)
        traits.setdefault("export_path", "learning_rate_search.xlsx")
        rates, averages = _recorded(search)
        powers = OF_THE_SEARCH ** np.arange(1, len(rates) + 1)
        sums = averages * (1 - powers)
        losses = (sums - OF_THE_SEARCH * np.concatenate([[0.0], sums[:-1]])) / (1 - OF_THE_SEARCH)
        begin = {name: traits.pop(name) for name in ("rate", "step") if name in traits}
        super().__init__(rates=rates, losses=losses, **traits)
        self.step = begin.get("step", len(rates))
        middle = rates[len(rates) // 2]
        self.rate = begin["rate"] if "rate" in begin else self._round(self.suggested or middle)

    @property
    def curve(self) -> Array:
        """The smoothed loss of each step, (steps,)."""
        average, power, averages = 0.0, 1.0, []
        for loss in self.losses.tolist():
            average = self.smoothing * average + (1 - self.smoothing) * loss
            power *= self.smoothing
            averages.append(average / (1 - power))
        return np.array(averages)

    @property
    def lowest(self) -> float | None:
        """The rate at the lowest point of the curve; None with fewer than ten steps, or where the loss does not fall."""
        at = int(self.curve.argmin())
        return float(self.rates[at]) if len(self.rates) >= FEWEST and at >= 2 else None

    @property
    def suggested(self) -> float | None:
        """Halfway between the steepest and a tenth of the lowest, the rule of the lessons; None where there is none."""
        return LearningRateSearch(self.rates.tolist(), self.curve.tolist()).suggested

    @property
    def steepest(self) -> float | None:
        """The rate at which the curve falls fastest; None where that cannot be said."""
        return LearningRateSearch(self.rates.tolist(), self.curve.tolist()).steepest

    @property
    def loss(self) -> float:
        """The smoothed loss at `rate`, on a straight line between the steps before and after it."""
        return float(np.interp(np.log10(self.rate), np.log10(self.rates), self.curve))

    @property
    def gained(self) -> float | None:
        """How much of the way from the first loss down to the lowest is done at `rate`; None where the loss does not fall."""
        curve = self.curve
        return None if self.lowest is None else float((curve[0] - self.loss) / (curve[0] - curve.min()))

    @property
    def verdict(self) -> str | None:
        """What to think of `rate`: "low", "slow", "good", "bold" or "high"; None where the curve does not say.

        Up to three times the rate suggested and down to a third of it a rate is good. Above it is bold, and too high above the
        rate of the lowest point; below it is slow, and low where the loss has not made a fifth of its way.
        """
        if self.lowest is None or self.suggested is None or self.gained is None:
            return None
        if self.rate > self.lowest:
            return "high"
        if self.rate > 3 * self.suggested:
            return "bold"
        if self.rate >= self.suggested / 3:
            return "good"
        return "low" if self.gained < 0.2 else "slow"

    @property
    def code(self) -> str:
        """What one types with this rate."""
        return f"lr = {significant(self.rate, 12)}\nlearner.fit(lr, 3, cycle_len=1)"

    def describe(self) -> str:
        """What is on the screen, in a few sentences."""
        curve, count = self.curve, len(self.rates)
        if self.step < count:
            if self.step == 0:
                return f"Before the first of {count} steps: the rate will grow from {significant(self.rates[0])} on."
            rate, loss, average = self.rates[self.step - 1], self.losses[self.step - 1], curve[self.step - 1]
            return (
                f"Step {self.step} of {count}: the rate has grown to {significant(rate)}; the loss of this mini-batch is "
                f"{fixed(loss, 2)}, smoothed {fixed(average, 2)}."
            )
        here = f"At a rate of {significant(self.rate)} the smoothed loss is {fixed(self.loss, 2)}"
        if self.verdict is None or self.lowest is None or self.gained is None:
            if count < FEWEST:
                return (
                    f"{here}. The search saw {count} step{'s' * (count > 1)}, too few to say which rate is good: search again "
                    "with more steps, or with smaller mini-batches."
                )
            return f"{here}. The loss did not fall in this search: search again from a lower rate on, or with more steps."
        ratio = self.lowest / self.rate
        times = f"about {significant(ratio)} times as high" if ratio >= 1 else f"about {significant(1 / ratio)} times lower"
        return (
            f"{here}: {percent(self.gained)} of its way from {fixed(curve[0], 2)} at first down to "
            f"{fixed(curve.min(), 2)}. The lowest point is at {significant(self.lowest)}, {times}. {VERDICTS[self.verdict]}."
        )

    @classmethod
    def example(cls) -> Self:
        """A search for a small network that tells ten clouds of points apart."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            labels = torch.arange(1280) % 10
            points = torch.randn(10, 20)[labels] + 1.2 * torch.randn(1280, 20)
            data = Data.from_tensors(train=(points, labels), valid=(points[:64], labels[:64]), batch_size=32)
            model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
            return cls(Learner(data, model, progress=False).lr_find())

    def _numbers(self) -> dict[str, Any]:
        return {"curve": self.curve, "loss": self.loss}

    def _round(self, rate: float) -> float:
        """Two digits are enough for a rate."""
        return min(max(float(significant(rate)), float(self.rates[0])), float(self.rates[-1]))

    @validate("rates", "losses", "rate", "smoothing", "step", "delay")
    def _check(self, proposal: Any) -> Any:
        """Refuse a trait that does not fit the others, before anything has changed."""
        name, value = proposal["trait"].name, proposal["value"]
        count = len(self.rates)
        if name in ("rates", "losses") and len(value) != len(self.losses if name == "rates" else self.rates):
            raise WidgetError(f"{name} has {len(value)} numbers, other than the search; show another search in a new widget")
        if name == "rate" and count and not self.rates[0] <= value <= self.rates[-1]:
            raise WidgetError(
                f"rate is {value:g}; the search tried {significant(self.rates[0])} to {significant(self.rates[-1])}"
            )
        if name == "smoothing" and not ROUGHEST <= value <= SMOOTHEST:
            raise WidgetError(f"smoothing is {value:g}; expected {ROUGHEST:g} to {SMOOTHEST:g}")
        if name == "step" and not 0 <= value <= count:
            raise WidgetError(f"step is {value}; the search has {count} steps")
        if name == "delay" and value < 20:
            raise WidgetError(f"delay is {value} milliseconds; expected at least 20")
        return value

    def _exporter(self) -> Callable[[Path], object]:
        from course_utils.excel.rate_search_sheet import rate_search_workbook  # the spreadsheet library loads when it is used

        return lambda path: rate_search_workbook(path, self.rates, self.losses, self.smoothing)

    def _draw(self) -> Picture:
        return still([[Panel(720, 330, self._draw_curve, "Loss while the rate grows")]], self.describe())

    def _draw_curve(self, picture: Picture, left: float, top: float) -> None:
        curve, powers = self.curve, np.log10(self.rates)
        low, high = loss_range(self.losses, curve)
        axes = Axes(left + 50, top + 24, 660, 260, (powers[0], max(powers[-1], powers[0] + 1e-9)), (low, high))
        decades = [float(power) for power in range(int(np.ceil(powers[0] - 1e-9)), int(np.floor(powers[-1] + 1e-9)) + 1)]
        axes.draw(
            picture, decades, round_ticks(low, high, 5), "learning rate", (lambda power: significant(10.0**power), plain_number)
        )
        if self.lowest and self.suggested:
            edges = [powers[0], *np.log10([self.suggested / 3, 3 * self.suggested, self.lowest]), powers[-1]]
            for name, start, end in zip(("low", "good", "bold", "too high"), edges, edges[1:], strict=False):
                if axes.x(end) - axes.x(start) > text_width(name):
                    picture.text((axes.x(start) + axes.x(end)) / 2, top + 18, name, anchor="ms")
            for edge in edges[1:-1]:
                picture.line([(axes.x(edge), top + 24), (axes.x(edge), top + 284)], mixed(ORANGE, WHITE, 0.5), 1)
        for power, loss in zip(powers[: self.step], self.losses[: self.step], strict=True):
            if low <= loss <= high:
                picture.rectangle(axes.x(power) - 1.5, axes.y(loss) - 1.5, 3, 3, mixed(BLUE, WHITE, 0.5))
        axes.curve(picture, powers[: self.step].tolist(), curve[: self.step].tolist())
        if self.step == len(self.rates):
            at = axes.x(float(np.log10(self.rate)))
            picture.line([(at, top + 24), (at, top + 284)], MARK)
            picture.rectangle(at - 5, axes.y(self.loss) - 5, 10, 10, BLUE)


def loss_range(losses: Array, curve: Array) -> tuple[float, float]:
    """What to show of the losses: from 0, or the lowest where that is far above it, to a little above the smoothed curve.

    >>> loss_range(np.array([1.0, 3.0]), np.array([1.0, 2.0]))
    (0.0, 2.2)
    """
    low, high = min(float(losses.min()), float(curve.min())), float(curve.max())
    low = low if low < 0 or low > high / 2 else 0.0
    return low, high + (0.1 * (high - low) or 1.0)


def _recorded(search: Any) -> tuple[Array, Array]:
    """The rates and the smoothed losses of a search; WidgetError where there are none."""
    expected = "expected what learner.lr_find() gives"
    if not hasattr(search, "rates") or not hasattr(search, "losses"):
        hint = f"{expected}: LearningRateFinder(learner.lr_find())"
        raise WidgetError(f"search is {shown(search)}; {hint}")
    try:
        rates, losses = as_array(search.rates), as_array(search.losses)
    except (TypeError, ValueError) as error:
        raise WidgetError(f"the rates and losses of the search are not numbers ({error}); {expected}") from error
    if rates.ndim != 1 or rates.shape != losses.shape:
        raise WidgetError(f"the search has rates of shape {rates.shape} and losses of shape {losses.shape}; {expected}")
    if not 1 <= len(rates) <= MOST_STEPS:
        raise WidgetError(f"the search has {len(rates)} steps, and 1 to {MOST_STEPS} can be shown; search again with others")
    if not (np.isfinite(losses).all() and (rates > 0).all() and (np.diff(rates) > 0).all() and np.isfinite(rates).all()):
        raise WidgetError(f"the rates of the search do not grow, or are not all finite numbers above 0; {expected}")
    return rates, losses
