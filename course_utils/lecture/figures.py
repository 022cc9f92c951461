"""The lecture's figures; each call leaves one in the cell."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from course_utils.figures import plain
from course_utils.lecture.messages import keywords
from course_utils.vision.images import read_image


@keywords
def plots(
    ims: Sequence[Any],
    figsize: tuple[float, float] = (12, 6),
    rows: int = 1,
    interp: bool = False,
    titles: Sequence[str] | None = None,
    maintitle: str | None = None,
) -> None:
    """Draw pictures in a grid: arrays (h, w, 3) or channels first, colours from 0 to 1 or bytes."""
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=figsize)
    if maintitle is not None:
        figure.suptitle(plain(maintitle, longest=None), fontsize=16)
    for number, picture in enumerate(ims):
        axes = figure.add_subplot(rows, -(-len(ims) // rows), number + 1)
        axes.axis("off")
        if titles is not None:
            axes.set_title(plain(titles[number], longest=None), fontsize=16)
        axes.imshow(_shown(picture), interpolation=None if interp else "none")


def _shown(picture: Any) -> Any:
    array = picture.detach().cpu().numpy() if isinstance(picture, Tensor) else np.asarray(picture)
    if array.ndim == 3 and array.shape[0] in (1, 3) and array.shape[-1] not in (1, 3, 4):
        array = np.moveaxis(array, 0, -1)
    if array.dtype != np.uint8 and array.max(initial=0) > 3:  # 0 to 255, not colours around 1
        return array.clip(0, 255).astype(np.uint8)
    return array.clip(0, 1) if array.dtype.kind == "f" else array


@keywords
def plots_from_files(
    imspaths: Sequence[str | os.PathLike[str]],
    figsize: tuple[float, float] = (10, 5),
    rows: int = 1,
    titles: Sequence[str] | None = None,
    maintitle: str | None = None,
) -> None:
    """Draw the pictures of files in a grid."""
    plots([read_image(path) for path in imspaths], figsize, rows, titles=titles, maintitle=maintitle)


@keywords
def plot_confusion_matrix(
    cm: Any, classes: Sequence[str], normalize: bool = False, title: str = "Confusion matrix", cmap: Any = "Blues"
) -> None:
    """Print a confusion matrix, actual classes in rows, and draw it; with `normalize` as shares of each row."""
    import matplotlib.pyplot as plt
    from sklearn.metrics import ConfusionMatrixDisplay

    matrix = np.asarray(cm)
    if normalize:
        matrix = matrix / matrix.sum(axis=1, keepdims=True)
    print(matrix)
    axes = plt.subplots(layout="constrained")[1]
    axes.set_title(title)
    drawn = ConfusionMatrixDisplay(matrix, display_labels=[plain(name) for name in classes])
    drawn.plot(cmap=cmap, ax=axes, xticks_rotation=45, values_format=".2f" if normalize else None)


def FileLink(path: Any, **options: Any) -> Any:  # noqa: N802 (IPython's own name)
    """IPython's link to a file, to be clicked (lecture 0:38:02)."""
    from IPython.display import FileLink as Link

    return Link(path, **options)
