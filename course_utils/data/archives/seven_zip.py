"""7z archives."""

from pathlib import Path

from course_utils.data.archives.target import Target
from course_utils.data.errors import ArchiveError, EncryptedArchiveError


class _SevenZipFile:
    """What py7zr writes one member of a 7z archive into; it never reads it back."""

    def __init__(self, path: Path, target: Target) -> None:
        self.path, self.target = path, target

    def write(self, chunk: bytes) -> int:
        self.target.count(len(chunk))
        with self.path.open("ab") as file:  # opened for each large chunk, as older versions of py7zr never call close()
            return file.write(chunk)

    def read(self, size: int | None = None) -> bytes:
        return b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def size(self) -> int:
        return self.path.stat().st_size


class _SevenZipFiles:
    """Gives py7zr a `_SevenZipFile` for each member, in place of files that it would make itself."""

    def __init__(self, target: Target) -> None:
        self.target = target

    def create(self, filename: str) -> _SevenZipFile:
        name = Path(filename).relative_to(self.target.folder).as_posix()
        return _SevenZipFile(self.target.make_file(name), self.target)


def extract_7z(archive: Path, target: Target) -> None:
    """Unpack a 7z archive into `target`."""
    import py7zr

    try:
        # an open file, not a path: given a path py7zr unpacks in several threads
        with archive.open("rb") as file, py7zr.SevenZipFile(file) as seven_zip:
            if seven_zip.needs_password():
                raise py7zr.PasswordRequired
            members = list(seven_zip.files) if hasattr(seven_zip, "files") else []
            names: set[str] = set()
            for member in members:
                if member.is_symlink or member.is_junction or member.is_socket or not (member.is_file or member.is_directory):
                    raise target.unsafe(member.filename, "is a link or a device")
                target.path_of(member.filename)
                if member.filename in names:
                    raise target.unsafe(member.filename, "occurs twice")
                names.add(member.filename)
            target.expect(sum(member.uncompressed for member in members))
            for member in members:
                if member.is_directory:
                    target.make_folder(member.filename)
            if members:
                seven_zip.extractall(path=target.folder, factory=_SevenZipFiles(target))
    except py7zr.PasswordRequired as error:
        raise EncryptedArchiveError(f"{archive} asks for a password; get one that does not") from error
    except py7zr.UnsupportedCompressionMethodError as error:
        raise ArchiveError(
            f"{archive} is compressed in a way that py7zr cannot undo ({error}); unpack it with 7-Zip"
        ) from error
