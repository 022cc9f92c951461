"""What a maker of drawn data has written."""

from pathlib import Path


def files(folder: Path) -> dict[str, bytes]:
    """The content of each file below a folder, by its path in there."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
