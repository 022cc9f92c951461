"""Where data comes from: `get("dogscats")` gives the folder of a dataset, real or drawn."""

import os
from dataclasses import dataclass
from pathlib import Path

from course_utils.data import samples
from course_utils.data.archives.unpacking import unpack
from course_utils.data.catalog import DATASETS, Dataset, find
from course_utils.data.competitions import download_competition
from course_utils.data.copied import download_command
from course_utils.data.download import UNFINISHED, fetch
from course_utils.data.errors import DownloadError
from course_utils.data.installing import install
from course_utils.data.overview import where
from course_utils.data.places import attached, can_write, data_folder, find_real, sample_folders, shown, why_not_real
from course_utils.data.urls import get_url
from course_utils.errors import CourseError
from course_utils.files import FileError, as_path, reading
from course_utils.work import spare_folder

__all__ = [
    "DATASETS",
    "Dataset",
    "DownloadError",
    "Status",
    "data_folder",
    "download_command",
    "download_competition",
    "get",
    "get_url",
    "install",
    "link",
    "status",
    "unpack",
    "where",
]


def get(name: str, sample: bool | None = None) -> Path:
    """Give the folder of the dataset `name`: dogscats, dogbreeds, planet, rossmann or digits.

    `sample=True` gives the drawn stand-in, and draws it (some seconds) where it has not been drawn yet. `sample=False` gives
    the real data, and downloads it where it is not there. With `None` it is the real data where it is there and else the
    stand-in, and one printed line says so. The data is in the folder that `COURSE_DATA` names, by default `data` in the
    project; a Kaggle notebook's inputs are searched too.

    Raises a `CourseError` for a name that is not known, for a stand-in that cannot be drawn yet and for a folder that holds
    only a part of the dataset, and a `DownloadError` for a download that fails. (Lecture: 0:08:54, 0:13:45)
    """
    dataset = find(name)
    if sample is not None and not isinstance(sample, bool):
        raise CourseError(f"sample is {sample!r}; it is True for the stand-in, False for the real data, or None for either")
    real = None if sample else find_real(dataset)
    if real is not None:
        return real
    if sample is False:
        return _download(dataset)
    if sample is None:
        samples.maker_of(dataset)
        why = why_not_real(dataset)
    folder = _sample(dataset)
    if sample is None:
        real_one = f"get({name!r}, sample=False) {'unpacks' if attached(dataset) else 'downloads'} the real one"
        print(f"{name}: no real data ({why}), so this is the drawn stand-in in {shown(folder)}; {real_one}")
    return folder


def _sample(dataset: Dataset) -> Path:
    samples.maker_of(dataset)
    for folder in (*sample_folders(dataset.name), None):
        if folder is None:  # at last, where there is no home folder or it takes nothing
            if (spare := spare_folder()) is None:
                break
            folder = spare / "samples" / dataset.name
        if samples.is_current(dataset, folder):
            return folder
        if not can_write(folder):
            print(f"{dataset.name}: {folder.parent} cannot be written to; the stand-in is drawn elsewhere")
            continue
        try:
            return samples.draw(dataset, folder)
        except FileError as error:
            print(f"{dataset.name}: {error}. The stand-in is drawn elsewhere")
    raise CourseError(
        f"there is nowhere left to draw the stand-in of {dataset.name}; set COURSE_DATA to a folder of yours with enough room"
    )


def _download(dataset: Dataset) -> Path:
    for folder in (data_folder() / name for name in dataset.folders):
        with reading(folder):
            there = set(os.listdir(folder)) if os.path.isdir(folder) else set()
        if os.path.islink(folder) or there - {UNFINISHED, "lost+found"}:  # the second is in every new drive of its own
            parts = f", or get single parts with course_utils.data.download_competition({dataset.name!r}, files=[...])"
            raise CourseError(
                f"no real {dataset.name}, and nothing was downloaded: {why_not_real(dataset)}. "
                f"Complete it{parts if dataset.competition else ''}; or move it away, and the whole dataset will be downloaded"
            )
    if packed := attached(dataset):
        archives = [packed / name for name in dataset.files if os.path.exists(packed / name)]
        return install(dataset.name, archives or [packed])
    return fetch(dataset, data_folder() / dataset.name)


@dataclass(frozen=True)
class Status:
    """What is on this machine of one dataset: the folder of the real one and that of its up-to-date stand-in, each or None."""

    name: str
    real: Path | None
    sample: Path | None


def status(name: str) -> Status:
    """Look which forms of the dataset `name` are there; nothing is drawn or downloaded."""
    dataset = find(name)
    drawn = None
    if dataset.maker:
        drawn = next((folder for folder in sample_folders(name) if samples.is_current(dataset, folder)), None)
    return Status(name, find_real(dataset), drawn)


def link(name: str, folder: str | Path) -> Path:
    """Make `folder`, which holds the real dataset `name` on another drive, available without copying it.

    Gives the link, which is made in the data folder. Raises a `CourseError` where `folder` lacks a part of the dataset, where
    the data folder holds something of that name already, and where the system refuses the link. (Lecture: 0:13:45)
    """
    dataset = find(name)
    folder = as_path("folder", folder, "the folder of the data")
    with reading(folder):
        folder = Path(os.path.realpath(folder))
    if not os.path.isdir(folder):
        raise CourseError(f"{folder} is not a folder; give the one that holds {', '.join(dataset.missing_from(folder))}")
    if missing := dataset.missing_from(folder):
        raise CourseError(f"{folder} is not {name}: it lacks {', '.join(missing)}; give the folder that holds these")
    place = data_folder() / name
    if os.path.islink(place) and Path(os.path.realpath(place)) == folder:
        return place
    if os.path.lexists(place):
        was = f"a link to {place.readlink()}" if os.path.islink(place) else "there already"
        raise CourseError(f"{place} is {was}; nothing was changed: move it away, then try again")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(folder, target_is_directory=True)
    except OSError as error:
        raise CourseError(
            f"the system did not let {place} be made as a link to {folder} ({error.strerror}). "
            f'On Windows, switch on Developer Mode in the settings, or type mklink /J "{place}" "{folder}" '
            "in a command prompt. Anywhere, COURSE_DATA can name the folder above the data, if the data's own folder is called "
            f"{' or '.join(dataset.folders)}"
        ) from error
    return place
