"""The lessons as files: finding and running them, what they ended with; checks, questions, and two ways side by side."""

from course_utils.lessons.beside import Beside
from course_utils.lessons.checks import check, marks
from course_utils.lessons.copying import copy_course
from course_utils.lessons.find import find_lessons, project_folder
from course_utils.lessons.questions import Questionnaire, questions
from course_utils.lessons.run import Run, headline, run_lesson
from course_utils.lessons.workbooks import workbook_links

__all__ = [
    "Beside",
    "Questionnaire",
    "Run",
    "check",
    "copy_course",
    "find_lessons",
    "headline",
    "marks",
    "project_folder",
    "questions",
    "run_lesson",
    "workbook_links",
]
