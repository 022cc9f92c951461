"""The words of a command as bash or Windows' cmd would hand them to a program; no shell is run, and nothing is expanded."""

import re
from collections.abc import Iterator

from course_utils.errors import CourseError

_PASTE = "copy the whole command again, and paste it between r''' and ''', each on a line of its own"
_ONE_LETTER = {"n": 10, "t": 9, "r": 13, "a": 7, "b": 8, "e": 27, "E": 27, "f": 12, "v": 11}
_ANSI_C = re.compile(r"\\(?:u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)


def words_of(text: str) -> list[bytes]:
    r"""Take a command apart as its shell would: cmd's where a ^ escapes its first quote or ends a line, else bash's.

    Raises a `CourseError` for a quote that stays open, and for what only a shell can do: several commands, variables, pipes.

    >>> words_of(r"curl 'https://a.org/b?c=1&d=2' -H $'x: it\'s \u0021'")
    [b'curl', b'https://a.org/b?c=1&d=2', b'-H', b"x: it's !"]
    >>> words_of('curl ^"https://a.org/b?c=1^&d=2^" ^\n -H ^"x: ^%^41^"')
    [b'curl', b'https://a.org/b?c=1&d=2', b'-H', b'x: %41']
    """
    text = text.replace("\r\n", "\n")
    return list(_cmd_words(text) if _is_for_cmd(text) else _bash_words(text))


def _is_for_cmd(text: str) -> bool:
    quote = re.search("""(.?)["']""", text)  # the first one tells; later ones may be letters of a word
    lines_go_on = re.search(r" \^\s", text) is not None
    return lines_go_on if quote is None else quote[0] == '^"' or (quote[0].endswith('"') and lines_go_on)


def _bash_words(text: str) -> Iterator[bytes]:
    word: bytearray | None = None  # None between words: '' is a word too
    at = 0
    while at < len(text):
        letter, following = text[at], text[at + 1 : at + 2]
        if letter.isspace():
            if word is not None:
                yield bytes(word)
            word = None
            at += 1
        elif letter == "\\" and (following == "\n" or (following.isspace() and word is None)):
            at += 2  # a line that continues; the second is what a field of one line makes of it
        elif letter == "\\":
            word = (word or bytearray()) + _bytes(following)
            at += 2
        elif letter == "'":
            end = _end_of_quote(text, at + 1, "'")
            word = (word or bytearray()) + _bytes(text[at + 1 : end])
            at = end + 1
        elif letter == '"' or (letter == "$" and following == '"'):
            start = at + (2 if letter == "$" else 1)
            end = _end_of_quote(text, start, '"', escaped=True)
            word = (word or bytearray()) + _bytes(_in_double_quotes(text[start:end]))
            at = end + 1
        elif letter == "$" and following == "'":
            end = _end_of_quote(text, at + 2, "'", escaped=True)
            word = (word or bytearray()) + _ansi_c(text[at + 2 : end])
            at = end + 1
        else:
            _refuse_for_shell(letter)
            word = (word or bytearray()) + _bytes(letter)
            at += 1
    if word is not None:
        yield bytes(word)


def _end_of_quote(text: str, start: int, quote: str, escaped: bool = False) -> int:
    at = start
    while at < len(text) and text[at] != quote:
        at += 2 if escaped and text[at] == "\\" else 1
    if at >= len(text):
        raise CourseError(f"the command has a {quote} that is opened and never closed; {_PASTE}")
    return at


def _in_double_quotes(text: str) -> str:
    if re.search(r"(?<!\\)(?:\\\\)*(?:`|\$[\w({])", text):
        raise CourseError(
            "the command has $ or ` between double quotes, which a shell would replace, and no shell is run here; put this "
            "word between single quotes"
        )
    return re.sub(r'\\([\\"$`])|\\\n', lambda found: found[1] or "", text)


def _ansi_c(text: str) -> bytes:
    r"""What is between $' and ': \u is a letter (two for one beyond the first 65,536), \x and \101 are bytes."""
    parts, last = bytearray(), 0
    pending = ""  # letters by number wait for the next: two halves make one
    for found in _ANSI_C.finditer(text):
        before = text[last : found.start()]
        last = found.end()
        if before or not (found[1] or found[2]):
            parts += _whole(pending)
            pending = ""
        parts += _bytes(before)
        if number := found[1] or found[2]:
            pending += chr(min(int(number, 16), 0x10FFFF))
        elif found[3] or found[4]:
            parts.append(int(found[3], 16) if found[3] else int(found[4], 8) & 255)
        elif found[5] in _ONE_LETTER:
            parts.append(_ONE_LETTER[found[5]])
        else:
            parts += _bytes(found[5] if found[5] in "\\'\"?" else found[0])
    return bytes(parts + _whole(pending) + _bytes(text[last:]))


def _whole(letters: str) -> bytes:
    return _bytes(letters.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def _cmd_words(text: str) -> Iterator[bytes]:
    r"""The shell takes the carets away, then the program finds its words; browsers write \" for " and \\ for \ in them."""
    line = _without_carets(text)
    word, quoted, at = "", False, 0
    begun = False
    while at < len(line):
        letter, following = line[at], line[at + 1 : at + 2]
        if letter == "\\" and following in ("\\", '"') and following:
            word, at, begun = word + following, at + 2, True
        elif letter == '"' and quoted and following == '"':
            word, at = word + '"', at + 2
        elif letter == '"':
            quoted, at, begun = not quoted, at + 1, True
        elif letter.isspace() and not quoted:
            if begun:
                yield _bytes(word)
            word, at, begun = "", at + 1, False
        else:
            word, at, begun = word + letter, at + 1, True
    if quoted:
        raise CourseError(f'the command has a " that is opened and never closed; {_PASTE}')
    if begun:
        yield _bytes(word)


def _without_carets(text: str) -> str:
    """A caret makes the next letter one like others, between quotes too: so some years' browsers have written it."""
    kept, quoted, at = [], False, 0
    while at < len(text):
        letter = text[at]
        if letter == "^":
            at += 1
            if text[at : at + 1] == "\n":
                at += 1  # a line that continues; what comes next is as it is, a line's end too
            kept.append(text[at : at + 1])
        else:
            if letter == '"':
                quoted = not quoted
            elif not quoted and letter in "&|<>":
                _refuse_for_shell(letter)
            kept.append(letter)
        at += 1
    return "".join(kept)


def _refuse_for_shell(letter: str) -> None:
    if letter in "&;|":
        raise CourseError(
            f"the command has {letter} outside of quotes, where a shell ends one command and begins the next; give one command "
            "alone, its address between quotes"
        )
    if letter in "<>()`$":
        raise CourseError(
            f"the command has {letter} outside of quotes, which only a shell can follow, and none is run here; put the word "
            "between single quotes, and name the file with -o"
        )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape" if not re.search("[\ud800-\udc7f\udd00-\udfff]", text) else "replace")
