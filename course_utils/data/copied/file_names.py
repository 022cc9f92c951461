"""The name of a file that a server proposes, made one that leads nowhere and that every system takes."""

import re
from contextlib import suppress
from email.message import Message
from urllib.parse import unquote, urlsplit

_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # on Windows, whatever their ending
_LONGEST = 200  # bytes; most systems take 255, and `.part` and its like come behind


def plain_name(name: str) -> str:
    r"""Give `name` without folders, dots and dashes in front, and what some system refuses; '' where nothing is left.

    >>> plain_name("train.zip"), plain_name("../../.bashrc"), plain_name("C:\\a\\b?.csv"), plain_name("..")
    ('train.zip', 'bashrc', 'b_.csv', '')
    """
    last = re.split(r"[/\\]", name)[-1]
    last = "".join(letter if letter.isprintable() else "" for letter in last)
    last = re.sub(r'[<>:"|?*]', "_", last).strip().lstrip(".-~ ").rstrip(". ")
    if _DEVICES.fullmatch(last):
        last = f"_{last}"
    stem, dot, suffix = last.rpartition(".")
    if len(last.encode("utf-8", "replace")) > _LONGEST:
        suffix = suffix if dot and len(suffix.encode()) <= 20 else ""
        kept = (stem if suffix else last).encode("utf-8", "replace")[: _LONGEST - len(suffix.encode()) - 1]
        last = kept.decode("utf-8", "ignore") + (f".{suffix}" if suffix else "")
    return last


def name_in_address(url: str) -> str:
    """The plain name at the end of an address; '' where there is none.

    >>> name_in_address("https://data.org/a/train%20set.zip?key=1"), name_in_address("https://data.org/")
    ('train set.zip', '')
    """
    return plain_name(unquote(urlsplit(url).path.rsplit("/", 1)[-1]))


def name_in_header(disposition: str) -> str:
    """The plain name in a Content-Disposition header, in any of its forms; '' where there is none.

    >>> name_in_header('attachment; filename="x.zip"'), name_in_header("attachment; filename*=UTF-8''%E7%8A%AC.csv")
    ('x.zip', '犬.csv')
    """
    with suppress(UnicodeError):
        disposition = disposition.encode("latin-1").decode("utf-8")  # as it was on the way
    if starred := re.search(r"""filename\*\s*=\s*"?(utf-8|iso-8859-1)'[^']*'([^;\s"]+)""", disposition, re.IGNORECASE):
        return plain_name(unquote(starred[2], encoding=starred[1]))
    message = Message()
    message["Content-Disposition"] = re.sub(r"\s+", " ", disposition)
    return plain_name(message.get_filename("") or "")
