"""Progress that can be watched while it lasts, and reads well in a saved notebook when it is over."""

import html
import sys
from collections.abc import Iterable, Iterator, Sized
from typing import Any, Generic, TypeVar

from course_utils.training.distributed import rank

T = TypeVar("T")


def in_notebook() -> bool:
    """Whether this code runs in a Jupyter kernel."""
    if sys.modules.get("ipykernel") is None:
        return False
    from IPython import get_ipython

    return hasattr(get_ipython(), "kernel")


def can_be_seen() -> bool:
    """Whether anybody watches: a notebook, or a terminal that is not redirected."""
    return in_notebook() or sys.stderr.isatty()


class Bar(Generic[T]):
    """A progress bar that leaves nothing behind: `tqdm.auto`, but gone from the saved notebook too.

    Iterate over it, or call `advance`; as a context manager it closes itself.

    >>> [n for n in Bar(range(3), description="counting", show=False)]
    [0, 1, 2]
    """

    def __init__(
        self, iterable: Iterable[T] = (), total: int | None = None, description: str = "", show: bool | None = None
    ) -> None:
        self.iterable = iterable
        if total is None and isinstance(iterable, Sized):
            total = len(iterable)
        self.tqdm: Any = None
        self.handle: Any = None
        if rank() > 0 or not (can_be_seen() if show is None else show):
            return
        if in_notebook():
            from IPython.display import display
            from tqdm.notebook import tqdm

            self.tqdm = tqdm(total=total, desc=description, display=False)
            self.handle = display(self.shown(), display_id=True)
            self.tqdm.displayed = True
        else:
            from tqdm import tqdm as terminal_tqdm

            self.tqdm = terminal_tqdm(total=total, desc=description, leave=False)

    def shown(self) -> Any:
        """What stands in the notebook while the bar lives."""
        return self.tqdm.container

    def left(self) -> dict[str, str]:
        """What stands there afterwards, by MIME type."""
        return {"text/plain": ""}

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Move on; `note` is shown at the end of the bar when it is next drawn."""
        if self.tqdm is not None:
            if note:
                self.tqdm.set_postfix_str(note, refresh=False)
            self.tqdm.update(steps)

    def close(self) -> None:
        """Take the bar away; closing twice is harmless."""
        if self.tqdm is None:
            return
        self.tqdm.close()
        if self.handle is not None:
            self.handle.update(self.left(), raw=True)
        self.tqdm = None

    def __iter__(self) -> Iterator[T]:
        try:
            for item in self.iterable:
                yield item
                self.advance()
        finally:
            self.close()

    def __enter__(self) -> "Bar[T]":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class EpochTable(Bar[None]):
    """A bar over the steps of a fit and a growing table of its epochs; the table is what is left.

    >>> table = EpochTable(total=2, show=False)
    >>> table.add_row({"epoch": 0, "train loss": 0.5, "accuracy": 0.75})
    >>> print(table.as_text())
    epoch  train loss  accuracy
        0      0.5000    0.7500
    """

    def __init__(self, total: int, done: int = 0, show: bool | None = None) -> None:
        self.rows: list[dict[str, float]] = []
        self.html: Any = None
        super().__init__(total=total, description="fit", show=show)
        self.advance(done)

    def shown(self) -> Any:
        """The table above the bar."""
        from ipywidgets import HTML, VBox

        self.html = HTML()
        return VBox([self.html, self.tqdm.container])

    def left(self) -> dict[str, str]:
        """The table alone."""
        return {"text/html": self.as_html(), "text/plain": self.as_text()} if self.rows else {"text/plain": ""}

    def add_row(self, row: dict[str, float]) -> None:
        """Add an epoch: column names and values."""
        self.rows.append(row)
        if self.html is not None:
            self.html.value = self.as_html()
        elif self.tqdm is not None:
            self.tqdm.write(self.last())

    def last(self) -> str:
        """The line of the last epoch; above the first one, the names of the columns."""
        lines = self.as_text().splitlines()
        return lines[-1] if len(self.rows) > 1 else "\n".join(lines)

    def as_text(self) -> str:
        """The table in columns of characters."""
        names = [_printable(name) for name in self.rows[0]]
        widths = [max(len(name), 5) for name in names]
        lines = [names] + [[_number(value) for value in row.values()] for row in self.rows]
        return "\n".join(
            "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
        )

    def as_html(self) -> str:
        """The table as HTML; a name is text there, `<lambda>` too."""
        if not self.rows:
            return ""
        head = "".join(f"<th>{html.escape(_printable(name))}</th>" for name in self.rows[0])
        body = "".join("<tr>" + "".join(f"<td>{_number(value)}</td>" for value in row.values()) + "</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _printable(name: str) -> str:
    """A name on one line, without signs that move a terminal's cursor.

    >>> print(_printable("two\\nlines"))
    two\\nlines
    """
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in name)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.4f}"
