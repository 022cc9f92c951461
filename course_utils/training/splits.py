"""Which rows validate: a random part, on request with its share of every class."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.errors import CourseError
from course_utils.masked import refuse_masked
from course_utils.training.arguments import real, shown, whole


def validation_split(
    n: int, fraction: float = 0.2, seed: int = 42, stratify: Sequence[Hashable] | np.ndarray | None = None
) -> NDArray[np.intp]:
    """Choose a random `fraction` of `n` rows for validation: their numbers, sorted, at least one; the same for the same seed.

    With `stratify`, the label of each row, every class gives its share, rounded so that the shares add up (by the largest
    remainder), and keeps at least one row to train on; so rows that are the only ones of their class never validate.

    Raises CourseError where no part can be taken: `n` below 2, a fraction that is not between 0 and 1, too few labels, or rows
    whose label is missing (None, NaN, pandas' NA).

    >>> validation_split(10)
    array([5, 6])
    >>> labels = ["pug"] * 5 + ["boxer"] * 10
    >>> [labels[row] for row in validation_split(15, stratify=labels)]
    ['pug', 'boxer', 'boxer']
    """
    n, fraction_given = whole("n", n, least=None, of=" of rows"), fraction
    if n < 2:
        raise CourseError(f"there are {n} rows to split; it takes one to train on and another to validate")
    fraction = real(fraction) or 0.0
    if not 0 < fraction < 1:
        raise CourseError(f"fraction is {shown(fraction_given)}; give the fraction to validate, between 0 and 1, such as 0.2")
    shuffled = np.random.default_rng(seed).permutation(n)
    count = min(max(1, round(fraction * n)), n - 1)
    if stratify is None:
        return np.sort(shuffled[:count])
    labels = _labels(stratify, n)
    left = _shares(Counter(labels[row] for row in shuffled), fraction, count)
    chosen = []
    for row in shuffled:
        if left[labels[row]]:
            left[labels[row]] -= 1
            chosen.append(row)
    if not chosen:
        raise CourseError("every class has one row only, so none can validate; split without stratify, or get more rows")
    return np.sort(np.array(chosen))


def _labels(stratify: Any, n: int) -> list[Hashable]:
    """The label of each row; raises a CourseError where some have none, or there is not one for each row."""
    if isinstance(stratify, Iterator):
        stratify = list(stratify)
    shape = getattr(stratify, "shape", None) or np.shape(list(stratify) if isinstance(stratify, Iterable) else stratify)
    if tuple(shape) != (n,) or isinstance(stratify, str):
        given = shown(stratify) if isinstance(stratify, str) else f"the shape {tuple(shape)}"
        raise CourseError(
            f"stratify {'is' if isinstance(stratify, str) else 'has'} {given}; give one label for each of the {n} rows"
        )
    listed = getattr(stratify, "tolist", None) or getattr(stratify, "to_list", None)  # plain values: pandas', NumPy's, Polars'
    labels = list(listed() if listed else stratify)
    if gaps := [row for row, label in enumerate(labels) if _is_missing(label)]:
        more = f" and {len(gaps) - 5} more" if len(gaps) > 5 else ""
        raise CourseError(
            f"stratify has no label in {len(gaps):,} of the {n:,} rows (numbers {', '.join(map(str, gaps[:5]))}{more}, counted "
            "from 0); label them, leave these rows out, or make what is missing a class of its own: labels.fillna('none')"
        )
    for row, label in enumerate(labels):
        try:
            hash(label)
        except TypeError:
            raise CourseError(f"stratify holds {shown(label)} in row {row}; give one label for each row") from None
    return labels


def _is_missing(label: Any) -> bool:
    """None, NaN of any kind, and pandas' NA and NaT: what does not equal itself."""
    try:
        return label is None or bool(label != label)
    except TypeError:  # NA neither does nor does not
        return True
    except ValueError:  # an array, which is no label
        return False


def _shares(sizes: Counter[Hashable], fraction: float, count: int) -> dict[Hashable, int]:
    """How many of the `count` rows each class gives: its quota rounded down, or up where the remainders are largest."""
    shares = {label: int(fraction * size) for label, size in sizes.items()}
    with_more = [label for label, size in sizes.items() if size > shares[label] + 1]
    with_more.sort(key=lambda label: fraction * sizes[label] - shares[label], reverse=True)
    for label in with_more[: max(0, count - sum(shares.values()))]:
        shares[label] += 1
    return shares


def refuse_labels(valid_idx: Any, index: Any, rows: int) -> None:
    """Raise a CourseError where pandas rows are named by labels that are not their numbers in a table with this `index`.

    That are the labels of an index, after a shuffle, and truths in another order than the rows; `index` is None where the
    table has none. An array of which some values are masked out is refused too.

    >>> import pandas as pd
    >>> refuse_labels(pd.Index([0, 2]), pd.Index([0, 1, 2]), rows=3)
    """
    refuse_masked("valid_idx", valid_idx)
    if type(valid_idx).__module__.partition(".")[0] != "pandas":
        return
    there = np.arange(rows) if index is None else np.asarray(index)
    own = getattr(valid_idx, "index", None)
    if own is None and not np.array_equal(there, np.arange(rows)):
        raise CourseError(
            "valid_idx is a pandas index, whose labels are not the numbers of the table's rows; give the numbers, with "
            "frame.index.get_indexer(valid_idx), or renumber the rows first, with frame.reset_index(drop=True)"
        )
    if own is not None and str(valid_idx.dtype).startswith("bool") and not np.array_equal(np.asarray(own), there):
        raise CourseError(
            "valid_idx is a pandas Series of truths whose index is not that of the table's rows; bring it into their order, "
            "with valid_idx.reindex(frame.index), or give the truths alone, with valid_idx.to_numpy()"
        )
