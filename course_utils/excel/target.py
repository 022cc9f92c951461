"""The file that a workbook is written to."""

import os
from pathlib import Path

from course_utils.excel.errors import ExportError


def workbook_path(path: str | os.PathLike[str]) -> Path:
    """`path`, if it is one and ends in .xlsx; else ExportError: under another suffix Excel warns, or opens nothing.

    >>> workbook_path("net.XLSX").name
    'net.XLSX'
    """
    try:
        target = Path(path)
    except TypeError as error:
        raise ExportError(
            f"expected the path of the workbook to write, and got {type(path).__name__}; give one, such as 'network.xlsx'"
        ) from error
    if target.suffix.lower() != ".xlsx":
        raise ExportError(f"{target} does not end in .xlsx, and that is what is written; give a name as in 'network.xlsx'")
    return target
