"""The JupyterLab to which slides lead."""

from pathlib import Path

from course_utils.errors import CourseError
from course_utils.lessons.find import project_folder


def seen_from_lab(notebook: Path) -> str:
    """Where a notebook lies for a JupyterLab that `course lab` opened; its name alone where it does not lie below its root."""
    try:
        return notebook.relative_to(project_folder()).as_posix()
    except (ValueError, CourseError):
        return notebook.name


def running_lab(notebook: Path) -> tuple[int, str] | None:
    """The port of a JupyterLab that runs on this machine and shows a notebook, and where the notebook lies for it.

    Of several it is the one that was opened nearest to the notebook; None where none is.
    """
    try:
        from jupyter_server.serverapp import list_running_servers
    except ImportError:
        return None
    place = notebook.resolve()
    found = [(Path(one["root_dir"]).resolve(), one["port"]) for one in list_running_servers() if one["base_url"] == "/"]
    nearest = max((one for one in found if place.is_relative_to(one[0])), key=lambda one: len(one[0].parts), default=None)
    return nearest and (nearest[1], place.relative_to(nearest[0]).as_posix())
