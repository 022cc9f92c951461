"""The edition for nbgrader: an instructor's notebook, from which `nbgrader generate_assignment` makes the one to hand out."""

from typing import Any

from course_utils.lessons.editions.exercises import ANSWER, CHECK, answer_code, find_exercises
from course_utils.lessons.editions.plain import student_notebook

CONFIG = """# nbgrader puts this in the place of each solution: nothing, since the line to fill is there already
c = get_config()  # noqa: F821 - nbgrader defines it
c.ClearSolutions.code_stub = {"python": ""}
"""


def nbgrader_notebook(notebook: Any, name: str) -> Any:
    """Put each solution between nbgrader's marks in the cell to fill, and let each check give a point, or a part of one."""
    exercises = [exercise for exercise in find_exercises(notebook, name) if exercise.is_marked]
    codes = [answer_code(exercise) for exercise in exercises]
    notebook = student_notebook(notebook, name)
    for exercise, code in zip(exercises, codes, strict=True):
        answer, test = exercise.cells[ANSWER], exercise.cells[CHECK]
        answer.source = f"{answer.source}\n### BEGIN SOLUTION\n{code}\n### END SOLUTION"
        answer.metadata["nbgrader"] = _metadata(f"{exercise.name}-answer", solution=True)
        test.metadata["nbgrader"] = {**_metadata(exercise.name, grade=True), "points": 1}
        answer.outputs, test.outputs = [], []
    return notebook


def _metadata(grade_id: str, grade: bool = False, solution: bool = False) -> dict[str, Any]:
    return {
        "schema_version": 3,
        "grade_id": grade_id,
        "grade": grade,
        "solution": solution,
        "locked": grade,  # nbgrader puts back a check that a student has changed
        "task": False,
    }
