"""Labels from a table for many pictures: reading, checking which files are there, encoding."""

import contextlib
import io
import tempfile
from pathlib import Path

from benchmarks.measure import Row, seconds
from course_utils.vision import ImageData, transforms_for


def rows(quick: bool) -> list[Row]:
    """One label each of 120, then three each of 23; the files are empty, since none is opened before its turn to be decoded."""
    count = 2_000 if quick else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "train").mkdir()
        for i in range(count):
            (folder / "train" / f"{i:06d}.jpg").touch()
        breeds = "".join(f"{i:06d},breed_{i % 120}\n" for i in range(count))
        tags = "".join(f"{i:06d},weather_{i % 4} land_{i % 13} other_{i % 6}\n" for i in range(count))
        table = list[Row]()
        for kind, content in {"one label": breeds, "three labels": tags}.items():
            (folder / "labels.csv").write_text("id,label\n" + content)

            def read() -> None:
                with contextlib.redirect_stdout(io.StringIO()):
                    ImageData.from_csv(folder, "train", "labels.csv", transforms_for(None, 64), suffix=".jpg")

            if not table:
                read()  # the first call also looks for a GPU
            spent = min(seconds(read) for _ in range(3))
            table.append(Row(f"from_csv, {count:,} rows and files, {kind}", f"{spent:.2f} s", "-", spent, goal=2.0, unit=" s"))
    return table
