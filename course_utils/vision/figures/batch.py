"""The pictures of a mini-batch, as a network sees them."""

import math
from itertools import islice
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.figures import new_figure, plain
from course_utils.names import shortened
from course_utils.training.arguments import whole
from course_utils.training.tasks import Split
from course_utils.vision.loading import PictureSplits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TITLE_WIDTH = 30  # letters above a picture, before the next line begins
LARGEST_BATCH = 200  # pictures in one figure, which takes some seconds to draw


def show_batch(data: PictureSplits, rows: int = 3, columns: int = 4, split: Split = "train") -> "Figure":
    """Draw pictures of one split under the names of their classes; see `ImageData.show_batch`."""
    columns = whole("columns", columns)
    rows = min(whole("rows", rows), math.ceil(len(data.rows(split)) / columns))
    training, number = split == "train", rows * columns
    if number > LARGEST_BATCH:
        raise CourseError(
            f"rows x columns is {number:,} pictures; a figure holds up to {LARGEST_BATCH}: give fewer rows or columns"
        )
    with torch.random.fork_rng(devices=[]):
        loader = data.loader(split, augment=training, shuffle=training)
        batches = list(islice(loader, math.ceil(number / data.batch_size)))
    x = data.transforms.denormalise(torch.cat([x for x, _ in batches])).cpu()
    titles = [_title(data, y) for _, batch in batches if batch is not None for y in batch] or [
        plain(name, width=TITLE_WIDTH) for name in data.items(split)
    ]
    lines = max(title.count("\n") + 1 for title in titles[:number])
    figure = new_figure(2.4 * columns, (2.4 + 0.2 * lines) * rows)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
        axis.set_anchor("S")  # the room that is left goes to the titles
    for axis, picture, title in zip(axes.flat, x, titles, strict=False):
        axis.imshow(picture.permute(1, 2, 0).numpy())
        axis.set_title(title, fontsize=9)
    return figure


def _title(data: PictureSplits, target: Tensor) -> str:
    if data.task == "single-label":
        return plain(data.classes[int(target)], width=TITLE_WIDTH)
    tags = (shortened(name) for name, present in zip(data.classes, target.tolist(), strict=True) if present)
    return plain(" ".join(tags), longest=None, width=TITLE_WIDTH)
