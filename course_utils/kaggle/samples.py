"""A competition's sample submission: finding it, reading it, and holding a table against it."""

import os
import re
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils.data.catalog import Dataset
from course_utils.errors import CourseError
from course_utils.files import as_path, reading
from course_utils.kaggle.errors import SubmissionError
from course_utils.names import some_of
from course_utils.packed import DAMAGED, opened

if TYPE_CHECKING:
    import pandas as pd

MAX_BYTES, MAX_CELLS = 10**8, 10**7  # of a sample submission; the largest of the course has 25 MB and 1.3 million values


def find_sample(folder: str | os.PathLike[str]) -> Path | None:
    """The sample submission in the folder of a dataset, the latest version if there are several, or None.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("sample_submission.csv", "sample_submission_v2.csv.gz", "train_v2.csv"):
    ...     (folder / name).touch()
    >>> find_sample(folder).name
    'sample_submission_v2.csv.gz'
    """
    folder = as_path("folder", folder, "the folder of the data")
    if not os.path.isdir(folder):
        raise CourseError(f"there is no folder {folder} to look for a sample submission in")
    found = {}
    with reading(folder):
        names = sorted(os.listdir(folder))
    for path in map(folder.joinpath, names):
        match = re.fullmatch(r"(sample_?submission.*?)(\.csv|\.csv\.gz|\.csv\.zip|\.zip)", path.name, re.IGNORECASE)
        if match and os.path.isfile(path):
            found[match[1], match[2] == ".csv"] = path  # plain files before compressed ones
    return found[max(found)] if found else None


def in_order_of(sample: Path, table: "pd.DataFrame", dataset: Dataset) -> "pd.DataFrame":
    """The table with the columns and rows in the order of the sample submission, which must have the same ones."""
    expected = _read_sample(sample)
    _refuse_differing("columns", list(table.columns), list(expected.columns), sample)
    if expected.columns[0] != table.columns[0]:
        raise SubmissionError(f"the first column of {sample} is {expected.columns[0]!r}; expected {table.columns[0]!r}")
    ids = expected.iloc[:, 0]
    refuse_repeated(ids, f"{sample} names")
    table = table.set_index(table.iloc[:, 0].astype(str))
    hint = f" Of this competition: {dataset.note}" if dataset.name == "planet" else ""
    _refuse_differing("ids", table.index.tolist(), ids.tolist(), sample, hint)
    return table.loc[ids, list(expected.columns)].reset_index(drop=True)


def _refuse_differing(what: str, ours: list[str], theirs: list[str], sample: Path, hint: str = "") -> None:
    in_ours, in_theirs = set(ours), set(theirs)
    missing, extra = [i for i in theirs if i not in in_ours], [i for i in ours if i not in in_theirs]
    if not missing and not extra:
        return
    parts = []
    if missing:
        parts.append(f"{len(missing):,} of its {len(theirs):,} {what} {_are(missing)} missing ({some_of(missing)})")
    if extra:
        parts.append(f"{len(extra):,} {what[:-1] if len(extra) == 1 else what} {_are(extra)} too many ({some_of(extra)})")
    raise SubmissionError(
        f"the predictions do not fit {sample}: {' and '.join(parts)}. Is this the competition's own sample, "
        f"and are these predictions of its whole test set?{hint if missing else ''}"
    )


def _read_sample(path: Path) -> "pd.DataFrame":
    import pandas as pd

    if not os.path.isfile(path):
        hint = f"; find_sample({str(path)!r}) looks for one in that folder" if os.path.isdir(path) else ""
        raise CourseError(f"there is no sample submission {path}{hint}")
    try:
        with reading(path):
            content = unpacked(path)
        table = pd.read_csv(BytesIO(content), dtype=str, keep_default_na=False)
    except (ValueError, OSError, *DAMAGED) as error:
        raise CourseError(
            f"{path} cannot be read as a sample submission, a table of comma-separated values: {error}"
        ) from error
    if len(table.columns) < 2 or table.empty:
        raise CourseError(f"{path} has {len(table)} rows of the columns {list(table.columns)}; expected an id and a prediction")
    return table


def unpacked(path: Path) -> bytes:
    """What a file holds, unpacked, up to what a sample submission can be: a few bytes may unpack to gigabytes."""
    parts, size, cells = [], 0, 0
    with opened(path) as file:
        while part := file.read(1 << 20):
            parts.append(part)
            size, cells = size + len(part), cells + part.count(b",") + part.count(b"\n")
            if size > MAX_BYTES or cells > MAX_CELLS:
                raise CourseError(
                    f"{path} holds more than {MAX_BYTES:,} bytes or {MAX_CELLS:,} values, unpacked; no sample submission does. "
                    "Get it again from the competition's page"
                )
    return b"".join(parts)


def refuse_repeated(ids: "pd.Series", who: str) -> None:
    """Raise a SubmissionError where an id stands twice."""
    repeated = ids[ids.duplicated()].drop_duplicates().astype(str).tolist()
    if repeated:
        raise SubmissionError(f"{who} {len(repeated):,} ids more than once: {some_of(repeated)}; each may stand there once")


def _are(things: list[str]) -> str:
    return "is" if len(things) == 1 else "are"
