from functools import partial

import numpy as np
import pytest
import sklearn.metrics
import torch
import torch.nn.functional as F
from torch import nn
from torchmetrics.classification import MulticlassF1Score

from course_utils.errors import CourseError
from course_utils.training import Data, Learner, accuracy, f_beta, rmspe, set_seed, top_k_accuracy
from course_utils.training.custom_metrics import compute, named


def scikit_learn(p, t):
    return sklearn.metrics.f1_score(t, p.argmax(1), average="macro")


def for_arrays(p, t):
    return np.mean(np.asarray(p).argmax(axis=-1).astype(np.int8) == t)


def for_tensors(p, t):
    return (p.argmax(dim=1) == t).float().mean()


@pytest.fixture
def learner():
    set_seed(0)
    x, y = torch.randn(90, 4), torch.randint(3, (90,))
    data = Data.from_tensors((x, y), (x, y), batch_size=32)
    return Learner(data, nn.Linear(4, 3), progress=False)


METRICS = {
    "arrays only": lambda p, t: (p.argmax(1) == t).mean(),
    "arrays by name": for_arrays,
    "tensors only": for_tensors,
    "a size": lambda p, t: (p.argmax(1) == t).sum() / t.size,
    "a count of Python's": lambda p, t: sum(int(a == b) for a, b in zip(p.argmax(1), t, strict=True)) / len(t),
    "one element": lambda p, t: (p.argmax(1) == t).float().mean().reshape(1),
    "one element of an array": lambda p, t: np.array([[(p.argmax(1) == t).astype(float).mean()]]),
    "scikit-learn": lambda p, t: sklearn.metrics.accuracy_score(t, p.argmax(1)),
    "writes into what it gets": lambda p, t: (p.mul_(0).argmax(1) == t).float().mean() * 0 + 7,
    "torchmetrics": MulticlassF1Score(3, average="micro"),
    "ours": accuracy,
}


@pytest.mark.parametrize("kind", METRICS)
def test_any_function_of_two_tensors_or_arrays_is_a_metric(learner, kind):
    learner.metrics = [METRICS[kind], accuracy]
    results = list(learner.validate().values())
    assert all(isinstance(result, float) for result in results)
    expected = (learner.predict().values.argmax(1) == learner.data.targets("valid")).double().mean().item()
    assert results[1] == pytest.approx(7 if kind.startswith("writes") else expected)
    assert results[2] == pytest.approx(expected)  # whatever the first did to its copies


def test_functions_of_scikit_learn_and_pytorch_give_what_they_give(learner):
    learner.metrics = [scikit_learn, F.nll_loss]
    results = learner.validate()
    p, t = learner.predict().values, learner.data.targets("valid")
    assert results["scikit_learn"] == pytest.approx(scikit_learn(p.numpy(), t.numpy()))
    assert results["nll_loss"] == pytest.approx(-p[range(90), t].mean().item())


def test_not_a_number_is_a_number(learner):
    assert np.isnan(compute(lambda p, t: p.sum() * float("nan"), torch.ones(2), torch.ones(2)))


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (
            lambda p, t: (p.argmax(1) == t) * 1.0,
            r"Given tensors: it gave a Tensor of shape \(90,\)\. .*ndarray of shape \(90,\)",
        ),
        (lambda p, t: None, "it gave a NoneType"),
        (lambda p, t: (0.2, 0.9), "it gave a tuple"),
        (lambda p, t: "good", "it gave a str"),
        (lambda p, t: 1j, "it gave a complex"),
        (lambda p, t: p.nonsense, "has no attribute 'nonsense'.*NumPy arrays: AttributeError"),
        (lambda p, t: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_what_gives_no_number_is_told_with_what_it_was_given(learner, metric, message):
    learner.metrics = [metric]
    with pytest.raises(CourseError, match=message) as caught:
        learner.validate()
    assert "metric <lambda> must make one number of values (90, 3) float32 and targets (90,) int64" in str(caught.value)


def test_our_own_messages_come_as_they_are(learner):
    learner.metrics = [f_beta]
    with pytest.raises(CourseError, match=r"^f_beta was given shapes \(90, 3\) and \(90,\)"):
        learner.validate()


def test_metrics_of_the_same_name_have_columns_of_their_own(learner):
    learner.metrics = [partial(top_k_accuracy, k=1), partial(top_k_accuracy, k=3), accuracy]
    results = learner.validate()
    assert list(results) == ["valid loss", "top_k_accuracy", "top_k_accuracy 2", "accuracy"]
    assert results["top_k_accuracy"] == results["accuracy"] < results["top_k_accuracy 2"] == 1
    assert list(named([accuracy])) == ["accuracy"]


def test_a_regression_of_a_column_against_a_row_is_not_broadcast():
    x = torch.linspace(-1, 1, 50)[:, None]
    y = 3 * x[:, 0] + 10
    data = Data.from_tensors((x, y), (x, y))
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, 3.0)
    nn.init.constant_(model.bias, 11.0)
    learner = Learner(data, model, metrics=[lambda p, t: abs(p - t).mean(), rmspe], progress=False)
    results = learner.validate()
    assert results["<lambda>"] == pytest.approx(1.0, abs=1e-5)
    assert results["rmspe"] == pytest.approx(((1 / y) ** 2).mean().sqrt().item(), rel=1e-4)
