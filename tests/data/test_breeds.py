"""The drawn dogs: Kaggle's layout, the same bytes again, and a best possible score that follows from how they are drawn."""

import re
from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import course_utils.data
from course_utils.data.catalog import DATASETS
from course_utils.data.samples import breeds
from course_utils.data.samples.drawing.anatomy import build
from course_utils.data.samples.drawing.breed_coats import BREED_COATS
from course_utils.data.samples.drawing.kennel import LOOKS
from course_utils.data.samples.drawing.parts import Part
from course_utils.errors import CourseError
from course_utils.training.splits import validation_split
from tests.data.written_files import files

SMALL: breeds.Sizes = {"train": 7, "test": 3}
BREEDS = sorted(breeds.BREEDS)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("breeds")
    breeds.draw(folder, sizes=SMALL, seed=3, processes=1)
    return folder


@pytest.fixture(scope="module")
def whole() -> list[breeds.Picture]:
    return breeds.pictures(breeds.SIZES)


def table(path: Path) -> tuple[list[str], list[list[str]]]:
    header, *rows = [line.split(",") for line in path.read_text().splitlines()]
    return header, rows


# --- files


def test_labels_name_every_training_picture_and_no_other(drawn):
    header, rows = table(drawn / "labels.csv")
    assert header == ["id", "breed"]
    assert [id for id, _ in rows] == sorted(path.stem for path in (drawn / "train").glob("*.jpg"))
    assert len(rows) == 7
    assert {breed for _, breed in rows} <= set(BREEDS)


def test_the_sample_submission_has_the_test_pictures_and_the_same_probability_for_every_breed(drawn):
    header, rows = table(drawn / "sample_submission.csv")
    assert header == ["id", *BREEDS]
    assert [row[0] for row in rows] == sorted(path.stem for path in (drawn / "test").glob("*.jpg"))
    assert len(rows) == 3
    assert {float(value) for row in rows for value in row[1:]} == {1 / 12}


def test_the_folder_holds_these_files_and_no_others(drawn):
    pictures = [picture.path for picture in breeds.pictures(SMALL, seed=3)]
    assert sorted(files(drawn)) == sorted([*pictures, "labels.csv", "sample_submission.csv"])
    assert all(re.fullmatch(r"(train|test)/[0-9a-f]{32}\.jpg", path) for path in pictures)
    assert b"\r" not in (drawn / "labels.csv").read_bytes()


def test_every_picture_is_an_rgb_jpeg_of_180_to_500_pixels_a_side(drawn):
    for path in drawn.rglob("*.jpg"):
        with Image.open(path) as image:
            assert (image.format, image.mode) == ("JPEG", "RGB")
            assert min(image.size) >= 180
            assert max(image.size) <= 500
            assert np.asarray(image).std() > 10  # something is drawn


def test_same_seed_same_bytes_whatever_the_number_of_processes(drawn, tmp_path):
    breeds.draw(tmp_path, sizes=SMALL, seed=3, processes=2)
    assert files(tmp_path) == files(drawn)


def test_another_seed_draws_other_pictures(drawn, tmp_path):
    breeds.draw(tmp_path, sizes={"train": 1, "test": 0}, seed=4, processes=1)
    (picture,) = (tmp_path / "train").iterdir()
    assert picture.name not in {path.name for path in (drawn / "train").iterdir()}
    assert picture.read_bytes() not in files(drawn).values()


def test_get_draws_them(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setattr(breeds, "draw", partial(breeds.draw, sizes=SMALL))
    folder = course_utils.data.get("dogbreeds", sample=True)
    assert DATASETS["dogbreeds"].missing_from(folder) == []
    assert len(list((folder / "train").iterdir())) == 7
    assert (folder / "DRAWN.json").is_file()


# --- the whole set, undrawn


def test_numbers_of_the_whole_set(whole):
    assert Counter(picture.split for picture in whole) == {"train": 1200, "test": 240}
    assert len({picture.id for picture in whole}) == 1440
    for split in breeds.SIZES:
        counts = Counter(picture.breed for picture in whole if picture.split == split)
        assert sorted(counts) == BREEDS
        assert 1.2 < max(counts.values()) / min(counts.values()) < 4  # in Kaggle's training set 126 / 66


def test_twelve_breeds_are_spelt_as_kaggle_spells_them():
    assert len(BREEDS) == 12
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", breed) for breed in BREEDS)
    assert sum(share for share, _ in breeds.BREEDS.values()) == 100
    assert all(sum(looks.values()) == 10 for _, looks in breeds.BREEDS.values())
    assert {"ghost", *(look for _, looks in breeds.BREEDS.values() for look in looks)} == set(LOOKS)
    assert {look.pattern for look in LOOKS.values()} == set(BREED_COATS)


@pytest.mark.real_data
def test_kaggles_table_has_these_breeds(real_data):
    _, rows = table(real_data / "dogbreeds" / "labels.csv")
    assert {breed for _, breed in rows} > set(BREEDS)


def test_breeds_and_looks_are_as_frequent_as_stated(whole):
    for split, number in breeds.SIZES.items():
        counts = Counter((picture.breed, picture.look) for picture in whole if picture.split == split)
        for breed, (share, looks) in breeds.BREEDS.items():
            for look, tenths in looks.items():
                expected = number * share / 100 * tenths / 10 * 0.9
                assert abs(counts.pop((breed, look)) - expected) <= 1
            assert abs(counts.pop((breed, "ghost")) - number * share / 100 * 0.1) <= 1
        assert not counts


def test_sizes_vary(whole):
    shots = [breeds.compose(picture)[0] for picture in whole[::2]]
    sides = np.array([(shot.width, shot.height) for shot in shots])
    assert sides.min() >= 180
    assert sides.max() <= 500
    assert 0.3 < np.mean(sides[:, 0] > sides[:, 1]) < 0.7  # landscape and portrait
    assert len(np.unique(sides, axis=0)) > 300


def test_ids_tell_nothing(whole):
    """Neighbours in the order of ids are of the same breed as rarely as if they were shuffled."""
    train = [picture.breed for picture in whole if picture.split == "train"]
    same = np.mean([a == b for a, b in pairwise(train)])
    expected = sum((n / 1200) ** 2 for n in Counter(train).values())
    assert abs(same - expected) < 4 * (expected / 1200) ** 0.5


# --- what is best possible


def test_the_best_possible_scores_follow_from_how_pictures_are_drawn():
    """Against a simulation that knows nothing of Bayes' rule: it counts breeds among pictures of the same look."""
    rng = np.random.default_rng(0)
    n = 400_000
    drawn = rng.choice(12, n, p=[breeds.BREEDS[breed][0] / 100 for breed in BREEDS])
    looks, names = np.zeros(n, int), list(LOOKS)
    for number, breed in enumerate(BREEDS):
        of_breed = drawn == number
        tenths = [breeds.BREEDS[breed][1].get(look, 0) / 10 for look in names]
        looks[of_breed] = rng.choice(len(names), of_breed.sum(), p=tenths)
    looks[rng.random(n) < breeds.GHOSTS] = names.index("ghost")
    together = np.zeros((len(names), 12))
    np.add.at(together, (looks, drawn), 1)
    probabilities = together / together.sum(1, keepdims=True)
    assert -np.log(probabilities[looks, drawn]).mean() == pytest.approx(breeds.BEST_LOG_LOSS, abs=0.003)
    assert (probabilities.argmax(1)[looks] == drawn).mean() == pytest.approx(breeds.BEST_ACCURACY, abs=0.003)
    for look, counted in zip(names, probabilities, strict=True):
        assert breeds.posterior(look) == pytest.approx(counted, abs=0.01)


def test_the_stated_scores_are_exact_to_the_last_digit():
    shares = np.array([[share * looks.get(look, 0) / 1000 for look in LOOKS] for share, looks in breeds.BREEDS.values()])
    shares *= 0.9
    shares[:, list(LOOKS).index("ghost")] = [share / 100 * 0.1 for share, _ in breeds.BREEDS.values()]
    assert shares.sum() == pytest.approx(1)
    entropy = -(shares[shares > 0] * np.log((shares / shares.sum(0))[shares > 0])).sum()
    assert round(entropy, 3) == breeds.BEST_LOG_LOSS
    assert round(shares.max(0).sum(), 3) == breeds.BEST_ACCURACY


def test_the_posteriors_of_all_pictures_score_as_well_as_possible(whole):
    probabilities, answers = breeds.posteriors(), [BREEDS.index(picture.breed) for picture in whole]
    assert list(probabilities) == [picture.id for picture in whole]
    p = np.stack(list(probabilities.values()))
    assert p.shape == (1440, 12)
    assert np.allclose(p.sum(1), 1)
    losses = -np.log(p[np.arange(1440), answers])
    assert abs(losses.mean() - breeds.BEST_LOG_LOSS) < 4 * losses.std() / 1440**0.5
    assert abs(np.mean(p.argmax(1) == answers) - breeds.BEST_ACCURACY) < 4 * 0.5 / 1440**0.5


@pytest.mark.parametrize("stratified", [False, True])
def test_the_usual_fifth_for_validation_is_as_hard_as_the_whole(whole, stratified):
    train = [picture for picture in whole if picture.split == "train"]
    rows = validation_split(len(train), stratify=[picture.breed for picture in train] if stratified else None)
    best = [breeds.posterior(train[row].look)[BREEDS.index(train[row].breed)] for row in rows]
    assert -np.log(best).mean() == pytest.approx(breeds.BEST_LOG_LOSS, abs=0.01)


def test_four_pairs_of_breeds_have_a_look_in_common():
    wearers = {look: [breed for breed in BREEDS if look in breeds.BREEDS[breed][1]] for look in LOOKS}
    assert wearers.pop("ghost") == []  # since every breed may be one
    assert sorted(map(tuple, (pair for pair in wearers.values() if len(pair) > 1))) == [
        ("cardigan", "pembroke"),
        ("malamute", "siberian_husky"),
        ("miniature_poodle", "toy_poodle"),
        ("norfolk_terrier", "norwich_terrier"),
    ]


def test_truth_says_what_a_test_picture_shows(whole):
    picture = next(picture for picture in whole if picture.split == "test")
    assert breeds.truth(picture.id) == picture.breed
    with pytest.raises(CourseError, match=r"no picture 'train/0\.jpg'; ids have 32 hexadecimal digits, such as "):
        breeds.truth("train/0.jpg")


# --- nothing but the look tells the breed


def test_a_breed_shows_in_its_look_alone(whole):
    """Swap the breed of a picture whose look two breeds share: the picture is the same to the pixel."""
    picture = next(picture for picture in whole if picture.breed == "malamute" and picture.look == "grey sled dog")
    same = replace(picture, breed="siberian_husky")
    first, second = (np.asarray(breeds.take(*breeds.compose(p))) for p in (picture, same))
    assert np.array_equal(first, second)


def test_all_but_the_dog_is_the_same_whatever_the_look(whole):
    for picture in whole[::100]:
        shot, animal, rng = breeds.compose(picture)
        for look in LOOKS:
            other_shot, other, other_rng = breeds.compose(replace(picture, look=look))
            assert other_shot == shot
            assert (other.pose, other.body_yaw, other.head_yaw, other.collar, other.mouth_open, other.asleep) == (
                animal.pose, animal.body_yaw, animal.head_yaw, animal.collar, animal.mouth_open, False
            )  # fmt: skip
            assert other_rng.bit_generator.state == rng.bit_generator.state  # so the place is painted alike


@pytest.mark.parametrize("pose", ["sit", "stand", "lie", "rest"])
@pytest.mark.parametrize("look", LOOKS)
def test_every_look_can_be_drawn_in_every_pose_and_looks_like_no_other(look, pose, whole):
    shot, animal, rng = breeds.compose(replace(whole[0], look=look))
    small = replace(shot, width=120, height=120, closeness="whole")
    picture = np.asarray(breeds.take(small, replace(animal, pose=pose), rng)).astype(int)
    assert picture.shape == (120, 120, 3)
    assert np.isfinite(picture).all()
    other_look = next(name for name in LOOKS if name != look)
    _, other, rng = breeds.compose(replace(whole[0], look=other_look))
    assert np.abs(np.asarray(breeds.take(small, replace(other, pose=pose), rng)).astype(int) - picture).mean() > 1


def test_a_cap_hides_the_ears_and_the_coats_of_terriers_differ_in_nothing_else():
    """So that what is shared by two breeds holds no trace of what tells them apart."""
    capped, up = LOOKS["terrier in a cap"], LOOKS["black and tan terrier, ears up"]
    assert capped.ears == "hidden"
    assert capped == replace(up, ears="hidden", pattern=capped.pattern, marking=capped.marking)
    assert capped == replace(LOOKS["red terrier, ears down"], ears="hidden", ear_size=capped.ear_size)


def test_a_sheet_leaves_only_eyes_and_nose(whole):
    _, animal, _ = breeds.compose(replace(whole[0], look="ghost"))
    parts = {shape.part for shape in build(animal).shapes}
    assert parts == {Part.BODY, Part.HEAD, Part.NOSE}
    assert {Part.LEG, Part.TAIL} < {shape.part for shape in build(replace(animal, sheet=False)).shapes}
