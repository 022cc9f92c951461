"""Start here: files counted, a default read off, a function written after its source."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_utils.lessons.checks.marking import NotYet, Part, called, exercise, given, one_number


@exercise(
    "0.1",
    "two whole numbers: how many pictures of cats there are to train on, and how many to validate on",
    "path / 'train' / 'cats' is a folder; its iterdir() gives what is in it.",
    "len(list(...)) counts.",
)
def files_counted(counts: Any, path: Path) -> Iterator[Part]:
    """Compared with the folders."""
    try:
        train, valid = (int(count) for count in counts)
    except (TypeError, ValueError):
        raise NotYet(f"{given(counts)} is not two whole numbers.") from None
    for split, found in (("train", train), ("valid", valid)):
        there = sum(1 for _ in (path / split / "cats").iterdir())
        yield Part(0.5, found == there, f"there are not {found:,} pictures in {split}/cats.")


@exercise(
    "0.2",
    "a whole number: the pictures in a mini-batch when you give no number",
    "Shift-Tab with the cursor inside the brackets shows every argument and what it is by default.",
    "It is called batch_size.",
)
def a_default(number: Any) -> Iterator[Part]:
    """Compared with the function's own signature."""
    from course_utils.vision import ImageData

    if not isinstance(number, int) or isinstance(number, bool):
        raise NotYet(f"{given(number)} is not a whole number.")
    default = inspect.signature(ImageData.from_folders).parameters["batch_size"].default
    yield Part(1.0, number == default, f"{number} is not the default.")


@exercise(
    "0.3",
    "a function of probabilities (pictures, classes) and labels (pictures,) that gives the share named rightly",
    "The class that is named is the one with the largest probability: argmax(dim=1).",
    "(named == labels) is a row of True and False; its mean, as floats, is the share.",
)
def share_right(function: Callable[[Tensor, Tensor], Any]) -> Iterator[Part]:
    """Compared with counting one by one."""
    generator = torch.Generator().manual_seed(0)
    for marks, pictures, classes in ((0.5, 7, 2), (0.5, 40, 5)):
        probabilities = torch.rand(pictures, classes, generator=generator).softmax(1)
        labels = torch.randint(0, classes, (pictures,), generator=generator)
        right = sum(int(row.argmax()) == int(label) for row, label in zip(probabilities, labels, strict=True)) / pictures
        number = one_number(called(function, probabilities, labels))
        yield Part(marks, abs(number - right) < 1e-5, f"for {pictures} pictures of {classes} classes it gave {number:.3f}.")
