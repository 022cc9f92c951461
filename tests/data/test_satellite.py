"""The drawn satellite tiles: layout, tags and their shares, the same bytes again, and that a tile shows what it is said to."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from course_utils.data.samples import satellite
from course_utils.data.samples.drawing.tiles import paint_tile, take
from course_utils.errors import CourseError
from course_utils.vision.images import read_image
from tests.data.written_files import files

SMALL = {"train": 5, "test": 2}
REAL_SHARES = {  # of the competition's 40,479 rows
    "primary": 0.927,
    "clear": 0.702,
    "agriculture": 0.304,
    "road": 0.199,
    "water": 0.183,
    "partly_cloudy": 0.179,
    "cultivation": 0.111,
    "habitation": 0.090,
    "haze": 0.067,
    "cloudy": 0.052,
    "bare_ground": 0.021,
}
RARE = {"artisinal_mine", "blooming", "blow_down", "conventional_mine", "selective_logging", "slash_burn"}
KEY = [0, 1, 7]  # of the place that paired tiles show


def rows(path: Path) -> list[list[str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def f2(named: set[str], tags: set[str]) -> float:
    right = len(named & tags)
    precision, recall = right / len(named), right / len(tags)
    return 5 * precision * recall / (4 * precision + recall) if right else 0.0


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("satellite")
    satellite.draw(folder, sizes=SMALL, seed=3, processes=1)
    return folder


@pytest.fixture(scope="module")
def train() -> list[satellite.Tile]:
    return [tile for tile in satellite.pictures(satellite.SIZES) if tile.split == "train"]


def test_layout_is_that_of_the_competition(drawn):
    assert sorted(files(drawn)) == [
        "sample_submission_v2.csv",
        *[f"test-jpg/test_{i}.jpg" for i in range(2)],
        *[f"train-jpg/train_{i}.jpg" for i in range(5)],
        "train_v2.csv",
    ]


def test_tables_are_those_of_the_competition(drawn):
    header, *labelled = rows(drawn / "train_v2.csv")
    assert header == ["image_name", "tags"]
    assert [name for name, _ in labelled] == [f"train_{i}" for i in range(5)]
    for _, tags in labelled:
        assert tags.split(" ") == sorted(set(tags.split(" ")))
        assert set(tags.split(" ")) <= set(satellite.TAGS)
    header, *guessed = rows(drawn / "sample_submission_v2.csv")
    assert header == ["image_name", "tags"]
    assert guessed == [[f"test_{i}", "primary clear agriculture road water"] for i in range(2)]
    assert b"\r" not in (drawn / "train_v2.csv").read_bytes()


def test_a_tile_is_a_jpeg_that_pillow_takes_for_cmyk_and_that_reads_as_what_was_drawn(drawn):
    for tile in satellite.pictures(SMALL, seed=3):
        path = drawn / f"{tile.split}-jpg" / f"{tile.name}.jpg"
        with Image.open(path) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "CMYK", (256, 256))
            assert not np.asarray(image)[:, :, 3].any()  # the fourth channel holds nothing
        lost = read_image(path).astype(float) - np.asarray(satellite.picture(tile, seed=3))
        assert np.abs(lost).mean() < 4


def test_the_whole_set_has_1500_and_400_tiles():
    assert Counter(tile.split for tile in satellite.pictures(satellite.SIZES)) == {"train": 1500, "test": 400}


def test_tags_are_the_17_of_the_competition(train):
    assert len(satellite.TAGS) == 17
    assert {tag for tile in train for tag in tile.tags} == set(satellite.TAGS) == set(REAL_SHARES) | RARE


@pytest.mark.parametrize("seed", [0, 1])
def test_exactly_one_weather_tag_and_cloudy_alone(seed):
    for tile in satellite.pictures(satellite.SIZES, seed):
        assert len(set(tile.tags) & set(satellite.WEATHER)) == 1
        assert "cloudy" not in tile.tags or tile.tags == ("cloudy",)
        assert tile.tags == tuple(sorted(tile.tags))
        assert len(tile.tags) > 1 or tile.tags == ("cloudy",) or len(tile.shown) > 1


@pytest.mark.parametrize("seed", [0, 1])
def test_shares_are_the_real_ones_and_the_rare_are_lifted(seed):
    chosen = satellite.pictures({"train": 4000}, seed)
    counts = Counter(tag for tile in chosen for tag in tile.tags)
    for tag, share in {**REAL_SHARES, **dict.fromkeys(RARE, 0.012)}.items():
        error = 4 * (share * (1 - share) / 4000) ** 0.5
        assert abs(counts[tag] / 4000 - share) < error + 0.06 * share, tag


def test_the_rarest_tags_are_there_to_be_learnt(train):
    counts = Counter(tag for tile in train for tag in tile.tags)
    assert min(counts.values()) >= 10


def test_tags_come_together_as_in_the_rain_forest():
    chosen = satellite.pictures({"train": 12000}, seed=5)

    def share(tag: str, given: str) -> float:
        found = [tag in tile.tags for tile in chosen if given in tile.tags]
        return sum(found) / len(found)

    # measured among the competition's rows
    assert share("agriculture", "road") == pytest.approx(0.748, abs=0.05)
    assert share("road", "agriculture") == pytest.approx(0.490, abs=0.04)
    assert share("road", "habitation") == pytest.approx(0.761, abs=0.07)
    assert share("agriculture", "cultivation") == pytest.approx(0.758, abs=0.07)
    assert share("water", "artisinal_mine") == pytest.approx(0.882, abs=0.08)
    assert share("cultivation", "slash_burn") == pytest.approx(0.622, abs=0.12)
    assert share("primary", "bare_ground") == pytest.approx(0.792, abs=0.08)
    assert share("primary", "clear") == pytest.approx(0.973, abs=0.01)
    for tag in ("blooming", "blow_down", "selective_logging", "slash_burn"):
        assert share("primary", tag) == 1


def test_only_what_is_said_to_be_overlooked_is(train):
    shown, overlooked = Counter(), Counter()
    for tile in [*train, *satellite.pictures({"train": 5000}, seed=8)]:
        shown.update(tile.shown)
        overlooked.update(tile.shown - set(tile.tags))
        assert set(tile.tags) <= tile.shown
    assert set(overlooked) == set(satellite.OVERLOOKED)
    for tag, share in satellite.OVERLOOKED.items():
        assert overlooked[tag] / shown[tag] == pytest.approx(share, abs=4 * (share / shown[tag]) ** 0.5)


def test_the_best_f2_is_that_of_naming_all_that_is_shown(train):
    scores = [f2(set(satellite.truth(tile.name)), set(tile.tags)) for tile in train]
    assert np.mean(scores) == pytest.approx(satellite.BEST_F2, abs=5e-5)


def test_truth_of_a_tile_that_is_not_there_says_what_there_is():
    assert satellite.truth("test_399.jpg") == satellite.truth("test_399")
    with pytest.raises(CourseError, match=r"none called 'train_1500'; there are train_0 to train_1499, test_0 to test_399"):
        satellite.truth("train_1500")


def test_same_seed_same_bytes_whatever_the_number_of_processes(drawn, tmp_path):
    satellite.draw(tmp_path, sizes=SMALL, seed=3, processes=2)
    assert files(tmp_path) == files(drawn)


def test_another_seed_draws_other_tiles(drawn):
    assert [tile.tags for tile in satellite.pictures(satellite.SIZES, 3)] != [
        tile.tags for tile in satellite.pictures(satellite.SIZES, 4)
    ]
    first, second = (np.asarray(take({"clear", "primary"}, [seed, 1, 0])) for seed in (3, 4))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("tag", sorted(set(satellite.LAND) - {"primary"}))
def test_a_tag_changes_the_tile_where_it_is_shown_and_nowhere_else(tag):
    """The same place with and without one thing: everything else stays as it was."""
    plain, _ = paint_tile({"clear", "primary"}, KEY)
    pixels, shown = paint_tile({"clear", "primary", tag}, KEY)
    difference = np.abs(pixels - plain).max(axis=0)
    clearly = shown[tag] > 0.5
    assert clearly.sum() > 200
    assert difference[clearly].mean() > 0.08  # of 1: some 20 of 255
    touched = Image.fromarray((shown[tag] > 0.02).astype(np.uint8))
    near = np.asarray(touched.filter(ImageFilter.MaxFilter(15)))  # banks, rims and shade lie beside it
    if tag != "slash_burn":  # its smoke drifts off
        assert difference[near == 0].max(initial=0) < 0.15


def test_forest_that_is_not_primary_gives_way_to_open_country():
    forest, shown = paint_tile({"clear", "primary"}, KEY)
    assert shown["primary"].min() == 1
    for tags in ({"clear", "bare_ground"}, {"clear", "agriculture"}, {"clear", "water"}, {"clear", "habitation", "road"}):
        pixels, shown = paint_tile(tags, KEY)
        assert "primary" not in shown
        assert (np.abs(pixels - forest).max(axis=0) > 0.05).mean() > 0.8


def test_every_tag_can_be_seen_on_some_hundred_pixels(train):
    for tag in satellite.LAND:
        for tile in [tile for tile in train if tag in tile.shown][:2]:
            _, shown = paint_tile(tile.shown, [0, 1, tile.index])
            assert shown[tag].sum() > 300, (tile.name, tag)


@pytest.mark.parametrize("index", range(3))
def test_haze_lowers_the_contrast_and_keeps_the_picture(index):
    tags = {"primary", "agriculture", "road"}
    clear, _ = paint_tile({*tags, "clear"}, [0, 1, index])
    haze, _ = paint_tile({*tags, "haze"}, [0, 1, index])
    assert 0.2 < haze.std(axis=(1, 2)).mean() / clear.std(axis=(1, 2)).mean() < 0.6
    assert haze.mean() > clear.mean() + 0.08
    assert np.corrcoef(haze.mean(axis=0).ravel(), clear.mean(axis=0).ravel())[0, 1] > 0.7


@pytest.mark.parametrize("index", range(3))
def test_clouds_hide_part_of_the_ground_and_cast_shadows(index):
    clear, _ = paint_tile({"primary", "clear"}, [0, 1, index])
    cloudy, shown = paint_tile({"primary", "partly_cloudy"}, [0, 1, index])
    hidden = 1 - shown["primary"]
    assert 0.03 < hidden.mean() < 0.5
    assert cloudy[:, hidden > 0.9].mean() > 0.75
    free = hidden < 0.01
    ratio = cloudy.mean(axis=0)[free] / clear.mean(axis=0)[free]
    assert ratio.min() < 0.75  # in the shade
    assert np.median(ratio) > 0.97  # in the sun


def test_under_a_closed_sky_nothing_of_the_ground_is_seen():
    bare, shown = paint_tile({"cloudy"}, KEY)
    assert shown == {}
    assert bare.mean() > 0.5
    assert np.array_equal(bare, paint_tile({"cloudy", "primary", "road"}, KEY)[0])


@pytest.mark.real_data
def test_the_shares_and_the_format_are_those_of_the_real_data(real_data, drawn):
    sets = [set(tags.split(" ")) for _, tags in rows(real_data / "planet" / "train_v2.csv")[1:]]
    for tag, share in REAL_SHARES.items():
        assert np.mean([tag in tags for tags in sets]) == pytest.approx(share, abs=0.001)
    for tag in RARE:
        assert 0.002 < np.mean([tag in tags for tags in sets]) < 0.009
    with (
        Image.open(real_data / "planet" / "train-jpg" / "train_0.jpg") as real,
        Image.open(drawn / "train-jpg/train_0.jpg") as ours,
    ):
        assert (ours.format, ours.mode, ours.size) == (real.format, real.mode, real.size)
        assert ours.quantization == real.quantization
        sampling = [[channel[1:] for channel in image.layer] for image in (ours, real)]
        assert sampling[0] == sampling[1]  # no channel is stored at half size, as colours are in other JPEGs
