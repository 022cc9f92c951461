"""Exported predictors as files: weights and a description, which is data alone, so that nothing in it can run."""

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.files import SPECIAL, is_special, replacing
from course_utils.names import counted
from course_utils.training.architecture import Example, architecture_of
from course_utils.training.arguments import shown
from course_utils.training.distributed import processes
from course_utils.training.exported import Exported, other_precision
from course_utils.training.filling import weights_of
from course_utils.training.finite import not_numbers_in
from course_utils.training.rebuilding import where_it_is
from course_utils.training.storage import StorageError

SUFFIX = ".course"
KEY = "course predictor"  # where a safetensors file holds the description
DIGEST = "sha256"  # and where the digest of description and weights: a file that lost a bit on its way is found out
VERSION = 1
LARGEST_HEADER = 16_000_000  # bytes; a million categories fit, and reading it takes a second at most


def described(
    kind: str, about: Mapping[str, Any], model: nn.Module, path: str | os.PathLike[str], example: Example | None = None
) -> Exported:
    """What a file of this description will hold, as it will be read: gone through JSON and back; for `example` see `fill_own`.

    Raises a CourseError for a network whose weights are not numbers any more, or have fewer than 16 bits.
    """
    if wrong := not_numbers_in(model):
        raise CourseError(
            f"the network is not exported, as every prediction may be NaN: {wrong}. A rate that was too high does this: load "
            "weights from before with learner.load(name), or train a new learner with a rate ten times lower"
        )
    tensors = weights_of(model)
    if strange := other_precision(tensors):
        raise CourseError(f"the network is not exported: {strange}. Convert it first, for example to torch.bfloat16")
    versions = f"course_utils {_version('course-utils')}, torch {_version('torch')}, torchvision {_version('torchvision')}"
    whole = {"version": VERSION, "kind": kind, "made with": f"{versions}, timm {_version('timm')}", **about}
    whole |= architecture_of(model, example and partial(where_it_is, model, example))
    return Exported(_with_suffix(path), json.loads(json.dumps(whole, allow_nan=False)), tensors)


def write(exported: Exported) -> Path:
    """Write the file that `read` reads, and return its path; a file that is there is replaced in one step.

    Raises a FileError where the system does not let it be written, a StorageError where its description is too long.
    """
    from safetensors.torch import save_file

    text = json.dumps(exported.about)
    if 2 * len(text) + 200 * len(exported.tensors) > LARGEST_HEADER:  # it is quoted once more, and names come to it
        raise StorageError(
            f"the description of this predictor is {len(text):,} letters long, more than a file may have; it names "
            "every class and category: leave out a column of nearly as many categories as rows"
        )

    def whole() -> Path:
        with replacing(exported.path) as part:
            save_file(dict(exported.tensors), part, {KEY: text, DIGEST: digest_of(text, exported.tensors)})
        return exported.path

    return processes().once(whole)


def read(path: str | os.PathLike[str]) -> Exported:
    """Read what `learner.export` wrote; no code is run, and nothing is read that is longer than the file.

    Raises a StorageError where there is no such file, or it is damaged, of a later version, or something else.
    """
    from safetensors import SafetensorError, safe_open

    place = _found(path)
    try:
        _check_header(place)
        with safe_open(place, framework="pt") as file:
            about_file = file.metadata() or {}
            text = about_file.get(KEY)
            if text is None:
                raise StorageError(
                    f"{place} holds weights but no predictor: learner.save wrote it, or another program. "
                    "Write a predictor with learner.export(...)."
                )
            about = json.loads(text)
            if not isinstance(about, dict) or type(about.get("version")) is not int:
                raise StorageError(f"{place} is not a predictor: what it says of itself is not a description. Export it again.")
            if about["version"] != VERSION:
                raise StorageError(
                    f"{place} is a predictor of version {about['version']}; this package reads version {VERSION}. "
                    "Install the version of course_utils that wrote it, or export it again."
                )
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - not a mapping
            if about_file.get(DIGEST, digest := digest_of(text, tensors)) != digest:  # older files have none
                raise StorageError(
                    f"{place} is not what was written: something in it was changed since, or damaged when it was copied. Copy "
                    "it again, or export it again."
                )
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise StorageError(
            f"{place} cannot be read as a predictor: it is damaged or cut short ({error}). Export it again."
        ) from error
    return Exported(place, about, tensors)


def digest_of(text: str, tensors: Mapping[str, Tensor]) -> str:
    """The digest (SHA-256) of a description and of weights by their names, whatever their order."""
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _check_header(path: Path) -> None:
    """Refuse a file that claims to begin with a longer description than is reasonable, before it is read."""
    with path.open("rb") as file:
        start = file.read(8)
    if len(start) < 8:
        raise StorageError(f"{path} is not a predictor: it has {counted(len(start), 'byte')}. Export it again.")
    (length,) = struct.unpack("<Q", start)
    if length > LARGEST_HEADER:
        raise StorageError(f"{path} is not a predictor: it does not start like one. Give one that learner.export(...) wrote.")


def _with_suffix(path: str | os.PathLike[str]) -> Path:
    text = _as_text(path)
    if text.endswith(("/", os.sep)) or Path(text).name in ("", "..") or "\0" in text:
        raise StorageError(f"{shown(text)} does not name a file; give a name like 'pets{SUFFIX}', in any folder")
    whole = Path(text if text.endswith(SUFFIX) else text + SUFFIX)
    if os.path.isdir(whole):
        raise StorageError(f"there is a folder called {whole}; give another name for the file, such as 'pets{SUFFIX}'")
    return whole


def _found(path: str | os.PathLike[str]) -> Path:
    """The file that was asked for, with or without its suffix."""
    given = Path(_as_text(path))
    try:
        for place in (given, Path(f"{given}{SUFFIX}")):
            if is_special(place):
                raise StorageError(f"{place} is not a predictor: {SPECIAL}; give the file that learner.export(...) wrote")
            if place.is_file():
                return place
        folder = next((place for place in (given, Path(f"{given}{SUFFIX}")) if place.is_dir()), None)
        there = sorted(file.name for file in (folder or given.parent).glob(f"*{SUFFIX}") if file.is_file())
    except (OSError, ValueError) as error:
        raise StorageError(f"there is no predictor at {str(given)!r} ({error})") from error
    if folder:
        found = f"in it there is {', '.join(there[:5])}" if there else f"there is no {SUFFIX} file in it"
        raise StorageError(f"there is no predictor at {folder}: it is a folder, and a predictor is one file; {found}")
    if not given.parent.is_dir():
        found = f"there is no folder {given.parent}"
    else:
        found = f"in that folder there is {', '.join(there[:5])}" if there else f"there is no {SUFFIX} file in that folder"
    raise StorageError(f"there is no predictor at {given}; {found}. learner.export({given.stem!r}) writes one")


def _as_text(path: str | os.PathLike[str]) -> str:
    try:
        text = os.path.expanduser(os.fsdecode(path))
    except TypeError:
        raise StorageError(f"{shown(path)} does not name a file; give a path like 'pets{SUFFIX}'") from None
    if text.startswith("~") and "/" in text:  # a file may be called ~; a folder that begins so is a home that is not there
        raise StorageError(f"{shown(text)} is below the home folder of a user who is not here; give another path")
    return text


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
