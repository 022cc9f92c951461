"""Weights and checkpoints on disk, in formats that cannot run code."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.files import replacing
from course_utils.training.distributed import processes


class StorageError(CourseError):
    """A file of weights cannot be written, read, or fitted to the model."""


def checked_name(name: str) -> str:
    """The name that was given for a file; raises a CourseError if it is none, or leads to another folder."""
    if not name or name != Path(name).name or name.startswith("."):
        raise CourseError(f"{name!r} is no name for saved weights; give a plain name like 'first', without folders")
    return name


def save_weights(model: nn.Module, path: str | os.PathLike[str], about: Mapping[str, str] | None = None) -> Path:
    """Write all parameters and buffers of a model to a safetensors file, with a few words `about` it; return its path.

    >>> import tempfile
    >>> file = save_weights(nn.Linear(2, 1), Path(tempfile.mkdtemp()) / "line.safetensors", {"made by": "an example"})
    >>> load_weights(nn.Linear(2, 1), file)
    {'made by': 'an example'}
    """
    from safetensors.torch import save_file

    # one tensor may stand under two names (tied weights); safetensors wants each its own memory
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in model.state_dict().items()}
    return _write(path, lambda part: save_file(tensors, part, dict(about or {})))


def load_weights(model: nn.Module, path: str | os.PathLike[str]) -> dict[str, str]:
    """Read a file of `save_weights` into a model and return what it says about itself.

    Raises:
        StorageError: the file is missing, damaged, or its layers are not the model's (the first that differ are named); the
            model is then as it was.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        there = sorted(p.stem for p in path.parent.glob(f"*{path.suffix}")) if path.parent.is_dir() else []
        raise StorageError(
            f"no weights at {path}; " + (f"saved there: {', '.join(there)}" if there else "nothing is saved there yet")
        )
    try:
        with safe_open(path, framework="pt") as file:
            about = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise StorageError(f"{path} is not a whole safetensors file ({error}); save the weights again") from error
    _check_fit(model, tensors, str(path))
    model.load_state_dict(tensors)
    return about


def _check_fit(model: nn.Module, tensors: Mapping[str, Tensor], source: str, named: int = 3) -> None:
    ours = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    theirs = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    differing = [name for name in dict.fromkeys([*ours, *theirs]) if ours.get(name) != theirs.get(name)]
    if not differing:
        return
    lines = [
        f"  {name}: the model has {ours.get(name, 'no such layer')}, the file has {theirs.get(name, 'no such layer')}"
        for name in differing[:named]
    ]
    more = f"\n  and {len(differing) - named} more" if len(differing) > named else ""
    raise StorageError(
        f"{source} was saved from another architecture: {len(differing)} of {len(ours)} tensors differ, first\n"
        + "\n".join(lines)
        + more
        + "\nBuild the model as it was when it was saved (the same backbone, classes and head), then load again."
    )


def save_checkpoint(state: dict[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write a checkpoint: tensors, numbers, text, and lists and dictionaries of them, so that it loads without running code."""

    def save(part: Path) -> None:
        with part.open("wb") as file:  # given a name instead, a full disk would not be an OSError
            torch.save(state, file)

    return _write(path, save)


def _write(path: str | os.PathLike[str], write: Callable[[Path], object]) -> Path:
    """Write a whole file or none, once where several processes have the same to write."""

    def whole() -> Path:
        try:
            with replacing(path) as part:
                write(part)
        except OSError as error:
            raise StorageError(
                f"cannot write {path}: {error.strerror or error}; choose another folder with Learner(..., path=...)"
            ) from error
        return Path(path)

    return processes().once(whole)


def load_checkpoint(path: str | os.PathLike[str], model: nn.Module) -> dict[str, Any]:
    """Read a checkpoint onto the processor's memory, never running code from it; its weights must be those of `model`.

    Raises:
        StorageError: missing, damaged, not a checkpoint of this package, or of another architecture.
    """
    path = Path(path)
    if not path.is_file():
        raise StorageError(f"no checkpoint at {path}; fit(..., checkpoint={path.stem!r}) writes one after each cycle")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile file ends in any of a dozen types
        raise StorageError(
            f"{path} cannot be read as a checkpoint: it is damaged or holds more than numbers ({type(error).__name__}). "
            "Nothing of it was run; start the fit again."
        ) from error
    if not isinstance(state, dict) or not {"model", "optimizer", "random", "fit", "epochs_done"} <= state.keys():
        raise StorageError(f"{path} is a PyTorch file, but no checkpoint of a fit; load plain weights with load_state_dict")
    _check_fit(model, state["model"], str(path))
    return state
