"""Files that are whole or not there."""

import errno
import gzip
import io
import os
import secrets
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
import xlsxwriter
from PIL import Image
from safetensors.torch import save_file

from course_utils.errors import CourseError
from course_utils.files import FileError, as_path, reading, replacing, writing
from course_utils.leftovers import part_name


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as part:
        part.write_text("ne")
        assert path.read_text() == "old"
        assert part.parent == tmp_path
        assert part.suffix == ".txt"
    assert path.read_text() == "ne"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_failed_leaves_no_trace(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(part: Path) -> None:
        part.write_text("half")
        raise error

    with pytest.raises(error), replacing(path) as part:
        fail(part)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_folders_are_made_and_others_may_read_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with replacing(tmp_path / "new" / "folder" / "a.bin") as part:
            part.write_bytes(b"x")
    finally:
        os.umask(before)
    assert (tmp_path / "new" / "folder" / "a.bin").stat().st_mode & 0o777 == 0o640


def test_two_writers_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with replacing(path) as first, replacing(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # the outer one ends last


# --- what the system says


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A drive of 64 kB."""
    place = tmp_path / "drive"
    place.mkdir()
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only the administrator can make a drive")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], capture_output=True).returncode:
        pytest.skip("no drive can be made here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def by_pathlib(part: Path) -> None:
    part.write_bytes(bytes(200_000))


def by_safetensors(part: Path) -> None:
    save_file({"x": torch.zeros(50_000)}, part)


def by_torch(part: Path) -> None:
    with part.open("wb") as file:  # given a name instead, PyTorch does not tell the reason
        torch.save(torch.zeros(50_000), file)


def by_xlsxwriter(part: Path) -> None:
    with xlsxwriter.Workbook(part, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for i in range(3_000):
            sheet.write(i, 0, secrets.token_hex(32))


def by_pandas(part: Path) -> None:
    pd.DataFrame({"a": range(50_000)}).to_csv(part)


def by_arrow(part: Path) -> None:
    pd.DataFrame({"a": np.random.default_rng(0).random(50_000)}).to_feather(part)


def by_polars(part: Path) -> None:
    pl.DataFrame({"a": np.random.default_rng(0).random(50_000)}).write_parquet(part)


def by_duckdb(part: Path) -> None:
    duckdb.sql(f"copy (select random() as a from range(50000)) to '{part}' (format parquet)")


def by_zip(part: Path) -> None:
    with zipfile.ZipFile(part, "w") as archive:
        archive.writestr("a", bytes(200_000))


def by_tar(part: Path) -> None:
    with tarfile.open(part, "w") as archive:
        archive.addfile(tarfile.TarInfo("a"), io.BytesIO())
        for _ in range(200):
            archive.addfile(tarfile.TarInfo("b" * 90), io.BytesIO())


LIBRARIES = [by_pathlib, by_safetensors, by_torch, by_xlsxwriter, by_pandas, by_arrow, by_polars, by_duckdb, by_zip, by_tar]


@pytest.mark.parametrize("write", LIBRARIES)
def test_a_full_disk_is_told_for_every_library_and_the_old_file_stays(write: Callable[[Path], None], small_disk: Path) -> None:
    path = small_disk / "a.bin"
    path.write_text("old")
    with pytest.raises(FileError, match=rf"^cannot write {path}: the disk is full; make room"), replacing(path) as part:
        write(part)
    assert path.read_text() == "old"
    assert os.listdir(small_disk) == ["a.bin"]


@pytest.mark.parametrize("write", LIBRARIES)
def test_no_permission_is_told_for_every_library(
    write: Callable[[Path], None], tmp_path: Path, ordinary_user: Callable[[], AbstractContextManager[None]]
) -> None:
    tmp_path.chmod(0o555)
    said = pytest.raises(FileError, match=r"^cannot write .*a.bin: you may not write there")
    with ordinary_user(), said, writing(tmp_path / "a.bin"):
        write(tmp_path / "a.bin")
    tmp_path.chmod(0o755)


def test_a_file_that_may_not_be_so_large(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with (
            pytest.raises(FileError, match="the file would be larger than the system allows"),
            replacing(tmp_path / "a") as part,
        ):
            by_pathlib(part)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_another_file_that_was_read_is_named_instead(tmp_path: Path) -> None:
    said = pytest.raises(
        FileError, match=rf"^cannot write {tmp_path / 'copy'}: {tmp_path / 'gone'} cannot be read: it is not there"
    )
    with said, replacing(tmp_path / "copy") as part:
        shutil.copyfile(tmp_path / "gone", part)
    with pytest.raises(FileError, match=r"copy: the disk is full"), writing(tmp_path / "copy"):  # as copyfile says it
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "gone"), None, str(tmp_path / "copy"))


def test_what_is_no_fault_of_the_file_passes_as_it_is(tmp_path: Path) -> None:
    def probe_then_fail() -> None:
        try:
            (tmp_path / "settings").read_text()
        except FileNotFoundError:
            raise ValueError("a wrong value")  # noqa: B904  as a library does it

    with pytest.raises(ValueError, match="a wrong value"), writing(tmp_path / "a"):
        probe_then_fail()
    with pytest.raises(Image.UnidentifiedImageError), writing(tmp_path / "a"):
        Image.open(io.BytesIO(b"no picture"))
    with pytest.raises(gzip.BadGzipFile), writing(tmp_path / "a"):
        gzip.decompress(b"no gzip file")
    with pytest.raises(ConnectionError), writing(tmp_path / "a"):
        raise ConnectionError("HTTPSConnectionPool: [Errno 111] Connection refused")


def test_memory_that_is_full_is_told() -> None:
    with pytest.raises(FileError, match="the memory is full; close other programs"), writing("a.xlsx"):
        raise MemoryError


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_names_that_no_file_can_have(name: str, tmp_path: Path) -> None:
    for use in (reading, writing, replacing):
        with pytest.raises(FileError, match="no file can have this name"), use(tmp_path / name):
            pass


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "it is not there"),
        (lambda path: path.mkdir(), "it is a folder, not a file"),
        (lambda path: path.symlink_to(path), "a link in the path leads back to itself"),
        (lambda path: (path.touch(), path.chmod(0)), "you may not read it"),
    ],
)
def test_reading_says_why_not(
    make: Callable[[Path], object], reason: str, tmp_path: Path, ordinary_user: Callable[[], AbstractContextManager[None]]
) -> None:
    make(tmp_path / "a")
    tmp_path.chmod(0o755)
    with ordinary_user(), pytest.raises(FileError, match=rf"^cannot read {tmp_path / 'a'}: {reason}"), reading(tmp_path / "a"):
        (tmp_path / "a").read_bytes()


def test_a_long_name_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 120 + ".txt")
    with replacing(path) as part:
        part.write_text("whole")
    assert path.read_text() == "whole"
    with pytest.raises(FileError, match="the name is too long"), replacing(tmp_path / ("a" * 300)) as part:
        part.write_text("whole")


def test_permissions_follow_the_umask_whatever_the_library_sets(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with replacing(tmp_path / "a.safetensors") as part:
            by_safetensors(part)
    finally:
        os.umask(before)
    assert (tmp_path / "a.safetensors").stat().st_mode & 0o777 == 0o644


# --- what was left behind


def test_what_a_killed_writer_left_is_removed_and_what_others_write_is_not(tmp_path: Path) -> None:
    code = "from course_utils.leftovers import part_name; print(part_name('notes', '.txt'))"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    mine, elsewhere, old = part_name("notes", ".txt"), ".notes-00aa00-1-00112233.txt", ".notes-00aa00-2-00112233.txt"
    for name in (dead, mine, elsewhere, old, ".notes-of-mine.txt"):
        (tmp_path / name).touch()
    os.utime(tmp_path / old, (0, 0))  # of another machine, whose processes cannot be asked for
    with replacing(tmp_path / "notes.txt") as part:
        part.write_text("whole")
    assert sorted(os.listdir(tmp_path)) == sorted([mine, elsewhere, ".notes-of-mine.txt", "notes.txt"])


def test_an_address_is_no_path_and_nothing_is_none() -> None:
    for given in ("https://example.org/dogs", "s3://bucket/dogs.csv"):
        with pytest.raises(CourseError, match="an address; download what is there, and give the path of a folder"):
            as_path("path", given, "a folder")
    assert as_path("path", "c:/dogs") == Path("c:/dogs")
    with pytest.raises(CourseError, match="path is ''; give the path of a folder"):  # it is no name of the current folder
        as_path("path", "", "a folder")
