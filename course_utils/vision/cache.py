"""Pictures decoded once: in memory up to a budget, then in a file on disk up to another."""

import mmap
import os
import shutil
import tempfile
import threading
import warnings
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import IO, Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from course_utils.vision.decoding.errors import ImageError
from course_utils.vision.images import read_image
from course_utils.vision.threads import usable_cpus

Pixels = NDArray[np.uint8]
MEMORY_BUDGET = 750_000_000  # bytes; some 4,300 photographs for training at 160 px
BLOCK = 2**26  # bytes asked of the system at a time; pictures kept one by one leave gaps between them that nothing else fills
OWN = ("memory_left", "disk_left", "_places", "_block", "_block_used", "_file", "_file_size", "_lock")  # no copy gets these
AHEAD = 128  # pictures that are decoded while those before them are in use


_caches: "WeakSet[PixelCache]" = WeakSet()  # of this process


def _begin_again_after_a_fork() -> None:
    for cache in list(_caches):
        cache._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again_after_a_fork)


class PixelCache:
    """The pictures of `paths`, each (height, width, 3) with shorter side `short_side`, decoded when first asked for.

    Decoded pictures stay in memory up to `memory` bytes. The rest go to a file without a name in `folder` (in the system's
    temporary folder if that cannot be written), up to `disk` bytes (half of the free space by default), which vanishes with the
    cache. What fits in neither is decoded each time.

    A cache belongs to one process. Where it is copied, pickled, or finds itself in a process that was forked, as in a
    DataLoader with workers, it begins empty, with the same budgets: two that wrote on from the same place in memory that they
    share, or in one file, would write over each other's pictures. Its threads may share it.

    Keeping a picture takes its room first, then fills it, and only then says where it is: an interrupt between any two of
    these leaves room that nobody uses, and no picture shows another's pixels.
    """

    def __init__(
        self,
        paths: Sequence[str | os.PathLike[str]],
        short_side: int,
        memory: int = MEMORY_BUDGET,
        disk: int | None = None,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        self.paths, self.short_side, self.folder = paths, short_side, folder
        self.memory, self.disk = memory, disk
        self._begin()

    def _begin(self) -> None:
        """Empty, and with nothing of what another process or another cache has."""
        self.memory_left, self.disk_left = self.memory, self.disk
        self._places: dict[int, Pixels | tuple[int, tuple[int, ...]]] = {}  # pixels, or offset in the file and shape
        self._block, self._block_used = np.empty(0, np.uint8), 0
        self._file: IO[bytes] | None = None
        self._file_size = 0
        self._lock = threading.Lock()
        _caches.add(self)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy gets: no pixels, lock or file."""
        return {name: value for name, value in self.__dict__.items() if name not in OWN}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()

    def __len__(self) -> int:
        return len(self.paths)

    def __contains__(self, row: object) -> bool:
        return row in self._places

    def __getitem__(self, row: int) -> Pixels:
        """One picture, not to be written to; raises ImageError if it cannot be read."""
        return next(self.pictures([row]))

    def pictures(self, rows: Sequence[int]) -> Generator[Pixels, None, None]:
        """The pictures of `rows` in that order; threads decode those not in the cache yet, some way ahead.

        Raises ImageError, in the thread of the caller, when it comes to a picture that cannot be read.
        """
        with closing(self.results(rows)) as results:
            for result in results:
                if isinstance(result, ImageError):
                    raise result
                yield result

    def results(self, rows: Sequence[int]) -> Generator[Pixels | ImageError, None, None]:
        """Like `pictures`, but gives the error in the place of a picture that cannot be read, and continues."""
        if all(row in self for row in rows):
            yield from map(self._stored, rows)
            return
        pool = ThreadPoolExecutor(min(usable_cpus(), len(rows)), thread_name_prefix="decode")
        waiting: deque[tuple[int, Future[Pixels | ImageError] | None]] = deque()
        try:
            for row in rows:
                waiting.append((row, None if row in self else pool.submit(self._decode, row)))
                if len(waiting) > AHEAD:
                    yield self._result(*waiting.popleft())
            while waiting:
                yield self._result(*waiting.popleft())
        finally:  # also when the caller stops half way
            pool.shutdown(cancel_futures=True)

    def _result(self, row: int, future: "Future[Pixels | ImageError] | None") -> Pixels | ImageError:
        if future is None:
            return self._stored(row)
        result = future.result()
        if not isinstance(result, ImageError):
            self._store(row, result)
        return result

    def _decode(self, row: int) -> Pixels | ImageError:
        try:
            return read_image(self.paths[row], self.short_side)
        except ImageError as error:
            return error.of_data()

    def _stored(self, row: int) -> Pixels:
        place = self._places[row]
        if isinstance(place, np.ndarray):
            return place
        offset, shape = place
        assert self._file is not None
        with self._lock:
            # Mapped for one use only: what stays mapped would count as memory of this process, in the end the whole file.
            return np.memmap(self._file, np.uint8, "r", offset, shape)

    def _store(self, row: int, pixels: Pixels) -> None:
        with self._lock:
            if row in self._places:
                return
            if pixels.nbytes <= self.memory_left:
                self._keep_in_memory(row, pixels)
            elif self._file_with_room_for(pixels.nbytes):
                self._keep_on_disk(row, pixels)

    def _keep_in_memory(self, row: int, pixels: Pixels) -> None:
        if self._block_used + pixels.nbytes > len(self._block):
            self._block = np.frombuffer(mmap.mmap(-1, max(BLOCK, pixels.nbytes)), np.uint8)
            self._block_used = 0
        start = self._block_used
        self._block_used = start + pixels.nbytes
        self.memory_left -= pixels.nbytes
        place = self._block[start : start + pixels.nbytes].reshape(pixels.shape)
        place[...] = pixels
        self._places[row] = place

    def _keep_on_disk(self, row: int, pixels: Pixels) -> None:
        assert self._file is not None
        assert self.disk_left is not None
        start = self._file_size
        self._file_size = start + pixels.nbytes
        self.disk_left -= pixels.nbytes
        try:
            self._file.seek(start)
            left = np.ascontiguousarray(pixels).data.cast("B")
            while left:  # the file has no buffer, so that nothing of an interrupted picture is written later
                left = left[self._file.write(left) :]
        except OSError as error:
            self.disk_left = 0
            self._say_full(f"the disk took no more ({error})")
            return
        self._places[row] = (start, pixels.shape)

    def _file_with_room_for(self, size: int) -> bool:
        if self._file is None and self.disk_left != 0:
            self._open_file()
        if self.disk_left is not None and size > self.disk_left > 0:
            self.disk_left = 0
            self._say_full("the disk budget is used up")
        return bool(self.disk_left)

    def _open_file(self) -> None:
        for folder in (self.folder or tempfile.gettempdir(), tempfile.gettempdir()):
            try:
                os.makedirs(folder, exist_ok=True)
                if self.disk_left is None:
                    self.disk_left = shutil.disk_usage(folder).free // 2
                self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  closed, and so gone, with the cache
                return
            except OSError:
                continue
        self.disk_left = 0
        self._say_full("no folder for it can be written")

    def _say_full(self, cause: str) -> None:
        warnings.warn(
            f"{len(self._places):,} of {len(self):,} pictures are kept decoded; the others are decoded in every epoch, because "
            f"{cause}. Free some disk space or train on smaller pictures to speed this up.",
            stacklevel=2,
        )
