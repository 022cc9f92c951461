"""Looking at what a classifier gets right and wrong where pictures have several labels, as figures (lecture 1:41:20)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from course_utils.errors import CourseError
from course_utils.figures import BLUE, ORANGE, WRONG, new_figure, plain
from course_utils.names import printable, shortened
from course_utils.training.arguments import whole
from course_utils.training.metrics import LECTURE_THRESHOLDS, Threshold, best_threshold, f_beta_curve, thresholds_like
from course_utils.training.predictions import Predictions
from course_utils.vision.data import ImageData
from course_utils.vision.figures.picture_grid import checked_results, checked_rows, picture_grid

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

CAPTION_WIDTH = 34  # letters above a picture
ROWS = 60  # tags in a figure, at most


class TagResults:
    """The predictions for pictures with several labels each: a tag is predicted where its probability is above `threshold`.

    `threshold` is a number, or one for each class. `scores` holds the F2 of each picture, 5 r / (5 r + 4 m + w) with r tags
    right, m missed and w wrong: one that is missed costs as much as four that are wrong.

    >>> values, targets = torch.tensor([[0.9, 0.3], [0.8, 0.1]]), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    >>> results = TagResults(Path("planet"), Predictions(values, targets, ["a.jpg", "b.jpg"], ["clear", "water"]))
    >>> results.scores.tolist(), results.worst_rows(1)
    ([0.8333333333333334, 0.5555555555555556], [1])
    >>> results.precision_recall().round(2).values.tolist()
    [['clear', 2, 1.0, 1.0, 0.2], ['water', 1, 0.0, 0.0, 0.2]]
    """

    def __init__(self, data: ImageData | Path, predictions: Predictions, threshold: Threshold = 0.2) -> None:
        self.path, self._picture = checked_results(data, predictions)
        values, targets = predictions.values, predictions.targets
        if targets is None:
            raise CourseError("these predictions have no targets to compare with; take those of the validation set")
        if values.ndim != 2 or targets.shape != values.shape:
            raise CourseError(
                f"tag results are for several labels per picture; got values {tuple(values.shape)} and targets "
                f"{tuple(targets.shape)}, where both have a column per class. Results is for one label each."
            )
        self.classes: Sequence[str] = predictions.classes or [str(i) for i in range(values.shape[1])]
        self.items, self.values, self.targets = predictions.items, values, targets
        self.threshold = thresholds_like(values, threshold)
        self.actual, self.predicted = targets > 0.5, values > self.threshold
        right = (self.actual & self.predicted).sum(1)
        missed, wrong = (self.actual & ~self.predicted).sum(1), (self.predicted & ~self.actual).sum(1)
        self.scores = 5 * right / (5 * right + 4 * missed + wrong).clamp(min=1).double()

    @property
    def f2(self) -> float:
        """The mean of the pictures' F2, as `f_beta` gives it."""
        return self.scores.mean().item()

    def precision_recall(self) -> "pd.DataFrame":
        """For each `tag`, the commonest first: `pictures` that have it, `precision`, `recall` and its `threshold`.

        Precision is the share of right ones among the predicted, NaN where the tag is never predicted. Recall is the share of
        predicted ones among the pictures that have it, NaN where none has.
        """
        import pandas as pd

        hits, pictures = (self.actual & self.predicted).sum(0), self.actual.sum(0)
        table = {
            "tag": [printable(name) for name in self.classes],
            "pictures": pictures.numpy(),
            "precision": (hits.double() / self.predicted.sum(0)).numpy(),
            "recall": (hits.double() / pictures).numpy(),
            "threshold": np.array(self.threshold.expand(len(self.classes)).tolist()).round(6),  # 0.2, not 0.20000000298
        }
        return pd.DataFrame(table).sort_values("pictures", ascending=False, kind="stable", ignore_index=True)

    # -- rows of pictures ------------------------------------------------------------------------------------------------

    def worst_rows(self, n: int = 4) -> list[int]:
        """Those with the lowest F2; among equals, those whose probabilities are further off first."""
        distance = (self.values - self.targets).abs().sum(1).numpy()
        order: list[int] = np.lexsort((-distance, self.scores.numpy())).tolist()
        return order[: whole("n", n, least=0)]

    def random_rows(self, n: int = 4, seed: int = 0) -> list[int]:
        """Any at random; the same for the same seed."""
        shuffled = torch.Generator().manual_seed(whole("seed", seed, least=0))
        order: list[int] = torch.randperm(len(self.scores), generator=shuffled).tolist()
        return order[: whole("n", n, least=0)]

    # -- figures ---------------------------------------------------------------------------------------------------------

    def show_worst(self, n: int = 4) -> "Figure":
        """Show the pictures of `worst_rows`."""
        return self.show(self.worst_rows(n), "Lowest F2")

    def show_random(self, n: int = 4, seed: int = 0) -> "Figure":
        """Show the pictures of `random_rows`."""
        return self.show(self.random_rows(n, seed), "At random")

    def show(self, rows: Sequence[int] | None = None, title: str = "") -> "Figure":
        """Show the pictures of some rows, four abreast, each under its F2 and its tags: right, missed and wrong ones.

        By default they are the first four.
        """
        rows = checked_rows(rows, len(self.items))
        captions = [self._caption(row) for row in rows]
        paths = [self._picture(self.items[row]) for row in rows]
        figure, axes = picture_grid(paths, title, caption_lines=max(map(len, captions), default=1))
        for axis, caption in zip(axes, captions, strict=True):
            for above, (line, colour) in enumerate(reversed(caption)):
                place = (0, 4 + 10 * above)  # in points, from the upper left corner of the picture
                axis.annotate(line, (0, 1), place, "axes fraction", "offset points", fontsize=8, color=colour)
        return figure

    def _caption(self, row: int) -> list[tuple[str, str]]:
        """Lines of text and their colours."""
        actual, predicted = self.actual[row], self.predicted[row]
        lines = [(f"F2 {self.scores[row]:.2f}", "black")]
        kinds = (
            ("right", actual & predicted, "black"),
            ("missed", actual & ~predicted, BLUE),
            ("wrong", predicted & ~actual, WRONG),
        )
        for word, chosen, colour in kinds:
            if names := [name for name, yes in zip(self.classes, chosen.tolist(), strict=True) if yes]:
                text = plain(f"{word}: {' '.join(map(shortened, names))}", longest=None, width=CAPTION_WIDTH)
                lines += [(line, colour) for line in text.split("\n")]
        return lines if len(lines) > 1 else [*lines, ("no tags, and none predicted", "black")]

    def show_precision_recall(self) -> "Figure":
        """Draw `precision_recall`: a circle for precision and a diamond for recall, joined, and their numbers beside them."""
        every = self.precision_recall()
        table = every[:ROWS]
        figure = new_figure(9, 1.3 + 0.29 * len(table))
        axis = figure.subplots()
        y = np.arange(len(table))
        axis.hlines(y, table["precision"], table["recall"], color="silver", linewidth=4, zorder=1)
        axis.scatter(
            table["precision"], y, marker="o", s=36, color=BLUE, label="precision: the right ones among the predicted", zorder=3
        )
        axis.scatter(
            table["recall"], y, marker="D", s=62, color=ORANGE, label="recall: the predicted ones among the actual", zorder=2
        )
        for row, (precision, recall) in enumerate(zip(table["precision"], table["recall"], strict=True)):
            axis.text(1.07, row, _number(precision), ha="center", va="center", fontsize=9)
            axis.text(1.16, row, _number(recall), ha="center", va="center", fontsize=9)
            if reason := _why_a_gap(precision, recall):
                axis.text(0.03, row, reason, va="center", fontsize=9, style="italic")
        for x, word in ((1.07, "precision"), (1.16, "recall")):
            axis.text(x, -0.9, word, ha="center", va="center", fontsize=9)
        axis.set_yticks(
            y, [f"{plain(tag)}  {pictures:,}" for tag, pictures in zip(table["tag"], table["pictures"], strict=True)]
        )
        axis.set(xlim=(-0.03, 1.2), ylim=(len(table) - 0.4, -1.3), xticks=np.linspace(0, 1, 6))
        axis.tick_params("y", length=0)
        axis.grid(axis="x", alpha=0.3)
        axis.spines[:].set_visible(False)
        figure.legend(loc="outside lower center", ncols=2, frameon=False)
        left_out = f"; the {ROWS} commonest of {len(every)} tags" if len(every) > ROWS else ""
        threshold = f"threshold {self.threshold.item():.3g}" if self.threshold.numel() == 1 else "a threshold for each tag"
        title = f"Precision and recall at {threshold}{left_out}"
        axis.set_title(f"{title}\n(beside each tag: how many pictures have it)", fontsize=11)
        return figure

    def show_f2_by_threshold(self) -> "Figure":
        """Draw F2 for one threshold for all tags, from 0 to 1, with the best one and what the lecture tried (1:43:00)."""
        thresholds = np.linspace(0, 1, 501)
        threshold, best = best_threshold(self.values, self.targets, thresholds=None)
        figure = new_figure(9, 4)
        axis = figure.subplots()
        low, high = LECTURE_THRESHOLDS[0], LECTURE_THRESHOLDS[-1]
        axis.axvspan(low, high, color="gold", alpha=0.35, linewidth=0, label=f"tried in the lecture: {low} to {high}")
        axis.plot(thresholds, f_beta_curve(self.values, self.targets, thresholds), color=BLUE, linewidth=2)
        axis.plot(threshold, best, "o", color="black", markersize=7, label=f"best: threshold {threshold:.3f}, F2 {best:.4f}")
        axis.annotate(f"{best:.4f}", (threshold, best), (0, 8), textcoords="offset points", ha="center", fontsize=10)
        if self.threshold.numel() == 1:
            label = f"in use: threshold {self.threshold.item():.3g}, F2 {self.f2:.4f}"
            axis.plot(self.threshold.item(), self.f2, "D", color=ORANGE, markeredgecolor="black", label=label)
        else:
            axis.axhline(
                self.f2, color="black", linestyle="--", linewidth=1, label=f"a threshold for each tag: F2 {self.f2:.4f}"
            )
        axis.set(xlabel="threshold", ylabel="F2", xlim=(0, 1), ylim=(0, 1.1), xticks=np.linspace(0, 1, 11))
        axis.set_title("F2 by threshold: a lower one misses fewer tags, a higher one raises fewer false alarms", fontsize=11)
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(loc="best", fontsize=9)
        return figure


def _number(share: float) -> str:
    return "–" if np.isnan(share) else f"{share:.2f}"


def _why_a_gap(precision: float, recall: float) -> str:
    if np.isnan(precision) and np.isnan(recall):
        return "no picture has it, and it is never predicted"
    if np.isnan(precision):
        return "never predicted, so it has no precision"
    return "no picture has it, so it has no recall" if np.isnan(recall) else ""
