import itertools
import os
import shutil
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFile

from course_utils.errors import CourseError
from course_utils.vision import (
    ImageData,
    class_counts,
    cooccurrence,
    image_sizes,
    show_class_counts,
    show_cooccurrence,
    show_image_sizes,
    show_symmetries,
    transforms_for,
)
from tests.vision.figures.legible import check_legible

PLANET = [
    "agriculture", "artisinal_mine", "bare_ground", "blooming", "blow_down", "clear", "cloudy", "conventional_mine",
    "cultivation", "habitation", "haze", "partly_cloudy", "primary", "road", "selective_logging", "slash_burn", "water",
]  # fmt: skip


def tag_table(rows=400, classes=PLANET, seed=0):
    """Random tags, the first classes the commonest; some rows have none."""
    rng = np.random.default_rng(seed)
    chances = 0.9 / np.arange(1, len(classes) + 1)
    tags = [" ".join(name for name, p in zip(classes, chances, strict=True) if rng.random() < p) for _ in range(rows)]
    return pd.DataFrame({"image_name": [f"train_{i}" for i in range(rows)], "tags": tags})


@pytest.fixture
def tagged(tmp_path):
    """Twelve pictures with tags, on disk."""
    (tmp_path / "jpg").mkdir()
    table = pd.DataFrame({"image_name": [f"p{i}" for i in range(12)], "tags": ["clear water", "haze", "clear"] * 4})
    for i, name in enumerate(table["image_name"]):
        Image.new("RGB", (40 + i, 30), (20 * i, 90, 200)).save(tmp_path / "jpg" / f"{name}.jpg")
    table.to_csv(tmp_path / "train.csv", index=False)
    return ImageData.from_csv(tmp_path, "jpg", "train.csv", transforms_for(None, 16), valid_idx=[0, 1, 2, 4], suffix=".jpg")


def bars(figure):
    """Labels, lengths and numbers of the bars, in reading order."""
    return [
        (name.get_text(), bar.get_width(), number.get_text())
        for axis in figure.axes
        for name, bar, number in zip(axis.get_yticklabels(), axis.patches, axis.texts, strict=True)
    ]


# -- counts --------------------------------------------------------------------------------------------------------------


def test_counts_of_a_table_equal_pandas(tmp_path):
    table = tag_table()
    counts = class_counts(table)
    expected = table["tags"].str.get_dummies(" ").drop(columns="", errors="ignore").sum()
    assert counts.to_dict() == expected.to_dict()
    assert counts.tolist() == sorted(expected, reverse=True)
    assert counts.name == "pictures"


def test_classes_as_numerous_as_each_other_stand_in_alphabetical_order():
    table = pd.DataFrame({"id": range(5), "breed": ["pug", "boxer", "kelpie", "kelpie", "affenpinscher"]})
    assert list(class_counts(table).items()) == [("kelpie", 2), ("affenpinscher", 1), ("boxer", 1), ("pug", 1)]


def test_rows_without_a_label_and_a_tag_twice_in_a_row(tmp_path):
    (tmp_path / "t.csv").write_text("id,tags\na,clear  clear water\nb,\nc, clear\n")
    table = pd.read_csv(tmp_path / "t.csv", index_col=None)
    table.index = [7, 7, 7]
    assert class_counts(table).to_dict() == {"clear": 2, "water": 1}
    assert show_class_counts(table).get_suptitle() == "3 pictures and how many have each of 2 labels"


def test_counts_of_pictures_in_folders(image_data):
    names = image_data.items("train") + image_data.items("valid")
    assert class_counts(image_data).to_dict() == Counter(name.split("/")[1] for name in names)
    assert class_counts(image_data, "valid").to_dict() == {"cold": 8, "warm": 8}


def test_counts_of_tagged_pictures_and_of_a_class_that_a_split_has_not(tagged):
    assert class_counts(tagged).to_dict() == {"clear": 8, "haze": 4, "water": 4}
    assert class_counts(tagged, "valid").to_dict() == {"clear": 2, "haze": 2, "water": 1}
    tagged._targets["valid"][:, 2] = 0
    assert class_counts(tagged, "valid")["water"] == 0
    assert ("water", 0, "0   0.0%") in bars(show_class_counts(tagged, "valid"))


@pytest.mark.parametrize(
    ("labels", "split", "message"),
    [
        (pd.DataFrame({"id": [1]}), None, r"the columns \['id'\]; give an ImageData, or a table of names and labels"),
        ("train.csv", None, "'train.csv'; give an ImageData"),
        (pd.DataFrame({"id": [1], "tags": ["a b"]}), "valid", r"has no 'valid' set.*table\[:1000\]"),
        (pd.DataFrame({"id": [1], "tags": [None]}), None, "'tags' has no label in its 1 row"),
    ],
)
def test_what_has_no_labels_is_refused(labels, split, message):
    for function in (class_counts, cooccurrence, show_class_counts, show_cooccurrence):
        with pytest.raises(CourseError, match=message):
            function(labels, split)


def test_a_test_set_has_no_counts(image_data):
    with pytest.raises(CourseError, match="test set has no labels"):
        class_counts(image_data, "test")


def test_counts_are_drawn_with_their_numbers_commonest_first():
    table = tag_table()
    figure = show_class_counts(table)
    expected = [(name, n, f"{n:,}   {n / 400:.1%}") for name, n in class_counts(table).items()]
    assert bars(figure) == expected
    assert figure.axes[0].yaxis_inverted()
    assert figure.get_suptitle() == "400 pictures and how many have each of 17 labels"
    assert figure.axes[0].get_xlabel() == "pictures"


@pytest.mark.parametrize(("classes", "columns"), [(2, 1), (12, 1), (17, 1), (40, 1), (41, 2), (160, 4)])
def test_any_number_of_classes_can_be_read(classes, columns):
    length = 26 if columns < 4 else 12
    breeds = [f"{'american_staffordshire'[: length - 3]}_{i:03}" for i in range(classes) for _ in range(1 + i % 3)]
    table = pd.DataFrame({"id": range(len(breeds)), "breed": breeds})
    figure = show_class_counts(table)
    assert len(figure.axes) == columns
    assert [name for name, _, _ in bars(figure)] == list(class_counts(table).index)
    assert figure.get_suptitle() == f"{len(breeds):,} pictures of {classes} classes"
    check_legible(figure)


def test_of_very_many_classes_the_commonest_are_drawn():
    breeds = [f"b{i:03}" for i in range(300) for _ in range(1 + i % 2)]
    figure = show_class_counts(pd.DataFrame({"id": range(450), "breed": breeds}))
    assert len(bars(figure)) == 160
    assert [width for _, width, _ in bars(figure)] == [2] * 150 + [1] * 10
    assert figure.get_suptitle() == "450 pictures of 300 classes (the 160 commonest)"


# -- which labels go together --------------------------------------------------------------------------------------------


def test_cooccurrence_equals_a_plain_loop():
    table = tag_table()
    expected = Counter(
        pair for tags in table["tags"] for pair in itertools.product(tags.split(), tags.split())
    )  # each with itself too
    both = cooccurrence(table)
    assert list(both.index) == list(both.columns) == list(class_counts(table).index)
    assert {(a, b): both.loc[a, b] for a in both for b in both if both.loc[a, b]} == expected


def test_cooccurrence_of_pictures(tagged):
    assert cooccurrence(tagged).loc["clear", "water"] == 4
    assert cooccurrence(tagged, "valid").loc["clear", ["clear", "haze", "water"]].tolist() == [2, 0, 1]


@pytest.mark.parametrize(("letter", "labels"), [("m", 2), ("m", 6), ("W", 30), ("a", 3)])
@pytest.mark.filterwarnings("error")
def test_names_of_any_length_leave_room_for_what_they_name(letter, labels):
    names = [f"{letter * 60}{i}" for i in range(labels)]
    figure = show_cooccurrence(pd.DataFrame({"id": ["a", "b"], "tags": [" ".join(names)] * 2}))
    check_legible(figure)
    box = figure.axes[0].get_window_extent()
    assert box.height >= 15 * labels


def test_labels_that_never_come_together_are_refused(image_data):
    with pytest.raises(CourseError, match="no picture here has more than one label"):
        cooccurrence(image_data)
    with pytest.raises(CourseError, match="no picture here has more than one label"):
        show_cooccurrence(pd.DataFrame({"id": [1, 2], "breed": ["a", "b"]}))


def test_the_heat_map_writes_shares_of_the_rows_label():
    tags = ["a b"] * 60 + ["a"] * 140 + ["b c"] + ["c"] * 3 + ["d"] + ["d a"] * 0
    figure = show_cooccurrence(pd.DataFrame({"id": range(len(tags)), "tags": tags}))
    axis = figure.axes[0]
    assert [t.get_text() for t in axis.get_yticklabels()] == ["a  200", "b  61", "c  4", "d  1"]
    assert [t.get_text() for t in axis.get_xticklabels()] == ["a", "b", "c", "d"]
    cells = {tuple(map(int, t.get_position())): t.get_text() for t in axis.texts}
    assert cells == {(1, 0): "30", (0, 1): "98", (2, 1): "2", (1, 2): "25"}  # (column, row); 60 / 200, 60 / 61, 1 / 61, 1 / 4
    shares = axis.images[0].get_array()
    assert shares.mask.tolist() == np.eye(4, dtype=bool).tolist()
    assert shares[1, 0] == pytest.approx(100 * 60 / 61)
    rare = show_cooccurrence(pd.DataFrame({"id": range(301), "tags": ["a"] * 300 + ["a b"]})).axes[0]
    assert {t.get_text() for t in rare.texts} == {"<1", "100"}


@pytest.mark.parametrize("classes", [2, 17, 21, 60])
def test_the_heat_map_can_be_read(classes):
    names = PLANET if classes == 17 else [f"a_long_tag_{i}" for i in range(classes)]
    figure = show_cooccurrence(tag_table(3000, names))
    axis = figure.axes[0]
    assert len(axis.get_yticklabels()) == min(classes, 50)
    assert bool(axis.texts) == (classes <= 20)
    assert ("the 50 commonest of 60 labels" in figure.get_suptitle()) == (classes == 60)
    check_legible(figure)


# -- pictures ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def odd_sizes(pictures, tmp_path):
    """Data whose files are replaced by ones of other sizes, some of them no pictures."""
    folder = tmp_path / "odd"
    shutil.copytree(pictures, folder)
    data = ImageData.from_folders(folder, transforms_for(None, 16), test="test")
    files = data.paths("train")
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    Image.new("RGB", (300, 200)).save(files[0], "JPEG", exif=exif)
    Image.new("RGB", (70, 50)).save(files[1], "PNG", exif=exif)
    Image.new("CMYK", (64, 65)).save(files[2], "JPEG")
    exif[0x0112] = 3  # upside down
    Image.new("RGB", (31, 17)).save(files[3], "JPEG", exif=exif)
    Image.new("L", (1, 2000)).save(files[4], "TIFF")
    files[5].write_bytes(files[5].read_bytes()[:-40])  # cut short: its header says its size all the same
    files[6].write_bytes(b"")
    files[7].write_text("no picture")
    files[8].unlink()
    Image.new("RGB", (90, 60)).save(files[9], "JPEG", exif=b"Exif\0\0nonsense")
    return data


def test_sizes_are_those_of_the_upright_pictures(odd_sizes):
    sizes = image_sizes(odd_sizes)
    names = odd_sizes.items("train")
    found = {file: (width, height) for file, width, height in sizes.itertuples(index=False)}
    expected = [(200, 300), (50, 70), (64, 65), (31, 17), (1, 2000), (60, 48), None, None, None, (90, 60)]
    assert [found.get(name) for name in names[:10]] == expected
    rest = set(names[10:]) | set(odd_sizes.items("valid")) | set(odd_sizes.items("test"))
    assert set(found) == set(names[:6]) | {names[9]} | rest
    assert all(found[name] == (60, 48) for name in rest)
    assert list(sizes.columns) == ["file", "width", "height"]


def test_sizes_agree_with_the_decoded_pictures(odd_sizes):
    from course_utils.vision import ImageError, read_image

    for file, width, height in image_sizes(odd_sizes).itertuples(index=False):
        try:
            assert read_image(odd_sizes.path / file).shape[:2] == (height, width)
        except ImageError:
            assert file == odd_sizes.items("train")[5]


def test_no_pixel_is_decoded_for_a_size(image_data, monkeypatch):
    def no(*_):
        raise AssertionError("decoded")

    expected = len(image_data.items("train")) + len(image_data.items("valid")) + len(image_data.items("test"))
    monkeypatch.setattr(ImageFile.ImageFile, "load", no)
    assert len(image_sizes(image_data)) == expected


def test_sizes_are_drawn_and_damaged_files_counted(odd_sizes):
    sizes = image_sizes(odd_sizes)
    figure = show_image_sizes(odd_sizes)
    names = odd_sizes.items("train")
    assert figure.get_suptitle() == f"{len(sizes)} pictures; 3 damaged left out: {names[6]}, {names[7]} and 1 more"
    left, right = figure.axes
    dots = left.collections[0].get_offsets().tolist()
    assert sorted(map(tuple, dots)) == sorted(set(zip(sizes["width"], sizes["height"], strict=True)))
    assert dots[-1] == [60, 48]
    areas = left.collections[0].get_sizes()
    assert areas[-1] == max(areas) > 2 * min(areas)
    assert left.get_title() == f"7 sizes; {len(sizes) - 6} are 60 x 48"
    assert sum(bar.get_height() for bar in right.patches) == len(sizes)
    median = sizes[["width", "height"]].min(axis=1).median()
    assert right.get_title() == f"Shorter sides: 1 to 200, median {median:.0f} (dashed)"
    assert right.lines[0].get_xdata() == [median, median]


def test_pictures_all_of_one_size_are_drawn_too(image_data):
    figure = show_image_sizes(image_data)
    assert figure.axes[0].get_title() == "All are 60 x 48"
    assert max(bar.get_height() for bar in figure.axes[1].patches) == 62
    assert figure.get_suptitle() == "62 pictures"
    check_legible(figure)


def test_missing_pictures_are_counted(tagged, tmp_path):
    os.remove(tmp_path / "jpg" / "p3.jpg")
    data = ImageData.from_csv(tmp_path, "jpg", "train.csv", transforms_for(None, 16), suffix=".jpg", missing="skip")
    figure = show_image_sizes(data)
    assert figure.get_suptitle() == "11 pictures; 1 missing"
    check_legible(figure)


def test_no_readable_picture_at_all(odd_sizes):
    for split in ("train", "valid", "test"):
        for path in odd_sizes.paths(split):
            path.unlink(missing_ok=True)
    with pytest.raises(CourseError, match=r"none of the pictures in .* readable size"):
        show_image_sizes(odd_sizes)


@pytest.mark.parametrize("size", [(300, 240), (240, 301)])
def test_the_eight_symmetries_are_what_their_names_say(size, tmp_path):
    width, height = size
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    top, left = (height - 240) // 2, (width - 240) // 2
    square = pixels[top : top + 240, left : left + 240]
    expected = {
        "as it is": square,
        "mirrored left to right": np.fliplr(square),
        "mirrored top to bottom": np.flipud(square),
        "half a turn": np.rot90(square, 2),
        "mirrored in the diagonal \\": square.transpose(1, 0, 2),
        "mirrored in the diagonal /": np.rot90(square, 2).transpose(1, 0, 2),
        "a quarter turn left": np.rot90(square),
        "a quarter turn right": np.rot90(square, -1),
    }
    Image.fromarray(pixels).save(tmp_path / "x.png")
    for figure in (show_symmetries(Image.fromarray(pixels)), show_symmetries(tmp_path / "x.png")):
        assert [axis.get_title() for axis in figure.axes] == list(expected)
        for axis, view in zip(figure.axes, expected.values(), strict=True):
            assert np.array_equal(axis.images[0].get_array(), view)
        check_legible(figure)


def test_the_dot_stays_in_the_corner_that_it_marks():
    pixels = np.zeros((240, 240, 3), np.uint8)
    pixels[:48, :48] = 255
    for axis in show_symmetries(Image.fromarray(pixels)).axes:
        x, y = axis.lines[0].get_xydata()[0]
        column, row = round((x + 1) * 120), round((y + 1) * 120)
        assert axis.images[0].get_array()[row, column].tolist() == [255, 255, 255], axis.get_title()


# -- the grid of a mini-batch ------------------------------------------------------------------------------------------------


def test_many_tags_above_the_pictures_of_a_batch_do_not_touch(tagged, tmp_path):
    tags = " ".join(["agriculture", "conventional_mine", "cultivation", "partly_cloudy", "selective_logging"])
    rows = "".join(f"p{i},{tags if i % 2 else 'clear'}\n" for i in range(12))
    (tmp_path / "long.csv").write_text("image_name,tags\n" + rows)
    data = ImageData.from_csv(tmp_path, "jpg", "long.csv", transforms_for(None, 16), valid_idx=[0, 1], suffix=".jpg")
    figure = data.show_batch(rows=2, columns=4)
    assert any(axis.get_title().replace("\n", " ") == tags for axis in figure.axes)
    check_legible(figure, width=9.6)
