"""The symmetries of a square, shown on a picture."""

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from course_utils.figures import ORANGE, new_figure
from course_utils.vision.figures.picture_grid import SHOWN_SIDE
from course_utils.vision.pictures import Picture, pixels_of
from course_utils.vision.variations import SYMMETRIES, SYMMETRY_NAMES

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def show_symmetries(picture: Picture) -> "Figure":
    """Show the middle square of a picture in the eight ways in which a square can lie (lecture 1:24:10).

    They are those among which `top_down` chooses while training; `side_on` chooses between the first two. A dot marks the
    corner that was at the top left.
    """
    pixels = pixels_of(picture, SHOWN_SIDE)
    top, left = (pixels.shape[0] - SHOWN_SIDE) // 2, (pixels.shape[1] - SHOWN_SIDE) // 2
    square = torch.tensor(pixels[top : top + SHOWN_SIDE, left : left + SHOWN_SIDE]).permute(2, 0, 1).float()
    maps = torch.cat([SYMMETRIES, torch.zeros(len(SYMMETRIES), 2, 1)], dim=2)
    grid = F.affine_grid(maps, [len(maps), 3, SHOWN_SIDE, SHOWN_SIDE], align_corners=False)
    views = F.grid_sample(square.expand(len(maps), -1, -1, -1), grid, mode="nearest", align_corners=False)
    corners = torch.tensor([-0.86, -0.86]) @ SYMMETRIES  # the transpose of such a matrix undoes it

    figure = new_figure(9, 5)
    axes = figure.subplots(2, 4)
    for axis, view, corner, name in zip(axes.flat, views, corners, SYMMETRY_NAMES, strict=True):
        axis.imshow(view.permute(1, 2, 0).byte().numpy(), extent=(-1, 1, 1, -1))
        axis.plot(*corner.tolist(), "o", color=ORANGE, markersize=9, markeredgecolor="white", markeredgewidth=1.5)
        axis.set_title(name, fontsize=10)
        axis.axis("off")
    figure.suptitle("The eight symmetries of a square; the dot marks the corner that was at the top left", fontsize=11)
    return figure
