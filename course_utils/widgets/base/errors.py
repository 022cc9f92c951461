"""What can go wrong with a widget."""

from traitlets import TraitError

from course_utils.errors import CourseError


class WidgetError(CourseError, TraitError):
    """A value does not fit the widget that it was given to, which stays as it was.

    It is a TraitError too, so that where several traits are set together and one is refused, the others are taken back.
    """
