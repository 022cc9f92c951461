"""Fetching the file of a request: redirects without secrets, what has arrived kept, and sign-in pages told from files."""

import json
import logging
import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from course_utils.data.copied.file_names import name_in_address, name_in_header
from course_utils.data.copied.request import AGAIN, Request
from course_utils.data.errors import BrokenDownloadError, DownloadError, NoNetworkError, NotOnServerError, NotSignedInError
from course_utils.data.room import leaving_room, require_room
from course_utils.data.staging import nobody_else
from course_utils.errors import CourseError
from course_utils.files import writing
from course_utils.names import shortened

if TYPE_CHECKING:
    from requests import PreparedRequest, Response

_CHUNK = 1 << 18
_ATTEMPTS = 4  # connections in a row that bring nothing new before we give up
_TIMEOUT = 30  # seconds without a byte
_REDIRECTS = 10
_NAMELESS = "download"
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_FOR_ANYBODY = ("accept", "accept-language", "user-agent")  # headers that say nothing of who asks
_PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|script|meta|title)\b", re.IGNORECASE | re.DOTALL)


class _BrokenError(Exception):
    """The connection was lost: another try may continue."""


class _BeganAnewError(Exception):
    """What had arrived does not fit what the server has now: it was deleted, and all of it is asked for."""


def without_frames(error: CourseError) -> CourseError:
    """Make an error its message alone: the frames that led to it, and the errors of libraries, hold addresses and headers."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


class Transfer:
    """One download to `folder`, continued in a second call where the server can prove that its file is the same.

    What has arrived is in `<name>.part`, what the server called that version of the file in `<name>.part.json`: no address
    and no header of ours are written anywhere.
    """

    def __init__(self, request: Request, folder: Path, progress: bool) -> None:
        self.request, self.folder, self.progress = request, folder, progress
        first = request.name or name_in_address(request.url) or _NAMELESS
        self.part = folder / f"{first}.part"
        self.version = folder / f"{first}.part.json"
        self.host = urlsplit(request.url).hostname

    def run(self) -> Path:
        """Fetch the file, and give its path."""
        with writing(self.folder, own=[self.part, self.version, self.part.with_name(f"{self.part.name}.lock")]):
            self.folder.mkdir(parents=True, exist_ok=True)
            with nobody_else(self.part):
                if os.path.lexists(self.part) and not os.path.isfile(self.version):
                    raise CourseError(f"{self.part} is there already, and was not begun here; move it away, then try again")
                with _unlogged():
                    return self._attempts()

    def _attempts(self) -> Path:
        failures, most = 0, self._arrived()
        while True:
            try:
                with writing(self.part, own=[self.version]):
                    return self._attempt()
            except _BeganAnewError:
                continue
            except _BrokenError as broken:
                failures = 1 if self._arrived() > most else failures + 1
                most = max(most, self._arrived())
                reason = str(broken)
            if failures >= _ATTEMPTS or not self._arrived():
                raise self._given_up(reason)

    def _given_up(self, reason: str) -> DownloadError:
        what = self.request.shown
        arrived = self._arrived()
        if not arrived:
            return NoNetworkError(
                f"{self.host} cannot be reached for {what} ({reason}); check the network (a proxy?), then try again"
            )
        if self._known_version():
            return BrokenDownloadError(
                f"the connection broke while {what} was downloaded ({reason}; {arrived:,} bytes are in {self.part}); "
                "try again: it continues from there"
            )
        self._forget()
        return BrokenDownloadError(
            f"the connection broke while {what} was downloaded ({reason}), and this server cannot resume a download; "
            "try again, from the start"
        )

    # --- one connection

    def _attempt(self) -> Path:
        import requests
        import urllib3

        start = self._arrived() if self._known_version() else 0
        try:
            with self._answer(start) as response:
                return self._take(response, start)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise self._explained(error) from None
        except ValueError:  # from urllib, which looks at where a redirect leads
            raise DownloadError(f"{self.host} redirects to an address that cannot be read; {self._look()}") from None

    def _explained(self, error: Exception) -> Exception:
        """The error in words; its own text would hold the whole address."""
        import requests

        if isinstance(error, requests.exceptions.SSLError):
            return DownloadError(
                f"{self.host}, or a server that it redirects to, could not prove who it is (its certificate is not accepted). "
                "On a network that inspects traffic, such as a company's, set the environment variable REQUESTS_CA_BUNDLE to "
                "the file of its certificates"
            )
        if (reason := _reason_of_break(error)) is not None:
            return _BrokenError(reason)
        return DownloadError(f"{self.request.shown} was not downloaded ({type(error).__name__}); try again later")

    @contextmanager
    def _answer(self, start: int) -> Iterator["Response"]:
        """The server's answer, after redirects: another server is not told who asks."""
        import requests

        first = address = self.request.url
        set_on_the_way = requests.cookies.RequestsCookieJar()  # each of these goes to the server that gave it alone
        for _ in range(_REDIRECTS + 1):
            _check_step(first, address, self.host, self._look())
            headers = self._headers(_same_server(first, address), start)
            with (  # a session of its own: some servers end a connection without a word
                requests.Session() as session,
                session.get(
                    address,
                    headers=headers,
                    cookies=set_on_the_way,
                    auth=_as_it_is,
                    allow_redirects=False,
                    stream=True,
                    timeout=_TIMEOUT,
                ) as response,
            ):
                set_on_the_way.update(session.cookies)
                onward = session.get_redirect_target(response)
                if onward is None:
                    yield response
                    return
            address = urljoin(address, onward)
        raise NotSignedInError(f"{self.host} redirects from one address to the next without end: {self._run_out()}")

    def _headers(self, same_server: bool, start: int) -> dict[str, bytes]:
        headers = {n: v for n, v in self.request.headers.items() if same_server or n in _FOR_ANYBODY}
        headers["accept-encoding"] = b"identity"  # the file's own bytes: only they can be counted and resumed from
        if start:
            headers["range"] = b"bytes=%d-" % start
            headers["if-range"] = self._known_version().encode("latin-1")
        return headers

    def _take(self, response: "Response", start: int) -> Path:
        span = response.headers.get("Content-Range", "")
        total = self._total_of(span)
        whole = response.status_code == 416 and start > 0 and span == f"bytes */{start}"
        unfit = total is None or _version(response) not in ("", self._known_version())
        if start and not whole and (response.status_code == 416 or (response.status_code == 206 and unfit)):
            self._forget()
            raise _BeganAnewError
        if not whole:
            self._refuse(response, start)
        goes_on = whole or (response.status_code == 206 and start > 0)
        path = self.folder / self._name(response)
        encoded = response.headers.get("Content-Encoding", "identity").lower() not in ("identity", "")
        stored = encoded and path.suffix.lower() in (".gz", ".tgz")  # the file itself, not how it travels
        packed = (encoded and not stored) or "Transfer-Encoding" in response.headers  # which counts, where both are said
        length = None if packed else _number(response.headers.get("Content-Length"))
        size = start if whole else total if goes_on else length
        chunks = iter(()) if whole else response.raw.stream(_CHUNK, decode_content=not stored)
        first = next(chunks, b"")
        if not goes_on:
            self._refuse_page(first, path.name)
        if os.path.lexists(path):
            return self._there_already(path, size)
        if not whole:
            require_room(self.folder, length or 0, f"the rest of {path.name} needs")
            if not goes_on:
                self.version.write_text(json.dumps({"version": "" if encoded else _version(response)}), encoding="utf-8")
            self._write(chain([first], chunks), path.name, start if goes_on else 0, size)
        if size is not None and self._arrived() < size:  # older versions of urllib3 say nothing
            raise _BrokenError("it ended early")
        if size is not None and self._arrived() > size:
            self._forget()
            raise DownloadError(
                f"{self.host} sent more than the {size:,} bytes that it says {self.request.shown} has, so it is not known "
                f"which are the file; {self._look()}"
            )
        if not self._arrived():
            self._forget()
            raise DownloadError(f"{self.host} sent nothing for {self.request.shown}, a file of 0 bytes; {self._look()}")
        self.part.replace(path)
        self.version.unlink(missing_ok=True)
        return path

    def _write(self, chunks: Iterable[bytes], name: str, start: int, size: int | None) -> None:
        from tqdm.auto import tqdm

        with (
            self.part.open("ab" if start else "wb") as file,
            tqdm(desc=shortened(name), total=size, initial=start, unit="B", unit_scale=True, disable=not self.progress) as bar,
        ):
            for chunk in chunks if size is not None else leaving_room(chunks, self.part):
                file.write(chunk)
                bar.update(len(chunk))

    def _there_already(self, path: Path, size: int | None) -> Path:
        if size is not None and os.path.isfile(path) and path.stat().st_size == size:
            print(f"{path} is there already, with the {size:,} bytes that the server has: not downloaded again")
            self._forget()
            return path
        has = f"; the server's file has {size:,} bytes" if size is not None else ""
        raise CourseError(
            f"{path} is there already{has}. Nothing was changed: move it away, or give the new one another name with "
            f"{self._naming('...')}"
        )

    # --- what the server says

    def _total_of(self, span: str) -> int | None:
        """The size of the whole file, where `span` is the rest of what has arrived; None where it does not fit it."""
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", span)
        if not found or int(found[1]) != self._arrived() or int(found[2]) != int(found[3]) - 1:
            return None
        return int(found[3])

    def _refuse(self, response: "Response", start: int) -> None:
        code = response.status_code
        said = f"{code} {_PHRASES.get(code, '')}".rstrip()
        shown = self.request.shown
        if code in (401, 403):
            raise NotSignedInError(
                f"{self.host} does not give {shown} in answer to this request ({said}): {self._run_out()}. If that does not "
                "help, check whether your account has access to the file, and whether terms must be accepted first"
            )
        if code in (404, 410):
            raise NotOnServerError(
                f"{shown} does not exist (any more) ({said}); some servers also say so to those who are not signed in; "
                f"{self._look()}"
            )
        if code == 429:
            raise DownloadError(f"{self.host} has had too many requests from here ({said}); wait a few minutes, then try again")
        if code not in (200, 206) or (code == 206 and not start):
            advice = "try again later" if code >= 500 else self._look()
            raise DownloadError(f"{self.host} did not give {shown}: it answered {said}; {advice}")

    def _name(self, response: "Response") -> str:
        proposed = name_in_header(response.headers.get("Content-Disposition", ""))
        return self.request.name or proposed or name_in_address(response.url) or name_in_address(self.request.url) or _NAMELESS

    def _refuse_page(self, start: bytes, name: str) -> None:
        if name.lower().endswith((".html", ".htm", ".xhtml")) or not _PAGE.match(start.removeprefix(b"\xef\xbb\xbf")):
            return
        raise NotSignedInError(
            f"{self.host} sent a web page instead of {shortened(name)}: {self._run_out()}. If the page is what you want, "
            f"call it one: {self._naming('page.html')}"
        )

    def _look(self) -> str:
        return AGAIN if self.request.copied else "try the address in a browser"

    def _naming(self, name: str) -> str:
        return f"-o {name}" if self.request.copied else f"name={name!r}"

    def _run_out(self) -> str:
        if not self.request.copied:
            return (
                "the file is for signed-in users only. Give course_utils.data.download_command the command that the browser "
                f"copies: {AGAIN}"
            )
        if self.request.signed_in:
            return "the cookie has expired: sign in in the browser, start the download there, and copy the command again"
        return f"the command has no cookie: sign in in the browser, start the download there, and {AGAIN}"

    # --- what has arrived

    def _arrived(self) -> int:
        return self.part.stat().st_size if os.path.isfile(self.part) else 0

    def _known_version(self) -> str:
        """What the server called the version of the file that has arrived in part; '' where it cannot be resumed."""
        if not self._arrived():
            return ""
        try:
            return str(json.loads(self.version.read_text(encoding="utf-8"))["version"])
        except (ValueError, KeyError, TypeError, OSError):
            return ""

    def _forget(self) -> None:
        self.part.unlink(missing_ok=True)
        self.version.unlink(missing_ok=True)


def _version(response: "Response") -> str:
    """What proves later that the file is still the same: a strong ETag, or the second of its last change."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "")


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _as_it_is(request: "PreparedRequest") -> "PreparedRequest":
    """Without it, requests would look into ~/.netrc, and put a password from there in place of the command's."""
    return request


def _origin(address: SplitResult) -> tuple[str, str | None, int]:
    return address.scheme, address.hostname, address.port or (443 if address.scheme == "https" else 80)


def _same_server(first: str, address: str) -> bool:
    there, here = _origin(urlsplit(first)), _origin(urlsplit(address))
    return there == here or (there[1] == here[1] and there[::2] == ("http", 80) and here[::2] == ("https", 443))


def _check_step(first: str, address: str, host: str | None, advice: str) -> None:
    """Refuse to be led to what is not a web server, or from an encrypted address to one that all can read."""
    step = urlsplit(address)
    if step.scheme not in ("http", "https") or not step.hostname or step.username is not None:
        raise DownloadError(
            f"{host} redirects to an address that is not a file on a web server ({shortened(step.scheme)}:); {advice}"
        )
    if urlsplit(first).scheme == "https" and step.scheme == "http":
        raise DownloadError(
            f"{host} redirects from https to http on {step.hostname}, where what arrives may have been changed on the way; "
            f"{advice}"
        )


def _reason_of_break(error: Exception) -> str | None:
    """A lost connection, in words without an address; None for any other error."""
    import requests
    import urllib3

    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return "no server of that name is known"
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return f"no byte for {_TIMEOUT} seconds"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy did not answer"
    lost = requests.ConnectionError | requests.exceptions.ChunkedEncodingError | urllib3.exceptions.ProtocolError
    return "the connection was refused or lost" if isinstance(error, lost) else None


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep urllib3 from logging addresses, whose query may hold a token, while this thread downloads."""
    thread = threading.get_ident()
    logger = logging.getLogger("urllib3.connectionpool")

    def others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger.addFilter(others)
    try:
        yield
    finally:
        logger.removeFilter(others)
