"""What an exported predictor holds: weights, and a description that may come from anybody, so that each entry is looked at."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_utils.training.architecture import Example, architecture_of, is_whole, unwrapped
from course_utils.training.arguments import checked_network, shown
from course_utils.training.filling import put_weights
from course_utils.training.finite import not_numbers
from course_utils.training.meaning import differences
from course_utils.training.rebuilding import Network, where_it_is, without_weights
from course_utils.training.storage import StorageError

OWN_LAYERS = (
    "{path} holds the weights of this network but not its layers, which are your own: load_predictor(path, model=...) needs a "
    "network of the same layers."
)
PRECISIONS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


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
        if strange := other_precision(theirs):
            raise self.wrong(strange)
        if wrong := not_numbers(theirs, {name for name, _ in network.named_parameters(remove_duplicate=False)}):
            raise self.wrong(f"{wrong}, so that every prediction may be NaN")
        for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
            if name in theirs and not tensor.is_meta:  # in the precision of the file, which a network of 16 bits would round
                tensor.data = tensor.data.to(theirs[name].dtype)
        put_weights(network, theirs)
        return model


def needs_model(exported: Exported) -> StorageError:
    """The error where a file holds weights of layers that only their maker knows."""
    return StorageError(
        f"{exported.path} holds the weights of a network that was made by hand, and no code. Build that network as it was, and "
        f"give it: load_predictor({str(exported.path)!r}, model=network)"
    )


def other_precision(tensors: Mapping[str, Tensor]) -> str:
    """What is wrong with the first decimal numbers of fewer than 16 bits, which a file of a predictor does not hold.

    >>> other_precision({"scale": torch.ones(2).to(torch.float8_e5m2)}), other_precision({"scale": torch.ones(2)})
    ('scale holds float8_e5m2, expected decimal numbers of 16, 32 or 64 bits', '')
    """
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and tensor.dtype not in PRECISIONS:
            kind = str(tensor.dtype).removeprefix("torch.")
            return f"{name} holds {kind}, expected decimal numbers of 16, 32 or 64 bits"
    return ""


def _layout(tensor: Tensor | None) -> str:
    """The shape of a tensor, and whether it holds whole numbers."""
    if tensor is None:
        return "no such layer"
    kind = "" if tensor.is_floating_point() else f" of {str(tensor.dtype).removeprefix('torch.')}"
    return f"{tuple(tensor.shape)}{kind}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 and math.isfinite(value)
