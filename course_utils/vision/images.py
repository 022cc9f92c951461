"""Reading a file as 8-bit RGB pixels, or saying clearly why it cannot be read."""

import contextlib
import functools
import io
import os
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from course_utils.errors import CourseError
from course_utils.files import SPECIAL, as_path, is_special
from course_utils.names import counted
from course_utils.training.arguments import shown, whole
from course_utils.vision.decoding.errors import SMALLER, ImageError, UndecodableError, in_words
from course_utils.vision.decoding.formats import NOT_DECODED
from course_utils.vision.decoding.pixels import PIXEL_LIMIT, to_pixels

USUAL_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "AVIF")  # by Pillow's names, tried before its others


def read_image(
    path: str | os.PathLike[str] | bytes, short_side: int | None = None, pixel_limit: int = PIXEL_LIMIT
) -> NDArray[np.uint8]:
    """Read a picture, by the path of its file or the file's bytes, as RGB pixels (height, width, 3) from 0 to 255, upright.

    With `short_side` the shorter side becomes that long, small pictures being enlarged, and what is longer than three times its
    width (or wider than three times its height) loses both ends, which bounds the memory that one picture takes.
    See `to_rgb` for what becomes of transparency and CMYK; of an animation the first picture is taken. For the kinds that are
    decoded see `NOT_DECODED`. Of grey in 16 or 32 bits, how many are meant (12 of a camera's) is decided for each picture by
    what it holds alone, so that it is the same to a network in any company; a warning says where that was a guess, since it
    brightens a dark picture more than a bright one. Whoever knows the depth saves pictures scaled to 65,535.

    Raises ImageError for a file that is missing, empty, damaged, cut short, not an image, of more than `pixel_limit` pixels, or
    that takes more than `MEMORY_LIMIT` bytes to decode; CourseError for a `path` or a number that is not valid.
    """
    if short_side is not None:
        short_side = whole("short_side", short_side, of=", in pixels")
    pixel_limit = whole("pixel_limit", pixel_limit)
    with opened(path, pixel_limit) as image:
        if short_side is not None:  # a large JPEG can be decoded at 1/2, 1/4 or 1/8 in a fraction of the time
            image.draft(None, (short_side, short_side))
        return to_pixels(image, short_side)


@contextlib.contextmanager
def opened(path: str | os.PathLike[str] | bytes, pixel_limit: int = PIXEL_LIMIT) -> Iterator[Image.Image]:
    """Open a picture; what fails, here or in decoding it in the block, becomes an ImageError (see `read_image`)."""
    name: str | os.PathLike[str]
    source: str | os.PathLike[str] | io.BytesIO
    if isinstance(path, bytes):
        name, source = f"the picture, {counted(len(path), 'byte')} of a file,", io.BytesIO(path)
    else:
        name = source = _checked(path)
    with in_words(name), Image.open(source, formats=_formats()) as image:
        if image.width * image.height > pixel_limit:
            raise UndecodableError(
                f"has {image.width} x {image.height} pixels, more than the limit of {pixel_limit:,}", SMALLER
            )
        yield image


def _checked(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """The path that was given, ~ as the home folder.

    Raises ImageError for a folder, and for a pipe or a device, which would be waited for without end once it is opened.
    """
    if not isinstance(path, str | os.PathLike) or not os.fspath(path) or not isinstance(os.fspath(path), str):
        raise CourseError(f"path is {shown(path)}; give the path of a picture's file, as text or a Path")
    if os.fspath(path).startswith("~"):
        path = as_path("path", path, "a picture")
    if os.path.isdir(path):
        advice = f"Give the pictures in it, such as sorted(Path({os.fspath(path)!r}).glob('*.jpg'))"
        raise ImageError(path, "cannot be opened: it is a folder", advice)
    if is_special(path):
        raise ImageError(path, f"cannot be opened: {SPECIAL}", "Copy what comes out of it into a file")
    return path


@functools.cache
def _formats() -> tuple[str, ...]:
    """What the installed Pillow decodes, plug-ins included, but for `NOT_DECODED`."""
    Image.init()
    return tuple(
        name for name in dict.fromkeys([*USUAL_FORMATS, *Image.OPEN]) if name in Image.OPEN and name not in NOT_DECODED
    )
