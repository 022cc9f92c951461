"""Labels in tables as they really come: of Kaggle's dog breeds and Planet, and of Stanford Dogs, with a column of paths."""

import time
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils.training import validation_split
from course_utils.vision import ImageData, read_image, transforms_for
from course_utils.vision.labels import encode, read_labels

pytestmark = pytest.mark.real_data

PLANET_TAGS = (  # noqa: SIM905  a list would fill the screen
    "agriculture artisinal_mine bare_ground blooming blow_down clear cloudy conventional_mine cultivation habitation haze "
    "partly_cloudy primary road selective_logging slash_burn water"
).split()
WEATHER = ("clear", "cloudy", "haze", "partly_cloudy")


@pytest.fixture
def planet(real_data):
    if not (real_data / "planet" / "train_v2.csv").is_file():
        pytest.skip("COURSE_DATA has no planet")
    return real_data / "planet"


def test_stanford_dogs(real_data):
    path = real_data / "stanford_dogs"
    if not path.is_dir():
        pytest.skip("COURSE_DATA has no stanford_dogs")
    labels = [row[0] for row in read_labels(path / "labels.csv", path).labels]
    data = ImageData.from_csv(
        *(path, "", "labels.csv", transforms_for(None, 64), 64, validation_split(len(labels), stratify=labels)),
        file_column="path",
    )
    assert (data.task, len(data.classes), data.missing, data.unlisted) == ("single-label", 40, [], [])
    assert set(torch.bincount(data.targets("valid")).tolist()) == {10}
    assert set(torch.bincount(data.targets("train")).tolist()) == {40}
    for item, target in zip(data.items("valid"), data.targets("valid"), strict=True):
        folder = item.split("/")[1].partition("-")[2]
        assert folder.lower() == data.classes[target]  # two sources of the same truth
    x, y = next(iter(data.train_dl))
    assert (x.shape, y.shape) == ((64, 3, 64, 64), (64,))


def test_dog_breeds_with_one_photograph_in_ten(real_data, capsys):
    path = real_data / "dogbreeds"
    if not path.is_dir():
        pytest.skip("COURSE_DATA has no dogbreeds")
    there = sum(1 for _ in (path / "train").iterdir())
    data = ImageData.from_csv(path, "train", "labels.csv", transforms_for(None, 64), suffix=".jpg", missing="skip")
    assert (data.task, len(data.classes)) == ("single-label", 120)
    assert len(data.items("train")) + len(data.items("valid")) == there
    assert len(data.missing) == 10_222 - there
    if there < 10_222:
        assert f"{10_222 - there:,} of the 10,222 pictures that labels.csv names are missing" in capsys.readouterr().out
    assert 0.15 < len(data.items("valid")) / there < 0.25
    x, y = next(iter(data.train_dl))
    assert x.shape == (64, 3, 64, 64)
    assert y.max() < 120


def test_planet_tags(planet):
    read_labels(planet / "train_v2.csv", planet)  # what is read once more comes from memory
    start = time.process_time()
    table = read_labels(planet / "train_v2.csv", planet)
    targets = encode(table.labels, table.classes, table.task)
    spent = time.process_time() - start
    assert (table.task, table.classes) == ("multi-label", PLANET_TAGS)
    assert targets.shape == (40_479, 17)
    assert targets.sum(dim=0).tolist() == [Counter(tag for row in table.labels for tag in row)[tag] for tag in PLANET_TAGS]
    weather = targets[:, [PLANET_TAGS.index(tag) for tag in WEATHER]].sum(dim=1)
    assert (weather == 1).float().mean() > 0.999  # the rules say always; one row has none
    print(f"40,479 rows of tags read and encoded in {spent:.2f} s of processor time")


def test_planet_chips_decode_to_what_they_show(planet):
    """JPEGs of red, green, blue and an opacity that is 255 everywhere; Pillow takes such files for inverted CMYK."""
    for path in sorted((planet / "train-jpg").iterdir()):
        image = Image.open(path)
        pixels = read_image(path)
        if image.mode == "CMYK":
            stored = 255 - np.asarray(image)  # what the file holds
            assert (stored[:, :, 3] == 255).all()
            assert np.array_equal(pixels, stored[:, :, :3])
        assert pixels.shape == (256, 256, 3)


def test_planet_chips_have_the_colours_of_their_tags(planet):
    """Beside scenes of the same tags that the maker of the satellites published as ordinary JPEGs."""
    chips = {path.stem: read_image(path).astype(float) for path in (planet / "train-jpg").iterdir()}
    if not {"train_0", "train_1", "train_2", "train_3"} <= chips.keys():
        pytest.skip("not the first chips of the competition")
    haze, forests = chips["train_0"], [chips["train_2"], chips["train_3"]]  # "haze primary" and "clear primary"
    for forest in forests:
        assert forest.mean() < 80 < 95 < haze.mean()  # forest is dark, haze lies bright upon it; inverted it would be reverse
        assert forest[:, :, 1].mean() > forest[:, :, 0].mean()  # more green than red
    field, wood = chips["train_1"][100:200, 20:90], chips["train_1"][60:160, 170:250]  # agriculture left, primary right
    assert field.mean() > wood.mean() + 20
    assert (field[:, :, 1] > field[:, :, 2]).mean() > 0.95  # grass green
    scenes = planet / "examples-planetlabs"
    if scenes.is_dir():
        primary, hazy = (read_image(scenes / name).astype(float).mean() for name in ("primary.jpg", "haze1.jpg"))
        assert abs(primary - np.mean([forest.mean() for forest in forests])) < 30
        assert hazy > primary + 20


def test_planet_rows_with_only_five_chips(planet):
    data = ImageData.from_csv(
        planet, "train-jpg", "train_v2.csv", transforms_for(None, 64), suffix=".jpg", missing="skip", valid_idx=[2, 3]
    )
    assert (data.task, data.classes) == ("multi-label", PLANET_TAGS)
    assert [PLANET_TAGS[i] for i in data.targets("valid")[1].nonzero().flatten()] == ["clear", "primary"]
    assert len(data.missing) + len(data.items("train")) + len(data.items("valid")) == 40_479
    x, y = next(iter(data.loader("train")))
    assert x.isfinite().all()
    assert y.shape == (len(x), 17)


def test_planet_chips_resized(planet, tmp_path):
    data = ImageData.from_csv(
        planet, "train-jpg", "train_v2.csv", transforms_for(None, 64), suffix=".jpg", missing="skip", valid_idx=[2, 3]
    )
    copy = data.resize(83, tmp_path)
    assert Image.open(copy.paths("train")[0]).size == (83, 83)
    assert (copy.valid_ds[0][0] - data.valid_ds[0][0]).abs().mean() < 0.05
