"""Labelled pictures from folders and tables, in mini-batches that a seed repeats."""

import gc
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from course_utils.errors import CourseError
from course_utils.training.data import Data
from course_utils.vision import ImageData, ImageError, transforms_for
from course_utils.vision import cache as cache_module
from course_utils.vision.figures import batch

SIZE = 16
TRANSFORMS = transforms_for(None, SIZE)
COLOURS = {"cats": (200, 30, 30), "dogs": (30, 200, 30)}


def draw(path: Path, colour: tuple[int, int, int], seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    noise = rng.integers(-30, 31, (int(rng.integers(24, 40)), int(rng.integers(24, 40)), 3))
    Image.fromarray((np.array(colour) + noise).clip(0, 255).astype(np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures to train on, six to validate, three to test."""
    for split, count in (("train", 5), ("valid", 3)):
        for number, (name, colour) in enumerate(COLOURS.items()):
            for i in range(count):
                draw(tmp_path / split / name / f"{name[:-1]}.{i}.png", colour, seed=10 * number + i)
    for i in (1, 2, 10):
        draw(tmp_path / "test1" / f"{i}.png", (0, 0, 0), seed=i)
    return tmp_path


def load(folder: Path, **settings) -> ImageData:
    return ImageData.from_folders(folder, **{"transforms": TRANSFORMS, "batch_size": 4, "test": "test1"} | settings).to("cpu")


def batches(loader) -> list[tuple[torch.Tensor, torch.Tensor | None]]:
    return [(x.clone(), None if y is None else y.clone()) for x, y in loader]


def same(a, b) -> bool:
    return len(a) == len(b) and all(torch.equal(p[0], q[0]) and torch.equal(p[1], q[1]) for p, q in zip(a, b, strict=True))


def test_from_folders(folder: Path) -> None:
    (folder / "train" / "cats" / "notes.txt").write_text("not a picture")
    (folder / "train" / "cats" / "._cat.0.png").write_bytes(b"left behind by another system")
    (folder / "train" / ".ipynb_checkpoints").mkdir()
    data = load(folder)
    assert isinstance(data, Data)
    assert data.augments
    assert data.classes == ["cats", "dogs"]
    assert data.task == "single-label"
    assert data.path == folder
    assert data.items("train") == [f"train/cats/cat.{i}.png" for i in range(5)] + [f"train/dogs/dog.{i}.png" for i in range(5)]
    assert data.file_names("test") == ["test1/1.png", "test1/10.png", "test1/2.png"]
    assert data.paths("valid")[0] == folder / "valid" / "cats" / "cat.0.png"
    assert data.targets("train").tolist() == [0] * 5 + [1] * 5
    assert data.targets("train").dtype == torch.int64
    assert data.targets("valid").tolist() == [0] * 3 + [1] * 3
    assert data.targets("test") is None
    assert repr(data).endswith(": 10 train, 6 valid, 3 test; 2 classes, single-label, 16 x 16 pixels)")


def test_one_example(folder: Path) -> None:
    data = load(folder)
    x, y = data.valid_ds[4]
    assert y == 1
    assert torch.equal(x, TRANSFORMS.one(folder / data.items("valid")[4]))
    assert torch.equal(data.valid_ds[-2][0], x)
    assert len(data.train_ds) == 10
    assert len(list(data.train_ds)) == 10
    a, b = data.train_ds[0][0], data.train_ds[0][0]
    assert not torch.equal(a, b)  # augmented
    torch.manual_seed(3)
    a = data.train_ds[0][0]
    torch.manual_seed(3)
    assert torch.equal(a, TRANSFORMS.one(folder / data.items("train")[0], augment=True))
    assert data.test_ds[2][1] is None
    with pytest.raises(IndexError):
        data.valid_ds[6]


def test_validation_and_test_batches_are_in_order_and_whole(folder: Path) -> None:
    data = load(folder)
    found = batches(data.valid_dl)
    assert [len(x) for x, _ in found] == [4, 2]
    assert len(data.valid_dl) == 2
    assert torch.equal(torch.cat([x for x, _ in found]), torch.stack([x for x, _ in data.valid_ds]))
    assert torch.equal(torch.cat([y for _, y in found]), data.targets("valid"))
    assert found[0][0].dtype == torch.float32
    assert found[0][0].shape == (4, 3, SIZE, SIZE)
    [(x, y)] = batches(data.test_dl)
    assert y is None
    assert torch.equal(x[1], TRANSFORMS.one(folder / "test1" / "10.png"))


def test_training_batches_are_shuffled_and_targets_follow(folder: Path) -> None:
    data = load(folder, batch_size=5)
    torch.manual_seed(0)
    orders = set()
    for _ in range(4):
        found = batches(data.train_dl)
        y = torch.cat([y for _, y in found])
        colours = data.transforms.denormalise(torch.cat([x for x, _ in found])).mean((2, 3))
        assert torch.equal((colours[:, 1] > colours[:, 0]).long(), y)  # dogs are green
        assert sorted(y.tolist()) == [0] * 5 + [1] * 5
        orders.add(tuple(y.tolist()))
    assert len(orders) > 1


def test_augmented_views_in_order(folder: Path) -> None:
    data = load(folder)
    views = batches(data.loader("valid", augment=True))
    assert torch.equal(torch.cat([y for _, y in views]), data.targets("valid"))
    assert not torch.equal(views[0][0], batches(data.valid_dl)[0][0])


@pytest.mark.parametrize("memory", [10**9, 0])
def test_a_seed_repeats_with_a_cold_and_a_warm_cache(folder: Path, memory: int) -> None:
    data, fresh = load(folder), load(folder)
    fresh.cache.memory_left = memory
    torch.manual_seed(1)
    cold = batches(data.train_dl) + batches(data.train_dl)
    after = torch.get_rng_state()
    torch.manual_seed(1)
    warm = batches(data.train_dl) + batches(data.train_dl)
    assert same(cold, warm)
    assert torch.equal(torch.get_rng_state(), after)
    torch.manual_seed(1)
    assert same(cold, batches(fresh.train_dl) + batches(fresh.train_dl))
    assert not same(cold[:3], cold[3:])


def test_the_number_of_threads_changes_nothing_and_is_put_back(folder: Path) -> None:
    """While pictures are decoded the transforms run in one thread, later in all."""
    data = load(folder, transforms=transforms_for(None, 96), batch_size=10)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        torch.manual_seed(1)
        cold = batches(data.train_dl)
        assert torch.get_num_threads() == 3
        torch.manual_seed(1)
        assert same(cold, batches(data.train_dl))
    finally:
        torch.set_num_threads(threads)


def test_a_last_batch_of_one_is_left_out_only_when_shuffled(folder: Path) -> None:
    data = load(folder, batch_size=3)  # 10 pictures
    assert [len(x) for x, _ in data.train_dl] == [3, 3, 3]
    assert len(data.train_dl) == 3
    assert [len(x) for x, _ in data.loader("train")] == [3, 3, 3, 1]
    assert len(data.loader("train")) == 4
    assert [len(x) for x, _ in load(folder, batch_size=4).train_dl] == [4, 4, 2]
    assert [len(x) for x, _ in load(folder, batch_size=1).train_dl] == [1] * 10


def test_a_pass_can_be_abandoned_and_another_begun(folder: Path) -> None:
    data = load(folder)
    for _ in range(3):
        passing = iter(data.train_dl)
        next(passing)
        del passing
    gc.collect()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]
    pairs = list(zip(data.valid_dl, data.valid_dl, strict=True))
    assert all(torch.equal(a[0], b[0]) for a, b in pairs)
    assert len(pairs) == 2


def test_pictures_are_decoded_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load(folder)
    for loader in (data.train_dl, data.valid_dl, data.test_dl):
        batches(loader)
    monkeypatch.setattr(cache_module, "read_image", None)
    for loader in (data.train_dl, data.valid_dl, data.test_dl):
        batches(loader)
    data.valid_ds[0]


def test_damaged_pictures_raise_and_the_data_stay_usable(folder: Path) -> None:
    (folder / "train" / "dogs" / "dog.1.png").write_bytes(b"")
    data = load(folder)
    for _ in range(2):
        with pytest.raises(ImageError, match=r"dog\.1\.png is empty .* again, or remove it; ImageData\(\.\.\., damaged="):
            batches(data.train_dl)
    with pytest.raises(ImageError, match=r"dog\.1\.png is empty"):
        data.train_ds[6]
    assert len(batches(data.valid_dl)) == 2
    draw(folder / "train" / "dogs" / "dog.1.png", COLOURS["dogs"])
    assert len(batches(data.train_dl)) == 3


def test_damaged_pictures_can_be_left_out(folder: Path) -> None:
    (folder / "train" / "cats" / "cat.3.png").write_bytes(b"")
    (folder / "valid" / "dogs" / "dog.0.png").write_bytes(b"no picture")
    (folder / "test1" / "10.png").write_bytes(b"no picture")
    data = load(folder, damaged="skip")
    assert data.damaged == ["train/cats/cat.3.png", "valid/dogs/dog.0.png", "test1/10.png"]
    assert data.items("test") == ["test1/1.png", "test1/2.png"]
    assert "train/cats/cat.3.png" not in data.items("train")
    assert data.targets("train").tolist() == [0] * 4 + [1] * 5
    assert data.targets("valid").tolist() == [0] * 3 + [1] * 2
    x, y = data.valid_ds[3]
    assert y == 1
    assert torch.equal(x, TRANSFORMS.one(folder / "valid/dogs/dog.1.png"))
    assert sum(len(x) for x, _ in data.valid_dl) == 5
    assert load(folder).damaged == []
    copy = data.resize(24, "copies")
    assert copy.items("train") == data.items("train")
    assert copy.damaged == data.damaged


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_link_that_leads_nowhere_is_said(folder: Path) -> None:
    (folder / "valid" / "cats" / "gone.png").symlink_to(folder / "nowhere.png")
    with pytest.raises(ImageError, match=r"gone\.png does not exist"):
        batches(load(folder).valid_dl)


@pytest.mark.gpu
def test_batches_on_a_gpu_are_those_of_the_processor(folder: Path) -> None:
    data = load(folder)
    torch.manual_seed(1)
    expected = batches(data.train_dl)
    torch.manual_seed(1)
    for (x, y), (on_gpu, labels) in zip(expected, load(folder).to("cuda").train_dl, strict=True):
        assert on_gpu.is_cuda
        torch.testing.assert_close(on_gpu.cpu(), x, atol=0.03, rtol=0)
        assert torch.equal(labels.cpu(), y)


def test_all_damaged(folder: Path) -> None:
    for path in (folder / "test1").iterdir():
        path.write_bytes(b"")
    with pytest.raises(CourseError, match=r"the test set of .* has no picture left; 3 are damaged"):
        load(folder, damaged="skip")


def remove(path: Path) -> None:
    for file in path.iterdir():
        file.unlink()
    path.rmdir()


def test_wrong_folders_say_what_is_there(folder: Path) -> None:
    with pytest.raises(CourseError, match=r"no folder .*training; in .* there is test1/, train/, valid/"):
        load(folder, train="training")
    with pytest.raises(CourseError, match=r"no folder .*test2; in"):
        load(folder, test="test2")
    with pytest.raises(CourseError, match=r"nowhere does not exist; in .* there is test1/"):
        load(folder / "nowhere")
    for name in ("a\0b", "x" * 300):
        with pytest.raises(CourseError, match=r"no folder .*; .* (does not exist|cannot be read)"):
            load(folder / name)
        with pytest.raises(CourseError, match=r"no folder .*; in .* there is test1/, train/, valid/"):
            load(folder, train=name)
    with pytest.raises(CourseError, match=r"test1 has no folders named after classes; in .* there is 1\.png, 10\.png, 2\.png"):
        load(folder, train="test1")
    (folder / "test3").mkdir()
    with pytest.raises(CourseError, match=r"test3 has no pictures; .*test3 is empty"):
        load(folder, test="test3")
    with pytest.raises(CourseError, match="it has train, valid; name its folder with test="):
        load(folder, test=None).loader("test")


def test_class_folders_that_do_not_fit(folder: Path) -> None:
    (folder / "train" / "birds").mkdir()
    with pytest.raises(CourseError, match=r"birds has no pictures; .*birds is empty"):
        load(folder)
    (folder / "train" / "birds").rmdir()
    draw(folder / "valid" / "horses" / "1.png", (0, 0, 0))
    with pytest.raises(CourseError, match=r"valid has classes that .*train lacks: horses"):
        load(folder)
    remove(folder / "valid" / "horses")
    remove(folder / "valid" / "dogs")
    assert load(folder).targets("valid").tolist() == [0] * 3  # nothing to validate dogs with, but nothing wrong
    remove(folder / "train" / "dogs")
    with pytest.raises(CourseError, match="train has one class, 'cats'"):
        load(folder)


def test_settings_that_cannot_work(folder: Path) -> None:
    with pytest.raises(CourseError, match="batch_size is 0"):
        load(folder, batch_size=0)
    with pytest.raises(CourseError, match="transforms_for"):
        load(folder, transforms=224)
    with pytest.raises(CourseError, match="damaged is 'ignore'"):
        load(folder, damaged="ignore")


@pytest.fixture
def breeds(tmp_path: Path) -> Path:
    """Ten pictures in one folder, their labels in a table."""
    rows = [(f"id{i}", "pug" if i % 3 else "boxer") for i in range(10)]
    for i, (name, _) in enumerate(rows):
        draw(tmp_path / "train" / f"{name}.png", (10 * i, 0, 0), seed=i)
    pd.DataFrame(rows, columns=["id", "breed"]).to_csv(tmp_path / "labels.csv", index=False)
    draw(tmp_path / "test" / "b.png", (0, 0, 0))
    draw(tmp_path / "test" / "a.png", (0, 0, 0))
    return tmp_path


def read(breeds: Path, **settings) -> ImageData:
    usual = {"folder": "train", "csv": "labels.csv", "transforms": TRANSFORMS, "batch_size": 4, "suffix": ".png"}
    return ImageData.from_csv(breeds, **usual | settings)


def test_from_csv(breeds: Path) -> None:
    data = read(breeds, valid_idx=[0, 7], test="test")
    assert data.task == "single-label"
    assert data.classes == ["boxer", "pug"]
    assert data.items("valid") == ["train/id0.png", "train/id7.png"]
    assert data.targets("valid").tolist() == [0, 1]
    assert data.items("train") == [f"train/id{i}.png" for i in (1, 2, 3, 4, 5, 6, 8, 9)]
    assert data.targets("train").tolist() == [1, 1, 0, 1, 1, 0, 1, 0]
    assert data.targets("train").dtype == torch.int64
    assert data.file_names("test") == ["test/a.png", "test/b.png"]
    assert data.missing == []
    assert torch.equal(data.valid_ds[1][0], TRANSFORMS.one(breeds / "train" / "id7.png"))


def test_the_table_may_lie_elsewhere_or_be_compressed(breeds: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("tables") / "labels.csv.gz"
    pd.read_csv(breeds / "labels.csv").to_csv(elsewhere, index=False)
    (breeds / "labels.csv").unlink()
    assert len(read(breeds, csv=elsewhere).items("train")) == 8


def test_a_random_fifth_validates_and_always_the_same(breeds: Path) -> None:
    data = read(breeds)
    assert len(data.items("valid")) == 2
    assert data.items("valid") == read(breeds).items("valid")
    assert sorted(data.items("valid") + data.items("train")) == [f"train/id{i}.png" for i in range(10)]


def test_more_than_one_label_anywhere_is_multi_label(breeds: Path) -> None:
    table = pd.read_csv(breeds / "labels.csv")
    table["breed"] = ["clear", "clear", "haze water", "", "water"] * 2
    table.to_csv(breeds / "tags.csv", index=False)
    data = read(breeds, csv="tags.csv", valid_idx=[0, 2, 3])
    assert data.task == "multi-label"
    assert data.classes == ["clear", "haze", "water"]
    assert data.targets("valid").tolist() == [[1, 0, 0], [0, 1, 1], [0, 0, 0]]
    assert data.targets("valid").dtype == torch.float32
    _, y = next(iter(data.train_dl))
    assert y.shape == (4, 3)
    assert data.train_ds[0][1].tolist() == [1, 0, 0]


def test_labels_that_look_like_missing_values_or_numbers(breeds: Path) -> None:
    table = pd.read_csv(breeds / "labels.csv")
    table["breed"] = ["NA", "None", "7", "07", "nan"] * 2
    table.to_csv(breeds / "odd.csv", index=False)
    assert read(breeds, csv="odd.csv").classes == ["07", "7", "NA", "None", "nan"]


def test_missing_pictures(breeds: Path, capsys: pytest.CaptureFixture) -> None:
    for i in range(1, 10):
        (breeds / "train" / f"id{i}.png").unlink() if i not in (4, 6) else None
    with pytest.raises(CourseError, match=r"7 of the 10 pictures .*: train/id1\.png, .* and 2 more\. Check .*missing='skip'"):
        read(breeds)
    assert capsys.readouterr().out == ""
    data = read(breeds, missing="skip", valid_idx=[6, 7, 8])
    assert capsys.readouterr().out == "7 of the 10 pictures that labels.csv names are missing and left out (data.missing).\n"
    assert data.items("train") == ["train/id0.png", "train/id4.png"]
    assert data.items("valid") == ["train/id6.png"]
    assert data.targets("train").tolist() == [0, 1]
    assert data.missing == [f"train/id{i}.png" for i in (1, 2, 3, 5, 7, 8, 9)]
    assert data.classes == ["boxer", "pug"]
    with pytest.raises(CourseError, match="no picture is left for the valid set"):
        read(breeds, missing="skip", valid_idx=[7, 8])
    with pytest.raises(CourseError, match=r"10 of the 10 .*suffix \(''\): in .*train there is id0\.png, id4\.png, id6\.png"):
        read(breeds, suffix="")
    with pytest.raises(CourseError, match=r"no folder .*pictures; in .* there is labels\.csv, test/, train/"):
        read(breeds, folder="pictures", missing="skip")


def test_pictures_that_the_table_does_not_name(breeds: Path, capsys: pytest.CaptureFixture) -> None:
    for name in ("z.png", "a.JPG", "notes.txt", ".hidden.png", "id0.txt"):
        (breeds / "train" / name).touch()
    data = read(breeds)
    assert data.unlisted == ["train/a.JPG", "train/z.png"]
    assert capsys.readouterr().out == "2 pictures are not used, because labels.csv does not name them (data.unlisted).\n"
    assert len(data.items("train")) + len(data.items("valid")) == 10


def test_a_table_without_headings(breeds: Path) -> None:
    text = (breeds / "labels.csv").read_text().replace("id,breed\n", "")
    (breeds / "labels.csv").write_text(text.replace("id0,boxer", "id0,corgi"))
    with pytest.raises(CourseError, match="begins with 'id0,corgi', a picture"):  # a file of that name is there
        read(breeds)
    (breeds / "labels.csv").write_text(text)
    with pytest.raises(
        CourseError, match=r"labels\.csv begins with 'id0,boxer', a picture; put a line such as id,label above it"
    ):
        read(breeds)
    (breeds / "train" / "id0.png").unlink()  # then only the label gives it away
    with pytest.raises(CourseError, match="begins with 'id0,boxer'"):
        read(breeds, missing="skip")


def test_a_class_that_only_validation_shows(breeds: Path, recwarn: pytest.WarningsRecorder) -> None:
    boxers, pugs = [0, 3, 6, 9], [1, 2, 4, 5, 7, 8]
    with pytest.warns(UserWarning, match=r"1 of the 2 classes is in the validation set only.*: boxer\. .*validation_split"):
        data = read(breeds, valid_idx=boxers)
    assert data.classes == ["boxer", "pug"]
    with pytest.warns(UserWarning, match="only.*: boxer"):
        read(breeds, valid_idx=boxers, task="multi-label")
    for i in boxers[1:]:
        (breeds / "train" / f"id{i}.png").unlink()
    with pytest.warns(UserWarning, match="only.*: boxer"):  # its other pictures are missing
        read(breeds, valid_idx=[0, 1], missing="skip")
    recwarn.clear()
    read(breeds, valid_idx=[1, 3], missing="skip")
    read(breeds, valid_idx=pugs[:2], missing="skip")
    assert len(recwarn) == 0


def test_targets_of_several_labels_on_request(breeds: Path) -> None:
    """Pictures of one kind each can teach a network that may say of others that they show several (lecture 1:54:40)."""
    data, usual = read(breeds, task="multi-label", valid_idx=[0, 7]), read(breeds, valid_idx=[0, 7])
    assert data.task == "multi-label"
    assert data.targets("train").dtype == torch.float32
    assert torch.equal(data.targets("train").argmax(dim=1), usual.targets("train"))
    assert data.targets("train").sum(dim=1).tolist() == [1] * 8
    assert data.activation(torch.tensor([[0.0, 0.0]])).tolist() == [[0.5, 0.5]]
    with pytest.raises(CourseError, match="task is 'several'"):
        read(breeds, task="several")


def test_labels_with_spaces_on_request(breeds: Path) -> None:
    (breeds / "labels.csv").write_text("id,breed\nid0,golden retriever\nid1,pug\nid2,pug\nid3,golden retriever\n")
    assert read(breeds, valid_idx=[0, 1]).classes == ["golden", "pug", "retriever"]
    data = read(breeds, valid_idx=[0, 1], task="single-label")
    assert data.classes == ["golden retriever", "pug"]
    assert data.targets("valid").tolist() == [0, 1]


def test_a_column_of_files(breeds: Path) -> None:
    files = [r"test\a.png", "./train/id1.png", "train//id2.png", "train/id3.png"]
    rows = [f"n{i},{'pug' if i % 2 else 'boxer'},{file}\n" for i, file in enumerate(files)]
    (breeds / "labels.csv").write_text("id,breed,path\n" + "".join(rows))
    data = read(breeds, folder="", file_column="path", suffix=".ignored", valid_idx=[0, 3])
    assert data.items("valid") == ["test/a.png", "train/id3.png"]
    assert data.items("train") == ["train/id1.png", "train/id2.png"]
    assert data.targets("valid").tolist() == [0, 1]
    assert data.unlisted == ["test/b.png", *(f"train/id{i}.png" for i in (0, 4, 5, 6, 7, 8, 9))]
    assert len(batches(data.valid_dl)) == 1
    with pytest.raises(CourseError, match="file_column is 'file'"):
        read(breeds, file_column="file")


def test_a_table_cannot_lead_out_of_the_folder(breeds: Path) -> None:
    draw(breeds / "secret.png", (1, 2, 3))
    (breeds / "labels.csv").write_text("id,breed\nid0,pug\n../secret,boxer\nid1,boxer\nid2,pug\n")
    for column in (None, "id"):
        with pytest.raises(CourseError, match=r"names '\.\./secret', which leads out of the folder 'train'"):
            read(breeds, missing="skip", file_column=column)


def test_numbers_keep_their_zeros(breeds: Path) -> None:
    for name in ("007", "08", "1e5", "1.0"):
        draw(breeds / "train" / f"{name}.png", (9, 9, 9))
    (breeds / "labels.csv").write_text("id,breed\n007,1\n08,01\n1e5,1\n1.0,01\n")
    data = read(breeds, valid_idx=[0, 1])
    assert data.items("valid") + data.items("train") == [f"train/{name}.png" for name in ("007", "08", "1e5", "1.0")]
    assert data.classes == ["01", "1"]


def test_no_file_is_asked_for_one_by_one(breeds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a network drive 100,000 questions take minutes."""
    asked: list[str] = []
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda path, *rest, **options: (asked.append(str(path)), stat(path, *rest, **options))[1])
    read(breeds)
    assert not [path for path in asked if path.endswith(".png")]


def test_no_such_table(breeds: Path) -> None:
    with pytest.raises(CourseError, match=r"no table tags\.csv, nor in .*; in .* there is labels\.csv, test/, train/"):
        read(breeds, csv="tags.csv")


@pytest.mark.parametrize("valid_idx", [[10], [-1], [[1, 2]], [0.5], [True, False], ["1"]])
def test_rows_that_cannot_validate(breeds: Path, valid_idx: list) -> None:
    with pytest.raises(CourseError, match=r"valid_idx is .* from 0 to 9"):
        read(breeds, valid_idx=valid_idx)


@pytest.mark.parametrize(("valid_idx", "split"), [([], "valid"), (range(10), "train")])
def test_a_split_without_pictures(breeds: Path, valid_idx, split: str) -> None:
    with pytest.raises(CourseError, match=f"no picture is left for the {split} set"):
        read(breeds, valid_idx=np.array(valid_idx, dtype=int))


def test_show_batch(folder: Path) -> None:
    data = load(folder)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    figure = data.show_batch(rows=2, columns=3)
    assert torch.equal(torch.get_rng_state(), state)
    assert len(figure.axes) == 6
    assert {axis.get_title() for axis in figure.axes} == {"cats", "dogs"}
    expected = torch.cat([x for x, _ in batches(data.train_dl)])[0]
    shown = figure.axes[0].images[0].get_array()
    assert np.allclose(shown, data.transforms.denormalise(expected).permute(1, 2, 0).numpy())
    titles = [axis.get_title() for axis in data.show_batch(split="test").axes]
    assert titles == [*data.items("test"), ""]  # one row of four


def test_a_batch_to_show_is_as_large_as_the_set_and_no_larger_than_a_figure(folder: Path, monkeypatch) -> None:
    data = load(folder)
    assert len(data.show_batch(10**6, 3, split="valid").axes) == 3 * -(-len(data.valid_ds) // 3)
    monkeypatch.setattr(batch, "LARGEST_BATCH", 4)
    with pytest.raises(CourseError, match="rows x columns is 6 pictures; a figure holds up to 4"):
        data.show_batch(2, 3)


def test_what_is_no_row_of_a_data_set(folder: Path) -> None:
    for given in (slice(0, 3), "train/0", [1]):
        with pytest.raises(CourseError, match="is not the number of a picture"):
            load(folder).train_ds[given]
    with pytest.raises(CourseError, match=r"device is 'gpu'; give 'cpu', 'cuda'"):
        load(folder).to("gpu")


def test_show_batch_of_several_labels(breeds: Path) -> None:
    (breeds / "labels.csv").write_text("id,tags\nid0,haze water\nid1,water haze\nid2,\n")
    data = read(breeds, valid_idx=[0, 2])
    assert [axis.get_title() for axis in data.show_batch(1, 2, split="valid").axes] == ["haze water", ""]


@pytest.mark.parametrize("number", [0, -1, "a", 1.5, None])
def test_a_grid_that_is_none(image_data: ImageData, number: Any) -> None:
    with pytest.raises(CourseError, match=r"^rows is .*whole number, 1 or more"):
        image_data.show_batch(number)
    with pytest.raises(CourseError, match=r"^columns is .*whole number, 1 or more"):
        image_data.show_batch(2, number)
