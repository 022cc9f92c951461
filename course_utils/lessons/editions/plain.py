"""The editions that need no grader: for students, without solutions; and for whoever teaches, with all of them open."""

from typing import Any

from course_utils.lessons.editions.exercises import SOLUTION, find_exercises, for_students, tags

WORKBOOKS = "workbook_links("
"""What a lesson with workbooks calls."""


def student_notebook(notebook: Any, name: str) -> Any:
    """Take the solutions, what they printed or drew, and the speaker notes out of a notebook; the rest stays as it is.

    Raises a CourseError where an answer is filled in; see `find_exercises`.
    """
    find_exercises(notebook, name)
    notebook.cells = list(for_students(notebook))
    notebook.metadata.pop("widgets", None)  # the state of all widgets, those of solutions among them
    return notebook


def solutions_notebook(notebook: Any, name: str) -> Any:
    """Open each solution of a notebook; outputs stay as they are, those of a lesson that was not run empty."""
    find_exercises(notebook, name)
    for cell in notebook.cells:
        if SOLUTION in tags(cell):
            cell.metadata.pop("jupyter", None)  # which folded the code
        if cell.cell_type == "markdown":
            cell.source = cell.source.replace("<details>\n<summary>Solution", "<details open>\n<summary>Solution")
    return notebook
