import pytest
import torch
from sklearn.metrics import confusion_matrix

from course_utils.errors import CourseError
from course_utils.training import Predictions
from course_utils.vision import Results


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


def test_predictions_without_targets_or_with_several_labels_are_refused(image_data):
    with pytest.raises(CourseError, match="no targets"):
        Results(image_data, Predictions(torch.rand(2, 2), None, ["a", "b"]))
    with pytest.raises(CourseError, match="one label"):
        Results(image_data, Predictions(torch.rand(2, 2), torch.rand(2, 2), ["a", "b"]))
