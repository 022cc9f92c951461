"""How many pictures there are of each class, and which labels go together."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from course_utils.errors import CourseError
from course_utils.figures import BLUE, GREY, new_figure, plain
from course_utils.names import counted, printable, shortened
from course_utils.training.arguments import shown
from course_utils.training.tasks import Split
from course_utils.vision.data import ImageData

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

IN_A_COLUMN, BARS = 40, 160  # bars above each other, and at most in a figure
CELLS, WITH_NUMBERS = 50, 20  # classes along one side of a heat map, at most and with a number in each cell
BELOW = 24  # letters of a name that stands upright below one


def class_counts(labels: "ImageData | pd.DataFrame", split: Split | None = None) -> "pd.Series":
    """How many pictures have each class, the commonest first; classes as numerous as each other in alphabetical order.

    `labels` is an ImageData (training and validation set together, or one `split`) or a table as `from_csv` reads it: names in
    the first column, labels separated by spaces in the second.

    >>> import pandas as pd
    >>> class_counts(pd.DataFrame({"image_name": ["a", "b"], "tags": ["clear water", "clear"]})).to_dict()
    {'clear': 2, 'water': 1}
    """
    import pandas as pd

    present, classes = _present(labels, split)
    counts = pd.Series(
        present.sum(0).astype(int), pd.Index([printable(name) for name in classes], name="class"), name="pictures"
    )
    return counts.sort_values(ascending=False, kind="stable")


def cooccurrence(labels: "ImageData | pd.DataFrame", split: Split | None = None) -> "pd.DataFrame":
    """How many pictures have both the row's and the column's label, in the order of `class_counts`.

    The diagonal counts the pictures of each label. Divided by it, a row tells what else is in the pictures of its label. For
    `labels` and `split` see `class_counts`. Raises CourseError where no picture has more than one label.

    >>> import pandas as pd
    >>> both = cooccurrence(pd.DataFrame({"image_name": ["a", "b"], "tags": ["clear water", "clear"]}))
    >>> both.values.tolist(), list(both.columns)
    ([[2, 1], [1, 1]], ['clear', 'water'])
    """
    import pandas as pd

    present, classes = _present(labels, split)
    if not (present.sum(1) > 1).any():
        raise CourseError(
            "no picture here has more than one label, so none occur together; class_counts tells how many there are of each"
        )
    order = np.argsort(-present.sum(0), kind="stable")
    present, names = present[:, order], [printable(classes[i]) for i in order]
    return pd.DataFrame((present.T @ present).astype(int), names, names)


def _present(labels: "ImageData | pd.DataFrame", split: Split | None) -> tuple[NDArray[np.float64], list[str]]:
    """Ones (pictures, classes) where a picture has a class, and the names of the classes, sorted."""
    import pandas as pd

    if isinstance(labels, ImageData):
        splits: list[Split] = ["train", "valid"] if split is None else [split]
        targets = [target for name in splits if (target := labels.targets(name)) is not None]
        if not targets:
            raise CourseError(f"the {split} set has no labels; those of 'train' and 'valid' are known")
        every = torch.cat(targets)
        one_hot = every if labels.task == "multi-label" else F.one_hot(every, len(labels.classes))
        return one_hot.double().numpy(), labels.classes
    to_pandas: Any = getattr(labels, "to_pandas", None)  # Polars' and Arrow's
    if to_pandas is not None and not isinstance(labels, pd.DataFrame):
        labels = to_pandas()
    if not isinstance(labels, pd.DataFrame) or len(labels.columns) < 2:
        given = f"a table of the columns {list(labels.columns)}" if isinstance(labels, pd.DataFrame) else shown(labels)
        raise CourseError(f"labels are {given}; give an ImageData, or a table of names and labels in its first two columns")
    if split is not None:
        raise CourseError(f"a table has no {split!r} set; choose its rows instead, as in table[:1000]")
    words = labels.iloc[:, 1].reset_index(drop=True).fillna("").astype(str).str.split().explode().dropna()
    codes, classes = pd.factorize(words, sort=True)
    if not len(classes):
        raise CourseError(f"the column {labels.columns[1]!r} has no label in its {counted(len(labels), 'row')}")
    present = np.zeros((len(labels), len(classes)))
    present[words.index, codes] = 1
    return present, list(classes)


def show_class_counts(labels: "ImageData | pd.DataFrame", split: Split | None = None) -> "Figure":
    """Draw `class_counts` as bars with their numbers, 40 above each other and no more than the 160 commonest."""
    present, classes = _present(labels, split)
    counts, several = class_counts(labels, split)[:BARS], bool((present.sum(1) > 1).any())
    columns = -(-len(counts) // IN_A_COLUMN)
    rows = -(-len(counts) // columns)
    size = (9, max(1.9, 0.9 + (0.27 if columns == 1 else 0.18) * rows))
    figure = new_figure(*size)
    axes = figure.subplots(1, columns, squeeze=False, sharex=True)
    for axis, start in zip(axes.flat, range(0, len(counts), rows), strict=True):
        part = counts[start : start + rows]
        bars = axis.barh(range(len(part)), part, color=BLUE, height=0.7)
        numbers = [f"{n:,}" if columns > 1 else f"{n:,}   {n / len(present):.1%}" for n in part]
        axis.bar_label(bars, numbers, padding=3, fontsize=9 if columns == 1 else 7)
        axis.set_yticks(range(len(part)), map(plain, part.index), fontsize=10 if columns == 1 else 7)
        axis.set_ylim(rows - 0.4, -0.6)
        axis.set_xlim(0, max(counts.max(), 1) * (1.2 if columns == 1 else 1.4))
        axis.tick_params("y", length=0)
        axis.tick_params("x", labelsize=8)
        axis.spines[["top", "right", "left"]].set_visible(False)
        axis.xaxis.set_major_formatter("{x:,.0f}")
        axis.locator_params("x", integer=True)
        axis.set_xlabel("pictures", fontsize=9)
    what = counted(len(present), "picture") + (f" of the {split} set" if split else "")
    left_out = f" (the {BARS} commonest)" if len(classes) > BARS else ""
    title = (
        f"of {counted(len(classes), 'class')}" if not several else f"and how many have each of {counted(len(classes), 'label')}"
    )
    figure.suptitle(f"{what} {title}{left_out}", fontsize=11)
    return figure


def show_cooccurrence(labels: "ImageData | pd.DataFrame", split: Split | None = None) -> "Figure":
    """Draw of the pictures with the row's label the share that also have the column's, for the 50 commonest labels."""
    every = cooccurrence(labels, split)
    names = list(every.index[:CELLS])
    n, numbers = len(names), len(names) <= WITH_NUMBERS
    counts = every.to_numpy()[:n, :n]
    shares = counts / counts.diagonal().clip(min=1)[:, None]
    letters = max(len(shortened(name, BELOW)) for name in names)
    below = max(1.2, (0.11 if numbers else 0.08) * letters)  # inches that the names take there, which wide letters fill
    figure = new_figure(9, min(9.0, 1 + 0.28 * n + below))
    axis = figure.subplots()
    axis.set_facecolor(GREY)  # shows in the diagonal, where every share is 100
    image = axis.imshow(
        np.ma.masked_where(np.eye(n, dtype=bool), 100 * shares),
        cmap="Blues",
        vmin=0,
        vmax=100 if numbers else None,
        aspect="auto",
    )
    axis.set_xticks(range(n), [plain(name, BELOW) for name in names], rotation=90, fontsize=10 if numbers else 7)
    with_counts = [f"{plain(name)}  {count:,}" for name, count in zip(names, counts.diagonal(), strict=True)]
    axis.set_yticks(range(n), with_counts, fontsize=10 if numbers else 7)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    if numbers:
        for row, column in zip(*np.nonzero(counts * (1 - np.eye(n))), strict=True):
            share = shares[row, column]
            text, colour = "<1" if share < 0.005 else f"{100 * share:.0f}", "white" if share > 0.5 else "black"
            axis.text(column, row, text, ha="center", va="center", fontsize=9, color=colour)
    else:
        figure.colorbar(image, ax=axis, fraction=0.03, pad=0.01)
    left_out = f" (the {CELLS} commonest of {len(every):,} labels)" if len(every) > n else ""
    title = f"Of 100 pictures with the row's label, so many also have the column's{left_out}"
    figure.suptitle(f"{title}\n(beside each label: how many pictures have it)", fontsize=11)
    return figure
