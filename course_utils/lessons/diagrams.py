"""Drawings of ideas: boxes, arrows and a few words."""

from typing import TYPE_CHECKING

from course_utils.figures import BLUE, GREY, ORANGE, PALE_ORANGE, VERMILION, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALE_BLUE = "#CFE3F1"
PALE_GREEN = "#CBEBDF"
INK = "#333333"

Spot = tuple[float, float]


def training_loop() -> "Figure":
    """One step of training as a circle, how many steps make an epoch, and what the validation set is for.

    >>> figure = training_loop()
    """
    figure, axes = _sheet(9, 2.7)
    batch, outputs, loss, weights = (1.3, 2.6), (4.2, 2.6), (7.1, 2.6), (4.2, 0.85)
    _box(axes, batch, "a mini-batch\nfrom the training set", PALE_ORANGE, width=2.5)
    _box(axes, outputs, "the network\nmakes its guesses", PALE_BLUE)
    _box(axes, loss, "the loss: how wrong\nare they?", PALE_ORANGE, width=2.3)
    _box(axes, weights, "the weights move a little,\neach so that the loss falls", PALE_BLUE, width=3.0)
    _arrow(axes, (2.55, 2.6), (3.1, 2.6))
    _arrow(axes, (5.3, 2.6), (5.95, 2.6))
    _arrow(axes, (7.1, 2.1), (5.75, 0.85), bend=-0.3)
    _arrow(axes, (4.2, 1.3), (4.2, 2.1))
    _arrow(axes, (2.65, 0.85), (1.3, 2.1), bend=-0.3)
    _note(axes, (7.15, 1.0), "gradients")
    _note(axes, (1.15, 1.0), "and the next")
    _note(axes, (4.2, 0.12), "all mini-batches once: an epoch")
    _box(axes, (10.3, 2.6), "after each epoch:\nthe validation set", PALE_GREEN)
    _note(axes, (10.3, 1.75), "pictures that no weight\nwas moved for")
    return figure


def frozen_and_new() -> "Figure":
    """A network in its two parts: the body, frozen, in two layer groups, and the new head.

    >>> figure = frozen_and_new()
    """
    figure, axes = _sheet(9, 1.75)
    _box(axes, (0.9, 1.5), "a picture", PALE_ORANGE, width=1.4)
    _box(axes, (3.2, 1.5), "first half of the body:\nedges, textures", GREY, width=2.5)
    _box(axes, (6.15, 1.5), "second half:\nfur, eyes, wheels", GREY, width=2.5)
    _box(axes, (8.9, 1.5), "the head:\nnew, random", PALE_BLUE, width=2.1)
    _box(axes, (11.2, 1.5), "cat or dog?", PALE_ORANGE, width=1.4)
    for left, right in ((1.6, 1.95), (4.45, 4.9), (7.4, 7.85), (9.95, 10.5)):
        _arrow(axes, (left, 1.5), (right, 1.5))
    for (left, right), text, colour in (
        ((1.95, 7.4), "frozen: as ImageNet's photographs made them", INK),
        ((7.85, 9.95), "trained", BLUE),
    ):
        axes.plot([left, right], [0.75, 0.75], color=colour, linewidth=3, solid_capstyle="butt")
        _note(axes, ((left + right) / 2, 0.42), text, colour)
    return figure


def split_in_time() -> "Figure":
    """Why a validation set of days is cut off at the end: what comes after is what has to be predicted.

    >>> figure = split_in_time()
    """
    figure, axes = _sheet(9, 1.75)
    for row, name in ((1.9, "in time"), (0.8, "at random")):
        axes.text(0.0, row, name, va="center", fontsize=11, color=INK)
    _strip(axes, 1.9, 1.6, 8.8, GREY, "training: every day up to here")
    _strip(axes, 1.9, 8.8, 10.2, ORANGE, "validation")
    _strip(axes, 1.9, 10.2, 12, PALE_GREEN, "test: the future")
    for day in range(43):
        colour = ORANGE if day in (2, 8, 9, 16, 23, 31, 38) else GREY
        _strip(axes, 0.8, 1.6 + 0.2 * day, 1.8 + 0.2 * day, colour, "")
    _strip(axes, 0.8, 10.2, 12, PALE_GREEN, "test: the future")
    _note(axes, (5.9, 0.28), "a day for validation has its neighbours in the training set; the future has none", VERMILION)
    return figure


def embedding_lookup(days: tuple[str, ...] = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), chosen: int = 4) -> "Figure":
    """A category's code picks its row of a table of weights, which goes on into the network beside the numbers.

    >>> figure = embedding_lookup()
    """
    figure, axes = _sheet(9, 2.85)
    _box(axes, (1.0, 1.9), f"DayOfWeek\nis {days[chosen]}", PALE_ORANGE, width=1.5)
    _arrow(axes, (1.75, 1.9), (2.3, 1.9))
    _box(axes, (3.0, 1.9), f"code {chosen + 1}", PALE_ORANGE, width=1.3)
    top, height = 3.35, 0.36
    for i, day in enumerate(("unknown", *days)):
        y, here = top - height * i, i == chosen + 1
        axes.text(4.9, y, f"{i}  {day}", va="center", fontsize=9, color=VERMILION if here else INK)
        for column in range(4):
            _strip(axes, y, 6.1 + 0.55 * column, 6.62 + 0.55 * column, ORANGE if here else PALE_BLUE, "", height=0.3)
    picked = top - height * (chosen + 1)
    _arrow(axes, (3.65, 1.9), (4.8, picked))
    _note(axes, (7.2, 0.18), "an embedding: a row of weights for each category", BLUE)
    _arrow(axes, (8.3, picked), (9.3, 1.9))
    _box(axes, (10.7, 1.9), "with the other columns\ninto the linear layers", PALE_GREEN, width=2.6)
    return figure


def _sheet(width: float, height: float) -> tuple["Figure", "Axes"]:
    figure = new_figure(width, height)
    axes = figure.subplots()
    axes.set(xlim=(-0.1, 12.1), ylim=(-0.1, 12.2 * height / width), aspect="equal")
    axes.set_axis_off()
    return figure, axes


def _box(axes: "Axes", at: Spot, text: str, colour: str, width: float = 2.2, height: float = 0.95) -> None:
    from matplotlib.patches import FancyBboxPatch

    corner = (at[0] - width / 2, at[1] - height / 2)
    axes.add_patch(FancyBboxPatch(corner, width, height, "round,pad=0,rounding_size=0.12", facecolor=colour, edgecolor=INK))
    axes.text(*at, text, ha="center", va="center", fontsize=9.5, color=INK)


def _strip(axes: "Axes", y: float, left: float, right: float, colour: str, text: str, height: float = 0.55) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((left, y - height / 2), right - left, height, facecolor=colour, edgecolor="white", linewidth=0.5))
    axes.text((left + right) / 2, y, text, ha="center", va="center", fontsize=9.5, color=INK)


def _arrow(axes: "Axes", start: Spot, end: Spot, bend: float = 0.0) -> None:
    style = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.5, "connectionstyle": f"arc3,rad={bend}"}
    axes.annotate("", xy=end, xytext=start, arrowprops=style)


def _note(axes: "Axes", at: Spot, text: str, colour: str = INK) -> None:
    axes.text(*at, text, ha="center", va="center", fontsize=10, style="italic", color=colour)
