"""A link in a notebook to a file on its server (lecture 0:38:02)."""

import html
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from course_utils.errors import CourseError
from course_utils.files import as_path
from course_utils.hosts import host
from course_utils.kaggle.samples import unpacked
from course_utils.names import counted
from course_utils.packed import DAMAGED

if TYPE_CHECKING:
    from IPython.display import HTML


def download_link(file: str | os.PathLike[str]) -> "HTML":
    """A link for a notebook by which the browser downloads a file from the server (lecture 0:38:02).

    It is relative to the current folder. JupyterLab serves the folder that it was started in, so a file must lie in the
    notebook's folder or the one above it; of another the output says that there is no link to it. On Colab and in VS Code,
    where no link reaches a file, it says what to do instead.
    """
    from IPython.display import HTML

    path = as_path("file", file)
    if not os.path.isfile(path):
        raise CourseError(f"there is no file {path} to download; submission(..., file={str(path)!r}) writes one")
    name, what = html.escape(path.name.encode("utf-8", "replace").decode()), _described(path)
    if way := host().take_away:
        return HTML(f"{name} ({what}): {html.escape(way)}")
    address = _relative(path)
    if address is None:
        return HTML(f"{name} ({what}) lies outside of what JupyterLab serves; write it to a folder beside the notebook")
    return HTML(f'<a href="{quote(os.fsencode(address))}" download>{name}</a> ({what})')


def _relative(path: Path) -> str | None:
    try:
        address = Path(os.path.relpath(path.absolute()))
    except ValueError:  # on another drive of Windows
        return None
    return None if address.parts[:2] == ("..", "..") else address.as_posix()


def _described(path: Path) -> str:
    size = path.stat().st_size
    text = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} KB"
    try:
        content = unpacked(path)
    except (OSError, ValueError, CourseError, *DAMAGED):
        return text
    return f"{counted(content.count(bytes([10])) - 1, 'row')}, {text}" if ".csv" in path.suffixes else text
