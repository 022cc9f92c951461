"""What to write today for what is not here: names that were removed, or that the lessons do not use, and wrong keywords."""

from course_utils.errors import CourseError


class LectureError(CourseError):
    """A line of the lecture that cannot run; the message says what to write today."""


class NotHereError(LectureError, ImportError):
    """A name or module of the lecture's library that nothing stands in for."""


_said: set[str] = set()


def say(line: str) -> None:
    """Print a line, once in a session."""
    if line not in _said:
        _said.add(line)
        print(line)


def unknown(name: str) -> str:
    """What to write today for a name of the library that is not here."""
    return f"{name} is not among the names that the lecture's lessons 1 to 3 use, which are all that course_utils.lecture has"
