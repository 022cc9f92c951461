"""Still pictures of widgets, opened."""

import io

from PIL import Image


def open_png(data: bytes) -> Image.Image:
    """The picture in a PNG, without its transparency."""
    return Image.open(io.BytesIO(data)).convert("RGB")
