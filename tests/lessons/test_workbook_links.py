"""Links to the workbooks lead to files, wherever a notebook lies."""

import re

import pytest

from course_utils.errors import CourseError
from course_utils.hosts import COLAB
from course_utils.lessons import workbook_links, workbooks
from course_utils.lessons.find import course_files


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COURSE_WORK", str(folder / "work"))
    return folder


def linked(links):
    return re.findall(r'href="([^"]+)"', links.data)


@pytest.mark.parametrize("place", ["../spreadsheets", "spreadsheets"])
def test_those_beside_the_notebook_are_linked(folder, place):
    (folder / place).mkdir()
    (folder / place / "softmax.xlsx").write_bytes(b"mine")
    assert linked(workbook_links("softmax")) == [f"{place}/softmax.xlsx"]
    assert not (folder / "work").exists()


def test_where_there_are_none_they_are_brought_and_what_is_there_stays(folder):
    (folder / "work" / "spreadsheets").mkdir(parents=True)
    mine = folder / "work" / "spreadsheets" / "softmax.xlsx"
    mine.write_bytes(b"mine")
    links = linked(workbook_links())
    originals = sorted((course_files() / "spreadsheets").glob("*.xlsx"))
    assert links == [f"work/spreadsheets/{path.name}" for path in originals]
    assert mine.read_bytes() == b"mine"
    for link, original in zip(links, originals, strict=True):
        assert original.name == "softmax.xlsx" or (folder / link).read_bytes() == original.read_bytes()


def test_where_no_link_reaches_a_file_it_says_where_they_lie(folder, monkeypatch):
    monkeypatch.setattr(workbooks, "host", lambda: COLAB)
    said = workbook_links("softmax", "digits").data
    assert said.startswith("softmax.xlsx, digits.xlsx are in work/spreadsheets: open Files")


def test_a_wrong_name_is_refused(folder):
    with pytest.raises(CourseError, match=r"no workbook 'softmx'; there are .*softmax"):
        workbook_links("softmax", "softmx")
