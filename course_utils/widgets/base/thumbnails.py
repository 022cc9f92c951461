"""Small pictures that travel to the screen inside the widget's own state."""

import base64
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import Any, Protocol

from PIL import Image

from course_utils.widgets.base.arrays import shown
from course_utils.widgets.base.errors import WidgetError

SIDE = 192  # pixels: sharp at half of that many units on a dense screen
LARGEST = 20_000  # bytes


class Pictures(Protocol):
    """What holds pictures by name, as ImageData does."""

    def picture(self, item: str) -> Any:
        """The picture of that name: the path of its file, or a Pillow image."""


def thumbnail(path: str | os.PathLike[str] | Image.Image, side: int = SIDE) -> bytes:
    """A picture, in a file or in memory, as a JPEG of at most 192 × 192 pixels and 20 kB, upright, whole and undistorted.

    Another `side` has as many more bytes as it has pixels.

    Raises CourseError (an ImageError that names the file) where it cannot be read.
    """
    from course_utils.vision.decoding.pixels import to_pixels
    from course_utils.vision.images import read_image  # torchvision is not needed for the other widgets

    pixels = to_pixels(path, side) if isinstance(path, Image.Image) else read_image(path, short_side=side)
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    for quality in (85, 75, 60, 45, 30, 15):
        buffer = io.BytesIO()
        image.save(buffer, "jpeg", quality=quality)
        if buffer.tell() <= LARGEST * (side / SIDE) ** 2:
            break
    return buffer.getvalue()


def data_url(jpeg: bytes) -> str:
    """A JPEG as text that an <img> shows; nothing is fetched.

    >>> data_url(bytes(3))
    'data:image/jpeg;base64,AAAA'
    """
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"


def smaller_url(jpeg: bytes | None) -> str:
    """A JPEG as a WebP of about a third of its bytes, as text that an <img> shows, for a page that holds many; "" for none."""
    if jpeg is None:
        return ""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(jpeg)).save(buffer, "webp", quality=50, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


def _stays_inside(item: str) -> None:
    """Refuse a path that leads out of the folder that it is read from."""
    if PurePath(item).is_absolute() or ".." in PurePath(item).parts:
        raise WidgetError(f"the item {item!r} leads out of the folder; expected paths inside it, as in 'train-jpg/train_1.jpg'")


def with_pictures(folder: "str | os.PathLike[str] | Pictures", items: Sequence[str]) -> Callable[[str], Any]:
    """What gives the picture of an item: its file in a folder that has some of them, or what the data hold in memory."""
    if hasattr(folder, "picture"):
        return folder.picture
    try:
        path = Path(folder)
    except TypeError as error:
        raise WidgetError(
            f"folder is {shown(folder)}; expected the folder that the items are relative to, data.path, or the ImageData"
        ) from error
    for item in items:
        _stays_inside(item)
    if not path.is_dir():
        raise WidgetError(f"there is no folder {path}; give the one that {items[0]!r} is relative to, data.path")
    if not any((path / item).is_file() for item in items[:100]):
        raise WidgetError(
            f"{path / items[0]} does not exist, nor do the next; give the folder that the items are relative to, or for "
            "pictures in memory the ImageData itself"
        )
    return lambda item: path / item
