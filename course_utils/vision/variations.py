"""How pictures are varied: what symmetry, turn, zoom and light each of them gets, and the picture that this makes of it."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

SYMMETRIES = torch.tensor(  # of the square, each a matrix that takes (x, y) of the new picture to (x, y) of the old
    [
        [[1, 0], [0, 1]],
        [[-1, 0], [0, 1]],
        [[1, 0], [0, -1]],
        [[-1, 0], [0, -1]],
        [[0, 1], [1, 0]],
        [[0, -1], [-1, 0]],
        [[0, -1], [1, 0]],
        [[0, 1], [-1, 0]],
    ],
    dtype=torch.float32,
)
SYMMETRY_NAMES = (  # in the same order
    "as it is",
    "mirrored left to right",
    "mirrored top to bottom",
    "half a turn",
    "mirrored in the diagonal \\",
    "mirrored in the diagonal /",
    "a quarter turn left",
    "a quarter turn right",
)


@dataclass(frozen=True, eq=False)
class Variations:
    """How each of n pictures is varied; `Transforms.variations` draws them at random.

    Attributes:
        symmetries: (n,), which of `SYMMETRIES`.
        angles: (n,), how far the picture is turned, in radians.
        zooms: (n,), 1 or more: of each side a part of 1 / zoom is seen.
        places: (n, 2), where that part lies across and down, from -1 (left, top) to 1.
        light: (n, 2), what is added to the brightness, and to 1 for what the contrast is multiplied by.
    """

    symmetries: Tensor
    angles: Tensor
    zooms: Tensor
    places: Tensor
    light: Tensor

    @property
    def matrices(self) -> Tensor:
        """Maps (n, 2, 3) from places in the new picture to places in the old, both from -1 to 1 across and down.

        >>> still = torch.zeros(1)
        >>> Variations(torch.tensor([1]), still, still + 2, torch.ones(1, 2), torch.zeros(1, 2)).matrices.tolist()
        [[[-0.5, 0.0, 0.5], [0.0, 0.5, 0.5]]]
        """
        angle, zoom = self.angles, self.zooms[:, None]
        rotation = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1).view(-1, 2, 2)
        shift = (1 - 1 / zoom) * self.places  # as far as the zoomed picture stays inside
        symmetry = SYMMETRIES[self.symmetries].to(angle.dtype)
        return torch.cat([symmetry @ rotation / zoom[:, :, None], shift[:, :, None]], dim=2)


def varied(squares: Tensor, size: int, matrices: Tensor, light: Tensor) -> Tensor:
    """Colours from 0 to 1, (B, 3, size, size), of bytes (B, 3, side, side): what a network sees before it is normalised.

    `matrices` (B, 2, 3) and `light` (B, 2) are those of `Variations`, and their precision is that of the result.

    >>> half = torch.full((1, 3, 4, 4), 51, dtype=torch.uint8)
    >>> varied(half, 2, torch.eye(2, 3)[None], torch.tensor([[0.25, 0.0]])).unique()
    tensor([0.4500])
    """
    return _lit(_sampled(squares, size, matrices), light)


def _sampled(squares: Tensor, size: int, matrices: Tensor) -> Tensor:
    """Flip, turn, zoom and scale in one step, so that the picture is blurred once; the edges mirror what is inside."""
    grid = F.affine_grid(matrices.to(squares.device), [len(squares), 3, size, size], align_corners=False)
    x = F.grid_sample(squares.to(grid.dtype), grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return x.div_(255)


def _lit(x: Tensor, light: Tensor) -> Tensor:
    """Change the contrast of x (B, 3, size, size) around its mean, and its brightness."""
    brightness, contrast = light.to(x.device).view(-1, 2, 1, 1, 1).unbind(1)
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    return x.mul_(1 + contrast).add_(brightness - contrast * mean).clamp_(0, 1)
