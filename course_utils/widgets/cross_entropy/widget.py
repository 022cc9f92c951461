"""What a prediction costs: −log of the probability that it gave to the truth, one by one and as the mean of a batch."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from traitlets import Enum, Float, Int, List, Unicode, validate

from course_utils.widgets.base.arrays import Numbers, as_array, as_names, shown
from course_utils.widgets.base.axes import Axes
from course_utils.widgets.base.colours import BLUE, ORANGE, ink
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.numbers import fixed, percent
from course_utils.widgets.base.picture import FAINT, MARK, Picture, text_width
from course_utils.widgets.base.still import Panel, fitting, still
from course_utils.widgets.base.widget import CourseWidget

LARGEST = 100.0  # so that exp(100 − −100) is still a number
MOST_PICTURES, MOST_CLASSES = 12, 10
TOP = 5.0  # of the curve, in powers of e
KINDS = ("softmax", "sigmoid")
BASES = {2.0: "log2", math.e: "ln", 10.0: "log10"}

Array = NDArray[np.float64]

# Sure and right, right, undecided, wrong, sure and wrong.
_CLASSES = ("cat", "dog", "plane")
_LOGITS = ((4.0, 0.5, -1.0), (1.0, 2.4, 0.0), (0.4, 0.3, 0.6), (2.0, 1.0, -1.0), (3.6, 0.5, -0.4))
_TARGETS = ("cat", "dog", "plane", "dog", "plane")


class CrossEntropy(CourseWidget):
    """Move a prediction and see its loss: −log of the probability that the truth was given (lecture 1:54:12-1:55:25).

    A sure and wrong prediction costs more than many good ones save, and the loss moves where the accuracy, which only asks
    which is the largest, stands still: that is why one is trained on and the other is printed.

    `logits` has shape (pictures, classes), up to 12 × 10 numbers from -100 to 100, what the last layer gave. `targets` are the
    true classes: for each picture its number or name, or rows of 0 and 1 of the same shape (lecture 1:29:55-1:32:40), with as
    many ones as are true. `kind` is "softmax" where each picture has one true class, and "sigmoid" where each class is a
    question of its own, which a picture with none or with several needs; without it that decides. `base` of the logarithm is 2,
    10, or e as in PyTorch. `selected` is the picture that is looked at and `focus` its class, for "sigmoid", both from 0.

    `losses`, one for each picture, and `loss`, their mean, are what `torch.nn.functional` gives in float64: `cross_entropy`,
    and of "sigmoid" `binary_cross_entropy_with_logits`. Without arguments there are five pictures to begin with.

    Raises WidgetError, on creation and whenever a trait is set, for what does not fit.

    >>> widget = CrossEntropy([[2.0, 2.0], [0.0, 4.0]], targets=["cat", "dog"], classes=["cat", "dog"])
    >>> widget.losses.round(3).tolist(), round(widget.loss, 3)
    ([0.693, 0.018], 0.356)
    >>> widget.base = 2
    >>> widget.losses.round(3).tolist()
    [1.0, 0.026]
    """

    _title: ClassVar = "Cross-entropy"
    _module: ClassVar = Path(__file__).with_name("widget.js")
    _settings: ClassVar = ("base", "selected", "focus", "export_path")

    logits = Numbers(2, largest=LARGEST, help="(pictures, classes), what the last layer gave")
    targets = Numbers(2, help="(pictures, classes), 1 for what is true and 0 for what is not")
    classes = List(Unicode(), help="what the classes are called").tag(sync=True)
    kind = Enum(KINDS, "softmax", help="'softmax': one class is true; 'sigmoid': each is a question of its own").tag(sync=True)
    base = Float(math.e, help="of the logarithm: 2, e or 10").tag(sync=True)
    selected = Int(0, help="the picture that is looked at, from 0").tag(sync=True)
    focus = Int(0, help="the class of it that is looked at where each is a question of its own, from 0").tag(sync=True)

    def __init__(
        self,
        logits: ArrayLike | Tensor | None = None,
        targets: ArrayLike | Tensor | Sequence[str] | None = None,
        classes: Sequence[str] | None = None,
        kind: str | None = None,
        **traits: Any,
    ) -> None:
        self._take_only_settings(traits)
        if logits is None:
            if targets is not None or classes is not None:
                raise WidgetError(
                    "targets and classes belong to logits; give all three, or none for five pictures to begin with"
                )
            logits, targets, classes = _LOGITS, _TARGETS, _CLASSES
            traits.setdefault("selected", len(_LOGITS) - 1)
        if targets is None:
            raise WidgetError("targets are missing: the true class of each picture, as in targets=[0, 2] or ['cat', 'plane']")
        numbers = self._checked("logits", logits)
        pictures, count = numbers.shape
        if not pictures:
            raise WidgetError(f"logits has shape {numbers.shape}; expected (pictures, classes), such as [[2, -1], [0, 3]]")
        names = [f"class {number}" for number in range(count)] if classes is None else as_names(classes, "classes")
        _check_names(names, count)
        truth = _one_hot(targets, names, pictures)
        if kind is None:
            kind = "softmax" if count > 1 and (truth.sum(axis=1) == 1).all() else "sigmoid"
        traits.setdefault("export_path", "cross_entropy.xlsx")
        picture = self._checked("selected", traits.get("selected", 0))
        if 0 <= picture < pictures and truth[picture].any():
            traits.setdefault("focus", int(truth[picture].argmax()))
        super().__init__(logits=numbers, targets=truth, classes=names, kind=kind, **traits)

    @property
    def probabilities(self) -> Array:
        """What softmax or sigmoid makes of the logits, (pictures, classes)."""
        z = torch.tensor(self.logits)
        made: Array = (z.softmax(1) if self.kind == "softmax" else z.sigmoid()).numpy()
        return made

    @property
    def terms(self) -> Array:
        """The loss of each number, (pictures, classes): with softmax the true class alone, with sigmoid each of them."""
        z, truth = torch.tensor(self.logits), torch.tensor(self.targets)
        if self.kind == "softmax":
            made = torch.where(truth == 1, -z.log_softmax(1), 0.0)
        else:
            made = F.binary_cross_entropy_with_logits(z, truth, reduction="none")
        costs: Array = made.numpy() / math.log(self.base)
        return costs

    @property
    def losses(self) -> Array:
        """The loss of each picture: the term of its true class, or the mean of its terms."""
        costs: Array = self.terms.sum(axis=1) if self.kind == "softmax" else self.terms.mean(axis=1)
        return costs

    @property
    def loss(self) -> float:
        """The mean over the batch."""
        return float(self.losses.mean())

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which answers are right: with softmax (pictures,), the true class is above all others; else (pictures, classes)."""
        if self.kind == "sigmoid":
            return (self.logits > 0) == (self.targets == 1)
        others = np.where(self.targets == 1, -np.inf, self.logits).max(axis=1)
        return np.where(self.targets == 1, self.logits, -np.inf).max(axis=1) > others

    def describe(self) -> str:
        """What is on the screen, in a few sentences."""
        row, pictures, softmaxed = self.selected, len(self.logits), self.kind == "softmax"
        at = int(self.targets[row].argmax()) if softmaxed else self.focus
        probability, name, true = _share(self.probabilities[row, at]), self.classes[at], self.targets[row, at] == 1
        term = f"−{BASES[self.base]}({'' if true else '1 − '}{probability}) = {fixed(self.terms[row, at], 3)}"
        total = self.losses.sum()
        part = f", {percent(self.losses[row] / total)} of the sum over the batch" if pictures > 1 and total > 0 else ""
        if softmaxed:
            there, own = f"the truth is {name}", f"its loss is {term}{part}."
        else:
            there = f"{name} is {'' if true else 'not '}there"
            mean = (
                f". The mean of its {len(self.classes)} terms is {fixed(self.losses[row], 3)}" if len(self.classes) > 1 else ""
            )
            own = f"that term is {term}{mean}{part}."
        return (
            f"Picture {row + 1}: {there}, and the network gives it {probability}; {own} "
            f"The mean loss is {fixed(self.loss, 3)}; {self.right.sum()} of {self.right.size} answers are right."
        )

    @validate("logits", "targets", "classes", "kind", "base", "selected", "focus")
    def _check(self, proposal: Any) -> Any:
        """Refuse a trait that does not fit the others, before anything has changed."""
        name, value = proposal["trait"].name, proposal["value"]
        new = {key: getattr(self, key) for key in ("logits", "targets", "classes", "kind", "selected", "focus")} | {name: value}
        if name == "base" and value not in BASES:
            raise WidgetError(f"base is {value:g}; expected 2, 10 or math.e, which is PyTorch's")
        pictures, count = new["logits"].shape
        if not (1 <= pictures <= MOST_PICTURES and 1 <= count <= MOST_CLASSES):
            raise WidgetError(
                f"logits has shape {new['logits'].shape}; expected (pictures, classes) up to {MOST_PICTURES} × {MOST_CLASSES}. "
                "Of a larger batch give some rows, as in logits[:8]"
            )
        if new["targets"].shape != new["logits"].shape:
            raise WidgetError(
                f"targets has shape {new['targets'].shape} and logits {new['logits'].shape}; expected a 1 or a 0 for each logit"
            )
        if not np.isin(new["targets"], (0, 1)).all():
            raise WidgetError("targets holds other numbers than 0 and 1; a class is true or it is not")
        _check_names(new["classes"], count)
        if new["kind"] == "softmax":
            _check_one_true(new["targets"])
        for place, most in (("selected", pictures), ("focus", count)):
            if not 0 <= new[place] < most:
                what = "pictures" if place == "selected" else "classes"
                raise WidgetError(f"{place} is {new[place]}; the {what} are numbered 0 to {most - 1}")
        return value

    @classmethod
    def example(cls) -> Self:
        """Five pictures, from sure and right to sure and wrong."""
        return cls()

    def _numbers(self) -> dict[str, Array]:
        return {"probabilities": self.probabilities, "terms": self.terms, "losses": self.losses}

    def _exporter(self) -> Callable[[Path], object]:
        from course_utils.excel.cross_entropy_sheet import cross_entropy_workbook

        return lambda path: cross_entropy_workbook(path, self.logits, self.targets, self.classes, self.kind, self.base)

    def _draw(self) -> Picture:
        return still([[Panel(400, 290, self._draw_curve, "The loss of each prediction"), self._batch_panel()]], self.describe())

    def _draw_curve(self, picture: Picture, left: float, top: float) -> None:
        """The curve, a dot for each prediction of it, and the mean."""
        log, high = BASES[self.base], TOP / math.log(self.base)
        axes = Axes(left + 34, top + 12, 356, 230, (0, 1), (0, high))
        axes.draw(picture, np.arange(0, 1.1, 0.2).tolist(), range(int(high) + 1), "probability that the truth was given")
        xs = np.concatenate([np.geomspace(math.exp(-TOP), 0.1, 60), np.linspace(0.1, 1, 90)])
        axes.curve(picture, xs.tolist(), (-np.log(xs) / math.log(self.base)).tolist())
        picture.text(axes.x(0.34), axes.y(0.42 * high), f"−{log}(p)", size=14, bold=True)
        picture.line([(axes.x(0), axes.y(self.loss)), (axes.x(1), axes.y(self.loss))], MARK, 1)
        picture.text(axes.x(1), axes.y(self.loss) - 4, f"mean {fixed(self.loss, 3)}", anchor="rd", bold=True)
        for number, (cost, right) in enumerate(self._dots(), start=1):
            x, y = axes.x(self.base**-cost), axes.y(cost)
            shade = BLUE if right else ORANGE
            picture.rectangle(x - 9, y - 9, 18, 18, shade)
            picture.text(x, y, str(number), size=13, bold=True, anchor="mm", colour=ink(shade))

    def _dots(self) -> list[tuple[float, bool]]:
        """What each dot of the curve costs, and whether that answer is right."""
        costs = self.losses if self.kind == "softmax" else self.terms[self.selected]
        right = self.right if self.kind == "softmax" else self.right[self.selected]
        return list(zip(costs.tolist(), right.tolist(), strict=True))

    def _batch_panel(self) -> Panel:
        """A row for each picture, and the mean."""
        truths = [fitting(_list(self.classes, row), 130) for row in self.targets]
        column = max(text_width(text) for text in (*truths, "truth")) + 16
        line, bar, line_height = 60, 130, 26

        def draw(picture: Picture, left: float, top: float) -> None:
            most = max(self.losses.max(), 1e-9)
            for number, (cost, truth) in enumerate(zip(self.losses.tolist(), truths, strict=True)):
                y = top + 14 + number * line_height
                right = bool(self.right[number].all())
                picture.text(left + 10, y, f"{number + 1}", bold=number == self.selected, anchor="mm")
                picture.text(left + 28, y, truth, bold=number == self.selected, anchor="lm")
                picture.text(left + 28 + column + line - 8, y, fixed(cost, 3), anchor="rm")
                picture.rectangle(left + 28 + column + line, y - 8, bar * cost / most, 16, BLUE if right else ORANGE)
                picture.text(left + 28 + column + line + bar + 8, y, "✓ right" if right else "✗ wrong", anchor="lm")
            y = top + 14 + len(truths) * line_height
            picture.line([(left, y - 12), (left + 28 + column + line + bar, y - 12)], FAINT, 1)
            picture.text(left + 28, y, "mean", bold=True, anchor="lm")
            picture.text(left + 28 + column + line - 8, y, fixed(self.loss, 3), bold=True, anchor="rm")

        return Panel(28 + column + line + bar + 66, 28 + line_height * len(truths), draw, f"A batch of {len(truths)}")


def _share(probability: float) -> str:
    """Three decimals, six where these would be zeros."""
    if probability < 1e-6:
        return "less than 0.000001"
    return fixed(probability, 3 if probability >= 0.001 else 6)


def _list(classes: Sequence[str], truth: Array) -> str:
    return ", ".join(name for name, true in zip(classes, truth, strict=True) if true) or "none"


def _check_names(names: list[str], count: int) -> None:
    if len(names) != count:
        raise WidgetError(
            f"there are {count} logits for each picture and {len(names)} classes, {shown(names)}; expected one for each"
        )
    if len(set(names)) < len(names) or not all(names):
        raise WidgetError(f"classes is {names}; each class needs a name of its own")


def _check_one_true(truth: Array) -> None:
    for row, count in enumerate(truth.sum(axis=1).astype(int).tolist()):
        if count != 1:
            raise WidgetError(
                f"picture {row + 1} has {count} true classes and softmax gives one away; with kind='sigmoid' each class is a "
                "question of its own"
            )
    if truth.shape[1] < 2:
        raise WidgetError("softmax of one class is always 1; give two or more classes, or kind='sigmoid'")


def _one_hot(targets: ArrayLike | Tensor | Sequence[str], classes: list[str], pictures: int) -> Array:
    """Rows of 0 and 1 from the numbers or names of the true classes; what has two axes already stays."""
    expected = (
        f"targets is {shown(targets)}; expected one of {', '.join(classes)}, or its number, for each of {pictures} pictures"
    )
    try:
        given = as_array(targets) if hasattr(targets, "detach") else np.asarray(targets)
    except ValueError as error:
        raise WidgetError(f"{expected}, or rows of 0 and 1 of one length") from error
    if given.ndim == 2:
        return as_array(given) if given.dtype.kind in "biuf" else _refuse(expected)
    if given.shape != (pictures,):
        _refuse(expected)
    if given.dtype.kind in "biuf":
        numbers = given.astype(np.float64)
    else:
        missing = [name for name in given.tolist() if str(name) not in classes]
        if missing:
            raise WidgetError(f"targets has {shown(missing[0])}, and the classes are {', '.join(classes)}")
        numbers = np.array([classes.index(str(name)) for name in given.tolist()], dtype=np.float64)
    if not np.isin(numbers, range(len(classes))).all():
        _refuse(f"{expected}; the numbers go from 0 to {len(classes) - 1}")
    return np.eye(len(classes))[numbers.astype(int)]


def _refuse(reason: str) -> Any:
    raise WidgetError(reason)
