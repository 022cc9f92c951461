"""The root of every error that this package raises on purpose."""


class CourseError(Exception):
    """Something was given that cannot work; the message says what, what was expected and what to do next.

    In a notebook only the message is shown, without the stack of calls that led to it.

    >>> raise CourseError("no folder 'dogscat'; try course_utils.data.get('dogscats')")
    Traceback (most recent call last):
    ...
    course_utils.errors.CourseError: no folder 'dogscat'; try course_utils.data.get('dogscats')
    """

    def _render_traceback_(self) -> list[str]:
        """Called by IPython in place of its own traceback."""
        return [f"{type(self).__name__}: {self}"]
