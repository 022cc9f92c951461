"""Nothing in the package is only for Linux: what Windows and macOS lack is asked for before it is used."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader

ROOT = Path(__file__).parents[1]
ONLY_UNIX = (
    *("chown", "fork", "forkpty", "getegid", "geteuid", "getgid", "getgroups", "getloadavg", "getpgid", "getuid", "killpg"),
    *("mkfifo", "nice", "posix_fadvise", "posix_fallocate", "pread", "pwrite", "register_at_fork", "sched_getaffinity"),
    *("sched_setaffinity", "sendfile", "setpgid", "setsid", "statvfs", "sync", "sysconf", "sysconf_names", "uname", "wait"),
    *("fchmod", "fchown", "lchown", "memfd_create", "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK"),
)
MODULES = {"crypt", "fcntl", "grp", "nis", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
ON_WINDOWS = {"SIGINT", "SIGTERM", "SIGABRT", "SIGBREAK", "SIGFPE", "SIGILL", "SIGSEGV"}
FORBIDDEN = '<>:"|?*\\'
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def found(tree):
    """What a piece of source uses that not every system has, each with what stands around it."""
    around = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    def guarded(node, name):
        while node in around:
            node = around[node]
            if isinstance(node, ast.Try) and any("ImportError" in ast.unparse(h.type or ast.Name("")) for h in node.handlers):
                return True
            choice = isinstance(node, ast.If | ast.IfExp | ast.BoolOp | ast.FunctionDef)
            if choice and f"hasattr(os, '{name}')" in ast.unparse(node):
                return True
        return False

    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module, name = node.value.id, node.attr
            if module == "os" and name in ONLY_UNIX and not guarded(node, name.removesuffix("_names")):
                yield f"os.{name}"
            if module == "signal" and name.startswith("SIG") and name not in ON_WINDOWS:
                yield f"signal.{name}"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (f"import {name}" for name in names if name in MODULES and not guarded(node, name))
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            given = {word.arg for word in node.keywords}
            if called in ("read_text", "write_text") and "encoding" not in given:
                yield f"{called} in the system's own encoding"
            if "preexec_fn" in given or "start_new_session" in given:
                yield "a process started as on Unix"
        elif isinstance(node, ast.Constant) and str(node.value).startswith(("/tmp", "/dev/", "/var/")):
            yield node.value


def test_what_only_unix_has_is_asked_for_first():
    sources = list((ROOT / "course_utils").rglob("*.py"))
    assert len(sources) > 300
    used = [(path.relative_to(ROOT), name) for path in sources for name in found(ast.parse(path.read_text(encoding="utf-8")))]
    assert used == []


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("os.getuid()", ["os.getuid"]),
        ("os.getuid() if hasattr(os, 'getuid') else 0", []),
        ("def f():\n    if not hasattr(os, 'sysconf'): return\n    os.sysconf(1)", []),
        ("import fcntl", ["import fcntl"]),
        ("try:\n    import fcntl\nexcept ImportError: pass", []),
        ("child.send_signal(signal.SIGKILL)", ["signal.SIGKILL"]),
        ("path.read_text()", ["read_text in the system's own encoding"]),
        ("open('/tmp/x')", ["/tmp/x"]),
    ],
)
def test_the_search_finds_and_spares(source, what):
    assert list(found(ast.parse(source))) == what


def test_the_list_of_names_is_right():
    assert all(hasattr(os, name) for name in ONLY_UNIX) or sys.platform != "linux"
    assert all(hasattr(signal, name) for name in ON_WINDOWS - {"SIGBREAK"})


def test_every_file_can_have_its_name_on_windows_and_none_differs_in_case_alone():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a clone")
    names = [name for name in listed.stdout.decode().split("\0") if name]
    assert len(names) > 300
    for name in names:
        for part in name.split("/"):
            assert not set(part) & set(FORBIDDEN), name
            assert part.split(".")[0].lower() not in RESERVED, name
            assert part == part.rstrip(". "), name
    assert len({name.lower() for name in names}) == len(names)


def test_loaders_of_ones_own_work_with_processes_that_are_started_anew(tmp_path, monkeypatch):
    """As on Windows and macOS, where a worker gets the dataset pickled and not by a fork."""
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None, raising=False)  # which a process of pytest-xdist has not
    from PIL import Image

    from course_utils.vision import ImageData, transforms_for

    for number in range(8):
        folder = tmp_path / ("train" if number % 4 else "valid") / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 40), (number, 2 * number, 3 * number)).save(folder / f"{number}.png")
    for number in (0, 1):
        (tmp_path / "valid" / "ab"[number]).mkdir(exist_ok=True, parents=True)
        Image.new("RGB", (40, 40)).save(tmp_path / "valid" / "ab"[number] / "x.png")
    data = ImageData.from_folders(tmp_path, transforms_for("efficientnet_lite0", 32, augment=None))
    loader = DataLoader(data.valid_ds, batch_size=2, num_workers=1, multiprocessing_context="spawn")
    anew = torch.cat([images for images, _ in loader])
    assert torch.equal(anew, torch.stack([data.valid_ds[i][0] for i in range(len(data.valid_ds))]))
