"""What students, their teachers and the graders get."""

import json
import re
import sys
from pathlib import Path

import nbformat
import pytest

from course_utils import cli
from course_utils.errors import CourseError
from course_utils.lessons import find_lessons
from course_utils.lessons.editions import EDITIONS, solutions_edition, student_edition

SECRET = "half_of_all = [number // 2 for number in range(100)]"
FOLDED = (
    '<details>\n<summary>Solution</summary>\n\nHalves.\n\n```python\n{}\ncheck("1.2", sorted(half_of_all))\n```\n\n</details>'
)


def cell(kind, source, tag=None, **more):
    made = getattr(nbformat.v4, f"new_{kind}_cell")(source, **more)
    made.metadata["tags"] = [tag] if tag else []
    return made


def lesson():
    printed = [nbformat.v4.new_output("stream", text="the secret is 4950\n")]
    return nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        cells=[
            cell("code", "from course_utils.lessons import check", id="import"),
            cell("markdown", "**Exercise 1.1.** Halve them.", "exercise"),
            cell("code", "data = 3\nhalves = ...  # your code here: a list", "answer"),
            cell("code", 'check("1.1", halves, data)', "check"),
            cell(
                "code", f'# Solution\n{SECRET}\nhalves = half_of_all\ncheck("1.1", halves, data)', "solution", outputs=printed
            ),
            cell("markdown", "**Exercise 1.2.** And these.", "exercise"),
            cell("code", "others = ...  # your code here", "answer"),
            cell("code", 'check("1.2", others)', "check"),
            cell("markdown", FOLDED.format(SECRET), "solution"),
            cell("markdown", "**Exercise 1.3.** Think about it.", "exercise"),
            cell("markdown", FOLDED.format(SECRET), "solution"),
            cell("markdown", "Ask the hall for halves.", "notes"),
            cell("markdown", f"Try this. {FOLDED.format(SECRET)}\n\nThe end.", id="older"),
            cell("code", "workbook_links('sheet')", id="link"),
        ],
    )


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one lesson, and a workbook."""
    project = tmp_path / "course"
    (project / "notebooks").mkdir(parents=True)
    nbformat.write(lesson(), project / "notebooks" / "01_cats_vs_dogs.ipynb")
    (project / "spreadsheets").mkdir()
    (project / "spreadsheets" / "sheet.xlsx").write_bytes(b"sheet")
    monkeypatch.chdir(project)
    return project


def read(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def test_a_student_gets_all_but_solutions_and_speaker_notes(course, tmp_path):
    out = student_edition(tmp_path / "out")
    given = read(out / "notebooks" / "01_cats_vs_dogs.ipynb").cells
    kept = [c for c in lesson().cells if not {"solution", "notes"} & {*c.metadata["tags"]}]
    assert [c.source for c in given[:-2]] == [c.source for c in kept[:-2]]
    assert [c.source for c in given[-2:]] == ["Try this.\n\nThe end.", "workbook_links('sheet')"]
    assert (out / "spreadsheets" / "sheet.xlsx").read_bytes() == b"sheet"
    assert "secret" not in json.dumps(given)
    assert "half_of_all" not in json.dumps(given)
    assert "the hall" not in json.dumps(given)


def test_who_teaches_gets_the_solutions_open_and_as_they_ran(course, tmp_path):
    given = read(solutions_edition(tmp_path / "out") / "notebooks" / "01_cats_vs_dogs.ipynb").cells
    assert [len(c.get("outputs", [])) for c in given] == [len(c.get("outputs", [])) for c in lesson().cells]
    assert given[4].source == lesson().cells[4].source
    assert given[4].metadata == {"tags": ["solution"]}
    assert sum(c.source.count("<details open>") for c in given) == 3


def test_nbgrader_gets_solutions_between_marks_and_a_point_for_each_check(course, tmp_path):
    out = student_edition(tmp_path / "out", "nbgrader")
    folder = out / "source" / "01_cats_vs_dogs"
    given = read(folder / "01_cats_vs_dogs.ipynb").cells
    graded = {c.metadata.nbgrader.grade_id: c for c in given if "nbgrader" in c.metadata}
    assert list(graded) == ["exercise-1-1-answer", "exercise-1-1", "exercise-1-2-answer", "exercise-1-2"]
    assert {c.metadata.nbgrader.schema_version for c in graded.values()} == {3}
    assert [c.metadata.nbgrader.get("points") for c in graded.values()] == [None, 1, None, 1]
    assert [c.metadata.nbgrader.locked for c in graded.values()] == [False, True, False, True]
    assert graded["exercise-1-2-answer"].source.splitlines() == [
        "others = ...  # your code here",
        "### BEGIN SOLUTION",
        SECRET,
        "others = sorted(half_of_all)",
        "### END SOLUTION",
    ]
    assert given[-1].source == "workbook_links('sheet')"
    assert (folder / "spreadsheets" / "sheet.xlsx").is_file()
    compile((out / "nbgrader_config.py").read_text(), "nbgrader_config.py", "exec")


def test_otter_gets_questions_with_four_test_cases(course, tmp_path):
    given = read(student_edition(tmp_path / "out", "otter") / "01_cats_vs_dogs" / "01_cats_vs_dogs.ipynb").cells
    raw = [c.source.splitlines()[0][2:] for c in given if c.cell_type == "raw"]
    fences = ["BEGIN QUESTION", "BEGIN SOLUTION", "END SOLUTION", "BEGIN TESTS", "END TESTS", "END QUESTION"]
    assert raw == ["ASSIGNMENT CONFIG", *fences, *fences]
    assert given[0].source.splitlines() == [
        "# ASSIGNMENT CONFIG",
        "name: 01_cats_vs_dogs",
        "export_cell:",
        "  pdf: false",
        "files:",
        "  - spreadsheets",
    ]
    tests = [c.source.splitlines()[-1] for c in given if c.source.startswith("from course_utils.lessons import marks")]
    assert tests[:4] == [f'marks("1.1", halves, data) >= {share}' for share in (0.25, 0.5, 0.75, 1)]
    assert len(tests) == 8


def spoken(value):
    """Every text in a notebook, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from spoken(part)


def lines(cells):
    return {line.strip() for text in spoken(cells) for line in text.splitlines() if len(line.strip()) > 15}


@pytest.mark.parametrize("grader", EDITIONS)
def test_no_line_of_a_solution_is_in_a_students_copy_of_the_lessons(grader, tmp_path):
    out, ids, handed_out = student_edition(tmp_path / "out", grader), [], 0
    for original in find_lessons():
        cells = read(original).cells
        hidden = [c for c in cells if "solution" in c.metadata.get("tags", [])]
        secret = lines([[c.source, c.get("outputs", [])] for c in hidden])
        secret -= lines([c for c in cells if c not in hidden])  # what the lesson itself says, such as an import
        copy = read(next(out.rglob(original.name))).cells
        for c in copy:  # as the graders do
            c.source = re.sub(r"#+ BEGIN SOLUTION.*?\n#+ END SOLUTION", "", c.source, flags=re.DOTALL)
        assert not [line for line in secret if any(line in text for text in lines(copy))], original.name
        ids += [c.metadata.nbgrader.grade_id for c in copy if "nbgrader" in c.metadata]
        answers = [c for c in cells if "answer" in c.metadata.get("tags", [])]
        assert sum("your code here" in c.source for c in copy) == len(answers)
        handed_out += len(answers)
    assert handed_out
    assert len(set(ids)) == len(ids) == (2 * handed_out if grader == "nbgrader" else 0)


def test_nothing_that_is_there_is_replaced(course, tmp_path):
    out = student_edition(tmp_path / "out")
    mine = out / "notebooks" / "01_cats_vs_dogs.ipynb"
    mine.write_text("a week's work")
    (out / "spreadsheets" / "sheet.xlsx").unlink()
    with pytest.raises(
        CourseError, match=r"nothing was written, since in .* already notebooks/01_cats_vs_dogs.ipynb; somebody"
    ):
        solutions_edition(out)
    assert mine.read_text() == "a week's work"
    assert not (out / "spreadsheets" / "sheet.xlsx").exists()


@pytest.mark.parametrize(
    ("index", "source", "message"),
    [
        (2, "halves = [1]", r"01_cats_vs_dogs.ipynb: the answer to exercise 1.1 is filled in, and would be handed out"),
        (5, "**Exercise 1.1.** Again.", r"two exercises 1.1"),
        (5, "Exercise without a number", r"an exercise starts with its number"),
    ],
)
def test_an_exercise_that_is_not_whole_is_told(index, source, message, course, tmp_path):
    notebook = lesson()
    notebook.cells[index].source = source
    nbformat.write(notebook, course / "notebooks" / "01_cats_vs_dogs.ipynb")
    with pytest.raises(CourseError, match=message):
        student_edition(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_part_of_no_exercise_is_told(course, tmp_path):
    notebook = lesson()
    del notebook.cells[1]
    nbformat.write(notebook, course / "notebooks" / "01_cats_vs_dogs.ipynb")
    with pytest.raises(CourseError, match="is tagged 'answer' and belongs to no exercise"):
        student_edition(tmp_path / "out")


def test_the_command_writes_editions(course, tmp_path, monkeypatch, capsys):
    for arguments in (["student", "a"], ["student", "b", "--for", "otter"], ["solutions", "c"]):
        monkeypatch.setattr(sys, "argv", ["course", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert not end.value.code
        assert capsys.readouterr().out == f"Written to {arguments[1]}\n"
        assert list(Path(arguments[1]).rglob("*.ipynb"))
    with pytest.raises(CourseError, match="no edition for 'gradescope'; there are plain, nbgrader, otter"):
        student_edition(tmp_path / "d", "gradescope")
