"""Validation rows: the same for the same seed, and with their share of every class."""

from collections import Counter

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.model_selection import train_test_split

from course_utils.errors import CourseError
from course_utils.training import validation_split


@pytest.mark.parametrize(("n", "fraction", "count"), [(10, 0.2, 2), (1000, 0.1, 100), (3, 0.2, 1), (2, 0.99, 1), (9, 0.99, 8)])
def test_a_fraction_sorted_and_without_repeats(n, fraction, count):
    rows = validation_split(n, fraction)
    assert len(rows) == len(set(rows.tolist())) == count
    assert rows.tolist() == sorted(rows.tolist())
    assert rows.min() >= 0
    assert rows.max() < n


def test_the_seed_decides():
    """Numbers that people have worked with must not change with a version."""
    assert validation_split(10).tolist() == [5, 6]
    assert validation_split(20, 0.25, seed=1).tolist() == [1, 7, 10, 16, 18]
    assert not np.array_equal(validation_split(1000), validation_split(1000, seed=1))


def test_every_row_has_the_same_chance():
    counts = sum(np.bincount(validation_split(20, 0.25, seed=seed), minlength=20) for seed in range(2_000))
    assert abs(counts / 2_000 - 0.25).max() < 0.05  # five standard deviations


def check_shares(labels, fraction, rows):
    """Each class gives its quota rounded down or up, all of them their part of the whole, and none its last row."""
    sizes, given = Counter(labels), Counter(labels[row] for row in rows)
    for label, size in sizes.items():
        assert int(fraction * size) <= given[label] <= int(fraction * size) + 1
        assert given[label] < size
    most = sum(min(int(fraction * size) + 1, size - 1) for size in sizes.values())
    assert len(rows) == min(round(fraction * len(labels)), most)


@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.29, 0.5, 0.9])
def test_stratified_shares(fraction):
    rng = np.random.default_rng(0)
    for seed in range(20):
        labels = [f"class {i}" for i in rng.zipf(1.5, 300).clip(max=30)]
        rows = validation_split(300, fraction, seed, stratify=labels)
        assert rows.tolist() == sorted(set(rows.tolist()))
        check_shares(labels, fraction, rows)


def test_stratified_shares_are_those_of_scikit_learn_where_they_are_whole():
    labels = np.repeat(["a", "b", "c"], [50, 20, 30])
    _, theirs = train_test_split(np.arange(100), test_size=0.2, stratify=labels, random_state=0)
    assert Counter(labels[validation_split(100, stratify=labels)]) == Counter(labels[theirs]) == {"a": 10, "b": 4, "c": 6}


def test_the_largest_remainders_round_up():
    labels = ["a"] * 12 + ["b"] * 9 + ["c"] * 9  # quotas 2.4, 1.8 and 1.8 of 6
    assert Counter(labels[row] for row in validation_split(30, stratify=labels)) == {"a": 2, "b": 2, "c": 2}


def test_the_rows_of_a_class_are_drawn_at_random_and_the_seed_decides():
    labels = ["a", "b"] * 50
    first, again, other = (validation_split(100, seed=seed, stratify=labels).tolist() for seed in (1, 1, 2))
    assert first == again != other


def test_a_lone_row_of_its_class_stays_in_training():
    labels = [*"abcdefgh", *"zz"]
    for seed in range(20):
        assert [labels[row] for row in validation_split(10, 0.5, seed, stratify=labels)] == ["z"]
    with pytest.raises(CourseError, match="every class has one row only"):
        validation_split(8, stratify=labels[:8])


@pytest.mark.parametrize("kind", [list, np.array, pd.Series, torch.tensor])
def test_labels_of_every_kind(kind):
    numbers = [0] * 5 + [1] * 10
    expected = validation_split(15, stratify=numbers).tolist()
    assert validation_split(15, stratify=kind(numbers)).tolist() == expected
    assert validation_split(15, stratify=pd.Categorical(["cat"] * 5 + ["dog"] * 10)).tolist() == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1,), "there are 1 rows"),
        ((0,), "there are 0 rows"),
        ((10, 0), "fraction is 0;"),
        ((10, 1.0), "fraction is 1.0;"),
        ((10, float("nan")), "fraction is nan;"),
        ((3, 0.5, 42, ["a", "b"]), r"shape \(2,\); give one label for each of the 3 rows"),
        ((2, 0.5, 42, [["a", "b"], ["c", "d"]]), r"shape \(2, 2\)"),
    ],
)
def test_what_cannot_be_split(arguments, message):
    with pytest.raises(CourseError, match=message):
        validation_split(*arguments)


@pytest.mark.parametrize(
    "labels",
    [
        pd.Series([1, 1, None, 2, 2, None, 1, 2, 1, 2]),
        pd.Series([1, 1, None, 2, 2, None, 1, 2, 1, 2], dtype="Int64"),
        pd.Series(["a", "a", None, "b", "b", None, "a", "b", "a", "b"]),
        pd.Series(["a", "a", None, "b", "b", None, "a", "b", "a", "b"], dtype="string"),
        pd.Series(["a", "a", None, "b", "b", None, "a", "b", "a", "b"], dtype="category"),
        pd.Series(pd.to_datetime(["2014-01-01", "2014-01-01", None, "2015-01-01", "2015-01-01", None, *["2015-01-01"] * 4])),
        pd.Series([True, True, None, False, False, None, True, False, True, False], dtype="boolean"),
        pl.Series([1, 1, None, 2, 2, None, 1, 2, 1, 2]),
        pl.Series(["a", "a", None, "b", "b", None, "a", "b", "a", "b"]),
        [1, 1, float("nan"), 2, 2, np.nan, 1, 2, 1, 2],
        ["a", 1, None, 2, "b", pd.NA, "a", 2, 1, "b"],
        np.array([1, 1, np.nan, 2, 2, np.nan, 1, 2, 1, 2]),
        torch.tensor([1, 1, float("nan"), 2, 2, float("nan"), 1, 2, 1, 2]),
    ],
)
def test_rows_without_a_label_are_named(labels):
    with pytest.raises(CourseError, match=r"no label in 2 of the 10 rows \(numbers 2, 5, counted from 0\)"):
        validation_split(10, stratify=labels)


def test_labels_of_mixed_and_nullable_types():
    expected = validation_split(15, stratify=[0] * 5 + [1] * 10).tolist()
    for labels in (
        [1] * 5 + ["1"] * 10,
        pl.Series(["cat"] * 5 + ["dog"] * 10),
        pd.Series([1] * 5 + [2] * 10, dtype="Int64", index=range(100, 115)),
        pd.Series(["cat"] * 5 + ["dog"] * 10, dtype="string"),
        (label for label in "aaaaabbbbbbbbbb"),
    ):
        assert validation_split(15, stratify=labels).tolist() == expected
    assert validation_split(np.int64(10), np.float32(0.2)).tolist() == [5, 6]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((10.5,), "n is 10.5; it is a whole number"),
        ((10, "0.2"), "fraction is '0.2'"),
        ((3, 0.5, 42, "abc"), "stratify is 'abc'"),
        ((2, 0.5, 42, [{"a"}, {"b"}]), "holds {'a'} in row 0"),
    ],
)
def test_what_cannot_be_split_either(arguments, message):
    with pytest.raises(CourseError, match=message):
        validation_split(*arguments)
