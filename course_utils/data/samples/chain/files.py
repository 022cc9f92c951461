"""The simulated chain as CSV files, in the columns, the order and the notation of the real ones."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.data.samples.chain import calendar, shops, trend
from course_utils.data.samples.chain.calendar import DAYS, STATES
from course_utils.data.samples.chain.shops import Ints, Shops
from course_utils.data.samples.chain.simulation import TEST, TRAIN, Chain, newest_first
from course_utils.data.samples.tables import write_table

Column = Sequence[Any] | NDArray[Any]


def write_chain(folder: Path, chain: Chain) -> None:
    """Write the seven tables and the sample submission; newest days first, "0" in quotes, NA only where the weather has it."""
    _write_sales(folder, chain)
    _write_stores(folder, chain.shops)
    names, codes = [state.name for state in STATES], [_quoted(state.code) for state in STATES]
    write_table(folder / "state_names.csv", "StateName,State", _rows(names, codes))
    _write_trend(folder / "googletrend.csv", chain)
    _write_weather(folder / "weather.csv", chain)


def _write_sales(folder: Path, chain: Chain) -> None:
    weekday, state, text = calendar.day_of_week(), chain.shops.state, DAYS.astype(str)

    def circumstances(days: Ints, stores: Ints) -> list[Column]:
        holiday, school_holiday = chain.holiday[days, state[stores]], chain.school_holiday[days, state[stores]]
        return [chain.promotion[days], *([f'"{value}"' for value in column.tolist()] for column in (holiday, school_holiday))]

    header = '"Store","DayOfWeek","Date","Sales","Customers","Open","Promo","StateHoliday","SchoolHoliday"'
    days, stores = at = newest_first(chain, TRAIN)
    sold = [chain.sales[at], chain.customers[at], chain.open[at].astype(int)]
    write_table(folder / "train.csv", header, _rows(stores + 1, weekday[days], text[days], *sold, *circumstances(*at)))

    header = '"Id","Store","DayOfWeek","Date","Open","Promo","StateHoliday","SchoolHoliday"'
    days, stores = at = newest_first(chain, TEST)
    ids = np.arange(1, len(days) + 1)
    is_open = np.where(chain.unknown[at], "", chain.open[at].astype(int).astype(str))
    write_table(folder / "test.csv", header, _rows(ids, stores + 1, weekday[days], text[days], is_open, *circumstances(*at)))
    write_table(folder / "sample_submission.csv", '"Id","Sales"', _rows(ids, np.zeros_like(ids)))


def _write_stores(folder: Path, chosen: Shops) -> None:
    number = np.arange(1, len(chosen) + 1)
    header = (
        '"Store","StoreType","Assortment","CompetitionDistance","CompetitionOpenSinceMonth","CompetitionOpenSinceYear",'
        '"Promo2","Promo2SinceWeek","Promo2SinceYear","PromoInterval"'
    )
    columns: list[Column] = [
        [f'"{shops.TYPES[kind]}"' for kind in chosen.type],
        [f'"{shops.ASSORTMENTS[kind]}"' for kind in chosen.assortment],
        *map(_known, (chosen.distance, chosen.competition_month, chosen.competition_year)),
        (chosen.promo2_year > 0).astype(int),
        *map(_known, (chosen.promo2_week, chosen.promo2_year)),
        [f'"{shops.INTERVALS[kind] if kind >= 0 else ""}"' for kind in chosen.interval],
    ]
    write_table(folder / "store.csv", header, _rows(number, *columns))
    write_table(folder / "store_states.csv", "Store,State", _rows(number, [_quoted(STATES[i].code) for i in chosen.state]))


def _write_trend(path: Path, chain: Chain) -> None:
    weeks = [f"{sunday} - {sunday + 6 * calendar.DAY}" for sunday in trend.WEEKS]
    rows = ((file, *row) for file, values in chain.trend.items() for row in _rows(weeks, values))
    write_table(path, "file,week,trend", rows)


def _write_weather(path: Path, chain: Chain) -> None:
    names = list(chain.weather)
    names.insert(names.index("WindDirDegrees"), "Events")

    def column(name: str, state: int) -> list[str]:
        if name == "Events":
            return [event or "" for event in chain.events[:, state]]
        return ["NA" if math.isnan(value) else f"{value:g}" for value in chain.weather[name][:, state].tolist()]

    rows = (
        (state.name, *row)
        for number, state in enumerate(STATES)
        for row in _rows(DAYS.astype(str), *(column(name, number) for name in names))
    )
    write_table(path, f"file,Date,{','.join(names)}", rows)


def _known(values: Ints) -> list[str]:
    return [str(value) if value >= 0 else "" for value in values.tolist()]


def _quoted(code: str) -> str:
    return f'"{code}"' if "," in code else code


def _rows(*columns: Column) -> Iterable[tuple[Any, ...]]:
    return zip(*(column.tolist() if isinstance(column, np.ndarray) else column for column in columns), strict=True)
