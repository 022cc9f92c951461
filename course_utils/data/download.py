"""Fetching the real data of a dataset, from wherever the catalog says."""

import os
import shutil
from pathlib import Path

from course_utils.data.catalog import Dataset
from course_utils.data.competitions import download_competition
from course_utils.data.installing import install
from course_utils.data.places import can_write
from course_utils.data.room import require_room
from course_utils.data.staging import one_at_a_time
from course_utils.data.urls import get_url
from course_utils.files import writing

UNFINISHED = ".download"  # in a folder that is a drive of its own: what has arrived so far


def fetch(dataset: Dataset, folder: Path) -> Path:
    """Download the real `dataset` to `folder`, unpacked and in the lessons' layout; all of it or nothing.

    Of several processes that want it at once one downloads, and the others wait.
    """
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(folder.parent, f"{dataset.name}: waiting for another process that downloads to {folder.parent}"):
        if os.path.isdir(folder) and not dataset.missing_from(folder):
            return folder  # by another process, while this one waited
        return _fetch(dataset, folder)


def _fetch(dataset: Dataset, folder: Path) -> Path:
    if dataset.competition:
        return download_competition(dataset.name, folder=folder)
    require_room(folder, dataset.unpacked_bytes, f"{dataset.name} needs")
    downloads = folder.with_name(f"{folder.name}-download")  # kept until all are there, so that a second call continues
    if not can_write(folder.parent):
        downloads = folder / UNFINISHED
    files = [get_url(source.url, source.sha256, downloads) for source in dataset.urls]
    install(dataset.name, files, folder)
    shutil.rmtree(downloads, ignore_errors=True)
    return folder
