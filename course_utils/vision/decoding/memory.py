"""How much memory a picture takes while it is decoded, and a limit on what all take together."""

import contextlib
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image

from course_utils.vision.decoding.errors import SMALLER, UndecodableError
from course_utils.vision.decoding.grey import is_deep
from course_utils.vision.threads import Room

MEMORY_LIMIT = 900_000_000  # bytes that all pictures that are decoded at a time may take, or one alone
WORKSPACE = {"WEBP": 12, "AVIF": 16, "JPEG2000": 24, "GIF": 4}  # bytes for each pixel that a decoder takes in addition
SEVERAL = ("TIFF", "GIF", "WEBP", "PNG", "AVIF")  # an MPO's others are views of the same, as phones add them to a photo

_room = Room(MEMORY_LIMIT)


@contextlib.contextmanager
def loaded(image: Image.Image, more: int = 0) -> Iterator[None]:
    """Decode an image in place, with room for it and `more` bytes until the block ends.

    Threads share `MEMORY_LIMIT` bytes: one waits until others are done. Raises UndecodableError for what takes more alone.
    """
    needed = decoded_bytes(image) + more
    if needed > MEMORY_LIMIT:
        raise UndecodableError(
            f"has {image.width} x {image.height} pixels ({image.format or 'image'}, {image.mode}) and takes "
            f"{needed / 1e6:,.0f} MB to decode, more than the limit of {MEMORY_LIMIT / 1e6:,.0f}",
            SMALLER,
        )
    _scale_what_is_clear(image)
    _say_if_one_of_several(image)
    sixteen = not is_deep(image) and any(";16" in str(tile) for tile in getattr(image, "tile", ()))
    with _room.taken(needed):
        image.load()
        if sixteen:
            _say_if_nearly_black(image)
        yield


def _say_if_one_of_several(image: Image.Image) -> None:
    """Of an animation or a stack of pages the first picture is taken, unless whoever opened it chose another."""
    if image.format not in SEVERAL:
        return
    try:
        several = bool(getattr(image, "is_animated", False)) and image.tell() == 0
    except Exception:  # the second picture of a GIF is damaged, which the first is not
        image.seek(0)
        several = True
    if several:
        warnings.warn(
            f"a {image.format} file holds several pictures, an animation or pages. The first alone is used; save the others as "
            "files of their own if they matter.",
            stacklevel=2,
        )


def _scale_what_is_clear(image: Image.Image) -> None:
    """Give the one grey or colour of a PNG that is transparent as Pillow decodes it, which says it as the file does.

    Pillow widens greys of 2 and 4 bits, and keeps the upper 8 bits of colours of 16.
    """
    tiles = getattr(image, "tile", ())
    if image.format == "PNG" and tiles and tiles[0][3] == "RGB;16B" and isinstance(image.info.get("transparency"), tuple):
        image.info["transparency"] = tuple(value >> 8 for value in image.info["transparency"])
    bits = {"L;2": 2, "L;4": 4}.get(str(tiles[0][3])) if tiles else None
    if image.format == "PNG" and bits and isinstance(clear := image.info.get("transparency"), int) and clear < 2**bits:
        image.info["transparency"] = clear * 255 // (2**bits - 1)


def _say_if_nearly_black(image: Image.Image) -> None:
    """Of colours of 16 bits Pillow keeps the upper 8, which are few where only 12 bits were filled."""
    brightest = max(int(np.asarray(image.getchannel(band)).max()) for band in image.getbands() if band != "A")
    if brightest < 64:
        warnings.warn(
            f"a picture holds colours of 16 bits that stay below {(brightest + 1) * 256:,} of 65,536, so it is nearly black; "
            "save it with 8 bits for each colour, or scaled to 65,535",
            stacklevel=2,
        )


def decoded_bytes(image: Image.Image) -> int:
    """What Pillow and its decoders take for an image at most, told from its header.

    Pillow keeps an address and whole words for each row: a picture one pixel wide takes twelve times its pixels.

    >>> decoded_bytes(Image.new("RGB", (100, 50)))
    20400
    """
    width, height = image.size
    pixel = {"1": 1, "L": 1, "P": 1}.get(image.mode, 2 if image.mode.startswith("I;16") else 4)
    kept = height * (-(-width * pixel // 4) * 4 + 8)
    if image.format in ("JPEG", "MPO") and image.info.get("progressive"):  # all coefficients, of the size before draft()
        scale = (getattr(image, "decoderconfig", None) or (1,))[0]
        return kept + width * height * scale**2 * 2 * len(image.getbands())
    return kept + width * height * WORKSPACE.get(image.format or "", 0) + _tiff_piece(image)


def _tiff_piece(image: Image.Image) -> int:
    """The bytes of a strip or tile of a TIFF, which is decoded whole, however small the picture is."""
    tags = getattr(image, "tag_v2", {})
    if not tags:
        return 0
    bits = tags.get(258, (8,))
    pixel = max(4, sum(bits if isinstance(bits, tuple) else (bits,)) // 8)
    if 322 in tags:  # the width of a tile, and its height
        return int(tags[322]) * int(tags.get(323, 1)) * pixel
    return image.width * min(image.height, int(tags.get(278, image.height))) * pixel  # the rows of a strip
