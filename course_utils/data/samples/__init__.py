"""Drawn stand-ins for the datasets, with the real layout: one module each, loaded when it draws.

A maker is a module with `draw(folder, seed=0)`, which fills an empty folder and gives the same bytes for the same seed, and
`VERSION`, a number that is raised whenever what it draws changes.
"""

import contextlib
import importlib
import importlib.metadata
import json
import os
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from course_utils.data.catalog import DATASETS, Dataset
from course_utils.data.staging import one_at_a_time, scratch
from course_utils.errors import CourseError
from course_utils.files import reading, writing
from course_utils.leftovers import is_part
from course_utils.work import MARKER

__all__ = ["MARKER", "draw", "is_current", "maker_of"]


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

    It is drawn beside its place and moved there when it is whole, so another process never sees half of it; of several that
    want it at once one draws and the others wait. What an older version of the maker drew is replaced, and what else is in the
    folder stays there. A folder that is not a stand-in is left alone: then a `CourseError` is raised.
    """
    if is_current(dataset, folder):
        return folder
    maker = maker_of(dataset)
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(folder.parent, f"{dataset.name}: waiting for another process that is drawing"):
        if is_current(dataset, folder):
            return folder
        with reading(folder):
            occupied = os.path.lexists(folder) and bool(os.listdir(folder))
        if occupied and _read_marker(folder) is None:
            raise CourseError(
                f"{folder} is not a drawn stand-in: it has no {MARKER}. Nothing was changed: move it away, then try again"
            )
        with scratch(beside=folder) as part:
            maker.draw(part, seed=seed)
            marker = {
                "what": f"Drawn by a program as a stand-in for {dataset.title}; none of it is real.",
                "maker": dataset.maker,
                "version": maker.VERSION,
                "seed": seed,
                **{library: importlib.metadata.version(library) for library in ("numpy", "pillow")},
                "files": sorted(_files_in(part)),
            }
            (part / MARKER).write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")
            _put(part, dataset, folder)
    return folder


def _put(part: Path, dataset: Dataset, folder: Path) -> None:
    """Move what was drawn to its place, in one step where nothing is there yet."""
    if not os.path.lexists(folder) or not os.listdir(folder):
        try:
            part.rename(folder)
            return
        except OSError:
            if not os.path.isdir(folder):
                raise
    if is_current(dataset, folder):
        return  # another process was first
    _replace_drawn(part, dataset, folder)


def _replace_drawn(part: Path, dataset: Dataset, folder: Path) -> None:
    """Replace the files that an older version drew, one by one; whatever else is there never moves.

    The new marker comes last: whoever is stopped on the way has an old stand-in, which is drawn again.
    """
    new = _files_in(part)
    old = _drawn_files(folder, new)
    if kept := sorted({name.split("/")[0] for name in _files_in(folder) - old - new}):
        more = f" and {len(kept) - 3} more" if len(kept) > 3 else ""
        print(f"{dataset.name}: drawn again by a newer version; kept, since it was not drawn: {', '.join(kept[:3])}{more}")
    for name in sorted(new - {MARKER}):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (part / name).replace(folder / name)
    for name in old - new:
        (folder / name).unlink(missing_ok=True)
    for emptied in sorted({above for name in old - new for above in PurePosixPath(name).parents[:-1]}, reverse=True):
        with contextlib.suppress(OSError):  # something else is in it
            (folder / emptied).rmdir()
    (part / MARKER).replace(folder / MARKER)


def _drawn_files(folder: Path, new: set[str]) -> set[str]:
    """Which files in `folder` an older version drew: those that it listed.

    Where it is so old that it listed none, they are those that are where the new ones do, and are of the same kinds.
    """
    there, listed = _files_in(folder), (_read_marker(folder) or {}).get("files")
    if isinstance(listed, list):
        return there & {MARKER, *map(str, listed)}
    kinds = {(name.split("/")[0], PurePosixPath(name).suffix) for name in new}
    return {
        name for name in there if name in new or ("/" in name and (name.split("/")[0], PurePosixPath(name).suffix) in kinds)
    }


def _files_in(folder: Path) -> set[str]:
    """The files below `folder`, without those that are still being made."""
    found = set()
    for above, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_part(name)]
        found |= {Path(above, file).relative_to(folder).as_posix() for file in files if not is_part(file)}
    return found


def _read_marker(folder: Path) -> dict[str, Any] | None:
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return marker if isinstance(marker, dict) else None
