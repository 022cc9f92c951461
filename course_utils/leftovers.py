"""Temporary files and folders: named after the process that makes them, and removed by others when that was killed."""

import hashlib
import os
import platform
import re
import secrets
import shutil
import time
from functools import cache
from pathlib import Path

_OURS = re.compile(r"\..*-(?P<machine>[0-9a-f]{6})-(?P<process>\d+)-[0-9a-f]{8}(\.[^.]*)?", re.DOTALL)
_OLD = 24 * 3600  # seconds without a change, after which a process that cannot be asked for is taken for dead
_LONGEST = 80  # bytes of the name that are kept; a file system takes 255 for all of it

_next_look: dict[str, float] = {}


def part_name(name: str, suffix: str) -> str:
    """A hidden name for a part of `name`, which tells who is making it.

    >>> part_name("weights", ".safetensors")
    '.weights-...safetensors'
    """
    short = os.fsencode(name)[:_LONGEST].decode("utf-8", "ignore")
    return f".{short}-{_machine()}-{os.getpid()}-{secrets.token_hex(4)}{suffix}"


def is_part(name: str) -> bool:
    """Tell whether a file or folder of this name is a part that somebody is making.

    >>> is_part(part_name("weights", ".safetensors")), is_part(".weights.safetensors")
    (True, False)
    """
    return _OURS.fullmatch(name) is not None


def tidy(folder: str | os.PathLike[str]) -> None:
    """Remove what processes that are not alive any more were making in `folder`; what cannot be removed stays.

    Of another machine's processes, on a shared drive, only parts that have not changed for a day are. Looking takes up to a
    hundredth of the time: where a folder is large, it is not done at each call.
    """
    place, start = os.path.abspath(folder), time.monotonic()
    if start < _next_look.get(place, 0):
        return
    try:
        with os.scandir(place) as entries:
            found = [(entry.path, match) for entry in entries if (match := _OURS.fullmatch(entry.name))]
        for path, match in found:
            if _is_dead(match["machine"], int(match["process"]), path):
                _remove(path)
    except OSError:
        pass  # tidying is a favour: it never stops what was asked for
    now = time.monotonic()
    _next_look[place] = now + 100 * (now - start)


def _is_dead(machine: str, process: int, path: str) -> bool:
    if machine == _machine() and os.name == "posix":
        return process != os.getpid() and not _alive(process)
    return time.time() - _last_change(path) > _OLD


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)  # asks only; on Windows this would end it
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True


def _last_change(path: str) -> float:
    newest = os.lstat(path).st_mtime
    for folder, _, files in os.walk(path):
        newest = max(newest, os.stat(folder).st_mtime, *(os.lstat(os.path.join(folder, file)).st_mtime for file in files[:1]))
    return newest


def _remove(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        Path(path).unlink(missing_ok=True)


@cache
def _machine() -> str:
    """Six digits for what numbers of processes belong to: a machine since it was started, and a container on it."""
    about = [platform.node()]
    for file in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            about.append(os.readlink(file) if file.endswith("pid") else Path(file).read_text(encoding="ascii"))
        except OSError:  # not Linux
            about.append("")
    return hashlib.blake2b("\n".join(about).encode("utf-8", "replace"), digest_size=3).hexdigest()
