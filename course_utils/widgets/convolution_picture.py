"""The still picture of a convolution: image, kernel, output and the stages after it, with the window in question marked."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from course_utils.widgets.colours import colour_limit
from course_utils.widgets.picture import Picture, text_width, wrap

if TYPE_CHECKING:
    from course_utils.widgets.convolution_explorer import ConvolutionExplorer

GAP = 26
TOP = 34
KERNEL_CELL = 30


def draw_convolution(explorer: "ConvolutionExplorer") -> Picture:
    """Draw what is on the screen of a ConvolutionExplorer, with its words below."""
    ring, chosen, by = explorer.padding, explorer.selected, explorer.stride
    row, column = explorer.position
    channels = np.pad(explorer.image, ((0, 0), (ring, ring), (ring, ring)))
    kernel = explorer.kernels[chosen]
    stages: list[tuple[str, NDArray[np.float64], tuple[int, int]]] = [("Output", explorer.output[chosen], (row, column))]
    if explorer.relu:
        stages.append(("ReLU", explorer.rectified[chosen], (row, column)))
    if explorer.pool > 1:
        pooled = f"Max pool {explorer.pool} × {explorer.pool}"
        stages.append((pooled, explorer.pooled[chosen], (row // explorer.pool, column // explorer.pool)))
    columns = channels.shape[2] + sum(values.shape[1] for _, values, _ in stages)
    cell = max(3, min(30, 720 // columns, 420 // (len(channels) * channels.shape[1])))
    name = f"Kernel “{explorer.names[chosen]}”"
    input_name = f"Input {' × '.join(map(str, explorer.image.shape[explorer.image.shape[0] == 1 :]))}"

    def wide(values: NDArray[np.float64], heading: str, size: int) -> int:
        return max(values.shape[-1] * size, text_width(heading, bold=True)) + GAP

    lefts = np.cumsum(
        [
            GAP,
            wide(channels, input_name, cell),
            wide(kernel, name, KERNEL_CELL),
            *(wide(values, at, cell) for at, values, _ in stages),
        ]
    ).tolist()
    height = max(
        len(channels) * (channels.shape[1] * cell + 8),
        len(channels) * (kernel.shape[1] * KERNEL_CELL + 8),
        stages[0][1].shape[0] * cell,
    )
    width = max(lefts[-1], 480)
    lines = wrap(explorer.describe(), width - 2 * GAP, 11)
    picture = Picture(width, TOP + height + 16 + 15 * len(lines) + 8)
    picture.text(lefts[0], 10, input_name, bold=True)
    signed = bool((explorer.image < 0).any())
    for number, channel in enumerate(channels):
        top = TOP + number * (channel.shape[0] * cell + 8)
        picture.grid(lefts[0], top, channel, cell, signed, colour_limit(explorer.image), numbers=cell >= 22)
        spot = lefts[0] + column * by * cell, top + row * by * cell
        picture.frame(*spot, kernel.shape[2] * cell, kernel.shape[1] * cell)
    picture.text(lefts[1], 10, name, bold=True)
    for number, weights in enumerate(kernel):
        top = TOP + number * (weights.shape[0] * KERNEL_CELL + 8)
        picture.grid(lefts[1], top, weights, KERNEL_CELL, True, colour_limit(kernel), numbers=True)
    limit = colour_limit(explorer.output[chosen])
    for left, (heading, values, at) in zip(lefts[2:], stages, strict=False):
        picture.text(left, 10, heading, bold=True)
        picture.grid(left, TOP, values, cell, True, limit, numbers=cell >= 22)
        if at[0] < values.shape[0] and at[1] < values.shape[1]:
            picture.frame(left + at[1] * cell, TOP + at[0] * cell, cell, cell)
    picture.text(GAP, TOP + height + 12, "\n".join(lines), size=11)
    return picture
