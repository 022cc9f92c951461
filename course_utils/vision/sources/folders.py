"""Pictures in folders named after their classes."""

import os
from collections.abc import Sequence
from pathlib import Path

import torch

from course_utils.errors import CourseError
from course_utils.files import as_path
from course_utils.names import counted, some_of
from course_utils.training.arguments import real, shown, whole
from course_utils.training.splits import validation_split
from course_utils.vision.disk import (
    class_folders,
    is_folder,
    leads_to_folder,
    listing,
    on_disk,
    pictures_in,
    said_of_plug_ins,
    what_is_in,
)
from course_utils.vision.sources.labelled import Labelled


def from_folders(
    path: Path, train: str, valid: str | None, test: str | None, valid_fraction: float | None = None, seed: int = 42
) -> Labelled:
    """What the folders `train`, `valid` and `test` in `path` hold; see `ImageData.from_folders`."""
    for name, folder in (("train", train), ("valid", valid), ("test", test)):
        if folder is not None or name == "train":
            as_path(name, folder, "a folder")
    if valid_fraction is not None:
        fraction = real(valid_fraction)
        if fraction is None or not 0 < fraction < 1:
            raise CourseError(
                f"valid_fraction is {shown(valid_fraction)}; give the fraction to validate, between 0 and 1, such as 0.2"
            )
        valid_fraction = fraction
    elif valid is None:
        raise CourseError(
            "valid is None and there is no valid_fraction, so there would be no validation set; name its folder, or give "
            "valid_fraction=0.2, which takes a fifth of each class in the training folder"
        )
    seed = whole("seed", seed, least=0)
    train, test = _place(path, train), None if test is None else _place(path, test)
    valid = None if valid is None else _place(path, valid)
    both = valid is not None and valid_fraction is None and is_folder(path / train) and is_folder(path / valid)
    if valid is not None and both and os.path.realpath(path / train) == os.path.realpath(path / valid):
        raise CourseError(
            f"train and valid are the same folder, {path / train}, so that a network would be tested on the pictures that it "
            "was trained on; valid=None, valid_fraction=0.2 takes a fifth of each class to validate"
        )
    unlisted: list[str] = []
    aside = [folder for folder in (valid, test) if folder is not None]
    names, labels, classes = _labelled(path, train, aside, unlisted)
    notices: list[str] = []
    if valid_fraction is None:
        assert valid is not None
        if not is_folder(path / valid):
            raise CourseError(
                f"there is no folder {path / valid}; {what_is_in(path)}. Without one, valid_fraction=0.2 takes "
                f"a fifth of each class in {path / train} to validate."
            )
        valid_names, valid_labels, valid_classes = _labelled(path, valid, [], unlisted)
        if unknown := sorted(set(valid_classes) - set(classes)):
            raise CourseError(
                f"{path / valid} has classes that {path / train} lacks: {some_of(unknown)}. A network can only be tested "
                f"on classes that it was trained on: {some_of(classes)}. Move or remove these folders."
            )
    elif valid is not None and is_folder(path / valid):
        raise CourseError(
            f"there is a folder {path / valid}, and valid_fraction={valid_fraction!r} asks for another validation set out of "
            f"{path / train}. Leave valid_fraction out, or say valid=None to leave that folder alone."
        )
    if len(classes) < 2:
        raise CourseError(f"{path / train} has one class, {classes[0]!r}; add the folder of another to tell it from")
    if valid_fraction is not None:
        rows = set(validation_split(len(names), valid_fraction, seed, stratify=labels).tolist())
        valid_names, valid_labels = [names[row] for row in sorted(rows)], [labels[row] for row in sorted(rows)]
        alone = [name for name in classes if name not in set(valid_labels)]
        without = f"; none of {some_of(alone)}" if alone else ""
        notices.append(
            f"{counted(len(rows), 'picture')} of {len(names):,} {'is' if len(rows) == 1 else 'are'} for validation, a random "
            f"{100 * valid_fraction:.4g}% of each class (valid_fraction, seed={seed}){without}."
        )
        kept = [row for row in range(len(names)) if row not in rows]
        names, labels = [names[row] for row in kept], [labels[row] for row in kept]
    split_names = {"train": names, "valid": valid_names}
    if test is not None:
        found = pictures_in(path, test)
        split_names["test"] = found.pictures
        unlisted += found.others
    if unlisted:
        notices.append(
            f"{counted(len(unlisted), 'file', 'is/are')} not used (data.unlisted): not a picture, or outside the folders of "
            f"classes: {some_of(unlisted)}. {said_of_plug_ins(unlisted)}".rstrip()
        )
    number = {name: i for i, name in enumerate(classes)}
    targets = {
        split: torch.tensor([number[name] for name in found_labels], dtype=torch.int64)
        for split, found_labels in (("train", labels), ("valid", valid_labels))
    }
    return Labelled(split_names, targets, classes, unlisted=unlisted, notices=notices)


def _place(path: Path, folder: str) -> str:
    """A folder's name as the disk spells it."""
    found = on_disk(path, folder)
    return str(folder) if found == path / folder else found.relative_to(path).as_posix()


def _labelled(path: Path, folder: str, leave_out: Sequence[str], unlisted: list[str]) -> tuple[list[str], list[str], list[str]]:
    """The pictures of one split, the class of each, and all classes; files that are not used are added to `unlisted`."""
    classes = class_folders(path, folder, leave_out)
    names, labels = [], []
    for name, places in classes.items():
        for place in places:
            found = pictures_in(path, place)
            names += found.pictures
            labels += [name] * len(found.pictures)
            unlisted += found.others
    if Path(folder) != Path():  # at the top are other things than pictures
        unlisted += [(Path(folder) / entry.name).as_posix() for entry in listing(path / folder) if not leads_to_folder(entry)]
    return names, labels, list(classes)
