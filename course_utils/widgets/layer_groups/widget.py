"""A network as layer groups: what is frozen, what trains, how fast, and what each of the lecture's calls changes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from traitlets import Bool, Dict, Int, List, Tuple, validate

from course_utils.training import Learner
from course_utils.training.layer_groups import BATCH_NORMS
from course_utils.training.layer_groups import LayerGroups as Groups
from course_utils.vision.networks.backbones import backbone
from course_utils.vision.networks.heads import with_head
from course_utils.widgets.base.arrays import Numbers, as_array, shown
from course_utils.widgets.base.colours import BLUE
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.numbers import fixed, percent, significant
from course_utils.widgets.base.picture import FAINT, Picture, text_width
from course_utils.widgets.base.rates import to_type, typed
from course_utils.widgets.base.still import Panel, still
from course_utils.widgets.base.widget import CourseWidget

MOST_GROUPS, MOST_BLOCKS = 6, 120
HIGHEST = 10.0
BYTES = 8  # of each weight that trains: its gradient and its momentum, of 4 bytes each


class LayerGroups(CourseWidget):
    """Freeze layer groups, give each a rate, see what moves (lecture 0:18:13-0:19:14, 1:46:50-1:51:30, 1:55:38-1:56:31).

    `learner` is one whose groups are looked at, or a network with `layer_groups` as a Learner takes them: lists of its layers
    from its input to its output. Nothing of it is changed, except by `apply(learner)`, which freezes it as the widget shows.

    `first_trainable` is the group from which on weights move, the n of `freeze_to(n)`; `batch_norms_frozen` is what
    `bn_freeze` sets; `rates` are the learning rates of the groups, first layers first: `lr`, or of one number that for the
    last group and a third of it for each one before; `block` is the part that is looked at, its group and its number there.
    These are traits: set one from Python or on the screen, and both sides show it. `code` is what one types.

    Raises WidgetError, on creation and whenever a trait is set, for what does not fit, and CourseError for groups that leave
    out a layer.

    >>> model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8, 2))
    >>> widget = LayerGroups(model, [model[:2], model[2:]], first_trainable=1)
    >>> widget.weights.tolist(), widget.moving_weights, widget.moving_averages
    ([240, 18], 18, 0)
    >>> widget.first_trainable = 0
    >>> widget.moving_weights, widget.moving_averages
    (258, 16)
    """

    _title: ClassVar = "Layer groups"
    _module: ClassVar = Path(__file__).with_name("widget.js")
    _settings: ClassVar = ("first_trainable", "batch_norms_frozen", "block")

    first_trainable = Int(0, help="the group from which on weights move, from 0").tag(sync=True)
    batch_norms_frozen = Bool(False, help="whether the running averages of all batch norms stand still").tag(sync=True)
    rates = Numbers(1, largest=HIGHEST, help="the learning rate of each layer group, first layers first")
    block = Tuple(Int(), Int(), default_value=(0, 0), help="the group and the number of the part that is looked at").tag(
        sync=True
    )
    # Of each group its parts: name, kind, weights, averages (the running ones of batch norms), norms (how many of these).
    _groups = List(List(Dict())).tag(sync=True)

    def __init__(
        self,
        learner: Learner | nn.Module,
        layer_groups: Sequence[nn.Module | Sequence[nn.Module]] | None = None,
        lr: float | ArrayLike | Tensor = 0.01,
        **traits: Any,
    ) -> None:
        self._take_only_settings(traits)
        if isinstance(learner, nn.Module):
            model, groups = learner, Groups([learner] if layer_groups is None else layer_groups, learner)
        elif isinstance(learner, Learner):
            if layer_groups is not None:
                raise WidgetError("a learner has its layer groups; give layer_groups with a network alone")
            model, groups = learner.model, learner.layer_groups
        else:
            raise WidgetError(f"learner is {shown(learner)}; expected a Learner, or a network with its layer_groups")
        if len(groups) > MOST_GROUPS:
            raise WidgetError(f"there are {len(groups)} layer groups, and at most {MOST_GROUPS} can be shown")
        traits.setdefault("first_trainable", groups.first_trainable)
        traits.setdefault("batch_norms_frozen", groups.batch_norms_frozen)
        parts = _parts(groups, model)
        super().__init__(_groups=parts, rates=_one_for_each(lr, len(groups)), **{"block": _largest(parts), **traits})

    @property
    def weights(self) -> NDArray[np.int64]:
        """How many weights each group has, (groups,)."""
        return np.array([sum(part["weights"] for part in group) for group in self._groups])

    @property
    def averages(self) -> NDArray[np.int64]:
        """How many running averages the batch norms of each group keep, a mean and a variance for each channel; (groups,)."""
        return np.array([sum(part["averages"] for part in group) for group in self._groups])

    @property
    def moving_weights(self) -> int:
        """How many weights a step of training moves."""
        return int(self.weights[self.first_trainable :].sum())

    @property
    def moving_averages(self) -> int:
        """How many running averages a step of training moves."""
        return 0 if self.batch_norms_frozen else int(self.averages[self.first_trainable :].sum())

    @property
    def code(self) -> str:
        """What one types for this."""
        last = len(self._groups) - 1
        first = self.first_trainable
        freeze = "unfreeze()" if first == 0 else "freeze()" if first == last else f"freeze_to({first})"
        before, lr = typed(self.rates)
        return f"learner.{freeze}\nlearner.bn_freeze({self.batch_norms_frozen})\n{before}learner.fit({lr}, 1, cycle_len=1)"

    def apply(self, learner: Learner) -> None:
        """Freeze a learner's groups and batch norms as the widget shows; `learner.fit(widget.rates, ...)` trains the rest."""
        if not isinstance(learner, Learner):
            raise WidgetError(f"learner is {shown(learner)}; expected a Learner, as image_learner(data, arch) makes")
        if len(learner.layer_groups) != len(self._groups):
            raise WidgetError(f"the learner has {len(learner.layer_groups)} layer groups, and {len(self._groups)} are shown")
        learner.freeze_to(self.first_trainable)
        learner.bn_freeze(self.batch_norms_frozen)

    def describe(self) -> str:
        """What is on the screen, in a few sentences."""
        total, moving, first = int(self.weights.sum()), self.moving_weights, self.first_trainable
        are = "is" if first == 1 else "are"
        frozen = f"{_numbered(range(1, first + 1))} {are} frozen" if first else "nothing is frozen"
        words = (
            f"{moving:,} of {total:,} weights move ({percent(moving / total)}): {frozen}; gradients "
            f"and the optimiser's memory of them take {_size(BYTES * moving)}."
        )
        if not self.averages.sum():
            return f"{words} There is no batch norm."
        if self.batch_norms_frozen:
            return f"{words} No running average of a batch norm moves, though the weights of those that train do."
        if not self.moving_averages:
            return f"{words} No running average of a batch norm moves, as those of frozen groups stand still."
        return f"{words} {self.moving_averages:,} running averages of batch norms move too, with every mini-batch."

    @validate("first_trainable", "rates", "block", "_groups")
    def _check(self, proposal: Any) -> Any:
        """Refuse a trait that does not fit the others, before anything has changed."""
        name, value = proposal["trait"].name, proposal["value"]
        count = len(self._groups)
        if name == "first_trainable" and not 0 <= value < count:
            raise WidgetError(f"first_trainable is {value}; there are {count} layer groups, so it is 0 to {count - 1}")
        if name == "rates":
            if len(value) != count:
                raise WidgetError(f"there are {len(value)} learning rates for {count} layer groups; give one for each")
            if not (value > 0).all():
                raise WidgetError(f"a learning rate is {min(value):g}; expected numbers above 0, up to {HIGHEST:g}")
        if name == "block" and not (0 <= value[0] < count and 0 <= value[1] < len(self._groups[value[0]])):
            raise WidgetError(f"block is {value}; expected the number of a group and of a part in it, from 0")
        return value

    @classmethod
    def example(cls) -> Self:
        """The network of lesson 1, its first half frozen."""
        base = backbone("tf_efficientnet_lite0", pretrained=False)
        model = with_head(base.body, base.features, 2)
        return cls(model, [*base.halves, model[-1]], first_trainable=1)

    def _numbers(self) -> dict[str, Any]:
        moving = {"moving_weights": self.moving_weights, "moving_averages": self.moving_averages}
        return {"weights": self.weights, "averages": self.averages, **moving}

    def _exported(self) -> NoReturn:
        raise WidgetError(
            "LayerGroups counts weights and computes nothing with them; course_utils.excel.export_model writes a network, and "
            "the workbook parameters.xlsx counts those of VGG16 and ResNet34"
        )

    def _draw(self) -> Picture:
        return still([[self._panel(number) for number in range(len(self._groups))]], f"{self.describe()} {to_type(self.code)}")

    def _panel(self, number: int) -> Panel:
        """A group: a bar for each part, as high as its share of the largest part's weights; hollow where it is frozen."""
        parts, high, bar = self._groups[number], 170, 14
        trains = number >= self.first_trainable
        most = max((part["weights"] for group in self._groups for part in group), default=1) or 1
        state = f"trains at {significant(self.rates[number])}" if trains else "frozen"
        counts = [f"{self.weights[number]:,} weights"]
        if self.averages[number]:
            moves = "move" if trains and not self.batch_norms_frozen else "stand still"
            counts.append(f"{self.averages[number]:,} averages {moves}")

        def draw(picture: Picture, left: float, top: float) -> None:
            for at, part in enumerate(parts):
                height = max(2.0, high * part["weights"] / most)
                x, y = left + at * bar, top + high - height
                if trains:
                    picture.rectangle(x, y, bar - 3, height, BLUE)
                else:
                    picture.rectangle(x, y, bar - 3, height, FAINT)
            picture.line([(left, top + high), (left + len(parts) * bar, top + high)], thickness=1)
            for line, text in enumerate(counts):
                picture.text(left, top + high + 10 + 18 * line, text)

        wide = max(len(parts) * bar, *(text_width(text) for text in counts))
        return Panel(wide, high + 48, draw, f"Group {number + 1}: {state}")


def _parts(groups: Groups, model: nn.Module) -> list[list[dict[str, Any]]]:
    """The layers and blocks of each group that have weights or averages; those inside of a container that is all of a group."""
    names = {id(module): name for name, module in model.named_modules()}
    found = []
    for layers in groups:
        inside = list(layers)
        while len(inside) == 1 and isinstance(inside[0], nn.Sequential) and len(inside[0]):
            inside = list(inside[0].children())
        parts = [_part(names.get(id(layer), ""), layer) for layer in inside]
        found.append([part for part in parts if part["weights"] or part["averages"]])
    if (count := sum(map(len, found))) > MOST_BLOCKS:
        raise WidgetError(f"the layer groups have {count} parts, and at most {MOST_BLOCKS} can be shown; give groups of blocks")
    if not all(found):
        raise WidgetError(
            f"layer group {[bool(group) for group in found].index(False)} has no weights; there is nothing to freeze"
        )
    return found


def _part(name: str, layer: nn.Module) -> dict[str, Any]:
    norms = [module for module in layer.modules() if isinstance(module, BATCH_NORMS)]
    averages = sum(values.numel() for norm in norms for values in (norm.running_mean, norm.running_var) if values is not None)
    weights = sum(weight.numel() for weight in layer.parameters())
    return {"name": name, "kind": type(layer).__name__, "weights": weights, "averages": averages, "norms": len(norms)}


def _largest(parts: list[list[dict[str, Any]]]) -> tuple[int, int]:
    places = [(number, at) for number, group in enumerate(parts) for at in range(len(group))]
    return max(places, key=lambda place: parts[place[0]][place[1]]["weights"])


def _one_for_each(lr: Any, count: int) -> NDArray[np.float64]:
    """A rate for each group: those that were given, or a third of the next one's."""
    try:
        rates = as_array(lr)
    except (TypeError, ValueError) as error:
        raise WidgetError(
            f"lr is {shown(lr)}; expected a learning rate such as 0.01, or a list of one per layer group"
        ) from error
    return rates if rates.ndim else rates / 3.0 ** np.arange(count - 1, -1, -1)


def _numbered(numbers: Sequence[int]) -> str:
    """Groups by number, as in "group 1", "groups 1 and 2"."""
    *first, last = [str(number) for number in numbers]
    return f"groups {', '.join(first)} and {last}" if first else f"group {last}"


def _size(count: int) -> str:
    """Bytes in kB or MB."""
    return f"{fixed(count / 1e6, 1)} MB" if count >= 1e6 else f"{fixed(count / 1e3, 1)} kB"
