"""A way to run the widgets' JavaScript without a browser."""

import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from course_utils.widgets.base.bundle import Bundle


@pytest.fixture(scope="session")
def node():
    """The Node of this machine, or the one that Playwright brings along."""
    if found := shutil.which("node"):
        return found
    if (playwright := find_spec("playwright")) and playwright.origin:
        bundled = Path(playwright.origin).parent / "driver" / "node"
        if bundled.is_file():
            return str(bundled)
    pytest.skip("Node is missing: apt-get install nodejs, or pip install playwright, which has one inside")


@pytest.fixture(scope="session")
def run(node):
    """Evaluate an expression in which `it` is what a module of JavaScript exports and `given` is a value of Python's."""

    def evaluate(module, expression, given=None):
        bundle = Bundle()
        name = bundle.add(module)
        # JSON has no inf and nan: what is computed may be one, and travels as its name.
        text = "(key, value) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value)"
        script = f"{bundle.text}\nconst it = {name};\nconst given = {json.dumps(given)};\n"
        script += f"process.stdout.write(JSON.stringify({expression}, {text}) ?? 'null');"
        command = [node, "--input-type=module", "-"]
        done = subprocess.run(command, input=script, capture_output=True, text=True, timeout=60, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return evaluate
