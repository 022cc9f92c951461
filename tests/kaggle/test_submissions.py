"""What is handed in, held against the competitions' rules, which are written here from their pages."""

import csv
import gzip
import io
import tracemalloc
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch

from course_utils import kaggle
from course_utils.errors import CourseError
from course_utils.kaggle import SubmissionError, submission
from course_utils.training import Predictions

BREEDS = ["affenpinscher", "afghan_hound", "boxer", "pug", "whippet"]
TAGS = ["agriculture", "clear", "cloudy", "primary", "road", "water"]


# -- the competitions' rules, written from their pages and knowing nothing of the package --------------------------------------


def rows_of(content):
    """The rows of a CSV, compressed or not."""
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    assert b"\r" not in content
    return list(csv.reader(io.StringIO(content.decode("ascii"))))


def accept(name, content, ids, classes=()):
    """Raise AssertionError for a file that the competition would refuse; `ids` are those of its sample submission."""
    header, *rows = rows_of(content)
    assert (
        header
        == {
            "dogscats": ["id", "label"],
            "dogbreeds": ["id", *classes],
            "planet": ["image_name", "tags"],
            "rossmann": ["Id", "Sales"],
        }[name]
    )
    assert all(len(row) == len(header) for row in rows)
    assert [row[0] for row in rows] == list(ids)
    for row in rows:
        if name == "dogscats":
            assert 0 <= float(row[1]) <= 1
        elif name == "dogbreeds":
            numbers = [float(cell) for cell in row[1:]]
            assert all(0 <= number <= 1 for number in numbers)
            assert abs(sum(numbers) - 1) < 1e-5
        elif name == "planet":
            tags = row[1].split(" ")
            assert tags
            assert set(tags) <= set(classes)
            assert len(set(tags)) == len(tags)
        else:
            assert np.isfinite(float(row[1]))


def made_up(name, n=40, seed=0):
    """Predictions in no order, and the ids and columns of a sample submission in another."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(n, generator=generator).tolist()
    if name == "dogscats":
        values = torch.randn(n, 2, generator=generator).softmax(1)
        return Predictions(values, None, [f"test1/{i + 1}.jpg" for i in order], ["cats", "dogs"]), range(1, n + 1), ["label"]
    if name == "dogbreeds":
        items = [f"{i * 7919:032x}" for i in order]
        values = (5 * torch.randn(n, len(BREEDS), generator=generator)).softmax(1)
        return Predictions(values, None, [f"test/{i}.jpg" for i in items], BREEDS), sorted(items), BREEDS[::-1]
    if name == "planet":
        items = [f"test_{i}" if i < n - 5 else f"file_{i - n + 5}" for i in order]
        values = torch.rand(n, len(TAGS), generator=generator) ** 3
        return Predictions(values, None, [f"test-jpg/{i}.jpg" for i in items], TAGS), sorted(items), ["tags"]
    values = 10_000 * torch.rand(n, 1, generator=generator)
    return Predictions(values, None, [str(i + 1) for i in order]), range(1, n + 1), ["Sales"]


def write_sample(path, name, ids, columns):
    first = {"planet": "image_name", "rossmann": "Id"}.get(name, "id")
    table = pd.DataFrame({first: list(ids), **dict.fromkeys(columns, "0.5")})
    table.to_csv(path, index=False, quoting=csv.QUOTE_NONNUMERIC)
    return path


COMPETITIONS = ["dogscats", "dogbreeds", "planet", "rossmann"]


# -- what is written -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample_name", ["sample_submission.csv", "sample_submission.csv.gz", "sample_submission.csv.zip"])
@pytest.mark.parametrize("name", COMPETITIONS)
def test_each_competition_accepts_what_is_written(name, sample_name, tmp_path):
    predictions, ids, columns = made_up(name)
    sample = write_sample(tmp_path / sample_name, name, ids, columns)
    classes = TAGS if name == "planet" else columns
    for file in (tmp_path / "plain.csv", tmp_path / "new folder" / "small.csv.gz"):
        table = submission(name, predictions, file, sample=sample)
        accept(name, file.read_bytes(), map(str, ids), classes)
        pd.testing.assert_frame_equal(pd.read_csv(file), table, rtol=1e-5)


def test_the_checker_refuses_what_the_competitions_would(tmp_path):
    predictions, ids, columns = made_up("dogbreeds")
    good = tmp_path / "good.csv"
    submission("dogbreeds", predictions, good, sample=write_sample(tmp_path / "sample.csv", "dogbreeds", ids, columns))
    lines = good.read_text().splitlines(keepends=True)
    for bad in (
        ["id," + ",".join(BREEDS) + "\n", *lines[1:]],
        lines[:-1],
        [lines[0], lines[1].replace("0.", "0.9"), *lines[2:]],
        [lines[0], lines[2], lines[1], *lines[3:]],
    ):
        with pytest.raises(AssertionError):
            accept("dogbreeds", "".join(bad).encode(), ids, columns)


@pytest.mark.parametrize("name", COMPETITIONS)
def test_each_number_stands_beside_its_id(name):
    predictions, _, _ = made_up(name)
    table = submission(name, predictions)
    by_id = {str(row[0]): list(row[1:]) for row in table.itertuples(index=False)}
    for item, values in zip(predictions.items, predictions.values.tolist(), strict=True):
        row = by_id[item.rpartition("/")[2].removesuffix(".jpg")]
        if name == "dogscats":
            assert row == pytest.approx([values[1]])
        elif name == "planet":
            above = {tag for tag, value in zip(TAGS, values, strict=True) if value > 0.2}
            assert set(row[0].split()) == (above or {TAGS[int(np.argmax(values))]})
        else:
            assert row == pytest.approx(values)


def test_cats_and_dogs_are_sorted_by_number_and_not_by_letter():
    values = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])
    table = submission("dogscats", Predictions(values, None, ["t/10.jpg", "t/9.jpg", "t/1.jpg"], ["cat", "dog"]))
    assert table["id"].tolist() == [1, 9, 10]
    assert table["label"].tolist() == pytest.approx([0.5, 0.8, 0.1])


def test_without_a_sample_the_order_is_that_of_the_predictions():
    predictions, _, _ = made_up("dogbreeds")
    table = submission("dogbreeds", predictions)
    assert list(table.columns) == ["id", *BREEDS]
    assert table["id"].tolist() == [item[5:-4] for item in predictions.items]


def test_a_picture_without_a_tag_over_the_threshold_gets_its_most_probable_one():
    values = torch.tensor([[0.1, 0.15, 0.0, 0.0, 0.0, 0.0], [0.3, 0.9, 0.0, 0.25, 0.0, 0.0]])
    predictions = Predictions(values, None, ["a.jpg", "b.jpg"], TAGS)
    assert submission("planet", predictions)["tags"].tolist() == ["clear", "agriculture clear primary"]
    assert submission("planet", predictions, threshold=0.25)["tags"].tolist() == ["clear", "agriculture clear"]  # above, not at
    each = [0.05, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert submission("planet", predictions, threshold=each)["tags"].tolist() == ["agriculture", "agriculture clear"]
    with pytest.raises(CourseError, match="6 classes"):
        submission("planet", predictions, threshold=[0.2, 0.2])


def test_tiny_probabilities_are_not_rounded_to_zero(tmp_path):
    values = torch.tensor([[1 - 3.2e-9, 1.234567e-9, 0.0, 1e-9, 1e-9]], dtype=torch.float64)
    submission("dogbreeds", Predictions(values, None, ["x.jpg"], BREEDS), tmp_path / "s.csv")
    assert [float(cell) for cell in rows_of((tmp_path / "s.csv").read_bytes())[1][1:]] == pytest.approx(
        values[0].tolist(), rel=1e-5
    )


def test_the_same_predictions_give_the_same_bytes_whenever_and_wherever(tmp_path):
    predictions, _, _ = made_up("dogbreeds")
    for file in ("one.csv.gz", "two.gz"):
        submission("dogbreeds", predictions, tmp_path / file)
    one = (tmp_path / "one.csv.gz").read_bytes()
    assert one == (tmp_path / "two.gz").read_bytes()
    assert one[3:8] == bytes(5)  # no name of a file, and no time
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.csv.gz", "two.gz"]


def test_a_sample_with_a_byte_order_mark_and_windows_lines_is_read(tmp_path):
    predictions, ids, _ = made_up("rossmann", n=3)
    (tmp_path / "sample.csv").write_bytes("\ufeffId,Sales\r\n3,0\r\n1,0\r\n2,0\r\n".encode())
    assert submission("rossmann", predictions, sample=tmp_path / "sample.csv")["Id"].tolist() == [3, 1, 2]
    assert len(ids) == 3


# -- what is refused -----------------------------------------------------------------------------------------------------------


def changed(predictions, **changes):
    return Predictions(
        **{"values": predictions.values, "targets": None, "items": predictions.items, "classes": predictions.classes} | changes
    )


def with_value(predictions, value):
    values = predictions.values.clone()
    values[1, 0] = value
    return changed(predictions, values=values)


BAD = {
    "of the validation set": (
        "dogscats",
        lambda p: changed(p, targets=torch.zeros(40)),
        r'40 predictions .* learner\.predict\("test"\)',
    ),
    "NaN": ("rossmann", lambda p: with_value(p, float("nan")), r"1 items are not numbers .*: \d+"),
    "infinite": ("dogbreeds", lambda p: with_value(p, float("inf")), "not numbers"),
    "logarithms": ("dogbreeds", lambda p: changed(p, values=p.values.log()), r"exp\(\)"),
    "sigmoids": ("dogbreeds", lambda p: changed(p, values=p.values * 0.9), "add up to 0.9000"),
    "no probability": ("planet", lambda p: with_value(p, 1.5), "to 1.5"),
    "other classes": ("dogscats", lambda p: changed(p, classes=["a", "b"]), "called 'dogs'"),
    "more columns than classes": ("dogbreeds", lambda p: changed(p, classes=BREEDS[1:]), "4 classes"),
    "two columns of sales": ("rossmann", lambda p: changed(p, values=p.values.repeat(1, 2)), r"\(40, 2\)"),
    "an id that is no number": (
        "dogscats",
        lambda p: changed(p, items=["test1/cat.1.jpg", *p.items[1:]]),
        "whole numbers.*cat.1",
    ),
    "a repeated id": ("planet", lambda p: changed(p, items=[p.items[1], *p.items[1:]]), "1 ids more than once: (test|file)_"),
    "numbers of rows": ("rossmann", lambda p: changed(p, items=[str(i) for i in range(40)]), 'begin at 1.*label="Id"'),
    "fewer items": ("planet", lambda p: changed(p, items=p.items[1:]), "39 items"),
    "nothing": ("rossmann", lambda p: changed(p, values=p.values[:0], items=[]), "expected one for each"),
    "something else": ("rossmann", lambda p: p.values, r"learner\.predict.*Tensor"),
}


@pytest.mark.parametrize("case", BAD)
def test_predictions_that_no_competition_takes_are_refused_and_nothing_is_written(case, tmp_path):
    name, spoil, message = BAD[case]
    with pytest.raises(SubmissionError, match=message):
        submission(name, spoil(made_up(name)[0]), tmp_path / "file.csv")
    assert list(tmp_path.iterdir()) == []


def test_ids_and_columns_that_differ_from_the_sample_are_named(tmp_path):
    predictions, ids, columns = made_up("dogbreeds")
    file = tmp_path / "file.csv"

    def refused(ids, columns, message, name="dogbreeds"):
        sample = write_sample(tmp_path / "sample.csv", name, ids, columns)
        with pytest.raises(SubmissionError, match=message):
            submission("dogbreeds", predictions, file, sample=sample)
        assert not file.exists()

    refused(ids[4:], columns, r"sample.csv: 4 ids are too many \((0+\w+, ){3}0+\w+\)")
    refused([*ids, "new_1", "new_2"], columns, r"2 of its 42 ids are missing \(new_1, new_2\)")
    refused([*ids[1:], "new_1"], columns, "1 of its 40 ids is missing .* and 1 id is too many")
    refused([*ids, ids[0]], columns, r"sample.csv names 1 ids more than once")
    refused(ids, columns[1:], r"1 column is too many \(whippet\)")
    refused(ids, [*columns, "poodle"], r"1 of its 7 columns is missing \(poodle\)")
    refused(ids, columns, "1 of its 6 columns is missing", name="rossmann")


def test_planet_says_where_the_rest_of_its_test_set_is(tmp_path):
    predictions, ids, columns = made_up("planet")
    sample = write_sample(tmp_path / "sample.csv", "planet", [*ids, "file_20521"], columns)
    with pytest.raises(SubmissionError, match=r"file_20521.*test-jpg-additional"):
        submission("planet", predictions, sample=sample)


@pytest.mark.parametrize("name", ["s.csv.gz", "s.zip"])
def test_a_small_sample_that_unpacks_to_gigabytes_is_refused(name, tmp_path):
    megabytes = [bytes(10**6)] * 101
    if name.endswith(".gz"):
        with gzip.open(tmp_path / name, "wb", compresslevel=1) as file:
            file.writelines(megabytes)
    else:
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("s.csv", "w") as file:
            file.writelines(megabytes)
    tracemalloc.start()
    with pytest.raises(CourseError, match=rf"{name} holds more than 100,000,000 bytes"):
        submission("rossmann", made_up("rossmann")[0], sample=tmp_path / name)
    assert tracemalloc.get_traced_memory()[1] < 120e6
    tracemalloc.stop()
    (tmp_path / "commas.csv").write_bytes(b"," * 10_000_001)
    with pytest.raises(CourseError, match="10,000,000 values"):
        submission("rossmann", made_up("rossmann")[0], sample=tmp_path / "commas.csv")


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "gzip", "zip", "two in a zip", "empty"])
def test_a_sample_that_cannot_be_read_is_named(kind, tmp_path):
    sample = tmp_path / {"gzip": "s.csv.gz", "zip": "s.zip", "two in a zip": "s.zip"}.get(kind, "s.csv")
    if kind == "folder":
        sample.mkdir()
    elif kind == "two in a zip":
        with zipfile.ZipFile(sample, "w") as archive:
            archive.writestr("a.csv", "Id,Sales\n1,0\n")
            archive.writestr("b.csv", "Id,Sales\n1,0\n")
    elif kind == "gzip":
        sample.write_bytes(gzip.compress(b"Id,Sales\n1,0\n")[:-12])
    elif kind != "missing":
        sample.write_bytes({"text": b"\xff\xfe\x00binary,\x81\n", "zip": b"PK no zip", "empty": b""}[kind])
    with pytest.raises(CourseError, match=r"s\.(csv|zip)"):
        submission("rossmann", made_up("rossmann")[0], sample=sample)


def test_other_names_of_datasets_and_files_are_refused(tmp_path):
    predictions, _, _ = made_up("rossmann")
    with pytest.raises(CourseError, match="digits is not a competition"):
        submission("digits", predictions)
    with pytest.raises(CourseError, match="did you mean 'rossmann'"):
        submission("rossman", predictions)
    with pytest.raises(CourseError, match=r"\.csv\.gz"):
        submission("rossmann", predictions, tmp_path / "sales.xlsx")
    (tmp_path / "taken").touch()
    with pytest.raises(CourseError, match="cannot write"):
        submission("rossmann", predictions, tmp_path / "taken" / "sales.csv")


# -- finding, linking ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["labels.csv", "sample_submission.csv"], "sample_submission.csv"),
        (["sample_submission.csv.gz", "sample_submission.csv"], "sample_submission.csv"),
        (["sample_submission.csv", "sample_submission_v2.csv", "sample_submission_v2.csv.zip"], "sample_submission_v2.csv"),
        (["sampleSubmission.csv", "train.zip"], "sampleSubmission.csv"),
        (["sample_submission.csv.zip"], "sample_submission.csv.zip"),
        (["submission.csv", "samples.csv", "sample_submission.txt"], None),
    ],
)
def test_the_sample_of_a_folder_is_found(names, expected, tmp_path):
    for name in names:
        (tmp_path / name).touch()
    found = kaggle.find_sample(tmp_path)
    assert (found and found.name) == expected


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CourseError, match=r"no folder .*nowhere"):
        kaggle.find_sample(tmp_path / "nowhere")


def test_a_link_is_relative_and_says_how_much_there_is(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    predictions, _, _ = made_up("planet")
    submission("planet", predictions, tmp_path / "data" / "planet" / "sub & more.csv.gz")
    size = (tmp_path / "data" / "planet" / "sub & more.csv.gz").stat().st_size
    page = kaggle.download_link(tmp_path / "data" / "planet" / "sub & more.csv.gz").data
    expected = '<a href="../data/planet/sub%20%26%20more.csv.gz" download>sub &amp; more.csv.gz</a>'
    assert page == f"{expected} (40 rows, {size / 1000:.1f} KB)"
    submission("planet", predictions, "here.csv")
    assert kaggle.download_link("here.csv").data.startswith('<a href="here.csv" download>here.csv</a> (40 rows, ')


def test_where_no_link_reaches_a_file_the_hosts_own_way_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.csv").write_text("Id,Sales\n1,2\n2,3\n")
    assert kaggle.download_link("here.csv").data == '<a href="here.csv" download>here.csv</a> (2 rows, 0.0 KB)'
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    assert kaggle.download_link("here.csv").data.startswith("here.csv (2 rows, 0.0 KB): open Files (the folder at the left)")


def test_there_is_no_link_to_what_jupyterlab_does_not_serve(tmp_path, monkeypatch):
    (tmp_path / "course" / "notebooks").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "course" / "notebooks")
    (tmp_path / "elsewhere.csv").write_text("Id,Sales\n1,2\n")
    page = kaggle.download_link(tmp_path / "elsewhere.csv").data
    assert "<a" not in page
    assert str(tmp_path) not in page
    assert "elsewhere.csv (1 row," in page
    with pytest.raises(CourseError, match=r"no file .*gone\.csv"):
        kaggle.download_link("gone.csv")


def test_paths_begin_in_the_home_folder_and_are_paths(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    pets = Predictions(torch.tensor([[0.75, 0.25], [0.125, 0.875]]), None, ["test1/10.jpg", "test1/9.jpg"], ["cats", "dogs"])
    table = submission("dogscats", pets, file="~/made/s.csv")
    assert pd.read_csv(tmp_path / "made" / "s.csv")["id"].tolist() == table["id"].tolist()
    (tmp_path / "made" / "sample_submission.csv").write_text((tmp_path / "made" / "s.csv").read_text())
    assert kaggle.find_sample("~/made") == tmp_path / "made" / "sample_submission.csv"
    assert submission("dogscats", pets, sample="~/made/s.csv").equals(table)
    for wrong in ({"file": 5}, {"sample": 5}):
        with pytest.raises(CourseError, match="is 5; give the path of a file"):
            submission("dogscats", pets, **wrong)


def test_endings_in_capitals_and_tags_of_two_words(tmp_path):
    pictures = Predictions(torch.tensor([[0.9, 0.9]]), None, ["a.jpg"], ["bare ground", "road"])
    with pytest.raises(SubmissionError, match="the tag 'bare ground' is not one word, and this competition divides"):
        submission("planet", pictures)
    sales = Predictions(torch.tensor([1.5]), None, ["1"])
    submission("rossmann", sales, file=tmp_path / "s.CSV")
    submission("rossmann", sales, file=tmp_path / "s.csv.GZ")
    assert gzip.decompress((tmp_path / "s.csv.GZ").read_bytes()) == (tmp_path / "s.CSV").read_bytes() == b"Id,Sales\n1,1.5\n"
