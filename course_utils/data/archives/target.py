"""Where an archive is unpacked: every name is looked at before anything is made, every byte counted as it is written."""

import errno
import shutil
from pathlib import Path
from typing import IO, Any

from course_utils.data.errors import ArchiveTooLargeError, NoSpaceError, UnsafeArchiveError
from course_utils.names import shortened

MAX_MEMBERS = 1_000_000  # files and folders

_CHUNK = 1 << 20
_WINDOWS_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}


class Target:
    """Makes the files and folders of one archive in one folder, and counts every byte that it writes."""

    def __init__(self, archive: Path, folder: Path, max_bytes: int, bar: Any) -> None:
        self.archive, self.folder, self.max_bytes, self.bar = archive, folder, max_bytes, bar
        self.written = self.members = 0

    def expect(self, n_bytes: int) -> None:
        """Stop before the first byte where the archive itself says that it is too large."""
        if n_bytes > self.max_bytes:
            raise self.too_large(f"says that it unpacks to {n_bytes:,} bytes")
        free = shutil.disk_usage(self.folder).free
        if n_bytes > free:
            raise NoSpaceError(
                f"{self.archive.name} unpacks to {n_bytes:,} bytes and {self.folder.parent} has {free:,} free: "
                "make room and try again"
            )
        self.bar.reset(total=n_bytes)

    def make_folder(self, name: str) -> None:
        """Make the folder `name`, and those above it."""
        self._count_member()
        self._make_folders(self.path_of(name), name)

    def make_file(self, name: str) -> Path:
        """Make the empty file `name`, and the folders above it."""
        self._count_member()
        path = self.path_of(name)
        if path == self.folder:
            raise self.unsafe(name, "is not a file name")
        self._make_folders(path.parent, name)
        try:
            path.open("xb").close()
        except FileExistsError:
            raise self.unsafe(name, "occurs twice") from None
        except OSError as error:
            raise self._too_long(error, name) from error
        return path

    def write_file(self, name: str, content: IO[bytes]) -> None:
        """Make the file `name` and copy `content` into it."""
        with self.make_file(name).open("wb") as file:
            while chunk := content.read(_CHUNK):
                self.count(len(chunk))
                file.write(chunk)

    def count(self, n_bytes: int) -> None:
        """Note that `n_bytes` more are about to be written; stop when they are too many."""
        self.written += n_bytes
        if self.written > self.max_bytes:
            raise self.too_large("unpacks to more than that")
        self.bar.update(n_bytes)

    def unsafe(self, name: str, why: str) -> UnsafeArchiveError:
        """The error for a member that would be made outside of the folder, or as something other than a file."""
        return UnsafeArchiveError(
            f"{self.archive} was not unpacked, because {name!r} in it {why}. "
            "No archive of the lessons' datasets holds anything like that: delete it, and download it from the catalog's source"
        )

    def too_large(self, how: str) -> ArchiveTooLargeError:
        """The error for an archive of more than `max_bytes`."""
        return ArchiveTooLargeError(
            f"{self.archive} was not unpacked: at most {self.max_bytes:,} bytes are allowed and it {how}. "
            "If you trust it, give unpack() a larger max_bytes"
        )

    def path_of(self, name: str) -> Path:
        """Give where `name` belongs: inside the folder, or nowhere."""
        slashed = name.replace("\\", "/")  # as Windows reads it; a backslash in an honest name is unheard of
        parts = [part for part in slashed.split("/") if part not in ("", ".")]
        if slashed.startswith("/"):
            raise self.unsafe(name, "is an absolute path")
        if any(not part.strip(" .") for part in parts):  # Windows drops dots and spaces at the end: '.. ' is '..' there
            raise self.unsafe(name, "leads out of its folder")
        if ":" in slashed or "\0" in slashed or any(part.split(".")[0].strip().upper() in _WINDOWS_DEVICES for part in parts):
            raise self.unsafe(name, "is a drive, a device or a stream on Windows")
        return self.folder.joinpath(*parts)

    def _count_member(self) -> None:
        self.members += 1
        if self.members > MAX_MEMBERS:
            raise ArchiveTooLargeError(f"{self.archive} was not unpacked: it holds more than {MAX_MEMBERS:,} files and folders")

    def _make_folders(self, path: Path, name: str) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise self.unsafe(name, "needs a folder where it also has a file") from None
        except OSError as error:
            raise self._too_long(error, name) from error

    def _too_long(self, error: OSError, name: str) -> Exception:
        """What to say of a name that is too long for this drive; other errors as they are."""
        return self.unsafe(shortened(name, 100), "is too long for this drive") if error.errno == errno.ENAMETOOLONG else error
