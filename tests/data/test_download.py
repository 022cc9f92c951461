"""Downloads: plain addresses against a server on this machine, Kaggle by the errors that kagglehub itself raises."""

import contextlib
import errno
import hashlib
import os
import random
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import kagglehub
import pytest
import requests
from kagglehub import exceptions as kaggle
from kagglehub.handle import CompetitionHandle

import course_utils.data
from course_utils.data import download, urls
from course_utils.data.catalog import DATASETS, Url, split_cats_and_dogs
from course_utils.data.competitions import download_competition
from course_utils.data.errors import (
    BrokenDownloadError,
    DamagedArchiveError,
    DownloadError,
    NoNetworkError,
    NoSpaceError,
    NotOnServerError,
    NotSignedInError,
    RulesNotAcceptedError,
    WrongHashError,
)
from course_utils.data.installing import install
from course_utils.data.samples import draw, is_current
from course_utils.data.urls import get_url
from course_utils.errors import CourseError

CONTENT = random.Random(0).randbytes(1_000_000)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Server:
    """A file at /file.bin; it can break connections, forget about ranges, and answer with an error."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.ranges = True
        self.break_after: list[int] = []  # for each coming connection, after how many bytes it breaks
        self.code = 0
        self.asked: list[str | None] = []  # the Range header of each request
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, *args: Any) -> None: ...

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/file.bin"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        asked = request.headers["Range"]
        self.asked.append(asked)
        if self.code:
            request.send_error(self.code)
            return
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.ranges else 0
        total = len(self.content)
        if start >= total:
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{total}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        body = self.content[start:]
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: self.break_after.pop(0)] if self.break_after else body)


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.http.shutdown()
    running.http.server_close()


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(urls, "_CHUNK", 10_000)
    return tmp_path / "data"


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


# --- plain addresses


def get(server: Server, folder: Path, content: bytes = CONTENT) -> Path:
    return get_url(server.url, sha256(content), folder, progress=False)


def test_downloads_once(server: Server, tmp_path: Path) -> None:
    path = get(server, tmp_path / "new")
    assert path == tmp_path / "new" / "file.bin"
    assert path.read_bytes() == CONTENT
    assert get(server, tmp_path / "new") == path
    assert server.asked == [None]
    assert names_in(tmp_path / "new") == {"file.bin"}


def test_can_be_given_another_name(server: Server, tmp_path: Path) -> None:
    assert get_url(server.url, sha256(CONTENT).upper(), tmp_path, name="digits.gz", progress=False) == tmp_path / "digits.gz"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"url": "file.bin"}, "expected .*https://"),
        ({"url": "file:///etc/passwd"}, "expected .*https://"),
        ({"url": "http://[half"}, "expected .*https://"),
        ({"url": None}, "the address is None; expected text"),
        ({"url": "http://127.0.0.1:1/folder/"}, "/folder/ names no file; give one, as in name='data.zip'"),
        ({"name": "../file.bin"}, r"name is '\.\./file\.bin'; give the plain name of a file"),
        ({"sha256": "123"}, "sha256 is '123'"),
        ({"folder": 5}, "folder is 5; give the path of a folder"),
    ],
)
def test_what_cannot_be_asked_for(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(CourseError, match=message):
        get_url(**{"url": "http://127.0.0.1:1/file.bin", "sha256": "0" * 64, "folder": tmp_path, **given})
    assert not list(tmp_path.iterdir())


def test_the_name_is_the_last_part_of_the_address_without_what_is_asked_of_it(server: Server, tmp_path: Path) -> None:
    path = get_url(f"{server.url}/a%20file.bin?download=1#top", f"SHA256:{sha256(CONTENT)}".upper(), tmp_path, progress=False)
    assert (path.name, path.read_bytes()) == ("a file.bin", CONTENT)


def test_a_length_that_is_not_the_files() -> None:
    """Of bytes that are packed on the way, or of no number: the hash tells whether all has arrived."""
    packed = {"Content-Encoding": "gzip", "Content-Length": "5"}
    assert [urls._length(headers) for headers in ({"Content-Length": "5"}, packed, {"Content-Length": "x"}, {})] == [
        5,
        0,
        0,
        0,
    ]


def test_a_broken_connection_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.break_after = [300_000, 200_000]
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=300000-", "bytes=500000-"]


def test_a_second_call_goes_on_where_the_first_gave_up(server: Server, tmp_path: Path) -> None:
    server.break_after = [100_000] * 4
    with pytest.raises(BrokenDownloadError, match=r"400,000 bytes are in .*file\.bin\.part\); try again"):
        get(server, tmp_path)
    assert names_in(tmp_path) == {"file.bin.part"}
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=400000-"
    assert names_in(tmp_path) == {"file.bin"}


def test_a_server_without_ranges_is_asked_for_everything(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.break_after = [300_000]
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == 2


def test_a_part_that_is_whole_already(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(CONTENT)}-"]


def test_a_part_that_is_longer_than_the_file_is_dropped(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(CONTENT + b"more")
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(CONTENT) + 4}-", None]


def test_a_part_of_another_version_is_dropped(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(b"old" * 1000)
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == ["bytes=3000-", None]


@pytest.mark.parametrize("known", [True, False])
def test_a_second_download_to_the_same_place_is_refused_and_spoils_nothing(server: Server, tmp_path: Path, known: bool) -> None:
    asked, go_on, answer = threading.Event(), threading.Event(), server.answer

    def held(request: BaseHTTPRequestHandler) -> None:
        asked.set()
        assert go_on.wait(60)
        answer(request)

    server.answer = held  # type: ignore[method-assign]
    sha = sha256(CONTENT) if known else None
    with ThreadPoolExecutor() as pool:
        first = pool.submit(get_url, server.url, sha, tmp_path, progress=False)
        try:
            assert asked.wait(60)
            with pytest.raises(CourseError, match=r"file\.bin\.part is being written at the moment: another process or thread"):
                get_url(server.url, sha, tmp_path, progress=False)
        finally:
            go_on.set()
        assert first.result().read_bytes() == CONTENT
    assert names_in(tmp_path) == {"file.bin"}


@pytest.mark.parametrize("known", [True, False])
def test_what_a_killed_download_left_of_its_lock_keeps_nobody_off(server: Server, tmp_path: Path, known: bool) -> None:
    (tmp_path / "file.bin.part.lock").touch()
    assert get_url(server.url, sha256(CONTENT) if known else None, tmp_path, progress=False).read_bytes() == CONTENT
    assert names_in(tmp_path) == {"file.bin"}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("onward", ["file:///etc/passwd", "http://host:99999999/y", "http://[half"])
def test_an_address_that_leads_nowhere(server: Server, tmp_path: Path, known: bool, onward: str) -> None:
    def leads(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", onward)
        request.end_headers()

    server.answer = leads  # type: ignore[method-assign]
    with pytest.raises(DownloadError, match=r"redirects to an address that .*; try the address in a browser") as caught:
        get_url(server.url, sha256(CONTENT) if known else None, tmp_path, progress=False)
    assert type(caught.value) is DownloadError
    assert names_in(tmp_path) == set()


def test_a_wrong_hash_names_file_expected_and_actual_and_leaves_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(WrongHashError) as caught:
        get(server, tmp_path, content=b"something else")
    for part in ("file.bin", server.url, sha256(CONTENT), sha256(b"something else"), "it was deleted"):
        assert part in str(caught.value)
    assert names_in(tmp_path) == set()


def test_a_file_of_the_users_is_not_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_text("mine")
    with pytest.raises(WrongHashError, match="not replaced: move it away"):
        get(server, tmp_path)
    assert (tmp_path / "file.bin").read_text() == "mine"
    assert server.asked == []


@pytest.mark.parametrize(
    ("code", "error"),
    [(404, NotOnServerError), (410, NotOnServerError), (403, DownloadError), (503, DownloadError)]
    + [(code, DownloadError) for code in (204, 206, 300, 416)],
)
def test_what_the_server_answers(server: Server, tmp_path: Path, code: int, error: type[Exception]) -> None:
    server.code = code
    with pytest.raises(error, match=r"file\.bin") as caught:
        get(server, tmp_path)
    assert type(caught.value) is error
    assert error is NotOnServerError or str(code) in str(caught.value)
    assert names_in(tmp_path) == set()


def test_an_error_of_the_server_keeps_what_has_arrived(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    server.code = 503
    with pytest.raises(DownloadError, match="503"):
        get(server, tmp_path)
    assert (tmp_path / "file.bin.part").read_bytes() == CONTENT[:1000]


def test_no_server(server: Server, tmp_path: Path) -> None:
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(NoNetworkError, match=r"127\.0\.0\.1:\d+ cannot be reached for file\.bin .*check the network"):
        get(server, tmp_path)


def test_no_room(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=400_000))
    with pytest.raises(NoSpaceError, match=r"0\.00 GB"):
        get(server, tmp_path)
    assert names_in(tmp_path) == set()


@pytest.mark.parametrize("known", [True, False])
def test_a_server_that_sends_without_end_does_not_fill_the_disk(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                request.wfile.write(CONTENT)

    server.answer = endless  # type: ignore[method-assign]
    monkeypatch.setattr("course_utils.data.room.LOOK", len(CONTENT))
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=400_000_000))
    with pytest.raises(NoSpaceError, match=r"arrived in .*file\.bin\.part, the server does not say how many .* 0\.40 GB free"):
        get_url(server.url, sha256(CONTENT) if known else None, tmp_path, progress=False)


def test_a_disk_that_fills_up(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: requests.Response, size: int) -> Iterator[bytes]:
        yield CONTENT[:size]
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(requests.Response, "iter_content", full)
    with pytest.raises(NoSpaceError, match="the disk was full"):
        get(server, tmp_path)


# --- Kaggle


def raised_by_kagglehub(code: int) -> Exception:
    """Give the error that kagglehub makes of an answer of Kaggle's."""

    def call() -> Any:
        response = requests.Response()
        response.status_code, response.url = code, "https://api.kaggle.com/v1/competitions"
        response.raise_for_status()

    with pytest.raises(kaggle.KaggleApiHTTPError) as caught:
        kaggle.handle_call(call, CompetitionHandle("dogs-vs-cats"))
    return caught.value


def fails_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(handle: str, path: str | None = None, **options: Any) -> str:
        raise error

    monkeypatch.setattr(kagglehub, "competition_download", fail)


def corrupted() -> Exception:
    return kaggle.DataCorruptionError("The X-Goog-Hash header indicated a MD5 checksum of: aa\nbut the actual is bb")


@pytest.mark.parametrize(
    ("make", "expected", "words"),
    [
        (kaggle.UnauthenticatedError, NotSignedInError, ["signed-in users only", "KAGGLE_API_TOKEN", "kaggle.json", "login()"]),
        (lambda: raised_by_kagglehub(401), NotSignedInError, ["does not accept the sign-in", "KAGGLE_API_TOKEN"]),
        (
            lambda: ValueError("Invalid Kaggle credentials file at /home/me/.kaggle/kaggle.json"),
            NotSignedInError,
            ["/home/me/.kaggle/kaggle.json", "KAGGLE_API_TOKEN"],
        ),
        (lambda: raised_by_kagglehub(403), RulesNotAcceptedError, ["https://www.kaggle.com/competitions/dogs-vs-cats/rules"]),
        (
            lambda: raised_by_kagglehub(404),
            NotOnServerError,
            ["https://www.kaggle.com/competitions/dogs-vs-cats/data", "link("],
        ),
        (lambda: raised_by_kagglehub(500), DownloadError, ["500", "try again later"]),
        (lambda: requests.ConnectionError("Max retries exceeded"), NoNetworkError, ["www.kaggle.com", "check the network"]),
        (lambda: requests.ReadTimeout("timed out"), NoNetworkError, ["check the network"]),
        (lambda: requests.exceptions.ChunkedEncodingError("IncompleteRead"), BrokenDownloadError, ["continues from there"]),
        (corrupted, WrongHashError, ["MD5 checksum", "deleted"]),
        (lambda: OSError(errno.ENOSPC, "No space left on device"), NoSpaceError, ["make room"]),
    ],
    ids=[
        "signed out",
        "401",
        "bad kaggle.json",
        "403",
        "404",
        "500",
        "no network",
        "timeout",
        "broken",
        "corrupted",
        "disk full",
    ],
)
def test_each_failure_of_kaggle_has_its_own_message(
    make: Any, expected: type[Exception], words: list[str], data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_with(monkeypatch, make())
    with pytest.raises(expected) as caught:
        download_competition("dogscats")
    assert type(caught.value) is expected
    for word in [*words, "train.zip of dogs-vs-cats"]:
        assert word in str(caught.value)
    assert not data.exists()


def test_kagglehub_itself_without_a_sign_in(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("clients", "http_resolver"):
        monkeypatch.setattr(f"kagglehub.{module}.get_kaggle_credentials", lambda: None)
    with pytest.raises(NotSignedInError):
        download_competition("planet", files=["train-jpg.tar.7z"])
    assert not data.exists()


def test_an_error_that_is_not_about_the_download_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with(monkeypatch, TypeError("a bug"))
    with pytest.raises(TypeError, match="a bug"):
        download_competition("dogscats")


def has(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: dict[str, dict[str, bytes] | bytes]) -> list[str | None]:
    """Let Kaggle have these files (a dictionary is a zip of what it holds); give the list of what is asked for."""
    cache = tmp_path / "cache" / "competition"
    cache.mkdir(parents=True)
    for name, content in files.items():
        if isinstance(content, bytes):
            (cache / name).parent.mkdir(parents=True, exist_ok=True)
            (cache / name).write_bytes(content)
        else:
            with zipfile.ZipFile(cache / name, "w") as zip:
                for inside, inner in content.items():
                    zip.writestr(inside, inner)
    asked: list[str | None] = []

    def give(handle: str, path: str | None = None, **options: Any) -> str:
        asked.append(path)
        return str(cache / path if path else cache)

    monkeypatch.setattr(kagglehub, "competition_download", give)
    return asked


def kaggle_cats_and_dogs(n: int = 1010) -> dict[str, dict[str, bytes] | bytes]:
    pictures = {f"train/{kind}.{i}.jpg": f"{kind} {i}".encode() for kind in ("cat", "dog") for i in range(n)}
    return {"train.zip": pictures, "test1.zip": {f"test1/{i}.jpg": b"?" for i in (1, 2, 3)}}


def test_cats_and_dogs_come_in_the_lessons_layout(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = has(monkeypatch, tmp_path, kaggle_cats_and_dogs())
    folder = download_competition("dogscats")
    assert folder == data / "dogscats"
    assert asked == ["train.zip", "test1.zip"]
    assert names_in(folder) == {"train", "valid", "test1"}
    assert names_in(folder / "train") == names_in(folder / "valid") == {"cats", "dogs"}
    for kind in ("cat", "dog"):
        train, valid = names_in(folder / "train" / f"{kind}s"), names_in(folder / "valid" / f"{kind}s")
        assert len(train) == 10
        assert len(valid) == 1000
        assert train | valid == {f"{kind}.{i}.jpg" for i in range(1010)}
    assert names_in(data) == {"dogscats"}
    assert DATASETS["dogscats"].missing_from(folder) == []


def test_a_half_finished_archive_leaves_nothing(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, tmp_path, kaggle_cats_and_dogs(3))
    archive = tmp_path / "cache" / "competition" / "test1.zip"
    archive.write_bytes(archive.read_bytes()[:-30])
    with pytest.raises(DamagedArchiveError, match=r"test1\.zip"):
        download_competition("dogscats")
    assert names_in(data) == set()


def test_one_part_of_a_competition(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = has(monkeypatch, tmp_path, {"train_v2.csv.zip": {"train_v2.csv": b"image_name,tags"}, "notes.txt": b"notes"})
    download_competition("planet", files=["train_v2.csv.zip"])
    assert names_in(data / "planet") == {"train_v2.csv"}
    download_competition("planet", files=["notes.txt"])
    assert names_in(data / "planet") == {"train_v2.csv", "notes.txt"}
    with pytest.raises(CourseError, match=r"already holds notes\.txt; nothing was changed"):
        download_competition("planet", files=["notes.txt"])
    assert asked == ["train_v2.csv.zip", "notes.txt", "notes.txt"]


def test_a_competition_that_is_not_in_the_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files: dict[str, dict[str, bytes] | bytes] = {"train.csv": b"1", "images/1.png": b"2", "extra.zip": {"deep/3.txt": b"3"}}
    asked = has(monkeypatch, tmp_path, files)
    folder = download_competition("titanic", folder=tmp_path / "elsewhere")
    assert asked == [None]
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} == {
        "train.csv",
        "images/1.png",
        "deep/3.txt",
    }
    assert (tmp_path / "cache" / "competition" / "train.csv").exists()  # kagglehub's own is left alone


@pytest.mark.parametrize("files", [[], "train.zip"])
def test_files_is_a_list_of_some(files: Any) -> None:
    with pytest.raises(CourseError, match="expected a list of file names"):
        download_competition("dogscats", files=files)


def test_room_is_checked_before_anything_is_asked_for(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = has(monkeypatch, tmp_path, kaggle_cats_and_dogs(3))
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=500_000_000))
    with pytest.raises(NoSpaceError, match=r"dogscats needs, unpacked, 0\.87 GB and .*dogscats has 0\.50 GB free"):
        download_competition("dogscats")
    assert asked == []
    assert not data.exists()


def test_a_folder_that_is_read_only_is_named_before_anything_is_asked_for(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = has(monkeypatch, tmp_path, kaggle_cats_and_dogs(3))
    data.mkdir(mode=0o555)
    with pytest.raises(CourseError, match="can be written to"):
        download_competition("dogscats")
    assert asked == []


def test_install_makes_a_dataset_of_archives_fetched_by_hand(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has(monkeypatch, tmp_path, kaggle_cats_and_dogs(3))
    a_few = replace(DATASETS["dogscats"], arrange=partial(split_cats_and_dogs, valid_per_class=1))
    monkeypatch.setitem(DATASETS, "dogscats", a_few)
    by_hand = tmp_path / "cache" / "competition"
    with pytest.raises(CourseError, match=r"train\.zip do not make dogscats: test1/\*\.jpg would be missing"):
        install("dogscats", [by_hand / "train.zip"])
    assert names_in(data) == set()
    assert install("dogscats", [by_hand]) == data / "dogscats"
    assert names_in(data / "dogscats") == {"train", "valid", "test1"}
    with pytest.raises(CourseError, match="already holds test1, train, valid"):
        install("dogscats", [by_hand])
    with pytest.raises(CourseError, match=r"cannot read .*none.csv: it is not there"):
        install("rossmann", [tmp_path / "none.csv"])


def test_install_looks_at_what_it_is_given(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for files in (None, [], 5):
        with pytest.raises(CourseError, match="give a list of the files that were downloaded"):
            install("digits", files)  # type: ignore[arg-type]
    folder = draw(DATASETS["digits"], tmp_path / "digits")
    names = [name.name for name in folder.glob("*.gz")]
    for part in ("one", "two"):
        (tmp_path / part).mkdir()
        (tmp_path / part / names[0]).write_bytes((folder / names[0]).read_bytes())
    with pytest.raises(CourseError, match=f"two of the files are called {names[0]}, the second .*two"):
        install("digits", [tmp_path / "one" / names[0], tmp_path / "two" / names[0]])
    monkeypatch.setenv("HOME", str(tmp_path))
    assert install("digits", "~/digits", "~/real") == tmp_path / "real"  # one folder of them is a list of one
    assert not DATASETS["digits"].missing_from(tmp_path / "real")


@pytest.mark.parametrize("sample", ["yes", 1, 0])
def test_which_form_of_a_dataset_is_true_false_or_none(sample: Any) -> None:
    with pytest.raises(CourseError, match=f"sample is {sample!r}; it is True for the stand-in"):
        course_utils.data.get("digits", sample)
    with pytest.raises(CourseError, match=r"no dataset \['digits'\]"):
        course_utils.data.get(["digits"])  # type: ignore[arg-type]


@pytest.mark.parametrize("drive", [True, False])
def test_a_folder_that_is_mounted_is_filled(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server, drive: bool
) -> None:
    """A drive of its own, or a folder of the same drive that is mounted there, which os.path.ismount does not notice."""
    has(monkeypatch, tmp_path, kaggle_cats_and_dogs(3))
    a_few = replace(DATASETS["dogscats"], arrange=partial(split_cats_and_dogs, valid_per_class=1))
    monkeypatch.setitem(DATASETS, "dogscats", a_few)
    names = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
    urls = tuple(Url(server.url.replace("file.bin", name), sha256(CONTENT)) for name in names)
    mounts = data / "dogscats", data / "digits", data / "samples" / "digits"
    for mount in mounts:
        mount.mkdir(parents=True)
    moved = 0

    def refusing(move: Callable[..., None]) -> Callable[..., None]:
        def refused(source: str | Path, target: str | Path) -> None:
            nonlocal moved
            for path in map(Path, (source, target)):
                if path in mounts:
                    raise OSError(errno.EBUSY, "Device or resource busy", str(path))
            if [m for m in mounts if Path(source).is_relative_to(m)] != [m for m in mounts if Path(target).is_relative_to(m)]:
                raise OSError(errno.EXDEV, "Invalid cross-device link", str(source), None, str(target))
            moved += 1
            move(source, target)

        return refused

    monkeypatch.setattr(os, "rename", refusing(os.rename))
    monkeypatch.setattr(os, "replace", refusing(os.replace))
    monkeypatch.setattr(os.path, "ismount", lambda path: drive and Path(path) in mounts)
    assert install("dogscats", [tmp_path / "cache" / "competition"]) == data / "dogscats"
    assert names_in(data / "dogscats") == {"train", "valid", "test1"}
    assert len(names_in(data / "dogscats" / "train" / "cats")) == 2
    digits = replace(DATASETS["digits"], urls=urls)
    assert download.fetch(digits, data / "digits") == data / "digits"
    assert names_in(data / "digits") == set(names)
    drawn = draw(DATASETS["digits"], data / "samples" / "digits")
    assert is_current(DATASETS["digits"], drawn)
    assert not [name for name in names_in(drawn) if name.startswith(".")]
    assert names_in(data) == {"dogscats", "digits", "samples"}
    assert names_in(data / "samples") == {"digits"}
    assert moved > 0


def test_digits_come_from_plain_addresses(data: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
    urls = tuple(Url(server.url.replace("file.bin", name), sha256(CONTENT)) for name in names)
    digits = replace(DATASETS["digits"], urls=urls)
    server.break_after = [len(CONTENT), *[10_000] * 4]
    with pytest.raises(BrokenDownloadError):
        download.fetch(digits, data / "digits")
    assert names_in(data) == {"digits-download"}
    assert download.fetch(digits, data / "digits") == data / "digits"
    assert names_in(data) == {"digits"}
    assert names_in(data / "digits") == set(names)
    assert server.asked[-1] == "bytes=40000-"
