"""Cells that newer libraries no longer run: rewritten, told of, and nothing else touched."""

import ast
import datetime
import os
import sys
import traceback
import warnings
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from sklearn.metrics import fbeta_score

from course_utils.errors import CourseError
from course_utils.lecture import cells, helpers, messages
from course_utils.lecture.patterns import Row

TOLD = "Translated (written then → written today): "


@pytest.fixture
def frames(session):
    session("import pandas as pd, numpy as np, torch")
    session("df = pd.DataFrame({'Store': [1, 1, 2, 2], 'Sales': [5, 6, 7, 8], 'Promo': [0, 1, 0, 1]})")
    return session


def test_an_axis_by_position(frames, capsys):
    assert list(frames("df.drop('Sales', 1)")) == ["Store", "Promo"]
    assert capsys.readouterr().out.splitlines()[-1] == TOLD + "df.drop('Sales', 1) → df.drop(columns='Sales')"
    assert list(frames("df.drop([0, 2], 0)").index) == [1, 3]
    frames("cut = df.copy()\ncut.drop(['Sales', 'Promo'],1,inplace=True)")
    assert list(frames["cut"]) == ["Store"]
    with pytest.raises(KeyError):
        frames("df.drop('nothing', 1)")
    with pytest.raises(TypeError):
        pd.DataFrame({"a": [1]}).drop("a", 1)  # pandas itself is as it was for everybody else


def test_the_key_of_rolling_groups_is_in_the_index_alone(frames, capsys):
    frames("sums = df.groupby('Store').rolling(2, min_periods=1).sum()")
    frames("sums.drop('Store',1,inplace=True)")
    assert "nothing for 'Store', which is in the index alone" in capsys.readouterr().out
    frames("sums.reset_index(inplace=True)")
    assert frames["sums"].Sales.tolist() == [5, 11, 7, 15]
    assert list(frames["sums"]) == ["Store", "level_1", "Sales", "Promo"]


def test_in_place_is_told_of_in_one_line_and_warns_no_more(frames, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frames("for table in (df,):\n    table.drop('Promo', inplace=True, axis=1)\n    table.reset_index(inplace=True)")
    assert list(frames["df"]) == ["index", "Store", "Sales"]
    said = capsys.readouterr().out.splitlines()
    assert len(said) <= 1  # older pandas warns of nothing
    for line in said:  # a new name would be lost in a loop
        assert line.startswith(TOLD + "table.drop('Promo', inplace=True, axis=1) → table.drop(columns='Promo', inplace=True);")


def test_columns_of_one_name_stay_where_two_joins_make_them(frames, capsys):
    frames("one = pd.DataFrame({'Date': [1, 2], 'file': ['a', 'b'], 'Date_y': [8, 9], 'file_y': ['x', 'y']})")
    frames("other = pd.DataFrame({'Date': [1, 2], 'file': ['c', 'd'], 'rain': [0, 3]})")
    frames("def join(a, b): return a.merge(b, how='left', left_on='Date', right_on='Date', suffixes=('', '_y'))")
    capsys.readouterr()
    joined = frames("both = join(one, other)\nboth")
    assert list(joined) == ["Date", "file", "Date_y", "file_y", "file_y", "rain"]
    assert joined.iloc[:, 4].tolist() == ["c", "d"]
    assert "suffixes=" in capsys.readouterr().out
    assert list(frames("join(one[['Date', 'file']], other)")) == ["Date", "file", "file_y", "rain"]
    assert TOLD not in capsys.readouterr().out  # pandas joins these itself
    with pytest.raises(KeyError):
        frames("one.merge(other, left_on='nothing', right_on='Date', suffixes=('', '_y'))")


def test_dates(frames, capsys):
    frames("import datetime")
    found = frames("pd.to_datetime(df.apply(lambda row: datetime.date(2014, 1, row.Store), axis=1).astype(pd.datetime))")
    assert found.dt.day.tolist() == [1, 1, 2, 2]
    assert frames("pd.datetime(2014, 9, 17)") == datetime.datetime(2014, 9, 17)
    assert "pd.datetime → datetime.datetime" in capsys.readouterr().out


def test_appended_tables_and_lists(frames):
    frames("twice = df[['Store']].append(df[['Store']])\nnames = []\nnames.append(3)")
    assert frames["twice"].Store.tolist() == [1, 1, 2, 2] * 2
    assert frames["names"] == [3]


def test_appended_tables_are_shown_where_a_cell_ends_in_them(frames):
    assert frames("1\ndf[['Store']].append(df[['Store']])").Store.tolist() == [1, 1, 2, 2] * 2
    assert frames("names = []\nnames.append(3)") is None
    with pytest.raises(AttributeError):  # nobody would see it
        frames("df.append(df)\n1")


def test_a_traceback_shows_the_line_that_was_written(frames):
    with pytest.raises(KeyError) as failed:
        frames("first = 1\n\nsecond = 2\ndf.drop('nothing', 1)")
    lines = [line for code, line in traceback.walk_tb(failed.value.__traceback__) if code.f_code.co_name == "<module>"]
    assert lines[-1] == 4


def test_labels_that_are_days(frames):
    day = datetime.date(2017, 1, 1)
    table = frames(f"import datetime\ndays = pd.DataFrame([[1, 2]], columns=[{day!r}, 'b'])\ndays.drop({day!r}, 1)")
    assert list(table) == ["b"]


def test_rows_are_appended_as_dictionaries(frames, capsys):
    frames("more = df.append({'Store': 9, 'Sales': 1, 'Promo': 0}, ignore_index=True)")
    assert frames["more"].Store.tolist() == [1, 1, 2, 2, 9]
    assert "pd.concat([df, pd.DataFrame([row])])" in capsys.readouterr().out


def test_what_is_the_readers_own_stays(session):
    session("class pd:\n    datetime = 'mine'\ndef fbeta_score(a, b, c):\n    return c")
    assert session("pd.datetime, fbeta_score(1, 2, 3)") == ("mine", 3)


def test_imports(session, capsys):
    session("from sklearn.preprocessing import LabelEncoder, Imputer, StandardScaler")
    assert session["LabelEncoder"].__name__ == "LabelEncoder"
    assert session["StandardScaler"].__name__ == "StandardScaler"
    assert session("Imputer(strategy='median').fit_transform([[1.0], [float('nan')], [3.0]])").tolist() == [[1.0], [2.0], [3.0]]
    assert "from sklearn.impute import SimpleImputer as Imputer" in capsys.readouterr().out


def test_f_beta_by_position(session):
    session("import numpy as np; from sklearn.metrics import fbeta_score; import sklearn.metrics as metrics")
    session("targs = np.array([[1, 0, 1], [0, 1, 0]]); preds = np.array([[.9, .4, .1], [.1, .8, .3]])")
    expected = fbeta_score(session["targs"], session["preds"] > 0.2, beta=2, average="samples")
    assert session("fbeta_score(targs, preds>0.2, 2, average='samples')") == expected
    assert session("metrics.fbeta_score(targs, preds>0.2, 2, average='samples')") == expected
    assert session("fbeta_score(targs, preds>0.2, beta=2, average='samples')") == expected


def test_a_gpu_that_is_not_there(session, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    session("import torch")
    session("torch.cuda.set_device(0)")
    assert session("torch.ones(2).cuda()").tolist() == [1.0, 1.0]
    assert capsys.readouterr().out.count(TOLD) == 2
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("COURSE_DEVICE", "cpu")  # where somebody else needs the one that is there
    session("torch.cuda.set_device(0)")
    assert session("torch.ones(2).cuda()").device.type == "cpu"
    with pytest.raises(AttributeError):
        session("(3).cuda()")


def test_views_are_stacked_where_the_cell_averages_them(session):
    session("class learn:\n    def TTA(n_aug=4, stack=False): return ('stack' if stack else 'mean'), 'y'\n")
    cases = {
        "log_preds, y = learn.TTA()": "mean",
        "log_preds, y = learn.TTA()\nf = lambda: np.mean(np.exp(log_preds), 0)": "stack",
        "log_preds, y = learn.TTA()\nf = lambda: np.mean(log_preds, axis=0)": "stack",
        "log_preds, y = learn.TTA()\nf = lambda: np.mean(np.exp(other), 0)": "mean",
        "log_preds, y = learn.TTA()\nf = lambda: np.mean(log_preds)": "mean",
        "%time log_preds, y = learn.TTA()\nf = lambda: np.mean(np.exp(log_preds), 0)": "stack",
        "%%time\nlog_preds, y = learn.TTA()\nf = lambda: np.mean(np.exp(log_preds), 0)": "stack",
        "%time log_preds, y = learn.TTA()": "mean",
    }
    for cell, expected in cases.items():
        session(cell)
        assert session["log_preds"] == expected, cell


def test_views_are_found_where_a_later_cell_averages_them(session, capsys):
    session("import numpy as np\nfrom course_utils.lecture import helpers\nviews = np.log(np.arange(1.0, 13).reshape(2, 3, 2))")
    session("log_preds = views.mean(0); helpers.remember_views(log_preds, views)")
    assert session("np.mean(np.exp(log_preds), 0)").round(6).tolist() == [[4, 5], [6, 7], [8, 9]]
    assert "np.mean(np.exp(log_preds), 0) → learn.tta().probabilities" in capsys.readouterr().out
    assert session("np.mean(log_preds, axis=0)").shape == (3, 2)
    capsys.readouterr()
    assert session("other = log_preds + 0\nnp.mean(np.exp(other), 0)").shape == (2,)
    assert TOLD not in capsys.readouterr().out


def test_lines_under_magics_are_rewritten(frames, capsys):
    frames("%time cut = df.drop('Sales', 1)")
    assert TOLD in capsys.readouterr().out
    frames("%%time\ncut = df.drop('Sales', 1)")
    assert TOLD in capsys.readouterr().out
    assert list(frames["cut"]) == ["Store", "Promo"]


def test_what_is_no_table_is_left_alone(session):
    session(
        "class Mine:\n"
        "    def drop(self, a, b, **more): return a, b, more\n"
        "    def merge(self, *a, suffixes): return suffixes\n"
        "    def reset_index(self, inplace): return inplace\n"
        "    def append(self, a): return a\n"
        "    def fit_generator(self, *a, **more): return a, more\n"
        "    def astype(self, a): return a\n"
        "    def cuda(self): return 'cuda'\n"
        "mine = Mine()"
    )
    assert session("mine.drop(3, 1, inplace=True)") == (3, 1, {"inplace": True})
    assert session("mine.merge(1, suffixes=('', '_y'))") == ("", "_y")
    assert session("mine.reset_index(inplace=True)") is True
    assert session("got = mine.append(4)\ngot") == 4
    assert session("mine.fit_generator(1, 2, epochs=3, workers=4)") == ((1, 2), {"epochs": 3, "workers": 4})
    assert session("import pandas as pd\nmine.astype(pd.datetime)") is datetime.datetime
    assert session("mine.cuda()") == "cuda"


def test_a_cell_that_cannot_be_rewritten_runs_as_it_is(session, monkeypatch):
    monkeypatch.setattr(cells.Rewriter, "visit", lambda self, node: 1 / 0)
    assert session("1 + 1") == 2
    tree = ast.parse("df.drop('a', 1)")
    assert cells.Cells(SimpleNamespace()).visit(tree) is tree


def test_a_line_says_once_where_the_lecture_is_wrong_today(session, monkeypatch, capsys):
    monkeypatch.setattr(messages, "_said", set())
    session("from planet import f2")
    session("metrics = [f2]")
    session("other = [f2, len]\ndef get_elapsed(fld, pre): pass")
    session("def get_elapsed(fld, pre): return 1")
    out = capsys.readouterr().out
    assert out.count("planet.f2 as a metric of fit: ") == out.count("get_elapsed's first rows: ") == 1


def test_a_cell_that_imports_keras_says_where_it_is_not_installed(session, monkeypatch, capsys):
    monkeypatch.setattr(messages, "_said", set())
    monkeypatch.setattr(cells, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(ImportError):
        session("from keras import backend as K")
    assert "%pip install keras" in capsys.readouterr().out


def test_translate_is_there_and_a_readers_own_stays(session, capsys):
    session("translate('data.trn_y')")
    assert capsys.readouterr().out.startswith('data.targets("train")')
    session("%unload_ext course_utils.lecture")
    assert "translate" not in session.shell.user_ns
    session("translate = 5\n%load_ext course_utils.lecture")
    assert session["translate"] == 5


def test_unloading_undoes_all(session):
    session("import pandas as pd\ndf = pd.DataFrame({'a': [1], 'b': [2]})")
    session("%unload_ext course_utils.lecture")
    assert not session.shell.ast_transformers
    with pytest.raises(TypeError):
        session("df.drop('a', 1)")
    session("%load_ext course_utils.lecture")
    session("%reload_ext course_utils.lecture")
    assert len(session.shell.ast_transformers) == 1
    assert list(session("df.drop('a', 1)")) == ["b"]


class Generator:
    workers = 1


def test_a_generator_is_fitted():
    told = ("kind", "written", "today")
    asked = {}
    model = SimpleNamespace(fit=lambda generator, **options: asked.update(options) or "history")
    generator = Generator()
    helpers.replaced.clear()
    result = helpers.fit_generator(
        told, model, "fit_generator", generator, 20, epochs=3, workers=4, validation_data="v", validation_steps=5
    )
    assert result == "history"
    assert asked == {"steps_per_epoch": 20, "epochs": 3, "validation_data": "v", "validation_steps": 5}
    assert generator.workers == 4
    assert list(helpers.replaced) == ["kind"]


def test_weights_that_cannot_be_fetched():
    def ResNet50(**options):
        raise Exception("URL fetch failure on https://example.org/resnet50.h5: None -- no network")

    def other(**options):
        raise ValueError("other")

    with pytest.raises(CourseError, match=r"could not fetch the ImageNet weights of ResNet50.*weights=None"):
        helpers.imagenet_weights(("", "", ""), ResNet50, "", weights="imagenet")
    with pytest.raises(ValueError, match="other"):
        helpers.imagenet_weights(("", "", ""), other, "", weights="imagenet")


def test_patterns_fit_what_they_say():
    row = Row("df.drop(labels, 1)", "{df}.drop(columns={labels}{rest})", "", "drop")
    fits = {
        "a.b.drop(x + 1, 1)": "a.b.drop(columns=x + 1)",
        "a.drop(x, 1, errors='ignore')": "a.drop(columns=x, errors='ignore')",
    }
    for code, today in fits.items():
        assert row.write(row.match(ast.parse(code, mode="eval").body, False)) == today
    others = ("a.drop(x, 0)", "a.drop(x)", "a.drop(x, axis=1)", "a.drop(*x, 1)", "a.drop(x, 1, **more)", "drop(x, 1)")
    for code in (*others, "a.drop(x, True)"):
        assert row.match(ast.parse(code, mode="eval").body, False) is None, code


def test_keras_computes_with_pytorch_where_tensorflow_is_not_installed(monkeypatch):
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setattr(cells, "find_spec", lambda name: None)
    shell = InteractiveShell()
    its = cells.Cells.of(shell)
    its.start()
    assert os.environ["KERAS_BACKEND"] == "torch"
    cells.Cells.of(shell).stop()
    assert "KERAS_BACKEND" not in os.environ
