"""Reading any picture as 8-bit RGB pixels, or saying clearly why it cannot be read."""

import contextlib
import os
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.ExifTags import Base as ExifTag
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.vision.formats import IMAGE_SUFFIXES as IMAGE_SUFFIXES

PIXEL_LIMIT = 89_000_000  # some 9,400 x 9,400; a small file can claim to be far larger and fill the memory when decoded
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


class ImageError(CourseError):
    """A picture that cannot be read; `path` is the file, the message names it, the cause and the next step."""

    def __init__(self, path: str | os.PathLike[str], cause: str) -> None:
        super().__init__(
            f"{os.fspath(path)} {cause}. Fetch it again or remove it; ImageData(..., damaged='skip') leaves such pictures out."
        )
        self.path, self.cause = path, cause


def read_image(
    path: str | os.PathLike[str], short_side: int | None = None, pixel_limit: int = PIXEL_LIMIT
) -> NDArray[np.uint8]:
    """Read a picture as RGB pixels (height, width, 3), 0 to 255, upright as its EXIF data asks.

    With `short_side` the shorter side becomes that long, small pictures being enlarged, and what is longer than three times its
    width (or wider than three times its height) loses both ends, which bounds the memory that one picture takes.
    See `to_rgb` for what becomes of transparency, CMYK and 16 bits; of an animation the first picture is taken.

    Raises ImageError for a file that is missing, empty, damaged, cut short, no image, or of more than `pixel_limit` pixels.
    """
    with opened(path, pixel_limit) as image:
        if short_side is not None:  # a large JPEG can be decoded at 1/2, 1/4 or 1/8 in a fraction of the time
            image.draft(None, (short_side, short_side))
        return to_pixels(image, short_side)


@contextlib.contextmanager
def opened(path: str | os.PathLike[str], pixel_limit: int = PIXEL_LIMIT) -> Iterator[Image.Image]:
    """Open a picture; what fails, here or in decoding it in the block, becomes an ImageError (see `read_image`)."""
    try:
        with Image.open(path) as image:
            if image.width * image.height > pixel_limit:
                raise ImageError(path, f"has {image.width} x {image.height} pixels, more than the limit of {pixel_limit:,}")
            yield image
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(path, f"is too large: {error}") from error
    except FileNotFoundError as error:
        raise ImageError(path, "does not exist") from error
    except UnidentifiedImageError as error:
        cause = "is not an image, or not of a kind that Pillow reads" if os.path.getsize(path) else "is empty (0 bytes)"
        raise ImageError(path, cause) from error
    except Exception as error:  # a damaged file makes decoders fail in every way there is
        if isinstance(error, OSError) and error.errno is not None:  # the system, not a decoder, says no
            raise ImageError(path, f"cannot be opened ({error.strerror})") from error
        raise ImageError(path, f"cannot be decoded, so it is damaged or cut short ({error or type(error).__name__})") from error


def to_pixels(image: Image.Image, short_side: int | None = None) -> NDArray[np.uint8]:
    """Turn a Pillow image into pixels (height, width, 3) as `read_image` does.

    >>> to_pixels(Image.new("L", (400, 300), 7), short_side=30).shape
    (30, 40, 3)
    """
    if short_side is not None:
        return np.array(resized(image, short_side).convert("RGB"))
    turn, pixels = _turn(image), to_rgb(image)
    return pixels if turn is None else np.array(Image.fromarray(pixels).transpose(turn))


def resized(image: Image.Image, short_side: int) -> Image.Image:
    """Resize a Pillow image as `read_image` does; the result is RGB or RGBX, which is RGB with a fourth byte that says nothing.

    >>> resized(Image.new("L", (400, 300), 7), short_side=30).size
    (40, 30)
    """
    turn, pixels = _turn(image), _resize(_lent(image), short_side).contiguous()
    height, width, channels = pixels.shape
    mode = "RGBX" if channels == 4 else "RGB"
    smaller = Image.frombuffer(mode, (width, height), pixels.numpy(), "raw", mode, 0, 1)
    return smaller if turn is None else smaller.transpose(turn)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What makes a picture upright."""
    image.load()  # before what swallows errors: getexif() may decode too
    with contextlib.suppress(Exception):  # a picture whose EXIF data are broken is a picture all the same
        return UPRIGHT.get(image.getexif().get(ExifTag.Orientation, 1))
    return None


def to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Convert any Pillow image to RGB pixels (height, width, 3).

    - What is transparent shows white behind it, as on a page.
    - 16-bit grey is scaled from 0-65535. Whole numbers outside that range, and fractions outside both 0-1 and 0-255, are
      stretched from the picture's own lowest to its highest value.
    - CMYK is converted without a colour profile. The chips of the Planet competition are four-channel JPEGs (red, green, blue
      and an opacity of 255) that Pillow takes for inverted CMYK; the conversion inverts them back, to exactly their RGB.
    """
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return np.repeat(_to_bytes(np.asarray(image))[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _to_bytes(grey: NDArray) -> NDArray[np.uint8]:
    values = np.nan_to_num(grey.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = values.min(), values.max()
    if np.issubdtype(grey.dtype, np.integer) and low >= 0 and high <= 65535:
        low, high = 0, 65535
    elif np.issubdtype(grey.dtype, np.floating) and low >= 0 and high <= 255:
        low, high = 0, 1 if high <= 1 else 255
    return ((values - low) * (255 / max(high - low, 1e-12))).round().astype(np.uint8)


def _lent(image: Image.Image) -> Tensor:
    """The pixels of an image (height, width, 3), most often (height, width, 4) where Pillow keeps them, without a copy."""
    if image.mode == "RGB" and not image.has_transparency_data:
        with contextlib.suppress(ValueError):  # a large image lies in several pieces of memory
            return torch.from_dlpack(pa.array(image).flatten()).view(image.height, image.width, 4)
    return torch.from_numpy(to_rgb(image))


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
