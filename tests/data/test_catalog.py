"""The catalog, and `get`: which folder it gives, when it draws, what it says."""

import errno
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from course_utils import data, leftovers
from course_utils.data import catalog, places, samples
from course_utils.data.catalog import DATASETS, split_cats_and_dogs
from course_utils.errors import CourseError

NAMES = ["dogscats", "dogbreeds", "planet", "rossmann", "digits"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder that COURSE_DATA names; whatever else may be drawn in lies in the test's folder too."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(places, "_default_folder", lambda: tmp_path / "default" / "data")
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "cache" / project)
    (tmp_path / "data").mkdir()
    (tmp_path / "default").mkdir()
    return tmp_path / "data"


class Maker(ModuleType):
    """A maker that draws one file and counts its calls; `before` runs when half is drawn."""

    VERSION = 1
    before: Callable[[Path], object] = staticmethod(lambda part: None)

    def __init__(self) -> None:
        super().__init__("course_utils.data.samples.tiny")
        self.calls = 0

    def draw(self, folder: Path, seed: int = 0) -> None:
        self.calls += 1
        (folder / "train").mkdir()
        self.before(folder)
        (folder / "train" / "cat.0.jpg").write_text(f"seed {seed}, version {self.VERSION}")


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> Maker:
    """A tiny maker, which draws dogscats."""
    tiny = Maker()
    monkeypatch.setitem(sys.modules, tiny.__name__, tiny)
    monkeypatch.setattr(samples, tiny.__name__.rsplit(".", 1)[-1], tiny, raising=False)
    monkeypatch.setitem(DATASETS, "dogscats", replace(DATASETS["dogscats"], maker="tiny"))
    return tiny


@pytest.fixture
def no_download(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []

    def fetch(dataset: catalog.Dataset, folder: Path) -> Path:
        asked.append(dataset.name)
        return folder

    monkeypatch.setattr(data, "fetch", fetch)
    return asked


def make_real(folder: Path, name: str, suffix: str = "") -> Path:
    """Make a folder with the least that counts as the dataset."""
    for patterns in DATASETS[name].layout:
        path = folder / (patterns[-1] if suffix else patterns[0]).replace("*", "x")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def everything_in(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


# --- the catalog


def test_the_names() -> None:
    assert list(DATASETS) == NAMES
    assert all(dataset.name == name for name, dataset in DATASETS.items())


@pytest.mark.parametrize("name", NAMES)
def test_each_entry_says_all_that_is_needed(name: str) -> None:
    dataset = DATASETS[name]
    assert bool(dataset.competition) != bool(dataset.urls)
    assert dataset.page.startswith("https://")
    assert dataset.title
    assert dataset.description.endswith(").")
    assert dataset.terms.endswith(".")
    assert dataset.layout
    assert 0 < dataset.download_bytes <= dataset.unpacked_bytes * 1.1
    assert all(len(bytes.fromhex(url.sha256)) == 32 for url in dataset.urls)
    with pytest.raises(AttributeError):
        dataset.title = "changed"  # type: ignore[misc]


def test_the_large_pictures_of_planet_are_not_downloaded() -> None:
    assert not any("tif" in file for file in DATASETS["planet"].files)


@pytest.mark.parametrize("name", ["dogscat", "", "cifar10", None])
def test_an_unknown_name_lists_those_there_are(name: str) -> None:
    with pytest.raises(CourseError, match="dogscats, dogbreeds, planet, rossmann, digits"):
        data.get(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_dataset_lacks_what_is_taken_away(name: str, tmp_path: Path) -> None:
    real = make_real(tmp_path / name, name)
    assert DATASETS[name].missing_from(real) == []
    for patterns in DATASETS[name].layout:
        gone = real / patterns[0].replace("*", "x")
        gone.unlink()
        assert DATASETS[name].missing_from(real) == [" or ".join(patterns)]
        gone.touch()


# --- where the data folder is


def test_course_data_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "not there yet"))
    assert data.data_folder() == tmp_path / "not there yet"
    monkeypatch.setenv("COURSE_DATA", "~/data")
    assert data.data_folder() == Path.home() / "data"
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "file"))
    with pytest.raises(CourseError, match="which is a file"):
        data.data_folder()


def test_the_folder_beside_the_notebooks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("COURSE_DATA", raising=False)
    for name in ("data", "notebooks/deep"):
        (tmp_path / name).mkdir(parents=True)
    for here in (tmp_path, tmp_path / "notebooks", tmp_path / "notebooks" / "deep"):
        monkeypatch.chdir(here)
        assert data.data_folder() == tmp_path / "data"


def test_elsewhere_it_is_that_of_the_checkout_and_without_one_that_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import course_utils

    monkeypatch.delenv("COURSE_DATA", raising=False)
    package = tmp_path / "checkout" / "course_utils" / "__init__.py"
    package.parent.mkdir(parents=True)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(course_utils, "__file__", str(package))
    assert data.data_folder() == tmp_path / "here" / "data"
    (tmp_path / "checkout" / "pyproject.toml").touch()
    assert data.data_folder() == tmp_path / "checkout" / "data"


# --- get


def test_true_draws_once(folder: Path, maker: Maker, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = data.get("dogscats", sample=True)
    assert drawn == folder / "samples" / "dogscats"
    assert (drawn / "train" / "cat.0.jpg").read_text() == "seed 0, version 1"
    assert data.get("dogscats", sample=True) == drawn
    assert maker.calls == 1
    assert capsys.readouterr().out == ""


def test_true_draws_also_where_the_real_data_is(folder: Path, maker: Maker) -> None:
    real = make_real(folder / "dogscats", "dogscats")
    before = everything_in(real)
    assert data.get("dogscats", sample=True) == folder / "samples" / "dogscats"
    assert everything_in(real) == before


def test_the_marker_says_what_drew_it(folder: Path, maker: Maker) -> None:
    import numpy
    import PIL

    marker = json.loads((data.get("dogscats", sample=True) / "DRAWN.json").read_text())
    assert "none of it is real" in marker.pop("what")
    assert marker == {
        "maker": "tiny",
        "version": 1,
        "seed": 0,
        "numpy": numpy.__version__,
        "pillow": PIL.__version__,
        "files": ["train/cat.0.jpg"],
    }


def test_none_uses_the_real_data_in_silence(folder: Path, maker: Maker, capsys: pytest.CaptureFixture[str]) -> None:
    real = make_real(folder / "dogscats", "dogscats")
    assert data.get("dogscats") == real
    assert maker.calls == 0
    assert capsys.readouterr().out == ""


@pytest.fixture
def far_away(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder from which no other is near: paths that are near are told as seen from there."""
    here = tmp_path_factory.mktemp("far") / "away"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


def test_none_draws_where_there_is_no_real_data_and_says_so_in_one_line(
    folder: Path, maker: Maker, capsys: pytest.CaptureFixture[str], far_away: Path
) -> None:
    for _ in range(2):
        drawn = data.get("dogscats")
        assert drawn == folder / "samples" / "dogscats"
        (line,) = capsys.readouterr().out.splitlines()
        for part in ("no real data", str(folder), "drawn stand-in", str(drawn), "sample=False"):
            assert part in line
    assert maker.calls == 1


def test_none_says_what_a_folder_lacks(folder: Path, maker: Maker, capsys: pytest.CaptureFixture[str], far_away: Path) -> None:
    (folder / "dogscats" / "train").mkdir(parents=True)
    (folder / "dogscats" / "train" / "cat.0.jpg").touch()
    data.get("dogscats")
    assert f"{folder / 'dogscats'} lacks train/cats/*.jpg, " in capsys.readouterr().out


def test_false_uses_the_real_data_and_else_downloads(folder: Path, no_download: list[str]) -> None:
    assert data.get("planet", sample=False) == folder / "planet"
    assert no_download == ["planet"]
    make_real(folder / "planet", "planet")
    assert data.get("planet", sample=False) == folder / "planet"
    assert no_download == ["planet"]


def test_false_does_not_download_into_a_folder_with_something_in_it(folder: Path, no_download: list[str]) -> None:
    (folder / "planet" / "train-jpg").mkdir(parents=True)
    (folder / "planet" / "train-jpg" / "train_0.jpg").touch()
    with pytest.raises(CourseError, match=r"lacks train_v2\.csv or train_v2\.csv\.gz.*files=\[\.\.\.\]"):
        data.get("planet", sample=False)
    (folder / "digits").symlink_to(folder / "unplugged")
    with pytest.raises(CourseError, match=r"is a link to .*unplugged, which is not there"):
        data.get("digits", sample=False)
    assert no_download == []


@pytest.mark.parametrize("sample", [True, None])
def test_what_cannot_be_drawn_says_what_can_and_what_to_do(
    folder: Path, sample: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(DATASETS, "planet", replace(DATASETS["planet"], maker=None))
    with pytest.raises(CourseError) as caught:
        data.get("planet", sample=sample)
    for part in ("'planet' has no drawn stand-in", "dogscats", "sample=False", "link(", DATASETS["planet"].page):
        assert part in str(caught.value)
    assert everything_in(folder) == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_name_and_form_of_a_real_folder_is_found(name: str, folder: Path) -> None:
    for called in DATASETS[name].folders:
        for suffix in ("", ".gz"):
            real = make_real(folder / called, name, suffix)
            assert data.get(name) == real
            real.rename(folder / f"gone {called.replace('/', ' ')}{suffix}")


def test_a_read_only_folder_is_used_and_never_written_to(
    folder: Path, maker: Maker, capsys: pytest.CaptureFixture[str]
) -> None:
    real = make_real(folder / "dogscats", "dogscats")
    before = everything_in(folder)
    folder.chmod(0o555)
    assert data.get("dogscats") == real
    drawn = data.get("dogscats", sample=True)
    assert drawn == folder.parent / "default" / "data" / "samples" / "dogscats"
    assert (drawn / "train" / "cat.0.jpg").exists()
    assert f"{folder / 'samples'} cannot be written to" in capsys.readouterr().out
    assert everything_in(folder) == before
    folder.chmod(0o755)


def test_where_nothing_else_can_be_written_to_it_is_the_cache(folder: Path, maker: Maker) -> None:
    folder.chmod(0o555)
    (folder.parent / "default").chmod(0o555)
    assert data.get("dogscats", sample=True) == folder.parent / "cache" / "course-utils" / "samples" / "dogscats"
    assert data.status("dogscats").sample == folder.parent / "cache" / "course-utils" / "samples" / "dogscats"


def test_a_stand_in_that_somebody_drew_in_a_read_only_folder_is_used(folder: Path, maker: Maker) -> None:
    drawn = data.get("dogscats", sample=True)
    folder.chmod(0o555)
    assert data.get("dogscats", sample=True) == drawn
    assert maker.calls == 1


# --- drawing


def test_an_older_makers_stand_in_is_drawn_again(folder: Path, maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = data.get("dogscats", sample=True)
    (drawn / "train" / "cat.1.jpg").touch()
    marker = json.loads((drawn / "DRAWN.json").read_text())
    (drawn / "DRAWN.json").write_text(json.dumps({**marker, "files": [*marker["files"], "train/cat.1.jpg"]}))
    monkeypatch.setattr(maker, "VERSION", 2, raising=False)
    assert data.status("dogscats").sample is None
    assert data.get("dogscats", sample=True) == drawn
    assert (drawn / "train" / "cat.0.jpg").read_text() == "seed 0, version 2"
    assert not (drawn / "train" / "cat.1.jpg").exists()
    assert [path.name for path in (folder / "samples").iterdir()] == ["dogscats"]


@pytest.mark.parametrize("listed", [True, False])
def test_what_was_not_drawn_stays_where_it_is(
    listed: bool, folder: Path, maker: Maker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = data.get("dogscats", sample=True)
    marker = json.loads((drawn / "DRAWN.json").read_text())
    assert marker.pop("files") == ["train/cat.0.jpg"]
    if not listed:  # as versions before did not
        (drawn / "DRAWN.json").write_text(json.dumps(marker))
    mine = [drawn / "models" / "homework.safetensors", drawn / "submission.csv.gz", drawn / "train" / "notes.txt"]
    mine[0].parent.mkdir()
    for path in mine:
        path.write_text("mine")
    monkeypatch.setattr(maker, "VERSION", 2, raising=False)
    capsys.readouterr()
    data.get("dogscats", sample=True)
    assert [path.read_text() for path in mine] == ["mine"] * 3
    assert (drawn / "train" / "cat.0.jpg").read_text() == "seed 0, version 2"
    assert "kept, since it was not drawn: models, submission.csv.gz, train" in capsys.readouterr().out
    assert data.status("dogscats").sample == drawn


def test_a_drawing_that_was_stopped_while_it_replaced_another_is_done_again(
    folder: Path, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = data.get("dogscats", sample=True)
    (drawn / "mine.txt").write_text("mine")
    monkeypatch.setattr(maker, "VERSION", 2, raising=False)
    replace_file = Path.replace

    def stop(self: Path, target: Path) -> Path:
        if target.name == "DRAWN.json":
            raise KeyboardInterrupt
        return replace_file(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            data.get("dogscats", sample=True)
    assert data.status("dogscats").sample is None
    assert data.get("dogscats", sample=True) == drawn
    assert (drawn / "mine.txt").read_text() == "mine"
    assert (drawn / "train" / "cat.0.jpg").read_text() == "seed 0, version 2"


@pytest.mark.parametrize(
    ("error", "raised"), [(KeyboardInterrupt, KeyboardInterrupt), (MemoryError, CourseError), (OSError, CourseError)]
)
def test_an_interrupted_drawing_leaves_nothing_and_is_begun_again(
    error: type[BaseException],
    raised: type[BaseException],
    folder: Path,
    maker: Maker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(part: Path) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(maker, "before", interrupt, raising=False)
        patch.setattr(data, "spare_folder", lambda: None)
        with pytest.raises(raised):
            data.get("dogscats", sample=True)
    assert list((folder / "samples").iterdir()) == []
    assert (data.get("dogscats", sample=True) / "train" / "cat.0.jpg").exists()


def test_while_it_is_drawn_nobody_sees_it(folder: Path, maker: Maker) -> None:
    seen = []
    maker.before = lambda part: seen.append((data.status("dogscats").sample, (folder / "samples" / "dogscats").exists()))
    data.get("dogscats", sample=True)
    assert seen == [(None, False)]


@pytest.mark.parametrize("marker", [None, "", "{", "[]", '"text"'])
def test_a_folder_that_is_no_stand_in_is_left_alone(marker: str | None, folder: Path, maker: Maker) -> None:
    mine = folder / "samples" / "dogscats"
    mine.mkdir(parents=True)
    (mine / "mine.txt").touch()
    if marker is not None:
        (mine / "DRAWN.json").write_text(marker)
    with pytest.raises(CourseError, match="is not a drawn stand-in"):
        data.get("dogscats", sample=True)
    assert (mine / "mine.txt").exists()


def test_where_another_process_was_first_its_stand_in_is_kept(folder: Path, maker: Maker) -> None:
    place = folder / "samples" / "dogscats"

    def other_process(part: Path) -> None:
        place.mkdir()
        (place / "theirs").touch()
        (place / "DRAWN.json").write_text(json.dumps({"version": 1}))

    maker.before = other_process
    assert data.get("dogscats", sample=True) == place
    assert (place / "theirs").exists()
    assert [path.name for path in (folder / "samples").iterdir()] == ["dogscats"]


def test_where_another_process_was_first_by_a_hair(folder: Path, maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    place = folder / "samples" / "dogscats"
    rename = Path.rename

    def other_process_first(self: Path, target: Path) -> Path:
        if target == place:  # after we have looked whether it is there
            place.mkdir()
            (place / "DRAWN.json").write_text(json.dumps({"version": 1}))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", other_process_first)
    assert data.get("dogscats", sample=True) == place
    assert [path.name for path in place.iterdir()] == ["DRAWN.json"]


@pytest.mark.skipif(os.name != "posix", reason="this system locks no folders")
@pytest.mark.parametrize("stale", [False, True])
def test_of_eight_at_once_one_draws(stale: bool, folder: Path, maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    if stale:
        data.get("dogscats", sample=True)
        monkeypatch.setattr(maker, "VERSION", 2, raising=False)
    before = maker.calls
    maker.before = lambda part: time.sleep(0.3)
    with ThreadPoolExecutor(8) as pool:
        drawn = set(pool.map(lambda _: data.get("dogscats", sample=True), range(8)))
    assert drawn == {folder / "samples" / "dogscats"}
    assert maker.calls == before + 1
    assert (drawn.pop() / "train" / "cat.0.jpg").read_text() == f"seed 0, version {maker.VERSION}"
    assert [path.name for path in (folder / "samples").iterdir()] == ["dogscats"]


def test_what_a_killed_process_was_drawing_is_removed_and_what_a_living_one_draws_is_not(folder: Path, maker: Maker) -> None:
    part = "from course_utils.leftovers import part_name; print(part_name('dogscats', '.part'))"
    dead = subprocess.run([sys.executable, "-c", part], capture_output=True, text=True, check=True).stdout.strip()
    places = [folder / "samples" / name for name in (dead, leftovers.part_name("dogscats", ".part"), ".dogscats-of-mine.part")]
    for place in places:
        (place / "train").mkdir(parents=True)
    data.get("dogscats", sample=True)
    assert [place.exists() for place in places] == [False, True, True]


def test_a_full_disk_is_said_and_the_next_place_is_tried(
    folder: Path, maker: Maker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(part: Path) -> None:
        if part.is_relative_to(folder):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    maker.before = full
    assert data.get("dogscats", sample=True) == tmp_path / "default" / "data" / "samples" / "dogscats"
    place = folder / "samples" / "dogscats"
    assert capsys.readouterr().out.startswith(f"dogscats: cannot write {place}: the disk is full; make room")


# --- status and link


def test_status(folder: Path, maker: Maker) -> None:
    assert data.status("dogscats") == data.Status("dogscats", None, None)
    drawn = data.get("dogscats", sample=True)
    assert data.status("dogscats") == data.Status("dogscats", None, drawn)
    real = make_real(folder / "dogscats", "dogscats")
    assert data.status("dogscats") == data.Status("dogscats", real, drawn)
    assert data.status("planet") == data.Status("planet", None, None)
    assert maker.calls == 1


def test_link(folder: Path, tmp_path: Path) -> None:
    drive = make_real(tmp_path / "drive" / "my planet", "planet")
    before = everything_in(drive)
    place = data.link("planet", drive)
    assert place == folder / "planet"
    assert place.is_symlink()
    assert data.get("planet") == place
    assert data.get("planet", sample=False) == place
    assert data.link("planet", str(drive)) == place
    assert everything_in(drive) == before


def test_link_refuses_what_is_not_the_dataset_or_would_replace_something(folder: Path, tmp_path: Path) -> None:
    first, second = (make_real(tmp_path / name, "planet") for name in ("first", "second"))
    with pytest.raises(CourseError, match=r"is not dogscats: it lacks train/cats/\*\.jpg"):
        data.link("dogscats", first)
    with pytest.raises(CourseError, match="is not a folder"):
        data.link("planet", tmp_path / "none")
    assert everything_in(folder) == set()
    data.link("planet", first)
    with pytest.raises(CourseError, match=r"is a link to .*first; nothing was changed"):
        data.link("planet", second)
    (folder / "planet").unlink()
    (folder / "planet").mkdir()
    with pytest.raises(CourseError, match="is there already; nothing was changed"):
        data.link("planet", second)
    assert not (folder / "planet").is_symlink()


def test_a_system_that_makes_no_links_says_what_to_do(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path, target_is_directory: bool = False) -> None:
        raise OSError(1314, "A required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    with pytest.raises(CourseError, match=r"privilege is not held.*Developer Mode.*mklink /J.*COURSE_DATA"):
        data.link("planet", make_real(tmp_path / "drive", "planet"))


def test_a_link_to_nowhere_is_named(folder: Path, maker: Maker, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "dogscats").symlink_to(folder / "unplugged")
    assert data.get("dogscats") == folder / "samples" / "dogscats"
    assert "unplugged, which is not there" in capsys.readouterr().out


# --- the split of cats and dogs


def flat(folder: Path, n: int, shuffled: bool = False) -> Path:
    (folder / "train").mkdir(parents=True)
    names = [f"{kind}.{i}.jpg" for kind in ("cat", "dog") for i in range(n)]
    for name in reversed(names) if shuffled else names:
        (folder / "train" / name).write_text(name)
    return folder


def split_of(folder: Path) -> dict[str, str]:
    return {path.name: path.parent.relative_to(folder).as_posix() for path in folder.rglob("*.jpg")}


def test_the_split_depends_on_names_and_seed_alone(tmp_path: Path) -> None:
    folders = [flat(tmp_path / "a", 30), flat(tmp_path / "b", 30, shuffled=True), flat(tmp_path / "c", 30)]
    for folder, seed in zip(folders, (0, 0, 1), strict=True):
        split_cats_and_dogs(folder, valid_per_class=10, seed=seed)
    first, again, other = (split_of(folder) for folder in folders)
    assert first == again
    assert first != other
    cats = sorted((f"cat.{i}.jpg" for i in range(30)), key=lambda name: hashlib.sha256(f"0:{name}".encode()).hexdigest())
    assert {name for name, part in first.items() if part == "valid/cats"} == set(cats[:10])
    assert all((folders[0] / part / name).read_text() == name for name, part in first.items())


def test_the_split_is_not_the_first_numbers(tmp_path: Path) -> None:
    split_cats_and_dogs(flat(tmp_path / "a", 30), valid_per_class=10)
    cats, dogs = (
        {name.split(".")[1] for name, part in split_of(tmp_path / "a").items() if part == f"valid/{kind}"}
        for kind in ("cats", "dogs")
    )
    assert len(cats) == len(dogs) == 10
    assert cats != dogs
    assert cats != {str(i) for i in range(10)}


def test_a_split_that_cannot_be_made_moves_nothing(tmp_path: Path) -> None:
    few = flat(tmp_path / "few", 10)
    before = everything_in(few)
    with pytest.raises(CourseError, match=r"holds 10 pictures cat\.\*\.jpg; more than 10 are needed"):
        split_cats_and_dogs(few, valid_per_class=10)
    (few / "train" / "cat.one.jpg").touch()
    with pytest.raises(CourseError, match=r"holds cat\.one\.jpg; expected only files like cat\.0\.jpg"):
        split_cats_and_dogs(few, valid_per_class=3)
    assert everything_in(few) - before == {few / "train" / "cat.one.jpg"}


# --- the real thing


@pytest.mark.real_data
@pytest.mark.parametrize("name", NAMES)
def test_real_folders_are_recognised(name: str) -> None:
    root = os.environ.get("COURSE_DATA")
    if not root:
        pytest.skip("COURSE_DATA names no folder with real data")
    there = [Path(root) / called for called in DATASETS[name].folders if (Path(root) / called).is_dir()]
    if not there:
        pytest.skip(f"{root} holds no {name}")
    assert DATASETS[name].missing_from(there[0]) == []
    assert data.status(name).real == there[0]
    assert data.get(name, sample=False) == there[0]
