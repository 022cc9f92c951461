"""Scanned digits in MNIST's own file format: scikit-learn's 8 x 8 scans, enlarged to 28 x 28."""

import gzip
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.errors import CourseError
from course_utils.files import replacing

VERSION = 1
TRAIN = 1437  # of the 1,797 scans; the other 360 are held out, as MNIST holds out its t10k files
SIZE, BOX = 28, 20  # MNIST: the digit fills a box of 20 x 20 in the middle of 28 x 28
LARGEST_FILE = 1 << 30  # bytes of an unpacked file; MNIST's largest has 47 million

README = """Handwritten digits, enlarged
============================

These are not the MNIST images. They are the 1,797 digits that come with scikit-learn (load_digits), which were scanned
for the UCI set "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, CC BY 4.0) and have 8 x 8 pixels. Here they
are enlarged to 20 x 20 in the middle of 28 x 28 and stored in MNIST's format and file names, so that the same code reads both:
1,437 to train on, 360 held out. They are blurred, as anything enlarged is, and easier than MNIST.
"""

# the third byte of the magic number says how a value is stored, always big-endian
_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def draw(folder: Path, seed: int = 0, processes: int | None = None) -> None:
    """Write the digits into `folder` as MNIST's four files, the same bytes each time; `seed` decides which are held out.

    Images are uint8 of shape (number, 28, 28), ink 255 on paper 0; labels are uint8, 0-9. `processes` is not used.

    Raises CourseError where scikit-learn, which brings the scans, is not installed.
    """
    images, labels = _scans()
    order = np.random.default_rng(seed).permutation(len(labels))
    for name, chosen in (("train", order[:TRAIN]), ("t10k", order[TRAIN:])):
        write_idx(folder / f"{name}-images-idx3-ubyte.gz", np.stack([enlarge(image) for image in images[chosen]]))
        write_idx(folder / f"{name}-labels-idx1-ubyte.gz", labels[chosen].astype(np.uint8))
    with replacing(folder / "README.txt") as part:
        part.write_text(README, encoding="utf-8")


def _scans() -> tuple[NDArray[Any], NDArray[Any]]:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise CourseError("the digits come with scikit-learn, which is not installed: pip install scikit-learn") from error
    bunch = load_digits()
    return bunch.images, bunch.target


def enlarge(scan: NDArray[Any]) -> NDArray[np.uint8]:
    """An 8 x 8 scan with values 0-16 as a 28 x 28 image with values 0-255.

    >>> enlarge(np.full((8, 8), 16.0))[14, 12:16].tolist()
    [255, 255, 255, 255]
    """
    from PIL import Image

    grey = Image.fromarray((scan * 255 / 16).astype(np.float32))
    box = np.asarray(grey.resize((BOX, BOX), Image.Resampling.BICUBIC)).clip(0, 255).round()
    image = np.zeros((SIZE, SIZE), np.uint8)
    edge = (SIZE - BOX) // 2
    image[edge : edge + BOX, edge : edge + BOX] = box
    return image


def write_idx(path: Path, values: NDArray[np.uint8]) -> None:
    """Write an array of bytes in the IDX format of MNIST, packed with gzip and without a time stamp.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "tiny-idx1-ubyte.gz"
    >>> write_idx(file, np.array([5, 0, 4], np.uint8))
    >>> read_idx(file).tolist()
    [5, 0, 4]
    """
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    with replacing(path) as part, part.open("wb") as raw, gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as packed:
        packed.write(header + values.tobytes())


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read an IDX file of MNIST, packed with gzip (.gz) or not, as an array of the shape and type that it states.

    Raises CourseError where the file is missing, is not IDX, or does not hold as many bytes as its header says.
    """
    path = Path(path)
    try:
        opened = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115
        with opened as file:
            header = file.read(4)
            if len(header) < 4 or header[:2] != b"\0\0" or header[2] not in _TYPES or not 1 <= header[3] <= 4:
                raise CourseError(
                    f"{path} is not an IDX file: it begins with {header.hex(' ')} where 00 00 08 03 or the like stands"
                )
            dtype, axes = np.dtype(_TYPES[header[2]]), header[3]
            sizes = file.read(4 * axes)
            if len(sizes) < 4 * axes:
                raise CourseError(f"{path} ends inside its header; remove it and get it again")
            shape = struct.unpack(f">{axes}I", sizes)
            expected = dtype.itemsize
            for size in shape:
                expected *= size
            if expected > LARGEST_FILE:
                raise CourseError(
                    f"{path} says that it holds {expected:,} bytes, shape {shape}; that is more than any file of MNIST"
                )
            data = file.read(expected + 1)  # never more than was said, however much is packed into it
    except FileNotFoundError as error:
        raise CourseError(f"no file {path}; course_utils.data.get('digits') makes or downloads it") from error
    except (OSError, EOFError, zlib.error) as error:
        raise CourseError(f"{path} cannot be unpacked ({error}); remove it and get it again") from error
    if len(data) != expected:
        amount = "more" if len(data) > expected else f"{len(data):,}"
        raise CourseError(
            f"{path} should hold {expected:,} bytes of shape {shape} and holds {amount}; remove it and get it again"
        )
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="))
