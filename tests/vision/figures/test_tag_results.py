import warnings

import numpy as np
import pytest
import torch
from sklearn.metrics import fbeta_score, precision_score, recall_score

from course_utils.errors import CourseError
from course_utils.training import Predictions, best_thresholds, f_beta
from course_utils.vision import TagResults
from tests.vision.figures.legible import check_legible

CLASSES = ["agriculture", "clear", "conventional_mine", "never_predicted", "never_there", "neither", "road"]


def predictions(n=60, classes=CLASSES, items=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    values = torch.rand(n, len(classes), generator=generator) ** 3
    targets = (torch.rand(values.shape, generator=generator) < values * 0.7 + 0.1).float()
    for name, column in (("never_predicted", values), ("neither", values), ("never_there", targets), ("neither", targets)):
        if name in classes:
            column[:, classes.index(name)] = 0
    return Predictions(values, targets, items or [f"p{i}.jpg" for i in range(n)], classes)


@pytest.fixture
def results(pictures, image_data):
    return TagResults(pictures, predictions(16, items=image_data.items("valid")))


def caption(axis):
    """The lines above a picture, from above."""
    return [text.get_text() for text in sorted(axis.texts, key=lambda text: -text.xyann[1])]


@pytest.mark.parametrize("threshold", [0.2, 0.5, torch.linspace(0.1, 0.7, len(CLASSES))])
def test_precision_and_recall_equal_scikit_learn(tmp_path, threshold):
    p = predictions()
    table = TagResults(tmp_path, p, threshold).precision_recall().set_index("tag")
    predicted, actual = (p.values > torch.as_tensor(threshold)).int().numpy(), p.targets.int().numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it says of divisions by zero
        precision = precision_score(actual, predicted, average=None, zero_division=np.nan)
        recall = recall_score(actual, predicted, average=None, zero_division=np.nan)
    assert table.loc[CLASSES, "precision"].to_numpy() == pytest.approx(precision, nan_ok=True)
    assert table.loc[CLASSES, "recall"].to_numpy() == pytest.approx(recall, nan_ok=True)
    assert np.isnan(precision).any()
    assert np.isnan(recall).any()
    assert table.loc[CLASSES, "pictures"].tolist() == actual.sum(0).tolist()
    assert table["pictures"].is_monotonic_decreasing
    expected = np.broadcast_to(np.asarray(threshold, dtype=float), len(CLASSES))
    assert table.loc[CLASSES, "threshold"].to_numpy() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("threshold", [0.2, 0.6, torch.linspace(0.1, 0.7, len(CLASSES))])
def test_f2_equals_scikit_learn_picture_by_picture(tmp_path, threshold):
    p = predictions()
    results = TagResults(tmp_path, p, threshold)
    predicted, actual = (p.values > torch.as_tensor(threshold)).int().numpy(), p.targets.int().numpy()
    expected = [fbeta_score(a, b, beta=2, zero_division=0) for a, b in zip(actual, predicted, strict=True)]
    assert results.scores.tolist() == pytest.approx(expected)
    assert results.f2 == pytest.approx(f_beta(p.values, p.targets, 2.0, threshold))


def test_the_worst_have_the_lowest_f2_and_among_equals_the_largest_distance(tmp_path):
    p = predictions()
    results = TagResults(tmp_path, p)
    distance = (p.values - p.targets).abs().sum(1).tolist()
    order = sorted(range(60), key=lambda row: (results.scores[row].item(), -distance[row]))
    assert results.worst_rows(60) == order
    assert len({results.scores[row].item() for row in order}) < 60  # some are equal
    assert results.worst_rows(3) == order[:3]


def test_random_rows_repeat(tmp_path):
    results = TagResults(tmp_path, predictions())
    assert results.random_rows(10) == results.random_rows(10) != results.random_rows(10, seed=1)
    assert sorted(results.random_rows(100)) == list(range(60))


def test_pictures_are_titled_with_right_missed_and_wrong_tags(image_data):
    values = torch.tensor([[0.9, 0.1, 0.8], [0.1, 0.1, 0.1], [0.1, 0.9, 0.1], [0.9, 0.9, 0.1]])
    targets = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    results = TagResults(image_data, Predictions(values, targets, image_data.items("valid")[:4], ["clear", "road", "water"]))
    figure = results.show(range(4), "Four")
    assert all(len(axis.images) == 1 for axis in figure.axes)
    assert [caption(axis) for axis in figure.axes] == [
        ["F2 0.50", "right: clear", "missed: road", "wrong: water"],
        ["F2 0.00", "no tags, and none predicted"],
        ["F2 1.00", "right: road"],
        ["F2 0.50", "right: road", "missed: water", "wrong: clear"],
    ]
    assert len({text.get_color() for text in figure.axes[0].texts}) == 3
    assert figure.get_suptitle() == "Four"


def test_many_tags_fit_above_a_picture(pictures, image_data):
    long = [
        "agriculture",
        "artisinal_mine",
        "conventional_mine",
        "cultivation",
        "partly_cloudy",
        "selective_logging",
        "slash_burn",
    ]
    generator = torch.Generator().manual_seed(1)
    values, targets = torch.rand(16, 7, generator=generator), (torch.rand(16, 7, generator=generator) > 0.3).float()
    results = TagResults(pictures, Predictions(values, targets, image_data.items("valid"), long), 0.4)
    figure = results.show_worst(8)
    assert figure.get_suptitle() == "Lowest F2"
    assert max(len(axis.texts) for axis in figure.axes) > 5
    check_legible(figure)


def test_an_empty_choice_says_none(results):
    assert results.show([]).axes[0].texts[0].get_text() == "none"


def test_show_worst_and_random_show_their_rows(results):
    assert results.show_random(3, seed=2).get_suptitle() == "At random"
    for figure, rows in (
        (results.show_worst(3), results.worst_rows(3)),
        (results.show_random(3, 2), results.random_rows(3, 2)),
    ):
        first_lines = [caption(axis)[0] for axis in figure.axes if axis.images]
        assert first_lines == [f"F2 {results.scores[row]:.2f}" for row in rows]


# -- figures of numbers ----------------------------------------------------------------------------------------------------


def test_precision_and_recall_are_drawn_as_they_are(tmp_path):
    results = TagResults(tmp_path, predictions())
    table = results.precision_recall()
    figure = results.show_precision_recall()
    axis = figure.axes[0]
    joined, precision, recall = axis.collections
    for drawn, column in ((precision, "precision"), (recall, "recall")):
        places = np.ma.filled(drawn.get_offsets().astype(float), np.nan)
        there = ~np.isnan(table[column].to_numpy())
        assert places[there, 0] == pytest.approx(table[column][there].to_numpy())
        assert np.isnan(places[~there, 0]).all()
    assert [label.get_text() for label in axis.get_yticklabels()] == [
        f"{tag}  {pictures}" for tag, pictures in zip(table["tag"], table["pictures"], strict=True)
    ]
    said = [text.get_text() for text in axis.texts]
    assert {
        "never predicted, so it has no precision",
        "no picture has it, so it has no recall",
        "no picture has it, and it is never predicted",
    } <= set(said)
    assert said.count("–") == 4
    assert all(f"{share:.2f}" in said for share in table["precision"].dropna())
    assert axis.get_title() == "Precision and recall at threshold 0.2\n(beside each tag: how many pictures have it)"
    assert joined.get_paths()[0].vertices[:, 0] == pytest.approx(table.loc[0, ["precision", "recall"]].to_numpy(dtype=float))
    check_legible(figure)


@pytest.mark.parametrize("classes", [2, 17, 25, 70])
def test_precision_and_recall_can_be_read_for_any_number_of_tags(tmp_path, classes):
    p = predictions(200, [f"selective_logging_{i}" for i in range(classes)])
    figure = TagResults(tmp_path, p, torch.full((classes,), 0.3)).show_precision_recall()
    assert len(figure.axes[0].get_yticks()) == min(classes, 60)
    assert ("the 60 commonest of 70 tags" in figure.axes[0].get_title()) == (classes == 70)
    assert "a threshold for each tag" in figure.axes[0].get_title()
    check_legible(figure)


def test_f2_by_threshold_is_drawn_with_its_best(tmp_path):
    p = predictions()
    results = TagResults(tmp_path, p, 0.35)
    figure = results.show_f2_by_threshold()
    axis = figure.axes[0]
    curve, best, used = axis.lines
    thresholds = curve.get_xdata()
    assert (thresholds[0], thresholds[-1]) == (0, 1)
    assert np.diff(thresholds).max() < 0.0021
    assert curve.get_ydata()[::25] == pytest.approx([f_beta(p.values, p.targets, 2.0, t) for t in thresholds[::25]])
    tried = [0.0, *p.values.unique().tolist()]
    highest = max(f_beta(p.values, p.targets, 2.0, t) for t in tried)
    assert best.get_ydata()[0] == pytest.approx(highest)
    assert f_beta(p.values, p.targets, 2.0, best.get_xdata()[0]) == pytest.approx(highest)
    assert used.get_xydata()[0] == pytest.approx([0.35, results.f2])
    band = axis.patches[0].get_extents().transformed(axis.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((0.17, 0.24))
    assert axis.texts[0].get_text() == f"{highest:.4f}"
    assert [text.get_text() for text in axis.get_legend().get_texts()] == [
        "tried in the lecture: 0.17 to 0.24",
        f"best: threshold {best.get_xdata()[0]:.3f}, F2 {highest:.4f}",
        f"in use: threshold 0.35, F2 {results.f2:.4f}",
    ]
    check_legible(figure)


def test_f2_of_a_threshold_for_each_tag_is_a_line(tmp_path):
    p = predictions()
    results = TagResults(tmp_path, p, best_thresholds(p.values, p.targets))
    figure = results.show_f2_by_threshold()
    _, best, line = figure.axes[0].lines
    assert line.get_ydata() == [results.f2, results.f2]
    assert results.f2 >= best.get_ydata()[0]
    assert f"a threshold for each tag: F2 {results.f2:.4f}" in [t.get_text() for t in figure.axes[0].get_legend().get_texts()]


def test_one_picture_is_enough_for_the_figures(tmp_path):
    p = predictions(1)
    results = TagResults(tmp_path, p)
    check_legible(results.show_precision_recall())
    check_legible(results.show_f2_by_threshold())


def test_what_has_no_several_labels_is_refused(tmp_path):
    with pytest.raises(CourseError, match="no targets"):
        TagResults(tmp_path, Predictions(torch.rand(2, 3), None, ["a", "b"]))
    with pytest.raises(CourseError, match=r"\(2, 3\) and targets \(2,\).*Results is for one label each"):
        TagResults(tmp_path, Predictions(torch.rand(2, 3), torch.tensor([0, 1]), ["a", "b"]))
    with pytest.raises(CourseError, match="one for each of the 3 classes"):
        TagResults(tmp_path, Predictions(torch.rand(2, 3), torch.zeros(2, 3), ["a", "b"]), [0.1, 0.2])
