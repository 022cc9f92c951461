"""What can go wrong when formulas are taken out of a workbook."""

from course_utils.excel.errors import ExportError


class BlankError(ExportError):
    """The regions named, or the workbook that they are in, do not give an exercise that can be checked."""
