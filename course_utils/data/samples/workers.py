"""Sharing the drawing of a set of pictures among processes."""

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

from course_utils.errors import CourseError
from course_utils.system_errors import system_error

_REFUSED = "the system says"
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOMEM}


class DrawingError(CourseError):
    """A process that was drawing pictures failed."""


def draw_in_processes(module: str, total: int, arguments: dict[str, Any], processes: int | None = None) -> None:
    """Call `draw_share(**arguments, share=k, shares=n)` of a module in n processes (default: one per core, at most 8).

    `draw_share` draws every n-th picture from the k-th on and yields after each; `arguments` must survive JSON. A bar shows the
    progress in a terminal or a notebook. The processes are fresh interpreters, not `multiprocessing`: that works alike from
    a notebook and from a script without `if __name__ == "__main__"`, on every system, and never forks a process with threads.

    Raises:
        DrawingError: a process failed; its own message is included. The others are stopped.
    """
    from tqdm.auto import tqdm

    processes = min(os.cpu_count() or 1, 8) if processes is None else processes
    processes = max(1, min(processes, total))
    with tqdm(total=total, desc="drawing", unit="picture", disable=None, leave=False) as bar:
        if processes == 1:
            for _ in _function(module)(**arguments, share=0, shares=1):
                bar.update()
            return
        children = [_start(module, {**arguments, "share": share, "shares": processes}) for share in range(processes)]
        try:
            with ThreadPoolExecutor(processes) as pool:
                try:
                    failures = [message for message in pool.map(lambda child: _follow(child, bar.update), children) if message]
                except BaseException:
                    _stop(children)  # first, since the pool waits for threads that wait for them
                    raise
        finally:
            _stop(children)
    if failures and (refused := re.search(rf"^{_REFUSED} (\d+)$", failures[0], re.MULTILINE)):
        raise OSError(int(refused[1]), os.strerror(int(refused[1])))  # as if it had happened here
    if failures:
        raise DrawingError(
            f"drawing the sample failed in {len(failures)} of {processes} processes; the first said:\n{failures[0]}"
        )


def _function(module: str) -> Callable[..., Iterator[None]]:
    function: Callable[..., Iterator[None]] = import_module(module).draw_share
    return function


def _start(module: str, arguments: dict[str, Any]) -> "subprocess.Popen[bytes]":
    package_root = Path(__file__).parents[3]
    paths = [str(package_root), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", f"from {__name__} import _serve; _serve()", module, json.dumps(arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environment)


def _serve() -> None:
    """Draw one share in a process of its own; a byte on standard output for each picture is the progress."""
    module, arguments = sys.argv[1:]
    try:
        for _ in _function(module)(**json.loads(arguments)):
            sys.stdout.buffer.write(b".")
            sys.stdout.buffer.flush()  # fails if nobody listens any more, which ends this process too
    except Exception as error:
        number = system_error(error.__cause__ if isinstance(error, CourseError) else error)
        if number in _OF_THE_MACHINE:  # another place may do; anything else is ours to explain
            print(_REFUSED, number, file=sys.stderr)
        raise


def _follow(child: "subprocess.Popen[bytes]", advance: Callable[[int], Any]) -> str:
    """Pass on the progress of a process until it ends; give what it said if it failed."""
    assert child.stdout is not None
    assert child.stderr is not None
    while dots := child.stdout.read1(64):  # type: ignore[attr-defined]
        advance(len(dots))
    message = child.stderr.read().decode(errors="replace").strip()
    code = child.wait()
    if code == -9:  # the system's way where memory runs out
        message = f"{_REFUSED} {errno.ENOMEM}"
    return (message or f"exit code {code}") if code else ""


def _stop(children: "list[subprocess.Popen[bytes]]") -> None:
    for child in children:
        child.kill()
        child.wait()
        for stream in (child.stdout, child.stderr):
            if stream is not None:
                stream.close()
