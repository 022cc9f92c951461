"""How large the pictures of a data set are."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from course_utils.errors import CourseError
from course_utils.figures import BLUE, new_figure, plain
from course_utils.names import counted, printable, some_of
from course_utils.training.arguments import shown
from course_utils.training.tasks import Split
from course_utils.vision.data import ImageData
from course_utils.vision.decoding.errors import ImageError
from course_utils.vision.decoding.orientation import upright_size
from course_utils.vision.images import opened

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def image_sizes(data: ImageData) -> "pd.DataFrame":
    """The `file`, `width` and `height` in pixels of every picture, upright as its EXIF data ask, in any split.

    Only the first bytes of each file are read, and hardly any pixel is decoded. Files that say no size (damaged, empty,
    missing), or one that `read_image` refuses, are left out.
    """
    import pandas as pd

    if not hasattr(data, "picture"):
        raise CourseError(f"data is {shown(data)}; give an ImageData")
    splits: list[Split] = ["train", "valid", "test"] if data.test_ds else ["train", "valid"]
    names = [name for split in splits for name in data.items(split)]
    pictures = ((name, data.picture(name)) for name in names)
    sizes = ((name, getattr(picture, "size", None) or _size(picture)) for name, picture in pictures)
    return pd.DataFrame([(printable(name), *size) for name, size in sizes if size], columns=["file", "width", "height"])


def _size(path: Path) -> tuple[int, int] | None:
    try:
        with opened(path) as image:
            return upright_size(image)
    except ImageError:
        return None


def show_image_sizes(data: ImageData) -> "Figure":
    """Draw width against height, one dot per size as large as that size is common, and how long the shorter sides are."""
    sizes = image_sizes(data)
    if sizes.empty:
        raise CourseError(f"none of the pictures in {data.path} has a readable size; the first is {data.items('train')[0]}")
    common = sizes.value_counts(["width", "height"], ascending=True)  # the commonest is drawn last, above the others
    widths, heights = common.index.get_level_values("width"), common.index.get_level_values("height")
    shorter = sizes[["width", "height"]].min(axis=1)
    smallest, largest = shorter.min() / 2, 2 * max(widths.max(), heights.max())

    figure = new_figure(9, 4.4)
    left, right = figure.subplots(1, 2)
    left.plot([smallest, largest], [smallest, largest], "--", color="gray", linewidth=1)
    left.text(0.03, 0.06, "square", rotation=45, rotation_mode="anchor", fontsize=9, color="dimgray", transform=left.transAxes)
    left.scatter(widths, heights, s=8 + 400 * common / len(sizes), facecolor=f"{BLUE}66", edgecolor=BLUE, linewidth=0.5)
    left.set(xlabel="width (pixels, each line twice the one before)", ylabel="height (pixels)", aspect="equal")
    most = f"{widths[-1]} x {heights[-1]}"
    left.set_title(
        f"{len(common):,} sizes; {common.iloc[-1]:,} are {most}" if len(common) > 1 else f"All are {most}", fontsize=10
    )
    right.hist(shorter, bins=np.geomspace(smallest, largest, 41), color=BLUE)
    right.axvline(shorter.median(), color="black", linestyle="--", linewidth=1)
    right.set(xlabel="shorter side (pixels)", ylabel="pictures")
    right.set_title(f"Shorter sides: {shorter.min()} to {shorter.max()}, median {shorter.median():.0f} (dashed)", fontsize=10)
    right.spines[["top", "right"]].set_visible(False)
    limits, lengths = (smallest, largest), [2**k for k in range(32) if smallest <= 2**k <= largest]
    left.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
    right.set(xscale="log", xlim=limits)
    left.set_yticks(lengths, lengths)
    for axis in (left, right):
        axis.set_xticks(lengths, lengths)
        axis.minorticks_off()
    left.grid(alpha=0.3)
    right.locator_params("y", integer=True)
    right.yaxis.set_major_formatter("{x:,.0f}")
    figure.suptitle(plain(_how_many(data, sizes["file"].tolist()), longest=None, width=100), fontsize=11)
    return figure


def _how_many(data: ImageData, sized: Sequence[str]) -> str:
    """How many pictures have a size, and how many files are damaged or missing."""
    splits: list[Split] = ["train", "valid", "test"] if data.test_ds else ["train", "valid"]
    readable = set(sized)
    damaged = data.damaged + [name for split in splits for name in data.items(split) if printable(name) not in readable]
    words = [counted(len(sized), "picture")]
    words += [f"{len(damaged):,} damaged left out: {some_of(damaged, limit=2)}"] if damaged else []
    words += [f"{len(data.missing):,} missing"] if data.missing else []
    return "; ".join(words)
