"""Looking at what a classifier gets right and wrong, as figures (review of lesson 1, lecture 0:15:15)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.figures import BLUE, WRONG, new_figure, plain
from course_utils.training.arguments import whole
from course_utils.training.predictions import Predictions
from course_utils.vision.data import ImageData
from course_utils.vision.figures.picture_grid import checked_results, checked_rows, picture_grid, shown_pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Results:
    """The predictions for pictures with one label each, sorted by how right or wrong they are.

    Methods that show pictures return a figure whose titles tell the predicted class, its probability, and the label where that
    is another. `of` keeps to pictures of one actual class, by name.

    >>> values, targets = torch.tensor([[0.9, 0.1], [0.4, 0.6]]), torch.tensor([0, 0])
    >>> results = Results(Path("pets"), Predictions(values, targets, ["a.jpg", "b.jpg"], ["cats", "dogs"]))
    >>> results.accuracy, results.confusion_matrix().tolist(), results.most_wrong_rows(1)
    (0.5, [[1, 1], [0, 0]], [1])
    """

    def __init__(self, data: ImageData | Path, predictions: Predictions) -> None:
        self.path, self._picture = checked_results(data, predictions)
        values, targets = predictions.values, predictions.targets
        if targets is None:
            raise CourseError("these predictions have no targets to compare with; take those of the validation set")
        if targets.ndim != 1 or values.ndim != 2:
            raise CourseError(
                f"results are for one label per picture; got values {tuple(values.shape)} and targets {tuple(targets.shape)}"
            )
        self.classes: Sequence[str] = predictions.classes or [str(i) for i in range(values.shape[1])]
        self.items, self.values, self.targets = predictions.items, values, targets
        self.top, self.predicted = values.max(dim=1)
        self.right = self.predicted == targets

    @property
    def accuracy(self) -> float:
        """The share of pictures whose most probable class is the actual one."""
        return self.right.float().mean().item()

    def confusion_matrix(self) -> Tensor:
        """Counts (classes, classes): actual classes in rows, predicted ones in columns."""
        n = len(self.classes)
        return torch.bincount(self.targets * n + self.predicted, minlength=n * n).view(n, n)

    def most_confused(self, n: int = 10) -> list[tuple[str, str, int]]:
        """The n commonest mistakes: actual class, predicted class, how many times."""
        n, counts = whole("n", n, least=0), self.confusion_matrix().fill_diagonal_(0)
        order = counts.flatten().argsort(descending=True, stable=True)[:n].tolist()
        pairs = [(i // len(counts), i % len(counts)) for i in order]
        return [(self.classes[a], self.classes[b], int(counts[a, b])) for a, b in pairs if counts[a, b]]

    # -- rows of pictures ------------------------------------------------------------------------------------------------

    def most_right_rows(self, n: int = 4, of: str | None = None) -> list[int]:
        """Rightly classified with the highest probability, most certain first."""
        return self._sorted(self.right, self.top, True, n, of)

    def most_wrong_rows(self, n: int = 4, of: str | None = None) -> list[int]:
        """Wrongly classified with the highest probability, most certain first."""
        return self._sorted(~self.right, self.top, True, n, of)

    def most_unsure_rows(self, n: int = 4, of: str | None = None) -> list[int]:
        """Those whose most probable class has the lowest probability, least certain first."""
        return self._sorted(torch.ones_like(self.right), self.top, False, n, of)

    def random_rows(self, n: int = 4, right: bool = True, of: str | None = None, seed: int = 0) -> list[int]:
        """Rightly, or else wrongly, classified ones at random; the same for the same seed."""
        seed = whole("seed", seed, least=0)
        order = torch.randperm(len(self.right), generator=torch.Generator().manual_seed(seed)).float()
        return self._sorted(self.right if right else ~self.right, order, False, n, of)

    def _sorted(self, among: Tensor, score: Tensor, descending: bool, n: int, of: str | None) -> list[int]:
        n = whole("n", n, least=0)
        if of is not None:
            if of not in self.classes:
                raise CourseError(f"there is no class {of!r}; there are {', '.join(self.classes[:10])}")
            among = among & (self.targets == list(self.classes).index(of))
        order: list[int] = score.argsort(descending=descending, stable=True).tolist()
        return [row for row in order if among[row]][:n]

    # -- figures ---------------------------------------------------------------------------------------------------------

    def show_most_right(self, n: int = 4, of: str | None = None) -> "Figure":
        """Show the pictures of `most_right_rows`."""
        return self.show(self.most_right_rows(n, of), "Most right")

    def show_most_wrong(self, n: int = 4, of: str | None = None) -> "Figure":
        """Show the pictures of `most_wrong_rows`."""
        return self.show(self.most_wrong_rows(n, of), "Most wrong")

    def show_most_unsure(self, n: int = 4, of: str | None = None) -> "Figure":
        """Show the pictures of `most_unsure_rows`."""
        return self.show(self.most_unsure_rows(n, of), "Most unsure")

    def show_random(self, n: int = 4, right: bool = True, of: str | None = None, seed: int = 0) -> "Figure":
        """Show the pictures of `random_rows`."""
        return self.show(self.random_rows(n, right, of, seed), "Right, at random" if right else "Wrong, at random")

    def show(self, rows: Sequence[int] | None = None, title: str = "") -> "Figure":
        """Show the pictures of some rows, four abreast; the first four by default."""
        rows = checked_rows(rows, len(self.items))
        figure, axes = picture_grid([self._picture(self.items[row]) for row in rows], title)
        for axis, row in zip(axes, rows, strict=True):
            axis.set_title(self._caption(row), fontsize=9, color="black" if self.right[row] else WRONG)
        return figure

    def show_confusion_matrix(self) -> "Figure":
        """Draw the confusion matrix, counts written in the cells where there are no more than twenty classes."""
        counts, n = self.confusion_matrix(), len(self.classes)
        side = min(12.0, 2.5 + 0.6 * n)
        figure = new_figure(side, side)
        axis = figure.subplots()
        shares = counts / counts.sum(1, keepdim=True).clamp(min=1)
        axis.imshow(shares.numpy(), cmap="Blues", vmin=0, vmax=1)
        axis.set(xlabel="predicted", ylabel="actual", title="Confusion matrix")
        axis.set_xticks(range(n), map(plain, self.classes), rotation=90 if n > 4 else 0, fontsize=9 if n <= 20 else 5)
        axis.set_yticks(range(n), map(plain, self.classes), fontsize=9 if n <= 20 else 5)
        for actual in range(n if n <= 20 else 0):
            for predicted in range(n):
                colour = "white" if shares[actual, predicted] > 0.5 else "black"
                axis.text(predicted, actual, f"{counts[actual, predicted]:,}", ha="center", va="center", color=colour)
        return figure

    def show_most_confused(self, n: int = 5) -> "Figure":
        """Show the pairs of `most_confused`: a picture that was mistaken, one of the class it was taken for, and how often.

        The mistake shown is the most certain one of its pair; beside it is the one most certainly of the other class.
        """
        pairs = self.most_confused(n)
        figure = new_figure(9, max(1, len(pairs)) * 1.5 + 0.8)
        figure.suptitle("Most confused pairs: actual class → predicted class")
        if not pairs:
            figure.text(0.5, 0.4, "none", ha="center", fontsize=11)
        grid = figure.add_gridspec(max(1, len(pairs)), 3, width_ratios=(1, 1, 3.2))
        most = max((times for _, _, times in pairs), default=1)
        for line, (actual, predicted, times) in enumerate(pairs):
            a, p = list(self.classes).index(actual), list(self.classes).index(predicted)
            mistake = self._sorted((self.targets == a) & (self.predicted == p), self.top, True, 1, None)
            example = self._sorted(self.targets == p, self.values[:, p], True, 1, None)
            for column, (rows, heading) in enumerate(((mistake, "a mistaken one"), (example, "the predicted class"))):
                axis = figure.add_subplot(grid[line, column])
                axis.axis("off")
                if rows:
                    axis.imshow(shown_pixels(self._picture(self.items[rows[0]])))
                else:
                    axis.text(0.5, 0.5, "none here", ha="center", va="center", fontsize=9)
                if line == 0:
                    axis.set_title(heading, fontsize=9)
            axis = figure.add_subplot(grid[line, 2])
            axis.barh([0], [times], height=0.35, color=BLUE)
            of_class = int((self.targets == a).sum())
            axis.text(0, 0.3, f"{plain(actual, 26)} → {plain(predicted, 26)}", fontsize=10, va="bottom")
            axis.text(times + 0.01 * most, 0, f" {times:,} of {of_class:,} ({times / of_class:.0%})", fontsize=9, va="center")
            axis.set(xlim=(0, 1.35 * most), ylim=(-0.6, 0.9))
            axis.axis("off")
        return figure

    def _caption(self, row: int) -> str:
        caption = f"{plain(self.classes[int(self.predicted[row])], 24)} {self.top[row]:.3f}"
        return caption if self.right[row] else f"{caption}\nlabelled {plain(self.classes[int(self.targets[row])], 22)}"
