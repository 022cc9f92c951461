"""Zip archives."""

import stat
import zipfile
from pathlib import Path

from course_utils.data.archives.target import Target
from course_utils.data.errors import EncryptedArchiveError


def extract_zip(archive: Path, target: Target) -> None:
    """Unpack a zip archive into `target`."""
    with zipfile.ZipFile(archive) as zip:
        members = zip.infolist()
        for member in members:
            kind = stat.S_IFMT(member.external_attr >> 16)  # 0 where it was made on Windows
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise target.unsafe(member.filename, "is a link or a device")
            if member.flag_bits & 1:
                raise EncryptedArchiveError(f"{archive} asks for a password ({member.filename}); get one that does not")
        target.expect(sum(member.file_size for member in members))
        for member in members:
            if member.is_dir():
                target.make_folder(member.filename)
            else:
                with zip.open(member) as content:
                    target.write_file(member.filename, content)
