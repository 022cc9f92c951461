"""The weather of the simulated chain: sixteen states day by day, warm summers, spells that last, neighbours alike."""

import numpy as np
from numpy.typing import NDArray

from course_utils.data.samples.chain.calendar import DAYS, STATES, day_of_year

Column = NDArray[np.float64]  # one number for each day and state, (days, 16); NaN where it is missing

EVENTS = ("Fog", "Rain", "Snow", "Hail", "Thunderstorm")  # in the order in which names are put together


def weather(rng: np.random.Generator) -> tuple[dict[str, Column], NDArray[np.object_]]:
    """The 21 columns of numbers by their names in the real table, whole but for precipitation, and the column of events.

    A spell of weather is an autoregressive process over days whose value changes evenly from west to east and south to north.
    """
    warm, wet = _spells(rng, persistence=0.85), _spells(rng, persistence=0.6)
    season = np.sin(2 * np.pi * (day_of_year() - 110) / 365.25)[:, None]
    latitude = np.array([state.latitude for state in STATES])

    mean = 9.8 + 8.8 * season + 3.2 * warm - 0.4 * (latitude - 51) - 0.8 * wet
    swing = np.clip(4.3 + 2.0 * season - 1.2 * wet + 0.6 * rng.standard_normal(mean.shape), 1.0, None)
    humidity = np.clip(74 - 9 * season + 9 * wet + 3 * rng.standard_normal(mean.shape), 35, 99)
    dew = mean - (100 - humidity) / 5
    pressure = 1015 - 6 * wet + 3 * rng.standard_normal(mean.shape)
    wind = np.clip(12 + 4.5 * wet - 2 * season + 3 * rng.standard_normal(mean.shape), 2, None)
    rain = np.where(wet > 0, rng.exponential(0.6 + 1.6 * wet.clip(0)), 0.0)
    chance = rng.random((len(EVENTS), *mean.shape))
    happened = np.array(
        [
            chance[0] < 0.24 - 0.18 * season,
            rain > 0.1,
            (rain > 0.1) & (mean < 2.5),
            (rain > 0.1) & (chance[3] < 0.01),
            (rain > 0.1) & (mean > 15) & (chance[4] < 0.25),
        ]
    )
    happened[1] &= (mean > 0.5) | (chance[1] < 0.2)  # in the cold it snows instead
    fog = happened[0]
    sight = np.clip(12 - 7 * fog - 3 * (rain > 2) + 3 * rng.standard_normal(mean.shape), 1, 31)

    columns = {
        "Max_TemperatureC": mean + swing,
        "Mean_TemperatureC": mean,
        "Min_TemperatureC": mean - swing,
        "Dew_PointC": dew + 2.4,
        "MeanDew_PointC": dew,
        "Min_DewpointC": dew - 2.6,
        "Max_Humidity": np.clip(humidity + 18, None, 100),
        "Mean_Humidity": humidity,
        "Min_Humidity": np.clip(humidity - 18 - swing, 4, None),
        "Max_Sea_Level_PressurehPa": pressure + 3.2,
        "Mean_Sea_Level_PressurehPa": pressure,
        "Min_Sea_Level_PressurehPa": pressure - 3,
        "Max_VisibilityKm": np.where(sight > 11, 31, 2 * sight),
        "Mean_VisibilityKm": sight,
        "Min_VisibilitykM": sight / 2,
        "Max_Wind_SpeedKm_h": wind * 1.9,
        "Mean_Wind_SpeedKm_h": wind,
        "Max_Gust_SpeedKm_h": wind * 2.8 + 14,
        "Precipitationmm": rain,
        "CloudCover": np.clip(5.5 + 1.3 * wet - 0.5 * season, 0, 8),
        "WindDirDegrees": rng.integers(-1, 361, mean.shape).astype(np.float64),
    }
    columns = {name: np.round(values, 2 if name == "Precipitationmm" else 0) + 0.0 for name, values in columns.items()}
    for missing, names in _stations_fail(rng, mean.shape):
        for name in names:
            columns[name][missing] = np.nan
    return columns, _put_together(happened)


def _spells(rng: np.random.Generator, persistence: float) -> Column:
    """Numbers of mean 0 and standard deviation near 1, (days, 16)."""
    east = (np.array([state.longitude for state in STATES]) - 10.0) / 3
    north = (np.array([state.latitude for state in STATES]) - 51.2) / 3
    shocks = rng.standard_normal((len(DAYS), 3)) * [0.85, 0.4, 0.4]
    planes = np.empty_like(shocks)
    planes[0] = shocks[0]
    for day in range(1, len(DAYS)):
        planes[day] = persistence * planes[day - 1] + np.sqrt(1 - persistence**2) * shocks[day]
    own = 0.3 * rng.standard_normal((len(DAYS), len(STATES)))
    spells: Column = planes @ np.array([np.ones(len(STATES)), east, north]) + own
    return spells


def _stations_fail(rng: np.random.Generator, shape: tuple[int, ...]) -> list[tuple[NDArray[np.bool_], tuple[str, ...]]]:
    """What is missing, and in which columns: sight all at once, gusts mostly (they are noted when they are strong)."""
    return [
        (rng.random(shape) < 0.024, ("Max_VisibilityKm", "Mean_VisibilityKm", "Min_VisibilitykM")),
        (rng.random(shape) < 0.77, ("Max_Gust_SpeedKm_h",)),
        (rng.random(shape) < 0.074, ("CloudCover",)),
    ]


def _put_together(happened: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Names such as "Fog-Rain" from (5, days, 16) truths; None on a day without events."""
    number = np.tensordot(2 ** np.arange(len(EVENTS)), happened, 1)
    names = ["-".join(name for bit, name in enumerate(EVENTS) if code >> bit & 1) or None for code in range(2 ** len(EVENTS))]
    return np.array(names, object)[number]
