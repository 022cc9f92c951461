"""How good predictions are: a metric is any function of (values, targets), both over a whole set, that gives one number.

Values are what `Learner.predict` gives: probabilities for a classifier, numbers on the target's own scale for a regression.
The functions here take tensors and NumPy arrays alike, and compute in 64 bits.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from course_utils.errors import CourseError
from course_utils.masked import refuse_masked
from course_utils.training.arguments import shown

Numbers = Tensor | np.ndarray
Threshold = float | Sequence[float] | Numbers

LECTURE_THRESHOLDS = (0.17, 0.18, 0.19, 0.20, 0.21, 0.22, 0.23, 0.24)
SMALLEST_PROBABILITY = 1e-15  # as Kaggle clips them, so that one certain mistake does not cost infinitely much
EQUALLY_GOOD = 1e-12  # scores that differ by less differ by rounding

# -- one label each --------------------------------------------------------------------------------------------------------


def accuracy(probabilities: Numbers, targets: Numbers) -> float:
    """The share of examples whose most probable class is the right one: probabilities (N, classes), targets (N,) whole numbers.

    >>> accuracy(torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), torch.tensor([0, 1, 1]))
    0.6666666666666666
    """
    probabilities, targets = _one_label_each("accuracy", probabilities, targets)
    return (probabilities.argmax(1) == targets).double().mean().item()


def top_k_accuracy(probabilities: Numbers, targets: Numbers, k: int = 5) -> float:
    """The share of examples whose class is among the `k` most probable: probabilities (N, classes), targets (N,).

    Of classes that are equally probable the first count as more so, as for `accuracy`, which is the top 1.

    >>> top_k_accuracy(torch.tensor([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]), torch.tensor([1, 2]), k=2)
    0.5
    """
    probabilities, targets = _one_label_each("top_k_accuracy", probabilities, targets)
    classes = probabilities.shape[1]
    if not 1 <= k <= classes:
        raise CourseError(f"top_k_accuracy was given k={k} for {classes} classes; k is 1 to {classes}")
    right = probabilities.gather(1, targets[:, None])
    before = torch.arange(classes) < targets[:, None]
    rank = ((probabilities > right) | ((probabilities == right) & before)).sum(1)
    return (rank < k).double().mean().item()


def log_loss(probabilities: Numbers, targets: Numbers) -> float:
    """Minus the mean logarithm of the probability that was given to what is true: how surprised the model was.

    With one label each, probabilities are (N, classes) and targets (N,) class numbers; with several, both are (N, classes),
    targets are zeros and ones, and the mean is over all of them. A probability below 1e-15 counts as that, as on Kaggle.

    >>> round(log_loss(torch.tensor([[0.5, 0.5], [0.9, 0.1]]), torch.tensor([0, 1])), 4)  # (log 2 + log 10) / 2
    1.4979
    """
    if len(np.shape(targets)) == 1:
        probabilities, targets = _one_label_each("log_loss", probabilities, targets)
        of_the_truth = probabilities.gather(1, targets[:, None])
    else:
        probabilities, targets = _several_labels_each("log_loss", probabilities, targets)
        of_the_truth = torch.where(targets, probabilities, 1 - probabilities)
    return -of_the_truth.clamp(SMALLEST_PROBABILITY, 1).log().mean().item()


# -- several labels each ---------------------------------------------------------------------------------------------------


def f_beta(probabilities: Numbers, targets: Numbers, beta: float = 2.0, threshold: Threshold = 0.2) -> float:
    """F-beta of each example's labels, averaged over the examples: both (N, classes), targets zeros and ones.

    A label is predicted where its probability is above `threshold`, a number or one for each class. Recall counts `beta` times
    as much as precision: F = (1 + beta^2) p r / (beta^2 p + r). An example that has no label and gets none counts as 0.
    Lecture 1:41:20.

    >>> f_beta(torch.tensor([[0.9, 0.3, 0.1]]), torch.tensor([[1.0, 0.0, 0.0]]))   # p = 1/2, r = 1
    0.8333333333333334
    """
    probabilities, actual = _several_labels_each("f_beta", probabilities, targets)
    predicted = probabilities > thresholds_like(probabilities, threshold)
    return _f_beta(predicted.sum(1), (predicted & actual).sum(1), actual.sum(1), beta).mean().item()


def f_beta_curve(probabilities: Numbers, targets: Numbers, thresholds: Numbers | Sequence[float], beta: float = 2.0) -> Tensor:
    """F-beta at each of many thresholds, (thresholds,), in one pass over the sorted probabilities; see `f_beta`.

    >>> f_beta_curve(torch.tensor([[0.9, 0.3, 0.1]]), torch.tensor([[1.0, 0.0, 0.0]]), [0.2, 0.5, 0.95])
    tensor([0.8333, 1.0000, 0.0000], dtype=torch.float64)
    """
    probabilities, actual = _several_labels_each("f_beta_curve", probabilities, targets)
    return _Steps(probabilities, actual, beta).at(torch.as_tensor(thresholds, dtype=probabilities.dtype))


def best_threshold(
    probabilities: Numbers,
    targets: Numbers,
    beta: float = 2.0,
    thresholds: Sequence[float] | Numbers | None = LECTURE_THRESHOLDS,
) -> tuple[float, float]:
    """The threshold with the highest F-beta and that F-beta; the lecture searched 0.17 to 0.24 (1:43:00).

    With `thresholds=None` the whole range is searched, exactly: F-beta can only change at a threshold that equals one of the
    probabilities, so 0 and these are tried. The first of several equally good thresholds is given.

    >>> probabilities, targets = torch.tensor([[0.9, 0.2], [0.22, 0.8]]), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    >>> best_threshold(probabilities, targets, thresholds=(0.1, 0.21, 0.5))
    (0.21, 1.0)
    """
    probabilities, actual = _several_labels_each("best_threshold", probabilities, targets)
    if thresholds is None:
        tried = torch.cat([probabilities.new_zeros(1), probabilities.unique()])
    else:
        refuse_masked("thresholds", thresholds)
        tried = torch.as_tensor(thresholds, dtype=torch.float64)
    if not len(tried):
        raise CourseError("best_threshold was given no thresholds to try; give some, or None for the whole range")
    scores = _Steps(probabilities, actual, beta).at(tried.to(probabilities.dtype))
    threshold = tried[_first_best(scores)].item()
    return threshold, f_beta(probabilities, actual, beta, threshold)


def best_thresholds(probabilities: Numbers, targets: Numbers, beta: float = 2.0, rounds: int = 10) -> Tensor:
    """A threshold for each class, (classes,), that together give a high F-beta.

    Starts from `best_threshold` over the whole range, then moves the threshold of one class after another to where F-beta is
    highest while the others stay, until a round over all classes brings nothing (coordinate ascent), or for `rounds` rounds.
    The result is never worse than one threshold for all on these examples. On others it may be: a rare class has few examples
    to choose by, so choose on one set and measure on another.

    >>> probabilities = torch.tensor([[0.9, 0.4], [0.6, 0.1], [0.8, 0.3]])
    >>> best_thresholds(probabilities, torch.tensor([[1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])).tolist()
    [0.6000000238418579, 0.0]
    """
    probabilities, actual = _several_labels_each("best_thresholds", probabilities, targets)
    labels, classes = actual.sum(1), probabilities.shape[1]
    thresholds = probabilities.new_full((classes,), best_threshold(probabilities, actual, beta, None)[0])
    for _ in range(rounds):
        before = thresholds.clone()
        for c in range(classes):
            p, is_one = probabilities[:, c], actual[:, c]
            predicted = probabilities > thresholds
            predicted[:, c] = False  # of the others
            count, hits = predicted.sum(1), (predicted & actual).sum(1)
            without = _f_beta(count, hits, labels, beta)
            gains = _f_beta(count + 1, hits + is_one, labels, beta) - without
            tried = torch.cat([thresholds[c : c + 1], p.new_zeros(1), p.unique()])  # its own first: it moves for a gain alone
            thresholds[c] = tried[_first_best(_sum_above(p, gains, tried) / len(p))]
        if torch.equal(thresholds, before):
            break
    return thresholds


def thresholds_like(probabilities: Tensor, threshold: Threshold) -> Tensor:
    """A threshold, or one for each class, as a tensor that probabilities (N, classes) can be compared with.

    >>> thresholds_like(torch.zeros(5, 2), [0.1, 0.3])
    tensor([0.1000, 0.3000])
    """
    refuse_masked("threshold", threshold)
    try:
        tensor = torch.as_tensor(threshold, dtype=probabilities.dtype, device=probabilities.device)
    except (TypeError, ValueError, RuntimeError):
        tensor = torch.tensor(math.nan)
    if tensor.shape not in ((), (1,), probabilities.shape[1:]) or tensor.isnan().any():
        raise CourseError(
            f"threshold is {shown(threshold)}; give a number, or one for each of the {probabilities.shape[1]} classes in order"
        )
    return tensor


class _Steps:
    """F-beta as the threshold falls: a step for each probability that it passes."""

    def __init__(self, probabilities: Tensor, actual: Tensor, beta: float) -> None:
        falling, order = probabilities.sort(dim=1, descending=True)
        hits = actual.gather(1, order).cumsum(1)
        predicted = torch.arange(1, probabilities.shape[1] + 1).expand_as(hits)
        scores = _f_beta(predicted, hits, actual.sum(1, keepdim=True), beta)  # of each row, its k + 1 most probable predicted
        self.gains = scores.diff(dim=1, prepend=scores.new_zeros(len(scores), 1))
        self.probabilities = falling

    def at(self, thresholds: Tensor) -> Tensor:
        """The mean of F-beta over the examples at each threshold."""
        return _sum_above(self.probabilities.flatten(), self.gains.flatten(), thresholds) / len(self.gains)


def _f_beta(predicted: Tensor, hits: Tensor, actual: Tensor, beta: float) -> Tensor:
    """F-beta from counts of labels: (1 + beta^2) p r / (beta^2 p + r) with p = hits / predicted, r = hits / actual."""
    return (1 + beta**2) * hits / (predicted + beta**2 * actual).double().clamp(min=torch.finfo(torch.double).tiny)


def _sum_above(values: Tensor, gains: Tensor, thresholds: Tensor) -> Tensor:
    """For each threshold the sum of the gains whose values are above it."""
    rising, order = values.sort()
    sums = torch.cat([gains.new_zeros(1), gains[order.flip(0)].cumsum(0)])
    not_above = torch.searchsorted(rising, thresholds.contiguous(), right=True)
    return sums[len(values) - not_above]


def _first_best(scores: Tensor) -> int:
    return int((scores >= scores.max() - EQUALLY_GOOD).nonzero()[0])


# -- numbers ---------------------------------------------------------------------------------------------------------------


def rmspe(predictions: Numbers, targets: Numbers) -> float:
    """Root mean squared percentage error of predictions (N,) or (N, 1), as a fraction; targets of 0 are left out.

    >>> round(rmspe(torch.tensor([110.0, 90.0, 5.0]), torch.tensor([100.0, 100.0, 0.0])), 6)
    0.1
    """
    predictions, targets = _tensor(predictions).flatten().double(), _tensor(targets).flatten().double()
    _check(predictions.shape == targets.shape, "rmspe", "as many of one as of the other", predictions, targets)
    counted = targets != 0
    return (((targets - predictions)[counted] / targets[counted]) ** 2).mean().sqrt().item()


# -- what metrics are given ------------------------------------------------------------------------------------------------


def _tensor(numbers: Numbers) -> Tensor:
    """A tensor on the CPU; arrays are copied, since PyTorch cannot share those that are read-only or run backwards."""
    if isinstance(numbers, Tensor):
        return numbers.detach().cpu()
    refuse_masked("a metric's array", numbers)
    return torch.from_numpy(np.array(numbers))


def _one_label_each(metric: str, probabilities: Numbers, targets: Numbers) -> tuple[Tensor, Tensor]:
    p, t = _tensor(probabilities), _tensor(targets)
    _check(p.ndim == 2 and p.shape[:1] == t.shape, metric, "(N, classes) and (N,)", p, t)
    t = t.long()
    if ((t < 0) | (t >= p.shape[1])).any():
        raise CourseError(
            f"{metric} was given targets from {t.min()} to {t.max()}; with {p.shape[1]} classes they are 0 to {p.shape[1] - 1}"
        )
    return p.double(), t


def _several_labels_each(metric: str, probabilities: Numbers, targets: Numbers) -> tuple[Tensor, Tensor]:
    """Probabilities as they came, so that they compare with a threshold as they do elsewhere, and targets as booleans."""
    p, t = _tensor(probabilities), _tensor(targets)
    _check(p.ndim == 2 and p.shape == t.shape, metric, "twice (N, classes)", p, t)
    return p if p.is_floating_point() else p.float(), t > 0.5


def _check(fits: bool, metric: str, expected: str, values: Tensor, targets: Tensor) -> None:
    if not fits:
        raise CourseError(f"{metric} was given shapes {tuple(values.shape)} and {tuple(targets.shape)}; it expects {expected}")
    if not len(values):
        raise CourseError(f"{metric} was given no examples, shape {tuple(values.shape)}; it needs one or more")
    if not torch.isfinite(values).all():
        raise CourseError(f"{metric} was given values that are not numbers (NaN or infinite)")
