"""Which files a table means, which of them are there, and what is there instead."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from course_utils.errors import CourseError
from course_utils.vision import ImageData, transforms_for
from course_utils.vision.decoding.formats import IMAGE_SUFFIXES, NOT_DECODED
from course_utils.vision.disk import (
    file_names,
    files_beside,
    matched,
    pictures_in,
    some_of,
    walk,
    what_is_in,
)
from course_utils.vision.sources.valid_rows import checked_rows


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


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_to_itself_is_unusable_alone(tmp_path: Path) -> None:
    for kind in ("cat", "dog"):
        (tmp_path / "train" / kind).mkdir(parents=True)
        for i in range(4):
            Image.new("RGB", (40, 40)).save(tmp_path / "train" / kind / f"{i}.png")
    (tmp_path / "train/cat/L").symlink_to("L")
    (tmp_path / "train/M").symlink_to("M")
    assert files_beside(["train/cat/x.png"], tmp_path) == {f"train/cat/{i}.png" for i in range(4)}
    data = ImageData.from_folders(tmp_path, transforms_for(None, 32), valid_fraction=0.25)
    assert len(data.train_ds) + len(data.valid_ds) == 8
    assert set(data.unlisted) == {"train/M", "train/cat/L"}
    assert "cat/, dog/" in what_is_in(tmp_path / "train")
    names = [f"train/cat/{i}.png" for i in range(4)]
    assert ImageData.from_files(names, ["a", "b"] * 2, transforms_for(None, 32), tmp_path, valid_idx=[0]).missing == []
    (tmp_path / "train/dog/L.png").symlink_to("L.png")  # counts by its suffix, so that it is missed
    data = ImageData.from_folders(tmp_path, transforms_for(None, 32), valid_fraction=0.25, damaged="skip")
    assert data.damaged == ["train/dog/L.png"]


def test_each_folder_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train").mkdir()
    listed: list[Path] = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: (listed.append(folder), scan(folder))[1])
    files_beside([f"train/{i}.jpg" for i in range(1000)], tmp_path)
    assert listed == [tmp_path / "train"]


def test_pictures_in(tmp_path: Path) -> None:
    (tmp_path / "test" / "folder.jpg").mkdir(parents=True)
    for name in ("10.jpg", "9.JPG", "._9.jpg", "notes.txt"):
        (tmp_path / "test" / name).touch()
    found = pictures_in(tmp_path, "test")
    assert found.pictures == ["test/10.jpg", "test/9.JPG"]
    assert found.others == ["test/notes.txt"]


def test_pictures_are_known_by_their_first_bytes_too(tmp_path: Path) -> None:
    kinds = {"JPEG": True, "PNG": True, "WEBP": True, "GIF": True, "BMP": True, "TIFF": True, "PPM": True, "JPEG2000": True}
    for kind in kinds:
        Image.new("RGB", (30, 30)).save(tmp_path / kind, kind)
    (tmp_path / "words").write_text("BM, P6 and so on")
    (tmp_path / "empty").touch()
    Image.new("RGB", (30, 30)).save(tmp_path / "odd.txt", "PNG")  # taken at its word
    assert walk(tmp_path, ".").pictures == sorted(kinds)
    assert walk(tmp_path, ".").others == ["empty", "odd.txt", "words"]


def test_suffixes_are_those_that_pillow_decodes() -> None:
    decoded = {
        suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN and kind not in NOT_DECODED
    }
    assert decoded <= IMAGE_SUFFIXES


@pytest.mark.skipif(os.name == "nt", reason="links and pipes need rights on Windows")
def test_folders_below_are_walked_once_and_pipes_never_opened(tmp_path: Path) -> None:
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for name in ("a/1.jpg", "a/deep/2.jpg", "elsewhere/3.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "a" / "deep" / "up").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "a" / "all").symlink_to(tmp_path)  # where pictures of other classes lie
    (tmp_path / "a" / "gone.jpg").symlink_to("nowhere")
    os.mkfifo(tmp_path / "a" / "pipe.jpg")
    (tmp_path / "a" / "__MACOSX").mkdir()
    (tmp_path / "a" / "__MACOSX" / "4.jpg").touch()
    (tmp_path / "a" / "Thumbs.db").touch()
    found = walk(tmp_path, "a")
    assert found.pictures == ["a/1.jpg", "a/deep/2.jpg", "a/gone.jpg", "a/link/3.jpg"]
    assert found.others == ["a/all", "a/pipe.jpg"]


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    (tmp_path / "a").mkdir()
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(CourseError, match=f"{tmp_path / 'a'} cannot be read: you do not have permission"):
        walk(tmp_path, "a")


def test_matched() -> None:
    composed, decomposed = "B\u00e4cker.png", "Ba\u0308cker.png"
    assert matched([composed, "b.JPG", "c"], {decomposed, "b.jpg"}) == ([decomposed, "b.jpg", "c"], 1)
    assert matched([composed, decomposed], {composed, decomposed}) == ([composed, decomposed], 0)
    assert matched(["a.jpg"], {"A.jpg", "a.JPG"}) == (["a.jpg"], 0)  # which of them is meant?


def test_what_is_in(tmp_path: Path) -> None:
    assert what_is_in(tmp_path) == f"{tmp_path} is empty"
    (tmp_path / "train").mkdir()
    (tmp_path / "a.csv").touch()
    assert what_is_in(tmp_path) == f"in {tmp_path} there is a.csv, train/"
    assert what_is_in(tmp_path / "a.csv") == f"{tmp_path / 'a.csv'} is a file"
    assert what_is_in(tmp_path / "x" / "y") == f"{tmp_path / 'x' / 'y'} does not exist; in {tmp_path} there is a.csv, train/"
    assert some_of([str(i) for i in range(2_000)]) == "0, 1, 2, 3, 4 and 1,995 more"


def test_checked_rows() -> None:
    with pytest.raises(CourseError, match=r"names 1 row twice; name each once$"):
        checked_rows([3, 0, 3], 4)
    with pytest.raises(CourseError, match="for zeros and ones of each row give valid_idx == 1"):
        checked_rows(pd.Series([1, 0, 0, 1]), 4)
    mask = [True, False, False, True]
    forms = [np.array(mask), mask, pd.Series(mask), {0, 3}, pd.Index([3, 0]), np.array([0, 3], np.int8), np.array([0.0, 3.0])]
    forms += [(i for i in (0, 3)), torch.tensor([0, 3]), range(0, 4, 3), np.array([0, 3], object), pd.array([0, 3], "Int64")]
    assert all(checked_rows(form, 4) == {0, 3} for form in forms)
    for wrong in ([-1], [True], "03", {0: 1}, None, 3, [0.5], [float("nan")], [10**30], [None], pd.array([0, None], "Int64")):
        with pytest.raises(CourseError, match=r"valid_idx is .* from 0 to 3"):
            checked_rows(wrong, 4)
    with pytest.raises(CourseError, match="from 0 to 3, of the rows for validation"):
        checked_rows([4], 4)
