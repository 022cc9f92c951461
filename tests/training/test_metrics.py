import pytest
import torch
from sklearn.metrics import fbeta_score
from torchmetrics.functional.classification import multiclass_accuracy

from course_utils.errors import CourseError
from course_utils.training import accuracy, best_threshold, f_beta, rmspe


@pytest.mark.parametrize("seed", range(5))
def test_accuracy_equals_torchmetrics(seed):
    generator = torch.Generator().manual_seed(seed)
    probabilities = torch.rand(101, 7, generator=generator)
    targets = torch.randint(7, (101,), generator=generator)
    assert accuracy(probabilities, targets) == pytest.approx(
        multiclass_accuracy(probabilities, targets, 7, average="micro").item()
    )


@pytest.mark.parametrize("beta", [0.5, 1, 2])
@pytest.mark.parametrize("threshold", [0.1, 0.2, 0.9])
def test_f_beta_equals_scikit_learn_also_for_rows_without_labels(beta, threshold):
    generator = torch.Generator().manual_seed(1)
    probabilities = torch.rand(200, 17, generator=generator)
    targets = (torch.rand(200, 17, generator=generator) < 0.1).float()
    assert (targets.sum(1) == 0).any()
    expected = fbeta_score(targets, probabilities > threshold, beta=beta, average="samples", zero_division=0)
    assert f_beta(probabilities, targets, beta, threshold) == pytest.approx(expected, abs=1e-6)


def test_the_best_threshold_is_the_best_of_those_tried():
    generator = torch.Generator().manual_seed(2)
    targets = (torch.rand(300, 5, generator=generator) < 0.3).float()
    probabilities = (targets * 0.2 + torch.rand(300, 5, generator=generator) * 0.3).clamp(0, 1)
    threshold, score = best_threshold(probabilities, targets)
    tried = {t / 100: f_beta(probabilities, targets, threshold=t / 100) for t in range(17, 25)}
    assert score == max(tried.values()) == tried[threshold]
    assert min(tried.values()) < score


def test_rmspe_by_hand_without_the_zeros():
    assert rmspe(torch.tensor([[2.0], [6.0], [1.0]]), torch.tensor([4.0, 4.0, 0.0])) == pytest.approx(0.5)


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(CourseError, match=r"\(3, 2\) and \(2,\)"):
        accuracy(torch.rand(3, 2), torch.zeros(2).long())
    with pytest.raises(CourseError, match="f_beta"):
        f_beta(torch.rand(3, 2), torch.zeros(3))
    with pytest.raises(CourseError, match="rmspe"):
        rmspe(torch.rand(3), torch.rand(4))
    with pytest.raises(CourseError, match="NaN"):
        accuracy(torch.full((2, 2), float("nan")), torch.zeros(2).long())
