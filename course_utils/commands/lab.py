"""`course lab`: the lessons in JupyterLab."""

import os
import subprocess
import sys
from contextlib import chdir
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from course_utils.commands.folder import draw_samples, laid_out
from course_utils.commands.terminal import has_browser, say
from course_utils.errors import CourseError


def lab(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where JupyterLab listens; by default the first free one from 8888 on.")
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser; without one the address is printed.")] = True,
) -> None:
    """Open the lessons in JupyterLab."""
    from course_utils.hosts import installing
    from course_utils.lessons import find_lessons

    root = laid_out()
    if find_spec("jupyterlab") is None:
        raise CourseError(f"JupyterLab is not installed: {installing('jupyterlab')}; or open {root / 'notebooks'} in VS Code")
    with chdir(root):
        draw_samples()
        first = find_lessons()[0].relative_to(root).as_posix()
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}", f"--LabApp.default_url=/lab/tree/{first}"]
    if port:
        command.append(f"--port={port}")
    if not (browser and has_browser()):
        command.append("--no-browser")
        say("No browser here: open the address below that starts with http://127.0.0.1 in one.")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # as in a container
    try:
        raise typer.Exit(subprocess.run(command, cwd=root, env=_quiet_jupyter(), check=False).returncode)
    except KeyboardInterrupt:
        raise typer.Exit from None


def _quiet_jupyter() -> dict[str, str]:
    """Environment variables with which JupyterLab does not ask about news or look for updates: nothing leaves the machine."""
    ours = Path(__file__).parents[1] / "jupyter"
    theirs = os.environ.get("JUPYTER_CONFIG_PATH")
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join([str(ours), *([theirs] if theirs else [])])}
