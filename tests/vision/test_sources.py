"""Which files a table means, which of them are there, and what is there instead."""

import os
from pathlib import Path

import pytest

from course_utils.errors import CourseError
from course_utils.vision.sources import checked_rows, file_names, files_beside, is_picture, pictures_in, some_of, what_is_in


def test_file_names() -> None:
    assert file_names(["a", "01"], "train", ".jpg") == ["train/a.jpg", "train/01.jpg"]
    assert file_names(["a.jpg"], "train/large/") == ["train/large/a.jpg"]
    assert file_names(["images/a.jpg"], "") == ["images/a.jpg"]
    assert file_names(["./images//a.jpg"], ".") == ["images/a.jpg"]
    assert file_names([r"images\a.jpg"], ".") == ["images/a.jpg"]
    assert file_names(["a..b", "v1.0", "12:30"], "train", ".png") == ["train/a..b.png", "train/v1.0.png", "train/12:30.png"]
    assert file_names(["a"], "../elsewhere", ".jpg") == ["../elsewhere/a.jpg"]  # the folder is the caller's own choice


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "..",
        "a/../../b",
        "/etc/passwd",
        r"..\..\secret",
        r"\\server\share\a.jpg",
        "C:\\a.jpg",
        "c:a.jpg",
        "//a/b",
    ],
)
def test_names_that_lead_out_of_the_folder(name: str) -> None:
    with pytest.raises(CourseError, match="leads out of the folder 'train'; remove that row") as caught:
        file_names(["a", name], "train", ".jpg")
    assert repr(name) in str(caught.value)


def test_files_beside(tmp_path: Path) -> None:
    for name in ("train/a.jpg", "train/b.txt", "train/sub/c.jpg", "other/d.jpg", "e.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert files_beside(["train/x.jpg"], tmp_path) == {"train/a.jpg", "train/b.txt"}
    assert files_beside(["train/sub/x.jpg", "other/y.jpg"], tmp_path) == {"train/sub/c.jpg", "other/d.jpg"}
    assert files_beside(["x.jpg"], tmp_path) == {"e.jpg"}
    assert files_beside(["nowhere/x.jpg", "e.jpg/x.jpg", "a\0b/x.jpg", "t" * 300 + "/x.jpg"], tmp_path) == set()


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_links_count_where_they_lead_to_files(tmp_path: Path) -> None:
    (tmp_path / "real.jpg").touch()
    (tmp_path / "link.jpg").symlink_to("real.jpg")
    (tmp_path / "dangling.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "folder.jpg").symlink_to(tmp_path)
    assert files_beside(["x"], tmp_path) == {"real.jpg", "link.jpg"}


def test_each_folder_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train").mkdir()
    listed: list[Path] = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: (listed.append(folder), scan(folder))[1])
    files_beside([f"train/{i}.jpg" for i in range(1000)], tmp_path)
    assert listed == [tmp_path / "train"]


def test_pictures() -> None:
    assert [name for name in ("a.jpg", "t/B.JPEG", "c.tif", "d.txt", "t/.e.jpg", "jpg", ".png") if is_picture(name)] == [
        "a.jpg",
        "t/B.JPEG",
        "c.tif",
    ]


def test_pictures_in(tmp_path: Path) -> None:
    (tmp_path / "test" / "folder.jpg").mkdir(parents=True)
    for name in ("10.jpg", "9.JPG", "._9.jpg", "notes.txt"):
        (tmp_path / "test" / name).touch()
    assert pictures_in(tmp_path, "test") == ["test/10.jpg", "test/9.JPG"]


def test_what_is_in(tmp_path: Path) -> None:
    assert what_is_in(tmp_path) == f"{tmp_path} is empty"
    (tmp_path / "train").mkdir()
    (tmp_path / "a.csv").touch()
    assert what_is_in(tmp_path) == f"in {tmp_path} there is a.csv, train/"
    assert what_is_in(tmp_path / "a.csv") == f"{tmp_path / 'a.csv'} is a file"
    assert what_is_in(tmp_path / "x" / "y") == f"{tmp_path / 'x' / 'y'} does not exist; in {tmp_path} there is a.csv, train/"
    assert some_of([str(i) for i in range(2_000)]) == "0, 1, 2, 3, 4 and 1,995 more"


def test_checked_rows() -> None:
    assert checked_rows([3, 0, 3], 4) == {0, 3}
    with pytest.raises(CourseError, match="from 0 to 3, of the rows that validate"):
        checked_rows([4], 4)
