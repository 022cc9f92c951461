"""What a picture takes to decode is known before, shared by threads and limited; kinds that are not safe are left closed."""

import struct
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils.vision import ImageError, read_image
from course_utils.vision.decoding import memory, pixels
from course_utils.vision.threads import Room


def png(path: Path, width: int, height: int, depth: int = 8, colours: int = 2) -> Path:
    """A PNG that says its size and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize(
    ("width", "height", "refused"),
    [(1, 89_000_000, True), (89_000_000, 1, False), (2, 44_000_000, False), (9400, 9400, False)],
)
def test_rows_are_counted_too(tmp_path: Path, width: int, height: int, refused: bool) -> None:
    """A row costs its address: 89,000,000 pixels below each other take a gigabyte, side by side a tenth."""
    with Image.open(png(tmp_path / "a.png", width, height, colours=0)) as image:
        assert (memory.decoded_bytes(image) > memory.MEMORY_LIMIT) is refused
    if refused:
        with pytest.raises(
            ImageError,
            match=f"{width} x {height} pixels .PNG, L. and takes 1,?.* MB to decode, more than.* 900. Save it smaller",
        ):
            read_image(tmp_path / "a.png", 160)


@pytest.mark.parametrize(
    ("suffix", "options"), [("jpg", {"progressive": True}), ("tif", {"compression": "tiff_lzw"}), ("webp", {})]
)
def test_what_decoders_take_is_counted(tmp_path: Path, suffix: str, options: dict[str, object]) -> None:
    Image.new("RGB", (400, 300)).save(tmp_path / f"a.{suffix}", **options)
    with Image.open(tmp_path / f"a.{suffix}") as image:
        assert memory.decoded_bytes(image) > 400 * 300 * 4 + 300 * 8
        before = memory.decoded_bytes(image)
        if suffix == "jpg":  # a decoder of a progressive JPEG holds all of it, however small it is to become
            image.draft(None, (40, 30))
            assert image.size == (50, 38)
            assert 400 * 300 * 6 <= memory.decoded_bytes(image) < before


def test_a_tile_larger_than_the_picture_is_refused(tmp_path: Path) -> None:
    """Ten pixels square, of which one tile is 100,000."""
    tags = [(256, 10), (257, 10), (258, 8), (259, 5), (262, 1), (277, 1), (322, 100_000), (323, 100_000), (324, 8), (325, 8)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    (tmp_path / "a.tif").write_bytes(
        b"II*\0" + struct.pack("<I", 16) + bytes(8) + struct.pack("<H", len(tags)) + entries + bytes(4)
    )
    with pytest.raises(ImageError, match="MB to decode, more than the limit"):
        read_image(tmp_path / "a.tif", 10)


@pytest.mark.parametrize(
    "content", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n", b"\x89HDF\r\n\x1a\n" + bytes(99)]
)
def test_kinds_that_are_not_safe_stay_closed(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.check_call", lambda *_, **__: pytest.fail("a program was started"))
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ImageError, match="not of a kind that Pillow reads and is safe"):
        read_image(tmp_path / "a.jpg", 10)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "I;16", "CMYK"])
@pytest.mark.parametrize("size", [(500, 300), (300, 500), (900, 100)])
def test_in_strips_it_looks_the_same(mode: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """A large picture is made smaller by a whole factor while it is converted, at most a few greys off."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    smooth = np.stack([x * 255 // width, y * 255 // height, (x + y) * 255 // (width + height)], axis=2).astype(np.uint8)
    image = (
        Image.fromarray(smooth[:, :, 0].astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(smooth).convert(mode)
    )
    whole, small = pixels.to_pixels(image), pixels.to_pixels(image, 20)
    monkeypatch.setattr(pixels, "LARGE", 1000)
    monkeypatch.setattr(pixels, "STRIP", 7 * width)
    assert np.array_equal(pixels.to_pixels(image), whole)
    in_strips = pixels.to_pixels(image, 20)
    assert in_strips.shape == small.shape
    assert np.abs(in_strips.astype(int) - small).mean() < 2


def test_out_of_memory_is_not_called_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(pixels, "_resize", full)
    with pytest.raises(ImageError, match=r"a\.png takes more memory to decode than this computer has left"):
        read_image(tmp_path / "a.png", 10)


def test_threads_wait_for_room_and_never_take_more_than_there_is() -> None:
    room, most, lock = Room(100), [0], threading.Lock()

    def work(size: int) -> None:
        for _ in range(50):
            with room.taken(size), lock:
                most[0] = max(most[0], room.size - room.left)

    threads = [threading.Thread(target=work, args=(size,)) for size in (10, 40, 60, 100, 500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    assert most[0] == 100
    assert room.left == 100


def test_room_is_given_back_after_an_error() -> None:
    room = Room(10)
    with pytest.raises(KeyboardInterrupt), room.taken(10):
        raise KeyboardInterrupt
    assert room.left == 10


@pytest.mark.parametrize("name", ["a\nb.png", "a\udcff.png", "x" * 300 + ".png", "a\0b.png", "$a_$.png"])
def test_names_of_any_kind_are_told_on_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImageError, match=r"\.png (does not exist|cannot be opened|is no name)") as caught:
        read_image(tmp_path / name)
    str(caught.value).encode()
    assert "\n" not in str(caught.value)
