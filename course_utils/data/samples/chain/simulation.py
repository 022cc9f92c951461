"""The simulated chain as a whole: from a seed to everything that happened."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.data.samples.chain import calendar, sales, shops, trend, weather
from course_utils.data.samples.chain.calendar import DAYS, TRAIN_DAYS
from course_utils.data.samples.chain.shops import Floats, Ints, Shops

Truths = NDArray[np.bool_]

TRAIN, TEST = slice(0, TRAIN_DAYS), slice(TRAIN_DAYS, len(DAYS))
IN_TEST = 856 / 1115  # the share of the real chain's stores whose sales are asked for
AWAY = 180 / 1115  # the share of those without any rows in the second half of 2014


@dataclass(frozen=True)
class Chain:
    """All there is to know of a chain; arrays are (990 days, stores) or (990 days, 16 states)."""

    shops: Shops
    promotion: Ints  # (990,)
    holiday: NDArray[np.str_]  # by state: "0", "a", "b" or "c"
    school_holiday: Ints  # by state
    trend: dict[str, Ints]  # by file, for 148 weeks
    weather: dict[str, Floats]  # by column, then by state
    events: NDArray[np.object_]  # by state
    mean: Floats  # of the logarithm of sales, by store
    open: Truths  # by store
    listed: Truths  # by store: whether train or test has a row
    unknown: Truths  # by store: whether the row does not say if the store is open
    sales: Ints  # by store
    customers: Ints  # by store


def simulate(seed: int = 0, stores: int = 120) -> Chain:
    """Make up a chain of any number of stores; the same one for the same seed and number.

    >>> chain = simulate(stores=10)
    >>> chain.sales.shape, bool((chain.sales[~chain.open] == 0).all())
    ((990, 10), True)
    """
    parts = [np.random.default_rng([seed, part]) for part in range(7)]  # what one part draws leaves the others as they are
    chosen = shops.open_shops(parts[0], stores)
    promotion, holiday, school_holiday = calendar.promotions(parts[1]), calendar.public_holidays(), calendar.school_holidays()
    searches = trend.search_trend(parts[2])
    measured, events = weather.weather(parts[3])
    days = sales.Circumstances(promotion, holiday, school_holiday, searches, measured["Mean_TemperatureC"], events)
    mean = sales.mean_log_sales(parts[4], chosen, days)
    is_open, listed, unknown = _opening(parts[5], chosen, holiday)
    sold, customers = _sell(parts[6], mean, is_open)
    return Chain(
        chosen, promotion, holiday, school_holiday, searches, measured, events, mean, is_open, listed, unknown, sold, customers
    )


def newest_first(chain: Chain, part: slice) -> tuple[Ints, Ints]:
    """The numbers of days and stores that have a row in `TRAIN` or `TEST`: the newest day first, and by store within a day."""
    days, stores = np.nonzero(chain.listed[part][::-1])
    return part.stop - 1 - days, stores


def _opening(rng: np.random.Generator, chosen: Shops, holiday: NDArray[np.str_]) -> tuple[Truths, Truths, Truths]:
    """Whether stores are open, whether a table lists them, and whether its row does not say if they are open."""
    number, sunday = len(chosen), (calendar.day_of_week() == 7)[:, None]
    always = chosen.type == shops.TYPES.index("b")  # as stations and airports may be
    is_open = always | (~sunday & (holiday[:, chosen.state] == "0"))
    away, others = np.split(rng.permutation(number), [round(AWAY * number)])
    for store in others[: max(1, number // 15)]:  # closed for refurbishment, for two weeks to four months
        first, length = rng.integers(30, TRAIN_DAYS - 150), rng.integers(12, 120)
        is_open[first : first + length, store] = False

    listed = np.ones_like(is_open)
    half_year = (np.datetime64("2014-07-01") <= DAYS) & (np.datetime64("2015-01-01") > DAYS)
    listed[np.ix_(half_year, away)] = False
    listed[0, others[-1]] = False  # one store begins a day late
    listed[TEST, rng.permutation(number)[round(IN_TEST * number) :]] = False
    forgetful = np.flatnonzero(listed[-1] & ~always)[-1]
    unknown = np.zeros_like(is_open)
    unknown[:, forgetful] = (np.datetime64("2015-09-05") <= DAYS) & ~sunday[:, 0]
    return is_open, listed, unknown


def _sell(rng: np.random.Generator, mean: Floats, is_open: Truths) -> tuple[Ints, Ints]:
    """Sales and customers. On a few open days nothing is sold, which the real tables have too and nobody can foresee."""
    sold = np.exp(mean + sales.SIGMA * rng.standard_normal(mean.shape)).round().astype(np.int64) * is_open
    stores = mean.shape[1]
    odd = rng.permutation(np.flatnonzero(is_open[TRAIN]))[: max(1, stores // 20)]
    sold[odd // stores, odd % stores] = 0
    basket = np.exp(rng.normal(2.2, 0.15, stores) + rng.normal(0, 0.04, mean.shape))  # about 9 euros a customer
    return sold, np.where(sold > 0, (sold / basket).round().clip(1), 0).astype(np.int64)
