"""The file that a workbook is written to."""

import os
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.excel.errors import ExportError
from course_utils.files import as_path


def workbook_path(path: str | os.PathLike[str]) -> Path:
    """`path`, ~ as the home folder, if it is one and ends in .xlsx; else ExportError.

    Under another suffix Excel warns, or opens nothing.

    >>> workbook_path("net.XLSX").name
    'net.XLSX'
    """
    try:
        target = as_path("path", path, "the workbook to write")
    except CourseError as error:
        raise ExportError(f"expected the path of the workbook to write: {error}") from error.__cause__
    if target.suffix.lower() != ".xlsx":
        raise ExportError(f"{target} does not end in .xlsx, and that is what is written; give a name as in 'network.xlsx'")
    return target
