"""What tables hold, at a glance."""

import numpy as np
import pandas as pd
import polars
import pytest

from course_utils.errors import CourseError
from course_utils.tabular.exploring import at_a_glance, tables_at_a_glance


def test_a_glance_counts_what_is_missing_and_what_is_there():
    table = pd.DataFrame(
        {
            "number": [1.0, np.nan, 3.0, 3.0],
            "text": ["a", None, "b", "a"],
            "date": pd.to_datetime(["2014-01-01", "2014-01-02", None, "2014-01-02"]),
            "nothing": [np.nan] * 4,
        }
    )
    glance = at_a_glance(table)
    assert glance["missing"].tolist() == [0.25, 0.25, 0.25, 1.0]
    assert glance["unique"].tolist() == [2, 2, 2, 0]
    assert glance["type"].tolist() == ["float", "text", "date", "float"]
    assert glance.loc["date", "examples"] == "2014-01-01, 2014-01-02"
    assert at_a_glance(table.head(0))["missing"].tolist() == [0, 0, 0, 0]


def test_tables_of_polars_are_looked_at_too():
    assert at_a_glance(polars.DataFrame({"x": [1, 1, None]})).loc["x", "unique"] == 1


def test_several_tables_are_shown_in_one_with_their_rows():
    table = pd.DataFrame({"Store": range(1730)})
    html = tables_at_a_glance({"train": table, "empty": table.head(0)}).to_html()
    assert "train (1,730 rows)" in html
    assert "empty (0 rows)" in html


def test_tables_without_names_are_refused():
    with pytest.raises(CourseError, match="the same name"):
        at_a_glance(pd.DataFrame([[1, 2]], columns=["x", "x"]))
    for tables in (5, {}, [pd.DataFrame()]):
        with pytest.raises(CourseError, match="expected tables by their names"):
            tables_at_a_glance(tables)
