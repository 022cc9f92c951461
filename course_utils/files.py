"""Writing files so that a half-written one is never left where a whole one is expected."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it onto `path` if the block succeeds, else remove it.

    The folder is created where it is missing, the temporary file keeps the suffix of `path`, and the move replaces an existing
    file in one step: a reader sees the old file or the new one, never a part.

    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "notes.txt") as part:
    ...     _ = part.write_text("whole")
    >>> [p.name for p in folder.iterdir()], (folder / "notes.txt").read_text()
    (['notes.txt'], 'whole')
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        yield part
        umask = os.umask(0)
        os.umask(umask)
        part.chmod(0o666 & ~umask)  # mkstemp makes it private; an ordinary new file is not
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
