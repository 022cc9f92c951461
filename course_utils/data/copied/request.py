"""What a copied curl command asks for: one address, its headers, and the name of the file; all else is refused by name."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from course_utils.data.copied.file_names import name_in_address, plain_name
from course_utils.data.copied.wget import as_curl
from course_utils.data.copied.words import words_of
from course_utils.errors import CourseError
from course_utils.names import shortened

AGAIN = "in the browser's developer tools, under Network, right-click the download and choose Copy as cURL"

_VALUED = {
    "header": ("-H", "--header"),
    "cookie": ("-b", "--cookie"),
    "user-agent": ("-A", "--user-agent"),
    "referer": ("-e", "--referer"),
    "url": ("--url",),
    "output": ("-o", "--output"),
    "method": ("-X", "--request"),
    "continue": ("-C", "--continue-at"),
}
_ALONE = {
    "as addressed": ("-O", "--remote-name"),
    "letters": ("-g", "--globoff"),
    "done anyway": (
        *("-L", "--location", "--compressed", "-J", "--remote-header-name", "-f", "--fail", "-G", "--get"),
        *("-s", "--silent", "-S", "--show-error", "-#", "--progress-bar"),
    ),
}
_MEANINGS = {option: meaning for table in (_VALUED, _ALONE) for meaning, options in table.items() for option in options}

_SENDS = "sends something to the server, and here files are only fetched; copy the request that gave the file, a GET"
_REFUSED = {
    **dict.fromkeys(("-d", "-F", "-T", "--json", "--upload-file", "--url-query"), _SENDS),
    **dict.fromkeys(("-I", "--head"), "asks for the headers alone, without the file; leave it out"),
    **dict.fromkeys(("-k", "--insecure"), "turns off the check that the server is the one it claims to be; leave it out"),
    **dict.fromkeys(("-r", "--range"), "asks for a part of the file; leave it out: what has arrived is never fetched twice"),
    **dict.fromkeys(("-K", "--config"), "reads options from a file; write them into the command"),
    **dict.fromkeys(("-u", "--user"), "holds a password; sign in in the browser, and copy the command with its cookie"),
    **dict.fromkeys(("-:", "--next"), "begins a second command; give one at a time"),
}

_OURS = {  # the connection's own, or of the browser's memory: a whole file is asked for, its bytes as they are
    *("accept-encoding", "connection", "content-length", "te", "transfer-encoding", "keep-alive", "proxy-connection"),
    *("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"),
    *("authority", "method", "path", "scheme", ":authority", ":method", ":path", ":scheme"),
}


@dataclass(frozen=True)
class Request:
    """One file on a server, and how the browser asked for it; shown without what is secret.

    >>> read_command("curl 'https://data.org/get/train.zip?token=s3cret' -b 'session=s3cret'")
    Request(shown='https://data.org/get/train.zip', name=None)
    """

    shown: str  # the address without its query, which may hold a token
    url: str = field(repr=False)
    headers: dict[str, bytes] = field(repr=False)  # names in lower case
    name: str | None = None  # of the file, where it was given
    copied: bool = field(default=True, repr=False)  # from a browser's command, not of an address alone

    @property
    def signed_in(self) -> bool:
        """Whether the command says who asks."""
        return bool(self.headers.keys() & {"cookie", "authorization"})


def read_command(command: str) -> Request:
    """Read a command that Chrome or Firefox copied, in its form for bash or for Windows' cmd, or an extension, for wget.

    Raises a `CourseError` for what is not a curl command, for several addresses, for what sends something (POST, forms,
    uploads), for what reads a file (`-H @file`, `-b file`, `-K`), for `--insecure`, and for any option that is not known; no
    message holds a value of a header or the query of an address.
    """
    if not isinstance(command, str):
        raise CourseError(f"the command is {type(command).__name__}, not text; {AGAIN}")
    urls: list[str] = []
    given: dict[str, str] = {}
    headers: dict[str, str] = {}
    letters = False
    for meaning, option, value in _options(_after_curl(command)):
        if meaning == "address":
            urls.append(value)
        elif meaning == "header":
            _add_header(headers, option, value)
        elif meaning in ("cookie", "user-agent", "referer"):
            if meaning == "cookie" and "=" not in value:
                raise CourseError(
                    f"{option} names a file of cookies here (a cookie has a = in it), and files are not read; {AGAIN}"
                )
            _add_header(headers, option, f"{meaning}: {value}")
        elif meaning in ("output", "method", "continue", "as addressed"):
            if value != given.setdefault(meaning, value):
                raise CourseError(f"{option} is given twice, with two values; give it once")
        elif meaning == "letters":
            letters = True
    _refuse_other_methods(given.get("method", "GET"))
    if given.get("continue", "-") != "-":
        raise CourseError("-C asks for a part of the file; leave it out: what has arrived is never fetched twice")
    address, user = _checked_address(urls, letters)
    if user:
        headers.setdefault("authorization", user)
    _check_host_and_range(headers, address)
    name = _checked_name("-o", given["output"]) if "output" in given else None
    if name is None and "as addressed" in given:
        name = name_in_address(address.path) or None
    return Request(
        shown=_without_query(address),
        url=urlunsplit(address),
        headers={n: v.encode("utf-8", "surrogateescape") for n, v in headers.items() if n not in {*_OURS, "host", "range"}},
        name=name,
    )


def request_for(url: str, name: str | None = None) -> Request:
    """The request of an address alone, without headers; its file is called `name`, or as the server or the address says.

    >>> request_for("https://data.org/get/train.zip?token=s3cret")
    Request(shown='https://data.org/get/train.zip', name=None)
    """
    if not isinstance(url, str):
        raise CourseError(f"the address is {shortened(repr(url), 80)}; expected text like 'https://host/file.zip'")
    address, user = _checked_address([url.strip()], letters=True)
    if name is not None:
        name = _checked_name("name", name)
    return Request(
        shown=_without_query(address),
        url=urlunsplit(address),
        headers={"authorization": user.encode()} if user else {},
        name=name,
        copied=False,
    )


def _without_query(address: SplitResult) -> str:
    return shortened(urlunsplit(address._replace(query="")), 200)


def _after_curl(command: str) -> list[str]:
    text = command.strip().removeprefix("$ ").removeprefix("!").lstrip()
    first = re.split(r"[\s(]", text, maxsplit=1)[0].lower()
    program = re.split(r"[/\\]", first)[-1].removesuffix(".exe")
    if program not in ("curl", "wget"):
        known = {"fetch": "JavaScript", "invoke-webrequest": "PowerShell", "$session": "PowerShell"}
        hint = f"this is one for {known[first]}" if first in known else "it does not begin with curl" if text else "it is empty"
        hint = "this is an address alone, for get_url" if re.match("https?://", first) else hint
        raise CourseError(f"the command is not one for curl ({hint}); {AGAIN} (bash or cmd)")
    words = [word.decode("utf-8", "surrogateescape") for word in words_of(text)[1:]]
    return words if program == "curl" else list(as_curl(words))


def _options(words: list[str]) -> Iterator[tuple[str, str, str]]:
    """The meaning of each option or address, the option as it was written, and its value."""
    rest = iter(words)
    for word in rest:
        if not word.startswith("-") or word == "":
            if word in ("curl", "curl.exe"):
                raise CourseError("there are several commands; give one at a time")
            if word.strip():  # what is left of a line's end
                yield "address", "", word
            continue
        group = "" if word.startswith("--") or len(word) < 2 else word[1:]
        options = [word] if not group else [f"-{letter}" for letter in group]
        for number, option in enumerate(options):
            meaning = _meaning_of(option)
            if meaning not in _VALUED:
                yield meaning, option, ""
                continue
            glued = group[number + 1 :]  # -ofile is -o file
            value = glued or next(rest, None)
            if value is None:
                raise CourseError(f"{option} is the command's last word, and its value is missing; {AGAIN}")
            yield ("address" if meaning == "url" else meaning), option, value
            break


def _meaning_of(option: str) -> str:
    if option in _MEANINGS:
        return _MEANINGS[option]
    shown = (re.match(r"--?[a-zA-Z0-9#:-]{0,24}", option) or [option[:2]])[0]  # what is glued to it may be secret
    if option.startswith(("--data", "--form")):
        raise CourseError(f"{shown} {_SENDS}")
    if option in _REFUSED:
        raise CourseError(f"{option} {_REFUSED[option]}")
    raise CourseError(
        f"the option {shown} of curl is not known here; leave it out, or if the file needs it, run the command in a terminal"
    )


def _add_header(headers: dict[str, str], option: str, value: str) -> None:
    if value.startswith("@"):
        raise CourseError(f"{option} @... reads a file; write the header itself into the command")
    name, colon, content = value.partition(":") if value[:1] != ":" else (value[0] + value[1:].partition(":")[0], ":", "")
    empty = not colon and name.endswith(";")  # curl's way to write a header without content
    name = name.removesuffix(";").strip().lower() if empty else name.strip().lower()
    if not re.fullmatch(r":?[!#$%&'*+.^_`|~0-9a-z-]+", name) or not (colon or empty):
        raise CourseError(f"a header after {option} has no name and colon; expected one like 'accept: */*': {AGAIN}")
    content = content.strip()
    if re.search("[\r\n\0]", content):
        raise CourseError(f"the header {shortened(name)} has a line break in it, which no header can hold; {AGAIN}")
    if not content and not empty:
        headers.pop(name, None)  # curl's way to leave one out
    elif name in headers and headers[name] != content:
        if name in ("cookie", "authorization", "user-agent", "referer", "host", "range"):
            raise CourseError(f"the header {name} is given twice, with two values; {AGAIN}")
        headers[name] += f", {content}"
    else:
        headers[name] = content


def _refuse_other_methods(method: str) -> None:
    if method.upper() != "GET":
        shown = method.upper() if re.fullmatch("[A-Za-z]{1,10}", method) else "something else"
        raise CourseError(
            f"the command is for {shown}, and files are only fetched here, with GET; copy the request that gave the file, "
            "often the last before the download began"
        )


def _checked_address(urls: list[str], letters: bool) -> tuple[SplitResult, str]:
    """The one address, without a name and password, and these as an authorisation; '' where there are none."""
    if len(urls) != 1:
        what = "no address" if not urls else f"{len(urls)} addresses or words without an option"
        raise CourseError(f"the command has {what}; expected one that begins with https:// or http://: {AGAIN}")
    url = urls[0]
    if not letters:  # curl takes [1-9] and {a,b} for several addresses; browsers put a \ before them
        if re.search(r"(?<!\\)[\[\]{}]", url.split("://")[-1].split("/", 1)[-1]):
            raise CourseError(
                "the address has [ ] or { }, which stand for several addresses; if they belong to a single one, add --globoff"
            )
        url = re.sub(r"\\([\[\]{}])", r"\1", url)
    if re.search(r"[\s\0-\x1f\x7f\\]", url):
        raise CourseError("the address has a space, a \\ or a line break in it; expected one like https://host/file.zip")
    try:
        address = urlsplit(url)
        host, port = address.hostname, address.port
    except ValueError:
        raise CourseError("the address cannot be read; expected one like https://host/file.zip") from None
    if address.scheme not in ("http", "https"):
        begins = f"begins with {shortened(address.scheme)}://" if "://" in url else "has no scheme"
        raise CourseError(f"the address {begins}; expected https:// or http://")
    if not host:
        raise CourseError("the address names no server; expected one like https://host/file.zip")
    user = ""
    if address.username is not None:
        pair = f"{unquote(address.username)}:{unquote(address.password or '')}"
        user = f"Basic {base64.b64encode(pair.encode()).decode()}"
    server = f"[{host}]" if ":" in host else host
    return address._replace(netloc=f"{server}:{port}" if port else server, fragment=""), user


def _check_host_and_range(headers: dict[str, str], address: SplitResult) -> None:
    host = headers.get("host", address.netloc).lower()
    if host not in (address.netloc.lower(), address.hostname):
        raise CourseError(f"the header host is that of another server than the address's, {address.hostname}; {AGAIN}")
    if headers.get("range", "bytes=0-").replace(" ", "") != "bytes=0-":
        raise CourseError("the header range asks for a part of the file; leave it out")


def _checked_name(option: str, name: str) -> str:
    if not isinstance(name, str) or plain_name(name) != name or not name:
        raise CourseError(
            f"{option} is {shortened(repr(name), 80)}; give the plain name of a file, such as train.zip, and the folder as "
            "folder=..."
        )
    return name
