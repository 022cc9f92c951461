"""Text from outside (names of files and datasets, messages of libraries) as it can be shown in a terminal."""

import re

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Characters that do something to a terminal, or turn around what is read, rather than being seen; not the ends of lines."""


def plain(text: object, encoding: str = "utf-8") -> str:
    r"""The text as it is, but for characters that steer a terminal or that `encoding` cannot write: these are spelled out.

    >>> plain("cats\x1b[2J [red]") == r"cats\x1b[2J [red]"
    True
    >>> plain("chien é 犬", "ascii") == r"chien \xe9 \u72ac"
    True
    """
    spelled = CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))
    return spelled.encode(encoding, "backslashreplace").decode(encoding)
