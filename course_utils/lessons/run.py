"""Running a notebook without a screen."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError
from course_utils.files import replacing
from course_utils.lessons.notebook import read_notebook

HEADLINE = "headline"  # the tag of the cell whose printed line sums a lesson up


@dataclass(frozen=True)
class Run:
    """A lesson that was run: how long it took, the line it ended with, and the executed notebook."""

    name: str
    seconds: float
    headline: str
    notebook: Path


def run_lesson(notebook: Path, build: Path, on_cell: Callable[[int, int], None] = lambda done, cells: None) -> Run:
    """Run a notebook from top to bottom in its own folder and write it, with its outputs, to `build`.

    Raises:
        CourseError: a cell failed; the message shows the cell and its error, and the notebook is written up to there.
    """
    import nbformat

    content = read_notebook(notebook)
    start = time.monotonic()
    failure = execute(content, notebook.parent, on_cell)
    executed = build / notebook.name
    with replacing(executed) as part:
        nbformat.write(content, part)
    if failure is not None:
        raise CourseError(f"{notebook.name} failed; what it did until then is in {executed}.\n\n{failure}") from failure
    return Run(notebook.stem, time.monotonic() - start, headline(content), executed)


def execute(content: Any, folder: Path, on_cell: Callable[[int, int], None] = lambda done, cells: None) -> Exception | None:
    """Run the cells of a notebook in `folder`; its outputs are in `content` then, up to the cell that failed.

    Before each code cell `on_cell` hears how many are done, of how many. What a cell failed with is given back.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from traitlets.config import Config

    code = [i for i, cell in enumerate(content.cells) if cell.cell_type == "code"]

    def started(cell: Any, cell_index: int) -> None:
        on_cell(code.index(cell_index), len(code))

    client = NotebookClient(
        content,
        timeout=3600,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        on_cell_execute=started,
        # A kernel's sockets are open to every user of the machine: it warns of that, unless both sides know how to encrypt.
        config=Config({"KernelManager": {"transport_encryption": "auto"}}),
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return error
    return None


def headline(content: Any) -> str:
    """The line that a lesson's cell tagged `headline` printed; empty where there is none."""
    for cell in content.cells:
        if HEADLINE in cell.metadata.get("tags", []):
            return "".join(output.get("text", "") for output in cell.get("outputs", [])).strip()
    return ""
