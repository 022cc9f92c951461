"""A picture in any of the ways in which one is given: a file, a Pillow image, an array or a tensor."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.training.arguments import whole
from course_utils.vision.images import ImageError, UndecodableError, cause_and_advice, read_image, to_pixels

Picture = Image.Image | NDArray[Any] | Tensor | str | os.PathLike[str]

CHANNELS = (1, 3, 4)  # grey; red, green and blue; these and opacity
WANTED = "give (height, width, 3) of uint8, red, green and blue from 0 to 255, or fractions from 0 to 1"
AGAIN = "Open it again, or give the path of a whole file"


def pixels_of(picture: Picture, short_side: int | None = None) -> NDArray[np.uint8]:
    """RGB pixels (height, width, 3) of a picture; see `images.read_image` and `as_image`.

    Raises ImageError for a file or Pillow image that cannot be decoded, CourseError for an array that is not a picture.

    >>> pixels_of(np.zeros((30, 40), np.uint8), short_side=60).shape
    (60, 80, 3)
    """
    image = as_image(picture)
    if not isinstance(image, Image.Image):
        return read_image(image, short_side)
    if short_side is not None:
        short_side = whole("short_side", short_side, of=", in pixels")
    called = _called(image)
    try:
        _still_open(image)
        return to_pixels(image, short_side)
    except UndecodableError as error:
        raise ImageError(called, str(error), error.advice, in_data=False) from error
    except Exception as error:
        raise ImageError(called, cause_and_advice(called, error)[0], AGAIN, in_data=False) from error


def _called(image: Image.Image) -> str:
    name = os.fsdecode(getattr(image, "filename", "") or "")
    return name or f"the picture, a Pillow image ({image.format or image.mode}, {image.width} x {image.height} pixels),"


def _still_open(image: Image.Image) -> None:
    if getattr(image, "_im", image) is None and getattr(image, "fp", image) is None:
        raise UndecodableError("was closed before its pixels were read", AGAIN)


def as_image(picture: Picture) -> Image.Image | str | os.PathLike[str]:
    """Make a Pillow image of an array or tensor; images and names of files stay what they are.

    An array is (height, width, channels), (height, width) for grey, or (channels, height, width) as PyTorch has it where only
    that can be meant, with 1, 3 or 4 channels (grey; red, green and blue; and how opaque). Its numbers are whole and from 0 to
    255, or fractions from 0 to 1, or True and False.

    Raises CourseError for everything else: a mini-batch, numbers on another scale or normalised, NaN, shapes that may be read
    in two ways.

    >>> as_image(np.ones((3, 20, 30))).size
    (30, 20)
    """
    if isinstance(picture, Tensor):
        picture = as_array(picture)
    if isinstance(picture, np.ndarray):
        pixels = _as_bytes(_channels_last(picture))
        return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else np.ascontiguousarray(pixels))
    if not isinstance(picture, Image.Image | str | os.PathLike):
        raise CourseError(
            f"the picture is of type {type(picture).__name__}; give the path of a file, a Pillow image, or an array (height, "
            "width, 3) of uint8"
        )
    return picture


def _channels_last(array: NDArray[Any]) -> NDArray[Any]:
    given = f"the picture is an array of shape {array.shape}, {array.dtype}"
    if array.ndim == 4:
        raise CourseError(f"{given}, a mini-batch; give one of its pictures, such as x[0]")
    if array.ndim == 2 and array.size:
        return array[:, :, None]
    if array.ndim != 3 or not array.size:
        raise CourseError(f"{given}; {WANTED}")
    first, last = array.shape[0] in CHANNELS, array.shape[2] in CHANNELS
    if first and last:
        raise CourseError(f"{given}, so channels may come first or last; {WANTED}")
    if not (first or last):
        raise CourseError(f"{given}; {WANTED}")
    return array if last else array.transpose(1, 2, 0)


def as_array(tensor: Tensor) -> NDArray[Any]:
    """A tensor of any kind (on a GPU, sparse, of 16 bits) as an array."""
    tensor = tensor.detach().cpu()
    tensor = tensor.to_dense() if tensor.layout != torch.strided else tensor
    array: NDArray[Any] = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    return array


def several(given: Any) -> list[Any] | Any:
    """Several pictures that are given in one thing, to go over one by one; raises CourseError for what has no order."""
    if isinstance(given, set | frozenset | Mapping) or hasattr(given, "read") or (hasattr(given, "columns")):
        raise CourseError(
            f"the pictures are of type {type(given).__name__}; give a list of paths, Pillow images or arrays, such as "
            "sorted(Path(...).glob('*.jpg')), or one picture"
        )
    return given.to_pylist() if hasattr(given, "to_pylist") else given


def is_one(given: Any) -> bool:
    """Whether what was given is one picture rather than several; raises CourseError where an array may be either.

    The rule for arrays and tensors is that of `ImageData.from_arrays`, where a third dimension without colours counts pictures:

    - (height, width) is one grey picture, (height, width, channels) one with 1, 3 or 4 channels;
    - (N, height, width) are N grey pictures, and four dimensions are several with channels;
    - (1, 3 or 4, height, width) may be one picture whose channels come first, or so many grey ones, and is refused.

    >>> is_one(np.zeros((28, 28, 3))), is_one(np.zeros((20, 28, 28))), is_one([np.zeros((3, 28, 28))])
    (True, False, False)
    """
    if not isinstance(given, np.ndarray | Tensor):
        return isinstance(given, str | bytes | os.PathLike | Image.Image)
    if isinstance(given, np.ndarray) and given.ndim == 1 and given.dtype.kind in "OU":
        return False  # paths
    shape = tuple(given.shape)
    if len(shape) != 3 or not all(shape) or shape[2] in CHANNELS:
        return len(shape) != 4
    if shape[0] in CHANNELS:
        grey = "1 grey picture" if shape[0] == 1 else f"{shape[0]} grey pictures"
        raise CourseError(
            f"the array has the shape {shape}, which may be one picture whose channels come first, or {grey}; give [x] for the "
            "one, or list(x) for the grey ones"
        )
    return False


def _as_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    given = f"the picture is an array of {array.dtype}"
    if array.dtype.kind == "b":
        return array.astype(np.uint8) * 255
    if array.dtype.kind not in "iuf":
        raise CourseError(f"{given}; {WANTED}")
    if not np.isfinite(array).all():
        raise CourseError(f"{given} that holds NaN or infinite values; {WANTED}")
    low, high = array.min(), array.max()
    if array.dtype.kind == "f" and low >= 0 and high <= 1:
        return np.asarray((array * 255).round().astype(np.uint8))
    if array.dtype.kind in "iu" and low >= 0 and high <= 255:
        return array.astype(np.uint8)
    hint = "; transforms.denormalise(x) undoes a normalisation" if low < 0 else ""
    raise CourseError(f"{given} with values from {low:.6g} to {high:.6g}; {WANTED}{hint}")
