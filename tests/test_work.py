"""Where the things that a student makes are kept."""

import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from course_utils import data, work
from course_utils.errors import CourseError
from course_utils.training import Data, Learner
from course_utils.work import find_saved, folder_for, models_folder, spare_folder, work_folder


@pytest.fixture
def at_home(tmp_path, monkeypatch):
    """A home folder, a current folder, and no COURSE_WORK."""
    for name in ("home", "here"):
        (tmp_path / name).mkdir()
    monkeypatch.delenv("COURSE_WORK")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(work, "_said", set())
    return tmp_path


def learner(folder, **options):
    x = torch.randn(8, 2)
    both = Data.from_tensors((x, (x[:, 0] > 0).long()), valid=(x, (x[:, 0] > 0).long()), path=folder)
    return Learner(both, nn.Linear(2, 2), progress=False, **options)


def test_a_folder_that_is_named_is_used_and_made(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "mine" / "deep"))
    assert work_folder("planet") == tmp_path / "mine" / "deep" / "planet"
    assert work_folder("planet").is_dir()
    assert work_folder() == tmp_path / "mine" / "deep"


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/", "\0", 5])
def test_names_that_are_none(name):
    with pytest.raises(CourseError, match="is not a name for a folder"):
        work_folder(name)


def test_without_a_notebook_it_is_in_the_home_folder_and_with_one_beside_it(at_home, monkeypatch, capsys):
    assert work_folder() == at_home / "home" / "course"
    kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    assert work_folder() == at_home / "here" / "work"
    assert capsys.readouterr().out == ""
    (at_home / "here" / "work").rmdir()
    (at_home / "here").chmod(0o555)
    assert work_folder() == work_folder() == at_home / "home" / "course"
    assert capsys.readouterr().out.count("cannot be written to, so what you make goes to") == 1


@pytest.mark.parametrize("home", ["", "nowhere", "/nonexistent"])
def test_without_a_home_folder_it_is_in_the_current_one(home, at_home, monkeypatch):
    monkeypatch.setenv("HOME", home)
    assert folder_for(".") == at_home / "here" / "work"


def test_a_file_in_the_way_is_named_only_when_something_is_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "file" / "work"))
    with pytest.raises(CourseError, match=r"COURSE_WORK is .*not a directory"):
        work_folder()
    monkeypatch.setenv("COURSE_WORK", str(tmp_path))
    made = learner(tmp_path / "pets")  # goes on
    made.path.parent.touch()
    with pytest.raises(CourseError, match=r"cannot write .*first.safetensors: a part of the path is a file"):
        made.save("first")


def test_an_ordinary_user_before_closed_doors(tmp_path, monkeypatch, ordinary_user):
    """What root would never see: no permission to look, and none to write."""
    (tmp_path / "closed").mkdir(mode=0o700 if os.geteuid() == 0 else 0)
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "closed" / "work"))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "closed" / "data"))
    data.status("planet"), learner(tmp_path / "pets")  # load what an ordinary user may not be able to load here
    with ordinary_user():
        assert data.status("planet").real is None
        made = learner(tmp_path / "closed" / "data" / "planet")  # goes on
        for write in (lambda: work_folder("planet"), lambda: made.save("first")):
            with pytest.raises(CourseError, match=r"cannot write .*closed.work.planet.*: you may not write there"):
                write()
        with pytest.raises(CourseError, match=r"cannot read .*first.safetensors: you may not read it"):
            made.load("first")


def test_places_are_told_apart_by_their_whole_path_and_drawn_data_by_its_name(tmp_path):
    a, b = folder_for(tmp_path / "a" / "pets"), folder_for(tmp_path / "b" / "pets")
    assert a != b
    assert a == folder_for(tmp_path / "a" / ".." / "a" / "pets")
    assert {a.parent, b.parent} == {work_folder()}
    assert a.name.startswith("pets-")
    for place in ("here", "there"):
        drawn = tmp_path / place / "samples" / "planet"
        drawn.mkdir(parents=True)
        (drawn / "DRAWN.json").touch()
        assert folder_for(drawn) == work_folder("planet")
    (tmp_path / "samples" / "planet").mkdir(parents=True)
    assert folder_for(tmp_path / "samples" / "planet") != work_folder("planet")  # somebody's own
    assert folder_for(work_folder("planet") / "small" / "83") == work_folder("planet")
    assert folder_for(".") == work_folder()


def test_weights_lie_apart_from_the_data_which_may_be_read_only(tmp_path):
    pets = tmp_path / "pets"
    pets.mkdir(mode=0o555)
    made = learner(pets)
    made.fit(0.1, 1, checkpoint="night")
    assert made.save("first") == models_folder(pets) / "first.safetensors"
    made.load("first")
    made.resume("night")
    assert list(pets.iterdir()) == []
    assert learner(pets, path=tmp_path / "own").save("first") == tmp_path / "own" / "first.safetensors"


def test_weights_in_the_data_folder_are_found_and_said(tmp_path, capsys):
    pets = tmp_path / "pets"
    old = learner(pets, path=pets / "models")
    old.save("homework")
    new = learner(pets)
    new.load("homework")
    assert torch.equal(new.model.weight, old.model.weight)
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert str(pets / "models" / "homework.safetensors") in said
    own = new.save("homework")
    assert find_saved(own, pets) == own  # from now on
    assert find_saved(tmp_path / "own" / "homework.safetensors", pets) == tmp_path / "own" / "homework.safetensors"


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the temporary folder is the user's own")
def test_the_spare_folder_is_the_users_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    prefix = f"course_utils-{os.getuid()}-"
    (tmp_path / f"{prefix}open").mkdir()
    (tmp_path / f"{prefix}open").chmod(0o777)
    (tmp_path / "theirs").mkdir(mode=0o700)
    (tmp_path / f"{prefix}a_link").symlink_to(tmp_path / "theirs")
    (tmp_path / f"{prefix}file").touch()
    assert spare_folder(make=False) is None
    spare = spare_folder()
    assert spare.stat().st_mode & 0o777 == 0o700
    assert spare_folder() == spare_folder(make=False) == spare
    monkeypatch.setattr(os, "getuid", lambda: 12345)  # another user
    assert spare_folder(make=False) is None


@pytest.fixture
def classroom(monkeypatch):
    """A folder that everybody may write to, with one home, data, work and temporary folder for all who are there."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        for folder in (place, *(place / each for each in ("data", "home", "notebooks", "tmp"))):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o777)
        monkeypatch.setattr("tempfile.tempdir", str(place / "tmp"))
        monkeypatch.setattr(work, "_said", set())
        monkeypatch.setenv("COURSE_DATA", str(place / "data"))
        monkeypatch.setenv("HOME", str(place / "home"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(place / "home" / ".cache"))
        monkeypatch.delenv("COURSE_WORK")
        monkeypatch.chdir(place)
        yield place


@pytest.mark.skipif(os.name != "posix", reason="elsewhere there is no umask")
def test_a_second_student_goes_on_where_the_first_closed_everything(classroom, monkeypatch, ordinary_user, capsys):
    def draw(part, seed):
        part.mkdir(exist_ok=True)
        (part / "picture.png").write_bytes(b"drawn")

    monkeypatch.setattr("course_utils.data.samples.maker_of", lambda dataset: SimpleNamespace(VERSION=1, draw=draw))
    data.status("digits")  # loads what an ordinary user may not be able to load here
    (classroom / "home" / ".cache").mkdir()
    (classroom / "home" / ".cache").chmod(0o777)
    with ordinary_user(65533):
        before = os.umask(0o077)
        try:
            made = data.get("digits", sample=True), work_folder(), spare_folder()
        finally:
            os.umask(before)
    assert made[:2] == (classroom / "data" / "samples" / "digits", classroom / "home" / "course")
    assert [folder.stat().st_mode & 0o777 for folder in made] == [0o700] * 3
    assert capsys.readouterr().out == ""
    closed = [classroom / "data" / "samples", *made[1:]]
    if os.geteuid() != 0:  # one cannot become another: what the first one made is closed to both
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        for folder in closed:
            folder.chmod(0)
    try:
        with ordinary_user(65534):
            drawn, own = data.get("digits", sample=True), work_folder("digits")
            said = capsys.readouterr().out.splitlines()
            assert drawn.is_relative_to(classroom / "home" / ".cache")
            assert (drawn / "picture.png").read_bytes() == b"drawn"
            assert own == classroom / "work" / "digits"
            (own / "mine").touch()
            if os.geteuid() == 65534:
                spare = spare_folder()
                assert spare != made[2]
                assert spare.stat().st_uid == 65534
            monkeypatch.setenv("COURSE_WORK", str(classroom / "home" / "course" / "mine"))
            with pytest.raises(CourseError, match=r"cannot write .*home/course/mine: you may not write there"):
                work_folder()
    finally:
        for folder in closed:
            folder.chmod(0o700)
    assert said == [
        f"digits: {classroom}/data/samples cannot be written to; the stand-in is drawn elsewhere",
        f"{classroom}/home/course cannot be written to, so what you make goes to {classroom}/work (COURSE_WORK names another)",
    ]


def test_the_work_folder_of_a_folder_that_is_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "pets").symlink_to(tmp_path / "real")
    assert folder_for(tmp_path / "pets") == folder_for(Path(tmp_path, "real"))
