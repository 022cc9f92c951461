"""The stores of the simulated chain: what the tables say of each, and what they do not say."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.data.samples.chain.calendar import CODES, STATES

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

TYPES, TYPE_SHARES = ("a", "b", "c", "d"), (0.54, 0.02, 0.13, 0.31)
ASSORTMENTS = ("a", "b", "c")
ASSORTMENTS_OF_TYPE = {"a": (0.63, 0.0, 0.37), "b": (0.41, 0.53, 0.06), "c": (0.52, 0.0, 0.48), "d": (0.37, 0.0, 0.63)}
INTERVALS = ("Jan,Apr,Jul,Oct", "Feb,May,Aug,Nov", "Mar,Jun,Sept,Dec")
SETTINGS = ("centre", "suburb", "station", "resort")  # in no table: a model can only learn it from the sales
SETTING_SHARES = (0.35, 0.45, 0.1, 0.1)
RESORT_STATES, RESORT_SHARES = ("SH", "BY", "HB,NI"), (0.2, 0.35, 0.05, 0.4)


@dataclass(frozen=True)
class Shops:
    """One value for each store, in the order of their numbers 1, 2, 3 ...; -1 stands where a table leaves a field empty."""

    type: Ints  # numbers of TYPES
    assortment: Ints  # numbers of ASSORTMENTS
    state: Ints  # numbers of STATES
    distance: Ints  # metres to the nearest competitor
    competition_year: Ints
    competition_month: Ints
    promo2_year: Ints
    promo2_week: Ints
    interval: Ints  # numbers of INTERVALS
    setting: Ints  # numbers of SETTINGS

    def __len__(self) -> int:
        return len(self.type)


def open_shops(rng: np.random.Generator, number: int) -> Shops:
    """Make up `number` stores, types and states in the real chain's proportions."""
    kind = shared_out(rng, number, TYPE_SHARES)
    assortment = np.array([rng.choice(3, p=ASSORTMENTS_OF_TYPE[TYPES[k]]) for k in kind])
    state = shared_out(rng, number, [state.share for state in STATES])

    distance = (np.exp(rng.normal(7.75, 1.25, number)) / 10).round().clip(2, 7586).astype(np.int64) * 10
    distance[rng.permutation(number)[: max(1, number * 3 // 1115)]] = -1
    moment = 1998 + 17.5 * np.sqrt(rng.random(number))  # in years; the more the later, up to the middle of 2015
    year, month = moment.astype(np.int64), 1 + (12 * (moment % 1)).astype(np.int64)
    year[rng.integers(number)] = 1900  # as one says in the real table
    unknown = (rng.permutation(number) < 0.32 * number) | (distance < 0)
    year[unknown] = month[unknown] = -1

    moment = 2009 + 6.2 * rng.random(number)
    promo2_year, promo2_week = moment.astype(np.int64), 1 + (50 * (moment % 1)).astype(np.int64)
    interval = rng.choice(3, number, p=(0.59, 0.23, 0.18))
    without = rng.permutation(number) < 0.49 * number
    promo2_year[without] = promo2_week[without] = interval[without] = -1

    shares = [RESORT_SHARES if CODES[s] in RESORT_STATES else SETTING_SHARES for s in state]
    setting = np.array([rng.choice(len(SETTINGS), p=p) for p in shares])
    setting[kind == TYPES.index("b")] = SETTINGS.index("station")
    return Shops(kind, assortment, state, distance, year, month, promo2_year, promo2_week, interval, setting)


def shared_out(rng: np.random.Generator, number: int, shares: Sequence[float]) -> Ints:
    """`number` choices in random order, each option as often as its share says, to within one.

    >>> np.bincount(shared_out(np.random.default_rng(0), 10, (0.5, 0.2, 0.3))).tolist()
    [5, 2, 3]
    """
    bounds = np.cumsum(shares) / np.sum(shares)
    evenly = (np.arange(number) + 0.5) / number
    return rng.permutation(np.searchsorted(bounds, evenly))
