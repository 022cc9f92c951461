"""Archives of every kind, honest, hostile and broken."""

import io
import random
import stat
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import py7zr
import pytest

from course_utils.data.archives import target
from course_utils.data.archives.target import Target
from course_utils.data.archives.unpacking import unpack
from course_utils.data.errors import (
    ArchiveError,
    ArchiveTooLargeError,
    DamagedArchiveError,
    EncryptedArchiveError,
    NoSpaceError,
    UnknownArchiveError,
    UnsafeArchiveError,
)
from course_utils.errors import CourseError

Members = list[tuple[str, bytes]]
NOISE = random.Random(0).randbytes(40_000)
HONEST: Members = [
    ("train/cat.0.jpg", NOISE),
    ("train/dog.0.jpg", b"woof" * 5000),
    ("labels.csv", b"id,label\n"),
    ("empty.txt", b""),
]


@pytest.fixture(autouse=True)
def py7zr_writes_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """py7zr refuses to make hostile archives; here it must."""
    monkeypatch.setattr(py7zr.SevenZipFile, "_sanitize_archive_arcname", staticmethod(lambda name: name))
    monkeypatch.setattr("py7zr.py7zr.check_archive_path", lambda name: True)


def make_zip(path: Path, members: Members) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)


def make_tar(path: Path, members: Members, mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def make_7z(path: Path, members: Members) -> None:
    with py7zr.SevenZipFile(path, "w") as archive:
        for name, content in members:
            archive.writef(io.BytesIO(content), name)


def make_tar_7z(path: Path, members: Members) -> None:
    tar = path.with_suffix("")
    make_tar(tar, members)
    make_7z(path, [(tar.name, tar.read_bytes())])
    tar.unlink()


MAKERS: dict[str, Callable[[Path, Members], None]] = {
    "a.zip": make_zip,
    "a.tar": make_tar,
    "a.tar.gz": lambda path, members: make_tar(path, members, "w:gz"),
    "a.tar.bz2": lambda path, members: make_tar(path, members, "w:bz2"),
    "a.tar.xz": lambda path, members: make_tar(path, members, "w:xz"),
    "a.7z": make_7z,
    "a.tar.7z": make_tar_7z,
}
kinds = pytest.mark.parametrize("kind", MAKERS)


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def inner(tmp_path: Path) -> Path:
    """A folder two levels down, so that a path which leads out of it stays where the test can see it."""
    folder = tmp_path / "outer" / "inner"
    folder.mkdir(parents=True)
    return folder


@kinds
def test_unpacks_what_was_packed(kind: str, inner: Path) -> None:
    MAKERS[kind](inner / kind, HONEST)
    assert unpack(inner / kind, inner / "out") == inner / "out"
    assert content_of(inner / "out") == dict(HONEST)
    assert names_in(inner) == {kind, "out"}


@kinds
def test_the_kind_is_told_from_the_content(kind: str, inner: Path) -> None:
    MAKERS[kind](inner / kind, HONEST)
    (inner / kind).rename(inner / "download")
    unpack(inner / "download", inner / "out")
    assert content_of(inner / "out") == dict(HONEST)


@kinds
def test_an_empty_archive_gives_an_empty_folder(kind: str, inner: Path) -> None:
    MAKERS[kind](inner / kind, [])
    unpack(inner / kind, inner / "out")
    assert content_of(inner / "out") == {}


def test_folders_are_made_also_where_they_are_empty(inner: Path) -> None:
    (inner / "tree" / "models").mkdir(parents=True)
    with zipfile.ZipFile(inner / "a.zip", "w") as zip:
        zip.write(inner / "tree" / "models", "models")
    with tarfile.open(inner / "a.tar", "w") as tar:
        tar.add(inner / "tree", ".")
    with py7zr.SevenZipFile(inner / "a.7z", "w") as seven:
        seven.write(inner / "tree" / "models", "models")
    for name in ("a.zip", "a.tar", "a.7z"):
        assert (unpack(inner / name, inner / f"{name}-out") / "models").is_dir()


def test_permissions_are_ordinary(inner: Path) -> None:
    with tarfile.open(inner / "a.tar", "w") as tar:
        info = tarfile.TarInfo("run.sh")
        info.mode = 0o6777
        tar.addfile(info)
    (inner / "ordinary").touch()
    unpack(inner / "a.tar", inner / "out")
    assert stat.S_IMODE((inner / "out" / "run.sh").stat().st_mode) == stat.S_IMODE((inner / "ordinary").stat().st_mode)
    (inner / "folder").mkdir()
    assert (inner / "out").stat().st_mode == (inner / "folder").stat().st_mode


def test_joins_what_the_folder_holds_but_replaces_nothing(inner: Path) -> None:
    make_zip(inner / "train.zip", [("train/cat.0.jpg", b"train")])
    make_zip(inner / "test1.zip", [("test1/1.jpg", b"test")])
    make_zip(inner / "other.zip", [("aaa.txt", b""), ("train/cat.0.jpg", b"another cat")])
    unpack(inner / "train.zip", inner / "out")
    unpack(inner / "test1.zip", inner / "out")
    with pytest.raises(CourseError, match="already holds train; nothing was changed"):
        unpack(inner / "other.zip", inner / "out")
    assert content_of(inner / "out") == {"train/cat.0.jpg": b"train", "test1/1.jpg": b"test"}
    assert names_in(inner) == {"train.zip", "test1.zip", "other.zip", "out"}


def test_a_linked_folder_is_filled_where_it_leads(inner: Path, tmp_path: Path) -> None:
    (tmp_path / "drive").mkdir()
    (inner / "out").symlink_to(tmp_path / "drive")
    make_zip(inner / "a.zip", HONEST)
    unpack(inner / "a.zip", inner / "out")
    assert (inner / "out").is_symlink()
    assert content_of(tmp_path / "drive") == dict(HONEST)


HOSTILE_NAMES = [
    "../escaped",
    "../../escaped",
    "train/../../escaped",
    "/escaped",
    "//server/share/escaped",
    "..\\escaped",
    "C:\\escaped",
    "C:escaped",
    "\\\\?\\C:\\escaped",
    ".. /escaped",
    "...",
    "file.txt:stream",
    "NUL",
    "train/con.jpg",
    "..",
]


@pytest.mark.parametrize("kind", ["a.zip", "a.tar", "a.tar.gz", "a.7z", "a.tar.7z"])
@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_never_writes_outside_its_folder(kind: str, name: str, inner: Path, tmp_path: Path) -> None:
    MAKERS[kind](inner / kind, [("first.txt", b"fine"), (name, b"owned")])
    before = set(tmp_path.rglob("*"))
    with pytest.raises(UnsafeArchiveError) as caught:
        unpack(inner / kind, inner / "out")
    assert set(tmp_path.rglob("*")) == before
    assert not Path("/escaped").exists()
    assert str(inner / kind) in str(caught.value) or kind == "a.tar.7z"


def test_an_absolute_name_to_a_place_that_exists_is_refused(inner: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    for kind in ("a.zip", "a.tar", "a.7z"):
        MAKERS[kind](inner / kind, [(str(victim), b"owned")])
        with pytest.raises(UnsafeArchiveError, match="absolute path"):
            unpack(inner / kind, inner / "out")
    assert victim.read_text() == "mine"


def tar_with(path: Path, *members: tuple[str, bytes, str]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, kind, target in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, target
            if kind == tarfile.REGTYPE:
                info.size = 5
                tar.addfile(info, io.BytesIO(b"owned"))
            else:
                tar.addfile(info)


@pytest.mark.parametrize(
    "members",
    [
        [("link", tarfile.SYMTYPE, ".."), ("link/escaped", tarfile.REGTYPE, "")],
        [("link", tarfile.SYMTYPE, "/etc/passwd")],
        [("hard", tarfile.LNKTYPE, "../../victim")],
        [("device", tarfile.CHRTYPE, "")],
        [("device", tarfile.BLKTYPE, "")],
        [("pipe", tarfile.FIFOTYPE, "")],
    ],
    ids=["through a link", "a link", "a hard link", "a character device", "a block device", "a pipe"],
)
def test_links_and_devices_in_a_tar_are_refused(members: list[tuple[str, bytes, str]], inner: Path, tmp_path: Path) -> None:
    tar_with(inner / "a.tar", *members)
    before = set(tmp_path.rglob("*"))
    with pytest.raises(UnsafeArchiveError, match="link or a device"):
        unpack(inner / "a.tar", inner / "out")
    assert set(tmp_path.rglob("*")) == before


def test_links_in_a_zip_and_a_7z_are_refused(inner: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(inner / "a.zip", "w") as zip:
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        zip.writestr(link, "..")
        zip.writestr("link/escaped", "owned")
    (inner / "link").symlink_to("..")
    with py7zr.SevenZipFile(inner / "a.7z", "w") as seven:
        seven.write(inner / "link", "link")
        seven.writestr("owned", "link/escaped")
    for name in ("a.zip", "a.7z"):
        with pytest.raises(UnsafeArchiveError, match="'link' in it is a link or a device"):
            unpack(inner / name, inner / "out")
    assert names_in(inner) == {"a.zip", "a.7z", "link"}
    assert names_in(tmp_path / "outer") == {"inner"}


@kinds
def test_a_name_that_comes_twice_is_refused(kind: str, inner: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's, while it makes this
        MAKERS[kind](inner / kind, [("a.txt", b"first"), ("a.txt", b"second")])
    with pytest.raises(UnsafeArchiveError, match="occurs twice"):
        unpack(inner / kind, inner / "out")


@kinds
def test_a_file_where_a_folder_must_be_is_refused(kind: str, inner: Path) -> None:
    MAKERS[kind](inner / kind, [("a", b"a file"), ("a/b", b"a file in it")])
    with pytest.raises(UnsafeArchiveError, match="needs a folder where it also has a file"):
        unpack(inner / kind, inner / "out")


@kinds
def test_stops_at_the_size_limit(kind: str, inner: Path) -> None:
    MAKERS[kind](inner / kind, [("zeros", bytes(3_000_000))])
    with pytest.raises(ArchiveTooLargeError, match="at most 2,000,000 bytes"):
        unpack(inner / kind, inner / "out", max_bytes=2_000_000)
    assert names_in(inner) == {kind}
    if kind != "a.tar.7z":  # where the tar around them counts too
        unpack(inner / kind, inner / "out", max_bytes=3_000_000)
        assert (inner / "out" / "zeros").stat().st_size == 3_000_000


@pytest.mark.parametrize("kind", ["a.zip", "a.7z"])
def test_an_archive_that_says_it_is_too_large_is_not_begun(kind: str, inner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MAKERS[kind](inner / kind, [("zeros", bytes(3_000_000))])
    made: list[str] = []
    monkeypatch.setattr(Target, "make_file", lambda self, name: made.append(name))
    with pytest.raises(ArchiveTooLargeError, match="says that it unpacks to 3,000,000 bytes"):
        unpack(inner / kind, inner / "out", max_bytes=2_000_000)
    assert made == []


@pytest.mark.parametrize("kind", ["a.zip", "a.tar.gz", "a.7z"])
def test_the_limit_counts_what_is_written_not_what_is_promised(kind: str, inner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MAKERS[kind](inner / kind, [(f"zeros{n}", bytes(1_000_000)) for n in range(5)])
    monkeypatch.setattr(Target, "expect", lambda self, n_bytes: None)  # as if the header had said nothing
    written = []
    count = Target.count

    def counting(self: Target, n_bytes: int) -> None:
        count(self, n_bytes)
        written.append(n_bytes)

    monkeypatch.setattr(Target, "count", counting)
    with pytest.raises(ArchiveTooLargeError, match="unpacks to more than that"):
        unpack(inner / kind, inner / "out", max_bytes=2_500_000)
    assert 1_000_000 <= sum(written) <= 2_500_000
    assert names_in(inner) == {kind}


def test_a_zip_whose_header_lies_about_the_size(inner: Path) -> None:
    make_zip(inner / "a.zip", [("zeros", bytes(1_000_000))])
    content = (inner / "a.zip").read_bytes()
    assert content.count((1_000_000).to_bytes(4, "little")) == 2  # in the local header and in the directory
    (inner / "a.zip").write_bytes(content.replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(DamagedArchiveError):
        unpack(inner / "a.zip", inner / "out", max_bytes=1000)
    assert names_in(inner) == {"a.zip"}


def test_a_tar_header_of_gigabytes_is_not_read(inner: Path) -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 4 * 2**30
    (inner / "a.tar").write_bytes(header.tobuf() + bytes(1024))
    with pytest.raises(DamagedArchiveError, match="a tar header of"):
        unpack(inner / "a.tar", inner / "out")


def test_too_many_members(inner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "MAX_MEMBERS", 3)
    make_zip(inner / "a.zip", [(f"{n}", b"") for n in range(4)])
    with pytest.raises(ArchiveTooLargeError, match="more than 3 files"):
        unpack(inner / "a.zip", inner / "out")


def test_a_disk_too_small_is_known_before(inner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_zip(inner / "a.zip", HONEST)
    monkeypatch.setattr(target.shutil, "disk_usage", lambda path: SimpleNamespace(free=999))
    with pytest.raises(NoSpaceError, match=r"60,009 bytes and .* has 999 free"):
        unpack(inner / "a.zip", inner / "out")
    assert names_in(inner) == {"a.zip"}


@kinds
def test_a_disk_that_fills_up_leaves_nothing(kind: str, inner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    MAKERS[kind](inner / kind, HONEST)

    def full(self: Target, n_bytes: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Target, "count", full)
    with pytest.raises(NoSpaceError, match="the disk was full"):
        unpack(inner / kind, inner / "out")
    assert names_in(inner) == {kind}


def test_encrypted_archives(inner: Path) -> None:
    make_zip(inner / "a.zip", [("secret.txt", b"secret")])
    content = bytearray((inner / "a.zip").read_bytes())
    content[6] |= 1  # the flag of the local header, and of the directory's
    content[content.index(b"PK\1\2") + 8] |= 1
    (inner / "a.zip").write_bytes(content)
    for name, header in (("a.7z", False), ("b.7z", True)):
        with py7zr.SevenZipFile(inner / name, "w", password="open sesame", header_encryption=header) as seven:
            seven.writestr("secret", "secret.txt")
    for name in ("a.zip", "a.7z", "b.7z"):
        with pytest.raises(EncryptedArchiveError, match=f"{name} asks for a password"):
            unpack(inner / name, inner / "out")
    assert names_in(inner) == {"a.zip", "a.7z", "b.7z"}


@kinds
def test_a_half_finished_archive_is_named_and_leaves_nothing(kind: str, inner: Path) -> None:
    MAKERS[kind](inner / kind, HONEST)
    whole = (inner / kind).read_bytes()
    needed = whole.rstrip(b"\0") if kind == "a.tar" else whole  # a tar ends with zeros, more of them than it needs
    for length in sorted({1, 7, 300, len(needed) // 3, len(needed) // 2, len(needed) - 9, len(needed) - 1}):
        (inner / kind).write_bytes(needed[:length])
        with pytest.raises(DamagedArchiveError if length >= 512 else ArchiveError, match=kind):
            unpack(inner / kind, inner / "out")
        assert names_in(inner) == {kind}


def test_a_tar_that_ends_between_two_files_is_half_finished(inner: Path) -> None:
    make_tar(inner / "a.tar", [("1.txt", bytes(512)), ("2.txt", bytes(512))])
    (inner / "a.tar").write_bytes((inner / "a.tar").read_bytes()[:1024])
    with pytest.raises(DamagedArchiveError, match="header is wrong or missing"):
        unpack(inner / "a.tar", inner / "out")


@pytest.mark.filterwarnings("ignore")
@kinds
def test_changed_bytes_end_in_an_archive_error_and_leave_nothing(kind: str, inner: Path) -> None:
    MAKERS[kind](inner / kind, HONEST)
    whole = (inner / kind).read_bytes()
    rng = random.Random(1)
    refused = 0
    for turn in range(40):
        changed = bytearray(whole)
        for _ in range(rng.choice([1, 1, 5])):
            at = rng.choice(
                [rng.randrange(len(whole)), rng.randrange(min(200, len(whole))), -1 - rng.randrange(min(200, len(whole)))]
            )
            changed[at] = rng.randrange(256)
        (inner / kind).write_bytes(changed)
        try:
            unpack(inner / kind, inner / f"out{turn}", max_bytes=10_000_000)
        except (ArchiveError, NoSpaceError):
            refused += 1
            assert not (inner / f"out{turn}").exists()
    assert refused > 5
    assert not [name for name in names_in(inner) if name.startswith(".")]
    assert names_in(inner.parent) == {"inner"}


def test_what_is_no_archive(inner: Path) -> None:
    (inner / "labels.csv").write_text("id,breed\n" * 100)
    with pytest.raises(UnknownArchiveError, match="not a zip, tar or 7z archive: its content starts with b'id,breed"):
        unpack(inner / "labels.csv", inner / "out")
    (inner / "train.zip").write_text("<!DOCTYPE html><html><body>Please sign in</body></html>")
    with pytest.raises(UnknownArchiveError, match="web page: perhaps the site wants you to sign in"):
        unpack(inner / "train.zip", inner / "out")
    (inner / "empty.zip").touch()
    with pytest.raises(DamagedArchiveError, match="is empty"):
        unpack(inner / "empty.zip", inner / "out")
    with pytest.raises(ArchiveError, match="there is nothing with that name"):
        unpack(inner / "none.zip", inner / "out")
    with pytest.raises(ArchiveError, match="is a folder; give the file of an archive"):
        unpack(inner, inner / "out")


def test_an_interrupt_leaves_nothing(inner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_zip(inner / "a.zip", HONEST)

    def interrupted(self: Target, n_bytes: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Target, "count", interrupted)
    with pytest.raises(KeyboardInterrupt):
        unpack(inner / "a.zip", inner / "out")
    assert names_in(inner) == {"a.zip"}


def test_what_is_given_is_looked_at_first(inner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    make_zip(tmp_path / "a.zip", HONEST)
    assert unpack("~/a.zip", "~/made") == tmp_path / "made"
    assert content_of(tmp_path / "made") == dict(HONEST)
    archive = tmp_path / "a.zip"
    for given, message in (
        ({"max_bytes": None}, "max_bytes is None; give the number of bytes that may be written, a whole number"),
        ({"max_bytes": "1 GB"}, "max_bytes is '1 GB'"),
        ({"max_bytes": True}, "max_bytes is True"),
        ({"folder": None}, "folder is None; give the path of a folder"),
        ({"folder": "a\0b"}, r"cannot write 'a\\x00b': no file can have this name"),
        ({"archive": None}, "archive is None; give the path of a file"),
        ({"archive": tmp_path}, "is a folder; give the file of an archive"),
    ):
        with pytest.raises(CourseError, match=message):
            unpack(**{"archive": archive, "folder": inner, **given})
    assert unpack(archive, inner / "more", max_bytes=1e6) == inner / "more"


def test_messages_name_the_archive_that_was_given_and_the_name_in_it(inner: Path, tmp_path: Path) -> None:
    make_tar(tmp_path / "x.tar", [("../evil", b"1")])
    make_zip(tmp_path / "a.zip", [("x.tar", (tmp_path / "x.tar").read_bytes())])
    with pytest.raises(UnsafeArchiveError, match=r"/a\.zip was not unpacked, because '\.\./evil' in it leads out"):
        unpack(tmp_path / "a.zip", inner)
    for name in ("n" * 300 + ".jpg", "n" * 300 + "/a.jpg"):
        make_zip(tmp_path / "long.zip", [(name, b"1")])
        with pytest.raises(UnsafeArchiveError, match=r"because 'n+…n*(\.jpg|/a\.jpg)' in it is too long for this drive"):
            unpack(tmp_path / "long.zip", inner)
