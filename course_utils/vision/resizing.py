"""Smaller copies of pictures on disk, made once and by all processors (lecture 1:38:48-1:40:50)."""

import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from course_utils.errors import CourseError
from course_utils.files import replacing
from course_utils.threads import one_thread
from course_utils.training.progress import Bar
from course_utils.vision.decoding.errors import ImageError
from course_utils.vision.decoding.memory import loaded
from course_utils.vision.decoding.pixels import resized
from course_utils.vision.images import opened
from course_utils.vision.threads import usable_cpus
from course_utils.vision.transforms import side
from course_utils.work import folder_for

SAME_TIME = 10_000_000  # nanoseconds; not every file system keeps the time of a change exactly
FORMATS = ("JPEG", "PNG", "BMP", "TIFF")  # that keep all colours as fine; others become PNG, which is recognised by any name


def place_of_copies(names: Sequence[str], path: Path, folder: str | os.PathLike[str], size: int) -> Path:
    """Give the folder with copies of every `path/name`, made where they are missing.

    It is `folder/size` in the work folder of the data in `path`, or the one below `path` where all of them are there already.
    Raises CourseError for a relative `folder` that leads out of that place, where other data have theirs.
    """
    place, below = folder_for(path), Path(os.path.normpath(folder))
    if ".." in below.parts[:1]:
        raise CourseError(
            f"folder is {os.fspath(folder)!r}, which leads out of {place}, where what is made from these pictures "
            "belongs; give the name of a folder in it, or the full path of another"
        )
    shared, target = path / below / str(size), place / below / str(size)
    if shared != target and names and all(_is_copy(shared / name, path / name) for name in names):
        print(f"Using the copies of {size} pixels in {shared}, which are as old as their originals.")
        return shared
    write_copies(names, path, target, size)
    return target


def write_copies(names: Sequence[str], path: Path, target: Path, size: int) -> None:
    """Write `target/name` with a shorter side of `size` pixels for every `path/name`, but where there is an up-to-date copy.

    Each copy is moved into its place when it is complete and gets the time of change of its original, by which the next call
    knows it: to be stopped or killed half way costs only what was not done yet.

    Raises ImageError at the first picture that cannot be read, FileError where the copies cannot be written.
    """
    size = side(size)
    if outside := [name for name in names if Path(name).is_absolute() or ".." in Path(name).parts]:
        raise CourseError(f"cannot place a copy of {outside[0]}, which is outside {path}, below {target}")
    todo = [name for name in names if not _is_copy(target / name, path / name)]
    if not todo:
        return
    pool = ThreadPoolExecutor(usable_cpus(), thread_name_prefix="resize")  # Pillow and PyTorch compute side by side in threads
    try:
        with one_thread():
            done = pool.map(lambda name: write_copy(path / name, target / name, size), todo)
            for _ in Bar(done, total=len(todo), description=f"resizing to {size}"):
                pass
    finally:
        pool.shutdown(cancel_futures=True)


def write_copy(original: Path, copy: Path, size: int) -> None:
    """Write one copy with a shorter side of `size` pixels; a picture that is no larger is copied to the byte, once it was read.

    A JPEG keeps its colours at full resolution (`subsampling=0`): half of it, the usual, shows in pictures as small as these.
    """
    try:
        with opened(original) as image:
            small = min(image.size) <= size
            if small:
                with loaded(image):  # to know that it can be
                    pass
            else:
                image.draft(None, (size, size))
                smaller = resized(image, size)
    except ImageError as error:
        raise error.of_data() from error
    with replacing(copy) as part:
        if small:
            shutil.copyfile(original, part)
        else:
            _save(smaller, part)
        status = os.stat(original)
        os.utime(part, ns=(status.st_atime_ns, status.st_mtime_ns))


def _save(image: Image.Image, path: Path) -> None:
    kind = Image.registered_extensions().get(path.suffix.lower())
    if kind == "JPEG":  # which takes RGBX as it is
        image.save(path, kind, quality=95, subsampling=0)
    else:
        image.convert("RGB").save(path, kind if kind in FORMATS else "PNG", quality=95)


def _is_copy(copy: Path, original: Path) -> bool:
    try:
        return abs(os.stat(copy).st_mtime_ns - os.stat(original).st_mtime_ns) < SAME_TIME
    except (OSError, ValueError):  # ValueError: a name that no file can have, which whoever writes it tells
        return False
