"""Tables of labels as Kaggle ships them, spreadsheets save them and people type them."""

import bz2
import gzip
import lzma
import random
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.preprocessing import MultiLabelBinarizer

from course_utils.errors import CourseError
from course_utils.training.tasks import Task
from course_utils.vision.labels import LabelTable, csv_files, encode, only_in_validation, read_labels
from course_utils.vision.labels.csv_files import read_table

PLAIN = "id,breed\n001,pug\n002,boxer\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "labels.csv"


def read(file: Path, content: str | bytes, task: Task | None = None, file_column: str | None = None) -> LabelTable:
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_labels(file, file.parent, task, file_column)


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.rstrip("\n"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        b"\xfe\xff" + PLAIN.encode("utf-16-be"),
        bz2.compress(PLAIN.encode()),
        lzma.compress(PLAIN.encode()),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        '"id","breed"\n"001","pug"\n"002","boxer"\n',
        " id , breed\n 001 , pug \n002,\tboxer\n",
        'id, breed\n001, "pug"\n002, " boxer "\n',
        "\n\nid,breed\n\n001,pug\n , \n002,boxer\n\n\n",
        "id,breed\n001,pug,\n002,boxer,,\n",
        "id,breed,height\n001,pug,30\n002,boxer,60\n",
    ],
    ids=[
        *(
            "plain",
            "no last line end",
            "CRLF",
            "CR",
            "byte order mark",
            "UTF-16",
            "UTF-16, big end first",
            "bz2",
            "xz",
            "semicolons",
            "tabs",
            "bars",
            "quoted",
            "spaces",
        ),
        *("quoted after a space", "blank lines", "commas at the end", "more columns"),
    ],
)
def test_the_same_table_in_many_spellings(file: Path, content: str | bytes) -> None:
    table = read(file, content)
    assert table.names == ["001", "002"]
    assert table.labels == [["pug"], ["boxer"]]
    assert table.heading == ("id", "breed")
    assert table.classes == ["boxer", "pug"]
    assert table.task == "single-label"


def test_compressed(tmp_path: Path) -> None:
    assert read(tmp_path / "labels.csv.gz", gzip.compress(PLAIN.encode())).names == ["001", "002"]


def test_several_labels(file: Path) -> None:
    table = read(file, "image_name,tags\ntrain_0,haze primary\ntrain_1,\ntrain_2,water  water\n")
    assert table.task == "multi-label"
    assert table.labels == [["haze", "primary"], [], ["water"]]
    assert table.classes == ["haze", "primary", "water"]


def test_a_label_twice_is_one_label(file: Path) -> None:
    assert read(file, "id,tags\na,water water\nb,haze\n").task == "single-label"


def test_the_task_can_be_said(file: Path) -> None:
    table = read(file, "id,breed\na,golden retriever\nb,pug\n", "single-label")
    assert table.labels == [["golden retriever"], ["pug"]]
    assert table.task == "single-label"
    table = read(file, "id,kind\na,cat\nb,\n", "multi-label")
    assert table.labels == [["cat"], []]
    assert (table.classes, table.task) == (["cat"], "multi-label")
    assert read(file, 'id,breed\na,"tench, Tinca tinca"\nb,x;y|z\n', "single-label").classes == ["tench, Tinca tinca", "x;y|z"]
    with pytest.raises(CourseError, match="task is 'regression'; it is"):
        read(file, PLAIN, "regression")


@pytest.mark.parametrize(
    ("content", "column", "names", "labels"),
    [
        ("id,breed,path\na,pug,x/a.jpg\nb,boxer,x/b.jpg\n", "path", ["x/a.jpg", "x/b.jpg"], ["pug", "boxer"]),
        ("id,path,breed\na,x/a.jpg,pug\nb,x/b.jpg,boxer\n", "path", ["x/a.jpg", "x/b.jpg"], ["pug", "boxer"]),
        ("path,breed,split\nx/a.jpg,pug,1\nx/b.jpg,boxer,1\n", "path", ["x/a.jpg", "x/b.jpg"], ["pug", "boxer"]),
        ("breed,path\npug,x/a.jpg\nboxer,x/b.jpg\n", "path", ["x/a.jpg", "x/b.jpg"], ["pug", "boxer"]),
        (",id,breed\n0,a,pug\n1,b,boxer\n", "id", ["a", "b"], ["pug", "boxer"]),
    ],
)
def test_a_column_of_files(file: Path, content: str, column: str, names: list[str], labels: list[str]) -> None:
    table = read(file, content, file_column=column)
    assert (table.names, table.labels) == (names, [[label] for label in labels])


def test_a_column_that_is_not_there(file: Path) -> None:
    with pytest.raises(CourseError, match=r"file_column is 'file'; .*labels\.csv has the columns id, breed"):
        read(file, PLAIN, file_column="file")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty; expected a line of headings"),
        (b"\xef\xbb\xbf\n\n", "is empty; expected a line of headings"),
        ("id,breed\n", r"has the columns \['id', 'breed'\] and 0 rows below; expected"),
        ("id\nid0\n", r"has the columns \['id'\] and 1 row below; expected .* separated by commas"),
        ("id breed\nid0 pug\n", r"has the columns \['id breed'\]"),
        ("id,breed\nid0,pug\nid0,boxer\n", "more than once: id0. .*separated by spaces"),
        ("id,breed\nid0,pug\n id0,pug\n", "more than once: id0"),
        ("id,breed\nid0,pug\nid1,\nid2,boxer\n", "no label for 1 picture: id1. .* or say task='multi-label'"),
        ("id,breed\nid0,\nid1,\n", "no label for 2 pictures: id0, id1"),
        ("id,breed\nid0,pug\nid1,pug\n", "one class, 'pug'"),
        ("id,breed\nid0,pug\n,boxer\n,boxer\n", "no 'id' in 2 rows, the first of them row 2"),
        ("id,breed\nid0,pug\nid1\n", r"line 3 of .*labels.csv has 1 cell \(id1\), its header 2 \(id, breed\)"),
        ("id,tags\nid0,haze, primary\n", r"line 2 of .* has 3 cells \(id0, haze, primary\), .*',' in quotation marks"),
        ("id,breed\nid0;pug\nid1;boxer\n", r"line 2 of .* has 1 cell \(id0;pug\)"),
        (
            'id,tags\nid0,"haze, primary"\nid1,clear\n',
            "has the labels 'haze, primary'. Separate .* by spaces alone, or give .*split\\(','\\) makes, or say task",
        ),
        ("id,tags\nid0,haze;primary\nid1,clear\n", "has the labels 'haze;primary'"),
        ("id,tags\nid0,haze|primary\nid1,clear\n", "has the labels 'haze|primary'"),
        (",id,breed\n0,a,pug\n1,b,boxer\n", "first column .* has no heading, .*row numbers, .*file_column='id'"),
        ("id,breed\n'id0,pug\n" + 'id1,"pug', "cannot be read as a table, line 3: unexpected end"),
        ('id,breed\nid0,"pug"x\n', "cannot be read as a table, line 2"),
        ("id,breed\nid0,b\u00fcffel\n".encode("latin-1"), "not text in UTF-8"),
        (",id,breed\n".replace(",id", "Unnamed: 0,id") + "0,a,pug\n1,b,boxer\n", "looks like row numbers, .*file_column='id'"),
        ("id,label,label\na,x,y\nb,y,x\n", "2 columns that could hold the labels: label, label"),
        ("id,age,sex\na,40,f\nb,50,m\n", r"2 columns that could hold the labels: age, sex\. Say which: label_column='age'"),
        ("id,is_cat,is_valid\na,1,0\nb,0,1\n", "2 columns that could hold the labels: is_cat, is_valid"),
        ("id,breed\nid0,pug\nid1,boxer\n".encode("utf-16-le"), "line 1 of .* contains null bytes, .*UTF-16 without a byte"),
        ("id,breed\nid0,pug\nid1,boxer\n".encode("utf-32"), "line 1 of .* contains null bytes"),
        ("id,breed\nid0,pug\nid1,bo\0xer\n", "line 3 of .* contains null bytes"),
        (b"PAR1" + bytes(20), "a Parquet file; read it with polars"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xff", "not text in UTF-8"),
        ("id,breed\nid0," + "x" * 200_000, "cannot be read as a table, line 2: field larger"),
    ],
)
def test_tables_that_cannot_work(file: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        read(file, content)


WHOLE = gzip.compress(
    b"".join(b"%d,pug\n" % i for i in range(1_000)), mtime=0
)  # the same in both processes that list the tests


@pytest.mark.parametrize("content", [b"no archive", WHOLE[:30], WHOLE[:10] + b"\xff" * 100, WHOLE[:-8] + b"12345678"])
def test_archives_that_are_damaged(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(CourseError, match=r"labels\.csv\.gz cannot be read: "):
        read(tmp_path / "labels.csv.gz", content)


def test_no_label_at_all(file: Path) -> None:
    with pytest.raises(CourseError, match="no label in its column 'tags'"):
        read(file, "id,tags\na,\nb,\n", "multi-label")


def test_any_table_that_pandas_writes_comes_back(file: Path) -> None:
    """Quotation marks, commas, line ends and letters of all kinds; only space around a cell is lost."""
    random.seed(0)
    cells = ["".join(random.choices("abé',\";\n\r\t|# 0-犬", k=random.randint(1, 8))) for _ in range(600)]
    rows = [[cell.strip() or "x" for cell in cells[i : i + 3]] for i in range(0, 600, 3)]
    pd.DataFrame(rows, columns=["id", "label", "x"]).to_csv(file, index=False, lineterminator="\r\n")
    assert read_table(file) == (["id", "label", "x"], rows)


def test_any_bytes_give_a_table_or_a_clear_error(file: Path) -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        content = bytes(rng.choice(list(b'\0"\r\n,;|\t a1\xef\xbb\xbf\xff'), size=rng.integers(1, 40)).astype(np.uint8))
        try:
            table = read(file, b"id,label\n" + content)
        except CourseError:
            continue
        assert len(table.names) == len(table.labels) == len(set(table.names))


def test_encode_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    classes = [f"tag{i:02d}" for i in range(17)]
    labels = [[classes[i] for i in rng.permutation(17)[: rng.integers(0, 5)]] for _ in range(500)]
    encoded = encode(labels, classes, "multi-label")
    assert encoded.dtype == torch.float32
    assert np.array_equal(encoded, MultiLabelBinarizer(classes=classes).fit_transform(labels))


def test_encode_one_label_each() -> None:
    labels = [["b"], ["a"], ["c"], ["b"]]
    numbers = encode(labels, ["a", "b", "c"], "single-label")
    assert numbers.tolist() == [1, 0, 2, 1]
    assert numbers.dtype == torch.int64
    assert encode(labels, ["a", "b", "c"], "multi-label").tolist() == torch.eye(3)[numbers].tolist()


def test_only_in_validation() -> None:
    train, valid = torch.tensor([[1.0, 0, 0, 0], [1, 1, 0, 0]]), torch.tensor([[0.0, 1, 1, 0]])
    assert only_in_validation(train, valid, ["a", "b", "c", "d"]) == ["c"]
    assert only_in_validation(torch.tensor([0, 2]), torch.tensor([2, 3, 1]), ["a", "b", "c", "d"]) == ["b", "d"]


# -- which column says what ------------------------------------------------------------------------------------------------

ONE_HOT = "image,NV,MEL\na,1.0,0.0\nb,0.0,1.0\nc,1,0\n"


def test_one_column_per_class(file: Path) -> None:
    table = read(file, ONE_HOT)
    assert (table.classes, table.task) == (["MEL", "NV"], "single-label")
    assert table.labels == [["NV"], ["MEL"], ["NV"]]
    assert table.notices == ["labels are in 2 columns, one for each class (MEL, NV); one each, so single-label."]
    table = read(file, "image,NV,MEL,x\na,true,TRUE,0\nb,False,0,0\n")
    assert (table.labels, table.task, table.classes) == ([["MEL", "NV"], []], "multi-label", ["MEL", "NV", "x"])
    assert read(file, "image,MEL,NV\na,yes,No\nb,no,YES\n").labels == [["MEL"], ["NV"]]
    assert read(file, "image,bald,young\na,-1,1\nb,1,1\n").labels == [["young"], ["bald", "young"]]
    assert read(file, ONE_HOT, "multi-label").task == "multi-label"
    with pytest.raises(CourseError, match="2 pictures with none of them or several: a, b"):
        read(file, "image,NV,MEL\na,1,1\nb,0,0\n", "single-label")


def labels_in(file: Path, content: str, label_column) -> LabelTable:
    file.write_text(content)
    return read_labels(file, file.parent, label_column=label_column)


def test_the_columns_of_labels_can_be_named(file: Path) -> None:
    content = "id,age,sex,ill,bald\na,40,f,1,0\nb,50,m,1,1\n"
    assert labels_in(file, content, "sex").labels == [["f"], ["m"]]
    table = labels_in(file, content, ["ill", "bald"])
    assert (table.labels, table.classes) == ([["ill"], ["bald", "ill"]], ["bald", "ill"])
    for wrong, message in (
        ("name", "label_column is 'name'; .* has the columns id, age, sex, ill, bald"),
        ("id", "the column 'id' of .* holds the names"),
        (["ill", "age"], "row 1 of .* has '40' in the column 'age'; .* 1 or 0"),
        (["ill", "ill"], "names a column twice"),
        ([], "empty list"),
        (3, "label_column is 3; give a heading"),
    ):
        with pytest.raises(CourseError, match=message):
            labels_in(file, content, wrong)


def test_what_was_not_plain_is_said(file: Path) -> None:
    table = read(file, "image,split,label\na,valid,cat\nb,train,dog\n")
    assert table.labels == [["cat"], ["dog"]]
    assert table.notices == ["labels are those in the column 'label'; not used: split (label_column= names another)."]
    [notice] = read(file, "id,breed\na,great dane\nb,pug\nc,golden retriever\n").notices
    assert notice == (
        "2 of 3 pictures have more than one label, because cells are split at spaces ('great dane'); "
        "task='single-label' keeps a cell together."
    )
    assert read(file, PLAIN).notices == []
    assert read(file, "id,tags\na,haze water\n", "multi-label").notices == []


def test_labels_in_two_forms_of_unicode_are_one(file: Path) -> None:
    assert read(file, "id,label\na,caf\u00e9\nb,cafe\u0301\nc,bar\n").classes == ["bar", "caf\u00e9"]


# -- size ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_table_that_is_too_large_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch, pack) -> None:
    monkeypatch.setattr(csv_files, "TEXT_LIMIT", 1_000_000)
    with pytest.raises(CourseError, match=r"more than 1 MB of text, the limit .* ImageData.from_frame"):
        read(file, pack(b"id,label\n" + b"a,b\n" * 300_000))


def test_lines_columns_and_cells_without_end(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_files, "CELL_LIMIT", 100)
    for content, message in (
        ("x" * 5_000_000, "line 1 .* characters or more"),
        ("id" + ",a" * 30_000 + "\n", "30,001 columns, too many"),
        ("id,b\n" + "a,b\n" * 100, "more than 100 cells"),
    ):
        with pytest.raises(CourseError, match=message):
            read(file, content)


def test_zip_archives(tmp_path: Path) -> None:
    file = tmp_path / "labels.csv.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("labels.csv", PLAIN)
        archive.writestr("__MACOSX/._labels.csv", "x")
    assert read_labels(file, tmp_path).names == ["001", "002"]
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("other.csv", PLAIN)
    with pytest.raises(CourseError, match=r"holds labels\.csv, other\.csv; expected an archive of one table"):
        read_labels(file, tmp_path)
