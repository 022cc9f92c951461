"""What every figure has in common: its colours, how it is made, and how text is put into it."""

from textwrap import wrap
from typing import TYPE_CHECKING, Any

from course_utils.fonts import lend_fonts
from course_utils.names import LONGEST, printable, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Colours that can be told apart with any sight (Okabe and Ito, 2008).
BLUE, ORANGE, GREEN, VERMILION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#DDDDDD"
PALE_ORANGE = "#F6D899"
WRONG = "firebrick"


def new_figure(width: float, height: float, **options: Any) -> "Figure":
    """A figure of this size in inches that is shown where it is returned, and nowhere else.

    Matplotlib keeps the figures that it makes, and a notebook shows those at the end of a cell: left among them, a figure that
    a function returns would be shown twice. `options` are those of `matplotlib.figure.Figure`.

    >>> figure = new_figure(6, 3)
    >>> axes = figure.subplots(1, 2)
    >>> [len(axes), *figure.get_size_inches().tolist()]
    [2, 6.0, 3.0]
    """
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(width, height), **{"layout": "constrained", **options})
    plt.close(figure)
    return figure


def plain(text: object, longest: int | None = LONGEST, width: int | None = None) -> str:
    r"""What Matplotlib must be given to draw `text` as it is: names of classes, tags, columns and files are never mathematics.

    Matplotlib takes what is between two dollar signs for a formula, `_` and `^` in it included, and stops at one that it
    cannot read. What is longer than `longest` letters loses its middle (None: nothing is lost), and with `width` the text is
    broken into lines of that many letters. For letters that Matplotlib's font lacks see `lend_fonts`.

    >>> print(plain("$5_$9"))
    \$5_\$9
    >>> print(plain("clear haze water", width=10))
    clear haze
    water
    """
    shown = printable(text) if longest is None else shortened(text, longest)
    lend_fonts(shown)
    lines = wrap(shown, width, break_on_hyphens=False) if width else [shown]
    return "\n".join(lines).replace("$", r"\$")
