"""Names that a user gave, of files, classes and tags, and numbers of things, as text for one line whatever is in them."""

from collections.abc import Sequence

LONGEST = 40  # letters of a name in a figure
LONGEST_IN_TEXT = 200  # and in a message


def printable(text: object) -> str:
    r"""Text on one line and in UTF-8: line ends, other control characters and broken letters are spelt as in Python.

    File names may hold all of these. Shown as they are, some end a line in the middle of a message, and some cannot be printed.

    >>> printable("cats\n\udcffdogs"), printable("Größe $5 \\ 貓")
    ('cats\\n\\udcffdogs', 'Größe $5 \\ 貓')
    """
    letters = (letter if letter.isprintable() or letter == " " else _escaped(letter) for letter in str(text))
    return "".join(letters)


def _escaped(letter: str) -> str:
    if letter in JOINING:
        return letter
    return letter.encode("unicode_escape").decode("ascii")


JOINING = "\u200c\u200d\u00a0\u3000"  # no letters, but parts of words: in Persian, in emoji, between words


def shortened(text: object, longest: int = LONGEST) -> str:
    """Printable text of at most `longest` letters, with dots in the place of its middle.

    >>> shortened("a_very_long_name_of_a_class", 15)
    'a_very_…a_class'
    """
    whole = printable(text)
    if len(whole) <= longest:
        return whole
    end = (longest - 1) // 2
    return f"{whole[: longest - 1 - end]}…{whole[len(whole) - end :]}"


def some_of(names: Sequence[object], limit: int = 5) -> str:
    """The first few names for a message, and how many there are besides.

    >>> some_of(["a", "b", "c"], limit=2), len(some_of(["a" * 10_000]))
    ('a, b and 1 more', 200)
    """
    more = f" and {len(names) - limit:,} more" if len(names) > limit else ""
    return ", ".join(shortened(name, LONGEST_IN_TEXT) for name in names[:limit]) + more


def named(what: str, names: Sequence[object]) -> str:
    """One or several things by their names.

    >>> named("column", ["a"]), named("column", ["a", "b"])
    ("column 'a'", "columns 'a', 'b'")
    """
    return f"{what}{'' if len(names) == 1 else 's'} {', '.join(shortened(repr(name), LONGEST_IN_TEXT) for name in names)}"


def counted(n: int, what: str, verb: str = "") -> str:
    """A number of things, and with a `verb`, given for one thing and for several, what they do.

    >>> counted(1, "picture"), counted(2_000, "class"), counted(1, "file", "is/are")
    ('1 picture', '2,000 classes', '1 file is')
    """
    ending = "" if n == 1 else "es" if what.endswith(("s", "x", "ch", "sh")) else "s"
    one, _, several = verb.partition("/")
    return f"{n:,} {what}{ending} {one if n == 1 else several}".rstrip()
