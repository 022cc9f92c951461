"""Downloads from plain addresses, with progress; one that broke continues where it stopped."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from course_utils.data.copied.file_names import name_in_address
from course_utils.data.copied.request import request_for
from course_utils.data.copied.transfer import Transfer, without_frames
from course_utils.data.errors import BrokenDownloadError, DownloadError, NotOnServerError, WrongHashError
from course_utils.data.network_errors import explained_network
from course_utils.data.places import data_folder
from course_utils.data.room import leaving_room, require_room
from course_utils.data.staging import nobody_else
from course_utils.errors import CourseError
from course_utils.files import as_path, writing

_CHUNK = 1 << 18
_ATTEMPTS = 4  # connections in a row that bring nothing new before we give up
_TIMEOUT = 30  # seconds without a byte


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
    replaced. What has arrived when a connection breaks is in `<name>.part`; where the server allows it the download continues
    from there, at once or in the next call. While one process downloads a file, another that asks for the same one in the same
    folder is refused. For files behind a sign-in there is `download_command`.

    Raises a `CourseError` for what is not an address, name or hash, `WrongHashError` (with the file, the expected and the
    actual hash), `NotSignedInError` where a page comes instead of the file, `NotOnServerError`, `NoNetworkError`,
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
    with writing(path, own=[part, part.with_name(f"{part.name}.lock")]):
        if not os.path.exists(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with nobody_else(part):
                if not os.path.exists(path):  # another process may have been first
                    ResumingDownloader(part, sha256, progress)(url, path)
                    return path
        check_hash(path, sha256, "it was not replaced: move it away, then try again")
    return path


def _checked_sha256(given: object) -> str:
    digits = given.strip().lower().removeprefix("sha256:") if isinstance(given, str) else ""
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise CourseError(f"sha256 is {given!r}; give the 64 hexadecimal digits that say which file is the right one")
    return digits


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file, in lower-case hexadecimal digits."""
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
    packed = headers.get("Content-Encoding", "identity") != "identity" or "Transfer-Encoding" in headers
    return int(said) if re.fullmatch("[0-9]+", said) and not packed else 0


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
            except (requests.RequestException, OSError, ValueError) as error:
                if not isinstance(error, OSError):  # which all of requests' own are
                    error = requests.exceptions.InvalidURL(str(error))
                broke = isinstance(
                    error, requests.ConnectionError | requests.Timeout | requests.exceptions.ChunkedEncodingError
                )
                arrived = self._size() != before
                if broke and arrived and attempt < _ATTEMPTS:
                    continue
                if broke and self._size():
                    raise BrokenDownloadError(
                        f"the connection broke while {url} was downloaded ({self._size():,} bytes are in {self.part}); "
                        "try again: where the server allows it, it continues from there"
                    ) from error
                raise explained_network(error, self.part.stem, url.split("/")[2]) from error

    def _connect(self, url: str) -> None:
        """Ask for what is missing and append it to the part, or for everything where the server gives nothing less."""
        import requests
        from tqdm.auto import tqdm

        start = self._size()
        headers = {"Accept-Encoding": "identity"}  # the file's own bytes: only they can be counted and resumed from
        if start:
            headers["Range"] = f"bytes={start}-"
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            code, span = response.status_code, response.headers.get("Content-Range", "")
            if start and code == 416 and span == f"bytes */{start}":
                return  # nothing after it: all of it has arrived before
            if start and (code == 416 or (code == 206 and not span.startswith(f"bytes {start}-"))):
                self.part.unlink()  # a rest that does not fit what is there: once more from the start
                return self._connect(url)
            if code in (404, 410):
                raise NotOnServerError(f"{url} does not exist (any more); look for the file's new address")
            response.raise_for_status()
            if code not in (200, 206) or (code == 206 and not start):
                raise DownloadError(f"{url} gave no file: the server answered {code}; try the address in a browser")
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
                chunks = response.iter_content(_CHUNK)
                for chunk in chunks if length else leaving_room(chunks, self.part):
                    file.write(chunk)
                    bar.update(len(chunk))
            if length and self._size() < start + length:  # older versions of urllib3 say nothing
                raise requests.exceptions.ChunkedEncodingError(f"{self._size():,} bytes instead of {start + length:,}")

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0
