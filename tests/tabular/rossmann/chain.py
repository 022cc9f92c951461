"""A chain of three stores on two months of days, as the seven files of the competition, small enough to check by hand."""

import gzip
import io

import numpy as np
import pandas as pd

FIRST, TEST, LAST = "2014-12-01", "2015-01-20", "2015-01-26"
STATES = {1: "HE", 2: "HB,NI", 3: "HE"}
NAMES = {"Hessen": "HE", "Niedersachsen": "HB,NI", "Bayern": "BY"}
STORE = """Store,StoreType,Assortment,CompetitionDistance,CompetitionOpenSinceMonth,CompetitionOpenSinceYear,\
Promo2,Promo2SinceWeek,Promo2SinceYear,PromoInterval
1,a,a,1270,9,2014,0,,,
2,c,b,,,,1,1,2015,"Jan,Apr,Jul,Oct"
3,d,c,80,1,1961,1,40,2009,"Feb,May,Aug,Nov"
"""


def make_tables(seed=0):
    """The seven tables as they are read with pandas, before types and dates are seen to."""
    rng = np.random.default_rng(seed)
    days = pd.date_range(FIRST, LAST)
    frame = pd.DataFrame([(store, day) for day in days[::-1] for store in STATES], columns=["Store", "Date"])
    frame["DayOfWeek"] = frame["Date"].dt.day_of_week + 1
    frame["Open"] = (frame["DayOfWeek"] < 7).astype(int)
    frame["Promo"] = (frame["Date"].dt.day % 14 < 5).astype(int)
    holiday = {"12-25": "c", "12-26": "c", "01-01": "a"}
    frame["StateHoliday"] = frame["Date"].dt.strftime("%m-%d").map(holiday).fillna("0")
    frame["SchoolHoliday"] = ((frame["Date"] >= "2014-12-22") & (frame["Date"] < "2015-01-10") & (frame["Store"] != 3)).astype(
        int
    )
    frame.loc[frame["StateHoliday"] != "0", "Open"] = 0
    frame["Sales"] = rng.integers(3000, 9000, len(frame)) * frame["Open"]
    frame["Customers"] = frame["Sales"] // 10
    frame = frame[~((frame["Store"] == 2) & frame["Date"].between("2014-12-10", "2014-12-20"))]  # shut for repairs: no rows
    text = frame.assign(Date=frame["Date"].dt.strftime("%Y-%m-%d"))
    common = ["Store", "DayOfWeek", "Date", "Open", "Promo", "StateHoliday", "SchoolHoliday"]
    train = text.loc[text["Date"] < TEST, [*common, "Sales", "Customers"]]
    test = text.loc[text["Date"] >= TEST, common].reset_index(drop=True)
    test.insert(0, "Id", range(1, len(test) + 1))
    weather = pd.DataFrame([(name, day) for name in NAMES for day in days.strftime("%Y-%m-%d")], columns=["file", "Date"])
    measured = ("Max_TemperatureC", "Mean_TemperatureC", "Min_TemperatureC", "Max_Humidity", "Mean_Humidity", "Min_Humidity")
    for name in (*measured, "Max_Wind_SpeedKm_h", "Mean_Wind_SpeedKm_h", "Dew_PointC"):
        weather[name] = rng.integers(0, 90, len(weather))
    weather["CloudCover"] = np.where(rng.random(len(weather)) < 0.1, np.nan, rng.integers(0, 9, len(weather)))
    weather["Events"] = rng.choice(["Rain", "Fog-Rain", None], len(weather))
    sundays = pd.date_range("2014-11-30", LAST, freq="W-SUN")
    weeks = [f"{day:%Y-%m-%d} - {day + pd.Timedelta(days=6):%Y-%m-%d}" for day in sundays]
    files = ["Rossmann_DE_HE", "Rossmann_DE_NI", "Rossmann_DE"]
    trend = pd.DataFrame([(file, week) for file in files for week in weeks], columns=["file", "week"])
    trend["trend"] = rng.integers(0, 101, len(trend))
    return {
        "train": train.reset_index(drop=True),
        "test": test,
        "store": pd.read_csv(io.StringIO(STORE)),
        "store_states": pd.DataFrame(STATES.items(), columns=["Store", "State"]),
        "state_names": pd.DataFrame(NAMES.items(), columns=["StateName", "State"]),
        "googletrend": trend,
        "weather": weather,
    }


def write_tables(folder, tables, packed=()):
    """As CSV files, those in `packed` with gzip."""
    for name, table in tables.items():
        text = table.to_csv(index=False)
        if name in packed:
            (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / f"{name}.csv").write_text(text)
    return folder
