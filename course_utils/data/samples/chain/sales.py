"""What the simulated stores sell: the logarithm of a day's sales is a sum of effects and of chance.

Every effect is a function of what the seven tables hold and of constants of the store, so that a model that knows the store's
number can learn all of it; the chance is independent and normal. Effects of the week, of promotions, of seasons and of school
holidays differ from store to store: by its type, by its setting, which is in no table, and by a character of its own.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.data.samples.chain.calendar import DAY, DAYS, STATES, Days, day_of_month, day_of_week, day_of_year, month
from course_utils.data.samples.chain.shops import Floats, Ints, Shops
from course_utils.data.samples.chain.trend import trend_of_day

SIGMA = 0.1  # the standard deviation of chance, in the logarithm

# by type of store: a, b, c, d
LEVEL = np.array([8.65, 9.05, 8.7, 8.66])
PROMO = np.array([0.3, 0.1, 0.26, 0.34])
WEEK_OF_TYPE = np.array(
    [
        [0.06, 0.00, -0.02, -0.01, 0.02, -0.04, 0.0],
        [0.00, -0.02, -0.02, 0.00, 0.05, 0.02, 0.15],
        [0.03, -0.02, -0.03, 0.00, 0.04, 0.06, 0.0],
        [0.08, 0.01, -0.02, -0.02, 0.02, -0.08, 0.0],
    ]
)
# by setting: centre, suburb, station, resort
WEEK_OF_SETTING = np.array(
    [
        [-0.04, -0.04, -0.03, 0.00, 0.05, 0.12, 0.0],
        [0.04, 0.01, -0.01, -0.02, 0.02, -0.04, 0.0],
        [0.06, 0.05, 0.05, 0.05, 0.08, -0.22, 0.0],
        [-0.08, -0.08, -0.06, 0.00, 0.08, 0.16, 0.2],
    ]
)
PROMO_OF_SETTING = np.array([0.0, 0.06, -0.12, -0.08])
SUMMER = np.array([-0.02, -0.02, -0.04, 0.14])  # half of what lies between the middle of January and of July
SCHOOL_HOLIDAY = np.array([0.02, 0.05, -0.1, 0.1])
GIFTS = np.array([0.45, 0.3, 0.15, 0.2])  # on the last days before Christmas
RAIN = np.array([-0.04, -0.01, 0.02, -0.05])
WARMTH = np.array([-0.002, -0.003, 0.0, 0.004])  # for each degree above 10

PROMO_BY_DAY = np.array([1.3, 1.1, 0.95, 0.85, 0.8, 0.0, 0.0])  # strongest on its first day, Monday


@dataclass(frozen=True)
class Circumstances:
    """What the tables say of the days, wherever it bears on sales; arrays are (days,) or (days, 16 states)."""

    promotion: Ints  # (days,), zeros and ones
    holiday: NDArray[np.str_]  # "0", "a", "b" or "c"
    school_holiday: Ints  # zeros and ones
    trend: dict[str, Ints]  # see `search_trend`
    temperature: Floats  # the day's mean in degrees
    events: NDArray[np.object_]  # such as "Fog-Rain", or None


def mean_log_sales(rng: np.random.Generator, shops: Shops, days: Circumstances) -> Floats:
    """The sum of all effects on each day in each store (days, stores), as if every store were always open.

    `rng` draws what the stores have of their own: level, growth, and how strongly week days and promotions tell.
    """
    kind, setting, state, number = shops.type, shops.setting, shops.state, len(shops)
    level = LEVEL[kind] + 0.06 * (shops.assortment > 0) + rng.normal(0, 0.3, number)
    growth = 0.03 + rng.normal(0, 0.02, number)  # a year
    week = WEEK_OF_TYPE[kind] + WEEK_OF_SETTING[setting] + rng.normal(0, 0.03, (number, 7))
    promo = (PROMO[kind] + PROMO_OF_SETTING[setting] + rng.normal(0, 0.04, number)).clip(0.02)
    summer = SUMMER[setting] + 0.01 * (np.array([place.latitude for place in STATES])[state] - 51)

    years = (DAYS - np.datetime64("2014-01-01")).astype(np.int64) / 365
    weekday, season = day_of_week() - 1, -np.cos(2 * np.pi * (day_of_year() - 15) / 365)
    rains = np.array([["Rain" in (event or "") for event in day] for day in days.events])
    return (
        level
        + np.outer(years, growth)
        + week.T[weekday]
        + np.outer(days.promotion * PROMO_BY_DAY[weekday], promo)
        + np.outer(season, summer)
        + np.outer(_advent(), GIFTS[setting])
        + 0.07 * np.exp(-_days_from_payday() / 3)[:, None]
        + _before_and_after(days.holiday)[:, state]
        + SCHOOL_HOLIDAY[setting] * days.school_holiday[:, state]
        + RAIN[setting] * rains[:, state]
        + WARMTH[setting] * (days.temperature[:, state] - 10)
        + 0.002 * (np.stack([trend_of_day(days.trend, place.code) for place in STATES], axis=1)[:, state] - 65)
        + _competition(shops)
        + _promo2(shops)
    )


def _days_from_payday() -> Ints:
    """Days to or from the turn of the month, when wages are paid."""
    months = DAYS.astype("datetime64[M]")
    last = ((months + np.timedelta64(1, "M")).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64)
    return np.minimum(day_of_month() - 1, last - day_of_month())


def _before_and_after(holiday: NDArray[np.str_]) -> Floats:
    """People buy more on the day before a public holiday, and a little more on the day after."""
    closed = (holiday != "0").astype(float)
    return 0.08 * np.vstack([closed[1:], closed[:1] * 0]) + 0.04 * np.vstack([closed[:1] * 0, closed[:-1]])


def _advent() -> Floats:
    """From 0 on 1 December to 1 before Christmas; the 24th and New Year's Eve are half days."""
    day, december = day_of_month(), month() == 12
    rise = np.where(december & (day < 24), (day / 23) ** 2, 0.0)
    return rise - 1.0 * (december & ((day == 24) | (day == 31)))


def _competition(shops: Shops) -> Floats:
    """A competitor takes the more the nearer it is, and most when it is new. It opens on the 15th, if the table says when."""
    takes = np.where(shops.distance < 0, 0.0, 0.02 + 0.1 * np.exp(-shops.distance / 3000))
    in_year, in_month = shops.competition_year.clip(1900), shops.competition_month.clip(1)  # unknown: long ago
    opened = (12 * (in_year - 1970) + in_month - 1).astype("datetime64[M]").astype("datetime64[D]") + 14 * DAY
    age = (DAYS[:, None] - opened).astype(np.int64)
    return -takes * (age >= 0) * (1 + 0.6 * (1 - age / 365).clip(0, 1))


def _promo2(shops: Shops) -> Floats:
    """The lasting promotion adds a little once it runs, and more in the months in which a new round of it begins."""
    runs = (shops.promo2_year > 0) & (DAYS[:, None] >= monday_of_week(shops.promo2_year, shops.promo2_week))
    new_round = month()[:, None] % 3 == (shops.interval + 1) % 3
    return runs * (0.02 + 0.05 * new_round)


def monday_of_week(year: Ints, week: Ints) -> Days:
    """The Monday on which an ISO week begins.

    >>> monday_of_week(np.array([2015]), np.array([1]))
    array(['2014-12-29'], dtype='datetime64[D]')
    """
    first: Days = (year - 1970).astype("datetime64[Y]").astype("datetime64[D]")
    fourth = first + 3 * DAY  # always in week 1
    monday: Days = fourth + (7 * week - 6 - day_of_week(fourth)) * DAY
    return monday
