"""Random numbers that every browser repeats to the last bit, from a seed; random.js gives the same."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def started(seeds: ArrayLike) -> NDArray[np.uint64]:
    """The states from which the numbers of seeds begin."""
    state = (np.asarray(seeds, dtype=np.uint64) * 2654435761 + 12345) % 2**32
    for _ in range(3):
        state = following(state)
    return state


def following(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The generator of Numerical Recipes, which any language can repeat."""
    after: NDArray[np.uint64] = (1664525 * state + 1013904223) % 2**32
    return after


def uniform(seed: int, count: int) -> NDArray[np.float64]:
    """So many numbers from 0 up to but not including 1.

    >>> uniform(0, 3).round(3).tolist()
    [0.635, 0.91, 0.112]
    """
    state, numbers = started([seed % 2**32]), []
    for _ in range(count):
        state = following(state)
        numbers.append(float(state[0]) / 2**32)
    return np.array(numbers)
