"""The exercises of a notebook: the task, the cell to fill, its check, and the solution beside it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from course_utils.errors import CourseError

Cell = Any  # a cell of nbformat, which has no types

EXERCISE, ANSWER, CHECK, SOLUTION = PARTS = ("exercise", "answer", "check", "solution")
"""The tags of the four parts."""

NOTES = "notes"
"""The tag of what is for whoever presents: a speaker note, after the cell that it is about."""

TO_FILL = re.compile(r"=\s*\.\.\.\s*#\s*your code here")
FOLDED = re.compile(r"\s*<details>\s*<summary>\s*Solution.*?</details>\s*", re.DOTALL)
CODE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


@dataclass
class Exercise:
    """The cells of an exercise. Some have only a task and a solution: they are to be thought about, and are not marked."""

    number: str
    cells: dict[str, Cell] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What a grader calls it, the same in each edition: `exercise-1-4`."""
        return f"exercise-{self.number.replace('.', '-')}"

    @property
    def is_marked(self) -> bool:
        """Whether there is something to fill and a check of it."""
        return ANSWER in self.cells and CHECK in self.cells


def tags(cell: Cell) -> list[str]:
    """The tags of a cell."""
    return list(cell.metadata.get("tags", []))


def find_exercises(notebook: Any, name: str) -> list[Exercise]:
    """Give the exercises of a notebook in their order; `name` is that of its file, for messages.

    Raises a CourseError where an exercise has no number or one that occurs twice, where a part belongs to none or is there
    twice, and where an answer is filled in: it would be handed out.
    """
    found: list[Exercise] = []
    for cell in notebook.cells:
        part = next((tag for tag in tags(cell) if tag in PARTS), None)
        if part == EXERCISE:
            number = re.match(r"\*\*Exercise (\d+\.\d+)\.\*\*", cell.source)
            if not number:
                raise CourseError(
                    f'{name}: an exercise starts with its number, as in "**Exercise 1.4.**"; {_cell(cell)} does not'
                )
            if number[1] in (exercise.number for exercise in found):
                raise CourseError(f"{name}: there are two exercises {number[1]}; give one of them another number")
            found.append(Exercise(number[1], {EXERCISE: cell}))
        elif part:
            if not found or part in found[-1].cells:
                raise CourseError(
                    f"{name}: {_cell(cell)} is tagged {part!r} and belongs to no exercise; each exercise has one cell "
                    "of each kind, below its task"
                )
            if part == ANSWER and not TO_FILL.search(cell.source):
                raise CourseError(
                    f"{name}: the answer to exercise {found[-1].number} is filled in, and would be handed out; let it read "
                    '"answer = ...  # your code here", and put what is there into the solution'
                )
            found[-1].cells[part] = cell
    return found


def answer_code(exercise: Exercise) -> str:
    """Give the code of an exercise's solution, without the check; empty where the solution is in words alone.

    Where the solution's check is given something else than the name that is to be filled, a last line gives it that name.
    """
    cell = exercise.cells.get(SOLUTION)
    if cell is None:
        return ""
    code = cell.source if cell.cell_type == "code" else "\n\n".join(CODE.findall(cell.source))
    code = re.sub(r"\A# Solution\n", "", code)
    lines, checked, added = code.splitlines(), _arguments(exercise.cells[CHECK].source), []
    for statement in reversed(ast.parse(code).body):
        if (call := _check_call(statement)) is None:
            continue
        del lines[statement.lineno - 1 : statement.end_lineno]
        for wanted, given in zip(checked, call.args[1:], strict=False):
            if isinstance(wanted, ast.Name) and ast.unparse(wanted) != ast.unparse(given):
                added.append(f"{wanted.id} = {ast.unparse(given)}")
    return "\n".join([*"\n".join(lines).strip().splitlines(), *added])


def arguments_of_check(exercise: Exercise) -> str:
    """What the check is called with after the exercise's number, as code: `answer, data`."""
    return ", ".join(map(ast.unparse, _arguments(exercise.cells[CHECK].source)))


def for_students(notebook: Any) -> Iterator[Cell]:
    """Give the cells without speaker notes, and without solutions, tagged or folded away below a task's text."""
    for cell in notebook.cells:
        if {SOLUTION, NOTES} & {*tags(cell)}:
            continue
        if cell.cell_type == "markdown" and FOLDED.search(cell.source):
            cell.source = FOLDED.sub("\n\n", cell.source).strip()
            if not cell.source:
                continue
        yield cell


def _arguments(source: str) -> list[ast.expr]:
    calls = [call for statement in ast.parse(source).body if (call := _check_call(statement)) is not None]
    return calls[-1].args[1:] if calls else []


def _check_call(statement: ast.stmt) -> ast.Call | None:
    """The call, where a statement is nothing but `check(...)`."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    return call if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "check" else None


def _cell(cell: Cell) -> str:
    return f"the cell {cell.get('id', '')!r}"
