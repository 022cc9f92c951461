"""Memory that one step of training frees and the next one asks for again: kept in between, instead of given back."""

import ctypes
import functools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

# what glibc's mallopt(3) can set, and the values to which glibc itself comes in a program that frees large blocks
TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4
USUAL = {MMAP_THRESHOLD: 2**25, TRIM_THRESHOLD: 2**26, MMAP_MAX: 65_536}
KEEPING = {MMAP_MAX: 0, TRIM_THRESHOLD: 2**31 - 1}

_blocks, _lock = 0, threading.Lock()


@contextmanager
def memory_kept(device: torch.device | str = "cpu") -> Iterator[None]:
    """Let memory that is freed stay with this process inside of the block, and give it back to the system at its end.

    A step frees the activations of all layers, some of a hundred megabytes, and the next step asks for the same again. glibc
    may give such blocks back at once, and the system hands them out anew, filled with zeros, one page of 4 kB at a time: a
    tenth or more of a step on CPUs. After a fit, in turn, it may hold gigabytes that others could use. Blocks may lie in each
    other. Without glibc (Windows, macOS), and on GPUs, whose memory PyTorch keeps itself, nothing is different inside.

    >>> with memory_kept(), memory_kept():
    ...     torch.zeros(2).sum()
    tensor(0.)
    """
    global _blocks
    libc = _glibc() if torch.device(device).type == "cpu" else None
    if libc is None:
        yield
        return
    with _lock:
        _blocks += 1
        if _blocks == 1:
            _set(libc, KEEPING)
    try:
        yield
    finally:
        with _lock:
            _blocks -= 1
            if _blocks == 0:
                _set(libc, USUAL)
                libc.malloc_trim(USUAL[TRIM_THRESHOLD])


def _set(libc: ctypes.CDLL, options: dict[int, int]) -> None:
    for option, value in options.items():
        libc.mallopt(option, value)


@functools.cache
def _glibc() -> ctypes.CDLL | None:
    """The C library of this process, where it is glibc."""
    try:
        return ctypes.CDLL(None) if os.confstr("CS_GNU_LIBC_VERSION") else None
    except (AttributeError, OSError, TypeError, ValueError):  # Windows has no confstr, other libraries no such name
        return None
