"""Downloads from a copied command, against servers on this machine: the right bytes, and no secret anywhere but on the way."""

import gzip
import logging
import random
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from course_utils.data import download_command, get_url
from course_utils.data.copied import transfer
from course_utils.data.errors import (
    BrokenDownloadError,
    DownloadError,
    NoNetworkError,
    NoSpaceError,
    NotOnServerError,
    NotSignedInError,
)
from course_utils.errors import CourseError
from course_utils.files import FileError

CONTENT = b"PK\3\4" + random.Random(0).randbytes(300_000)
COOKIE, TOKEN, KEY = "session=c00kie-s3cret", "t0ken-s3cret", "Bearer k3y-s3cret"
SECRETS = ("c00kie-s3cret", "t0ken-s3cret", "k3y-s3cret")
LOGIN = b"\n<!-- hello --><!DOCTYPE html><html><body>Sign in</body></html>"


class Server:
    """Gives `content` at any address, but for those in `routes`; notes what it was asked."""

    def __init__(self):
        self.content, self.headers, self.routes = CONTENT, {"ETag": '"one"'}, {}
        self.ranges, self.code, self.cut = True, 0, []
        self.asked = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                server.asked.append(SimpleNamespace(path=self.path, headers={k.lower(): v for k, v in self.headers.items()}))
                server.answer(self)
                self.close_connection = True

            def log_message(self, *args): ...

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def answer(self, request):
        code, headers, body = self.routes.get(request.path.split("?")[0], (self.code or 200, self.headers, self.content))
        wanted = request.headers.get("Range")
        if wanted and code == 200 and self.ranges and request.headers["If-Range"] == headers.get("ETag"):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            code = 206 if start < len(body) else 416
            span = f"{start}-{len(body) - 1}" if code == 206 else "*"
            headers, body = {**headers, "Content-Range": f"bytes {span}/{len(body)}"}, body[start:]
        request.send_response(code)
        for name, value in {"Content-Length": len(body), **headers}.items():
            request.send_header(name, str(value))
        request.end_headers()
        request.wfile.write(body[: self.cut.pop(0)] if self.cut else body)

    def command(self, options="", path="/get/train.zip"):
        return f"curl '{self.url}{path}?token={TOKEN}' -H 'authorization: {KEY}' -b '{COOKIE}' -A me --compressed {options}"

    @property
    def spans(self):
        return [asked.headers.get("range") for asked in self.asked]


@pytest.fixture
def servers(monkeypatch):
    monkeypatch.setattr(transfer, "_CHUNK", 10_000)
    running = []

    def start():
        running.append(Server())
        return running[-1]

    yield start
    for server in running:
        server.http.shutdown()
        server.http.server_close()


@pytest.fixture
def server(servers):
    return servers()


@pytest.fixture(autouse=True)
def nothing_leaks(tmp_path, caplog, capfd):
    """Whatever a test does: no secret is logged, printed, or lies in a file."""
    caplog.set_level(logging.DEBUG)
    yield
    out, err = capfd.readouterr()
    files = b"".join(str(path).encode() + path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in SECRETS:
        assert secret not in caplog.text + out + err
        assert secret.encode() not in files


def fails(command, folder, kind, words):
    """The message of a download that fails; nothing of the error's holds a secret, its frames included."""
    with pytest.raises(kind, match=words) as caught:
        download_command(command, folder, progress=False)
    error = caught.value
    assert type(error) is kind
    frames = traceback.TracebackException(type(error), error, error.__traceback__.tb_next, capture_locals=True)
    text = "".join(traceback.format_exception(error)) + "".join(frames.format()) + repr(error)
    assert error.__cause__ is error.__context__ is None
    assert not [secret for secret in SECRETS if secret in text]
    return str(error)


def names_in(folder):
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_the_file_comes_and_the_server_sees_what_the_browser_sent(server, tmp_path, capfd):
    path = download_command(server.command("-H 'x-mine: 1' -H 'accept-encoding: br'"), tmp_path / "new")
    assert path == tmp_path / "new" / "train.zip"
    assert path.read_bytes() == CONTENT
    assert names_in(tmp_path / "new") == {"train.zip"}
    (asked,) = server.asked
    assert asked.path == f"/get/train.zip?token={TOKEN}"
    seen = dict(asked.headers)
    assert seen.pop("host") == server.url.removeprefix("http://")
    expected = {"cookie": COOKIE, "authorization": KEY, "user-agent": "me", "x-mine": "1", "accept-encoding": "identity"}
    assert expected.items() <= seen.items()
    assert seen.keys() - expected.keys() <= {"accept", "connection"}
    assert "train.zip" in capfd.readouterr().err  # the progress


def test_the_data_folder_is_the_usual_place(server, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    assert download_command(server.command(), progress=False) == tmp_path / "data" / "train.zip"


def test_a_password_of_the_machine_is_not_put_in_its_place(server, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password word\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    download_command(server.command(), tmp_path, progress=False)
    assert server.asked[0].headers["authorization"] == KEY


def test_the_command_can_be_asked_for(server, tmp_path, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda prompt: server.command())
    assert download_command(folder=tmp_path, progress=False).read_bytes() == CONTENT

    def nobody(prompt):
        raise EOFError

    monkeypatch.setattr("getpass.getpass", nobody)
    fails(None, tmp_path, CourseError, "nobody to ask for the command; give it as text")


@pytest.mark.parametrize(
    ("path", "options", "header", "name"),
    [
        ("/get/train.zip", "-o mine.zip", 'attachment; filename="theirs.zip"', "mine.zip"),
        ("/get/1234", "", 'attachment; filename="theirs.zip"', "theirs.zip"),
        ("/get/1234", "-O", 'attachment; filename="theirs.zip"', "1234"),
        ("/get/1234", "", 'attachment; filename="../../.bashrc"', "bashrc"),
        ("/get/1234", "", 'attachment; filename=".."', "1234"),
        ("/get/a%2F..%2F..%2Fb.csv", "", "", "b.csv"),
        ("/", "", "", "download"),
    ],
)
def test_the_name_is_the_commands_the_servers_or_the_addresss(server, tmp_path, path, options, header, name):
    server.headers = {"Content-Disposition": header}
    assert download_command(server.command(options, path), tmp_path / "a" / "b", progress=False) == tmp_path / "a" / "b" / name
    assert names_in(tmp_path) == {"a"}
    assert names_in(tmp_path / "a" / "b") == {name}


def test_the_name_after_redirects_is_that_of_the_last_address(server, tmp_path):
    server.routes["/go"] = 302, {"Location": "/files/labels.csv?x=1"}, b""
    assert download_command(server.command(path="/go"), tmp_path, progress=False).name == "labels.csv"


# --- breaks, and going on


def test_a_broken_connection_goes_on_where_it_stopped(server, tmp_path):
    server.cut = [100_000, 50_000]
    assert download_command(server.command(), tmp_path, progress=False).read_bytes() == CONTENT
    assert server.spans == [None, "bytes=100000-", "bytes=150000-"]
    assert server.asked[1].headers["if-range"] == '"one"'
    assert names_in(tmp_path) == {"train.zip"}


def test_a_second_call_goes_on_where_the_first_gave_up(server, tmp_path):
    server.cut = [100_000, 0, 0, 0]
    fails(server.command(), tmp_path, BrokenDownloadError, r"100,000 bytes are in .*train\.zip\.part\); try again: it con")
    assert names_in(tmp_path) == {"train.zip.part", "train.zip.part.json"}
    assert download_command(server.command(), tmp_path, progress=False).read_bytes() == CONTENT
    assert server.spans[-1] == "bytes=100000-"
    assert names_in(tmp_path) == {"train.zip"}


def test_what_has_changed_on_the_server_comes_anew(server, tmp_path):
    server.cut = [100_000, 0, 0, 0]
    fails(server.command(), tmp_path, BrokenDownloadError, "try again")
    server.content, server.headers = b"PK new" * 30_000, {"ETag": '"two"'}
    assert download_command(server.command(), tmp_path, progress=False).read_bytes() == server.content
    assert server.spans[-1] == "bytes=100000-"


@pytest.mark.parametrize(
    "span", ["bytes 5-300003/300004", "bytes 100000-200000/300004", "bytes 100000-300003/*", "nonsense", ""]
)
def test_a_rest_that_does_not_fit_is_not_appended(server, tmp_path, span):
    server.cut = [100_000]
    part = 206, {"Content-Range": span}, b"wrong"
    server.routes = {"/get/train.zip": (200, server.headers, CONTENT)}
    answer = server.answer

    def answered(request):
        server.routes["/get/train.zip"] = part if request.headers.get("Range") else (200, server.headers, CONTENT)
        answer(request)

    server.answer = answered
    assert download_command(server.command(), tmp_path, progress=False).read_bytes() == CONTENT
    assert server.spans == [None, "bytes=100000-", None]


def test_a_part_that_nobody_asked_for_is_not_the_file(server, tmp_path):
    server.headers, server.cut, answer = {}, [100_000], server.answer  # without an ETag all of it is asked for again

    def answered(request):
        answer(request)
        server.routes["/get/train.zip"] = 206, {"Content-Range": "bytes 0-99/300004"}, CONTENT[:100]

    server.answer = answered
    fails(server.command(), tmp_path, DownloadError, "206 Partial Content")
    assert "train.zip" not in names_in(tmp_path)


def test_a_rest_that_is_longer_than_the_server_says_is_not_appended(server, tmp_path):
    server.cut, answer, end = [100_000], server.answer, len(CONTENT) - 1

    def answered(request):
        if not request.headers.get("Range"):
            return answer(request)
        request.wfile.write(b"HTTP/1.1 206 Partial Content\r\n")  # no length: it ends where the connection does
        request.wfile.write(b"Content-Range: bytes 100000-%d/%d\r\n\r\n" % (end, end + 1) + CONTENT[100_000:] + b"more")

    server.answer = answered
    fails(server.command(), tmp_path, DownloadError, "sent more than the 300,004 bytes")
    assert names_in(tmp_path) == set()


def test_a_server_that_does_not_look_at_what_is_asked_for_mixes_no_versions(server, tmp_path):
    server.cut = [100_000, 0, 0, 0]
    fails(server.command(), tmp_path, BrokenDownloadError, "try again")
    server.content = b"PK new" * 50_000
    end = len(server.content) - 1
    span = {"ETag": '"two"', "Content-Range": f"bytes 100000-{end}/{end + 1}"}
    answer = server.answer

    def answered(request):
        rest = 206, span, server.content[100_000:]
        server.routes["/get/train.zip"] = rest if request.headers.get("Range") else (200, {"ETag": '"two"'}, server.content)
        answer(request)

    server.answer = answered
    assert download_command(server.command(), tmp_path, progress=False).read_bytes() == server.content
    assert server.spans[-2:] == ["bytes=100000-", None]


def test_breaks_at_changing_places_come_to_an_end(server, tmp_path):
    server.headers, server.cut = {}, [100_000, 50_000] * 10
    fails(server.command(), tmp_path, BrokenDownloadError, "cannot resume a download")
    assert len(server.asked) == 4


def test_a_server_that_falls_silent_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "_TIMEOUT", 2)
    monkeypatch.setattr(transfer, "_ATTEMPTS", 1)
    done = threading.Event()
    answer = server.answer

    def answered(request):
        answer(request)
        done.wait(60)

    server.answer, server.cut = answered, [20_000]
    fails(server.command(), tmp_path, BrokenDownloadError, "no byte for 2 seconds; 20,000 bytes are in")
    done.set()


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"weak"'}])
def test_without_proof_that_it_is_the_same_file_it_comes_from_the_start(server, tmp_path, headers):
    server.headers = headers
    server.cut = [100_000]
    assert download_command(server.command(), tmp_path, progress=False).read_bytes() == CONTENT
    assert server.spans == [None, None]
    server.cut = [100_000] * 5
    fails(server.command("-o b.zip"), tmp_path, BrokenDownloadError, "cannot resume a download; try again, from the start")
    assert names_in(tmp_path) == {"train.zip"}


def test_the_date_of_the_last_change_is_proof_too(server, tmp_path):
    server.headers = {"ETag": 'W/"weak"', "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
    server.cut = [100_000]
    download_command(server.command(), tmp_path, progress=False)
    assert server.asked[1].headers["if-range"] == "Wed, 21 Oct 2015 07:28:00 GMT"


def test_a_part_that_is_whole_already(server, tmp_path):
    (tmp_path / "train.zip.part").write_bytes(CONTENT)
    (tmp_path / "train.zip.part.json").write_text('{"version": "\\"one\\""}')
    assert download_command(server.command(), tmp_path, progress=False).read_bytes() == CONTENT
    assert server.spans == [f"bytes={len(CONTENT)}-"]


def test_the_part_of_another_program_is_left_alone(server, tmp_path):
    (tmp_path / "train.zip.part").write_bytes(b"of a browser")
    fails(
        server.command(),
        tmp_path,
        CourseError,
        r"train\.zip\.part is there already, and was not begun here; move it",
    )
    assert (tmp_path / "train.zip.part").read_bytes() == b"of a browser"
    assert server.asked == []


def test_a_file_that_is_there_is_not_replaced(server, tmp_path, capfd):
    path = download_command(server.command(), tmp_path, progress=False)
    assert download_command(server.command(), tmp_path, progress=False) == path
    assert (
        "train.zip is there already, with the 300,004 bytes that the server has: not downloaded again" in capfd.readouterr().out
    )
    path.write_text("mine")
    fails(
        server.command(),
        tmp_path,
        CourseError,
        r"train\.zip is there already; the server's file has 300,004 bytes\. Nothing was",
    )
    assert path.read_text() == "mine"
    assert names_in(tmp_path) == {"train.zip"}


def test_bytes_are_the_files_own_however_they_travel(server, tmp_path):
    packed = gzip.compress(CONTENT)
    server.content, server.headers = packed, {"Content-Encoding": "gzip", "ETag": '"one"'}
    assert download_command(server.command(), tmp_path, progress=False).read_bytes() == CONTENT
    assert download_command(server.command("-o train.csv.gz"), tmp_path, progress=False).read_bytes() == packed


# --- who is asked, and who is told


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_cookies_go_along_on_the_same_server_alone(servers, tmp_path, code):
    first, second = servers(), servers()
    first.routes["/get/train.zip"] = code, {"Location": f"/there?token={TOKEN}", "Set-Cookie": "more=1"}, b""
    first.routes["/there"] = code, {"Location": f"{second.url}/set"}, b""
    second.routes["/set"] = code, {"Location": "/file", "Set-Cookie": "two=2"}, b""
    extra = "-H 'x-csrf: c00kie-s3cret' -e 'https://data.org/?t0ken-s3cret' -H 'accept-language: fr'"
    assert download_command(first.command(extra), tmp_path, progress=False).read_bytes() == CONTENT
    assert [asked.headers.get("cookie") for asked in first.asked] == [COOKIE, COOKIE]
    assert first.asked[1].path == f"/there?token={TOKEN}"
    for asked, more in zip(second.asked, (set(), {"cookie"}), strict=True):
        assert asked.headers["accept-language"] == "fr"
        assert (
            asked.headers.keys() <= {"host", "user-agent", "accept", "accept-language", "accept-encoding", "connection"} | more
        )
    assert second.asked[1].headers["cookie"].endswith("two=2")


def test_a_way_back_is_told_again(servers, tmp_path):
    first, second = servers(), servers()
    first.routes["/get/train.zip"] = 302, {"Location": f"{second.url}/over"}, b""
    second.routes["/over"] = 302, {"Location": f"{first.url}/back"}, b""
    download_command(first.command(), tmp_path, progress=False)
    assert [asked.headers.get("cookie") for asked in (*first.asked, *second.asked)] == [COOKIE, COOKIE, None]


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("file:///etc/passwd", r"redirects to an address that is not a file on a web server \(file:\)"),
        ("http://me:t0ken-s3cret@127.0.0.1/", "redirects to an address that is not a file"),
        ("/get/train.zip", "from one address to the next without end: the cookie has expired"),
    ],
)
def test_where_a_server_may_not_lead(server, tmp_path, location, words):
    server.routes["/get/train.zip"] = 302, {"Location": location}, b""
    fails(server.command(), tmp_path, NotSignedInError if location[0] == "/" else DownloadError, words)
    assert len(server.asked) <= 11


def test_from_https_it_does_not_lead_to_http():
    with pytest.raises(DownloadError, match=r"a\.org redirects from https to http on b\.org"):
        transfer._check_step("https://a.org/x", "http://b.org/x", "a.org", "look")
    assert transfer._same_server("http://a.org/x", "https://a.org/x")
    assert not transfer._same_server("http://a.org/x", "https://a.org:8443/x")
    assert not transfer._same_server("https://a.org/x", "https://b.a.org/x")


# --- a page instead of the file, and other refusals


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/zip", None])
def test_a_page_to_sign_in_is_no_file(server, tmp_path, kind):
    server.routes["/login"] = 200, {"Content-Type": kind} if kind else {}, LOGIN
    server.routes["/get/train.zip"] = 302, {"Location": "/login"}, b""
    words = r"127\.0\.0\.1 sent a web page instead of .*: the cookie has expired: sign in .* and copy the command again"
    fails(server.command(), tmp_path, NotSignedInError, words)
    assert names_in(tmp_path) == set()
    fails(f"curl {server.url}/login -o a.csv", tmp_path, NotSignedInError, r"instead of a\.csv: the command has no cookie")
    assert download_command(server.command("-o page.html", "/login"), tmp_path, progress=False).read_bytes() == LOGIN


def test_a_page_leaves_what_has_arrived_and_what_is_there(server, tmp_path):
    server.cut = [100_000, 0, 0, 0]
    fails(server.command(), tmp_path, BrokenDownloadError, "try again")
    server.headers, server.content = {"Content-Type": "text/html"}, LOGIN
    fails(server.command(), tmp_path, NotSignedInError, "the cookie has expired")
    assert (tmp_path / "train.zip.part").read_bytes() == CONTENT[:100_000]
    (tmp_path / "mine.zip").write_bytes(LOGIN)
    fails(server.command("-o mine.zip"), tmp_path, NotSignedInError, "the cookie has expired")


def test_a_table_that_is_called_a_page_is_a_table(server, tmp_path):
    server.headers, server.content = {"Content-Type": "text/html"}, b"id,breed\n1,<html>"
    assert download_command(server.command("-o labels.csv"), tmp_path, progress=False).read_bytes() == server.content


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (401, NotSignedInError, "401 Unauthorized.*the cookie has expired"),
        (403, NotSignedInError, "403 Forbidden.*whether terms must be accepted"),
        (404, NotOnServerError, r"/get/train\.zip does not exist \(any more\)"),
        (410, NotOnServerError, "410 Gone"),
        (429, DownloadError, "wait a few minutes"),
        (500, DownloadError, "500 Internal Server Error; try again later"),
        (418, DownloadError, "418 I'm a Teapot; in the browser"),
        (204, DownloadError, "204 No Content"),
        (206, DownloadError, "206 Partial Content"),
        (799, DownloadError, "answered 799"),
    ],
)
def test_what_the_server_answers(server, tmp_path, code, kind, words):
    server.code, server.content = code, b"" if code == 204 else LOGIN
    fails(server.command(), tmp_path, kind, words)
    assert names_in(tmp_path) == set()


def test_a_file_of_no_bytes_is_none(server, tmp_path):
    server.content = b""
    fails(server.command(), tmp_path, DownloadError, "sent nothing .* a file of 0 bytes")
    assert names_in(tmp_path) == set()


def test_no_server(server, tmp_path):
    server.http.shutdown()
    server.http.server_close()
    fails(
        server.command(),
        tmp_path,
        NoNetworkError,
        r"127\.0\.0\.1 cannot be reached for http://.*/get/train\.zip \(the connection",
    )
    command = server.command().replace("127.0.0.1", "nowhere.invalid")
    fails(command, tmp_path, NoNetworkError, r"nowhere\.invalid cannot be reached")


def test_no_room_and_no_folder(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    fails(server.command(), tmp_path / "file", FileError, "cannot write .*file: something of that name is in the way")
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    fails(server.command(), tmp_path, NoSpaceError, r"the rest of train\.zip needs 0\.00 GB")
    assert names_in(tmp_path) == {"file"}


def test_what_is_logged_by_others_is_still_logged(caplog):
    with transfer._unlogged():
        other = threading.Thread(target=lambda: logging.getLogger("urllib3.connectionpool").debug("of another thread"))
        other.start()
        other.join()
        logging.getLogger("urllib3.connectionpool").debug("of this one")
    logging.getLogger("urllib3.connectionpool").debug("afterwards")
    assert [record.message for record in caplog.records] == ["of another thread", "afterwards"]


def test_a_command_that_is_refused_leaks_nothing(tmp_path):
    fails(f"curl 'https://a.org/?{TOKEN}' -b '{COOKIE}' -d '{TOKEN}'", tmp_path, CourseError, "-d sends something")


# --- an address alone


def test_an_address_without_a_hash(server, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    path = get_url(f"{server.url}/get/train.zip?token={TOKEN}")
    assert path == tmp_path / "data" / "train.zip"
    assert path.read_bytes() == CONTENT
    assert get_url(f" {server.url}/get/train.zip\n", progress=False) == path
    assert "not downloaded again" in capfd.readouterr().out
    server.headers = {"Content-Disposition": "attachment; filename=../../b.zip"}
    assert get_url(f"{server.url}/1", folder=tmp_path, progress=False) == tmp_path / "b.zip"
    assert get_url(f"{server.url}/1", folder=tmp_path, name="c.zip", progress=False) == tmp_path / "c.zip"


@pytest.mark.parametrize(
    ("path", "name", "kind", "words"),
    [
        (
            "/login",
            None,
            NotSignedInError,
            "instead of login: the file is for signed-in users only.*Give course_utils.data.down",
        ),
        ("/login", None, NotSignedInError, "If the page is what you want, call it one: name='page.html'"),
        ("/none", None, NotOnServerError, "does not exist .* try the address in a browser"),
        ("/x.zip", "../x", CourseError, "name is '../x'; give the plain name of a file"),
        ("/x.zip", "", CourseError, "name is ''; give the plain name"),
        ("/x.zip", "taken", CourseError, r"give the new one another name with name='\.\.\.'"),
    ],
)
def test_an_address_that_gives_no_file(server, tmp_path, path, name, kind, words):
    server.routes = {"/login": (200, {}, LOGIN), "/none": (404, {}, b"")}
    (tmp_path / "taken").touch()
    with pytest.raises(kind, match=words) as caught:
        get_url(f"{server.url}{path}?token={TOKEN}", folder=tmp_path, name=name, progress=False)
    assert TOKEN not in str(caught.value)
    assert names_in(tmp_path) == {"taken"}


@pytest.mark.parametrize("url", [None, "train.zip", "ftp://a.org/t0ken-s3cret", "https://", "https://a.org/a b"])
def test_what_is_no_address(url, tmp_path):
    with pytest.raises(CourseError, match="address"):
        get_url(url, folder=tmp_path)
