"""Which rows validate: a random part, on request with its share of every class."""

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from course_utils.errors import CourseError


def validation_split(
    n: int, fraction: float = 0.2, seed: int = 42, stratify: Sequence[Hashable] | np.ndarray | None = None
) -> NDArray[np.intp]:
    """Choose a random `fraction` of `n` rows for validation: their numbers, sorted, at least one; the same for the same seed.

    With `stratify`, the label of each row, every class gives its share, rounded so that the shares add up (by the largest
    remainder), and keeps at least one row to train on; so rows that are the only ones of their class never validate.

    Raises CourseError where no part can be taken: `n` below 2, a fraction that is not between 0 and 1, or too few labels.

    >>> validation_split(10)
    array([5, 6])
    >>> labels = ["pug"] * 5 + ["boxer"] * 10
    >>> [labels[row] for row in validation_split(15, stratify=labels)]
    ['pug', 'boxer', 'boxer']
    """
    if n < 2:
        raise CourseError(f"there are {n} rows to split; it takes one to train on and another to validate")
    if not 0 < fraction < 1:
        raise CourseError(f"fraction is {fraction}; give the part that validates, between 0 and 1, such as 0.2")
    shuffled = np.random.default_rng(seed).permutation(n)
    count = min(max(1, round(fraction * n)), n - 1)
    if stratify is None:
        return np.sort(shuffled[:count])
    labels = np.asarray(stratify)
    if labels.shape != (n,):
        raise CourseError(f"stratify has the shape {labels.shape}; give one label for each of the {n} rows")
    labels = labels[shuffled]
    left = _shares(Counter(labels.tolist()), fraction, count)
    chosen = []
    for row, label in zip(shuffled, labels.tolist(), strict=True):
        if left[label]:
            left[label] -= 1
            chosen.append(row)
    if not chosen:
        raise CourseError("every class has one row only, so none can validate; split without stratify, or get more rows")
    return np.sort(np.array(chosen))


def _shares(sizes: Counter[Hashable], fraction: float, count: int) -> dict[Hashable, int]:
    """How many of the `count` rows each class gives: its quota rounded down, or up where the remainders are largest."""
    shares = {label: int(fraction * size) for label, size in sizes.items()}
    with_more = [label for label, size in sizes.items() if size > shares[label] + 1]
    with_more.sort(key=lambda label: fraction * sizes[label] - shares[label], reverse=True)
    for label in with_more[: max(0, count - sum(shares.values()))]:
        shares[label] += 1
    return shares
