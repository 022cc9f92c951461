"""The lessons as files: finding the notebooks, running one without a screen, and what it ended with."""

from course_utils.lessons.find import find_lessons, project_folder
from course_utils.lessons.run import Run, headline, run_lesson

__all__ = ["Run", "find_lessons", "headline", "project_folder", "run_lesson"]
