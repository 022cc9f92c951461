"""Pictures that are in memory already: arrays, tensors and Pillow images, with their labels."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.files import as_path
from course_utils.masked import refuse_masked
from course_utils.names import counted
from course_utils.training.tasks import LabelTask
from course_utils.vision.labels import check_task
from course_utils.vision.labels.given import targets_of
from course_utils.vision.pictures import CHANNELS
from course_utils.vision.pixel_values import as_bytes, said_of_dark, scale_of
from course_utils.vision.sources.labelled import Labelled
from course_utils.vision.stores import Picture
from course_utils.work import place_of


def from_arrays(
    train: Any,
    valid: Any,
    test: Any,
    classes: Iterable[Any] | None,
    task: LabelTask | None,
    path: str | os.PathLike[str] | None,
) -> tuple[Path, Labelled]:
    """The pictures and labels in arrays, and the folder that what is made from them goes to; see `ImageData.from_arrays`."""
    check_task(task)
    pairs = {"train": _pair("train", train), "valid": _pair("valid", valid)}
    given = {split: x for split, (x, _) in pairs.items()} | ({} if test is None else {"test": test})
    if isinstance(test, tuple) and len(test) == 2 and not isinstance(test[0], Image.Image) and np.ndim(test[0]) > 2:
        raise CourseError("test is a pair (x, y); a test set has no labels, so give its pictures alone: test=x")
    scales = _scale(given)
    pictures = {split: _pictures(split, x, scales) for split, x in given.items()}
    names = {split: [f"{split}/{i}" for i in range(len(found))] for split, found in pictures.items()}
    targets, class_names = targets_of({split: y for split, (_, y) in pairs.items()}, classes, task)
    for split, y in targets.items():
        if len(y) != len(pictures[split]):
            raise CourseError(
                f"{split} has {counted(len(pictures[split]), 'picture')} and {counted(len(y), 'label')}; give one for each"
            )
    labelled = Labelled(names, targets, class_names)
    every = [picture for found in pictures.values() for picture in found]
    brightest = max((int(one.max()) for one in every if isinstance(one, np.ndarray)), default=255)
    if dark := said_of_dark(brightest):
        labelled.notices.append(dark)
    labelled.advice = "Put pictures of each class into train"
    labelled.pictures = dict(zip((name for split in names.values() for name in split), every, strict=True))
    return _place(every, labelled) if path is None else as_path("path", path, "a folder"), labelled


def _place(pictures: Sequence[Picture], labelled: Labelled) -> Path:
    """The folder below the work folder for what is made from pictures without one, named after all of them and their labels."""
    targets = torch.cat([labelled.targets["train"], labelled.targets["valid"]])
    digests = sorted(_digest(picture, target) for picture, target in zip(pictures, targets.tolist(), strict=False))
    whole = hashlib.blake2b(repr(labelled.classes).encode("utf-8", "surrogatepass"), digest_size=3)
    for digest in digests:
        whole.update(digest)
    return place_of(f"arrays-{whole.hexdigest()}")


def _digest(picture: Picture, target: Any) -> bytes:
    """What stands for a picture with its label; of one in a file, its name and size, which cost no decoding."""
    digest = hashlib.blake2b(repr(target).encode(), digest_size=8)
    if isinstance(picture, Image.Image):
        name = getattr(picture, "filename", "")
        digest.update(f"{picture.mode} {picture.size} {name!r}".encode("utf-8", "surrogatepass"))
        if not hasattr(picture, "fp"):  # made in memory
            digest.update(picture.tobytes())
    else:
        digest.update(repr(picture.shape).encode())
        digest.update(np.ascontiguousarray(picture).data)
    return digest.digest()


# -- pictures ------------------------------------------------------------------------------------------------------------


def _pair(name: str, given: Any) -> tuple[Any, Any]:
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise CourseError(f"{name} is of type {type(given).__name__}; give a pair (x, y) of pictures and their labels")
    return given[0], given[1]


def _whole_array(x: Any) -> NDArray | None:
    """Several pictures in one array or tensor."""
    if isinstance(x, Tensor):
        x = x.detach().cpu()
        return (x.float() if x.dtype == torch.bfloat16 else x).numpy()
    return x if isinstance(x, np.ndarray) and x.dtype != object else None


def _arrays(x: Any) -> list[NDArray]:
    whole = _whole_array(x)
    if whole is not None:
        return [whole]
    return [array for one in x if not isinstance(one, Image.Image) and (array := _whole_array(one)) is not None]


def _scale(given: dict[str, Any]) -> float:
    """The scale of floats, one for all sets, which mean the same by the same number."""
    for split, x in given.items():
        refuse_masked(split, x)
        if isinstance(x, str | bytes | dict) or not hasattr(x, "__len__"):
            raise CourseError(f"the pictures of {split} are of type {type(x).__name__}; give an array or a list")
        if (whole := _whole_array(x)) is not None and (whole.ndim not in (3, 4) or 0 in whole.shape[1:]):
            raise CourseError(
                f"the pictures of {split} have the shape {whole.shape}; give (N, height, width, 3), (N, 3, height, width) or "
                "(N, height, width) of grey"
            )
    return scale_of([array for x in given.values() for array in _arrays(x)], "the pictures")


def _pictures(split: str, x: Any, scale: float) -> list[Picture]:
    whole = _whole_array(x)
    if whole is None:
        found = [_one(f"{split}/{i}", one, scale) for i, one in enumerate(x)]
    else:
        channels_first = isinstance(x, Tensor)
        found = list[Picture](as_bytes(_channels_last(split, whole, 4, channels_first), scale, f"the pictures of {split}"))
    if not found:
        raise CourseError(f"{split} has no pictures")
    return found


def _one(name: str, one: Any, scale: float) -> Picture:
    if isinstance(one, Image.Image):
        return one
    array = _whole_array(one)
    if array is None or array.ndim not in (2, 3) or 0 in array.shape:
        shape = f"an array of shape {array.shape}" if array is not None else f"of type {type(one).__name__}"
        raise CourseError(f"the picture {name} is {shape}; give (height, width, 3), (height, width) of grey, or a Pillow image")
    return as_bytes(_channels_last(name, array, 3, isinstance(one, Tensor)), scale, f"the pictures of {name}")


def _channels_last(name: str, array: NDArray, ndim: int, first: bool) -> NDArray:
    """(..., height, width, channels), of grey (..., height, width); PyTorch's tensors have the channels first."""
    if array.ndim < ndim:
        return array
    places = [axis for axis in ((ndim - 3, -1) if first else (-1, ndim - 3)) if array.shape[axis] in CHANNELS]
    if not places:
        raise CourseError(
            f"the pictures of {name} have the shape {array.shape}; one of its ends must be the channels: 3 (red, green, blue), "
            "1 (grey) or 4 (with opacity)"
        )
    array = np.moveaxis(array, places[0], -1)
    return array[..., 0] if array.shape[-1] == 1 else array
