"""Weights and checkpoints on disk, in formats that cannot run code."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.files import FileError, reading, refuse_special, replacing
from course_utils.training.architecture import is_whole, unwrapped
from course_utils.training.arguments import shown
from course_utils.training.distributed import processes
from course_utils.training.filling import put_weights, weights_of
from course_utils.training.finite import not_numbers_in
from course_utils.training.kept import keep_others
from course_utils.training.meaning import compare_names, differences, plain

WEIGHTS, CHECKPOINT = ".safetensors", ".checkpoint"
CHECKPOINT_PARTS = {"model", "optimizer", "random", "fit", "epochs_done"}


class StorageError(FileError):
    """A file of weights cannot be written, read, or fitted to the model."""


def checked_name(name: str) -> str:
    """The name that was given for a file; raises a CourseError if it is not a name, or leads to another folder."""
    if not isinstance(name, str) or not name or name != Path(name).name or name.startswith(".") or "\0" in name:
        raise CourseError(f"{shown(name)} cannot be the name of saved weights; give a plain name like 'first', without folders")
    return name


def file_in(folder: Path, name: str, suffix: str) -> Path:
    """The file of this name in the folder of weights and checkpoints; the name may already have the suffix."""
    return folder / f"{checked_name(name).removesuffix(suffix)}{suffix}"


def save_weights(model: nn.Module, path: str | os.PathLike[str], about: Mapping[str, str] | None = None) -> Path:
    """Write all parameters and buffers of a model to a safetensors file, with a few words `about` it; return its path.

    A file of that name is replaced, unless it was made for something else: that is kept beside, and a line says so. Raises a
    StorageError, in words, where the system does not let it be written.

    >>> import tempfile
    >>> file = save_weights(nn.Linear(2, 1), Path(tempfile.mkdtemp()) / "line.safetensors", {"made by": "an example"})
    >>> load_weights(nn.Linear(2, 1), file)
    {'made by': 'an example'}
    """
    from safetensors.torch import save

    tensors, told = weights_of(model), dict(about or {})
    meaning = json.loads(told.get("meaning", "{}"))
    # written by Python, whose files follow the umask; safetensors' own can be read by their owner alone
    return _write(path, lambda part: part.write_bytes(save(tensors, told)), tensors, meaning)


def load_weights(
    model: nn.Module,
    path: str | os.PathLike[str],
    meaning: Mapping[str, Any] | None = None,
    advice: str = "",
    say: Callable[[str], None] = print,
) -> dict[str, str]:
    """Read a file of `save_weights` into a model and return what it says about itself.

    With `meaning`, what weights would mean here, a file that says that its weights mean something else is refused; the
    `advice` ends the message. A file that says nothing of it (an older one) is taken. Weights of another precision than the
    model's are rounded to it, and those that are not numbers (NaN) are taken as they are: a line tells, through `say`.

    Raises:
        StorageError: the file is missing, damaged, its layers are not the model's (the first that differ are named), or its
            weights mean something else; the model is then as it was.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    _check_readable(path, _what_is_there(path))
    try:
        with safe_open(path, framework="pt") as file:
            about = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise StorageError(f"{path} is not a whole safetensors file ({error}); save the weights again") from error
    _check_fit(model, tensors, _saved_meaning(about, path), meaning or {}, path, advice)
    network = unwrapped(model)
    said = other_precision(network.state_dict(), tensors, path)
    put_weights(network, tensors)
    if wrong := not_numbers_in(network):
        said += [f"The weights in {path.name} predict NaN: {wrong}. They were taken as they are."]
    for line in said:
        say(line)
    return about


def _check_readable(path: Path, if_missing: str) -> None:
    try:
        with reading(path):
            refuse_special(path)
            path.open("rb").close()
    except FileError as error:
        missing = isinstance(error.__cause__, FileNotFoundError)
        raise StorageError(if_missing if missing else str(error)) from error


def _what_is_there(path: Path) -> str:
    try:
        there = sorted(p.stem for p in path.parent.glob(f"*{path.suffix}")) if path.parent.is_dir() else []
    except OSError:
        there = []
    hint = f"; saved there: {', '.join(there)}" if there else "; nothing is saved there yet"
    inner = Path(path.stem).suffix
    if inner == path.suffix:
        hint += f". Give the name without {inner}: {Path(path.stem).stem!r}"
    elif inner in (".pt", ".pth", ".bin", ".h5", ".ckpt", ".pkl", ".checkpoint"):
        hint += (
            f". A file of another kind ({inner}) is not read here: save() writes safetensors, fit(checkpoint=...) checkpoints"
        )
    return f"no weights at {path}{hint}"


def _saved_meaning(about: Mapping[str, str], path: Path) -> dict[str, Any]:
    """What a file of weights says of their meaning; of an older one, nothing."""
    try:
        meaning = json.loads(about.get("meaning", "{}"))
    except ValueError:
        meaning = None
    if not isinstance(meaning, dict) or not is_whole(meaning):
        raise StorageError(f"{path} is damaged: what it says of its weights is not a description; save the weights again")
    if not meaning and about.get("classes"):
        meaning["classes"] = about["classes"]  # joined by spaces, as files were written at first
    return meaning


def check_meaning(
    saved: Mapping[str, Any],
    here: Mapping[str, Any],
    source: str | os.PathLike[str],
    advice: str = "",
    in_training: bool = False,
) -> None:
    """Raise a StorageError that says what differs if weights were saved for something else than what they would mean here."""
    found = []
    classes = here.get("classes")
    if isinstance(saved.get("classes"), str):
        joined, saved = saved["classes"], {name: value for name, value in saved.items() if name != "classes"}
        if classes and joined != " ".join(map(str, classes)):
            found = compare_names("the classes", joined.split(" "), [str(name) for name in classes])
    found += differences(saved, here, in_training)
    if found:
        more = f"; and {len(found) - 4} more" if len(found) > 4 else ""
        raise StorageError(
            f"{source} was saved for something else than what is here: {'; '.join(found[:4])}{more}. Nothing was changed. "
            + (advice or "Make data and model as they were when it was saved, then try again.")
        )


def _check_fit(
    model: nn.Module,
    tensors: Mapping[str, Tensor],
    saved: Mapping[str, Any],
    here: Mapping[str, Any],
    source: Path,
    advice: str = "",
    in_training: bool = False,
) -> None:
    of_layers = ("layers", "options", "own")
    check_meaning({key: value for key, value in saved.items() if key not in of_layers}, here, source, advice)
    check_layers(model, tensors, source)  # says more than the kinds of layers do
    check_meaning({key: saved.get(key) for key in of_layers}, here, source, advice)
    if in_training:
        check_meaning({"options": saved.get("options")}, here, source, advice, in_training)


def check_layers(model: nn.Module, tensors: Mapping[str, Tensor], source: str | os.PathLike[str], named: int = 3) -> None:
    """Raise a StorageError that names the first layers that differ if tensors are not those of a model."""
    ours = {name: tuple(tensor.shape) for name, tensor in unwrapped(model).state_dict().items()}
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


def other_precision(ours: Mapping[str, Tensor], theirs: Mapping[str, Tensor], source: Path) -> list[str]:
    """A line where weights were saved in another precision than that of the model, in which it takes them.

    Raises a StorageError where they cannot be: whole or complex numbers for others, or numbers too large for its precision.
    """
    others = [name for name, tensor in ours.items() if tensor.dtype != theirs[name].dtype]
    for name in others:
        here, there = ours[name], theirs[name]
        if (kind := _numbers_of(here)) != _numbers_of(there):
            raise StorageError(
                f"{source} holds {name} as {_named(there.dtype)}, and the model has {_named(here.dtype)} there, other numbers. "
                "Nothing was changed; make the model as it was when it was saved"
            )
        taken = there.to(here.dtype)
        kept = torch.equal(taken.to(there.dtype), there) if kind == "whole" else torch.equal(taken.isfinite(), there.isfinite())
        if not kept:
            raise StorageError(
                f"{source} holds {name} as {_named(there.dtype)}, and the model's {_named(here.dtype)} cannot hold that. "
                f"Nothing was changed; make the model in that precision: model.to({there.dtype})"
            )
    if not others:
        return []
    computed, saved = (_named(tensors[others[0]].dtype) for tensors in (ours, theirs))
    exact = all(torch.equal(theirs[name].to(ours[name].dtype).to(theirs[name].dtype), theirs[name]) for name in others)
    how = "the same numbers" if exact else "rounded to that"
    return [f"The weights in {source.name} were saved in {saved}, and this model computes in {computed}: they are {how}."]


def _numbers_of(tensor: Tensor) -> str:
    return "complex" if tensor.is_complex() else "decimal" if tensor.is_floating_point() else "whole"


def _named(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def save_checkpoint(state: dict[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write a checkpoint: tensors, numbers, text, and lists and dictionaries of them, so that it loads without running code."""

    def save(part: Path) -> None:
        with part.open("wb") as file:  # given a name instead, a full disk would not be an OSError
            torch.save(state, file)

    return _write(path, save, state["model"], state.get("meaning", {}))


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise a StorageError, in words, if no file can be written there; what is there stays as it is."""
    path = Path(path)

    def beside() -> None:
        probe = path.with_name(f".{path.stem}-can-be-written{path.suffix}")
        try:
            if os.path.isdir(path):
                raise FileError(f"cannot write {path}: there is a folder of that name; choose another name")
            with replacing(probe) as part:
                part.write_bytes(bytes(4096))  # of an empty file a full disk would not complain
            probe.unlink()
        except FileError as error:
            raise _storage_error(str(error).replace(str(probe), str(path))) from error

    processes().once(beside)


def _write(
    path: str | os.PathLike[str], write: Callable[[Path], object], weights: Mapping[str, Tensor], meaning: Mapping[str, Any]
) -> Path:
    """Write a whole file or none, once where several processes have the same to write; see `keep_others` for what is there."""

    def whole() -> Path:
        try:
            with replacing(path) as part:
                write(part)
                if kept := keep_others(Path(path), weights, meaning):
                    print(kept)
        except FileError as error:
            raise _storage_error(str(error)) from error
        return Path(path)

    return processes().once(whole)


def _storage_error(message: str) -> StorageError:
    return StorageError(f"{message} (Learner(..., path=...) names the folder)")


def load_checkpoint(path: str | os.PathLike[str], model: nn.Module, meaning: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Read a checkpoint onto the CPU's memory, never running code from it; its weights must be those of `model`.

    For `meaning` see `load_weights`.

    Raises:
        StorageError: missing, damaged, not a checkpoint of this package, of another architecture or another meaning.
    """
    path = Path(path)
    _check_readable(path, f"no checkpoint at {path}; fit(..., checkpoint={path.stem!r}) writes one after each cycle")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged or hostile file ends in any of a dozen types
        raise StorageError(
            f"{path} cannot be read as a checkpoint: it is damaged or holds more than numbers ({type(error).__name__}). "
            "Nothing of it was run; start the fit again."
        ) from error
    if not isinstance(state, dict) or not state.keys() >= CHECKPOINT_PARTS:
        raise StorageError(f"{path} is a PyTorch file, but no checkpoint of a fit; load plain weights with load_state_dict")
    tensors, saved = state["model"], state.get("meaning", {})
    if not isinstance(saved, dict) or not isinstance(tensors, dict) or not all(isinstance(t, Tensor) for t in tensors.values()):
        raise StorageError(f"{path} is damaged: its weights are not tensors; start the fit again")
    _check_fit(model, tensors, _described(saved, path), meaning or {}, path, in_training=True)
    return state


def _described(saved: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """What a checkpoint says of its weights, if it is text, numbers, and lists and dictionaries of them."""
    try:
        meaning = plain(saved)
    except (TypeError, ValueError, RecursionError):  # a set, say, or a tensor
        meaning = {"options": None}
    if not is_whole(meaning):
        raise StorageError(f"{path} is damaged: what it says of its weights is not a description; start the fit again")
    return meaning
