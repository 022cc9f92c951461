"""The edition for Otter-Grader: a master notebook, from which `otter assign` makes the one to hand out and the autograder."""

from typing import Any

from nbformat.v4 import new_code_cell, new_output, new_raw_cell

from course_utils.lessons.editions.exercises import (
    ANSWER,
    CHECK,
    EXERCISE,
    Exercise,
    answer_code,
    arguments_of_check,
    find_exercises,
)
from course_utils.lessons.editions.plain import WORKBOOKS, student_notebook

STEPS = (0.25, 0.5, 0.75, 1)
"""A test case is right or wrong: an exercise has one for each of these shares of its marks."""


def otter_notebook(notebook: Any, name: str) -> Any:
    """Fence each exercise as a question of Otter's, its solution between marks, and four test cases for parts of a point."""
    exercises = {exercise.cells[EXERCISE].id: exercise for exercise in find_exercises(notebook, name) if exercise.is_marked}
    codes = {exercise.number: answer_code(exercise) for exercise in exercises.values()}
    notebook = student_notebook(notebook, name)
    config = [f"name: {name.removesuffix('.ipynb')}", "export_cell:", "  pdf: false"]
    if any(WORKBOOKS in cell.source for cell in notebook.cells):
        config += ["files:", "  - spreadsheets"]
    cells = [_raw("otter-assignment", "ASSIGNMENT CONFIG", *config)]
    inside: set[str] = set()
    for cell in notebook.cells:
        if cell.id in exercises:
            exercise = exercises[cell.id]
            cells += _question(exercise, codes[exercise.number])
            inside |= {part.id for part in exercise.cells.values()}
        elif cell.id not in inside:
            cells.append(cell)
    notebook.cells = cells
    return notebook


def _question(exercise: Exercise, code: str) -> list[Any]:
    task, answer, test = (exercise.cells[part] for part in (EXERCISE, ANSWER, CHECK))
    answer.source = f"{answer.source}\n# BEGIN SOLUTION NO PROMPT\n{code}\n# END SOLUTION"
    answer.outputs, test.outputs = [], []
    key = exercise.name
    return [
        _raw(f"{key}-begin", "BEGIN QUESTION", f"name: {key}", "points: 1"),
        task,
        _raw(f"{key}-begin-solution", "BEGIN SOLUTION"),
        answer,
        _raw(f"{key}-end-solution", "END SOLUTION"),
        test,  # with its reasons and hints, which Otter's own cell does not give
        _raw(f"{key}-begin-tests", "BEGIN TESTS"),
        *(_test_case(exercise, number, step) for number, step in enumerate(STEPS, 1)),
        _raw(f"{key}-end-tests", "END TESTS"),
        _raw(f"{key}-end", "END QUESTION"),
    ]


def _test_case(exercise: Exercise, number: int, step: float) -> Any:
    source = f'from course_utils.lessons import marks\nmarks("{exercise.number}", {arguments_of_check(exercise)}) >= {step}'
    seen = new_output("execute_result", data={"text/plain": "True"}, execution_count=None)
    return new_code_cell(source, id=f"{exercise.name}-test-{number}", outputs=[seen])


def _raw(cell_id: str, first: str, *config: str) -> Any:
    return new_raw_cell("\n".join([f"# {first}", *config]), id=cell_id)
