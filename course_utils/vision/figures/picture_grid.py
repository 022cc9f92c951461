"""Pictures side by side in a figure, four abreast."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from course_utils.errors import CourseError
from course_utils.figures import new_figure, plain
from course_utils.files import as_path
from course_utils.names import counted
from course_utils.training.arguments import shown, whole
from course_utils.training.predictions import Predictions
from course_utils.vision.data import ImageData
from course_utils.vision.pictures import pixels_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN_SIDE = 240  # pixels of the shorter side of a picture in a figure: small enough for a notebook
ABREAST = 4


def shown_pixels(picture: Path | Image.Image) -> NDArray[np.uint8]:
    """The pixels of a file or a Pillow image, as small as a figure shows them."""
    return pixels_of(picture, SHOWN_SIDE)


def checked_results(data: Any, predictions: Any) -> tuple[Path, Callable[[str], Any]]:
    """The folder of the pictures that predictions are of, and what finds one by its name; CourseError for anything else."""
    if not isinstance(predictions, Predictions):
        raise CourseError(f"predictions is {shown(predictions)}; give what learner.predict() returns")
    if isinstance(data, ImageData):
        return data.path, data.picture
    folder = as_path("data", data, "the folder of these pictures (or their ImageData)")
    return folder, folder.__truediv__


def checked_rows(rows: Sequence[int] | None, pictures: int) -> list[int]:
    """The rows to show as plain numbers, by default the first four; raises CourseError for a number that is not a picture's."""
    if rows is None:
        return list(range(min(ABREAST, pictures)))
    if isinstance(rows, str | bytes) or not hasattr(rows, "__iter__"):
        raise CourseError(f"rows is {shown(rows)}; give a list of numbers, such as [0, 1, 2]")
    numbers = [whole("a row", row, least=0) for row in rows]
    if beyond := [row for row in numbers if row >= pictures]:
        raise CourseError(f"there is no row {beyond[0]:,}; there are {counted(pictures, 'picture')}, from row 0 on")
    return numbers


def picture_grid(paths: Sequence[Path | Image.Image], title: str = "", caption_lines: int = 2) -> "tuple[Figure, list[Axes]]":
    """A figure with these pictures and an Axes for each, with room for captions above; it says `none` where there are none."""
    lines = max(1, -(-len(paths) // ABREAST))
    figure = new_figure(9, (2.35 + 0.15 * caption_lines) * lines + 0.3)
    axes = figure.subplots(lines, ABREAST, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
        axis.set_anchor("N")  # pictures of different heights side by side begin at one line
    for axis, path in zip(axes.flat, paths, strict=False):
        axis.imshow(shown_pixels(path))
    if not paths:
        axes[0, 0].text(0, 0.5, "none", fontsize=11)
    figure.suptitle(plain(title, longest=None))
    return figure, list(axes.flat)[: len(paths)]
