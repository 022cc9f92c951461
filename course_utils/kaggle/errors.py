"""What a competition would not take."""

from course_utils.errors import CourseError


class SubmissionError(CourseError):
    """Predictions that a competition would not take; nothing was written."""
