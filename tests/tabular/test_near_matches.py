"""Keys that a reader takes for the same and that find no match are told, and never joined."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from course_utils.tabular import join, near_matches
from tests.tabular.engines import rows

COMPOSED, DECOMPOSED = "Orl\u00e9ans", "Orle\u0301ans"
LEFT = pd.DataFrame({"City": [DECOMPOSED, "Bonn ", "Bonn ", "KÖLN", "Ulm", "Gera", None], "Day": 1, "Row": range(7)})
RIGHT = pd.DataFrame({"City": [COMPOSED, "Bonn", "Köln", "Ulm", None], "Day": 1, "Size": [10, 20, 30, 40, 50]})


def test_what_keeps_keys_apart_is_in_the_report(engine):
    reports = []
    found = join(engine(LEFT), engine(RIGHT), ["City", "Day"], report=reports.append, validate="m:m")
    assert [row["Size"] for row in rows(found, "Row")] == [None, None, None, None, 40, None, None]
    (report,) = reports
    assert (report.rows, report.unmatched) == (7, 6)
    letters, blanks, capitals = report.near
    assert letters.startswith("City: 1 row found no match only because the same letters, such as é, are other characters")
    assert letters.endswith(
        f"such as {DECOMPOSED!r} and {COMPOSED!r}; if they are the same, make them so in both tables, in pandas with "
        'table["City"] = table["City"].str.normalize("NFC")'
    )
    assert "City: 2 rows found no match only because of blanks at an end, such as 'Bonn ' and 'Bonn'" in blanks
    assert "City: 1 row found no match only because of capitals, such as 'KÖLN' and 'Köln'" in capitals
    assert str(report).splitlines()[1:] == [letters, blanks, capitals]


def test_a_table_in_memory_says_so_without_a_report(engine, capsys):
    join(engine(LEFT), engine(RIGHT), ["City", "Day"], validate="m:m")
    assert [line.split(" ")[0] for line in capsys.readouterr().out.splitlines()] == ([] if engine.lazy else ["City:"] * 3)


def test_what_it_advises_makes_them_match(capsys):
    for table in (left := LEFT.copy(), right := RIGHT.copy()):
        table["City"] = table["City"].str.normalize("NFC").str.strip().str.lower()
    assert join(left, right, "City", validate="m:m")["Size"].dropna().tolist() == [10, 20, 20, 30, 40]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (["a", "b"], ["a", "b", "B", "b "]),  # all found a match
        (["a", "x"], ["a"]),  # nothing is near
        ([1, 2], [1, 3]),
        ([datetime.date(2020, 1, 1)], [datetime.date(2020, 1, 2)]),
        (["a "], [None]),
        ([None, None], [1, 2]),
    ],
)
def test_where_nothing_is_near_nothing_is_said(ours, theirs, capsys):
    left, right = pl.DataFrame({"k": ours}), pl.DataFrame({"k": theirs, "w": 1})
    join(left, right, "k")
    join(left.to_pandas(), right.to_pandas(), "k")
    assert capsys.readouterr().out == ""


def test_categories_and_objects_are_looked_at(capsys):
    left, right = pd.DataFrame({"k": ["a ", "b"]}), pd.DataFrame({"k": ["a", "b"], "w": [1, 2]})
    join(left.astype("category"), right, "k")
    join(pl.from_pandas(left).cast({"k": pl.Categorical}), pl.from_pandas(right), "k")
    join(pd.DataFrame({"k": np.array(["a ", 1], object)}), right, "k")
    assert capsys.readouterr().out.count("k: 1 row found no match only because of blanks at an end, such as 'a ' and 'a'") == 3


@pytest.mark.parametrize("values", [["a", "b"], [1, 2], [1.5, 2.0], [None, None]])
def test_a_key_of_nothing_matches_nothing_whatever_the_other_side_holds(values):
    given, nothing = ({"k": keys, "i": [0, 1]} for keys in (values, [None, None]))
    for make in (pl.DataFrame, pl.LazyFrame, pd.DataFrame):
        for left, right in ((given, nothing), (nothing, given)):
            found = join(make(left), make(right), "k", validate="m:m")
            assert [(row["k"], row["i_y"]) for row in rows(found, "i")] == [(key, None) for key in left["k"]]


def test_very_many_keys_are_not_looked_at(monkeypatch, capsys):
    monkeypatch.setattr(near_matches, "MOST", 2)
    left, right = pd.DataFrame({"k": ["a ", "b ", "c "]}), pd.DataFrame({"k": ["a", "b"], "w": 1})
    join(left, right, "k")
    assert capsys.readouterr().out == ""
    join(left[:2], right, "k")
    assert "2 rows" in capsys.readouterr().out
