"""What people search for: the simulated chain's share of searches week by week, in the country and its states, at most 100."""

import numpy as np
from numpy.typing import NDArray

from course_utils.data.samples.chain.calendar import DAYS, day_of_year

WEEKS = np.arange("2012-12-02", "2015-10-04", 7, dtype="datetime64[D]")  # the Sundays on which the 148 weeks begin
COUNTRY = "Rossmann_DE"
PLACES = ("BE", "BW", "BY", "HE", "HH", "NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH")


def search_trend(rng: np.random.Generator) -> dict[str, NDArray[np.int64]]:
    """Whole numbers (148,) by file, first of the country, then of each state; the highest of a file is 100.

    They rise before Christmas, wander slowly with the country, and a little on their own.
    """
    december = np.exp(-(((day_of_year(WEEKS) - 345) / 10) ** 2))
    country = 65 + 6 * _wander(rng) + 18 * december
    files = {COUNTRY: country} | {
        f"{COUNTRY}_{place}": country + 3 * _wander(rng) + 2 * rng.standard_normal() for place in PLACES
    }
    return {file: np.round(100 * values / values.max()).astype(np.int64) for file, values in files.items()}


def trend_of_day(trend: dict[str, NDArray[np.int64]], code: str) -> NDArray[np.int64]:
    """The trend in a state, by its code in the tables of stores, on each day (days,); the country's where it has no file."""
    place = code.removeprefix("HB,")  # Bremen's stores are counted with Lower Saxony's
    return trend[f"{COUNTRY}_{place}" if place in PLACES else COUNTRY][(DAYS - WEEKS[0]).astype(np.int64) // 7]


def _wander(rng: np.random.Generator, persistence: float = 0.95) -> NDArray[np.float64]:
    shocks = rng.standard_normal(len(WEEKS))
    values = np.empty(len(WEEKS))
    values[0] = shocks[0]
    for week in range(1, len(WEEKS)):
        values[week] = persistence * values[week - 1] + np.sqrt(1 - persistence**2) * shocks[week]
    return values
