"""How good predictions are: a metric is any function of (values, targets), both over a whole set.

Values are what `Learner.predict` gives: probabilities for a classifier, numbers on the target's own scale for a regression.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.errors import CourseError

LECTURE_THRESHOLDS = (0.17, 0.18, 0.19, 0.20, 0.21, 0.22, 0.23, 0.24)


def accuracy(probabilities: Tensor, targets: Tensor) -> float:
    """The share of examples whose most probable class is the right one: probabilities (N, classes), targets (N,) whole numbers.

    >>> accuracy(torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), torch.tensor([0, 1, 1]))
    0.6666666865348816
    """
    _check(
        probabilities.shape[:1] == targets.shape and probabilities.ndim == 2,
        "accuracy",
        "(N, classes) and (N,)",
        probabilities,
        targets,
    )
    return (probabilities.argmax(1) == targets).float().mean().item()


def f_beta(probabilities: Tensor, targets: Tensor, beta: float = 2.0, threshold: float = 0.2) -> float:
    """F-beta of each example's labels, averaged over the examples: both (N, classes), targets zeros and ones.

    A label is predicted where its probability is above `threshold`. Recall counts `beta` times as much as precision:
    F = (1 + beta^2) p r / (beta^2 p + r). An example that has no label and gets none counts as 0. Lecture 1:41:20.

    >>> f_beta(torch.tensor([[0.9, 0.3, 0.1]]), torch.tensor([[1.0, 0.0, 0.0]]))   # p = 1/2, r = 1
    0.8333333134651184
    """
    _check(
        probabilities.shape == targets.shape and probabilities.ndim == 2, "f_beta", "twice (N, classes)", probabilities, targets
    )
    predicted, actual = probabilities > threshold, targets > 0.5
    hits = (predicted & actual).sum(1).float()
    weighed = predicted.sum(1) + beta**2 * actual.sum(1)
    return ((1 + beta**2) * hits / weighed.clamp(min=1)).mean().item()


def best_threshold(
    probabilities: Tensor,
    targets: Tensor,
    beta: float = 2.0,
    thresholds: Sequence[float] = LECTURE_THRESHOLDS,
) -> tuple[float, float]:
    """The threshold with the highest F-beta and that F-beta; the lecture searched 0.17 to 0.24 (1:43:00).

    >>> probabilities, targets = torch.tensor([[0.9, 0.2], [0.22, 0.8]]), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    >>> best_threshold(probabilities, targets, thresholds=(0.1, 0.21, 0.5))
    (0.21, 1.0)
    """
    scores = [f_beta(probabilities, targets, beta, t) for t in thresholds]
    best = max(range(len(scores)), key=scores.__getitem__)
    return thresholds[best], scores[best]


def rmspe(predictions: Tensor, targets: Tensor) -> float:
    """Root mean squared percentage error of predictions (N,) or (N, 1), as a fraction; targets of 0 are left out.

    >>> round(rmspe(torch.tensor([110.0, 90.0, 5.0]), torch.tensor([100.0, 100.0, 0.0])), 6)
    0.1
    """
    predictions, targets = predictions.flatten().double(), targets.flatten().double()
    _check(predictions.shape == targets.shape, "rmspe", "as many of one as of the other", predictions, targets)
    counted = targets != 0
    return (((targets - predictions)[counted] / targets[counted]) ** 2).mean().sqrt().item()


def _check(fits: bool, metric: str, expected: str, values: Tensor, targets: Tensor) -> None:
    if not fits:
        raise CourseError(f"{metric} was given shapes {tuple(values.shape)} and {tuple(targets.shape)}; it expects {expected}")
    if not torch.isfinite(values).all():
        raise CourseError(f"{metric} was given values that are not numbers (NaN or infinite)")
