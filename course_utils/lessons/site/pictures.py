"""The pictures of the first page: one for each lesson, cut from a figure of it, and a letter on its way through a network."""

import base64
import io
from typing import Any, NamedTuple

COVER = (720, 405)  # pixels


class Cut(NamedTuple):
    """A figure, by the cell that shows it, and the part of it to show: left, top, right and bottom as shares of its size."""

    cell: str
    box: tuple[float, float, float, float] = (0, 0, 1, 1)


CUTS = {
    "00_start_here": Cut("play-1", (0.03, 0.1, 0.66, 0.78)),
    "01_cats_vs_dogs": Cut("cell-17", (0, 0.04, 1, 1)),
    "02_dog_breeds": Cut("cell-13", (0, 0.36, 0.8, 1)),
    "03_planet": Cut("cell-21", (0, 0.1, 1, 1)),
    "04_rossmann": Cut("cell-46"),
    "05_conv_in_excel": Cut("cell-02", (0, 0, 0.68, 0.8)),
}
"""What was chosen by eye; a lesson that is not here shows its first figure."""


def cover(stem: str, notebook: Any) -> bytes | None:
    """Give the picture of a lesson as a WebP of `COVER`'s size, with white where the part of the figure has another shape.

    None where the notebook shows no figure.
    """
    from PIL import Image, ImageOps

    cut = CUTS.get(stem, Cut(""))
    figures = {cell.id: figure for cell in reversed(notebook.cells) if (figure := _figure(cell)) is not None}
    data = figures.get(cut.cell) or next(reversed(figures.values()), None)
    if data is None:
        return None
    with Image.open(io.BytesIO(data)) as picture:
        shown = picture.convert("RGB")
    box = cut.box if cut.cell in figures else (0, 0, 1, 1)
    left, top, right, bottom = box
    width, height = shown.size
    shown = shown.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))
    return _webp(ImageOps.pad(shown, COVER, color="white"))


def letter_on_its_way() -> dict[str, bytes]:
    """Give four small pictures, a pixel for each number: the letter A, two maps of a convolution, and their mean after ReLU.

    Green is positive, red is negative, and what is zero lets the page through, so that they lie on light and dark alike.
    """
    import numpy as np
    import torch

    from course_utils.networks.letters import letter_a, letter_network

    network = letter_network()
    with torch.no_grad():
        image = torch.tensor(letter_a())[None, None]
        maps = network[0](image)
        pooled = network[2](network[1](maps))
    shown = {"letter": image[0, 0], "map-1": maps[0, 0], "map-2": maps[0, 1], "pooled": pooled[0].sum(0)}
    return {f"assets/{name}.webp": _signed(np.asarray(values)) for name, values in shown.items()}


def _signed(values: Any) -> bytes:
    import numpy as np
    from PIL import Image

    strength = np.abs(values) / np.abs(values).max()
    pixels = np.zeros((*values.shape, 4), dtype=np.uint8)
    pixels[values > 0, :3] = (0, 158, 115)
    pixels[values < 0, :3] = (214, 69, 65)
    pixels[..., 3] = np.round(255 * strength)
    return _webp(Image.fromarray(pixels, "RGBA"), lossless=True)


def _webp(picture: Any, lossless: bool = False) -> bytes:
    written = io.BytesIO()
    picture.save(written, "WEBP", quality=82, method=6, lossless=lossless)
    return written.getvalue()


def _figure(cell: Any) -> bytes | None:
    for output in cell.get("outputs", []):
        for kind in ("image/png", "image/jpeg"):
            if kind in output.get("data", {}):
                return base64.b64decode(output["data"][kind])
    return None
