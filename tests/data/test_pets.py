"""The drawn cats and dogs: layout, labels, the same bytes again, and nothing but the animal that tells which it is."""

import os
import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils.data.samples import pets, workers
from course_utils.errors import CourseError
from tests.data.written_files import files

SMALL: pets.Sizes = {"train": (8, 2), "valid": (4, 1), "test1": (3, 0)}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("pets")
    pets.draw(folder, sizes=SMALL, seed=3, processes=1)
    return folder


def test_layout_and_counts_are_those_of_kaggles_set():
    paths = [picture.path for picture in pets.pictures(pets.SIZES)]
    assert len(set(paths)) == len(paths) == 3000
    counts = Counter(path.rpartition("/")[0] for path in paths)
    assert counts == {"train/cats": 1000, "train/dogs": 1000, "valid/cats": 250, "valid/dogs": 250, "test1": 500}
    assert all(re.fullmatch(r"(train|valid)/(cats/cat|dogs/dog)\.\d+\.jpg|test1/\d+\.jpg", path) for path in paths)
    assert {f"test1/{number}.jpg" for number in range(1, 501)} <= set(paths)
    names = [path.rpartition("/")[2] for path in paths if not path.startswith("test1")]
    assert len(set(names)) == 2500  # a number is used once over train and valid


def test_a_small_set_has_every_file_and_no_other(drawn):
    assert sorted(files(drawn)) == sorted(picture.path for picture in pets.pictures(SMALL, seed=3))


def test_every_picture_is_an_rgb_jpeg_of_180_to_500_pixels_a_side(drawn):
    for path in drawn.rglob("*.jpg"):
        with Image.open(path) as image:
            assert (image.format, image.mode) == ("JPEG", "RGB")
            assert min(image.size) >= 180
            assert max(image.size) <= 500
            assert np.asarray(image).std() > 10  # something is drawn


def test_sizes_of_the_whole_set():
    shots = [pets.compose(picture)[0] for picture in pets.pictures(pets.SIZES)]
    sides = np.array([(shot.width, shot.height) for shot in shots])
    assert sides.min() >= 180
    assert sides.max() <= 500
    assert 0.3 < np.mean(sides[:, 0] > sides[:, 1]) < 0.7  # landscape and portrait
    assert len(np.unique(sides, axis=0)) > 500


def test_same_seed_same_bytes_whatever_the_number_of_processes(drawn, tmp_path):
    pets.draw(tmp_path, sizes=SMALL, seed=3, processes=2)
    assert files(tmp_path) == files(drawn)


def test_drawing_again_in_the_same_process_gives_the_same_bytes(drawn):
    picture = pets.pictures(SMALL, seed=3)[5]
    first, second = (np.asarray(pets.take(*pets.compose(picture, seed=3))) for _ in range(2))
    assert np.array_equal(first, second)


def test_another_seed_draws_other_pictures(drawn):
    picture = pets.pictures(SMALL, seed=3)[0]
    assert pets.compose(picture, seed=3)[:2] != pets.compose(picture, seed=4)[:2]


@pytest.mark.parametrize("seed", [0, 1])
def test_exactly_the_stated_pictures_are_mislabelled(seed):
    wrong = pets.mislabelled(seed)
    assert Counter(path.split("/")[0] for path in wrong) == {"train": 20, "valid": 5}
    for picture in pets.pictures(pets.SIZES, seed):
        split, name = picture.path.split("/")[0], picture.path.split("/")[-1]
        shown = pets.truth(split, name, seed)
        assert shown == picture.species
        if split != "test1":
            assert (not name.startswith(shown)) == (picture.path in wrong)


def test_the_stated_accuracy_is_that_of_knowing_every_animal():
    valid = [picture for picture in pets.pictures(pets.SIZES) if picture.split == "valid"]
    known = np.mean([picture.label == pets.truth("valid", picture.path) for picture in valid])
    assert known == pets.BEST_ACCURACY == 0.99


def test_the_test_set_is_half_cats_and_in_no_order():
    shown = [pets.truth("test1", f"{number}.jpg") for number in range(1, 501)]
    assert Counter(shown) == {"cat": 250, "dog": 250}
    runs = sum(a != b for a, b in pairwise(shown))
    assert 200 < runs < 300


def test_truth_of_a_picture_that_is_not_there_says_what_there_is():
    with pytest.raises(CourseError, match=r"no picture 'cat\.9999\.jpg' in 'train'.*cat\.123\.jpg"):
        pets.truth("train", "cat.9999.jpg")


def test_a_picture_shows_its_species_whatever_its_label_says():
    for picture in pets.pictures(pets.SIZES)[::50]:
        assert pets.compose(picture)[1].species == picture.species


def test_everything_but_the_animal_is_the_same_for_both():
    """Swap the species of a picture: place, light, framing, pose and coat stay as they were."""
    for picture in pets.pictures(pets.SIZES)[::100]:
        other = pets.Picture(picture.split, picture.index, picture.path, "dog" if picture.species == "cat" else "cat")
        (shot, animal, _), (other_shot, other_animal, _) = pets.compose(picture), pets.compose(other)
        assert shot == other_shot
        assert (animal.pose, animal.coat, animal.collar) == (other_animal.pose, other_animal.coat, other_animal.collar)
        assert animal.species != other_animal.species


def test_places_things_and_coats_are_as_frequent_with_cats_as_with_dogs():
    seen: dict[str, dict[str, Counter[str]]] = {
        what: {"cat": Counter(), "dog": Counter()} for what in ("place", "thing", "coat", "pose")
    }
    for picture in pets.pictures(pets.SIZES):
        shot, animal, _ = pets.compose(picture)
        found = {"place": shot.scene.place, "thing": shot.scene.thing, "coat": animal.coat.pattern, "pose": animal.pose}
        for what, value in found.items():
            seen[what][picture.species][value] += 1
    for what, counts in seen.items():
        cats, dogs = counts["cat"], counts["dog"]
        assert set(cats) == set(dogs), what
        # both are samples of about 1,500 from one distribution: the statistic is chi-squared, its mean the number of kinds - 1
        statistic = sum((cats[kind] - dogs[kind]) ** 2 / (cats[kind] + dogs[kind]) for kind in cats)
        assert statistic < len(cats) + 4 * (2 * len(cats)) ** 0.5, what


def test_it_is_drawn_from_a_script_without_a_main_guard(tmp_path):
    """What `multiprocessing` cannot do where processes are spawned."""
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from course_utils.data.samples import pets\n"
        f"pets.draw(Path({str(tmp_path / 'out')!r}), sizes={{'test1': (4, 0)}}, processes=2)\n"
    )
    root = str(Path(__file__).parents[2])
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": root})
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")  # no bar where nobody looks
    assert sorted(files(tmp_path / "out")) == ["test1/1.jpg", "test1/2.jpg", "test1/3.jpg", "test1/4.jpg"]


def test_a_process_that_fails_is_reported_with_its_own_words(tmp_path):
    (tmp_path / "test1" / "2.jpg").mkdir(parents=True)  # where a picture should go
    with pytest.raises(workers.DrawingError, match=r"failed in 1 of 2 processes(.|\n)*2\.jpg"):
        pets.draw(tmp_path, sizes={"test1": (4, 0)}, processes=2)


def test_no_process_is_left_when_drawing_is_interrupted(tmp_path, monkeypatch):
    started: list[subprocess.Popen[bytes]] = []
    start = workers._start

    def remember(*arguments):
        started.append(start(*arguments))
        return started[-1]

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "_start", remember)
    monkeypatch.setattr(workers, "_follow", interrupt)
    with pytest.raises(KeyboardInterrupt):
        pets.draw(tmp_path, sizes={"test1": (400, 0)}, processes=2)
    assert len(started) == 2
    assert all(child.poll() is not None for child in started)
