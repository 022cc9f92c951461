"""Threads that decode: how many, and the memory that they share."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from weakref import WeakSet


def usable_cpus() -> int:
    """How many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Room:
    """Bytes of memory that threads share: one that needs more than is left waits until others have given theirs back.

    >>> room = Room(100)
    >>> with room.taken(60), room.taken(40):
    ...     room.left
    0
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._begin()
        _rooms.add(self)

    def _begin(self) -> None:
        self._taken: dict[object, int] = {}
        self._changed = threading.Condition()

    @property
    def left(self) -> int:
        """How much nobody has."""
        return self.size - sum(self._taken.values())

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Have `size` bytes, or all there are, for the length of the block."""
        block, changed = object(), self._changed
        size = min(size, self.size)
        try:
            with changed:
                changed.wait_for(lambda: size <= self.left)
                self._taken[block] = size
            yield
        finally:  # also of an interrupt on the way in
            with changed:
                self._taken.pop(block, None)
                changed.notify_all()


_rooms: "WeakSet[Room]" = WeakSet()


def _empty_after_a_fork() -> None:
    """A new process has the one thread that forked: no other will ever give back what it took, or the lock that it held."""
    for room in list(_rooms):
        room._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_empty_after_a_fork)
