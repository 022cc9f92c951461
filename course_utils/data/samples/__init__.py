"""Drawn stand-ins for the datasets, with the real layout: one module each, loaded when it draws.

A maker is a module with `draw(folder, seed=0)`, which fills an empty folder and gives the same bytes for the same seed, and
`VERSION`, a number that is raised whenever what it draws changes.
"""

import contextlib
import importlib
import importlib.metadata
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from course_utils.data.catalog import DATASETS, Dataset
from course_utils.data.staging import scratch
from course_utils.errors import CourseError

MARKER = "DRAWN.json"  # in the stand-in's folder: what it is, and what drew it


def maker_of(dataset: Dataset) -> ModuleType:
    """Give the module that draws `dataset`; a `CourseError` that says what to do instead where there is none yet."""
    if dataset.maker is None:
        drawable = ", ".join(name for name, other in DATASETS.items() if other.maker)
        raise CourseError(
            f"{dataset.name!r} has no drawn stand-in yet in this version (there is one for: {drawable}). "
            f"Get the real data ({dataset.page}): course_utils.data.get({dataset.name!r}, sample=False) downloads it, "
            f"course_utils.data.link({dataset.name!r}, folder) uses a folder that you have"
        )
    return importlib.import_module(f"course_utils.data.samples.{dataset.maker}")


def is_current(dataset: Dataset, folder: Path) -> bool:
    """Tell whether `folder` holds a whole stand-in of `dataset`, drawn by the maker's present version."""
    drawn = _read_marker(folder)
    return drawn is not None and dataset.maker is not None and drawn.get("version") == maker_of(dataset).VERSION


def draw(dataset: Dataset, folder: Path, seed: int = 0) -> Path:
    """Draw the stand-in of `dataset` at `folder`, which it gives back; one that is there and current is left as it is.

    It is drawn beside its place and moved there when it is whole, so another process never sees half of it; where two draw at
    once the first one's is kept. One that an older version of the maker drew is replaced. A folder that is no stand-in is not:
    then a `CourseError` is raised.
    """
    if is_current(dataset, folder):
        return folder
    maker = maker_of(dataset)
    if folder.exists() and any(folder.iterdir()) and _read_marker(folder) is None:
        raise CourseError(
            f"{folder} is no drawn stand-in: it has no {MARKER}. Nothing was changed: move it away, then try again"
        )
    with scratch(beside=folder) as part:
        maker.draw(part, seed=seed)
        marker = {
            "what": f"Drawn by a program as a stand-in for {dataset.title}; none of it is real.",
            "maker": dataset.maker,
            "version": maker.VERSION,
            "seed": seed,
            **{library: importlib.metadata.version(library) for library in ("numpy", "pillow")},
        }
        (part / MARKER).write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")
        _put(part, dataset, folder)
    return folder


def _put(part: Path, dataset: Dataset, folder: Path) -> None:
    if is_current(dataset, folder):
        return  # another process was first
    with scratch(beside=folder) as old:
        with contextlib.suppress(FileNotFoundError):  # the usual case: nothing is there yet
            folder.rename(old / folder.name)
        try:
            part.rename(folder)
        except OSError:
            if not is_current(dataset, folder):  # else another process was first, by a hair
                raise


def _read_marker(folder: Path) -> dict[str, Any] | None:
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return marker if isinstance(marker, dict) else None
