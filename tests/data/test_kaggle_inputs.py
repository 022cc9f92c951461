"""A Kaggle notebook finds the data that was added to it; nowhere else is that folder looked at."""

import zipfile

import pytest

from course_utils.data import get, places, status
from course_utils.data.catalog import DATASETS
from course_utils.errors import CourseError


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "working"))
    monkeypatch.setattr(places, "KAGGLE_INPUT", tmp_path / "input")
    (tmp_path / "input").mkdir()
    return tmp_path / "input"


def put_rossmann(folder):
    folder.mkdir(parents=True)
    for name in ("train.csv", "test.csv", "store.csv"):
        (folder / name).write_text("Store\n1\n")
    return folder


@pytest.mark.parametrize(
    "place", ["rossmann-store-sales", "competitions/rossmann-store-sales", "my-copy", "datasets/somebody/rossmann"]
)
def test_what_was_added_is_found(inputs, place):
    folder = put_rossmann(inputs / place)
    (inputs / "other").mkdir()
    assert get("rossmann") == get("rossmann", sample=False) == folder
    assert status("rossmann").real == folder


def test_only_on_kaggle(inputs, monkeypatch):
    put_rossmann(inputs / "rossmann-store-sales")
    monkeypatch.delenv("KAGGLE_KERNEL_RUN_TYPE")
    assert status("rossmann").real is None
    assert "input" not in places.why_not_real(DATASETS["rossmann"])


def test_the_data_folder_comes_first(inputs, tmp_path):
    put_rossmann(inputs / "rossmann-store-sales")
    assert get("rossmann") != put_rossmann(tmp_path / "working" / "rossmann")
    assert get("rossmann") == tmp_path / "working" / "rossmann"


def test_deep_and_wide_folders_are_left(inputs):
    put_rossmann(inputs / "a" / "b" / "c" / "d")
    assert status("rossmann").real is None
    for number in range(places._MOST + 1):
        (inputs / f"class{number:03}").mkdir()
    put_rossmann(inputs / "z" / "deeper")
    assert status("rossmann").real is None


def test_a_packed_competition_is_unpacked_beside_the_notebook(inputs, tmp_path):
    folder = inputs / "planet-understanding-the-amazon-from-space"
    folder.mkdir()
    for archive, name in (
        ("train-jpg.tar.7z", "train-jpg/train_0.jpg"),
        ("train_v2.csv.zip", "train_v2.csv"),
        ("tif.zip", "t/x"),
    ):
        with zipfile.ZipFile(folder / archive, "w") as zip:
            zip.writestr(name, "content")
    assert places.why_not_real(DATASETS["planet"]) == f"{folder} has it packed"
    assert get("planet", sample=False) == tmp_path / "working" / "planet"
    assert {path.name for path in (tmp_path / "working" / "planet").iterdir()} == {"train-jpg", "train_v2.csv"}
    (inputs / "dogs-vs-cats").mkdir()
    with pytest.raises(CourseError, match="would be missing"):
        get("dogscats", sample=False)


def test_why_there_is_none_says_where_was_looked(inputs):
    working = places.shown(inputs.parent / "working")
    assert places.why_not_real(DATASETS["digits"]) == f"none in {working} or {inputs}"
