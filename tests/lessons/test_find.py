"""Finding the notebooks from wherever one is."""

import pytest

from course_utils.errors import CourseError
from course_utils.lessons import find_lessons, project_folder


def test_lessons_are_found_by_number_or_name(tmp_path, monkeypatch):
    (tmp_path / "notebooks" / "mine").mkdir(parents=True)
    for name in ("01_cats_vs_dogs", "02_fails", "notes"):
        (tmp_path / "notebooks" / f"{name}.ipynb").touch()
    monkeypatch.chdir(tmp_path / "notebooks" / "mine")
    assert project_folder() == tmp_path
    assert [path.stem for path in find_lessons()] == ["01_cats_vs_dogs", "02_fails"]
    assert [path.stem for path in find_lessons("02")] == [path.stem for path in find_lessons("fails")] == ["02_fails"]
    with pytest.raises(CourseError, match=r"no lesson '07'; there are 01_cats_vs_dogs, 02_fails"):
        find_lessons("07")


def test_outside_of_the_course_the_installed_one_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (project_folder() / "pyproject.toml").is_file()
