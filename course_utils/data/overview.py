"""Which data is on this machine, where, and how large: a table for a notebook's first page."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course_utils.data import samples
from course_utils.data.catalog import DATASETS, Dataset, find
from course_utils.data.places import data_folder, find_real, sample_folders, shown, why_data_folder
from course_utils.html_table import html_table
from course_utils.names import counted, printable


@dataclass(frozen=True)
class Place:
    """One form of a dataset: `form` is `real`, `drawn` or `not here`; `drive` is where a link on the way there leads."""

    name: str
    form: str
    folder: Path | None = None
    drive: Path | None = None
    files: int = 0
    bytes: int = 0

    @property
    def words(self) -> tuple[str, str, str, str]:
        """Its cells in a table: name, form, folder, size."""
        if self.folder is None:
            return self.name, self.form, f"get({self.name!r}) draws it; sample=False downloads the real one", ""
        link = f" (on {self.drive})" if self.drive else ""
        return self.name, self.form, f"{shown(self.folder)}{link}", f"{_size(self.bytes)} in {counted(self.files, 'file')}"


@dataclass(frozen=True)
class Places:
    """What `where` found; it shows itself as a table in a notebook and as lines elsewhere."""

    folder: Path
    why: str
    places: tuple[Place, ...]

    @property
    def line(self) -> str:
        """Which folder the data folder is, and why this one."""
        return f"The data folder is {shown(self.folder)}: {self.why}."

    def __str__(self) -> str:
        rows = [tuple(map(printable, place.words)) for place in self.places]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
        return "\n".join([printable(self.line), *lines])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_table(["data", "form", "folder", "size"], [place.words for place in self.places], above=self.line)


def where(name: str | None = None) -> Places:
    """Show where the data of the lessons is, real or drawn, and how large it is; with `name`, one dataset. Nothing is made.

    The data folder is the one that the environment variable `COURSE_DATA` names, else the project's `data`; each may be a link
    to another drive, and so may a dataset's folder in it (`link` makes one). (Lecture: 0:13:45)

    >>> [place.name for place in where().places][:1]
    ['dogscats']
    """
    chosen = DATASETS.values() if name is None else [find(name)]
    return Places(data_folder(), why_data_folder(), tuple(place for dataset in chosen for place in _places_of(dataset)))


def _places_of(dataset: Dataset) -> Iterator[Place]:
    drawn = next((folder for folder in sample_folders(dataset.name) if samples.is_current(dataset, folder)), None)
    found = {"real": find_real(dataset), "drawn": drawn}
    for form, folder in found.items():
        if folder is not None:
            there = Path(os.path.realpath(folder))
            drive = there if there != Path(os.path.abspath(folder)) else None
            yield Place(dataset.name, form, folder, drive, *_measured(there))
    if not any(found.values()):
        yield Place(dataset.name, "not here")


def _measured(folder: Path) -> tuple[int, int]:
    """How many files are below a folder, and their bytes."""
    files = size = 0
    for above, _, names in os.walk(folder):
        for name in names:
            try:
                size += os.stat(os.path.join(above, name)).st_size
            except OSError:  # gone, or a link to nowhere
                continue
            files += 1
    return files, size


def _size(n_bytes: int) -> str:
    """A size as one says it.

    >>> _size(870_000_000), _size(11_600_000), _size(1_320_000_000), _size(480)
    ('870 MB', '12 MB', '1.3 GB', '480 B')
    """
    for unit, one in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n_bytes >= one:
            return f"{n_bytes / one:.1f} {unit}" if n_bytes < 10 * one else f"{n_bytes / one:.0f} {unit}"
    return f"{n_bytes} B"
