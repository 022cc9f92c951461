"""Files that are unpacked while they are read."""

import bz2
import gzip
import lzma
import zipfile

import pytest

from course_utils.packed import DAMAGED, opened

TEXT = b"id,label\n" + b"a,1\n" * 1000
PACK = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "csv": bytes}


@pytest.mark.parametrize("kind", PACK)
@pytest.mark.parametrize("named", [True, False])
def test_what_is_packed_is_known_by_its_first_bytes_whatever_its_name(tmp_path, kind, named):
    path = tmp_path / (f"table.{kind}" if named else "table.csv")
    path.write_bytes(PACK[kind](TEXT))
    with opened(path) as file:
        assert file.read() == TEXT


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_what_is_cut_short_or_something_else_is_told_from_other_errors(tmp_path, kind):
    path = tmp_path / f"table.{kind}"
    for content in (PACK[kind](TEXT)[:-9], TEXT):
        path.write_bytes(content)
        with pytest.raises((OSError, *DAMAGED)), opened(path) as file:
            file.read()


def test_an_archive_holds_one_file_beside_folders_and_what_macos_adds(tmp_path):
    path = tmp_path / "table.csv"  # an archive all the same
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("folder")
        for name, text in (("folder/table.csv", TEXT), ("__MACOSX/._table.csv", b"")):
            archive.writestr(name, text)
    with opened(path) as file:
        assert file.read() == TEXT
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.csv", TEXT)
    with pytest.raises(zipfile.BadZipFile, match="archive of 2 files"), opened(path):
        pass
