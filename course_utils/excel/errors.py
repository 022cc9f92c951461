"""What can go wrong between a model and a workbook."""

from course_utils.errors import CourseError


class ExportError(CourseError):
    """The model, its input or the names given cannot be put into a workbook as asked."""


class WorkbookError(CourseError):
    """A workbook cannot be read back: it is not one of ours, or a cell holds something that is not a number."""
