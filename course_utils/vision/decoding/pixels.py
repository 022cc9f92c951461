"""From an open picture of any kind to 8-bit RGB pixels, upright and of the size that is asked for."""

import contextlib
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from course_utils.vision.decoding.errors import UndecodableError
from course_utils.vision.decoding.grey import Greys, greys_of, is_deep
from course_utils.vision.decoding.memory import loaded
from course_utils.vision.decoding.orientation import TURNED, turn_of
from course_utils.vision.decoding.profiles import has_other_colours, in_srgb

PIXEL_LIMIT = 89_000_000  # some 9,400 x 9,400; a small file can claim to be far larger and fill the memory when decoded
LARGE = 2**24  # pixels; larger pictures are converted a few rows at a time
STRIP = 2**22  # pixels at a time
MAX_ASPECT = 3  # the longer side kept, in shorter sides


def to_pixels(image: Image.Image, short_side: int | None = None) -> NDArray[np.uint8]:
    """Turn a Pillow image into pixels (height, width, 3) as `read_image` does.

    >>> to_pixels(Image.new("L", (400, 300), 7), short_side=30).shape
    (30, 40, 3)
    """
    if short_side is not None:
        return np.array(resized(image, short_side).convert("RGB"))
    with loaded(image, more=3 * image.width * image.height):
        turn, pixels = turn_of(image), _in_strips(image, (0, 0, *image.size), 1)
    return pixels if turn is None else np.ascontiguousarray(TURNED[turn](pixels))


def resized(image: Image.Image, short_side: int) -> Image.Image:
    """Resize a Pillow image as `read_image` does; the result is RGB or RGBX: RGB with a fourth byte that says nothing.

    >>> resized(Image.new("L", (400, 300), 7), short_side=30).size
    (40, 30)
    """
    pixels_at_once = STRIP if image.width * image.height > LARGE else image.width * image.height
    with loaded(image, more=20 * pixels_at_once + 3 * image.width * image.height // _factor(image, short_side) ** 2):
        turn, pixels = turn_of(image), _resize(_lent(image, short_side), short_side).contiguous()
    height, width, channels = pixels.shape
    mode = "RGBX" if channels == 4 else "RGB"
    smaller = Image.frombuffer(mode, (width, height), pixels.numpy(), "raw", mode, 0, 1)
    return smaller if turn is None else smaller.transpose(turn)


def to_rgb(image: Image.Image, greys: Greys | None = None) -> NDArray[np.uint8]:
    """Convert any Pillow image to RGB pixels (height, width, 3).

    - What is transparent shows white behind it, as on a page.
    - Grey of more than 8 bits is scaled by what it holds, see `grey.greys_of`. Colours of 16 bits lose the lower 8.
    - Colours with a profile become sRGB, as in a browser (see `profiles`).
    - CMYK without one is inverted. The chips of the Planet competition are four-channel JPEGs (red, green, blue and an opacity
      of 255) that Pillow takes for inverted CMYK; the conversion inverts them back, to exactly their RGB.
    """
    if is_deep(image):
        return np.repeat((greys or greys_of(image, [image])).bytes(image)[:, :, None], 3, axis=2)
    if image.mode == "La":  # which Pillow converts to nothing but LA
        image = image.convert("LA")
    image = in_srgb(image)
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
    if image.mode == "RGB" and not image.has_transparency_data and not has_other_colours(image):
        with contextlib.suppress(ValueError):  # an image of several megabytes is in several pieces of memory
            return torch.from_dlpack(pa.array(image).flatten()).view(height, width, 4)
    return torch.from_numpy(to_rgb(image))


def _factor(image: Image.Image, short_side: int) -> int:
    return max(1, min(image.size) // (3 * short_side))


def _in_strips(image: Image.Image, box: tuple[int, int, int, int], factor: int) -> NDArray[np.uint8]:
    """Convert a part of an image to RGB, a few rows at a time, each made smaller by `factor`.

    All at once, the steps from a grey of 16 bits to its RGB take fifteen times the memory of the image.
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
    if new_size[0] * new_size[1] > PIXEL_LIMIT:
        raise UndecodableError(
            f"would have {new_size[1]:,} x {new_size[0]:,} pixels with a shorter side of {short_side:,}, more than the limit "
            f"of {PIXEL_LIMIT:,}",
            "Ask for a smaller one",
        )
    batch = pixels[None].permute(0, 3, 1, 2)  # channels last: the fast layout for bytes
    return F.interpolate(batch, new_size, mode="bilinear", antialias=True)[0].permute(1, 2, 0)
