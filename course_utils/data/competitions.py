"""Downloads of Kaggle's competitions, and a clear word where one fails."""

import os
from collections.abc import Sequence
from pathlib import Path

from course_utils.data.catalog import DATASETS
from course_utils.data.errors import NotOnServerError, NotSignedInError, RulesNotAcceptedError, WrongHashError
from course_utils.data.installing import install, put_all
from course_utils.data.network_errors import explained_network, first_line
from course_utils.data.places import data_folder
from course_utils.data.room import require_room
from course_utils.data.staging import building
from course_utils.errors import CourseError
from course_utils.files import as_path

_SIGN_IN = (
    "make a token at https://www.kaggle.com/settings/api, then either run `import kagglehub; kagglehub.login()` in a notebook, "
    "or put the token in the environment variable KAGGLE_API_TOKEN, or save kaggle.json in ~/.kaggle"
)


def download_competition(name: str, files: Sequence[str] | None = None, folder: str | os.PathLike[str] | None = None) -> Path:
    """Download a Kaggle competition, or some `files` of it, and unpack it to `folder`.

    `name` is one of this course's datasets or any competition's name, as in its address. Without `files` it is what the lessons
    need of a dataset of the course, and all of another competition; `files=["train-jpg.tar.7z"]` gets that part alone
    (lecture: 0:11:48). `folder` is by default that of the dataset in the data folder; what it holds already is not replaced.
    What was downloaded stays in kagglehub's cache (`~/.cache/kagglehub`, or where KAGGLEHUB_CACHE says) and is not downloaded
    again; a download that broke continues where it stopped.

    Raises `NotSignedInError`, `RulesNotAcceptedError` (with the page of the rules; lecture: 0:11:04), `NotOnServerError`,
    `NoNetworkError`, `BrokenDownloadError`, `NoSpaceError`, `WrongHashError` or an `ArchiveError`; nothing is left half
    unpacked.
    """
    if isinstance(files, str) or (files is not None and not files):
        raise CourseError(f"files is {files!r}; expected a list of file names, or None for all that is needed")
    dataset = DATASETS.get(name)
    competition = dataset.competition if dataset else name
    if competition is None:
        raise CourseError(f"{name!r} is not a competition; course_utils.data.get({name!r}, sample=False) downloads it")
    folder = as_path("folder", folder, "a folder") if folder is not None else data_folder() / name
    usual = dataset is not None and files is None
    require_room(folder, dataset.unpacked_bytes if dataset and usual else 0, f"{name} needs, unpacked,")
    require_room(_kaggle_cache(), dataset.download_bytes if dataset and usual else 0, f"the download of {name} needs")
    parts: Sequence[str | None] = files if files is not None else dataset.files if dataset else ()
    paths = [_from_kaggle(competition, part) for part in parts or [None]]
    if usual:
        install(name, paths, folder)
    else:
        with building(folder) as part:
            put_all(paths, part)
    if dataset and dataset.note:
        print(f"{name}: {dataset.note}")
    return folder


def _kaggle_cache() -> Path:
    return Path(os.environ.get("KAGGLEHUB_CACHE") or os.path.expanduser("~/.cache/kagglehub"))


def _from_kaggle(competition: str, file: str | None) -> Path:
    """Give the path in kagglehub's cache of one file of a competition, or of the folder with all of them."""
    import kagglehub

    try:
        return Path(kagglehub.competition_download(competition, path=file))
    except Exception as error:  # some of kagglehub's errors have no common base
        raise _explained(error, competition, file) from error


def _explained(error: Exception, competition: str, file: str | None) -> Exception:
    from kagglehub import exceptions as kaggle

    page = f"https://www.kaggle.com/competitions/{competition}"
    what = f"{file} of {competition}" if file else competition
    response = getattr(error, "response", None)
    code = response.status_code if response is not None else None
    if isinstance(error, kaggle.UnauthenticatedError | kaggle.CredentialError):
        return NotSignedInError(f"Kaggle gives {what} to signed-in users only: {_SIGN_IN}")
    if code == 401 or (isinstance(error, ValueError) and "credentials" in str(error)):
        return NotSignedInError(
            f"Kaggle does not accept the sign-in that it was given for {what} ({first_line(error)}): {_SIGN_IN}"
        )
    if code == 403:
        return RulesNotAcceptedError(
            f"Kaggle refuses {what}: open {page}/rules in a browser as the same user, accept the rules, then try again"
        )
    if code == 404:
        return NotOnServerError(
            f"Kaggle has no {what}. {page}/data lists its files; if the organisers have withdrawn it and you have it "
            "elsewhere, course_utils.data.link(name, folder) uses that"
        )
    if isinstance(error, kaggle.DataCorruptionError):
        return WrongHashError(
            f"what arrived of {what} is not what Kaggle sent ({first_line(error)}); it was deleted: try again"
        )
    return explained_network(error, what, "www.kaggle.com")
