"""How many threads PyTorch computes in."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch compute in one thread: several wait for each other most of the time if the work is small or others work too.

    PyTorch keeps that number for each thread that calls it; it is put back in the one that the block is in.

    >>> before = torch.get_num_threads()
    >>> with one_thread(), one_thread():
    ...     torch.get_num_threads()
    1
    >>> torch.get_num_threads() == before
    True
    """
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(threads)
