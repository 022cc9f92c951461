"""What one writes today: words that this package has, a page that is current, and cells that change nowhere else."""

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from course_utils import lecture, tabular, training, vision
from course_utils.errors import CourseError
from course_utils.lecture import helpers, translation
from course_utils.training.predictions import Predictions

ROWS = translation.ROWS
PAGE = Path(__file__).parents[2] / "docs" / "lecture.md"


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == translation.page(), "make docs writes it anew"
    for line in translation.page().splitlines():
        assert not line.startswith("|") or line.count("|") == 4, line


def test_every_helper_is_there():
    for row in translation.LIBRARIES:
        assert row.helper == "import" or "(" in row.helper or callable(getattr(helpers, row.helper)), row.lecture
    assert not [row.lecture for row in (*translation.PICTURES, *translation.TABLES) if row.helper]


@pytest.mark.parametrize("row", [row for row in ROWS if row.today.startswith("from course_utils")], ids=lambda row: row.lecture)
def test_what_is_imported_today_is_there(row):
    (statement,) = ast.parse(row.today).body
    for alias in statement.names:
        module = import_module(statement.module)
        assert hasattr(module, alias.name) or import_module(f"{statement.module}.{alias.name}")


LEARNER = vision.ImageLearner
CALLABLES = {
    "transforms_for": vision.transforms_for,
    "ImageData.from_folders": vision.ImageData.from_folders,
    "ImageData.from_csv": vision.ImageData.from_csv,
    "ImageData.from_arrays": vision.ImageData.from_arrays,
    "image_learner": vision.image_learner,
    "read_image": vision.read_image,
    "validation_split": training.validation_split,
    "best_threshold": training.best_threshold,
    "add_datepart": tabular.add_datepart,
    "at_a_glance": tabular.at_a_glance,
    "join": tabular.join,
    "TabularData.from_frame": tabular.TabularData.from_frame,
    "tabular_learner": tabular.tabular_learner,
    **{f"learn.{name}": getattr(LEARNER, name) for name in ("fit", "predict", "tta", "lr_find", "set_data", "freeze")},
    **{f"data.{name}": getattr(vision.ImageData, name) for name in ("items", "targets", "loader")},
}


def test_calls_of_today_fit_their_functions():
    checked = set()
    for row in ROWS:
        for node in ast.walk(ast.parse(re.sub(r"\{(\w+)(:[^}]*)?\}", r"\1", row.today.replace("{rest}", "")))):
            if isinstance(node, ast.Call) and (name := ast.unparse(node.func)) in CALLABLES:
                if any(isinstance(value, ast.Starred) for value in node.args):
                    continue
                own = ["self"] if name.startswith(("learn.", "data.")) else []
                options = {word.arg: word.value for word in node.keywords}
                inspect.signature(CALLABLES[name]).bind(*own, *node.args, **options)
                checked.add(name)
    assert checked == CALLABLES.keys()


def words_of(cell):
    return translation.translated(cell)[0]


def test_a_cell_in_todays_words(capsys):
    cell = (
        "# the first lines\n"
        "from fastai.conv_learner import *\n"
        'PATH = "data/dogscats/"  # where it is\n'
        "!ls {PATH}\n"
        "files = !ls {PATH}valid | head\n"
        "%matplotlib inline\n"
        "tfms = tfms_from_model(resnet34, 224, aug_tfms=transforms_side_on, max_zoom=1.1)\n"
        "data = ImageClassifierData.from_paths(PATH, bs=28,\n"
        "                                      tfms=tfms, num_workers=1)\n"
        "for rate in (1e-2,\n"
        "             1e-3):\n"
        '    print(f"ä {data.trn_y}", len(data.trn_ds)); %time learn.fit(rate, 1)\n'
    ).replace("; %time learn.fit(rate, 1)", "")
    assert words_of(cell) == (
        "# the first lines\n"
        "from course_utils.vision import ImageData, side_on, transforms_for\n"
        'PATH = "data/dogscats/"  # where it is\n'
        "!ls {PATH}\n"
        "files = !ls {PATH}valid | head\n"
        "%matplotlib inline\n"
        'tfms = transforms_for("resnet34", 224, augment=side_on, max_zoom=1.1)\n'
        "data = ImageData.from_folders(PATH, tfms, batch_size=28)\n"
        "for rate in (1e-2,\n"
        "             1e-3):\n"
        '    print(f"ä {data.trn_y}", len(data.train_ds))\n'
    )
    lecture.translate("%time learn.fit(1e-2, 3, wds=1e-4)\n1 + 1")
    out = capsys.readouterr().out
    assert out.startswith("%time learn.fit(1e-2, 3, weight_decay=1e-4)\n1 + 1\n\n# learn.fit: losses and metrics are over")


def test_a_cell_of_today_stays_as_it_is(capsys):
    cell = "import numpy as np\n\nx = np.arange(3)\nforest.fit(x, y)\nnames.append(x)\nif x.any():\n    print('ü', x)"
    assert words_of(cell) == cell
    lecture.translate(cell)
    assert capsys.readouterr().out == cell + "\n"
    assert words_of("") == ""


def test_lines_for_ipython_stay_and_what_is_no_python_is_refused():
    for cell in ("learn.fit?\n?learn\n%%time\nx = 1", "ls data/", "files = !ls | head\n!rm -rf {PATH}tmp"):
        assert words_of(cell) == cell
    for cell in ("%%bash\nls $X | head", "%%html\n<b>x</b>", "cd data\npwd\nls", "cat = 3\nls = [cat]"):
        assert words_of(cell) == cell
    with pytest.raises(CourseError, match=r"this cell is no Python \(.*line 2"):
        lecture.translate("x = 1\nfor x in")


@pytest.mark.parametrize(
    "cell",
    [
        "    data.trn_y\n    1 + 1",
        ">>> data.trn_y\n>>> 1 + 1",
        "In [3]: data.trn_y\n   ...: 1 + 1",
    ],
)
def test_cells_are_taken_as_they_were_copied(cell):
    assert words_of(cell) == words_of("data.trn_y\n1 + 1") != "data.trn_y\n1 + 1"


def test_what_differs_in_its_spaces_alone_is_no_other_line():
    words, rows = translation.translated("learn.fit(0.1,1)\n%timeit -n1 -r1 df.drop('b', 1)")
    assert words == "learn.fit(0.1,1)\n%timeit -n1 -r1 df.drop(columns='b')"
    assert [row.lecture for row in rows] == ["df.drop(labels, 1)"]


def test_tables_in_todays_words():
    assert words_of('add_datepart(train, "Date", drop=False)') == 'train = add_datepart(train, "Date")'
    assert words_of("df.drop(columns,1,inplace=True)") == "df = df.drop(columns=columns)"
    assert words_of("for df in (a, b): df.reset_index(inplace=True)") == "for df in (a, b): df.reset_index(inplace=True)"
    loop = "for df in (a, b):\n    df.drop(names, inplace=True, axis=1)\n    add_datepart(df, 'Date')"
    assert words_of(loop) == "for df in (a, b):\n    df.drop(columns=names, inplace=True)\n    add_datepart(df, 'Date')"
    assert words_of("both = train[names].append(test[names])") == "both = pd.concat([train[names], test[names]])"
    assert words_of("x = pd.to_datetime(df.apply(f, axis=1).astype(pd.datetime))") == "x = pd.to_datetime(df.apply(f, axis=1))"


@pytest.mark.parametrize(
    ("cell", "today"),
    [
        (
            "metrics.log_loss(y, np.exp(learn.predict()))",
            "metrics.log_loss(y, np.exp(learn.predict().log_probabilities.numpy()))",
        ),
        ("log_preds = learn.predict()", "log_preds = learn.predict().log_probabilities.numpy()"),
        ("preds = learn.predict(True)", 'preds = learn.predict("test").probabilities.numpy()'),
        ("lrf = learn.lr_find()\nlearn.sched.plot(100)", "lrf = learn.lr_find()\nlrf.plot()"),
        ("learn.lr_find()\nlearn.sched.plot()", "search = learn.lr_find()\nsearch.plot()"),
        ("learn.sched.plot()", "learn.lr_find().plot()"),
        ("m.fit(lr, 3, metrics=[f])", "m.metrics = [f]; m.fit(lr, 3)"),
        ("m.fit(lr, 3, 1)", "m.fit(lr, 3, cycle_len=1)"),
        ('join_df(a, b, "k", suffix="_z")', 'join(a, b, "k", suffix="_z", validate="m:1")'),
        ("a.merge(b, how=h, left_on=l, right_on=r, suffixes=('', s))",) * 2,
    ],
)
def test_words_of_today_depend_on_the_cell(cell, today):
    assert words_of(cell) == today


MADE = "m = md.get_learner(emb_szs, n, 0.04, 1, [1000, 500], [0.001, 0.01])\n"


@pytest.mark.parametrize(
    ("cell", "today"),
    [
        ("preds = m.predict()", "preds = m.predict().values.numpy()"),
        ("log_preds = np.exp(m.predict(True))", 'log_preds = np.exp(m.predict("test").values.numpy())'),
        ("x, y = m.predict_with_targs()", "x, y = ((p := m.predict()).values.numpy(), p.targets.numpy())"),
        ("preds = learn.predict()", "preds = learn.predict().probabilities.numpy()"),  # another learner
        ("preds = m.predict(val)",) * 2,  # scikit-learn's
    ],
)
def test_a_network_for_tables_predicts_numbers(cell, today, capsys):
    assert words_of(MADE + cell).splitlines()[1] == today
    lecture.translate(MADE, cell)
    assert ("# m.predict: numbers" in capsys.readouterr().out) == ("values" in today and "targs" not in cell)


def test_cells_that_belong_together_are_taken_as_one(capsys):
    lecture.translate("preds = learn.predict()\nlearn.lr_find()", "np.exp(preds)\nlearn.sched.plot()")
    assert capsys.readouterr().out.startswith(
        "preds = learn.predict().log_probabilities.numpy()\nsearch = learn.lr_find()\n\nnp.exp(preds)\nsearch.plot()\n\n# "
    )
    words = words_of("log_preds, y = learn.TTA()\n\nprobs = np.mean(np.exp(log_preds), 0)")
    assert words.endswith("\n\nprobs = np.exp(log_preds)")


def test_star_imports_become_what_the_cells_use():
    cell = "from fastai.imports import *\nfrom fastai.plots import *\n"
    cell += "for name in glob('*'): print(os.path.abspath(name), T(np.ones(2)))"
    assert words_of(cell) == (
        "import numpy as np\nimport os\nimport torch\nfrom glob import glob\n"
        "for name in glob('*'): print(os.path.abspath(name), torch.as_tensor(np.ones(2)))"
    )
    assert words_of("from fastai.dataset import *") == "from course_utils.vision import ImageData"
    own = "from fastai.structured import *\ndf, y, nas = proc_df(df, 'Sales')"
    assert words_of(own).startswith("from course_utils.lecture import proc_df\n")


def test_what_has_no_line_of_its_own_today_stays_and_is_told_of(capsys):
    for cell, told in (
        ("x, y, nas, mapper = proc_df(df, 'Sales', do_scale=True)", "# proc_df: of course_utils.tabular"),
        ("df.apply(lambda row: row.a + row.b, axis=1)", "# df.apply: a column at once"),
        ("trn_tfms, val_tfms = tfms_from_model(arch, sz)", "# tfms_from_model: where both are asked for"),
        ("for df in (a, b): add_datepart(df, 'Date')", "# add_datepart: a table is given back"),
        ("names = ds.fnames", "# ds.fnames: the names are those of the data"),
        ("get_elapsed('Promo', 'After')", "# get_elapsed: a column at once"),
        ("preds = learn.predict_array(im[None])", "# learn.predict_array: of a picture by its file"),
    ):
        lecture.translate(cell)
        out = capsys.readouterr().out
        assert out.startswith(cell + "\n\n" + told), out


def test_keys_of_two_names_join_as_then():
    tables = {
        "left": pd.DataFrame({"file": ["a", "b", "a"]}),
        "right": pd.DataFrame({"StateName": ["a", "b"], "State": ["AA", "BB"]}),
    }
    joined = eval(words_of('join_df(left, right, "file", "StateName")'), tables)
    assert joined.State.tolist() == ["AA", "BB", "AA"]


class Views:
    """Stands in for a learner: pictures with several labels, whose probabilities and targets are known."""

    values = torch.tensor([[0.9, 0.1], [0.22, 0.8]])
    targets = torch.tensor([[1.0, 0.0], [1.0, 1.0]])

    def tta(self, split="valid", n=4):
        return Predictions(self.values, self.targets if split == "valid" else None, ["a", "b"], ["x", "y"])

    predict = tta


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("multi_preds, y = learn.TTA()\nfound = f2(multi_preds, y)", 1.0),
        ("tta = learn.TTA()\nfound = f2(*tta)", 1.0),
        ("found = f2(*learn.TTA())", 1.0),
        ("found = learn.TTA()[0]", Views.values),
        ("found = learn.TTA(n_aug=2, is_test=True)[0]", Views.values),
        ("found = learn.predict()", Views.values),
        ("log_preds, y = learn.TTA()\nfound = np.mean(np.exp(log_preds), 0)", Views.values),
        ("p, y = learn.TTA()\nfound = p.mean(axis=0)", Views.values.mean(0)),
    ],
)
def test_translated_predictions_are_what_they_were(cell, wanted):
    names = {"learn": Views(), "np": np, "best_threshold": training.best_threshold}
    exec(words_of(cell), names)
    np.testing.assert_allclose(names["found"], wanted, rtol=1e-6)
