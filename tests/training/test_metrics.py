from fractions import Fraction

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import fbeta_score, top_k_accuracy_score
from sklearn.metrics import log_loss as sklearn_log_loss
from torchmetrics.functional.classification import multiclass_accuracy, multilabel_fbeta_score

from course_utils.errors import CourseError
from course_utils.training import (
    accuracy,
    best_threshold,
    best_thresholds,
    f_beta,
    f_beta_curve,
    log_loss,
    rmspe,
    top_k_accuracy,
)
from course_utils.training.metrics import LECTURE_THRESHOLDS, thresholds_like

SOME, ALL = range(100), range(1000)
random_cases = pytest.mark.parametrize("seeds", [SOME, pytest.param(ALL, marks=pytest.mark.thorough)], ids=["some", "all"])


def single_label(seed):
    rng = np.random.default_rng(seed)
    n, classes = int(rng.integers(1, 40)), int(rng.integers(2, 9))
    probabilities = rng.dirichlet(np.full(classes, 0.5), n)
    return rng, probabilities, rng.integers(classes, size=n), classes


def multi_label(seed):
    """Probabilities in sixteenths, so that many are equal to each other and to thresholds, and exact in 32 bits."""
    rng = np.random.default_rng(seed)
    n, classes = rng.integers(1, 12), rng.integers(1, 6)
    probabilities = rng.integers(0, 17, (n, classes)) / 16
    targets = (rng.random((n, classes)) < rng.choice([0.05, 0.3, 0.7])).astype(int)
    targets[:, rng.random(classes) < 0.2] = 0
    probabilities[rng.random(n) < 0.2] *= 0.0
    kinds = [np.float32, np.float64]
    return rng, probabilities.astype(kinds[seed % 2]), targets


def exact_f(probabilities, targets, beta, threshold):
    """F-beta of sets of labels, example by example, in fractions."""
    beta2, total = Fraction(beta) ** 2, Fraction(0)
    thresholds = np.broadcast_to(threshold, probabilities.shape[1:])
    for row, truth in zip(probabilities, targets, strict=True):
        given = {c for c, p in enumerate(row) if p > thresholds[c]}
        wanted = {c for c, t in enumerate(truth) if t}
        right = len(given & wanted)
        if right:
            precision, recall = Fraction(right, len(given)), Fraction(right, len(wanted))
            total += (1 + beta2) * precision * recall / (beta2 * precision + recall)
    return total / len(probabilities)


# -- one label each --------------------------------------------------------------------------------------------------------


@random_cases
def test_accuracy_top_k_and_log_loss_equal_scikit_learn_and_torchmetrics(seeds):
    for seed in seeds:
        rng, p, t, classes = single_label(seed)
        k = int(rng.integers(1, classes))
        arrays, tensors = (p, t), (torch.tensor(p), torch.tensor(t))
        given = arrays if seed % 2 else tensors
        assert accuracy(*given) == pytest.approx(np.mean(p.argmax(1) == t))
        assert log_loss(*given) == pytest.approx(sklearn_log_loss(t, p, labels=range(classes)), rel=1e-6)
        expected = top_k_accuracy_score(t, p if classes > 2 else p[:, 1], k=k, labels=range(classes))
        assert top_k_accuracy(*given, k=k) == pytest.approx(expected)
        if seed % 10 == 0:
            expected = multiclass_accuracy(*tensors, classes, average="micro", top_k=k).item()
            assert top_k_accuracy(*given, k=k) == pytest.approx(expected)


def test_of_equally_probable_classes_the_first_count_as_more_probable():
    p = torch.tensor([[0.25, 0.25, 0.25, 0.25]]).repeat(4, 1)
    t = torch.arange(4)
    assert [top_k_accuracy(p, t, k) for k in (1, 2, 3, 4)] == [0.25, 0.5, 0.75, 1.0]
    assert accuracy(p, t) == top_k_accuracy(p, t, 1)


@random_cases
def test_log_loss_of_several_labels_is_binary_cross_entropy(seeds):
    for seed in seeds:
        rng, p, t = multi_label(seed)
        p = p * 0.98 + 0.01
        expected = F.binary_cross_entropy(torch.tensor(p).double(), torch.tensor(t).double()).item()
        assert log_loss(p, t) == pytest.approx(expected)
        if seed % 10 == 0:
            column = int(rng.integers(p.shape[1]))
            expected = sklearn_log_loss(t[:, column], p[:, column], labels=[0, 1])
            assert log_loss(p[:, [column]], t[:, [column]]) == pytest.approx(expected, rel=1e-6)


def test_log_loss_of_a_certain_mistake_is_large_and_finite():
    assert log_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([1])) == pytest.approx(-np.log(1e-15))
    assert log_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([0])) == 0
    assert log_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])) == pytest.approx(-np.log(1e-15))


# -- several labels each ---------------------------------------------------------------------------------------------------


@random_cases
def test_f_beta_equals_fractions_scikit_learn_and_torchmetrics(seeds):
    seen = {"no labels": 0, "no predictions": 0, "neither": 0, "tie": 0, "empty column": 0}
    for seed in seeds:
        rng, p, t = multi_label(seed)
        beta = [2, 1, 0.5][seed % 3]
        threshold = rng.integers(0, 16) / 16 if seed % 4 else rng.integers(0, 16, p.shape[1]) / 16
        predicted = p > threshold
        seen["no labels"] += bool((t.sum(1) == 0).any())
        seen["no predictions"] += bool((predicted.sum(1) == 0).any())
        seen["neither"] += bool(((t + predicted).sum(1) == 0).any())
        seen["tie"] += bool((p == threshold).any())
        seen["empty column"] += bool((t.sum(0) == 0).any())
        given = (p, t) if seed % 2 else (torch.tensor(p), torch.tensor(t))
        score = f_beta(*given, beta, threshold)
        assert score == pytest.approx(float(exact_f(p, t, beta, threshold)), abs=1e-12)
        if p.shape[1] > 1:
            assert score == pytest.approx(fbeta_score(t, predicted, beta=beta, average="samples", zero_division=0), abs=1e-9)
        if min(p.shape) > 1:
            rows = multilabel_fbeta_score(
                torch.tensor(predicted)[..., None].int(),
                torch.tensor(t)[..., None],
                float(beta),
                p.shape[1],
                average="micro",
                multidim_average="samplewise",
                zero_division=0,
            )
            assert score == pytest.approx(rows.double().mean().item(), abs=1e-6)
    assert min(seen.values()) > len(seeds) / 20


@random_cases
def test_the_best_threshold_of_the_lecture_and_of_the_whole_range_equal_trying_all(seeds):
    for seed in seeds:
        _, p, t = multi_label(seed)
        beta = [2, 1, 0.5][seed % 3]
        for thresholds in ([0.25, 0.125, 0.5], None):
            tried = thresholds or sorted({0.0, *p.flatten().tolist()})
            scores = [exact_f(p, t, beta, threshold) for threshold in tried]
            threshold, score = best_threshold(p, t, beta, thresholds)
            assert threshold == tried[scores.index(max(scores))]
            assert score == pytest.approx(float(max(scores)), abs=1e-12)


@random_cases
def test_the_curve_equals_f_beta_at_each_threshold(seeds):
    for seed in seeds[::5]:
        rng, p, t = multi_label(seed)
        thresholds = rng.permutation(np.arange(-1, 18) / 16)
        expected = [float(exact_f(p, t, 2, threshold)) for threshold in thresholds]
        np.testing.assert_allclose(f_beta_curve(p, t, thresholds).numpy(), expected, atol=1e-12)


@random_cases
def test_thresholds_of_classes_are_never_worse_than_one_and_none_alone_makes_them_better(seeds):
    better = 0
    for seed in seeds[:200]:
        _, p, t = multi_label(seed)
        thresholds = best_thresholds(p, t)
        score = exact_f(p, t, 2, thresholds.numpy())
        assert f_beta(p, t, threshold=thresholds) == pytest.approx(float(score), abs=1e-12)
        one = best_threshold(p, t, thresholds=None)[1]
        assert float(score) >= one - 1e-12
        better += float(score) > one + 1e-6
        for c in range(p.shape[1]):
            for candidate in {0.0, *p[:, c].tolist()}:
                other = thresholds.numpy().copy()
                other[c] = candidate
                assert exact_f(p, t, 2, other) <= score
    assert better > len(seeds[:200]) / 50


def test_the_lecture_searched_eight_thresholds_and_the_first_of_equals_is_given():
    assert tuple(round(0.17 + 0.01 * i, 2) for i in range(8)) == LECTURE_THRESHOLDS
    p, t = torch.tensor([[0.9, 0.2]]), torch.tensor([[1, 0]])
    assert best_threshold(p, t) == (0.20, 1.0)  # 32 bits: the 0.2 of the tensor is not above 0.2
    assert best_threshold(p, t, thresholds=[0.5, 0.3, 0.4]) == (0.5, 1.0)


def test_ties_are_decided_in_the_precision_of_the_probabilities():
    t = np.ones((1, 1))
    for kind in (np.float32, np.float64):
        p = np.full((1, 1), 0.2, kind)
        assert f_beta(p, t, threshold=0.2) == f_beta_curve(p, t, [0.2]).item() == 0
        assert best_threshold(p, t, thresholds=[0.2])[1] == 0


# -- numbers, shapes, kinds ------------------------------------------------------------------------------------------------


def test_rmspe_by_hand_without_the_zeros():
    assert rmspe(torch.tensor([[2.0], [6.0], [1.0]]), torch.tensor([4.0, 4.0, 0.0])) == pytest.approx(0.5)
    assert rmspe(np.array([2.0, 6.0, 1.0]), np.array([[4.0], [4.0], [0.0]])) == pytest.approx(0.5)


def test_arrays_that_pytorch_cannot_share_are_taken_and_left_alone():
    p, t = np.array([[0.1, 0.9], [0.8, 0.2]])[::-1], np.array([0, 1])
    p.flags.writeable = t.flags.writeable = False
    before = p.copy()
    assert accuracy(p, t) == 1
    assert f_beta(p, np.eye(2)) == pytest.approx(1.0)
    assert (p == before).all()


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(CourseError, match=r"\(3, 2\) and \(2,\)"):
        accuracy(torch.rand(3, 2), torch.zeros(2).long())
    with pytest.raises(CourseError, match="f_beta"):
        f_beta(torch.rand(3, 2), torch.zeros(3))
    with pytest.raises(CourseError, match="rmspe"):
        rmspe(torch.rand(3), torch.rand(4))
    with pytest.raises(CourseError, match="NaN"):
        accuracy(torch.full((2, 2), float("nan")), torch.zeros(2).long())
    with pytest.raises(CourseError, match=r"log_loss.*\(3, 2\) and \(3, 3\)"):
        log_loss(torch.rand(3, 2), torch.zeros(3, 3))
    with pytest.raises(CourseError, match="no examples"):
        best_threshold(torch.rand(0, 2), torch.zeros(0, 2))


def test_what_makes_no_sense_is_named():
    p, t = torch.tensor([[0.2, 0.8]]), torch.tensor([1])
    with pytest.raises(CourseError, match="k=3 for 2 classes"):
        top_k_accuracy(p, t, 3)
    with pytest.raises(CourseError, match="targets from 2 to 2; with 2 classes they are 0 to 1"):
        log_loss(p, torch.tensor([2]))
    with pytest.raises(CourseError, match="no thresholds"):
        best_threshold(p, p, thresholds=[])
    for threshold in ([0.1, 0.2, 0.3], float("nan"), [[0.1, 0.2]]):
        with pytest.raises(CourseError, match="one for each of the 2 classes"):
            f_beta(p, p, threshold=threshold)
    assert thresholds_like(p, np.array([0.25, 0.5])).tolist() == [0.25, 0.5]
