"""Softmax and sigmoid side by side: what each makes of the same logits, with a slider for each of them."""

from collections.abc import Sequence
from typing import Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from traitlets import Float, Int, List, Unicode, validate

from course_utils.widgets.arrays import Numbers, as_names
from course_utils.widgets.course_widget import CourseWidget
from course_utils.widgets.errors import WidgetError
from course_utils.widgets.picture import Picture
from course_utils.widgets.scripts import script, stylesheet
from course_utils.widgets.softmax_picture import draw_softmax

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

    _esm = script("softmax_sigmoid.js")
    _css = stylesheet("softmax_sigmoid.css")
    _settings: ClassVar = ("temperature", "seed")

    logits = Numbers(1, largest=LARGEST, help="what the last layer gave, one number for each class")
    classes = List(Unicode(), help="what the classes are called").tag(sync=True)
    temperature = Float(1.0, help="what softmax divides the logits by, 0.1 to 10").tag(sync=True)
    seed = Int(SEED, help="the seed of the random numbers on the screen").tag(sync=True)

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
        share = f"{self.softmax.max():.2f}"
        chosen = f"picks {best[0]} ({share})" if len(best) == 1 else f"cannot choose between {', '.join(best)} ({share} each)"
        return (
            f"Softmax {chosen}; its {len(self.classes)} numbers always add up to 1. "
            f"Above 0.5 by sigmoid: {', '.join(above) or 'none'}; its numbers add up to {self.sigmoid.sum():.2f}."
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
                raise WidgetError(f"classes has {len(value)} names, {value}; give 2 to 10, as in ('cat', 'dog')")
            if len(set(value)) < len(value) or not all(value):
                raise WidgetError(f"classes is {value}; each class needs a name of its own")
        count, names = (len(value) if name == trait else len(getattr(self, trait)) for trait in ("logits", "classes"))
        if name in ("logits", "classes") and count != names:
            raise WidgetError(f"there are {count} logits and {names} classes; expected one logit for each class")
        return value

    def _receive(self, widget: object, content: dict[str, Any], buffers: list[bytes]) -> None:
        if content.get("ask") == "fresh":
            self.fresh()
        else:
            super()._receive(widget, content, buffers)

    def _exported(self) -> NoReturn:
        raise WidgetError(
            "SoftmaxSigmoid has no layers to write into a workbook; course_utils.excel.export_model writes a model that ends "
            "in Softmax or Sigmoid"
        )

    def _draw(self) -> Picture:
        return draw_softmax(self)


def _check_seed(seed: int) -> None:
    if seed < 0:
        raise WidgetError(f"seed is {seed}; expected a whole number from 0")


def _random_logits(seed: int, count: int) -> NDArray[np.float64]:
    _check_seed(seed)
    return np.random.default_rng(seed).uniform(-5, 5, count).round(1)
