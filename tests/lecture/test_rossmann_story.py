"""The lecture's lesson on tables as one session: the calls of its cells, in other words, on drawn and on real tables."""

import gzip
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from course_utils import data
from course_utils.tabular import rossmann

pytestmark = pytest.mark.filterwarnings("ignore:invalid value encountered in cast")  # of get_elapsed, which a line explains

TABLES = ("train", "store", "store_states", "state_names", "googletrend", "weather", "test")

READ = """
%reload_ext autoreload
%autoreload 2
from fastai.structured import *
from fastai.column_data import *
np.set_printoptions(threshold=50, edgeitems=20)
PATH = 'data/rossmann/'
---
from IPython.display import HTML
from isoweek import Week
from pandas_summary import DataFrameSummary
from sklearn.preprocessing import LabelEncoder, Imputer, StandardScaler
from sklearn_pandas import DataFrameMapper
names = ['train', 'store', 'store_states', 'state_names', 'googletrend', 'weather', 'test']
tables = [pd.read_csv(f'{PATH}{name}.csv', low_memory=False) for name in names]
for table in tables: display(table.head(2))
---
summaries = [DataFrameSummary(table).summary() for table in tables]
for summary in summaries: display(summary)
train, store, store_states, state_names, googletrend, weather, test = tables
rows = len(train), len(test)
"""

JOIN = """
train.StateHoliday = train.StateHoliday != '0'
test.StateHoliday = test.StateHoliday != '0'
---
def join_df(one, other, left_on, right_on=None, suffix='_y'):
    if right_on is None: right_on = left_on
    return one.merge(other, how='left', left_on=left_on, right_on=right_on, suffixes=("", suffix))
---
weather = join_df(weather, state_names, "file", "StateName")
googletrend['Date'] = googletrend.week.str.split(' - ', expand=True)[0]
googletrend['State'] = googletrend.file.str.split('_', expand=True)[2]
googletrend.loc[googletrend.State == 'NI', "State"] = 'HB,NI'
---
for table in (weather, googletrend, train, test): add_datepart(table, "Date", drop=False)
add_datepart(googletrend, "Date", drop=False)
country = googletrend[googletrend.file == 'Rossmann_DE']
---
store = join_df(store, store_states, "Store")
joined, joined_test = join_df(train, store, "Store"), join_df(test, store, "Store")
nulls = [len(store[store.State.isnull()]), len(joined[joined.StoreType.isnull()])]
---
joined = join_df(joined, googletrend, ["State", "Year", "Week"])
joined_test = join_df(joined_test, googletrend, ["State", "Year", "Week"])
nulls.append(len(joined[joined.trend.isnull()]))
---
joined = joined.merge(country, 'left', ["Year", "Week"], suffixes=('', '_DE'))
joined_test = joined_test.merge(country, 'left', ["Year", "Week"], suffixes=('', '_DE'))
nulls.append(len(joined[joined.trend_DE.isnull()]))
---
joined = join_df(joined, weather, ["State", "Date"])
joined_test = join_df(joined_test, weather, ["State", "Date"])
nulls.append(len(joined[joined.Mean_TemperatureC.isnull()]))
---
twice = [name for name in joined.columns if list(joined.columns).count(name) > 1]
for df in (joined, joined_test):
    for name in df.columns:
        if name.endswith('_y'):
            if name in df.columns: df.drop(name, inplace=True, axis=1)
"""

FEATURES = """
for df in (joined, joined_test):
    df['CompetitionOpenSinceYear'] = df.CompetitionOpenSinceYear.fillna(1900).astype(np.int32)
    df['CompetitionOpenSinceMonth'] = df.CompetitionOpenSinceMonth.fillna(1).astype(np.int32)
    df['Promo2SinceYear'] = df.Promo2SinceYear.fillna(1900).astype(np.int32)
    df['Promo2SinceWeek'] = df.Promo2SinceWeek.fillna(1).astype(np.int32)
---
for df in (joined, joined_test):
    parts = dict(year=df.CompetitionOpenSinceYear, month=df.CompetitionOpenSinceMonth, day=15)
    df["CompetitionOpenSince"] = pd.to_datetime(parts)
    df["CompetitionDaysOpen"] = df.Date.subtract(df.CompetitionOpenSince).dt.days
    df.loc[df.CompetitionDaysOpen < 0, "CompetitionDaysOpen"] = 0
    df.loc[df.CompetitionOpenSinceYear < 1990, "CompetitionDaysOpen"] = 0
    df["CompetitionMonthsOpen"] = df["CompetitionDaysOpen"] // 30
    df.loc[df.CompetitionMonthsOpen > 24, "CompetitionMonthsOpen"] = 24
---
%%time
for df in (joined, joined_test):
    df["Promo2Since"] = pd.to_datetime(df.apply(lambda row: Week(
        row.Promo2SinceYear, row.Promo2SinceWeek).monday(), axis=1).astype(pd.datetime))
    df["Promo2Days"] = df.Date.subtract(df["Promo2Since"]).dt.days
---
for df in (joined, joined_test):
    df.loc[df.Promo2Days < 0, "Promo2Days"] = 0
    df.loc[df.Promo2SinceYear < 1990, "Promo2Days"] = 0
    df["Promo2Weeks"] = df["Promo2Days"] // 7
    df.loc[df.Promo2Weeks < 0, "Promo2Weeks"] = 0
    df.loc[df.Promo2Weeks > 25, "Promo2Weeks"] = 25
---
def get_elapsed(fld, pre):
    day1 = np.timedelta64(1, 'D')
    last_date = np.datetime64()
    last_store = 0
    days = []
    for shop, happens, day in zip(df.Store.values, df[fld].values, df.Date.values):
        if shop != last_store:
            last_date = np.datetime64()
            last_store = shop
        if happens: last_date = day
        days.append(((day - last_date).astype('timedelta64[D]') / day1).astype(int))
    df[pre + fld] = days
---
columns = ["Date", "Store", "Promo", "StateHoliday", "SchoolHoliday"]
df = train[columns].append(test[columns])
for fld in ('SchoolHoliday', 'StateHoliday', 'Promo'):
    df = df.sort_values(['Store', 'Date'])
    get_elapsed(fld, 'After')
    df = df.sort_values(['Store', 'Date'], ascending=[True, False])
    get_elapsed(fld, 'Before')
---
df = df.set_index("Date")
columns = ['SchoolHoliday', 'StateHoliday', 'Promo']
for when in ['Before', 'After']:
    for fld in columns:
        df[when + fld] = df[when + fld].fillna(0)
---
bwd = df[['Store']+columns].sort_index().groupby("Store").rolling(7, min_periods=1).sum()
fwd = df[['Store']+columns].sort_index(ascending=False).groupby("Store").rolling(7, min_periods=1).sum()
---
bwd.drop('Store',1,inplace=True)
bwd.reset_index(inplace=True)
fwd.drop('Store',1,inplace=True)
fwd.reset_index(inplace=True)
df.reset_index(inplace=True)
sums = list(bwd.columns), list(fwd.columns)
---
df = df.merge(bwd, 'left', ['Date', 'Store'], suffixes=['', '_bw'])
df = df.merge(fwd, 'left', ['Date', 'Store'], suffixes=['', '_fw'])
df.drop(columns,1,inplace=True)
df.to_feather(f'{PATH}df')
---
df = pd.read_feather(f'{PATH}df')
df["Date"] = pd.to_datetime(df.Date)
joined = join_df(joined, df, ['Store', 'Date'])
joined_test = join_df(joined_test, df, ['Store', 'Date'])
joined = joined[joined.Sales!=0]
joined.reset_index(inplace=True)
joined_test.reset_index(inplace=True)
joined.to_feather(f'{PATH}joined')
joined_test.to_feather(f'{PATH}joined_test')
"""

PREPARE = """
cat_vars = ['Store', 'DayOfWeek', 'Year', 'Month', 'Day', 'StateHoliday', 'CompetitionMonthsOpen',
    'Promo2Weeks', 'StoreType', 'Assortment', 'PromoInterval', 'CompetitionOpenSinceYear', 'Promo2SinceYear',
    'State', 'Week', 'Events', 'Promo_fw', 'Promo_bw', 'StateHoliday_fw', 'StateHoliday_bw',
    'SchoolHoliday_fw', 'SchoolHoliday_bw']
contin_vars = ['CompetitionDistance', 'Max_TemperatureC', 'Mean_TemperatureC', 'Min_TemperatureC',
   'Max_Humidity', 'Mean_Humidity', 'Min_Humidity', 'Max_Wind_SpeedKm_h', 'Mean_Wind_SpeedKm_h',
   'CloudCover', 'trend', 'trend_DE', 'AfterStateHoliday', 'BeforeStateHoliday', 'Promo', 'SchoolHoliday']
for name in cat_vars: joined[name] = joined[name].astype('category').cat.as_ordered()
for name in contin_vars: joined[name] = joined[name].astype('float32')
dep = 'Sales'
joined = joined[cat_vars + contin_vars + [dep, 'Date']]
n = len(joined)
---
idxs = get_cv_idxs(n, val_pct=150000/n)
samp_size = n
samp = joined.set_index("Date")
---
df, y, nas, mapper = proc_df(samp, 'Sales', do_scale=True)
yl = np.log(y)
val_idx = np.flatnonzero((df.index <= datetime.datetime(2014,9,17)) & (df.index >= datetime.datetime(2014,8,1)))
---
def inv_y(a): return np.exp(a)
def exp_rmspe(y_pred, targ):
    targ = inv_y(targ)
    share = (targ - inv_y(y_pred)) / targ
    return math.sqrt((share**2).mean())
max_log_y = np.max(yl)
y_range = (0, max_log_y*1.2)
---
md = ColumnarModelData.from_data_frame(PATH, val_idx, df, yl, cat_flds=cat_vars, bs=128)
cat_sz = [(c, len(samp[c].cat.categories)+1) for c in cat_vars]
emb_szs = [(c, min(50, (c+1)//2)) for _, c in cat_sz]
m = md.get_learner(emb_szs, len(df.columns)-len(cat_vars), 0.04, 1, LAYERS, [0.001,0.01], y_range=y_range)
lr = 1e-3
"""


def cells(text, **words):
    for word, value in words.items():
        text = text.replace(word, value)
    return [cell.strip() for cell in text.split("---\n")]


def run(session, *parts, **words):
    for part in parts:
        for cell in cells(part, **words):
            session(cell)


@pytest.fixture
def few_shops(tmp_path):
    """The drawn tables of five shops that were never closed for long, under the names of the lecture."""
    folder = tmp_path / "data" / "rossmann"
    folder.mkdir(parents=True)
    tables = {name: pd.read_csv(data.get("rossmann", sample=True) / f"{name}.csv", low_memory=False) for name in TABLES}
    days = tables["train"].Store.value_counts().sort_index()
    shops = days.index[days == days.max()][:5]
    for name, table in tables.items():
        few = table[table.Store.isin(shops)] if name in ("train", "test") else table
        few.to_csv(folder / f"{name}.csv", index=False)
    return folder


def test_the_lesson_on_tables(session, few_shops, capsys):
    run(session, READ)
    assert session["rows"] == (len(pd.read_csv(few_shops / "train.csv", low_memory=False)), len(session["test"]))
    assert session["summaries"][1]["StoreType"]["types"] == "categorical"
    assert session["datetime"].__name__ == "datetime"
    assert session["LabelEncoder"].__name__ == "LabelEncoder"

    run(session, JOIN)
    joined, train = session["joined"], session["train"]
    assert session["nulls"] == [0] * 5
    assert len(session["twice"]) >= 10  # as in 2017, two columns stay where two joins made them
    assert joined.columns.is_unique
    assert not [name for name in joined if name.endswith("_y")]
    assert len(joined) == len(train)
    for name in ("Store", "Date", "Week", "Year", "Dayofyear"):  # the sale's own
        assert joined[name].tolist() == train[name].tolist()

    capsys.readouterr()
    run(session, FEATURES)
    said = capsys.readouterr().out
    assert "bwd.drop('Store', 1, inplace=True) → nothing for 'Store', which is in the index alone" in said
    assert said.count("get_elapsed's first rows") == 1
    assert session["sums"] == (["Store", "Date", "SchoolHoliday", "StateHoliday", "Promo"],) * 2
    joined = session["joined"]
    assert "index" in joined.columns
    own, _ = rossmann.build_features(rossmann.read_tables(few_shops), report=None, weeks="lecture")
    both = joined.merge(own, on=["Store", "Date"], suffixes=("", "_own"), validate="1:1")
    assert len(both) == len(joined) == len(own)
    for name in {*rossmann.CATEGORICAL, *rossmann.CONTINUOUS} - {"Store", "AfterStateHoliday", "BeforeStateHoliday"}:
        known = both[name].notna()
        assert both[name][known].tolist() == both[f"{name}_own"][known].tolist(), name
        assert both[f"{name}_own"].isna().equals(~known), name
    for name in ("AfterStateHoliday", "BeforeStateHoliday"):
        known = both[name].between(-10_000, 10_000)  # elsewhere there was no such day
        assert known.mean() > 0.5
        assert both[name].abs()[known].tolist() == both[f"{name}_own"][known].tolist()
        assert (both[f"{name}_own"][~known] == 0).all()

    torch.manual_seed(0)
    run(session, PREPARE, LAYERS="[40,20]")
    df, md = session["df"], session["md"]
    holes = [name for name in session["contin_vars"] if joined[name].isna().any()]
    assert list(df.columns) == [*session["cat_vars"], *session["contin_vars"], *(f"{name}_na" for name in holes)]
    assert list(session["nas"]) == holes
    assert len(session["samp"]) == len(df) == session["n"]
    days = df.index[session["val_idx"]]
    assert (str(days.min().date()), str(days.max().date())) == ("2014-08-01", "2014-09-17")
    assert len(md.trn_y) + len(md.val_y) == len(df)

    session("m.lr_find()")
    assert len(session.figures("m.sched.plot(100)")) == 1
    capsys.readouterr()
    session("m.fit(lr, 1, metrics=[exp_rmspe])")
    session("m.fit(lr * 3, 2, metrics=[exp_rmspe], cycle_len=1)")
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()[:1].isdigit()]
    assert len(rows) == 3
    figures = [float(value) for value in rows[-1][1:]]
    whole = session("exp_rmspe(m.predict(), md.val_y)")
    assert figures[-1] == pytest.approx(whole, abs=1e-3)
    assert whole < session("exp_rmspe(np.full_like(md.val_y, md.trn_y.mean()), md.val_y)")

    session("((val, trn), (y_val, y_trn)) = split_by_idx(val_idx, df.values, yl)")
    session("from sklearn.ensemble import RandomForestRegressor")
    session("m = RandomForestRegressor(n_estimators=4, max_features=0.99, min_samples_leaf=2, random_state=0)")
    session("m.fit(trn, y_trn); preds = m.predict(val)")
    assert session("m.score(val, y_val), exp_rmspe(preds, y_val)")[0] > 0.5
    assert len(session["val"]) == len(session["val_idx"])


@pytest.mark.real_data
@pytest.mark.slow
def test_the_lesson_on_the_real_tables(session, real_data, tmp_path):
    folder = tmp_path / "data" / "rossmann"
    folder.mkdir(parents=True)
    for name in TABLES:
        with gzip.open(real_data / "rossmann" / f"{name}.csv.gz") as packed, open(folder / f"{name}.csv", "wb") as plain:
            shutil.copyfileobj(packed, plain)
    run(session, READ, JOIN, FEATURES, PREPARE, LAYERS="[1000,500]")
    assert session["nulls"] == [0] * 5
    assert session["n"] == 844_338
    assert session["joined"].Promo2Weeks.cat.categories.max() == 25
    session("m.fit(lr, 1, metrics=[exp_rmspe])")
    assert session("exp_rmspe(m.predict(), md.val_y)") < 0.2
    assert np.isfinite(session("m.predict()")).all()
