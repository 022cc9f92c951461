"""`course export-widgets`: the widgets as pages."""

from pathlib import Path
from typing import Annotated

import typer

from course_utils.commands.terminal import say


def export_widgets(folder: Annotated[Path, typer.Argument(help="Where to; a folder that is empty or not there yet.")]) -> None:
    """Write every widget as a page that moves in any browser with no Python and no network, and a page that leads to them."""
    from course_utils.widgets import export_widgets

    say(f"Written to {export_widgets(folder)}")
