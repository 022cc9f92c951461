"""What a notebook holds of a workbook that is followed: the weights of its model, and the input or inputs."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from course_utils.excel.errors import WorkbookError
from course_utils.excel.options import shown
from course_utils.excel.reader import Held, in_form

ROWS = re.compile(r"(.+)\[(\d{1,9}):(\d{1,9})\]")  # of the key of a weight of which the sheet holds some rows here, some there
Numbers = dict[str, Tensor]  # by the name of the cells


class Shown(Protocol):
    """A widget that shows a model at work on `x`, such as LayerPipeline."""

    x: Any


class NotebookSide:
    """The model, and the widget or else an input of its own, by the names of the cells that hold the same in the workbook."""

    def __init__(self, file: str, model: nn.Module, widget: Shown | None, held: list[Held], form: str) -> None:
        """`file` is the name of the workbook, for messages, and `held` what is in it; see `fit`."""
        if not isinstance(model, nn.Module):
            raise WorkbookError(f"model is {shown(model)}; give the network that the workbook was exported from")
        if widget is not None and not hasattr(widget, "x"):
            raise WorkbookError(f"widget is {shown(widget)}; give a LayerPipeline of the model, or None")
        if widget is not None and getattr(widget, "model", model) is not model:
            raise WorkbookError("the widget shows another model; make it of the one that is followed: LayerPipeline(model, x)")
        self._file, self._model, self._widget, self._form = file, model, widget, form
        self._held = {one.name: one for one in held}
        self._given = {one.name: one.given for one in held if not one.keys}
        self._inputs = {name: self._held[name].value for name in self._given}
        self._tensors()

    @property
    def x(self) -> Any:
        """The input in the shape that the workbook holds, or all of them as they were given there: a tuple or a dictionary."""
        inputs = self._inputs_now()
        return in_form(self._form, {given: inputs[name].clone() for name, given in self._given.items()})

    @x.setter
    def x(self, value: Any) -> None:
        if self._widget is not None:
            self._widget.x = value
        else:
            self._inputs = self._apart(value)

    def fit(self, held: Iterable[Held]) -> None:
        """Take `held` for what the workbook holds now; WorkbookError where these are no longer the same tensors."""
        now = {one.name: one for one in held}
        if {name: one.value.shape for name, one in now.items()} != {name: one.value.shape for name, one in self._held.items()}:
            raise WorkbookError("it holds other layers or inputs than before; stop following it, and follow it again")
        self._held = now

    def numbers(self) -> Numbers:
        """What the notebook holds, in the shapes and dtypes of the workbook."""
        weights = {
            name: tensors[0].detach().cpu().to(self._held[name].value.dtype, copy=True)
            for name, tensors in self._tensors().items()
        }
        return weights | {name: value.clone() for name, value in self._inputs_now().items()}

    def take(self, numbers: Numbers) -> None:
        """Bring numbers of the workbook into the model and onto the widget."""
        state = self._tensors()
        with torch.no_grad():
            for name, value in numbers.items():
                for tensor in state.get(name, ()):
                    tensor.copy_(value)
        self._inputs |= {name: value for name, value in numbers.items() if name in self._given}
        if self._widget is not None and self._given:
            changed = in_form(self._form, {given: self._inputs[name] for name, given in self._given.items()})
            self._widget.x = changed  # also where the weights alone changed: it runs the model again

    def named(self, names: list[str]) -> str:
        """Tensors by what the notebook calls them."""
        listed = [self._called(name) for name in names]
        return ", ".join(listed[:4]) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")

    def _called(self, name: str) -> str:
        if name not in self._given:
            return self._held[name].keys[0]
        return "the input" if self._form == "one" else f"the input {self._given[name]!r}"

    def _inputs_now(self) -> Numbers:
        return self._inputs if self._widget is None or not self._given else self._apart(self._widget.x)

    def _apart(self, x: Any) -> Numbers:
        """Each input by the name of its cells; WorkbookError where `x` is not given as in the workbook."""
        names, arguments = list(self._given), ", ".join(self._given.values())
        if self._form == "one":
            return {name: self._as_held("x", x, name) for name in names}
        if self._form == "dict":
            if not isinstance(x, Mapping) or set(x) != set(self._given.values()):
                raise WorkbookError(f"x is {shown(x)}; {self._file} holds several inputs: give a dictionary of {arguments}")
            return {name: self._as_held(f"x[{given!r}]", x[given], name) for name, given in self._given.items()}
        if not isinstance(x, (tuple, list)) or len(x) != len(names):
            raise WorkbookError(f"x is {shown(x)}; {self._file} holds several inputs: give a tuple ({arguments})")
        return {name: self._as_held(f"x[{at}]", x[at], name) for at, name in enumerate(names)}

    def _as_held(self, what: str, x: Any, name: str) -> Tensor:
        """An input in the shape and dtype of the workbook; WorkbookError where it has another one, but for axes of 1."""
        held = self._held[name].value
        try:
            tensor = torch.as_tensor(x).detach().cpu()
        except (TypeError, ValueError, RuntimeError) as error:
            raise WorkbookError(f"{what} is {shown(x)}; give numbers of shape {tuple(held.shape)}") from error
        if tensor.squeeze().shape != held.squeeze().shape:
            raise WorkbookError(
                f"{what} has shape {tuple(tensor.shape)}, and {self._file} holds one of {tuple(held.shape)}; give one of that "
                "shape, or export the model again with the new one"
            )
        return tensor.to(held.dtype).reshape(held.shape)

    def _tensors(self) -> dict[str, list[Tensor]]:
        """The tensors of the model that each weight of the workbook belongs to, as they are now: on another device they are
        others. WorkbookError where the model has none of that shape."""
        state, found = self._model.state_dict(keep_vars=False), dict[str, list[Tensor]]()
        for one in (each for each in self._held.values() if each.keys):
            tensors = []
            for key in one.keys:
                part = ROWS.fullmatch(key)
                tensor = state.get(part[1] if part else key)
                if tensor is not None and part:
                    tensor = tensor[int(part[2]) : int(part[3])]
                if tensor is None or tensor.shape != one.value.shape:
                    has = "none" if tensor is None else f"one of shape {tuple(tensor.shape)}"
                    raise WorkbookError(
                        f"{self._file} holds {key} of shape {tuple(one.value.shape)}, and the model has {has}; give the "
                        "model that it was exported from"
                    )
                tensors.append(tensor)
            found[one.name] = tensors
        return found
