"""A picture given as an array, a tensor or a Pillow image: taken where only one thing can be meant, else refused in words."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils.errors import CourseError
from course_utils.vision import ImageError, show_symmetries, transforms_for
from course_utils.vision.pictures import pixels_of

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
GREY = RGB[:, :, 0]
MASK = GREY > 100


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (RGB, RGB),
        (RGB.transpose(2, 0, 1), RGB),
        (torch.from_numpy(RGB).permute(2, 0, 1), RGB),
        (torch.from_numpy(RGB), RGB),
        (RGB / 255, RGB),
        ((RGB / 255).astype(np.float32), RGB),
        (torch.from_numpy(RGB).permute(2, 0, 1).float() / 255, RGB),
        (RGB.astype(np.int64), RGB),
        (RGB.astype(np.float32), RGB),
        (RGB.astype(np.float16), RGB),
        (RGB / 255 * 1.0001 - 1e-6, RGB),  # as an interpolation leaves it
        (RGB * 0.0, RGB * 0),
        (RGB[::-1, ::2], RGB[::-1, ::2]),  # not in one piece of memory
        (GREY, np.dstack([GREY] * 3)),
        (GREY[:, :, None], np.dstack([GREY] * 3)),
        (GREY[None], np.dstack([GREY] * 3)),
        (MASK, np.dstack([MASK * np.uint8(255)] * 3)),
        (np.dstack([RGB, np.full_like(GREY, 255)]), RGB),
        (np.dstack([RGB, np.zeros_like(GREY)]), np.full_like(RGB, 255)),  # all of it transparent
    ],
)
def test_arrays_that_can_mean_one_picture(given: np.ndarray | torch.Tensor, expected: np.ndarray) -> None:
    assert np.array_equal(pixels_of(given), expected)


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        (torch.zeros(1, 3, 20, 30), r"\(1, 3, 20, 30\).*a mini-batch; give one of its pictures"),
        (torch.randn(3, 20, 30), r"run from -.*\(float32\).*denormalise\(x\)\.$"),
        (RGB * 2.0, r"run from 0 to 510 \(float64\).*Where 1023 is white, give x / 1023"),
        (RGB.astype(np.uint16) * 16, r"run from 0 to 4080 \(uint16\).*Where 4095 is white"),
        (RGB // 16 * 1.0, r"run from 0 to 15 .*Where 15 is white, give x / 15; where 255 is, give them as uint8\."),
        (RGB.astype(int) // 16, r"run from 0 to 15 \(int64\)"),
        (RGB / 127.5 - 1, r"denormalise\(x\), or \(x \+ 1\) / 2 where -1 is black"),
        (np.full((20, 30, 3), np.nan), "NaN"),
        (np.zeros((20, 30, 2), np.uint8), r"\(20, 30, 2\)"),
        (np.zeros((3, 30, 3), np.uint8), "first or last"),
        (np.zeros((0, 30, 3), np.uint8), r"\(0, 30, 3\)"),
        (np.zeros(5), r"\(5,\)"),
        (np.array([["a", "b"]]), "values of type <U1"),
        (RGB.astype(complex), "complex"),
        (17, "of type int"),
        (None, "of type NoneType"),
        (b"bytes", "5 bytes of a file, is not an image"),
    ],
)
def test_what_is_no_picture_is_refused(given: object, cause: str) -> None:
    with pytest.raises(CourseError, match=cause):
        transforms_for(None, 16).one(given)  # type: ignore[arg-type]


def upload() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.tile(RGB, (8, 8, 1))).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize("call", [transforms_for(None, 16).one, show_symmetries], ids=["one", "symmetries"])
def test_a_damaged_or_closed_image(call) -> None:
    part = Image.open(io.BytesIO(upload()[:3000]))
    with pytest.raises(ImageError, match=r"a Pillow image \(JPEG, 240 x 160 pixels\), cannot be decoded.*[Tt]runcated"):
        call(part)
    closed = Image.open(io.BytesIO(upload()))
    closed.close()
    with pytest.raises(ImageError, match=r"closed.*Open it again from a whole file, or give another picture\.$"):
        call(closed)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "La", "P", "PA", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "I;16B"]
)
def test_every_mode_of_pillow(mode: str) -> None:
    assert pixels_of(Image.new(mode, (30, 20)), 10).shape == (10, 15, 3)
