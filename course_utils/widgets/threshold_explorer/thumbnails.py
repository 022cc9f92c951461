"""Small pictures that travel to the screen inside the widget's own state."""

import base64
import io
import os
from pathlib import PurePath

from PIL import Image

from course_utils.widgets.base.errors import WidgetError

SIDE = 192  # pixels: sharp at half of that many units on a dense screen
LARGEST = 20_000  # bytes


def thumbnail(path: str | os.PathLike[str] | Image.Image) -> bytes:
    """A picture, in a file or in memory, as a JPEG of at most 192 × 192 pixels and 20 kB, upright, whole and undistorted.

    Raises CourseError (an ImageError that names the file) where it cannot be read.
    """
    from course_utils.vision.decoding.pixels import to_pixels
    from course_utils.vision.images import read_image  # torchvision is not needed for the other widgets

    pixels = to_pixels(path, SIDE) if isinstance(path, Image.Image) else read_image(path, short_side=SIDE)
    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    for quality in (85, 75, 60, 45, 30, 15):
        buffer = io.BytesIO()
        image.save(buffer, "jpeg", quality=quality)
        if buffer.tell() <= LARGEST:
            break
    return buffer.getvalue()


def data_url(jpeg: bytes) -> str:
    """A JPEG as text that an <img> shows; nothing is fetched.

    >>> data_url(bytes(3))
    'data:image/jpeg;base64,AAAA'
    """
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"


def stays_inside(item: str) -> str:
    """`item`, if it is a path that does not lead out of the folder that it is read from; else WidgetError.

    >>> stays_inside("train-jpg/train_1.jpg")
    'train-jpg/train_1.jpg'
    """
    if PurePath(item).is_absolute() or ".." in PurePath(item).parts:
        raise WidgetError(f"the item {item!r} leads out of the folder; expected paths inside it, as in 'train-jpg/train_1.jpg'")
    return item
