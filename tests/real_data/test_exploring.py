"""The figures of lessons 2 and 3 on the real tables, and on real photographs."""

import pandas as pd
import pytest
from PIL import Image

from course_utils.vision import (
    ImageData,
    class_counts,
    cooccurrence,
    image_sizes,
    show_class_counts,
    show_cooccurrence,
    show_image_sizes,
    transforms_for,
)
from tests.vision.figures.legible import check_legible

pytestmark = pytest.mark.real_data


def test_the_tags_of_the_rain_forest(real_data):
    table = pd.read_csv(real_data / "planet" / "train_v2.csv")
    words = table["tags"].str.get_dummies(" ")
    assert class_counts(table).to_dict() == words.sum().to_dict()
    both = cooccurrence(table)
    assert both.shape == (17, 17)
    assert both.loc[words.columns, words.columns].equals(words.T @ words)
    weather = ["clear", "partly_cloudy", "haze", "cloudy"]  # exactly one each, but for a row or two
    assert both.loc["clear", weather].tolist() == [28431, 0, 0, 0]
    axis = show_cooccurrence(table).axes[0]
    assert axis.get_yticklabels()[0].get_text() == "primary  37,513"
    check_legible(axis.figure)
    check_legible(show_class_counts(table))


def test_the_120_breeds(real_data):
    figure = show_class_counts(pd.read_csv(real_data / "dogbreeds" / "labels.csv"))
    assert figure.get_suptitle() == "10,222 pictures of 120 classes"
    assert len(figure.axes) == 3
    assert figure.axes[0].get_yticklabels()[0].get_text() == "scottish_deerhound"
    check_legible(figure)


def test_the_sizes_of_the_breeds(real_data):
    folder = real_data / "dogbreeds"
    data = ImageData.from_csv(folder, "train", "labels.csv", transforms_for(None, 32), suffix=".jpg", missing="skip")
    sizes = image_sizes(data)
    assert len(sizes) == len(data.items("train")) + len(data.items("valid"))
    for file, width, height in sizes.sample(20, random_state=0).itertuples(index=False):
        with Image.open(folder / file) as image:
            assert image.convert("RGB").size == (width, height)
    check_legible(show_image_sizes(data))
