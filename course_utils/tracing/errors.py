"""What can go wrong while a model is followed."""

from course_utils.errors import CourseError


class TraceError(CourseError):
    """The model cannot be followed layer by layer, or its input does not fit."""


class MisfitError(Exception):
    """Says what a layer reads and what it got; the error that a user sees names the layer too."""


class UnsupportedError(Exception):
    """Says what about a layer cannot be shown; the error that a user sees names the layer too."""
