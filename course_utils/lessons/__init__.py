"""The lessons as files: finding the notebooks, running one without a screen, what it ended with; and two ways side by side."""

from course_utils.lessons.beside import Beside
from course_utils.lessons.checks import check, marks
from course_utils.lessons.find import find_lessons, project_folder
from course_utils.lessons.run import Run, headline, run_lesson
from course_utils.lessons.workbooks import workbook_links

__all__ = [
    "Beside",
    "Run",
    "check",
    "find_lessons",
    "headline",
    "marks",
    "project_folder",
    "run_lesson",
    "workbook_links",
]
