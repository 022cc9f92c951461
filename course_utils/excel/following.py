"""A workbook and a model kept in step: what changes in the one comes into the other; nothing is lost where both changed."""

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.excel.errors import WorkbookError
from course_utils.excel.notebook_side import NotebookSide, Numbers, Shown
from course_utils.excel.options import item, shown
from course_utils.excel.patch import write_numbers
from course_utils.excel.reader import Held, read_held
from course_utils.excel.saved_file import SavedFile
from course_utils.files import as_path

START = ("workbook", "model")

_active: dict[Path, "Following"] = {}


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
        self.path, self.messages, self.interval = path, list[str](), interval
        self._stopped, self._busy = threading.Event(), threading.RLock()
        self._thread = threading.Thread(target=self._watch, name=f"follow {path.name}", daemon=True)
        self._label: Any = None
        self._button: Any = None
        self._file = SavedFile(path)  # before it is read: what is saved from now on is news
        self._held, form = read_held(path)
        self._here = NotebookSide(path.name, model, widget, self._held, form)
        self._agreed = _numbers(self._held)  # what both held when they were last in step
        self._last_here: Numbers | None = None
        self._waits = ""  # what was said last of why nothing is written

    # -- for whoever uses it -------------------------------------------------------------------------------------------------

    @property
    def x(self) -> Any:
        """The input in the shape that the workbook holds, or several as they were given: a tuple or a dictionary of them.

        Set it, where there is no widget.
        """
        return self._here.x

    @x.setter
    def x(self, value: Any) -> None:
        self._here.x = value

    @property
    def running(self) -> bool:
        """Whether it still looks at the file."""
        return not self._stopped.is_set()

    def begin(self, start: str | None) -> None:
        """Bring both into step, as `start` says where they differ, and look at the file from now on."""
        here = self._here.numbers()
        apart = [name for name in here if not _same(here[name], self._agreed[name])]
        if apart and start is None:
            raise WorkbookError(
                f"{self.path.name} and the notebook hold different numbers at first: {self._here.named(apart)}. Say which "
                "count: start='workbook' or start='model'"
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
            here = self._here.numbers()
            if left := [name for name in here if not _same(here[name], self._agreed[name])]:
                self._say(f"{self.path.name} does not hold what the notebook changed last: {self._here.named(left)}")
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
                self._meet(there, here if here is not None else self._here.numbers())
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
        held, _ = read_held(self.path)
        self._here.fit(held)
        return held

    def _news_of_the_notebook(self, last: bool) -> Numbers | None:
        """What model and widget hold, where it changed and does not change any more."""
        here = self._here.numbers()
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
            but = f", but for {self._here.named(lost)} with nan or inf, which no cell can hold" if lost else ""
            self._say(
                f"{self.path.name} was saved and the notebook had changed too: {self._here.named(both)}. The workbook's "
                f"numbers count; the notebook's are kept in {copy.name}{but}, from which read_weights and "
                "read_input bring them back"
            )
            return
        self._take({name: there[name] for name in changed})
        self._say(f"{self.path.name} was saved: {self._here.named(changed)} came into the notebook")

    def _write(self, here: Numbers) -> None:
        """The notebook changed: write what it holds into the workbook, unless that is open."""
        changed = [name for name in here if not _same(here[name], self._agreed[name])]
        if (lock := self._file.lock()) is not None:
            self._wait_for(
                f"the notebook changed {self._here.named(changed)}; {self.path.name} is open elsewhere ({lock.name} is there) "
                "and is written once it is closed"
            )
            return
        if beyond := [name for name in changed if not _finite(here[name])]:
            self._wait_for(f"the notebook's {self._here.named(beyond)} hold nan or inf, which no cell can; nothing is written")
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
        self._say(f"the notebook's numbers were written to {self.path.name}: {self._here.named(changed)}{formulas}")

    def _take(self, numbers: Numbers) -> None:
        self._here.take(numbers)
        self._agreed |= numbers
        self._last_here = None

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
            if held.name in here:
                pairs = zip(held.cells, here[held.name].flatten().tolist(), held.value.flatten().tolist(), strict=True)
                numbers.setdefault(held.sheet, {}).update({place: new for place, new, old in pairs if new != old})
        replaced = write_numbers(self.path, numbers, kept, to)
        if to == self.path:
            self._held, _ = read_held(to)
        return replaced

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


def _numbers(held: list[Held]) -> Numbers:
    return {one.name: one.value for one in held}


def _finite(value: Tensor) -> bool:
    return bool(torch.isfinite(value.double()).all())


def _same(one: Tensor, other: Tensor) -> bool:
    return bool(((one == other) | ((one != one) & (other != other))).all())  # nan, which equals nothing, included
