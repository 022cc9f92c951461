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
from course_utils.names import counted, some_of
from course_utils.training.arguments import shown
from course_utils.training.tasks import LabelTask, Task
from course_utils.vision.disk import composed
from course_utils.vision.labels import check_task, encode
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
    targets, class_names = _targets({split: y for split, (_, y) in pairs.items()}, classes, task)
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
            f"the pictures of {name} have the shape {array.shape}; one of its ends is the channels: 3 (red, green, blue), "
            "1 (grey) or 4 (with opacity)"
        )
    array = np.moveaxis(array, places[0], -1)
    return array[..., 0] if array.shape[-1] == 1 else array


# -- labels --------------------------------------------------------------------------------------------------------------


def _targets(
    labels: dict[str, Any], classes: Iterable[Any] | None, task: LabelTask | None
) -> tuple[dict[str, Tensor], list[str]]:
    """Targets of both sets and the names of the classes, from numbers, names, lists of tags, or zeros and ones (N, classes)."""
    if classes is not None and (isinstance(classes, str | bytes | dict | set | frozenset) or not hasattr(classes, "__iter__")):
        raise CourseError(f"classes is {shown(classes)}; give a list of their names, in the order of the labels' numbers")
    names = (
        None
        if classes is None
        else [_class_name(name) for name in (classes.to_pylist() if hasattr(classes, "to_pylist") else classes)]
    )
    if names is not None and not all(names):
        raise CourseError(f"classes has no name in place {names.index('')} of {len(names)}; give one for each class")
    if names is not None and len(set(names)) < len(names):
        raise CourseError(f"classes has a name twice: {some_of(names, 20)}")
    if names is None:
        names = _headings(labels)
    rows = {split: _rows(split, y) for split, y in labels.items()}
    every = [label for found in rows.values() for label in found]
    if all(isinstance(label, np.ndarray) for label in every):
        tags, names = _zeros_and_ones(rows, names)
    elif any(isinstance(label, np.ndarray) for label in every):
        raise CourseError(
            "the labels of train and valid are of different kinds; give both as numbers, names, or zeros and ones"
        )
    else:
        tags, names = _named(rows, names)
    several = any(len(found) != 1 for row in tags.values() for found in row)
    found_task: Task = task or ("multi-label" if several else "single-label")
    if found_task == "single-label" and several:
        raise CourseError("task is 'single-label', but there are pictures with several labels or none")
    if found_task == "single-label" and len(names) < 2:
        raise CourseError(f"there is one class, {names[0]!r}; add pictures of another to tell it from")
    return {split: encode(found, names, found_task) for split, found in tags.items()}, names


def _headings(labels: dict[str, Any]) -> list[str] | None:
    """The classes that are the headings of frames of zeros and ones, the same in both sets; None where labels are no frames."""
    headings = [[_class_name(name) for name in y.columns] for y in labels.values() if hasattr(y, "columns")]
    if not headings or len(headings[0]) < 2:
        return None
    if any(other != headings[0] for other in headings):
        raise CourseError(
            f"the labels have the columns {some_of(headings[0], 10)} in train and {some_of(headings[1], 10)} in valid; give "
            "the same in one order"
        )
    return headings[0]


def _class_name(name: Any) -> str:
    if hasattr(name, "item"):  # one number of an array or a tensor
        name = name.item()
    if name is None or name != name:
        return ""
    return composed(str(int(name) if isinstance(name, float) and name.is_integer() else name))


def _rows(split: str, y: Any) -> list[Any]:
    """The labels of each picture: a number, a name, a list of names, or an array of zeros and ones."""
    if isinstance(y, Tensor):
        y = y.detach().cpu().numpy()
    if hasattr(y, "to_pylist"):  # Arrow's
        y = y.to_pylist()
    elif hasattr(y, "to_numpy"):
        y = y.to_numpy()
    if isinstance(y, str | bytes | dict) or not hasattr(y, "__len__"):
        raise CourseError(
            f"the labels of {split} are of type {type(y).__name__}; give an array or a list, one for each picture"
        )
    if isinstance(y, np.ndarray) and y.ndim == 2 and y.shape[1] == 1 and y.dtype.kind in "iub":
        y = y[:, 0]
    if isinstance(y, np.ndarray) and y.ndim == 2 and y.dtype != object:
        if not np.isin(y, (0, 1)).all():
            raise CourseError(f"the labels of {split} have the shape {y.shape}; such tags are 0 or 1 for each class")
        return list(y)
    if isinstance(y, np.ndarray) and y.ndim != 1:
        raise CourseError(
            f"the labels of {split} have the shape {y.shape}; give (N,) of classes or (N, classes) of zeros and ones"
        )
    found = []
    for i, label in enumerate(y):
        if isinstance(label, Tensor | np.generic):
            label = label.item()
        if isinstance(label, np.ndarray) and label.dtype.kind == "U":
            label = label.tolist()
        if isinstance(label, float) and label.is_integer():
            label = int(label)
        if isinstance(label, list | tuple | set | frozenset) and all(isinstance(tag, str) and tag.strip() for tag in label):
            label = [composed(tag) for tag in (sorted(label) if isinstance(label, set | frozenset) else label)]
        elif not isinstance(label, str | int) or not str(label).strip():
            raise CourseError(f"label {i} of {split} is {label!r}; give a class's number or name, or a list of names")
        found.append(composed(label) if isinstance(label, str) else label)
    return found


def _zeros_and_ones(rows: dict[str, list[Any]], names: list[str] | None) -> tuple[dict[str, list[list[str]]], list[str]]:
    widths = {len(row) for found in rows.values() for row in found}
    expected = widths if names is None else {len(names)}
    if len(widths | expected) > 1:
        raise CourseError(
            f"the labels have {some_of([str(width) for width in sorted(widths | expected)])} classes; give as many everywhere"
        )
    found_names = names or [str(i) for i in range(widths.pop())]
    return {
        split: [[found_names[i] for i in np.flatnonzero(row)] for row in found] for split, found in rows.items()
    }, found_names


def _named(rows: dict[str, list[Any]], names: list[str] | None) -> tuple[dict[str, list[list[str]]], list[str]]:
    every = [label for found in rows.values() for row in found for label in (row if isinstance(row, list) else [row])]
    numbers = [label for label in every if not isinstance(label, str)]
    if numbers and len(numbers) < len(every):
        raise CourseError(f"the labels are numbers ({numbers[0]}) and names; give the one or the other for all pictures")
    if numbers and names is not None:
        for text in (str, lambda number: str(int(number))):  # the second for True and False
            if all(text(number) in names for number in numbers):  # labels and classes are the same numbers
                return {split: [[text(row)] for row in found] for split, found in rows.items()}, names
        if not 0 <= min(numbers) <= max(numbers) < len(names):
            raise CourseError(
                f"the labels run from {min(numbers)} to {max(numbers)}; those of {counted(len(names), 'class')} are 0 to "
                f"{len(names) - 1}"
            )
        labels_names = dict(enumerate(names))
        tags = {split: [[labels_names[int(row)]] for row in found] for split, found in rows.items()}
        return tags, names
    found_names = names or [str(label) for label in sorted({int(n) for n in numbers} if numbers else set(every))]
    if unknown := sorted({str(label) for label in every} - set(found_names)) if not numbers else []:
        raise CourseError(f"there are labels that classes does not name: {some_of(unknown)}; it has {some_of(found_names)}")
    if not found_names:
        raise CourseError("no picture has a label")
    return {
        split: [
            list(dict.fromkeys(row)) if isinstance(row, list) else [str(int(row)) if not isinstance(row, str) else row]
            for row in found
        ]
        for split, found in rows.items()
    }, found_names
