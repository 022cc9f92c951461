"""What all widgets share: settings, the picture they leave behind, the words for what they show, and the ways out of here."""

import base64
import os
import tempfile
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import anywidget
from ipywidgets import DOMWidget
from torch import Tensor, nn
from traitlets import Int, List, TraitError, Unicode

from course_utils.errors import CourseError
from course_utils.files import as_path, writing
from course_utils.widgets.base.alone import Page, with_workbook
from course_utils.widgets.base.arrays import Numbers, as_names, plain_value, shown
from course_utils.widgets.base.bundle import packed, script, stylesheet
from course_utils.widgets.base.errors import WidgetError
from course_utils.widgets.base.free_names import check_beside, reserved
from course_utils.widgets.base.picture import Picture, pixel_sum

STILL = 1400  # pixels across, at most, of the picture that a page has for readers without scripts
LINE = 88  # letters: a page that shows printed text breaks longer lines within words, or hides their ends
_JUPYTERS = {*DOMWidget.class_trait_names(), "_anywidget_id", "_esm", "_css"}  # traits that are not the widget's own


class CourseWidget(anywidget.AnyWidget):
    """A widget whose traits are its only state; a subclass says what it shows in `_draw`, `describe` and `_exported`."""

    _title: ClassVar[str]  # of its page
    _module: ClassVar[Path]  # a widget's own JavaScript; its style lies beside it, of the same name
    # What may be given by name on creation, beside the arguments that are spelled out.
    _settings: ClassVar[tuple[str, ...]] = ()
    needs_python: ClassVar[bool] = False  # whether it has nothing to say where there is no Python, and so no page

    # Written here, shown in the widget: the outcome of the last export.
    message = Unicode(help="what the last export did").tag(sync=True)
    export_path = Unicode(help="the workbook to write; where there is a file already, a number is added").tag(sync=True)
    # A stretch of the still picture's own text, by which a living widget finds that picture in the page and hides it.
    _picture_mark = Unicode().tag(sync=True)
    # The same for where its text is out of reach: a sum over its pixels.
    _picture_sum = Int().tag(sync=True)
    _path_from_page = ""  # the export_path, where the page has set it and not Python

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Read the screen's part of a widget that names its module."""
        if "_module" in vars(cls):
            cls._esm = packed(script(cls._module))
            cls._css = stylesheet(cls._module.with_suffix(".css"))
        super().__init_subclass__(**kwargs)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.on_msg(self._receive)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a trait, on creation and later: numbers of NumPy and PyTorch are taken, and a misfit is a WidgetError."""
        if name == "export_path":
            super().__setattr__("_path_from_page", "")
        if name not in self._traits:
            super().__setattr__(name, value)
            return
        try:
            super().__setattr__(name, _plain_for(self._traits[name], name, value))
        except WidgetError:
            raise
        except TraitError as error:
            raise _misfit(self._traits[name], name, value) from error

    @classmethod
    def _checked(cls, name: str, value: Any) -> Any:
        """The value as its trait will hold it, for what is computed before there is a widget; a misfit is a WidgetError."""
        trait = getattr(cls, name)
        try:
            return trait.validate(None, _plain_for(trait, name, value))
        except WidgetError:
            raise
        except TraitError as error:
            raise _misfit(trait, name, value) from error

    @classmethod
    def _take_only_settings(cls, given: dict[str, Any]) -> None:
        """Refuse what was given by name and is not a setting of this widget."""
        unknown = sorted(set(given) - set(cls._settings) - set(DOMWidget.class_trait_names()))
        if unknown:
            raise WidgetError(f"{cls.__name__} has no {', '.join(unknown)}; try {', '.join(cls._settings)}")

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Take what the screen sends; what does not fit is refused in words, and the screen gets the true state back."""
        before = self.export_path
        try:
            super().set_state(sync_data)
        except TraitError as error:
            self._say(str(error))
            self.send_state(list(sync_data))
        if self.export_path != before:
            self._path_from_page = self.export_path

    def _say(self, text: str) -> None:
        """Put a message on the screen; the screen hears of changes alone, so one that is there already goes and comes back."""
        if self.message == text:
            self.message = ""
        self.message = text

    def describe(self) -> str:
        """What is on the screen, in a few sentences."""
        raise NotImplementedError

    def _draw(self) -> Picture:
        raise NotImplementedError

    @classmethod
    def example(cls) -> Self:
        """The widget as a lesson shows it, which `course export-widgets` writes."""
        raise NotImplementedError

    def _numbers(self) -> Mapping[str, Any]:
        """What Python computes from the traits, by the names under which `computed` in widget.js gives the same."""
        return {}

    def _exporter(self) -> Callable[[Path], object]:
        """What writes the workbook: of a model, unless a widget has a sheet of its own."""
        from course_utils.excel import export_model  # the spreadsheet library loads when a workbook is written

        model, x, options = self._exported()
        return lambda target: export_model(model, x, target, **options)

    def _exported(self) -> tuple[nn.Module, Tensor, dict[str, Any]]:
        """The model, its input and the further arguments of `export_model`; a WidgetError where there is nothing to write."""
        raise NotImplementedError

    def picture(self) -> bytes:
        """What is on the screen as a PNG, for where no widget lives: exported HTML, a PDF, a page that hosts code."""
        return self._draw().png()

    def export(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write what is on the screen as a workbook of live formulas and give its path.

        A file that is there already is kept: the new one gets the next free number, as in convolution_2.xlsx. The Export button
        does the same. Raises CourseError where the workbook cannot be written.
        """
        if path is None and self._path_from_page:
            check_beside(self._path_from_page)
        write = self._exporter()
        with reserved(self.export_path if path is None else path, ".xlsx") as target:
            write(target)
        self._say(f"Written to {target} ({max(1, round(target.stat().st_size / 1000))} kB).")
        return target

    def html(self, title: str = "") -> str:
        """The widget as a page of its own, which moves in any browser with no Python, server or network.

        `title` is the name and the heading of the page; without it that is the widget's own, as in "Convolution explorer". A
        notebook keeps the page as the output of a cell inside an iframe, also where the notebook is not trusted:

            from html import escape
            from IPython.display import HTML
            HTML(f'<iframe srcdoc="{escape(widget.html())}" width="100%" height="700"></iframe>')

        Inside are some of the numbers that PyTorch computed, with which the page compares its own, and a workbook of what is on
        the screen now, where there is something to write and the page stays below 300 kB with it.

        >>> from course_utils.widgets import SoftmaxSigmoid
        >>> SoftmaxSigmoid().html(title="Cats and dogs")[:15], SoftmaxSigmoid().html().count("https:")
        ('<!doctype html>', 0)
        """
        if self.needs_python:
            raise WidgetError(
                f"{type(self).__name__} asks Python for everything that it shows, so a page without Python would be empty; "
                "picture() gives what is on the screen as a PNG"
            )
        page = Page(
            title=plain_value(title) or self._title, module=self._module, css=self._css, state=self._page_state(),
            numbers=self._numbers(), words=self.describe(), still=self._draw().webp(STILL),
        ).html()  # fmt: skip
        try:
            workbook = self._workbook()
        except WidgetError:  # there is nothing to write
            return page
        return with_workbook(page, workbook, Path(self.export_path).name or "workbook.xlsx")

    def save_html(self, path: str | os.PathLike[str], title: str = "") -> Path:
        """Write `html` to a file that any browser shows and moves, with no Python, server or network; give its path.

        A file that is there already is kept: the new one gets the next free number. Raises CourseError where the file cannot be
        written.
        """
        with reserved(as_path("path", path), ".html") as target:
            page = self.html(title)
            with writing(target):
                target.write_text(page, encoding="utf-8")
        return target

    def _page_state(self) -> dict[str, Any]:
        """The traits as they travel with a page."""
        return {name: value for name, value in self.get_state().items() if name not in _JUPYTERS}

    def _workbook(self) -> bytes:
        """What is on the screen as the bytes of a workbook."""
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "workbook.xlsx"
            self._exporter()(target)
            return target.read_bytes()

    def _receive(self, _: object, content: dict[str, Any], buffers: list[bytes]) -> None:
        """Answer a button of the JavaScript side."""
        if content.get("ask") == "export":
            try:
                path = self.export()
                # The file itself goes along: the notebook may run on another machine than the screen.
                self.send({"exported": path.name}, buffers=[path.read_bytes()])
            except CourseError as error:
                self._say(f"Nothing was written. {error}")
            except Exception as error:  # the button waits for an answer, whatever went wrong
                self._say(f"Nothing was written. {type(error).__name__}: {error}")

    def _still(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The picture as a mime bundle, and its metadata.

        It is an image and not HTML with an image in it, because pages that host code take images out of HTML.
        """
        drawn = self._draw()
        png = drawn.png()
        encoded = base64.b64encode(png).decode("ascii")
        self._picture_mark, self._picture_sum = encoded[-120:-40], pixel_sum(png)
        words = self.describe()
        size = {"width": drawn.width, "height": drawn.height, "alt": words}
        # VS Code looks for the words in a place of its own.
        return {"image/png": encoded, "text/plain": ""}, {"image/png": size, "vscode_altText": words}

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The living widget, the still picture and the words in one: each reader takes what it can show."""
        still, metadata = self._still()
        living = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**still, **living[0], "text/plain": self._printed()}, {**metadata, **living[1]}

    def _ipython_display_(self, **kwargs: Any) -> None:
        """Display the widget, or the words for it, and the picture as two outputs; the living widget hides the second.

        One output with all in it is not enough: a notebook that was run by a program keeps the widgets' state, and its export
        to HTML then takes the living one, which needs the internet to come alive, and shows nothing.
        """
        from IPython.display import display

        still, metadata = self._still()
        living = super()._repr_mimebundle_(**kwargs) or ({}, {})
        display({**living[0], "text/plain": self._printed()}, metadata=living[1], raw=True)
        display(still, metadata=metadata, raw=True)

    def _printed(self) -> str:
        """The words as they are printed where no widget lives, in lines that a page has room for."""
        return textwrap.fill(self.describe(), LINE, break_long_words=False, break_on_hyphens=False)


def _plain_for(trait: Any, name: str, value: Any) -> Any:
    """What the trait is to be given: Python's own numbers, whole ones where it counts, names as a list of text."""
    if isinstance(trait, Numbers):
        return value
    if isinstance(trait, List) and isinstance(trait._trait, Unicode):
        return as_names(value, name)
    plain = plain_value(value, single=isinstance(trait, Int))
    return int(plain) if isinstance(trait, Int) and isinstance(plain, (bool, float)) and plain == plain // 1 else plain


# What a trait takes, in other words than those of traitlets.
_EXPECTED = {
    "an int": "a whole number",
    "a float": "a number",
    "a unicode string": "text",
    "a boolean": "True or False",
    "a tuple": "a row and a column, as in (0, 1)",
}


def _misfit(trait: Any, name: str, value: Any) -> WidgetError:
    return WidgetError(f"{name} is {shown(value)}; expected {_EXPECTED.get(trait.info(), trait.info())}")
