"""Tables in files: what is kept, and what damage is found."""

import gzip
import os

import numpy as np
import pandas as pd
import polars
import pytest

from course_utils.errors import CourseError
from course_utils.files import FileError
from course_utils.tabular import ParquetData, TableError, read_table, storage, write_table
from course_utils.tabular.rossmann import read_tables


@pytest.mark.parametrize("name", ["table.feather", "table.parquet"])
def test_an_index_is_not_kept_and_one_with_a_name_is_told(tmp_path, name, capsys):
    table = pd.DataFrame({"i": range(9)})
    read = read_table(write_table(table[table.i.isin([1, 2, 5])], tmp_path / name))
    pd.testing.assert_frame_equal(read, pd.DataFrame({"i": [1, 2, 5]}))
    assert capsys.readouterr().out == ""
    write_table(table.set_index(["i", table.i.rename("Store")]), tmp_path / name)
    assert "without the index ('i', 'Store'); table.reset_index()" in capsys.readouterr().out


def test_a_kind_of_column_that_no_file_has_is_named(tmp_path):
    with pytest.raises(TableError, match=r"Sparse pandas data .column s. not supported"):
        write_table(pd.DataFrame({"s": pd.arrays.SparseArray([0, 1])}), tmp_path / "table.parquet")


@pytest.mark.parametrize("name", ["table.feather", "table.parquet"])
def test_a_damaged_file_is_named_and_parquet_gives_no_other_numbers(tmp_path, name):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.random(200), "s": rng.choice(["HE", "BY"], 200)})
    path = write_table(table, tmp_path / name)
    whole = path.read_bytes()
    found = 0
    for at in rng.choice(len(whole), 60, replace=False):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            read = read_table(path)
        except TableError:
            found += 1
        else:
            if name == "table.parquet":
                pd.testing.assert_frame_equal(read, table)
    assert found > (30 if name == "table.parquet" else 0)


def test_an_empty_folder_is_no_table(tmp_path):
    (tmp_path / "empty.parquet").mkdir()
    with pytest.raises(TableError, match="a folder without Parquet files"):
        read_table(tmp_path / "empty.parquet")
    polars.DataFrame({"x": [1]}).write_parquet(tmp_path / "empty.parquet" / "part.parquet")
    assert read_table(tmp_path / "empty.parquet")["x"].tolist() == [1]


@pytest.mark.parametrize("name", ["table.feather", "table.parquet"])
def test_a_column_of_two_types_is_named(tmp_path, name):
    with pytest.raises(TableError, match=r"each column has to be of one type.*column m"):
        write_table(pd.DataFrame({"m": [1, "x"]}), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
@pytest.mark.parametrize("suffix", [".feather", ".parquet"])
def test_a_pipe_is_not_waited_for(tmp_path, suffix):
    os.mkfifo(tmp_path / f"table{suffix}")
    with pytest.raises(FileError, match="it is a pipe or a device"):
        read_table(tmp_path / f"table{suffix}")


@pytest.mark.parametrize("path", [None, 5, b"table.parquet"])
def test_what_is_no_path_is_refused(path):
    for use in (read_table, lambda path: write_table(pd.DataFrame({"a": [1]}), path)):
        with pytest.raises(CourseError, match=r"path is .*; give the path of a file"):
            use(path)


@pytest.mark.parametrize("name", ["a" * 300, "a\0b"])
def test_a_name_that_no_file_can_have_is_one_of_no_file(tmp_path, name):
    for suffix in (".feather", ".parquet"):
        with pytest.raises(CourseError, match="there is no file"):
            read_table(tmp_path / f"{name}{suffix}")
    with pytest.raises(CourseError, match="there is no Parquet file at"):
        ParquetData.from_parquet(tmp_path / f"{name}.parquet", "y", ["c"], [], valid=("y", 0, 1))
    with pytest.raises(CourseError, match=r"has no train\.csv"):
        read_tables(tmp_path / name)


def test_a_home_folder_is_found_or_missed(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert write_table(pd.DataFrame({"a": [1]}), "~/tables/a.parquet") == tmp_path / "tables" / "a.parquet"
    with pytest.raises(CourseError, match="there is no home folder ~nobody-of-this-name"):
        write_table(pd.DataFrame({"a": [1]}), "~nobody-of-this-name/a.parquet")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b,c\n1,2,3\n4,5\n", "line 3: it has 2 values, fewer than the 3 names"),
        ("a,b,c\n1,2,\n\n  \n4,5\n", "line 5: it has 2 values, fewer"),
        ('a,b,c\n1,"x\ny",3\n4\n', "line 4: it has 1 value, fewer"),
        ("a,b,c\r\n1,2,3\r\n4,5\r\n", "line 3: it has 2 values"),
        ("a,b,c\n1,2,3,4\n", "line 2: it has 4 values, more than the 3 names"),
        ("a,b,c\n\n1,2,3\nfar,2,3\n", "line 4: column a holds 'far'; expected whole numbers"),
    ],
)
@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_a_line_of_csv_that_does_not_fit_is_named(tmp_path, name, text, words):
    (tmp_path / name).write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    with pytest.raises(TableError, match=words):
        storage.read_csv(tmp_path / name, {"a": "whole"})


def test_lines_of_csv_that_only_look_short(tmp_path):
    path = tmp_path / "t.csv"
    for text, last in (
        ("a,b,c\n1,2,\n\n \n4,5,6\n", [None, 6]),
        ('\ufeffa,b,c\n1,"x,\ny","z,"\n2,"",\n', ["z,", None]),
        ("a\n1\n\n2\n", [1, 2]),
    ):
        path.write_text(text, encoding="utf-8")
        read = storage.read_csv(path, {"a": "whole"})
        assert [None if pd.isna(value) else value for value in read.iloc[:, -1]] == last
