"""Reading any picture as 8-bit RGB pixels, or saying clearly why it cannot be read."""

import contextlib
import functools
import os
import re
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.ExifTags import Base as ExifTag
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.files import SPECIAL, as_path, is_special
from course_utils.names import printable
from course_utils.training.arguments import shown, whole
from course_utils.vision.formats import IMAGE_SUFFIXES as IMAGE_SUFFIXES
from course_utils.vision.formats import NOT_DECODED, has_picture_suffix
from course_utils.vision.grey import Greys, greys_of, is_deep
from course_utils.vision.threads import Room

USUAL_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "JPEG2000", "AVIF")  # by Pillow's names, tried before its others

PIXEL_LIMIT = 89_000_000  # some 9,400 x 9,400; a small file can claim to be far larger and fill the memory when decoded
MEMORY_LIMIT = 900_000_000  # bytes that all pictures that are decoded at a time may take, or one alone
LARGE = 2**24  # pixels; larger pictures are converted a few rows at a time
STRIP = 2**22  # pixels at a time
WORKSPACE = {"WEBP": 12, "AVIF": 16, "JPEG2000": 24, "GIF": 4}  # bytes for each pixel that a decoder takes in addition
MAX_ASPECT = 3  # the longer side kept, in shorter sides

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

IN_DATA = "or remove it; ImageData(..., damaged='skip') leaves such pictures out"
GIVEN = "or give another picture"
FETCH = "Fetch it again"
SMALLER = "Save it smaller"
CHECK = "Check the path"


class ImageError(CourseError):
    """A picture that cannot be read; `path` is the file, the message names it, the `cause` and the next step, its `advice`.

    What else can be done depends on where the picture is: one of a data set (`in_data`) can be left out of it, in the place of
    one that was given to a call another can be given.
    """

    def __init__(self, path: str | os.PathLike[str], cause: str, advice: str = FETCH, in_data: bool = False) -> None:
        super().__init__(f"{printable(os.fspath(path))} {cause}. {advice}, {IN_DATA if in_data else GIVEN}.")
        self.path, self.cause, self.advice, self.in_data = path, cause, advice, in_data

    def of_data(self) -> "ImageError":
        """The same error of a picture in a data set."""
        return type(self)(self.path, self.cause, self.advice, in_data=True)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """So that it can come back from another process, such as a worker of a DataLoader."""
        return type(self), (self.path, self.cause, self.advice, self.in_data)


def read_image(
    path: str | os.PathLike[str], short_side: int | None = None, pixel_limit: int = PIXEL_LIMIT
) -> NDArray[np.uint8]:
    """Read a picture as RGB pixels (height, width, 3), 0 to 255, upright as its EXIF data asks.

    With `short_side` the shorter side becomes that long, small pictures being enlarged, and what is longer than three times its
    width (or wider than three times its height) loses both ends, which bounds the memory that one picture takes.
    See `to_rgb` for what becomes of transparency and CMYK; of an animation the first picture is taken. For the kinds that are
    decoded see `NOT_DECODED`. Of grey in 16 or 32 bits, how many are meant (12 of a camera's) is decided for each picture by
    what it holds alone, so that it is the same to a network in any company; a warning says where that was a guess, since it
    brightens a dark picture more than a bright one. Whoever knows the depth saves pictures scaled to 65,535.

    Raises ImageError for a file that is missing, empty, damaged, cut short, no image, of more than `pixel_limit` pixels, or
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
def opened(path: str | os.PathLike[str], pixel_limit: int = PIXEL_LIMIT) -> Iterator[Image.Image]:
    """Open a picture; what fails, here or in decoding it in the block, becomes an ImageError (see `read_image`)."""
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise CourseError(f"path is {shown(path)}; give the path of a picture's file, as text or a Path")
    if os.fspath(path).startswith("~"):
        path = as_path("path", path, "a picture")
    _refuse_special(path)
    with in_words(path), Image.open(path, formats=_formats()) as image:
        if image.width * image.height > pixel_limit:
            raise UndecodableError(
                f"has {image.width} x {image.height} pixels, more than the limit of {pixel_limit:,}", SMALLER
            )
        yield image


def _refuse_special(path: str | os.PathLike[str]) -> None:
    """Raise ImageError for a folder, and for a pipe or a device, which would be waited for without end once it is opened."""
    if os.path.isdir(path):
        advice = f"Give the pictures in it, such as sorted(Path({os.fspath(path)!r}).glob('*.jpg'))"
        raise ImageError(path, "cannot be opened: it is a folder", advice)
    if is_special(path):
        raise ImageError(path, f"cannot be opened: {SPECIAL}", "Copy what comes out of it into a file")


@functools.cache
def _formats() -> tuple[str, ...]:
    """What the installed Pillow decodes, plug-ins included, but for `NOT_DECODED`."""
    Image.init()
    return tuple(
        name for name in dict.fromkeys([*USUAL_FORMATS, *Image.OPEN]) if name in Image.OPEN and name not in NOT_DECODED
    )


_room = Room(MEMORY_LIMIT)


class UndecodableError(CourseError):
    """A picture that is not decoded; the message is the cause alone, to which `in_words` adds the name and the `advice`."""

    def __init__(self, cause: str, advice: str) -> None:
        super().__init__(cause)
        self.advice = advice


@contextlib.contextmanager
def in_words(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn whatever opening or decoding a picture's file raises into an ImageError that names it."""
    try:
        yield
    except UndecodableError as error:
        raise ImageError(path, str(error), error.advice) from error
    except CourseError:
        raise
    except Exception as error:  # a damaged file makes decoders fail in every way there is
        raise ImageError(path, *cause_and_advice(path, error)) from error


def cause_and_advice(path: str | os.PathLike[str], error: Exception) -> tuple[str, str]:
    """Why a picture could not be decoded, and what to do about it."""
    name = os.fspath(path)
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"is too large: {error}", SMALLER
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        if re.match("[a-z]+:/+[^/]", name):
            return "is an address, not the path of a file", "Download it first"
        return "does not exist", CHECK
    if isinstance(error, UnidentifiedImageError):
        with contextlib.suppress(OSError):  # it may have been removed in the meantime
            if not os.path.getsize(path):
                return "is empty (0 bytes)", FETCH
        kinds = "of a kind that Pillow reads and is safe to open (JPEG, PNG, WebP, GIF, TIFF and others)"
        return f"is not an image, or not {kinds}", FETCH if has_picture_suffix(name) else "Save it as one of these"
    if isinstance(error, MemoryError) or "allocate memory" in str(error):
        return "takes more memory to decode than this computer has left", SMALLER
    if isinstance(error, PermissionError):
        return "cannot be opened: you may not read it", "Ask its owner for the right to"
    if isinstance(error, OSError) and error.errno is not None:  # the system, not a decoder, says no
        return f"cannot be opened ({error.strerror})", CHECK
    if isinstance(error, ValueError) and "null" in str(error):
        return "cannot be opened: no file can have this name", CHECK
    return f"cannot be decoded, so it is damaged or cut short ({error or type(error).__name__})", FETCH


# -- memory --------------------------------------------------------------------------------------------------------------


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
    sixteen = not is_deep(image) and any(";16" in str(tile) for tile in getattr(image, "tile", ()))
    with _room.taken(needed):
        image.load()
        if sixteen:
            _say_if_nearly_black(image)
        yield


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


# -- pixels --------------------------------------------------------------------------------------------------------------


def to_pixels(image: Image.Image, short_side: int | None = None) -> NDArray[np.uint8]:
    """Turn a Pillow image into pixels (height, width, 3) as `read_image` does.

    >>> to_pixels(Image.new("L", (400, 300), 7), short_side=30).shape
    (30, 40, 3)
    """
    if short_side is not None:
        return np.array(resized(image, short_side).convert("RGB"))
    with loaded(image, more=3 * image.width * image.height):
        turn, pixels = _turn(image), _in_strips(image, (0, 0, *image.size), 1)
    return pixels if turn is None else np.ascontiguousarray(TURNED[turn](pixels))


def resized(image: Image.Image, short_side: int) -> Image.Image:
    """Resize a Pillow image as `read_image` does; the result is RGB or RGBX: RGB with a fourth byte that says nothing.

    >>> resized(Image.new("L", (400, 300), 7), short_side=30).size
    (40, 30)
    """
    pixels_at_once = STRIP if image.width * image.height > LARGE else image.width * image.height
    with loaded(image, more=20 * pixels_at_once + 3 * image.width * image.height // _factor(image, short_side) ** 2):
        turn, pixels = _turn(image), _resize(_lent(image, short_side), short_side).contiguous()
    height, width, channels = pixels.shape
    mode = "RGBX" if channels == 4 else "RGB"
    smaller = Image.frombuffer(mode, (width, height), pixels.numpy(), "raw", mode, 0, 1)
    return smaller if turn is None else smaller.transpose(turn)


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
    with contextlib.suppress(Exception):  # as in `_turn`
        if UPRIGHT.get(image.getexif().get(ExifTag.Orientation, 1)) in SIDEWAYS:
            return height, width
    return width, height


def _text_after_the_pixels(image: Image.Image) -> bool:
    """Whether a PNG goes on behind its pixels, where an orientation may stand."""
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


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What makes a picture upright, once it is decoded."""
    with contextlib.suppress(Exception):  # a picture whose EXIF data are broken is a picture all the same
        return UPRIGHT.get(image.getexif().get(ExifTag.Orientation, 1))
    return None


def to_rgb(image: Image.Image, greys: Greys | None = None) -> NDArray[np.uint8]:
    """Convert any Pillow image to RGB pixels (height, width, 3).

    - What is transparent shows white behind it, as on a page.
    - Grey of more than 8 bits is scaled by what it holds, see `grey.greys_of`. Colours of 16 bits lose the lower 8.
    - CMYK is converted without a colour profile. The chips of the Planet competition are four-channel JPEGs (red, green, blue
      and an opacity of 255) that Pillow takes for inverted CMYK; the conversion inverts them back, to exactly their RGB.
    """
    if is_deep(image):
        return np.repeat((greys or greys_of(image, [image])).bytes(image)[:, :, None], 3, axis=2)
    if image.mode == "La":  # which Pillow converts to nothing but LA
        image = image.convert("LA")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _lent(image: Image.Image, short_side: int) -> Tensor:
    """The pixels of an image (height, width, 3), most often (height, width, 4) where Pillow keeps them, without a copy.

    Of a large one its middle, at most three times as long as it is wide, made smaller by a whole factor on the way: to no less
    than three times `short_side`, from which the rest of the way looks the same.
    """
    width, height = image.size
    short = min(width, height)
    if width * height > LARGE:
        long = MAX_ASPECT * short
        left, top = max(0, width - long) // 2, max(0, height - long) // 2
        box = (left, top, left + min(width, long), top + min(height, long))
        return torch.from_numpy(_in_strips(image, box, _factor(image, short_side)))
    if image.mode == "RGB" and not image.has_transparency_data:
        with contextlib.suppress(ValueError):  # an image of some megabytes lies in several pieces of memory
            return torch.from_dlpack(pa.array(image).flatten()).view(height, width, 4)
    return torch.from_numpy(to_rgb(image))


def _factor(image: Image.Image, short_side: int) -> int:
    return max(1, min(image.size) // (3 * short_side))


def _in_strips(image: Image.Image, box: tuple[int, int, int, int], factor: int) -> NDArray[np.uint8]:
    """Convert a part of an image to RGB, a few rows at a time, each made smaller by `factor`.

    All at once, what lies between a grey of 16 bits and its RGB takes fifteen times the memory of the image.
    """
    left, top, right, bottom = box
    height, width = -(-(bottom - top) // factor), -(-(right - left) // factor)
    rows = factor * max(1, STRIP // (factor * max(1, right - left)))

    def strips() -> Iterator[Image.Image]:
        for start in range(top, bottom, rows):
            yield image.crop((left, start, right, min(start + rows, bottom)))

    greys = greys_of(image, strips()) if is_deep(image) else None
    pixels, filled = np.empty((height, width, 3), np.uint8), 0
    for strip in strips():
        part = to_rgb(strip, greys)
        if factor > 1:
            part = np.asarray(Image.fromarray(part).reduce(factor))
        pixels[filled : filled + len(part)] = part
        filled += len(part)
    return pixels


def _resize(pixels: Tensor, short_side: int) -> Tensor:
    """Resize (height, width, channels) to a shorter side of `short_side`, a longer of at most three times that."""
    height, width, _ = pixels.shape
    short = min(height, width)
    if max(height, width) > MAX_ASPECT * short:
        top, left = max(0, height - MAX_ASPECT * short) // 2, max(0, width - MAX_ASPECT * short) // 2
        pixels = pixels[top : top + MAX_ASPECT * short, left : left + MAX_ASPECT * short]
        height, width, _ = pixels.shape
    if short == short_side:
        return pixels
    new_size = round(height * short_side / short), round(width * short_side / short)
    batch = pixels[None].permute(0, 3, 1, 2)  # channels last: the fast layout for bytes
    return F.interpolate(batch, new_size, mode="bilinear", antialias=True)[0].permute(1, 2, 0)
