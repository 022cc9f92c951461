"""Letters that Matplotlib's own font lacks, as those of Chinese, Japanese and Korean names: drawn with a font that has them."""

import warnings
from functools import lru_cache
from typing import Any

TOLD: set[int] = set()  # letters that no font here has, once a line has said so


def lend_fonts(text: str) -> None:
    """Let Matplotlib draw every letter of a text that some font of this machine has, and say in one line which none has.

    Matplotlib's font has the letters of Europe, Arabic and Hebrew. Others are taken from fonts behind it in `font.family`, to
    which the one that has most of the missing letters is added; all other text stays as it was.

    >>> lend_fonts("Ångström, μ, кот")
    """
    if max(map(ord, text), default=0) < 0x250:  # Latin, which every font has
        return
    letters = {ord(letter) for letter in text if letter.isprintable()} - TOLD
    if not (missing := letters - _letters_of_families()):
        return
    import matplotlib as mpl

    while missing and (better := max(other_fonts(), key=lambda font: len(missing & font[1]), default=None)):
        if not missing & better[1]:
            break
        mpl.rcParams["font.family"] = [*mpl.rcParams["font.family"], better[0]]
        missing -= better[1]
    if missing:
        TOLD.update(missing)
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from ")  # which would tell each of them at each figure
        some = "".join(map(chr, sorted(missing)[:20])) + " and others" * (len(missing) > 20)
        print(
            f"No font on this machine has the letters {some}; figures show boxes for them. "
            "Install one that does, such as Noto Sans CJK, and restart the kernel."
        )


def _letters_of_families() -> set[int]:
    """What the fonts that Matplotlib draws with have."""
    import matplotlib as mpl
    from matplotlib.font_manager import FontProperties, findfont

    found: set[int] = set()
    for family in mpl.rcParams["font.family"]:
        found |= _letters(findfont(FontProperties(family=[family])))
    return found


@lru_cache(maxsize=1)
def other_fonts() -> list[tuple[str, frozenset[int]]]:
    """The fonts of this machine by name, and what they have; upright ones of usual weight first."""
    from matplotlib.font_manager import fontManager

    fonts: dict[str, Any] = {}
    for font in sorted(fontManager.ttflist, key=lambda font: (font.style != "normal", abs(_weight(font.weight) - 400))):
        if not any(word in font.name for word in ("Last Resort", "Emoji")):  # which draw frames, or pictures that it cannot
            fonts.setdefault(font.name, font)
    return [(name, _letters(font.fname)) for name, font in fonts.items()]


def _weight(weight: int | str) -> int:
    return weight if isinstance(weight, int) else 700 if "bold" in weight else 400


@lru_cache(maxsize=1000)
def _letters(file: str) -> frozenset[int]:
    """The letters that a font file has; none where it cannot be read."""
    from matplotlib.font_manager import get_font

    try:
        return frozenset(get_font(file).get_charmap())
    except (OSError, RuntimeError, ValueError):
        return frozenset()
