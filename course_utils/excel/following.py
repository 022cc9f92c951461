"""A workbook and a model kept in step: what changes in the one comes into the other; nothing is lost where both changed."""

import os
import re
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, Self

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.excel.errors import WorkbookError
from course_utils.excel.options import item, shown
from course_utils.excel.patch import write_numbers
from course_utils.excel.reader import Held, read_held
from course_utils.excel.saved_file import SavedFile
from course_utils.files import as_path

ROWS = re.compile(r"(.+)\[(\d{1,9}):(\d{1,9})\]")  # of the key of a weight of which the sheet holds some rows here, some there
START = ("workbook", "model")
Numbers = dict[str, Tensor]  # by the name of the cells; the input is called INPUT
INPUT = "input"

_active: dict[Path, "Following"] = {}


class Shown(Protocol):
    """A widget that shows a model at work on `x`, such as LayerPipeline."""

    x: Any


def follow(
    path: str | os.PathLike[str],
    model: nn.Module,
    widget: Shown | None = None,
    start: str | None = None,
    interval: float = 0.5,
) -> "Following":
    """Keep a workbook of `export_model`, the model, and perhaps its LayerPipeline in step, until it is stopped.

    Saving the workbook brings its weights and input into `model` and onto `widget`; what changes in the notebook is written
    into the workbook where no spreadsheet program has it open, and else once it is closed. Where both changed the same tensor
    since they were last in step, the workbook's numbers count and a copy beside it keeps those of the notebook; either is said.

    Use it in a `with` block, or in a notebook as the last line of a cell, which shows a button that stops it. `start` says
    which numbers count where workbook and notebook differ at first: "workbook" or "model". The file is looked at every
    `interval` seconds. Of a file that is written into, formulas have no values until a spreadsheet program opens it.

    Raises WorkbookError where the file is not such a workbook, belongs to another model or, without `start`, differs from it.

    >>> import tempfile
    >>> from course_utils.excel import export_model, read_weights
    >>> model = nn.Linear(2, 1)
    >>> file = export_model(model, torch.ones(2), Path(tempfile.mkdtemp()) / "line.xlsx")
    >>> with follow(file, model) as following:
    ...     _ = nn.init.ones_(model.weight)
    line.xlsx is followed: save it, or change the model
    the notebook's numbers were written to line.xlsx: weight
    line.xlsx is not followed any more
    >>> read_weights(file)["weight"]
    tensor([[1., 1.]])
    """
    if start is not None and start not in START:
        raise WorkbookError(f"start is {shown(start)}; it is 'workbook' or 'model', or None where both hold the same numbers")
    seconds = item(interval)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0.01 <= seconds <= 60:
        raise WorkbookError(f"interval is {shown(interval)}; it is a number of seconds from 0.01 to 60")
    following = Following(as_path("path", path, "a workbook").absolute(), model, widget, float(seconds))
    following.begin(start)
    return following


class Following:
    """A workbook that is followed; see `follow`. `messages` is what was said, and `x` the input as it is now."""

    def __init__(self, path: Path, model: nn.Module, widget: Shown | None, interval: float) -> None:
        if not isinstance(model, nn.Module):
            raise WorkbookError(f"model is {shown(model)}; give the network that the workbook was exported from")
        if widget is not None and not hasattr(widget, "x"):
            raise WorkbookError(f"widget is {shown(widget)}; give a LayerPipeline of the model, or None")
        if widget is not None and getattr(widget, "model", model) is not model:
            raise WorkbookError("the widget shows another model; make it of the one that is followed: LayerPipeline(model, x)")
        self.path, self.messages, self.interval = path, list[str](), interval
        self._model, self._widget = model, widget
        self._stopped, self._busy = threading.Event(), threading.RLock()
        self._thread = threading.Thread(target=self._watch, name=f"follow {path.name}", daemon=True)
        self._label: Any = None
        self._button: Any = None
        self._file = SavedFile(path)  # before it is read: what is saved from now on is news
        self._held = read_held(path)
        self._state = self._fitting(self._held)
        self._inputs = [held for held in self._held if not held.keys]
        self._x = self._inputs[0].value if len(self._inputs) == 1 else None
        self._agreed = _numbers(self._held)  # what both held when they were last in step
        self._last_here: Numbers | None = None
        self._waits = ""  # what was said last of why nothing is written

    # -- for whoever uses it -------------------------------------------------------------------------------------------------

    @property
    def x(self) -> Tensor | None:
        """The input, in the shape that the workbook holds; None where it holds several. Set it, where there is no widget."""
        return self._here().get(INPUT, self._x)

    @x.setter
    def x(self, value: Any) -> None:
        if self._x is None:
            raise WorkbookError("the workbook holds several inputs, which are not written from here; change them there")
        if self._widget is not None:
            self._widget.x = value
        else:
            self._x = self._as_held(value, self._x)

    @property
    def running(self) -> bool:
        """Whether it still looks at the file."""
        return not self._stopped.is_set()

    def begin(self, start: str | None) -> None:
        """Bring both into step, as `start` says where they differ, and look at the file from now on."""
        here = self._here()
        apart = [name for name in here if not _same(here[name], self._agreed[name])]
        if apart and start is None:
            raise WorkbookError(
                f"{self.path.name} and the notebook hold different numbers at first: {self._named(apart)}. Say which count: "
                "start='workbook' or start='model'"
            )
        if (before := _active.get(self.path)) is not None:
            before.stop()
        _active[self.path] = self
        if apart and start == "workbook":
            self._take(self._agreed)
        self._say(f"{self.path.name} is followed: save it, or change the model")
        self._thread.start()

    def stop(self) -> None:
        """Bring both into step a last time, and stop looking at the file."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        try:
            self._thread.join(10)
            self.look(last=True)
            here = self._here()
            if left := [name for name in here if not _same(here[name], self._agreed[name])]:
                self._say(f"{self.path.name} does not hold what the notebook changed last: {self._named(left)}")
        finally:
            _active.pop(self.path, None)
            if self._button is not None:
                self._button.disabled = True
            self._say(f"{self.path.name} is not followed any more")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _ipython_display_(self) -> None:
        """In a notebook: what was said last, and a button that stops it."""
        from IPython.display import display
        from ipywidgets import Button, HBox, Label

        self._label = Label(self.messages[-1] if self.messages else "")
        self._button = Button(description="Stop", tooltip=f"Follow {self.path.name} no longer", disabled=not self.running)
        self._button.on_click(lambda button: self.stop())
        display(HBox([self._button, self._label]))

    # -- looking ---------------------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._stopped.wait(self.interval):
            try:
                self.look()
            except Exception as error:  # a widget or a model may raise anything; the next save is looked at again
                self._wait_for(f"{type(error).__name__}: {error}")

    def look(self, last: bool = False) -> None:
        """Look once: at the file, if it lies still, and at the notebook, if its numbers do. `last` waits for neither."""
        with self._busy:
            self._read_what_was_saved(last)
            there = self._news_of_the_file()
            here = self._news_of_the_notebook(last)
            if there is not None:
                self._meet(there, here if here is not None else self._here())
            elif here is not None:
                self._write(here)

    def _read_what_was_saved(self, last: bool) -> None:
        try:
            held = self._file.news(self._read, last)
        except WorkbookError as error:
            self._wait_for(str(error))
            return
        if held is not None:
            self._held, self._waits = held, ""

    def _news_of_the_file(self) -> Numbers | None:
        """What the workbook holds, where that has not come into the notebook yet: also where an error kept it from that."""
        found = _numbers(self._held)
        return found if any(not _same(found[name], self._agreed[name]) for name in found) else None

    def _read(self) -> list[Held]:
        held = read_held(self.path)
        self._fitting(held)
        if _numbers(held).keys() != self._agreed.keys():
            raise WorkbookError("it holds other layers than before; stop following it, and follow it anew")
        return held

    def _news_of_the_notebook(self, last: bool) -> Numbers | None:
        """What model and widget hold, where it changed and does not change any more."""
        here = self._here()
        if all(_same(here[name], self._agreed[name]) for name in here):
            self._last_here = None
            return None
        still = self._last_here is not None and all(_same(here[name], self._last_here[name]) for name in here)
        self._last_here = here
        return here if still or last else None

    # -- bringing both into step -----------------------------------------------------------------------------------------------

    def _meet(self, there: Numbers, here: Numbers) -> None:
        """The workbook was saved: take what it changed; where the notebook changed the same, keep that in a copy."""
        changed = [name for name in there if not _same(there[name], self._agreed[name])]
        both = [
            name
            for name in changed
            if name in here and not _same(here[name], self._agreed[name]) and not _same(here[name], there[name])
        ]
        if both:
            whole = {name: value for name, value in here.items() if _finite(value)}
            copy = self._copy(whole)
            self._take(there)
            lost = [name for name in here if name not in whole]
            but = f", but for {self._named(lost)} with nan or inf, which no cell can hold" if lost else ""
            self._say(
                f"{self.path.name} was saved and the notebook had changed too: {self._named(both)}. The workbook's numbers "
                f"count; the notebook's are kept in {copy.name}{but}, from which read_weights and read_input bring them back"
            )
            return
        self._take({name: there[name] for name in changed})
        self._say(f"{self.path.name} was saved: {self._named(changed)} came into the notebook")

    def _write(self, here: Numbers) -> None:
        """The notebook changed: write what it holds into the workbook, unless that is open."""
        changed = [name for name in here if not _same(here[name], self._agreed[name])]
        if (lock := self._file.lock()) is not None:
            self._wait_for(
                f"the notebook changed {self._named(changed)}; {self.path.name} is open elsewhere ({lock.name} is there) and "
                "is written once it is closed"
            )
            return
        if beyond := [name for name in changed if not _finite(here[name])]:
            self._wait_for(f"the notebook's {self._named(beyond)} hold nan or inf, which no cell can; nothing is written")
            return
        if self._file.saved:  # in between: the next look sees both
            return
        try:
            replaced = self._put(here, self.path)
        except CourseError as error:
            self._wait_for(f"the notebook's numbers are not written: {error}")
            return
        self._file.was_written()
        self._waits = ""
        self._agreed |= here
        formulas = f" ({replaced} of its cells held a formula)" if replaced else ""
        self._say(f"the notebook's numbers were written to {self.path.name}: {self._named(changed)}{formulas}")

    def _take(self, numbers: Numbers) -> None:
        """Bring numbers of the workbook into the model and onto the widget."""
        with torch.no_grad():
            for name, value in numbers.items():
                for tensor in self._state.get(name, ()):
                    tensor.copy_(value)
        self._agreed |= numbers
        self._last_here = None
        if self._x is not None:
            self._x = self._agreed[INPUT]
            if self._widget is not None:
                self._widget.x = self._x  # also where the weights alone changed: it runs the model again

    def _copy(self, here: Numbers) -> Path:
        """Write the notebook's numbers into a copy of the workbook beside it."""
        number = 1
        while (copy := self.path.with_name(f"{self.path.stem} (notebook {number}){self.path.suffix}")).exists():
            number += 1
        self._put(here, copy)
        return copy

    def _put(self, here: Numbers, to: Path) -> int:
        numbers: dict[str, dict[tuple[int, int], float]] = {}
        kept: dict[str, set[tuple[int, int]]] = {}
        for held in self._held:
            kept.setdefault(held.sheet, set()).update(held.cells)
            name = _name(held)
            if name in here:
                pairs = zip(held.cells, here[name].flatten().tolist(), held.value.flatten().tolist(), strict=True)
                numbers.setdefault(held.sheet, {}).update({place: new for place, new, old in pairs if new != old})
        replaced = write_numbers(self.path, numbers, kept, to)
        if to == self.path:
            self._held = read_held(to)
        return replaced

    # -- what each of them holds -----------------------------------------------------------------------------------------------

    def _here(self) -> Numbers:
        """What the notebook holds, in the shapes and dtypes of the workbook."""
        self._state = self._fitting(self._held)  # anew: a model that moved to another device has other tensors
        held = _numbers(self._held)
        found = {name: tensors[0].detach().cpu().to(held[name].dtype, copy=True) for name, tensors in self._state.items()}
        if self._x is not None:
            found[INPUT] = self._as_held(self._x if self._widget is None else self._widget.x, self._x).clone()
        return found

    def _as_held(self, x: Any, held: Tensor) -> Tensor:
        """An input in the shape and dtype in which the workbook holds one; WorkbookError where it has more or fewer numbers."""
        try:
            tensor = torch.as_tensor(x).detach().cpu()
        except (TypeError, ValueError, RuntimeError) as error:
            raise WorkbookError(f"x is {shown(x)}; give numbers of shape {tuple(held.shape)}") from error
        if tensor.numel() != held.numel():
            raise WorkbookError(
                f"x has shape {tuple(tensor.shape)}, and {self.path.name} holds one of {tuple(held.shape)}; give one of that "
                "shape, or export the model again with the new one"
            )
        return tensor.to(held.dtype).reshape(held.shape)

    def _fitting(self, held: list[Held]) -> dict[str, list[Tensor]]:
        """The tensors of the model that each weight of the workbook belongs to; WorkbookError where it has others."""
        state, found = self._model.state_dict(keep_vars=False), dict[str, list[Tensor]]()
        for one in (each for each in held if each.keys):
            tensors = []
            for key in one.keys:
                part = ROWS.fullmatch(key)
                tensor = state.get(part[1] if part else key)
                if tensor is not None and part:
                    tensor = tensor[int(part[2]) : int(part[3])]
                if tensor is None or tensor.shape != one.value.shape:
                    has = "none" if tensor is None else f"one of shape {tuple(tensor.shape)}"
                    raise WorkbookError(
                        f"{self.path.name} holds {key} of shape {tuple(one.value.shape)}, and the model has {has}; give the "
                        "model that it was exported from"
                    )
                tensors.append(tensor)
            found[_name(one)] = tensors
        return found

    def _named(self, names: list[str]) -> str:
        keys = {_name(held): held.keys[0] if held.keys else "the input" for held in self._held}
        listed = [keys.get(name, name) for name in names]
        return ", ".join(listed[:4]) + (f" and {len(listed) - 4} more" if len(listed) > 4 else "")

    def _wait_for(self, what: str) -> None:
        """Say, once, why something has to wait."""
        if what != self._waits:
            self._waits = what
            self._say(what)

    def _say(self, message: str) -> None:
        self.messages.append(message)
        if self._label is not None:
            with suppress(Exception):  # the page that showed it may be gone
                self._label.value = message
        else:
            print(message, flush=True)


def _name(held: Held) -> str:
    return held.name if held.keys else INPUT


def _numbers(held: list[Held]) -> Numbers:
    """The weights, and the input where there is one alone."""
    inputs = [one for one in held if not one.keys]
    return {_name(one): one.value for one in held if one.keys or len(inputs) == 1}


def _finite(value: Tensor) -> bool:
    return bool(torch.isfinite(value.double()).all())


def _same(one: Tensor, other: Tensor) -> bool:
    return bool(((one == other) | ((one != one) & (other != other))).all())  # nan, which equals nothing, included
