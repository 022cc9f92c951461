"""Pictures in memory, in a frame, in a list, and in folders without a validation set."""

import os
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from PIL import Image

from course_utils.errors import CourseError
from course_utils.vision import ImageData, Results, image_learner, image_sizes, transforms_for
from course_utils.work import models_folder

TRANSFORMS = transforms_for(None, 32)
X = np.random.default_rng(0).integers(0, 256, (20, 28, 30, 3), dtype=np.uint8)
Y = np.arange(20) % 2


def arrays(train=(X, Y), valid=(X[:6], Y[:6]), **settings) -> ImageData:
    return ImageData.from_arrays(train, valid, **{"transforms": TRANSFORMS, "batch_size": 8} | settings).to("cpu")


@pytest.mark.parametrize(
    "x",
    [
        X,
        torch.tensor(X),
        torch.tensor(X).permute(0, 3, 1, 2),
        X / 255,
        (X / 255).astype(np.float32),
        X.astype(np.int64),
        list(X),
        [Image.fromarray(one) for one in X],
        X.astype(np.float32),
    ],
    ids=["bytes", "tensor", "channels first", "float64", "float32", "int64", "list", "Pillow", "floats to 255"],
)
def test_the_same_pictures_in_many_forms(x) -> None:
    data = arrays((x, Y), (x, Y))
    assert torch.equal(data.valid_ds[3][0], TRANSFORMS.one(Image.fromarray(X[3])))
    assert data.file_names("valid")[3] == "valid/3"
    assert data.targets("train").tolist() == Y.tolist()


@pytest.mark.parametrize(
    ("y", "classes", "task"),
    [
        (Y, ["0", "1"], "single-label"),
        (Y + 1, ["1", "2"], "single-label"),
        (Y.astype(np.int32), ["0", "1"], "single-label"),
        (torch.tensor(Y), ["0", "1"], "single-label"),
        (["cat", "dog"] * 10, ["cat", "dog"], "single-label"),
        (pd.Series(["cat", "dog"] * 10), ["cat", "dog"], "single-label"),
        (np.array(["cat", "dog"] * 10, "S3"), ["cat", "dog"], "single-label"),
        (pa.array(Y), ["0", "1"], "single-label"),
        (pa.chunked_array([["cat", "dog"] * 5] * 2), ["cat", "dog"], "single-label"),
        (np.eye(2)[Y], ["0", "1"], "single-label"),
        ([["a", "b"], ["a"]] * 10, ["a", "b"], "multi-label"),
    ],
)
def test_labels_in_many_forms(y, classes: list[str], task: str) -> None:
    data = arrays((X, y), (X[:6], y[:6]))
    assert (data.classes, data.task) == (classes, task)
    expected = [[1, 1], [1, 0]] * 3 if task == "multi-label" else [0, 1] * 3
    assert data.targets("valid").tolist() == expected


def test_classes_can_be_named() -> None:
    assert arrays(classes=["cat", "dog"]).classes == ["cat", "dog"]
    with pytest.raises(CourseError, match="labels run from 0 to 1; those of 1 class are 0 to 0"):
        arrays(classes=["cat"])
    with pytest.raises(CourseError, match="classes does not name: dog"):
        arrays((X, ["cat", "dog"] * 10), (X[:2], ["cat", "dog"]), classes=["cat", "bird"])


def test_a_frame_of_zeros_and_ones_names_its_classes() -> None:
    frame = pd.get_dummies(pd.Series(["b", "a"] * 10))
    data = arrays((X, frame), (X[:2], frame[:2]))
    assert (data.classes, data.task, data.targets("valid").tolist()) == (["a", "b"], "single-label", [1, 0])
    with pytest.raises(CourseError, match="the columns a, b in train and b, a in valid"):
        arrays((X, frame), (X[:2], frame[["b", "a"]][:2]))
    tags = [np.array(["a", "b"]), np.array(["a"])] * 10
    assert arrays((X, tags), (X[:2], tags[:2])).targets("valid").tolist() == [[1, 1], [1, 0]]


@pytest.mark.parametrize("classes", [["a", None], ["a", ""], ["a", float("nan")]])
def test_a_class_has_a_name(classes) -> None:
    with pytest.raises(CourseError, match="classes has no name in place 1 of 2"):
        arrays(classes=classes)


@pytest.mark.parametrize(
    ("labels", "classes", "names"),
    [
        ([0, 1], [1, 0], ["0", "1"]),
        ([0, 1], ["1", "0"], ["0", "1"]),
        ([0, 1], [0, 5, 1], ["0", "1"]),
        ([5, 7], [5, 7], ["5", "7"]),
        ([7, 5], np.array([5.0, 7.0]), ["7", "5"]),
        ([5, 7], torch.tensor([7, 5]), ["5", "7"]),
        ([0, 1], [5, 7], ["5", "7"]),
        ([0, 1], [1, 2], ["1", "2"]),  # 0 is no class, so that these are places
        ([True, False], [1, 0], ["1", "0"]),
        ([True, False], [True, False], ["True", "False"]),
        ([True, False], ["cat", "dog"], ["dog", "cat"]),
    ],
)
def test_numbers_among_the_classes_are_those_classes(labels, classes, names: list[str]) -> None:
    y = labels * 10
    data = arrays((X, y), (X[:2], y[:2]), classes=classes)
    assert [data.classes[row] for row in data.targets("valid").tolist()] == names


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (X, "train is of type ndarray; give a pair"),
        ((X, Y[:3]), "20 pictures and 3 labels"),
        ((X[:0], Y[:0]), "train has no pictures"),
        ((X / 100 - 1, Y), r"run from -1 to 1\.55 .* If they were normalised"),
        ((X / 16, Y), r"run from 0 to 15\.94 \(float64\); give .*Where 15\.94 is white, give x / 15\.94"),
        ((X.astype(np.uint16) * 200, Y), r"run from 0 to 5\.1e\+04 \(uint16\); give bytes .*give x / 65535"),
        ((X.reshape(20, -1), Y), r"shape \(20, 2520\)"),
        ((np.full((20, 9, 9), np.nan), Y), "NaN or infinite values in the pictures"),
        ((X, Y + 0.5), "label 0 of train is 0.5"),
        (([X[0] / 255, *X[1:].astype(float)], Y), "some of the pictures are floats from 0 to 1 and others up to 255"),
        ((X.astype(np.int64) // 16, Y), r"run from 0 to 15 \(int64\); give bytes"),
        ((X, [["a", " "], ["a"]] * 10), r"label 0 of train is \['a', ' '\]"),
        ((X, [" ", "a"] * 10), "label 0 of train is ' '"),
        ((X, None), "labels of train are of type NoneType"),
        ((Y, X), r"pictures of train have the shape \(20,\); give"),
        (([str(i) for i in range(20)], Y), "picture train/0 is of type str"),
        ((X, ["a", 1] * 10), "are numbers .* and names"),
        ((X, np.full((20, 3), 2)), "0 or 1 for each class"),
        ((X, [[1, 0], [0, 1]] * 10), r"label 0 of train is \[1, 0\]; .* zeros and ones .* give np\.array\(y\)"),
    ],
)
def test_arrays_that_cannot_work(train, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        arrays(train)


@pytest.mark.parametrize("batch_size", [True, "64", 0, 1.5, None, float("nan")])
def test_batch_sizes_that_are_none(batch_size) -> None:
    with pytest.raises(CourseError, match="batch_size is"):
        arrays(batch_size=batch_size)
    assert arrays(batch_size=np.int64(4)).batch_size == arrays(batch_size=4.0).batch_size == 4


@pytest.mark.parametrize(
    "kind", [np.array, torch.tensor, lambda x: [np.array(one) for one in x]], ids=["array", "tensor", "list"]
)
def test_what_becomes_of_the_arrays_later_is_no_matter(kind) -> None:
    x = kind(X)
    data = arrays((x, Y), (x, Y))
    for one in x:
        one[:] = 0
    assert np.array_equal(np.asarray(data.picture("train/3")), X[3])
    assert torch.equal(data.valid_ds[3][0], TRANSFORMS.one(Image.fromarray(X[3])))


def test_one_scale_for_all_sets() -> None:
    with pytest.raises(CourseError, match="others up to 255, so that the former would be black"):
        arrays((X.astype(float), Y), (X[:6] / 255, Y[:6]))
    dark = [X[0].astype(np.int64) // 16, *X[1:].astype(np.int64)]
    data = arrays((dark, Y), (dark[:1], Y[:1]), task="single-label")
    assert np.array_equal(np.asarray(data.picture("valid/0")), X[0] // 16)
    black = [0.0 * X[0], *X[1:].astype(float)]
    assert np.array_equal(np.asarray(arrays((black, Y)).picture("train/1")), X[1])


def test_nearly_black_is_said(capsys: pytest.CaptureFixture) -> None:
    arrays((X // 16, Y))
    assert "brightest value of all pictures is 255" not in capsys.readouterr().out
    arrays((X // 16, Y), (X[:2] // 16, Y[:2]))
    assert "The brightest value of all pictures is 15, where white is 255" in capsys.readouterr().out


def test_a_learner_of_arrays(tmp_path: Path) -> None:
    data = arrays(test=X[:3], path=tmp_path)
    learner = image_learner(data, "resnet18", pretrained=False, precompute=True, progress=False, path=tmp_path / "models")
    learner.fit(1e-2, 1)
    predictions = learner.predict()
    assert predictions.items == [f"valid/{i}" for i in range(6)]
    figure = Results(data, predictions).show([2])
    assert figure.axes[0].images[0].get_array().shape[:2] == (240, 257)
    assert image_sizes(data)[["width", "height"]].drop_duplicates().to_numpy().tolist() == [[30, 28]]
    other = X.copy()
    other[5] = 0
    assert data.fingerprint("train/4") == arrays((other, Y)).fingerprint("train/4")
    assert data.fingerprint("train/5") != arrays((other, Y)).fingerprint("train/5")
    for use in (lambda: data.resize(40, "copies"), lambda: data.paths("train")):
        with pytest.raises(CourseError, match="came from arrays"):
            use()


# -- frames, lists, folders ------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for kind in ("cat", "dog"):
        for i in range(5):
            (tmp_path / "train" / kind).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (40, 40), (50 * i, 0, 0)).save(tmp_path / "train" / kind / f"{i}.png")
    return tmp_path


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_frames_and_lists(folder: Path, kind) -> None:
    files = sorted((folder / "train").rglob("*.png"))
    labels = [file.parent.name for file in files]
    settings = {"transforms": TRANSFORMS, "valid_idx": [0, 9]}
    stems = [f"{file.parent.name}/{file.stem}" for file in files]
    found = [
        ImageData.from_frame(kind({"file": [str(file) for file in files], "label": labels}), path=folder, **settings),
        ImageData.from_frame(kind({"f": stems, "l": labels}), path=folder, folder="train", suffix=".png", **settings),
        ImageData.from_files(files, labels, path=folder, **settings),
        ImageData.from_files(files, lambda file: file.parent.name, path=folder, **settings),
    ]
    for data in found:
        assert data.file_names("valid") == ["train/cat/0.png", "train/dog/4.png"]
        assert data.targets("valid").tolist() == [0, 1]
        assert len(data.train_ds) == 8
    assert ImageData.from_files(files, labels, **settings).path == folder / "train"


def test_headings_of_a_frame_that_are_numbers(folder: Path) -> None:
    """What pandas makes of a list of rows."""
    rows = [[f"train/cat/{i}.png", 20 + i, i % 2, 1 - i % 2] for i in range(5)]
    settings = {"transforms": TRANSFORMS, "path": folder, "valid_idx": [0]}
    one = ImageData.from_frame(pd.DataFrame(rows), file_column=0, label_column=2, **settings)
    each = ImageData.from_frame(pd.DataFrame(rows), label_column=[3, 2], **settings)
    pairs = pd.DataFrame(rows, columns=pd.MultiIndex.from_product([["a", "b"], [0, 1]]))
    assert one.classes == ["0", "1"]
    assert one.targets("train").tolist() == [1, 0, 1, 0]
    assert (each.classes, each.targets("train").tolist()) == (["2", "3"], [0, 1, 0, 1])
    assert ImageData.from_frame(pairs, label_column=("b", 0), **settings).targets("train").tolist() == [1, 0, 1, 0]
    with pytest.raises(CourseError, match="label_column is 7"):
        ImageData.from_frame(pd.DataFrame(rows), label_column=7, **settings)


def test_labels_as_hdf5_and_numpy_keep_texts(folder: Path) -> None:
    names = [f"train/cat/{i}.png" for i in range(4)]
    labels = np.array(["chat", "été"], object)[[0, 1, 0, 1]]
    data = ImageData.from_frame(
        pd.DataFrame({"f": names, "l": [label.encode() for label in labels]}), TRANSFORMS, folder, valid_idx=[0, 1]
    )
    assert (data.classes, data.targets("train").tolist()) == (["chat", "été"], [0, 1])


def test_each_amount_is_a_class_of_its_own_and_that_is_said(folder: Path, capsys: pytest.CaptureFixture) -> None:
    frame = pd.DataFrame({"f": [f"train/cat/{i}.png" for i in range(4)], "age": [1.5, 2.0, 1.5, 2.0]})
    assert ImageData.from_frame(frame, TRANSFORMS, folder, valid_idx=[0, 1]).classes == ["1.5", "2.0"]
    assert "numbers with fractions (1.5); each distinct one is a class of its own, one of 2" in capsys.readouterr().out
    ImageData.from_frame(frame.assign(age=[1.0, 2.0, 1.0, 2.0]), TRANSFORMS, folder, valid_idx=[0, 1])
    assert not capsys.readouterr().out


def test_classes_that_look_alike_are_said(folder: Path, capsys: pytest.CaptureFixture) -> None:
    frame = pd.DataFrame({"f": [f"train/cat/{i}.png" for i in range(4)], "kind": ["cat", "cat\u200b"] * 2})
    ImageData.from_frame(frame, TRANSFORMS, folder, valid_idx=[0, 1])
    assert "2 classes differ only in upper and lower case, space or unseen letters: cat, cat\\u200b" in capsys.readouterr().out


def test_cells_of_a_frame(folder: Path) -> None:
    names = [f"train/cat/{i}.png" for i in range(5)]
    numbers = ImageData.from_frame(pd.DataFrame({"f": names, "l": [1, 2, 1, 2, 1]}), TRANSFORMS, folder, valid_idx=[0])
    assert numbers.classes == ["1", "2"]
    tags = ImageData.from_frame(pl.DataFrame({"f": names, "l": [["a", "b"], ["a c"], [], ["b"], ["a"]]}), TRANSFORMS, folder)
    assert (tags.classes, tags.task) == (["a", "a c", "b"], "multi-label")
    with pytest.raises(CourseError, match=r"the frame has no label for 1 picture: train/cat/1\.png"):
        ImageData.from_frame(pd.DataFrame({"f": names, "l": [1, None, 1, 2, 1]}), TRANSFORMS, folder)
    with pytest.raises(CourseError, match="5 files and 1 label; give one for each"):
        ImageData.from_files(names, ["a"], TRANSFORMS, folder)
    two = ImageData.from_files(names, ["great dane", "pug"] * 2 + ["pug"], TRANSFORMS, folder, valid_idx=[0])
    assert two.classes == ["great dane", "pug"]


@pytest.mark.parametrize(
    "labels",
    [
        np.eye(2)[[0, 1, 0, 1]],
        torch.eye(2)[[0, 1, 0, 1]],
        list(torch.eye(2)[[0, 1, 0, 1]]),
        [[1, 0], [0, 1]] * 2,
        [(True, False)] * 4,
    ],
    ids=["array", "tensor", "tensors", "lists", "truths"],
)
def test_zeros_and_ones_do_not_name_classes(folder: Path, labels) -> None:
    names = [f"train/cat/{i}.png" for i in range(4)]
    with pytest.raises(CourseError, match=r"lists of zeros and ones for labels, .* Give a list of the names"):
        ImageData.from_files(names, labels, TRANSFORMS, folder, valid_idx=[0])
    with pytest.raises(CourseError, match="the frame has lists of zeros and ones"):
        ImageData.from_frame(pd.DataFrame({"f": names, "l": list(labels)}), TRANSFORMS, folder, valid_idx=[0])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", pd.NA, "b", "a"], r"has no label for 1 picture: train/cat/1\.png"),
        ([["a"], ["a", float("nan")], ["b"], ["b"]], r"an empty label in the lists of 1 picture: train/cat/1\.png"),
        ([["a"], ["a", pd.NA], ["b"], ["b"]], r"an empty label in the lists of 1 picture: train/cat/1\.png"),
        (
            [["a"], ["a"], ["b", ""], [" ", "b"]],
            r"an empty label in the lists of 2 pictures: train/cat/2\.png, train/cat/3\.png",
        ),
        (["a", "b", {"c": 1}, "a"], r"has the label \{'c': 1\}; give a text"),
        ([["a"], ["b"], [{"c": 1}], ["a"]], r"has the label \[\{'c': 1\}\]; give a text"),
    ],
)
def test_labels_that_say_nothing(folder: Path, labels, message: str) -> None:
    names = [f"train/cat/{i}.png" for i in range(4)]
    with pytest.raises(CourseError, match=message):
        ImageData.from_files(names, labels, TRANSFORMS, folder, valid_idx=[0])
    with pytest.raises(CourseError, match=message):
        ImageData.from_frame(pd.DataFrame({"f": names, "l": labels}), TRANSFORMS, folder, valid_idx=[0])


def test_cells_that_are_no_text(folder: Path) -> None:
    names = [f"train/cat/{i}.png" for i in range(4)]
    days = pd.to_datetime(["2020-01-01 00:00", "2020-01-02 10:00"] * 2)
    frame = pd.DataFrame({"f": names, "label": days, "more": [{"c": 1}] * 4})  # a column that is not used may hold anything
    data = ImageData.from_frame(frame, TRANSFORMS, folder, valid_idx=[0, 1])
    assert (data.classes, data.task) == (["2020-01-01T00:00:00", "2020-01-02T10:00:00"], "single-label")
    with pytest.raises(CourseError, match="the frame has no 'f' in 1 row"):
        ImageData.from_frame(frame.assign(f=[pd.NA, *names[1:]]), TRANSFORMS, folder)


@pytest.mark.parametrize("other", ["../cat/0.png", "./0.png", "../dog/../cat/0.png"])
def test_a_file_in_two_spellings(folder: Path, other: str) -> None:
    names, place = [f"{i}.png" for i in range(4)], folder / "train/cat"
    for again in (other, str(place / other)):
        with pytest.raises(CourseError, match=r"the list names pictures more than once, in several spellings: .*0\.png"):
            ImageData.from_files([*names, again], ["a", "b", "a", "b", "a"], TRANSFORMS, place, valid_idx=[0])
    beside = ImageData.from_files([*names, "../dog/0.png"], ["a", "b", "a", "b", "a"], TRANSFORMS, place, valid_idx=[0, 1])
    assert len(beside.train_ds) == 3


def test_a_function_of_a_path_that_fails_is_named(folder: Path) -> None:
    files = sorted((folder / "train").rglob("*.png"))
    with pytest.raises(CourseError, match=r"fails for .*cat/0\.png: AttributeError: .* given a pathlib\.Path, whose name"):
        ImageData.from_files(files, lambda path: path.split("/")[-2], TRANSFORMS)
    with pytest.raises(CourseError, match="labels is of type DataFrame, a table; give one of its columns"):
        ImageData.from_files(files, pd.DataFrame({"label": ["a", "b"] * 5}), TRANSFORMS)


def test_a_frame_whose_names_are_elsewhere(folder: Path) -> None:
    names = [f"train/cat/{i}.png" for i in range(4)]
    frame = pd.DataFrame({"f": names, "label": ["a", "b"] * 2})
    with pytest.raises(CourseError, match=r"the frame has the column 'label'; .* frame\.reset_index\(\)"):
        ImageData.from_frame(frame.set_index("f"), TRANSFORMS, folder)
    for cell in (Image.new("RGB", (3, 3)), {"bytes": b""}, X[0]):
        with pytest.raises(CourseError, match=r"in the column 'f', where the names .* go to ImageData\.from_arrays"):
            ImageData.from_frame(frame.assign(f=pd.Series([cell, *names[1:]], dtype=object)), TRANSFORMS, folder)


def test_pictures_of_the_test_set_that_were_learnt_from_are_said(folder: Path, capsys: pytest.CaptureFixture) -> None:
    data = ImageData.from_folders(folder, TRANSFORMS, valid=None, valid_fraction=0.25, test="train")
    assert len(data.file_names("test")) == 10
    out = capsys.readouterr().out
    assert "10 of the 10 pictures of the test set are also in the training or validation set: train/cat/0.png" in out
    assert "25% of each class" in out
    ImageData.from_folders(folder, TRANSFORMS, valid=None, valid_fraction=0.001)
    assert "a random 0.1% of each class" in capsys.readouterr().out


def test_labels_of_files_in_a_dictionary(folder: Path) -> None:
    names = [f"train/cat/{i}.png" for i in range(4)]
    labels = dict(zip(reversed(names), ["pug", "boxer", "boxer", "pug"], strict=True)) | {"other.png": "poodle"}
    for keys in (labels, {Path(name): label for name, label in labels.items()}):
        data = ImageData.from_files(names, keys, TRANSFORMS, folder, valid_idx=[0, 1])
        assert data.classes == ["boxer", "pug"]
        assert data.targets("valid").tolist() == [1, 0]
    with pytest.raises(CourseError, match=r"no key for 1 file: train/cat/4\.png; its keys are"):
        ImageData.from_files([*names, "train/cat/4.png"], labels, TRANSFORMS, folder)


def test_sets_have_no_order(folder: Path) -> None:
    names = [f"train/cat/{i}.png" for i in range(2)]
    with pytest.raises(CourseError, match="files is a set, which has no order"):
        ImageData.from_files(set(names), ["a", "b"], TRANSFORMS, folder)
    with pytest.raises(CourseError, match="labels is a set, which has no order"):
        ImageData.from_files(names, {"a", "b"}, TRANSFORMS, folder)


def test_without_a_validation_folder(folder: Path, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(CourseError, match=r"no folder .*valid; .* valid_fraction=0\.2 takes a fifth"):
        ImageData.from_folders(folder, TRANSFORMS)
    data = ImageData.from_folders(folder, TRANSFORMS, valid_fraction=0.2)
    assert data.targets("valid").tolist() == [0, 1]
    assert sorted(data.items("train") + data.items("valid")) == [f"train/{k}/{i}.png" for k in ("cat", "dog") for i in range(5)]
    assert (
        capsys.readouterr().out
        == "2 pictures of 10 are for validation, a random 20% of each class (valid_fraction, seed=42).\n"
    )
    assert ImageData.from_folders(folder / "train", TRANSFORMS, train=".", valid_fraction=0.2).file_names("valid") == [
        name.removeprefix("train/") for name in data.file_names("valid")
    ]
    with pytest.raises(CourseError, match="valid_fraction is 2"):
        ImageData.from_folders(folder, TRANSFORMS, valid_fraction=2)
    (folder / "valid").mkdir()
    with pytest.raises(CourseError, match=r"there is a folder .*valid, and valid_fraction"):
        ImageData.from_folders(folder, TRANSFORMS, valid_fraction=0.2)


def test_files_that_are_not_used_are_named(folder: Path, capsys: pytest.CaptureFixture) -> None:
    for name in ("train/cat/notes.txt", "train/stray.png", "train/cat/.DS_Store", "train/dog/Thumbs.db"):
        (folder / name).touch()
    data = ImageData.from_folders(folder, TRANSFORMS, valid_fraction=0.2)
    assert data.unlisted == ["train/cat/notes.txt", "train/stray.png"]
    said = capsys.readouterr().out
    assert "2 files are not used (data.unlisted): not a picture, or outside the folders of classes: train/cat/notes.txt" in said


def test_a_class_in_two_forms_of_unicode_is_one(folder: Path) -> None:
    name = "B\u00e4r"
    for split, form in (("train", "NFC"), ("valid", "NFD")):
        for kind in (unicodedata.normalize(form, name), "dog"):
            (folder / split / kind).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (40, 40)).save(folder / split / kind / "x.png")
    data = ImageData.from_folders(folder, TRANSFORMS)
    assert data.classes == [name, "cat", "dog"]
    assert data.targets("valid").tolist() == [0, 2]
    assert len(list(data.valid_ds)) == 2


def test_names_by_case_and_suffix(folder: Path, capsys: pytest.CaptureFixture) -> None:
    (folder / "t.csv").write_text("id,label\n0.PNG,a\n1.PNG,b\n2.png,a\n")
    data = ImageData.from_csv(folder, "train/cat", "t.csv", TRANSFORMS, valid_idx=[0])
    assert data.file_names("valid") == ["train/cat/0.png"]
    assert "2 pictures of t.csv differ from the names on disk only in upper and lower case" in capsys.readouterr().out
    (folder / "t.csv").write_text("id,label\n0,a\n1,b\n2,a\n")
    with pytest.raises(CourseError, match=r"With suffix='\.png' there is train/cat/0\.png"):
        ImageData.from_csv(folder, "train/cat", "t.csv", TRANSFORMS, suffix=".jpg")


def test_data_of_other_pictures_neither_overwrite_nor_find_weights(tmp_path: Path) -> None:
    """One folder for each set of pictures with its labels, however they are split; the same in another session."""
    places = {
        "all": arrays((X[:12], Y[:12]), (X[12:], Y[12:])),
        "split in another way": arrays((X[4:], Y[4:]), (X[:4], Y[:4])),
        "with a test set, as tensors": arrays((torch.tensor(X[4:]), Y[4:]), (X[:4], Y[:4]), test=X[:2]),
        "other pictures": arrays((255 - X[:12], Y[:12]), (X[12:], Y[12:])),
        "other labels": arrays((X[:12], 1 - Y[:12]), (X[12:], Y[12:])),
        "other classes": arrays((X[:12], Y[:12]), (X[12:], Y[12:]), classes=["cat", "dog"]),
    }
    same, others = list(places)[:3], list(places)[3:]
    models = {name: models_folder(data.path) for name, data in places.items()}
    assert len({models[name] for name in same}) == 1
    assert len(set(models.values())) == 1 + len(others)
    assert {path.parent.parent for path in models.values()} == {Path(os.environ["COURSE_WORK"])}
    assert arrays(path=tmp_path / "cats").path == tmp_path / "cats"


@pytest.mark.parametrize("classes", [2, "ab", {"a", "b"}, {"a": 0, "b": 1}])
def test_classes_that_are_no_list(classes) -> None:
    with pytest.raises(CourseError, match=r"^classes is .*; give a list of their names"):
        arrays(classes=classes)


def test_a_class_of_arrays_that_only_validation_shows() -> None:
    with pytest.warns(UserWarning, match=r"1 of the 3 classes is in .* learn it: 2\. Put pictures of each class into train\.$"):
        arrays(valid=(X[:3], [0, 1, 2]))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"suffix": None}, "suffix is None; give what file names end in"),
        ({"folder": None}, "folder is None; give the path"),
        ({"test": 5}, "test is 5; give the path"),
        ({"path": None}, "path is None; give the path"),
    ],
)
def test_places_that_are_none(folder: Path, settings, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        ImageData.from_frame(pd.DataFrame({"f": ["train/cat/0.png"], "l": ["a"]}), TRANSFORMS, **{"path": folder} | settings)
    (folder / "t.csv").write_text("id,label\ntrain/cat/0.png,a\n")
    if "path" not in settings:
        with pytest.raises(CourseError, match=message):
            ImageData.from_csv(**{"path": folder, "folder": "", "csv": "t.csv", "transforms": TRANSFORMS} | settings)


@pytest.mark.parametrize("files", [None, 5, "a.png", [None], [""]])
def test_files_that_are_none(files) -> None:
    with pytest.raises(CourseError, match=r"^files (is|holds) .*; give"):
        ImageData.from_files(files, ["a"], TRANSFORMS)


def test_names_in_another_column_than_the_first(folder: Path) -> None:
    names = [f"train/cat/{i}.png" for i in range(4)]
    for frame in (
        pd.DataFrame({"label": ["a", "b"] * 2, "picture": names}),
        pd.DataFrame({"number": range(4), "picture": names, "label": ["a", "b"] * 2}),
    ):
        with pytest.raises(CourseError, match=r"The column 'picture' holds names of pictures: say file_column='picture'\."):
            ImageData.from_frame(frame, TRANSFORMS, folder)
        data = ImageData.from_frame(frame, TRANSFORMS, folder, valid_idx=[0, 1], file_column="picture", label_column="label")
        assert data.items("valid") == names[:2]


def test_a_list_has_files_and_no_rows(folder: Path) -> None:
    names = [f"train/cat/{i}.png" for i in range(4)]
    with pytest.raises(CourseError, match=r"files names pictures more than once: train/cat/0\.png\. Give each once") as error:
        ImageData.from_files([*names, names[0]], ["a", "b", "a", "b", "a"], TRANSFORMS, folder)
    assert "row" not in str(error.value)


def test_a_pipe_among_the_pictures_is_named_and_never_opened(folder: Path, capsys: pytest.CaptureFixture) -> None:
    os.mkfifo(folder / "train" / "cat" / "9.png")
    data = ImageData.from_folders(folder, TRANSFORMS, valid_fraction=0.2)
    assert data.unlisted == ["train/cat/9.png"]
    assert "1 file is not used (data.unlisted)" in capsys.readouterr().out
    names = [f"train/cat/{i}.png" for i in (0, 1, 9)]
    with pytest.raises(
        CourseError, match=r"1 of the 3 pictures .* is not in .*train/cat/9\.png is there, but not a file: .* pipe"
    ):
        ImageData.from_files(names, ["a", "b", "a"], TRANSFORMS, folder)


def test_what_validates_where_there_is_no_folder_for_it(folder: Path) -> None:
    with pytest.raises(CourseError, match=r"valid is None and there is no valid_fraction, .* give valid_fraction=0\.2"):
        ImageData.from_folders(folder, TRANSFORMS, valid=None)
    for seed in ("a", -1, None):
        with pytest.raises(CourseError, match=r"seed is .*; it is a whole number, 0 or more"):
            ImageData.from_folders(folder, TRANSFORMS, valid_fraction=0.2, seed=seed)


def test_what_trains_does_not_validate(folder: Path) -> None:
    (folder / "copy").symlink_to(folder / "train", target_is_directory=True)
    for valid in ("train", "./train", str(folder / "train"), "copy"):
        with pytest.raises(CourseError, match=r"train and valid are the same folder, .* valid_fraction=0\.2"):
            ImageData.from_folders(folder, TRANSFORMS, valid=valid)


def test_folders_of_classes_without_one_above_them(folder: Path) -> None:
    with pytest.raises(CourseError, match=r"no folder .*train; .*such as cat, dog are named after the classes, say train='\.'"):
        ImageData.from_folders(folder / "train", TRANSFORMS)


def test_how_cells_were_divided_is_said_once_for_each_table(folder: Path, capsys: pytest.CaptureFixture) -> None:
    for name in ("t.csv", "other.csv"):
        (folder / name).write_text("id,tags\n0.png,a\n1.png,a b\n2.png,b\n")
        for _ in range(2):
            ImageData.from_csv(folder, "train/cat", name, TRANSFORMS, valid_idx=[0])
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in said if "split at spaces" in line] == ["t.csv", "other.csv"]
    assert len([line for line in said if "not used" in line]) == 4  # which pictures are not used may change
