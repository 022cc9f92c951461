"""A picture in any of the ways in which one is given: a file or its bytes, a Pillow image, an array or a tensor."""

import os
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.masked import refuse_masked
from course_utils.training.arguments import whole
from course_utils.vision.decoding.errors import ImageError, UndecodableError, cause_and_advice
from course_utils.vision.decoding.pixels import to_pixels
from course_utils.vision.images import read_image
from course_utils.vision.pixel_values import as_bytes, said_of_dark, scale_of

Picture = Image.Image | NDArray[Any] | Tensor | str | os.PathLike[str] | bytes

CHANNELS = (1, 3, 4)  # grey; red, green and blue; these and opacity
WANTED_SHAPE = "give (height, width, 3), red, green and blue, or (height, width) of grey"
AGAIN = "Open it again from a whole file"


def pixels_of(picture: Picture, short_side: int | None = None, scale: float | None = None) -> NDArray[np.uint8]:
    """RGB pixels (height, width, 3) of a picture; see `images.read_image`, and `as_image`, also for the `scale` of an array.

    Raises ImageError for a file or Pillow image that cannot be decoded, CourseError for an array that is not a picture.

    >>> pixels_of(np.zeros((30, 40), np.uint8), short_side=60).shape
    (60, 80, 3)
    """
    image = as_image(picture, scale)
    if not isinstance(image, Image.Image):
        return read_image(image, short_side)
    if short_side is not None:
        short_side = whole("short_side", short_side, of=", in pixels")
    called = _called(image)
    try:
        _still_open(image)
        return to_pixels(image, short_side)
    except UndecodableError as error:
        raise ImageError(called, str(error), error.advice) from error
    except Exception as error:
        raise ImageError(called, cause_and_advice(called, error)[0], AGAIN) from error


def _called(image: Image.Image) -> str:
    name = os.fsdecode(getattr(image, "filename", "") or "")
    return name or f"the picture, a Pillow image ({image.format or image.mode}, {image.width} x {image.height} pixels),"


def _still_open(image: Image.Image) -> None:
    if getattr(image, "_im", image) is None and getattr(image, "fp", image) is None:
        raise UndecodableError("was closed before its pixels were read", AGAIN)


def as_image(picture: Picture, scale: float | None = None) -> Image.Image | str | os.PathLike[str] | bytes:
    """Make a Pillow image of an array or tensor; images, names of files and the bytes of one stay what they are.

    An array is (height, width, channels), (height, width) for grey, or (channels, height, width) as PyTorch has it where only
    that can be meant, with 1, 3 or 4 channels (grey; red, green and blue; and how opaque). Its numbers are bytes from 0 to
    255, floats from 0 to 1 or from 0 to 255, or True and False: `pixel_values.scale_of` finds the `scale` of floats, by this
    picture alone where none is given that holds for several.

    Raises CourseError for everything else: a mini-batch, numbers on another scale or normalised, NaN, shapes that may be read
    in two ways.

    >>> as_image(np.ones((3, 20, 30))).size
    (30, 20)
    """
    if isinstance(picture, Tensor):
        picture = as_array(picture)
    if isinstance(picture, np.ndarray):
        refuse_masked("the picture", picture)
        array = _channels_last(picture)
        pixels = as_bytes(array, scale_of([array], "the picture") if scale is None else scale, "the pictures")
        return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else np.ascontiguousarray(pixels))
    if isinstance(picture, bytearray | memoryview):
        picture = bytes(picture)
    if not isinstance(picture, Image.Image | str | os.PathLike | bytes):
        opened = " (file.read() of an open file)" if hasattr(picture, "read") else ""
        raise CourseError(
            f"the picture is of type {type(picture).__name__}; give the path of a file, its bytes{opened}, a Pillow image, or "
            "an array (height, width, 3) of uint8"
        )
    return picture


def _channels_last(array: NDArray[Any]) -> NDArray[Any]:
    given = f"the picture is an array of shape {array.shape}, {array.dtype}"
    if array.ndim == 4:
        raise CourseError(f"{given}, a mini-batch; give one of its pictures, such as x[0]")
    if array.ndim == 2 and array.size:
        return array[:, :, None]
    if array.ndim != 3 or not array.size:
        raise CourseError(f"{given}; {WANTED_SHAPE}")
    first, last = array.shape[0] in CHANNELS, array.shape[2] in CHANNELS
    if first and last:
        raise CourseError(f"{given}, so channels may come first or last; {WANTED_SHAPE}")
    if not (first or last):
        raise CourseError(f"{given}; {WANTED_SHAPE}")
    return array if last else array.transpose(1, 2, 0)


def as_array(tensor: Tensor) -> NDArray[Any]:
    """A tensor of any kind (on a GPU, sparse, of 16 bits) as an array."""
    tensor = tensor.detach().cpu()
    tensor = tensor.to_dense() if tensor.layout != torch.strided else tensor
    array: NDArray[Any] = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    return array


def several(given: Any) -> list[Any] | Any:
    """Several pictures that are given in one thing, to go over one by one; raises CourseError for what has no order."""
    if hasattr(given, "read"):
        as_image(given)  # raises: one picture is meant
    if isinstance(given, set | frozenset | Mapping) or hasattr(given, "columns"):
        raise CourseError(
            f"the pictures are of type {type(given).__name__}; give a list of paths, Pillow images or arrays, such as "
            "sorted(Path(...).glob('*.jpg')), or one picture"
        )
    return given.to_pylist() if hasattr(given, "to_pylist") else given


def scale_of_all(given: Any) -> float | None:
    """The scale of all arrays in a list, or of an array of pictures; None for an iterable, whose pictures come one by one.

    A warning says where all are nearly black, so that their numbers most likely are on another scale.
    """
    if not isinstance(given, list | tuple | np.ndarray | Tensor):
        return None
    parts = given if isinstance(given, list | tuple) else [given]
    arrays = [as_array(one) if isinstance(one, Tensor) else one for one in parts if isinstance(one, np.ndarray | Tensor)]
    bytes_alone = bool(arrays) and all(array.dtype == np.uint8 and array.size for array in arrays)
    if bytes_alone and (dark := said_of_dark(max(int(array.max()) for array in arrays))):
        warnings.warn(dark, stacklevel=2)
    return scale_of(arrays, "the picture" if parts is given and len(parts) == 1 else "the pictures")


def is_one(given: Any) -> bool:
    """Whether what was given is one picture rather than several; raises CourseError where an array may be either.

    The rule for arrays and tensors is that of `ImageData.from_arrays`, where a third dimension without colours counts pictures:

    - (height, width) is one grey picture, (height, width, channels) one with 1, 3 or 4 channels;
    - (N, height, width) are N grey pictures, and four dimensions are several with channels;
    - (1, 3 or 4, height, width) may be one picture whose channels come first, or that many grey ones, and is refused.

    >>> is_one(np.zeros((28, 28, 3))), is_one(np.zeros((20, 28, 28))), is_one([np.zeros((3, 28, 28))])
    (True, False, False)
    """
    if not isinstance(given, np.ndarray | Tensor):
        return isinstance(given, str | bytes | bytearray | memoryview | os.PathLike | Image.Image)
    if isinstance(given, np.ndarray) and given.ndim == 1 and given.dtype.kind in "OU":
        return False  # paths
    shape = tuple(given.shape)
    if len(shape) not in (2, 3, 4) or (len(shape) == 3 and shape[2] == 2):
        raise CourseError(f"the picture is an array of shape {shape}; {WANTED_SHAPE}")
    if len(shape) != 3 or not all(shape) or shape[2] in CHANNELS:
        return len(shape) != 4
    if shape[0] in CHANNELS:
        grey = "1 grey picture" if shape[0] == 1 else f"{shape[0]} grey pictures"
        raise CourseError(
            f"the array has the shape {shape}, which may be one picture whose channels come first, or {grey}; give [x] for the "
            "one, or list(x) for the grey ones"
        )
    return False
