"""What a model of a table has learnt, by the numbers behind the figures."""

import numpy as np
import pandas as pd
import polars
import pytest
import torch
from sklearn.decomposition import PCA

from course_utils.errors import CourseError
from course_utils.tabular.results import errors_by, principal_components, show_embedding, show_errors, show_predictions
from course_utils.training import Predictions


@pytest.fixture
def predictions():
    actual = torch.tensor([100.0, 200.0, 100.0, 400.0])
    return Predictions(actual * torch.tensor([1.1, 0.9, 1.3, 1.0]), actual, ["0", "1", "2", "3"])


def test_principal_components_are_those_of_scikit_learn_up_to_their_sign():
    weights = pd.DataFrame(np.random.default_rng(0).normal(size=(16, 8)))
    ours, theirs = principal_components(weights, 3).to_numpy(), PCA(3).fit_transform(weights.to_numpy())
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-9)


def test_an_embedding_is_drawn_with_the_names_of_its_points():
    weights = pd.DataFrame(np.random.default_rng(0).normal(size=(7, 4)), index=list("abcdefg"))
    axes = show_embedding(weights, title="days").axes[0]
    assert [text.get_text() for text in axes.texts] == list("abcdefg")
    np.testing.assert_allclose(axes.collections[0].get_offsets(), principal_components(weights))


def test_colours_belong_to_the_category_not_to_its_place_in_the_series():
    weights = pd.DataFrame(np.random.default_rng(0).normal(size=(100, 4)), index=range(100))
    colours = pd.Series(range(100), index=range(100)).sample(frac=1, random_state=0)
    axes = show_embedding(weights, colours, "sales").axes[0]
    assert axes.collections[0].get_array().tolist() == list(range(100))
    assert not axes.texts  # a hundred names would hide each other
    with pytest.raises(CourseError, match="1 dimension"):
        show_embedding(weights[[0]])


def test_errors_by_group_are_those_of_the_groups_rows(predictions):
    frame = pd.DataFrame({"kind": ["a", "b", "a", "b"]}, index=[9, 8, 7, 6])
    table = errors_by(predictions, frame, "kind")
    assert table["rows"].to_dict() == {"a": 2, "b": 2}
    np.testing.assert_allclose(table["rmspe"], [np.sqrt((0.1**2 + 0.3**2) / 2), np.sqrt(0.1**2 / 2)], rtol=1e-6)
    np.testing.assert_allclose(table["mean error"], [0.2, -0.05], rtol=1e-6)
    with pytest.raises(CourseError, match="no column 'colour'"):
        errors_by(predictions, frame, "colour")
    with pytest.raises(CourseError, match="4 predictions were given with 1 rows"):
        errors_by(predictions, frame.head(1), "kind")


def test_figures_say_what_they_show(predictions):
    frame = pd.DataFrame({"kind": ["a", "b", "a", "b"], "day": range(4)})
    figure = show_errors(predictions, frame, ["kind", "day"])
    assert [axes.get_xlabel() for axes in figure.axes] == ["kind (and rows)", "day (and rows)"]
    assert figure.get_suptitle() == f"dashed: all rows, {np.sqrt((0.01 + 0.01 + 0.09) / 4):.4f}"
    assert "75% of rows within 10%" in [axes.get_title() for axes in show_predictions(predictions).axes]
    with pytest.raises(CourseError, match="no targets"):
        show_predictions(Predictions(predictions.values, None, predictions.items))


def test_rows_without_a_value_are_a_group_too(predictions):
    frame = pd.DataFrame({"kind": ["a", None, None, "b"], "nothing": [np.nan] * 4})
    for table in (frame, polars.from_pandas(frame)):
        assert errors_by(predictions, table, "kind")["rows"].to_dict() == {"a": 1, "b": 1, "missing": 2}
    assert errors_by(predictions, frame, "kind").loc["missing", "mean error"] == pytest.approx((-0.1 + 0.3) / 2)
    assert errors_by(predictions, frame, "nothing")["rows"].to_dict() == {"missing": 4}
    assert len(show_errors(predictions, frame, "kind").axes) == 1


def test_columns_that_errors_cannot_be_told_apart_by(predictions):
    with pytest.raises(CourseError, match="got none"):
        show_errors(predictions, pd.DataFrame({"kind": range(4)}), [])
    with pytest.raises(CourseError, match="same name"):
        errors_by(predictions, pd.DataFrame([[1, 2]] * 4, columns=["kind", "kind"]), "kind")


@pytest.mark.parametrize(
    ("values", "message"),
    [([1.0, np.nan], "1 of 2 .* not finite"), ([1.0, 0.0], "1 of 2 rows .* 0 or less"), ([], "no predictions")],
)
def test_predictions_that_cannot_be_drawn(values, message):
    with pytest.raises(CourseError, match=message):
        show_predictions(Predictions(torch.tensor(values), torch.ones(len(values)), ["row"] * len(values)))


def test_small_values_have_ticks_that_differ():
    actual = torch.tensor([0.02, 0.1, 0.5])
    axes = show_predictions(Predictions(actual, actual, ["0", "1", "2"])).axes[0]
    assert {"0.02", "0.1", "0.5"} <= {axes.xaxis.get_major_formatter()(tick) for tick in axes.get_xticks()}


def test_categories_without_a_colour_are_grey():
    weights = pd.DataFrame(np.random.default_rng(0).normal(size=(7, 4)), index=list("abcdefg"))
    axes = show_embedding(weights, pd.Series({"a": 1, "c": 2}), "sales").axes[0]
    places = principal_components(weights)
    np.testing.assert_allclose(axes.collections[0].get_offsets(), places.loc[["a", "c"]])
    np.testing.assert_allclose(axes.collections[1].get_offsets(), places.loc[list("bdefg")])
    assert axes.get_legend().get_texts()[0].get_text() == "sales not known"
    for colours, message in (
        (pd.Series("red", index=weights.index), "colour_by holds str"),
        (pd.Series([1, 2], index=["a", "a"]), "'a' twice"),
        (pd.Series([1, 2]), "no number for any category, such as 'a'"),
    ):
        with pytest.raises(CourseError, match=message):
            show_embedding(weights, colours)


def test_weights_of_one_category_and_weights_that_are_none():
    assert principal_components(pd.DataFrame([[1.0, 2.0]], index=["a"])).to_numpy().tolist() == [[0, 0]]
    for weights in ([[1.0, np.nan], [0.0, 1.0]], [["x", "y"]], np.empty((0, 2))):
        with pytest.raises(CourseError, match="weights"):
            principal_components(pd.DataFrame(weights))


def test_what_is_none_is_refused_in_words():
    for draw in (show_predictions, lambda it: errors_by(it, None, "a"), lambda it: show_errors(it, None, "a")):
        with pytest.raises(CourseError, match="expected predictions, as learner"):
            draw(None)
    with pytest.raises(CourseError, match="weights should hold numbers"):
        show_embedding(None)
    for n in (0, -1, "a"):
        with pytest.raises(CourseError, match=r"n is .*; it is a whole number"):
            principal_components(pd.DataFrame([[1.0, 2.0], [3.0, 4.0]]), n=n)
