"""Weights that lie where others are to be written: replaced by those of the same kind, kept beside what is of another."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_utils.files import is_special
from course_utils.training.meaning import differences

OF_WHAT = ("task", "classes", "target", "columns")  # what a network is for, however it is made


@dataclass
class Kind:
    """What weights are for, as far as can be told, and their shapes by name."""

    of: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]

    def other(self, than: "Kind") -> list[str]:
        """What differs, in words; of a network that nothing but the task is known of, the layers count too."""
        found = differences(self.of, than.of)
        told = all(any(value for name, value in kind.of.items() if name != "task") for kind in (self, than))
        return found or ([] if told or self.shapes == than.shapes else ["the network has other layers"])


def keep_others(path: Path, weights: Mapping[str, Tensor], meaning: Mapping[str, Any]) -> str:
    """Rename what lies at `path` if it was made for something else than the weights to be written; a line that says so.

    Something else is another task, other classes, another target or other columns; where nothing of this tells, other layers.
    A later try at the same replaces the one before, under the new name too, and a file that cannot be read is replaced.
    """
    there = _kind_of_file(path)
    if there is None or not (other := there.other(Kind(_for_what(meaning), _shapes(weights)))):
        return ""
    number, beside = 1, path.with_name(f"{path.stem}-other{path.suffix}")
    while os.path.lexists(beside) and ((kept := _kind_of_file(beside)) is None or kept.other(there)):
        number += 1
        beside = path.with_name(f"{path.stem}-other-{number}{path.suffix}")
    os.replace(path, beside)
    return f"{path.name} was there for something else ({other[0]}); it is kept as {beside.name}."


def _kind_of_file(path: Path) -> Kind | None:
    """What the weights in a file are for; None where there is none, or it cannot be read."""
    if is_special(path):  # a pipe would be waited for without end
        return None
    try:
        if path.suffix == ".safetensors":
            from safetensors import safe_open

            with safe_open(path, framework="pt") as file:
                shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - no mapping
                return Kind(_for_what(json.loads((file.metadata() or {}).get("meaning", "{}"))), shapes)
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return Kind(_for_what(state.get("meaning", {})), _shapes(state["model"]))
    except Exception:  # a damaged or foreign file ends in any of a dozen types
        return None


def _shapes(weights: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in weights.items()}


def _for_what(meaning: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a meaning that says what a network is for: the names of columns, not what is in them."""
    columns = sorted({*(meaning.get("categories") or {}), *(meaning.get("scales") or {})})
    return {**{name: meaning.get(name) for name in OF_WHAT}, "columns": columns or None}
