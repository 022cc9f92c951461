"""The tables that come with drawn data, in the notation of the real ones."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from course_utils.files import replacing


def write_table(path: Path, header: str, rows: Iterable[Iterable[Any]]) -> None:
    """Write comma-separated values as they are, quotes and all, each line ended by a line feed on every system."""
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.write(header + "\n")
        file.writelines(",".join(map(str, row)) + "\n" for row in rows)
