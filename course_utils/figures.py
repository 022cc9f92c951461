"""Text in figures."""

from textwrap import wrap

from course_utils.names import LONGEST, printable, shortened


def plain(text: object, longest: int | None = LONGEST, width: int | None = None) -> str:
    r"""What Matplotlib must be given to draw `text` as it is: names of classes, tags, columns and files are never mathematics.

    Matplotlib takes what stands between two dollar signs for a formula, `_` and `^` in it included, and stops at one that it
    cannot read. What is longer than `longest` letters loses its middle (None: nothing is lost), and with `width` the text is
    broken into lines of that many letters.

    >>> print(plain("$5_$9"))
    \$5_\$9
    >>> print(plain("clear haze water", width=10))
    clear haze
    water
    """
    shown = printable(text) if longest is None else shortened(text, longest)
    lines = wrap(shown, width, break_on_hyphens=False) if width else [shown]
    return "\n".join(lines).replace("$", r"\$")
