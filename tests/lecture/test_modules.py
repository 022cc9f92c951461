"""Modules under the lecture's names: there while the extension is loaded, and what they give."""

import subprocess
import sys

import pytest

from course_utils.errors import CourseError
from course_utils.lecture import modules, namespace


def test_loading_is_fast_and_changes_nothing_but_the_names(session):
    session("before = __import__('numpy').get_printoptions()")
    session("from fastai.imports import *")
    assert session["datetime"].__name__ == "datetime"
    assert session["metrics"].__name__ == "sklearn.metrics"
    assert callable(session["glob"])
    assert session["np"].get_printoptions()["precision"] == 5
    session("%unload_ext course_utils.lecture")
    assert session["np"].get_printoptions() == session["before"]
    with pytest.raises(ModuleNotFoundError):
        session("import fastai")


def test_slow_libraries_come_when_something_of_them_is_asked_for():
    code = (
        "import sys\nfrom fastai.conv_learner import *\n"
        "slow = {'pandas', 'sklearn', 'matplotlib', 'IPython', 'keras', 'timm'}\n"
        "print(sorted(slow & sys.modules.keys()))\n"
        "assert type(pd.DataFrame({'a': [1]})).__name__ == 'DataFrame' and 'DataFrame' in dir(pd)\n"
        "sklearn.metrics.log_loss([0, 1], [0.5, 0.5]), matplotlib.pyplot.figure()\n"
        "plt.rcParams['animation.html'] == 'html5' or exit('no options')\n"
        "metrics.own = 5\nimport sklearn.metrics\nprint(sklearn.metrics.own)\n"
    )
    code = f"from course_utils.lecture import modules; modules.register()\n{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-3:] == ["[]", "5", ""]


def test_a_module_that_has_come_is_itself_from_the_next_cell_on(session):
    session("import json\nfrom course_utils.lecture.namespace import Later\nstood_for, later = Later('nothing'), Later('json')")
    assert session("later is json")
    assert isinstance(session["stood_for"], namespace.Later)


def test_every_module_gives_the_one_namespace(session):
    for name in ("transforms", "conv_learner", "model", "dataset", "sgdr", "plots", "structured", "column_data"):
        session(f"from fastai.{name} import *; found = (accuracy, np, plt, os)")
        assert session["found"][0].__name__ == "accuracy"


def test_a_module_or_name_that_the_lessons_do_not_use_is_explained(session):
    for line in ("import fastai.nlp", "from fastai.nlp import *", "from fastai.imports import TextCorpus"):
        with pytest.raises((CourseError, ImportError), match="lessons 1 to 3"):
            session(line)


def test_an_installed_package_of_the_name_is_left_alone(monkeypatch, tmp_path, capsys):
    (tmp_path / "isoweek.py").write_text("Week = 'real'\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("course_utils.lecture.messages._said", set())
    modules.register()
    try:
        import isoweek

        assert isoweek.Week == "real"
        assert "isoweek is installed here and is left alone" in capsys.readouterr().out
    finally:
        modules.unregister()
        sys.modules.pop("isoweek", None)


def test_a_script_gets_the_names_however_often_it_asks():
    from types import FunctionType

    import course_utils.lecture as lecture

    for _ in range(2):
        names = {}
        exec("from course_utils.lecture import *", names)
        assert isinstance(names["plots"], FunctionType)
        assert names["resnet34"].__name__ == "resnet34"
        assert names["ConvLearner"] is lecture.ConvLearner


def test_loading_again_after_unloading(session):
    session("%reload_ext course_utils.lecture")
    session("import fastai.conv_learner")
    session("%unload_ext course_utils.lecture")
    session("%load_ext course_utils.lecture")
    session("from fastai.plots import plots")
