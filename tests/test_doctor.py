"""What the doctor looks at, and how it shows it in a notebook; what `course doctor` prints is in test_cli."""

import html
import importlib.metadata
import re

import pytest

from course_utils import doctor, hosts
from course_utils.doctor import Check, Report, check_machine
from course_utils.hosts import COLAB, KAGGLE, TERMINAL, VS_CODE


def on(monkeypatch, host, project=None):
    """Run on another host, from the project's folder or, by default, an installed package."""
    for module in (doctor, hosts):
        monkeypatch.setattr(module, "host", lambda: host)
        monkeypatch.setattr(module, "checkout", lambda: project)


def unfit(*arguments):
    raise RuntimeError("operator torchvision::nms does not exist")


def test_a_torch_and_torchvision_that_do_not_fit_are_found(monkeypatch):
    monkeypatch.setattr("torchvision.ops.nms", unfit)
    check = doctor._pytorch()
    assert check.ok is False
    assert "do not fit together" in check.found


@pytest.mark.parametrize(
    ("host", "project", "advice"),
    [
        (COLAB, True, "choose Runtime > Disconnect and delete runtime"),
        (KAGGLE, False, "choose Run > Factory reset"),
        (TERMINAL, False, "-m pip install --force-reinstall torch torchvision"),
        (TERMINAL, True, "rm -r .venv && make setup"),
    ],
)
def test_they_are_mended_as_the_host_does_it(monkeypatch, tmp_path, host, project, advice):
    monkeypatch.setattr("torchvision.ops.nms", unfit)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    on(monkeypatch, host, tmp_path if project else None)
    assert advice in doctor._pytorch().advice


@pytest.mark.parametrize(("host", "missing"), [(TERMINAL, ["jupyterlab"]), (COLAB, []), (VS_CODE, [])])
def test_jupyterlab_is_looked_for_where_the_host_brings_no_page_of_its_own(monkeypatch, host, missing):
    def version(name):
        if name == "jupyterlab":
            raise importlib.metadata.PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(doctor, "version", version)
    on(monkeypatch, host)
    check = doctor._jupyter()
    assert check.ok is not bool(missing)
    assert [name for name in ("jupyterlab", "ipykernel") if name in check.advice] == missing


def test_on_kaggle_no_sign_in_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.setattr("kagglehub.config.get_kaggle_credentials", lambda: None)
    monkeypatch.delenv("KAGGLE_API_TOKEN", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    on(monkeypatch, KAGGLE)
    assert "Add Input" in doctor._kaggle().advice
    on(monkeypatch, TERMINAL)
    assert "kagglehub.login()" in doctor._kaggle().advice


def test_a_package_that_is_missing_is_named_in_the_advice(monkeypatch):
    def _vision():
        raise ModuleNotFoundError("No module named 'timm.models'", name="timm.models")

    monkeypatch.setattr(doctor, "CHECKS", (_vision,))
    on(monkeypatch, VS_CODE)
    (check,) = check_machine().checks
    assert check.name == "vision"
    assert "%pip install timm in a cell" in check.advice


def test_a_notebook_shows_a_table_with_the_same_words(monkeypatch):
    found = (
        Check("<b>", True, "1 & 2", ""),
        Check("GPU", None, "none", "'without'"),
        Check("disk", False, "full\x1b[2J", "make room <now>"),
    )
    report = Report(found)
    assert str(report) == repr(report)
    assert str(report).splitlines() == [
        "ok      <b>          1 & 2",
        "without GPU          none  'without'",
        "missing disk         full\\x1b[2J  make room <now>",
        "Fix what is missing, then check again.",
    ]
    cells = re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", report._repr_html_())
    assert [html.unescape(cell) for cell in cells] == [
        *("", "what", "found", "what to do"),
        *("ok", "<b>", "1 & 2", ""),
        *("without", "GPU", "none", "'without'"),
        *("missing", "disk", "full\\x1b[2J", "make room <now>"),
    ]
    assert report.verdict in report._repr_html_()
    assert not report.ready
    assert Report(found[:2]).ready
    assert Report(found[:2]).verdict == "Ready for the lessons."
