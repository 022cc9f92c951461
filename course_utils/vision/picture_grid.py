"""Pictures side by side in a figure, four abreast."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from course_utils.figures import plain
from course_utils.vision.pictures import pixels_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN_SIDE = 240  # pixels of the shorter side of a picture in a figure: small enough for a notebook
ABREAST = 4


def shown_pixels(picture: Path | Image.Image) -> NDArray[np.uint8]:
    """The pixels of a file or a Pillow image, as small as a figure shows them."""
    return pixels_of(picture, SHOWN_SIDE)


def picture_grid(paths: Sequence[Path | Image.Image], title: str = "", caption_lines: int = 2) -> "tuple[Figure, list[Axes]]":
    """A figure with these pictures and an Axes for each, with room for captions above; it says `none` where there are none."""
    import matplotlib.pyplot as plt

    lines = max(1, -(-len(paths) // ABREAST))
    figure, axes = plt.subplots(
        lines, ABREAST, figsize=(9, (2.35 + 0.15 * caption_lines) * lines + 0.3), squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.axis("off")
        axis.set_anchor("N")  # pictures of different heights side by side begin at one line
    for axis, path in zip(axes.flat, paths, strict=False):
        axis.imshow(shown_pixels(path))
    if not paths:
        axes[0, 0].text(0, 0.5, "none", fontsize=11)
    figure.suptitle(plain(title, longest=None))
    plt.close(figure)  # a notebook shows what is returned; left open it would be shown twice
    return figure, list(axes.flat)[: len(paths)]
