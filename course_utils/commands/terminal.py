"""What commands say in a terminal, and whether a browser can be opened from it."""

import os
import sys

from rich.console import Console
from rich.text import Text

from course_utils.plain_text import plain

console = Console()


def say(text: object, style: str = "") -> None:
    """Print text as it is: no brackets in it are markup, no control characters reach the terminal, no line is broken."""
    console.print(shown(text, style), soft_wrap=True)


def shown(text: object, style: str = "") -> Text:
    """Text for a line or a cell of a table; see `say`."""
    return Text(plain(text, console.encoding), style)


def has_browser() -> bool:
    """Whether there is a browser, and a screen for it."""
    import webbrowser

    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True
