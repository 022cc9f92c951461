"""Each host is known by what it leaves in the environment, and its advice is its own."""

import sys
from dataclasses import fields
from types import SimpleNamespace

import pytest

from course_utils import hosts
from course_utils.hosts import COLAB, HUB, JUPYTER, KAGGLE, TERMINAL, VS_CODE, host, installing

LEFT_BY_HOSTS = (
    *("KAGGLE_KERNEL_RUN_TYPE", "COLAB_RELEASE_TAG", "JUPYTERHUB_SERVICE_PREFIX", "JUPYTERHUB_USER"),
    *("VSCODE_PID", "JPY_SESSION_NAME"),
)


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Become a machine with these variables, modules and names in the notebook; returns the project's folder."""

    def become(variables=(), modules=(), kernel=False, names=(), checkout=True, venv=None):
        for name in LEFT_BY_HOSTS:
            monkeypatch.delenv(name, raising=False)
        for name in variables:
            monkeypatch.setenv(name, "something")
        for name in modules:
            monkeypatch.setitem(sys.modules, name, SimpleNamespace())
        shell = SimpleNamespace(user_ns=dict.fromkeys(names), **({"kernel": object()} if kernel else {}))
        monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
        project = tmp_path / "project"
        project.mkdir(exist_ok=True)
        if checkout:
            (project / "pyproject.toml").touch()
        if venv is not None:
            (project / ".venv").mkdir()
            monkeypatch.setattr(sys, "prefix", str(project / ".venv" if venv else tmp_path))
        monkeypatch.setattr(hosts, "PROJECT", project)
        return project

    return become


HOSTS = [
    ({}, TERMINAL),
    ({"variables": ["VSCODE_PID", "TERM_PROGRAM"]}, TERMINAL),
    ({"kernel": True}, JUPYTER),
    (
        {"kernel": True, "variables": ["VSCODE_PID", "JPY_SESSION_NAME"]},
        JUPYTER,
    ),  # JupyterLab, started from a terminal of VS Code
    ({"kernel": True, "variables": ["VSCODE_PID"]}, VS_CODE),
    ({"kernel": True, "names": ["__vsc_ipynb_file__"]}, VS_CODE),
    ({"kernel": True, "variables": ["JUPYTERHUB_SERVICE_PREFIX"]}, HUB),
    ({"variables": ["JUPYTERHUB_USER"]}, HUB),
    ({"kernel": True, "variables": ["COLAB_RELEASE_TAG"]}, COLAB),
    ({"kernel": True, "modules": ["google.colab"]}, COLAB),
    ({"kernel": True, "variables": ["KAGGLE_KERNEL_RUN_TYPE"], "modules": ["google.colab"]}, KAGGLE),
]


@pytest.mark.parametrize(("machine_is", "expected"), HOSTS)
def test_a_host_is_known(machine, machine_is, expected):
    machine(**machine_is)
    assert host() is expected


@pytest.mark.parametrize(("machine_is", "expected"), HOSTS)
@pytest.mark.parametrize("checkout", [True, False])
def test_advice_is_the_hosts_own(machine, monkeypatch, machine_is, expected, checkout):
    machine(**machine_is, checkout=checkout)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    advice = installing("timm")
    own = {COLAB: "Runtime > Restart session", KAGGLE: "Internet on", HUB: "%pip install timm"}
    if expected in own:
        assert own[expected] in advice
        assert "make" not in advice
        assert "%pip install timm" in advice
    elif checkout:
        assert "make setup" in advice
    else:
        assert ("%pip" in advice) == expected.notebook
        assert "pip install timm" in advice
    phrases = " ".join(str(getattr(expected, field.name)) for field in fields(expected)) + advice
    for other, words in ((COLAB, "Runtime >"), (KAGGLE, "Settings >"), (VS_CODE, "Select Kernel"), (HUB, "the hub")):
        assert (words in phrases) == (expected is other), words


def test_in_the_project_it_is_the_way_that_it_was_set_up(machine, monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    machine(venv=True)
    assert installing("timm") == "in the project's folder: make setup"
    monkeypatch.setattr("shutil.which", lambda name: None)  # Windows
    assert installing("timm").endswith('-m pip install -c constraints.txt -e ".[lab]"')
    (tmp_path / "project" / ".venv" / "conda-meta").mkdir()
    assert installing("timm") == "in the project's folder: conda env update -f environment.yml"


def test_a_kernel_that_is_not_the_projects_is_said(machine, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    machine(kernel=True, variables=["VSCODE_PID"], venv=False)
    assert installing("timm") == "choose the project's own .venv: Select Kernel, at the top right of the notebook"


def test_a_python_with_a_space_in_its_path_is_quoted(machine, monkeypatch):
    machine(checkout=False)
    monkeypatch.setattr(sys, "executable", "C:/Program Files/python.exe")
    assert installing("timm") == '"C:/Program Files/python.exe" -m pip install timm'


def test_an_environment_that_uv_made_has_no_pip_and_is_mended_with_uv(machine, monkeypatch):
    monkeypatch.setattr(hosts, "find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(sys, "executable", "/env/bin/python")
    machine(checkout=False)
    assert installing("timm") == "uv pip install --python /env/bin/python timm"
    machine(checkout=False, kernel=True)
    assert installing("timm").startswith("run !uv pip install --python /env/bin/python timm in a cell")
    machine(venv=True)
    assert installing("timm") == "in the project's folder: uv sync --extra lab"
