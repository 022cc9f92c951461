"""Both graders mark a small lesson and a whole one: solved in full, blank with nothing, half right with a part."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from course_utils.lessons import find_lessons
from course_utils.lessons.editions import student_edition

WHOLE = "05_conv_in_excel"
"""The lesson that is marked as a whole: the quickest of those that train a network."""

SOLUTION = "def mini_batches(pictures, size):\n    return -(-pictures // size), pictures % size or size"
ANSWERS = {
    "solved": SOLUTION,
    "blank": "mini_batches = ...  # your code here",
    "half": "mini_batches = lambda pictures, size: (pictures // size + 1, pictures % size)",
}
POINTS = {"solved": 1.0, "blank": 0.0, "half": 0.75}
"""The third is wrong where the pictures fill every mini-batch: one of four cases."""


@pytest.fixture
def on_path(monkeypatch):
    """The graders' own commands are found, and the package where they run a notebook in a folder of theirs."""
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


@pytest.fixture
def course(tmp_path, monkeypatch, on_path):
    cells = [
        nbformat.v4.new_code_cell("from course_utils.lessons import check"),
        nbformat.v4.new_markdown_cell("**Exercise 1.1.** How many?", metadata={"tags": ["exercise"]}),
        nbformat.v4.new_code_cell(ANSWERS["blank"], metadata={"tags": ["answer"]}),
        nbformat.v4.new_code_cell('check("1.1", mini_batches)', metadata={"tags": ["check"]}),
        nbformat.v4.new_code_cell(f'# Solution\n{SOLUTION}\n\n\ncheck("1.1", mini_batches)', metadata={"tags": ["solution"]}),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    (tmp_path / "notebooks").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "notebooks" / "01_cats_vs_dogs.ipynb")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def grader(*command, cwd):
    done = subprocess.run([sys.executable, "-m", *map(str, command)], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def hand_in(released, answer, file):
    """A student's notebook: the one that was handed out, with an answer."""
    notebook = nbformat.read(released, as_version=4)
    cell = next(cell for cell in notebook.cells if "your code here" in cell.source)
    if answer != "blank":
        cell.source = ANSWERS[answer]
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, file)


@pytest.mark.thorough
def test_nbgrader_marks_in_full_in_part_and_not_at_all(course):
    api = pytest.importorskip("nbgrader.api")
    out = student_edition(course / "out", "nbgrader")
    lesson = "01_cats_vs_dogs"
    grader("nbgrader", "generate_assignment", lesson, cwd=out)
    released = out / "release" / lesson / f"{lesson}.ipynb"
    assert "pictures // size" not in released.read_text()
    for answer in ANSWERS:
        hand_in(released, answer, out / "submitted" / answer / lesson / f"{lesson}.ipynb")
    grader("nbgrader", "autograde", lesson, "--create", cwd=out)
    with api.Gradebook(f"sqlite:///{out / 'gradebook.db'}") as book:
        assert {handed.student.id: handed.score for handed in book.assignment_submissions(lesson)} == POINTS


@pytest.mark.thorough
def test_otter_marks_in_full_in_part_and_not_at_all(course):
    pytest.importorskip("otter")
    lesson = "01_cats_vs_dogs"
    out = student_edition(course / "out", "otter") / lesson
    grader("otter", "assign", f"{lesson}.ipynb", "dist", cwd=out)  # which runs its tests on the solutions
    released = out / "dist" / "student" / f"{lesson}.ipynb"
    assert "pictures // size" not in released.read_text()
    [autograder] = (out / "dist" / "autograder").glob("*.zip")
    for answer, points in POINTS.items():
        hand_in(released, answer, out / answer / f"{lesson}.ipynb")
        grader("otter", "run", "-a", autograder, "-o", answer, "--no-logo", out / answer / f"{lesson}.ipynb", cwd=out)
        tests = json.loads((out / answer / "results.json").read_text())["tests"]
        assert sum(test.get("score", 0) for test in tests) == points


@pytest.fixture
def whole_course(tmp_path, monkeypatch, on_path):
    """A folder to write editions to, and the data of the lessons."""
    root = find_lessons()[0].parents[1]
    monkeypatch.setenv("COURSE_DATA", os.environ.get("COURSE_DATA", str(root / "data")))
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    return tmp_path


def hand_in_whole(released, solved, every, file):
    """A student's notebook of the whole lesson, in which each `every`-th exercise is solved; how many of them are."""
    notebook, solutions = nbformat.read(released, as_version=4), nbformat.read(solved, as_version=4)
    blanks = [cell for cell in notebook.cells if "your code here" in cell.source]
    sources = {cell.id: cell.source for cell in solutions.cells}
    chosen = blanks[::every] if every else []
    for cell in chosen:
        cell.source = sources[cell.id]
    file.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, file)
    return len(chosen)


EVERY = {"solved": 1, "blank": 0, "half": 2}


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_nbgrader_marks_a_whole_lesson(whole_course):
    api = pytest.importorskip("nbgrader.api")
    out = student_edition(whole_course / "out", "nbgrader")
    grader("nbgrader", "generate_assignment", WHOLE, cwd=out)
    released, solved = (out / step / WHOLE / f"{WHOLE}.ipynb" for step in ("release", "source"))
    points = {
        student: hand_in_whole(released, solved, every, out / "submitted" / student / WHOLE / released.name)
        for student, every in EVERY.items()
    }
    assert points["solved"] > points["half"] > points["blank"] == 0
    grader("nbgrader", "autograde", WHOLE, "--create", cwd=out)
    with api.Gradebook(f"sqlite:///{out / 'gradebook.db'}") as book:
        handed = {one.student.id: (one.score, one.max_score) for one in book.assignment_submissions(WHOLE)}
    assert handed == {student: (solved, points["solved"]) for student, solved in points.items()}


@pytest.mark.thorough
@pytest.mark.timeout(1800)
def test_otter_marks_a_whole_lesson(whole_course):
    pytest.importorskip("otter")
    out = student_edition(whole_course / "out", "otter") / WHOLE
    grader("otter", "assign", f"{WHOLE}.ipynb", "dist", cwd=out)
    released, solved = (out / "dist" / side / f"{WHOLE}.ipynb" for side in ("student", "autograder"))
    [autograder] = (out / "dist" / "autograder").glob("*.zip")
    for student, every in EVERY.items():
        file = out / student / f"{WHOLE}.ipynb"
        points = hand_in_whole(released, solved, every, file)
        grader("otter", "run", "-a", autograder, "-o", student, "--no-logo", file, cwd=out)
        tests = json.loads((out / student / "results.json").read_text())["tests"]
        assert sum(test.get("score", 0) for test in tests) == pytest.approx(points)
