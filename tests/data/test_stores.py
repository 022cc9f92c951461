import hashlib
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from dateutil.easter import easter

from course_utils.data.catalog import find
from course_utils.data.samples import stores
from course_utils.data.samples.chain import calendar, sales, shops, trend, weather
from course_utils.data.samples.chain.simulation import TEST, TRAIN, newest_first, simulate

NAMES = ["googletrend", "sample_submission", "state_names", "store", "store_states", "test", "train", "weather"]

WHOLE, NUMBER, TEXT = "i", "f", "O"  # what pandas makes of the real files
TYPES = {
    "train": dict.fromkeys(["Store", "DayOfWeek"], WHOLE)
    | {"Date": TEXT}
    | dict.fromkeys(["Sales", "Customers", "Open", "Promo"], WHOLE)
    | {"StateHoliday": TEXT, "SchoolHoliday": WHOLE},
    "test": dict.fromkeys(["Id", "Store", "DayOfWeek"], WHOLE)
    | {"Date": TEXT, "Open": NUMBER, "Promo": WHOLE, "StateHoliday": TEXT, "SchoolHoliday": WHOLE},
    "store": {"Store": WHOLE, "StoreType": TEXT, "Assortment": TEXT, "CompetitionDistance": NUMBER}
    | dict.fromkeys(["CompetitionOpenSinceMonth", "CompetitionOpenSinceYear"], NUMBER)
    | {"Promo2": WHOLE, "Promo2SinceWeek": NUMBER, "Promo2SinceYear": NUMBER, "PromoInterval": TEXT},
    "store_states": {"Store": WHOLE, "State": TEXT},
    "state_names": {"StateName": TEXT, "State": TEXT},
    "googletrend": {"file": TEXT, "week": TEXT, "trend": WHOLE},
    "weather": {"file": TEXT, "Date": TEXT}
    | dict.fromkeys(["Max_TemperatureC", "Mean_TemperatureC", "Min_TemperatureC"], WHOLE)
    | dict.fromkeys(["Dew_PointC", "MeanDew_PointC", "Min_DewpointC"], WHOLE)
    | dict.fromkeys(["Max_Humidity", "Mean_Humidity", "Min_Humidity"], WHOLE)
    | dict.fromkeys(["Max_Sea_Level_PressurehPa", "Mean_Sea_Level_PressurehPa", "Min_Sea_Level_PressurehPa"], WHOLE)
    | dict.fromkeys(["Max_VisibilityKm", "Mean_VisibilityKm", "Min_VisibilitykM"], NUMBER)
    | dict.fromkeys(["Max_Wind_SpeedKm_h", "Mean_Wind_SpeedKm_h"], WHOLE)
    | dict.fromkeys(["Max_Gust_SpeedKm_h", "Precipitationmm", "CloudCover"], NUMBER)
    | {"Events": TEXT, "WindDirDegrees": WHOLE},
    "sample_submission": {"Id": WHOLE, "Sales": WHOLE},
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores")
    stores.draw(folder)
    return folder


@pytest.fixture(scope="module")
def tables(drawn):
    return {name: pd.read_csv(drawn / f"{name}.csv", low_memory=False) for name in NAMES}


@pytest.fixture(scope="module")
def chain():
    return simulate(0, stores.STORES)


def columns_and_types(table):
    return {name: TEXT if dtype.kind not in "if" else dtype.kind for name, dtype in table.dtypes.items()}


def test_files_columns_and_types(drawn, tables):
    assert sorted(file.name for file in drawn.iterdir()) == ["README.txt", *(f"{name}.csv" for name in NAMES)]
    for name, table in tables.items():
        assert list(columns_and_types(table).items()) == list(TYPES[name].items()), name
    assert sum(file.stat().st_size for file in drawn.iterdir()) < 15e6
    assert find("rossmann").maker == "stores"
    assert not find("rossmann").missing_from(drawn)


@pytest.mark.real_data
@pytest.mark.parametrize("name", NAMES)
def test_columns_types_and_notation_are_those_of_the_real_tables(name, tables, drawn, real_data):
    path = next((real_data / "rossmann").glob(f"{name}.csv*"))
    real = pd.read_csv(path, low_memory=False)
    assert list(columns_and_types(real).items()) == list(columns_and_types(tables[name]).items())
    opened = pd.io.common.get_handle(path, "r", compression="infer").handle
    with opened as file, (drawn / f"{name}.csv").open() as ours:
        assert ours.readline().strip() == file.readline().strip()
        quoted = [[i for i, field in enumerate(next(f).split(",")) if '"' in field] for f in (ours, file)]
    if name not in ("store", "store_states"):  # a list of months and "HB,NI" have commas of their own
        assert quoted[0] == quoted[1]
    for column in ("StoreType", "Assortment", "StateHoliday", "PromoInterval", "State", "StateName", "file", "DayOfWeek"):
        if column in real:
            assert set(tables[name][column].dropna()) <= set(real[column].dropna()), column


def test_the_same_to_the_byte(drawn, tmp_path):
    stores.draw(tmp_path / "again")
    stores.draw(tmp_path / "other", seed=1)
    for name in NAMES:
        first, second, other = (
            hashlib.sha256((folder / f"{name}.csv").read_bytes()).hexdigest()
            for folder in (drawn, tmp_path / "again", tmp_path / "other")
        )
        assert first == second, name
        assert (first == other) == (name in ("state_names", "sample_submission")), name


def test_size_and_order(tables):
    train, test = tables["train"], tables["test"]
    assert train["Store"].nunique() == len(tables["store"]) == len(tables["store_states"]) == 120
    for table, first, last in ((train, "2013-01-01", "2015-07-31"), (test, "2015-08-01", "2015-09-17")):
        assert (table["Date"].min(), table["Date"].max()) == (first, last)
        assert table.sort_values(["Date", "Store"], ascending=[False, True], kind="stable").index.equals(table.index)
        assert not table.duplicated(["Date", "Store"]).any()
        assert (pd.to_datetime(table["Date"]).dt.day_of_week + 1).equals(table["DayOfWeek"].astype("int32"))
    days = train.groupby("Store").size().value_counts().to_dict()
    assert days == {942: 100, 942 - 184: 19, 941: 1}  # most; without the second half of 2014; one begins a day late
    gone = train[train["Store"].isin(train.groupby("Store").size().loc[lambda n: n < 900].index)]
    assert not gone["Date"].between("2014-07-01", "2014-12-31").any()
    assert test.groupby("Store").size().unique().tolist() == [48]
    assert test["Id"].tolist() == tables["sample_submission"]["Id"].tolist() == list(range(1, 92 * 48 + 1))


def test_the_oddities(drawn, tables):
    train, test, shop = tables["train"], tables["test"], tables["store"]
    mixed = pd.concat(pd.read_csv(drawn / "train.csv", chunksize=5_000))  # as pandas reads the real file without dtype
    assert set(mixed["StateHoliday"]) == {0, "0", "a", "b", "c"}
    assert set(test["StateHoliday"].astype(str)) == {"0", "a"}

    closed = train[train["Open"] == 0]
    assert not closed[["Sales", "Customers"]].to_numpy().any()
    unsold = train[(train["Open"] == 1) & (train["Sales"] == 0)]
    assert len(unsold) == 6
    assert (unsold["Customers"] == 0).all()
    assert 83_000 < (train["Sales"] > 0).sum() < 95_000
    refurbished = closed[(closed["DayOfWeek"] < 7) & (closed["StateHoliday"].astype(str) == "0")].groupby("Store").size()
    assert len(refurbished) == 8
    assert refurbished.between(10, 120).all()

    unknown = test[test["Open"].isna()]
    assert unknown["Store"].nunique() == 1
    assert sorted(unknown["Date"].str[-2:].astype(int)) == [5, 7, 8, 9, 10, 11, 12, 14, 15, 16, 17]

    sundays = train[(train["DayOfWeek"] == 7) & (train["Open"] == 1)]["Store"].unique()
    assert set(shop.set_index("Store")["StoreType"][sundays]) == {"b"}
    assert shop["CompetitionDistance"].isna().sum() == 1
    assert shop["CompetitionOpenSinceYear"].isna().equals(shop["CompetitionOpenSinceMonth"].isna())
    assert 0.25 < shop["CompetitionOpenSinceYear"].isna().mean() < 0.4
    assert shop["CompetitionOpenSinceYear"].min() == 1900
    assert shop["CompetitionOpenSinceYear"].max() == 2015
    assert shop["CompetitionOpenSinceMonth"].dropna().between(1, 12).all()
    for column in ("Promo2SinceWeek", "Promo2SinceYear", "PromoInterval"):
        assert shop[column].isna().equals(shop["Promo2"] == 0), column
    assert '""\n' in (drawn / "store.csv").read_text()
    assert "HB,NI" in set(tables["store_states"]["State"])


def test_trend_and_weather_files(tables):
    searches, air = tables["googletrend"], tables["weather"]
    assert searches["week"].iloc[0] == "2012-12-02 - 2012-12-08"
    assert searches["week"].iloc[-1] == "2015-09-27 - 2015-10-03"
    assert (searches.groupby("file").size() == 148).all()
    assert (searches.groupby("file")["trend"].max() == 100).all()
    assert searches["trend"].min() >= 0
    assert {"Rossmann_DE", "Rossmann_DE_SN", "Rossmann_DE_NI"} <= set(searches["file"])

    assert (air.groupby("file").size() == 990).all()
    assert air["file"].nunique() == 16
    events = air["Events"]
    assert 0.15 < events.isna().mean() < 0.6
    assert {"Rain", "Fog", "Snow", "Fog-Rain", "Rain-Thunderstorm", "Rain-Snow"} <= set(events.dropna())
    for low, middle, high in (
        ("Min_TemperatureC", "Mean_TemperatureC", "Max_TemperatureC"),
        ("Min_Humidity", "Mean_Humidity", "Max_Humidity"),
        ("Min_Sea_Level_PressurehPa", "Mean_Sea_Level_PressurehPa", "Max_Sea_Level_PressurehPa"),
    ):
        assert (air[low] <= air[middle]).all()
        assert (air[middle] <= air[high]).all()
    month = air["Date"].str[5:7]
    warmth = air.groupby(month)["Mean_TemperatureC"].mean()
    assert warmth["07"] - warmth["01"] > 12
    wide = air.pivot(index="Date", columns="file", values="Mean_TemperatureC")
    wide -= wide.rolling(61, center=True, min_periods=1).mean()
    alike = wide.corr()
    assert alike.loc["Berlin", "Brandenburg"] > alike.loc["SchleswigHolstein", "Bayern"] > 0.3
    assert not (air["Events"].str.contains("Snow", na=False) & (air["Mean_TemperatureC"] > 3)).any()
    assert 0.6 < air["Max_Gust_SpeedKm_h"].isna().mean() < 0.9


def test_every_row_finds_its_match_in_every_table(tables):
    names = tables["state_names"].set_index("StateName")["State"]
    weather_keys = set(zip(tables["weather"]["file"].map(names), tables["weather"]["Date"], strict=True))
    state_of = tables["store_states"].set_index("Store")["State"]
    searches = tables["googletrend"]
    week = pd.to_datetime(searches["week"].str[:10]).dt.isocalendar()
    codes = searches["file"].str.removeprefix("Rossmann_DE").str.removeprefix("_").replace("NI", "HB,NI")
    trend_keys = set(zip(codes, pd.to_datetime(searches["week"].str[:10]).dt.year, week["week"], strict=True))
    for part in ("train", "test"):
        table = tables[part]
        assert set(table["Store"]) <= set(tables["store"]["Store"]) & set(tables["store_states"]["Store"])
        states = table["Store"].map(state_of)
        assert set(zip(states, table["Date"], strict=True)) <= weather_keys
        dates = pd.to_datetime(table["Date"].drop_duplicates())
        lecture_weeks = set(zip(dates.dt.year, dates.dt.isocalendar()["week"], strict=True))
        assert {(state, *week) for state in set(states) | {""} for week in lecture_weeks} <= trend_keys


def test_holidays_are_germanys():
    for year in range(1900, 2100):
        assert calendar.easter(year) == np.datetime64(easter(year))
    holiday = calendar.public_holidays()

    def kind(day, code):
        return str(holiday[np.datetime64(day) == calendar.DAYS, calendar.CODES.index(code)][0])

    assert kind("2014-04-18", "NW") == kind("2015-04-06", "SN") == "b"
    assert kind("2013-12-26", "BE") == "c"
    assert kind("2015-08-15", "BY") == kind("2013-11-20", "SN") == kind("2014-06-19", "HE") == kind("2014-10-03", "HH") == "a"
    assert kind("2015-08-15", "BW") == kind("2013-11-20", "BY") == kind("2014-06-19", "BE") == kind("2014-04-20", "NW") == "0"
    assert {str(k): int(n) for k, n in zip(*np.unique(holiday[:, 9], return_counts=True), strict=True)} == {
        "0": 961,
        "a": 19,
        "b": 6,
        "c": 4,
    }


def test_promotions_run_from_monday_to_friday_in_half_of_the_weeks(tables):
    train = tables["train"]
    assert (train.groupby("Date")["Promo"].nunique() == 1).all()
    assert not train.loc[train["DayOfWeek"] > 5, "Promo"].any()
    weeks = pd.to_datetime(train["Date"]).dt.isocalendar()
    working = train[train["DayOfWeek"] <= 5].groupby([weeks["year"], weeks["week"]])["Promo"]
    assert (working.nunique() == 1).all()
    assert 0.45 < working.first().mean() < 0.6


def test_the_noise_floor(chain):
    there = chain.open & chain.listed & (chain.sales > 0)
    sold, mean = chain.sales[there], chain.mean[there]

    def rmspe(log_factor):
        return np.sqrt(np.mean((1 - np.exp(mean + log_factor) / sold) ** 2))

    best = rmspe(-1.5 * stores.SIGMA**2)
    assert best == pytest.approx(stores.NOISE_FLOOR, rel=0.01)
    assert pytest.approx(0.09975, abs=1e-5) == stores.NOISE_FLOOR
    s = stores.SIGMA
    assert rmspe(0) == pytest.approx(math.sqrt(1 - 2 * math.exp(s**2 / 2) + math.exp(2 * s**2)), rel=0.01)
    # no other factor does better: the derivative is zero there
    factors = np.linspace(-4 * s**2, s**2, 101)
    assert factors[np.argmin([rmspe(f) for f in factors])] == pytest.approx(-1.5 * s**2, abs=0.15 * s**2)


def test_chance_is_normal_and_independent(chain):
    from scipy.stats import kstest

    there = chain.open & chain.listed & (chain.sales > 0)
    noise = np.where(there, np.log(np.maximum(chain.sales, 1)) - chain.mean, np.nan)
    assert kstest(noise[there] / stores.SIGMA, "norm").pvalue > 0.001
    for other in (noise[1:], noise[7:]):
        both = ~np.isnan(noise[: len(other)]) & ~np.isnan(other)
        assert abs(np.corrcoef(noise[: len(other)][both], other[both])[0, 1]) < 0.02
    means = np.nanmean(noise, axis=0) / (stores.SIGMA / np.sqrt(there.sum(axis=0)))  # by store, in standard errors
    assert abs(means).max() < 4.5


def test_the_effects_are_what_the_constants_say(chain):
    promotion, weekday = chain.promotion[TRAIN], calendar.day_of_week()[TRAIN]
    lift = [chain.mean[TRAIN][(weekday == day) & (promotion == 1)].mean(0) for day in (1, 5)]
    flat = [chain.mean[TRAIN][(weekday == day) & (promotion == 0)].mean(0) for day in (1, 5)]
    monday, friday = lift[0] - flat[0], lift[1] - flat[1]
    assert (monday > friday).mean() > 0.9
    assert monday.mean() / sales.PROMO_BY_DAY[0] == pytest.approx(np.average(sales.PROMO[chain.shops.type]), abs=0.06)
    by_setting = [monday[chain.shops.setting == shops.SETTINGS.index(kind)].mean() for kind in ("suburb", "station")]
    assert by_setting[0] > by_setting[1] + 0.1
    december = (calendar.month() == 12) & (calendar.day_of_month() == 20)
    november = (calendar.month() == 11) & (calendar.day_of_month() == 20)
    assert (chain.mean[december].mean(0) > chain.mean[november].mean(0) + 0.05).mean() > 0.9


def test_a_competitor_takes_sales_from_the_day_it_opens(chain):
    effect, days = sales._competition(chain.shops), calendar.DAYS
    one = np.flatnonzero(chain.shops.competition_year == 2013)[0]
    month = f"2013-{chain.shops.competition_month[one]:02}"
    opens = np.flatnonzero(days == np.datetime64(f"{month}-15"))[0]
    assert not effect[:opens, one].any()
    assert effect[opens, one] < effect[opens + 400, one] < 0  # most when it is new
    assert (effect[:, chain.shops.distance < 0] == 0).all()


def test_promo2_adds_most_in_the_months_of_its_interval(chain):
    effect, shop = sales._promo2(chain.shops), chain.shops
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"]
    names = np.array(months)[calendar.month() - 1]
    for store in np.flatnonzero(shop.promo2_year > 0):
        since = sales.monday_of_week(shop.promo2_year[[store]], shop.promo2_week[[store]])
        in_round = np.isin(names, shops.INTERVALS[shop.interval[store]].split(","))
        assert np.allclose(effect[:, store], np.where(since > calendar.DAYS, 0.0, np.where(in_round, 0.07, 0.02)))
    assert not effect[:, shop.promo2_year < 0].any()


def test_week_numbers_are_iso():
    years, weeks = np.meshgrid(np.arange(2009, 2016), np.arange(1, 53))
    mondays = sales.monday_of_week(years.ravel(), weeks.ravel())
    iso = pd.Series(mondays).dt.isocalendar()
    assert (iso["year"].to_numpy() == years.ravel()).all()
    assert (iso["week"].to_numpy() == weeks.ravel()).all()
    assert (iso["day"] == 1).all()


def test_customers_buy_for_a_plausible_amount(tables):
    train = tables["train"][tables["train"]["Sales"] > 0]
    assert (train["Sales"] / train["Customers"]).between(4, 20).all()
    assert 6_000 < train["Sales"].mean() < 8_500


def test_truth_is_in_the_order_of_the_test_rows(chain, tables):
    truth = stores.truth()
    test = tables["test"]
    assert len(truth) == len(test)
    assert ((truth == 0) == (test["Open"] == 0)).all()  # the store that did not say was open
    row = 1234
    day = np.flatnonzero(np.datetime64(test["Date"][row]) == calendar.DAYS)[0]
    assert truth[row] == chain.sales[day, test["Store"][row] - 1] > 0
    assert newest_first(chain, TEST)[0][0] == len(calendar.DAYS) - 1


def test_chains_of_other_sizes():
    for number in (1, 2, 15, 300):
        chain = simulate(seed=3, stores=number)
        assert chain.sales.shape == (990, number)
        assert (chain.sales[chain.open & chain.listed] > 0).mean() > 0.99
    assert not np.array_equal(simulate(seed=4, stores=2).sales, simulate(seed=5, stores=2).sales)


def test_weather_and_trend_do_not_depend_on_each_other():
    rng = np.random.default_rng
    first, again = weather.weather(rng(1)), weather.weather(rng(1))
    assert all(np.array_equal(first[0][name], again[0][name], equal_nan=True) for name in first[0])
    files = trend.search_trend(rng(2))
    assert len(files) == 14
    assert np.array_equal(
        trend.trend_of_day(files, "HB,NI")[:5], np.repeat(files["Rossmann_DE_NI"][4], 5)
    )  # 1 January: Tuesday
    assert np.array_equal(trend.trend_of_day(files, "MV"), trend.trend_of_day(files, "BB"))


def test_reading_the_drawn_files_gives_no_other_warning(drawn):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in set(NAMES) - {"train"}:
            pd.read_csv(drawn / f"{name}.csv")
