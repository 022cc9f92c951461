"""Softmax and sigmoid side by side: what each makes of the same logits, with a slider for each of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from traitlets import Float, Int, List, Unicode, observe, validate

from course_utils.names import counted
from course_utils.widgets.base.arrays import Numbers, as_names, shown
from course_utils.widgets.base.colours import BLUE, ORANGE
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.numbers import fixed, plain_number
from course_utils.widgets.base.picture import FAINT, Picture, text_width
from course_utils.widgets.base.still import Panel, still
from course_utils.widgets.base.widget import CourseWidget

AHEAD = 50  # how many random draws travel to the screen
LARGEST = 50.0  # so that exp(50 / 0.1) is still a number
TEMPERATURES = (0.1, 10.0)
SEED = 31  # softmax picks one here and sigmoid says yes to three


class SoftmaxSigmoid(CourseWidget):
    """Move logits and see that softmax must choose and sigmoid need not (lecture 1:14:12-1:20:18, 1:44:30-1:46:40).

    `logits` is one number for each of the 2 to 10 `classes`, from -50 to 50; without it they are random, as `fresh` draws them.
    `temperature`, 0.1 to 10, divides the logits before softmax's exp, which is the same as another base than e (1:32:54);
    sigmoid does without. All are traits: set one from Python or on the screen, and both sides show it. `seed` is the seed of
    the random numbers on the screen.

    Raises WidgetError, on creation and whenever a trait is set, for numbers and names that do not fit.

    >>> widget = SoftmaxSigmoid([2.0, 2.0, -1.0], classes=("cat", "dog", "plane"))
    >>> widget.softmax.round(2).tolist(), widget.sigmoid.round(2).tolist()
    ([0.49, 0.49, 0.02], [0.88, 0.88, 0.27])
    >>> widget.logits = widget.logits + 1
    >>> widget.softmax.round(2).tolist(), widget.sigmoid.round(2).tolist()
    ([0.49, 0.49, 0.02], [0.95, 0.95, 0.5])
    """

    _title: ClassVar = "Softmax and sigmoid"
    _module: ClassVar = Path(__file__).with_name("widget.js")
    _settings: ClassVar = ("temperature", "seed")

    logits = Numbers(1, largest=LARGEST, help="what the last layer gave, one number for each class")
    classes = List(Unicode(), help="what the classes are called").tag(sync=True)
    temperature = Float(1.0, help="what softmax divides the logits by, 0.1 to 10").tag(sync=True)
    seed = Int(SEED, help="the seed of the random numbers on the screen").tag(sync=True)

    # What `fresh` will draw from the next seeds, so that the button on the screen waits for nobody.
    _ahead = List(List(Float())).tag(sync=True)

    def __init__(
        self,
        logits: ArrayLike | Tensor | None = None,
        classes: Sequence[str] = ("cat", "dog", "plane", "fish", "building"),
        **traits: Any,
    ) -> None:
        self._take_only_settings(traits)
        names = as_names(classes, "classes")
        if logits is None:
            logits = _random_logits(self._checked("seed", traits.get("seed", SEED)), len(names))
        super().__init__(logits=logits, classes=names, **traits)
        self._look_ahead()

    @property
    def powers(self) -> NDArray[np.float64]:
        """exp(logits / temperature): softmax before it is divided by the sum."""
        return np.exp(self.logits / self.temperature)

    @property
    def softmax(self) -> NDArray[np.float64]:
        """exp(logits / temperature) as shares of their sum: what `torch.softmax(logits / temperature, 0)` gives in float64."""
        powers = np.exp((self.logits - self.logits.max()) / self.temperature)  # the shares are the same, and none overflows
        return powers / powers.sum()

    @property
    def sigmoid(self) -> NDArray[np.float64]:
        """1 / (1 + exp(-logits)), each for itself: what `torch.sigmoid(logits)` gives in float64."""
        return 1 / (1 + np.exp(-self.logits))

    def fresh(self) -> None:
        """Draw other logits, uniform between -5 and 5, from the next seed (lecture 1:19:06); the button does the same."""
        with self.hold_sync():
            self.seed += 1
            self.logits = _random_logits(self.seed, len(self.classes))

    def describe(self) -> str:
        """What is on the screen, in a few sentences."""
        best = [name for name, logit in zip(self.classes, self.logits, strict=True) if logit == self.logits.max()]
        above = [name for name, logit in zip(self.classes, self.logits, strict=True) if logit > 0]
        share = fixed(self.softmax.max(), 3)
        chosen = f"picks {best[0]} ({share})" if len(best) == 1 else f"cannot choose between {', '.join(best)} ({share} each)"
        return (
            f"Softmax {chosen}; its {len(self.classes)} numbers always add up to 1. "
            f"Above 0.5 by sigmoid: {', '.join(above) or 'none'}; its numbers add up to {fixed(self.sigmoid.sum(), 3)}."
        )

    @validate("logits", "classes", "temperature", "seed")
    def _check(self, proposal: Any) -> Any:
        """Refuse a trait that does not fit the others, before anything has changed."""
        name, value = proposal["trait"].name, proposal["value"]
        if name == "temperature" and not TEMPERATURES[0] <= value <= TEMPERATURES[1]:
            raise WidgetError(f"temperature is {value:g}; expected {TEMPERATURES[0]:g} to {TEMPERATURES[1]:g}")
        if name == "seed":
            _check_seed(value)
        if name == "classes":
            if not 2 <= len(value) <= 10:
                found = f"{counted(len(value), 'name')}, {shown(value)}"
                raise WidgetError(f"classes has {found}; give 2 to 10, as in ('cat', 'dog')")
            if len(set(value)) < len(value) or not all(value):
                raise WidgetError(f"classes is {value}; each class needs a name of its own")
        count, names = (len(value) if name == trait else len(getattr(self, trait)) for trait in ("logits", "classes"))
        if name in ("logits", "classes") and count != names:
            raise WidgetError(f"there are {count} logits and {names} classes; expected one logit for each class")
        return value

    @observe("seed", "classes")
    def _look_ahead(self, _: Any = None) -> None:
        self._ahead = [_random_logits(self.seed + more, len(self.classes)).tolist() for more in range(1, AHEAD + 1)]

    @classmethod
    def example(cls) -> Self:
        """Five classes, of which softmax picks one and sigmoid says yes to three."""
        return cls()

    def _numbers(self) -> dict[str, NDArray[np.float64]]:
        return {"powers": self.powers, "softmax": self.softmax, "sigmoid": self.sigmoid}

    def _exported(self) -> NoReturn:
        raise WidgetError(
            "SoftmaxSigmoid has no layers to write into a workbook; course_utils.excel.export_model writes a model that ends "
            "in Softmax or Sigmoid"
        )

    def _draw(self) -> Picture:
        names = max(text_width(name, bold=True) for name in (*self.classes, "Class"))
        return still([[Panel(names + 764, 38 + 26 * (len(self.classes) + 1), self._draw_table)]], self.describe())

    def _draw_table(self, picture: Picture, left: float, top: float) -> None:
        """A row for each class, with its logit, its power and two bars, and a row of the sums."""
        divided = "exp(z)" if self.temperature == 1 else f"exp(z / {plain_number(self.temperature)})"
        logits = left + max(text_width(name, bold=True) for name in (*self.classes, "Class")) + 70
        powers, softmax, sigmoid = logits + 90, logits + 112, logits + 412
        right, bar, bottom = sigmoid + 282, 150, top + 44 + 26 * len(self.classes)
        heads = ((left, "Class", "la"), (logits, "Logit z", "ra"), (powers, divided, "ra"), (softmax, "Softmax", "la"))
        for x, heading, anchor in (*heads, (sigmoid, "Sigmoid", "la")):
            picture.text(x, top, heading, bold=True, anchor=anchor)
        picture.text(softmax, top + 17, f"{divided} / sum")
        picture.text(sigmoid, top + 17, "1 / (1 + exp(−z)), line at 0.5")
        most = self.logits.max()
        picked = "= tied" if (self.logits == most).sum() > 1 else "✓ picked"
        for number, (name, logit) in enumerate(zip(self.classes, self.logits, strict=True)):
            y = top + 38 + 26 * number
            picture.text(left, y + 9, name, bold=True, anchor="lm")
            picture.text(logits, y + 9, plain_number(logit), anchor="rm")
            picture.text(powers, y + 9, plain_number(self.powers[number]), anchor="rm")
            for x, share, colour, mark in (
                (softmax, self.softmax[number], BLUE, picked if logit == most else ""),
                (sigmoid, self.sigmoid[number], ORANGE, "✓ yes" if logit > 0 else ""),
            ):
                picture.rectangle(x, y, bar * share, 18, colour)
                picture.frame(x, y, bar, 18, FAINT, 1)
                picture.text(x + bar + 8, y + 9, fixed(share, 3), anchor="lm")
                picture.text(x + bar + 54, y + 9, mark, bold=True, anchor="lm")
            picture.line([(sigmoid + bar / 2, y - 3), (sigmoid + bar / 2, y + 21)], thickness=1)
        picture.line([(left, bottom), (right, bottom)], FAINT, 1)
        picture.text(left, bottom + 14, "Sum", bold=True, anchor="lm")
        picture.text(powers, bottom + 14, plain_number(self.powers.sum()), anchor="rm")
        picture.text(softmax + bar + 8, bottom + 14, fixed(self.softmax.sum(), 3), bold=True, anchor="lm")
        picture.text(sigmoid + bar + 8, bottom + 14, fixed(self.sigmoid.sum(), 3), bold=True, anchor="lm")


def _check_seed(seed: int) -> None:
    if seed < 0:
        raise WidgetError(f"seed is {seed}; expected a whole number from 0")


def _random_logits(seed: int, count: int) -> NDArray[np.float64]:
    _check_seed(seed)
    return np.random.default_rng(seed).uniform(-5, 5, count).round(1)
