"""`make setup` against a pip that fails in each of its ways."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "tools" / "install.sh"
NO_NETWORK = (
    "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError(\"Failed to establish a new connection: "
    "[Errno 111] Connection refused\")': /torch/\n"
)
NONE = "ERROR: No matching distribution found for torch==2.6.0\nERROR: Could not find a version (from versions: none)\n"
GONE = (
    "ERROR: Could not find a version that satisfies the requirement soupsieve==2.6.1 (from versions: 2.6, 2.7)\n"
    "ERROR: No matching distribution found for soupsieve==2.6.1\n"
)
IMPOSSIBLE = (
    "ERROR: Cannot install soupsieve because these package versions have conflicting dependencies.\n"
    "ERROR: ResolutionImpossible: for help visit the documentation\n"
)
FULL = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"


@pytest.fixture
def install(tmp_path):
    """Run the script with a Python that says what it is told to; gives exit code, output, and how often pip was called."""

    def command(*answers):
        for number, answer in enumerate(answers, 1):
            (tmp_path / str(number)).write_text(answer)
        python = tmp_path / "python"
        python.write_text(
            f'#!/bin/sh\ncase "$*" in "-m pip "*) ;; *) echo "$*" >> {tmp_path}/others; exit 0 ;; esac\n'
            f'echo "$*" >> {tmp_path}/calls\nn=$(wc -l < {tmp_path}/calls)\nn=$((n))\n'
            f"cat {tmp_path}/$n >&2\n[ ! -s {tmp_path}/$n ]\n"
        )
        python.chmod(0o755)
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        done = subprocess.run(["sh", SCRIPT, python, ".[x]"], capture_output=True, text=True, env=environment, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr, (tmp_path / "calls").read_text().splitlines()

    return command


def test_the_pinned_versions_are_installed_once_and_compiled_and_nothing_is_said(install, tmp_path):
    code, said, calls = install("")
    assert (code, said, len(calls)) == (0, "", 1)
    assert calls[0].endswith("-c constraints.txt -e .[x]")
    assert "-m compileall" in (tmp_path / "others").read_text()


@pytest.mark.parametrize(
    "answer", [NO_NETWORK + GONE, NO_NETWORK + NONE, NONE, "ERROR: Could not install packages due to an OSError: ProxyError\n"]
)
def test_without_a_network_it_says_so_and_tries_nothing_else(install, answer):
    code, said, calls = install(answer)
    assert code == 1
    assert said.startswith(answer)
    assert "No network" in said
    assert len(calls) == 1


@pytest.mark.parametrize("answer", [GONE, IMPOSSIBLE])
def test_other_versions_are_tried_where_one_was_withdrawn(install, answer):
    code, said, calls = install(answer, "")
    assert code == 0
    assert "no longer available" in said
    assert [("constraints.txt" in call) for call in calls] == [True, False]


@pytest.mark.parametrize("answer", [FULL, NO_NETWORK + FULL, "error: subprocess-exited-with-error\n"])
def test_any_other_failure_is_pips_own_message(install, answer):
    code, said, calls = install(answer)
    assert code == 1
    assert said == answer + "Nothing was installed; what pip said is above.\n"
    assert len(calls) == 1


def test_a_network_that_fails_on_the_way_is_said_too(install):
    code, said, calls = install(GONE, NO_NETWORK + NONE)
    assert code == 1
    assert "No network" in said
    assert len(calls) == 2
