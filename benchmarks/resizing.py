"""Smaller copies on disk: `data.resize` against a thread pool around Pillow's resize."""

import contextlib
import io
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from benchmarks.measure import Row, alternate, seconds
from benchmarks.photographs import make_photographs
from course_utils.vision import ImageData, transforms_for
from course_utils.vision.threads import usable_cpus


def by_pillow(original: Path, copy: Path, size: int) -> None:
    """What one writes by hand; size and quality of the copy are those of ours."""
    with Image.open(original) as image:
        scale = size / min(image.size)
        smaller = image.convert("RGB").resize(
            (round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR
        )
    copy.parent.mkdir(parents=True, exist_ok=True)
    smaller.save(copy, quality=95, subsampling=0)


def compare(data: ImageData, size: int, runs: int) -> Row:
    """Each run writes all copies anew."""
    folder, names = data.path, data.items("train") + data.items("valid")
    target = folder / "copies"

    def ours() -> None:
        with contextlib.redirect_stderr(io.StringIO()):
            data.resize(size, target)

    def peer() -> None:
        with ThreadPoolExecutor(usable_cpus()) as pool:
            list(pool.map(lambda name: by_pillow(folder / name, target / name, size), names))

    def afresh(work: Callable[[], None]) -> float:
        shutil.rmtree(target, ignore_errors=True)
        return seconds(work)

    mine, theirs, ratio = alternate(lambda: afresh(ours), lambda: afresh(peer), runs)
    fast, slow = (f"{len(names) / spent:.0f} images/s" for spent in (mine, theirs))
    name = f"resize {len(names):,} photographs to {size} px / Pillow in threads"
    return Row(name, fast, slow, 1 / ratio, 1.5, more_is_better=True)


def rows(quick: bool) -> list[Row]:
    """Photographs of 400 to 1,000 pixels a side to 1.3 times 64, 128 and 224, with a thread for each processor.

    The larger the copies, the more of the time goes into decoding and encoding, in which both are alike.
    """
    with tempfile.TemporaryDirectory() as name:
        make_photographs(Path(name), 64 if quick else 2_000, (400, 1_000), (400, 1_000))
        data = ImageData.from_folders(name, transforms_for(None, 224))
        return [compare(data, size, 1 if quick else 3) for size in (83, 166, 291)]
