"""Fetching datasets: Kaggle's competitions, plain addresses; with progress, resumption, and a clear word when it fails."""

import errno
import os
import re
import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from course_utils.data.archives import SUFFIXES, unpack
from course_utils.data.catalog import DATASETS, Dataset, find
from course_utils.data.copied.file_names import name_in_address
from course_utils.data.copied.request import request_for
from course_utils.data.copied.transfer import Transfer, without_frames
from course_utils.data.errors import (
    BrokenDownloadError,
    DownloadError,
    NoNetworkError,
    NoSpaceError,
    NotOnServerError,
    NotSignedInError,
    RulesNotAcceptedError,
    WrongHashError,
)
from course_utils.data.places import can_write, data_folder
from course_utils.data.room import require_room
from course_utils.data.staging import building
from course_utils.errors import CourseError
from course_utils.files import as_path, reading, writing

UNFINISHED = ".download"  # in a folder that is a drive of its own: what has arrived so far

_CHUNK = 1 << 18
_ATTEMPTS = 4  # connections in a row that bring nothing new before we give up
_TIMEOUT = 30  # seconds without a byte

_SIGN_IN = (
    "make a token at https://www.kaggle.com/settings/api, then either run `import kagglehub; kagglehub.login()` in a notebook, "
    "or put the token into the environment variable KAGGLE_API_TOKEN, or save kaggle.json in ~/.kaggle"
)


def fetch(dataset: Dataset, folder: Path) -> Path:
    """Download the real `dataset` to `folder`, unpacked and in the lessons' layout; all of it or nothing."""
    if dataset.competition:
        return download_competition(dataset.name, folder=folder)
    require_room(folder, dataset.unpacked_bytes, f"{dataset.name} needs")
    downloads = folder.with_name(f"{folder.name}-download")  # kept until all are there, so that a second call goes on
    if not can_write(folder.parent):
        downloads = folder / UNFINISHED
    files = [get_url(source.url, source.sha256, downloads) for source in dataset.urls]
    install(dataset.name, files, folder)
    shutil.rmtree(downloads, ignore_errors=True)
    return folder


# --- Kaggle ------------------------------------------------------------------------------------------------------------------


def download_competition(name: str, files: Sequence[str] | None = None, folder: str | os.PathLike[str] | None = None) -> Path:
    """Download a Kaggle competition, or some `files` of it, and unpack it to `folder`.

    `name` is one of this course's datasets or any competition's name, as in its address. Without `files` it is what the lessons
    need of a dataset of the course, and all of another competition; `files=["train-jpg.tar.7z"]` gets that part alone
    (lecture: 0:11:48). `folder` is by default that of the dataset in the data folder; what it holds already is not replaced.
    What was downloaded stays in kagglehub's cache (`~/.cache/kagglehub`, or where KAGGLEHUB_CACHE says) and is not downloaded
    again; a download that broke goes on where it stopped.

    Raises `NotSignedInError`, `RulesNotAcceptedError` (with the page of the rules; lecture: 0:11:04), `NotOnServerError`,
    `NoNetworkError`, `BrokenDownloadError`, `NoSpaceError`, `WrongHashError` or an `ArchiveError`; nothing is left half
    unpacked.
    """
    if isinstance(files, str) or (files is not None and not files):
        raise CourseError(f"files is {files!r}; expected a list of file names, or None for all that is needed")
    dataset = DATASETS.get(name)
    competition = dataset.competition if dataset else name
    if competition is None:
        raise CourseError(f"{name!r} is no competition; course_utils.data.get({name!r}, sample=False) downloads it")
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
            _put_all(paths, part)
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
            f"Kaggle does not accept the sign-in that it was given for {what} ({_first_line(error)}): {_SIGN_IN}"
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
            f"what arrived of {what} is not what Kaggle sent ({_first_line(error)}); it was deleted: try again"
        )
    return _explained_network(error, what, "www.kaggle.com")


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def _explained_network(error: Exception, what: str, server: str) -> Exception:
    import requests

    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return NoNetworkError(
            f"{server} cannot be reached for {what} ({_first_line(error)}); check the network (a proxy?), then try again"
        )
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return BrokenDownloadError(f"the connection broke while {what} was downloaded; try again: it goes on from there")
    if isinstance(error, requests.RequestException):
        return DownloadError(f"{server} did not give {what}: {_first_line(error)}; try again later")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpaceError(f"the disk was full before {what} had arrived; make room, then try again: it goes on from there")
    return error


def install(name: str, files: Sequence[str | os.PathLike[str]], folder: str | os.PathLike[str] | None = None) -> Path:
    """Make the dataset `name` from `files` that were downloaded by hand: archives are unpacked, the lessons' layout is made.

    `files` are the files of the competition, such as `train.zip` and `test1.zip`, or folders of them; they are left as they
    are. `folder` is by default that of the dataset in the data folder. Raises a `CourseError` where a part is missing, and
    then, as for archives that cannot be unpacked, leaves nothing.
    """
    dataset = find(name)
    folder = as_path("folder", folder, "a folder") if folder is not None else data_folder() / name
    listed = files if isinstance(files, list | tuple) else [files] if isinstance(files, str | os.PathLike) else []
    if not listed:
        raise CourseError(f"files is {files!r}; give a list of the files that were downloaded. {dataset.page} has them")
    paths = [as_path("a file", file) for file in listed]
    with building(folder) as part:
        _put_all(paths, part)
        if dataset.arrange:
            dataset.arrange(part)
        if missing := dataset.missing_from(part):
            given = ", ".join(path.name for path in paths)
            raise CourseError(
                f"{given} do not make {name}: {', '.join(missing)} would be missing. {dataset.page} has the files"
            )
    return folder


def _put_all(paths: Sequence[Path], folder: Path) -> None:
    for path in paths:
        with reading(path):
            is_folder = stat.S_ISDIR(os.stat(path).st_mode)
        if is_folder:
            for inside in sorted(path.rglob("*")):
                if os.path.isfile(inside):
                    _put(inside, folder / inside.parent.relative_to(path))
        else:
            _put(path, folder)


def _put(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if path.name.lower().endswith(SUFFIXES):
        unpack(path, folder, progress=True)
    else:
        if os.path.lexists(folder / path.name):
            raise CourseError(f"two of the files are called {path.name}, the second {path}; give each file once")
        shutil.copyfile(path, folder / path.name)


# --- plain addresses ---------------------------------------------------------------------------------------------------------


def get_url(
    url: str,
    sha256: str | None = None,
    folder: str | os.PathLike[str] | None = None,
    name: str | None = None,
    progress: bool = True,
) -> Path:
    """Download the file at `url` to `folder` (the data folder, if none is given) and check its SHA-256 where you know it.

    It is called `name`; else, with a hash, as the last part of the address, and without one as the server says. A file that is
    there with the right hash, or without one with the size of the server's, is not downloaded again; another one is not
    replaced. What has arrived when a connection breaks lies in `<name>.part`; where the server allows it the download goes on
    from there, at once or in the next call. For files behind a sign-in there is `download_command`.

    Raises a `CourseError` for what is no address, name or hash, `WrongHashError` (with the file, the expected and the actual
    hash), `NotSignedInError` where a page comes instead of the file, `NotOnServerError`, `NoNetworkError`,
    `BrokenDownloadError`, `NoSpaceError`, or a `DownloadError` with the server's answer.
    """
    place = data_folder() if folder is None else as_path("folder", folder, of="a folder")
    if sha256 is None:
        try:
            return Transfer(request_for(url, name), place, progress).run()
        except CourseError as error:
            problem = without_frames(error)
        url = ""  # a traceback may show what a name stands for
        raise problem
    name = request_for(url, name).name or name_in_address(url)
    if not name:
        raise CourseError(f"{url} names no file; give one, as in name='data.zip'")
    sha256 = _checked_sha256(sha256)
    path = place / name
    part = path.with_name(path.name + ".part")
    with writing(path, own=[part]):
        if os.path.exists(path):
            check_hash(path, sha256, "it was not replaced: move it away, then try again")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            ResumingDownloader(part, sha256, progress)(url, path)
    return path


def _checked_sha256(given: object) -> str:
    digits = given.strip().lower().removeprefix("sha256:") if isinstance(given, str) else ""
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise CourseError(f"sha256 is {given!r}; give the 64 hexadecimal digits that say which file is the right one")
    return digits


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file, in small hexadecimal digits."""
    import pooch

    return str(pooch.file_hash(str(path), alg="sha256"))


def check_hash(path: Path, sha256: str, advice: str) -> None:
    """Raise a `WrongHashError` that names the file, the expected and the actual hash and the `advice`, unless they agree."""
    actual = sha256_of(path)
    if actual != sha256.lower():
        raise WrongHashError(f"{path} has SHA-256 {actual}, expected {sha256.lower()}; {advice}")


def _length(headers: Mapping[str, str]) -> int:
    """How many bytes a server says that it sends, 0 where it does not say, or says it of bytes that are packed on the way."""
    said = headers.get("Content-Length", "")
    return int(said) if re.fullmatch("[0-9]+", said) and headers.get("Content-Encoding", "identity") == "identity" else 0


class ResumingDownloader:
    """Keeps what has arrived in `part` and asks the server only for the rest."""

    def __init__(self, part: Path, sha256: str, progress: bool) -> None:
        self.part, self.sha256, self.progress = part, sha256, progress

    def __call__(self, url: str, file: Path) -> None:
        """Download `url` to `file`."""
        went_on = self.part.exists()
        self._download(url)
        if went_on and sha256_of(self.part) != self.sha256.lower():
            self.part.unlink()  # two halves that do not fit together: the server's file has changed in between
            self._download(url)
        try:
            check_hash(self.part, self.sha256, f"what {url} gave is another file, or was changed on the way: it was deleted")
        except WrongHashError:
            self.part.unlink()
            raise
        self.part.replace(file)

    def _download(self, url: str) -> None:
        import requests

        for attempt in range(1, _ATTEMPTS + 1):
            before = self._size()
            try:
                self._connect(url)
                return
            except (requests.RequestException, OSError) as error:
                broke = isinstance(
                    error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError
                )
                arrived = self._size() != before
                if broke and arrived and attempt < _ATTEMPTS:
                    continue
                if broke and self._size():
                    raise BrokenDownloadError(
                        f"the connection broke while {url} was downloaded ({self._size():,} bytes are in {self.part}); "
                        "try again: where the server allows it, it goes on from there"
                    ) from error
                raise _explained_network(error, self.part.stem, url.split("/")[2]) from error

    def _connect(self, url: str) -> None:
        """Ask for what is missing and append it to the part, or for everything where the server gives nothing less."""
        import requests
        from tqdm.auto import tqdm

        start = self._size()
        headers = {"Accept-Encoding": "identity"}  # the file's own bytes: only they can be counted and gone on from
        if start:
            headers["Range"] = f"bytes={start}-"
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            code, span = response.status_code, response.headers.get("Content-Range", "")
            if code == 416 and span == f"bytes */{start}":
                return  # nothing after it: all of it has arrived before
            if start and (code == 416 or (code == 206 and not span.startswith(f"bytes {start}-"))):
                self.part.unlink()  # a rest that does not fit what is there: once more from the start
                return self._connect(url)
            if code in (404, 410):
                raise NotOnServerError(f"{url} does not exist (any more); look for the file's new address")
            response.raise_for_status()
            goes_on = code == 206
            start = start if goes_on else 0
            length = _length(response.headers)
            require_room(self.part.parent, length, f"the rest of {url} needs")
            with (
                self.part.open("ab" if goes_on else "wb") as file,
                tqdm(
                    desc=self.part.stem,
                    total=start + length or None,
                    initial=start,
                    unit="B",
                    unit_scale=True,
                    disable=not self.progress,
                ) as bar,
            ):
                for chunk in response.iter_content(_CHUNK):
                    file.write(chunk)
                    bar.update(len(chunk))
            if length and self._size() < start + length:  # older versions of urllib3 say nothing
                raise requests.exceptions.ChunkedEncodingError(f"{self._size():,} bytes instead of {start + length:,}")

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0
