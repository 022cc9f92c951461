"""What can go wrong with tables."""

from course_utils.errors import CourseError


class TableError(CourseError):
    """A table cannot be read, lacks a column, holds what it should not, or does not fit the one that it is joined to."""
