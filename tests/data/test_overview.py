"""`where` against folders made here: what is counted, what a link leads to, and why the data folder is the one it is."""

import html
import re

import pytest

from course_utils.data import link, where
from course_utils.data.overview import Place, Places
from course_utils.errors import CourseError


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    drawn = lambda name: iter([tmp_path / "data" / "samples" / name])  # noqa: E731 - not what was drawn on this machine
    monkeypatch.setattr("course_utils.data.overview.sample_folders", drawn)
    return tmp_path / "data"


def put_rossmann(folder):
    folder.mkdir(parents=True)
    for name in ("train.csv", "test.csv", "store.csv"):
        (folder / name).write_text("Store\n" * 1000)
    (folder / "more").mkdir()
    (folder / "more" / "notes.txt").write_text("12345")
    (folder / "more" / "nowhere").symlink_to(folder / "none")
    return folder


def test_what_is_here_is_measured_and_what_is_not_is_said(data):
    folder = put_rossmann(data / "rossmann-store-sales")
    found = {place.name: place for place in where().places}
    assert list(found) == ["dogscats", "dogbreeds", "planet", "rossmann", "digits"]
    assert found["rossmann"] == Place("rossmann", "real", folder, None, 4, 18_005)
    assert found["rossmann"].words == ("rossmann", "real", "data/rossmann-store-sales", "18 kB in 4 files")
    assert found["dogscats"].words == (
        "dogscats",
        "not here",
        "get('dogscats') draws it; sample=False downloads the real one",
        "",
    )
    assert not (data / "samples").exists()


def test_a_link_shows_the_drive_that_it_leads_to(data, tmp_path):
    drive = put_rossmann(tmp_path / "drive" / "shops")
    link("rossmann", drive)
    (place,) = where("rossmann").places
    assert (place.folder, place.drive, place.files) == (data / "rossmann", drive, 4)
    assert place.words[2] == f"data/rossmann (on {drive})"


def test_a_data_folder_that_is_a_link_is_followed(data, tmp_path):
    put_rossmann(tmp_path / "drive" / "rossmann")
    data.symlink_to(tmp_path / "drive")
    (place,) = where("rossmann").places
    assert place.drive == tmp_path / "drive" / "rossmann"


def test_why_the_data_folder_is_this_one(data, tmp_path, monkeypatch):
    assert where("digits").line == "The data folder is data: COURSE_DATA names it."
    monkeypatch.delenv("COURSE_DATA")
    (tmp_path / "data").mkdir()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert where("digits").line == "The data folder is ../data: it is the project's, and COURSE_DATA names no other."


def test_lines_and_table_say_the_same(tmp_path):
    found = Places(
        tmp_path / "a&b", "why <so>", (Place("planet", "not here"), Place("digits", "real", tmp_path, None, 1, 2_500_000))
    )
    first, *lines = str(found).splitlines()
    assert first == found.line
    assert [re.split(r"  +", line) for line in lines] == [[cell for cell in place.words if cell] for place in found.places]
    assert lines[1].endswith("2.5 MB in 1 file")
    cells = re.findall(r"<(?:td|p)[^>]*>([^<]*)</(?:td|p)>", found._repr_html_())
    assert list(map(html.unescape, cells)) == [first, *(cell for place in found.places for cell in place.words)]


def test_a_name_that_is_none():
    with pytest.raises(CourseError, match="did you mean 'planet'"):
        where("plannet")
