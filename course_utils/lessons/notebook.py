"""Reading a notebook."""

from pathlib import Path
from typing import Any

from course_utils.errors import CourseError
from course_utils.files import reading
from course_utils.names import shortened


def read_notebook(path: Path) -> Any:
    """Give a notebook in nbformat 4.5 or later, in which each cell has an id.

    In an older file cells have none: they are called by their place, `cell-0`, `cell-1` and so on.

    Raises:
        CourseError: the file is not there, or is no notebook.
    """
    import nbformat

    try:
        with reading(path):
            given = nbformat.reader.reads(path.read_text(encoding="utf-8"))
        version = nbformat.reader.get_version(given)
        notebook = nbformat.convert(given, to_version=4)
        if version < (4, 5):
            for number, cell in enumerate(notebook.cells):
                cell.id = f"cell-{number}"
            notebook.nbformat_minor = 5
        nbformat.validate(notebook)
    except (ValueError, LookupError, AttributeError, TypeError, nbformat.ValidationError) as error:
        said = shortened(" ".join(str(error).split()), 160)
        raise CourseError(
            f"{path} cannot be read as a notebook ({said}); open it in JupyterLab, or name another file"
        ) from error
    return notebook
