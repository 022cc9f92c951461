"""How a training on growing pictures went: losses, and the learning rate below, with a band for each size (lecture 1:35:40)."""

from itertools import pairwise
from typing import TYPE_CHECKING

from course_utils.errors import CourseError
from course_utils.figures import BLUE, VERMILION, new_figure, plain
from course_utils.training.arguments import shown
from course_utils.vision.learner import ImageLearner

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMOOTHING = 0.9  # of the training loss: what each step keeps of the average before


def show_growing_sizes(learner: ImageLearner) -> "Figure":
    """Draw the losses of all fits of a learner over their steps, with the learning rate below and a band for each picture size.

    The training loss is a moving average over the steps at one size; the validation loss is there for each epoch. Above each
    band is the value of the first metric after the last epoch in it. Raises CourseError before anything was trained.
    """
    import pandas as pd

    if not isinstance(learner, ImageLearner):
        raise CourseError(f"learner is {shown(learner)}; give what image_learner returns")
    recorder = learner.recorder
    steps = len(recorder.losses)
    if not steps:
        raise CourseError("nothing is recorded yet; call fit() first")
    starts = [start for start, _ in learner.sizes]
    bands = [(a, b, size) for (a, b), (_, size) in zip(pairwise([*starts, steps]), learner.sizes, strict=True) if b > a]

    figure = new_figure(9, 5.6)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    for number, (start, end, size) in enumerate(bands):
        for axis in (top, bottom):
            axis.axvspan(start, end, color="black", alpha=0.07 if number % 2 else 0, linewidth=0)
        smooth = pd.Series(recorder.losses[start:end]).ewm(alpha=1 - SMOOTHING).mean()
        top.plot(
            range(start + 1, end + 1), smooth, color=BLUE, linewidth=1.5, label="" if number else "training loss (smoothed)"
        )
        epochs = [(at, epoch) for at, epoch in zip(recorder.ends, recorder.epochs, strict=True) if start < at <= end]
        ends, losses = [at for at, _ in epochs], [epoch["valid loss"] for _, epoch in epochs]
        name = "" if number else "validation loss, after each epoch"
        top.plot(ends, losses, "o-", color=VERMILION, linewidth=1, markersize=6, clip_on=False, zorder=3, label=name)
        label = "\n".join([f"{size} px", *(_first_metric(epochs[-1][1]) if epochs else [])])
        top.text((start + end) / 2, 1.02, label, transform=top.get_xaxis_transform(), ha="center", va="bottom", fontsize=10)
    bottom.plot(range(1, steps + 1), [rates[-1] for rates in recorder.rates], color=BLUE)
    top.set(ylabel="loss", xlim=(0, steps))
    bottom.set(xlabel="step (mini-batches)", ylabel="learning rate\nof the last layers", ylim=(0, None))
    for axis in (top, bottom):
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
    bottom.locator_params("x", integer=True)
    top.legend(fontsize=9)
    return figure


def _first_metric(epoch: dict[str, float]) -> list[str]:
    return [f"{plain(name)} {value:.3f}" for name, value in epoch.items() if name not in ("train loss", "valid loss")][:1]
