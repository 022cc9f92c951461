"""Submissions against the sample submissions that the competitions ship."""

import csv
import gzip

import pytest
import torch

from course_utils import kaggle
from course_utils.training import Predictions

pytestmark = pytest.mark.real_data


def rows_of(path):
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.reader(file))


def test_all_61191_chips_of_planet(real_data, tmp_path):
    sample = kaggle.find_sample(real_data / "planet")
    header, *rows = rows_of(sample)
    assert header == ["image_name", "tags"]
    assert len(rows) == 61_191
    tags = ["agriculture", "clear", "primary", "road", "water"]
    shuffled = [rows[i][0] for i in torch.randperm(len(rows), generator=torch.Generator().manual_seed(0)).tolist()]
    items = [f"test-jpg/{name}.jpg" for name in shuffled]
    values = torch.tensor([[0.9, 0.1, 0.3, 0.21, 0.0]]).repeat(len(items), 1)
    file = tmp_path / "planet.csv.gz"
    kaggle.submission("planet", Predictions(values, None, items, tags), file, sample=sample)
    assert rows_of(file) == [header, *([name, "agriculture primary road"] for name, _ in rows)]

    part = [i for i, item in enumerate(items) if item.startswith("test-jpg/test_")]
    predictions = Predictions(values[part], None, [items[i] for i in part], tags)
    with pytest.raises(kaggle.SubmissionError, match=r"20,522 of its 61,191 ids .*file_.*test-jpg-additional"):
        kaggle.submission("planet", predictions, sample=sample)


def test_all_41088_days_of_rossmann(real_data, tmp_path):
    sample = kaggle.find_sample(real_data / "rossmann")
    header, *rows = rows_of(sample)
    assert header == ["Id", "Sales"]
    assert len(rows) == 41_088
    ids = [row[0] for row in reversed(rows)]
    values = torch.tensor([float(i) / 7 for i in ids])[:, None]
    file = tmp_path / "rossmann.csv.gz"
    kaggle.submission("rossmann", Predictions(values, None, ids), file, sample=sample)
    written = rows_of(file)
    assert written[0] == header
    assert [row[0] for row in written[1:]] == [row[0] for row in rows]
    assert [float(sales) for _, sales in written[1:]] == pytest.approx([int(row[0]) / 7 for row in rows], rel=1e-5)
