"""The course laid out in a folder: what is new comes, and what somebody changed is never lost."""

import json
import shutil

import nbformat
import pytest

from course_utils import lessons
from course_utils.errors import CourseError
from course_utils.lessons import copy_course, copying, find, find_lessons


def write_lesson(path, *sources, output=None):
    cells = [nbformat.v4.new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(sources)]
    if output:
        cells[0].outputs = [nbformat.v4.new_output("stream", text=output)]
        cells[0].execution_count = 7
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A course of two lessons and a workbook, as a package brings it."""
    source = tmp_path / "package" / "course"
    write_lesson(source / "notebooks" / "01_cats_vs_dogs.ipynb", "x = 1", "x")
    write_lesson(source / "notebooks" / "02_more.ipynb", "y = 1")
    for place in ("spreadsheets/sheet.xlsx", "data/README.md"):
        (source / place).parent.mkdir()
        (source / place).write_text(place)
    monkeypatch.setattr(copying, "course_files", lambda: source)
    return source


@pytest.fixture
def mine(source, tmp_path):
    return copy_course(tmp_path / "mine").folder


def code(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


FILES = ["notebooks/01_cats_vs_dogs.ipynb", "notebooks/02_more.ipynb", "spreadsheets/sheet.xlsx", "data/README.md"]


def test_all_of_it_is_laid_out_beside_what_is_there(source, tmp_path):
    (tmp_path / "mine" / "dogscats").mkdir(parents=True)
    copied = copy_course(str(tmp_path / "mine"))
    assert copied.written == FILES
    for name in FILES:
        assert (tmp_path / "mine" / name).read_bytes() == (source / name).read_bytes()
    assert copy_course(tmp_path / "mine").written == []  # as after an interruption


def test_what_was_only_run_gives_way_and_what_was_changed_stays_with_the_new_beside_it(source, mine):
    ran, changed = mine / FILES[0], mine / FILES[1]
    write_lesson(ran, "x = 1", "x", output="1")
    write_lesson(changed, "y = 2  # mine")
    (mine / FILES[2]).write_text("mine")
    assert copy_course(mine, update=True) == copying.Copied(mine)  # nothing is new
    assert nbformat.read(ran, as_version=4).cells[0].outputs[0].text == "1"

    write_lesson(source / FILES[0], "x = 3")
    write_lesson(source / FILES[1], "y = 3")
    (source / FILES[2]).write_text("new")
    copied = copy_course(mine, update=True)
    assert copied.written == [FILES[0]]
    assert copied.beside == {
        FILES[1]: "notebooks/02_more.new.ipynb",
        FILES[2]: "spreadsheets/sheet.new.xlsx",
    }
    assert (code(ran), code(changed), (mine / FILES[2]).read_text()) == (["x = 3"], ["y = 2  # mine"], "mine")
    assert code(mine / "notebooks" / "02_more.new.ipynb") == ["y = 3"]
    (mine / "notebooks" / "02_more.new.ipynb").unlink()
    assert copy_course(mine, update=True) == copying.Copied(mine)  # what was brought once is not brought again


def test_a_new_version_beside_is_replaced_by_a_newer_one_unless_it_was_changed_too(source, mine):
    write_lesson(mine / FILES[1], "y = 2  # mine")
    beside = mine / "notebooks" / "02_more.new.ipynb"
    for version in ("y = 3", "y = 4"):
        write_lesson(source / FILES[1], version)
        copy_course(mine, update=True)
        assert code(beside) == [version]
    write_lesson(beside, "y = 4  # mine too")
    write_lesson(source / FILES[1], "y = 5")
    assert copy_course(mine, update=True).beside == {FILES[1]: "notebooks/02_more.new2.ipynb"}
    assert code(beside) == ["y = 4  # mine too"]
    assert code(mine / FILES[1]) == ["y = 2  # mine"]


def test_what_was_deleted_comes_again_and_what_the_course_has_no_longer_stays(source, mine):
    (mine / FILES[0]).unlink()
    (source / FILES[1]).unlink()
    copied = copy_course(mine, update=True)
    assert (copied.written, copied.gone) == ([FILES[0]], [FILES[1]])
    assert code(mine / FILES[1]) == ["y = 1"]


@pytest.mark.parametrize("manifest", [None, "", "[]", '{"files": [1]}'])
def test_without_a_manifest_all_that_differs_counts_as_changed(source, mine, manifest):
    (mine / copying.MANIFEST).unlink() if manifest is None else (mine / copying.MANIFEST).write_text(manifest)
    write_lesson(source / FILES[0], "x = 3")
    copied = copy_course(mine, update=True)
    assert list(copied.beside) == [FILES[0]]
    assert code(mine / FILES[0]) == ["x = 1", "x"]


def test_a_damaged_notebook_is_a_changed_one(source, mine):
    (mine / FILES[0]).write_text('{"cells": ')
    write_lesson(source / FILES[0], "x = 3")
    assert list(copy_course(mine, update=True).beside) == [FILES[0]]
    assert (mine / FILES[0]).read_text() == '{"cells": '


def test_nothing_is_written_where_it_would_not_be_right(source, mine, tmp_path):
    write_lesson(mine / FILES[0], "x = 2  # mine")
    before = {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()}
    with pytest.raises(CourseError, match=r"another notebooks/01_cats_vs_dogs.ipynb; with --update"):
        copy_course(mine)
    assert {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()} == before
    with pytest.raises(CourseError, match=r"no course in .*elsewhere to update"):
        copy_course(tmp_path / "elsewhere", update=True)
    assert not (tmp_path / "elsewhere").exists()
    with pytest.raises(CourseError, match="where this course comes from"):
        copy_course(source, update=True)
    with pytest.raises(CourseError, match=r"sheet\.xlsx is a file"):
        copy_course(mine / FILES[2])


def test_the_manifest_says_which_version_was_brought(mine):
    manifest = json.loads((mine / copying.MANIFEST).read_text())
    assert sorted(manifest["files"]) == sorted(FILES)
    assert manifest["version"]


def test_an_installed_package_reads_its_own_lessons_and_runs_them_where_they_were_laid_out(source, mine, tmp_path, monkeypatch):
    monkeypatch.setattr(find, "PROJECT", tmp_path / "site-packages")
    monkeypatch.setattr(find, "PACKED", source)
    monkeypatch.setattr(find, "HOME", tmp_path / "home" / "course")
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")
    assert find.course_files() == find.project_folder() == source
    assert [path.stem for path in find_lessons()] == ["01_cats_vs_dogs", "02_more"]
    with pytest.raises(CourseError, match=r"not laid out yet: course copy .*home/course does it"):
        find.writable_folder()
    shutil.copytree(mine, tmp_path / "home" / "course")
    assert find.writable_folder() == tmp_path / "home" / "course"
    monkeypatch.chdir(mine / "notebooks")
    assert find.writable_folder() == mine
    (mine / "notebooks" / "02_more.new.ipynb").touch()
    assert [path.stem for path in lessons.find_lessons()] == ["01_cats_vs_dogs", "02_more"]
