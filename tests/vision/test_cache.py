"""Decoded once, the same wherever it is kept, and never more than the budget."""

import copy
import inspect
import os
import pickle
import sys
import threading
import time
import warnings
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from course_utils.vision import ImageData, transforms_for
from course_utils.vision import cache as cache_module
from course_utils.vision.cache import PixelCache
from course_utils.vision.decoding.errors import ImageError
from course_utils.vision.images import read_image

SIDE = 20
BYTES = SIDE * 30 * 3  # of one picture


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{i}.png" for i in range(12)]
    for i, path in enumerate(paths):
        size = (60, 40, 3) if i % 2 else (40, 60, 3)
        Image.fromarray(rng.integers(0, 256, size, dtype=np.uint8)).save(path)
    return paths


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were decoded so far."""
    done: list[Path] = []

    def reading(path: Path, short_side: int) -> np.ndarray:
        done.append(path)
        return read_image(path, short_side)

    monkeypatch.setattr(cache_module, "read_image", reading)
    return done


def check(cache: PixelCache, order: list[int]) -> None:
    for row, picture in zip(order, cache.pictures(order), strict=True):
        assert np.array_equal(picture, read_image(cache.paths[row], SIDE))


@pytest.mark.parametrize("memory", [10**6, 4 * BYTES, 0], ids=["memory", "both", "disk"])
def test_pictures_are_those_of_the_files_and_decoded_once(
    paths: list[Path], decoded: list[Path], memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "BLOCK", 5 * BYTES + 7)
    cache = PixelCache(paths, SIDE, memory=memory, disk=10**6, folder=paths[0].parent)
    order = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7, 11, 10]
    check(cache, order[:5])
    check(cache, order)
    check(cache, order[::-1])
    assert np.array_equal(cache[7], read_image(paths[7], SIDE))
    assert sorted(decoded) == sorted(paths)
    assert cache.memory_left == (memory - 12 * BYTES if memory == 10**6 else 0)
    assert sorted(paths[0].parent.iterdir()) == sorted(paths)  # the file on disk has no name


def test_budgets_are_kept_and_the_rest_is_decoded_again(paths: list[Path], decoded: list[Path]) -> None:
    cache = PixelCache(paths, SIDE, memory=2 * BYTES, disk=3 * BYTES + 5)
    with pytest.warns(UserWarning, match="5 of 12 pictures are kept decoded.*disk budget"):
        check(cache, list(range(12)))
    assert sum(row in cache for row in range(12)) == 5
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # said once
        check(cache, list(range(12)))
    assert len(decoded) == 12 + 7


def test_a_folder_that_cannot_be_written_is_replaced_by_the_temporary_one(paths: list[Path]) -> None:
    cache = PixelCache(paths, SIDE, memory=0, disk=10**6, folder=paths[0])  # a file is no folder
    check(cache, list(range(12)))
    assert all(row in cache for row in range(12))


def test_a_disk_that_is_full(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    cache = PixelCache(paths, SIDE, memory=0, disk=10**6)
    check(cache, [0, 1])
    assert cache._file is not None

    class Full:
        def seek(self, offset: int) -> None: ...

        def write(self, content: bytes) -> None:
            raise OSError(28, "No space left on device")

    file, cache._file = cache._file, Full()  # type: ignore[assignment]
    with pytest.warns(UserWarning, match="2 of 12 pictures.*No space left"):
        list(cache.pictures([2, 3]))
    cache._file = file
    check(cache, list(range(12)))


def test_an_unreadable_picture_is_said_when_its_turn_comes_and_the_cache_goes_on(paths: list[Path]) -> None:
    paths[5].write_bytes(b"no picture")
    cache = PixelCache(paths, SIDE)
    pictures = cache.pictures(range(12))
    for _ in range(5):
        next(pictures)
    with pytest.raises(ImageError, match=r"5\.png is not an image"):
        next(pictures)
    check(cache, [row for row in range(12) if row != 5])
    results = list(cache.results(range(12)))
    assert [row for row, result in enumerate(results) if isinstance(result, ImageError)] == [5]
    Image.new("RGB", (30, 20), "red").save(paths[5])  # repaired
    check(cache, list(range(12)))


def test_other_errors_come_up_too(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(path: Path, short_side: int) -> np.ndarray:
        raise ZeroDivisionError

    monkeypatch.setattr(cache_module, "read_image", failing)
    with pytest.raises(ZeroDivisionError):
        PixelCache(paths, SIDE)[0]


def decoding_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_no_thread_outlives_the_iteration(paths: list[Path]) -> None:
    cache = PixelCache(paths, SIDE)
    abandoned = cache.pictures(list(range(12)))
    next(abandoned)
    assert decoding_threads()
    abandoned.close()  # type: ignore[attr-defined]
    assert not decoding_threads()
    list(cache.pictures(list(range(12))))
    assert not decoding_threads()


def test_order_does_not_depend_on_how_long_decoding_takes(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(path: Path, short_side: int) -> np.ndarray:
        time.sleep(0.02 if path.stem in ("0", "4") else 0)
        return read_image(path, short_side)

    monkeypatch.setattr(cache_module, "read_image", slowly)
    check(PixelCache(paths, SIDE), list(range(12)))


def test_only_so_many_are_decoded_ahead(paths: list[Path], decoded: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "AHEAD", 2)
    pictures = PixelCache(paths, SIDE).pictures(list(range(12)))
    next(pictures)
    time.sleep(0.1)
    assert 1 <= len(decoded) <= 3
    assert len(list(pictures)) == 11


@pytest.mark.parametrize("memory", [10**6, 0], ids=["memory", "disk"])
def test_two_processes_after_a_fork_do_not_write_over_each_other(paths: list[Path], memory: int) -> None:
    cache = PixelCache(paths, SIDE, memory=memory, disk=10**6)
    check(cache, [0, 1])
    ready, done = os.pipe(), os.pipe()
    child = os.fork()
    if not child:  # fills its cache with other pictures, then waits until the parent has filled its own
        try:
            assert not any(row in cache for row in range(12))
            check(cache, [2, 3, 4, 5])
            os.write(ready[1], b"x")
            os.read(done[0], 1)
            check(cache, [2, 3, 4, 5, 0, 1])
            os._exit(0)
        finally:
            os._exit(1)
    os.read(ready[0], 1)
    check(cache, [6, 7, 8, 9, 0, 1])
    os.write(done[1], b"x")
    assert os.waitpid(child, 0)[1] == 0
    check(cache, [9, 8, 7, 6, 1, 0, 2])


def test_a_fork_while_threads_hold_the_lock(paths: list[Path]) -> None:
    cache = PixelCache(paths, SIDE)
    with cache._lock:
        child = os.fork()
        if not child:
            try:
                check(cache, [3])
                os._exit(0)
            finally:
                os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("memory", [10**6, 0], ids=["memory", "disk"])
def test_copies_and_pickles_hold_no_pixels(paths: list[Path], memory: int) -> None:
    cache = PixelCache(paths, SIDE, memory=memory, disk=10**6)
    check(cache, list(range(12)))
    for other in (copy.copy(cache), copy.deepcopy(cache), pickle.loads(pickle.dumps(cache))):
        assert not any(row in other for row in range(12))
        assert (other.memory_left, other.disk_left) == (memory, 10**6)
        check(other, [2, 3, 1])
        check(cache, [0, 1, 2, 3])
    assert len(pickle.dumps(cache)) < 12 * BYTES


def test_data_and_datasets_go_to_other_processes(tmp_path: Path) -> None:
    for split, kind, grey in (("train", "a", 10), ("train", "b", 20), ("valid", "a", 30), ("valid", "b", 40)):
        (tmp_path / split / kind).mkdir(parents=True)
        Image.new("RGB", (30, 20), (grey,) * 3).save(tmp_path / split / kind / "0.png")
    data = ImageData.from_folders(tmp_path, transforms_for(None, 16, augment=None), batch_size=1)
    expected = [x for x, _ in data.valid_ds]
    for other in (
        pickle.loads(pickle.dumps(data)).valid_ds,
        pickle.loads(pickle.dumps(data.valid_ds)),
        copy.deepcopy(data).valid_ds,
    ):
        assert not any(row in other.data.cache for row in range(4))
        assert all(torch.equal(x, y) for (x, _), y in zip(other, expected, strict=True))
        assert all(torch.equal(x[0], y) for (x, _), y in zip(other.data.valid_dl, expected, strict=True))


def test_what_a_worker_cannot_read_is_told_as_here(tmp_path: Path) -> None:
    """PyTorch raises it again with one text, which holds where it happened."""
    for kind in "ab":
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "0.png").write_bytes(b"torn")
        (tmp_path / kind / "1.png").write_bytes(b"torn")
    data = ImageData.from_folders(tmp_path, transforms_for(None, 16), train=".", valid=None, valid_fraction=0.5)
    with pytest.raises(ImageError, match=r"(?s)in DataLoader worker process 0.*0\.png is not an image.*damaged='skip'"):
        next(iter(DataLoader(data.train_ds, num_workers=1)))


@pytest.mark.parametrize("memory", [10**6, 0], ids=["memory", "disk"])
@pytest.mark.parametrize("method", ["_store", "_keep_in_memory", "_keep_on_disk", "_open_file", "_file_with_room_for"])
def test_an_interrupt_between_any_two_lines(paths: list[Path], method: str, memory: int) -> None:
    """Whatever the line before which it comes, no picture shows another's pixels later."""
    function = getattr(PixelCache, method)
    lines, first = inspect.getsourcelines(function)
    expected = [read_image(path, SIDE) for path in paths]
    for line in range(first + 1, first + len(lines)):
        cache = PixelCache(paths, SIDE, memory=memory, disk=10**6)

        def trace(frame: FrameType, event: str, _: object, line: int = line) -> Any:
            if frame.f_code is function.__code__:
                if event == "line" and frame.f_lineno == line:
                    sys.settrace(None)
                    raise KeyboardInterrupt
                return trace
            return None

        before = sys.gettrace()
        for row in (0, 1):  # the first picture, and one behind another
            sys.settrace(trace)
            try:
                cache[row]
            except KeyboardInterrupt:
                pass
            finally:
                sys.settrace(before)
        assert all(np.array_equal(cache[row], expected[row]) for row in (2, 3, 1, 0, 2, 3, 1))


def test_several_passes_at_once(paths: list[Path]) -> None:
    cache = PixelCache(paths, SIDE, memory=4 * BYTES, disk=10**6)
    order, backwards = list(range(12)), list(range(12))[::-1]
    for a, b, pair in zip(order, backwards, zip(cache.pictures(order), cache.pictures(backwards), strict=True), strict=True):
        assert np.array_equal(pair[0], read_image(paths[a], SIDE))
        assert np.array_equal(pair[1], read_image(paths[b], SIDE))
