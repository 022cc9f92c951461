"""The companion package of five hands-on deep-learning lessons.

Importing it is light: each part (`course_utils.data`, `.training`, `.vision`, ...) loads when it is first used.
"""

from course_utils.errors import CourseError
from course_utils.predictor import load_predictor

__all__ = ["CourseError", "__version__", "load_predictor"]

__version__ = "0.1.0"
