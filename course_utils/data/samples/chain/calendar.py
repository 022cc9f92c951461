"""The calendar of the simulated chain: Germany's states and public holidays, and made-up school holidays and promotions."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.datetime64]

DAYS: Days = np.arange("2013-01-01", "2015-09-18", dtype="datetime64[D]")
TRAIN_DAYS = 942  # up to 2015-07-31; the other 48 are to be predicted
DAY = np.timedelta64(1, "D")  # NumPy will no longer add plain numbers to dates
YEARS = (2013, 2014, 2015)


class State(NamedTuple):
    """A federal state: its code in the tables of stores, its name in that of the weather, where it lies, and its stores."""

    code: str
    name: str
    longitude: float  # degrees east
    latitude: float  # degrees north
    share: float  # of the chain's stores


STATES = (
    State("BW", "BadenWuerttemberg", 9.0, 48.5, 0.07),
    State("BY", "Bayern", 11.5, 48.9, 0.16),
    State("BE", "Berlin", 13.4, 52.5, 0.08),
    State("BB", "Brandenburg", 13.4, 52.4, 0.0),
    State("HB", "Bremen", 8.8, 53.1, 0.0),
    State("HH", "Hamburg", 10.0, 53.6, 0.03),
    State("HE", "Hessen", 9.0, 50.6, 0.1),
    State("MV", "MecklenburgVorpommern", 12.6, 53.8, 0.0),
    State("HB,NI", "Niedersachsen", 9.2, 52.8, 0.03),  # where the real tables also put Bremen's stores
    State("NW", "NordrheinWestfalen", 7.5, 51.5, 0.24),
    State("RP", "RheinlandPfalz", 7.4, 49.9, 0.04),
    State("SL", "Saarland", 6.9, 49.4, 0.0),
    State("SN", "Sachsen", 13.4, 51.0, 0.07),
    State("ST", "SachsenAnhalt", 11.7, 52.0, 0.05),
    State("SH", "SchleswigHolstein", 9.8, 54.2, 0.1),
    State("TH", "Thueringen", 11.0, 50.9, 0.03),
)
CODES = [state.code for state in STATES]

_CATHOLIC = ("BW", "BY", "NW", "RP", "SL")


def day_of_week(days: Days = DAYS) -> NDArray[np.int64]:
    """Monday is 1, Sunday 7.

    >>> day_of_week(np.array(["2015-07-31"], "datetime64[D]")).tolist()   # a Friday
    [5]
    """
    return (days.astype(np.int64) + 3) % 7 + 1  # 1 January 1970 was a Thursday


def day_of_year(days: Days = DAYS) -> NDArray[np.int64]:
    """The days since 1 January of the same year."""
    return (days - days.astype("datetime64[Y]")).astype(np.int64)


def day_of_month(days: Days = DAYS) -> NDArray[np.int64]:
    """From 1 to 31."""
    return (days - days.astype("datetime64[M]")).astype(np.int64) + 1


def month(days: Days = DAYS) -> NDArray[np.int64]:
    """From 1 to 12."""
    return days.astype("datetime64[M]").astype(np.int64) % 12 + 1


def easter(year: int) -> np.datetime64:
    """Easter Sunday of a year from 1900 to 2099.

    >>> easter(2014)
    np.datetime64('2014-04-20')
    """
    full_moon = (19 * (year % 19) + 24) % 30
    to_sunday = (2 * (year % 4) + 4 * (year % 7) + 6 * full_moon + 5) % 7
    early = full_moon == 29 or (full_moon == 28 and year % 19 > 10)
    return np.datetime64(f"{year}-03-22") + (full_moon + to_sunday - (7 if early and to_sunday == 6 else 0)) * DAY


def public_holidays() -> NDArray[np.str_]:
    """What each day is in each state, (days, 16): "0" none, "a" a public holiday, "b" Easter, "c" Christmas."""
    kinds = np.full((len(DAYS), len(STATES)), "0")

    def mark(day: np.datetime64 | str, kind: str = "a", states: tuple[str, ...] = tuple(CODES)) -> None:
        kinds[np.ix_(np.datetime64(day) == DAYS, [CODES.index(state) for state in states])] = kind

    for year in YEARS:
        sunday = easter(year)
        mark(sunday - 2 * DAY, "b")
        mark(sunday + DAY, "b")
        mark(f"{year}-12-25", "c")
        mark(f"{year}-12-26", "c")
        for day in (f"{year}-01-01", f"{year}-05-01", f"{year}-10-03"):
            mark(day)
        for after_easter in (39, 50):
            mark(sunday + after_easter * DAY)
        mark(f"{year}-01-06", states=("BW", "BY", "ST"))
        mark(sunday + 60 * DAY, states=("HE", *_CATHOLIC))
        mark(f"{year}-08-15", states=("BY", "SL"))
        mark(f"{year}-10-31", states=("BB", "MV", "SN", "ST", "TH"))
        mark(f"{year}-11-01", states=_CATHOLIC)
        week = np.datetime64(f"{year}-11-16") + np.arange(7) * DAY
        mark(week[day_of_week(week) == 3].item(), states=("SN",))
    return kinds


def school_holidays() -> NDArray[np.int64]:
    """Whether schools are closed, zeros and ones (days, 16): on working days only.

    The dates are made up. As the real ones, summer holidays last six weeks and start in turns, late in the two southern states.
    """
    closed = np.zeros((len(DAYS), len(STATES)), np.int64)
    for year in YEARS:
        spring, first = easter(year), np.datetime64(f"{year}-01-01")
        for number, code in enumerate(CODES):
            south = code in ("BW", "BY")
            turn, turn_in_winter = (11 * number + 9 * year) % 36 * DAY, number % 9 * DAY
            summer = np.datetime64(f"{year}-07-29") if south else np.datetime64(f"{year}-06-22") + turn
            autumn = np.datetime64(f"{year}-10-06") + 7 * ((number + year) % 3) * DAY
            christmas = np.datetime64(f"{year}-12-23")
            periods = [(first, 6), (spring - 13 * DAY, 20), (summer, 45), (autumn, 12), (christmas, 9)]
            periods += [(spring + 51 * DAY, 12)] if south else [(np.datetime64(f"{year}-02-03") + turn_in_winter, 6)]
            for start, length in periods:
                closed[(start <= DAYS) & (start + length * DAY > DAYS), number] = 1
    return closed * (day_of_week() <= 5)[:, None]


def promotions(rng: np.random.Generator) -> NDArray[np.int64]:
    """Whether the whole chain has a promotion, zeros and ones (days,): on working days of every other week or so."""
    week = (DAYS.astype(np.int64) + 3) // 7
    week -= week[0]
    running, planned = 0, []
    again = rng.random(week[-1] + 1) < 0.12
    for chance in again:
        planned.append(running)
        twice = running and chance and planned[-2:] != [1, 1]
        running = 1 if twice else 1 - running
    return np.array(planned)[week] * (day_of_week() <= 5)
