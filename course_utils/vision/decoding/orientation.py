"""Pictures that lie on their side, and which way up their EXIF data ask for them."""

import contextlib
import os
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.ExifTags import Base as ExifTag

UPRIGHT = {  # what the EXIF orientation asks a viewer to do
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


TURNED: dict[Image.Transpose, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {  # the same for (height, width, 3)
    Image.Transpose.FLIP_LEFT_RIGHT: lambda pixels: pixels[:, ::-1],
    Image.Transpose.ROTATE_180: lambda pixels: pixels[::-1, ::-1],
    Image.Transpose.FLIP_TOP_BOTTOM: lambda pixels: pixels[::-1],
    Image.Transpose.TRANSPOSE: lambda pixels: pixels.transpose(1, 0, 2),
    Image.Transpose.ROTATE_270: lambda pixels: np.rot90(pixels, -1),
    Image.Transpose.TRANSVERSE: lambda pixels: np.rot90(pixels, 2).transpose(1, 0, 2),
    Image.Transpose.ROTATE_90: lambda pixels: np.rot90(pixels),
}
SIDEWAYS = (Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_270, Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_90)


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height as `read_image` gives them, without decoding the image where that can be told from its beginning.

    >>> upright_size(Image.new("L", (400, 300)))
    (400, 300)
    """
    if image.format == "TIFF":  # Pillow turns these itself, and says the size that comes out
        return image.size
    if image.format == "PNG" and "exif" not in image.info and not _text_after_the_pixels(image):
        return image.size  # getexif() would decode the pixels to look behind them
    width, height = image.size
    with contextlib.suppress(Exception):  # as in `turn_of`
        if UPRIGHT.get(image.getexif().get(ExifTag.Orientation, 1)) in SIDEWAYS:
            return height, width
    return width, height


def _text_after_the_pixels(image: Image.Image) -> bool:
    """Whether a PNG continues after its pixels, where an orientation may be."""
    file, found = getattr(image, "fp", None), False
    if file is None:
        return False
    place = file.tell()
    file.seek(8)
    while len(head := file.read(8)) == 8 and head[4:] != b"IEND":
        found = found or head[4:] in (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
        file.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)
    file.seek(place)
    return found


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """What makes a picture upright, once it is decoded."""
    with contextlib.suppress(Exception):  # a picture whose EXIF data are broken is a picture all the same
        return UPRIGHT.get(image.getexif().get(ExifTag.Orientation, 1))
    return None


def upright(image: Image.Image) -> Image.Image:
    """A Pillow image turned as its EXIF data ask."""
    with contextlib.suppress(Exception):  # a picture whose EXIF data are broken is a picture all the same
        return ImageOps.exif_transpose(image)
    return image
