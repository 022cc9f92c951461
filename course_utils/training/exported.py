"""Exported predictors: one file that holds weights and a description, which is data alone, so that nothing in it can run."""

import hashlib
import json
import math
import os
import struct
import warnings
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from course_utils.errors import CourseError
from course_utils.files import SPECIAL, is_special, replacing
from course_utils.names import counted
from course_utils.training.architecture import Example, architecture_of, is_whole, unwrapped
from course_utils.training.arguments import checked_network, shown
from course_utils.training.devices import default_device
from course_utils.training.distributed import processes
from course_utils.training.filling import put_weights, weights_of
from course_utils.training.finite import not_numbers, not_numbers_in
from course_utils.training.meaning import differences
from course_utils.training.storage import StorageError

Network = TypeVar("Network", bound=nn.Module)

SUFFIX = ".course"
KEY = "course predictor"  # where a safetensors file holds the description
DIGEST = "sha256"  # and where the digest of description and weights: a file that lost a bit on its way is found out
VERSION = 1
OWN_LAYERS = (
    "{path} holds the weights of this network but not its layers, which are your own: load_predictor(path, model=...) needs a "
    "network of the same layers."
)
PRECISIONS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
LARGEST_HEADER = 16_000_000  # bytes; a million categories fit, and reading it takes a second at most


@dataclass
class Exported:
    """What a file holds: `about` is its description, `tensors` are the weights, by the names of the model's state_dict.

    The methods give entries of the description after a look at what they are, since a file may come from anybody. They raise a
    StorageError that names the file and the entry.
    """

    path: Path
    about: Mapping[str, Any]
    tensors: Mapping[str, Tensor]

    def wrong(self, what: str) -> StorageError:
        """The error that says what is wrong with this file."""
        return StorageError(f"{self.path} cannot be used as a predictor: {what}. Export it again with learner.export(...).")

    def one_of(self, name: str, *values: str) -> str:
        """An entry that is one of these texts."""
        value = self.about.get(name)
        if value not in values:
            raise self.wrong(f"its {name} is {shown(value)}, expected {' or '.join(map(repr, values))}")
        return str(value)

    def whole(self, name: str, lowest: int, highest: int) -> int:
        """An entry that is a whole number from `lowest` to `highest`."""
        value = self.about.get(name)
        if type(value) is not int or not lowest <= value <= highest:
            raise self.wrong(f"its {name} is {shown(value)}, expected a whole number from {lowest} to {highest:,}")
        return value

    def wholes(self, name: str, length: int | None = None) -> list[int]:
        """An entry that is a list of whole numbers from 1 on, of this length or at most as many as there are weights."""
        value = self.about.get(name)
        if not (isinstance(value, list) and all(type(number) is int and number > 0 for number in value)):
            raise self.wrong(f"its {name} is {shown(value)}, expected a list of whole numbers from 1 on")
        if len(value) > len(self.tensors) or (length is not None and len(value) != length):
            raise self.wrong(f"its {name} has {len(value)} numbers, expected {len(self.tensors) if length is None else length}")
        return value

    def between(self, name: str, length: int, lowest: float, highest: float) -> list[float]:
        """An entry that is a list of numbers from `lowest` to `highest`, of this length."""
        numbers = self.numbers(name, length)
        if not all(lowest <= number <= highest for number in numbers):
            raise self.wrong(f"its {name} is {shown(self.about[name])}, expected numbers from {lowest:g} to {highest:g}")
        return numbers

    def numbers(self, name: str, length: int) -> list[float]:
        """An entry that is a list of finite numbers, of this length."""
        value = self.about.get(name)
        if not (isinstance(value, list) and len(value) == length and all(_is_number(number) for number in value)):
            raise self.wrong(f"its {name} is {shown(value)}, expected {length} numbers")
        return [float(number) for number in value]

    def texts(self, name: str) -> list[str]:
        """An entry that is a list of texts, at least one, each once."""
        value = self.about.get(name)
        if not (isinstance(value, list) and value and all(isinstance(text, str) for text in value)):
            raise self.wrong(f"its {name} is {shown(value)}, expected a list of names")
        if len(set(value)) < len(value):
            raise self.wrong(f"its {name} names something twice")
        return value

    def truth(self, name: str) -> bool:
        """An entry that is true or false."""
        value = self.about.get(name)
        if not isinstance(value, bool):
            raise self.wrong(f"its {name} is {shown(value)}, expected true or false")
        return value

    def part(self, name: str) -> "Exported | None":
        """An entry that is a description itself, or None where there is none."""
        value = self.about.get(name)
        if value is not None and not isinstance(value, dict):
            raise self.wrong(f"its {name} is {shown(value)}, expected a description")
        return None if value is None else Exported(self.path, value, self.tensors)

    def rebuild(self, build: Callable[[], Network]) -> Network:
        """The network that `build` makes, with the weights of this file.

        Its layers take no memory until the names and shapes of all weights have been compared with those that are there, so
        that a description cannot ask for more than the file holds.
        """
        try:
            model = without_weights(build)
        except Exception as error:  # a description of nonsense ends in any of a dozen types
            raise self.wrong(f"the network that it describes cannot be built ({type(error).__name__}: {error})") from error
        model = self.fill(model)
        if len({weight.dtype for weight in model.parameters() if weight.is_floating_point()}) > 1:
            raise self.wrong("its weights are of several precisions, which the network that it describes cannot join")
        if empty := [name for name, tensor in model.named_buffers() if tensor.is_meta]:
            raise self.wrong(f"the network that it describes needs numbers that are not in it, first {empty[0]}")
        return model

    def _made_with(self) -> str:
        return str(self.about.get("made with", "unknown versions"))[:100]

    def fill_own(self, model: Network, example: Example | None = None) -> Network:
        """Fill a network that a user gave, if its layers compute what they did when it was exported.

        The `example` is an input, for layers that work along a dimension: -1 is 1 where the input has two.
        """
        here = architecture_of(checked_network(model), example and partial(where_it_is, model, example))
        saved = {name: self.about[name] for name in here if name in self.about}
        if not is_whole(saved):
            raise self.wrong("what it says of its layers is not a description")
        if other := differences(saved, here):
            raise StorageError(f"{self.path} is not of this network: {'; '.join(other)}")
        return self.fill(model)

    def fill(self, model: Network) -> Network:
        """Put the weights of this file into a network of the same layers, whose first that differ are named in the error."""
        network, theirs = unwrapped(checked_network(model)), self.tensors
        ours = network.state_dict()
        names = list(dict.fromkeys([*ours, *theirs]))
        differing = [name for name in names if _layout(ours.get(name)) != _layout(theirs.get(name))]
        if differing:
            lines = [f"{n}: {_layout(ours.get(n))}, in the file {_layout(theirs.get(n))}" for n in differing[:3]]
            raise StorageError(
                f"the weights in {self.path} are not for this network: {len(differing)} of {len(names)} differ, first\n  "
                + "\n  ".join(lines)
                + "\nThe network must have the layers that it had when it was exported, from the same versions of torchvision "
                f"and timm; it was made with {self._made_with()}."
            )
        if strange := [
            name for name, tensor in theirs.items() if tensor.is_floating_point() and tensor.dtype not in PRECISIONS
        ]:
            kind = str(theirs[strange[0]].dtype).removeprefix("torch.")
            raise self.wrong(f"{strange[0]} holds {kind}, expected decimal numbers of 16, 32 or 64 bits")
        if wrong := not_numbers(theirs, {name for name, _ in network.named_parameters(remove_duplicate=False)}):
            raise self.wrong(f"{wrong}, so that every prediction may be NaN")
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            if name in theirs and not tensor.is_meta:  # in the precision of the file, which a network of 16 bits would round
                tensor.data = tensor.data.to(theirs[name].dtype)
        put_weights(network, theirs)
        return model


class WithoutWeights(TorchFunctionMode):
    """Inside of this, `torch.empty`, from which layers make their weights, gives tensors of a shape that hold no memory."""

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        options = {**(kwargs or {}), "device": "meta"} if function is torch.empty else kwargs or {}
        return function(*args, **options)


def without_weights(build: Callable[[], Network]) -> Network:
    """The network that `build` makes, its weights shapes without memory; random numbers stay as they were.

    >>> without_weights(lambda: nn.Linear(10**6, 10**6)).weight.shape
    torch.Size([1000000, 1000000])
    """
    with WithoutWeights(), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of how weights would start
        return build()


def needs_model(exported: Exported) -> StorageError:
    """The error where a file holds weights of layers that only their maker knows."""
    return StorageError(
        f"{exported.path} holds the weights of a network that was made by hand, and no code. Build that network as it was, and "
        f"give it: load_predictor({str(exported.path)!r}, model=network)"
    )


def ready(model: Network, device: torch.device | str | None) -> Network:
    """A network that answers: in evaluation mode, in 32 bits, on a device, by default the fastest that there is.

    One whose weights are of several precisions, which only its own `forward` can know how to join, keeps them.
    """
    try:
        chosen = default_device() if device is None else torch.device(device)
        if chosen.type == "meta":
            raise RuntimeError("it holds shapes, and no numbers")
        precisions = {weight.dtype for weight in model.parameters() if weight.is_floating_point()}
        return (model.float() if len(precisions) == 1 else model).to(chosen).eval().requires_grad_(False)
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = f" ({str(error).splitlines()[0]})" if isinstance(device, str | torch.device) else ""
        raise CourseError(f"the device {shown(device)} cannot be used{reason}; give 'cpu', 'cuda', 'mps' or None") from error


def same_outputs(model: nn.Module, other: nn.Module, *inputs: Tensor) -> bool:
    """Whether two networks, the second in any precision, say the same of some inputs, up to rounding."""
    if any(weight.dtype in (torch.float16, torch.bfloat16, torch.float64) for weight in other.parameters()):
        other = deepcopy(other).float()
    with torch.no_grad():
        a, b = model(*inputs), other(*inputs)
    within = 1e-3 * a.abs().mean().nan_to_num().item() + 1e-6
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-3, atol=within, equal_nan=True)


def where_it_is(model: nn.Module, example: Example) -> list[Tensor]:
    """Inputs of a network, made by `example`, on its device, decimal numbers in its precision."""
    first = next((weight for weight in model.parameters() if weight.is_floating_point()), torch.zeros(1))
    return [x.to(first.device, first.dtype if x.is_floating_point() else x.dtype) for x in example()]


def described(
    kind: str, about: Mapping[str, Any], model: nn.Module, path: str | os.PathLike[str], example: Example | None = None
) -> Exported:
    """What a file of this description will hold, as it will be read: gone through JSON and back; for `example` see `fill_own`.

    Raises a CourseError for a network whose weights are no numbers any more.
    """
    if wrong := not_numbers_in(model):
        raise CourseError(
            f"the network is not exported, as every prediction may be NaN: {wrong}. A rate that was too high does this: load "
            "weights from before with learner.load(name), or train a new learner with a rate ten times lower"
        )
    versions = f"course_utils {_version('course-utils')}, torch {_version('torch')}, torchvision {_version('torchvision')}"
    whole = {"version": VERSION, "kind": kind, "made with": f"{versions}, timm {_version('timm')}", **about}
    whole |= architecture_of(model, example and partial(where_it_is, model, example))
    return Exported(_with_suffix(path), json.loads(json.dumps(whole, allow_nan=False)), weights_of(model))


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


def _layout(tensor: Tensor | None) -> str:
    """The shape of a tensor, and whether it holds whole numbers."""
    if tensor is None:
        return "no such layer"
    kind = "" if tensor.is_floating_point() else f" of {str(tensor.dtype).removeprefix('torch.')}"
    return f"{tuple(tensor.shape)}{kind}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 and math.isfinite(value)


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
