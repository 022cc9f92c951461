import pytest
import torch
from sklearn.metrics import confusion_matrix

from course_utils.errors import CourseError
from course_utils.training import Predictions
from course_utils.vision import Results, read_image
from tests.vision.figures.legible import check_legible


@pytest.fixture
def results(pictures, image_data):
    generator = torch.Generator().manual_seed(3)
    values = torch.rand(16, 2, generator=generator)
    values /= values.sum(1, keepdim=True)
    return Results(image_data, Predictions(values, image_data.targets("valid"), image_data.items("valid"), image_data.classes))


def test_the_confusion_matrix_equals_scikit_learn(results):
    assert results.confusion_matrix().tolist() == confusion_matrix(results.targets, results.predicted).tolist()
    generator = torch.Generator().manual_seed(0)
    values, targets = torch.rand(300, 5, generator=generator), torch.randint(4, (300,), generator=generator)
    many = Results(results.path, Predictions(values, targets, [""] * 300))
    assert many.confusion_matrix().tolist() == confusion_matrix(targets, values.argmax(1), labels=range(5)).tolist()
    mistakes = many.most_confused(3)
    counts = many.confusion_matrix().fill_diagonal_(0)
    assert mistakes[0][2] == counts.max()
    assert [m[2] for m in mistakes] == sorted(counts.flatten().tolist(), reverse=True)[:3]


def test_rows_are_sorted_as_their_names_say(results):
    top, right = results.values.max(1).values, results.values.argmax(1) == results.targets
    expected = sorted((i for i in range(16) if right[i]), key=lambda i: -top[i])
    assert results.most_right_rows(16) == expected
    expected = sorted((i for i in range(16) if not right[i]), key=lambda i: -top[i])
    assert results.most_wrong_rows(16) == expected
    assert results.most_unsure_rows(3) == sorted(range(16), key=lambda i: top[i])[:3]
    cold = results.most_wrong_rows(16, of="cold")
    assert cold == [i for i in expected if results.targets[i] == 0]
    with pytest.raises(CourseError, match="no class 'tepid'"):
        results.most_wrong_rows(of="tepid")


def test_random_rows_are_of_the_kind_asked_for_and_repeat(results):
    rows = results.random_rows(16)
    assert set(rows) == {i for i in range(16) if results.right[i]}
    assert rows == results.random_rows(16)
    assert rows != results.random_rows(16, seed=1)
    assert not any(results.right[i] for i in results.random_rows(16, right=False))


def test_figures_show_the_pictures_with_what_was_predicted(results, pictures):
    rows = results.most_wrong_rows(3)
    figure = results.show_most_wrong(3)
    shown = [axis for axis in figure.axes if axis.images]
    assert len(shown) == 3
    row = rows[0]
    classes = results.classes
    expected = f"{classes[results.predicted[row]]} {results.top[row]:.3f}\nlabelled {classes[results.targets[row]]}"
    assert shown[0].get_title() == expected
    assert "labelled" not in results.show_most_right(1).axes[0].get_title()
    assert figure.get_suptitle() == "Most wrong"


def test_an_empty_choice_says_none(results):
    results.right[:] = True
    assert results.show_most_wrong().axes[0].texts[0].get_text() == "none"


def test_the_confusion_matrix_is_drawn_with_its_counts(results):
    axis = results.show_confusion_matrix().axes[0]
    assert [t.get_text() for t in axis.texts] == [str(n) for n in results.confusion_matrix().flatten().tolist()]
    many = Results(results.path, Predictions(torch.rand(50, 30), torch.arange(50) % 30, [""] * 50))
    assert not many.show_confusion_matrix().axes[0].texts


@pytest.fixture
def confused(image_data):
    """Three classes of which `dog` has no picture: two cold ones are taken for warm, one warm one for a dog."""
    values = torch.full((16, 3), 0.1)
    targets = image_data.targets("valid")
    values[range(16), targets] = 0.7
    values[3], values[5] = torch.tensor([0.2, 0.6, 0.1]), torch.tensor([0.1, 0.8, 0.1])  # of class 0, cold
    values[10] = torch.tensor([0.1, 0.1, 0.5])  # of class 1, warm
    values[12, 1] = 0.9
    return Results(image_data, Predictions(values, targets, image_data.items("valid"), ["cold", "warm", "dog"]))


def test_confused_pairs_are_drawn_with_their_counts_and_an_example_of_each(confused):
    figure = confused.show_most_confused()
    texts = [[text.get_text().strip() for text in axis.texts] for axis in figure.axes]
    assert texts == [[], [], ["cold → warm", "2 of 8 (25%)"], [], ["none here"], ["warm → dog", "1 of 8 (12%)"]]
    assert [axis.patches[0].get_width() for axis in figure.axes[2::3]] == [2, 1]
    shown = [axis.images[0].get_array() if axis.images else None for axis in figure.axes]
    for place, row in ((0, 5), (1, 12), (3, 10)):  # the surest mistake, the surest one of the other class, the only mistake
        assert (shown[place] == read_image(confused.path / confused.items[row], 240)).all()
    check_legible(figure)


def test_confused_pairs_equal_scikit_learn(results):
    counts = confusion_matrix(results.targets, results.predicted)
    expected = sorted(
        (f"{counts[a, 1 - a]} of {counts[a].sum()} ({counts[a, 1 - a] / counts[a].sum():.0%})" for a in (0, 1)), reverse=True
    )
    figure = results.show_most_confused()
    assert sorted((axis.texts[1].get_text().strip() for axis in figure.axes[2::3]), reverse=True) == expected
    assert len(results.show_most_confused(1).axes) == 3


def test_without_mistakes_no_pair_is_confused(image_data):
    targets = image_data.targets("valid")
    perfect = Results(image_data, Predictions(torch.eye(2)[targets], targets, image_data.items("valid"), image_data.classes))
    figure = perfect.show_most_confused()
    assert [text.get_text() for text in figure.texts] == ["Most confused pairs: actual class → predicted class", "none"]
    assert not figure.axes
    check_legible(figure)


def test_predictions_without_targets_or_with_several_labels_are_refused(image_data):
    with pytest.raises(CourseError, match="no targets"):
        Results(image_data, Predictions(torch.rand(2, 2), None, ["a", "b"]))
    with pytest.raises(CourseError, match="one label"):
        Results(image_data, Predictions(torch.rand(2, 2), torch.rand(2, 2), ["a", "b"]))


def test_what_is_no_result_or_no_row_is_refused(image_data, results):
    with pytest.raises(CourseError, match=r"predictions is 5; give what learner\.predict\(\) returns"):
        Results(image_data, 5)
    with pytest.raises(
        CourseError, match=r"data is None; give the path of the folder of these pictures \(or their ImageData\)"
    ):
        Results(None, Predictions(torch.rand(2, 2), torch.tensor([0, 1]), ["a", "b"]))
    for rows, words in {
        (99,): "no row 99; there are 16 pictures",
        (-1,): "-1",
        ("a",): "'a'",
        "1": "a list of numbers",
    }.items():
        with pytest.raises(CourseError, match=words):
            results.show(rows)
    for n in ("a", -1, 1.5):
        for use in (results.most_wrong_rows, results.most_confused, results.random_rows, results.show_most_unsure):
            with pytest.raises(CourseError, match=r"n is .*; it is a whole number, 0 or more"):
                use(n)
    with pytest.raises(CourseError, match="seed is 'a'"):
        results.random_rows(seed="a")
