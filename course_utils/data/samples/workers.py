"""Drawing the pictures of a set, shared among processes.

The maker of a set is a module with `pictures(sizes, seed)`, which lists the pictures, each with its `path` in the folder of the
set, and `drawn(picture, seed)`, which draws one and says in what quality its JPEG is stored. A picture depends on nothing but
itself and the seed, so that any process may draw it.
"""

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
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


def draw_pictures(
    maker: str, folder: str | os.PathLike[str], sizes: Mapping[str, Any], seed: int = 0, processes: int | None = None
) -> None:
    """Draw the set of a maker, the name of its module, into a folder in n processes (default: one per core, at most 8).

    The k-th process draws every n-th picture from the k-th on. A bar shows the progress in a terminal or a notebook. The
    processes are fresh interpreters, not `multiprocessing`: that works alike from a notebook and from a script without
    `if __name__ == "__main__"`, on every system, and never forks a process with threads. `sizes` must survive JSON.

    Raises:
        DrawingError: a process failed; its own message is included. The others are stopped.
    """
    from tqdm.auto import tqdm

    chosen = import_module(maker).pictures(sizes, seed)
    for parent in {Path(folder, picture.path).parent for picture in chosen}:
        parent.mkdir(parents=True, exist_ok=True)
    processes = min(os.cpu_count() or 1, 8) if processes is None else processes
    processes = max(1, min(processes, len(chosen)))
    with tqdm(total=len(chosen), desc="drawing", unit="picture", disable=None, leave=False) as bar:
        if processes == 1:
            for _ in _draw_share(maker, folder, sizes, seed, 0, 1):
                bar.update()
            return
        share_of = [maker, os.fspath(folder), sizes, seed]
        children = [_start([*share_of, share, processes]) for share in range(processes)]
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


def _draw_share(
    maker: str, folder: str | os.PathLike[str], sizes: Mapping[str, Any], seed: int, share: int, shares: int
) -> Iterator[None]:
    """Draw one of several equal shares of a set into folders that exist, yielding after each picture."""
    module = import_module(maker)
    for picture in module.pictures(sizes, seed)[share::shares]:
        image, quality = module.drawn(picture, seed)
        image.save(Path(folder, picture.path), "JPEG", quality=quality)
        yield


def _start(arguments: list[Any]) -> "subprocess.Popen[bytes]":
    package_root = Path(__file__).parents[3]
    paths = [str(package_root), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", f"from {__name__} import _serve; _serve()", json.dumps(arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environment)


def _serve() -> None:
    """Draw one share in a process of its own; a byte on standard output for each picture is the progress."""
    try:
        for _ in _draw_share(*json.loads(sys.argv[1])):
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
