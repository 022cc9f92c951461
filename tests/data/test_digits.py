import gzip
import hashlib
import struct

import numpy as np
import pytest

from course_utils.data.samples import digits
from course_utils.errors import CourseError

FILES = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    digits.draw(folder)
    return folder


def test_files_shapes_and_counts(drawn):
    assert sorted(file.name for file in drawn.iterdir()) == ["README.txt", *FILES]
    images, labels = (digits.read_idx(drawn / f"train-{name}.gz") for name in ("images-idx3-ubyte", "labels-idx1-ubyte"))
    assert (images.shape, images.dtype, labels.shape) == ((1437, 28, 28), np.uint8, (1437,))
    assert set(labels.tolist()) == set(range(10))
    assert images.max() == 255
    assert not images[:, :4].any()
    assert not images[:, :, 24:].any()


def test_each_scan_is_used_once_and_keeps_its_label(drawn):
    from sklearn.datasets import load_digits

    bunch = load_digits()
    want = sorted((digits.enlarge(scan).tobytes(), int(label)) for scan, label in zip(bunch.images, bunch.target, strict=True))
    have = []
    for part in ("train", "t10k"):
        images = digits.read_idx(drawn / f"{part}-images-idx3-ubyte.gz")
        labels = digits.read_idx(drawn / f"{part}-labels-idx1-ubyte.gz")
        have += [(image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True)]
    assert sorted(have) == want


def test_the_same_to_the_byte(drawn, tmp_path):
    digits.draw(tmp_path)
    for name in FILES:
        first, second = (hashlib.sha256((folder / name).read_bytes()).hexdigest() for folder in (drawn, tmp_path))
        assert first == second, name


def test_torchvision_reads_it(drawn, tmp_path):
    mnist = pytest.importorskip("torchvision.datasets.mnist")
    plain = tmp_path / "train-images-idx3-ubyte"
    plain.write_bytes(gzip.decompress((drawn / "train-images-idx3-ubyte.gz").read_bytes()))
    assert np.array_equal(mnist.read_image_file(str(plain)).numpy(), digits.read_idx(drawn / "train-images-idx3-ubyte.gz"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"),
        (b"\x89PNG", "not an IDX file"),
        (b"\0\0\x08\x00", "not an IDX file"),
        (b"\0\0\x07\x01" + struct.pack(">I", 3) + b"abc", "not an IDX file"),
        (b"\0\0\x08\x03\0\0", "ends inside its header"),
        (b"\0\0\x08\x01" + struct.pack(">I", 3) + b"ab", "holds 2"),
        (b"\0\0\x08\x01" + struct.pack(">I", 3) + b"abcd", "holds more"),
        (b"\0\0\x08\x04" + struct.pack(">4I", *[2**32 - 1] * 4), "more than any file of MNIST"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_malformed_files_are_named(tmp_path, content, message, packed):
    file = tmp_path / ("bad.gz" if packed else "bad")
    file.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(CourseError, match=message) as caught:
        digits.read_idx(file)
    assert str(file) in str(caught.value)


def test_damaged_archive_and_missing_file(tmp_path):
    file = tmp_path / "cut.gz"
    file.write_bytes(gzip.compress(b"\0\0\x08\x01" + struct.pack(">I", 1000) + bytes(range(250)) * 4)[:60])
    with pytest.raises(CourseError, match="cannot be unpacked"):
        digits.read_idx(file)
    file.write_bytes(b"not gzip at all")
    with pytest.raises(CourseError, match="cannot be unpacked"):
        digits.read_idx(file)
    with pytest.raises(CourseError, match="no file"):
        digits.read_idx(tmp_path / "nowhere")
